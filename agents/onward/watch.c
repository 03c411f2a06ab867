/* Waits for what others do, and says so: the item and the kind of step, nothing else. A command that is started for
 * each gets the same two words as its arguments; it has to end before the next one begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/words.h"

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
