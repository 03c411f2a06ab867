/* An item and its history as JSON objects (docs/spec/local-socket.md). */
#include <stdlib.h>
#include <string.h>

#include "agents/item.h"
#include "agents/overdue.h"
#include "agents/restored.h"
#include "proto/rules/rules.h"

json_t *json_org(const struct org_id *id)
{
  struct bytes text = org_id_text(id);
  return json_stringn((const char *)text.data, text.size);
}

json_t *json_bytes(ProtobufCBinaryData text)
{
  json_t *value = json_stringn((const char *)text.data, text.len);
  return value != NULL ? value : json_string("");
}

void json_id(json_t *object, const struct ref_id *id)
{
  char hex[2 * sizeof id->byte + 1], text[REF_SHORT_SIZE];
  hex_encode(BYTES(id->byte), hex);
  ref_short(id, text);
  json_object_set_new(object, "id", json_string(hex));
  json_object_set_new(object, "short", json_string(text));
}

static bool in(enum referral_state state, uint32_t set)
{
  return (set >> state & 1) != 0;
}

static void set_org(struct agent *a, struct books *b, json_t *o, const char *key, const char *name_key,
                    const struct org_id *id)
{
  char name[ORGANISATION_NAME_SIZE];
  directory_name(b, id, &a->arena, name);
  json_object_set_new(o, key, json_org(id));
  json_object_set_new(o, name_key, json_string(name));
}

json_t *json_contact(struct agent *a, struct books *b, const struct org_id *id)
{
  struct organisation org;
  size_t used = a->arena.used;
  json_t *o = json_object();
  set_org(a, b, o, "id", "name", id);
  const Onward__Request *r = books_organisation(b, id, &org) == OK ? directory_request(b, &org, &a->arena) : NULL;
  json_object_set_new(o, "telephone", r != NULL ? json_bytes(r->duty_telephone) : json_string(""));
  json_object_set_new(o, "hours", r != NULL ? json_bytes(r->duty_hours) : json_string(""));
  a->arena.used = used;
  return o;
}

static void set_number(json_t *o, const char *key, uint64_t n)
{
  json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
  json_object_set_new(o, key, json_string(text));
}

static void set_flag(json_t *o, const char *key, bool flag)
{
  json_object_set_new(o, key, json_boolean(flag));
}

static json_t *party_json(struct agent *a, struct books *b, const struct org_id *id, int rank, bool visited)
{
  json_t *o = json_object();
  set_org(a, b, o, "id", "name", id);
  set_number(o, "rank", (uint64_t)rank);
  set_flag(o, "visited", visited);
  return o;
}

static void add_submit(struct agent *a, struct books *b, json_t *o, const struct view *v, const Onward__Submit *s)
{
  set_text(o, "group", pb_enum_name(&onward__service_group__descriptor, (int)s->group));
  json_object_set_new(o, "area", json_bytes(s->area));
  set_number(o, "directory_index", s->directory_index);
  set_flag(o, "phoned", s->phoned != 0);
  set_flag(o, "drill", s->drill != 0);
  uint64_t until_ms = v->logged ? v->referral.consent_until_ms : s->consent_until_ms;
  if (until_ms != 0)
    set_number(o, "consent_until_ms", until_ms);
  json_t *parties = json_array();
  for (size_t i = 0; !v->logged && i < s->n_recipients; i++) {
    struct org_id id;
    if (pb_org(s->recipients[i], &id) == OK)
      json_array_append_new(parties, party_json(a, b, &id, (int)i + 1, false));
  }
  for (int i = 0; v->logged && i < v->referral.party_count; i++) {
    const struct party *p = &v->referral.parties[i];
    json_array_append_new(parties, party_json(a, b, &p->org, p->rank, (p->marks & PARTY_VISITED) != 0));
  }
  json_object_set_new(o, "parties", parties);
}

json_t *steps_json(const struct step_of *list, size_t count)
{
  json_t *steps = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *one = json_object();
    set_text(one, "act", act_name(list[i].act));
    set_text(one, "delivery", list[i].sent ? "sent" : "not_sent");
    json_array_append_new(steps, one);
  }
  return steps;
}

json_t *steps_registry_json(const struct steps *steps)
{
  struct view nobodys = {.item = {.created_ms = 0}}; /* an act on the directory has no referral: its id is zero */
  view_find_steps(steps, &nobodys);
  return steps_json(nobodys.steps, nobodys.step_count);
}

static void add_refused(json_t *o, const struct item *item)
{
  if (item->refused_act == 0)
    return;
  Onward__Verdict v = item->refused_verdict;
  bool lost = item->refused_verdict == REFUSED_LOST;
  const char *what = lost     ? "the exchange was restored from a backup and has it no more: do it again"
                     : v == 0 ? "the exchange could not read it; this is a fault of the program"
                              : verdict_text(v);
  json_t *refused = json_object();
  set_text(refused, "act", act_name(item->refused_act));
  set_text(refused, "verdict",
           lost     ? "LOST"
           : v == 0 ? "NOT_HEARD"
                    : pb_enum_name(&onward__verdict__descriptor, (int)v));
  set_text(refused, "what", what);
  json_object_set_new(o, "refused", refused);
}

static json_t *flags_json(const struct view *v)
{
  static const struct {
    uint8_t flag;
    const char *name;
  } names[] = {{FLAG_CANCEL_OPEN, "cancel_open"},
               {FLAG_INFO_OPEN, "info_open"},
               {FLAG_SAFETY_AT_RECIPIENT, "safety_at_recipient"},
               {FLAG_SAFETY_AT_SENDER, "safety_at_sender"},
               {FLAG_RESEAL_ASKED, "reseal_asked"}};
  json_t *flags = json_array();
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (v->logged && (v->referral.flags & names[i].flag) != 0)
      json_array_append_new(flags, json_string(names[i].name));
  return flags;
}

static void add_awaited(struct agent *a, json_t *o, const struct view *v)
{
  const char *const *acts = NULL;
  const struct org_id *from = view_awaited(v, &a->self.id, &acts);
  json_t *awaited = json_array();
  for (; from != NULL && *acts != NULL; acts++)
    json_array_append_new(awaited, json_string(*acts));
  json_object_set_new(o, "awaited", awaited);
  if (from != NULL)
    json_object_set_new(o, "awaited_from", json_org(from));
}

/* A need that we meet ourselves: what a referral has from the log and its submit. */
static void add_own(struct agent *a, struct books *b, json_t *o, const struct item *item)
{
  set_text(o, "group", pb_enum_name(&onward__service_group__descriptor, item->group));
  set_org(a, b, o, "with", "with_name", &a->self.id);
  if (item->outcome == 0)
    return;
  set_text(o, "outcome", pb_enum_name(&onward__outcome_class__descriptor, item->outcome));
  set_org(a, b, o, "outcome_by", "outcome_by_name", &a->self.id);
}

static void add_state(struct agent *a, struct books *b, json_t *o, const struct view *v)
{
  const struct referral *r = &v->referral;
  const struct org_id *self = &a->self.id;
  const char *state = view_state(v, self);
  set_text(o, "state", state);
  json_object_set_new(o, "flags", flags_json(v));
  add_awaited(a, o, v);
  bool taken = v->logged && r->present != PARTY_NONE && r->accept_index != 0 &&
               in(r->state, HELD_STATES | IN(IN_PROGRESS) | IN(COMPLETED));
  struct org_id was;
  const struct org_id *sender = v->logged ? &r->sender : restored_lost_sender(a, b, &v->item, &was) ? &was : self;
  if (strcmp(state, "left") != 0 && strcmp(state, "gone") != 0) /* whoever has it now: that is not told to us */
    set_org(a, b, o, "who", "who_name", taken ? &r->parties[r->present].org : sender);
  if (v->logged && r->present != PARTY_NONE && in(r->state, LIVE_STATES))
    set_org(a, b, o, "with", "with_name", &r->parties[r->present].org);
  set_org(a, b, o, "sender", "sender_name", sender);
  set_number(o, "leg", v->logged ? r->leg : 0);
  set_number(o, "hops", v->logged ? r->hops : 0);
  set_number(o, "since_ms", view_since_ms(v));
  if (v->logged && r->outcome != 0 && r->present != PARTY_NONE) {
    set_text(o, "outcome", pb_enum_name(&onward__outcome_class__descriptor, r->outcome));
    set_org(a, b, o, "outcome_by", "outcome_by_name", &r->parties[r->present].org);
  }
  if (v->logged && r->state == STATE_WAITLISTED)
    set_number(o, "expected_ms", r->expected_ms);
  set_number(o, "submitted_ms", v->logged ? r->submitted_ms : v->item.created_ms);
}

/* What ran out, since when, and who should have acted: the exchange's own entry says it. */
static json_t *overdue_json(struct agent *a, struct books *b, const struct view *v)
{
  json_t *list = json_array();
  for (int clock = 1; clock <= CLOCKS; clock++) {
    struct leaf leaf;
    struct event e;
    struct org_id owes;
    if (!view_overdue(v, (Onward__Clock)clock) ||
        books_event(b, v->item.overdue_entry[clock - 1], &a->arena, &leaf, &e) != OK ||
        e.act != ONWARD__CORE__ACT_OVERDUE || pb_org(e.core->overdue->organisation, &owes) != OK)
      continue;
    json_t *one = json_contact(a, b, &owes);
    set_text(one, "clock", pb_enum_name(&onward__clock__descriptor, clock));
    set_number(one, "since_ms", leaf.time_ms);
    json_array_append_new(list, one);
  }
  return list;
}

/* Whose duty to erase is open, or who keeps the case by law. The sender sees all of them, others themselves. */
static json_t *erasures_json(struct agent *a, struct books *b, const struct view *v, uint8_t mark)
{
  json_t *list = json_array();
  for (int i = 0; v->logged && i < v->referral.party_count; i++) {
    const struct party *p = &v->referral.parties[i];
    if ((p->marks & mark) == 0 || (!v->item.sender && !org_id_equal(&p->org, &a->self.id)))
      continue;
    json_t *one = json_contact(a, b, &p->org);
    if (mark == PARTY_DUTY)
      set_flag(one, "overdue", (v->item.erasure_overdue >> i & 1) != 0);
    json_array_append_new(list, one);
  }
  return list;
}

static void set_list(json_t *o, const char *key, json_t *list)
{
  if (json_array_size(list) > 0)
    json_object_set(o, key, list);
  json_decref(list);
}

static void set_call(json_t *o, const char *why, json_t *contact)
{
  set_text(contact, "why", why);
  json_object_set_new(o, "call", contact);
}

/* Whom to phone now, whatever the computers do. */
static void add_call(struct agent *a, struct books *b, json_t *o, const struct view *v, const Onward__Submit *s)
{
  struct org_id first;
  const struct referral *r = &v->referral;
  bool there = view_not_read_there(v) && (!v->item.sender || r->present != PARTY_NONE);
  if (there)
    set_call(o, "safety", json_contact(a, b, v->item.sender ? &r->parties[r->present].org : &r->sender));
  else if (view_is_late(a, v) && s != NULL && pb_org(s->recipients[0], &first) == OK)
    set_call(o, "not_sent", json_contact(a, b, &first));
}

/* To whom the case may be given now. */
static void add_scope(struct agent *a, struct books *b, json_t *o, const struct view *v)
{
  struct consent consent;
  json_t *list = json_array();
  if (v->logged && consent_now(b, &v->referral, &a->arena, &consent) == OK)
    for (size_t i = 0; i < consent.scope_count; i++)
      json_array_append_new(list, json_bytes(consent.scope[i]));
  set_list(o, "scope", list);
}

static void add_parts(struct agent *a, struct books *b, json_t *o, const struct view *v)
{
  const struct party *p = view_party(v, &a->self.id);
  bool readable = view_readable(v, &a->self.id), sender = v->item.sender != 0;
  bool brief = sender ? vault_has(b, own_case(&v->item.id, ONWARD__PART__BRIEF))
                      : readable && p != NULL && body_has(b, p->brief_index, p->brief_slot);
  bool file = sender ? vault_has(b, own_case(&v->item.id, ONWARD__PART__FILE))
                     : readable && p != NULL && p->file_index != 0 && body_has(b, p->file_index, p->file_slot);
  set_flag(o, "has_brief", brief);
  set_flag(o, "has_file", file);
}

json_t *view_json(struct agent *a, struct books *b, const struct view *v)
{
  const struct item *item = &v->item;
  struct event submit;
  size_t used = a->arena.used;
  json_t *o = json_object();
  json_id(o, &item->id);
  if (item->ref[0] != 0)
    json_object_set_new(o, "ref", json_stringn(item->ref, strnlen(item->ref, sizeof item->ref)));
  set_text(o, "role", item->sender ? "sender" : "recipient");
  add_state(a, b, o, v);
  if (item->own)
    add_own(a, b, o, item);
  else
    set_text(o, "delivery", item->pending == 0 ? "logged" : item->unsent > 0 ? "not_sent" : "sent");
  set_number(o, "pending", item->pending);
  json_object_set_new(o, "steps", steps_json(v->steps, v->step_count));
  add_refused(o, item);
  set_text(o, "priority", pb_enum_name(&onward__priority__descriptor, item->priority));
  bool known = view_submit(a, b, v, &submit);
  if (known)
    add_submit(a, b, o, v, submit.core->submit);
  set_list(o, "overdue", overdue_json(a, b, v));
  set_list(o, "to_erase", erasures_json(a, b, v, PARTY_DUTY));
  set_list(o, "kept_by", erasures_json(a, b, v, PARTY_HOLD));
  add_call(a, b, o, v, known ? submit.core->submit : NULL);
  add_scope(a, b, o, v);
  set_flag(o, "opened", item->opened != 0);
  set_flag(o, "new", item->fresh != 0);
  add_parts(a, b, o, v);
  a->arena.used = used;
  return o;
}

/* What an entry says beside its act, as far as a person needs it. */
static void add_about(struct agent *a, struct books *b, json_t *o, const Onward__Core *core)
{
  struct org_id of;
  const ProtobufCBinaryData *organisation = NULL;
  if (core->act_case == ONWARD__CORE__ACT_OVERDUE) {
    set_text(o, "clock", pb_enum_name(&onward__clock__descriptor, (int)core->overdue->clock));
    organisation = &core->overdue->organisation;
  }
  if (core->act_case == ONWARD__CORE__ACT_LEG_OPENED)
    organisation = &core->leg_opened->recipient;
  if (core->act_case == ONWARD__CORE__ACT_TELL && core->tell->safety)
    set_flag(o, "safety", true);
  if (organisation != NULL && pb_org(*organisation, &of) == OK)
    set_org(a, b, o, "of", "of_name", &of);
}

json_t *view_entry(struct agent *a, struct books *b, uint64_t index)
{
  struct leaf leaf;
  struct event e;
  struct batch_header h;
  if (books_event(b, index, &a->arena, &leaf, &e) != OK)
    return NULL;
  json_t *o = json_object();
  set_number(o, "index", index);
  set_number(o, "time_ms", leaf.time_ms);
  set_text(o, "act", act_name(e.act));
  if (batch_header_read(leaf.header, &h) == OK)
    set_org(a, b, o, "by", "by_name", &h.organisation);
  add_about(a, b, o, e.core);
  set_text(o, "verdict", pb_enum_name(&onward__verdict__descriptor, leaf.verdict));
  return o;
}

json_t *view_history(struct agent *a, struct books *b, const struct ref_id *id)
{
  struct walk w = walk_start(TABLE_HISTORY, BYTES(id->byte));
  json_t *list = json_array();
  while (walk_next(&w, b)) {
    size_t used = a->arena.used;
    json_t *entry = view_entry(a, b, key_number(w.key, sizeof id->byte));
    if (entry != NULL)
      json_array_append_new(list, entry);
    a->arena.used = used;
  }
  return list;
}
