/* What a recipient says of a case that it was offered, for measuring. */
#ifndef ONWARD_BENCH_ANSWERS_H
#define ONWARD_BENCH_ANSWERS_H

#include "tests/bench/speaker.h"

/* Its `receive`, `acknowledge` or `accept`; in the arena. */
void answer_make(const struct self *self, const struct heard *offer, act_kind act, struct arena *a, struct event *out);

#endif
