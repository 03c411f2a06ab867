/* The three clocks of the computer that the exchange runs on. A simulator has its own. */
#include <time.h>

#include "broker/inside.h"

static uint64_t now_of(clockid_t id)
{
  struct timespec t;
  must(clock_gettime(id, &t) == 0);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_ms(void)
{
  return now_of(CLOCK_REALTIME);
}

void watch_look(struct watch *w)
{
  w->real_ms = now_of(CLOCK_REALTIME);
  w->boot_ms = now_of(CLOCK_BOOTTIME);
  w->awake_ms = now_of(CLOCK_MONOTONIC);
}
