/* A bounded piece of memory that is given back all at once: one per turn of the broker, one per message of an agent.
 * No allocation happens in it: the memory is the caller's. */
#ifndef ONWARD_ARENA_H
#define ONWARD_ARENA_H

#include "proto/base/base.h"

struct arena {
  uint8_t *memory; /* borrowed */
  size_t size;
  size_t used;
  size_t reached; /* the most that was ever used since it was wiped */
};

struct arena arena_of(void *memory, size_t size);
void *arena_alloc(struct arena *a, size_t size);          /* 16-aligned, not zeroed; NULL when full */
struct bytes arena_copy(struct arena *a, struct bytes b); /* empty when full and b is not */
void arena_reset(struct arena *a);
void arena_wipe(struct arena *a); /* overwrites all that was ever used, then resets: for opened cases */

#endif
