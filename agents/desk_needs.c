/* The needs of one child beside each other: joined by a random number in the sealed file, which is made with the first
 * of them. `needs` lists them, only from our own books: nobody else can join them. Each case is opened, read for two
 * fields, and wiped.
 */
#include <string.h>

#include "agents/desk_refer.h"
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

static bool item_root(struct agent *a, struct books *b, const struct item *item, char root[ROOT_HEX + 1])
{
  struct view v;
  json_t *service = NULL;
  view_get(a, b, steps_read(b), item, &v);
  bool known = !keys_locked(&a->keys) && read_need(a, b, &v, root, &service);
  json_decref(service);
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
  return item_root(a, b, &item, root) ? NULL
                                      : desk_error("not_found", "id", "no number that joins it to others is here",
                                                   "it is in the file, with name and contact, which come after a yes");
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

/* --- joining --- */

static bool is_named(const json_t *root)
{
  const char *text = json_string_value(root);
  return root != NULL && !json_is_null(root) && (text == NULL || text[0] != 0);
}

static json_t *root_with(struct agent *a, struct books *b, const json_t *with, char root[ROOT_HEX + 1])
{
  struct item item;
  json_t *named = json_pack("{s:O}", "id", with), *refused = desk_item(b, named, &item);
  json_decref(named);
  if (refused != NULL)
    json_object_set_new(refused, "field", json_string("with"));
  else if (keys_locked(&a->keys))
    refused = desk_error("locked", "with", "the case that it names is locked", "onward unlock");
  else if (!item_root(a, b, &item, root))
    refused = desk_error("not_found", "with", "no number that joins it to others is here",
                         "its name and contact have to be here first; or leave it out");
  a->used_ms = ticks_ms();
  return refused;
}

/* A repetition has the number that was made the first time. */
static bool root_again(struct agent *a, struct books *b, const struct referring *list, size_t count,
                       char root[ROOT_HEX + 1])
{
  struct item item;
  for (size_t i = 0; i < count; i++)
    if (list[i].ref != NULL && desk_referred(b, list[i].ref, &item) && item_root(a, b, &item, root))
      return true;
  return false;
}

json_t *desk_join(struct agent *a, const json_t *with, struct referring *list, size_t count)
{
  uint8_t made[ROOT_HEX / 2];
  char root[ROOT_HEX + 1];
  const json_t *named = json_object_get(list[0].file_form, "root");
  if (is_named(named))
    return with == NULL ? NULL
                        : desk_error("bad_input", "with", "names a child, and so does file.root: give one", NULL);
  must(random_bytes(made, sizeof made) == OK);
  hex_encode(BYTES(made), root);
  struct books *b = agent_read(a);
  json_t *refused = with != NULL ? root_with(a, b, with, root) : NULL;
  if (with == NULL)
    (void)root_again(a, b, list, count, root);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  for (size_t i = 0; i < count; i++)
    json_object_set_new(list[i].file_form, "root", json_string(root));
  return refused;
}
