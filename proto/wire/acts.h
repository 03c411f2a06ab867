/* What must hold between the fields of an event; each field fits by itself already. (docs/spec/2-events.md, section 2)
 */
#ifndef ONWARD_ACTS_H
#define ONWARD_ACTS_H

#include "proto/wire/event.h"

MUST_USE enum status act_check(const struct event *e, struct complaint *why);

#endif
