/* The clocks of section 9 of docs/spec/4-referral.md. */
#include <string.h>

#include "tests/sim/model.h"

#define A(name) ONWARD__CORE__ACT_##name
#define C(name) ONWARD__CLOCK__##name
#define WEEK_MS (7 * 86400000ull)

/* Whether a clock runs, as the referral is now. */
static bool runs(const struct model_referral *r, int clock)
{
  bool open = r->state == STATE_RECEIVED || r->state == STATE_ACKNOWLEDGED;
  bool held = r->state == STATE_WAITLISTED || r->state == STATE_ACCEPTED;
  switch (clock) {
  case C(RECEIVE):
    return r->state == STATE_REQUESTED;
  case C(READ):
    return r->state == STATE_RECEIVED;
  case C(DECIDE):
    return open;
  case C(CONTACT):
    return r->state == STATE_ACCEPTED;
  case C(UNDELIVERED):
    return r->state == STATE_REQUESTED || r->state == STATE_RECEIVED;
  case C(ANSWER_INFO):
    return open && r->info;
  case C(ANSWER_CANCEL):
    return (open || held) && r->cancel;
  case C(RETURNED_ACT):
    return r->state == STATE_RETURNED;
  case C(RESEAL_ASKED):
    return model_live(r) && r->reseal;
  case C(REPORT):
    return r->state == STATE_IN_PROGRESS;
  case C(CLOSING):
    return r->state == STATE_COMPLETED;
  case C(SAFETY_READ):
    return r->safety_here || r->safety_there;
  case C(EXPECTED):
    return r->state == STATE_WAITLISTED;
  case C(CONSENT_END):
    return model_live(r) || r->state == STATE_RETURNED;
  case C(LOST_LEG):
    return model_live(r);
  default:
    return false;
  }
}

static bool begins_anew(int clock, const struct event *e, bool new_leg)
{
  switch (clock) {
  case C(UNDELIVERED):
    return new_leg || e->act == A(RECEIVE);
  case C(REPORT):
    return new_leg || e->act == A(PROGRESS);
  case C(SAFETY_READ):
    return new_leg || (e->act == A(TELL) && e->core->tell->safety);
  case C(CONSENT_END):
    return e->act == A(RENEW_CONSENT);
  default:
    return new_leg;
  }
}

static uint64_t limit_ms(int clock, int priority)
{
  return clock <= CLOCKS_LIMITED ? 1000ull * model.policy.limit_s[clock - 1][priority - 1] : 0;
}

static uint64_t date_ms(uint64_t date, uint64_t now_ms)
{
  return date > now_ms + model.absent_ms ? date - model.absent_ms : now_ms;
}

static uint64_t end_ms(const struct model_referral *r, int clock, uint64_t now_ms)
{
  if (clock == C(EXPECTED))
    return date_ms(r->expected_ms, now_ms);
  if (clock == C(CONSENT_END))
    return r->until_ms == 0 ? 0 : date_ms(r->until_ms, now_ms);
  return clock == C(LOST_LEG) ? 0 : now_ms + limit_ms(clock, r->priority);
}

/* Said once: again after the same time, then after twice, four times, at least once a week. */
static uint64_t again_ms(int clock, int priority, int told, uint64_t now_ms)
{
  uint64_t wait_ms = limit_ms(clock, priority);
  if (clock == C(CONSENT_END))
    return 0;
  for (int i = 1; i < told && wait_ms < WEEK_MS; i++)
    wait_ms *= 2;
  return now_ms + (wait_ms == 0 || wait_ms > WEEK_MS ? WEEK_MS : wait_ms);
}

static void move(const struct model_entry *e, const struct model_referral *before, struct model_referral *r, int clock)
{
  const struct event *v = e->event;
  struct model_clock *k = &r->clocks[clock - 1];
  uint64_t now_ms = e->leaf->time_ms - model.absent_ms;
  bool new_leg = r->leg_index != before->leg_index, was = runs(before, clock);
  bool said = v->act == A(OVERDUE) && (int)v->core->overdue->clock == clock;
  bool shorter = v->act == A(RENEW_CONSENT) || v->act == A(NARROW_CONSENT) || v->act == A(RAISE_PRIORITY);
  if (!runs(r, clock)) {
    *k = (struct model_clock){.due_ms = 0};
  } else if (!was || begins_anew(clock, v, new_leg)) {
    *k = (struct model_clock){.due_ms = end_ms(r, clock, now_ms)};
  } else if (said) {
    k->told++;
    k->due_ms = again_ms(clock, r->priority, k->told, now_ms);
  } else if (shorter && clock <= CLOCKS_LIMITED && k->due_ms != 0) {
    uint64_t fresh_ms = end_ms(r, clock, now_ms);
    k->due_ms = fresh_ms < k->due_ms ? fresh_ms : k->due_ms;
  }
}

/* The decision's clock stands still while a question is open, unless the priority is high. */
static void stand_still(struct model_referral *r, uint64_t now_ms)
{
  struct model_clock *k = &r->clocks[C(DECIDE) - 1];
  bool still = r->info && r->priority != ONWARD__PRIORITY__HIGH;
  if (still && k->due_ms != 0) {
    k->left_ms = k->due_ms > now_ms ? k->due_ms - now_ms : 1;
    k->due_ms = 0;
  } else if (!still && k->left_ms != 0) {
    k->due_ms = runs(r, C(DECIDE)) ? now_ms + k->left_ms : 0;
    k->left_ms = 0;
  }
}

static void move_duty(const struct model_entry *e, const struct model_referral *r, struct model_party *p)
{
  const struct event *v = e->event;
  uint64_t now_ms = e->leaf->time_ms - model.absent_ms;
  bool said = v->act == A(OVERDUE) && v->core->overdue->clock == C(ERASURE) &&
              bytes_equal(pb_bytes(v->core->overdue->organisation), org_id_text(&p->org));
  if (!p->duty) {
    p->duty_due_ms = 0;
    p->duty_told = 0;
  } else if (p->duty_due_ms == 0) {
    p->duty_due_ms = now_ms + limit_ms(C(ERASURE), r->priority);
  } else if (said) {
    p->duty_told++;
    p->duty_due_ms = again_ms(C(ERASURE), r->priority, p->duty_told, now_ms);
  }
}

void model_clocks(const struct model_entry *e, const struct model_referral *before, struct model_referral *r)
{
  for (int clock = 1; clock <= CLOCKS; clock++)
    if (clock != C(ERASURE))
      move(e, before, r, clock);
  stand_still(r, e->leaf->time_ms - model.absent_ms);
  for (int i = 0; i < r->party_count; i++)
    move_duty(e, r, &r->parties[i]);
}

bool model_clock_due(const struct model_referral *r, int clock, uint64_t now_ms)
{
  uint64_t due_ms = r->clocks[clock - 1].due_ms;
  if (clock != C(ERASURE))
    return due_ms != 0 && due_ms <= now_ms;
  for (int i = 0; i < r->party_count; i++)
    if (r->parties[i].duty_due_ms != 0 && r->parties[i].duty_due_ms <= now_ms)
      return true;
  return false;
}
