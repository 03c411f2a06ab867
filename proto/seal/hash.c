/* The tree seen three ways. A verifier climbs from a leaf, or from an old root, with the hashes that it was given, and
 * at the end compares. A batch holds all nodes of a small tree, level above level. The growing tree reads complete
 * subtrees from a store and puts together the few incomplete ones on its right edge. A wrong proof is BAD_INPUT; a read
 * that fails is passed on; a library that cannot hash is a bug, since then nothing here can be true.
 */
#include "proto/seal/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static CRYPTO_ONCE sha256_once = CRYPTO_ONCE_STATIC_INIT;
static CRYPTO_THREAD_LOCAL sha256_context; /* an EVP_MD_CTX for each thread, freed when the thread ends */
static EVP_MD *sha256_method;              /* fetched once, for the life of the process */

static void context_free(void *context)
{
  EVP_MD_CTX_free(context);
}

static void sha256_prepare(void)
{
  sha256_method = EVP_MD_fetch(NULL, "SHA2-256", NULL);
  must(sha256_method != NULL && CRYPTO_THREAD_init_local(&sha256_context, context_free));
}

static EVP_MD_CTX *sha256_start(void)
{
  must(CRYPTO_THREAD_run_once(&sha256_once, sha256_prepare));
  EVP_MD_CTX *context = CRYPTO_THREAD_get_local(&sha256_context);
  if (context == NULL) {
    context = EVP_MD_CTX_new();
    must(context != NULL && CRYPTO_THREAD_set_local(&sha256_context, context));
  }
  must(EVP_DigestInit_ex2(context, sha256_method, NULL));
  return context;
}

struct hash sha256_of(const struct bytes *parts, size_t count)
{
  EVP_MD_CTX *context = sha256_start();
  for (size_t i = 0; i < count; i++)
    must(EVP_DigestUpdate(context, parts[i].data, parts[i].size));
  struct hash h;
  must(EVP_DigestFinal_ex(context, h.byte, NULL));
  return h;
}

struct hash sha256(struct bytes b)
{
  return sha256_of(&b, 1);
}

struct hash merkle_leaf(struct bytes leaf)
{
  static const uint8_t prefix[] = {0};
  const struct bytes parts[] = {BYTES(prefix), leaf};
  return sha256_of(parts, 2);
}

struct hash merkle_node(const struct hash *left, const struct hash *right)
{
  uint8_t node[1 + 2 * sizeof(struct hash)] = {1};
  memcpy(node + 1, left, sizeof *left);
  memcpy(node + 1 + sizeof *left, right, sizeof *right);
  return sha256(BYTES(node));
}

/* A level without a partner for its last node hands it up as it is: the same tree as that of RFC 6962, which splits at
 * the largest power of two. */
void merkle_batch_fill(struct merkle_batch *b, const struct hash *leaves, size_t count)
{
  must(count >= 1 && count <= MERKLE_BATCH_MAX);
  b->count = count;
  memcpy(b->node, leaves, count * sizeof *leaves);
  struct hash *level = b->node;
  for (size_t width = count; width > 1; width = (width + 1) / 2) {
    struct hash *above = level + width;
    for (size_t i = 0; i + 1 < width; i += 2)
      above[i / 2] = merkle_node(&level[i], &level[i + 1]);
    if (width % 2 != 0)
      above[width / 2] = level[width - 1];
    level = above;
  }
  b->root = level[0];
}

size_t merkle_batch_path(const struct merkle_batch *b, size_t index, struct hash *path)
{
  must(index < b->count);
  size_t path_count = 0;
  const struct hash *level = b->node;
  for (size_t width = b->count; width > 1; level += width, width = (width + 1) / 2, index /= 2)
    if ((index ^ 1) < width)
      path[path_count++] = level[index ^ 1];
  return path_count;
}

struct hash merkle_root(const struct hash *leaves, size_t count)
{
  if (count == 0)
    return sha256((struct bytes){NULL, 0});
  struct merkle_batch b;
  merkle_batch_fill(&b, leaves, count);
  return b.root;
}

size_t merkle_path(const struct hash *leaves, size_t count, size_t index, struct hash *path)
{
  struct merkle_batch b;
  merkle_batch_fill(&b, leaves, count);
  return merkle_batch_path(&b, index, path);
}

/* The climb of both verifiers: where the node is on its level, and where the last node of the level is. */
struct climb {
  uint64_t node;
  uint64_t last;
};

static void climb_level(struct climb *c)
{
  c->node /= 2;
  c->last /= 2;
}

/* One step with the next given hash: true when that hash stands on the left. */
static bool climb_past_left(struct climb *c)
{
  bool left = c->node % 2 != 0 || c->node == c->last;
  /* The last node of a level without a partner is the same node on the level above. */
  while (left && c->node % 2 == 0 && c->node != 0)
    climb_level(c);
  climb_level(c);
  return left;
}

/* Levels on which the two are in different subtrees. */
static uint32_t levels_apart(uint64_t one, uint64_t other)
{
  uint32_t levels = 0;
  for (uint64_t differ = one ^ other; differ != 0; differ >>= 1)
    levels++;
  return levels;
}

/* The siblings that the leaf meets on levels `from` to `to` - 1: on the right edge some levels have none. */
static size_t siblings_between(uint64_t index, uint64_t size, uint32_t from, uint32_t to)
{
  size_t count = 0;
  for (uint32_t level = from; level < to && level < 64 && (size - 1) >> level != 0; level++)
    count += (index >> level ^ 1) <= (size - 1) >> level;
  return count;
}

size_t merkle_path_apart(uint64_t index, uint64_t before, uint64_t size)
{
  return siblings_between(index, size, 0, levels_apart(index, before));
}

/* The lower part is this leaf's own, the rest that of the leaf before; `out` may be `way`. */
static void way_tell(struct merkle_way *out, const struct merkle_way *way, uint64_t index, size_t shared,
                     const struct hash *path, const struct hash *node, size_t own)
{
  out->index = index;
  if (way != NULL) {
    memmove(&out->path[own], &way->path[way->count - shared], shared * sizeof *path);
    memmove(&out->node[own], &way->node[way->count - shared], (shared + 1) * sizeof *node);
  } else
    out->node[own] = node[own];
  if (own > 0) {
    memcpy(out->path, path, own * sizeof *path);
    memcpy(out->node, node, own * sizeof *node);
  }
  out->count = own + shared;
}

enum status merkle_climb(const struct merkle_way *way, const struct hash *leaf, uint64_t index, uint64_t size,
                         const struct hash *path, size_t path_count, const struct hash *root, struct merkle_way *out)
{
  if (index >= size || path_count > MERKLE_PATH_MAX || (way != NULL && way->index >= size))
    return BAD_INPUT;
  uint32_t apart = way == NULL ? 64 : levels_apart(index, way->index);
  size_t shared = siblings_between(index, size, apart, 64);
  if (path_count != siblings_between(index, size, 0, apart) || (way != NULL && shared > way->count))
    return BAD_INPUT;
  struct climb c = {index, size - 1};
  struct hash node[MERKLE_PATH_MAX + 1];
  node[0] = *leaf;
  for (size_t i = 0; i < path_count; i++)
    node[i + 1] = climb_past_left(&c) ? merkle_node(&path[i], &node[i]) : merkle_node(&node[i], &path[i]);
  if (!hash_equal(&node[path_count], way == NULL ? root : &way->node[way->count - shared]))
    return BAD_INPUT;
  if (out != NULL)
    way_tell(out, way, index, shared, path, node, path_count);
  return OK;
}

enum status merkle_verify_inclusion(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *path,
                                    size_t path_count, const struct hash *root)
{
  return merkle_climb(NULL, leaf, index, size, path, path_count, root, NULL);
}

static bool is_power_of_two(uint64_t n)
{
  return (n & (n - 1)) == 0;
}

enum status merkle_consistency_roots(uint64_t old_size, uint64_t new_size, const struct hash *proof, size_t proof_count,
                                     struct hash *old_root, struct hash *new_root)
{
  if (old_size == 0 || old_size >= new_size || proof_count == 0)
    return BAD_INPUT;
  struct climb c = {old_size - 1, new_size - 1};
  while (c.node % 2 != 0)
    climb_level(&c);
  /* Of a whole tree the old root is itself a node of the new one, and is left out of the proof. */
  size_t i = is_power_of_two(old_size) ? 0 : 1;
  struct hash old_hash = i == 0 ? *old_root : proof[0];
  struct hash new_hash = old_hash;
  for (; i < proof_count; i++) {
    if (c.last == 0)
      return BAD_INPUT;
    if (climb_past_left(&c)) {
      old_hash = merkle_node(&proof[i], &old_hash);
      new_hash = merkle_node(&proof[i], &new_hash);
    } else
      new_hash = merkle_node(&new_hash, &proof[i]);
  }
  if (c.last != 0)
    return BAD_INPUT;
  *old_root = old_hash;
  *new_root = new_hash;
  return OK;
}

enum status merkle_verify_consistency(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
                                      const struct hash *new_root, const struct hash *proof, size_t proof_count)
{
  struct hash old_hash = *old_root, new_hash;
  if (old_size == new_size && old_size != 0)
    return proof_count == 0 && hash_equal(old_root, new_root) ? OK : BAD_INPUT;
  if (merkle_consistency_roots(old_size, new_size, proof, proof_count, &old_hash, &new_hash) != OK)
    return BAD_INPUT;
  return hash_equal(&old_hash, old_root) && hash_equal(&new_hash, new_root) ? OK : BAD_INPUT;
}

/* All that is on the left of the leaf is whole, and is on its way to the root. */
struct hash merkle_prefix_root(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *path)
{
  struct climb c = {index, size - 1};
  struct hash root;
  bool empty = leaf == NULL;
  must(index < size && (index > 0 || !empty));
  if (!empty)
    root = *leaf;
  for (size_t i = 0; c.node != 0; i++) {
    if (!climb_past_left(&c))
      continue;
    root = empty ? path[i] : merkle_node(&path[i], &root);
    empty = false;
  }
  return root;
}

/* There are size, size / 2, size / 4 ... complete subtrees on the levels. */
uint64_t merkle_stored_count(uint64_t size)
{
  must(size <= UINT64_MAX / 2);
  uint64_t count = 0;
  for (; size != 0; size /= 2)
    count += size;
  return count;
}

/* A subtree is known with its last leaf, `level` numbers after that leaf itself. */
uint64_t merkle_stored_number(uint32_t level, uint64_t index)
{
  must(level < 64);
  return merkle_stored_count(((index + 1) << level) - 1) + level;
}

enum status merkle_append(uint64_t index, const struct hash *leaf, merkle_read read, void *context, struct hash *added,
                          size_t *added_count)
{
  added[0] = *leaf;
  uint32_t level = 0;
  for (; (index >> level) % 2 != 0; level++) {
    struct hash left;
    enum status s = read(context, merkle_stored_number(level, (index >> level) - 1), &left);
    if (s != OK)
      return s;
    added[level + 1] = merkle_node(&left, &added[level]);
  }
  *added_count = level + 1;
  return OK;
}

/* The root over leaves begin to begin + size - 1, where `begin` is where a subtree of at least `size` leaves begins.
 * Its complete subtrees are joined from the right, the smallest first. */
static enum status range_root(uint64_t begin, uint64_t size, merkle_read read, void *context, struct hash *root)
{
  bool first = true;
  for (uint32_t level = 0; level < 64 && size >> level != 0; level++) {
    if ((size >> level) % 2 == 0)
      continue;
    struct hash subtree;
    enum status s = read(context, merkle_stored_number(level, (begin >> level) + (size >> level) - 1), &subtree);
    if (s != OK)
      return s;
    *root = first ? subtree : merkle_node(&subtree, root);
    first = false;
  }
  return OK;
}

enum status merkle_tree_root(uint64_t size, merkle_read read, void *context, struct hash *root)
{
  *root = sha256((struct bytes){NULL, 0});
  return range_root(0, size, read, context, root);
}

/* Adds the siblings that the subtree with leaf `index` on `level` meets on its way up, below level `to`. */
static enum status siblings(uint32_t level, uint32_t to, uint64_t index, uint64_t size, merkle_read read, void *context,
                            struct hash *path, size_t *path_count)
{
  for (; level < to && (size - 1) >> level != 0; level++) {
    uint64_t begin = (index >> level ^ 1) << level;
    if (begin >= size)
      continue;
    uint64_t width = UINT64_C(1) << level;
    uint64_t count = width < size - begin ? width : size - begin;
    enum status s = range_root(begin, count, read, context, &path[*path_count]);
    if (s != OK)
      return s;
    *path_count += 1;
  }
  return OK;
}

enum status merkle_tree_path(uint64_t index, uint64_t size, merkle_read read, void *context, struct hash *path,
                             size_t *path_count)
{
  *path_count = 0;
  return index < size ? siblings(0, 64, index, size, read, context, path, path_count) : BAD_INPUT;
}

enum status merkle_tree_path_apart(uint64_t index, uint64_t before, uint64_t size, merkle_read read, void *context,
                                   struct hash *path, size_t *path_count)
{
  *path_count = 0;
  return index < size && before < size
             ? siblings(0, levels_apart(index, before), index, size, read, context, path, path_count)
             : BAD_INPUT;
}

enum status merkle_tree_consistency(uint64_t old_size, uint64_t new_size, merkle_read read, void *context,
                                    struct hash *proof, size_t *proof_count)
{
  *proof_count = 0;
  if (old_size == 0 || old_size > new_size)
    return BAD_INPUT;
  if (old_size == new_size)
    return OK;
  uint32_t level = 0; /* of the last complete subtree in the old tree */
  while ((old_size >> level) % 2 == 0)
    level++;
  if (!is_power_of_two(old_size)) {
    enum status s = read(context, merkle_stored_number(level, (old_size >> level) - 1), &proof[0]);
    if (s != OK)
      return s;
    *proof_count = 1;
  }
  return siblings(level, 64, old_size - 1, new_size, read, context, proof, proof_count);
}
