/* Nothing here is stored: all of it is worked out from the referral as the log gives it, and from what the office did.
 */
#include "agents/item.h"

#include <stdlib.h>
#include <string.h>

#include "proto/rules/rules.h"

static bool in(enum referral_state state, uint32_t set)
{
  return (set >> state & 1) != 0;
}

/* --- our own steps --- */

static int by_referral(const void *left, const void *right)
{
  const struct step_of *l = left, *r = right;
  int order = memcmp(l->referral.byte, r->referral.byte, sizeof l->referral.byte);
  return order != 0 ? order : (l->number > r->number) - (l->number < r->number);
}

static bool is_queued(struct books *b, uint8_t priority, uint64_t number)
{
  struct bytes nothing;
  struct row_key k = row_key_start();
  row_key_u8(&k, priority);
  row_key_u64(&k, number);
  return b->get(b, TABLE_QUEUE, row_key(&k), &nothing) == OK;
}

const struct steps *steps_read(struct books *b)
{
  static struct steps steps;
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  steps.count = 0;
  while (steps.count < STEPS_MAX && walk_next(&w, b)) {
    struct outbox_event e;
    uint64_t number = key_number(w.key, 0);
    if (outbox_get(b, number, &e) != OK) /* trouble: told when the transaction ends */
      break;
    steps.list[steps.count++] = (struct step_of){e.referral, number, e.act, !is_queued(b, e.priority, number)};
  }
  qsort(steps.list, steps.count, sizeof steps.list[0], by_referral);
  return &steps;
}

static void find_steps(const struct steps *steps, struct view *v)
{
  size_t low = 0, high = steps->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (memcmp(steps->list[middle].referral.byte, v->item.id.byte, sizeof v->item.id.byte) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  v->steps = &steps->list[low];
  for (v->step_count = 0; low < steps->count && ref_id_equal(&steps->list[low].referral, &v->item.id); low++)
    v->step_count++;
}

/* What the rules make of the step, if they take it. */
static void take_step(struct agent *a, struct books *b, const struct step_of *step, struct view *v)
{
  size_t used = a->arena.used;
  struct outbox_event queued;
  struct event e;
  struct complaint why;
  enum actor actor = v->item.sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  bool known = outbox_get(b, step->number, &queued) == OK &&
               event_read(arena_copy(&a->arena, queued.event), &a->arena, &why, &e) == OK;
  const struct rule *rule = known ? rules_row(&e, actor, v->next.state, v->next.flags) : NULL;
  if (rule != NULL) {
    v->next.state = rule->to == STATE_NONE ? v->next.state : rule->to;
    v->next.flags = (uint8_t)((v->next.flags & ~rule->clears) | rule->sets);
  }
  a->arena.used = used;
}

void view_get(struct agent *a, struct books *b, const struct steps *steps, const struct item *item, struct view *out)
{
  *out = (struct view){.item = *item};
  out->logged = books_referral(b, &item->id, &out->referral) == OK;
  out->next = out->referral;
  find_steps(steps, out);
  for (size_t i = 0; out->logged && i < out->step_count; i++)
    take_step(a, b, &out->steps[i], out);
}

bool view_has_step(const struct view *v, act_kind act)
{
  for (size_t i = 0; i < v->step_count; i++)
    if (v->steps[i].act == act)
      return true;
  return false;
}

/* --- how it stands --- */

const struct party *view_party(const struct view *v, const struct org_id *self)
{
  if (!v->logged || v->item.sender)
    return NULL;
  for (int i = 0; i < v->referral.party_count; i++)
    if (org_id_equal(&v->referral.parties[i].org, self))
      return &v->referral.parties[i];
  return NULL;
}

static bool is_gone(const struct view *v, const struct org_id *self)
{
  const struct party *p = view_party(v, self);
  if (p == NULL || (p->marks & PARTY_RECEIVED) != 0)
    return false;
  bool refused = v->referral.state == STATE_REQUESTED && v->referral.leg_index == v->item.gone_leg;
  return refused || !referral_present(&v->referral, self);
}

static const char *state_in(const struct view *v, const struct referral *r, const struct org_id *self)
{
  enum referral_state state = r->state;
  if (v->item.sender) /* between two legs, for as long as one delivery takes */
    return state_name(state == STATE_LEG_OVER ? STATE_REQUESTED : state == STATE_FAILED ? STATE_RETURNED : state);
  if (is_gone(v, self))
    return "gone";
  bool left = !referral_present(r, self) || state == STATE_LEG_OVER || state == STATE_FAILED;
  return left ? "left" : state_name(state);
}

const char *view_state(const struct view *v, const struct org_id *self)
{
  return v->logged ? state_in(v, &v->referral, self) : "draft";
}

bool view_ended(const struct view *v, const struct org_id *self)
{
  if (!v->logged)
    return v->item.draft == 0;
  const char *state = state_in(v, &v->next, self);
  return strcmp(state, "gone") == 0 || strcmp(state, "left") == 0 ||
         !in(v->next.state, LIVE_STATES | IN(COMPLETED) | IN(RETURNED) | IN(LEG_OVER) | IN(FAILED));
}

bool view_readable(const struct view *v, const struct org_id *self)
{
  if (v->item.sender)
    return true;
  const struct party *p = view_party(v, self);
  bool waits = v->logged && v->referral.state == STATE_REQUESTED && referral_present(&v->referral, self);
  return p != NULL && (p->marks & PARTY_RECEIVED) != 0 && !waits;
}

const struct org_id *view_awaited(const struct view *v, const struct org_id *self, const char *const **acts)
{
  static const char *const by_state[STATES][4] = {[STATE_REQUESTED] = {"receive"},
                                                  [STATE_RECEIVED] = {"acknowledge"},
                                                  [STATE_ACKNOWLEDGED] = {"accept", "decline", "reroute"},
                                                  [STATE_WAITLISTED] = {"accept", "decline"},
                                                  [STATE_ACCEPTED] = {"start"},
                                                  [STATE_IN_PROGRESS] = {"progress", "complete"},
                                                  [STATE_COMPLETED] = {"close"},
                                                  [STATE_RETURNED] = {"readdress", "close"}};
  static const char *const to_cancel[] = {"confirm_cancel", "refuse_cancel", NULL};
  const struct referral *r = view_readable(v, self) ? &v->next : &v->referral;
  if (!v->logged || view_ended(v, self) || by_state[r->state][0] == NULL)
    return NULL;
  *acts = (r->flags & FLAG_CANCEL_OPEN) != 0 ? to_cancel : by_state[r->state];
  if (in(r->state, IN(COMPLETED) | IN(RETURNED)))
    return &r->sender;
  return r->present == PARTY_NONE ? NULL : &r->parties[r->present].org;
}

struct urgency view_urgency(const struct view *v, const struct org_id *self)
{
  const char *const *acts;
  const struct org_id *awaited = view_awaited(v, self, &acts);
  uint64_t since = v->logged ? v->referral.state_since_ms : v->item.created_ms;
  bool ours = awaited != NULL && org_id_equal(awaited, self) && view_readable(v, self);
  bool ended = view_ended(v, self);
  uint64_t group = v->item.fresh && !ended ? 0 : ours ? 1 : !ended ? 2 : v->item.fresh ? 3 : 4;
  return (struct urgency){{group, v->item.priority, ended ? UINT64_MAX - since : since}};
}

/* --- JSON --- */

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

static void set_org(struct agent *a, struct books *b, json_t *o, const char *key, const char *name_key,
                    const struct org_id *id)
{
  char name[ORGANISATION_NAME_SIZE];
  directory_name(b, id, &a->arena, name);
  json_object_set_new(o, key, json_org(id));
  json_object_set_new(o, name_key, json_string(name));
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

bool view_submit(struct agent *a, struct books *b, const struct view *v, struct event *out)
{
  struct leaf leaf;
  struct outbox_event queued;
  struct complaint why;
  uint64_t index = v->logged ? v->referral.submit_index : v->item.submit_entry;
  bool found = v->item.draft != 0 ? outbox_get(b, v->item.draft, &queued) == OK &&
                                        event_read(arena_copy(&a->arena, queued.event), &a->arena, &why, out) == OK
                                  : books_event(b, index, &a->arena, &leaf, out) == OK;
  return found && out->act == ONWARD__CORE__ACT_SUBMIT;
}

bool view_file_now(const struct event *submit)
{
  for (size_t i = 0; i < submit->outer->n_sealed; i++)
    if (submit->outer->sealed[i]->part == ONWARD__PART__FILE)
      return submit->outer->sealed[i]->release == ONWARD__RELEASE__AT_DELIVERY;
  return false;
}

static void add_submit(struct agent *a, struct books *b, json_t *o, const struct view *v, const Onward__Submit *s)
{
  set_text(o, "group", pb_enum_name(&onward__service_group__descriptor, (int)s->group));
  json_object_set_new(o, "area", json_bytes(s->area));
  set_flag(o, "phoned", s->phoned != 0);
  set_flag(o, "drill", s->drill != 0);
  if (s->consent_until_ms != 0)
    set_number(o, "consent_until_ms", s->consent_until_ms);
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
  find_steps(steps, &nobodys);
  return steps_json(nobodys.steps, nobodys.step_count);
}

static void add_refused(json_t *o, const struct item *item)
{
  if (item->refused_act == 0)
    return;
  Onward__Verdict v = item->refused_verdict;
  const char *what = v == 0 ? "the exchange could not read it; this is a fault of the program" : verdict_text(v);
  json_t *refused = json_object();
  set_text(refused, "act", act_name(item->refused_act));
  set_text(refused, "verdict", v == 0 ? "NOT_HEARD" : pb_enum_name(&onward__verdict__descriptor, (int)v));
  set_text(refused, "what", what);
  json_object_set_new(o, "refused", refused);
}

static void add_state(struct agent *a, struct books *b, json_t *o, const struct view *v)
{
  const struct referral *r = &v->referral;
  const struct org_id *self = &a->self.id;
  json_t *flags = json_array(), *awaited = json_array();
  const char *const *acts = NULL;
  const struct org_id *from = view_awaited(v, self, &acts);
  const char *state = view_state(v, self);
  for (; from != NULL && *acts != NULL; acts++)
    json_array_append_new(awaited, json_string(*acts));
  if (v->logged && (r->flags & FLAG_CANCEL_OPEN) != 0)
    json_array_append_new(flags, json_string("cancel_open"));
  if (v->logged && (r->flags & FLAG_INFO_OPEN) != 0)
    json_array_append_new(flags, json_string("info_open"));
  set_text(o, "state", state);
  json_object_set_new(o, "flags", flags);
  json_object_set_new(o, "awaited", awaited);
  if (from != NULL)
    json_object_set_new(o, "awaited_from", json_org(from));
  bool taken = v->logged && r->present != PARTY_NONE && r->accept_index != 0 &&
               in(r->state, HELD_STATES | IN(IN_PROGRESS) | IN(COMPLETED));
  const struct org_id *sender = v->logged ? &r->sender : self;
  if (strcmp(state, "left") != 0 && strcmp(state, "gone") != 0) /* whoever has it now: that is not told to us */
    set_org(a, b, o, "who", "who_name", taken ? &r->parties[r->present].org : sender);
  if (v->logged && r->present != PARTY_NONE && in(r->state, LIVE_STATES)) {
    struct organisation with;
    set_org(a, b, o, "with", "with_name", &r->parties[r->present].org);
    if (books_organisation(b, &r->parties[r->present].org, &with) == OK)
      set_text(o, "with_standing", pb_enum_name(&onward__standing__descriptor, with.standing));
  }
  set_org(a, b, o, "sender", "sender_name", sender);
  set_number(o, "leg", v->logged ? r->leg : 0);
  set_number(o, "hops", v->logged ? r->hops : 0);
  set_number(o, "since_ms", v->logged ? r->state_since_ms : v->item.created_ms);
  set_number(o, "submitted_ms", v->logged ? r->submitted_ms : v->item.created_ms);
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
  set_text(o, "delivery", item->pending == 0 ? "logged" : item->unsent > 0 ? "not_sent" : "sent");
  set_number(o, "pending", item->pending);
  json_object_set_new(o, "steps", steps_json(v->steps, v->step_count));
  add_refused(o, item);
  set_text(o, "priority", pb_enum_name(&onward__priority__descriptor, item->priority));
  if (view_submit(a, b, v, &submit))
    add_submit(a, b, o, v, submit.core->submit);
  set_flag(o, "opened", item->opened != 0);
  set_flag(o, "new", item->fresh != 0);
  add_parts(a, b, o, v);
  a->arena.used = used;
  return o;
}

static json_t *entry_json(struct agent *a, struct books *b, uint64_t index)
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
  set_text(o, "verdict", pb_enum_name(&onward__verdict__descriptor, leaf.verdict));
  return o;
}

json_t *view_history(struct agent *a, struct books *b, const struct ref_id *id)
{
  struct walk w = walk_start(TABLE_HISTORY, BYTES(id->byte));
  json_t *list = json_array();
  while (walk_next(&w, b)) {
    size_t used = a->arena.used;
    json_t *entry = entry_json(a, b, key_number(w.key, sizeof id->byte));
    if (entry != NULL)
      json_array_append_new(list, entry);
    a->arena.used = used;
  }
  return list;
}
