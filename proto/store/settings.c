/* inih reads the lines; each is held against the table. Keys that are unknown, doubled, missing or out of their limits
 * are errors, never warnings: a limit that was mistyped would otherwise silently be another. */
#include "proto/store/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MAX = 64 };

struct reading {
  const char *path;
  const struct setting *table;
  size_t count;
  void *out;
  struct settings_error *error;
  FILE *file;
  int line;
  int wrong_line; /* of the complaint */
  bool seen[SETTINGS_MAX];
};

static int complain(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Answers 0: what inih's handler says of a line that is wrong. */
static int complain(struct reading *r, const char *format, ...)
{
  char what[300];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  snprintf(r->error->text, sizeof r->error->text, "%s:%d: %s", r->path, r->line, what);
  r->wrong_line = r->line;
  return 0;
}

static int take_number(struct reading *r, const struct setting *s, const char *value)
{
  char *end;
  errno = 0;
  unsigned long long n = strtoull(value, &end, 10);
  bool digits = value[0] >= '0' && value[0] <= '9' && *end == 0;
  if (!digits || errno != 0 || n < s->min || n > s->max)
    return complain(r, "%s: expected a number from %llu to %llu", s->key, (unsigned long long)s->min,
                    (unsigned long long)s->max);
  *(uint64_t *)((char *)r->out + s->offset) = n;
  return 1;
}

static int take_text(struct reading *r, const struct setting *s, const char *value)
{
  size_t size = strlen(value);
  if (size < s->min || size > s->max || (s->check != NULL && !s->check(value)))
    return complain(r, "%s: expected %s", s->key, s->expected);
  memcpy((char *)r->out + s->offset, value, size + 1);
  return 1;
}

static int take_flag(struct reading *r, const struct setting *s, const char *value)
{
  if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
    return complain(r, "%s: expected yes or no", s->key);
  *(bool *)((char *)r->out + s->offset) = value[0] == 'y';
  return 1;
}

/* Debian's inih does not tell the handler the line: we count those that we hand it. */
static char *next_line(char *text, int size, void *stream)
{
  struct reading *r = stream;
  r->line++;
  return fgets(text, size, r->file);
}

static int take(void *user, const char *section, const char *key, const char *value)
{
  struct reading *r = user;
  if (r->error->text[0] != 0)
    return 0;
  for (size_t i = 0; i < r->count; i++) {
    const struct setting *s = &r->table[i];
    if (strcmp(s->section, section) != 0 || strcmp(s->key, key) != 0)
      continue;
    if (r->seen[i])
      return complain(r, "%s: stands here for the second time", key);
    r->seen[i] = true;
    return s->kind == SETTING_NUMBER ? take_number(r, s, value)
           : s->kind == SETTING_TEXT ? take_text(r, s, value)
                                     : take_flag(r, s, value);
  }
  return complain(r, "%.60s: there is no such key in section [%.60s]; the man page lists them", key, section);
}

enum status settings_read(const char *path, const struct setting *table, size_t count, void *out,
                          struct settings_error *error)
{
  struct reading r = {.path = path, .table = table, .count = count, .out = out, .error = error};
  must(count <= SETTINGS_MAX);
  error->text[0] = 0;
  r.file = fopen(path, "re");
  if (r.file == NULL) {
    snprintf(error->text, sizeof error->text, "%s: cannot be read: %s", path, strerror(errno));
    return NOT_FOUND;
  }
  int failed = ini_parse_stream(next_line, &r, take, &r);
  fclose(r.file);
  if (failed > 0 && (error->text[0] == 0 || failed < r.wrong_line)) { /* the first one is the cause */
    r.line = failed;
    complain(&r, "expected [section] or key = value");
  }
  for (size_t i = 0; i < count && error->text[0] == 0; i++)
    if (table[i].compulsory && !r.seen[i])
      snprintf(error->text, sizeof error->text, "%s: %s is missing in section [%s]: expected %s", path, table[i].key,
               table[i].section, table[i].expected);
  return error->text[0] == 0 ? OK : BAD_INPUT;
}

bool settings_is_address(const char *text)
{
  const char *port = strrchr(text, ':');
  if (strncmp(text, "tcp://", 6) != 0 || port == NULL || port <= text + 6)
    return false;
  char *end;
  unsigned long n = strtoul(port + 1, &end, 10);
  return port[1] >= '0' && port[1] <= '9' && *end == 0 && n >= 1 && n <= 65535;
}
