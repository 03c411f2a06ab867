/* What people were told is saved: each such event has to come into the log, once, unless its office went back to a
 * backup from before, took it back, or was told that it was dropped. */
#ifndef ONWARD_SIM_PROMISES_H
#define ONWARD_SIM_PROMISES_H

#include "proto/wire/event.h"
#include "tests/sim/sim.h"

void promises_begin(void);
void promise_make(int node, const struct event *e);
void promise_kept(struct bytes nonce);                          /* it is in the log */
void promises_release(int node, const struct ref_id *referral); /* of one referral: taken back */
void promises_release_registry(int node);                       /* acts on the registry: dropped, and said so */
void promises_set_back(int node, uint64_t number);              /* those made since: the backup has none of them */
uint64_t promises_count(void);
void promises_check(void); /* all are kept */

#endif
