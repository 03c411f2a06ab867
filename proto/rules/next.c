/* What the broker itself owes after an entry that left a referral between two legs: the next leg, or its return.
 * Computed from the books alone, so that replay can hold the log against it: an entry left out or made up is found. */
#include <string.h>

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"

static struct bytes copy_org(struct arena *a, const struct org_id *org)
{
  struct bytes b = arena_copy(a, org_id_text(org));
  must(b.size > 0);
  return b;
}

static void *make(struct arena *a, const void *init, size_t size)
{
  void *m = arena_alloc(a, size);
  must(m != NULL);
  memcpy(m, init, size);
  return m;
}

/* The list of those who were passed over. */
struct passed {
  Onward__Skipped *list[PARTIES_MAX];
  size_t count;
};

static void pass_over(struct passed *p, struct arena *a, const struct org_id *org, Onward__SkippedReason why)
{
  Onward__Skipped init = ONWARD__SKIPPED__INIT;
  Onward__Skipped *s = make(a, &init, sizeof init);
  s->organisation = pb_data(copy_org(a, org));
  s->reason = why;
  p->list[p->count++] = s;
}

static void keep_passed(struct arena *a, const struct passed *p, size_t *count, Onward__Skipped ***list)
{
  *count = p->count;
  *list = p->count == 0 ? NULL : make(a, p->list, p->count * sizeof(void *));
}

/* Whom to offer the case to: the one that a re-route chose, else the first listed that was not asked yet. */
static struct party *candidate(struct referral *r, int from_rank)
{
  if (r->chosen != PARTY_NONE)
    return &r->parties[r->chosen];
  struct party *best = NULL;
  for (int i = 0; i < r->party_count; i++) {
    struct party *p = &r->parties[i];
    bool asked = (p->marks & PARTY_VISITED) != 0 || p->brief_index == 0;
    if (p->rank > from_rank && !asked && (best == NULL || p->rank < best->rank))
      best = p;
  }
  return best;
}

static Onward__BodyName *body_name(struct arena *a, uint64_t index, uint8_t slot)
{
  Onward__BodyName init = ONWARD__BODY_NAME__INIT;
  Onward__BodyName *n = make(a, &init, sizeof init);
  n->index = index;
  n->slot = slot;
  return n;
}

static void fill_leg_opened(struct referral *r, const struct party *p, bool again, const struct passed *passed,
                            struct arena *a, Onward__Core *core)
{
  Onward__LegOpened init = ONWARD__LEG_OPENED__INIT;
  Onward__LegOpened *l = make(a, &init, sizeof init);
  l->leg = (uint32_t)r->leg + (again ? 0 : 1);
  l->hops = (uint32_t)r->hops + (r->chosen != PARTY_NONE ? 1 : 0);
  l->recipient = pb_data(copy_org(a, &p->org));
  l->brief = body_name(a, p->brief_index, p->brief_slot);
  if (p->file_index != 0)
    l->file = body_name(a, p->file_index, p->file_slot);
  keep_passed(a, passed, &l->n_skipped, &l->skipped);
  l->submit_index = r->submit_index;
  l->scope_index = r->scope_index;
  l->consent_until_ms = r->consent_until_ms;
  l->priority = (Onward__Priority)r->priority;
  core->act_case = ONWARD__CORE__ACT_LEG_OPENED;
  core->leg_opened = l;
}

static void fill_returned(Onward__ReturnedReason why, const struct passed *passed, struct arena *a, Onward__Core *core)
{
  Onward__Returned init = ONWARD__RETURNED__INIT;
  Onward__Returned *back = make(a, &init, sizeof init);
  back->reason = why;
  keep_passed(a, passed, &back->n_skipped, &back->skipped);
  core->act_case = ONWARD__CORE__ACT_RETURNED;
  core->returned = back;
}

/* `again`: the leg that `submit` opened cannot be offered after all, so the one that follows has the same number. */
static void resolve(struct books *b, struct referral *r, const struct consent *consent, uint64_t time_ms, bool again,
                    struct passed *passed, struct arena *a, Onward__Core *core)
{
  Onward__ReturnedReason why = ONWARD__RETURNED_REASON__NOBODY_LEFT;
  if (r->state == STATE_FAILED)
    why = ONWARD__RETURNED_REASON__SERVICE_FAILED;
  else if (consent_over(consent, time_ms))
    why = ONWARD__RETURNED_REASON__CONSENT_ENDED;
  else if (r->leg >= LEGS_MAX)
    why = ONWARD__RETURNED_REASON__LEGS_USED_UP;
  if (why == ONWARD__RETURNED_REASON__NOBODY_LEFT) {
    int rank = 0;
    for (struct party *p = candidate(r, rank); p != NULL; p = candidate(r, rank)) {
      Onward__SkippedReason skip = rules_skip(b, &p->org, consent, time_ms);
      if (skip == 0) {
        fill_leg_opened(r, p, again, passed, a, core);
        return;
      }
      pass_over(passed, a, &p->org, skip);
      rank = r->chosen != PARTY_NONE ? 0 : p->rank;
      r->chosen = PARTY_NONE;
    }
  }
  fill_returned(why, passed, a, core);
}

bool rules_consequence(struct books *b, const struct event *last, uint64_t time_ms, struct arena *a, Onward__Core *core)
{
  struct referral r;
  if (!act_is_about_referral(last->act) || books_referral(b, &last->referral, &r) != OK)
    return false;
  bool submitted = last->act == ONWARD__CORE__ACT_SUBMIT && r.state == STATE_REQUESTED;
  if (!submitted && r.state != STATE_LEG_OVER && r.state != STATE_FAILED)
    return false;
  if (submitted && rules_unable(b, &r.parties[r.present].org, time_ms) == 0)
    return false; /* whoever a submit names is within its scope */
  struct consent consent;
  if (consent_now(b, &r, a, &consent) != OK)
    return false;
  struct passed passed = {.count = 0};
  if (submitted) {
    const struct org_id *first = &r.parties[r.present].org;
    pass_over(&passed, a, first, rules_unable(b, first, time_ms));
  }
  Onward__Core init = ONWARD__CORE__INIT;
  *core = init;
  core->referral_id = pb_data(arena_copy(a, BYTES(r.id.byte)));
  resolve(b, &r, &consent, time_ms, submitted, &passed, a, core);
  return true;
}
