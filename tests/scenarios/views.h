/* The second checker of everything: what each office works out from its own part of the log agrees with the whole. */
#ifndef ONWARD_TEST_VIEWS_H
#define ONWARD_TEST_VIEWS_H

#include "tests/unit/support.h"

/* For every member of the world, entry by entry: what follows from the log so far, beside what follows from the
 * registry and the member's mailbox, as an agent applies them; both over books in scratch stores below `folder`. The
 * referral that the entry is about must look the same wherever the member is its sender or the present recipient.
 * BAD_INPUT: `why` names entry, member and the first thing on which they differ. */
MUST_USE enum status views_agree(struct world *w, const char *folder, struct complaint *why);

#endif
