/* `verify` of an export that has not every entry in full. The tiles must fit each other and the checkpoint; each entry
 * that is there must be that of the tiles, name the newest registry entry before it, and be signed by the key that the
 * registry gives. So no registry entry can be left out, and nothing be made up. What needs the other entries, the
 * verdicts above all, is not checked, and that is said. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"
#include "proto/ledger/rows.h"

/* --- entries --- */

static enum status apply(struct rebuild *r, const struct leaf *leaf, struct bytes bytes, const struct event *e)
{
  struct row_key k = key_of_index(leaf->index);
  struct head head;
  books_head(r->books, &head);
  if (leaf->index == 0)
    head = (struct head){.network = sha256(bytes),
                         .rules = e->core->genesis->rules,
                         .epoch = e->core->genesis->epoch,
                         .replace_after_ms = e->core->genesis->replace_after_ms};
  ledger_apply(r->books, leaf, e);
  r->books->put(r->books, TABLE_ENTRIES, row_key(&k), bytes);
  head.epoch += e->act == ONWARD__CORE__ACT_RESTORED;
  head.registry = leaf->index;
  head.size = leaf->index + 1;
  head.time_ms = leaf->time_ms;
  books_put_head(r->books, &head);
  return r->books->trouble;
}

static enum status check_author(struct rebuild *r, const struct leaf *leaf, struct complaint *why)
{
  struct batch_header h;
  struct head head;
  books_head(r->books, &head);
  if (leaf->origin != ORIGIN_ORGANISATION)
    return OK;
  return batch_header_read(leaf->header, &h) == OK && hash_equal(&h.network, &head.network)
             ? OK
             : complain(why, "its batch was signed for another network");
}

static enum status check_entry(struct audit *a, struct rebuild *r, const struct export_entry *entry,
                               struct complaint *why)
{
  struct leaf leaf;
  struct event e;
  struct head head;
  struct hash stored, hash = leaf_hash(entry->leaf);
  arena_reset(&a->arena);
  books_head(r->books, &head);
  if (books_tree_read(a->books, merkle_stored_number(0, entry->index), &stored) != OK || !hash_equal(&hash, &stored))
    return complain(why, "it is not the one of the tiles");
  if (leaf_read(entry->leaf, &leaf) != OK || leaf.index != entry->index)
    return complain(why, "it is not in the form of an entry, or another one");
  if (leaf.registry != head.registry)
    return complain(why, "the registry entry that it names is not the newest one that is here");
  enum status s = leaf_verify(r->books, r->ring, &leaf, &a->arena, why, &e);
  if (s == OK)
    s = check_author(r, &leaf, why);
  if (s != OK || leaf.verdict != ONWARD__VERDICT__ACCEPTED || !act_is_registry(e.act))
    return s;
  if (leaf.index == 0)
    s = e.act == ONWARD__CORE__ACT_GENESIS ? genesis_verify(e.core->genesis, &a->arena, why)
                                           : complain(why, "is no genesis");
  else
    s = registry_verify(r->books, &leaf, &e, &a->arena, why);
  return s == OK ? apply(r, &leaf, entry->leaf, &e) : s;
}

/* Beside the registry, nothing is there but what the mandate covers. */
static enum audit_code check_mandate(struct audit *a)
{
  struct exported *x = a->exported;
  struct mandate m;
  if (!mandate_read(a->books, x->scope.mandate, &a->arena, &m))
    return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": is no accepted mandate", x->scope.mandate);
  for (size_t i = 0; i < x->entry_count; i++) {
    struct leaf leaf;
    struct event e;
    arena_reset(&a->arena);
    bool covered =
        books_event(a->books, x->listed[i].index, &a->arena, &leaf, &e) == OK &&
        ((act_is_registry(e.act) && leaf.verdict == ONWARD__VERDICT__ACCEPTED) || mandate_covers(&m, &leaf, &e));
    if (!covered)
      return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": is not covered by the mandate",
                        x->listed[i].index);
  }
  return AUDIT_FINE;
}

static enum audit_code check_entries(struct audit *a, struct rebuild *r)
{
  struct exported *x = a->exported;
  struct complaint why;
  for (size_t i = 0; i < x->entry_count; i++) {
    enum status s = i == 0 && x->listed[0].index != 0 ? complain(&why, "the genesis is missing before it")
                                                      : check_entry(a, r, &x->listed[i], &why);
    if (s == BAD_INPUT)
      return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": %s", x->listed[i].index, why.text);
    if (s != OK)
      return audit_tell(a->request, AUDIT_UNREADABLE, "cannot work in a temporary folder (set TMPDIR to another)");
  }
  return x->entry_count > 0 ? AUDIT_FINE : audit_tell(a->request, AUDIT_FAILED, "entries: there is none");
}

/* The line that begins here is the one that its numbers lead to. How long it is; 0: it is not. */
static size_t erasure_line(struct audit *a, const char *line, size_t size, struct erasure *e)
{
  char *right = NULL;
  size_t right_size = 0;
  FILE *out = open_memstream(&right, &right_size);
  if (out == NULL)
    return 0;
  /* NOLINTNEXTLINE(cert-err34-c): it is written again and compared */
  bool sound = sscanf(line, "%" SCNu64 " %" SCNu8 " %*64[0-9a-f] erased %" SCNu64, &e->index, &e->slot, &e->by) == 3 &&
               e->by != UINT64_MAX && export_write_erasure(a->books, &a->arena, e, out);
  sound = fclose(out) == 0 && sound && right_size <= size && memcmp(line, right, right_size) == 0;
  free(right);
  return sound ? right_size : 0;
}

static enum audit_code check_erasures(struct audit *a)
{
  size_t size = 0, at = 0, length = 0, line = 1;
  struct erasure before = {0}, e;
  uint8_t *stored = export_file(a->exported->folder, "erasures", &size, a->exported->trouble);
  if (stored == NULL)
    return audit_tell(a->request, AUDIT_FAILED, "%s", a->exported->trouble);
  stored[size] = 0; /* there is room for it */
  for (; at < size; at += length, line++) {
    length = erasure_line(a, (const char *)stored + at, size - at, &e);
    if (length == 0 || (line > 1 && erasure_order(&before, &e) >= 0))
      break;
    before = e;
  }
  free(stored);
  return at == size
             ? AUDIT_FINE
             : audit_tell(a->request, AUDIT_FAILED, "erasures: line %zu: does not follow from the entries", line);
}

static enum audit_code check_full(struct audit *a, struct rebuild *r, const struct witnesses *witnesses)
{
  struct log_name log;
  struct checkpoint c;
  struct organisation o;
  enum audit_code code = rebuild_open(a, r);
  if (code == AUDIT_FINE)
    code = check_entries(a, r);
  if (code == AUDIT_FINE)
    code = log_name_read(a->request, r->books, &a->arena, &log);
  if (code == AUDIT_FINE && (checkpoint_open(bytes_of(a->exported->note, a->exported->note_size), &log.key, &c) != OK ||
                             strcmp(c.origin, log.origin) != 0))
    code = audit_tell(a->request, AUDIT_FAILED, "the checkpoint: is not signed by the key of the genesis, for its log");
  if (code == AUDIT_FINE && a->exported->scope.holds == HOLDS_MANDATE)
    code = check_mandate(a);
  else if (code == AUDIT_FINE && books_organisation(r->books, &a->exported->scope.organisation, &o) != OK)
    code = audit_tell(a->request, AUDIT_FAILED, "keys: line 2: names an organisation that was never in the registry");
  if (code == AUDIT_FINE)
    code = exported_compare_keys(a, r->books, witnesses);
  return code == AUDIT_FINE ? check_erasures(a) : code;
}

static void tell_part(const struct audit *a, const struct witnesses *witnesses)
{
  const struct exported *x = a->exported;
  char vkey[NOTE_VKEY_SIZE];
  FILE *out = a->request->out;
  note_key_print(&x->log_key, vkey);
  fprintf(out, "What is in this export holds.\n");
  fprintf(out, "  key         %s%s\n", vkey,
          a->request->pinned ? "" : " (as the export says: compare it, or give --log-key)");
  fprintf(out, "  entries     %" PRIu64 ", of which the hashes lead to the signed root\n", x->size);
  witnesses_tell(witnesses, out);
  if (x->scope.holds == HOLDS_HASHES) {
    fprintf(out, "  NOT CHECKED what the entries are: none is here\n");
    return;
  }
  if (x->scope.holds == HOLDS_MANDATE)
    fprintf(out, "  in full     %zu: the registry, and what the mandate in entry %" PRIu64 " covers\n", x->entry_count,
            x->scope.mandate);
  else
    fprintf(out, "  in full     %zu: the registry and directory, and the mailbox of " ORG_FMT "\n", x->entry_count,
            x->scope.organisation.text);
  fprintf(out, "  signatures  of each of them, by the key that the registry gives\n");
  fprintf(out,
          "  NOT CHECKED verdicts, clocks and consequences, whether there was more of that, and which bodies must\n"
          "              exist: that takes every entry\n");
}

enum audit_code exported_verify_part(struct audit *a)
{
  struct rebuild r = {0};
  struct witnesses witnesses;
  enum audit_code code = exported_files(a);
  char why[200];
  if (code == AUDIT_FINE && !exported_tiles_fit(a, why))
    code = audit_tell(a->request, AUDIT_FAILED, "%s", why);
  if (code == AUDIT_FINE)
    code = witnesses_read(a, &a->exported->log_key, a->books, a->exported->size, &witnesses);
  if (code == AUDIT_FINE && a->exported->scope.holds == HOLDS_HASHES)
    code = exported_compare_keys(a, NULL, &witnesses);
  else if (code == AUDIT_FINE)
    code = check_full(a, &r, &witnesses);
  rebuild_close(&r);
  if (code == AUDIT_FINE)
    tell_part(a, &witnesses);
  return code;
}
