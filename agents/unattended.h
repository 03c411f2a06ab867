/* For the organisation of last resort: what the exchange said last of how much lies unattended at others. */
#ifndef ONWARD_UNATTENDED_H
#define ONWARD_UNATTENDED_H

#include <jansson.h>

#include "agents/agent.h"

void unattended_take(struct agent *a, struct books *b, const struct leaf *leaf, const Onward__Unattended *u);
/* Each organisation, with whom to telephone; a list, which may be empty. New reference. */
json_t *unattended_json(struct agent *a, struct books *b);

#endif
