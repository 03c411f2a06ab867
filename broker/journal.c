/* The happy path is journal_commit: root, checkpoint, one transaction. At opening nothing is believed because it is
 * there: the checkpoint must be ours and fit the tree, and the newest entries are hashed again and must lie in it. */
#include "broker/journal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/ledger/rows.h"

enum { REHASHED_AT_OPENING = 4096 };

uint64_t clock_ms(void)
{
  struct timespec t;
  must(clock_gettime(CLOCK_REALTIME, &t) == 0);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum status open_store(struct journal *j, const char *folder, uint64_t map_size, bool create, bool read_only,
                              char why[200])
{
  char path[300];
  snprintf(path, sizeof path, "%s/books", folder);
  struct store_options o = {.folder = path,
                            .table_names = table_names,
                            .table_count = TABLES_CONTRACT,
                            .format = BOOKS_FORMAT,
                            .map_size = map_size,
                            .create = create,
                            .read_only = read_only};
  return store_open(&o, why, &j->store);
}

static void name_log(struct journal *j, const Onward__Genesis *g)
{
  snprintf(j->name, sizeof j->name, "%.*s", (int)g->origin.len, (const char *)g->origin.data);
  snprintf(j->origin, sizeof j->origin, "%s/%u", j->name, g->epoch);
  snprintf(j->log_key.name, sizeof j->log_key.name, "%s", j->name);
  memcpy(j->log_key.public_key, g->log_key.data, sizeof j->log_key.public_key);
}

enum status journal_commit(struct journal *j, struct books *b, char why[200])
{
  struct head head;
  struct checkpoint c = {0};
  char note[NOTE_SIZE_MAX];
  size_t note_size = 0;
  books_head(b, &head);
  snprintf(c.origin, sizeof c.origin, "%s", j->origin);
  c.size = head.size;
  if (b->trouble == OK && (merkle_tree_root(c.size, books_tree_read, b, &c.root) != OK ||
                           checkpoint_sign(&c, j->name, j->keys->log_secret, note, &note_size) != OK))
    b->trouble = OUR_FAULT;
  uint64_t now_ms = clock_ms();
  b->put(b, TABLE_CHECKPOINT, bytes_text("newest"), bytes_of(note, note_size));
  b->put(b, TABLE_CHECKPOINT, bytes_text("alive"), bytes_of(&now_ms, sizeof now_ms));
  enum status s = store_commit(j->store, why);
  if (s != OK)
    return s;
  j->alive_ms = now_ms;
  j->head = head;
  j->checkpoint = c;
  memcpy(j->note, note, note_size);
  j->note_size = note_size;
  return OK;
}

enum status journal_alive(struct journal *j, uint64_t now_ms, char why[200])
{
  struct books *b = store_begin(j->store, true);
  b->put(b, TABLE_CHECKPOINT, bytes_text("alive"), bytes_of(&now_ms, sizeof now_ms));
  enum status s = store_commit(j->store, why);
  j->alive_ms = now_ms; /* also when the disk is full: it is tried again after a while */
  return s;
}

enum status journal_create(struct journal *j, const char *folder, const struct broker_keys *keys,
                           const Onward__Genesis *genesis, uint64_t now_ms, char why[200])
{
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint complaint;
  memset(j, 0, sizeof *j);
  j->keys = keys;
  enum status s = open_store(j, folder, 0, true, false, why);
  if (s != OK)
    return s;
  struct books *b = store_begin(j->store, true);
  s = turn_genesis(b, &a, now_ms, genesis, &complaint);
  if (s != OK) {
    snprintf(why, 200, "%s", complaint.text);
    store_abort(j->store);
    return s;
  }
  name_log(j, genesis);
  return journal_commit(j, b, why);
}

static enum status read_genesis(struct journal *j, struct books *b, char why[200])
{
  static uint8_t memory[1 << 18];
  struct arena a = arena_of(memory, sizeof memory);
  struct leaf leaf;
  struct event e;
  if (books_event(b, 0, &a, &leaf, &e) != OK || e.act != ONWARD__CORE__ACT_GENESIS) {
    snprintf(why, 200, "the log does not begin with its genesis: restore a backup");
    return BAD_INPUT;
  }
  name_log(j, e.core->genesis);
  if (j->keys != NULL && memcmp(j->keys->log_public, j->log_key.public_key, sizeof j->log_key.public_key) != 0) {
    snprintf(why, 200, "log.key is not the key of this log");
    return BAD_INPUT;
  }
  return OK;
}

static enum status check_checkpoint(struct journal *j, struct books *b, char why[200])
{
  struct bytes note;
  struct hash root;
  books_head(b, &j->head);
  bool there = b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK && note.size <= sizeof j->note;
  if (!there || checkpoint_open(note, &j->log_key, &j->checkpoint) != OK || j->checkpoint.size != j->head.size) {
    snprintf(why, 200, "the newest checkpoint is missing, not ours, or not of this log: restore a backup");
    return BAD_INPUT;
  }
  memcpy(j->note, note.data, note.size);
  j->note_size = note.size;
  if (merkle_tree_root(j->head.size, books_tree_read, b, &root) != OK || !hash_equal(&root, &j->checkpoint.root)) {
    snprintf(why, 200, "the tree does not have the root that was signed: restore a backup");
    return BAD_INPUT;
  }
  return OK;
}

/* What was written last is what a failing disk loses first. */
static enum status rehash(struct journal *j, struct books *b, char why[200])
{
  uint64_t from = j->head.size > REHASHED_AT_OPENING ? j->head.size - REHASHED_AT_OPENING : 0;
  for (uint64_t i = from; i < j->head.size; i++) {
    struct bytes leaf;
    struct hash hash = {{0}}, path[MERKLE_PATH_MAX];
    size_t count = 0;
    if (books_entry(b, i, &leaf) == OK)
      hash = leaf_hash(leaf);
    if (merkle_tree_path(i, j->head.size, books_tree_read, b, path, &count) != OK ||
        merkle_verify_inclusion(&hash, i, j->head.size, path, count, &j->checkpoint.root) != OK) {
      snprintf(why, 200, "entry %llu is not what was signed: restore a backup", (unsigned long long)i);
      return BAD_INPUT;
    }
  }
  return OK;
}

enum status journal_open(struct journal *j, const char *folder, const struct broker_keys *keys, uint64_t map_size,
                         bool read_only, char why[200])
{
  memset(j, 0, sizeof *j);
  j->keys = keys;
  enum status s = open_store(j, folder, map_size, false, read_only, why);
  if (s != OK)
    return s;
  struct bytes alive;
  struct books *b = store_begin(j->store, false);
  s = read_genesis(j, b, why);
  if (s == OK)
    s = check_checkpoint(j, b, why);
  if (s == OK)
    s = rehash(j, b, why);
  if (s == OK && b->get(b, TABLE_CHECKPOINT, bytes_text("alive"), &alive) == OK && alive.size == sizeof j->alive_ms)
    memcpy(&j->alive_ms, alive.data, sizeof j->alive_ms);
  if (s == OK && b->trouble != OK) {
    snprintf(why, 200, "the books cannot be read");
    s = OUR_FAULT;
  }
  store_abort(j->store);
  if (s != OK)
    journal_close(j);
  return s;
}

void journal_close(struct journal *j)
{
  if (j->store != NULL)
    store_close(j->store);
  j->store = NULL;
}

static ProtobufCBinaryData hashes_in(struct arena *a, const struct hash *list, size_t count)
{
  return pb_data(arena_copy(a, bytes_of(list, count * sizeof list[0])));
}

enum status journal_entry(struct journal *j, struct books *b, uint64_t index, struct arena *a, Onward__Entry **out)
{
  struct bytes leaf;
  struct hash path[MERKLE_PATH_MAX];
  size_t count = 0;
  if (books_entry(b, index, &leaf) != OK)
    return NOT_FOUND;
  enum status s = merkle_tree_path(index, j->checkpoint.size, books_tree_read, b, path, &count);
  if (s != OK)
    return s;
  Onward__Entry init = ONWARD__ENTRY__INIT;
  *out = arena_alloc(a, sizeof init);
  struct bytes copy = arena_copy(a, leaf);
  if (*out == NULL || copy.size == 0)
    return NOT_NOW;
  **out = init;
  (*out)->leaf = pb_data(copy);
  (*out)->path = hashes_in(a, path, count);
  return OK;
}

enum status journal_consistency(struct journal *j, struct books *b, uint64_t old_size, struct arena *a,
                                ProtobufCBinaryData *out)
{
  struct hash proof[MERKLE_PROOF_MAX];
  size_t count = 0;
  *out = (ProtobufCBinaryData){0, NULL};
  if (old_size == 0 || old_size >= j->checkpoint.size)
    return OK;
  enum status s = merkle_tree_consistency(old_size, j->checkpoint.size, books_tree_read, b, proof, &count);
  if (s == OK)
    *out = hashes_in(a, proof, count);
  return s;
}
