/* Referrals of a made-up network, for tests of reports: sent with what a report counts by, served at known hours. */
#ifndef ONWARD_TEST_REPORTED_H
#define ONWARD_TEST_REPORTED_H

#include "agents/audit/audit.h"
#include "tests/unit/support.h"

#define HOUR_MS 3600000ull
#define DAY_MS (24 * HOUR_MS)
#define ACT(name) ONWARD__CORE__ACT_##name

extern struct world world;
extern struct member *police, *school, *aple, *a21;
extern char *out, *err; /* of the last report */

struct sent {
  struct member *sender, *first, *second; /* second: NULL, none */
  Onward__ServiceGroup group;
  const char *area;
  Onward__Priority priority;
  bool drill;
};
struct ref_id submit(const struct sent *s);
void act_at(uint64_t time_ms, struct member *m, const struct ref_id *id, act_kind act);
/* Sent at `begin`, received after 1 h, read after 2 h, accepted after `accept_h`, begun after 20 h, done after 30 h,
 * closed after 40 h. Medium priority: no clock runs out. */
void straight(uint64_t begin_ms, struct member *sender, struct member *to, Onward__ServiceGroup group,
              unsigned accept_h);
enum audit_code report(struct audit_request q); /* `out` and `err` are what it said */

#endif
