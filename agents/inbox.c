/* Three passes over a delivery. First every leaf is proved to be in the tree (our own short ones are put together again
 * from the outbox); then what of the directory must be known is compared with what is known; only then each entry is
 * verified, applied and stored, in order, and its referral settled.
 */
#include "agents/inbox.h"

#include <string.h>

#include "agents/again.h"
#include "agents/duty.h"
#include "agents/erase.h"
#include "agents/overdue.h"
#include "agents/questions.h"
#include "agents/receipt.h"
#include "agents/told.h"
#include "agents/unattended.h"
#include "proto/rules/rules.h"

struct arrival {
  struct bytes bytes; /* the whole leaf */
  struct bytes path;  /* whole */
  struct leaf leaf;
};

struct question { /* does this leaf, put together again, fit the path that came? */
  const struct evidence *evidence;
  struct bytes path;
};

static bool fits_tree(const void *context, struct bytes leaf_bytes)
{
  const struct question *q = context;
  struct leaf leaf;
  return leaf_read(leaf_bytes, &leaf) == OK && evidence_fits(q->evidence, leaf_bytes, leaf.index, q->path);
}

/* An entry without its event: ours, from the outbox or (a repetition) from the books. One that is in neither may be of
 * a copy of us, which signed another batch under a number of ours: it is asked for whole, and only then accused. */
static enum status whole_leaf(struct agent *a, struct books *b, const Onward__Entry *entry, struct bytes *out)
{
  struct leaf header;
  struct bytes stored;
  struct question question = {&a->evidence, pb_bytes(entry->path)};
  if (leaf_header_read(pb_bytes(entry->leaf), &header) != OK)
    return evidence_accuse(&a->evidence, ALARM_BAD_PROOF);
  if (books_entry(b, header.index, &stored) == OK) {
    *out = arena_copy(&a->arena, stored);
    return out->size > 0 ? OK : NOT_NOW;
  }
  enum status s = outbox_leaf(b, &header, fits_tree, &question, &a->arena, out);
  return s == NOT_FOUND && a->session.whole ? evidence_accuse(&a->evidence, ALARM_BAD_PROOF) : s;
}

/* First pass. `needed`: the newest entry of the directory that is named. */
static enum status prove(struct agent *a, struct books *b, const Onward__Delivery *d, struct arrival *out,
                         uint64_t *needed)
{
  for (size_t i = 0; i < d->n_entries; i++) {
    const Onward__Entry *entry = d->entries[i];
    out[i].bytes = pb_bytes(entry->leaf);
    evidence_about(&a->evidence, out[i].bytes, pb_bytes(entry->path));
    enum status s = entry->leaf.len == LEAF_HEADER_SIZE ? whole_leaf(a, b, entry, &out[i].bytes) : OK;
    if (s == OK)
      s = evidence_leaf(&a->evidence, out[i].bytes, pb_bytes(entry->path), &out[i].leaf);
    if (s != OK)
      return s;
    const struct merkle_way *way = &a->evidence.way;
    out[i].path = arena_copy(&a->arena, bytes_of(way->path, way->count * sizeof way->path[0]));
    if (out[i].path.data == NULL && way->count > 0)
      return NOT_NOW;
    if (out[i].leaf.registry > *needed)
      *needed = out[i].leaf.registry;
  }
  return OK;
}

/* What an entry of ours means for its item. */
static void note_own(struct agent *a, struct books *b, const struct arrival *e, const struct event *event,
                     struct item *item)
{
  struct referral r;
  bool twice = e->leaf.verdict == ONWARD__VERDICT__REFERRAL_EXISTS && books_referral(b, &item->id, &r) == OK &&
               org_id_equal(&r.sender, &a->self.id); /* sent again after a restore: it is there */
  bool accepted = twice || e->leaf.verdict == ONWARD__VERDICT__ACCEPTED;
  if (event->act == ONWARD__CORE__ACT_RECEIVE && !accepted && e->leaf.verdict != ONWARD__VERDICT__WRONG_HASH &&
      books_referral(b, &item->id, &r) == OK)
    item->gone_leg = r.leg_index;
  if (event->act == ONWARD__CORE__ACT_RECEIVE || event->act == ONWARD__CORE__ACT_REFUSE_OPEN ||
      event->act == ONWARD__CORE__ACT_RESEAL)
    return; /* a machine's words: nobody here waits for an answer to them */
  if (event->act == ONWARD__CORE__ACT_ERASE_RECEIPT && accepted)
    item->erasing = erase_copies(a, b, &item->id); /* books from a backup have them again: anew at the next start */
  item->refused_act = accepted ? 0 : event->act;
  item->refused_verdict = accepted ? 0 : e->leaf.verdict;
  if (event->act != ONWARD__CORE__ACT_SUBMIT)
    return;
  item->draft = 0;
  item->submit_entry = e->leaf.index;
  if (!accepted)
    item_give_up(b, item); /* so that the same reference can be sent again */
}

/* Machines' words, and what a new recipient is given only to understand its leg, are no news. */
static bool is_news(struct agent *a, struct books *b, const struct event *event, const struct item *item)
{
  struct referral r;
  bool here = books_referral(b, &event->referral, &r) == OK && referral_present(&r, &a->self.id);
  switch (event->act) {
  case ONWARD__CORE__ACT_RESEAL:
  case ONWARD__CORE__ACT_REFUSE_OPEN:
    return false;
  case ONWARD__CORE__ACT_REROUTE:
  case ONWARD__CORE__ACT_READDRESS:
    return item->sender != 0;
  case ONWARD__CORE__ACT_SUBMIT:
    return here;
  default:
    return true;
  }
}

static bool owes_erasure(const struct agent *a, struct referral *r)
{
  const struct party *p = referral_party(r, &a->self.id);
  return p != NULL && !org_id_equal(&r->sender, &a->self.id) && (p->marks & PARTY_DUTY) != 0;
}

static enum news_kind kind_of(const struct event *event, const struct item *item)
{
  bool safety = event->act == ONWARD__CORE__ACT_TELL && event->core->tell->safety;
  bool offered = event->act == ONWARD__CORE__ACT_SUBMIT || event->act == ONWARD__CORE__ACT_LEG_OPENED;
  if (safety)
    return NEWS_SAFETY;
  if (event->act == ONWARD__CORE__ACT_OVERDUE)
    return NEWS_OVERDUE;
  return offered && !item->sender ? NEWS_NEW : NEWS_CHANGED;
}

/* `before`: the referral as it was. */
static void note_item(struct agent *a, struct books *b, const struct arrival *e, const struct event *event, bool ours,
                      struct referral *before)
{
  struct item item;
  struct marks m;
  struct referral r = *before;
  marks_get(b, &m);
  struct row_key history = key_of_ref(&event->referral);
  row_key_u64(&history, e->leaf.index);
  b->put(b, TABLE_HISTORY, row_key(&history), (struct bytes){NULL, 0});
  if (item_get(b, &event->referral, &item) != OK) {
    item.created_ms = e->leaf.time_ms;
    item.sender = ours && event->act == ONWARD__CORE__ACT_SUBMIT;
  }
  if (event->act == ONWARD__CORE__ACT_SUBMIT)
    item.priority = (uint8_t)event->core->submit->priority;
  if (e->leaf.verdict == ONWARD__VERDICT__ACCEPTED && books_referral(b, &event->referral, &r) == OK) {
    item.priority = r.priority;
    overdue_note(&item, e->leaf.index, event, before->leg_index, &r);
  }
  if (ours) {
    note_own(a, b, e, event, &item);
  } else if (e->leaf.index >= m.known_below && is_news(a, b, event, &item)) {
    item.fresh |= event->act != ONWARD__CORE__ACT_RECEIVE;
    agent_tell(a, &event->referral, kind_of(event, &item));
  }
  if (owes_erasure(a, &r) && !owes_erasure(a, before)) /* also by what people here did */
    agent_tell(a, &event->referral, NEWS_DUTY);
  item_put(b, &item);
}

/* What a leg_opened tells its new recipient, the sender knows. */
static bool says_what_holds(const Onward__LegOpened *l, const struct referral *r)
{
  return l->scope_index == r->scope_index && l->consent_until_ms == r->consent_until_ms &&
         l->priority == (Onward__Priority)r->priority && l->submit_index == r->submit_index;
}

/* A sender sees every step of its referral: each has a row of the rules' table, from the state before it. */
static bool has_row(const struct agent *a, const struct arrival *e, const struct event *event, const struct referral *r)
{
  struct org_id author;
  if (!org_id_equal(&r->sender, &a->self.id))
    return true; /* other recipients' steps are not ours to see */
  if (event->act == ONWARD__CORE__ACT_LEG_OPENED && !says_what_holds(event->core->leg_opened, r))
    return false;
  leaf_author(&e->leaf, &author);
  enum actor actor = act_family(event->act) == ACT_OF_BROKER ? ACTOR_BROKER
                     : org_id_equal(&author, &r->sender)     ? ACTOR_SENDER
                                                             : ACTOR_RECIPIENT;
  return rules_row(event, actor, r->state, r->flags) != NULL;
}

/* Applies what is newer than what was applied; older entries only explain (they come with a leg_opened). `told`: it is
 * no business of ours but as a registrar, and changes nothing. BAD_INPUT: the log has as accepted what the rules could
 * never have let in, as far as can be told from what came to us. */
static enum status apply(struct agent *a, struct books *b, const struct arrival *e, const struct event *event,
                         bool *told)
{
  struct referral r;
  bool known = books_referral(b, &event->referral, &r) == OK;
  *told = false;
  if (!act_is_about_referral(event->act) || e->leaf.verdict != ONWARD__VERDICT__ACCEPTED ||
      (known && e->leaf.index <= r.last_index))
    return OK;
  bool may_be = told_may_be(a, b, known ? &r : NULL);
  *told = may_be && told_only(a, event, known);
  bool fits = !*told && (!known || has_row(a, e, event, &r));
  if (fits)
    ledger_apply(b, &e->leaf, event);
  fits = fits && books_referral(b, &event->referral, &r) == OK && r.last_index == e->leaf.index;
  *told = may_be && !fits; /* of a leg of which we know nothing, whose sender was cut off */
  return fits || *told || b->trouble != OK ? OK : evidence_accuse(&a->evidence, ALARM_IMPOSSIBLE);
}

/* There is no item that could show it: it stands among the alarms until the next such act of ours is accepted. */
static void note_refused(struct books *b, bool accepted)
{
  if (accepted)
    alarm_end(b, ALARM_REFUSED);
  else if (alarm_raise(b, ALARM_REFUSED, now_ms(), NULL))
    say("alarm: %s", alarm_text(ALARM_REFUSED));
}

/* NOT_FOUND: the directory must be known up to this very entry first. */
static enum status store_entry(struct agent *a, struct books *b, const struct arrival *e, bool ours,
                               struct event *event)
{
  struct bytes stored;
  struct row_key k = key_of_index(e->leaf.index);
  bool accepted = e->leaf.verdict == ONWARD__VERDICT__ACCEPTED;
  enum status s = evidence_event(&a->evidence, b, &e->leaf, &a->arena, event);
  if (s != OK)
    return s;
  if (accepted && act_is_registry(event->act) && e->leaf.index > directory_known(b))
    return NOT_FOUND;
  if (!again_same(b, e->leaf.index, e->bytes))
    return evidence_accuse(&a->evidence, ALARM_FORK);
  bool from_flight = ours && outbox_logged(b, &e->leaf);
  if (ours && !from_flight) /* also where the entry is stored: one of the registry came with the directory before */
    outbox_logged_before(b, event);
  if (ours && !act_is_about_referral(event->act))
    note_refused(b, accepted);
  bool had = books_entry(b, e->leaf.index, &stored) == OK;
  if (!had || !receipt_has(b, e->leaf.index))
    receipt_keep(b, &a->evidence, e->leaf.index, e->path);
  if (had)
    return OK; /* at least once on the wire, once in our books */
  b->put(b, TABLE_ENTRIES, row_key(&k), e->bytes);
  struct referral before = {.leg_index = 0};
  if (books_referral(b, &event->referral, &before) != OK)
    before.leg_index = 0;
  bool told;
  s = apply(a, b, e, event, &told);
  if (s != OK)
    return s;
  if (told)
    told_take(a, b, &e->leaf, event);
  else if (act_is_about_referral(event->act))
    note_item(a, b, e, event, ours, &before);
  else if (accepted && event->act == ONWARD__CORE__ACT_UNATTENDED)
    unattended_take(a, b, &e->leaf, event->core->unattended);
  else if (accepted && act_family(event->act) == ACT_ON_PLACES)
    questions_take(a, b, &e->leaf, event);
  struct marks m;
  marks_get(b, &m);
  if (!ours && accepted && e->leaf.index >= m.known_below)
    duty_notice(a, b, event);
  return OK;
}

/* A sealed body, if it is one that an entry in our books seals to us. What does not fit is left out: it counts as lost.
 */
static void store_body(struct agent *a, struct books *b, uint64_t index, uint32_t slot, struct bytes body)
{
  struct leaf leaf;
  struct event e;
  struct hash hash = sha256(body);
  if (slot >= SEALED_SLOTS_MAX || books_event(b, index, &a->arena, &leaf, &e) != OK || slot >= e.outer->n_sealed)
    return;
  const Onward__Sealed *s = e.outer->sealed[slot];
  struct row_key k = key_of_body(index, (uint8_t)slot);
  if (bytes_equal(pb_bytes(s->recipient), org_id_text(&a->self.id)) && s->size == body.size &&
      bytes_equal(pb_bytes(s->sha256), hash_bytes(&hash)))
    b->put(b, TABLE_BODIES, row_key(&k), body);
  else
    say("a sealed body at %llu does not fit its entry and is not kept", (unsigned long long)index);
}

static void store_bodies(struct agent *a, struct books *b, const Onward__Delivery *d, struct bytes sealed)
{
  struct reader r = reader_of(sealed);
  for (size_t i = 0; i < d->n_bodies; i++) {
    size_t used = a->arena.used;
    struct bytes body = read_bytes(&r, d->bodies[i]->size);
    if (r.underflow)
      return;
    store_body(a, b, d->bodies[i]->index, d->bodies[i]->slot, body);
    a->arena.used = used;
  }
}

/* Our own last batch was read again after a restore: what is still in flight was never logged. */
static void read_back_ends(struct books *b, const struct leaf *leaf, const struct batch_header *h)
{
  struct marks m;
  marks_get(b, &m);
  if (m.read_back == 0 || h->sequence < m.read_back || leaf->position + 1 < h->count)
    return;
  uint64_t sequence = m.sequence;
  outbox_unform(b, 1);
  marks_get(b, &m);
  m.sequence = sequence;
  m.read_back = 0;
  marks_put(b, &m);
  say("what the exchange has of ours was read again, up to batch %llu", (unsigned long long)sequence);
}

static enum status store_entries(struct agent *a, struct books *b, const struct arrival *arrived, size_t count,
                                 struct ref_id *touched, uint64_t *registry)
{
  enum status s = OK;
  for (size_t i = 0; i < count && s == OK; i++) {
    struct event event;
    struct batch_header h;
    const struct leaf *leaf = &arrived[i].leaf;
    size_t used = a->arena.used;
    evidence_about(&a->evidence, arrived[i].bytes, arrived[i].path);
    bool ours = leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK &&
                org_id_equal(&h.organisation, &a->self.id);
    s = store_entry(a, b, &arrived[i], ours, &event);
    if (s == NOT_FOUND)
      *registry = leaf->index;
    touched[i] = event.referral;
    a->arena.used = used;
    if (s == OK && ours)
      read_back_ends(b, leaf, &h);
  }
  return s;
}

enum status inbox_take(struct agent *a, struct books *b, const Onward__Delivery *d, struct bytes sealed,
                       uint64_t *registry)
{
  struct marks m;
  struct arrival *arrived = arena_alloc(&a->arena, (d->n_entries + 1) * sizeof arrived[0]);
  struct ref_id *touched = arena_alloc(&a->arena, (d->n_entries + 1) * sizeof touched[0]);
  if (arrived == NULL || touched == NULL || d->n_entries > DELIVERY_ENTRIES_MAX)
    return NOT_NOW;
  evidence_begin(&a->evidence);
  if (d->next > a->evidence.newest.size) /* it cannot have sent what is not in the log */
    return evidence_accuse(&a->evidence, ALARM_BAD_PROOF);
  *registry = 0;
  enum status s = prove(a, b, d, arrived, registry);
  if (s == NOT_FOUND)
    *registry = 0;
  if (s == OK && *registry > directory_known(b))
    s = NOT_FOUND;
  if (s == OK)
    s = store_entries(a, b, arrived, d->n_entries, touched, registry);
  if (s != OK)
    return s;
  store_bodies(a, b, d, sealed);
  marks_get(b, &m);
  if (d->next > m.position)
    m.position = d->next;
  marks_put(b, &m);
  bool read = m.position >= a->evidence.newest.size;
  for (size_t i = 0; i < d->n_entries && s == OK; i++)
    s = duty_settle(a, b, &touched[i], read);
  return s == OK && read ? duty_settle_open(a, b) : s;
}
