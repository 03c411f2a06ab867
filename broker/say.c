/* One line on stderr. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/inside.h"

void say(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  fprintf(stderr, "onward-broker: ");
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
}
