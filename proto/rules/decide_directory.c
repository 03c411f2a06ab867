/* What an organisation may say of its own services and places, and a registrar of others'; and who may ask for a place.
 */
#include "proto/rules/inside.h"
#include "proto/rules/rules.h"

#define V(name) ONWARD__VERDICT__##name

#define DAY_MS 86400000ull
#define PLACES_UNTIL_MAX_MS (92 * DAY_MS)

static Onward__Verdict decide_own_service(const struct occasion *o, uint32_t number)
{
  struct service s;
  return books_service(o->books, &o->author, (uint8_t)number, &s) == OK ? V(ACCEPTED) : V(NO_SUCH_SERVICE);
}

static Onward__Verdict decide_assure(const struct occasion *o, const Onward__AssureService *a, bool registrar)
{
  struct org_id id;
  struct service s;
  must(pb_org(a->organisation, &id) == OK);
  if (!registrar)
    return V(NOT_A_REGISTRAR);
  if (org_id_equal(&id, &o->author))
    return V(OWN_SERVICE);
  if (books_service(o->books, &id, (uint8_t)a->number, &s) != OK)
    return V(NO_SUCH_SERVICE);
  return a->service_index == 0 || a->service_index == s.index ? V(ACCEPTED) : V(SERVICE_CHANGED);
}

static Onward__Verdict decide_until(const struct occasion *o, uint64_t until_ms)
{
  return until_ms <= o->time_ms + PLACES_UNTIL_MAX_MS ? V(ACCEPTED) : V(DATE_TOO_FAR);
}

Onward__Verdict decide_directory(const struct occasion *o, const struct event *e, const struct organisation *author)
{
  bool finishing = e->act == ONWARD__CORE__ACT_END_SERVICE || e->act == ONWARD__CORE__ACT_SET_DUTY;
  if (author->standing != ONWARD__STANDING__ACTIVE && !finishing)
    return V(NOT_IN_STANDING_NOW);
  if (e->act == ONWARD__CORE__ACT_ASSURE_SERVICE)
    return decide_assure(o, e->core->assure_service, author->registrar != 0);
  if (author->acts_day == o->time_ms / DAY_MS && author->acts_count >= DIRECTORY_ACTS_PER_DAY_MAX)
    return V(TOO_MUCH_TODAY);
  return e->act == ONWARD__CORE__ACT_END_SERVICE ? decide_own_service(o, e->core->end_service->number) : V(ACCEPTED);
}

/* One note, for one of those who are asked; as many as are asked. */
static bool seals_questions(const struct event *e)
{
  const Onward__AskPlace *a = e->core->ask_place;
  size_t fits = 0;
  for (size_t i = 0; i < a->n_recipients; i++)
    for (size_t k = 0; k < e->outer->n_sealed; k++) {
      const Onward__Sealed *s = e->outer->sealed[k];
      fits += bytes_equal(pb_bytes(s->recipient), pb_bytes(a->recipients[i])) && s->part == ONWARD__PART__NOTE &&
              s->release == ONWARD__RELEASE__AT_DELIVERY;
    }
  return fits == a->n_recipients && e->outer->n_sealed == fits;
}

static Onward__Verdict decide_ask(const struct occasion *o, const struct event *e)
{
  const Onward__AskPlace *a = e->core->ask_place;
  Onward__Verdict v = decide_recipients(o, a->recipients, a->n_recipients);
  if (v == V(ACCEPTED) && !seals_questions(e))
    v = V(WRONG_SEALED_PARTS);
  return v == V(ACCEPTED) ? decide_until(o, a->valid_until_ms) : v;
}

static bool was_asked(const Onward__AskPlace *a, const struct org_id *org)
{
  for (size_t i = 0; i < a->n_recipients; i++)
    if (bytes_equal(pb_bytes(a->recipients[i]), org_id_text(org)))
      return true;
  return false;
}

static Onward__Verdict decide_answer(const struct occasion *o, const struct event *e)
{
  struct bytes bytes;
  struct leaf leaf;
  struct event asked;
  if (books_entry(o->books, e->answers_index, &bytes) != OK)
    return V(NOT_ASKED);
  struct hash hash = leaf_hash(bytes);
  if (!hash_equal(&hash, &e->answers_hash) || books_event(o->books, e->answers_index, o->arena, &leaf, &asked) != OK)
    return V(NOT_ASKED);
  bool open = leaf.verdict == V(ACCEPTED) && asked.act == ONWARD__CORE__ACT_ASK_PLACE &&
              asked.core->ask_place->valid_until_ms >= o->time_ms && was_asked(asked.core->ask_place, &o->author);
  return open ? decide_until(o, e->core->answer_place->valid_until_ms) : V(NOT_ASKED);
}

Onward__Verdict decide_places(const struct occasion *o, const struct event *e)
{
  Onward__Verdict v = decide_author(o);
  if (v != V(ACCEPTED))
    return v;
  if (e->act == ONWARD__CORE__ACT_ASK_PLACE)
    return decide_ask(o, e);
  if (e->act == ONWARD__CORE__ACT_ANSWER_PLACE)
    return decide_answer(o, e);
  v = decide_own_service(o, e->core->set_capacity->number);
  return v == V(ACCEPTED) ? decide_until(o, e->core->set_capacity->valid_until_ms) : v;
}
