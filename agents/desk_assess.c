/* `assess`: one assessment of a child, and a referral for each need: what all have in common once, and each need's own
 * beside it. A mistake anywhere refuses all of them.
 */
#include "agents/desk_refer.h"

#include <stdio.h>
#include <string.h>

/* One need: what it says takes the place of what is said for all. NULL: `out` is its whole form. */
static json_t *merge(const json_t *shared, const json_t *need, size_t number, json_t **out)
{
  json_t *refused = json_is_object(need) ? desk_unknown_field(need, FORM_FIELDS)
                                         : desk_error("bad_input", NULL, "must be an object", NULL);
  if (refused == NULL && form_at(need, "file.root") != NULL)
    refused = desk_error("bad_input", "file.root", "is one for all needs: it belongs beside `needs`", NULL);
  if (refused != NULL)
    return refused;
  *out = json_deep_copy(shared);
  json_t *own = json_deep_copy(need);
  const char *ref = json_string_value(json_object_get(shared, "ref"));
  if (json_object_get(need, "ref") == NULL && ref != NULL && ref[0] != 0)
    json_object_set_new(*out, "ref", json_sprintf("%s/%zu", ref, number));
  if (json_is_true(json_object_get(need, "ourselves")))
    json_object_del(*out, "to");
  must(json_object_update_recursive(*out, own) == 0);
  json_decref(own);
  if (json_object_get(*out, "ref") == NULL)
    return desk_error("bad_input", "ref", "is missing: with your own reference, sending it again makes nothing new",
                      "--ref TEXT, or `ref` in the file");
  return NULL;
}

static json_t *read_needs(const json_t *request, json_t **forms, struct referring *list, size_t *count, size_t *wrong)
{
  const json_t *needs = json_object_get(request, "needs");
  json_t *refused = NULL, *shared = json_copy((json_t *)(uintptr_t)request);
  json_object_del(shared, "needs");
  json_object_del(shared, "with");
  json_object_del(shared, "do");
  *wrong = *count = json_array_size(needs);
  if (*count < 1 || *count > NEEDS_MAX) {
    *count = 0;
    refused = desk_error("bad_input", "needs", "must be a list of 1 to 16 needs", NULL);
  }
  for (size_t i = 0; refused == NULL && i < *count; i++) {
    *wrong = i;
    refused = merge(shared, json_array_get(needs, i), i + 1, &forms[i]);
    list[i].form = forms[i];
    for (size_t k = 0; refused == NULL && k < i; k++)
      if (json_equal(json_object_get(forms[i], "ref"), json_object_get(forms[k], "ref")))
        refused = desk_error("bad_input", "ref", "is that of another need, too", "give each its own, or none");
  }
  json_decref(shared);
  return refused;
}

/* Which need the refusal is about, from 1; of what is said for all: none. A reference is each need's own. */
static void name_need(json_t *refused, const json_t *request, size_t wrong)
{
  const char *field = json_string_value(json_object_get(refused, "field"));
  const json_t *need = json_array_get(json_object_get(request, "needs"), wrong);
  bool shared =
      field != NULL && strcmp(field, "ref") != 0 && form_at(need, field) == NULL && form_at(request, field) != NULL;
  if (need != NULL && !shared)
    json_object_set_new(refused, "need", json_integer((json_int_t)wrong + 1));
}

static json_t *answer_all(const struct referring *list, size_t count)
{
  json_t *answer = json_pack("{s:b, s:[]}", "ok", 1, "referrals");
  for (size_t i = 0; i < count; i++) {
    json_t *one = json_object();
    refer_tell(one, &list[i]);
    json_array_append_new(json_object_get(answer, "referrals"), one);
  }
  return answer;
}

json_t *desk_assess(struct agent *a, const json_t *request)
{
  struct referring list[NEEDS_MAX] = {{.form = NULL}};
  json_t *forms[NEEDS_MAX] = {NULL};
  size_t count, wrong;
  json_t *refused = read_needs(request, forms, list, &count, &wrong);
  if (refused == NULL)
    refused = refer_all(a, json_object_get(request, "with"), list, count, &wrong);
  if (refused != NULL)
    name_need(refused, request, wrong);
  json_t *answer = refused != NULL ? refused : answer_all(list, count);
  for (size_t i = 0; i < count; i++) {
    refer_forget(&list[i]);
    json_decref(forms[i]);
  }
  return answer;
}
