/* Who could help, in which order and why; who could not, and what stands in the way. */
#include <stdio.h>
#include <string.h>

#include "agents/candidates.h"
#include "agents/desk.h"
#include "agents/item.h"

/* A group, or one kind of service. */
static json_t *read_need(const json_t *request, struct wanted *out)
{
  struct form_error error;
  int code;
  const json_t *value = json_object_get(request, "need");
  if (value == NULL)
    return desk_error("bad_input", "need", "is missing: a group such as PSS, or a service such as TRAUMA_COUNSELLING",
                      NULL);
  if (form_code(&onward__service_code__descriptor, "need", value, &error, &code) == OK) {
    out->code = code;
    out->group = code / 100;
    return NULL;
  }
  static const char allowed[] = "must be a group (" GROUPS ") or a service of one, such as TRAUMA_COUNSELLING";
  if (form_code(&onward__service_group__descriptor, "need", value, &error, &code) != OK ||
      code == ONWARD__SERVICE_GROUP__GROUP_NOT_STATED)
    return desk_error("bad_input", "need", allowed, "all services: onward refer --form");
  out->group = code;
  return NULL;
}

static json_t *read_age(const json_t *request, struct wanted *out)
{
  struct form_error error;
  int band;
  uint32_t age;
  const json_t *value = json_object_get(request, "age_band");
  out->age_max = AGE_MAX;
  if (value != NULL) {
    if (form_code(&onward__age_band__descriptor, "age_band", value, &error, &band) != OK)
      return desk_form_error(&error);
    form_band_years((Onward__AgeBand)band, &out->age_min, &out->age_max);
  }
  if (json_object_get(request, "age") == NULL)
    return NULL;
  json_t *refused = desk_number(request, "age", 0, AGE_MAX, 0, &age);
  out->age_min = out->age_max = (int)age;
  return refused;
}

json_t *desk_wanted(const json_t *request, struct wanted *out)
{
  struct form_error error;
  Onward__AreaScheme scheme;
  const json_t *area = json_object_get(request, "area"), *language = json_object_get(request, "language"),
               *priority = json_object_get(request, "priority");
  memset(out, 0, sizeof *out);
  json_t *refused = read_need(request, out);
  if (refused == NULL)
    refused = read_age(request, out);
  if (refused == NULL && area != NULL)
    refused = desk_area("area", area, out->area, &scheme);
  if (refused == NULL && language != NULL) {
    if (!json_is_string(language) || json_string_length(language) > LANGUAGE_SIZE_MAX)
      return desk_error("bad_input", "language", "must be a language such as \"km\" (BCP 47)", NULL);
    memcpy(out->language, json_string_value(language), json_string_length(language));
  }
  if (refused == NULL && priority != NULL &&
      form_code(&onward__priority__descriptor, "priority", priority, &error, &out->priority) != OK)
    return desk_form_error(&error);
  if (refused == NULL && json_object_get(request, "never") != NULL)
    refused = desk_organisations(request, "never", 1, SCOPE_MAX, out->never, &out->never_count);
  return refused;
}

static json_t *candidate_json(struct agent *a, struct books *b, const struct candidate *c)
{
  static const char *const fits[] = {[AREA_OUTSIDE] = "outside", [AREA_PART] = "part", [AREA_COVERED] = "covered"};
  json_t *o = json_contact(a, b, &c->service.organisation);
  json_t *obstacles = json_array();
  for (unsigned bit = 0; bit < OBSTACLES; bit++)
    if (c->obstacles >> bit & 1)
      json_array_append_new(obstacles, json_string(obstacle_name(bit)));
  json_object_set_new(o, "service", json_service(a, b, &c->service, agent_log_ms(a)));
  json_object_set_new(o, "area", json_string(fits[c->fit]));
  json_object_set_new(o, "speaks", json_boolean(c->speaks));
  json_object_set_new(o, "agreement_until_ms", json_integer((json_int_t)c->agreement_until_ms));
  if (c->seen.known)
    json_object_set_new(o, "seen", json_pack("{s:b, s:I}", "now", c->seen.now, "days", (json_int_t)c->seen.days));
  if (c->obstacles != 0)
    json_object_set_new(o, "obstacles", obstacles);
  else
    json_decref(obstacles);
  return o;
}

static json_t *list_json(struct agent *a, struct books *b, const struct candidate *list, size_t count)
{
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(out, candidate_json(a, b, &list[i]));
  return out;
}

/* Asks for the newest directory, and when the first of them were last here; again where it has brought others. */
static void ask_seen(struct agent *a, const struct candidates *c)
{
  bool known = true;
  for (size_t i = 0; i < c->count && i < SEEN_MAX; i++)
    known &= c->list[i].seen.known;
  a->stale = true;
  a->unseen = c->count > 0 && !c->list[0].seen.known;
  if (known)
    return;
  a->seen.count = c->count < SEEN_MAX ? c->count : SEEN_MAX;
  a->seen.wanted = true;
  for (size_t i = 0; i < a->seen.count; i++)
    a->seen.list[i] = (struct seen_one){.id = c->list[i].service.organisation};
}

/* The condition that stands in the way of most. */
static json_t *most_json(const struct candidates *c)
{
  unsigned most = 0;
  for (unsigned bit = 1; bit < OBSTACLES; bit++)
    if (c->excluded_by[bit] > c->excluded_by[most])
      most = bit;
  return json_pack("{s:s, s:I}", "obstacle", obstacle_name(most), "count", (json_int_t)c->excluded_by[most]);
}

static bool must_be_phoned(const struct candidate *first)
{
  return first->seen.known && !first->seen.now && first->seen.days >= SEEN_LATELY_DAYS;
}

json_t *desk_candidates(struct agent *a, const json_t *request)
{
  static struct candidates found; /* large; one thread */
  struct wanted w;
  json_t *refused = desk_wanted(request, &w);
  if (refused != NULL)
    return refused;
  struct books *b = agent_read(a);
  for (size_t i = 0; refused == NULL && i < w.never_count; i++)
    refused = desk_known(a, b, "never", &w.never[i]);
  candidates_find(b, &a->self.id, &w, agent_log_ms(a), &found);
  if (session_connected(&a->session) && ticks_ms() < a->seen.noted_ms + SEEN_COUNTS_MS)
    candidates_see(&found, &a->seen);
  json_t *o = json_pack("{s:b, s:I, s:o, s:I, s:o}", "ok", 1, "index", (json_int_t)directory_index(b), "candidates",
                        list_json(a, b, found.list, found.count), "left_out_count", (json_int_t)found.excluded_count,
                        "left_out", list_json(a, b, found.nearest, found.nearest_count));
  if (found.count == 0 && found.excluded_count > 0)
    json_object_set_new(o, "most", most_json(&found));
  if (found.count > 0 && must_be_phoned(&found.list[0]))
    json_object_set_new(o, "call", json_contact(a, b, &found.list[0].service.organisation));
  if (agent_abort(a) != OK || refused != NULL) {
    json_decref(o);
    return refused != NULL ? refused : desk_trouble(OUR_FAULT);
  }
  ask_seen(a, &found);
  return o;
}
