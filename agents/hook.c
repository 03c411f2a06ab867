/* No shell between, nothing but two words as arguments, an empty standard input, no open file of ours: what is started
 * learns that there is an item, and no more.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/agent.h"
#include "agents/news.h"

#define RUNS_MAX_MS 60000

const char *news_word(enum news_kind kind)
{
  static const char *const words[] = {
      [NEWS_NEW] = "new",       [NEWS_CHANGED] = "changed",    [NEWS_OVERDUE] = "overdue",
      [NEWS_SAFETY] = "safety", [NEWS_DUTY] = "duty",          [NEWS_UNATTENDED] = "unattended",
      [NEWS_PLACE] = "place",   [NEWS_AGREEMENT] = "agreement"};
  return words[kind];
}

void hook_add(struct hook *h, const struct notice *n)
{
  for (size_t i = 0; i < h->count; i++)
    if (h->waiting[i].kind == n->kind && ref_id_equal(&h->waiting[i].id, &n->id))
      return;
  if (h->count == HOOK_WAITING_MAX) {
    say("hook: too slow, a notice was left out");
    return;
  }
  h->waiting[h->count++] = *n;
}

/* The child's signals are as usual, and it has no file of ours. */
static int spawn(const char *program, char *const words[], pid_t *child)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  must(posix_spawn_file_actions_init(&files) == 0 && posix_spawnattr_init(&how) == 0);
  must(posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0);
  must(posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0);
  must(posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1) == 0);
  must(posix_spawnattr_setsigdefault(&how, &usual) == 0);
  must(posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF) == 0);
  int error = posix_spawn(child, program, &files, &how, words, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  return error;
}

static void start(struct hook *h, const char *program, uint64_t now_ms)
{
  char path[128], id[2 * sizeof h->waiting[0].id.byte + 1], word[16];
  char *const words[] = {path, id, word, NULL};
  snprintf(path, sizeof path, "%s", program);
  hex_encode(BYTES(h->waiting[0].id.byte), id);
  snprintf(word, sizeof word, "%s", news_word(h->waiting[0].kind));
  memmove(h->waiting, h->waiting + 1, --h->count * sizeof h->waiting[0]);
  int error = spawn(program, words, &h->child);
  if (error != 0) {
    h->child = 0;
    say("hook: %s cannot be started: %s", program, strerror(error));
  }
  h->began_ms = now_ms;
}

bool hook_turn(struct hook *h, const char *program, uint64_t now_ms)
{
  int result;
  if (h->child != 0 && waitpid(h->child, &result, WNOHANG) != 0)
    h->child = 0;
  if (h->child != 0 && now_ms >= h->began_ms + RUNS_MAX_MS) {
    say("hook: did not end within a minute, and was ended");
    kill(h->child, SIGKILL);
    h->began_ms = now_ms;
  }
  if (h->child == 0 && h->count > 0)
    start(h, program, now_ms);
  return h->child != 0 || h->count > 0;
}
