/* The log once more, from its first entry: everything that it leads to is worked out in books of our own. The first
 * entry that the contract does not allow ends it, and is named. */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/audit/audit.h"
#include "proto/ledger/rows.h"

#define ENTRIES_PER_COMMIT 4096

static enum audit_code no_scratch(const struct audit *a, const char *why)
{
  return audit_tell(a->request, AUDIT_UNREADABLE, "cannot work in a temporary folder (set TMPDIR to another): %s", why);
}

/* Once open, the file needs no name: nothing stays behind, however this program ends. */
static enum audit_code scratch_open(struct audit *a, struct rebuild *r)
{
  char folder[PATH_MAX], data[PATH_MAX + 16], why[200];
  const char *base = getenv("TMPDIR");
  int size = snprintf(folder, sizeof folder, "%s/onward-audit-XXXXXX", base == NULL ? "/tmp" : base);
  if (size < 0 || (size_t)size >= sizeof folder || mkdtemp(folder) == NULL)
    return no_scratch(a, "cannot make a folder in it");
  const struct store_options options = {.folder = folder,
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT,
                                        .create = true,
                                        .scratch = true};
  enum status s = store_open(&options, why, &r->store);
  (void)snprintf(data, sizeof data, "%s/data.mdb", folder);
  (void)unlink(data);
  (void)rmdir(folder);
  if (s != OK)
    return no_scratch(a, why);
  r->books = store_begin(r->store, true);
  return AUDIT_FINE;
}

/* --- deletions of what must be held, told to the watch --- */

static struct rebuild *rebuild_of(struct books *watched)
{
  return (struct rebuild *)((uint8_t *)watched - offsetof(struct rebuild, watched));
}

static enum status watched_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct rebuild *r = rebuild_of(b);
  enum status s = r->books->get(r->books, table, key, value);
  b->trouble = r->books->trouble;
  return s;
}

static void watched_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  struct rebuild *r = rebuild_of(b);
  r->books->put(r->books, table, key, value);
  b->trouble = r->books->trouble;
}

static void watched_del(struct books *b, int table, struct bytes key)
{
  struct rebuild *r = rebuild_of(b);
  struct bytes row;
  if (table == TABLE_HELD && r->books->get(r->books, table, key, &row) == OK) {
    struct reader reader = reader_of(key);
    uint64_t index = read_u64(&reader);
    r->watch->erased(r->watch->context, index, read_u8(&reader), r->size);
  }
  r->books->del(r->books, table, key);
  b->trouble = r->books->trouble;
}

static enum status watched_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct rebuild *r = rebuild_of(b);
  enum status s = r->books->seek(r->books, table, from, key, value);
  b->trouble = r->books->trouble;
  return s;
}

static void tell_watch(struct audit *a, struct rebuild *r)
{
  struct leaf leaf;
  struct event e;
  if (r->watch == NULL || r->watch->entry == NULL)
    return;
  arena_reset(&a->arena);
  if (books_event(r->books, r->size, &a->arena, &leaf, &e) == OK)
    r->watch->entry(r->watch->context, &leaf, &e, r->books);
}

uint64_t entry_altered(struct audit *a, uint64_t size)
{
  for (uint64_t index = 0; index < size; index++) {
    struct bytes bytes;
    struct hash stored;
    if (books_entry(a->books, index, &bytes) != OK)
      return index;
    struct hash hash = leaf_hash(bytes);
    if (books_tree_read(a->books, merkle_stored_number(0, index), &stored) == OK && !hash_equal(&hash, &stored))
      return index;
  }
  return size;
}

static enum audit_code entry_failed(struct audit *a, uint64_t index, struct bytes bytes, const char *why)
{
  char words[WORDS_SIZE] = "no readable act";
  struct leaf leaf;
  struct event e;
  struct complaint complaint;
  arena_reset(&a->arena);
  bytes = arena_copy(&a->arena, bytes); /* others are read before it is looked at */
  uint64_t altered = entry_altered(a, index);
  if (altered < index)
    return audit_tell(a->request, AUDIT_FAILED,
                      "entry %" PRIu64 ": was altered: the stored tree has another hash for it; then entry %" PRIu64
                      " fails, too: %s",
                      altered, index, why);
  if (leaf_read(bytes, &leaf) == OK && event_read(leaf.event, &a->arena, &complaint, &e) == OK)
    words_entry(&leaf, &e, words);
  return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 " (%s): %s", index, words, why);
}

static enum audit_code take_entry(struct audit *a, struct rebuild *r, struct replay *replay, struct bytes bytes)
{
  struct complaint complaint;
  struct leaf leaf;
  char why[200];
  enum status s = replay_entry(replay, bytes, &complaint);
  if (s == BAD_INPUT)
    return entry_failed(a, r->size, bytes, complaint.text);
  if (s != OK)
    return no_scratch(a, s == NOT_NOW ? "full" : "failed");
  if (leaf_read(bytes, &leaf) == OK && leaf.origin == ORIGIN_ORGANISATION && leaf.position == 0)
    r->batches++;
  tell_watch(a, r);
  r->size++;
  if (r->size % ENTRIES_PER_COMMIT != 0)
    return AUDIT_FINE;
  if (store_commit(r->store, why) != OK)
    return no_scratch(a, why);
  store_begin(r->store, true);
  return AUDIT_FINE;
}

static enum audit_code check_end(struct audit *a, struct rebuild *r, struct replay *replay)
{
  struct complaint complaint;
  struct bytes key, value;
  struct row_key end = key_of_index(r->size);
  bool more = a->books->seek(a->books, TABLE_ENTRIES, row_key(&end), &key, &value) == OK;
  enum audit_code code = audit_trouble(a);
  if (code != AUDIT_FINE)
    return code;
  if (more)
    return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": missing, but there are entries behind it", r->size);
  if (replay_end(replay, &complaint) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "at the end, behind %" PRIu64 " entries: %s", r->size, complaint.text);
  return AUDIT_FINE;
}

enum audit_code rebuild_open(struct audit *a, struct rebuild *out)
{
  *out = (struct rebuild){.ring = calloc(1, sizeof *out->ring),
                          .watched = {OK, watched_get, watched_put, watched_del, watched_seek}};
  return out->ring == NULL ? audit_tell(a->request, AUDIT_UNREADABLE, "no memory") : scratch_open(a, out);
}

enum audit_code rebuild_run(struct audit *a, const struct rebuild_watch *watch, struct rebuild *out)
{
  struct bytes bytes;
  struct replay replay;
  enum audit_code code = rebuild_open(a, out);
  if (code != AUDIT_FINE)
    return code;
  out->watch = watch;
  bool deletions = watch != NULL && watch->erased != NULL;
  replay_init(&replay, deletions ? &out->watched : out->books, &a->arena, out->ring);
  while (code == AUDIT_FINE && books_entry(a->books, out->size, &bytes) == OK)
    code = take_entry(a, out, &replay, bytes);
  return code == AUDIT_FINE ? check_end(a, out, &replay) : code;
}

void rebuild_close(struct rebuild *r)
{
  if (r->ring != NULL)
    key_ring_fini(r->ring);
  free(r->ring);
  store_close(r->store);
}
