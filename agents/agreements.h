/* Data-sharing agreements that end: the organisation itself and the registrars are warned 60, 30 and 7 days before. */
#ifndef ONWARD_AGREEMENTS_H
#define ONWARD_AGREEMENTS_H

#include <jansson.h>

#include "agents/agent.h"

/* Our own, and for registrars everybody's, that end within 60 days or have ended: a list of calls with until_ms, days
 * (whole ones that are left; -1: it has ended). New reference. */
json_t *agreements_json(struct agent *a, struct books *b);
/* Gives the notice of each warning, once. Call it often: it looks once an hour. */
void agreements_tick(struct agent *a);

#endif
