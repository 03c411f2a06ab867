/* SHA-256 and the Merkle tree of RFC 6962 section 2.1: leaf hash SHA-256(0x00 || leaf), node hash SHA-256(0x01 || left
 * || right), the empty root SHA-256 of nothing, no duplicated last node. All sizes and indices are uint64 over their
 * full range. Verifiers never need the tree; provers read stored hashes through a function.
 */
#ifndef ONWARD_HASH_H
#define ONWARD_HASH_H

#include "proto/base/base.h"

#define MERKLE_PATH_MAX 64  /* hashes in an inclusion path */
#define MERKLE_PROOF_MAX 66 /* hashes in a consistency proof */

struct hash sha256(struct bytes b);
struct hash sha256_of(const struct bytes *parts, size_t count); /* of the concatenation */
struct hash merkle_leaf(struct bytes leaf);
struct hash merkle_node(const struct hash *left, const struct hash *right);

/* All nodes of a batch's tree, 1 to MERKLE_BATCH_MAX leaves: filled once, then every path is only looked up. */
#define MERKLE_BATCH_MAX 256
#define MERKLE_BATCH_PATH_MAX 8
struct merkle_batch {
  size_t count; /* leaves */
  struct hash root;
  struct hash node[2 * MERKLE_BATCH_MAX]; /* the leaves, the level above them, and so on */
};
void merkle_batch_fill(struct merkle_batch *b, const struct hash *leaves, size_t count);
size_t merkle_batch_path(const struct merkle_batch *b, size_t index, struct hash *path); /* how many hashes */

/* The same for a single question. The root of no leaves is the empty root. */
struct hash merkle_root(const struct hash *leaves, size_t count);
size_t merkle_path(const struct hash *leaves, size_t count, size_t index, struct hash *path);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. OK or BAD_INPUT. Consistency from size 0 is BAD_INPUT (it proves nothing);
 * from a size to itself needs an empty proof and equal roots. */
MUST_USE enum status merkle_verify_inclusion(const struct hash *leaf, uint64_t index, uint64_t size,
                                             const struct hash *path, size_t path_count, const struct hash *root);
MUST_USE enum status merkle_verify_consistency(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
                                               const struct hash *new_root, const struct hash *proof,
                                               size_t proof_count);

/* What a tree says of smaller ones, whatever anybody else says of them. With a consistency proof: the roots of both
 * sizes that it leads to. Where `old_size` is a power of two the old root is no result: it is what `old_root` is.
 * BAD_INPUT: sizes or the number of hashes do not fit each other. */
MUST_USE enum status merkle_consistency_roots(uint64_t old_size, uint64_t new_size, const struct hash *proof,
                                              size_t proof_count, struct hash *old_root, struct hash *new_root);
/* With an inclusion path that was verified: the root of the tree that ends behind that leaf, or (`leaf` is NULL; not
 * for index 0) before it. */
struct hash merkle_prefix_root(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *path);

/* Several leaves of one tree, one after another: the ways of two of them to the root meet, and from there on they are
 * the same. So of a later leaf only the hashes of its path below that place are told, and only those are hashed. They
 * are the first of the path; how many they are follows from the three numbers. */
size_t merkle_path_apart(uint64_t index, uint64_t before, uint64_t size);
struct merkle_way { /* of one leaf */
  uint64_t index;
  size_t count;                          /* hashes of its path */
  struct hash path[MERKLE_PATH_MAX];     /* whole */
  struct hash node[MERKLE_PATH_MAX + 1]; /* the leaf, and what came of it with each of them; the last is the root */
};
/* `way`: of the leaf before; NULL: there is none, and the path is whole. OK: the leaf is there, and `out`, where it is
 * wanted, is its own way; it may be `way` itself. Else BAD_INPUT, and `out` is untouched. */
MUST_USE enum status merkle_climb(const struct merkle_way *way, const struct hash *leaf, uint64_t index, uint64_t size,
                                  const struct hash *path, size_t path_count, const struct hash *root,
                                  struct merkle_way *out);

/* The growing tree. Stored hashes are numbered in the order in which they become known when leaves are appended one
 * after another: leaf 0, leaf 1, node(0,1), leaf 2, leaf 3, node(2,3), node(0..3), ... so that a store only ever
 * appends. (The numbering of Go's sumdb/tlog.) */
uint64_t merkle_stored_number(uint32_t level, uint64_t index); /* of the complete subtree of 2^level leaves */
uint64_t merkle_stored_count(uint64_t size);                   /* how many hashes are stored for a tree of `size` */

/* Gives the stored hash of that number. NOT_FOUND or OUR_FAULT is passed on to the caller. */
typedef enum status (*merkle_read)(void *context, uint64_t number, struct hash *out);

/* The hashes that appending a leaf as number `index` adds, in stored order, its own first. At most MERKLE_PATH_MAX. */
MUST_USE enum status merkle_append(uint64_t index, const struct hash *leaf, merkle_read read, void *context,
                                   struct hash *added, size_t *added_count);
MUST_USE enum status merkle_tree_root(uint64_t size, merkle_read read, void *context, struct hash *root);
MUST_USE enum status merkle_tree_path(uint64_t index, uint64_t size, merkle_read read, void *context, struct hash *path,
                                      size_t *path_count);
/* Of that path the hashes that the one of leaf `before` does not have: merkle_path_apart. */
MUST_USE enum status merkle_tree_path_apart(uint64_t index, uint64_t before, uint64_t size, merkle_read read,
                                            void *context, struct hash *path, size_t *path_count);
MUST_USE enum status merkle_tree_consistency(uint64_t old_size, uint64_t new_size, merkle_read read, void *context,
                                             struct hash *proof, size_t *proof_count);

#endif
