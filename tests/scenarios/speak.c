/* From a sentence to signed events. "aple receives and acknowledges K1" is one batch of two events. */
#include <string.h>

#include "tests/scenarios/scenario.h"

static const struct verb {
  const char *phrase;
  act_kind act;
} verbs[] = {
    {"refers", ONWARD__CORE__ACT_SUBMIT},
    {"seals again", ONWARD__CORE__ACT_RESEAL},
    {"readdresses", ONWARD__CORE__ACT_READDRESS},
    {"cancels", ONWARD__CORE__ACT_CANCEL},
    {"closes", ONWARD__CORE__ACT_CLOSE},
    {"receives", ONWARD__CORE__ACT_RECEIVE},
    {"cannot open", ONWARD__CORE__ACT_REFUSE_OPEN},
    {"acknowledges", ONWARD__CORE__ACT_ACKNOWLEDGE},
    {"accepts", ONWARD__CORE__ACT_ACCEPT},
    {"declines", ONWARD__CORE__ACT_DECLINE},
    {"reroutes", ONWARD__CORE__ACT_REROUTE},
    {"starts", ONWARD__CORE__ACT_START},
    {"reports on", ONWARD__CORE__ACT_PROGRESS},
    {"completes", ONWARD__CORE__ACT_COMPLETE},
    {"fails", ONWARD__CORE__ACT_FAIL},
    {"agrees to cancel", ONWARD__CORE__ACT_CONFIRM_CANCEL},
    {"refuses to cancel", ONWARD__CORE__ACT_REFUSE_CANCEL},
    {"writes about", ONWARD__CORE__ACT_TELL},
    {"asks about", ONWARD__CORE__ACT_REQUEST_INFO},
    {"answers about", ONWARD__CORE__ACT_SUPPLY_INFO},
    {"waitlists", ONWARD__CORE__ACT_WAITLIST},
    {"says next on", ONWARD__CORE__ACT_NEXT},
    {"renews the consent of", ONWARD__CORE__ACT_RENEW_CONSENT},
    {"narrows the consent of", ONWARD__CORE__ACT_NARROW_CONSENT},
    {"raises", ONWARD__CORE__ACT_RAISE_PRIORITY},
    {"withdraws", ONWARD__CORE__ACT_WITHDRAW},
    {"enters in error", ONWARD__CORE__ACT_ENTER_IN_ERROR},
    {"erases", ONWARD__CORE__ACT_ERASE_RECEIPT},
    {"must keep", ONWARD__CORE__ACT_LEGAL_HOLD},
    {"hands over", ONWARD__CORE__ACT_HAND_OVER},
    {"leaves", ONWARD__CORE__ACT_LEAVE},
};

/* One event with all that it points to. */
struct speech {
  struct draft draft;
  Onward__Submit submit;
  struct hash hash;
  size_t listed;
  struct member *list[RECIPIENTS_MAX];
  ProtobufCBinaryData recipients[RECIPIENTS_MAX];
  ProtobufCBinaryData scope[SCOPE_MAX];
  bool file_at_once, no_file;
};

static const struct verb *take_verb(struct words *w)
{
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (words_take(w, verbs[i].phrase))
      return &verbs[i];
  return NULL;
}

static enum status take_code(const ProtobufCEnumDescriptor *type, struct words *w, struct complaint *why, int *code)
{
  for (unsigned i = 0; i < type->n_values; i++) {
    char phrase[NAME_SIZE];
    *code = type->values[i].value;
    code_words(type, *code, phrase);
    if (*code != 0 && words_take(w, phrase))
      return OK;
  }
  return complain(why, "not one of the codes of %s", type->short_name);
}

/* "<a> then <b> then <c>" */
static enum status take_list(struct scenario *s, struct speech *e, struct words *w)
{
  do {
    struct member *m = scenario_member(s, w);
    if (m == NULL || e->listed == RECIPIENTS_MAX)
      return complain(&s->why, "expected an organisation to send it to");
    e->recipients[e->listed] = pb_data(org_id_text(&m->id));
    e->list[e->listed++] = m;
  } while (words_take(w, "then"));
  return OK;
}

static void seal_for_list(struct speech *e)
{
  Onward__Release release = e->file_at_once ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT;
  for (size_t i = 0; i < e->listed; i++) {
    draft_seal(&e->draft, e->list[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
    if (!e->no_file)
      draft_seal(&e->draft, e->list[i], ONWARD__PART__FILE, release);
  }
}

/* What the sender's computer does with `--never`: who is left out is nowhere in what it sends. */
static enum status take_never(struct scenario *s, struct speech *e, struct words *w)
{
  const struct member *m = scenario_member(s, w);
  size_t count = 0;
  if (m == NULL)
    return complain(&s->why, "expected: never <organisation>");
  for (size_t i = 0; i < e->submit.n_scope; i++)
    if (!bytes_equal(pb_bytes(e->scope[i]), org_id_text(&m->id)))
      e->scope[count++] = e->scope[i];
  e->submit.n_scope = count;
  return OK;
}

static enum status take_submit_option(struct scenario *s, struct speech *e, struct words *w)
{
  int code = 0;
  if (words_take(w, "priority")) {
    enum status status = take_code(&onward__priority__descriptor, w, &s->why, &code);
    e->submit.priority = (Onward__Priority)code;
    return status;
  }
  if (words_take(w, "basis")) {
    enum status status = take_code(&onward__legal_basis__descriptor, w, &s->why, &code);
    e->submit.basis = (Onward__LegalBasis)code;
    return status;
  }
  if (words_take(w, "also allowed:")) {
    for (struct member *m = scenario_member(s, w); m != NULL; m = scenario_member(s, w))
      e->scope[e->submit.n_scope++] = pb_data(org_id_text(&m->id));
    return OK;
  }
  if (words_take(w, "consent ends on day")) {
    e->submit.consent_until_ms = WORLD_START_MS + words_number(w) * DAY_MS;
    return OK;
  }
  if (words_take(w, "as an exercise"))
    e->submit.drill = true;
  else if (words_take(w, "never to be passed on"))
    e->submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_NEVER;
  else if (words_take(w, "to be passed on to the listed only"))
    e->submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_LISTED;
  else
    return words_take(w, "never") ? take_never(s, e, w) : NOT_FOUND;
  return OK;
}

static enum status take_submit(struct scenario *s, struct speech *e, struct words *w)
{
  if (!words_take(w, "to") || take_list(s, e, w) != OK)
    return complain(&s->why, "expected: to <organisation> then <organisation> ...");
  onward__submit__init(&e->submit);
  e->submit.n_recipients = e->submit.n_scope = e->listed;
  e->submit.recipients = e->recipients;
  e->submit.scope = e->scope;
  memcpy(e->scope, e->recipients, e->listed * sizeof e->scope[0]);
  e->submit.group = ONWARD__SERVICE_GROUP__PSS;
  e->submit.priority = ONWARD__PRIORITY__MEDIUM;
  e->submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  e->submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  e->submit.schema = SCHEMA_VERSION;
  e->submit.taxonomy = TAXONOMY_VERSION;
  e->draft.core.submit = &e->submit;
  return OK;
}

static enum status take_readdress(struct scenario *s, struct speech *e, struct words *w)
{
  if (!words_take(w, "to") || take_list(s, e, w) != OK)
    return complain(&s->why, "expected: to <organisation> then <organisation> ...");
  Onward__Readdress *readdress = draft_message(&e->draft);
  readdress->n_recipients = e->listed;
  readdress->recipients = e->recipients;
  return OK;
}

static enum status take_reroute(struct scenario *s, struct speech *e, struct words *w)
{
  struct member *target = words_take(w, "to") ? scenario_member(s, w) : NULL;
  if (target == NULL)
    return complain(&s->why, "expected: to <organisation>");
  Onward__Reroute *reroute = draft_message(&e->draft);
  reroute->target = pb_data(org_id_text(&target->id));
  draft_seal(&e->draft, target, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  return OK;
}

static enum status take_reseal(struct scenario *s, struct speech *e, struct words *w)
{
  struct member *m = words_take(w, "for") ? scenario_member(s, w) : NULL;
  if (m == NULL)
    return complain(&s->why, "expected: for <organisation>");
  bool brief = words_take(w, "the brief"), file = words_take(w, brief ? "and the file" : "the file");
  if (brief)
    draft_seal(&e->draft, m, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  if (file)
    draft_seal(&e->draft, m, ONWARD__PART__FILE,
               words_take(w, "at once") ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT);
  draft_message(&e->draft);
  return OK;
}

/* The hash of the newest brief for the author, as its agent would have stored it. */
static void fill_receive(struct scenario *s, struct speech *e, const struct member *author, const struct ref_id *id)
{
  struct referral r;
  struct leaf leaf;
  struct event carrier;
  struct books *b = scenario_books(s);
  if (books_referral(b, id, &r) == OK) {
    const struct party *p = referral_party(&r, &author->id);
    if (p != NULL && books_event(b, p->brief_index, &s->world.arena, &leaf, &carrier) == OK)
      memcpy(e->hash.byte, carrier.outer->sealed[p->brief_slot]->sha256.data, sizeof e->hash.byte);
  }
  Onward__Receive *receive = draft_message(&e->draft);
  receive->sha256 = pb_data(hash_bytes(&e->hash));
}

static enum status take_reason(struct scenario *s, struct speech *e, struct words *w)
{
  const ProtobufCMessage *message = draft_message(&e->draft);
  const ProtobufCFieldDescriptor *reason =
      protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "reason");
  int *code = (int *)(void *)((uint8_t *)&e->draft.message + reason->offset);
  if (!words_take(w, "because") || take_code(reason->descriptor, w, &s->why, code) != OK)
    return complain(&s->why, "expected: because <reason>");
  return OK;
}

/* "to <organisation> then <organisation>": for whom the consent holds from now on. */
static enum status take_consent(struct scenario *s, struct speech *e, struct words *w)
{
  if (!words_take(w, "to") || take_list(s, e, w) != OK)
    return complain(&s->why, "expected: to <organisation> then <organisation> ...");
  Onward__RenewConsent *consent = draft_message(&e->draft); /* a narrowed one begins in the same way */
  consent->n_scope = e->listed;
  consent->scope = e->recipients;
  if (e->draft.core.act_case == ONWARD__CORE__ACT_RENEW_CONSENT)
    consent->consent_until_ms = 0; /* unless a day is named */
  e->listed = 0;                   /* nothing is sealed for them now */
  return OK;
}

static enum status take_waitlist(struct scenario *s, struct speech *e, struct words *w)
{
  Onward__Waitlist *waitlist = draft_message(&e->draft);
  if (!words_take(w, "until day"))
    return complain(&s->why, "expected: until day <number>");
  waitlist->expected_ms = WORLD_START_MS + words_number(w) * DAY_MS;
  return OK;
}

static enum status take_priority(struct scenario *s, struct speech *e, struct words *w)
{
  int code = 0;
  Onward__RaisePriority *raise = draft_message(&e->draft);
  if (!words_take(w, "to") || take_code(&onward__priority__descriptor, w, &s->why, &code) != OK)
    return complain(&s->why, "expected: to high, medium or low");
  raise->priority = (Onward__Priority)code;
  return OK;
}

static enum status take_act(struct scenario *s, struct speech *e, struct member *author, const struct ref_id *id,
                            struct words *w)
{
  switch (e->draft.core.act_case) {
  case ONWARD__CORE__ACT_SUBMIT:
    return take_submit(s, e, w);
  case ONWARD__CORE__ACT_READDRESS:
    return take_readdress(s, e, w);
  case ONWARD__CORE__ACT_REROUTE:
    return take_reroute(s, e, w);
  case ONWARD__CORE__ACT_RESEAL:
    return take_reseal(s, e, w);
  case ONWARD__CORE__ACT_RENEW_CONSENT:
  case ONWARD__CORE__ACT_NARROW_CONSENT:
    return take_consent(s, e, w);
  case ONWARD__CORE__ACT_WAITLIST:
    return take_waitlist(s, e, w);
  case ONWARD__CORE__ACT_RAISE_PRIORITY:
    return take_priority(s, e, w);
  case ONWARD__CORE__ACT_RECEIVE:
    fill_receive(s, e, author, id);
    return OK;
  case ONWARD__CORE__ACT_REFUSE_OPEN:
  case ONWARD__CORE__ACT_DECLINE:
  case ONWARD__CORE__ACT_FAIL:
    return take_reason(s, e, w);
  default:
    draft_message(&e->draft);
    return OK;
  }
}

/* The entry that opened this leg of the referral, or (0) its newest one. 0: there is none. */
static uint64_t entry_of_leg(struct scenario *s, const struct ref_id *id, uint64_t leg)
{
  struct referral r;
  struct books *b = scenario_books(s);
  if (books_referral(b, id, &r) != OK)
    return 0;
  if (leg == 1)
    return r.submit_index;
  for (uint64_t i = r.submit_index; leg != 0 && i <= r.last_index; i++) {
    struct leaf l;
    struct event e;
    must(books_event(b, i, &s->world.arena, &l, &e) == OK);
    if (e.act == ONWARD__CORE__ACT_LEG_OPENED && ref_id_equal(&e.referral, id) && e.core->leg_opened->leg == leg)
      return i;
  }
  return r.last_index;
}

/* Without a referral to answer (there is none of that id): the genesis's successor, which is never right. */
static void answer(struct scenario *s, struct draft *d, uint64_t index)
{
  struct bytes leaf;
  index = index == 0 ? 1 : index;
  must(books_entry(scenario_books(s), index, &leaf) == OK);
  struct hash hash = leaf_hash(leaf);
  memcpy(d->leaf_hash, hash.byte, sizeof d->leaf_hash);
  d->answers.index = index;
  d->answers.leaf_hash = pb_data(BYTES(d->leaf_hash));
  d->core.answers = &d->answers;
}

static void seal_note(struct scenario *s, struct speech *e, const struct member *author, const struct ref_id *id)
{
  struct referral r;
  must(books_referral(scenario_books(s), id, &r) == OK && r.present != PARTY_NONE);
  const struct org_id *to = org_id_equal(&author->id, &r.sender) ? &r.parties[r.present].org : &r.sender;
  for (size_t i = 0; i < s->world.member_count; i++)
    if (org_id_equal(&s->world.members[i].id, to))
      draft_seal(&e->draft, &s->world.members[i], ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
}

static enum status take_option(struct scenario *s, struct speech *e, struct member *author, const struct ref_id *id,
                               struct words *w)
{
  if (words_take(w, "with a note"))
    seal_note(s, e, author, id);
  else if (words_take(w, "knowing only leg"))
    answer(s, &e->draft, entry_of_leg(s, id, words_number(w)));
  else if (e->draft.core.act_case == ONWARD__CORE__ACT_TELL && words_take(w, "about safety"))
    e->draft.core.tell->safety = true;
  else if (e->draft.core.act_case == ONWARD__CORE__ACT_RENEW_CONSENT && words_take(w, "until day"))
    e->draft.core.renew_consent->consent_until_ms = WORLD_START_MS + words_number(w) * DAY_MS;
  else if (e->draft.core.act_case == ONWARD__CORE__ACT_COMPLETE && words_take(w, "not served"))
    e->draft.core.complete->outcome = ONWARD__OUTCOME_CLASS__NOT_SERVED;
  else if (words_take(w, "another body"))
    e->hash.byte[0] ^= 1;
  else if (words_take(w, "file at once"))
    e->file_at_once = true;
  else if (words_take(w, "no file"))
    e->no_file = true;
  else if (e->draft.core.act_case == ONWARD__CORE__ACT_SUBMIT)
    return take_submit_option(s, e, w) == OK ? OK : complain(&s->why, "not an option of `refers`");
  else
    return complain(&s->why, "expected the end of the sentence");
  return OK;
}

static enum status take_event(struct scenario *s, struct speech *e, struct member *author, act_kind act,
                              const struct ref_id *id, struct words *w)
{
  memset(e, 0, sizeof *e);
  draft_init(&e->draft, act, id);
  if (act != ONWARD__CORE__ACT_SUBMIT)
    answer(s, &e->draft, entry_of_leg(s, id, 0));
  enum status status = take_act(s, e, author, id, w);
  while (status == OK && words_take(w, ","))
    status = take_option(s, e, author, id, w);
  seal_for_list(e);
  return status == OK && !words_end(w) ? complain(&s->why, "expected the end of the sentence") : status;
}

enum status scenario_speak(struct scenario *s, struct member *author, struct words *w)
{
  static struct speech speeches[BATCHES_MAX];
  static struct draft drafts[BATCHES_MAX];
  act_kind acts[BATCHES_MAX];
  size_t count = 0;
  do {
    const struct verb *v = take_verb(w);
    if (v == NULL || count == BATCHES_MAX)
      return complain(&s->why, "not something that an organisation can do here (README.md)");
    acts[count++] = v->act;
  } while (words_take(w, "and") || words_take(w, ","));
  const struct ref_id *id = scenario_referral(s, w);
  if (id == NULL)
    return complain(&s->why, "expected the name of a referral");
  for (size_t i = 0; i < count; i++) {
    struct words nothing = {""}; /* reasons and options are those of the last one */
    enum status status = take_event(s, &speeches[i], author, acts[i], id, i + 1 == count ? w : &nothing);
    if (status != OK)
      return status;
    drafts[i] = speeches[i].draft;
  }
  return scenario_hear(s, author, drafts, count);
}
