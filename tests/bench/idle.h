/* Organisations that are connected and say nothing: welcomed, with credit, and no mail that waits. */
#ifndef ONWARD_BENCH_IDLE_H
#define ONWARD_BENCH_IDLE_H

#include "tests/bench/exchange.h"

struct idle { /* a few processes hold all their connections */
  int hold;   /* closed: they end */
  size_t process_count;
  pid_t processes[8];
};
/* Returns when all of the first `count` of the exchange's idle offices were welcomed. */
void idle_connect(const struct exchange *x, size_t count, struct idle *out);
void idle_end(struct idle *i);

#endif
