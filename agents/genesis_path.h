/* The inclusion path of the log's first entry, kept up to date from consistency proofs alone, so that a registrar can
 * write an invitation at any checkpoint without asking for it. RFC 6962 sections 2.1.1 and 2.1.2.
 */
#ifndef ONWARD_GENESIS_PATH_H
#define ONWARD_GENESIS_PATH_H

#include "proto/seal/hash.h"

struct genesis_path {
  uint64_t size; /* of the tree; 0: not known */
  uint64_t count;
  struct hash hash[MERKLE_PATH_MAX];
};

/* From the path in the tree of path->size to that of `size`, by the proof between the two, which the caller has
 * verified. A path that cannot be extended becomes unknown. */
void genesis_path_extend(struct genesis_path *path, uint64_t size, const struct hash *proof, size_t count);

#endif
