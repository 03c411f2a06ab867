/* What the tables of fields cannot say of an event: which acts carry which outer fields, recipients within the scope,
 * lists in order. */
#include "proto/wire/acts.h"

#include "proto/seal/hpke.h"

static bool listed(const ProtobufCBinaryData *list, size_t count, struct bytes one)
{
  for (size_t i = 0; i < count; i++)
    if (bytes_equal(pb_bytes(list[i]), one))
      return true;
  return false;
}

static enum status check_unique(const char *field, const ProtobufCBinaryData *list, size_t count, struct complaint *why)
{
  for (size_t i = 1; i < count; i++)
    if (listed(list, i, pb_bytes(list[i])))
      return complain(why, "%s: each of them once", field);
  return OK;
}

static enum status check_submit(const Onward__Submit *s, struct complaint *why)
{
  for (size_t i = 0; i < s->n_recipients; i++)
    if (!listed(s->scope, s->n_scope, pb_bytes(s->recipients[i])))
      return complain(why, "recipients: every one must be in scope too");
  if (check_unique("scope", s->scope, s->n_scope, why) != OK)
    return BAD_INPUT;
  return check_unique("recipients", s->recipients, s->n_recipients, why);
}

/* Acts on a referral name it, and what they answer; of the others an answer about places names its question. The
 * broker's acts name a referral where they are about one, and answer nothing: they follow from the entries before. */
static enum status check_outer(const struct event *e, struct complaint *why)
{
  bool about_referral = act_is_about_referral(e->act);
  bool answers = (act_family(e->act) == ACT_ON_REFERRAL && e->act != ONWARD__CORE__ACT_SUBMIT) ||
                 e->act == ONWARD__CORE__ACT_ANSWER_PLACE;
  size_t size = e->core->referral_id.len;
  if (size != (about_referral ? sizeof(struct ref_id) : 0))
    return complain(why, "referral_id: expected %zu bytes for this act", about_referral ? sizeof(struct ref_id) : 0);
  if ((e->core->answers != NULL) != answers)
    return complain(why, "answers: %s for this act", answers ? "is missing" : "has no place");
  if (!about_referral && e->outer->n_sealed > 0 && e->act != ONWARD__CORE__ACT_ASK_PLACE)
    return complain(why, "sealed: has no place in this act");
  for (size_t i = 0; i < e->outer->n_sealed; i++)
    if (pad_size(e->outer->sealed[i]->size - HPKE_OVERHEAD - 4) + HPKE_OVERHEAD != e->outer->sealed[i]->size)
      return complain(why, "sealed.size: expected a power of two from 256 to 65536");
  return OK;
}

static enum status check_policy(const Onward__Policy *p, struct complaint *why)
{
  if (p == NULL)
    return complain(why, "policy: is missing");
  for (size_t i = 0; i < p->n_limits; i++)
    if (p->limits[i]->clock != (Onward__Clock)(i + 1))
      return complain(why, "limits: expected the clocks 1 to %d, in that order", CLOCKS_LIMITED);
  return OK;
}

static enum status check_areas(const Onward__SetService *s, struct complaint *why)
{
  for (size_t i = 0; i < s->n_areas; i++)
    for (size_t k = 0; k < i; k++)
      if (bytes_equal(pb_bytes(s->areas[i]->code), pb_bytes(s->areas[k]->code)))
        return complain(why, "areas: each of them once");
  return OK;
}

static enum status check_service(const Onward__SetService *s, struct complaint *why)
{
  if (s->group == ONWARD__SERVICE_GROUP__GROUP_NOT_STATED)
    return complain(why, "group: must be stated");
  for (size_t i = 0; i < s->n_codes; i++)
    if ((int)s->codes[i] / 100 != (int)s->group || (i > 0 && s->codes[i] <= s->codes[i - 1]))
      return complain(why, "codes: expected codes of the group, ascending, each once");
  for (size_t i = 1; i < s->n_priorities; i++)
    if (s->priorities[i] <= s->priorities[i - 1])
      return complain(why, "priorities: expected ascending, each once");
  if (s->age_min > s->age_max)
    return complain(why, "age_min: is above age_max");
  if (check_unique("languages", s->languages, s->n_languages, why) != OK)
    return BAD_INPUT;
  return check_areas(s, why);
}

static enum status check_mandate(const Onward__Mandate *m, struct complaint *why)
{
  if (m->referral.len != 0 && m->referral.len != sizeof(struct ref_id))
    return complain(why, "referral: expected %zu bytes, or none", sizeof(struct ref_id));
  return OK;
}

static enum status check_fields(const struct event *e, struct complaint *why)
{
  const Onward__Core *c = e->core;
  if (e->act == ONWARD__CORE__ACT_MANDATE)
    return check_mandate(c->mandate, why);
  if (e->act == ONWARD__CORE__ACT_SET_SERVICE)
    return check_service(c->set_service, why);
  if (e->act == ONWARD__CORE__ACT_ASK_PLACE)
    return check_unique("recipients", c->ask_place->recipients, c->ask_place->n_recipients, why);
  if (e->act == ONWARD__CORE__ACT_SUBMIT)
    return check_submit(c->submit, why);
  if (e->act == ONWARD__CORE__ACT_SET_POLICY)
    return check_policy(c->set_policy->policy, why);
  if (e->act == ONWARD__CORE__ACT_GENESIS)
    return check_policy(c->genesis->policy, why);
  if (e->act == ONWARD__CORE__ACT_READDRESS)
    return check_unique("recipients", c->readdress->recipients, c->readdress->n_recipients, why);
  if (e->act == ONWARD__CORE__ACT_RENEW_CONSENT)
    return check_unique("scope", c->renew_consent->scope, c->renew_consent->n_scope, why);
  if (e->act == ONWARD__CORE__ACT_NARROW_CONSENT)
    return check_unique("scope", c->narrow_consent->scope, c->narrow_consent->n_scope, why);
  if (e->act == ONWARD__CORE__ACT_LEG_OPENED && c->leg_opened->brief == NULL)
    return complain(why, "leg_opened.brief: is missing");
  return OK;
}

enum status act_check(const struct event *e, struct complaint *why)
{
  enum status s = check_outer(e, why);
  return s == OK ? check_fields(e, why) : s;
}
