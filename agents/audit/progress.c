/* The clock is asked every so many entries only. */
#include "agents/audit/progress.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 200, ENTRIES_PER_LOOK = 64, BAR_SIZE = 32 };

static uint64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct progress progress_begin(FILE *to, uint64_t total)
{
  struct progress p = {.to = isatty(fileno(to)) != 0 ? to : NULL, .total = total};
  if (p.to != NULL)
    p.begin_ms = p.next_ms = now_ms();
  return p;
}

static uint64_t rate_of(uint64_t done, uint64_t took_ms)
{
  return done * 1000 / (took_ms > 0 ? took_ms : 1);
}

void progress_step(struct progress *p, uint64_t done)
{
  static const char marks[] = "################################", dots[] = "................................";
  if (p->to == NULL || done % ENTRIES_PER_LOOK != 0)
    return;
  uint64_t now = now_ms(), rate = rate_of(done, now - p->begin_ms);
  if (now < p->next_ms)
    return;
  p->next_ms = now + EVERY_MS;
  uint64_t of = done < p->total ? p->total : done + 1, left_s = rate > 0 ? (of - done) / rate : 0;
  int bar = (int)(done * BAR_SIZE / of);
  fprintf(p->to, "\r[%.*s%.*s] %3" PRIu64 " %%  %" PRIu64 " entries, %" PRIu64 " a second, %" PRIu64 " s left\033[K",
          bar, marks, BAR_SIZE - bar, dots, done * 100 / of, done, rate, left_s);
  fflush(p->to);
}

void progress_end(struct progress *p, uint64_t done)
{
  if (p->to == NULL)
    return;
  uint64_t took_ms = now_ms() - p->begin_ms;
  fprintf(p->to, "\r%" PRIu64 " entries in %" PRIu64 ".%" PRIu64 " s, %" PRIu64 " a second\033[K\n", done,
          took_ms / 1000, took_ms % 1000 / 100, rate_of(done, took_ms));
}
