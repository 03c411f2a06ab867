/* Whether an act should have been accepted. Each `unless` is a sentence of docs/spec/4-referral.md. */
#include <string.h>

#include "proto/ledger/rows.h"
#include "tests/sim/model.h"

#define A(name) ONWARD__CORE__ACT_##name
#define READ_STATES (OPEN_STATES | HELD_STATES | IN(IN_PROGRESS) | IN(COMPLETED))
#define EVER_STATES (LIVE_STATES | IN(COMPLETED) | IN(RETURNED) | IN(CLOSED) | IN(CANCELLED))
#define OVER_STATES (IN(WITHDRAWN) | IN(ERROR))

static void unless(bool holds, const struct model_entry *e, const char *promise)
{
  if (!holds)
    broken("%s: %s of %.16s at %llu", promise, act_name(e->event->act),
           e->leaf->origin == ORIGIN_BROKER ? "the exchange" : e->author.text, (unsigned long long)e->leaf->index);
}

/* From where an act may be done. */
static const struct {
  act_kind act;
  uint32_t sender, recipient; /* states, as a set; 0: it is the other side's act */
} froms[] = {
    {A(RESEAL), LIVE_STATES, 0},
    {A(RECEIVE), 0, IN(REQUESTED)},
    {A(REFUSE_OPEN), 0, LIVE_STATES},
    {A(ACKNOWLEDGE), EVER_STATES | OVER_STATES, READ_STATES | IN(CLOSED)},
    {A(TELL), READ_STATES, READ_STATES},
    {A(NEXT), IN(REQUESTED) | OPEN_STATES, 0},
    {A(REQUEST_INFO), 0, OPEN_STATES},
    {A(SUPPLY_INFO), OPEN_STATES, 0},
    {A(WAITLIST), 0, OPEN_STATES | IN(ACCEPTED)},
    {A(ACCEPT), 0, OPEN_STATES | IN(WAITLISTED)},
    {A(DECLINE), 0, OPEN_STATES | HELD_STATES},
    {A(REROUTE), 0, OPEN_STATES | HELD_STATES},
    {A(START), 0, HELD_STATES},
    {A(PROGRESS), 0, IN(IN_PROGRESS)},
    {A(COMPLETE), 0, IN(ACCEPTED) | IN(IN_PROGRESS)},
    {A(FAIL), 0, IN(IN_PROGRESS)},
    {A(READDRESS), IN(RETURNED), 0},
    {A(CANCEL), IN(REQUESTED) | OPEN_STATES | HELD_STATES, 0},
    {A(CONFIRM_CANCEL), 0, OPEN_STATES | HELD_STATES},
    {A(REFUSE_CANCEL), 0, OPEN_STATES | HELD_STATES},
    {A(CLOSE), IN(COMPLETED) | IN(RETURNED), 0},
    {A(RENEW_CONSENT), LIVE_STATES | IN(RETURNED), 0},
    {A(NARROW_CONSENT), LIVE_STATES | IN(RETURNED), 0},
    {A(RAISE_PRIORITY), LIVE_STATES | IN(RETURNED), 0},
    {A(WITHDRAW), EVER_STATES, EVER_STATES},
    {A(ENTER_IN_ERROR), EVER_STATES | IN(WITHDRAWN), 0},
    {A(ERASE_RECEIPT), 0, EVER_STATES | OVER_STATES},
    {A(LEGAL_HOLD), 0, EVER_STATES | OVER_STATES},
};

static uint32_t from_of(act_kind act, bool sender)
{
  for (size_t i = 0; i < sizeof froms / sizeof froms[0]; i++)
    if (froms[i].act == act)
      return sender ? froms[i].sender : froms[i].recipient;
  return 0;
}

static bool is_duty(act_kind act)
{
  return act == A(ERASE_RECEIPT) || act == A(LEGAL_HOLD);
}

static bool by_machine(act_kind act)
{
  return act == A(RESEAL) || act == A(RECEIVE) || act == A(REFUSE_OPEN);
}

static bool consent_ended(const struct model_referral *r, uint64_t time_ms)
{
  return r->until_ms != 0 && r->until_ms < time_ms;
}

static bool may_begin(const struct model_entry *e)
{
  return model_can_be_asked(&e->author, e->leaf->time_ms);
}

static void may_submit(const struct model_entry *e, const struct model_referral *r)
{
  const Onward__Submit *s = e->event->core->submit;
  unless(r == NULL, e, "a referral was made twice");
  unless(may_begin(e), e, "one that may begin nothing began");
  unless(s->consent_until_ms == 0 || s->consent_until_ms >= e->leaf->time_ms, e, "the consent had ended");
}

/* The entry that is answered is one of this leg, and the one that its author thinks it is. */
static bool answers_leg(const struct model_entry *e, const struct model_referral *r)
{
  struct bytes bytes;
  struct leaf leaf;
  uint64_t index = e->event->answers_index;
  uint64_t from = is_duty(e->event->act) ? r->submit_index : r->leg_index;
  if (index < from || index > r->last_index || books_entry(e->log, index, &bytes) != OK)
    return false;
  struct hash hash = leaf_hash(bytes);
  return hash_equal(&hash, &e->event->answers_hash) && leaf_read(bytes, &leaf) == OK &&
         leaf.verdict == ONWARD__VERDICT__ACCEPTED;
}

static bool has_read(const struct model_entry *e, const struct model_referral *r, bool sender)
{
  bool waits = sender ? r->safety_there : r->safety_here;
  uint64_t index = sender ? r->safety_there_index : r->safety_here_index;
  if (!waits || by_machine(e->event->act) || is_duty(e->event->act))
    return true;
  return e->event->act == A(ACKNOWLEDGE) && e->event->answers_index >= index;
}

static bool names_brief(const struct model_entry *e, const struct model_party *p)
{
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct leaf leaf;
  struct event carrier;
  return books_event(e->log, p->brief.index, &a, &leaf, &carrier) == OK && p->brief.slot < carrier.outer->n_sealed &&
         bytes_equal(pb_bytes(carrier.outer->sealed[p->brief.slot]->sha256), pb_bytes(e->event->core->receive->sha256));
}

static bool all_in_scope(const struct model_referral *r, const ProtobufCBinaryData *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    if (pb_org(list[i], &org) != OK || !model_in_scope(r, &org))
      return false;
  }
  return true;
}

static void may_reroute(const struct model_entry *e, struct model_referral *r)
{
  struct org_id to;
  must(pb_org(e->event->core->reroute->target, &to) == OK);
  const struct model_party *p = model_party(r, &to);
  bool listed = p != NULL && p->rank != 0;
  unless(!r->cancel, e, "passed on while a wish to cancel is open");
  unless(model_in_scope(r, &to), e, "passed on to one that the consent leaves out");
  unless(!consent_ended(r, e->leaf->time_ms), e, "passed on after the consent's end");
  unless(p == NULL || !p->asked, e, "passed on to one that was asked already");
  unless(model_can_be_asked(&to, e->leaf->time_ms), e, "passed on to one that cannot be asked");
  unless(r->reroute == ONWARD__REROUTE_POLICY__REROUTE_SCOPE ||
             (listed && r->reroute == ONWARD__REROUTE_POLICY__REROUTE_LISTED),
         e, "passed on against the sender's policy");
}

static void may_sender(const struct model_entry *e, struct model_referral *r)
{
  const Onward__Core *c = e->event->core;
  switch (e->event->act) {
  case A(READDRESS):
    unless(all_in_scope(r, c->readdress->recipients, c->readdress->n_recipients), e, "outside the consent");
    unless(!consent_ended(r, e->leaf->time_ms), e, "readdressed after the consent's end");
    unless(may_begin(e), e, "one that may begin nothing readdressed");
    break;
  case A(NARROW_CONSENT):
    unless(all_in_scope(r, c->narrow_consent->scope, c->narrow_consent->n_scope), e, "a consent was widened");
    break;
  case A(RAISE_PRIORITY):
    unless((int)c->raise_priority->priority < r->priority, e, "a priority was lowered");
    break;
  case A(SUPPLY_INFO):
    unless(r->info, e, "nothing was asked");
    break;
  case A(CANCEL):
    unless(r->state == STATE_REQUESTED || !r->cancel, e, "asked to cancel twice");
    break;
  case A(ACKNOWLEDGE):
    unless(r->safety_there, e, "there was nothing to read");
    break;
  default:
    break;
  }
}

static void may_recipient(const struct model_entry *e, struct model_referral *r, struct model_party *p)
{
  switch (e->event->act) {
  case A(RECEIVE):
    unless(names_brief(e, p), e, "received another brief than was sealed for it");
    break;
  case A(REFUSE_OPEN):
    unless(e->event->core->refuse_open->reason != ONWARD__REFUSE_OPEN_REASON__UNKNOWN_SCHEMA ||
               r->state == STATE_REQUESTED,
           e, "did not know the form of what it had received");
    break;
  case A(ACCEPT):
    unless(model_in_scope(r, &e->author), e, "the name travelled to one that the consent leaves out");
    break;
  case A(START):
    unless(r->yes_index != 0 || model_in_scope(r, &e->author), e, "the consent leaves it out");
    break;
  case A(REQUEST_INFO):
    unless(r->questions < INFO_MAX && !r->info, e, "asked too often");
    break;
  case A(REROUTE):
    may_reroute(e, r);
    break;
  case A(CONFIRM_CANCEL):
  case A(REFUSE_CANCEL):
    unless(r->cancel, e, "nobody wished to cancel");
    break;
  case A(ACKNOWLEDGE):
    unless(r->state == STATE_RECEIVED || r->safety_here, e, "there was nothing to read");
    break;
  case A(ERASE_RECEIPT):
    unless(p->duty || p->hold, e, "no duty to erase");
    break;
  case A(LEGAL_HOLD):
    unless(p->duty, e, "no duty to erase");
    break;
  default:
    break;
  }
}

static void may_person(const struct model_entry *e, struct model_referral *r)
{
  const struct model_organisation *o = model_organisation(&e->author);
  bool sender = org_id_equal(&e->author, &r->sender);
  struct model_party *p = model_party(r, &e->author);
  act_kind act = e->event->act;
  unless(o != NULL && (o->standing != ONWARD__STANDING__COMPROMISED || e->leaf->position > 0), e,
         "one that was cut off was heard");
  unless(sender || (p != NULL && (p->asked || is_duty(act) || p->received)), e, "it has no part in the referral");
  bool word = act == A(WITHDRAW) && p != NULL && p == &r->parties[r->last];
  unless(sender || is_duty(act) || word || model_is_present(r, &e->author), e, "it is another's leg");
  unless((from_of(act, sender) >> r->state & 1) != 0, e, "not from this state, or not by this side");
  unless(has_read(e, r, sender), e, "a message about safety was not read first");
  unless(answers_leg(e, r), e, "it does not answer this leg");
  if (act == A(WITHDRAW))
    unless(r->basis <= ONWARD__LEGAL_BASIS__CAREGIVER_ONLY, e, "withdrawn where the basis is no consent");
  if (sim.ended)
    return;
  if (sender)
    may_sender(e, r);
  else
    may_recipient(e, r, p);
}

static void may_open_leg(const struct model_entry *e, struct model_referral *r)
{
  struct org_id org;
  const Onward__LegOpened *l = e->event->core->leg_opened;
  must(pb_org(l->recipient, &org) == OK);
  const struct model_party *p = model_party(r, &org);
  bool first = r->state == STATE_REQUESTED && r->last_index == r->submit_index;
  unless(r->state == STATE_LEG_OVER || first, e, "a leg was opened while another is open");
  unless(model_in_scope(r, &org), e, "a leg outside the consent");
  unless(!consent_ended(r, e->leaf->time_ms), e, "a leg after the consent's end");
  unless(model_can_be_asked(&org, e->leaf->time_ms), e, "a leg for one that cannot be asked");
  unless(l->leg <= LEGS_MAX, e, "too many legs");
  unless(p != NULL && !p->asked, e, "a leg for one that was asked already, or never listed");
  if (p != NULL)
    unless(l->brief->index == p->brief.index && l->brief->slot == p->brief.slot && p->brief.index != 0, e,
           "a leg with another brief than the one that is sealed for it");
}

static const struct {
  act_kind act;
  int clock;
} by_clock[] = {{A(UNDELIVERABLE), ONWARD__CLOCK__UNDELIVERED},
                {A(INFO_OVER), ONWARD__CLOCK__ANSWER_INFO},
                {A(CANCEL_OVER), ONWARD__CLOCK__ANSWER_CANCEL},
                {A(LEG_LOST), ONWARD__CLOCK__LOST_LEG},
                {A(CLOSE_BY_CLOCK), ONWARD__CLOCK__CLOSING}};

static void may_exchange(const struct model_entry *e, struct model_referral *r)
{
  uint64_t now_ms = e->leaf->time_ms - model.absent_ms;
  int clock = e->event->act == A(OVERDUE) ? (int)e->event->core->overdue->clock : 0;
  for (size_t i = 0; i < sizeof by_clock / sizeof by_clock[0]; i++)
    if (by_clock[i].act == e->event->act)
      clock = by_clock[i].clock;
  if (clock != 0) {
    unless(model.doubted_ms == 0, e, "a clock fired while the time is in doubt");
    unless(model_clock_due(r, clock, now_ms), e, "a clock fired that was not due");
  }
  if (e->event->act == A(CLOSE_BY_CLOCK))
    unless(r->outcome != ONWARD__OUTCOME_CLASS__NOT_SERVED, e, "bad news was closed by a clock");
  if (e->event->act == A(LEG_OPENED))
    may_open_leg(e, r);
  if (e->event->act == A(RETURNED))
    unless(r->state == STATE_LEG_OVER || r->state == STATE_FAILED || r->state == STATE_REQUESTED, e,
           "returned while somebody has it");
}

void model_may(const struct model_entry *e, struct model_referral *r)
{
  if (e->event->act == A(SUBMIT)) {
    may_submit(e, r);
    return;
  }
  unless(r != NULL, e, "there is no such referral");
  if (r == NULL)
    return;
  if (e->leaf->origin == ORIGIN_BROKER)
    may_exchange(e, r);
  else
    may_person(e, r);
}
