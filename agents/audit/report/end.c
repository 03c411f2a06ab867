/* Where every referral stands when the log ends. Each row must be found again in the books, in a state that somebody
 * answers for; what is not, has vanished. */
#include "agents/audit/report/report.h"
#include "proto/rules/rules.h"

#define DAY_MS 86400000ull
#define ENDED_STATES (IN(CLOSED) | IN(CANCELLED) | IN(WITHDRAWN) | IN(ERROR))
#define YES_STATES (HELD_STATES | IN(IN_PROGRESS) | IN(COMPLETED))

static bool within(const struct referral *r, uint32_t states)
{
  return (states >> r->state & 1) != 0;
}

static bool runs(const struct referral *r, Onward__Clock clock)
{
  return r->clock_due_ms[clock - 1] != 0;
}

/* A clock of it has run out, by which this number should have acted. */
static bool late_by(const struct referral *r, uint8_t clock)
{
  return r->clock_told[clock - 1] != 0 && runs(r, (Onward__Clock)clock);
}

static bool is_late(const struct referral *r)
{
  for (int clock = 1; clock <= CLOCKS; clock++)
    if (late_by(r, (uint8_t)clock))
      return true;
  return false;
}

/* No clock asks anybody for the next step, or one asks somebody whom nobody hears. Legs of an organisation that was cut
 * off are moved at once. */
static bool nobody_owes(struct books *books, const struct referral *r)
{
  bool any = false;
  if (runs(r, ONWARD__CLOCK__LOST_LEG))
    return false;
  for (int i = 1; i <= CLOCKS; i++) {
    const uint8_t clock = (uint8_t)i;
    struct organisation o;
    const struct clock_due due = {.clock = clock, .party = PARTY_NONE};
    any = any || runs(r, (Onward__Clock)clock);
    if (late_by(r, clock) &&
        (books_organisation(books, clocks_owed_by(r, &due), &o) != OK || !standing_speaks(o.standing)))
      return true;
  }
  return !any;
}

enum standing report_standing(struct books *books, const struct referral *r)
{
  if (!within(r, ENDED_STATES) && nobody_owes(books, r))
    return VANISHED;
  if (within(r, YES_STATES) || (r->state == STATE_CLOSED && r->outcome != 0))
    return ANSWERED;
  if (within(r, ENDED_STATES | IN(RETURNED)))
    return BACK;
  return within(r, IN(REQUESTED) | OPEN_STATES) ? UNDER_WAY : VANISHED;
}

/* Numbers of the fixed categories in facts.c. */
static uint16_t age_of(uint64_t age_ms)
{
  static const uint64_t days[] = {1, 3, 7, 30, 90};
  uint16_t n = 0;
  while (n < sizeof days / sizeof days[0] && age_ms >= days[n] * DAY_MS)
    n++;
  return n;
}

static uint16_t end_of(const struct referral *r)
{
  bool ended = within(r, IN(COMPLETED) | IN(CLOSED)) && r->outcome != 0;
  return ended                                    ? 0
         : r->state == STATE_IN_PROGRESS          ? 1
         : within(r, HELD_STATES)                 ? 2
         : within(r, IN(REQUESTED) | OPEN_STATES) ? 3
         : within(r, IN(RETURNED) | IN(CLOSED))   ? 4
                                                  : 5;
}

static void note_duties(struct report *r, const struct fact *f, const struct referral *referral)
{
  for (uint8_t i = 0; i < referral->party_count; i++) {
    const struct party *p = &referral->parties[i];
    if ((p->marks & PARTY_DUTY) == 0)
      continue;
    struct fact *row = fact_add(r, FAMILY_DUTIES, f, f->begin_ms);
    if (row == NULL)
      return;
    row->category[DUTY_OF] = report_organisation(r, &r->categories[FAMILY_DUTIES][DUTY_OF], &p->org);
    row->after_s[OWED_LATE] = p->duty_told != 0;
  }
}

static void note_end(struct report *r, struct books *books, const struct referral *referral)
{
  uint64_t age_ms = r->head.time_ms - referral->submitted_ms;
  struct fact *f = fact_of(r, referral);
  if (f == NULL)
    return;
  enum standing standing = report_standing(books, referral);
  f->category[STANDING] = (uint16_t)standing;
  f->category[AGE] = age_of(age_ms);
  f->category[END] = end_of(referral);
  f->after_s[UNFINISHED] = within(referral, LIVE_STATES | IN(RETURNED));
  f->after_s[LATE] = is_late(referral);
  if (standing == UNDER_WAY && age_ms > r->oldest_ms)
    r->oldest_ms = age_ms;
  note_duties(r, f, referral);
}

void report_end(struct report *r, struct books *books)
{
  struct walk walk = walk_of(books, TABLE_REFERRALS);
  struct bytes key, value;
  books_head(books, &r->head);
  while (r->trouble == NULL && walk_next(&walk, &key, &value)) {
    struct ref_id id;
    struct referral referral;
    struct reader reader = reader_of(key);
    read_into(&reader, id.byte, sizeof id.byte);
    if (books_referral(books, &id, &referral) == OK && referral.drill == 0)
      note_end(r, books, &referral);
  }
}
