/* The state that entries lead to, a line a thing: the network, the organisations, what they offer, the referrals. Each
 * is made as JSON; for reading, its fields are set out in a line. */
#include <inttypes.h>
#include <string.h>

#include "agents/audit/json.h"
#include "proto/ledger/rows.h"

struct state {
  struct audit *audit;
  struct books *books; /* rebuilt */
  struct head head;
  uint64_t now_ms; /* the moment that is asked for: the newest entry's, where none was */
};

/* --- a line --- */

static void print_value(const json_t *value, FILE *out);

static bool says_nothing(const json_t *value)
{
  return json_is_null(value) || json_is_false(value) || (json_is_array(value) && json_array_size(value) == 0) ||
         (json_is_string(value) && json_string_length(value) == 0);
}

static void print_fields(const json_t *object, FILE *out)
{
  const char *name, *before = "";
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, name, value)
  {
    if (says_nothing(value))
      continue;
    fprintf(out, "%s%s", before, name);
    if (!json_is_true(value)) {
      fputc(' ', out);
      print_value(value, out);
    }
    before = ", ";
  }
}

static void print_value(const json_t *value, FILE *out)
{
  if (json_is_object(value)) {
    fputc('(', out);
    print_fields(value, out);
    fputc(')', out);
  } else if (json_is_array(value)) {
    for (size_t i = 0; i < json_array_size(value); i++) {
      fputs(i == 0 ? "" : " ", out);
      print_value(json_array_get(value, i), out);
    }
  } else if (json_is_integer(value)) {
    fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  } else {
    fputs(json_string_value(value), out);
  }
}

/* Takes `o` over. */
static void print_thing(const struct state *s, const char *kind, json_t *o)
{
  FILE *out = s->audit->request->out;
  if (s->audit->request->json) {
    json_t *line = json_object();
    json_object_set_new(line, kind, o);
    json_dumpf(line, out, JSON_COMPACT);
    json_decref(line);
  } else {
    fprintf(out, "%-13s", kind);
    print_fields(o, out);
    json_decref(o);
  }
  fputc('\n', out);
}

static void set(json_t *o, const char *name, json_t *value)
{
  json_object_set_new(o, name, value);
}

static json_t *number(uint64_t n)
{
  return json_integer((json_int_t)n);
}

/* null: none. */
static json_t *time_or_null(uint64_t ms)
{
  return ms == 0 ? json_null() : time_json(ms);
}

static json_t *index_or_null(uint64_t index)
{
  return index == 0 ? json_null() : number(index);
}

/* What the entry's act states. */
static json_t *states_of(struct state *s, uint64_t index)
{
  struct leaf leaf;
  struct event e;
  arena_reset(&s->audit->arena);
  return books_event(s->books, index, &s->audit->arena, &leaf, &e) == OK ? act_json(&e) : json_object();
}

/* --- the network --- */

static void print_network(struct state *s)
{
  json_t *o = json_object();
  set(o, "entries", number(s->head.size));
  set(o, "newest", time_json(s->head.time_ms));
  set(o, "rules", number(s->head.rules));
  set(o, "registry", number(s->head.registry));
  set(o, "clock_doubted_since", time_or_null(s->head.doubted_ms));
  print_thing(s, "network", o);
}

/* --- organisations --- */

static bool is_of(const json_t *object, const struct org_id *id)
{
  struct bytes text = org_id_text(id);
  const char *of = json_string_value(json_object_get(object, "organisation"));
  return of != NULL && bytes_equal(bytes_text(of), text);
}

/* The request is the act's, or one of the genesis's. Borrowed. */
static const json_t *request_of(const json_t *states, const struct org_id *id)
{
  const json_t *list = json_object_get(states, "registrars");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *request = json_object_get(json_array_get(list, i), "request");
    if (is_of(request, id))
      return request;
  }
  return json_object_get(states, "request");
}

/* KEYS_REPLACED names the entry that asked for it, which has the request. */
static json_t *request_states(struct state *s, uint64_t index)
{
  json_t *states = states_of(s, index);
  const json_t *asked = json_object_get(states, "index");
  if (!json_is_integer(asked) || json_object_get(states, "request") != NULL)
    return states;
  json_t *other = states_of(s, (uint64_t)json_integer_value(asked));
  json_decref(states);
  return other;
}

static void copy_field(json_t *to, const json_t *from, const char *name)
{
  json_t *value = json_object_get(from, name);
  set(to, name, value == NULL ? json_null() : json_incref(value));
}

static json_t *organisation_json(struct state *s, const struct organisation *o)
{
  json_t *j = json_object(), *enrolled = request_states(s, o->keys_index),
         *duty = o->duty_index != 0 ? states_of(s, o->duty_index) : NULL;
  const json_t *request = request_of(enrolled, &o->id), *line = duty != NULL ? duty : request;
  set(j, "id", org_json(&o->id));
  copy_field(j, request, "name");
  set(j, "standing", code_json(&onward__standing__descriptor, o->standing));
  set(j, "kind", code_json(&onward__organisation_kind__descriptor, o->kind));
  set(j, "registrar", json_boolean(o->registrar != 0));
  set(j, "agreement_until", time_or_null(o->agreement_until_ms));
  copy_field(j, line, "duty_telephone");
  copy_field(j, line, "duty_hours");
  set(j, "keys_since_entry", number(o->keys_index));
  set(j, "sign_key", hex_json(BYTES(o->keys.sign)));
  set(j, "seal_key", hex_json(BYTES(o->keys.seal)));
  set(j, "link_key", hex_json(BYTES(o->keys.link)));
  set(j, "keys_replaced_by_entry", index_or_null(o->pending_index));
  set(j, "keys_replaced_at", time_or_null(o->pending_due_ms));
  json_decref(enrolled);
  json_decref(duty);
  return j;
}

static void print_organisations(struct state *s)
{
  struct org_id at = {{0}};
  struct organisation o;
  while (books_next_organisation(s->books, &at, &o) == OK)
    print_thing(s, "organisation", organisation_json(s, &o));
}

/* --- what was offered --- */

static json_t *capacity_json(const struct state *s, const struct service *v)
{
  if (v->capacity_index == 0)
    return json_null();
  json_t *o = json_object();
  set(o, "status", code_json(&onward__capacity_status__descriptor, v->capacity));
  set(o, "available", number(v->available));
  set(o, "maximum", number(v->maximum));
  set(o, "said", time_json(v->capacity_ms));
  set(o, "until", time_json(v->capacity_until_ms));
  set(o, "over", json_boolean(v->capacity_until_ms < s->now_ms));
  set(o, "entry", number(v->capacity_index));
  return o;
}

static void print_services(struct state *s)
{
  struct service v = {0};
  while (books_next_service(s->books, &v) == OK) {
    json_t *o = json_object(), *states = states_of(s, v.index);
    set(o, "of", org_json(&v.organisation));
    json_object_update(o, states);
    json_decref(states);
    set(o, "entry", number(v.index));
    set(o, "assured_by_entry", index_or_null(v.assured_index));
    set(o, "capacity", capacity_json(s, &v));
    print_thing(s, "service", o);
  }
}

/* --- referrals --- */

static json_t *clock_json(const struct state *s, const struct referral *r, struct clock_due due)
{
  json_t *o = json_object();
  const struct org_id *owes = clocks_owed_by(r, &due);
  set(o, "clock", code_json(&onward__clock__descriptor, due.clock));
  set(o, "until", time_json(due.due_ms + s->head.absent_ms)); /* service time, told as log time */
  set(o, "owed_by", owes == NULL ? json_null() : org_json(owes));
  return o;
}

static json_t *clocks_json(const struct state *s, const struct referral *r)
{
  json_t *list = json_array();
  for (int i = 0; i < CLOCKS; i++)
    if (r->clock_due_ms[i] != 0)
      json_array_append_new(list,
                            clock_json(s, r, (struct clock_due){r->clock_due_ms[i], (uint8_t)(i + 1), PARTY_NONE}));
  for (uint8_t i = 0; i < r->party_count; i++)
    if (r->parties[i].duty_due_ms != 0)
      json_array_append_new(list,
                            clock_json(s, r, (struct clock_due){r->parties[i].duty_due_ms, ONWARD__CLOCK__ERASURE, i}));
  return list;
}

/* Who has to erase the case, and has not yet, or must keep it. */
static json_t *parties_json(const struct referral *r, uint8_t mark)
{
  json_t *list = json_array();
  for (int i = 0; i < r->party_count; i++)
    if ((r->parties[i].marks & mark) != 0)
      json_array_append_new(list, org_json(&r->parties[i].org));
  return list;
}

static json_t *referral_json(const struct state *s, const struct referral *r)
{
  char brief[REF_SHORT_SIZE];
  json_t *o = json_object();
  ref_short(&r->id, brief);
  set(o, "short", json_string(brief));
  set(o, "id", hex_json(BYTES(r->id.byte)));
  set(o, "state", json_string(state_name(r->state)));
  set(o, "since", time_json(r->state_since_ms));
  set(o, "with", r->present == PARTY_NONE ? json_null() : org_json(&r->parties[r->present].org));
  set(o, "sender", org_json(&r->sender));
  set(o, "leg", index_or_null(r->leg));
  set(o, "priority", code_json(&onward__priority__descriptor, r->priority));
  set(o, "drill", json_boolean(r->drill != 0));
  set(o, "question_open", json_boolean((r->flags & FLAG_INFO_OPEN) != 0));
  set(o, "cancel_open", json_boolean((r->flags & FLAG_CANCEL_OPEN) != 0));
  set(o, "safety_unread", json_boolean((r->flags & (FLAG_SAFETY_AT_RECIPIENT | FLAG_SAFETY_AT_SENDER)) != 0));
  set(o, "outcome", r->outcome == 0 ? json_null() : code_json(&onward__outcome_class__descriptor, r->outcome));
  set(o, "submitted", time_json(r->submitted_ms));
  set(o, "consent_until", time_or_null(r->consent_until_ms));
  set(o, "newest_entry", number(r->last_index));
  set(o, "clocks", clocks_json(s, r));
  set(o, "must_erase", parties_json(r, PARTY_DUTY));
  set(o, "must_keep", parties_json(r, PARTY_HOLD));
  return o;
}

static bool print_referrals(struct state *s)
{
  struct walk walk = walk_of(s->books, TABLE_REFERRALS);
  struct bytes key, value;
  struct ref_id id;
  struct referral r;
  bool found = false;
  while (walk_next(&walk, &key, &value)) {
    must(key.size == sizeof id.byte);
    memcpy(id.byte, key.data, sizeof id.byte);
    if (!referral_asked(s->audit->request->referral, &id) || books_referral(s->books, &id, &r) != OK)
      continue;
    found = true;
    print_thing(s, "referral", referral_json(s, &r));
  }
  return found;
}

enum audit_code state_print(struct audit *a, struct rebuild *r)
{
  const struct audit_request *q = a->request;
  struct state s = {.audit = a, .books = r->books};
  books_head(s.books, &s.head);
  s.now_ms = q->at && q->until_ms != 0 ? q->until_ms : s.head.time_ms;
  print_network(&s);
  if (q->referral == NULL) {
    print_organisations(&s);
    print_services(&s);
  }
  if (!print_referrals(&s) && q->referral != NULL)
    return audit_tell(q, AUDIT_FAILED, "there is no referral %s among these %" PRIu64 " entries", q->referral, r->size);
  return audit_trouble(a);
}
