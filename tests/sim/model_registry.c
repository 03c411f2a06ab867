/* Who is in the network, in which standing; and the limits of the clocks. */
#include <string.h>

#include "tests/sim/model.h"

#define A(name) ONWARD__CORE__ACT_##name

static void enrol(const Onward__Enrol *e, bool registrar)
{
  static uint8_t memory[1 << 16];
  struct arena a = arena_of(memory, sizeof memory);
  struct org_id id;
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(e->request), &a);
  must(r != NULL && pb_org(r->organisation, &id) == OK);
  struct model_organisation *o = model_organisation(&id);
  if (o == NULL) {
    must(model.organisation_count < MODEL_ORGANISATIONS_MAX);
    o = &model.organisations[model.organisation_count++];
    o->id = id;
    o->registrar = registrar;
  }
  o->standing = ONWARD__STANDING__ACTIVE;
  o->agreement_until_ms = e->agreement_until_ms;
}

static void take_policy(const Onward__Policy *p)
{
  for (size_t i = 0; i < p->n_limits && i < CLOCKS_LIMITED; i++) {
    const uint32_t limits[] = {p->limits[i]->high_s, p->limits[i]->medium_s, p->limits[i]->low_s};
    memcpy(model.policy.limit_s[i], limits, sizeof limits);
  }
}

/* The leg of one that is cut off is lost at once. */
static void lose_legs(const struct org_id *org, uint64_t now_ms)
{
  for (size_t i = 0; i < model.referral_count; i++) {
    struct model_referral *r = &model.referrals[i];
    if (!model_live(r) || !model_is_present(r, org))
      continue;
    r->clocks[ONWARD__CLOCK__LOST_LEG - 1].due_ms = now_ms;
    r->touched = true;
  }
}

static bool by_registrar(act_kind act)
{
  return act == A(ENROL) || act == A(SUSPEND) || act == A(REPLACE_KEYS) || act == A(SET_POLICY);
}

void model_registry(const struct model_entry *e)
{
  struct org_id id;
  const Onward__Core *c = e->event->core;
  const struct model_organisation *by = model_organisation(&e->author);
  if (by_registrar(e->event->act) && (by == NULL || !by->registrar || by->standing != ONWARD__STANDING__ACTIVE))
    broken("%.16s, no registrar in standing, changed the registry", e->author.text);
  if (e->event->act == A(GENESIS)) {
    for (size_t i = 0; i < c->genesis->n_registrars; i++)
      enrol(c->genesis->registrars[i], true);
    take_policy(c->genesis->policy);
  } else if (e->event->act == A(ENROL)) {
    enrol(c->enrol, false);
  } else if (e->event->act == A(SET_POLICY)) {
    take_policy(c->set_policy->policy);
  } else if (e->event->act == A(SUSPEND)) {
    must(pb_org(c->suspend->organisation, &id) == OK);
    struct model_organisation *o = model_organisation(&id);
    if (o == NULL)
      return;
    o->standing = (int)c->suspend->standing;
    if (o->standing == ONWARD__STANDING__COMPROMISED)
      lose_legs(&id, e->leaf->time_ms - model.absent_ms);
  }
}
