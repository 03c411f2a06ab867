/* What lists and single items share. */
#ifndef ONWARD_ITEMS_H
#define ONWARD_ITEMS_H

#include <jansson.h>

#include "agents/onward/call.h"

#define OWN_SIZE 17
/* The answer to that request, which the caller owns, and the id of this computer's organisation out of it. */
MUST_USE enum exit_code client_own(struct call *c, char own[OWN_SIZE], json_t **status);

void say_entry(const json_t *step); /* who did what, as one line of a history */

#endif
