/* The log once more, from its first entry: everything that it leads to is worked out in books of our own. The first
 * entry that the contract does not allow ends it, and is named. */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/audit/export.h"
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
  overlay_init(&r->overlay, a->exported == NULL ? a->books : NULL, store_begin(r->store, true));
  r->books = &r->overlay.books;
  return AUDIT_FINE;
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

static enum audit_code entry_failed(struct audit *a, uint64_t index, const char *why)
{
  char words[WORDS_SIZE] = "no readable act";
  struct bytes bytes;
  struct leaf leaf;
  struct event e;
  struct complaint complaint;
  arena_reset(&a->arena);
  uint64_t altered = entry_altered(a, index);
  if (altered < index)
    return audit_tell(a->request, AUDIT_FAILED,
                      "entry %" PRIu64 ": was altered: the stored tree has another hash for it; then entry %" PRIu64
                      " fails, too: %s",
                      altered, index, why);
  if (books_entry(a->books, index, &bytes) == OK && leaf_read(bytes, &leaf) == OK &&
      event_read(leaf.event, &a->arena, &complaint, &e) == OK)
    words_entry(&leaf, &e, words);
  return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 " (%s): %s", index, words, why);
}

/* NOT_NOW, OUR_FAULT: the scratch file, or the stored books, cannot be used on. */
static enum status take_entry(struct audit *a, struct rebuild *r, struct replay *replay, struct bytes bytes,
                              struct complaint *why)
{
  struct leaf leaf;
  char reason[200];
  signatures_index(r->signatures, r->size);
  enum status s = replay_entry(replay, bytes, why);
  if (s != OK && s != BAD_INPUT)
    (void)complain(why, "%s", s == NOT_NOW ? "full" : "failed");
  if (s != OK)
    return s;
  if (leaf_read(bytes, &leaf) == OK && leaf.origin == ORIGIN_ORGANISATION && leaf.position == 0)
    r->batches++;
  tell_watch(a, r);
  r->size++;
  progress_step(&r->progress, r->size);
  if (r->size % ENTRIES_PER_COMMIT != 0)
    return OK;
  s = store_commit(r->store, reason);
  if (s != OK)
    (void)complain(why, "%s", reason);
  else
    store_begin(r->store, true);
  return s;
}

/* Of what was asked for, the end is not reached yet. */
static bool goes_on(struct audit *a, struct rebuild *r, struct bytes *bytes)
{
  const struct audit_request *q = a->request;
  struct leaf leaf;
  if (books_entry(a->books, r->size, bytes) != OK)
    return false;
  return !q->at ||
         (r->size <= q->to && (leaf_read(*bytes, &leaf) != OK || q->until_ms == 0 || leaf.time_ms <= q->until_ms));
}

/* A state in the middle of a log may owe something. */
static enum audit_code check_part(struct audit *a, struct rebuild *r)
{
  const struct audit_request *q = a->request;
  if (r->size == 0)
    return audit_tell(q, AUDIT_USAGE, "--at: the log has nothing yet at that time, or is empty");
  if (q->to != UINT64_MAX && q->to >= r->size)
    return audit_tell(q, AUDIT_USAGE, "--at: there are entries 0 to %" PRIu64 ", and no other", r->size - 1);
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

/* The first fault is told, and it is told only when no signature of an earlier entry can still turn out to be wrong. A
 * signature is asked for before anything else of its entry that could be wrong behind it. */
static enum audit_code verdict(struct audit *a, struct rebuild *r, struct replay *replay, enum status s,
                               const struct complaint *why)
{
  signatures_wait(r->signatures);
  uint64_t failed = signatures_failed(r->signatures);
  if (failed != UINT64_MAX)
    return entry_failed(a, failed, CLAIM_BROKEN);
  if (s == BAD_INPUT)
    return entry_failed(a, r->size, why->text);
  enum audit_code code = audit_trouble(a);
  if (code == AUDIT_FINE && s != OK)
    code = no_scratch(a, why->text);
  if (code != AUDIT_FINE)
    return code;
  return a->request->at ? check_part(a, r) : check_end(a, r, replay);
}

enum audit_code rebuild_open(struct audit *a, struct rebuild *out)
{
  *out = (struct rebuild){.ring = calloc(1, sizeof *out->ring)};
  return out->ring == NULL ? audit_tell(a->request, AUDIT_UNREADABLE, "no memory") : scratch_open(a, out);
}

static enum audit_code prepare(struct audit *a, struct rebuild *r)
{
  enum audit_code code = rebuild_open(a, r);
  if (code != AUDIT_FINE)
    return code;
  r->signatures = signatures_open(signatures_processors() - 1);
  if (r->signatures == NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  r->ring->ask = signatures_ask;
  r->ring->context = r->signatures;
  r->progress =
      progress_begin(a->request->err, a->exported != NULL ? a->exported->size : store_count(a->store, TABLE_ENTRIES));
  return AUDIT_FINE;
}

enum audit_code rebuild_run(struct audit *a, const struct rebuild_watch *watch, struct rebuild *out)
{
  struct bytes bytes;
  struct replay replay;
  struct complaint why;
  enum status s = OK;
  enum audit_code code = prepare(a, out);
  if (code != AUDIT_FINE)
    return code;
  out->watch = watch;
  if (watch != NULL && watch->erased != NULL) {
    out->overlay.erased = watch->erased;
    out->overlay.context = watch->context;
  }
  replay_init(&replay, out->books, &a->arena, out->ring);
  while (s == OK && signatures_failed(out->signatures) == UINT64_MAX && goes_on(a, out, &bytes))
    s = take_entry(a, out, &replay, bytes, &why);
  progress_end(&out->progress, out->size);
  return verdict(a, out, &replay, s, &why);
}

void rebuild_close(struct rebuild *r)
{
  if (r->ring != NULL)
    key_ring_fini(r->ring);
  free(r->ring);
  signatures_close(r->signatures);
  store_close(r->store);
}
