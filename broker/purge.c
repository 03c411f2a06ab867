/* Erasing for good: deleted rows stay in the books' file until it is written anew. Service pauses, the books are copied
 * row by row, the copy takes their place, and the log says so. A serving process is asked by a file, which it takes
 * away when the entry is on disk; it leaves another one where that was not possible.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/admin.h"
#include "broker/inside.h"

#define PURGE_ASKED "purge-asked"
#define PURGE_FAILED "purge-failed" /* with the reason */

enum { LOOK_EVERY_MS = 250, WAIT_MS = 100, PATH_SIZE = 300 };

static void path_of(const char *folder, const char *name, char path[PATH_SIZE])
{
  snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

/* Writes the books anew, and then the entry. NOT_NOW: not possible, and all is as it was. */
static enum status purge(struct broker *b, uint64_t *freed_bytes, char why[200])
{
  uint64_t begun_ms = clock_ms();
  enum status s = journal_purge(&b->journal, b->folder, b->config.map_size_gib << 30, freed_bytes, why);
  if (s != OK)
    return s;
  uint64_t now_ms = clock_ms();
  struct turn_work work = {.about = {.act = ONWARD__CORE__ACT_PURGED,
                                     .absent_ms = now_ms > begun_ms ? now_ms - begun_ms : 0,
                                     .freed_bytes = *freed_bytes}};
  write_turn(b, &work);
  publish(b, &work);
  if (work.status == NOT_NOW)
    snprintf(why, 200,
             "the books are written anew, but there was no room for the entry that says so: make room, and "
             "purge again");
  return b->exit_code == EXIT_STOPPED ? work.status : OUR_FAULT;
}

static void answer_failure(struct broker *b, const char *why)
{
  char path[PATH_SIZE], lost[200];
  say("not purged: %s", why);
  path_of(b->folder, PURGE_FAILED, path);
  if (file_write(path, bytes_text(why), lost) != OK)
    say("%s", lost);
}

void purge_if_asked(struct broker *b)
{
  char path[PATH_SIZE], why[200] = "";
  uint64_t freed, now_ms = clock_ms();
  if (now_ms >= b->purge_look_ms && now_ms < b->purge_look_ms + LOOK_EVERY_MS)
    return;
  b->purge_look_ms = now_ms;
  path_of(b->folder, PURGE_ASKED, path);
  if (access(path, F_OK) != 0)
    return;
  say("the books are written anew; nobody is heard until that is done");
  enum status s = purge(b, &freed, why);
  if (s == OK)
    say("the books are written anew: %llu bytes less", (unsigned long long)freed);
  else
    answer_failure(b, why);
  (void)unlink(path);
  if (s != OK && s != NOT_NOW && b->exit_code == EXIT_STOPPED)
    end(b, EXIT_UNREADABLE);
}

/* --- the command --- */

static int told(const char *what, const char *why)
{
  fprintf(stderr, "onward-broker: purge: %s%s%s\n", what, why[0] == 0 ? "" : ": ", why);
  return EXIT_CONFIG;
}

/* The serving process does it. */
static int ask(const char *folder)
{
  char asked[PATH_SIZE], failed[PATH_SIZE], why[200] = "";
  size_t size = 0;
  path_of(folder, PURGE_ASKED, asked);
  path_of(folder, PURGE_FAILED, failed);
  (void)unlink(failed);
  if (file_write(asked, bytes_text("asked\n"), why) != OK)
    return told("the exchange cannot be asked", why);
  while (access(asked, F_OK) == 0 && journal_is_served(folder))
    usleep(WAIT_MS * 1000);
  if (file_read(failed, why, sizeof why - 1, &size, (char[200]){0}) == OK) {
    why[size] = 0;
    return told("the exchange could not", why);
  }
  if (access(asked, F_OK) != 0) {
    printf("purged, while serving: onward-broker status %s\n", folder);
    return 0;
  }
  (void)unlink(asked);
  return told("the exchange stopped before it was done; ask again", "");
}

/* Nobody serves it: what the exchange says of its absence comes first. */
static int purge_here(const char *folder)
{
  static struct broker b; /* large: the key ring */
  char why[200] = "";
  uint64_t freed = 0;
  int code = broker_open(&b, folder);
  if (code == 0) {
    struct turn_work first = {.about = time_look(&b)};
    write_turn(&b, &first);
    publish(&b, &first);
    enum status s = b.exit_code == EXIT_STOPPED ? purge(&b, &freed, why) : OUR_FAULT;
    if (s != OK)
      code = told("not done", why);
  }
  broker_finish(&b);
  if (code == 0)
    printf("purged: %llu bytes less\n", (unsigned long long)freed);
  return code;
}

int admin_purge(const char *folder)
{
  struct stat there;
  if (stat(folder, &there) != 0)
    return told(folder, strerror(errno));
  if (journal_is_served(folder))
    return ask(folder);
  int lock = lock_folder(folder);
  if (lock < 0)
    return EXIT_CONFIG;
  int code = purge_here(folder);
  close(lock);
  return code;
}
