/* Read in pieces into memory that is wiped. What is wrong with a file is told by line and column only. */
#include "agents/onward/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agents/json_wipe.h"
#include "agents/onward/questions.h"

#define FORM_SIZE_MAX 262144

static enum exit_code read_all(const struct call *c, const char *path, int fd, size_t limit, char *text, size_t *size)
{
  *size = 0;
  while (*size <= limit + 1) {
    ssize_t n = read(fd, text + *size, limit + 2 - *size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return call_fail(c, NO_SUCH, NULL, "cannot read %s: %s", path, strerror(errno));
    if (n == 0)
      break;
    *size += (size_t)n;
  }
  if (*size == limit + 1 && text[limit] == '\n') /* an editor's: not counted */
    *size = limit;
  if (*size > limit)
    return call_fail(c, WRONG_USAGE, NULL, "%s is too long: expected at most %zu bytes", path, limit);
  text[*size] = 0;
  return DONE;
}

enum exit_code input_read(const struct call *c, const char *path, size_t limit, char **text, size_t *size)
{
  bool standard = strcmp(path, "-") == 0;
  int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return call_fail(c, NO_SUCH, NULL, "cannot read %s: %s", path, strerror(errno));
  *text = wiped_alloc(limit + 3);
  must(*text != NULL);
  enum exit_code code = read_all(c, standard ? "standard input" : path, fd, limit, *text, size);
  if (!standard)
    close(fd);
  if (code != DONE) {
    wiped_free(*text);
    *text = NULL;
  }
  return code;
}

enum exit_code input_read_form(const struct call *c, const char *path, json_t **form)
{
  char *text = NULL;
  size_t size = 0;
  json_error_t error;
  *form = NULL;
  enum exit_code code = input_read(c, path, FORM_SIZE_MAX, &text, &size);
  if (code != DONE)
    return code;
  *form = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  wiped_free(text);
  if (*form == NULL)
    return call_fail(c, WRONG_USAGE, "see: onward refer --form", "this is not JSON, at line %d, column %d", error.line,
                     error.column);
  if (!json_is_object(*form)) {
    json_decref(*form);
    *form = NULL;
    return call_fail(c, WRONG_USAGE, "see: onward refer --form", "expected a JSON object");
  }
  form_prune(*form);
  return DONE;
}
