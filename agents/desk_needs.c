/* `needs`: the referrals of one child beside each other, joined by the number in the sealed file. Only from our own
 * books: nobody else can join them. Each case is opened, read for two fields, and wiped.
 */
#include <string.h>

#include "agents/desk.h"
#include "agents/item.h"

#define ROOT_HEX 32

/* The number that the referral's file has, and what is asked for. False: no file here, or no number in it. */
static bool read_need(struct agent *a, struct books *b, const struct view *v, char root[ROOT_HEX + 1], json_t **service)
{
  bool damaged;
  json_t *brief = NULL, *file = NULL;
  desk_open_case(a, b, v, &brief, &file, &damaged);
  arena_wipe(&a->secret);
  const char *text = json_string_value(json_object_get(file, "root"));
  bool known = text != NULL && strlen(text) == ROOT_HEX;
  if (known)
    memcpy(root, text, ROOT_HEX + 1);
  *service = known ? json_incref(json_object_get(brief, "service")) : NULL;
  json_decref(brief);
  json_decref(file);
  return known;
}

static json_t *needs_of(json_t *children, const char *root)
{
  size_t count = json_array_size(children);
  for (size_t i = 0; i < count; i++)
    if (strcmp(json_string_value(json_object_get(json_array_get(children, i), "root")), root) == 0)
      return json_object_get(json_array_get(children, i), "needs");
  json_array_append_new(children, json_pack("{s:s, s:[]}", "root", root, "needs"));
  return json_object_get(json_array_get(children, count), "needs");
}

/* `wanted`: only this number; empty: all. */
static json_t *collect(struct agent *a, struct books *b, const char *wanted)
{
  const struct steps *steps = steps_read(b);
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  json_t *children = json_array();
  while (walk_next(&w, b)) {
    struct item item;
    struct view v;
    char root[ROOT_HEX + 1];
    json_t *service;
    must(w.value.size == sizeof item);
    memcpy(&item, w.value.data, sizeof item);
    view_get(a, b, steps, &item, &v);
    if (!read_need(a, b, &v, root, &service))
      continue;
    if (wanted[0] == 0 || strcmp(root, wanted) == 0) {
      json_t *need = view_json(a, b, &v);
      json_object_set(need, "service", service);
      json_array_append_new(needs_of(children, root), need);
    }
    json_decref(service);
  }
  return children;
}

/* The number itself, or any referral that has it. */
static json_t *read_wanted(struct agent *a, struct books *b, const json_t *request, char root[ROOT_HEX + 1])
{
  struct item item;
  struct view v;
  json_t *service = NULL;
  const char *text = json_string_value(json_object_get(request, "id"));
  root[0] = 0;
  if (json_object_get(request, "id") == NULL)
    return NULL;
  json_t *refused = desk_item(b, request, &item);
  if (refused != NULL && text != NULL && strlen(text) == ROOT_HEX && strspn(text, "0123456789abcdef") == ROOT_HEX) {
    memcpy(root, text, ROOT_HEX + 1);
    json_decref(refused);
    return NULL;
  }
  if (refused != NULL)
    return refused;
  view_get(a, b, steps_read(b), &item, &v);
  bool known = read_need(a, b, &v, root, &service);
  json_decref(service);
  return known ? NULL
               : desk_error("not_found", "id", "no number that joins it to others is here",
                            "it is in the file: `root`, given with the first referral of a child");
}

json_t *desk_needs(struct agent *a, const json_t *request)
{
  char root[ROOT_HEX + 1];
  if (keys_locked(&a->keys))
    return desk_error("locked", NULL, "the cases are locked", "onward unlock");
  struct books *b = agent_read(a);
  json_t *children = NULL, *refused = read_wanted(a, b, request, root);
  if (refused == NULL)
    children = collect(a, b, root);
  a->used_ms = ticks_ms();
  if (agent_abort(a) == OK)
    return refused != NULL ? refused : json_pack("{s:b, s:o}", "ok", 1, "children", children);
  json_decref(refused);
  json_decref(children);
  return desk_trouble(OUR_FAULT);
}
