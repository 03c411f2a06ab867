/* For a registrar: what it is told of referrals in which it has no part. A sender that was cut off reads nothing, so
 * what it is told, the registrars are told too; and they are told of a duty to erase that nobody answers. They learn
 * the referral's number, the step and whose it was; never its content, nor who else has it.
 * (docs/spec/4-referral.md, [REF-17], [REF-31])
 */
#ifndef ONWARD_TOLD_H
#define ONWARD_TOLD_H

#include <jansson.h>

#include "agents/agent.h"

/* Whether we are a registrar and not this referral's sender. `r`: NULL, we do not know it. */
bool told_may_be(struct agent *a, struct books *b, const struct referral *r);
/* Whether an entry that may be told to us as a registrar is told for no other reason. */
bool told_only(const struct agent *a, const struct event *e, bool known);

void told_take(struct agent *a, struct books *b, const struct leaf *leaf, const struct event *e);
/* The newest step of each referral, with whom to telephone; a list, which may be empty. New reference. */
json_t *told_json(struct agent *a, struct books *b);

#endif
