/* What is said of a case that was offered, for measuring. */
#ifndef ONWARD_BENCH_ANSWERS_H
#define ONWARD_BENCH_ANSWERS_H

#include "tests/bench/speaker.h"

/* The recipient's `receive`, `acknowledge`, `accept` or `complete`, or the sender's `close`; in the arena. */
void answer_make(const struct self *self, const struct heard *offer, act_kind act, struct arena *a, struct event *out);

#endif
