/* The first entry that said it is kept for each clock, until that clock waits no longer, or begins anew. */
#include "agents/overdue.h"

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
    if (!clock_waits((Onward__Clock)clock, r) || clock_restarts((Onward__Clock)clock, e, r->leg_index != leg_before))
      i->overdue_entry[clock - 1] = 0;
  if (e->act == ONWARD__CORE__ACT_OVERDUE && clock_waits(e->core->overdue->clock, r)) {
    uint64_t *entry = &i->overdue_entry[e->core->overdue->clock - 1];
    *entry = *entry != 0 ? *entry : index;
  }
  note_duties(i, e, r);
}
