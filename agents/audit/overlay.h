/* The books of a rebuild. Entries are the stored ones by their nature, and the tree over them is the stored one unless
 * something was altered: a row of these two that equals the stored row is not written a second time, but read from
 * there. All others are in a scratch file. */
#ifndef ONWARD_AUDIT_OVERLAY_H
#define ONWARD_AUDIT_OVERLAY_H

#include "proto/ledger/ledger.h"

struct overlay {
  struct books books;             /* first: its functions find the overlay behind it */
  struct books *stored, *scratch; /* not owned; `stored` may be NULL */
  uint64_t grown[TABLE_TREE + 1]; /* rows so far, of those two tables */
  bool differs;                   /* a hash is another than the stored one */
  void (*erased)(void *context, uint64_t index, uint8_t slot, uint64_t by); /* see rebuild_watch; NULL: nobody */
  void *context;
};
/* `stored` may be NULL, where its slices do not live as long as those of books must: then all is written. */
void overlay_init(struct overlay *o, struct books *stored, struct books *scratch);

#endif
