/* What follows from an accepted entry. */
#include "tests/sim/model.h"

#include <string.h>

#define A(name) ONWARD__CORE__ACT_##name

struct model model;

void model_begin(void)
{
  memset(&model, 0, sizeof model);
}

/* --- finding --- */

struct model_referral *model_referral(const struct ref_id *id)
{
  for (size_t i = model.referral_count; i-- > 0;)
    if (ref_id_equal(&model.referrals[i].id, id))
      return &model.referrals[i];
  return NULL;
}

struct model_party *model_party(struct model_referral *r, const struct org_id *org)
{
  for (int i = 0; i < r->party_count; i++)
    if (org_id_equal(&r->parties[i].org, org))
      return &r->parties[i];
  return NULL;
}

struct model_organisation *model_organisation(const struct org_id *id)
{
  for (size_t i = 0; i < model.organisation_count; i++)
    if (org_id_equal(&model.organisations[i].id, id))
      return &model.organisations[i];
  return NULL;
}

bool model_in_scope(const struct model_referral *r, const struct org_id *org)
{
  for (size_t i = 0; i < r->scope_count; i++)
    if (org_id_equal(&r->scope[i], org))
      return true;
  return false;
}

bool model_can_be_asked(const struct org_id *org, uint64_t time_ms)
{
  const struct model_organisation *o = model_organisation(org);
  return o != NULL && o->standing == ONWARD__STANDING__ACTIVE &&
         (o->agreement_until_ms == 0 || o->agreement_until_ms >= time_ms);
}

bool model_live(const struct model_referral *r)
{
  return r->state >= STATE_REQUESTED && r->state <= STATE_IN_PROGRESS;
}

bool model_is_present(const struct model_referral *r, const struct org_id *org)
{
  return r->present >= 0 && org_id_equal(&r->parties[r->present].org, org);
}

/* --- a referral --- */

static struct model_party *add_party(struct model_referral *r, const struct org_id *org)
{
  struct model_party *p = model_party(r, org);
  if (p != NULL)
    return p;
  must(r->party_count < PARTIES_MAX);
  p = &r->parties[r->party_count++];
  *p = (struct model_party){.org = *org};
  return p;
}

static void take_list(struct model_referral *r, const ProtobufCBinaryData *list, size_t count)
{
  for (int i = 0; i < r->party_count; i++)
    r->parties[i].rank = 0;
  for (size_t i = 0; i < count; i++) {
    struct org_id org;
    must(pb_org(list[i], &org) == OK);
    struct model_party *p = add_party(r, &org);
    p->rank = (int)i + 1;
    p->asked = false;
    p->brief.index = p->file.index = 0;
  }
}

static void take_scope(struct model_referral *r, const ProtobufCBinaryData *scope, size_t count)
{
  r->scope_count = count;
  for (size_t i = 0; i < count; i++)
    must(pb_org(scope[i], &r->scope[i]) == OK);
}

static void take_sealed(struct model_referral *r, const struct model_entry *e)
{
  for (size_t i = 0; i < e->event->outer->n_sealed; i++) {
    struct org_id org;
    const Onward__Sealed *s = e->event->outer->sealed[i];
    must(pb_org(s->recipient, &org) == OK);
    struct model_party *p = model_party(r, &org);
    struct body_name name = {e->leaf->index, (uint8_t)i};
    if (p == NULL)
      continue;
    if (s->part == ONWARD__PART__BRIEF)
      p->brief = name;
    if (s->part == ONWARD__PART__FILE) {
      p->file = name;
      p->file_early = s->release == ONWARD__RELEASE__AT_DELIVERY;
    }
  }
}

static void open_leg(struct model_referral *r, struct model_party *p, uint64_t index)
{
  r->state = STATE_REQUESTED;
  r->info = r->cancel = r->reseal = r->safety_here = false;
  r->questions = 0;
  r->expected_ms = 0;
  r->present = r->last = (int)(p - r->parties);
  r->chosen = -1;
  r->leg_index = index;
  r->yes_index = 0;
  p->asked = true;
  p->duty = p->hold = false;
}

static void submit(const struct model_entry *e)
{
  const Onward__Submit *s = e->event->core->submit;
  must(model.referral_count < MODEL_REFERRALS_MAX);
  struct model_referral *r = &model.referrals[model.referral_count++];
  *r = (struct model_referral){.id = e->event->referral, .sender = e->author, .leg = 1, .present = -1, .chosen = -1};
  r->priority = (int)s->priority;
  r->basis = (int)s->basis;
  r->reroute = (int)s->reroute;
  r->submit_index = e->leaf->index;
  r->until_ms = s->consent_until_ms;
  take_scope(r, s->scope, s->n_scope);
  take_list(r, s->recipients, s->n_recipients);
  take_sealed(r, e);
  open_leg(r, &r->parties[0], e->leaf->index);
}

static void owe(struct model_party *p)
{
  p->duty |= p->received && !p->hold;
}

/* A leg that ended without completion; a referral that was taken back. */
static void end_leg(struct model_referral *r, int state)
{
  bool all = state == STATE_CANCELLED || state == STATE_WITHDRAWN || state == STATE_ERROR;
  r->state = state;
  r->info = r->cancel = r->reseal = r->safety_here = false;
  for (int i = 0; i < r->party_count; i++)
    if (all || ((state == STATE_LEG_OVER || state == STATE_FAILED) && i == r->present))
      owe(&r->parties[i]);
}

static void leg_opened(struct model_referral *r, const struct model_entry *e)
{
  struct org_id org;
  const Onward__LegOpened *l = e->event->core->leg_opened;
  must(pb_org(l->recipient, &org) == OK);
  struct model_party *p = add_party(r, &org);
  if (r->leg == (int)l->leg && r->present >= 0)
    r->parties[r->present].asked = false;
  r->leg = (int)l->leg;
  open_leg(r, p, e->leaf->index);
}

static void returned(struct model_referral *r)
{
  if (r->state == STATE_REQUESTED && r->present >= 0)
    r->parties[r->present].asked = false;
  end_leg(r, STATE_RETURNED);
  r->present = r->chosen = -1;
}

static void settle(struct model_referral *r, int state)
{
  r->state = state;
  r->info = r->cancel = false;
}

static void say_yes(struct model_referral *r, uint64_t index)
{
  if (r->yes_index == 0)
    r->yes_index = index;
}

static void refuse_open(struct model_referral *r, const struct event *e)
{
  if (e->core->refuse_open->reason == ONWARD__REFUSE_OPEN_REASON__UNKNOWN_SCHEMA)
    end_leg(r, STATE_LEG_OVER);
  else
    r->reseal = true;
}

static void acknowledge(struct model_referral *r, bool sender)
{
  if (sender) {
    r->safety_there = false;
    return;
  }
  r->safety_here = false;
  if (r->state == STATE_RECEIVED)
    r->state = STATE_ACKNOWLEDGED;
}

static void warn(struct model_referral *r, bool sender, uint64_t index)
{
  *(sender ? &r->safety_here : &r->safety_there) = true;
  *(sender ? &r->safety_here_index : &r->safety_there_index) = index;
}

static void by_sender(struct model_referral *r, const struct model_entry *e)
{
  const Onward__Core *c = e->event->core;
  switch (e->event->act) {
  case A(RESEAL):
    r->reseal = false;
    break;
  case A(ACKNOWLEDGE):
    acknowledge(r, true);
    break;
  case A(TELL):
    if (c->tell->safety)
      warn(r, true, e->leaf->index);
    break;
  case A(NEXT):
    end_leg(r, STATE_LEG_OVER);
    break;
  case A(SUPPLY_INFO):
    r->info = false;
    break;
  case A(READDRESS):
    take_list(r, c->readdress->recipients, c->readdress->n_recipients);
    settle(r, STATE_LEG_OVER);
    break;
  case A(CANCEL):
    if (r->state == STATE_REQUESTED)
      end_leg(r, STATE_CANCELLED);
    else
      r->cancel = true;
    break;
  case A(CLOSE):
    settle(r, STATE_CLOSED);
    break;
  case A(RENEW_CONSENT):
    take_scope(r, c->renew_consent->scope, c->renew_consent->n_scope);
    r->until_ms = c->renew_consent->consent_until_ms;
    break;
  case A(NARROW_CONSENT):
    take_scope(r, c->narrow_consent->scope, c->narrow_consent->n_scope);
    break;
  case A(RAISE_PRIORITY):
    r->priority = (int)c->raise_priority->priority;
    break;
  case A(WITHDRAW):
    end_leg(r, STATE_WITHDRAWN);
    break;
  case A(ENTER_IN_ERROR):
    end_leg(r, STATE_ERROR);
    break;
  default:
    break;
  }
}

static void reroute(struct model_referral *r, const Onward__Reroute *m)
{
  struct org_id target;
  must(pb_org(m->target, &target) == OK);
  struct model_party *p = add_party(r, &target);
  p->brief.index = p->file.index = 0;
  r->chosen = (int)(p - r->parties);
  end_leg(r, STATE_LEG_OVER);
}

static void by_recipient(struct model_referral *r, struct model_party *p, const struct model_entry *e)
{
  const Onward__Core *c = e->event->core;
  uint64_t index = e->leaf->index;
  switch (e->event->act) {
  case A(RECEIVE):
    r->state = STATE_RECEIVED;
    p->received = true;
    break;
  case A(REFUSE_OPEN):
    refuse_open(r, e->event);
    break;
  case A(ACKNOWLEDGE):
    acknowledge(r, false);
    break;
  case A(TELL):
    if (c->tell->safety)
      warn(r, false, index);
    break;
  case A(REQUEST_INFO):
    r->state = STATE_ACKNOWLEDGED;
    r->info = true;
    r->questions++;
    break;
  case A(WAITLIST):
    r->state = STATE_WAITLISTED;
    r->info = false;
    r->expected_ms = c->waitlist->expected_ms;
    break;
  case A(ACCEPT):
    settle(r, STATE_ACCEPTED);
    r->yes_index = index;
    break;
  case A(DECLINE):
    end_leg(r, r->cancel ? STATE_CANCELLED : STATE_LEG_OVER);
    break;
  case A(REROUTE):
    reroute(r, c->reroute);
    break;
  case A(START):
    settle(r, STATE_IN_PROGRESS);
    say_yes(r, index);
    break;
  case A(COMPLETE):
    settle(r, STATE_COMPLETED);
    r->outcome = (int)c->complete->outcome;
    break;
  case A(FAIL):
    end_leg(r, STATE_FAILED);
    break;
  case A(CONFIRM_CANCEL):
    end_leg(r, STATE_CANCELLED);
    break;
  case A(REFUSE_CANCEL):
    r->cancel = false;
    break;
  case A(WITHDRAW):
    end_leg(r, STATE_WITHDRAWN);
    break;
  case A(ERASE_RECEIPT):
    p->duty = p->hold = p->received = false;
    break;
  case A(LEGAL_HOLD):
    p->duty = false;
    p->hold = true;
    break;
  default:
    break;
  }
}

static void by_exchange(struct model_referral *r, const struct model_entry *e)
{
  switch (e->event->act) {
  case A(LEG_OPENED):
    leg_opened(r, e);
    break;
  case A(RETURNED):
    returned(r);
    break;
  case A(UNDELIVERABLE):
    end_leg(r, r->cancel ? STATE_CANCELLED : STATE_LEG_OVER);
    break;
  case A(LEG_LOST):
    end_leg(r, r->state == STATE_IN_PROGRESS ? STATE_FAILED : r->cancel ? STATE_CANCELLED : STATE_LEG_OVER);
    break;
  case A(INFO_OVER):
    r->info = false;
    break;
  case A(CANCEL_OVER):
    end_leg(r, STATE_CANCELLED);
    break;
  case A(CLOSE_BY_CLOCK):
    settle(r, STATE_CLOSED);
    break;
  default:
    break;
  }
}

static void take_step(struct model_referral *r, const struct model_entry *e)
{
  struct model_party *p = model_party(r, &e->author);
  if (e->leaf->origin == ORIGIN_BROKER)
    by_exchange(r, e);
  else if (org_id_equal(&e->author, &r->sender))
    by_sender(r, e);
  else if (p != NULL)
    by_recipient(r, p, e);
  take_sealed(r, e);
}

static void take_referral(const struct model_entry *e)
{
  static struct model_referral before;
  struct model_referral *r = model_referral(&e->event->referral);
  model_may(e, r);
  if (sim.ended)
    return;
  memset(&before, 0, sizeof before);
  if (r != NULL)
    before = *r;
  if (e->event->act == A(SUBMIT)) {
    submit(e);
    r = model_referral(&e->event->referral);
  } else {
    take_step(r, e);
  }
  r->last_index = e->leaf->index;
  r->touched = true;
  model_clocks(e, &before, r);
}

static void take_time(const struct model_entry *e)
{
  model.absent_ms += act_absent_ms(e->event->core);
  if (e->event->act != A(RESUMED))
    model.doubted_ms = e->event->act == A(CLOCK_DOUBTED) ? e->leaf->time_ms : 0;
}

void model_take(const struct model_entry *e)
{
  if (e->leaf->time_ms < model.time_ms)
    broken("the time of entry %llu is before that of the one before", (unsigned long long)e->leaf->index);
  model.time_ms = e->leaf->time_ms;
  if (e->leaf->verdict == ONWARD__VERDICT__ACCEPTED) {
    if (act_is_about_time(e->event->act))
      take_time(e);
    else if (act_is_registry(e->event->act))
      model_registry(e);
    else if (act_is_about_referral(e->event->act))
      take_referral(e);
  }
  model.size = e->leaf->index + 1;
}

void model_turn_over(void)
{
  for (size_t i = 0; i < model.referral_count; i++)
    if (model.referrals[i].state == STATE_LEG_OVER || model.referrals[i].state == STATE_FAILED)
      broken("a turn ended, and nobody has a referral of %.16s", model.referrals[i].sender.text);
}
