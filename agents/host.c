/* What the daemon asks of the computer that it runs on: the time, and a line on stderr. A simulator has its own. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "agents/agent.h"

uint64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t ticks_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void say(const char *format, ...)
{
  char line[512];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  for (char *c = line; *c != 0; c++) /* it may stand on a terminal */
    if ((unsigned char)*c < ' ' || *c == 0x7f)
      *c = '?';
  fprintf(stderr, "onward-agent: %s\n", line);
}
