/* Worked out from the directory, so that the warning comes without the exchange, too. Which warnings were given is
 * kept; a renewed agreement begins anew. */
#include "agents/agreements.h"

#include <string.h>

#include "agents/item.h"

enum { DAY_MS = 86400000, LOOK_MS = 3600000 };

static const int warned_days[] = {60, 30, 7};
enum { WARNINGS = sizeof warned_days / sizeof warned_days[0] };

struct warned {
  uint64_t until_ms;
  uint64_t count; /* of the warnings */
};

/* Whole days that are left; -1: it has ended. */
static int64_t days_left(const struct agent *a, uint64_t until_ms)
{
  uint64_t now = agent_log_ms(a);
  return until_ms < now ? -1 : (int64_t)((until_ms - now) / DAY_MS);
}

static bool concerns_us(const struct agent *a, const struct organisation *self, const struct organisation *o)
{
  bool ours = org_id_equal(&o->id, &a->self.id);
  return o->agreement_until_ms != 0 && o->standing == ONWARD__STANDING__ACTIVE && (ours || self->registrar != 0) &&
         days_left(a, o->agreement_until_ms) < warned_days[0];
}

json_t *agreements_json(struct agent *a, struct books *b)
{
  json_t *list = json_array();
  struct org_id at = {{0}};
  struct organisation o, self;
  if (books_organisation(b, &a->self.id, &self) != OK)
    return list;
  while (books_next_organisation(b, &at, &o) == OK) {
    if (!concerns_us(a, &self, &o))
      continue;
    json_t *one = json_contact(a, b, &o.id);
    json_object_set_new(one, "until_ms", json_integer((json_int_t)o.agreement_until_ms));
    json_object_set_new(one, "days", json_integer((json_int_t)days_left(a, o.agreement_until_ms)));
    json_array_append_new(list, one);
  }
  return list;
}

/* How many warnings are due by now. */
static uint64_t warnings_due(const struct agent *a, uint64_t until_ms)
{
  uint64_t due = 0;
  while (due < WARNINGS && days_left(a, until_ms) < warned_days[due])
    due++;
  return due;
}

static struct warned read_warned(struct books *b, const struct organisation *o)
{
  struct bytes row;
  struct warned w = {.count = 0};
  if (b->get(b, TABLE_AGREEMENTS, org_id_bytes(&o->id), &row) == OK && row.size == sizeof w)
    memcpy(&w, row.data, sizeof w);
  return w.until_ms == o->agreement_until_ms ? w : (struct warned){o->agreement_until_ms, 0};
}

static size_t warn(struct agent *a, struct books *b)
{
  const struct ref_id none = {{0}};
  struct org_id at = {{0}};
  struct organisation o, self;
  size_t told = 0;
  if (books_organisation(b, &a->self.id, &self) != OK)
    return 0;
  while (books_next_organisation(b, &at, &o) == OK) {
    if (!concerns_us(a, &self, &o))
      continue;
    struct warned w = read_warned(b, &o);
    uint64_t due = warnings_due(a, o.agreement_until_ms);
    if (due <= w.count)
      continue;
    w.count = due;
    b->put(b, TABLE_AGREEMENTS, org_id_bytes(&o.id), bytes_of(&w, sizeof w));
    agent_tell(a, &none, NEWS_AGREEMENT);
    told++;
  }
  return told;
}

void agreements_tick(struct agent *a)
{
  uint64_t now = ticks_ms();
  if (a->broken || (a->agreements_ms != 0 && now < a->agreements_ms))
    return;
  a->agreements_ms = now + LOOK_MS;
  size_t told = warn(a, agent_write(a));
  if (told == 0)
    agent_abort(a);
  else if (agent_commit(a) != OK)
    say("the warning of an agreement's end could not be written");
}
