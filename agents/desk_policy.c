/* The network's policy. Everybody may read the one in force, as the directory's chain has it; a registrar changes some
 * of it, and the rest stays. A change that changes nothing is not made, and none is begun while another is
 * on its way: what people were shown is what they change.
 */
#include <stdio.h>
#include <string.h>

#include "agents/desk.h"
#include "agents/item.h"

static const char *const limit_names[] = {"high_s", "medium_s", "low_s"};

static const char *clock_name(size_t clock)
{
  return pb_enum_name(&onward__clock__descriptor, (int)clock + 1);
}

static json_t *clocks_json(const struct policy *p)
{
  json_t *clocks = json_object();
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    json_object_set_new(clocks, clock_name(i),
                        json_pack("{s:I, s:I, s:I}", limit_names[0], (json_int_t)p->limit_s[i][0], limit_names[1],
                                  (json_int_t)p->limit_s[i][1], limit_names[2], (json_int_t)p->limit_s[i][2]));
  return clocks;
}

json_t *desk_policy(struct agent *a, const json_t *request)
{
  struct policy policy;
  struct bytes row;
  struct leaf leaf = {.time_ms = 0};
  struct org_id by;
  char name[ORGANISATION_NAME_SIZE];
  (void)request;
  a->stale = true;
  struct books *b = agent_read(a);
  books_policy(b, &policy);
  bool whole = books_entry(b, policy.index, &row) == OK && leaf_read(row, &leaf) == OK;
  leaf_author(&leaf, &by);
  directory_name(b, &by, &a->arena, name);
  if (agent_abort(a) != OK || !whole)
    return desk_trouble(OUR_FAULT);
  json_t *o = json_pack("{s:b, s:o, s:I, s:I}", "ok", 1, "clocks", clocks_json(&policy), "since_entry",
                        (json_int_t)policy.index, "since_ms", (json_int_t)leaf.time_ms);
  json_object_set_new(o, "last_resort", json_org(&policy.last_resort));
  if (leaf.origin == ORIGIN_ORGANISATION) {
    json_object_set_new(o, "by", json_org(&by));
    json_object_set_new(o, "by_name", json_string(name));
  }
  return o;
}

/* --- changing it --- */

static json_t *read_clock(const json_t *given, size_t clock, uint32_t limit_s[3])
{
  char field[64], what[80];
  const char *name;
  json_t *value;
  if (!json_is_object(given))
    return desk_error("bad_input", "clocks", "each must be an object with high_s, medium_s, low_s, or some of them",
                      NULL);
  json_object_foreach((json_t *)(uintptr_t)given, name, value)
  {
    size_t i = 0;
    while (i < 3 && strcmp(limit_names[i], name) != 0)
      i++;
    if (i == 3)
      return desk_error("bad_input", "clocks", "a clock has high_s, medium_s and low_s, and nothing else", NULL);
    json_int_t s = json_integer_value(value); /* 0 where it is no whole number */
    snprintf(field, sizeof field, "clocks.%s.%s", clock_name(clock), name);
    snprintf(what, sizeof what, "must be a number of seconds from 1 to %d", CLOCK_LIMIT_MAX_S);
    if (s < 1 || s > CLOCK_LIMIT_MAX_S)
      return desk_error("bad_input", field, what, NULL);
    limit_s[i] = (uint32_t)s;
  }
  return NULL;
}

/* Over what is in force. */
static json_t *read_clocks(const json_t *clocks, struct policy *p)
{
  const char *name;
  json_t *value, *refused = NULL;
  if (clocks != NULL && !json_is_object(clocks))
    return desk_error("bad_input", "clocks", "must be an object: the clocks to change, by name",
                      "see them: onward policy");
  json_object_foreach((json_t *)(uintptr_t)clocks, name, value)
  {
    size_t i = 0;
    while (i < CLOCKS_LIMITED && strcmp(clock_name(i), name) != 0)
      i++;
    refused = i < CLOCKS_LIMITED
                  ? read_clock(value, i, p->limit_s[i])
                  : desk_error("bad_input", "clocks", "there is no clock of this name that a policy sets",
                               "see them: onward policy");
    if (refused != NULL)
      return refused;
  }
  return NULL;
}

/* "": nobody. */
static json_t *read_last_resort(struct agent *a, struct books *b, const json_t *request, struct policy *p)
{
  static const char field[] = "last_resort";
  const json_t *given = json_object_get(request, field);
  const char *text = json_string_value(given);
  if (given == NULL)
    return NULL;
  memset(&p->last_resort, 0, sizeof p->last_resort);
  if (text != NULL && text[0] == 0)
    return NULL;
  json_t *refused = desk_organisation(request, field, &p->last_resort);
  return refused != NULL ? refused : desk_known(a, b, field, &p->last_resort);
}

static json_t *queue_policy(struct agent *a, const struct policy *p)
{
  Onward__SetPolicy set = ONWARD__SET_POLICY__INIT;
  Onward__Policy policy = ONWARD__POLICY__INIT;
  Onward__Limit limits[CLOCKS_LIMITED], *list[CLOCKS_LIMITED];
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++) {
    onward__limit__init(&limits[i]);
    limits[i].clock = (Onward__Clock)(i + 1);
    limits[i].high_s = p->limit_s[i][ONWARD__PRIORITY__HIGH - 1];
    limits[i].medium_s = p->limit_s[i][ONWARD__PRIORITY__MEDIUM - 1];
    limits[i].low_s = p->limit_s[i][ONWARD__PRIORITY__LOW - 1];
    list[i] = &limits[i];
  }
  policy.n_limits = CLOCKS_LIMITED;
  policy.limits = list;
  policy.last_resort = pb_data(org_id_text(&p->last_resort));
  set.policy = &policy;
  core->act_case = ONWARD__CORE__ACT_SET_POLICY;
  core->set_policy = &set;
  return desk_queue(a, core, NULL);
}

json_t *desk_set_policy(struct agent *a, const json_t *request)
{
  struct policy now, wanted;
  struct books *b = agent_read(a);
  books_policy(b, &now);
  bool waits = outbox_holds(b, ONWARD__CORE__ACT_SET_POLICY);
  wanted = now;
  json_t *refused = read_clocks(json_object_get(request, "clocks"), &wanted);
  if (refused == NULL)
    refused = read_last_resort(a, b, request, &wanted);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  if (refused != NULL)
    return refused;
  if (waits)
    return desk_error("not_allowed", NULL, "a change of the policy is on its way to the exchange already",
                      "try again when it is in force: onward policy");
  bool changed = memcmp(&now, &wanted, sizeof now) != 0;
  refused = changed ? queue_policy(a, &wanted) : NULL;
  return refused != NULL ? refused : json_pack("{s:b, s:b}", "ok", 1, "changed", changed);
}
