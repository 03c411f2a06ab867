/* The Merkle tree: published proofs, and our own tree of every small size against the definition of RFC 6962. */
#include "proto/seal/hash.h"

#include "tests/unit/vectors.h"

enum { SIZE_MAX_TRIED = 72, INCLUSION_FILES = 53, CONSISTENCY_FILES = 43 };

struct book { /* the stored hashes, as a store would keep them */
  struct hash stored[2 * SIZE_MAX_TRIED];
  uint64_t count;
  enum status answer; /* to every read, unless OK */
};

static struct book book;
static struct hash leaves[SIZE_MAX_TRIED];

static enum status book_read(void *context, uint64_t number, struct hash *out)
{
  const struct book *b = context;
  if (b->answer != OK)
    return b->answer;
  if (number >= b->count)
    return NOT_FOUND;
  *out = b->stored[number];
  return OK;
}

/* RFC 6962 section 2.1, word by word. */
static struct hash definition(const struct hash *from, size_t count)
{
  if (count == 0)
    return sha256(bytes_of(NULL, 0));
  if (count == 1)
    return from[0];
  size_t k = 1;
  while (2 * k < count)
    k *= 2;
  struct hash left = definition(from, k), right = definition(from + k, count - k);
  return merkle_node(&left, &right);
}

static void assert_hash(struct hash a, struct hash b)
{
  assert_memory_equal(a.byte, b.byte, sizeof a.byte);
}

static int set_up(void **state)
{
  (void)state;
  book.count = 0;
  book.answer = OK;
  for (size_t i = 0; i < SIZE_MAX_TRIED; i++) {
    const uint8_t entry[] = {'n', 'o', (uint8_t)i};
    leaves[i] = merkle_leaf(BYTES(entry));
    struct hash added[MERKLE_PATH_MAX];
    size_t count = 0;
    if (merkle_append(i, &leaves[i], book_read, &book, added, &count) != OK)
      return -1;
    memcpy(&book.stored[book.count], added, count * sizeof *added);
    book.count += count;
  }
  return 0;
}

static void sha256_is_the_published_one(void **state)
{
  (void)state;
  const struct bytes parts[] = {bytes_text("a"), bytes_of(NULL, 0), bytes_text("bc")};
  char text[65];
  hex_encode(BYTES(sha256(bytes_of(NULL, 0)).byte), text);
  assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hex_encode(BYTES(sha256(bytes_text("abc")).byte), text); /* FIPS 180-4's example */
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_hash(sha256_of(parts, 3), sha256(bytes_text("abc")));
  hex_encode(BYTES(merkle_leaf(bytes_of(NULL, 0)).byte), text); /* SHA-256 of one zero byte */
  assert_string_equal(text, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  assert_hash(sha256_of(NULL, 0), sha256(bytes_of(NULL, 0)));
}

/* False: what the vector calls a hash has another size, which our types cannot even say. */
static bool decode_hash(const char *text, struct hash *out)
{
  size_t size = 0;
  return base64_decode(bytes_text(text), out->byte, sizeof out->byte, &size) == OK && size == sizeof out->byte;
}

static bool decode_proof(const json_t *list, struct hash *proof, size_t capacity, size_t *count)
{
  *count = json_array_size(list); /* also 0 for null */
  assert_true(*count <= capacity);
  for (size_t i = 0; i < *count; i++)
    if (!decode_hash(json_string_value(json_array_get(list, i)), &proof[i]))
      return false;
  return true;
}

static void check(const char *name, const json_t *json, bool accepted)
{
  assert_true(json_is_boolean(json_object_get(json, "wantErr")));
  if (accepted == json_is_true(json_object_get(json, "wantErr")))
    fail_msg("%s: %s", name, accepted ? "accepted" : "refused");
}

static void inclusion_file(const char *name)
{
  struct bytes text = vectors_file(name);
  json_t *json = vectors_json(text, name);
  struct hash leaf, root, path[128];
  size_t count = 0;
  bool accepted =
      decode_hash(vectors_text(json, "leafHash"), &leaf) && decode_hash(vectors_text(json, "root"), &root) &&
      decode_proof(json_object_get(json, "proof"), path, 128, &count) &&
      merkle_verify_inclusion(&leaf, vectors_u64(text, "leafIdx"), vectors_u64(text, "treeSize"), path, count, &root) ==
          OK;
  check(name, json, accepted);
  json_decref(json);
  vectors_free(text);
}

static void consistency_file(const char *name)
{
  struct bytes text = vectors_file(name);
  json_t *json = vectors_json(text, name);
  struct hash old_root, new_root, proof[128];
  size_t count = 0;
  bool accepted = decode_hash(vectors_text(json, "root1"), &old_root) &&
                  decode_hash(vectors_text(json, "root2"), &new_root) &&
                  decode_proof(json_object_get(json, "proof"), proof, 128, &count) &&
                  merkle_verify_consistency(vectors_u64(text, "size1"), vectors_u64(text, "size2"), &old_root,
                                            &new_root, proof, count) == OK;
  check(name, json, accepted);
  json_decref(json);
  vectors_free(text);
}

static void published_inclusion_proofs(void **state)
{
  (void)state;
  assert_true(vectors_walk("merkle/inclusion", inclusion_file) >= (vectors_are_ours() ? INCLUSION_FILES : 1));
}

static void published_consistency_proofs(void **state)
{
  (void)state;
  assert_true(vectors_walk("merkle/consistency", consistency_file) >= (vectors_are_ours() ? CONSISTENCY_FILES : 1));
}

static void stored_hashes_have_no_gap(void **state)
{
  (void)state;
  uint64_t next = 0;
  for (uint64_t i = 0; i < SIZE_MAX_TRIED; i++) {
    assert_int_equal(merkle_stored_count(i), next);
    for (uint32_t level = 0; (i + 1) % (UINT64_C(1) << level) == 0; level++) {
      uint64_t width = UINT64_C(1) << level, first = i + 1 - width;
      assert_int_equal(merkle_stored_number(level, first / width), next);
      assert_hash(book.stored[next], definition(&leaves[first], width));
      next++;
    }
  }
  assert_int_equal(book.count, next);
  assert_int_equal(merkle_stored_count(UINT64_C(1) << 62), (UINT64_C(1) << 63) - 1);
  assert_int_equal(merkle_stored_number(62, 0), (UINT64_C(1) << 63) - 2);
}

static void every_root_is_that_of_the_definition(void **state)
{
  (void)state;
  for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
    struct hash root = definition(leaves, size), tree;
    assert_hash(merkle_root(leaves, size), root);
    assert_int_equal(merkle_tree_root(size, book_read, &book, &tree), OK);
    assert_hash(tree, root);
  }
}

static void path_fails_when_changed(size_t index, size_t size, const struct hash *root, struct hash *path, size_t count)
{
  const struct hash *leaf = &leaves[index], other = {{1}};
  for (size_t i = 0; i < count; i++) {
    path[i].byte[i % 32] ^= 0x10;
    assert_int_equal(merkle_verify_inclusion(leaf, index, size, path, count, root), BAD_INPUT);
    path[i].byte[i % 32] ^= 0x10;
  }
  if (count > 0) {
    assert_int_equal(merkle_verify_inclusion(leaf, index, size, path, count - 1, root), BAD_INPUT);
    assert_int_equal(merkle_verify_inclusion(leaf, index ^ 1, size, path, count, root), BAD_INPUT);
  }
  path[count] = *root;
  assert_int_equal(merkle_verify_inclusion(leaf, index, size, path, count + 1, root), BAD_INPUT);
  struct hash above = merkle_node(&path[count], root); /* a climb past the root */
  assert_int_equal(merkle_verify_inclusion(leaf, index, size, path, count + 1, &above), BAD_INPUT);
  assert_int_equal(merkle_verify_inclusion(&other, index, size, path, count, root), BAD_INPUT);
  assert_int_equal(merkle_verify_inclusion(leaf, index, size, path, count, &other), BAD_INPUT);
  assert_int_equal(merkle_verify_inclusion(leaf, size, size, path, count, root), BAD_INPUT);
}

static void every_path_verifies_and_no_changed_one(void **state)
{
  (void)state;
  for (size_t size = 1; size <= SIZE_MAX_TRIED; size++) {
    struct hash root = merkle_root(leaves, size);
    for (size_t index = 0; index < size; index++) {
      struct hash path[MERKLE_PATH_MAX + 1], tree_path[MERKLE_PATH_MAX];
      size_t tree_count = 0, count = merkle_path(leaves, size, index, path);
      assert_int_equal(merkle_verify_inclusion(&leaves[index], index, size, path, count, &root), OK);
      assert_int_equal(merkle_tree_path(index, size, book_read, &book, tree_path, &tree_count), OK);
      assert_int_equal(tree_count, count);
      assert_memory_equal(tree_path, path, count * sizeof *path);
      path_fails_when_changed(index, size, &root, path, count);
    }
    struct hash path[MERKLE_PATH_MAX];
    size_t count = 0;
    assert_int_equal(merkle_tree_path(size, size, book_read, &book, path, &count), BAD_INPUT);
  }
}

static void a_full_batch_has_paths_of_eight(void **state)
{
  (void)state;
  static struct hash many[MERKLE_BATCH_MAX];
  static struct merkle_batch batch;
  for (size_t i = 0; i < MERKLE_BATCH_MAX; i++)
    many[i] = merkle_leaf(bytes_of(&i, sizeof i));
  for (size_t count = MERKLE_BATCH_MAX - 3; count <= MERKLE_BATCH_MAX; count++) {
    merkle_batch_fill(&batch, many, count);
    assert_hash(batch.root, definition(many, count));
    for (size_t i = 0; i < count; i++) {
      struct hash path[MERKLE_BATCH_PATH_MAX];
      size_t path_count = merkle_batch_path(&batch, i, path);
      assert_true(path_count <= MERKLE_BATCH_PATH_MAX);
      assert_int_equal(merkle_verify_inclusion(&many[i], i, count, path, path_count, &batch.root), OK);
    }
  }
}

static void proof_fails_when_changed(uint64_t old_size, uint64_t new_size, struct hash *proof, size_t count)
{
  struct hash old_root = merkle_root(leaves, old_size), new_root = merkle_root(leaves, new_size), other = {{1}};
  for (size_t i = 0; i < count; i++) {
    proof[i].byte[i % 32] ^= 0x10;
    assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, proof, count), BAD_INPUT);
    proof[i].byte[i % 32] ^= 0x10;
  }
  if (count > 0)
    assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, proof, count - 1), BAD_INPUT);
  proof[count] = new_root;
  assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, proof, count + 1), BAD_INPUT);
  assert_int_equal(merkle_verify_consistency(old_size, new_size, &other, &new_root, proof, count), BAD_INPUT);
  assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &other, proof, count), BAD_INPUT);
}

static void every_two_sizes_are_consistent(void **state)
{
  (void)state;
  struct hash proof[MERKLE_PROOF_MAX + 1];
  size_t count = 0;
  for (uint64_t new_size = 0; new_size <= SIZE_MAX_TRIED; new_size++) {
    struct hash new_root = merkle_root(leaves, new_size), none = merkle_root(leaves, 0);
    assert_int_equal(merkle_tree_consistency(0, new_size, book_read, &book, proof, &count), BAD_INPUT);
    assert_int_equal(merkle_verify_consistency(0, new_size, &none, &new_root, proof, 0), BAD_INPUT);
    if (new_size > 3)
      assert_int_equal(merkle_verify_consistency(3, new_size, &none, &new_root, NULL, 0), BAD_INPUT);
    for (uint64_t old_size = 1; old_size <= new_size; old_size++) {
      struct hash old_root = merkle_root(leaves, old_size);
      assert_int_equal(merkle_tree_consistency(old_size, new_size, book_read, &book, proof, &count), OK);
      assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, proof, count), OK);
      proof_fails_when_changed(old_size, new_size, proof, count);
    }
    assert_int_equal(merkle_tree_consistency(new_size + 1, new_size, book_read, &book, proof, &count), BAD_INPUT);
    assert_int_equal(merkle_verify_consistency(new_size + 1, new_size, &new_root, &new_root, proof, 0), BAD_INPUT);
  }
}

/* Of each smaller size a tree tells the root, by a path and by a consistency proof. */
static void smaller_roots_follow_from_larger_trees(void **state)
{
  (void)state;
  struct hash proof[MERKLE_PROOF_MAX], old_root, new_root, before;
  size_t count = 0;
  for (uint64_t size = 1; size <= SIZE_MAX_TRIED; size++)
    for (uint64_t index = 0; index < size; index++) {
      assert_int_equal(merkle_tree_path(index, size, book_read, &book, proof, &count), OK);
      assert_hash(merkle_prefix_root(&leaves[index], index, size, proof), definition(leaves, index + 1));
      if (index == 0)
        continue;
      before = definition(leaves, index);
      assert_hash(merkle_prefix_root(NULL, index, size, proof), before);
      memset(&old_root, 7, sizeof old_root);
      if ((index & (index - 1)) == 0) /* of a whole tree it is told */
        old_root = before;
      assert_int_equal(merkle_tree_consistency(index, size, book_read, &book, proof, &count), OK);
      assert_int_equal(merkle_consistency_roots(index, size, proof, count, &old_root, &new_root), OK);
      assert_hash(old_root, before);
      assert_hash(new_root, definition(leaves, size));
      assert_int_equal(merkle_consistency_roots(index, size, proof, count - 1, &old_root, &new_root), BAD_INPUT);
      assert_int_equal(merkle_consistency_roots(size, size, proof, count, &old_root, &new_root), BAD_INPUT);
    }
}

static void the_largest_tree_has_a_path_of_64(void **state)
{
  (void)state;
  struct hash path[MERKLE_PATH_MAX + 1], first = leaves[0], last = leaves[0];
  for (size_t i = 0; i < MERKLE_PATH_MAX + 1; i++)
    path[i] = leaves[i];
  for (size_t i = 0; i < MERKLE_PATH_MAX; i++)
    first = merkle_node(&first, &path[i]);
  assert_int_equal(merkle_verify_inclusion(&leaves[0], 0, UINT64_MAX, path, 64, &first), OK);
  assert_int_equal(merkle_verify_inclusion(&leaves[0], 0, UINT64_MAX, path, 63, &first), BAD_INPUT);
  assert_int_equal(merkle_verify_inclusion(&leaves[0], 0, UINT64_MAX, path, 65, &first), BAD_INPUT);
  /* The last leaf of 2^64 - 1 has a partner on every level but its own. */
  for (size_t i = 0; i < MERKLE_PATH_MAX - 1; i++)
    last = merkle_node(&path[i], &last);
  assert_int_equal(merkle_verify_inclusion(&leaves[0], UINT64_MAX - 1, UINT64_MAX, path, 63, &last), OK);
  assert_int_equal(merkle_verify_inclusion(&leaves[0], UINT64_MAX, UINT64_MAX, path, 63, &last), BAD_INPUT);
}

static void a_failed_read_is_passed_on(void **state)
{
  (void)state;
  struct hash out[MERKLE_PROOF_MAX];
  size_t count = 0;
  book.answer = OUR_FAULT;
  assert_int_equal(merkle_append(7, &leaves[7], book_read, &book, out, &count), OUR_FAULT);
  assert_int_equal(merkle_tree_root(5, book_read, &book, out), OUR_FAULT);
  assert_int_equal(merkle_tree_path(2, 5, book_read, &book, out, &count), OUR_FAULT);
  assert_int_equal(merkle_tree_consistency(3, 5, book_read, &book, out, &count), OUR_FAULT);
  book.answer = OK;
  book.count -= 1;
  assert_int_equal(merkle_tree_root(SIZE_MAX_TRIED, book_read, &book, out), NOT_FOUND);
  book.count += 1;
}

/* Leaf `index` behind leaf `before`: what is told is what is apart, and nothing else is believed. */
static void climb_behind(uint64_t index, uint64_t before, uint64_t size, const struct hash *root)
{
  struct hash path[MERKLE_PATH_MAX + 1] = {{{0}}}, whole_path[MERKLE_PATH_MAX], other = leaves[index];
  struct merkle_way first, alone, way;
  size_t whole = 0, count = 0;
  assert_int_equal(merkle_tree_path(before, size, book_read, &book, path, &whole), OK);
  assert_int_equal(merkle_climb(NULL, &leaves[before], before, size, path, whole, root, &first), OK);
  assert_int_equal(merkle_tree_path(index, size, book_read, &book, path, &whole), OK);
  assert_int_equal(merkle_climb(NULL, &leaves[index], index, size, path, whole, root, &alone), OK);
  assert_int_equal(merkle_tree_path_apart(index, before, size, book_read, &book, path, &count), OK);
  assert_int_equal(count, merkle_path_apart(index, before, size));
  assert_int_equal(merkle_climb(&first, &leaves[index], index, size, path, count, root, &way), OK);
  assert_int_equal(way.count, alone.count);
  assert_memory_equal(way.node, alone.node, (way.count + 1) * sizeof way.node[0]);
  other.byte[0] ^= 1;
  assert_int_equal(merkle_climb(&first, &other, index, size, path, count, root, NULL), BAD_INPUT);
  assert_int_equal(merkle_climb(&first, &leaves[index], index, size, path, count + 1, root, NULL), BAD_INPUT);
  if (count > 0)
    assert_int_equal(merkle_climb(&first, &leaves[index], index, size, path, count - 1, root, NULL), BAD_INPUT);
  if (whole != count)
    assert_int_equal(merkle_climb(NULL, &leaves[index], index, size, path, count, root, NULL), BAD_INPUT);
  for (size_t i = 0; i < count; i++) {
    path[i].byte[31] ^= 1;
    assert_int_equal(merkle_climb(&first, &leaves[index], index, size, path, count, root, NULL), BAD_INPUT);
    path[i].byte[31] ^= 1;
  }
  assert_int_equal(merkle_tree_path(index, size, book_read, &book, whole_path, &whole), OK);
  assert_int_equal(way.count, whole);
  assert_memory_equal(way.path, whole_path, whole * sizeof whole_path[0]);
  assert_int_equal(merkle_climb(&first, &leaves[index], index, size, path, count, root, &first), OK); /* onto itself */
  assert_memory_equal(first.path, whole_path, whole * sizeof whole_path[0]);
  assert_memory_equal(first.node, alone.node, (way.count + 1) * sizeof way.node[0]);
}

static void ways_of_two_leaves_meet(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= 40; size++) {
    struct hash root = merkle_root(leaves, size);
    for (uint64_t index = 0; index < size; index++)
      for (uint64_t before = 0; before < size; before++)
        climb_behind(index, before, size, &root);
  }
}

static void what_is_apart_is_counted_up_to_the_largest_tree(void **state)
{
  (void)state;
  assert_int_equal(merkle_path_apart(5, 5, UINT64_MAX), 0);
  assert_int_equal(merkle_path_apart(0, UINT64_C(1) << 63, UINT64_MAX), 64);
  assert_int_equal(merkle_path_apart(UINT64_MAX - 1, 0, UINT64_MAX), 63); /* the last leaf has no partner */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_is_the_published_one),
      cmocka_unit_test(published_inclusion_proofs),
      cmocka_unit_test(published_consistency_proofs),
      cmocka_unit_test(stored_hashes_have_no_gap),
      cmocka_unit_test(every_root_is_that_of_the_definition),
      cmocka_unit_test(every_path_verifies_and_no_changed_one),
      cmocka_unit_test(a_full_batch_has_paths_of_eight),
      cmocka_unit_test(every_two_sizes_are_consistent),
      cmocka_unit_test(smaller_roots_follow_from_larger_trees),
      cmocka_unit_test(the_largest_tree_has_a_path_of_64),
      cmocka_unit_test(a_failed_read_is_passed_on),
      cmocka_unit_test(ways_of_two_leaves_meet),
      cmocka_unit_test(what_is_apart_is_counted_up_to_the_largest_tree),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
