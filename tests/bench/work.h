/* The workloads. A<n>: n agents, each with one unconfirmed submit. W<n>: one agent with n unconfirmed submits. B<n>: n
 * referrals on their way at a time, from the sender's submit over the recipient's receive, acknowledge and accept until
 * the sender has heard of them all; the recipient shows a case to nobody before its `receive` is in the log, so the two
 * others come behind that. */
#ifndef ONWARD_BENCH_WORK_H
#define ONWARD_BENCH_WORK_H

#include "tests/bench/exchange.h"

struct workload {
  const char *name;
  size_t senders;
  size_t window; /* of each sender */
  bool answered; /* there is a recipient, in office 0 */
};
extern const struct workload workloads[];
extern const size_t workload_count;

struct conditions {
  double seconds;
  size_t batch_max;
  const char *homes; /* NULL: agents remember in memory; else data folders of offices (exchange.h) */
};

struct figures { /* `each`: confirmed submit, or finished trip */
  double rate;   /* each per second */
  double p50_us, p99_us, max_us;
  double exchange_cores, agents_cores;
  double exchange_us, agents_us; /* CPU for each */
  double exchange_syncs_s, exchange_syncs;
  double agents_syncs_s, agents_syncs;
  double seal_us, open_us;          /* outside of all that is above */
  double start_ms;                  /* of the exchange, until it had welcomed somebody */
  uint64_t resident_kb, private_kb; /* of the exchange, at the end; the books' pages in its map are not private */
};

void work_run(struct exchange *x, const struct workload *w, const struct conditions *c, struct figures *out);

#endif
