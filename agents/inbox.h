/* What the exchange delivers: proved, applied to our own view, stored as received. Entries, sealed bodies, the reading
 * position and what we owe in answer are one transaction of the caller's. At least once on the wire, once in our books.
 */
#ifndef ONWARD_INBOX_H
#define ONWARD_INBOX_H

#include "agents/agent.h"

/* OK: stored. NOT_FOUND: the directory must be known up to `registry` first, or (0) an entry of our own was not kept
 * here and must be asked for whole; nothing was stored. BAD_INPUT: accused. NOT_NOW: no room. */
MUST_USE enum status inbox_take(struct agent *a, struct books *b, const Onward__Delivery *d, struct bytes sealed,
                                uint64_t *registry);

#endif
