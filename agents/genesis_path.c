/* In a tree of n entries the sibling of entry 0 at level j covers entries 2^j to 2^(j+1), cut at n. Siblings that are
 * complete never change. The consistency proof ends with those that are new; only the last one of the old tree may be
 * incomplete, and what makes it grow is the beginning of the proof. */
#include "agents/genesis_path.h"

#include <string.h>

/* How many siblings: the levels j with 2^j < size. */
static size_t levels(uint64_t size)
{
  size_t n = 0;
  while (n < 64 && UINT64_C(1) << n < size)
    n++;
  return n;
}

/* The root of the tree of `size` that a proof from `old` begins with, seeds included (the new root of RFC 9162
 * section 2.1.4.2). */
static bool grown_root(uint64_t old, uint64_t size, const struct hash *proof, size_t count, struct hash *out)
{
  uint64_t first = old - 1, second = size - 1;
  if (count == 0)
    return false;
  for (; (first & 1) != 0; first >>= 1)
    second >>= 1;
  *out = proof[0];
  for (size_t i = 1; i < count; i++) {
    if ((first & 1) != 0 || first == second) {
      *out = merkle_node(&proof[i], out);
      for (; (first & 1) == 0 && first != 0; first >>= 1)
        second >>= 1;
    } else {
      *out = merkle_node(out, &proof[i]);
    }
    first >>= 1;
    second >>= 1;
  }
  return true;
}

static bool extend(struct genesis_path *path, uint64_t size, const struct hash *proof, size_t count)
{
  size_t had = levels(path->size), have = levels(size);
  size_t whole = had; /* siblings that stay as they are */
  uint64_t covered = had == 0 ? 1 : UINT64_C(1) << had;
  if (path->size < covered) {
    uint64_t half = covered / 2, part = (covered < size ? covered : size) - half;
    whole = had - 1;
    size_t later = have - had;
    /* the proof: what makes the incomplete sibling grow, the left half, the siblings of later levels */
    if (count < later + 2 || !grown_root(path->size - half, part, proof, count - later - 1, &path->hash[whole]))
      return false;
    whole++;
  }
  if (count < have - whole || have > MERKLE_PATH_MAX)
    return false;
  memcpy(&path->hash[whole], proof + count - (have - whole), (have - whole) * sizeof proof[0]);
  path->size = size;
  path->count = have;
  return true;
}

void genesis_path_extend(struct genesis_path *path, uint64_t size, const struct hash *proof, size_t count)
{
  if (path->size == 0 || path->size == size)
    return;
  if (!extend(path, size, proof, count))
    path->size = 0;
}
