/* Each is one event, heard in a turn of its own. */
#include "tests/unit/offers.h"

#include <string.h>

void offer_init(struct offer *o, uint32_t number)
{
  const Onward__SetService set = ONWARD__SET_SERVICE__INIT;
  const Onward__Area area = ONWARD__AREA__INIT;
  memset(o, 0, sizeof *o);
  o->set = set;
  o->area = area;
  o->area.scheme = ONWARD__AREA_SCHEME__ISO;
  o->area.code = pb_data(bytes_text("KH-17"));
  o->areas[0] = &o->area;
  o->codes[0] = ONWARD__SERVICE_CODE__TRAUMA_COUNSELLING;
  o->priorities[0] = ONWARD__PRIORITY__HIGH;
  o->priorities[1] = ONWARD__PRIORITY__MEDIUM;
  o->priorities[2] = ONWARD__PRIORITY__LOW;
  o->languages[0] = pb_data(bytes_text("km"));
  o->set.number = number;
  o->set.name = pb_data(bytes_text("Counselling for children"));
  o->set.group = ONWARD__SERVICE_GROUP__PSS;
  o->set.age_min = 6;
  o->set.age_max = 17;
  o->set.n_codes = o->set.n_languages = o->set.n_areas = 1;
  o->set.n_priorities = 3;
}

Onward__Verdict offer_say(struct world *w, struct member *m, struct offer *o)
{
  struct draft d;
  o->set.codes = o->codes;
  o->set.priorities = o->priorities;
  o->set.languages = o->languages;
  o->set.areas = o->areas;
  draft_init(&d, ONWARD__CORE__ACT_SET_SERVICE, NULL);
  d.core.set_service = &o->set;
  return world_hear(w, m, &d, 1);
}

Onward__Verdict offer_assure_entry(struct world *w, struct member *registrar, struct member *m, uint32_t number,
                                   uint64_t index)
{
  struct draft d;
  Onward__AssureService a = ONWARD__ASSURE_SERVICE__INIT;
  a.organisation = pb_data(org_id_text(&m->id));
  a.number = number;
  a.service_index = index;
  draft_init(&d, ONWARD__CORE__ACT_ASSURE_SERVICE, NULL);
  d.core.assure_service = &a;
  return world_hear(w, registrar, &d, 1);
}

Onward__Verdict offer_assure(struct world *w, struct member *registrar, struct member *m, uint32_t number)
{
  struct service s;
  must(offer_row(w, m, number, &s) == OK);
  return offer_assure_entry(w, registrar, m, number, s.index);
}

Onward__Verdict offer_places(struct world *w, struct member *m, uint32_t number, Onward__CapacityStatus status,
                             uint32_t available, uint64_t until_ms)
{
  struct draft d;
  Onward__SetCapacity c = ONWARD__SET_CAPACITY__INIT;
  c.number = number;
  c.status = status;
  c.available = available;
  c.valid_until_ms = until_ms;
  draft_init(&d, ONWARD__CORE__ACT_SET_CAPACITY, NULL);
  d.core.set_capacity = &c;
  return world_hear(w, m, &d, 1);
}

Onward__Verdict offer_end(struct world *w, struct member *m, uint32_t number)
{
  struct draft d;
  Onward__EndService e = ONWARD__END_SERVICE__INIT;
  e.number = number;
  draft_init(&d, ONWARD__CORE__ACT_END_SERVICE, NULL);
  d.core.end_service = &e;
  return world_hear(w, m, &d, 1);
}

enum status offer_row(struct world *w, const struct member *m, uint32_t number, struct service *out)
{
  enum status s = books_service(store_begin(w->store, false), &m->id, (uint8_t)number, out);
  store_abort(w->store);
  return s;
}
