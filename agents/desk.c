/* One line in, one object out. What every handler needs is here: refusals, organisations and items by name, judging;
 * and the few requests about the agent itself. */
#include "agents/desk.h"

#include <stdio.h>
#include <string.h>

#include "agents/again.h"
#include "agents/agreements.h"
#include "agents/duty.h"
#include "agents/item.h"
#include "agents/questions.h"
#include "agents/told.h"
#include "agents/unattended.h"

/* Each request with the fields that it may have. */
static const struct {
  const char *name;
  desk_handler *handler;
  const char *fields; /* beside "do", with a space before and behind each */
} requests[] = {
    {"status", desk_status, " "},
    {"unlock", desk_unlock, " passphrase "},
    {"lock", desk_lock, " "},
    {"refer", desk_refer, FORM_FIELDS "with "},
    {"assess", desk_assess, FORM_FIELDS "with needs "},
    {"list", desk_list, " box "},
    {"show", desk_show, " id peek "},
    {"act", desk_act,
     " act id first_contact_by reason by outcome note to brief expected safety scope consent_until priority "},
    {"needs", desk_needs, " id "},
    {"directory", desk_directory, " as_of "},
    {"candidates", desk_candidates, " need area age_band age language priority never "},
    {"service", desk_service, SERVICE_FIELDS},
    {"end_service", desk_end_service, " number "},
    {"capacity", desk_capacity, " number status available maximum valid_until unit "},
    {"duty", desk_duty, " telephone hours "},
    {"assure", desk_assure, " organisation number index "},
    {"ask_place", desk_ask_place, " need area age_band age language priority never to valid_until "},
    {"answer_place", desk_answer_place, " question status valid_until "},
    {"questions", desk_questions, " "},
    {"receipt", desk_receipt, " id entry all "},
    {"alarms", desk_alarms, " "},
    {"evidence", desk_evidence, " kind "},
    {"enrol", desk_enrol, " request agreement_until "},
    {"invitation", desk_invitation, " organisation "},
    {"suspend", desk_suspend, " organisation standing "},
    {"rotate", desk_rotate, " request passphrase "},
    {"stop_replacement", desk_stop_replacement, " organisation "},
    {"policy", desk_policy, " "},
    {"set_policy", desk_set_policy, " clocks last_resort "},
    {"restored", desk_restored, " agree "},
    {"sign_restore", desk_sign_restore, " request sign "},
    {"mandate", desk_mandate, " name about referral from to "},
    {"watch", NULL, " "},
};

json_t *desk_error(const char *code, const char *field, const char *what, const char *try)
{
  json_t *o = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "what", what);
  if (field != NULL)
    json_object_set_new(o, "field", json_string(field));
  if (try != NULL)
    json_object_set_new(o, "try", json_string(try));
  return o;
}

json_t *desk_form_error(const struct form_error *e)
{
  return desk_error("bad_input", e->field, e->what, NULL);
}

json_t *desk_verdict(Onward__Verdict v)
{
  return desk_error("not_allowed", NULL, verdict_text(v), NULL);
}

json_t *desk_trouble(enum status s)
{
  if (s == NOT_NOW)
    return desk_error("full", NULL, "the disk or the queue is full; nothing was saved", "make room on the disk");
  return desk_error("broken", NULL, "something is wrong with Onward on this computer; nothing was saved",
                    "see its log");
}

json_t *desk_saved(const struct ref_id *id)
{
  json_t *o = json_pack("{s:b}", "ok", 1);
  json_id(o, id);
  return o;
}

/* --- finding --- */

json_t *desk_organisation(const json_t *request, const char *field, struct org_id *out)
{
  const json_t *value = json_object_get(request, field);
  if (value == NULL)
    return desk_error("bad_input", field, "is missing", "name an organisation; see: onward directory");
  if (!json_is_string(value) || json_string_length(value) > sizeof out->text ||
      org_id_parse(bytes_of(json_string_value(value), json_string_length(value)), out) != OK)
    return desk_error("bad_input", field, "must be an organisation's id", "see: onward directory");
  return NULL;
}

static bool listed(const struct org_id *list, size_t count, const struct org_id *one)
{
  for (size_t i = 0; i < count; i++)
    if (org_id_equal(&list[i], one))
      return true;
  return false;
}

json_t *desk_organisations(const json_t *request, const char *field, size_t min, size_t max, struct org_id *out,
                           size_t *count)
{
  const json_t *list = json_object_get(request, field);
  char what[80];
  snprintf(what, sizeof what, "must be a list of %zu to %zu organisations, each once", min, max);
  *count = json_array_size(list);
  if (list != NULL && !json_is_array(list))
    return desk_error("bad_input", field, what, NULL);
  if (*count < min || *count > max)
    return desk_error("bad_input", field, list == NULL ? "is missing" : what, NULL);
  for (size_t i = 0; i < *count; i++) {
    json_t *one = json_pack("{s:O}", field, json_array_get(list, i));
    json_t *refused = desk_organisation(one, field, &out[i]);
    json_decref(one);
    if (refused != NULL)
      return refused;
    if (listed(out, i, &out[i]))
      return desk_error("bad_input", field, what, NULL);
  }
  return NULL;
}

/* At most this many letters differ. */
static int near_enough(const char *id)
{
  return 1 + (int)strlen(id) / 3;
}

json_t *desk_known(struct agent *a, struct books *b, const char *field, const struct org_id *id)
{
  enum { NAMED_MAX = 3 };
  struct organisation o;
  char wanted[sizeof id->text + 1], what[160];
  if (books_organisation(b, id, &o) == OK)
    return NULL;
  a->stale = true; /* a newer directory may know it */
  snprintf(wanted, sizeof wanted, ORG_FMT, id->text);
  struct writer w = writer_of(what, sizeof what);
  write_text(&w, wanted);
  write_text(&w, " is not in the directory");
  struct walk walk = walk_start(TABLE_ORGANISATIONS, (struct bytes){NULL, 0});
  for (int named = 0; named < NAMED_MAX && walk_next(&walk, b);) {
    char have[sizeof o.id.text + 1];
    memcpy(&o, walk.value.data, sizeof o);
    snprintf(have, sizeof have, ORG_FMT, o.id.text);
    if (words_distance(wanted, have) > near_enough(wanted))
      continue;
    write_text(&w, named++ == 0 ? "; there is: " : ", ");
    write_text(&w, have);
  }
  write_u8(&w, 0);
  must(!w.overflow);
  return desk_error("bad_input", field, what, "see: onward directory");
}

json_t *desk_whole(struct agent *a, struct books *b)
{
  if (session_directory_whole(&a->session, b))
    return NULL;
  a->stale = true;
  return desk_error("not_allowed", NULL,
                    "something in the directory has changed and has not come yet: nothing is sealed "
                    "before that",
                    "try again when Onward is connected with the exchange");
}

json_t *desk_ahead(const struct agent *a, const char *field, uint64_t ms)
{
  if (ms >= agent_log_ms(a))
    return NULL;
  return desk_error("bad_input", field, "is over: must be a date, YYYY-MM-DD, today or later, or a time to come (UTC)",
                    NULL);
}

static enum status find_short(struct books *b, const char *text, struct item *out)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  char wanted[REF_SHORT_SIZE] = {0};
  size_t n = 0, found = 0;
  for (const char *p = text; *p != 0 && n + 1 < sizeof wanted; p++) { /* K7MQ4X-T, whatever was typed */
    if (*p == '-')
      continue;
    if (n == 6)
      wanted[n++] = '-';
    wanted[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
  }
  while (walk_next(&w, b)) {
    struct ref_id id;
    char have[REF_SHORT_SIZE];
    memcpy(id.byte, w.key.data, sizeof id.byte);
    ref_short(&id, have);
    if (strcmp(have, wanted) == 0 && found++ == 0)
      memcpy(out, w.value.data, sizeof *out);
  }
  return found == 1 ? OK : found == 0 ? NOT_FOUND : BAD_INPUT;
}

bool desk_referred(struct books *b, const char *ref, struct item *out)
{
  struct ref_id id;
  struct bytes row;
  if (strlen(ref) > REFERENCE_MAX || b->get(b, TABLE_REFS, bytes_text(ref), &row) != OK || row.size != sizeof id.byte)
    return false;
  memcpy(id.byte, row.data, sizeof id.byte);
  return item_get(b, &id, out) == OK;
}

json_t *desk_item(struct books *b, const json_t *request, struct item *out)
{
  const char *text = json_string_value(json_object_get(request, "id"));
  struct ref_id id;
  size_t size;
  if (text == NULL || text[0] == 0)
    return desk_error("bad_input", "id", "is missing", NULL);
  struct bytes name = bytes_text(text);
  if (hex_decode(name, id.byte, sizeof id.byte, &size) == OK && size == sizeof id.byte && item_get(b, &id, out) == OK)
    return NULL;
  enum status s = ref_short_valid(text) ? find_short(b, text, out) : NOT_FOUND;
  if (s == NOT_FOUND && desk_referred(b, text, out))
    s = OK;
  if (s == BAD_INPUT)
    return desk_error("bad_input", "id", "is the short form of more than one item",
                      "give all 32 digits of the one you mean");
  return s == OK ? NULL
                 : desk_error("not_found", "id", "there is no such item on this computer",
                              "see: onward inbox, and: onward sent");
}

json_t *desk_judge(struct agent *a, const struct event *e)
{
  Onward__Verdict v = judge(agent_write(a), &a->self, e, agent_log_ms(a), &a->arena);
  if (agent_abort(a) != OK)
    return desk_trouble(OUR_FAULT);
  return v == ONWARD__VERDICT__ACCEPTED ? NULL : desk_verdict(v);
}

/* --- the agent itself --- */

json_t *desk_replacement(struct agent *a, struct books *b, const struct organisation *o)
{
  struct bytes row;
  struct leaf leaf;
  struct org_id by;
  char name[ORGANISATION_NAME_SIZE];
  if (o->pending_due_ms == 0 || books_entry(b, o->pending_index, &row) != OK || leaf_read(row, &leaf) != OK)
    return NULL;
  leaf_author(&leaf, &by);
  directory_name(b, &by, &a->arena, name);
  json_t *one = json_pack("{s:I, s:I, s:s}", "asked_ms", (json_int_t)leaf.time_ms, "due_ms",
                          (json_int_t)o->pending_due_ms, "by_name", name);
  json_object_set_new(one, "by", json_org(&by));
  return one;
}

json_t *desk_status(struct agent *a, const json_t *request)
{
  struct marks m;
  struct organisation self;
  char name[ORGANISATION_NAME_SIZE];
  (void)request;
  struct books *b = agent_read(a);
  marks_get(b, &m);
  bool known = books_organisation(b, &a->self.id, &self) == OK;
  directory_name(b, &a->self.id, &a->arena, name);
  json_t *alarms = json_array();
  for (enum alarm_kind k = alarm_next(b, ALARM_NONE); k != ALARM_NONE; k = alarm_next(b, k))
    json_array_append_new(alarms, json_string(alarm_text(k)));
  size_t waiting = duty_waiting(b) + again_waiting(b), unconfirmed = outbox_unlogged(b);
  json_t *replacement = known ? desk_replacement(a, b, &self) : NULL;
  json_t *unattended = unattended_json(a, b), *told = told_json(a, b), *agreements = agreements_json(a, b);
  json_t *backup = backup_json(a, b);
  size_t questions = questions_waiting(a, b);
  if (agent_abort(a) != OK) {
    json_decref(alarms);
    json_decref(unattended);
    json_decref(told);
    json_decref(agreements);
    json_decref(backup);
    json_decref(replacement);
    return desk_trouble(OUR_FAULT);
  }
  json_t *o = json_pack("{s:b, s:s, s:b, s:s, s:b, s:I, s:b, s:I, s:I, s:I, s:o}", "ok", 1, "name", name, "registrar",
                        known && self.registrar != 0, "network", a->network.words, "connected",
                        session_connected(&a->session), "last_contact_ms", (json_int_t)m.contact_ms, "locked",
                        keys_locked(&a->keys), "unsent", (json_int_t)m.waiting, "waits_for_unlock", (json_int_t)waiting,
                        "log_size", (json_int_t)a->evidence.newest.size, "alarms", alarms);
  json_object_set_new(o, "organisation", json_org(&a->self.id));
  json_object_set_new(o, "unconfirmed", json_integer((json_int_t)unconfirmed));
  json_object_set_new(o, "stalled", json_boolean(session_stalled(&a->session)));
  json_object_set_new(o, "busy", json_boolean(a->session.busy));
  json_object_set_new(o, "disk_full", json_boolean(!store_takes_bodies(a->store)));
  const char *refused;
  json_object_set_new(o, "connection", json_string(session_connection(&a->session, &refused)));
  if (refused != NULL)
    json_object_set_new(o, "why", json_string(refused));
  if (replacement != NULL)
    json_object_set_new(o, "replacement", replacement);
  json_object_set_new(o, "unattended", unattended);
  json_object_set_new(o, "told", told);
  json_object_set_new(o, "agreements", agreements);
  json_object_set_new(o, "backup", backup);
  json_object_set_new(o, "questions", json_integer((json_int_t)questions));
  return o;
}

json_t *desk_unlock(struct agent *a, const json_t *request)
{
  const json_t *passphrase = json_object_get(request, "passphrase");
  if (!json_is_string(passphrase))
    return desk_error("bad_input", "passphrase", "is missing", NULL);
  enum status s = keys_unlock(&a->keys, bytes_of(json_string_value(passphrase), json_string_length(passphrase)));
  if (s == NOT_NOW)
    return desk_error("not_allowed", "passphrase", "is wrong", NULL);
  if (s != OK)
    return desk_error("broken", NULL, "a sealing key is missing or damaged", "bring the data folder's backup");
  a->used_ms = ticks_ms();
  say("unlocked");
  duty_reseal(a);
  again_say(a);
  return json_pack("{s:b}", "ok", 1);
}

json_t *desk_lock(struct agent *a, const json_t *request)
{
  (void)request;
  keys_lock(&a->keys);
  say("locked");
  return json_pack("{s:b}", "ok", 1);
}

/* --- one request --- */

/* Short, and of characters that a field's name may have: then it can be told. */
static bool is_plain(const char *name)
{
  size_t size = 0;
  for (; name[size] > ' ' && name[size] <= '~'; size++)
    ;
  return size > 0 && size <= 40 && name[size] == 0;
}

json_t *desk_unknown_field(const json_t *object, const char *fields)
{
  const char *name;
  json_t *value;
  size_t number = 0;
  json_object_foreach((json_t *)(uintptr_t)object, name, value)
  {
    char padded[40], what[400];
    number++;
    snprintf(padded, sizeof padded, " %.36s ", name);
    if (strcmp(name, "do") == 0 || (strlen(name) < 36 && strstr(fields, padded) != NULL))
      continue;
    if (is_plain(name))
      snprintf(what, sizeof what, "%s is none of this request's fields:%s", name, fields);
    else
      snprintf(what, sizeof what, "field number %zu is none of this request's:%s", number, fields);
    what[strcspn(what, "\n")] = 0;
    return desk_error("bad_input", NULL, what, NULL);
  }
  return NULL;
}

static json_t *answer_request(struct agent *a, const json_t *request, bool *watch)
{
  const char *name = json_string_value(json_object_get(request, "do"));
  for (size_t i = 0; name != NULL && i < sizeof requests / sizeof requests[0]; i++) {
    if (strcmp(requests[i].name, name) != 0)
      continue;
    json_t *refused = desk_unknown_field(request, requests[i].fields);
    if (refused != NULL)
      return refused;
    *watch = requests[i].handler == NULL;
    return *watch ? json_pack("{s:b}", "ok", 1) : requests[i].handler(a, request);
  }
  return desk_error("bad_input", "do", name == NULL ? "is missing" : "is no request of this version", NULL);
}

json_t *desk_answer(struct agent *a, const char *line, size_t size, int waits, bool *watch)
{
  json_error_t error; /* quotes the line: never told */
  json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
  arena_reset(&a->arena);
  a->stale = a->unseen = false;
  json_t *answer = json_is_object(request) ? answer_request(a, request, watch)
                                           : desk_error("bad_input", NULL, "expected one JSON object a line", NULL);
  wipe(&error, sizeof error);
  json_decref(request);
  arena_wipe(&a->secret);
  bool wait = waits == 0 ? a->stale : waits < DESK_WAITS_MAX && a->unseen;
  if (wait && session_refresh(a)) {
    json_decref(answer);
    return NULL;
  }
  return answer != NULL ? answer : desk_error("broken", NULL, "not enough memory; nothing was saved", NULL);
}
