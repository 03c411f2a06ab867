/* `verify`: first the entries, one by one, against the contract; then the tree over them against the checkpoint that
 * the log's key signed; then the sealed bodies, which must be exactly those that the log says exist. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"
#include "proto/ledger/rows.h"

enum audit_code log_name_read(const struct audit_request *q, struct books *b, struct arena *arena, struct log_name *out)
{
  struct leaf leaf;
  struct event e;
  struct head head;
  books_head(b, &head);
  arena_reset(arena);
  if (books_event(b, 0, arena, &leaf, &e) != OK || e.act != ONWARD__CORE__ACT_GENESIS)
    return audit_tell(q, AUDIT_FAILED, "entry 0: is no genesis");
  const Onward__Genesis *g = e.core->genesis;
  memset(out, 0, sizeof *out);
  must(g->origin.len <= NOTE_NAME_MAX - 12 && g->log_key.len == sizeof out->key.public_key);
  memcpy(out->key.name, g->origin.data, g->origin.len);
  memcpy(out->key.public_key, g->log_key.data, sizeof out->key.public_key);
  (void)snprintf(out->origin, sizeof out->origin, "%.*s/%" PRIu64, (int)g->origin.len, out->key.name, head.epoch);
  const struct note_key *pin = &q->log_key;
  if (q->pinned && (strcmp(pin->name, out->key.name) != 0 ||
                    memcmp(pin->public_key, out->key.public_key, sizeof pin->public_key) != 0)) {
    char vkey[NOTE_VKEY_SIZE];
    note_key_print(&out->key, vkey);
    return audit_tell(q, AUDIT_FAILED, "entry 0: this log names the key %s, not the one given by --log-key", vkey);
  }
  return AUDIT_FINE;
}

static enum audit_code root_failed(struct audit *a, struct rebuild *r)
{
  uint64_t altered = entry_altered(a, r->size);
  if (altered < r->size)
    return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": is not the one that the checkpoint was signed over",
                      altered);
  return audit_tell(a->request, AUDIT_FAILED, "the checkpoint was signed over other entries than these %" PRIu64,
                    r->size);
}

enum audit_code rebuild_checkpoint(struct audit *a, struct rebuild *r, const struct log_name *log,
                                   struct checkpoint *out)
{
  struct bytes note;
  struct hash root;
  if (a->books->get(a->books, TABLE_CHECKPOINT, bytes_text("newest"), &note) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "there is no checkpoint: the log is not signed");
  if (checkpoint_open(note, &log->key, out) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "the checkpoint: its form or its signature by the log's key is wrong");
  if (strcmp(out->origin, log->origin) != 0)
    return audit_tell(a->request, AUDIT_FAILED, "the checkpoint: is of the log %s, not of %s", out->origin,
                      log->origin);
  if (out->size != r->size)
    return audit_tell(a->request, AUDIT_FAILED, "the checkpoint: is for %" PRIu64 " entries; there are %" PRIu64,
                      out->size, r->size);
  if (merkle_tree_root(r->size, books_tree_read, r->books, &root) != OK)
    return audit_tell(a->request, AUDIT_UNREADABLE, "the rebuilt tree cannot be read");
  return hash_equal(&root, &out->root) ? AUDIT_FINE : root_failed(a, r);
}

/* --- bodies --- */

static enum audit_code body_failed(struct audit *a, struct bytes key, const char *what)
{
  char words[WORDS_SIZE];
  words_key(TABLE_BODIES, key, words);
  return audit_tell(a->request, AUDIT_FAILED, "sealed body of %s: %s", words, what);
}

/* The newest entry behind a backup that the log was restored from: bodies of entries before it may be lost with it. 0:
 * it never was. */
static uint64_t restored_at(struct audit *a, struct rebuild *r)
{
  struct walk w = walk_of(r->books, TABLE_REGISTRY);
  struct bytes key, value;
  struct head head;
  uint64_t newest = 0;
  books_head(r->books, &head);
  while (head.epoch > 1 && walk_next(&w, &key, &value)) {
    struct reader reader = reader_of(key);
    struct leaf leaf;
    struct event e;
    arena_reset(&a->arena);
    if (books_event(r->books, read_u64(&reader), &a->arena, &leaf, &e) == OK && e.act == ONWARD__CORE__ACT_RESTORED)
      newest = leaf.index;
  }
  return newest;
}

/* Of a copy without bodies none need be there; else those from entry `from` on. */
static enum audit_code check_body(struct audit *a, struct rebuild *r, struct bytes key, uint64_t from, uint64_t *count)
{
  struct leaf leaf;
  struct event e;
  struct bytes body;
  struct reader reader = reader_of(key);
  uint64_t index = read_u64(&reader);
  uint8_t slot = read_u8(&reader);
  arena_reset(&a->arena);
  if (books_event(r->books, index, &a->arena, &leaf, &e) != OK || slot >= e.outer->n_sealed)
    return body_failed(a, key, "there is no such slot");
  bool found = a->books->get(a->books, TABLE_BODIES, key, &body) == OK;
  *count += found;
  if (!found && index < from)
    return AUDIT_FINE;
  if (!found)
    return body_failed(a, key, "is missing, and no entry erased it");
  struct hash hash = sha256(body);
  if (!bytes_equal(hash_bytes(&hash), pb_bytes(e.outer->sealed[slot]->sha256)))
    return body_failed(a, key, "is not the one that the event names: another SHA-256");
  return AUDIT_FINE;
}

static enum audit_code check_bodies(struct audit *a, struct rebuild *r, uint64_t *count)
{
  struct walk held = walk_of(r->books, TABLE_HELD), bodies = walk_of(a->books, TABLE_BODIES);
  struct bytes key, value;
  enum audit_code code = AUDIT_FINE;
  uint64_t from = audit_is_backup(a) ? UINT64_MAX : restored_at(a, r);
  while (code == AUDIT_FINE && walk_next(&held, &key, &value))
    code = check_body(a, r, key, from, count);
  while (code == AUDIT_FINE && walk_next(&bodies, &key, &value))
    if (r->books->get(r->books, TABLE_HELD, key, &value) != OK)
      code = body_failed(a, key, "should have been erased");
  return code == AUDIT_FINE ? audit_trouble(a) : code;
}

/* --- the command --- */

static void tell_fine(const struct audit *a, struct rebuild *r, const struct log_name *log, const struct checkpoint *c,
                      uint64_t bodies, const struct witnesses *witnesses)
{
  struct head head;
  char words[SIX_WORDS_SIZE], vkey[NOTE_VKEY_SIZE], time[WORDS_SIZE], root[4 * ((sizeof c->root.byte + 2) / 3) + 1];
  FILE *out = a->request->out;
  books_head(r->books, &head);
  six_words(head.network.byte, words);
  note_key_print(&log->key, vkey);
  words_time(head.time_ms, time);
  base64_encode(hash_bytes(&c->root), root);
  fprintf(out, "The log holds.\n");
  fprintf(out, "  network     %s\n", words);
  fprintf(out, "  log         %s\n", c->origin);
  fprintf(out, "  key         %s%s\n", vkey,
          a->request->pinned ? "" : " (as the log says: compare it, or give --log-key)");
  fprintf(out, "  entries     %" PRIu64 ", the newest of %s\n", r->size, time);
  fprintf(out, "  root        %s, rebuilt from the entries and signed by the key\n", root);
  witnesses_tell(witnesses, out);
  fprintf(out, "  signatures  %" PRIu64 " batches of organisations, every verdict worked out again\n", r->batches);
  if (a->exported != NULL)
    fprintf(out, "  export      every tile, keys and erasures as the entries say; no other file\n");
  else if (audit_is_backup(a))
    fprintf(out, "  bodies      left out of this copy, a backup: the exchange must have %" PRIu64 "%s\n",
            store_count(r->store, TABLE_HELD), bodies > 0 ? "; some are here" : "");
  else
    fprintf(out, "  bodies      %" PRIu64 " sealed, each with its SHA-256; none too many, %s\n", bodies,
            head.epoch > 1 ? "none missing but of what came before the log was restored" : "none missing");
}

static enum audit_code verify(struct audit *a, struct rebuild *r)
{
  struct log_name log;
  struct checkpoint checkpoint;
  struct erasures erasures = {0};
  const struct rebuild_watch watch = {.context = &erasures, .erased = erasures_note};
  struct witnesses witnesses;
  uint64_t bodies = 0;
  enum audit_code code = a->exported == NULL ? AUDIT_FINE : exported_files(a);
  if (code == AUDIT_FINE)
    code = rebuild_run(a, a->exported == NULL ? NULL : &watch, r);
  if (code == AUDIT_FINE)
    code = log_name_read(a->request, r->books, &a->arena, &log);
  if (code == AUDIT_FINE)
    code = rebuild_checkpoint(a, r, &log, &checkpoint);
  erasures_sort(&erasures);
  if (code == AUDIT_FINE)
    code = witnesses_read(a, &log.key, r->books, r->size, &witnesses);
  if (code == AUDIT_FINE)
    code = a->exported == NULL ? check_bodies(a, r, &bodies) : exported_compare(a, r, &erasures, &witnesses);
  erasures_free(&erasures);
  if (code == AUDIT_FINE)
    tell_fine(a, r, &log, &checkpoint, bodies, &witnesses);
  return code;
}

enum audit_code audit_verify(const struct audit_request *q)
{
  struct audit a;
  struct rebuild r = {0};
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE)
    code = audit_partial(&a) ? exported_verify_part(&a) : verify(&a, &r);
  rebuild_close(&r);
  audit_close(&a);
  return code;
}
