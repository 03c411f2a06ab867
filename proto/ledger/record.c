/* What a keeper of the whole log does with an entry beside applying it: the log and the tree grow, mailboxes get their
 * rows, bodies that have done their work go. Bodies are dropped by rows that are themselves a function of the log, so
 * that "which bodies must exist" can be audited (TABLE_HELD). */
#include <string.h>

#include "proto/ledger/change.h"

static void append(struct books *b, const struct leaf *leaf, struct bytes leaf_bytes)
{
  struct hash hash = leaf_hash(leaf_bytes), added[MERKLE_PATH_MAX];
  size_t count = 0;
  if (merkle_append(leaf->index, &hash, books_tree_read, b, added, &count) != OK) {
    b->trouble = OUR_FAULT;
    return;
  }
  uint64_t number = merkle_stored_count(leaf->index);
  for (size_t i = 0; i < count; i++)
    row_put(b, TABLE_TREE, key_of_index(number + i), added[i].byte, sizeof added[i].byte);
  b->put(b, TABLE_ENTRIES, bytes_of(key_of_index(leaf->index).data, 8), leaf_bytes);
}

static void grow_head(struct books *b, const struct leaf *leaf, struct bytes leaf_bytes, const struct event *e)
{
  struct head h;
  books_head(b, &h); /* an empty log: all zero; and all zero in trouble */
  if (b->trouble != OK)
    return;
  must(h.size == leaf->index);
  h.size++;
  h.time_ms = leaf->time_ms;
  if (leaf->verdict == ONWARD__VERDICT__ACCEPTED && act_is_registry(e->act))
    h.registry = leaf->index;
  if (e->act == ONWARD__CORE__ACT_GENESIS) {
    h.rules = e->core->genesis->rules;
    h.epoch = e->core->genesis->epoch;
    h.replace_after_ms = e->core->genesis->replace_after_ms;
    h.network = sha256(leaf_bytes);
  }
  if (act_is_about_time(e->act)) {
    bool counted_later =
        h.doubted_ms != 0 && e->act != ONWARD__CORE__ACT_CLOCK_CONFIRMED; /* all since the doubt, then */
    h.absent_ms += counted_later ? 0 : act_absent_ms(e->core);
    if (e->act == ONWARD__CORE__ACT_CLOCK_DOUBTED)
      h.doubted_ms = leaf->time_ms;
    if (e->act == ONWARD__CORE__ACT_CLOCK_CONFIRMED)
      h.doubted_ms = 0;
    if (e->act == ONWARD__CORE__ACT_RESTORED)
      h.epoch = restored_epoch(e->core->restored);
  }
  books_put_head(b, &h);
}

static void mail(struct books *b, const struct org_id *org, uint64_t index)
{
  row_put(b, TABLE_MAILBOXES, key_of_org_index(org, index), NULL, 0);
}

static void drop_body(struct books *b, uint64_t index, uint8_t slot)
{
  row_del(b, TABLE_HELD, key_of_body(index, slot));
  row_del(b, TABLE_BODIES, key_of_body(index, slot));
}

static void drop_brief(struct books *b, const struct party *p)
{
  if (p->brief_index != 0)
    drop_body(b, p->brief_index, p->brief_slot);
}

static void drop_file(struct books *b, const struct party *p)
{
  if (p->file_index != 0)
    drop_body(b, p->file_index, p->file_slot);
}

/* The body may go once `org` has signed that it stored its mailbox up to `index`. */
static void release(struct books *b, const struct org_id *org, uint64_t index, uint64_t body, uint8_t slot)
{
  struct row_key k = key_of_org_index(org, index);
  row_key_u64(&k, body);
  row_key_u8(&k, slot);
  row_put(b, TABLE_RELEASES, k, NULL, 0);
}

static void drop_released(struct books *b, const struct org_id *org, uint64_t read_up_to)
{
  struct row_key from = key_of_org(org);
  struct bytes key, value;
  while (b->seek(b, TABLE_RELEASES, row_key(&from), &key, &value) == OK && key.size == 33) {
    struct row_key row = row_key_start();
    row_key_bytes(&row, key);
    struct reader r = reader_of(bytes_of(row.data + 16, 17));
    uint64_t index = read_u64(&r), body = read_u64(&r);
    uint8_t slot = read_u8(&r);
    if (memcmp(row.data, org->text, 16) != 0 || index > read_up_to)
      return;
    drop_body(b, body, slot);
    row_del(b, TABLE_RELEASES, row);
  }
}

static void take_sequence(struct books *b, const struct leaf *leaf)
{
  struct batch_header h;
  if (leaf->origin != ORIGIN_ORGANISATION || leaf->position != 0 || batch_header_read(leaf->header, &h) != OK)
    return;
  struct sequence s = {h.sequence, leaf->index, h.read_up_to, h.root};
  row_put(b, TABLE_SEQUENCES, key_of_sequence(&h.organisation, h.sequence), &s, sizeof s);
  drop_released(b, &h.organisation, h.read_up_to);
}

/* New bodies are held from now on; a note goes once its reader has read past it. */
static void hold_sealed(struct books *b, uint64_t index, const struct event *e)
{
  for (size_t i = 0; i < e->outer->n_sealed; i++) {
    struct org_id org;
    const Onward__Sealed *s = e->outer->sealed[i];
    must(pb_org(s->recipient, &org) == OK);
    row_put(b, TABLE_HELD, key_of_body(index, (uint8_t)i), org.text, sizeof org.text);
    if (s->part == ONWARD__PART__NOTE)
      release(b, &org, index, index, (uint8_t)i);
  }
}

/* A newer body of the same part takes the place of the one before. */
static void drop_replaced(struct books *b, struct referral *before, struct referral *after)
{
  for (int i = 0; i < before->party_count; i++) {
    struct party *old = &before->parties[i], *now = &after->parties[i];
    if (now->brief_index != old->brief_index || now->brief_slot != old->brief_slot)
      drop_brief(b, old);
    if (now->file_index != old->file_index || now->file_slot != old->file_slot)
      drop_file(b, old);
  }
}

static bool live(const struct referral *r)
{
  return (LIVE_STATES >> r->state & 1) != 0;
}

/* Who no longer needs a body, after this step: the leg that ended, those who will not be asked any more. Whoever was
 * only passed over (the leg keeps its number) may still be asked. */
static void drop_useless(struct books *b, const struct referral *before, const struct referral *after)
{
  bool leg_ended = before->present != PARTY_NONE && (!live(after) || before->leg != after->leg);
  bool others_too = after->state == STATE_IN_PROGRESS ||
                    (!live(after) && after->state != STATE_LEG_OVER && after->state != STATE_FAILED);
  if (before->state == after->state && !leg_ended)
    return;
  for (int i = 0; i < after->party_count; i++) {
    bool present = i == before->present;
    if ((present && leg_ended) || (others_too && !(present && live(after)))) {
      drop_brief(b, &after->parties[i]);
      drop_file(b, &after->parties[i]);
    }
  }
}

/* What the recipient has stored, or will have stored once it has read up to here. */
static void drop_delivered(struct books *b, uint64_t index, const struct event *e, const struct referral *after)
{
  if (after->present == PARTY_NONE || !live(after))
    return;
  const struct party *p = &after->parties[after->present];
  if (e->act == ONWARD__CORE__ACT_RECEIVE)
    drop_brief(b, p);
  bool resealed = e->act == ONWARD__CORE__ACT_RESEAL && after->state != STATE_REQUESTED;
  bool at_delivery = (p->marks & PARTY_FILE_AT_DELIVERY) != 0;
  bool file_went = (e->act == ONWARD__CORE__ACT_RECEIVE && at_delivery) ||
                   (after->accept_index == index && !at_delivery) ||
                   (resealed && p->file_index == index && (at_delivery || after->accept_index != 0));
  if (resealed && p->brief_index == index)
    release(b, &p->org, index, p->brief_index, p->brief_slot);
  if (file_went && p->file_index != 0)
    release(b, &p->org, index, p->file_index, p->file_slot);
}

/* But not the one that it is about. */
static void mail_registrars(struct books *b, const struct org_id *about, uint64_t index)
{
  struct organisation o;
  struct org_id from = {{0}};
  while (books_next_organisation(b, &from, &o) == OK)
    if (o.registrar != 0 && standing_speaks(o.standing) && !org_id_equal(&o.id, about))
      mail(b, &o.id, index);
}

/* One that was cut off reads nothing: the registrars are told in its place. */
static void mail_or_registrars(struct books *b, const struct org_id *org, const struct org_id *about, uint64_t index)
{
  struct organisation o;
  mail(b, org, index);
  if (books_organisation(b, org, &o) == OK && !standing_speaks(o.standing))
    mail_registrars(b, about, index);
}

static void tell(struct books *b, const struct leaf *leaf, const struct event *e, const struct org_id *author,
                 const struct referral *before, const struct referral *after)
{
  uint8_t told = TELL_NOBODY;
  const struct referral *whose = before->present != PARTY_NONE && before->party_count > 0 ? before : after;
  if (e->act == ONWARD__CORE__ACT_SUBMIT || e->act == ONWARD__CORE__ACT_LEG_OPENED) {
    told = TELL_RECIPIENT | (e->act == ONWARD__CORE__ACT_LEG_OPENED ? TELL_SENDER : 0);
    whose = after;
  } else {
    const struct rule *rule = rules_row(e, actor_of(e, author, before), before->state, before->flags);
    told = rule != NULL ? rule->told : TELL_NOBODY;
  }
  if ((told & TELL_SENDER) != 0)
    mail_or_registrars(b, &after->sender, &after->sender, leaf->index);
  if (e->act == ONWARD__CORE__ACT_OVERDUE) { /* whose duty is overdue need not have the leg */
    struct org_id owes;
    must(pb_org(e->core->overdue->organisation, &owes) == OK);
    mail(b, &owes, leaf->index);
    if (e->core->overdue->clock == ONWARD__CLOCK__ERASURE) {
      mail_registrars(b, &owes, leaf->index);
      return; /* and is no business of whoever has it */
    }
  }
  for (int i = 0; (told & TELL_DUTY) != 0 && i < after->party_count; i++)
    if ((after->parties[i].marks & (PARTY_DUTY | PARTY_HOLD)) != 0)
      mail(b, &after->parties[i].org, leaf->index);
  if ((told & TELL_RECIPIENT) == 0 || whose->present == PARTY_NONE)
    return;
  const struct org_id *recipient = &whose->parties[whose->present].org;
  if (e->act == ONWARD__CORE__ACT_SUBMIT) {
    struct consent consent = consent_of_submit(e->core->submit);
    if (rules_skip(b, recipient, &consent, leaf->time_ms) != 0)
      return; /* passed over */
  }
  mail(b, recipient, leaf->index);
}

/* The row that finds the live legs of an organisation. */
static void move_leg(struct books *b, const struct referral *before, const struct referral *after)
{
  for (int i = 0; i < 2; i++) {
    const struct referral *r = i == 0 ? before : after;
    if (r->present == PARTY_NONE || !live(r))
      continue;
    struct row_key k = key_of_org(&r->parties[r->present].org);
    row_key_bytes(&k, BYTES(r->id.byte));
    if (i == 0)
      row_del(b, TABLE_LEGS, k);
    else
      row_put(b, TABLE_LEGS, k, NULL, 0);
  }
}

static void record_referral(struct books *b, const struct leaf *leaf, const struct event *e,
                            const struct org_id *author)
{
  struct referral before, after;
  if (books_referral(b, &e->referral, &before) != OK) {
    memset(&before, 0, sizeof before);
    before.present = PARTY_NONE;
  }
  after = before;
  change_referral(leaf, e, author, &after);
  clocks_move(b, leaf, e, &before, &after);
  unattended_move(b, leaf, e, &before, &after);
  books_put_referral(b, &after);
  move_leg(b, &before, &after);
  drop_replaced(b, &before, &after);
  hold_sealed(b, leaf->index, e);
  drop_useless(b, &before, &after);
  drop_delivered(b, leaf->index, e, &after);
  tell(b, leaf, e, author, &before, &after);
}

/* Whoever is the last resort itself is nobody's. */
static void record_unattended(struct books *b, const struct leaf *leaf, const Onward__Unattended *u)
{
  struct org_id at;
  struct policy policy;
  must(pb_org(u->organisation, &at) == OK);
  unattended_said(b, leaf, &at);
  books_policy(b, &policy);
  if (policy.last_resort.text[0] != 0 && !org_id_equal(&policy.last_resort, &at))
    mail_or_registrars(b, &policy.last_resort, &at, leaf->index);
}

static void record_registry(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct org_id id;
  change_registry(b, leaf, e);
  if (e->act != ONWARD__CORE__ACT_SUSPEND || e->core->suspend->standing != ONWARD__STANDING__COMPROMISED)
    return;
  must(pb_org(e->core->suspend->organisation, &id) == OK);
  clocks_lose_legs(b, leaf, &id);
}

/* A question goes to all who were asked, an answer to whoever asked. */
static void record_places(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct bytes question;
  struct leaf asked;
  struct org_id org;
  change_directory(b, leaf, e);
  hold_sealed(b, leaf->index, e);
  for (size_t i = 0; e->act == ONWARD__CORE__ACT_ASK_PLACE && i < e->core->ask_place->n_recipients; i++) {
    must(pb_org(e->core->ask_place->recipients[i], &org) == OK);
    mail(b, &org, leaf->index);
  }
  if (e->act != ONWARD__CORE__ACT_ANSWER_PLACE || books_entry(b, e->answers_index, &question) != OK ||
      leaf_read(question, &asked) != OK)
    return;
  leaf_author(&asked, &org);
  mail(b, &org, leaf->index);
}

void ledger_record(struct books *b, const struct leaf *leaf, struct bytes leaf_bytes, const struct event *e)
{
  struct org_id author;
  leaf_author(leaf, &author);
  append(b, leaf, leaf_bytes);
  if (leaf->origin == ORIGIN_ORGANISATION)
    mail(b, &author, leaf->index);
  take_sequence(b, leaf);
  if (b->trouble != OK)
    return; /* full: the books show nothing any more, and nothing of it will be written */
  if (leaf->verdict == ONWARD__VERDICT__ACCEPTED) {
    if (act_is_registry(e->act))
      record_registry(b, leaf, e);
    else if (act_family(e->act) == ACT_ON_PLACES)
      record_places(b, leaf, e);
    else if (act_is_about_referral(e->act))
      record_referral(b, leaf, e, &author);
    else if (e->act == ONWARD__CORE__ACT_UNATTENDED)
      record_unattended(b, leaf, e->core->unattended);
  }
  grow_head(b, leaf, leaf_bytes, e);
}

/* The body, if it still exists and `index` is where it goes: the later one of the entry that carries it and the entry
 * that lets it go (0: none yet). */
static size_t add_body(struct books *b, uint64_t index, uint64_t released, uint64_t body, uint8_t slot,
                       struct body_name *out)
{
  struct row_key k = key_of_body(body, slot);
  struct bytes value;
  bool here = body != 0 && released != 0 && index == (body > released ? body : released);
  if (!here || b->get(b, TABLE_HELD, row_key(&k), &value) != OK)
    return 0;
  *out = (struct body_name){body, slot};
  return 1;
}

size_t ledger_bodies(struct books *b, const struct org_id *org, uint64_t index, const struct event *e,
                     struct body_name out[2])
{
  struct referral r;
  for (size_t i = 0; i < e->outer->n_sealed; i++)
    if (e->outer->sealed[i]->part == ONWARD__PART__NOTE &&
        bytes_equal(pb_bytes(e->outer->sealed[i]->recipient), org_id_text(org)))
      return add_body(b, index, index, index, (uint8_t)i, out);
  if (!act_is_about_referral(e->act) || books_referral(b, &e->referral, &r) != OK || !referral_present(&r, org) ||
      !live(&r))
    return 0;
  const struct party *p = &r.parties[r.present];
  bool at_delivery = (p->marks & PARTY_FILE_AT_DELIVERY) != 0;
  size_t count = add_body(b, index, r.leg_index, p->brief_index, p->brief_slot, out);
  return count +
         add_body(b, index, at_delivery ? r.leg_index : r.accept_index, p->file_index, p->file_slot, &out[count]);
}

/* Sorted in, unless it is there. */
static size_t add_context(uint64_t out[CONTEXT_MAX], size_t count, uint64_t index)
{
  size_t at = 0;
  while (at < count && out[at] < index)
    at++;
  if (at < count && out[at] == index)
    return count;
  memmove(&out[at + 1], &out[at], (count - at) * sizeof out[0]);
  out[at] = index;
  return count + 1;
}

size_t ledger_context(const struct event *e, const struct org_id *org, uint64_t out[CONTEXT_MAX])
{
  const Onward__LegOpened *l = e->core->leg_opened;
  if (e->act != ONWARD__CORE__ACT_LEG_OPENED || !bytes_equal(pb_bytes(l->recipient), org_id_text(org)))
    return 0;
  const uint64_t named[CONTEXT_MAX] = {l->submit_index, l->scope_index, l->brief->index,
                                       l->file != NULL ? l->file->index : l->submit_index};
  size_t count = 0;
  for (size_t i = 0; i < CONTEXT_MAX; i++)
    count = add_context(out, count, named[i]);
  return count;
}
