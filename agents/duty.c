/* A recipient's side: every brief that is sealed for our present leg gets one answer, `receive` or a reason, and every
 * file that is due and cannot be opened gets a reason. Which body was answered stands in the item, so a repetition
 * answers nothing twice.
 *
 * A sender's side: whose case is to be sealed again stands in TABLE_RESEALS until somebody unlocks, since our own copy
 * of the case is sealed too.
 */
#include "agents/duty.h"

#include <string.h>

#define RESEALS_AT_ONCE 16

static bool live(const struct referral *r)
{
  return (LIVE_STATES >> r->state & 1) != 0;
}

enum status duty_queue(struct agent *a, struct books *b, const struct item *item, const Onward__Core *core,
                       const struct part *parts, size_t count)
{
  struct complaint why;
  struct composed c = {.bodies = {NULL, 0}};
  uint64_t number;
  enum status s = compose(b, &a->self, core, parts, count, &a->arena, &why, &c);
  return s == OK ? outbox_add(b, item->priority, &c.event, c.bodies, &number) : s;
}

/* --- as a recipient --- */

static enum status queue_receive(struct agent *a, struct books *b, const struct item *item, const struct referral *r,
                                 const Onward__Sealed *sealed)
{
  Onward__Receive receive = ONWARD__RECEIVE__INIT;
  Onward__Core *core = core_new(&item->id, &a->arena);
  if (core == NULL)
    return NOT_NOW;
  receive.sha256 = sealed->sha256;
  core->act_case = ONWARD__CORE__ACT_RECEIVE;
  core->receive = &receive;
  enum status s = core_answer(b, r, core, &a->arena);
  return s == OK ? duty_queue(a, b, item, core, NULL, 0) : s;
}

static enum status queue_refusal(struct agent *a, struct books *b, const struct item *item, const struct referral *r,
                                 Onward__RefuseOpenReason reason)
{
  Onward__RefuseOpen refuse = ONWARD__REFUSE_OPEN__INIT;
  Onward__Core *core = core_new(&item->id, &a->arena);
  if (core == NULL)
    return NOT_NOW;
  refuse.reason = reason;
  core->act_case = ONWARD__CORE__ACT_REFUSE_OPEN;
  core->refuse_open = &refuse;
  enum status s = core_answer(b, r, core, &a->arena);
  char text[REF_SHORT_SIZE];
  ref_short(&item->id, text);
  say("%s: asked the sender to seal it again (%s)", text,
      pb_enum_name(&onward__refuse_open_reason__descriptor, (int)reason));
  return s == OK ? duty_queue(a, b, item, core, NULL, 0) : s;
}

/* Why this body cannot be opened here, as far as a locked computer can tell; 0: it can, or it may still come. */
static enum status examine(struct agent *a, struct books *b, uint64_t index, uint8_t slot,
                           const Onward__Sealed **sealed, Onward__RefuseOpenReason *reason)
{
  struct leaf leaf;
  struct event e;
  *reason = 0;
  if (books_event(b, index, &a->arena, &leaf, &e) != OK || slot >= e.outer->n_sealed)
    return NOT_FOUND;
  *sealed = e.outer->sealed[slot];
  if (!keys_own(a->self.keys, (*sealed)->key_id.data))
    *reason = ONWARD__REFUSE_OPEN_REASON__NOT_MY_KEY;
  else if (!body_has(b, index, slot))
    *reason = ONWARD__REFUSE_OPEN_REASON__LOST;
  return OK;
}

static bool schema_known(struct agent *a, struct books *b, const struct referral *r)
{
  struct leaf leaf;
  struct event e;
  return books_event(b, r->submit_index, &a->arena, &leaf, &e) == OK && e.act == ONWARD__CORE__ACT_SUBMIT &&
         e.core->submit->schema == SCHEMA_VERSION;
}

static void mark_open(struct books *b, const struct ref_id *id)
{
  b->put(b, TABLE_OPEN, BYTES(id->byte), (struct bytes){NULL, 0});
}

static enum status settle_brief(struct agent *a, struct books *b, struct item *item, const struct referral *r,
                                bool read)
{
  const struct party *p = &r->parties[r->present];
  const Onward__Sealed *sealed;
  Onward__RefuseOpenReason reason;
  if (p->brief_index == 0 || item->brief_answered == p->brief_index ||
      examine(a, b, p->brief_index, p->brief_slot, &sealed, &reason) != OK)
    return OK;
  bool requested = r->state == STATE_REQUESTED;
  if (requested && !schema_known(a, b, r))
    reason = ONWARD__REFUSE_OPEN_REASON__UNKNOWN_SCHEMA;
  if (reason == ONWARD__REFUSE_OPEN_REASON__LOST && !read) {
    mark_open(b, &item->id);
    return OK;
  }
  item->brief_answered = p->brief_index;
  item_put(b, item);
  if (reason != 0)
    return queue_refusal(a, b, item, r, reason);
  return requested ? queue_receive(a, b, item, r, sealed) : OK;
}

static enum status settle_file(struct agent *a, struct books *b, struct item *item, const struct referral *r, bool read)
{
  const struct party *p = &r->parties[r->present];
  const Onward__Sealed *sealed;
  Onward__RefuseOpenReason reason;
  bool due = r->accept_index != 0 || ((p->marks & PARTY_FILE_AT_DELIVERY) != 0 && r->state != STATE_REQUESTED);
  if (!due || p->file_index == 0 || item->file_answered == p->file_index ||
      examine(a, b, p->file_index, p->file_slot, &sealed, &reason) != OK)
    return OK;
  if (reason == ONWARD__REFUSE_OPEN_REASON__LOST && !read) {
    mark_open(b, &item->id);
    return OK;
  }
  item->file_answered = p->file_index;
  item_put(b, item);
  return reason == 0 ? OK : queue_refusal(a, b, item, r, reason);
}

/* The leg is over and was never received: nobody here may see it, so it goes unopened. */
static void erase_unopened(struct agent *a, struct books *b, struct referral *r)
{
  const struct party *p = referral_party(r, &a->self.id);
  if (p == NULL || (p->marks & PARTY_RECEIVED) != 0)
    return;
  if (p->brief_index != 0)
    body_drop(b, p->brief_index, p->brief_slot);
  if (p->file_index != 0)
    body_drop(b, p->file_index, p->file_slot);
}

enum status duty_settle(struct agent *a, struct books *b, const struct ref_id *id, bool read)
{
  struct item item;
  struct referral r;
  if (item_get(b, id, &item) != OK || item.sender || books_referral(b, id, &r) != OK)
    return OK;
  size_t used = a->arena.used;
  enum status s = OK;
  if (read)
    b->del(b, TABLE_OPEN, BYTES(id->byte));
  if (!referral_present(&r, &a->self.id) || !live(&r)) {
    erase_unopened(a, b, &r);
  } else {
    s = settle_brief(a, b, &item, &r, read);
    if (s == OK && item_get(b, id, &item) == OK)
      s = settle_file(a, b, &item, &r, read);
  }
  a->arena.used = used;
  return s;
}

enum status duty_settle_open(struct agent *a, struct books *b)
{
  struct walk w = walk_start(TABLE_OPEN, (struct bytes){NULL, 0});
  enum status s = OK;
  while (s == OK && walk_next(&w, b)) {
    struct ref_id id;
    must(w.key.size == sizeof id.byte);
    memcpy(id.byte, w.key.data, sizeof id.byte);
    s = duty_settle(a, b, &id, true);
  }
  return s;
}

enum status duty_acknowledge(struct agent *a, struct books *b, const struct item *item, const struct referral *r)
{
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  Onward__Core *core = core_new(&item->id, &a->arena);
  if (core == NULL)
    return NOT_NOW;
  core->act_case = ONWARD__CORE__ACT_ACKNOWLEDGE;
  core->acknowledge = &acknowledge;
  enum status s = core_answer(b, r, core, &a->arena);
  return s == OK ? duty_queue(a, b, item, core, NULL, 0) : s;
}

enum status duty_damaged(struct agent *a, struct books *b, const struct ref_id *id)
{
  struct item item;
  struct referral r;
  if (item_get(b, id, &item) != OK || books_referral(b, id, &r) != OK || !referral_present(&r, &a->self.id) ||
      !live(&r))
    return OK;
  uint64_t brief = r.parties[r.present].brief_index;
  if (item.damaged == brief)
    return OK;
  item.damaged = brief;
  item_put(b, &item);
  return queue_refusal(a, b, &item, &r, ONWARD__REFUSE_OPEN_REASON__DAMAGED);
}

/* --- as a sender --- */

enum { AGAIN_BRIEF = 1, AGAIN_FILE = 2 };

static struct row_key key_of_reseal(const struct ref_id *id, const struct org_id *org)
{
  struct row_key k = key_of_ref(id);
  row_key_bytes(&k, org_id_bytes(org));
  return k;
}

static void want_reseal(struct books *b, const struct ref_id *id, const struct org_id *org, uint8_t parts)
{
  struct bytes value;
  struct row_key k = key_of_reseal(id, org);
  if (b->get(b, TABLE_RESEALS, row_key(&k), &value) == OK && value.size == 1)
    parts |= value.data[0];
  b->put(b, TABLE_RESEALS, row_key(&k), bytes_of(&parts, 1));
}

void duty_notice(struct agent *a, struct books *b, const struct event *e)
{
  struct referral r;
  if (books_referral(b, &e->referral, &r) != OK || !org_id_equal(&r.sender, &a->self.id) || r.present == PARTY_NONE)
    return;
  const struct party *p = &r.parties[r.present];
  bool unopened = e->act == ONWARD__CORE__ACT_REFUSE_OPEN &&
                  e->core->refuse_open->reason != ONWARD__REFUSE_OPEN_REASON__UNKNOWN_SCHEMA;
  if (unopened)
    want_reseal(b, &r.id, &p->org, AGAIN_BRIEF | AGAIN_FILE);
  else if (r.accept_index == r.last_index && p->file_index == 0) /* this very entry says yes */
    want_reseal(b, &r.id, &p->org, AGAIN_FILE);
}

/* Is this party's brief sealed to a key that ended, and still to be read? */
static bool key_ended(struct agent *a, struct books *b, const struct referral *r, const struct party *p)
{
  struct leaf leaf;
  struct event e;
  struct organisation o;
  bool present = referral_present(r, &p->org);
  bool to_come = present ? r->state == STATE_REQUESTED
                         : r->state != STATE_IN_PROGRESS && p->rank != 0 && (p->marks & PARTY_VISITED) == 0;
  size_t used = a->arena.used;
  bool ended = to_come && p->brief_index != 0 && books_organisation(b, &p->org, &o) == OK &&
               books_event(b, p->brief_index, &a->arena, &leaf, &e) == OK && p->brief_slot < e.outer->n_sealed &&
               !bytes_equal(pb_bytes(e.outer->sealed[p->brief_slot]->key_id), BYTES(o.keys.seal_id));
  a->arena.used = used;
  return ended;
}

void duty_check_keys(struct agent *a, struct books *b)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct referral r;
    struct item item;
    must(w.value.size == sizeof item);
    memcpy(&item, w.value.data, sizeof item);
    if (!item.sender || books_referral(b, &item.id, &r) != OK || !live(&r))
      continue;
    for (int i = 0; i < r.party_count; i++)
      if (key_ended(a, b, &r, &r.parties[i]))
        want_reseal(b, &r.id, &r.parties[i].org, AGAIN_BRIEF | AGAIN_FILE);
  }
}

size_t duty_waiting(struct books *b)
{
  struct walk w = walk_start(TABLE_RESEALS, (struct bytes){NULL, 0});
  size_t count = 0;
  while (walk_next(&w, b))
    count++;
  return count;
}

struct reseal { /* a row of TABLE_RESEALS */
  struct ref_id id;
  struct org_id org;
  uint8_t parts;
};

static struct reseal read_reseal(const struct walk *w)
{
  struct reseal r;
  must(w->key.size == sizeof r.id.byte + sizeof r.org.text && w->value.size == 1);
  memcpy(r.id.byte, w->key.data, sizeof r.id.byte);
  memcpy(r.org.text, w->key.data + sizeof r.id.byte, sizeof r.org.text);
  r.parts = w->value.data[0];
  return r;
}

/* A file may never have been: that it is not kept is no fault. NOT_FOUND: there is nothing to send. */
static enum status open_parts(struct agent *a, struct books *b, const struct reseal *wanted, const struct party *p,
                              struct part out[2], size_t *count, bool *lost)
{
  static const uint8_t names[] = {ONWARD__PART__BRIEF, ONWARD__PART__FILE};
  *count = 0;
  for (int i = 0; i < 2; i++) {
    if ((wanted->parts & (AGAIN_BRIEF << i)) == 0)
      continue;
    struct part *part = &out[*count];
    bool early = i == 0 || (p->marks & PARTY_FILE_AT_DELIVERY) != 0;
    part->to = p->org;
    part->part = (Onward__Part)names[i];
    part->release = early ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT;
    enum status s = vault_open(b, &a->self, own_case(&wanted->id, names[i]), &a->secret, &part->content);
    *lost |= s == BAD_INPUT;
    if (s != OK && s != NOT_FOUND && s != BAD_INPUT)
      return s;
    *count += s == OK;
  }
  *lost |= *count == 0;
  return *count > 0 ? OK : NOT_FOUND;
}

/* One case for one organisation. `lost`: our own copy of it, or of a part, is gone or does not open. OK and NOT_FOUND:
 * nothing more is to be done. */
static enum status reseal_one(struct agent *a, struct books *b, const struct reseal *wanted, bool *lost)
{
  struct referral r;
  struct item item;
  struct part parts[2];
  size_t count;
  Onward__Reseal reseal = ONWARD__RESEAL__INIT;
  if (books_referral(b, &wanted->id, &r) != OK || item_get(b, &wanted->id, &item) != OK || !live(&r))
    return OK;
  const struct party *p = referral_party(&r, &wanted->org);
  if (p == NULL || (!referral_present(&r, &wanted->org) && (p->marks & PARTY_VISITED) != 0))
    return OK;
  enum status s = open_parts(a, b, wanted, p, parts, &count, lost);
  if (s != OK)
    return s;
  Onward__Core *core = core_new(&wanted->id, &a->arena);
  if (core == NULL)
    return NOT_NOW;
  core->act_case = ONWARD__CORE__ACT_RESEAL;
  core->reseal = &reseal;
  s = core_answer(b, &r, core, &a->arena);
  if (s != OK)
    return OUR_FAULT; /* the referral's newest entry is not in our books */
  return duty_queue(a, b, &item, core, parts, count);
}

static void tell_lost(struct books *b, const struct ref_id *id)
{
  char text[REF_SHORT_SIZE];
  ref_short(id, text);
  say("%s: cannot be sealed again, or not all of it: there is no copy on this computer that opens", text);
  (void)alarm_raise(b, ALARM_NO_COPY, now_ms(), NULL);
}

/* Row by row; one that fails stays for the next time, and stands in nobody's way. */
static void reseal_some(struct agent *a, struct books *b)
{
  struct walk w = walk_start(TABLE_RESEALS, (struct bytes){NULL, 0});
  enum status s = OK;
  for (int done = 0; done < RESEALS_AT_ONCE && s != NOT_NOW && walk_next(&w, b);) {
    struct reseal wanted = read_reseal(&w);
    struct row_key row = key_of_reseal(&wanted.id, &wanted.org);
    bool lost = false;
    arena_reset(&a->arena);
    s = reseal_one(a, b, &wanted, &lost);
    arena_wipe(&a->secret);
    if (lost && b->trouble == OK)
      tell_lost(b, &wanted.id);
    if (s != OK && s != NOT_FOUND)
      continue;
    b->del(b, TABLE_RESEALS, row_key(&row));
    done++;
  }
  arena_reset(&a->arena);
}

void duty_reseal(struct agent *a)
{
  if (keys_locked(&a->keys))
    return;
  struct books *b = agent_read(a);
  bool some = duty_waiting(b) > 0 && session_directory_whole(&a->session, b);
  if (agent_abort(a) != OK || !some)
    return;
  reseal_some(a, agent_write(a));
  if (agent_commit(a) == OK)
    session_push(a);
}
