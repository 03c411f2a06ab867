/* The directory as it is, or was; and what an organisation says in it of its own services, places and telephone: public
 * words, signed, judged here before they are queued. */
#include <stdio.h>
#include <string.h>

#include "agents/areas.h"
#include "agents/desk.h"
#include "agents/item.h"

static json_t *capacity_json(const struct service *s, uint64_t now_ms)
{
  if (s->capacity_index == 0)
    return NULL;
  json_t *o =
      json_pack("{s:s, s:s, s:I, s:I, s:b}", "status", pb_enum_name(&onward__capacity_status__descriptor, s->capacity),
                "unit", "places", "updated_ms", (json_int_t)s->capacity_ms, "valid_until_ms",
                (json_int_t)s->capacity_until_ms, "valid", s->capacity_until_ms >= now_ms);
  if (s->available > 0 && s->capacity == ONWARD__CAPACITY_STATUS__HAS)
    json_object_set_new(o, "available", json_integer(s->available));
  if (s->maximum > 0)
    json_object_set_new(o, "maximum", json_integer(s->maximum));
  return o;
}

static json_t *areas_json(const struct service *s)
{
  json_t *list = json_array();
  for (size_t i = 0; i < s->area_count; i++)
    json_array_append_new(list, json_pack("{s:s, s:s}", "scheme",
                                          pb_enum_name(&onward__area_scheme__descriptor, s->schemes[i]), "code",
                                          s->areas[i]));
  return list;
}

json_t *json_service(struct agent *a, struct books *b, const struct service *s, uint64_t now_ms)
{
  size_t used = a->arena.used;
  const Onward__SetService *d = directory_service(b, s, &a->arena);
  json_t *codes = json_array(), *languages = json_array(), *priorities = json_array();
  for (size_t i = 0; i < s->code_count; i++)
    json_array_append_new(codes, json_string(pb_enum_name(&onward__service_code__descriptor, s->codes[i])));
  for (size_t i = 0; i < s->language_count; i++)
    json_array_append_new(languages, json_string(s->languages[i]));
  for (int i = ONWARD__PRIORITY__HIGH; i <= ONWARD__PRIORITY__LOW; i++)
    if (s->priorities >> i & 1)
      json_array_append_new(priorities, json_string(pb_enum_name(&onward__priority__descriptor, i)));
  json_t *o = json_pack("{s:i, s:o, s:s, s:o, s:i, s:i, s:o, s:o, s:o, s:I, s:I}", "number", (int)s->number, "name",
                        d != NULL ? json_bytes(d->name) : json_string(""), "group",
                        pb_enum_name(&onward__service_group__descriptor, s->group), "codes", codes, "age_min",
                        (int)s->age_min, "age_max", (int)s->age_max, "languages", languages, "priorities", priorities,
                        "areas", areas_json(s), "index", (json_int_t)s->index, "since_ms", (json_int_t)s->since_ms);
  if (s->assured_index != 0)
    json_object_set_new(o, "assured_ms", json_integer((json_int_t)s->assured_ms));
  json_t *capacity = capacity_json(s, now_ms);
  if (capacity != NULL)
    json_object_set_new(o, "capacity", capacity);
  a->arena.used = used;
  return o;
}

static json_t *organisation_json(struct agent *a, struct books *b, const struct organisation *o, uint64_t now_ms)
{
  size_t used = a->arena.used;
  const Onward__Request *r = directory_request(b, o, &a->arena);
  json_t *services = json_array();
  json_t *one = json_pack(
      "{s:s, s:s, s:I, s:b, s:b}", "kind", pb_enum_name(&onward__organisation_kind__descriptor, o->kind), "standing",
      pb_enum_name(&onward__standing__descriptor, o->standing), "agreement_until_ms", (json_int_t)o->agreement_until_ms,
      "registrar", o->registrar != 0, "yourself", org_id_equal(&o->id, &a->self.id));
  json_object_set_new(one, "id", json_org(&o->id));
  json_object_set_new(one, "name", r != NULL ? json_bytes(r->name) : json_org(&o->id));
  json_object_set_new(one, "telephone", r != NULL ? json_bytes(r->duty_telephone) : json_string(""));
  json_object_set_new(one, "hours", r != NULL ? json_bytes(r->duty_hours) : json_string(""));
  json_t *replacement = desk_replacement(a, b, o);
  if (replacement != NULL)
    json_object_set_new(one, "replacement", replacement);
  struct service s = {.organisation = o->id};
  while (books_next_service(b, &s) == OK && org_id_equal(&s.organisation, &o->id))
    json_array_append_new(services, json_service(a, b, &s, now_ms));
  json_object_set_new(one, "services", services);
  a->arena.used = used;
  return one;
}

/* In the past: places were valid, or not, by the time of that entry. */
static json_t *list_organisations(struct agent *a, struct books *b, uint64_t now_ms)
{
  json_t *list = json_array();
  struct org_id at = {{0}};
  struct organisation o;
  while (books_next_organisation(b, &at, &o) == OK)
    json_array_append_new(list, organisation_json(a, b, &o, now_ms));
  return list;
}

static uint64_t time_of_entry(struct books *b, uint64_t index)
{
  struct bytes row;
  struct leaf leaf;
  return books_entry(b, index, &row) == OK && leaf_read(row, &leaf) == OK ? leaf.time_ms : 0;
}

/* The newest entry of the directory that we have at or before this one: entries of others' referrals are not ours to
 * know. */
static uint64_t newest_at(struct books *b, uint64_t index)
{
  uint64_t at = 0;
  static const int tables[] = {TABLE_REGISTRY, TABLE_PLACES_SAID};
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    struct walk w = walk_start(tables[i], (struct bytes){NULL, 0});
    while (walk_next(&w, b) && key_number(w.key, 0) <= index)
      at = key_number(w.key, 0) > at ? key_number(w.key, 0) : at;
  }
  return at;
}

/* In a transaction that is thrown away, the directory is put together again from its entries. What had an end had it,
 * or not, at `time_ms`; 0: when its newest entry was written. */
static json_t *directory_then(struct agent *a, uint64_t index, uint64_t time_ms)
{
  struct books *b = agent_write(a);
  uint64_t newest = newest_at(b, index);
  if (time_ms == 0)
    time_ms = time_of_entry(b, newest);
  directory_as_of(b, index, &a->arena);
  json_t *list = list_organisations(a, b, time_ms);
  if (agent_abort(a) == OK)
    return json_pack("{s:b, s:I, s:I, s:o}", "ok", 1, "index", (json_int_t)newest, "time_ms", (json_int_t)time_ms,
                     "organisations", list);
  json_decref(list);
  return desk_trouble(OUR_FAULT);
}

/* As the sender of a referral had it when it chose. Only its own computer can know what it was told of places. */
static json_t *directory_of(struct agent *a, const json_t *id)
{
  struct item item;
  struct event e;
  struct view v;
  json_t *named = json_pack("{s:O}", "id", id);
  struct books *b = agent_read(a);
  json_t *refused = desk_item(b, named, &item);
  bool found = false;
  if (refused == NULL) {
    view_get(a, b, steps_read(b), &item, &v);
    found = item.sender != 0 && item.own == 0 && view_submit(a, b, &v, &e);
  }
  uint64_t index = found ? e.core->submit->directory_index : 0;
  json_decref(named);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  if (refused != NULL) {
    json_object_set_new(refused, "field", json_string("as_of"));
    return refused;
  }
  return found ? directory_then(a, index, item.created_ms)
               : desk_error("not_found", "as_of", "is no referral that was sent from this computer",
                            "ask its sender; or give the index of an entry");
}

json_t *desk_directory(struct agent *a, const json_t *request)
{
  const json_t *as_of = json_object_get(request, "as_of");
  if (json_is_string(as_of))
    return directory_of(a, as_of);
  if (as_of != NULL && (!json_is_integer(as_of) || json_integer_value(as_of) < 0))
    return desk_error("bad_input", "as_of", "must be the index of an entry of the log, or a referral of ours", NULL);
  if (as_of != NULL)
    return directory_then(a, (uint64_t)json_integer_value(as_of), 0);
  a->stale = true;
  struct books *b = agent_read(a);
  uint64_t index = directory_index(b);
  json_t *list = list_organisations(a, b, agent_log_ms(a));
  if (agent_abort(a) == OK)
    return json_pack("{s:b, s:I, s:o}", "ok", 1, "index", (json_int_t)index, "organisations", list);
  json_decref(list);
  return desk_trouble(OUR_FAULT);
}

/* --- reading --- */

json_t *desk_number(const json_t *request, const char *field, json_int_t min, json_int_t max, json_int_t otherwise,
                    uint32_t *out)
{
  char what[80];
  const json_t *value = json_object_get(request, field);
  json_int_t n = value == NULL ? otherwise : json_integer_value(value);
  snprintf(what, sizeof what, "%smust be a whole number from %lld to %lld", value == NULL ? "is missing: " : "",
           (long long)min, (long long)max);
  if ((value != NULL && !json_is_integer(value)) || n < min || n > max)
    return desk_error("bad_input", field, what, NULL);
  *out = (uint32_t)n;
  return NULL;
}

json_t *desk_codes(const json_t *request, const char *field, const ProtobufCEnumDescriptor *type, size_t max, int *out,
                   size_t *count)
{
  struct form_error error;
  char what[60];
  const json_t *list = json_object_get(request, field);
  *count = json_array_size(list);
  snprintf(what, sizeof what, "must be a list of 1 to %zu codes", max);
  if (list == NULL || !json_is_array(list) || *count == 0 || *count > max)
    return desk_error("bad_input", field, list == NULL ? "is missing" : what, NULL);
  for (size_t i = 0; i < *count; i++)
    if (form_code(type, field, json_array_get(list, i), &error, &out[i]) != OK)
      return desk_form_error(&error);
  for (size_t i = 1; i < *count; i++) /* as the log wants them: ascending */
    for (size_t k = i; k > 0 && out[k] < out[k - 1]; k--) {
      int before = out[k - 1];
      out[k - 1] = out[k];
      out[k] = before;
    }
  return NULL;
}

static bool has_table(const char *code)
{
  char country[3] = {code[0], code[0] == 0 ? 0 : code[1], 0};
  return area_find(country) != NULL;
}

json_t *desk_soon(const struct agent *a, const char *field, uint64_t ms)
{
  json_t *refused = desk_ahead(a, field, ms);
  if (refused == NULL && ms > agent_log_ms(a) + 91 * 86400000ull)
    refused = desk_error("bad_input", field, "is too far away: what is said of places holds for 91 days at most", NULL);
  return refused;
}

json_t *desk_area(const char *field, const json_t *value, char out[AREA_SIZE_MAX + 1], Onward__AreaScheme *scheme)
{
  static const char allowed[] = "must be the code of a country, province or district, such as KH, KH-17 or KH1710";
  const char *code = json_string_value(json_is_object(value) ? json_object_get(value, "code") : value);
  size_t size = code == NULL ? 0 : strlen(code);
  if (size < 2 || size > AREA_SIZE_MAX || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != size)
    return desk_error("bad_input", field, value == NULL ? "is missing" : allowed, NULL);
  const struct area *known = area_find(code);
  if (known == NULL && has_table(code))
    return desk_error("bad_input", field, "is no place of that country's table", "see: onward areas");
  json_t *refused = json_is_object(value) ? desk_unknown_field(value, " scheme code ") : NULL;
  if (refused != NULL)
    return refused;
  bool iso = known != NULL ? known->scheme == AREA_ISO : size == 2 || code[2] == '-';
  *scheme = iso ? ONWARD__AREA_SCHEME__ISO : ONWARD__AREA_SCHEME__PCODE;
  const char *stated = json_string_value(json_object_get(value, "scheme"));
  if (stated != NULL && strcmp(stated, iso ? "ISO" : "PCODE") != 0)
    return desk_error("bad_input", field, iso ? "has a code of the scheme ISO" : "has a code of the scheme PCODE",
                      NULL);
  memcpy(out, code, size + 1);
  return NULL;
}

/* --- our own services --- */

struct service_form {
  Onward__SetService set;
  Onward__SetCapacity capacity;
  int codes[SERVICE_CODES_MAX], priorities[3];
  Onward__ServiceCode code_list[SERVICE_CODES_MAX];
  Onward__Priority priority_list[3];
  ProtobufCBinaryData languages[SERVICE_LANGUAGES_MAX];
  Onward__Area areas[SERVICE_AREAS_MAX], *area_list[SERVICE_AREAS_MAX];
  char area_codes[SERVICE_AREAS_MAX][AREA_SIZE_MAX + 1];
};

/* Names those that there are. */
static json_t *not_of_group(int group)
{
  const ProtobufCEnumDescriptor *type = &onward__service_code__descriptor;
  char what[600] = "must be services of the group, each once: ";
  struct writer w = writer_of(what + strlen(what), sizeof what - strlen(what));
  for (unsigned i = 0; i < type->n_values; i++)
    if (type->values[i].value / 100 == group) {
      write_text(&w, w.size == 0 ? "" : ", ");
      write_text(&w, type->values[i].name);
    }
  write_u8(&w, 0);
  must(!w.overflow);
  return desk_error("bad_input", "codes", what, NULL);
}

static json_t *read_kinds(const json_t *request, struct service_form *f)
{
  struct form_error error;
  int group;
  const json_t *value = json_object_get(request, "group");
  if (form_code(&onward__service_group__descriptor, "group", value, &error, &group) != OK ||
      group == ONWARD__SERVICE_GROUP__GROUP_NOT_STATED)
    return desk_error("bad_input", "group", value == NULL ? "is missing" : "must be one of " GROUPS, NULL);
  f->set.group = (Onward__ServiceGroup)group;
  json_t *refused =
      desk_codes(request, "codes", &onward__service_code__descriptor, SERVICE_CODES_MAX, f->codes, &f->set.n_codes);
  if (refused == NULL)
    refused = desk_codes(request, "priorities", &onward__priority__descriptor, 3, f->priorities, &f->set.n_priorities);
  for (size_t i = 0; refused == NULL && i < f->set.n_codes; i++) {
    f->code_list[i] = (Onward__ServiceCode)f->codes[i];
    if (f->codes[i] / 100 != group || (i > 0 && f->codes[i] == f->codes[i - 1]))
      refused = not_of_group(group);
  }
  for (size_t i = 0; refused == NULL && i < f->set.n_priorities; i++)
    f->priority_list[i] = (Onward__Priority)f->priorities[i];
  f->set.codes = f->code_list;
  f->set.priorities = f->priority_list;
  return refused;
}

/* A primary subtag of two or three letters, then whatever follows a hyphen (RFC 5646, section 2.1). */
static bool is_language(const char *text)
{
  size_t letters = text == NULL ? 0 : strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return (letters == 2 || letters == 3) && (text[letters] == 0 || text[letters] == '-') &&
         strlen(text) <= LANGUAGE_SIZE_MAX;
}

static json_t *read_languages(const json_t *request, struct service_form *f)
{
  const json_t *list = json_object_get(request, "languages");
  f->set.n_languages = json_array_size(list);
  if (!json_is_array(list) || f->set.n_languages == 0 || f->set.n_languages > SERVICE_LANGUAGES_MAX)
    return desk_error("bad_input", "languages", list == NULL ? "is missing" : "must be a list of 1 to 8 languages",
                      "such as [\"km\", \"en\"] (BCP 47)");
  for (size_t i = 0; i < f->set.n_languages; i++) {
    const json_t *one = json_array_get(list, i);
    if (!is_language(json_string_value(one)))
      return desk_error("bad_input", "languages", "must be language tags such as \"km\" or \"en\" (BCP 47)", NULL);
    f->languages[i] = pb_data(bytes_of(json_string_value(one), json_string_length(one)));
  }
  f->set.languages = f->languages;
  return NULL;
}

static json_t *read_areas(const json_t *request, struct service_form *f)
{
  const json_t *list = json_object_get(request, "areas");
  f->set.n_areas = json_array_size(list);
  if (!json_is_array(list) || f->set.n_areas == 0 || f->set.n_areas > SERVICE_AREAS_MAX)
    return desk_error("bad_input", "areas", list == NULL ? "is missing" : "must be a list of 1 to 16 areas", NULL);
  for (size_t i = 0; i < f->set.n_areas; i++) {
    const Onward__Area init = ONWARD__AREA__INIT;
    f->areas[i] = init;
    json_t *refused = desk_area("areas", json_array_get(list, i), f->area_codes[i], &f->areas[i].scheme);
    if (refused != NULL)
      return refused;
    f->areas[i].code = pb_data(bytes_text(f->area_codes[i]));
    f->area_list[i] = &f->areas[i];
  }
  f->set.areas = f->area_list;
  return NULL;
}

/* A text that everybody may read. */
static json_t *read_public(const json_t *request, const char *field, bool compulsory, ProtobufCBinaryData *out)
{
  const json_t *value = json_object_get(request, field);
  if (value == NULL && !compulsory)
    return NULL;
  if (!json_is_string(value))
    return desk_error("bad_input", field, value == NULL ? "is missing" : "must be a text", NULL);
  *out = pb_data(bytes_of(json_string_value(value), json_string_length(value)));
  return NULL;
}

static json_t *read_capacity(struct agent *a, const json_t *object, Onward__SetCapacity *out)
{
  struct form_error error;
  int status = 0;
  const json_t *until = json_object_get(object, "valid_until"), *unit = json_object_get(object, "unit");
  json_t *refused = desk_unknown_field(object, " number status available maximum valid_until unit ");
  if (refused != NULL)
    return refused;
  if (unit != NULL && strcmp(json_is_string(unit) ? json_string_value(unit) : "", "places") != 0)
    return desk_error("bad_input", "unit", "must be \"places\": this version counts nothing else", NULL);
  if (form_code(&onward__capacity_status__descriptor, "status", json_object_get(object, "status"), &error, &status) !=
      OK)
    return desk_form_error(&error);
  out->status = (Onward__CapacityStatus)status;
  refused = desk_number(object, "available", 0, PLACES_MAX, 0, &out->available);
  if (refused == NULL)
    refused = desk_number(object, "maximum", 0, PLACES_MAX, 0, &out->maximum);
  if (refused != NULL)
    return refused;
  if (out->available > 0 && out->status != ONWARD__CAPACITY_STATUS__HAS)
    return desk_error("bad_input", "available", "has a place with the status HAS only", NULL);
  if (out->maximum > 0 && out->maximum < out->available)
    return desk_error("bad_input", "maximum", "is below available", NULL);
  if (until == NULL)
    return desk_error("bad_input", "valid_until", "is missing: until when may others rely on it?", "YYYY-MM-DD");
  if (form_date("valid_until", until, &error, &out->valid_until_ms) != OK)
    return desk_form_error(&error);
  return desk_soon(a, "valid_until", out->valid_until_ms);
}

/* Queues an act that says nothing of a referral. */
static json_t *queue(struct agent *a, act_kind act, void *message)
{
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  core->act_case = act;
  core->set_service = message; /* a union: whichever act it is */
  return desk_queue(a, core, NULL);
}

static json_t *saved(void)
{
  return json_pack("{s:b}", "ok", 1);
}

json_t *desk_service(struct agent *a, const json_t *request)
{
  struct service_form f = {.set = ONWARD__SET_SERVICE__INIT, .capacity = ONWARD__SET_CAPACITY__INIT};
  const json_t *capacity = json_object_get(request, "capacity");
  json_t *refused = desk_number(request, "number", 1, SERVICES_MAX, 0, &f.set.number);
  if (refused == NULL)
    refused = read_public(request, "name", true, &f.set.name);
  if (refused == NULL)
    refused = read_kinds(request, &f);
  if (refused == NULL)
    refused = desk_number(request, "age_min", 0, AGE_MAX, 0, &f.set.age_min);
  if (refused == NULL)
    refused = desk_number(request, "age_max", 0, AGE_MAX, AGE_MAX, &f.set.age_max);
  if (refused == NULL)
    refused = read_languages(request, &f);
  if (refused == NULL)
    refused = read_areas(request, &f);
  if (refused == NULL && capacity != NULL)
    refused = read_capacity(a, capacity, &f.capacity);
  if (refused == NULL)
    refused = queue(a, ONWARD__CORE__ACT_SET_SERVICE, &f.set);
  f.capacity.number = f.set.number;
  if (refused == NULL && capacity != NULL)
    refused = queue(a, ONWARD__CORE__ACT_SET_CAPACITY, &f.capacity);
  return refused != NULL ? refused : saved();
}

json_t *desk_end_service(struct agent *a, const json_t *request)
{
  Onward__EndService end = ONWARD__END_SERVICE__INIT;
  json_t *refused = desk_number(request, "number", 1, SERVICES_MAX, 0, &end.number);
  if (refused == NULL)
    refused = queue(a, ONWARD__CORE__ACT_END_SERVICE, &end);
  return refused != NULL ? refused : saved();
}

json_t *desk_capacity(struct agent *a, const json_t *request)
{
  Onward__SetCapacity c = ONWARD__SET_CAPACITY__INIT;
  json_t *refused = desk_number(request, "number", 1, SERVICES_MAX, 0, &c.number);
  if (refused == NULL)
    refused = read_capacity(a, request, &c);
  if (refused == NULL)
    refused = queue(a, ONWARD__CORE__ACT_SET_CAPACITY, &c);
  return refused != NULL ? refused : saved();
}

json_t *desk_duty(struct agent *a, const json_t *request)
{
  Onward__SetDuty d = ONWARD__SET_DUTY__INIT;
  json_t *refused = read_public(request, "telephone", true, &d.duty_telephone);
  if (refused == NULL)
    refused = read_public(request, "hours", false, &d.duty_hours);
  if (refused == NULL)
    refused = queue(a, ONWARD__CORE__ACT_SET_DUTY, &d);
  return refused != NULL ? refused : saved();
}

/* --- registrars --- */

/* What was looked at is named: a service that changed meanwhile is not assured unseen. */
json_t *desk_assure(struct agent *a, const json_t *request)
{
  struct org_id id;
  Onward__AssureService s = ONWARD__ASSURE_SERVICE__INIT;
  const json_t *index = json_object_get(request, "index");
  json_t *refused = desk_organisation(request, "organisation", &id);
  if (refused == NULL)
    refused = desk_number(request, "number", 1, SERVICES_MAX, 0, &s.number);
  if (refused == NULL && (!json_is_integer(index) || json_integer_value(index) < 0))
    refused = desk_error("bad_input", "index", "must be the service's `index` in the directory; 0 takes it back",
                         "see: onward directory --json");
  if (refused != NULL)
    return refused;
  s.organisation = pb_data(org_id_text(&id));
  s.service_index = (uint64_t)json_integer_value(index);
  refused = queue(a, ONWARD__CORE__ACT_ASSURE_SERVICE, &s);
  return refused != NULL ? refused : saved();
}
