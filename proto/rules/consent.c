/* To whom a case may go, and until when. */
#include "proto/rules/rules.h"

struct consent consent_of_submit(const Onward__Submit *s)
{
  return (struct consent){s->scope, s->n_scope, s->consent_until_ms};
}

enum status consent_now(struct books *b, const struct referral *r, struct arena *a, struct consent *out)
{
  struct leaf leaf;
  struct event e;
  out->until_ms = r->consent_until_ms;
  enum status s = books_event(b, r->scope_index, a, &leaf, &e);
  if (s == OK && e.act == ONWARD__CORE__ACT_SUBMIT) {
    out->scope = e.core->submit->scope;
    out->scope_count = e.core->submit->n_scope;
  } else if (s == OK && e.act == ONWARD__CORE__ACT_RENEW_CONSENT) {
    out->scope = e.core->renew_consent->scope;
    out->scope_count = e.core->renew_consent->n_scope;
  } else if (s == OK && e.act == ONWARD__CORE__ACT_NARROW_CONSENT) {
    out->scope = e.core->narrow_consent->scope;
    out->scope_count = e.core->narrow_consent->n_scope;
  } else {
    if (b->trouble == OK)
      b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  return OK;
}

bool consent_covers(const struct consent *c, const struct org_id *org)
{
  for (size_t i = 0; i < c->scope_count; i++)
    if (bytes_equal(pb_bytes(c->scope[i]), org_id_text(org)))
      return true;
  return false;
}

bool consent_over(const struct consent *c, uint64_t time_ms)
{
  return c->until_ms != 0 && c->until_ms < time_ms;
}

Onward__SkippedReason rules_unable(struct books *b, const struct org_id *org, uint64_t time_ms)
{
  struct organisation o;
  if (books_organisation(b, org, &o) != OK)
    return ONWARD__SKIPPED_REASON__NOT_ENROLLED;
  if (o.standing != ONWARD__STANDING__ACTIVE)
    return ONWARD__SKIPPED_REASON__NOT_IN_STANDING;
  if (o.agreement_until_ms != 0 && o.agreement_until_ms < time_ms)
    return ONWARD__SKIPPED_REASON__AGREEMENT_ENDED;
  return ONWARD__SKIPPED_REASON__SKIPPED_NONE;
}

Onward__SkippedReason rules_skip(struct books *b, const struct org_id *org, const struct consent *consent,
                                 uint64_t time_ms)
{
  Onward__SkippedReason why = rules_unable(b, org, time_ms);
  bool covered = why != 0 || consent_covers(consent, org);
  return covered ? why : ONWARD__SKIPPED_REASON__OUT_OF_SCOPE;
}
