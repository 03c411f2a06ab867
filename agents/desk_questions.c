/* "Would you have a place?": asked of several at once, answered with a word and a date. The question is sealed and says
 * a kind of service, the band of an age and a province. */
#include <string.h>

#include "agents/candidates.h"
#include "agents/desk.h"
#include "agents/item.h"
#include "agents/questions.h"

#define OPEN_MS (2 * 86400000ull) /* where nothing else is said */

static json_t *until_when(struct agent *a, const json_t *request, uint64_t *out)
{
  struct form_error error;
  const json_t *until = json_object_get(request, "valid_until");
  *out = agent_log_ms(a) + OPEN_MS;
  if (until == NULL)
    return NULL;
  return form_date("valid_until", until, &error, out) == OK ? desk_soon(a, "valid_until", *out)
                                                            : desk_form_error(&error);
}

/* The band of the age, which is all of it that travels. */
static Onward__AgeBand band_of(const struct wanted *w)
{
  for (int band = ONWARD__AGE_BAND__AGE_0_4; band <= ONWARD__AGE_BAND__AGE_25_AND_OVER; band++) {
    int min, max;
    form_band_years((Onward__AgeBand)band, &min, &max);
    if (w->age_min >= min && w->age_max <= max)
      return (Onward__AgeBand)band;
  }
  return ONWARD__AGE_BAND__AGE_NONE;
}

/* Whom to ask: those named, or all who fit, as far as one message carries. */
static json_t *choose(struct agent *a, struct books *b, const json_t *request, const struct wanted *w,
                      struct org_id to[RECIPIENTS_MAX], size_t *count)
{
  static struct candidates found;
  json_t *refused = NULL;
  if (json_object_get(request, "to") != NULL) {
    refused = desk_organisations(request, "to", 1, RECIPIENTS_MAX, to, count);
    for (size_t i = 0; refused == NULL && i < *count; i++) {
      refused = desk_known(a, b, "to", &to[i]);
      if (refused == NULL && org_id_equal(&to[i], &a->self.id))
        refused = desk_error("bad_input", "to", "names your own organisation", NULL);
      else if (refused == NULL && rules_unable(b, &to[i], agent_log_ms(a)) != 0)
        refused = desk_error("not_allowed", "to", "names an organisation that cannot be given cases now",
                             "leave it out; see: onward directory");
    }
    return refused;
  }
  candidates_find(b, &a->self.id, w, agent_log_ms(a), &found);
  *count = found.count < RECIPIENTS_MAX ? found.count : RECIPIENTS_MAX;
  for (size_t i = 0; i < *count; i++)
    to[i] = found.list[i].service.organisation;
  a->stale = *count == 0;
  return *count > 0 ? NULL
                    : desk_error("not_found", "need", "no organisation of the directory fits",
                                 "see what stands in the way: onward candidates");
}

static struct bytes pack_question(const struct wanted *w, struct arena *secret)
{
  Onward__PlaceQuestion q = ONWARD__PLACE_QUESTION__INIT;
  char area[sizeof w->area];
  memcpy(area, w->area, sizeof area);
  q.schema = SCHEMA_VERSION;
  q.group = (Onward__ServiceGroup)w->group;
  q.service = (Onward__ServiceCode)w->code;
  q.age_band = band_of(w);
  q.area = area;
  return pb_pack(&q, secret);
}

static json_t *compose_question(struct agent *a, struct books *b, const json_t *request, const struct wanted *w,
                                Onward__Core *core, struct composed *out)
{
  struct org_id to[RECIPIENTS_MAX];
  ProtobufCBinaryData named[RECIPIENTS_MAX];
  struct part parts[RECIPIENTS_MAX];
  struct complaint why;
  Onward__AskPlace *ask = core->ask_place;
  json_t *refused = choose(a, b, request, w, to, &ask->n_recipients);
  if (refused == NULL)
    refused = desk_whole(a, b);
  if (refused != NULL)
    return refused;
  struct bytes content = pack_question(w, &a->secret);
  for (size_t i = 0; i < ask->n_recipients; i++) {
    named[i] = pb_data(org_id_text(&to[i]));
    parts[i] = (struct part){to[i], ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY, content};
  }
  ask->recipients = named;
  enum status s = compose(b, &a->self, core, parts, ask->n_recipients, &a->arena, &why, out);
  return s == OK ? NULL : s == BAD_INPUT ? desk_error("bad_input", "to", why.text, NULL) : desk_trouble(s);
}

static json_t *save_question(struct agent *a, const Onward__Core *core, const struct composed *c,
                             const struct wanted *w)
{
  uint64_t number;
  struct books *b = agent_write(a);
  books_need_room(b, a->config.outbox_events);
  enum status s = outbox_add(b, ONWARD__PRIORITY__HIGH, &c->event, c->bodies, &number);
  if (s == OK)
    s = vault_keep(b, &a->self, own_note(core->nonce, ONWARD__PART__NOTE), pack_question(w, &a->secret), &a->arena);
  if (s == OK)
    s = agent_commit(a);
  else
    agent_abort(a);
  if (s != OK)
    return desk_trouble(s);
  session_push(a);
  return NULL;
}

json_t *desk_ask_place(struct agent *a, const json_t *request)
{
  struct wanted w;
  struct composed c = {.bodies = {NULL, 0}};
  Onward__AskPlace ask = ONWARD__ASK_PLACE__INIT;
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  core->act_case = ONWARD__CORE__ACT_ASK_PLACE;
  core->ask_place = &ask;
  json_t *refused = desk_wanted(request, &w);
  if (refused == NULL && band_of(&w) == ONWARD__AGE_BAND__AGE_NONE)
    refused = desk_error("bad_input", "age_band", "is missing: of whom is the question?", NULL);
  if (refused == NULL)
    refused = until_when(a, request, &ask.valid_until_ms);
  if (refused != NULL)
    return refused;
  refused = compose_question(a, agent_read(a), request, &w, core, &c);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  if (refused == NULL)
    refused = desk_judge(a, &c.event);
  if (refused == NULL)
    refused = save_question(a, core, &c, &w);
  if (refused != NULL)
    return refused;
  json_t *to = json_array();
  const Onward__AskPlace *sent = c.event.core->ask_place;
  for (size_t i = 0; i < sent->n_recipients; i++)
    json_array_append_new(to, json_bytes(sent->recipients[i]));
  return json_pack("{s:b, s:o}", "ok", 1, "to", to);
}

json_t *desk_answer_place(struct agent *a, const json_t *request)
{
  struct form_error error;
  int status;
  struct question_row q;
  struct bytes row;
  struct hash hash;
  Onward__AnswerPlace answer = ONWARD__ANSWER_PLACE__INIT;
  Onward__Answered answered = ONWARD__ANSWERED__INIT;
  const json_t *index = json_object_get(request, "question");
  if (form_code(&onward__capacity_status__descriptor, "status", json_object_get(request, "status"), &error, &status) !=
      OK)
    return desk_form_error(&error);
  json_t *refused = until_when(a, request, &answer.valid_until_ms);
  if (refused != NULL)
    return refused;
  struct books *b = agent_read(a);
  bool known = json_is_integer(index) && questions_get(b, (uint64_t)json_integer_value(index), &q) &&
               !org_id_equal(&q.author, &a->self.id) && books_entry(b, q.index, &row) == OK;
  if (known)
    hash = leaf_hash(row);
  Onward__Core *core = core_new(NULL, &a->arena);
  if (agent_abort(a) != OK || core == NULL)
    return desk_trouble(OUR_FAULT);
  if (!known)
    return desk_error("not_found", "question", "there is no such question for this organisation",
                      "see: onward questions");
  answer.status = (Onward__CapacityStatus)status;
  answered.index = q.index;
  answered.leaf_hash = pb_data(hash_bytes(&hash));
  core->answers = &answered;
  core->act_case = ONWARD__CORE__ACT_ANSWER_PLACE;
  core->answer_place = &answer;
  refused = desk_queue(a, core, NULL);
  return refused != NULL ? refused : json_pack("{s:b}", "ok", 1);
}

/* --- all of them --- */

static json_t *answers_json(struct agent *a, struct books *b, const struct question_row *q)
{
  json_t *list = json_array();
  for (size_t i = 0; i < q->answer_count; i++) {
    const struct place_answer *one = &q->answers[i];
    json_t *o = json_contact(a, b, &one->org);
    if (one->time_ms != 0) {
      json_object_set_new(o, "status", json_string(pb_enum_name(&onward__capacity_status__descriptor, one->status)));
      json_object_set_new(o, "time_ms", json_integer((json_int_t)one->time_ms));
      json_object_set_new(o, "valid_until_ms", json_integer((json_int_t)one->until_ms));
      json_object_set_new(o, "valid", json_boolean(one->until_ms >= agent_log_ms(a)));
    }
    json_array_append_new(list, o);
  }
  return list;
}

/* What is asked for: absent while it is locked, or where it does not open. */
static void add_content(struct agent *a, struct books *b, const struct question_row *q, bool ours, json_t *o)
{
  struct bytes content;
  uint32_t schema;
  enum status s =
      ours ? vault_open(b, &a->self, own_note(pb_data(BYTES(q->nonce)), ONWARD__PART__NOTE), &a->secret, &content)
           : body_open(b, &a->self, q->index, q->slot, &a->secret, &content);
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  json_t *form = s == OK ? form_unpack(&onward__place_question__descriptor, content, &a->secret, &schema) : NULL;
  const char *area = json_string_value(json_object_get(form, "area"));
  if (area != NULL && (strlen(area) > AREA_SIZE_MAX || strspn(area, plain) != strlen(area)))
    json_object_del(form, "area"); /* a stranger's words, and no code */
  if (form != NULL)
    json_object_update(o, form);
  json_decref(form);
  arena_wipe(&a->secret);
}

static json_t *question_json(struct agent *a, struct books *b, const struct question_row *q)
{
  bool ours = org_id_equal(&q->author, &a->self.id);
  json_t *o = json_pack("{s:I, s:I, s:I, s:b, s:b, s:o, s:o}", "question", (json_int_t)q->index, "time_ms",
                        (json_int_t)q->time_ms, "valid_until_ms", (json_int_t)q->until_ms, "over",
                        q->until_ms < agent_log_ms(a), "ours", ours, "by", json_contact(a, b, &q->author), "answers",
                        answers_json(a, b, q));
  add_content(a, b, q, ours, o);
  return o;
}

json_t *desk_questions(struct agent *a, const json_t *request)
{
  (void)request;
  json_t *list = json_array();
  struct books *b = agent_read(a);
  struct walk w = walk_start(TABLE_QUESTIONS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct question_row q;
    must(w.value.size == sizeof q);
    memcpy(&q, w.value.data, sizeof q);
    json_array_append_new(list, question_json(a, b, &q));
  }
  if (agent_abort(a) == OK)
    return json_pack("{s:b, s:b, s:o}", "ok", 1, "locked", keys_locked(&a->keys), "questions", list);
  json_decref(list);
  return desk_trouble(OUR_FAULT);
}
