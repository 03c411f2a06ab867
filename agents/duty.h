/* What is done without a person: signing that a brief was stored, saying that one cannot be opened, sealing a case
 * again.
 */
#ifndef ONWARD_DUTY_H
#define ONWARD_DUTY_H

#include "agents/agent.h"
#include "agents/compose.h"

/* Looks at a referral after something came for it, in the same transaction. `read`: the mailbox is read to its end, so
 * what is missing now will not come by itself. */
MUST_USE enum status duty_settle(struct agent *a, struct books *b, const struct ref_id *id, bool read);
/* The same for all that had something missing. */
MUST_USE enum status duty_settle_open(struct agent *a, struct books *b);
/* An entry by somebody else on a referral of ours, after it was applied: is a case to be sealed again? */
void duty_notice(struct agent *a, struct books *b, const struct event *e);
/* The directory moved: cases that are sealed to a key that ended, and not read yet, are to be sealed again. */
void duty_check_keys(struct agent *a, struct books *b);
/* Seals again what is asked for, when unlocked; transactions of its own. */
void duty_reseal(struct agent *a);
size_t duty_waiting(struct books *b); /* cases that wait for unlocking */

/* A person has read it. */
MUST_USE enum status duty_acknowledge(struct agent *a, struct books *b, const struct item *item,
                                      const struct referral *r);
/* A part of it did not open: the sender is asked to seal it again, once for each body. */
MUST_USE enum status duty_damaged(struct agent *a, struct books *b, const struct ref_id *id);

/* Composes, judges nothing, and queues. Priority is the item's. */
MUST_USE enum status duty_queue(struct agent *a, struct books *b, const struct item *item, const Onward__Core *core,
                                const struct part *parts, size_t count);

#endif
