/* Which clocks of a referral run after an entry, and when the earliest of them is due. Only whoever keeps the whole log
 * can say: an agent sees a part of it, and learns of a clock that ran out from the broker's entry.
 *
 * A clock begins when the referral comes into its states, and begins anew with a new leg, or with the act that it waits
 * for (a progress report). Overdue, it is said again after twice the time, and then again, at least once a week.
 */
#include "proto/ledger/change.h"

#include <string.h>

#define WEEK_MS (7 * 86400000ull)
#define C(name) ONWARD__CLOCK__##name
#define ACT(name) ONWARD__CORE__ACT_##name
#define OPEN OPEN_STATES
#define LIVE LIVE_STATES
#define EVERY_STATE UINT32_MAX

static const struct clock_rule {
  uint8_t clock;
  uint32_t states;  /* in which it runs */
  uint8_t flags;    /* one of them must be up; 0: whichever */
  act_kind restart; /* this act begins it anew; 0: none */
} clock_rules[] = {
    {C(RECEIVE), IN(REQUESTED), 0, 0},
    {C(READ), IN(RECEIVED), 0, 0},
    {C(DECIDE), OPEN, 0, 0},
    {C(CONTACT), IN(ACCEPTED), 0, 0},
    {C(UNDELIVERED), IN(REQUESTED) | IN(RECEIVED), 0, ACT(RECEIVE)},
    {C(ANSWER_INFO), OPEN, FLAG_INFO_OPEN, 0},
    {C(ANSWER_CANCEL), OPEN | HELD_STATES, FLAG_CANCEL_OPEN, 0},
    {C(RETURNED_ACT), IN(RETURNED), 0, 0},
    {C(RESEAL_ASKED), LIVE, FLAG_RESEAL_ASKED, 0},
    {C(REPORT), IN(IN_PROGRESS), 0, ACT(PROGRESS)},
    {C(CLOSING), IN(COMPLETED), 0, 0},
    {C(SAFETY_READ), EVERY_STATE, FLAG_SAFETY_AT_RECIPIENT | FLAG_SAFETY_AT_SENDER, ACT(TELL)},
    {C(EXPECTED), IN(WAITLISTED), 0, 0},
    {C(CONSENT_END), LIVE | IN(RETURNED), 0, ACT(RENEW_CONSENT)},
    {C(LOST_LEG), LIVE, 0, 0},
};

static bool fits(const struct clock_rule *rule, const struct referral *r)
{
  return (rule->states >> r->state & 1) != 0 && (rule->flags == 0 || (r->flags & rule->flags) != 0);
}

/* The decision's clock stands still while a question is open, unless the priority is high. */
static bool stands_still(const struct referral *r)
{
  return (r->flags & FLAG_INFO_OPEN) != 0 && r->priority != ONWARD__PRIORITY__HIGH;
}

static bool restarts(const struct clock_rule *rule, const struct event *e, bool new_leg)
{
  bool by_act = rule->restart == e->act && (e->act != ACT(TELL) || e->core->tell->safety);
  return by_act || (new_leg && rule->clock != C(CONSENT_END));
}

/* Of the duty to erase there is no rule: it is a mark of each party. */
static const struct clock_rule *rule_of(Onward__Clock clock)
{
  for (size_t i = 0; i < sizeof clock_rules / sizeof clock_rules[0]; i++)
    if (clock_rules[i].clock == clock)
      return &clock_rules[i];
  return NULL;
}

bool clock_waits(Onward__Clock clock, const struct referral *r)
{
  const struct clock_rule *rule = rule_of(clock);
  return rule != NULL && fits(rule, r) && (clock != C(DECIDE) || !stands_still(r));
}

bool clock_restarts(Onward__Clock clock, const struct event *e, bool new_leg)
{
  const struct clock_rule *rule = rule_of(clock);
  return rule != NULL && restarts(rule, e, new_leg);
}

/* An entry, and what it is measured with. */
struct moment {
  const struct event *event;
  uint64_t now_ms; /* service time */
  uint64_t absent_ms;
  struct policy policy;
};

static struct row_key key_of_clock(uint64_t due_ms, enum clock_row kind, struct bytes id)
{
  struct row_key k = key_of_index(due_ms);
  row_key_u8(&k, (uint8_t)kind);
  row_key_bytes(&k, id);
  return k;
}

void clock_put(struct books *b, uint64_t due_ms, enum clock_row kind, struct bytes id)
{
  row_put(b, TABLE_CLOCKS, key_of_clock(due_ms, kind, id), NULL, 0);
}

void clock_del(struct books *b, uint64_t due_ms, enum clock_row kind, struct bytes id)
{
  row_del(b, TABLE_CLOCKS, key_of_clock(due_ms, kind, id));
}

static struct moment moment_of(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct moment m = {.event = e};
  struct head head;
  books_head(b, &head);
  m.absent_ms = head.absent_ms;
  m.now_ms = leaf->time_ms - head.absent_ms;
  books_policy(b, &m.policy);
  return m;
}

static uint64_t limit_ms(const struct moment *m, uint8_t clock, uint8_t priority)
{
  return clock <= CLOCKS_LIMITED ? 1000ull * m->policy.limit_s[clock - 1][priority - 1] : 0;
}

/* In service time; a date of the log that is over is due now. */
static uint64_t service_ms(const struct moment *m, uint64_t date_ms)
{
  return date_ms > m->absent_ms + m->now_ms ? date_ms - m->absent_ms : m->now_ms;
}

/* 0: it has no end. */
static uint64_t due_from_now(const struct moment *m, const struct referral *r, uint8_t clock)
{
  switch (clock) {
  case C(EXPECTED):
    return service_ms(m, r->expected_ms);
  case C(CONSENT_END):
    return r->consent_until_ms == 0 ? 0 : service_ms(m, r->consent_until_ms);
  case C(LOST_LEG):
    return 0; /* begun by a suspension: clocks_lose_legs */
  default:
    return m->now_ms + limit_ms(m, clock, r->priority);
  }
}

/* The next time to say it, after it was said `told` times. 0: never again. */
static uint64_t due_again(const struct moment *m, uint8_t clock, uint8_t priority, uint8_t told)
{
  uint64_t wait = limit_ms(m, clock, priority);
  if (clock == C(CONSENT_END))
    return 0;
  for (int i = 1; i < told && wait < WEEK_MS; i++)
    wait *= 2;
  return m->now_ms + (wait < WEEK_MS && wait != 0 ? wait : WEEK_MS);
}

static uint8_t one_more(uint8_t told)
{
  return told < UINT8_MAX ? (uint8_t)(told + 1) : told;
}

static void pause_decision(const struct moment *m, struct referral *r)
{
  uint64_t *due = &r->clock_due_ms[C(DECIDE) - 1];
  bool pause = stands_still(r);
  if (pause && *due != 0) {
    r->decide_left_ms = *due > m->now_ms ? *due - m->now_ms : 1;
    *due = 0;
  } else if (!pause && r->decide_left_ms != 0) {
    if ((OPEN >> r->state & 1) != 0)
      *due = m->now_ms + r->decide_left_ms;
    r->decide_left_ms = 0;
  }
}

static void move_clock(const struct moment *m, const struct clock_rule *rule, const struct referral *before,
                       struct referral *r)
{
  uint64_t *due = &r->clock_due_ms[rule->clock - 1];
  uint8_t *told = &r->clock_told[rule->clock - 1];
  const struct event *e = m->event;
  bool ran = *due != 0 || *told != 0 || (rule->clock == C(DECIDE) && r->decide_left_ms != 0);
  bool anew = e->act == ACT(RENEW_CONSENT) || e->act == ACT(NARROW_CONSENT) || e->act == ACT(RAISE_PRIORITY);
  if (!fits(rule, r)) {
    *due = 0;
    *told = 0;
  } else if (!ran || !fits(rule, before) || restarts(rule, e, r->leg_index != before->leg_index)) {
    *due = due_from_now(m, r, rule->clock);
    *told = 0;
  } else if (e->act == ACT(OVERDUE) && e->core->overdue->clock == (Onward__Clock)rule->clock) {
    *told = one_more(*told);
    *due = due_again(m, rule->clock, r->priority, *told);
  } else if (anew && rule->clock <= CLOCKS_LIMITED && *due != 0) {
    uint64_t fresh = due_from_now(m, r, rule->clock); /* never later than before */
    *due = fresh < *due ? fresh : *due;
  }
}

static void move_duty(const struct moment *m, const struct referral *r, struct party *p)
{
  const Onward__Overdue *o = m->event->act == ACT(OVERDUE) ? m->event->core->overdue : NULL;
  bool said = o != NULL && o->clock == C(ERASURE) && bytes_equal(pb_bytes(o->organisation), org_id_text(&p->org));
  if ((p->marks & PARTY_DUTY) == 0) {
    p->duty_due_ms = 0;
    p->duty_told = 0;
  } else if (p->duty_due_ms == 0) {
    p->duty_due_ms = m->now_ms + limit_ms(m, C(ERASURE), r->priority);
  } else if (said) {
    p->duty_told = one_more(p->duty_told);
    p->duty_due_ms = due_again(m, C(ERASURE), r->priority, p->duty_told);
  }
}

struct clock_due clocks_earliest(const struct referral *r)
{
  struct clock_due first = {0, 0, PARTY_NONE};
  for (int i = 0; i < CLOCKS; i++)
    if (r->clock_due_ms[i] != 0 && (first.due_ms == 0 || r->clock_due_ms[i] < first.due_ms))
      first = (struct clock_due){r->clock_due_ms[i], (uint8_t)(i + 1), PARTY_NONE};
  for (uint8_t i = 0; i < r->party_count; i++)
    if (r->parties[i].duty_due_ms != 0 && (first.due_ms == 0 || r->parties[i].duty_due_ms < first.due_ms))
      first = (struct clock_due){r->parties[i].duty_due_ms, C(ERASURE), i};
  return first;
}

const struct org_id *clocks_owed_by(const struct referral *r, const struct clock_due *d)
{
  bool present = r->present != PARTY_NONE;
  bool sender = d->clock == C(RETURNED_ACT) || d->clock == C(RESEAL_ASKED) || d->clock == C(CLOSING) ||
                d->clock == C(CONSENT_END) ||
                (d->clock == C(SAFETY_READ) && (r->flags & FLAG_SAFETY_AT_RECIPIENT) == 0);
  if (d->party != PARTY_NONE)
    return &r->parties[d->party].org;
  return sender || !present ? &r->sender : &r->parties[r->present].org;
}

static void move_row(struct books *b, struct referral *r)
{
  uint64_t first = clocks_earliest(r).due_ms;
  if (first == r->clock_row_ms)
    return;
  if (r->clock_row_ms != 0)
    clock_del(b, r->clock_row_ms, CLOCK_OF_REFERRAL, BYTES(r->id.byte));
  if (first != 0)
    clock_put(b, first, CLOCK_OF_REFERRAL, BYTES(r->id.byte));
  r->clock_row_ms = first;
}

void clocks_move(struct books *b, const struct leaf *leaf, const struct event *e, const struct referral *before,
                 struct referral *after)
{
  struct moment m = moment_of(b, leaf, e);
  for (size_t i = 0; i < sizeof clock_rules / sizeof clock_rules[0]; i++)
    move_clock(&m, &clock_rules[i], before, after);
  pause_decision(&m, after);
  for (uint8_t i = 0; i < after->party_count; i++)
    move_duty(&m, after, &after->parties[i]);
  move_row(b, after);
}

/* Each leg of an organisation that was suspended is due at once. */
void clocks_lose_legs(struct books *b, const struct leaf *leaf, const struct org_id *org)
{
  struct head head;
  struct bytes key, value;
  struct row_key from = key_of_org(org);
  books_head(b, &head);
  while (b->seek(b, TABLE_LEGS, row_key(&from), &key, &value) == OK && memcmp(key.data, org->text, 16) == 0) {
    struct ref_id id;
    struct referral r;
    memcpy(id.byte, key.data + 16, sizeof id.byte);
    from = row_key_start();
    row_key_bytes(&from, key);
    row_key_u8(&from, 0); /* right behind it */
    if (books_referral(b, &id, &r) != OK)
      return;
    r.clock_due_ms[C(LOST_LEG) - 1] = leaf->time_ms - head.absent_ms;
    move_row(b, &r);
    books_put_referral(b, &r);
  }
}
