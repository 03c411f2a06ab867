/* Holds a log against the contract, entry by entry: form, order, time, the registry chain, signatures, batches whole
 * and in sequence, each verdict the one that the rules give, each consequence and each due clock where it must be, and
 * no other. */
#include "proto/replay.h"

#include <string.h>

enum { DUE_PER_TURN_MAX = 256 };

void replay_init(struct replay *r, struct books *books, struct arena *arena, struct key_ring *ring)
{
  memset(r, 0, sizeof *r);
  r->books = books;
  r->arena = arena;
  r->ring = ring;
}

/* The entry is the very one that the broker owed here: the same core but for its nonce. */
static bool is_owed(struct arena *a, Onward__Core *owed, const struct leaf *leaf, const struct event *e)
{
  if (leaf->origin != ORIGIN_BROKER || e->outer->n_sealed != 0 || leaf->verdict != ONWARD__VERDICT__ACCEPTED)
    return false;
  owed->nonce = e->core->nonce;
  return bytes_equal(pb_pack(owed, a), e->core_bytes);
}

static enum status check_position(const struct replay *r, const struct head *head, const struct leaf *leaf,
                                  struct complaint *why)
{
  (void)r;
  if (leaf->index != head->size)
    return complain(why, "its index is not the next one");
  if (leaf->registry != head->registry)
    return complain(why, "it does not name the newest registry entry before it");
  if (leaf->index > 0 && leaf->time_ms < head->time_ms)
    return complain(why, "its time is before that of the entry before");
  return OK;
}

/* The broker's word about its own absence: first in a turn, and never more than the time that there was. */
static enum status check_about_time(const struct head *head, const struct leaf *leaf, const struct event *e,
                                    struct complaint *why)
{
  bool doubt = e->act == ONWARD__CORE__ACT_CLOCK_DOUBTED, confirm = e->act == ONWARD__CORE__ACT_CLOCK_CONFIRMED;
  if (leaf->time_ms <= head->time_ms)
    return complain(why, "it is not the first of its turn");
  if ((doubt && head->doubted_ms != 0) || (confirm && head->doubted_ms == 0))
    return complain(why, "the clock was doubted already, or was not");
  if (act_absent_ms(e->core) > leaf->time_ms - (confirm ? head->doubted_ms : head->time_ms))
    return complain(why, "it takes more time out than there was");
  return OK;
}

/* A registrar has signed for this epoch, this place and this very tree. */
static enum status check_restored(struct replay *r, const struct head *head, const struct leaf *leaf,
                                  const Onward__Restored *restored, struct complaint *why)
{
  struct hash root;
  const Onward__Restore *signed_for;
  enum status s = restored_verify(r->books, leaf->index, restored, r->arena, why, &signed_for);
  if (s != OK)
    return s;
  if (restored->absent_ms != leaf->time_ms - head->time_ms)
    return complain(why, "it takes out another time than there was since the entry before");
  if (merkle_tree_root(head->size, books_tree_read, r->books, &root) != OK ||
      !bytes_equal(pb_bytes(signed_for->root), hash_bytes(&root)))
    return complain(why, "the registrar signed for another log than the one before it");
  return OK;
}

/* Entries of the broker's own: a consequence at once, clocks only at a turn's beginning. `own` tells that it was one of
 * them. */
static enum status check_own(struct replay *r, const struct head *head, const struct leaf *leaf, const struct event *e,
                             struct complaint *why, bool *own)
{
  Onward__Core owed;
  *own = true;
  if (leaf->index == 0)
    return e->act == ONWARD__CORE__ACT_GENESIS && leaf->verdict == ONWARD__VERDICT__ACCEPTED
               ? genesis_verify(e->core->genesis, r->arena, why)
               : complain(why, "the log does not begin with its genesis");
  if (rules_consequence(r->books, &r->last, head->time_ms, r->arena, &owed))
    return is_owed(r->arena, &owed, leaf, e) && leaf->time_ms == head->time_ms
               ? OK
               : complain(why, "the entry before it has a consequence, which is missing here");
  if (leaf->time_ms > head->time_ms)
    r->due_count = 0;
  if (act_is_about_time(e->act) && leaf->origin == ORIGIN_BROKER) {
    enum status s = check_about_time(head, leaf, e, why);
    return s == OK && e->act == ONWARD__CORE__ACT_RESTORED ? check_restored(r, head, leaf, e->core->restored, why) : s;
  }
  if (r->due_count < DUE_PER_TURN_MAX && rules_due(r->books, leaf->time_ms, r->arena, &owed)) {
    r->due_count++;
    return is_owed(r->arena, &owed, leaf, e) ? OK : complain(why, "a clock was due before it and is missing");
  }
  r->due_count = UINT32_MAX;
  *own = false;
  return leaf->origin == ORIGIN_BROKER ? complain(why, "the broker wrote it without cause") : OK;
}

static enum status check_batch(struct replay *r, const struct leaf *leaf, struct complaint *why)
{
  struct head head;
  struct batch_header h;
  struct sequence last;
  uint8_t begun[BATCH_HEADER_SIZE];
  must(batch_header_read(leaf->header, &h) == OK); /* leaf_verify has read it */
  batch_header_write(&r->batch, begun);
  if (r->batch_left == 0) {
    books_head(r->books, &head);
    if (!hash_equal(&h.network, &head.network))
      return complain(why, "its batch was signed for another network");
    books_last_sequence(r->books, &h.organisation, &last);
    if (leaf->position != 0 || h.sequence != last.sequence + 1)
      return complain(why, "its batch is not the next of its organisation, or lacks events before it");
    if (h.read_up_to >= leaf->index)
      return complain(why, "its author claims to have read beyond the log");
    r->batch = h;
    r->batch_left = h.count;
  } else if (!bytes_equal(leaf->header, BYTES(begun)) || leaf->position != r->batch.count - r->batch_left) {
    return complain(why, "the batch before it is not complete");
  }
  r->batch_left--;
  return OK;
}

static enum status check_heard(struct replay *r, const struct leaf *leaf, const struct event *e, struct complaint *why)
{
  enum status s = check_batch(r, leaf, why);
  if (s != OK)
    return s;
  struct organisation author;
  struct occasion o = {r->books, r->arena, r->batch.organisation, leaf->index, leaf->time_ms};
  bool standing = books_organisation(r->books, &o.author, &author) == OK &&
                  (standing_speaks(author.standing) || leaf->position > 0);
  if (!standing)
    return complain(why, "its author is not in standing at this index");
  if (act_is_registry(e->act) && r->batch.count > 1)
    return complain(why, "an act on the registry is not alone in its batch");
  if (leaf->verdict != (uint16_t)rules_decide(&o, e))
    return complain(why, "the rules give another verdict");
  return OK;
}

enum status replay_entry(struct replay *r, struct bytes bytes, struct complaint *why)
{
  struct head head;
  struct leaf leaf;
  struct event e;
  bool own = false;
  arena_reset(r->arena);
  books_head(r->books, &head);
  if (leaf_read(bytes, &leaf) != OK)
    return complain(why, "it is not in the form of an entry");
  enum status s = check_position(r, &head, &leaf, why);
  if (s == OK)
    s = leaf_verify(r->books, r->ring, &leaf, r->arena, why, &e);
  if (s == OK)
    s = check_own(r, &head, &leaf, &e, why, &own);
  if (s == OK && r->batch_left > 0 && leaf.time_ms != head.time_ms)
    s = complain(why, "the batch before it is not complete");
  if (s == OK && !own)
    s = check_heard(r, &leaf, &e, why);
  if (s != OK)
    return r->books->trouble != OK ? r->books->trouble : s;
  ledger_record(r->books, &leaf, bytes, &e);
  r->last = (struct event){0}; /* what was refused has no consequence */
  if (leaf.verdict == ONWARD__VERDICT__ACCEPTED)
    r->last = (struct event){.act = e.act, .referral = e.referral};
  return r->books->trouble;
}

enum status replay_end(struct replay *r, struct complaint *why)
{
  struct head head;
  Onward__Core owed;
  arena_reset(r->arena);
  books_head(r->books, &head);
  if (head.size == 0)
    return complain(why, "the log is empty");
  if (r->batch_left > 0)
    return complain(why, "the last batch is not complete");
  if (rules_consequence(r->books, &r->last, head.time_ms, r->arena, &owed))
    return complain(why, "the last entry has a consequence, which is missing");
  return OK;
}
