/* What an accepted entry does to a referral: the row of the rules' table gives the new state and flags, and a few acts
 * do one thing more. An agent sees only a part of the log, so nothing here looks at who is enrolled or what the time
 * is: all that an outcome depends on stands in the entry itself. */
#include "proto/ledger/change.h"

#include <string.h>

static void seal_party(struct party *p, uint64_t index, uint8_t slot, const Onward__Sealed *s)
{
  if (s->part == ONWARD__PART__BRIEF) {
    p->brief_index = index;
    p->brief_slot = slot;
  } else if (s->part == ONWARD__PART__FILE) {
    p->file_index = index;
    p->file_slot = slot;
    p->marks &= (uint8_t)~PARTY_FILE_AT_DELIVERY;
    if (s->release == ONWARD__RELEASE__AT_DELIVERY)
      p->marks |= PARTY_FILE_AT_DELIVERY;
  }
}

/* Notes what an event sealed for each party. */
static void take_sealed(struct referral *r, uint64_t index, const struct event *e)
{
  for (size_t i = 0; i < e->outer->n_sealed; i++) {
    struct org_id org;
    const Onward__Sealed *s = e->outer->sealed[i];
    struct party *p = pb_org(s->recipient, &org) == OK ? referral_party(r, &org) : NULL;
    if (p != NULL)
      seal_party(p, index, (uint8_t)i, s);
  }
}

/* Finds or adds a party. The rules have refused what would not fit. */
static struct party *add_party(struct referral *r, const struct org_id *org)
{
  struct party *p = referral_party(r, org);
  if (p != NULL)
    return p;
  must(r->party_count < PARTIES_MAX);
  p = &r->parties[r->party_count++];
  memset(p, 0, sizeof *p);
  p->org = *org;
  return p;
}

static void list_parties(struct referral *r, const ProtobufCBinaryData *recipients, size_t count)
{
  for (int i = 0; i < r->party_count; i++)
    r->parties[i].rank = 0;
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    must(pb_org(recipients[i], &org) == OK);
    struct party *p = add_party(r, &org);
    p->rank = (uint8_t)(i + 1);
    p->marks &= (uint8_t)~PARTY_VISITED;
    p->brief_index = p->file_index = 0;
  }
}

/* The leg that `submit` opened could not be offered: whoever it was for has not been asked. */
static void close_unoffered(struct referral *r)
{
  r->parties[r->present].marks &= (uint8_t)~PARTY_VISITED;
}

static void open_leg(struct referral *r, struct party *p, const struct leaf *leaf)
{
  r->state = STATE_REQUESTED;
  r->flags &= FLAG_SAFETY_AT_SENDER; /* whatever became of the leg: it is still to be read */
  r->info_count = 0;
  r->expected_ms = 0;
  r->present = r->last = (uint8_t)(p - r->parties);
  r->chosen = PARTY_NONE;
  r->leg_index = leaf->index;
  r->accept_index = 0;
  r->leg_since_ms = r->state_since_ms = leaf->time_ms;
  p->marks = (uint8_t)((p->marks | PARTY_VISITED) & ~(PARTY_DUTY | PARTY_HOLD)); /* it may have the case again */
}

static void apply_submit(struct referral *r, const struct leaf *leaf, const struct event *e,
                         const struct org_id *author)
{
  const Onward__Submit *s = e->core->submit;
  memset(r, 0, sizeof *r);
  r->id = e->referral;
  r->sender = *author;
  r->priority = (uint8_t)s->priority;
  r->basis = (uint8_t)s->basis;
  r->reroute = (uint8_t)s->reroute;
  r->drill = s->drill != 0;
  r->leg = 1;
  r->submit_index = r->scope_index = leaf->index;
  r->consent_until_ms = s->consent_until_ms;
  r->submitted_ms = leaf->time_ms;
  list_parties(r, s->recipients, s->n_recipients);
  take_sealed(r, leaf->index, e);
  open_leg(r, &r->parties[0], leaf);
}

static void apply_leg_opened(struct referral *r, const struct leaf *leaf, const Onward__LegOpened *l)
{
  struct org_id org;
  must(pb_org(l->recipient, &org) == OK);
  struct party *p = add_party(r, &org);
  if (r->leg == l->leg && r->present != PARTY_NONE)
    close_unoffered(r);
  r->leg = (uint8_t)l->leg;
  r->hops = (uint8_t)l->hops;
  r->scope_index = l->scope_index;
  r->consent_until_ms = l->consent_until_ms;
  r->priority = (uint8_t)l->priority;
  p->brief_index = l->brief->index;
  p->brief_slot = (uint8_t)l->brief->slot;
  p->file_index = l->file != NULL ? l->file->index : 0;
  p->file_slot = l->file != NULL ? (uint8_t)l->file->slot : 0;
  open_leg(r, p, leaf);
}

/* Whoever stored the case, and will not serve, must erase it. */
static void give_duty(struct party *p)
{
  if ((p->marks & PARTY_RECEIVED) != 0 && (p->marks & PARTY_HOLD) == 0)
    p->marks |= PARTY_DUTY;
}

static void answer_duty(struct party *p, uint8_t hold)
{
  if (p == NULL)
    return;
  p->marks = (uint8_t)((p->marks & ~(PARTY_DUTY | PARTY_HOLD | (hold == 0 ? PARTY_RECEIVED : 0))) | hold);
}

/* A leg that ended without completion gives its recipient the duty; a referral that was taken back, everybody who ever
 * had the case. */
static void give_duties(struct referral *r)
{
  bool leg_only = r->state == STATE_LEG_OVER || r->state == STATE_FAILED;
  bool all = r->state == STATE_CANCELLED || r->state == STATE_WITHDRAWN || r->state == STATE_ERROR;
  for (int i = 0; i < r->party_count; i++)
    if (all || (leg_only && i == r->present))
      give_duty(&r->parties[i]);
}

static void apply_act(struct referral *r, const struct leaf *leaf, const struct event *e, const struct org_id *author)
{
  struct org_id target;
  struct party *p = referral_party(r, author);
  switch (e->act) {
  case ONWARD__CORE__ACT_RECEIVE:
    if (p != NULL)
      p->marks |= PARTY_RECEIVED;
    break;
  case ONWARD__CORE__ACT_ACCEPT:
    r->accept_index = leaf->index;
    break;
  case ONWARD__CORE__ACT_START:
    if (r->accept_index == 0) /* from the waiting list: the yes and the beginning are one */
      r->accept_index = leaf->index;
    break;
  case ONWARD__CORE__ACT_REROUTE:
    must(pb_org(e->core->reroute->target, &target) == OK);
    p = add_party(r, &target);
    p->brief_index = p->file_index = 0;
    r->chosen = (uint8_t)(p - r->parties);
    break;
  case ONWARD__CORE__ACT_COMPLETE:
    r->outcome = (uint8_t)e->core->complete->outcome;
    break;
  case ONWARD__CORE__ACT_REQUEST_INFO:
    r->info_count++;
    break;
  case ONWARD__CORE__ACT_WAITLIST:
    r->expected_ms = e->core->waitlist->expected_ms;
    break;
  case ONWARD__CORE__ACT_TELL:
    if (e->core->tell->safety)
      *(org_id_equal(author, &r->sender) ? &r->safety_at_recipient : &r->safety_at_sender) = leaf->index;
    break;
  case ONWARD__CORE__ACT_RENEW_CONSENT:
    r->scope_index = leaf->index;
    r->consent_until_ms = e->core->renew_consent->consent_until_ms;
    break;
  case ONWARD__CORE__ACT_NARROW_CONSENT:
    r->scope_index = leaf->index;
    break;
  case ONWARD__CORE__ACT_RAISE_PRIORITY:
    r->priority = (uint8_t)e->core->raise_priority->priority;
    break;
  case ONWARD__CORE__ACT_ERASE_RECEIPT:
    answer_duty(p, 0);
    break;
  case ONWARD__CORE__ACT_LEGAL_HOLD:
    answer_duty(p, PARTY_HOLD);
    break;
  case ONWARD__CORE__ACT_READDRESS:
    list_parties(r, e->core->readdress->recipients, e->core->readdress->n_recipients);
    break;
  default:
    break;
  }
  take_sealed(r, leaf->index, e);
}

enum actor actor_of(const struct event *e, const struct org_id *author, const struct referral *r)
{
  if (act_family(e->act) == ACT_OF_BROKER)
    return ACTOR_BROKER;
  return org_id_equal(author, &r->sender) ? ACTOR_SENDER : ACTOR_RECIPIENT;
}

void change_referral(const struct leaf *leaf, const struct event *e, const struct org_id *author, struct referral *r)
{
  if (e->act == ONWARD__CORE__ACT_SUBMIT) {
    apply_submit(r, leaf, e, author);
  } else if (e->act == ONWARD__CORE__ACT_LEG_OPENED) {
    apply_leg_opened(r, leaf, e->core->leg_opened);
  } else {
    enum actor actor = actor_of(e, author, r);
    const struct rule *rule = rules_row(e, actor, r->state, r->flags);
    if (rule == NULL) /* an agent that did not see the leg before this one; the broker has judged it */
      rule = rules_row(e, actor, STATES, 0);
    must(rule != NULL);
    if (e->act == ONWARD__CORE__ACT_RETURNED && r->state == STATE_REQUESTED && r->present != PARTY_NONE)
      close_unoffered(r);
    apply_act(r, leaf, e, author);
    r->flags = (uint8_t)((r->flags | rule->sets) & ~rule->clears);
    if (rule->to != STATE_NONE && rule->to != r->state) {
      r->state = rule->to;
      r->state_since_ms = leaf->time_ms;
      give_duties(r);
    }
    if (r->state == STATE_RETURNED)
      r->present = r->chosen = PARTY_NONE;
  }
  r->last_index = leaf->index;
}

void leaf_author(const struct leaf *leaf, struct org_id *out)
{
  struct batch_header h;
  memset(out, 0, sizeof *out);
  if (leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK)
    *out = h.organisation;
}

static bool parties_fit(struct referral *r, const ProtobufCBinaryData *list, size_t count)
{
  size_t added = 0;
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    must(pb_org(list[i], &org) == OK);
    added += referral_party(r, &org) == NULL;
  }
  return r->party_count + added <= PARTIES_MAX;
}

/* What reaches whoever had an earlier leg, and does not know who came after: that the referral was taken back; and what
 * those answer who had one. */
static bool may_be_news(const struct referral *r, const struct event *e)
{
  bool ours_is_over = (LIVE_STATES >> r->state & 1) == 0;
  bool duty = e->act == ONWARD__CORE__ACT_ERASE_RECEIPT || e->act == ONWARD__CORE__ACT_LEGAL_HOLD;
  bool ends = e->act == ONWARD__CORE__ACT_WITHDRAW || e->act == ONWARD__CORE__ACT_CONFIRM_CANCEL ||
              e->act == ONWARD__CORE__ACT_DECLINE;
  return duty || (ours_is_over && ends);
}

/* Whether any keeper that obeys the rules could have accepted this, as far as an agent can tell: an act that its
 * author's side has, by the present recipient where it is a recipient's, and no more parties than fit. What another
 * recipient did before our leg comes as the re-route that named us, and nothing else does. */
static bool possible(struct referral *r, bool known, const struct event *e, const struct org_id *author)
{
  if (!known || e->act == ONWARD__CORE__ACT_SUBMIT)
    return !known && e->act == ONWARD__CORE__ACT_SUBMIT; /* an agent's view begins with the submit */
  enum actor actor = actor_of(e, author, r);
  if (rules_row(e, actor, STATES, 0) == NULL)
    return false;
  if (actor == ACTOR_RECIPIENT && e->act != ONWARD__CORE__ACT_REROUTE && !referral_present(r, author) &&
      !may_be_news(r, e))
    return false;
  if (e->act == ONWARD__CORE__ACT_LEG_OPENED)
    return parties_fit(r, &e->core->leg_opened->recipient, 1);
  if (e->act == ONWARD__CORE__ACT_REROUTE)
    return parties_fit(r, &e->core->reroute->target, 1);
  return e->act != ONWARD__CORE__ACT_READDRESS ||
         parties_fit(r, e->core->readdress->recipients, e->core->readdress->n_recipients);
}

void ledger_apply(struct books *b, const struct leaf *leaf, const struct event *e)
{
  if (leaf->verdict != ONWARD__VERDICT__ACCEPTED)
    return;
  if (act_is_registry(e->act)) {
    change_registry(b, leaf, e);
    return;
  }
  if (act_family(e->act) == ACT_ON_PLACES) {
    change_directory(b, leaf, e);
    return;
  }
  struct org_id author;
  struct referral r;
  leaf_author(leaf, &author);
  bool known = books_referral(b, &e->referral, &r) == OK;
  if (!possible(&r, known, e, &author))
    return;
  change_referral(leaf, e, &author, &r);
  books_put_referral(b, &r);
}
