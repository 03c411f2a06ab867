/* A row for each referral: a newer word takes the place of the one before. What still waits is said again at least once
 * a week, so what was said more than eight days ago is over, and its row goes.
 */
#include "agents/told.h"

#include <string.h>

#include "agents/item.h"

#define SHOWN_MS (8 * 86400000ull)

bool told_may_be(struct agent *a, struct books *b, const struct referral *r)
{
  struct organisation self;
  bool registrar = books_organisation(b, &a->self.id, &self) == OK && self.registrar != 0;
  return registrar && (r == NULL || !org_id_equal(&r->sender, &a->self.id));
}

bool told_only(const struct agent *a, const struct event *e, bool known)
{
  if (!known)
    return e->act != ONWARD__CORE__ACT_SUBMIT; /* whoever gets a case is told that first */
  return e->act == ONWARD__CORE__ACT_OVERDUE && e->core->overdue->clock == ONWARD__CLOCK__ERASURE &&
         !bytes_equal(pb_bytes(e->core->overdue->organisation), org_id_text(&a->self.id));
}

static bool is_over(struct agent *a, const struct told_row *t)
{
  return t->time_ms + SHOWN_MS < agent_log_ms(a);
}

static struct told_row read_row(const struct walk *w, struct ref_id *id)
{
  struct told_row row;
  must(w->key.size == sizeof id->byte && w->value.size == sizeof row);
  memcpy(id->byte, w->key.data, sizeof id->byte);
  memcpy(&row, w->value.data, sizeof row);
  return row;
}

static void drop_old(struct agent *a, struct books *b)
{
  struct walk w = walk_start(TABLE_TOLD, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct ref_id id;
    struct told_row row = read_row(&w, &id);
    if (is_over(a, &row))
      b->del(b, TABLE_TOLD, BYTES(id.byte));
  }
}

void told_take(struct agent *a, struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct told_row row = {leaf->time_ms, leaf->index};
  drop_old(a, b);
  b->put(b, TABLE_TOLD, BYTES(e->referral.byte), bytes_of(&row, sizeof row));
  agent_tell(a, &e->referral, e->act == ONWARD__CORE__ACT_OVERDUE ? NEWS_OVERDUE : NEWS_CHANGED);
}

/* Whoever should have acted; else whoever did. The exchange itself is nobody to call. */
static json_t *whom_to_call(struct agent *a, struct books *b, const json_t *entry)
{
  struct org_id id;
  const json_t *of = json_object_get(entry, "of"), *by = json_object_get(entry, "by");
  const char *text = json_string_value(of != NULL ? of : by);
  return text != NULL && org_id_parse(bytes_text(text), &id) == OK ? json_contact(a, b, &id) : NULL;
}

json_t *told_json(struct agent *a, struct books *b)
{
  json_t *list = json_array();
  struct walk w = walk_start(TABLE_TOLD, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct ref_id id;
    struct told_row row = read_row(&w, &id);
    json_t *one = is_over(a, &row) ? NULL : view_entry(a, b, row.entry);
    if (one == NULL)
      continue;
    json_id(one, &id);
    json_t *call = whom_to_call(a, b, one);
    if (call != NULL)
      json_object_set_new(one, "call", call);
    json_array_append_new(list, one);
  }
  return list;
}
