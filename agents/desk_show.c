/* `list` and `show`. Showing opens the case in memory, in an arena that is wiped behind the answer; a recipient who
 * reads it for the first time has acknowledged it by that, and is told so.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/desk.h"
#include "agents/duty.h"
#include "agents/item.h"

enum { LISTED_MAX = 10000, SCANNED_MAX = 100000 };

/* --- list --- */

struct line {
  struct urgency urgency;
  struct ref_id id;
};

static int by_urgency(const void *left, const void *right)
{
  const struct line *l = left, *r = right;
  for (int i = 0; i < 3; i++)
    if (l->urgency.key[i] != r->urgency.key[i])
      return l->urgency.key[i] < r->urgency.key[i] ? -1 : 1;
  return memcmp(l->id.byte, r->id.byte, sizeof l->id.byte);
}

static bool in_box(const char *box, const struct view *v)
{
  if (strcmp(box, "inbox") == 0)
    return !v->item.sender;
  if (strcmp(box, "sent") == 0)
    return v->item.sender && !v->item.own;
  if (strcmp(box, "outbox") == 0)
    return v->item.pending > 0 || (v->item.sender && !v->item.own && !v->logged);
  return true;
}

static size_t scan(struct agent *a, struct books *b, const struct steps *steps, const char *box, struct line *lines)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  size_t count = 0;
  while (count < SCANNED_MAX && walk_next(&w, b)) {
    struct item item;
    struct view v;
    must(w.value.size == sizeof item);
    memcpy(&item, w.value.data, sizeof item);
    view_get(a, b, steps, &item, &v);
    if (in_box(box, &v))
      lines[count++] = (struct line){view_urgency(a, &v), item.id};
  }
  qsort(lines, count, sizeof lines[0], by_urgency);
  return count;
}

json_t *desk_list(struct agent *a, const json_t *request)
{
  static const char *const boxes[] = {"inbox", "sent", "outbox", "all"};
  const char *box = json_string_value(json_object_get(request, "box"));
  bool known = false;
  for (size_t i = 0; box != NULL && i < sizeof boxes / sizeof boxes[0]; i++)
    known |= strcmp(box, boxes[i]) == 0;
  if (!known)
    return desk_error("bad_input", "box", "must be one of inbox, sent, outbox, all", NULL);
  struct line *lines = malloc(SCANNED_MAX * sizeof *lines);
  if (lines == NULL)
    return desk_trouble(OUR_FAULT);
  struct books *b = agent_read(a);
  const struct steps *steps = steps_read(b);
  size_t count = scan(a, b, steps, box, lines);
  json_t *items = json_array();
  for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
    struct item item;
    struct view v;
    if (item_get(b, &lines[i].id, &item) != OK)
      continue;
    view_get(a, b, steps, &item, &v);
    json_array_append_new(items, view_json(a, b, &v));
  }
  free(lines);
  json_t *answer = json_pack("{s:b, s:o, s:I, s:o}", "ok", 1, "items", items, "count", (json_int_t)count, "registry",
                             steps_registry_json(steps));
  if (agent_abort(a) == OK)
    return answer;
  json_decref(answer);
  return desk_trouble(OUR_FAULT);
}

/* --- show --- */

struct showing {
  struct view view;
  json_t *brief, *file, *notes;
  bool damaged; /* the brief does not open */
};

static json_t *unpack(struct agent *a, const ProtobufCMessageDescriptor *type, enum status opened, struct bytes content)
{
  uint32_t schema;
  return opened == OK ? form_unpack(type, content, &a->secret, &schema) : NULL;
}

static void open_own(struct agent *a, struct books *b, const struct ref_id *id, json_t **brief, json_t **file)
{
  struct bytes content;
  enum status opened = vault_open(b, &a->self, own_case(id, ONWARD__PART__BRIEF), &a->secret, &content);
  *brief = unpack(a, &onward__brief__descriptor, opened, content);
  opened = vault_open(b, &a->self, own_case(id, ONWARD__PART__FILE), &a->secret, &content);
  *file = unpack(a, &onward__file__descriptor, opened, content);
}

void desk_open_case(struct agent *a, struct books *b, const struct view *v, json_t **brief, json_t **file,
                    bool *damaged)
{
  struct bytes content;
  const struct party *p = view_party(v, &a->self.id);
  *damaged = false;
  if (v->item.sender)
    open_own(a, b, &v->item.id, brief, file);
  if (p == NULL || !view_readable(v, &a->self.id))
    return;
  enum status opened = body_open(b, &a->self, p->brief_index, p->brief_slot, &a->secret, &content);
  *brief = unpack(a, &onward__brief__descriptor, opened, content);
  *damaged = opened != NOT_FOUND && *brief == NULL;
  if (p->file_index == 0)
    return;
  opened = body_open(b, &a->self, p->file_index, p->file_slot, &a->secret, &content);
  *file = unpack(a, &onward__file__descriptor, opened, content);
  *damaged |= opened != NOT_FOUND && *file == NULL;
}

/* The note that this entry carried, ours or theirs. NULL: none that we can read. */
static json_t *open_note(struct agent *a, struct books *b, uint64_t index)
{
  struct leaf leaf;
  struct event e;
  struct batch_header h;
  struct bytes content;
  if (books_event(b, index, &a->secret, &leaf, &e) != OK || batch_header_read(leaf.header, &h) != OK ||
      e.outer->n_sealed == 0 || e.outer->sealed[0]->part != ONWARD__PART__NOTE)
    return NULL;
  bool ours = org_id_equal(&h.organisation, &a->self.id);
  enum status opened = ours ? vault_open(b, &a->self, own_note(e.core->nonce, ONWARD__PART__NOTE), &a->secret, &content)
                            : body_open(b, &a->self, index, 0, &a->secret, &content);
  json_t *note = unpack(a, &onward__note__descriptor, opened, content);
  if (note == NULL)
    return NULL;
  json_object_set_new(note, "index", json_integer((json_int_t)index));
  json_object_set_new(note, "time_ms", json_integer((json_int_t)leaf.time_ms));
  json_object_set_new(note, "from", json_org(&h.organisation));
  json_object_set_new(note, "act", json_string(act_name(e.act)));
  if (e.act == ONWARD__CORE__ACT_TELL && e.core->tell->safety)
    json_object_set_new(note, "safety", json_true());
  return note;
}

static void open_notes(struct agent *a, struct books *b, struct showing *s)
{
  struct walk w = walk_start(TABLE_HISTORY, BYTES(s->view.item.id.byte));
  s->notes = json_array();
  while (view_readable(&s->view, &a->self.id) && walk_next(&w, b)) {
    uint64_t index = key_number(w.key, sizeof s->view.item.id.byte);
    json_t *note = open_note(a, b, index);
    arena_wipe(&a->secret);
    if (note != NULL)
      json_array_append_new(s->notes, note);
  }
}

static bool has_note(const json_t *notes, uint64_t index)
{
  for (size_t i = 0; i < json_array_size(notes); i++)
    if ((uint64_t)json_integer_value(json_object_get(json_array_get(notes, i), "index")) == index)
      return true;
  return false;
}

/* Whether this opening is the first reading of the brief, or of a message about safety, which is acknowledged by it. */
static bool reads_first(const struct agent *a, const struct showing *s)
{
  const struct view *v = &s->view;
  const struct referral *r = &v->referral;
  bool brief = v->logged && !v->item.sender && r->state == STATE_RECEIVED && referral_present(r, &a->self.id) &&
               s->brief != NULL && v->item.acknowledged_leg != r->leg_index && v->next.state == STATE_RECEIVED;
  uint64_t safety = v->item.sender ? r->safety_at_sender : r->safety_at_recipient;
  return brief || (view_must_read(v) && has_note(s->notes, safety));
}

/* What a person here has now seen: the item is no news any more, nor is what was refused. What was read for the first
 * time is acknowledged. */
static enum status seen(struct agent *a, struct showing *s, bool *acknowledged)
{
  const struct referral *r = &s->view.referral;
  struct item *item = &s->view.item;
  bool first = reads_first(a, s);
  bool told = s->view.logged && item->refused_act != 0; /* stays with a draft, which only `cancel` puts away */
  if (!first && item->opened && !item->fresh && !told)
    return OK;
  item->opened = 1;
  item->fresh = 0;
  if (told)
    item->refused_act = item->refused_verdict = 0;
  if (first)
    item->acknowledged_leg = r->leg_index;
  struct books *b = agent_write(a);
  enum status st = OK;
  item_put(b, item);
  if (first)
    st = duty_acknowledge(a, b, item, r);
  if (b->trouble != OK) /* whatever was made of books that show nothing any more */
    st = b->trouble;
  if (st != OK)
    agent_abort(a);
  else
    st = agent_commit(a);
  *acknowledged = first && st == OK;
  return st;
}

static void report_damaged(struct agent *a, const struct showing *s)
{
  struct books *b = agent_write(a);
  if (duty_damaged(a, b, &s->view.item.id) != OK)
    agent_abort(a);
  else if (agent_commit(a) == OK)
    session_push(a);
}

/* `shown`: as it was before it was seen; its refusal is told this one time more. */
static json_t *answer_show(struct agent *a, struct showing *s, const struct item *shown, bool acknowledged)
{
  struct item item;
  struct books *b = agent_read(a);
  if (item_get(b, &s->view.item.id, &item) == OK) {
    item.refused_act = shown->refused_act;
    item.refused_verdict = shown->refused_verdict;
    view_get(a, b, steps_read(b), &item, &s->view);
  }
  json_t *o = json_pack("{s:b, s:o, s:O, s:o, s:b}", "ok", 1, "item", view_json(a, b, &s->view), "notes", s->notes,
                        "history", view_history(a, b, &item.id), "acknowledged_now", acknowledged);
  if (s->brief != NULL)
    json_object_set(o, "brief", s->brief);
  if (s->file != NULL)
    json_object_set(o, "file", s->file);
  agent_abort(a);
  return o;
}

json_t *desk_show(struct agent *a, const json_t *request)
{
  struct showing s = {.brief = NULL};
  struct item item;
  bool acknowledged = false, peek = json_is_true(json_object_get(request, "peek"));
  struct books *b = agent_read(a);
  json_t *refused = desk_item(b, request, &item);
  if (refused == NULL && keys_locked(&a->keys))
    refused = desk_error("locked", NULL, "the case is locked", "onward unlock");
  if (refused == NULL) {
    a->used_ms = ticks_ms();
    view_get(a, b, steps_read(b), &item, &s.view);
    desk_open_case(a, b, &s.view, &s.brief, &s.file, &s.damaged);
    arena_wipe(&a->secret);
    open_notes(a, b, &s);
  }
  if (agent_abort(a) != OK && refused == NULL)
    refused = desk_trouble(OUR_FAULT);
  if (refused == NULL && s.damaged)
    report_damaged(a, &s);
  enum status st = refused == NULL && !peek ? seen(a, &s, &acknowledged) : OK;
  if (acknowledged)
    session_push(a);
  json_t *answer = refused;
  if (refused == NULL && st != OK && st != NOT_NOW)
    answer = desk_trouble(st);
  else if (refused == NULL) /* on a full disk the case is shown all the same; that it was read is told later */
    answer = answer_show(a, &s, &item, acknowledged);
  json_decref(s.brief);
  json_decref(s.file);
  json_decref(s.notes);
  return answer;
}
