/* Judges one event against the books, in the order in which a person would ask: is it yours, is it your turn, does it
 * answer what it says, does it fit its act, is what you want allowed. The first no is the verdict. */
#include <string.h>

#include "proto/rules/inside.h"
#include "proto/rules/rules.h"

#define V(name) ONWARD__VERDICT__##name

static bool names_org(ProtobufCBinaryData b, const struct org_id *org)
{
  return bytes_equal(pb_bytes(b), org_id_text(org));
}

/* Whoever once had the case may still owe this, whosever leg it is now. */
static bool answers_duty(const struct event *e)
{
  return e->act == ONWARD__CORE__ACT_ERASE_RECEIPT || e->act == ONWARD__CORE__ACT_LEGAL_HOLD;
}

/* The answered entry is an accepted one on this referral, not older than the present leg (of a duty: than the
 * referral), and is what the author thinks it is. */
static bool answers_this_leg(const struct occasion *o, const struct event *e, const struct referral *r)
{
  struct leaf leaf;
  struct event answered;
  struct bytes bytes;
  if (e->answers_index < (answers_duty(e) ? r->submit_index : r->leg_index) || e->answers_index > r->last_index)
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

Onward__Verdict decide_recipients(const struct occasion *o, const ProtobufCBinaryData *recipients, size_t count)
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

Onward__Verdict decide_author(const struct occasion *o)
{
  struct organisation author;
  if (books_organisation(o->books, &o->author, &author) != OK || author.standing != ONWARD__STANDING__ACTIVE)
    return V(NOT_IN_STANDING_NOW);
  bool over = author.agreement_until_ms != 0 && author.agreement_until_ms < o->time_ms;
  return over ? V(AGREEMENT_IS_OVER) : V(ACCEPTED);
}

static Onward__Verdict decide_reroute(const struct occasion *o, const struct event *e, struct referral *r)
{
  struct org_id target;
  must(pb_org(e->core->reroute->target, &target) == OK);
  struct consent consent;
  if (consent_now(o->books, r, o->arena, &consent) != OK)
    return V(NOT_YOUR_REFERRAL);
  const struct party *p = referral_party(r, &target);
  bool listed = p != NULL && p->rank != 0;
  if (r->reroute == ONWARD__REROUTE_POLICY__REROUTE_NEVER ||
      (r->reroute == ONWARD__REROUTE_POLICY__REROUTE_LISTED && !listed))
    return V(REROUTE_NOT_ALLOWED);
  if (!consent_covers(&consent, &target))
    return V(OUTSIDE_SCOPE);
  if (consent_over(&consent, o->time_ms))
    return V(CONSENT_IS_OVER);
  if (org_id_equal(&target, &r->sender) || (p != NULL && (p->marks & PARTY_VISITED) != 0))
    return V(ALREADY_VISITED);
  if (rules_skip(o->books, &target, &consent, o->time_ms) != 0)
    return V(TARGET_NOT_OPEN);
  if (r->leg >= LEGS_MAX)
    return V(LEGS_AT_LIMIT);
  return p == NULL && r->party_count == PARTIES_MAX ? V(TOO_MANY_PARTIES) : V(ACCEPTED);
}

static Onward__Verdict decide_readdress(const struct occasion *o, const struct event *e, struct referral *r)
{
  const Onward__Readdress *a = e->core->readdress;
  struct consent consent;
  if (consent_now(o->books, r, o->arena, &consent) != OK)
    return V(NOT_YOUR_REFERRAL);
  size_t added = 0;
  for (size_t i = 0; i < a->n_recipients; i++) {
    struct org_id org;
    must(pb_org(a->recipients[i], &org) == OK);
    if (!consent_covers(&consent, &org))
      return V(OUTSIDE_SCOPE);
    added += referral_party(r, &org) == NULL;
  }
  if (consent_over(&consent, o->time_ms))
    return V(CONSENT_IS_OVER);
  Onward__Verdict v = decide_author(o);
  if (v != V(ACCEPTED))
    return v;
  if (r->leg >= LEGS_MAX)
    return V(LEGS_AT_LIMIT);
  if (r->party_count + added > PARTIES_MAX)
    return V(TOO_MANY_PARTIES);
  return decide_recipients(o, a->recipients, a->n_recipients);
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
  struct consent consent = consent_of_submit(s);
  if (consent_over(&consent, o->time_ms))
    return V(CONSENT_IS_OVER);
  Onward__Verdict v = decide_author(o);
  return v == V(ACCEPTED) ? decide_recipients(o, s->recipients, s->n_recipients) : v;
}

static Onward__Verdict decide_consent(const struct occasion *o, const struct event *e, struct referral *r)
{
  struct consent now;
  const Onward__NarrowConsent *n = e->core->narrow_consent;
  if (e->act == ONWARD__CORE__ACT_RENEW_CONSENT) {
    struct consent renewed = {.until_ms = e->core->renew_consent->consent_until_ms};
    return consent_over(&renewed, o->time_ms) ? V(CONSENT_IS_OVER) : V(ACCEPTED);
  }
  if (consent_now(o->books, r, o->arena, &now) != OK)
    return V(NOT_YOUR_REFERRAL);
  for (size_t i = 0; i < n->n_scope; i++) {
    struct org_id org;
    must(pb_org(n->scope[i], &org) == OK);
    if (!consent_covers(&now, &org))
      return V(OUTSIDE_SCOPE);
  }
  return V(ACCEPTED);
}

static bool rests_on_consent(const struct referral *r)
{
  return r->basis == ONWARD__LEGAL_BASIS__CONSENT || r->basis == ONWARD__LEGAL_BASIS__ASSENT_AND_CAREGIVER ||
         r->basis == ONWARD__LEGAL_BASIS__CAREGIVER_ONLY;
}

static Onward__Verdict decide_duty(const struct occasion *o, const struct event *e, struct referral *r)
{
  const struct party *p = referral_party(r, &o->author);
  uint8_t answerable = e->act == ONWARD__CORE__ACT_ERASE_RECEIPT ? PARTY_DUTY | PARTY_HOLD : PARTY_DUTY;
  return p != NULL && (p->marks & answerable) != 0 ? V(ACCEPTED) : V(NO_DUTY);
}

/* A yes is what the name travels after: not to whom the consent leaves out by now. */
static Onward__Verdict decide_yes(const struct occasion *o, struct referral *r)
{
  struct consent consent;
  if (consent_now(o->books, r, o->arena, &consent) != OK)
    return V(NOT_YOUR_REFERRAL);
  return consent_covers(&consent, &o->author) ? V(ACCEPTED) : V(OUTSIDE_SCOPE);
}

/* Nobody is told before the date is over: it is not further away than any clock runs. */
static Onward__Verdict decide_waitlist(const struct occasion *o, const struct event *e)
{
  uint64_t last_ms = o->time_ms + 1000ull * CLOCK_LIMIT_MAX_S;
  return e->core->waitlist->expected_ms <= last_ms ? V(ACCEPTED) : V(DATE_TOO_FAR);
}

/* What one act asks beside its row, its leg and its parts. */
static Onward__Verdict decide_act(const struct occasion *o, const struct event *e, struct referral *r)
{
  switch (e->act) {
  case ONWARD__CORE__ACT_RECEIVE:
    return decide_receive(o, e, r);
  case ONWARD__CORE__ACT_REROUTE:
    return decide_reroute(o, e, r);
  case ONWARD__CORE__ACT_READDRESS:
    return decide_readdress(o, e, r);
  case ONWARD__CORE__ACT_RENEW_CONSENT:
  case ONWARD__CORE__ACT_NARROW_CONSENT:
    return decide_consent(o, e, r);
  case ONWARD__CORE__ACT_REQUEST_INFO:
    return r->info_count >= INFO_MAX ? V(INFO_ASKED_TWICE) : V(ACCEPTED);
  case ONWARD__CORE__ACT_ACCEPT:
    return decide_yes(o, r);
  case ONWARD__CORE__ACT_START:
    return r->accept_index == 0 ? decide_yes(o, r) : V(ACCEPTED);
  case ONWARD__CORE__ACT_WAITLIST:
    return decide_waitlist(o, e);
  case ONWARD__CORE__ACT_RAISE_PRIORITY:
    return e->core->raise_priority->priority < r->priority ? V(ACCEPTED) : V(NOT_HIGHER);
  case ONWARD__CORE__ACT_WITHDRAW:
    return rests_on_consent(r) ? V(ACCEPTED) : V(NOT_BY_CONSENT);
  case ONWARD__CORE__ACT_ERASE_RECEIPT:
  case ONWARD__CORE__ACT_LEGAL_HOLD:
    return decide_duty(o, e, r);
  default:
    return V(ACCEPTED);
  }
}

/* Had a leg since it was last listed; or had the case before, and owes an answer for it still. */
static bool has_part(const struct event *e, const struct party *p)
{
  uint8_t marks = answers_duty(e) ? PARTY_VISITED | PARTY_DUTY | PARTY_HOLD : PARTY_VISITED;
  return p != NULL && (p->marks & marks) != 0;
}

/* Whether this recipient may speak although another one, or nobody, has the leg: the newest one passes on the child's
 * word, and whoever had the case answers for it. */
static bool speaks_afterwards(const struct event *e, struct referral *r, const struct party *p)
{
  return answers_duty(e) || (e->act == ONWARD__CORE__ACT_WITHDRAW && p == &r->parties[r->last]);
}

/* A message about safety is read before any other step of a person. An acknowledgement that crossed it has not read
 * it. */
static bool must_read_first(const struct event *e, const struct referral *r, bool sender)
{
  uint8_t flag = sender ? FLAG_SAFETY_AT_SENDER : FLAG_SAFETY_AT_RECIPIENT;
  if ((r->flags & flag) == 0)
    return false;
  switch (e->act) {
  case ONWARD__CORE__ACT_RESEAL:
  case ONWARD__CORE__ACT_RECEIVE:
  case ONWARD__CORE__ACT_REFUSE_OPEN:
  case ONWARD__CORE__ACT_ERASE_RECEIPT:
  case ONWARD__CORE__ACT_LEGAL_HOLD:
    return false;
  case ONWARD__CORE__ACT_ACKNOWLEDGE:
    return e->answers_index < (sender ? r->safety_at_sender : r->safety_at_recipient);
  default:
    return true;
  }
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
  if (!sender && !has_part(e, p))
    return V(NOT_YOUR_REFERRAL);
  enum actor actor = sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  const struct rule *any = rules_row(e, actor, STATES, 0);
  if (any != NULL && !any->built)
    return V(NOT_YET_SUPPORTED);
  if (!sender && !referral_present(&r, &o->author) && !speaks_afterwards(e, &r, p))
    return V(NOT_THIS_LEG);
  if (must_read_first(e, &r, sender))
    return V(SAFETY_UNREAD);
  const struct rule *rule = rules_row(e, actor, r.state, r.flags);
  if (rule == NULL)
    return why_no_row(e, actor, &r);
  if (!answers_this_leg(o, e, &r))
    return V(NOT_THIS_LEG);
  if (!seals_fit(e, &r, rule))
    return V(WRONG_SEALED_PARTS);
  return decide_act(o, e, &r);
}

Onward__Verdict rules_decide(const struct occasion *o, const struct event *e)
{
  switch (act_family(e->act)) {
  case ACT_ON_REFERRAL:
    return decide_referral(o, e);
  case ACT_ON_PLACES:
    return decide_places(o, e);
  default:
    return decide_registry(o, e);
  }
}
