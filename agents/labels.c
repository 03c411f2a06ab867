#include "agents/labels.h"

#include <stdlib.h>
#include <string.h>

const char *label_of(const char *code, enum language language)
{
  for (size_t i = 0; i < label_count; i++)
    if (strcmp(labels[i].code, code) == 0)
      return labels[i].text[language];
  return NULL;
}

enum language language_of_environment(void)
{
  static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = getenv(names[i]);
    if (value != NULL && value[0] != 0)
      return strncmp(value, "km", 2) == 0 && (value[2] == 0 || value[2] == '_') ? KHMER : ENGLISH;
  }
  return ENGLISH;
}
