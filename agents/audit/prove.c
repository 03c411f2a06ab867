/* `prove`: one entry, so that it can be checked with nothing but the log's key. `consistency`: whether a copy's log has
 * the one of an older, or other, checkpoint as its beginning. Both go by the stored tree, whose root is first held
 * against the signed one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"
#include "proto/seal/proof.h"

enum audit_code audit_signed(struct audit *a, struct note_key *key, struct checkpoint *c, struct bytes *note)
{
  struct log_name log;
  struct hash root;
  enum audit_code code = AUDIT_FINE;
  if (a->exported != NULL)
    log.key = a->exported->log_key;
  else
    code = log_name_read(a->request, a->books, &a->arena, &log);
  if (code != AUDIT_FINE)
    return code;
  *key = log.key;
  if (a->books->get(a->books, TABLE_CHECKPOINT, bytes_text("newest"), note) != OK ||
      checkpoint_open(*note, key, c) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "the checkpoint is missing, or is not signed by the log's key");
  if (merkle_tree_root(c->size, books_tree_read, a->books, &root) == OK && hash_equal(&root, &c->root))
    return AUDIT_FINE;
  return audit_tell(a->request, AUDIT_FAILED, "the stored tree does not have the signed root; see onward-audit verify");
}

/* --- prove --- */

static enum audit_code prove(struct audit *a, uint64_t index)
{
  struct note_key key;
  struct checkpoint c = {.size = 0};
  struct log_proof proof = {.index = index};
  enum audit_code code = audit_signed(a, &key, &c, &proof.note);
  if (code != AUDIT_FINE)
    return code;
  if (index >= c.size)
    return audit_tell(a->request, AUDIT_USAGE, "has entries 0 to %" PRIu64 " only", c.size - 1);
  if (merkle_tree_path(index, c.size, books_tree_read, a->books, proof.path, &proof.path_count) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "the stored tree cannot be read");
  if (books_entry(a->books, index, &proof.leaf) != OK)
    return audit_partial(a) ? audit_tell(a->request, AUDIT_USAGE, "has only the hash of entry %" PRIu64, index)
                            : audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": is missing", index);
  const char *why;
  if (proof_verify(&proof, &key, &c, &why) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "entry %" PRIu64 ": is not the one of the stored tree", index);
  char *room = malloc(PROOF_SIZE_MAX);
  if (room == NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  struct writer w = writer_of(room, PROOF_SIZE_MAX);
  proof_write(&proof, &w);
  fwrite(room, w.size, 1, a->request->out);
  free(room);
  return AUDIT_FINE;
}

static void tell_proved(const struct audit_request *q, const struct checkpoint *c, const struct leaf *leaf,
                        const struct event *e)
{
  char words[WORDS_SIZE], time[WORDS_SIZE], vkey[NOTE_VKEY_SIZE];
  words_entry(leaf, e, words);
  words_time(leaf->time_ms, time);
  note_key_print(&q->log_key, vkey);
  fprintf(q->out, "Entry %" PRIu64 " is in the log %s, as it was signed with %" PRIu64 " entries.\n", leaf->index,
          c->origin, c->size);
  fprintf(q->out, "  entry       %s\n", words);
  fprintf(q->out, "  verdict     %s\n", pb_enum_name(&onward__verdict__descriptor, leaf->verdict));
  fprintf(q->out, "  time        %s, by the exchange's clock\n", time);
  fprintf(q->out, "  signed by   %s\n", vkey);
  if (leaf->origin == ORIGIN_ORGANISATION)
    fprintf(q->out,
            "  NOT CHECKED the organisation's own signature, which is in the entry: that takes its key, which the\n"
            "              registry's entries have (an export, or the log itself)\n");
}

static enum audit_code check_proof(const struct audit_request *q, struct bytes text, uint8_t *room, struct arena *arena)
{
  struct log_proof proof;
  struct checkpoint c;
  struct leaf leaf;
  struct event e;
  struct complaint why;
  const char *wrong;
  if (proof_read(text, room, &proof, &wrong) != OK)
    return audit_tell(q, AUDIT_FAILED,
                      "is no proof of an entry (c2sp.org/tlog-proof@v1, with the entry in `extra`): %s", wrong);
  if (checkpoint_open(proof.note, &q->log_key, &c) != OK)
    return audit_tell(q, AUDIT_FAILED, "its checkpoint is not signed by this log's key");
  if (proof_verify(&proof, &q->log_key, &c, &wrong) != OK)
    return audit_tell(q, AUDIT_FAILED, "the entry is not in the tree of the checkpoint: %s", wrong);
  if (leaf_read(proof.leaf, &leaf) != OK || leaf.index != proof.index)
    return audit_tell(q, AUDIT_FAILED, "what was proved is no entry, or has another entry's index");
  if (event_read(leaf.event, arena, &why, &e) != OK)
    return audit_tell(q, AUDIT_FAILED, "what the entry states cannot be read: %s", why.text);
  tell_proved(q, &c, &leaf, &e);
  return AUDIT_FINE;
}

static enum audit_code check(const struct audit_request *q)
{
  char why[200];
  size_t size = 0, arena_size = 1u << 20;
  if (!q->pinned)
    return audit_tell(q, AUDIT_USAGE, "--check needs --log-key: without it nothing is proved");
  uint8_t *memory = malloc(arena_size + PROOF_SIZE_MAX + PROOF_LEAF_MAX);
  if (memory == NULL)
    return audit_tell(q, AUDIT_UNREADABLE, "no memory");
  struct arena arena = arena_of(memory, arena_size); /* first, as it has to be aligned */
  uint8_t *text = memory + arena_size;
  enum status s = file_read(q->folder, text, PROOF_SIZE_MAX, &size, why);
  enum audit_code code =
      s == OK ? check_proof(q, bytes_of(text, size), text + PROOF_SIZE_MAX, &arena)
              : audit_tell(q, s == BAD_INPUT ? AUDIT_FAILED : AUDIT_UNREADABLE, "cannot be read, or is no proof");
  free(memory);
  return code;
}

enum audit_code audit_prove(const struct audit_request *q)
{
  struct audit a;
  if (q->check)
    return check(q);
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE)
    code = prove(&a, q->index);
  audit_close(&a);
  return code;
}

/* --- consistency --- */

/* The origin as the note states it, for words. */
static int origin_size(struct bytes note)
{
  const uint8_t *end = note.size == 0 ? NULL : memchr(note.data, '\n', note.size);
  return end == NULL || end - note.data > NOTE_NAME_MAX ? 0 : (int)(end - note.data);
}

enum audit_code audit_contains(struct audit *a, struct bytes note, const char *whose)
{
  const struct audit_request *q = a->request;
  struct note_key key;
  struct checkpoint own = {.size = 0}, other = {.size = 0};
  struct hash root;
  struct bytes own_note;
  enum audit_code code = audit_signed(a, &key, &own, &own_note);
  if (code != AUDIT_FINE)
    return code;
  if (checkpoint_open(note, &key, &other) != OK)
    return audit_tell(q, AUDIT_FAILED, "%s: is of another log (%.*s), or not signed by the key of %s", whose,
                      origin_size(note), (const char *)note.data, own.origin);
  const char *epoch = strcmp(own.origin, other.origin) == 0 ? "" : ", and is of another epoch";
  if (other.size == 0)
    return audit_tell(q, AUDIT_FAILED, "%s: is of no entries: it proves nothing%s", whose, epoch);
  if (other.size > own.size)
    return audit_tell(q, AUDIT_FAILED, "%s: is ahead: %" PRIu64 " entries (%s), here are %" PRIu64 " (%s)%s", whose,
                      other.size, other.origin, own.size, own.origin, epoch);
  if (merkle_tree_root(other.size, books_tree_read, a->books, &root) != OK)
    return audit_tell(q, AUDIT_FAILED, "the stored tree cannot be read");
  if (!hash_equal(&root, &other.root))
    return audit_tell(q, AUDIT_FAILED,
                      "%s: a FORK: the log's key has signed two different logs of %" PRIu64 " entries; keep both%s",
                      whose, other.size, epoch);
  return AUDIT_FINE;
}

enum audit_code audit_consistency(const struct audit_request *q)
{
  struct audit a;
  char note[EXPORT_NOTE_MAX], why[200];
  size_t size = 0;
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE && file_read(q->second, note, sizeof note, &size, why) != OK)
    code = audit_tell(q, AUDIT_UNREADABLE, "%s", why);
  if (code == AUDIT_FINE)
    code = audit_contains(&a, bytes_of(note, size), q->second);
  if (code == AUDIT_FINE)
    fprintf(q->out, "%s contains the log of %s.\n", q->folder, q->second);
  audit_close(&a);
  return code;
}
