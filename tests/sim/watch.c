/* Reads the log whenever a turn is over, tells the model of it, and holds the books against the model; and listens to
 * what is said on the lines. */
#include "tests/sim/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ledger/rows.h"
#include "tests/sim/disk.h"
#include "tests/sim/model.h"
#include "tests/sim/promises.h"
#include "tests/sim/script.h"

enum { ACCEPTED_MAX = 8192, BATCHES_MAX = 4096 };

static struct store *store; /* the exchange's disk, read from outside */
static uint8_t memory[1 << 21];
static struct arena arena;
static struct hash accepted[ACCEPTED_MAX]; /* events that had an effect */
static size_t accepted_count;
static struct hash root; /* of the log as far as it was read */
static struct batch_seen {
  struct org_id org;
  uint64_t sequence;
  struct hash root;
} batches[BATCHES_MAX];
static size_t batch_count;

void watch_begin(void)
{
  char folder[PATH_MAX_SIM];
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  store = disk_reader(folder);
  must(store != NULL);
  accepted_count = batch_count = 0;
  model_begin();
  promises_begin();
}

void watch_end(void)
{
  if (store != NULL)
    store_close(store);
  store = NULL;
}

/* --- the log --- */

/* Sent again, restored, cloned: an event has its effect once. */
static void note_effect(const struct model_entry *e)
{
  struct hash hash = sha256(e->event->bytes);
  for (size_t i = 0; i < accepted_count; i++)
    if (hash_equal(&accepted[i], &hash))
      broken("%s of %.16s had its effect twice", act_name(e->event->act), e->author.text);
  if (accepted_count < ACCEPTED_MAX)
    accepted[accepted_count++] = hash;
}

static void note_row(const struct model_entry *e)
{
  struct model_referral *r = model_referral(&e->event->referral);
  uint8_t flags = 0;
  if (r != NULL)
    flags = (uint8_t)((r->info ? FLAG_INFO_OPEN : 0) | (r->cancel ? FLAG_CANCEL_OPEN : 0) |
                      (r->safety_here ? FLAG_SAFETY_AT_RECIPIENT : 0) | (r->safety_there ? FLAG_SAFETY_AT_SENDER : 0));
  bool sender = r == NULL || org_id_equal(&r->sender, &e->author);
  coverage_note(e->event, r == NULL ? STATE_NONE : (enum referral_state)r->state, flags, sender);
}

static void tell_entry(const struct model_entry *e)
{
  char ref[REF_SHORT_SIZE] = "";
  if (!sim.told)
    return;
  if (act_is_about_referral(e->event->act))
    ref_short(&e->event->referral, ref);
  tell("      [%llu] %.16s %s %s%s%s", (unsigned long long)e->leaf->index,
       e->leaf->origin == ORIGIN_BROKER ? "the exchange:" : e->author.text, act_name(e->event->act), ref,
       e->leaf->verdict == ONWARD__VERDICT__ACCEPTED ? "" : ", refused: ",
       e->leaf->verdict == ONWARD__VERDICT__ACCEPTED
           ? ""
           : pb_enum_name(&onward__verdict__descriptor, (int)e->leaf->verdict));
}

static void read_entry(struct books *b, uint64_t index)
{
  struct leaf leaf;
  struct event event;
  struct model_entry e = {.log = b, .leaf = &leaf, .event = &event};
  arena_reset(&arena);
  if (books_event(b, index, &arena, &leaf, &event) != OK) {
    broken("entry %llu of the log cannot be read", (unsigned long long)index);
    return;
  }
  leaf_author(&leaf, &e.author);
  tell_entry(&e);
  promise_kept(pb_bytes(event.core->nonce));
  if (leaf.verdict == ONWARD__VERDICT__ACCEPTED) {
    note_effect(&e);
    if (act_is_about_referral(event.act))
      note_row(&e);
  }
  model_take(&e);
}

/* What was read once stands. */
static void check_grown(struct books *b, uint64_t size)
{
  struct hash now;
  if (size < model.size)
    broken("the log had %llu entries, and has %llu", (unsigned long long)model.size, (unsigned long long)size);
  else if (model.size > 0 && (merkle_tree_root(model.size, books_tree_read, b, &now) != OK || !hash_equal(&now, &root)))
    broken("what was in the log is another by now");
}

/* --- the books --- */

static uint8_t marks_of(const struct model_party *p)
{
  return (uint8_t)((p->asked ? PARTY_VISITED : 0) | (p->received ? PARTY_RECEIVED : 0) | (p->duty ? PARTY_DUTY : 0) |
                   (p->hold ? PARTY_HOLD : 0));
}

static const char *party_differs(struct model_referral *m, const struct referral *r)
{
  const uint8_t compared = PARTY_VISITED | PARTY_RECEIVED | PARTY_DUTY | PARTY_HOLD;
  for (int i = 0; i < m->party_count; i++) {
    const struct model_party *p = &m->parties[i];
    const struct party *q = referral_party((struct referral *)(uintptr_t)r, &p->org);
    if (q == NULL || (q->marks & compared) != marks_of(p))
      return "who had it, and who must erase it";
    if (q->brief_index != p->brief.index || q->file_index != p->file.index)
      return "what is sealed for whom";
    if (q->duty_due_ms != p->duty_due_ms)
      return "when an erasure is due";
  }
  return m->party_count == r->party_count ? NULL : "its parties";
}

static uint8_t flags_of(const struct model_referral *m)
{
  return (uint8_t)((m->info ? FLAG_INFO_OPEN : 0) | (m->cancel ? FLAG_CANCEL_OPEN : 0) |
                   (m->safety_here ? FLAG_SAFETY_AT_RECIPIENT : 0) | (m->safety_there ? FLAG_SAFETY_AT_SENDER : 0) |
                   (m->reseal ? FLAG_RESEAL_ASKED : 0));
}

const char *watch_differs(struct model_referral *m, const struct referral *r, uint8_t hidden)
{
  bool nobody = r->present == PARTY_NONE;
  if (m->state != r->state)
    return "its state";
  if (((flags_of(m) ^ r->flags) & ~hidden) != 0)
    return "its flags";
  if (nobody != (m->present < 0) || (!nobody && !model_is_present(m, &r->parties[r->present].org)))
    return "who has it";
  if (m->leg != r->leg || m->priority != r->priority || m->leg_index != r->leg_index || m->yes_index != r->accept_index)
    return "its leg or priority";
  return NULL;
}

static const char *clock_differs(const struct model_referral *m, const struct referral *r)
{
  for (int i = 0; i < CLOCKS; i++)
    if (m->clocks[i].due_ms != r->clock_due_ms[i])
      return pb_enum_name(&onward__clock__descriptor, i + 1);
  return NULL;
}

/* The clock's row, by which it fires. */
static bool clock_stands(struct books *b, const struct referral *r)
{
  struct bytes value;
  uint64_t due_ms = clocks_earliest(r).due_ms;
  struct row_key k = key_of_index(due_ms);
  row_key_u8(&k, CLOCK_OF_REFERRAL);
  row_key_bytes(&k, BYTES(r->id.byte));
  return due_ms == 0 || b->get(b, TABLE_CLOCKS, row_key(&k), &value) == OK;
}

static void check_referral(struct books *b, struct model_referral *m)
{
  struct referral r;
  bool waits = model_live(m) || m->state == STATE_COMPLETED || m->state == STATE_RETURNED;
  if (books_referral(b, &m->id, &r) != OK) {
    broken("a referral of %.16s is not in the books", m->sender.text);
    return;
  }
  const char *what = watch_differs(m, &r, 0);
  if (what == NULL)
    what = party_differs(m, &r);
  if (what != NULL)
    broken("a referral of %.16s is not what its log says: %s (%s in the books, %s by the document)", m->sender.text,
           what, state_name((enum referral_state)r.state), state_name((enum referral_state)m->state));
  const char *clock = clock_differs(m, &r);
  if (clock != NULL)
    broken("a clock of a referral of %.16s is not due when it should be: %s", m->sender.text, clock);
  if (waits && clocks_earliest(&r).due_ms == 0)
    broken("nobody owes the next step, or no clock runs: a referral of %.16s, %s", m->sender.text,
           state_name((enum referral_state)r.state));
  if (!clock_stands(b, &r))
    broken("a clock runs that will never fire: a referral of %.16s", m->sender.text);
}

static void check_touched(struct books *b)
{
  for (size_t i = 0; i < model.referral_count && !sim.ended; i++) {
    if (model.referrals[i].touched)
      check_referral(b, &model.referrals[i]);
    model.referrals[i].touched = false;
  }
}

void watch_log(void)
{
  struct head head;
  if (store == NULL || sim.ended)
    return;
  arena = arena_of(memory, sizeof memory);
  struct books *b = store_begin(store, false);
  books_head(b, &head);
  check_grown(b, head.size);
  bool grown = model.size < head.size;
  while (model.size < head.size && !sim.ended)
    read_entry(b, model.size);
  if (grown && !sim.ended) {
    model_turn_over();
    check_touched(b);
    if (merkle_tree_root(head.size, books_tree_read, b, &root) != OK)
      broken("the tree of the log cannot be read");
  }
  store_abort(store);
}

/* --- what the exchange says --- */

/* The checkpoint's second and third line: how many entries it stands for, and their root. */
static void check_checkpoint(struct books *b, ProtobufCBinaryData note)
{
  struct hash said, is;
  struct head head;
  size_t size;
  const char *text = (const char *)note.data;
  const char *line = memchr(text, '\n', note.len);
  must(line != NULL);
  uint64_t entries = strtoull(line + 1, NULL, 10);
  line = strchr(line + 1, '\n');
  must(line != NULL && base64_decode(bytes_of(line + 1, 44), said.byte, sizeof said.byte, &size) == OK);
  books_head(b, &head);
  if (entries > head.size || merkle_tree_root(entries, books_tree_read, b, &is) != OK || !hash_equal(&said, &is))
    broken("the exchange speaks of %llu entries before they are on its disk", (unsigned long long)entries);
}

static bool names_org(ProtobufCBinaryData b, const struct org_id *org)
{
  return bytes_equal(pb_bytes(b), org_id_text(org));
}

/* Only while the leg is its recipient's; a file only after a yes, or where the sender said so. */
static const char *why_not(struct books *b, const struct org_id *to, uint64_t index, uint32_t slot)
{
  struct leaf leaf;
  struct event e;
  if (books_event(b, index, &arena, &leaf, &e) != OK || slot >= e.outer->n_sealed)
    return "of no entry";
  const Onward__Sealed *s = e.outer->sealed[slot];
  struct model_referral *r = model_referral(&e.referral);
  if (!names_org(s->recipient, to))
    return "sealed to somebody else";
  if (s->part == ONWARD__PART__NOTE)
    return NULL;
  if (r == NULL || !model_is_present(r, to) || !model_live(r))
    return "outside its leg";
  bool early = s->release == ONWARD__RELEASE__AT_DELIVERY;
  if (s->part == ONWARD__PART__FILE && !early && r->yes_index == 0)
    return "before anybody said yes";
  const struct model_party *p = model_party(r, to);
  const struct body_name *name = s->part == ONWARD__PART__FILE ? &p->file : &p->brief;
  return name->index == index && name->slot == slot ? NULL : "that was replaced";
}

/* Nobody learns of a referral in which it has no part. */
static bool may_see(const struct org_id *to, const struct leaf *leaf, const struct event *e)
{
  struct org_id author;
  struct model_referral *r = model_referral(&e->referral);
  const struct model_organisation *o = model_organisation(to);
  leaf_author(leaf, &author);
  if (!act_is_about_referral(e->act) || org_id_equal(&author, to) || (o != NULL && o->registrar) || r == NULL)
    return true;
  const struct model_party *p = model_party(r, to);
  return org_id_equal(&r->sender, to) || (p != NULL && (p->asked || p->received || p->hold || p->duty || p->rank > 0));
}

static void check_delivery(struct books *b, const struct org_id *to, const Onward__Delivery *d)
{
  for (size_t i = 0; i < d->n_bodies && !sim.ended; i++) {
    const char *why = why_not(b, to, d->bodies[i]->index, d->bodies[i]->slot);
    if (why != NULL)
      broken("a sealed body is handed to %.16s %s", to->text, why);
  }
  for (size_t i = 0; i < d->n_entries && !sim.ended; i++) {
    struct leaf short_leaf, leaf;
    struct event e;
    size_t used = arena.used;
    if (leaf_header_read(pb_bytes(d->entries[i]->leaf), &short_leaf) != OK &&
        leaf_read(pb_bytes(d->entries[i]->leaf), &short_leaf) != OK)
      broken("an entry that cannot be read is handed to %.16s", to->text);
    else if (books_event(b, short_leaf.index, &arena, &leaf, &e) == OK && !may_see(to, &leaf, &e))
      broken("%.16s is told of a referral that is none of its business", to->text);
    arena.used = used;
  }
}

void watch_exchange(int node, enum frame_kind kind, struct bytes body)
{
  if (sim.ended || (kind != FRAME_WELCOME && kind != FRAME_ANSWER && kind != FRAME_DELIVERY))
    return;
  watch_log();
  arena = arena_of(memory, sizeof memory);
  struct books *b = store_begin(store, false);
  if (kind == FRAME_WELCOME) {
    const Onward__Welcome *w = pb_unpack(&onward__welcome__descriptor, body, &arena);
    check_checkpoint(b, w->checkpoint);
  } else if (kind == FRAME_ANSWER) {
    const Onward__Answer *a = pb_unpack(&onward__answer__descriptor, body, &arena);
    check_checkpoint(b, a->checkpoint);
  } else {
    const Onward__Delivery *d = pb_unpack(&onward__delivery__descriptor, body, &arena);
    check_checkpoint(b, d->checkpoint);
    check_delivery(b, &sim.nodes[node].id, d);
  }
  store_abort(store);
}

/* --- what an office says --- */

/* Never a second batch under a number that was used, unless its books went back or two computers run. */
void watch_office(int node, enum frame_kind kind, struct bytes body)
{
  struct batch_header h;
  const struct node *n = &sim.nodes[node];
  if (kind != FRAME_SUBMIT || n->backup != NULL || n->copied || sim.ended)
    return;
  struct arena a = arena_of(memory, sizeof memory);
  const Onward__Batch *m = pb_unpack(&onward__batch__descriptor, body, &a);
  must(m != NULL && batch_header_read(pb_bytes(m->header), &h) == OK);
  for (size_t i = 0; i < batch_count; i++) {
    const struct batch_seen *s = &batches[i];
    if (s->sequence != h.sequence || !org_id_equal(&s->org, &h.organisation))
      continue;
    if (!hash_equal(&s->root, &h.root))
      broken("%s signs another batch under number %llu", n->name, (unsigned long long)h.sequence);
    return;
  }
  if (batch_count < BATCHES_MAX)
    batches[batch_count++] = (struct batch_seen){h.organisation, h.sequence, h.root};
}
