/* What each act needs: one function reads it from the request, one table says which fields an act may have. */
#include <string.h>

#include "agents/desk_step.h"

/* --- what an act needs --- */

static json_t *need_code(struct step *s, const char *field, const ProtobufCEnumDescriptor *type, const char *note_field,
                         int *out)
{
  struct form_error error;
  const json_t *value = json_object_get(s->request, field);
  if (form_code(type, field, value, &error, out) != OK) /* also where it is missing: the allowed names are told */
    return desk_form_error(&error);
  if (note_field != NULL)
    json_object_set(s->note, note_field, (json_t *)(uintptr_t)value);
  return NULL;
}

static json_t *fill_nothing(struct agent *a, struct books *b, struct step *s)
{
  (void)a;
  (void)b;
  (void)s;
  return NULL;
}

static json_t *need_date(struct agent *a, const struct step *s, const char *field, const char *try, uint64_t *out)
{
  struct form_error error;
  const json_t *date = json_object_get(s->request, field);
  if (date == NULL)
    return desk_error("bad_input", field, "is missing", try);
  if (form_date(field, date, &error, out) != OK)
    return desk_form_error(&error);
  return desk_ahead(a, field, *out);
}

static json_t *fill_accept(struct agent *a, struct books *b, struct step *s)
{
  (void)b;
  return need_date(a, s, "first_contact_by", "say by when you will have spoken with the child: --first-contact DATE",
                   &s->as.accept.first_contact_by_ms);
}

static json_t *fill_waitlist(struct agent *a, struct books *b, struct step *s)
{
  uint64_t *expected_ms = &s->as.waitlist.expected_ms;
  (void)b;
  json_t *refused = need_date(a, s, "expected", "say when you expect to begin: --expected DATE", expected_ms);
  if (refused == NULL && *expected_ms > agent_log_ms(a) + 1000ull * CLOCK_LIMIT_MAX_S)
    refused = desk_error("bad_input", "expected", "is too far away: must be a date within 366 days", "or decline it");
  return refused;
}

static json_t *fill_tell(struct agent *a, struct books *b, struct step *s)
{
  const json_t *safety = json_object_get(s->request, "safety");
  (void)a;
  (void)b;
  if (safety != NULL && !json_is_boolean(safety))
    return desk_error("bad_input", "safety", "must be true or false", NULL);
  s->as.tell.safety = json_is_true(safety);
  return NULL;
}

static json_t *fill_raise_priority(struct agent *a, struct books *b, struct step *s)
{
  int priority = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "priority", &onward__priority__descriptor, NULL, &priority);
  s->as.raise_priority.priority = (Onward__Priority)priority;
  return refused;
}

static json_t *fill_decline(struct agent *a, struct books *b, struct step *s)
{
  int reason = 0, by = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "reason", &onward__decline_reason__descriptor, "decline", &reason);
  if (refused == NULL)
    refused = need_code(s, "by", &onward__declined_by__descriptor, NULL, &by);
  s->as.decline.reason = form_decline_class((Onward__DeclineReason)reason);
  s->as.decline.by = (Onward__DeclinedBy)by;
  return refused;
}

static json_t *fill_fail(struct agent *a, struct books *b, struct step *s)
{
  int reason = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "reason", &onward__decline_reason__descriptor, "decline", &reason);
  s->as.fail.reason = form_decline_class((Onward__DeclineReason)reason);
  return refused;
}

static json_t *fill_complete(struct agent *a, struct books *b, struct step *s)
{
  int outcome = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "outcome", &onward__outcome__descriptor, "outcome", &outcome);
  s->as.complete.outcome = form_outcome_class((Onward__Outcome)outcome);
  return refused;
}

/* A brief in the words of whoever passes it on; without one, as it came. */
static json_t *reroute_brief(struct agent *a, struct books *b, struct step *s)
{
  struct form_error error;
  struct bytes content;
  uint32_t schema;
  const struct party *p = view_party(&s->view, &a->self.id);
  const json_t *given = json_object_get(s->request, "brief");
  json_t *brief = NULL;
  if (given != NULL && !json_is_object(given))
    return desk_error("bad_input", "brief", "must be an object", NULL);
  if (given != NULL) {
    brief = json_deep_copy(given);
  } else {
    if (keys_locked(&a->keys))
      return desk_error("locked", NULL, "the case is locked", "onward unlock, or give a brief of your own");
    if (p != NULL && body_open(b, &a->self, p->brief_index, p->brief_slot, &a->secret, &content) == OK)
      brief = form_unpack(&onward__brief__descriptor, content, &a->secret, &schema);
    if (brief == NULL)
      return desk_error("bad_input", "brief", "is missing, and the one that came is not here", NULL);
  }
  json_object_set_new(brief, "by_rerouter", json_true());
  enum status st = form_complete(brief, NULL, &error);
  if (st == OK)
    st = form_pack(&onward__brief__descriptor, "brief", brief, &a->secret, &error, &s->own_brief);
  json_decref(brief);
  return st == OK ? NULL : st == BAD_INPUT ? desk_form_error(&error) : desk_trouble(OUR_FAULT);
}

static json_t *fill_reroute(struct agent *a, struct books *b, struct step *s)
{
  json_t *refused = desk_organisation(s->request, "to", &s->to[0]);
  if (refused == NULL)
    refused = desk_known(a, b, "to", &s->to[0]);
  if (refused == NULL)
    refused = reroute_brief(a, b, s);
  s->as.reroute.target = pb_data(org_id_text(&s->to[0]));
  s->parts[s->part_count++] = (struct part){s->to[0], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, s->own_brief};
  return refused;
}

/* The organisations of a list, each in the directory. */
static json_t *need_named(struct agent *a, struct books *b, struct step *s, const char *field, size_t max,
                          size_t *count)
{
  json_t *refused = desk_organisations(s->request, field, 1, max, s->to, count);
  for (size_t i = 0; refused == NULL && i < *count; i++) {
    refused = desk_known(a, b, field, &s->to[i]);
    s->named[i] = pb_data(org_id_text(&s->to[i]));
  }
  return refused;
}

/* Whom the referral named as never to be given the case. */
static json_t *check_never(struct agent *a, struct books *b, const struct step *s, size_t count)
{
  struct bytes packed;
  const struct own_name name = own_case(&s->view.item.id, OWN_NEVER);
  if (!vault_has(b, name))
    return NULL;
  if (keys_locked(&a->keys))
    return desk_error("locked", NULL, "who must never be given this case is sealed with it", "onward unlock");
  const Onward__NarrowConsent *never = vault_open(b, &a->self, name, &a->secret, &packed) != OK
                                           ? NULL
                                           : pb_unpack(&onward__narrow_consent__descriptor, packed, &a->secret);
  if (never == NULL)
    return desk_trouble(OUR_FAULT);
  for (size_t i = 0; i < never->n_scope; i++)
    for (size_t k = 0; k < count; k++)
      if (bytes_equal(pb_bytes(never->scope[i]), org_id_text(&s->to[k])))
        return desk_error("bad_input", "scope", "names an organisation that you said must never be given this case",
                          "leave it out");
  return NULL;
}

static json_t *fill_renew_consent(struct agent *a, struct books *b, struct step *s)
{
  struct form_error error;
  Onward__RenewConsent *m = &s->as.renew_consent;
  const json_t *until = json_object_get(s->request, "consent_until");
  json_t *refused = need_named(a, b, s, "scope", SCOPE_MAX, &m->n_scope);
  m->scope = s->named;
  if (refused == NULL)
    refused = check_never(a, b, s, m->n_scope);
  if (refused != NULL || until == NULL)
    return refused;
  if (form_date("consent_until", until, &error, &m->consent_until_ms) != OK)
    return desk_form_error(&error);
  return desk_ahead(a, "consent_until", m->consent_until_ms);
}

static json_t *fill_narrow_consent(struct agent *a, struct books *b, struct step *s)
{
  s->as.narrow_consent.scope = s->named;
  return need_named(a, b, s, "scope", SCOPE_MAX, &s->as.narrow_consent.n_scope);
}

static json_t *fill_readdress(struct agent *a, struct books *b, struct step *s)
{
  struct bytes brief, file;
  size_t count;
  const struct ref_id *id = &s->view.item.id;
  json_t *refused = need_named(a, b, s, "to", RECIPIENTS_MAX, &count);
  if (refused != NULL)
    return refused;
  enum status st = vault_open(b, &a->self, own_case(id, ONWARD__PART__BRIEF), &a->secret, &brief);
  if (st == OK)
    st = vault_open(b, &a->self, own_case(id, ONWARD__PART__FILE), &a->secret, &file);
  if (st == NOT_NOW)
    return desk_error("locked", NULL, "the case is locked; it has to be sealed for them", "onward unlock");
  if (st != OK)
    return desk_error("not_found", NULL, "the case itself is not on this computer", "close it, and send it again");
  struct event submit;
  bool now = view_submit(a, b, &s->view, &submit) && view_file_now(&submit); /* as it went to the first ones */
  Onward__Release release = now ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT;
  for (size_t i = 0; i < count; i++) {
    s->parts[s->part_count++] = (struct part){s->to[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, brief};
    s->parts[s->part_count++] = (struct part){s->to[i], ONWARD__PART__FILE, release, file};
  }
  s->as.readdress.n_recipients = count;
  s->as.readdress.recipients = s->named;
  return NULL;
}

/* --- the table --- */

static const struct act_form acts[] = {
#define ACT(lower, upper, fill, fields)                                                                                \
  {                                                                                                                    \
#lower, ONWARD__CORE__ACT_##upper, &onward__##lower##__descriptor, fill, fields                                    \
  }
    ACT(acknowledge, ACKNOWLEDGE, fill_nothing, ""),
    ACT(tell, TELL, fill_tell, "safety note!"),
    ACT(next, NEXT, fill_nothing, ""),
    ACT(request_info, REQUEST_INFO, fill_nothing, "note!"),
    ACT(supply_info, SUPPLY_INFO, fill_nothing, "note!"),
    ACT(waitlist, WAITLIST, fill_waitlist, "expected note"),
    ACT(accept, ACCEPT, fill_accept, "first_contact_by note"),
    ACT(decline, DECLINE, fill_decline, "reason by note"),
    ACT(reroute, REROUTE, fill_reroute, "to brief"),
    ACT(start, START, fill_nothing, "note"),
    ACT(progress, PROGRESS, fill_nothing, "note"),
    ACT(complete, COMPLETE, fill_complete, "outcome note"),
    ACT(fail, FAIL, fill_fail, "reason note"),
    ACT(close, CLOSE, fill_nothing, "note"),
    ACT(readdress, READDRESS, fill_readdress, "to"),
    ACT(cancel, CANCEL, fill_nothing, "note"),
    ACT(confirm_cancel, CONFIRM_CANCEL, fill_nothing, "note"),
    ACT(refuse_cancel, REFUSE_CANCEL, fill_nothing, "note"),
    ACT(renew_consent, RENEW_CONSENT, fill_renew_consent, "scope consent_until"),
    ACT(narrow_consent, NARROW_CONSENT, fill_narrow_consent, "scope"),
    ACT(raise_priority, RAISE_PRIORITY, fill_raise_priority, "priority"),
    ACT(withdraw, WITHDRAW, fill_nothing, "note"),
    ACT(enter_in_error, ENTER_IN_ERROR, fill_nothing, "note"),
    ACT(erase_receipt, ERASE_RECEIPT, fill_nothing, ""),
    ACT(legal_hold, LEGAL_HOLD, fill_nothing, "note!"),
#undef ACT
};

bool step_has_field(const struct act_form *form, const char *field)
{
  size_t size = strlen(field);
  for (const char *p = form->fields; *p != 0; p += strspn(p, " ")) {
    size_t word = strcspn(p, " ");
    if (word == size && memcmp(p, field, size) == 0)
      return true;
    p += word;
  }
  return false;
}

static json_t *check_fields(const json_t *request, const struct act_form *form)
{
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)request, name, value)
  {
    bool always = strcmp(name, "do") == 0 || strcmp(name, "act") == 0 || strcmp(name, "id") == 0;
    bool note = strcmp(name, "note") == 0 && step_has_field(form, "note!");
    if (!always && !note && !step_has_field(form, name))
      return desk_error("bad_input", name, "has no place in this act", NULL); /* a name of the request's own list */
  }
  return NULL;
}

static json_t *unknown_act(void)
{
  char what[400];
  struct writer w = writer_of(what, sizeof what);
  write_text(&w, "must be one of ");
  for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
    write_text(&w, i == 0 ? "" : ", ");
    write_text(&w, acts[i].name);
  }
  write_u8(&w, 0);
  must(!w.overflow);
  return desk_error("bad_input", "act", what, NULL);
}

const struct act_form *step_form(const json_t *request, json_t **refused)
{
  const char *name = json_string_value(json_object_get(request, "act"));
  for (size_t i = 0; name != NULL && i < sizeof acts / sizeof acts[0]; i++)
    if (strcmp(acts[i].name, name) == 0) {
      *refused = check_fields(request, &acts[i]);
      return *refused == NULL ? &acts[i] : NULL;
    }
  *refused = unknown_act();
  return NULL;
}
