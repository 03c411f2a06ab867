/* A log of any length in little time: real signed events, read, admitted, judged and recorded by the code that the
 * exchange has for it, but in large turns, with nobody to be told. */
#ifndef ONWARD_BENCH_FILL_H
#define ONWARD_BENCH_FILL_H

#include "tests/bench/exchange.h"

struct filled {
  uint64_t entries;
  double fill_s;
  uint64_t disk_size; /* bytes of the books */
  uint64_t copy_size;
  double copy_s; /* of store_copy, with its sync */
};

/* Enrols the idle offices, and fills the log up to so many entries or a few thousand more. The exchange was halted. Of
 * sixteen referrals fifteen are closed, one is in its recipient's hands. `signed_together`: events under one signature,
 * 1 to 256. */
void fill_log(struct exchange *x, uint64_t entries, size_t signed_together, struct filled *out);

#endif
