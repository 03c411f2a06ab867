/* The thread that a turn may be written on. While one turn is on its way to the disk, the other thread hears, checks
 * and speaks. A turn belongs to one of the two at a time: it is handed over, and comes back committed. A small one in
 * quiet times is written where it is: waking the other thread would cost it more than it gains.
 */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/inside.h"

enum { ALONE_EVENTS_MAX = 4 };

static void pass_on(int fd)
{
  const uint64_t one = 1;
  must(write(fd, &one, sizeof one) == sizeof one);
}

static void wait_for(int fd)
{
  uint64_t count;
  while (read(fd, &count, sizeof count) != sizeof count)
    must(errno == EINTR);
}

static void *work_on(void *context)
{
  struct broker *b = context;
  for (;;) {
    wait_for(b->scribe.given);
    if (b->scribe.turn == NULL)
      return NULL;
    write_turn(b, b->scribe.turn);
    pass_on(b->scribe.done);
  }
}

bool scribe_start(struct broker *b)
{
  sigset_t all, before;
  struct scribe *w = &b->scribe;
  w->given = eventfd(0, EFD_CLOEXEC);
  w->done = eventfd(0, EFD_CLOEXEC);
  sigfillset(&all); /* signals go to the thread that waits at the door */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  w->runs = w->given >= 0 && w->done >= 0 && pthread_create(&w->thread, NULL, work_on, b) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return w->runs;
}

void scribe_stop(struct broker *b)
{
  struct scribe *w = &b->scribe;
  if (!w->runs)
    return;
  must(w->turn == NULL);
  pass_on(w->given);
  pthread_join(w->thread, NULL);
  close(w->given);
  close(w->done);
  w->runs = false;
}

static bool small(const struct turn_work *t)
{
  return t->waiting_count == 0 || (t->waiting_count == 1 && t->waiting[0].batch.count <= ALONE_EVENTS_MAX);
}

bool scribe_give(struct broker *b, struct turn_work *t, bool quiet)
{
  must(b->scribe.turn == NULL);
  if (quiet && small(t)) {
    write_turn(b, t);
    return true;
  }
  b->scribe.turn = t;
  pass_on(b->scribe.given);
  return false;
}

struct turn_work *scribe_take(struct broker *b, bool wait)
{
  struct pollfd done = {.fd = b->scribe.done, .events = POLLIN};
  struct turn_work *t = b->scribe.turn;
  if (t == NULL || (!wait && poll(&done, 1, 0) != 1))
    return NULL;
  wait_for(b->scribe.done);
  b->scribe.turn = NULL;
  return t;
}
