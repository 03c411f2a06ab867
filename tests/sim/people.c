#include "tests/sim/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents/desk.h"
#include "agents/item.h"
#include "tests/sim/promises.h"

enum { TRIES = 4, DAY_MS = 86400000, ITEMS_MAX = 256 };

/* --- asking --- */

static uint64_t next_number(struct agent *a)
{
  struct marks m;
  marks_get(agent_read(a), &m);
  return agent_abort(a) == OK ? m.next_number : UINT64_MAX;
}

/* Each event that is new in the outbox was said to be saved. */
static void note_promises(struct node *n, uint64_t from)
{
  static uint8_t memory[1 << 20];
  struct books *b = agent_read(n->agent);
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct outbox_event queued;
    struct event e;
    struct complaint why;
    struct arena arena = arena_of(memory, sizeof memory);
    uint64_t number = key_number(w.key, 0);
    if (number >= from && outbox_get(b, number, &queued) == OK && event_read(queued.event, &arena, &why, &e) == OK)
      promise_make((int)(n - sim.nodes), &e);
  }
  (void)agent_abort(n->agent);
}

static void note_answer(struct node *n, const json_t *answer, uint64_t from)
{
  struct ref_id id;
  size_t size;
  const char *hex = json_string_value(json_object_get(answer, "id"));
  if (!json_is_true(json_object_get(answer, "ok")))
    return;
  note_promises(n, from);
  if (json_object_get(answer, "taken_back") != NULL && hex != NULL &&
      hex_decode(bytes_text(hex), id.byte, sizeof id.byte, &size) == OK)
    promises_release((int)(n - sim.nodes), &id);
}

json_t *people_ask(struct node *n, json_t *request)
{
  bool watch = false;
  json_t *answer = NULL;
  char *line = json_dumps(request, JSON_COMPACT);
  must(line != NULL);
  if (n->up) {
    sim.running = n;
    uint64_t from = next_number(n->agent);
    answer = desk_answer(n->agent, line, strlen(line), DESK_WAITS_MAX, &watch);
    if (!n->gone)
      note_answer(n, answer, from);
    sim.running = NULL;
    node_after(n);
  }
  free(line);
  json_decref(request);
  return answer;
}

bool people_do(struct node *n, json_t *request)
{
  char said[160];
  const char *act = json_string_value(json_object_get(request, "act"));
  snprintf(said, sizeof said, "%s", act != NULL ? act : json_string_value(json_object_get(request, "do")));
  json_t *answer = people_ask(n, request);
  bool done = json_is_true(json_object_get(answer, "ok"));
  const char *field = json_string_value(json_object_get(answer, "field"));
  const char *what = json_string_value(json_object_get(answer, "what"));
  tell("  %s: %s%s%s %s", n->name, said, done ? "" : " -> no: ", field != NULL && !done ? field : "",
       done || what == NULL ? "" : what);
  json_decref(answer);
  return done;
}

void people_unlock(struct node *n)
{
  json_decref(people_ask(n, json_pack("{s:s, s:s}", "do", "unlock", "passphrase", SIM_PASSPHRASE)));
}

void people_refresh(struct node *n)
{
  if (!n->up)
    return;
  sim.running = n;
  (void)session_refresh(n->agent);
  sim.running = NULL;
}

/* --- forms --- */

static json_t *date(uint64_t ms)
{
  char text[32];
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  must(gmtime_r(&seconds, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%MZ", &tm) > 0);
  return json_string(text);
}

static json_t *in_days(const struct node *n, uint32_t days)
{
  return date(node_real_ms(n) + between(1, days) * DAY_MS / 2);
}

static const char *any_name(const struct node *but)
{
  for (;;) {
    const struct node *n = &sim.nodes[REGISTRAR + below((uint32_t)(sim.node_count - REGISTRAR))];
    if (n->used && !n->cloned && !org_id_equal(&n->id, &but->id) && (n > &sim.nodes[REGISTRAR + 1] || one_in(8)))
      return n->name;
  }
}

/* Names of organisations, each once. */
static json_t *some_names(const struct node *but, uint32_t most)
{
  json_t *list = json_array();
  for (uint32_t i = 1 + below(most); i > 0; i--) {
    const char *name = any_name(but);
    bool there = false;
    for (size_t k = 0; k < json_array_size(list); k++)
      there |= strcmp(json_string_value(json_array_get(list, k)), name) == 0;
    if (!there)
      json_array_append_new(list, json_string(name));
  }
  return list;
}

static json_t *note(void)
{
  return json_pack("{s:s}", "text", "words between two offices");
}

static json_t *brief(void)
{
  return json_pack("{s:s, s:s, s:s, s:s}", "need", "somebody to listen", "service", "TRAUMA_COUNSELLING", "sex",
                   "FEMALE", "language", "km");
}

static json_t *file(void)
{
  return json_pack("{s:s, s:s, s:i, s:{s:s, s:s}, s:{s:s}}", "case_code", "C-1", "focal_point", "the desk", "age", 12,
                   "contact", "who", "an aunt", "telephone", "012", "consent", "given_by", "the girl and her aunt");
}

static const char *one_of(const char *const *list, uint32_t count)
{
  return list[below(count)];
}

void people_refer(struct node *n)
{
  static const char *const priorities[] = {"HIGH", "MEDIUM", "LOW"};
  static const char *const bases[] = {"CONSENT", "CONSENT", "ASSENT_AND_CAREGIVER", "CAREGIVER_ONLY", "PUBLIC_TASK"};
  static const char *const policies[] = {"REROUTE_SCOPE", "REROUTE_SCOPE", "REROUTE_LISTED", "REROUTE_NEVER"};
  json_t *to = some_names(n, 3), *scope = json_deep_copy(to), *more = some_names(n, 4);
  for (size_t i = 0; i < json_array_size(more); i++) {
    bool there = false;
    for (size_t k = 0; k < json_array_size(scope); k++)
      there |= json_equal(json_array_get(scope, k), json_array_get(more, i));
    if (!there)
      json_array_append(scope, json_array_get(more, i));
  }
  json_decref(more);
  json_t *r = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "do", "refer", "to", to, "scope", scope,
                        "priority", one_of(priorities, 3), "basis", one_of(bases, 5), "reroute", one_of(policies, 4),
                        "file_now", one_in(6), "drill", one_in(10), "brief", brief(), "file", file());
  if (one_in(6))
    json_object_set_new(r, "consent_until", in_days(n, 20));
  people_do(n, r);
}

/* --- one step --- */

static void fill_act(struct node *n, act_kind act, json_t *r)
{
  static const char *const reasons[] = {"NO_CAPACITY", "OUTSIDE_AREA", "CLIENT_DECLINED"};
  static const char *const by[] = {"BY_PROVIDER", "BY_CLIENT"};
  static const char *const outcomes[] = {"SERVICE_PROVIDED", "SERVICE_PROVIDED_IN_PART", "LACK_OF_RESOURCES"};
  static const char *const higher[] = {"HIGH", "MEDIUM"};
  switch (act) {
  case ONWARD__CORE__ACT_TELL:
    json_object_set_new(r, "safety", json_boolean(one_in(3)));
    json_object_set_new(r, "note", note());
    break;
  case ONWARD__CORE__ACT_REQUEST_INFO:
  case ONWARD__CORE__ACT_SUPPLY_INFO:
  case ONWARD__CORE__ACT_LEGAL_HOLD:
    json_object_set_new(r, "note", note());
    break;
  case ONWARD__CORE__ACT_ACCEPT:
    json_object_set_new(r, "first_contact_by", in_days(n, 6));
    break;
  case ONWARD__CORE__ACT_WAITLIST:
    json_object_set_new(r, "expected", in_days(n, 20));
    break;
  case ONWARD__CORE__ACT_DECLINE:
    json_object_set_new(r, "by", json_string(one_of(by, 2)));
    json_object_set_new(r, "reason", json_string(one_of(reasons, 3)));
    break;
  case ONWARD__CORE__ACT_FAIL:
    json_object_set_new(r, "reason", json_string(one_of(reasons, 3)));
    break;
  case ONWARD__CORE__ACT_COMPLETE:
    json_object_set_new(r, "outcome", json_string(one_of(outcomes, 3)));
    break;
  case ONWARD__CORE__ACT_REROUTE:
    json_object_set_new(r, "to", json_string(any_name(n)));
    break;
  case ONWARD__CORE__ACT_READDRESS:
    json_object_set_new(r, "to", some_names(n, 3));
    break;
  case ONWARD__CORE__ACT_RENEW_CONSENT:
    if (one_in(2))
      json_object_set_new(r, "consent_until", in_days(n, 20));
    json_object_set_new(r, "scope", some_names(n, 8));
    break;
  case ONWARD__CORE__ACT_NARROW_CONSENT:
    json_object_set_new(r, "scope", some_names(n, 4));
    break;
  case ONWARD__CORE__ACT_RAISE_PRIORITY:
    json_object_set_new(r, "priority", json_string(one_of(higher, 2)));
    break;
  default:
    break;
  }
}

static bool do_act(struct node *n, const struct ref_id *id, act_kind act)
{
  char hex[33];
  hex_encode(BYTES(id->byte), hex);
  json_t *r = json_pack("{s:s, s:s, s:s}", "do", "act", "act", act_name(act), "id", hex);
  fill_act(n, act, r);
  return people_do(n, r);
}

/* --- choosing --- */

struct choice {
  struct ref_id id;
  struct referral r;
  bool known, sender;
};

static size_t items_of(struct node *n, struct choice out[ITEMS_MAX])
{
  size_t count = 0;
  struct agent *a = n->agent;
  struct books *b = agent_read(a);
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  for (; count < ITEMS_MAX && walk_next(&w, b); count++) {
    struct choice *c = &out[count];
    memcpy(c->id.byte, w.key.data, sizeof c->id.byte);
    c->known = books_referral(b, &c->id, &c->r) == OK;
    c->sender = c->known && org_id_equal(&c->r.sender, &a->self.id);
  }
  (void)agent_abort(a);
  return count;
}

/* What ends a referral comes seldom, or there would be nothing else. */
static bool is_wanted(act_kind act)
{
  switch (act) {
  case ONWARD__CORE__ACT_RESEAL:
  case ONWARD__CORE__ACT_RECEIVE:
  case ONWARD__CORE__ACT_REFUSE_OPEN:
  case ONWARD__CORE__ACT_SUBMIT:
    return false; /* machines' words */
  case ONWARD__CORE__ACT_WITHDRAW:
  case ONWARD__CORE__ACT_ENTER_IN_ERROR:
    return one_in(16);
  case ONWARD__CORE__ACT_CANCEL:
  case ONWARD__CORE__ACT_NEXT:
  case ONWARD__CORE__ACT_NARROW_CONSENT:
  case ONWARD__CORE__ACT_LEGAL_HOLD:
    return one_in(4);
  case ONWARD__CORE__ACT_TELL:
    return one_in(3);
  default:
    return true;
  }
}

/* One of the rows that fit the referral as this office sees it; now and then any act. */
static act_kind pick_act(const struct choice *c)
{
  act_kind list[64];
  size_t count = 0;
  enum actor actor = c->sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  for (size_t i = 0; i < rules_count && count < 64; i++) {
    const struct rule *r = &rules[i];
    bool fits = r->actor == actor && (r->from >> c->r.state & 1) != 0 && (c->r.flags & r->with) == r->with &&
                (c->r.flags & r->without) == 0;
    if (r->built && is_wanted(r->act) && (fits || one_in(40)))
      list[count++] = r->act;
  }
  return count > 0 ? list[below((uint32_t)count)] : ONWARD__CORE__ACT_ACKNOWLEDGE;
}

/* What somebody at this office finds in its list. */
static size_t seen_by(struct node *n, struct choice items[ITEMS_MAX])
{
  if (!n->up)
    return 0;
  sim.running = n;
  size_t count = items_of(n, items);
  sim.running = NULL;
  return count;
}

void people_act(struct node *n)
{
  static struct choice items[ITEMS_MAX];
  size_t count = seen_by(n, items);
  for (int i = 0; i < TRIES && count > 0 && n->up && !sim.ended; i++) {
    const struct choice *c = &items[count - 1 - below((uint32_t)(count < 8 || one_in(4) ? count : 8))];
    if (c->known ? do_act(n, &c->id, pick_act(c)) : one_in(8) && do_act(n, &c->id, ONWARD__CORE__ACT_CANCEL))
      return;
  }
}

void people_read(struct node *n)
{
  static struct choice items[ITEMS_MAX];
  char hex[33];
  if (!n->up)
    return;
  sim.running = n;
  size_t count = items_of(n, items);
  sim.running = NULL;
  if (count == 0)
    return;
  const struct choice *c = &items[below((uint32_t)count)];
  hex_encode(BYTES(c->id.byte), hex);
  people_do(n, json_pack("{s:s, s:s}", "do", "show", "id", hex));
}

/* --- towards the end --- */

static bool first_of(struct node *n, const struct ref_id *id, const act_kind *acts)
{
  for (; *acts != 0; acts++)
    if (do_act(n, id, *acts))
      return true;
  return false;
}

static void sensible_step(struct node *n, struct choice *c)
{
  static const act_kind reads[] = {ONWARD__CORE__ACT_ACKNOWLEDGE, 0}, answers[] = {ONWARD__CORE__ACT_SUPPLY_INFO, 0},
                        closes[] = {ONWARD__CORE__ACT_CLOSE, 0}, erases[] = {ONWARD__CORE__ACT_ERASE_RECEIPT, 0},
                        agrees[] = {ONWARD__CORE__ACT_CONFIRM_CANCEL, 0},
                        decides[] = {ONWARD__CORE__ACT_ACCEPT, ONWARD__CORE__ACT_DECLINE, 0},
                        begins[] = {ONWARD__CORE__ACT_START, ONWARD__CORE__ACT_COMPLETE, 0},
                        ends[] = {ONWARD__CORE__ACT_COMPLETE, 0};
  struct referral *r = &c->r;
  const struct party *p = referral_party(r, &n->id);
  uint8_t to_read = c->sender ? FLAG_SAFETY_AT_SENDER : FLAG_SAFETY_AT_RECIPIENT;
  bool here = referral_present(r, &n->id);
  if (!c->sender && p != NULL && (p->marks & PARTY_DUTY) != 0)
    first_of(n, &c->id, erases);
  if ((c->sender || here) && (r->flags & to_read) != 0)
    first_of(n, &c->id, reads);
  if (c->sender && (r->flags & FLAG_INFO_OPEN) != 0)
    first_of(n, &c->id, answers);
  if (c->sender && (r->state == STATE_COMPLETED || r->state == STATE_RETURNED))
    first_of(n, &c->id, closes);
  if (!here)
    return;
  if (r->state == STATE_RECEIVED)
    first_of(n, &c->id, reads);
  if ((r->flags & FLAG_CANCEL_OPEN) != 0)
    first_of(n, &c->id, agrees);
  else if (r->state == STATE_ACKNOWLEDGED || r->state == STATE_WAITLISTED)
    first_of(n, &c->id, decides);
  else if (r->state == STATE_ACCEPTED)
    first_of(n, &c->id, begins);
  else if (r->state == STATE_IN_PROGRESS)
    first_of(n, &c->id, ends);
}

void people_sensible(struct node *n)
{
  static struct choice items[ITEMS_MAX];
  size_t count = seen_by(n, items);
  for (size_t i = 0; i < count && n->up && !sim.ended; i++)
    if (items[i].known)
      sensible_step(n, &items[i]);
}
