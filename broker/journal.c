/* The happy path is journal_commit: root, checkpoint, one transaction. At opening nothing is believed because it is
 * there: the checkpoint must be ours and fit the tree, and the newest entries are hashed again and must lie in it. */
#include "broker/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "proto/ledger/rows.h"

enum { REHASHED_AT_OPENING = 4096, REUSE_AFTER = 32768 /* pages: 128 MiB */ };

bool journal_is_served(const char *folder)
{
  char path[300];
  snprintf(path, sizeof path, "%s/lock", folder);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool served = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
  if (fd >= 0)
    close(fd);
  return served;
}

/* The file says that whoever had the books open last ended well. It is gone while they are open for writing, and stays
 * away where a commit failed or the process died. */
static void mark_path(const char *folder, char path[300])
{
  snprintf(path, 300, "%s/closed-well", folder);
}

static bool closed_well(const char *folder, bool read_only)
{
  char path[300];
  mark_path(folder, path);
  if (read_only)
    return access(path, F_OK) == 0 || journal_is_served(folder);
  return unlink(path) == 0;
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
                            .read_only = read_only,
                            .reuse_after = REUSE_AFTER,
                            .trusted = closed_well(folder, read_only)};
  j->folder = create || read_only ? NULL : strdup(folder);
  j->unsure = true;
  return store_open(&o, why, &j->store);
}

static void name_log(struct journal *j, const Onward__Genesis *g)
{
  snprintf(j->name, sizeof j->name, "%.*s", (int)g->origin.len, (const char *)g->origin.data);
  snprintf(j->log_key.name, sizeof j->log_key.name, "%s", j->name);
  memcpy(j->log_key.public_key, g->log_key.data, sizeof j->log_key.public_key);
}

static void origin_of(const struct journal *j, const struct head *head, char out[NOTE_NAME_MAX + 1])
{
  snprintf(out, NOTE_NAME_MAX + 1, "%s/%llu", j->name, (unsigned long long)head->epoch);
}

enum status journal_commit(struct journal *j, struct books *b, char why[200])
{
  struct log_end end = {.alive_ms = clock_ms()};
  struct checkpoint *c = &end.checkpoint;
  books_head(b, &end.head);
  origin_of(j, &end.head, c->origin);
  c->size = end.head.size;
  if (b->trouble == OK && (merkle_tree_root(c->size, books_tree_read, b, &c->root) != OK ||
                           checkpoint_sign(c, j->name, j->keys->log_secret, end.note, &end.note_size) != OK))
    b->trouble = OUR_FAULT;
  b->put(b, TABLE_CHECKPOINT, bytes_text("newest"), bytes_of(end.note, end.note_size));
  b->put(b, TABLE_CHECKPOINT, bytes_text("alive"), bytes_of(&end.alive_ms, sizeof end.alive_ms));
  enum status s = store_commit(j->store, why);
  if (s == OK)
    j->written = end;
  if (s == OUR_FAULT)
    j->unsure = true;
  return s;
}

void journal_publish(struct journal *j)
{
  if (j->view != NULL)
    store_abort(j->reader);
  j->end = j->written;
  j->view = store_begin(j->reader, false);
}

enum status journal_alive(struct journal *j, uint64_t now_ms, char why[200])
{
  struct books *b = store_begin(j->store, true);
  b->put(b, TABLE_CHECKPOINT, bytes_text("alive"), bytes_of(&now_ms, sizeof now_ms));
  enum status s = store_commit(j->store, why);
  j->unsure = j->unsure || s == OUR_FAULT;
  j->written.alive_ms = now_ms; /* also when the disk is full: it is tried again after a while */
  journal_publish(j);
  return s;
}

static enum status open_reader(struct journal *j, char why[200])
{
  j->reader = store_reader(j->store);
  j->unsure = false;
  if (j->reader == NULL) {
    snprintf(why, 200, "not enough memory");
    return OUR_FAULT;
  }
  journal_publish(j);
  return OK;
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
  s = journal_commit(j, b, why);
  return s == OK ? open_reader(j, why) : s;
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
  struct log_end *end = &j->written;
  books_head(b, &end->head);
  char origin[NOTE_NAME_MAX + 1];
  origin_of(j, &end->head, origin);
  bool there = b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK && note.size <= sizeof end->note;
  if (!there || checkpoint_open(note, &j->log_key, &end->checkpoint) != OK || end->checkpoint.size != end->head.size ||
      strcmp(end->checkpoint.origin, origin) != 0) {
    snprintf(why, 200, "the newest checkpoint is missing, not ours, or not of this log: restore a backup");
    return BAD_INPUT;
  }
  memcpy(end->note, note.data, note.size);
  end->note_size = note.size;
  if (merkle_tree_root(end->head.size, books_tree_read, b, &root) != OK || !hash_equal(&root, &end->checkpoint.root)) {
    snprintf(why, 200, "the tree does not have the root that was signed: restore a backup");
    return BAD_INPUT;
  }
  return OK;
}

/* What was written last is what a failing disk loses first. */
static enum status rehash(struct journal *j, struct books *b, char why[200])
{
  const struct checkpoint *c = &j->written.checkpoint;
  uint64_t from = c->size > REHASHED_AT_OPENING ? c->size - REHASHED_AT_OPENING : 0;
  for (uint64_t i = from; i < c->size; i++) {
    struct bytes leaf;
    struct hash hash = {{0}}, path[MERKLE_PATH_MAX];
    size_t count = 0;
    if (books_entry(b, i, &leaf) == OK)
      hash = leaf_hash(leaf);
    if (merkle_tree_path(i, c->size, books_tree_read, b, path, &count) != OK ||
        merkle_verify_inclusion(&hash, i, c->size, path, count, &c->root) != OK) {
      snprintf(why, 200, "entry %llu is not what was signed: restore a backup", (unsigned long long)i);
      return BAD_INPUT;
    }
  }
  return OK;
}

enum status journal_open(struct journal *j, const char *folder, const struct broker_keys *keys, uint64_t map_size,
                         bool read_only, char why[200])
{
  char next[300];
  memset(j, 0, sizeof *j);
  j->keys = keys;
  snprintf(next, sizeof next, "%s/books.next", folder);
  if (!read_only)
    store_remove(next); /* of a purge that was killed: the old books, with all that was to be erased */
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
  uint64_t *alive_ms = &j->written.alive_ms;
  if (s == OK && b->get(b, TABLE_CHECKPOINT, bytes_text("alive"), &alive) == OK && alive.size == sizeof *alive_ms)
    memcpy(alive_ms, alive.data, sizeof *alive_ms);
  if (s == OK && b->trouble != OK) {
    snprintf(why, 200, "the books cannot be read");
    s = OUR_FAULT;
  }
  store_abort(j->store);
  if (s == OK)
    s = open_reader(j, why);
  if (s != OK)
    journal_close(j);
  return s;
}

/* Appending the entry once more must give the hashes that are stored. */
static enum status check_entry(struct books *b, uint64_t index)
{
  struct bytes leaf;
  struct hash added[MERKLE_PATH_MAX], stored;
  size_t count = 0;
  if (books_entry(b, index, &leaf) != OK)
    return BAD_INPUT;
  struct hash hash = leaf_hash(leaf);
  enum status s = merkle_append(index, &hash, books_tree_read, b, added, &count);
  for (size_t i = 0; s == OK && i < count; i++) {
    s = books_tree_read(b, merkle_stored_count(index) + i, &stored);
    if (s == OK && !hash_equal(&stored, &added[i]))
      s = BAD_INPUT;
  }
  return s;
}

enum status journal_check_all(struct journal *j, char why[200])
{
  for (uint64_t i = 0; i < j->end.checkpoint.size; i++) /* its root was worked out from the stored hashes at opening */
    if (check_entry(j->view, i) != OK) {
      snprintf(why, 200, "entry %llu is not what was signed", (unsigned long long)i);
      return BAD_INPUT;
    }
  return OK;
}

/* What is there of the file, whether it is free or not. */
static uint64_t used_bytes(struct journal *j)
{
  struct store_size size;
  store_measure(j->store, &size);
  return size.used;
}

enum status journal_purge(struct journal *j, const char *folder, uint64_t map_size, uint64_t *freed_bytes,
                          char why[200])
{
  char books[300], next[300];
  const struct broker_keys *keys = j->keys;
  uint64_t before = used_bytes(j);
  snprintf(books, sizeof books, "%s/books", folder);
  snprintf(next, sizeof next, "%s/books.next", folder);
  store_remove(next); /* of a time when it was killed */
  if (store_copy(j->store, next, ALL_TABLES, why) != OK)
    return NOT_NOW;
  journal_close(j);
  enum status swapped = store_swap(books, next, why);
  if (journal_open(j, folder, keys, map_size, false, swapped == OK ? why : (char[200]){0}) != OK)
    return OUR_FAULT;
  uint64_t after = used_bytes(j);
  *freed_bytes = before > after ? before - after : 0;
  return swapped == OK ? OK : NOT_NOW;
}

void journal_close(struct journal *j)
{
  store_close(j->reader);
  store_close(j->store);
  char path[300], why[200];
  if (j->folder != NULL && !j->unsure) {
    mark_path(j->folder, path);
    enum status s = file_write(path, bytes_text("the page cache may be believed\n"), why);
    (void)s; /* without the mark it is not believed */
  }
  free(j->folder);
  j->folder = NULL;
  j->store = j->reader = NULL;
  j->view = NULL;
}

static ProtobufCBinaryData hashes_in(struct arena *a, const struct hash *list, size_t count)
{
  return pb_data(arena_copy(a, bytes_of(list, count * sizeof list[0])));
}

enum status journal_entry(struct journal *j, uint64_t index, const uint64_t *before, struct arena *a,
                          Onward__Entry **out)
{
  struct bytes leaf;
  struct hash path[MERKLE_PATH_MAX];
  size_t count = 0;
  if (books_entry(j->view, index, &leaf) != OK)
    return NOT_FOUND;
  uint64_t size = j->end.checkpoint.size;
  enum status s = before == NULL ? merkle_tree_path(index, size, books_tree_read, j->view, path, &count)
                                 : merkle_tree_path_apart(index, *before, size, books_tree_read, j->view, path, &count);
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

/* They stand in the registry's chain, which is walked only for one who was away while the log was restored. */
enum status journal_restored(struct journal *j, uint32_t epoch, struct arena *a, uint64_t out[RESTORED_MAX],
                             size_t *count, uint64_t *cut)
{
  struct books *b = j->view;
  struct bytes key, value;
  struct row_key from = key_of_index(0);
  *count = 0;
  *cut = j->end.head.size;
  while (j->end.head.epoch > epoch && b->seek(b, TABLE_REGISTRY, row_key(&from), &key, &value) == OK) {
    struct reader r = reader_of(key);
    uint64_t index = read_u64(&r);
    struct leaf leaf;
    struct event e;
    const Onward__Restore *restore;
    struct complaint why;
    size_t used = a->used;
    enum status s = books_event(b, index, a, &leaf, &e);
    if (s == OK && e.act == ONWARD__CORE__ACT_RESTORED &&
        (s = restore_read(pb_bytes(e.core->restored->restore), a, &why, &restore)) == OK && restore->epoch > epoch) {
      *cut = index < *cut ? index : *cut;
      if (*count == RESTORED_MAX)
        return NOT_NOW;
      out[(*count)++] = index;
    }
    a->used = used;
    if (s != OK)
      return s;
    from = key_of_index(index + 1);
  }
  return OK;
}

enum status journal_consistency(struct journal *j, uint64_t old_size, struct arena *a, ProtobufCBinaryData *out)
{
  struct hash proof[MERKLE_PROOF_MAX];
  size_t count = 0;
  uint64_t size = j->end.checkpoint.size;
  *out = (ProtobufCBinaryData){0, NULL};
  if (old_size == 0 || old_size >= size)
    return OK;
  enum status s = merkle_tree_consistency(old_size, size, books_tree_read, j->view, proof, &count);
  if (s == OK)
    *out = hashes_in(a, proof, count);
  return s;
}
