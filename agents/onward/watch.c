/* Waits for what others do, and says so: the item and the kind of step, nothing else. A command that is started for
 * each gets the same two words as its arguments; it has to end before the next one begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/words.h"

static bool is_program(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* As execvp looks for it. Said at the start: the first event may come at night. */
static bool find_program(const char *name)
{
  const char *folders = getenv("PATH");
  if (strchr(name, '/') != NULL)
    return is_program(name);
  for (const char *p = folders == NULL ? "/bin:/usr/bin" : folders; name[0] != 0; p++) {
    char path[4096];
    int size = (int)strcspn(p, ":");
    if (snprintf(path, sizeof path, "%.*s/%s", size == 0 ? 1 : size, size == 0 ? "." : p, name) < (int)sizeof path &&
        is_program(path))
      return true;
    p += size;
    if (*p == 0)
      break;
  }
  return false;
}

/* No shell between: what others wrote is never read as a command. */
static enum exit_code run_hook(const struct call *c, const char *program, const char *id, const char *kind)
{
  char *const words[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)id, (char *)(uintptr_t)kind, NULL};
  fflush(stdout);
  pid_t child = fork();
  if (child < 0)
    return call_fail(c, BROKEN, NULL, "cannot start %s: %s", program, strerror(errno));
  if (child == 0) {
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0)
      dup2(nothing, STDIN_FILENO);
    execvp(program, words);
    _exit(127);
  }
  int result = 0;
  while (waitpid(child, &result, 0) < 0 && errno == EINTR)
    continue;
  if (WIFEXITED(result) && WEXITSTATUS(result) == 127)
    return call_fail(c, NO_SUCH, NULL, "cannot start %s", program);
  return DONE;
}

static enum exit_code tell_event(const struct call *c, const json_t *line)
{
  const json_t *event = json_object_get(line, "event");
  const char *program = call_option(c, "--exec"), *kind = text_of(event, "kind");
  if (event == NULL)
    return DONE;
  if (program != NULL)
    return run_hook(c, program, text_of(event, "id"), kind);
  if (!client_print_json(c, line))
    say("%s %s\n", text_of(event, "short"), kind);
  fflush(stdout);
  return DONE;
}

enum exit_code run_watch(struct call *c)
{
  json_t *line = NULL;
  const char *program = call_option(c, "--exec");
  if (program != NULL && !find_program(program))
    return call_fail(c, NO_SUCH, NULL, "there is no program %s that could be started", program);
  enum exit_code code = client_do(c, client_request("watch"), &line);
  while (code == DONE) {
    json_decref(line);
    line = NULL;
    code = client_next(c, &line);
    if (code == DONE)
      code = tell_event(c, line);
  }
  json_decref(line);
  return code;
}
