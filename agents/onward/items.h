/* What lists and single items share. */
#ifndef ONWARD_ITEMS_H
#define ONWARD_ITEMS_H

#include "agents/onward/call.h"

#define OWN_SIZE 17
/* The id of this computer's organisation. */
MUST_USE enum exit_code client_own(struct call *c, char own[OWN_SIZE]);

#endif
