/* From forms to sealed, signed-to-be, saved submits: one of `refer`, several of `assess` (desk_assess.c). Works locked:
 * sealing needs only public keys, our own copy is sealed to our own. Checks in the order in which a person would mend:
 * the form, the organisations, the rules. All of them are checked before the first is saved, and one commit saves all.
 */
#include "agents/desk_refer.h"

#include <stdio.h>
#include <string.h>

#include "agents/item.h"

static bool is_listed(const struct org_id *list, size_t count, const struct org_id *one)
{
  for (size_t i = 0; i < count; i++)
    if (org_id_equal(&list[i], one))
      return true;
  return false;
}

static json_t *read_flag(const json_t *request, const char *field, bool otherwise, protobuf_c_boolean *out)
{
  const json_t *value = json_object_get(request, field);
  if (value != NULL && !json_is_boolean(value))
    return desk_error("bad_input", field, "must be true or false", NULL);
  *out = value == NULL ? otherwise : json_is_true(value);
  return NULL;
}

static json_t *read_code(const json_t *request, const char *field, const ProtobufCEnumDescriptor *type, int otherwise,
                         int *out)
{
  struct form_error error;
  const json_t *value = json_object_get(request, field);
  *out = otherwise;
  if (value == NULL && otherwise != 0)
    return NULL;
  if (value == NULL)
    return desk_error("bad_input", field, "is missing", NULL);
  return form_code(type, field, value, &error, out) == OK ? NULL : desk_form_error(&error);
}

/* The group of a service's code: its hundreds. */
static int group_of(const json_t *brief)
{
  int code = 0;
  struct form_error error;
  if (form_code(&onward__service_code__descriptor, "brief.service", json_object_get(brief, "service"), &error, &code) !=
      OK)
    return ONWARD__SERVICE_GROUP__GROUP_NOT_STATED;
  int group = code / 100;
  return protobuf_c_enum_descriptor_get_value(&onward__service_group__descriptor, group) != NULL
             ? group
             : ONWARD__SERVICE_GROUP__OTHR;
}

static json_t *read_codes(const json_t *request, Onward__Submit *s)
{
  int priority, basis, group, reroute;
  json_t *refused = read_code(request, "priority", &onward__priority__descriptor, 0, &priority);
  if (refused == NULL)
    refused = read_code(request, "basis", &onward__legal_basis__descriptor, 0, &basis);
  if (refused == NULL)
    refused = read_code(request, "group", &onward__service_group__descriptor,
                        group_of(json_object_get(request, "brief")), &group);
  if (refused == NULL)
    refused = read_code(request, "reroute", &onward__reroute_policy__descriptor, ONWARD__REROUTE_POLICY__REROUTE_SCOPE,
                        &reroute);
  if (refused != NULL)
    return refused;
  s->priority = (Onward__Priority)priority;
  s->basis = (Onward__LegalBasis)basis;
  s->group = (Onward__ServiceGroup)group;
  s->reroute = (Onward__ReroutePolicy)reroute;
  return NULL;
}

/* The log names no place that is smaller than a province, whatever was given. */
static json_t *read_area(const json_t *request, struct referring *r)
{
  const json_t *value = json_object_get(request, "area");
  size_t size = json_string_length(value);
  if (value == NULL || (json_is_string(value) && size == 0))
    return NULL;
  if (!json_is_string(value) || size < 2 || size > 16 ||
      strspn(json_string_value(value), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != size)
    return desk_error("bad_input", "area", "must be a province's code, such as KH-17: 2 to 16 of A-Z 0-9 -",
                      "see: onward areas");
  area_province(json_string_value(value), r->area);
  r->submit.area = pb_data(bytes_text(r->area));
  return NULL;
}

static json_t *read_rest(const json_t *request, Onward__Submit *s)
{
  struct form_error error;
  const json_t *until = json_object_get(request, "consent_until");
  if (until != NULL && form_date("consent_until", until, &error, &s->consent_until_ms) != OK)
    return desk_form_error(&error);
  json_t *refused = read_flag(request, "phoned", false, &s->phoned);
  if (refused == NULL)
    refused = read_flag(request, "drill", false, &s->drill);
  return refused != NULL ? refused : read_flag(request, "feedback", true, &s->feedback_wanted);
}

/* Who must never have the case is left out of the scope, and named nowhere but in our own sealed copy. */
static json_t *read_never(const json_t *request, struct referring *r)
{
  size_t kept = 0;
  json_t *refused = json_object_get(request, "never") == NULL
                        ? NULL
                        : desk_organisations(request, "never", 1, SCOPE_MAX, r->never, &r->never_count);
  for (size_t i = 0; refused == NULL && i < r->to_count; i++)
    if (is_listed(r->never, r->never_count, &r->to[i]))
      refused = desk_error("bad_input", "never", "names an organisation that is in `to`, too", NULL);
  for (size_t i = 0; i < r->scope_count; i++)
    if (!is_listed(r->never, r->never_count, &r->scope[i]))
      r->scope[kept++] = r->scope[i];
  r->scope_count = kept;
  return refused;
}

static json_t *read_organisations(const json_t *request, struct referring *r)
{
  json_t *refused = desk_organisations(request, "to", 1, RECIPIENTS_MAX, r->to, &r->to_count);
  if (refused != NULL)
    return refused;
  bool stated = json_object_get(request, "scope") != NULL;
  refused = desk_organisations(request, stated ? "scope" : "to", 1, SCOPE_MAX, r->scope, &r->scope_count);
  for (size_t i = 0; i < r->to_count && refused == NULL; i++)
    if (!is_listed(r->scope, r->scope_count, &r->to[i]))
      refused = desk_error("bad_input", "scope", "must hold every organisation of `to`", NULL);
  if (refused == NULL)
    refused = read_never(request, r);
  for (size_t i = 0; i < r->to_count; i++)
    r->recipients[i] = pb_data(org_id_text(&r->to[i]));
  for (size_t i = 0; i < r->scope_count; i++)
    r->in_scope[i] = pb_data(org_id_text(&r->scope[i]));
  r->submit.n_recipients = r->to_count;
  r->submit.recipients = r->recipients;
  r->submit.n_scope = r->scope_count;
  r->submit.scope = r->in_scope;
  return refused;
}

/* Both parts of the case, complete. */
static json_t *read_case(struct referring *r)
{
  struct form_error error;
  const json_t *brief = json_object_get(r->form, "brief"), *file = json_object_get(r->form, "file");
  if (!json_is_object(brief) || !json_is_object(file))
    return desk_error("bad_input", json_is_object(brief) ? "file" : "brief",
                      (json_is_object(brief) ? file : brief) == NULL ? "is missing" : "must be an object", NULL);
  r->brief_form = json_deep_copy(brief);
  r->file_form = json_deep_copy(file);
  return form_complete(r->brief_form, r->file_form, &error) == OK ? NULL : desk_form_error(&error);
}

static json_t *pack_case(struct agent *a, struct referring *r)
{
  struct form_error error;
  enum status s = form_pack(&onward__brief__descriptor, "brief", r->brief_form, &a->secret, &error, &r->brief);
  if (s == OK)
    s = form_pack(&onward__file__descriptor, "file", r->file_form, &a->secret, &error, &r->file);
  return s == OK ? NULL : s == BAD_INPUT ? desk_form_error(&error) : desk_trouble(OUR_FAULT);
}

static json_t *read_ref(struct referring *r)
{
  const json_t *value = json_object_get(r->form, "ref");
  size_t size = json_string_length(value);
  r->ref = json_string_value(value);
  if (value == NULL || (r->ref != NULL && size > 0 && size <= REFERENCE_MAX && form_is_line(r->ref, size)))
    return NULL;
  return desk_error("bad_input", "ref", "must be one line of text, 1 to 64 bytes", NULL);
}

/* A need that we meet ourselves goes to nobody. */
static json_t *read_recipients(struct referring *r)
{
  json_t *refused = read_flag(r->form, "ourselves", false, &r->own);
  if (refused != NULL || !r->own)
    return refused != NULL ? refused : read_organisations(r->form, r);
  return json_object_get(r->form, "to") == NULL
             ? NULL
             : desk_error("bad_input", "to", "names organisations for a need that you meet yourselves",
                          "leave out `to`, or `ourselves`");
}

static json_t *read_form(struct agent *a, struct referring *r)
{
  (void)a;
  onward__submit__init(&r->submit);
  r->submit.schema = SCHEMA_VERSION;
  r->submit.taxonomy = TAXONOMY_VERSION;
  json_t *refused = read_ref(r);
  if (refused == NULL)
    refused = read_recipients(r);
  if (refused == NULL)
    refused = read_codes(r->form, &r->submit);
  if (refused == NULL)
    refused = read_rest(r->form, &r->submit);
  if (refused == NULL)
    refused = read_area(r->form, r);
  if (refused == NULL)
    refused = read_flag(r->form, "file_now", false, &r->file_now);
  return refused != NULL ? refused : read_case(r);
}

/* Who cannot be given the case now is named before anything is sealed. */
static json_t *check_open(struct agent *a, struct books *b, const struct referring *r, const Onward__Core *core)
{
  static const char *const why[] = {
      [ONWARD__SKIPPED_REASON__NOT_IN_STANDING] = "cannot be given cases: it is suspended, has lapsed, or leaves",
      [ONWARD__SKIPPED_REASON__AGREEMENT_ENDED] = "cannot be given cases: its data-sharing agreement has ended",
      [ONWARD__SKIPPED_REASON__OUT_OF_SCOPE] = "is not in the consent's scope",
  };
  struct consent consent = consent_of_submit(core->submit);
  json_t *refused = NULL;
  for (size_t i = 0; refused == NULL && i < r->to_count; i++)
    refused = desk_known(a, b, "to", &r->to[i]);
  for (size_t i = 0; refused == NULL && i < r->scope_count; i++)
    refused = desk_known(a, b, "scope", &r->scope[i]);
  for (size_t i = 0; refused == NULL && i < r->never_count; i++)
    refused = desk_known(a, b, "never", &r->never[i]);
  for (size_t i = 0; refused == NULL && i < r->to_count; i++) {
    char what[160];
    size_t skip = (size_t)rules_skip(b, &r->to[i], &consent, agent_log_ms(a));
    if (org_id_equal(&r->to[i], &a->self.id))
      return desk_error("bad_input", "to", "names your own organisation", NULL);
    if (skip == 0 || skip >= sizeof why / sizeof why[0])
      continue;
    a->stale = true;
    snprintf(what, sizeof what, ORG_FMT " %s", r->to[i].text, why[skip]);
    refused = desk_error("not_allowed", "to", what, "leave it out; see: onward directory");
  }
  return refused;
}

static json_t *compose_submit(struct agent *a, struct books *b, struct referring *r, Onward__Core *core,
                              struct composed *out)
{
  struct part parts[2 * RECIPIENTS_MAX];
  struct complaint why;
  json_t *refused = check_open(a, b, r, core);
  if (refused == NULL)
    refused = desk_whole(a, b);
  if (refused != NULL)
    return refused;
  for (size_t i = 0; i < r->to_count; i++) {
    parts[2 * i] = (struct part){r->to[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, r->brief};
    parts[2 * i + 1] = (struct part){r->to[i], ONWARD__PART__FILE,
                                     r->file_now ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT, r->file};
  }
  enum status s = compose(b, &a->self, core, parts, 2 * r->to_count, &a->arena, &why, out);
  return s == OK ? NULL : s == BAD_INPUT ? desk_error("bad_input", "file", why.text, NULL) : desk_trouble(s);
}

static enum status keep_never(struct agent *a, struct books *b, const struct ref_id *id, const struct referring *r)
{
  ProtobufCBinaryData named[SCOPE_MAX];
  Onward__NarrowConsent never = ONWARD__NARROW_CONSENT__INIT;
  for (size_t i = 0; i < r->never_count; i++)
    named[i] = pb_data(org_id_text(&r->never[i]));
  never.n_scope = r->never_count;
  never.scope = named;
  return r->never_count == 0 ? OK
                             : vault_keep(b, &a->self, own_case(id, OWN_NEVER), pb_pack(&never, &a->secret), &a->arena);
}

/* Sealed and judged, and nothing saved. */
static json_t *make(struct agent *a, struct referring *r)
{
  uint64_t until_ms = r->submit.consent_until_ms;
  if (r->again)
    return NULL;
  r->id = ref_id_new(now_ms());
  if (r->own)
    return NULL;
  json_t *refused = until_ms == 0 ? NULL : desk_ahead(a, "consent_until", until_ms);
  Onward__Core *core = core_new(&r->id, &a->arena);
  if (refused != NULL || core == NULL)
    return refused != NULL ? refused : desk_trouble(OUR_FAULT);
  core->act_case = ONWARD__CORE__ACT_SUBMIT;
  core->submit = &r->submit;
  struct books *b = agent_read(a);
  r->submit.directory_index = directory_index(b);
  refused = compose_submit(a, b, r, core, &r->composed);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  return refused != NULL ? refused : desk_judge(a, &r->composed.event);
}

/* Event, item, reference and our own copy of the case. */
static enum status save_one(struct agent *a, struct books *b, const struct referring *r)
{
  enum status s = OK;
  struct item item = {
      .id = r->id, .created_ms = now_ms(), .sender = 1, .opened = 1, .priority = (uint8_t)r->submit.priority};
  if (r->ref != NULL)
    memcpy(item.ref, r->ref, strlen(r->ref));
  item_put(b, &item);
  if (r->own) {
    item.own = 1;
    item.group = (uint8_t)r->submit.group;
  } else {
    s = outbox_add(b, item.priority, &r->composed.event, r->composed.bodies, &item.draft);
    item.pending = item.unsent = 1;
  }
  if (s == OK)
    s = vault_keep(b, &a->self, own_case(&r->id, ONWARD__PART__BRIEF), r->brief, &a->arena);
  if (s == OK)
    s = vault_keep(b, &a->self, own_case(&r->id, ONWARD__PART__FILE), r->file, &a->arena);
  if (s == OK)
    s = keep_never(a, b, &r->id, r);
  item_put(b, &item);
  if (r->ref != NULL)
    b->put(b, TABLE_REFS, bytes_text(r->ref), BYTES(r->id.byte));
  return s;
}

static json_t *save(struct agent *a, const struct referring *list, size_t count)
{
  enum status s = OK;
  struct books *b = agent_write(a);
  books_need_room(b, a->config.outbox_events);
  for (size_t i = 0; s == OK && i < count; i++)
    s = list[i].again ? OK : save_one(a, b, &list[i]);
  if (s != OK)
    agent_abort(a);
  else
    s = agent_commit(a);
  if (s != OK)
    return desk_trouble(s);
  session_push(a);
  return NULL;
}

/* --- the same reference again --- */

/* Where it goes, as everybody may read it. */
static bool same_routing(struct agent *a, struct books *b, const struct view *v, const struct referring *r)
{
  struct event e;
  if (r->own || v->item.own)
    return r->own && v->item.own && v->item.group == r->submit.group && v->item.priority == r->submit.priority;
  if (!view_submit(a, b, v, &e))
    return false;
  Onward__Submit given = r->submit;
  given.schema = e.core->submit->schema; /* an update between the two makes no other case */
  given.taxonomy = e.core->submit->taxonomy;
  given.directory_index = e.core->submit->directory_index;
  struct bytes packed = pb_pack(&given, &a->arena);
  return packed.size > 0 && bytes_equal(packed, pb_pack(e.core->submit, &a->arena)) &&
         view_file_now(&e) == (r->file_now != 0);
}

/* The case itself is kept sealed only, without any digest of it, which could be guessed from: so it is compared while
 * it can be opened. OK: the same. BAD_INPUT: another. NOT_NOW: locked, or not here any more. */
static enum status same_case(struct agent *a, struct books *b, const struct ref_id *id, const struct referring *r)
{
  struct bytes brief, file;
  if (vault_open(b, &a->self, own_case(id, ONWARD__PART__BRIEF), &a->secret, &brief) != OK ||
      vault_open(b, &a->self, own_case(id, ONWARD__PART__FILE), &a->secret, &file) != OK)
    return NOT_NOW;
  return bytes_equal(brief, r->brief) && bytes_equal(file, r->file) ? OK : BAD_INPUT;
}

static json_t *another_case(const struct ref_id *id)
{
  char item[REF_SHORT_SIZE], what[80], try[80];
  ref_short(id, item);
  snprintf(what, sizeof what, "was used for another referral, %s; nothing was saved", item);
  snprintf(try, sizeof try, "take another reference, or see: onward show %s", item);
  return desk_error("bad_input", "ref", what, try);
}

/* Was this reference used before, for the same? Then nothing new is made. */
static json_t *find_again(struct agent *a, struct referring *r)
{
  struct item item;
  struct view v;
  enum status same = BAD_INPUT;
  if (r->ref == NULL)
    return NULL;
  struct books *b = agent_read(a);
  r->again = desk_referred(b, r->ref, &item);
  if (r->again) {
    r->id = item.id;
    view_get(a, b, steps_read(b), &item, &v);
    same = same_routing(a, b, &v, r) ? same_case(a, b, &r->id, r) : BAD_INPUT;
  }
  r->compared = same == OK;
  if (agent_abort(a) != OK)
    return desk_trouble(OUR_FAULT);
  return r->again && same == BAD_INPUT ? another_case(&r->id) : NULL;
}

/* --- all of them --- */

/* The first that is refused ends it. */
static json_t *each(struct agent *a, struct referring *list, size_t count,
                    json_t *(*step)(struct agent *a, struct referring *r), size_t *wrong)
{
  json_t *refused = NULL;
  for (size_t i = 0; refused == NULL && i < count; i++) {
    *wrong = i;
    refused = step(a, &list[i]);
  }
  return refused;
}

/* Some are there already, with a number that is sealed: the others would be given another. */
static json_t *check_joined(const struct referring *list, size_t count)
{
  size_t again = 0, compared = 0;
  for (size_t i = 0; i < count; i++) {
    again += list[i].again;
    compared += list[i].compared;
  }
  return again == count || again == compared
             ? NULL
             : desk_error("locked", NULL, "some of these referrals were made before, and are locked", "onward unlock");
}

json_t *refer_all(struct agent *a, const json_t *with, struct referring *list, size_t count, size_t *wrong)
{
  json_t *refused = each(a, list, count, read_form, wrong);
  if (refused == NULL) {
    *wrong = count;
    refused = desk_join(a, with, list, count);
  }
  if (refused == NULL)
    refused = each(a, list, count, pack_case, wrong);
  if (refused == NULL)
    refused = each(a, list, count, find_again, wrong);
  if (refused == NULL && (refused = check_joined(list, count)) != NULL)
    *wrong = count;
  if (refused == NULL)
    refused = each(a, list, count, make, wrong);
  return refused != NULL ? refused : save(a, list, count);
}

void refer_forget(struct referring *r)
{
  json_decref(r->brief_form);
  json_decref(r->file_form);
}

void refer_tell(json_t *answer, const struct referring *r)
{
  json_id(answer, &r->id);
  json_object_set_new(answer, "again", json_boolean(r->again));
  if (r->again)
    json_object_set_new(answer, "compared", json_boolean(r->compared));
  if (!r->again || r->compared)
    json_object_set(answer, "root", json_object_get(r->file_form, "root"));
}

json_t *desk_refer(struct agent *a, const json_t *request)
{
  size_t wrong;
  struct referring r = {.form = request};
  json_t *answer = refer_all(a, json_object_get(request, "with"), &r, 1, &wrong);
  if (answer == NULL)
    refer_tell(answer = json_pack("{s:b}", "ok", 1), &r);
  refer_forget(&r);
  return answer;
}
