/* Beginning and end of a serving process: lock, configuration, keys, books checked, door; then turns until it is told
 * to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "broker/admin.h"
#include "broker/inside.h"

enum {
  BATCH_ARENA_SIZE = 192 * 1048576, /* bytes, for the batches of one turn; hear_all leaves room for one more */
  POST_ARENA_SIZE = 16 * 1048576,   /* bytes, for one message that goes out */
};

volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
  (void)signal;
  stop_asked = 1;
}

void end(struct broker *b, int code)
{
  b->exit_code = code;
  stop_asked = 1;
}

/* One process per folder. */
int lock_folder(const char *folder)
{
  char path[300];
  snprintf(path, sizeof path, "%s/lock", folder);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd < 0)
    say("%s: %s", path, strerror(errno));
  else
    say("%s: another onward-broker serves it", folder);
  if (fd >= 0)
    close(fd);
  return -1;
}

static bool make_rooms(struct broker *b)
{
  bool made = true;
  for (int i = 0; i < 2; i++) {
    struct turn_work *t = &b->work[i];
    t->arena = arena_of(malloc(BATCH_ARENA_SIZE), BATCH_ARENA_SIZE);
    t->waiting = calloc(b->config.turn_messages_max, sizeof t->waiting[0]);
    made = made && t->arena.memory != NULL && t->waiting != NULL;
  }
  b->heard = &b->work[0];
  b->scribe.arena = arena_of(malloc(TURN_ARENA_SIZE), TURN_ARENA_SIZE);
  b->post_arena = arena_of(malloc(POST_ARENA_SIZE), POST_ARENA_SIZE);
  return made && b->scribe.arena.memory != NULL && b->post_arena.memory != NULL &&
         sessions_init(&b->sessions, &b->config) == OK;
}

int broker_open(struct broker *b, const char *folder)
{
  struct settings_error error;
  char why[200] = "";
  b->folder = folder;
  if (restore_waits(folder) && !b->confirms) {
    say("%s was restored from a backup: a registrar signs " RESTORE_REQUEST " first (onward registrar restore FILE), "
        "then onward-broker confirm-restore",
        folder);
    return EXIT_CONFIG;
  }
  if (config_read(folder, &b->config, &error) != OK) {
    say("%s", error.text);
    return EXIT_CONFIG;
  }
  if (broker_keys_open(folder, why, &b->keys) != OK) {
    say("%s", why);
    return EXIT_CONFIG;
  }
  enum status s = journal_open(&b->journal, folder, &b->keys, b->config.map_size_gib << 30, false, why);
  if (s != OK) {
    say("%s", why);
    return s == BAD_INPUT ? EXIT_UNREADABLE : EXIT_CONFIG;
  }
  if (make_rooms(b))
    return 0;
  say("not enough memory");
  return EXIT_CONFIG;
}

int broker_start(struct broker *b, const char *folder)
{
  char why[200];
  int code = broker_open(b, folder);
  if (code != 0)
    return code;
  if (!scribe_start(b)) {
    say("not enough memory");
    return EXIT_CONFIG;
  }
  if (door_open(&b->door, &b->config, &b->keys, admits, b, why) != OK) {
    say("%s", why);
    return EXIT_CONFIG;
  }
  b->post = (struct post){&b->door, &b->journal, &b->post_arena, b->config.share_bytes};
  return 0;
}

void broker_finish(struct broker *b)
{
  char why[200];
  scribe_stop(b);
  for (size_t i = 0; b->door.router != NULL && i < b->sessions.max; i++)
    if (b->sessions.list[i].used && !b->sessions.list[i].leaving)
      post_goodbye(&b->post, &b->sessions.list[i].to, ONWARD__GOODBYE_REASON__STOPPING);
  if (b->holds)
    knock_done(&b->held);
  door_close(&b->door);
  if (b->journal.store != NULL && b->exit_code == EXIT_STOPPED && journal_alive(&b->journal, clock_ms(), why) != OK)
    say("%s", why);
  journal_close(&b->journal);
  key_ring_fini(&b->ring);
  sessions_fini(&b->sessions);
  key_ring_fini(&b->scribe.ring);
  free(b->scribe.arena.memory);
  free(b->post_arena.memory);
  for (int i = 0; i < 2; i++) {
    free(b->work[i].arena.memory);
    free(b->work[i].waiting);
  }
  broker_keys_close(&b->keys);
}

int broker_serve(const char *folder)
{
  static struct broker b; /* large: the key ring */
  struct sigaction on_stop = {.sa_handler = ask_stop}, ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGTERM, &on_stop, NULL);
  sigaction(SIGINT, &on_stop, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
  int lock = lock_folder(folder);
  if (lock < 0)
    return EXIT_CONFIG;
  b.exit_code = broker_start(&b, folder);
  if (b.exit_code == 0) {
    say("serving %s on %s: %llu entries, %s", b.journal.end.checkpoint.origin, b.config.listen,
        (unsigned long long)b.journal.end.head.size, b.journal.end.head.size == 1 ? "only the genesis" : "checked");
    while (!stop_asked)
      turn(&b);
    last_turn(&b);
    say("stopped");
  }
  broker_finish(&b);
  close(lock);
  return b.exit_code;
}
