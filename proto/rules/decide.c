/* Judges one event against the books, in the order in which a person would ask: is it yours, is it your turn, does it
 * answer what it says, does it fit its act, is what you want allowed. The first no is the verdict. */
#include <string.h>

#include "proto/rules/rules.h"

#define V(name) ONWARD__VERDICT__##name

static bool names_org(ProtobufCBinaryData b, const struct org_id *org)
{
  return bytes_equal(pb_bytes(b), org_id_text(org));
}

static bool lists_org(const ProtobufCBinaryData *list, size_t count, const struct org_id *org)
{
  for (size_t i = 0; i < count; i++)
    if (names_org(list[i], org))
      return true;
  return false;
}

Onward__SkippedReason rules_skip(struct books *b, const struct org_id *org, const Onward__Core *consent,
                                 uint64_t time_ms)
{
  struct organisation o;
  if (books_organisation(b, org, &o) != OK)
    return ONWARD__SKIPPED_REASON__NOT_ENROLLED;
  if (o.standing != ONWARD__STANDING__ACTIVE)
    return ONWARD__SKIPPED_REASON__NOT_IN_STANDING;
  if (o.agreement_until_ms != 0 && o.agreement_until_ms < time_ms)
    return ONWARD__SKIPPED_REASON__AGREEMENT_ENDED;
  const Onward__Submit *s = consent->submit;
  if (!lists_org(s->scope, s->n_scope, org))
    return ONWARD__SKIPPED_REASON__OUT_OF_SCOPE;
  return ONWARD__SKIPPED_REASON__SKIPPED_NONE;
}

/* The answered entry is an accepted one on this referral, not older than the present leg, and is what the author thinks
 * it is. */
static bool answers_this_leg(const struct occasion *o, const struct event *e, const struct referral *r)
{
  struct leaf leaf;
  struct event answered;
  struct bytes bytes;
  if (e->answers_index < r->leg_index || e->answers_index > r->last_index)
    return false;
  if (books_entry(o->books, e->answers_index, &bytes) != OK)
    return false;
  struct hash hash = leaf_hash(bytes);
  if (!hash_equal(&hash, &e->answers_hash))
    return false;
  if (books_event(o->books, e->answers_index, o->arena, &leaf, &answered) != OK)
    return false;
  return leaf.verdict == V(ACCEPTED) && ref_id_equal(&answered.referral, &e->referral);
}

static bool slot_fits(const Onward__Sealed *s, const struct org_id *org, Onward__Part part, Onward__Release release)
{
  return names_org(s->recipient, org) && s->part == part && (release == 0 || s->release == release);
}

/* For each recipient exactly one brief, at delivery, and at most one file; nothing else. */
static bool seals_case(const struct event *e, const ProtobufCBinaryData *recipients, size_t count)
{
  size_t fits = 0;
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    size_t briefs = 0, files = 0;
    must(pb_org(recipients[i], &org) == OK);
    for (size_t k = 0; k < e->outer->n_sealed; k++) {
      briefs += slot_fits(e->outer->sealed[k], &org, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
      files += slot_fits(e->outer->sealed[k], &org, ONWARD__PART__FILE, 0);
    }
    if (briefs != 1 || files > 1)
      return false;
    fits += briefs + files;
  }
  return fits == e->outer->n_sealed;
}

/* A brief, a file or both, all for one party: the present recipient, or one that may still be offered the case. */
static bool seals_again(const struct event *e, struct referral *r)
{
  struct org_id org;
  size_t briefs = 0, files = 0;
  if (e->outer->n_sealed == 0 || pb_org(e->outer->sealed[0]->recipient, &org) != OK)
    return false;
  const struct party *p = referral_party(r, &org);
  bool next = p != NULL && p->rank != 0 && (p->marks & PARTY_VISITED) == 0 && r->state != STATE_IN_PROGRESS;
  if (!next && !referral_present(r, &org))
    return false;
  for (size_t k = 0; k < e->outer->n_sealed; k++) {
    briefs += slot_fits(e->outer->sealed[k], &org, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
    files += slot_fits(e->outer->sealed[k], &org, ONWARD__PART__FILE, 0);
  }
  return briefs <= 1 && files <= 1 && briefs + files == e->outer->n_sealed;
}

static bool seals_note(const struct event *e, const struct org_id *other_side)
{
  if (e->outer->n_sealed == 0)
    return true;
  return e->outer->n_sealed == 1 && other_side != NULL &&
         slot_fits(e->outer->sealed[0], other_side, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
}

static bool seals_fit(const struct event *e, struct referral *r, const struct rule *rule)
{
  struct org_id target;
  const struct org_id *present = r->present != PARTY_NONE ? &r->parties[r->present].org : NULL;
  switch (rule->seals) {
  case SEALS_CASE:
    return e->act == ONWARD__CORE__ACT_SUBMIT
               ? seals_case(e, e->core->submit->recipients, e->core->submit->n_recipients)
               : seals_case(e, e->core->readdress->recipients, e->core->readdress->n_recipients);
  case SEALS_AGAIN:
    return seals_again(e, r);
  case SEALS_TARGET:
    return pb_org(e->core->reroute->target, &target) == OK && e->outer->n_sealed == 1 &&
           slot_fits(e->outer->sealed[0], &target, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  case SEALS_NOTE:
    return seals_note(e, rule->actor == ACTOR_SENDER ? present : &r->sender);
  default:
    return e->outer->n_sealed == 0;
  }
}

/* Every recipient of a list is, or was, enrolled (one that is suspended is passed over, not refused) and is not the
 * sender. */
static Onward__Verdict recipients_fit(const struct occasion *o, const ProtobufCBinaryData *recipients, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    struct organisation row;
    must(pb_org(recipients[i], &org) == OK);
    if (org_id_equal(&org, &o->author) || books_organisation(o->books, &org, &row) != OK)
      return V(NO_SUCH_ORGANISATION);
  }
  return V(ACCEPTED);
}

/* The event whose scope and end of consent hold now. */
static const Onward__Core *consent_of(const struct occasion *o, const struct referral *r)
{
  struct leaf leaf;
  struct event e;
  if (books_event(o->books, r->consent_index, o->arena, &leaf, &e) != OK || e.act != ONWARD__CORE__ACT_SUBMIT) {
    o->books->trouble = OUR_FAULT;
    return NULL;
  }
  return e.core;
}

static bool consent_over(const Onward__Core *consent, uint64_t time_ms)
{
  return consent->submit->consent_until_ms != 0 && consent->submit->consent_until_ms < time_ms;
}

/* The author's. */
static bool agreement_over(const struct occasion *o)
{
  struct organisation author;
  return books_organisation(o->books, &o->author, &author) == OK && author.agreement_until_ms != 0 &&
         author.agreement_until_ms < o->time_ms;
}

static Onward__Verdict decide_reroute(const struct occasion *o, const struct event *e, struct referral *r)
{
  struct org_id target;
  must(pb_org(e->core->reroute->target, &target) == OK);
  const Onward__Core *consent = consent_of(o, r);
  if (consent == NULL)
    return V(NOT_YOUR_REFERRAL);
  const struct party *p = referral_party(r, &target);
  Onward__ReroutePolicy policy = consent->submit->reroute;
  bool listed = p != NULL && p->rank != 0;
  if (policy == ONWARD__REROUTE_POLICY__REROUTE_NEVER || (policy == ONWARD__REROUTE_POLICY__REROUTE_LISTED && !listed))
    return V(REROUTE_NOT_ALLOWED);
  if (!lists_org(consent->submit->scope, consent->submit->n_scope, &target))
    return V(OUTSIDE_SCOPE);
  if (consent_over(consent, o->time_ms))
    return V(CONSENT_IS_OVER);
  if (org_id_equal(&target, &r->sender) || (p != NULL && (p->marks & PARTY_VISITED) != 0))
    return V(ALREADY_VISITED);
  if (rules_skip(o->books, &target, consent, o->time_ms) != 0)
    return V(TARGET_NOT_OPEN);
  if (r->leg >= LEGS_MAX)
    return V(LEGS_AT_LIMIT);
  return p == NULL && r->party_count == PARTIES_MAX ? V(TOO_MANY_PARTIES) : V(ACCEPTED);
}

static Onward__Verdict decide_readdress(const struct occasion *o, const struct event *e, struct referral *r)
{
  const Onward__Readdress *a = e->core->readdress;
  const Onward__Core *consent = consent_of(o, r);
  if (consent == NULL)
    return V(NOT_YOUR_REFERRAL);
  size_t added = 0;
  for (size_t i = 0; i < a->n_recipients; i++) {
    struct org_id org;
    must(pb_org(a->recipients[i], &org) == OK);
    if (!lists_org(consent->submit->scope, consent->submit->n_scope, &org))
      return V(OUTSIDE_SCOPE);
    added += referral_party(r, &org) == NULL;
  }
  if (consent_over(consent, o->time_ms))
    return V(CONSENT_IS_OVER);
  if (agreement_over(o))
    return V(AGREEMENT_IS_OVER);
  if (r->leg >= LEGS_MAX)
    return V(LEGS_AT_LIMIT);
  if (r->party_count + added > PARTIES_MAX)
    return V(TOO_MANY_PARTIES);
  return recipients_fit(o, a->recipients, a->n_recipients);
}

/* `receive` proves that the recipient has the very bytes that the sender sealed. */
static Onward__Verdict decide_receive(const struct occasion *o, const struct event *e, const struct referral *r)
{
  struct leaf leaf;
  struct event carrier;
  const struct party *p = &r->parties[r->present];
  if (books_event(o->books, p->brief_index, o->arena, &leaf, &carrier) != OK ||
      p->brief_slot >= carrier.outer->n_sealed)
    return V(WRONG_HASH);
  struct bytes sealed = pb_bytes(carrier.outer->sealed[p->brief_slot]->sha256);
  return bytes_equal(sealed, pb_bytes(e->core->receive->sha256)) ? V(ACCEPTED) : V(WRONG_HASH);
}

static Onward__Verdict decide_submit(const struct occasion *o, const struct event *e)
{
  struct referral r;
  const Onward__Submit *s = e->core->submit;
  if (books_referral(o->books, &e->referral, &r) == OK)
    return V(REFERRAL_EXISTS);
  if (!seals_case(e, s->recipients, s->n_recipients))
    return V(WRONG_SEALED_PARTS);
  if (s->consent_until_ms != 0 && s->consent_until_ms < o->time_ms)
    return V(CONSENT_IS_OVER);
  if (agreement_over(o))
    return V(AGREEMENT_IS_OVER);
  return recipients_fit(o, s->recipients, s->n_recipients);
}

/* No row: is it the state, the side, or an act that comes with a later version? */
static Onward__Verdict why_no_row(const struct event *e, enum actor actor, const struct referral *r)
{
  if (rules_row(e, actor, STATES, 0) == NULL)
    return V(NOT_YOUR_ACT);
  bool cancel_in_the_way = (r->flags & FLAG_CANCEL_OPEN) != 0 &&
                           rules_row(e, actor, r->state, (uint8_t)(r->flags & ~FLAG_CANCEL_OPEN)) != NULL;
  return cancel_in_the_way ? V(CANCEL_IS_OPEN) : V(NOT_IN_THIS_STATE);
}

static Onward__Verdict decide_referral(const struct occasion *o, const struct event *e)
{
  struct referral r;
  if (e->act == ONWARD__CORE__ACT_SUBMIT)
    return decide_submit(o, e);
  if (books_referral(o->books, &e->referral, &r) != OK)
    return V(NOT_YOUR_REFERRAL);
  bool sender = org_id_equal(&o->author, &r.sender);
  const struct party *p = referral_party(&r, &o->author);
  if (!sender && (p == NULL || (p->marks & PARTY_VISITED) == 0))
    return V(NOT_YOUR_REFERRAL);
  enum actor actor = sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  const struct rule *any = rules_row(e, actor, STATES, 0);
  if (any != NULL && !any->built)
    return V(NOT_YET_SUPPORTED);
  if (!sender && !referral_present(&r, &o->author))
    return V(NOT_THIS_LEG);
  const struct rule *rule = rules_row(e, actor, r.state, r.flags);
  if (rule == NULL)
    return why_no_row(e, actor, &r);
  if (!answers_this_leg(o, e, &r))
    return V(NOT_THIS_LEG);
  if (!seals_fit(e, &r, rule))
    return V(WRONG_SEALED_PARTS);
  if (e->act == ONWARD__CORE__ACT_REROUTE)
    return decide_reroute(o, e, &r);
  if (e->act == ONWARD__CORE__ACT_READDRESS)
    return decide_readdress(o, e, &r);
  return e->act == ONWARD__CORE__ACT_RECEIVE ? decide_receive(o, e, &r) : V(ACCEPTED);
}

/* A request for keys holds, and none of its keys was ever anybody's, but perhaps `owner`'s own. */
static Onward__Verdict request_fits(const struct occasion *o, ProtobufCBinaryData packed, ProtobufCBinaryData signature,
                                    const struct org_id *must_be, struct org_id *id)
{
  struct complaint why;
  const Onward__Request *r;
  if (request_read(pb_bytes(packed), pb_bytes(signature), o->arena, &why, &r) != OK)
    return V(REQUEST_NOT_VALID);
  must(pb_org(r->organisation, id) == OK);
  if (must_be != NULL && !org_id_equal(id, must_be))
    return V(REQUEST_NOT_VALID);
  const ProtobufCBinaryData keys[] = {r->link_key, r->sign_key, r->seal_key};
  for (size_t i = 0; i < 3; i++) {
    struct org_id owner;
    if (books_key_owner(o->books, pb_bytes(keys[i]), &owner) == OK && !org_id_equal(&owner, id))
      return V(KEY_IN_USE);
  }
  return V(ACCEPTED);
}

/* A suspended organisation comes back with the keys that it had. Otherwise suspending and enrolling would be a way
 * round the delay of a replacement, in which others can stop it. */
static bool same_keys(const struct occasion *o, ProtobufCBinaryData packed, const struct keys *keys)
{
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(packed), o->arena);
  return r != NULL && bytes_equal(pb_bytes(r->link_key), BYTES(keys->link)) &&
         bytes_equal(pb_bytes(r->sign_key), BYTES(keys->sign)) && bytes_equal(pb_bytes(r->seal_key), BYTES(keys->seal));
}

static Onward__Verdict decide_enrol(const struct occasion *o, const Onward__Enrol *e)
{
  struct org_id id;
  struct organisation there;
  Onward__Verdict v = request_fits(o, e->request, e->signature, NULL, &id);
  if (v != V(ACCEPTED))
    return v;
  if (books_organisation(o->books, &id, &there) != OK)
    return V(ACCEPTED);
  bool same = same_keys(o, e->request, &there.keys);
  if (there.standing == ONWARD__STANDING__ACTIVE)
    return same && e->agreement_until_ms != there.agreement_until_ms ? V(ACCEPTED) : V(ALREADY_ENROLLED);
  return same ? V(ACCEPTED) : V(NEW_KEYS_BY_REPLACEMENT);
}

/* `waits`: they are to wait, and nothing else may wait already; whoever wants others stops those first. An organisation
 * that is suspended cannot stop it itself: then there must be a second registrar who can. */
static Onward__Verdict decide_keys(const struct occasion *o, ProtobufCBinaryData request, ProtobufCBinaryData signature,
                                   const struct org_id *must_be, bool waits)
{
  struct org_id id;
  struct organisation there;
  Onward__Verdict v = request_fits(o, request, signature, must_be, &id);
  if (v == V(ACCEPTED) && books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  if (v != V(ACCEPTED) || !waits)
    return v;
  if (there.pending_due_ms != 0)
    return V(REPLACEMENT_WAITS);
  bool stoppable = there.standing == ONWARD__STANDING__ACTIVE || books_registrars(o->books, NULL) >= 2;
  return stoppable ? V(ACCEPTED) : V(NEEDS_TWO_REGISTRARS);
}

static Onward__Verdict decide_suspend(const struct occasion *o, const Onward__Suspend *s)
{
  struct org_id id;
  struct organisation there;
  must(pb_org(s->organisation, &id) == OK);
  if (s->standing != ONWARD__STANDING__COMPROMISED)
    return V(NOT_YET_SUPPORTED);
  if (books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  /* without one nobody could ever be enrolled, suspended or given new keys again */
  return there.registrar != 0 && books_registrars(o->books, &id) == 0 ? V(LAST_REGISTRAR) : V(ACCEPTED);
}

static Onward__Verdict decide_stop(const struct occasion *o, const Onward__StopReplacement *s, bool registrar)
{
  struct org_id id;
  struct organisation there;
  must(pb_org(s->organisation, &id) == OK);
  if (!registrar && !org_id_equal(&id, &o->author))
    return V(NOT_A_REGISTRAR);
  if (books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  return there.pending_due_ms == 0 ? V(NOTHING_TO_STOP) : V(ACCEPTED);
}

static Onward__Verdict decide_registry(const struct occasion *o, const struct event *e)
{
  struct organisation author;
  const Onward__Core *c = e->core;
  bool registrar = books_organisation(o->books, &o->author, &author) == OK && author.registrar != 0;
  if (e->act == ONWARD__CORE__ACT_ROTATE)
    return decide_keys(o, c->rotate->request, c->rotate->signature, &o->author, false);
  if (e->act == ONWARD__CORE__ACT_STOP_REPLACEMENT)
    return decide_stop(o, c->stop_replacement, registrar);
  if (!registrar)
    return V(NOT_A_REGISTRAR);
  if (e->act == ONWARD__CORE__ACT_ENROL)
    return decide_enrol(o, c->enrol);
  if (e->act == ONWARD__CORE__ACT_SUSPEND)
    return decide_suspend(o, c->suspend);
  return decide_keys(o, c->replace_keys->request, c->replace_keys->signature, NULL, true);
}

Onward__Verdict rules_decide(const struct occasion *o, const struct event *e)
{
  return act_family(e->act) == ACT_ON_REFERRAL ? decide_referral(o, e) : decide_registry(o, e);
}
