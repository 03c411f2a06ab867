/* What one organisation's manners cost another: a polite agent that submits once in a few milliseconds and waits for
 * its own receipt, alone, and beside one that floods or never reads. A new exchange for each.
 */
#ifndef ONWARD_BENCH_FAIRNESS_H
#define ONWARD_BENCH_FAIRNESS_H

#include "tests/bench/exchange.h"

#define FAIRNESS_FACTOR 10 /* by no more than this the other one moves a polite one's p99; stated in README.md */

/* False: it did by more. */
bool fairness_run(struct exchange *x, double seconds, bool json);

#endif
