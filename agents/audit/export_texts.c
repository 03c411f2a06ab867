/* The two texts of an export, `keys` and `erasures`: written by the exporter, and by whoever verifies, who compares. */
#include "agents/audit/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ledger/rows.h"

void erasures_note(void *erasures, uint64_t index, uint8_t slot, uint64_t by)
{
  struct erasures *e = erasures;
  if (e->count == e->room) {
    e->room = 2 * e->room + 256;
    struct erasure *grown = realloc(e->list, e->room * sizeof *grown);
    if (grown == NULL) {
      e->failed = true;
      e->room = e->count;
      return;
    }
    e->list = grown;
  }
  e->list[e->count++] = (struct erasure){index, by, slot};
}

int erasure_order(const void *one, const void *other)
{
  const struct erasure *a = one, *b = other;
  if (a->index != b->index)
    return a->index < b->index ? -1 : 1;
  return a->slot - b->slot;
}

void erasures_sort(struct erasures *e)
{
  if (e->count > 0)
    qsort(e->list, e->count, sizeof e->list[0], erasure_order);
}

void erasures_free(struct erasures *e)
{
  free(e->list);
}

/* --- keys --- */

static void write_scope(const struct export_scope *scope, FILE *out)
{
  if (scope->holds == HOLDS_ORGANISATION)
    fprintf(out, "holds organisation " ORG_FMT "\n", scope->organisation.text);
  else if (scope->holds == HOLDS_MANDATE)
    fprintf(out, "holds mandate %" PRIu64 "\n", scope->mandate);
  else
    fputs(scope->holds == HOLDS_HASHES ? "holds hashes\n" : "holds everything\n", out);
}

/* The rows of one organisation come newest first: a key is valid until the entry before the one that follows it. */
static void write_signing_keys(struct books *books, FILE *out)
{
  struct walk walk = walk_of(books, TABLE_KEYS);
  struct bytes key, value;
  struct org_id before = {{0}}, org;
  uint64_t end = 0;
  while (walk_next(&walk, &key, &value)) {
    struct keys keys;
    char hex[2 * sizeof keys.sign + 1];
    must(key.size == 24 && value.size == sizeof keys && org_id_parse(bytes_of(key.data, 16), &org) == OK);
    memcpy(&keys, value.data, sizeof keys);
    struct reader r = reader_of(bytes_of(key.data + 16, 8));
    uint64_t from = ~read_u64(&r);
    hex_encode(BYTES(keys.sign), hex);
    fprintf(out, "key " ORG_FMT " %" PRIu64 " ", org.text, from);
    if (org_id_equal(&org, &before))
      fprintf(out, "%" PRIu64, end);
    else
      fputs("end", out);
    fprintf(out, " %s\n", hex);
    before = org;
    end = from - 1;
  }
}

void export_write_keys(const struct export_scope *scope, const struct note_key *log, const struct witnesses *witnesses,
                       const struct hash *network, struct books *books, FILE *out)
{
  char vkey[NOTE_VKEY_SIZE], hex[2 * sizeof network->byte + 1];
  note_key_print(log, vkey);
  fputs(EXPORT_HEADING, out);
  write_scope(scope, out);
  fprintf(out, "log %s\n", vkey);
  for (size_t i = 0; i < witnesses->count; i++) {
    witness_key_print(&witnesses->list[i].key, vkey);
    fprintf(out, "witness %s\n", vkey);
  }
  if (books == NULL)
    return;
  hex_encode(hash_bytes(network), hex);
  fprintf(out, "network %s\n", hex);
  write_signing_keys(books, out);
}

/* --- erasures --- */

bool export_write_erasure(struct books *books, struct arena *arena, const struct erasure *e, FILE *out)
{
  struct leaf leaf;
  struct event event;
  char hex[2 * sizeof(struct hash) + 1], time[WORDS_SIZE];
  arena_reset(arena);
  if (books_event(books, e->index, arena, &leaf, &event) != OK || e->slot >= event.outer->n_sealed)
    return false;
  hex_encode(pb_bytes(event.outer->sealed[e->slot]->sha256), hex);
  if (e->by != UINT64_MAX && books_event(books, e->by, arena, &leaf, &event) != OK)
    return false;
  fprintf(out, "%" PRIu64 " %d %s ", e->index, e->slot, hex);
  if (e->by == UINT64_MAX) {
    fputs("held\n", out);
    return true;
  }
  words_time(leaf.time_ms, time);
  fprintf(out, "erased %" PRIu64 " %s %s\n", e->by, act_name(event.act), time);
  return true;
}

/* Bodies that are held and those that were erased, both in order, as one list. */
enum audit_code export_write_erasures(struct audit *a, struct rebuild *r, const struct erasures *erasures,
                                      const bool *full, FILE *out)
{
  struct walk held = walk_of(r->books, TABLE_HELD);
  struct bytes key, value;
  bool more = full == NULL && walk_next(&held, &key, &value);
  size_t i = 0;
  if (erasures->failed)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  while (more || i < erasures->count) {
    struct erasure next = {UINT64_MAX, UINT64_MAX, 0};
    if (more) {
      struct reader reader = reader_of(key);
      next.index = read_u64(&reader);
      next.slot = read_u8(&reader);
    }
    if (i < erasures->count && erasure_order(&erasures->list[i], &next) < 0)
      next = erasures->list[i++];
    else
      more = walk_next(&held, &key, &value);
    if (full != NULL && !(full[next.index] && full[next.by]))
      continue;
    if (!export_write_erasure(r->books, &a->arena, &next, out))
      return audit_tell(a->request, AUDIT_UNREADABLE, "the rebuilt books cannot be read");
  }
  return AUDIT_FINE;
}

size_t export_text_differs(struct bytes one, struct bytes other)
{
  size_t line = 1, at = 0;
  if (bytes_equal(one, other))
    return 0;
  for (; at < one.size && at < other.size && one.data[at] == other.data[at]; at++)
    line += one.data[at] == '\n';
  return line;
}
