/* What is overdue: a clock ran out, as the exchange has said, and what it waits for has not happened since. An agent
 * runs no clock itself: it sees a part of the log only.
 */
#ifndef ONWARD_OVERDUE_H
#define ONWARD_OVERDUE_H

#include "agents/tables.h"

/* Notes what an accepted entry means for it. `leg_before`: index of the leg that was the present one. */
void overdue_note(struct item *i, uint64_t index, const struct event *e, uint64_t leg_before, const struct referral *r);

#endif
