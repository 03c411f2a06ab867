/* The first entry that said it is kept for each clock, until the referral has left the states in which that clock runs,
 * a new leg has begun, or the act came that it waits for. */
#include "agents/overdue.h"

#include "proto/rules/rules.h"

#define SAFETY_FLAGS (FLAG_SAFETY_AT_RECIPIENT | FLAG_SAFETY_AT_SENDER)

/* Those that the exchange only tells: what the others end, ends by an entry of its own. */
static const struct waiting {
  uint32_t states;
  uint8_t flags;    /* one of them must be up; 0: whichever */
  act_kind restart; /* this act begins it anew; 0: none */
} waiting[CLOCKS + 1] = {
    [ONWARD__CLOCK__RECEIVE] = {IN(REQUESTED), 0, 0},
    [ONWARD__CLOCK__READ] = {IN(RECEIVED), 0, 0},
    [ONWARD__CLOCK__DECIDE] = {OPEN_STATES, 0, 0},
    [ONWARD__CLOCK__CONTACT] = {IN(ACCEPTED), 0, 0},
    [ONWARD__CLOCK__RETURNED_ACT] = {IN(RETURNED), 0, 0},
    [ONWARD__CLOCK__RESEAL_ASKED] = {LIVE_STATES, FLAG_RESEAL_ASKED, 0},
    [ONWARD__CLOCK__REPORT] = {IN(IN_PROGRESS), 0, ONWARD__CORE__ACT_PROGRESS},
    [ONWARD__CLOCK__CLOSING] = {IN(COMPLETED), 0, 0},
    [ONWARD__CLOCK__SAFETY_READ] = {UINT32_MAX, SAFETY_FLAGS, ONWARD__CORE__ACT_TELL},
    [ONWARD__CLOCK__EXPECTED] = {IN(WAITLISTED), 0, 0},
    [ONWARD__CLOCK__CONSENT_END] = {LIVE_STATES | IN(RETURNED), 0, ONWARD__CORE__ACT_RENEW_CONSENT},
};

/* A question stops the clock of the decision, but where it is urgent. */
static bool stands_still(Onward__Clock clock, const struct referral *r)
{
  return clock == ONWARD__CLOCK__DECIDE && (r->flags & FLAG_INFO_OPEN) != 0 && r->priority != ONWARD__PRIORITY__HIGH;
}

bool overdue_waits(Onward__Clock clock, const struct referral *r)
{
  const struct waiting *w = &waiting[clock];
  return (w->states >> r->state & 1) != 0 && (w->flags == 0 || (r->flags & w->flags) != 0) && !stands_still(clock, r);
}

static bool begins_anew(Onward__Clock clock, const struct event *e, bool new_leg)
{
  bool restarts = waiting[clock].restart == e->act && (e->act != ONWARD__CORE__ACT_TELL || e->core->tell->safety);
  return restarts || (new_leg && clock != ONWARD__CLOCK__CONSENT_END);
}

/* Each organisation has a duty of its own. */
static void note_duties(struct item *i, const struct event *e, const struct referral *r)
{
  bool erasure = e->act == ONWARD__CORE__ACT_OVERDUE && e->core->overdue->clock == ONWARD__CLOCK__ERASURE;
  for (int n = 0; n < r->party_count; n++) {
    const struct party *p = &r->parties[n];
    uint32_t bit = 1u << n;
    if ((p->marks & PARTY_DUTY) == 0)
      i->erasure_overdue &= ~bit;
    else if (erasure && bytes_equal(pb_bytes(e->core->overdue->organisation), org_id_text(&p->org)))
      i->erasure_overdue |= bit;
  }
}

void overdue_note(struct item *i, uint64_t index, const struct event *e, uint64_t leg_before, const struct referral *r)
{
  for (int clock = 1; clock <= CLOCKS; clock++)
    if (!overdue_waits((Onward__Clock)clock, r) || begins_anew((Onward__Clock)clock, e, r->leg_index != leg_before))
      i->overdue_entry[clock - 1] = 0;
  if (e->act == ONWARD__CORE__ACT_OVERDUE && overdue_waits(e->core->overdue->clock, r)) {
    uint64_t *entry = &i->overdue_entry[e->core->overdue->clock - 1];
    *entry = *entry != 0 ? *entry : index;
  }
  note_duties(i, e, r);
}
