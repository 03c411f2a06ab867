/* What the log lost of ours is said again: behind a restore of the exchange, from what our books had of it.
 *
 * A referral is submitted anew, sealed from our own copies, under the same id. A step whose answered entry is still
 * there is taken again. One that answered what is no more cannot be: the item says so, and people do it again.
 */
#ifndef ONWARD_AGAIN_H
#define ONWARD_AGAIN_H

#include "agents/agent.h"

/* Keeps all entries from `cut` on, ours to be said again, and the hashes of those below, before the books forget them.
 */
void again_keep(struct agent *a, struct books *b, uint64_t cut);
/* Says again what there is, once the mailbox was read to its end; what has sealed parts waits for unlocking.
 * Transactions of its own. */
void again_say(struct agent *a);
size_t again_waiting(struct books *b); /* how many wait, for either */
/* An entry below where the log continues, that is read again: false where it is another than it was. */
bool again_same(struct books *b, uint64_t index, struct bytes leaf);
/* An entry of others that was lost: a slice of the books. False: it is none. */
bool again_leaf(struct books *b, uint64_t index, struct bytes *leaf);

#endif
