/* What is overdue, by organisation: one row for each referral on which a step of it is. So it is cheap to say how much
 * lies unattended there, and since when, without saying what. The organisation of last resort is told when something
 * becomes overdue, or is said again to be; about one organisation at most once a day. Exercises are left out.
 * (docs/spec/4-referral.md, [REF-35], [REF-36])
 */
#include <string.h>

#include "proto/ledger/change.h"

#define AGAIN_MS 86400000ull

static uint64_t service_now_ms(struct books *b, const struct leaf *leaf)
{
  struct head head;
  books_head(b, &head);
  return leaf->time_ms - head.absent_ms;
}

/* The clocks that are overdue, one after another; then the duties to erase. A clock that stands still is not. */
static bool next_overdue(const struct referral *r, uint8_t *at, struct clock_due *out)
{
  for (; r->drill == 0 && *at < CLOCKS + r->party_count; (*at)++) {
    bool duty = *at >= CLOCKS;
    const struct party *p = &r->parties[duty ? *at - CLOCKS : 0];
    *out = duty ? (struct clock_due){p->duty_due_ms, ONWARD__CLOCK__ERASURE, (uint8_t)(*at - CLOCKS)}
                : (struct clock_due){r->clock_due_ms[*at], (uint8_t)(*at + 1), PARTY_NONE};
    if (out->due_ms != 0 && (duty ? p->duty_told : r->clock_told[*at]) != 0) {
      (*at)++;
      return true;
    }
  }
  return false;
}

static bool is_late(const struct referral *r, const struct org_id *org)
{
  struct clock_due d;
  for (uint8_t at = 0; next_overdue(r, &at, &d);)
    if (org_id_equal(clocks_owed_by(r, &d), org))
      return true;
  return false;
}

static struct row_key key_of_unattended(const struct org_id *org, const struct ref_id *id)
{
  struct row_key k = key_of_org(org);
  row_key_bytes(&k, BYTES(id->byte));
  return k;
}

/* The next row of this organisation; `from` is moved behind it. */
static bool next_row(struct books *b, const struct org_id *org, struct row_key *from, uint64_t *since_ms)
{
  struct bytes key, value;
  if (b->seek(b, TABLE_UNATTENDED, row_key(from), &key, &value) != OK || memcmp(key.data, org->text, 16) != 0)
    return false;
  struct reader r = reader_of(value);
  *since_ms = read_u64(&r);
  *from = row_key_start();
  row_key_bytes(from, key);
  row_key_u8(from, 0);
  return true;
}

uint32_t books_unattended(struct books *b, const struct org_id *org, uint64_t *since_ms)
{
  uint32_t count = 0;
  struct row_key from = key_of_org(org);
  *since_ms = UINT64_MAX;
  for (uint64_t since; next_row(b, org, &from, &since); count++)
    *since_ms = since < *since_ms ? since : *since_ms;
  return count;
}

/* When the organisation of last resort is to be told of this one; 0: not any more. */
static void set_due(struct books *b, struct organisation *o, uint64_t due_ms)
{
  if (o->unattended_due_ms != 0)
    clock_del(b, o->unattended_due_ms, CLOCK_OF_UNATTENDED, org_id_bytes(&o->id));
  if (due_ms != 0)
    clock_put(b, due_ms, CLOCK_OF_UNATTENDED, org_id_bytes(&o->id));
  o->unattended_due_ms = due_ms;
  books_put_organisation(b, o);
}

static void begin(struct books *b, const struct org_id *org, const struct ref_id *id, uint64_t now_ms)
{
  struct row_key since = key_of_index(now_ms);
  row_put(b, TABLE_UNATTENDED, key_of_unattended(org, id), since.data, since.size);
}

static void end(struct books *b, const struct org_id *org, const struct ref_id *id)
{
  uint64_t since_ms;
  struct organisation o;
  struct row_key from = key_of_org(org);
  row_del(b, TABLE_UNATTENDED, key_of_unattended(org, id));
  if (books_organisation(b, org, &o) == OK && o.unattended_due_ms != 0 && !next_row(b, org, &from, &since_ms))
    set_due(b, &o, 0);
}

static void tell_soon(struct books *b, const struct org_id *org, uint64_t now_ms)
{
  struct policy policy;
  struct organisation o;
  books_policy(b, &policy);
  if (policy.last_resort.text[0] == 0 || org_id_equal(&policy.last_resort, org) ||
      books_organisation(b, org, &o) != OK || o.unattended_due_ms != 0)
    return;
  uint64_t again_ms = o.unattended_told_ms == 0 ? 0 : o.unattended_told_ms + AGAIN_MS;
  set_due(b, &o, again_ms > now_ms ? again_ms : now_ms);
}

void unattended_move(struct books *b, const struct leaf *leaf, const struct event *e, const struct referral *before,
                     const struct referral *after)
{
  struct clock_due d;
  struct org_id said;
  for (uint8_t at = 0; next_overdue(before, &at, &d);)
    if (!is_late(after, clocks_owed_by(before, &d)))
      end(b, clocks_owed_by(before, &d), &after->id);
  for (uint8_t at = 0; next_overdue(after, &at, &d);)
    if (!is_late(before, clocks_owed_by(after, &d)))
      begin(b, clocks_owed_by(after, &d), &after->id, service_now_ms(b, leaf));
  if (e->act != ONWARD__CORE__ACT_OVERDUE)
    return;
  must(pb_org(e->core->overdue->organisation, &said) == OK);
  if (is_late(after, &said))
    tell_soon(b, &said, service_now_ms(b, leaf));
}

void unattended_said(struct books *b, const struct leaf *leaf, const struct org_id *org)
{
  struct organisation o;
  if (books_organisation(b, org, &o) != OK)
    return;
  o.unattended_told_ms = service_now_ms(b, leaf);
  set_due(b, &o, 0);
}
