/* The page: `onward-report-page`, which lies beside this program, makes it from the JSON. It writes into the file
 * itself, and knows nothing but what the JSON shows. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/audit/report/report.h"

#define MAKER "onward-report-page"

static bool maker_path(char out[PATH_MAX])
{
  char self[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
  if (size <= 0)
    return false;
  self[size] = 0;
  *(strrchr(self, '/') + 1) = 0;
  size = snprintf(out, PATH_MAX, "%s" MAKER, self);
  return size > 0 && size < PATH_MAX && access(out, X_OK) == 0;
}

/* A file without a name holds the JSON, so that neither side waits for the other. */
static int json_file(const struct report *r)
{
  struct rows file;
  if (!rows_open(1, &file))
    return -1;
  int copy = dup(file.file);
  FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
  if (out != NULL) {
    report_json(r, out);
    if (fclose(out) == 0 && lseek(file.file, 0, SEEK_SET) == 0)
      return file.file;
  }
  rows_close(&file);
  return -1;
}

/* Its exit code; -1: it could not be started, or did not end by itself. */
static int run_maker(char *path, int in, int out)
{
  char *arguments[] = {path, NULL};
  posix_spawn_file_actions_t actions;
  pid_t pid = 0;
  int status = 0;
  if (posix_spawn_file_actions_init(&actions) != 0)
    return -1;
  bool ready = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) == 0 &&
               posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0;
  errno = ready ? posix_spawn(&pid, path, &actions, NULL, arguments, environ) : ENOMEM;
  posix_spawn_file_actions_destroy(&actions);
  if (errno != 0)
    return -1;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum audit_code report_page(const struct report *r)
{
  const struct audit_request *q = r->request;
  const char *path = q->report.html;
  char maker[PATH_MAX];
  if (!maker_path(maker))
    return audit_tell(q, AUDIT_UNREADABLE, MAKER " is not beside onward-audit: install it again");
  int in = json_file(r);
  if (in < 0)
    return audit_tell(q, AUDIT_UNREADABLE, "cannot work in a temporary folder (set TMPDIR): %s", strerror(errno));
  int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) {
    close(in);
    return audit_tell(q, AUDIT_UNREADABLE, "cannot write %s: %s", path, strerror(errno));
  }
  int code = run_maker(maker, in, out);
  close(in);
  if (close(out) == 0 && code == 0)
    return AUDIT_FINE;
  unlink(path);
  return audit_tell(q, AUDIT_UNREADABLE, "the page was not made%s", code > 0 ? ", for the reason above" : "");
}
