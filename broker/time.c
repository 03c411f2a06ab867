/* What the exchange says of its own time. It was away: that time counts for nobody. Its clock jumped: no clock of the
 * rules fires before an operator has looked. While the machine sleeps, the clock that counts sleep goes on and the
 * other stands still; when somebody sets the wall clock, it moves and neither of them does.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "broker/inside.h"

enum {
  AWAY_MS = 60000,             /* shorter absences are not worth an entry */
  JUMP_MS = 300000,            /* more than any correction of a clock that is kept right */
  ALIVE_EVERY_MS = 60000,      /* how often an idle exchange notes that it is there */
  BELIEVED_MS = 7 * 86400000u, /* an absence that is longer may as well be a clock that was set wrong */
};

static void path_of(const struct broker *b, char path[300])
{
  snprintf(path, 300, "%s/" TIME_CONFIRMED, b->folder);
}

static struct turn_about doubt(uint64_t jump_ms)
{
  say("the clock has jumped, or was away for long: no deadline fires until the time is confirmed (onward-broker "
      "confirm-time)");
  return (struct turn_about){.act = ONWARD__CORE__ACT_CLOCK_DOUBTED, .absent_ms = jump_ms};
}

/* At the first turn: against the time at which the process before this one was last there. */
static struct turn_about since_the_last_process(const struct broker *b)
{
  uint64_t alive_ms =
      b->journal.end.alive_ms > b->journal.end.head.time_ms ? b->journal.end.alive_ms : b->journal.end.head.time_ms;
  uint64_t now_ms = b->watch.real_ms;
  if (now_ms + JUMP_MS < alive_ms)
    return doubt(0);
  if (now_ms > alive_ms + BELIEVED_MS)
    return doubt(now_ms - alive_ms);
  if (now_ms > alive_ms + AWAY_MS)
    return (struct turn_about){.act = ONWARD__CORE__ACT_RESUMED, .absent_ms = now_ms - alive_ms};
  return (struct turn_about){.act = 0};
}

static struct turn_about since_the_last_turn(const struct watch *before, const struct watch *now)
{
  uint64_t real_ms = now->real_ms - before->real_ms, boot_ms = now->boot_ms - before->boot_ms,
           awake_ms = now->awake_ms - before->awake_ms;
  if (now->real_ms + JUMP_MS < before->real_ms + boot_ms)
    return doubt(0);
  if (real_ms < UINT64_MAX / 2 && real_ms > boot_ms + JUMP_MS)
    return doubt(real_ms);
  if (boot_ms > awake_ms + AWAY_MS)
    return (struct turn_about){.act = ONWARD__CORE__ACT_RESUMED, .absent_ms = boot_ms - awake_ms};
  return (struct turn_about){.act = 0};
}

struct turn_about time_look(struct broker *b)
{
  struct watch before = b->watch;
  char path[300];
  watch_look(&b->watch);
  if (b->journal.end.head.doubted_ms != 0) {
    path_of(b, path);
    if (unlink(path) != 0)
      return (struct turn_about){.act = 0};
    say("the time is confirmed");
    return (struct turn_about){.act = ONWARD__CORE__ACT_CLOCK_CONFIRMED, .absent_ms = UINT64_MAX};
  }
  return before.real_ms == 0 ? since_the_last_process(b) : since_the_last_turn(&before, &b->watch);
}

void time_note_alive(struct broker *b)
{
  char why[200] = "";
  if (b->watch.real_ms < b->journal.end.alive_ms + ALIVE_EVERY_MS)
    return;
  if (journal_alive(&b->journal, b->watch.real_ms, why) == OUR_FAULT) {
    say("a commit failed; what the disk holds is not known. Look at the disk, then start again: %s", why);
    end(b, EXIT_COMMIT);
  }
}
