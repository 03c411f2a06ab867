/* The first checker of everything: the log of a made-up world, replayed over empty books, gives the same books. */
#ifndef ONWARD_TEST_REBUILD_H
#define ONWARD_TEST_REBUILD_H

#include "tests/unit/support.h"

/* Replays all entries of the world's log in a scratch store below `folder` and compares every derived table byte for
 * byte. BAD_INPUT: `why` names the entry that broke the contract, or the first table that differs. */
MUST_USE enum status rebuild(struct world *w, const char *folder, struct complaint *why);

/* The same log with each entry in turn left out, doubled, swapped with the next, and changed in every byte of its fixed
 * header and in some of the rest: none of these may replay to the root that the exchange signed. Gives how many were
 * tried, and how many of them the contract itself refused (the others are only caught by the signed root). */
MUST_USE enum status rebuild_tampered(struct world *w, const char *folder, size_t *tried, size_t *refused,
                                      struct complaint *why);

/* Writes the world's log into a file; replays the log of a file, and gives a digest of all that follows from it. */
MUST_USE enum status rebuild_write(struct world *w, const char *path);
MUST_USE enum status rebuild_file(const char *path, const char *folder, struct hash *digest, struct complaint *why);

#endif
