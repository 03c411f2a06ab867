/* Which clock is due, and what the broker then writes. Computed from the books alone, so that replay can tell whether
 * one fired early, or was left out. */
#include <string.h>

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"

#define C(name) ONWARD__CLOCK__##name
#define HOUR_MS 3600000

static void *make(struct arena *a, const void *init, size_t size)
{
  void *m = arena_alloc(a, size);
  must(m != NULL);
  memcpy(m, init, size);
  return m;
}

static ProtobufCBinaryData copy(struct arena *a, struct bytes b)
{
  struct bytes kept = arena_copy(a, b);
  must(kept.size > 0);
  return pb_data(kept);
}

static bool keys_due(struct books *b, const struct org_id *id, struct arena *a, Onward__Core *core)
{
  struct organisation o;
  Onward__KeysReplaced replaced = ONWARD__KEYS_REPLACED__INIT;
  if (books_organisation(b, id, &o) != OK)
    return false;
  replaced.organisation = copy(a, org_id_text(id));
  replaced.index = o.pending_index;
  core->act_case = ONWARD__CORE__ACT_KEYS_REPLACED;
  core->keys_replaced = make(a, &replaced, sizeof replaced);
  return true;
}

/* What a clock does: most only say that it ran out. Bad news is never closed by a clock. */
static act_kind act_of(const struct referral *r, uint8_t clock)
{
  switch (clock) {
  case C(UNDELIVERED):
    return ONWARD__CORE__ACT_UNDELIVERABLE;
  case C(ANSWER_INFO):
    return ONWARD__CORE__ACT_INFO_OVER;
  case C(ANSWER_CANCEL):
    return ONWARD__CORE__ACT_CANCEL_OVER;
  case C(LOST_LEG):
    return ONWARD__CORE__ACT_LEG_LOST;
  case C(CLOSING):
    return r->outcome == ONWARD__OUTCOME_CLASS__NOT_SERVED ? ONWARD__CORE__ACT_OVERDUE
                                                           : ONWARD__CORE__ACT_CLOSE_BY_CLOCK;
  default:
    return ONWARD__CORE__ACT_OVERDUE;
  }
}

/* How much is overdue at one organisation, and since when. */
static bool unattended_due(struct books *b, const struct org_id *id, uint64_t now_ms, struct arena *a,
                           Onward__Core *core)
{
  uint64_t since_ms;
  Onward__Unattended unattended = ONWARD__UNATTENDED__INIT;
  unattended.count = books_unattended(b, id, &since_ms);
  if (unattended.count == 0)
    return false; /* the books are in trouble: its clock ends with the last of them */
  unattended.organisation = copy(a, org_id_text(id));
  unattended.oldest_h = (uint32_t)((now_ms - since_ms) / HOUR_MS);
  core->act_case = ONWARD__CORE__ACT_UNATTENDED;
  core->unattended = make(a, &unattended, sizeof unattended);
  return true;
}

static bool referral_due(struct books *b, const struct ref_id *id, struct arena *a, Onward__Core *core)
{
  struct referral r;
  Onward__Overdue overdue = ONWARD__OVERDUE__INIT;
  if (books_referral(b, id, &r) != OK)
    return false;
  struct clock_due d = clocks_earliest(&r);
  core->referral_id = copy(a, BYTES(r.id.byte));
  core->act_case = act_of(&r, d.clock);
  if (core->act_case == ONWARD__CORE__ACT_OVERDUE) {
    overdue.clock = (Onward__Clock)d.clock;
    overdue.organisation = copy(a, org_id_text(clocks_owed_by(&r, &d)));
    core->overdue = make(a, &overdue, sizeof overdue);
  } else {
    core->undeliverable = act_new(core->act_case, a); /* says nothing but what it is; all acts lie in one union */
    must(core->undeliverable != NULL);
  }
  return true;
}

bool rules_due(struct books *b, uint64_t time_ms, struct arena *a, Onward__Core *core)
{
  struct head head;
  struct bytes key, value, first = {NULL, 0};
  struct org_id org;
  struct ref_id referral;
  Onward__Core init = ONWARD__CORE__INIT;
  books_head(b, &head);
  if (head.doubted_ms != 0 || b->seek(b, TABLE_CLOCKS, first, &key, &value) != OK)
    return false;
  struct reader r = reader_of(key);
  uint64_t now_ms = time_ms - head.absent_ms;
  if (read_u64(&r) > now_ms)
    return false;
  *core = init;
  uint8_t kind = read_u8(&r);
  if (kind == CLOCK_OF_REFERRAL) {
    read_into(&r, referral.byte, sizeof referral.byte);
    return referral_due(b, &referral, a, core);
  }
  read_into(&r, org.text, sizeof org.text);
  return kind == CLOCK_OF_KEYS ? keys_due(b, &org, a, core) : unattended_due(b, &org, now_ms, a, core);
}
