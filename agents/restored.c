/* The welcome's checkpoint is of a newer epoch. Where it continues all that we have seen, consistency is proved as
 * always. Else every step is held against what we know below the place where it continues: the entry is in its tree,
 * and signed by a registrar of ours. */
#include "agents/restored.h"

#include <string.h>

#include "agents/again.h"

enum {
  ASKED_MS = 60000,   /* a person is asked: whoever says yes begins at once */
  NO_ROOM_MS = 15000, /* the disk is full */
};
enum restored { RESTORED_NOT, RESTORED_ASKS, RESTORED_READ_ON, RESTORED_FALSE, RESTORED_NO_ROOM };

struct news_of_it {
  struct checkpoint checkpoint;
  uint32_t epoch;
  uint64_t cut; /* where the first new epoch continues what we know */
  struct beginning {
    const Onward__Entry *entry;
    const Onward__Restored *restored;
    const Onward__Restore *restore;
  } at_cut;
  const Onward__Entry *first; /* the genesis, for its path */
};

static bool lies_in(const Onward__Entry *entry, const struct checkpoint *c, struct leaf *leaf)
{
  struct hash path[MERKLE_PATH_MAX], hash = leaf_hash(pb_bytes(entry->leaf));
  size_t count = entry->path.len / sizeof path[0];
  if (entry->path.len % sizeof path[0] != 0 || count > MERKLE_PATH_MAX || leaf_read(pb_bytes(entry->leaf), leaf) != OK)
    return false;
  if (count > 0)
    memcpy(path, entry->path.data, entry->path.len);
  return merkle_verify_inclusion(&hash, leaf->index, c->size, path, count, &c->root) == OK;
}

/* What the registrar signed for is the beginning of the very log that the checkpoint is of. */
static bool continues(const Onward__Restore *r, const struct checkpoint *c, struct bytes proof)
{
  struct hash hash[MERKLE_PROOF_MAX], root;
  size_t count = proof.size / sizeof hash[0];
  if (proof.size % sizeof hash[0] != 0 || count > MERKLE_PROOF_MAX)
    return false;
  if (count > 0)
    memcpy(hash, proof.data, proof.size);
  memcpy(root.byte, r->root.data, sizeof root.byte);
  return merkle_verify_consistency(r->continues_at, c->size, &root, &c->root, hash, count) == OK;
}

/* An epoch's beginning, later than `epoch`, in the tree. Who signed it is looked at where it counts. */
static bool begins(struct agent *a, const Onward__Entry *entry, const struct checkpoint *c, uint32_t epoch,
                   struct beginning *out)
{
  struct leaf leaf;
  struct event e;
  struct complaint why;
  if (!lies_in(entry, c, &leaf) || leaf.origin != ORIGIN_BROKER || event_read(leaf.event, &a->arena, &why, &e) != OK ||
      e.act != ONWARD__CORE__ACT_RESTORED ||
      restore_read(pb_bytes(e.core->restored->restore), &a->arena, &why, &out->restore) != OK)
    return false;
  out->entry = entry;
  out->restored = e.core->restored;
  return out->restore->epoch > epoch && out->restore->continues_at == leaf.index;
}

/* Finds where the log continues what we know: at the first of the new epochs that goes back furthest. */
static bool find_cut(struct agent *a, const Onward__Welcome *w, struct news_of_it *n)
{
  struct leaf genesis;
  uint32_t epoch = checkpoint_epoch(&a->evidence.newest, &a->evidence.log_key);
  n->first = w->restored[0];
  n->cut = UINT64_MAX;
  if (!lies_in(n->first, &n->checkpoint, &genesis) || genesis.index != 0 ||
      !bytes_equal(pb_bytes(n->first->leaf), a->network.genesis_leaf))
    return false;
  for (size_t i = 1; i < w->n_restored; i++) {
    struct beginning one;
    if (!begins(a, w->restored[i], &n->checkpoint, epoch, &one))
      return false;
    epoch = one.restore->epoch;
    if (one.restore->continues_at < n->cut) {
      n->cut = one.restore->continues_at;
      n->at_cut = one;
    }
  }
  return epoch == n->epoch;
}

/* What is held against our own directory is the one at the cut, below which we know it; those behind it are judged when
 * they are read on. */
static bool verify(struct agent *a, struct books *b, const Onward__Welcome *w, const struct news_of_it *n)
{
  struct complaint why;
  const Onward__Restore *r;
  return restore_signed(b, n->cut, n->at_cut.restored, &a->arena, &why, &r) == OK &&
         continues(r, &n->checkpoint, pb_bytes(w->consistency));
}

/* --- asking --- */

static enum restored ask(struct agent *a, const Onward__Welcome *w, const struct news_of_it *n)
{
  struct books *b = agent_write(a);
  const struct alarm_proof proof = {.part = {[ALARM_HELD] = bytes_of(a->evidence.note, a->evidence.note_size),
                                             [ALARM_OFFERED] = pb_bytes(w->checkpoint),
                                             [ALARM_LEAF] = pb_bytes(n->at_cut.entry->leaf),
                                             [ALARM_PATH] = pb_bytes(n->at_cut.entry->path)}};
  if (alarm_raise(b, ALARM_RESTORED, now_ms(), &proof))
    say("alarm: %s", alarm_text(ALARM_RESTORED));
  return agent_commit(a) == OK ? RESTORED_ASKS : RESTORED_NO_ROOM;
}

bool restored_asks(struct agent *a, struct books *b, struct restored_question *out)
{
  struct alarm_record record;
  struct alarm_proof proof;
  struct leaf leaf;
  struct event e;
  struct complaint why;
  struct checkpoint offered;
  const Onward__Restore *r;
  if (!alarm_get(b, ALARM_RESTORED, &record, &proof) || record.ended ||
      checkpoint_open(proof.part[ALARM_OFFERED], &a->evidence.log_key, &offered) != OK ||
      leaf_read(arena_copy(&a->arena, proof.part[ALARM_LEAF]), &leaf) != OK ||
      event_read(leaf.event, &a->arena, &why, &e) != OK || e.act != ONWARD__CORE__ACT_RESTORED ||
      restore_read(pb_bytes(e.core->restored->restore), &a->arena, &why, &r) != OK)
    return false;
  *out = (struct restored_question){.epoch = checkpoint_epoch(&offered, &a->evidence.log_key),
                                    .continues_at = r->continues_at,
                                    .seen = a->evidence.newest.size,
                                    .time_ms = leaf.time_ms};
  return pb_org(e.core->restored->organisation, &out->registrar) == OK;
}

void restored_agree(struct books *b, const struct restored_question *q)
{
  struct marks m;
  marks_get(b, &m);
  m.agreed_epoch = q->epoch;
  m.agreed_cut = q->continues_at;
  marks_put(b, &m);
  alarm_end(b, ALARM_RESTORED);
}

/* --- setting the books to where it continues --- */

/* Also of rows whose keys are too long to walk. */
static void empty(struct books *b, int table)
{
  struct bytes key, value;
  uint8_t copy[128];
  while (b->seek(b, table, (struct bytes){NULL, 0}, &key, &value) == OK && key.size <= sizeof copy) {
    memcpy(copy, key.data, key.size);
    b->del(b, table, bytes_of(copy, key.size));
  }
}

/* Rows whose keys end with an index from `cut` on: what hangs on entries that are no more. */
static void forget_from(struct books *b, int table, size_t offset, uint64_t cut)
{
  struct walk w = walk_start(table, (struct bytes){NULL, 0});
  while (walk_next(&w, b))
    if (key_number(w.key, offset) >= cut)
      b->del(b, table, w.key);
}

static void forget_index(uint64_t *index, uint64_t cut)
{
  if (*index != UINT64_MAX && *index >= cut)
    *index = 0;
}

/* What an item says of entries that are no more. `lost`: all of them; the first is kept, to find its sender by. */
static void set_item(struct books *b, struct item *item, uint64_t cut)
{
  struct bytes key, value;
  struct row_key first = key_of_ref(&item->id);
  bool logged = b->seek(b, TABLE_HISTORY, row_key(&first), &key, &value) == OK && key.size == 24 &&
                memcmp(key.data, item->id.byte, sizeof item->id.byte) == 0;
  uint64_t index = logged ? key_number(key, sizeof item->id.byte) : 0;
  if (logged && index >= cut)
    item->lost = index;
  forget_index(&item->brief_answered, cut);
  forget_index(&item->file_answered, cut);
  forget_index(&item->acknowledged_leg, cut);
  forget_index(&item->damaged, cut);
  forget_index(&item->gone_leg, cut);
  forget_index(&item->submit_entry, cut);
  for (int i = 0; i < CLOCKS; i++)
    forget_index(&item->overdue_entry[i], cut);
  item_put(b, item);
}

static void set_items(struct books *b, uint64_t cut)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct item item;
    memcpy(&item, w.value.data, sizeof item);
    set_item(b, &item, cut);
  }
}

/* Everything that follows from the log is worked out again from what is read from now on; what is ours alone stays, and
 * so do the bodies of entries that are still there. */
static void forget(struct books *b, uint64_t cut)
{
  static const int again[] = {TABLE_UNATTENDED_AT, TABLE_TOLD, TABLE_PLACES_SAID, TABLE_QUESTIONS, TABLE_OPEN};
  for (int table = 0; table < TABLES_DERIVED; table++)
    empty(b, table);
  for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
    empty(b, again[i]);
  forget_from(b, TABLE_BODIES, 0, cut);
  forget_from(b, TABLE_PATHS, 0, cut);
  forget_from(b, TABLE_HISTORY, sizeof(struct ref_id), cut);
}

static void set_marks(struct books *b, uint64_t last_sequence, uint64_t cut)
{
  struct marks m;
  outbox_unform(b, 1);
  marks_get(b, &m);
  m.sequence = m.read_back = last_sequence;
  m.position = m.capacity = 0;
  m.known_below = cut;
  marks_put(b, &m);
}

static enum restored read_on(struct agent *a, const Onward__Welcome *w, const struct news_of_it *n)
{
  struct books *b = agent_write(a);
  const struct evidence before = a->evidence;
  again_keep(a, b, n->cut);
  set_items(b, n->cut);
  forget(b, n->cut);
  set_marks(b, w->last_sequence, n->cut);
  bool begun = directory_begin(b, a->network.genesis_leaf, &a->network.id, &a->arena) == OK;
  evidence_begin_epoch(&a->evidence, &n->checkpoint, pb_bytes(w->checkpoint), pb_bytes(n->first->path));
  evidence_keep(&a->evidence, b);
  if (!begun)
    b->trouble = b->trouble == OK ? OUR_FAULT : b->trouble;
  if (agent_commit(a) != OK) {
    a->evidence = before;
    return RESTORED_NO_ROOM;
  }
  say("the exchange was restored, as a person here agreed: going on from entry %llu", (unsigned long long)n->cut);
  return RESTORED_READ_ON;
}

static enum restored look(struct agent *a, const Onward__Welcome *w)
{
  struct marks m;
  struct news_of_it n = {.epoch = 0};
  const struct checkpoint *newest = &a->evidence.newest;
  if (checkpoint_open(pb_bytes(w->checkpoint), &a->evidence.log_key, &n.checkpoint) != OK ||
      w->checkpoint.len > NOTE_SIZE_MAX || w->n_restored < 2)
    return RESTORED_NOT; /* what is not signed is not for us to judge */
  n.epoch = checkpoint_epoch(&n.checkpoint, &a->evidence.log_key);
  if (n.epoch <= checkpoint_epoch(newest, &a->evidence.log_key))
    return RESTORED_NOT;
  struct books *b = agent_read(a);
  marks_get(b, &m);
  bool found = find_cut(a, w, &n), nothing_lost = found && newest->size <= n.cut;
  bool verified = found && !nothing_lost && verify(a, b, w, &n);
  if (agent_abort(a) != OK)
    return RESTORED_NO_ROOM;
  if (nothing_lost)
    return RESTORED_NOT; /* consistency is proved as always, and the chain has who signed */
  if (!verified) {
    (void)evidence_accuse_note(&a->evidence, ALARM_ROLLED_BACK, pb_bytes(w->checkpoint), pb_bytes(w->consistency));
    return RESTORED_FALSE;
  }
  return m.agreed_epoch == n.epoch && m.agreed_cut == n.cut ? read_on(a, w, &n) : ask(a, w, &n);
}

bool restored_comes_first(struct agent *a, const Onward__Welcome *w)
{
  enum restored r = look(a, w);
  if (r == RESTORED_ASKS || r == RESTORED_NO_ROOM)
    session_down(a, r == RESTORED_ASKS ? ASKED_MS : NO_ROOM_MS);
  if (r == RESTORED_FALSE)
    session_accused(a);
  if (r == RESTORED_READ_ON) {
    a->session.wait_ms = a->config.hello_wait_ms;
    session_hello(a);
  }
  return r != RESTORED_NOT;
}

bool restored_lost_sender(struct agent *a, struct books *b, const struct item *item, struct org_id *out)
{
  struct bytes row;
  struct leaf leaf;
  struct event e;
  struct complaint why;
  if (item->lost == 0 || item->sender || !again_leaf(b, item->lost, &row) ||
      leaf_read(arena_copy(&a->arena, row), &leaf) != OK || event_read(leaf.event, &a->arena, &why, &e) != OK ||
      e.act != ONWARD__CORE__ACT_SUBMIT)
    return false;
  leaf_author(&leaf, out);
  return true;
}
