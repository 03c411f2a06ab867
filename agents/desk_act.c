/* `act`: one step on one referral (desk_fill.c says what each needs). What it seals goes to the other side, and a copy
 * to ourselves. What the rules would refuse is refused here, before anything is saved.
 */
#include <stdio.h>
#include <string.h>

#include "agents/desk_step.h"
#include "agents/erase.h"
#include "proto/rules/rules.h"

/* --- the note --- */

static json_t *add_note(struct agent *a, struct step *s)
{
  struct form_error error;
  const struct referral *r = &s->view.referral;
  if (json_object_size(s->note) == 0)
    return NULL;
  if (s->view.item.sender && r->present == PARTY_NONE)
    return desk_error("bad_input", "note", "has nobody to go to: no organisation has the referral", NULL);
  enum status st = form_pack(&onward__note__descriptor, "note", s->note, &a->secret, &error, &s->own_note);
  if (st != OK)
    return st == BAD_INPUT ? desk_form_error(&error) : desk_trouble(OUR_FAULT);
  struct org_id to = s->view.item.sender ? r->parties[r->present].org : r->sender;
  s->parts[s->part_count++] = (struct part){to, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY, s->own_note};
  return NULL;
}

static json_t *take_note(struct step *s, const struct act_form *form)
{
  const json_t *note = json_object_get(s->request, "note");
  if (note != NULL && !json_is_object(note))
    return desk_error("bad_input", "note", "must be an object", NULL);
  if (step_has_field(form, "note!") && json_string_length(json_object_get(note, "text")) == 0)
    return desk_error("bad_input", "note.text", "is missing: this step is what you write, and only they read it",
                      "--note FILE, or - for standard input");
  s->note = note != NULL ? json_deep_copy(note) : json_object();
  return NULL;
}

/* --- from step to event --- */

static json_t *compose_step(struct agent *a, struct books *b, struct step *s, const struct act_form *form,
                            struct composed *out)
{
  struct complaint why;
  json_t *refused = take_note(s, form);
  s->core = core_new(&s->view.item.id, &a->arena);
  if (refused != NULL || s->core == NULL)
    return refused != NULL ? refused : desk_trouble(OUR_FAULT);
  protobuf_c_message_init(form->type, &s->as);
  refused = form->fill(a, b, s);
  if (refused == NULL)
    refused = add_note(a, s);
  if (refused == NULL && s->part_count > 0)
    refused = desk_whole(a, b);
  if (refused != NULL)
    return refused;
  s->core->act_case = form->act;
  s->core->acknowledge = &s->as.acknowledge; /* whichever: all acts share their place */
  enum status st = core_answer(b, &s->view.referral, s->core, &a->arena);
  if (st == OK)
    st = compose(b, &a->self, s->core, s->parts, s->part_count, &a->arena, &why, out);
  return st == OK ? NULL : st == BAD_INPUT ? desk_error("bad_input", NULL, why.text, NULL) : desk_trouble(st);
}

static enum status keep_own(struct agent *a, struct books *b, const struct step *s)
{
  enum status st = OK;
  if (s->own_note.size > 0)
    st = vault_keep(b, &a->self, own_note(s->core->nonce, ONWARD__PART__NOTE), s->own_note, &a->arena);
  if (st == OK && s->own_brief.size > 0)
    st = vault_keep(b, &a->self, own_note(s->core->nonce, ONWARD__PART__BRIEF), s->own_brief, &a->arena);
  return st;
}

static json_t *save_step(struct agent *a, const struct step *s, const struct composed *c)
{
  struct item item = s->view.item;
  struct ref_id id = item.id;
  uint64_t number;
  struct books *b = agent_write(a);
  books_need_room(b, a->config.outbox_events);
  if (s->core->act_case == ONWARD__CORE__ACT_ACKNOWLEDGE)
    item.acknowledged_leg = s->view.referral.leg_index;
  item_put(b, &item);
  enum status st = outbox_add(b, item.priority, &c->event, c->bodies, &number);
  if (st == OK)
    st = keep_own(a, b, s);
  if (st != OK)
    agent_abort(a);
  else
    st = agent_commit(a);
  if (st != OK)
    return desk_trouble(st);
  json_t *saved = desk_saved(&id);
  if (s->core->act_case == ONWARD__CORE__ACT_TELL)
    json_object_set_new(saved, "safety", json_boolean(s->as.tell.safety));
  session_push(a); /* which uses the arena anew */
  return saved;
}

/* Taken back before it was sent, or after it was refused: nothing of it is left. */
static json_t *take_back(struct agent *a, const struct item *item)
{
  struct books *b = agent_write(a);
  if (item->draft != 0 && outbox_take_back(b, item->draft) == NOT_NOW) {
    agent_abort(a);
    return desk_error("not_allowed", NULL, "it is on its way, and not in the log yet", "try again when it is");
  }
  struct item gone = *item;
  item_give_up(b, &gone);
  b->del(b, TABLE_ITEMS, BYTES(item->id.byte));
  vault_drop(b, own_case(&item->id, ONWARD__PART__BRIEF));
  vault_drop(b, own_case(&item->id, ONWARD__PART__FILE));
  vault_drop(b, own_case(&item->id, OWN_NEVER));
  enum status st = agent_commit(a);
  if (st != OK)
    return desk_trouble(st);
  json_t *saved = desk_saved(&item->id);
  json_object_set_new(saved, "taken_back", json_string(item->own ? "own" : item->draft != 0 ? "not_sent" : "refused"));
  return saved;
}

/* A need that we meet ourselves is in no log: it ends with a result, or is put away. */
static json_t *finish_own(struct agent *a, const struct step *s, const struct act_form *form)
{
  struct form_error error;
  int outcome;
  struct item item = s->view.item;
  if (form->act != ONWARD__CORE__ACT_COMPLETE || item.outcome != 0)
    return desk_error("not_allowed", NULL,
                      item.outcome != 0 ? "you have finished it already" : "you meet this need yourselves",
                      item.outcome != 0 ? NULL : "onward complete, or onward cancel");
  if (json_object_get(s->request, "note") != NULL)
    return desk_error("bad_input", "note", "has nobody to go to: you meet this need yourselves", NULL);
  if (form_code(&onward__outcome__descriptor, "outcome", json_object_get(s->request, "outcome"), &error, &outcome) !=
      OK)
    return desk_form_error(&error);
  item.outcome = (uint8_t)form_outcome_class((Onward__Outcome)outcome);
  item.done_ms = now_ms();
  item_put(agent_write(a), &item);
  enum status st = agent_commit(a);
  return st == OK ? desk_saved(&item.id) : desk_trouble(st);
}

/* What is still on its way may carry words of the case, and may end the turn in the first place. */
static json_t *erase_step(struct agent *a, const struct item *item)
{
  if (item->pending > 0)
    return desk_error("not_allowed", NULL, "a step of yours on it is not yet in the log", "try again when it is");
  enum status s = erase_case(a, &item->id);
  if (s == NOT_NOW)
    return desk_error(
        "full", NULL,
        "the case was taken out, but there is no room on the disk to write the books anew without it, and "
        "nothing was signed",
        "make room, as much as the folder \"books\" has, then say it again");
  if (s != OK)
    return desk_trouble(s);
  session_push(a);
  return desk_saved(&item->id);
}

/* What the rules refuse, in the words of what came before, where there are any. Takes the reference. */
static json_t *say_plainly(const struct agent *a, json_t *refused, const struct view *v, act_kind act, bool once)
{
  const char *const *awaited;
  const struct org_id *from = view_awaited(v, &a->self.id, &awaited);
  bool ours = !v->item.sender && from != NULL && org_id_equal(from, &a->self.id);
  char item[REF_SHORT_SIZE], accept[80];
  ref_short(&v->item.id, item);
  (void)snprintf(accept, sizeof accept, "onward accept %s --first-contact DATE", item);
  const char *what = NULL, *try = NULL;
  if (once && view_has_step(v, act)) {
    what = "you did that already: it is written down here, and not yet recorded";
    try = "onward outbox";
  } else if (act == ONWARD__CORE__ACT_CANCEL && v->item.sender && (v->referral.flags & FLAG_CANCEL_OPEN) != 0) {
    what = "you have asked already; their answer is awaited";
  } else if (act == ONWARD__CORE__ACT_START && ours && !view_must_read(v) && (OPEN_STATES >> v->next.state & 1) != 0) {
    what = "say yes first";
    try = accept;
  }
  if (what == NULL)
    return refused;
  json_decref(refused);
  return desk_error("not_allowed", NULL, what, try);
}

static json_t *act_on(struct agent *a, struct step *s, const struct act_form *form)
{
  struct composed c = {.bodies = {NULL, 0}};
  struct books *b = agent_read(a);
  json_t *refused = desk_item(b, s->request, &s->view.item);
  if (refused == NULL)
    view_get(a, b, steps_read(b), &s->view.item, &s->view);
  bool draft = refused == NULL && !s->view.logged, own = draft && s->view.item.own;
  if (refused == NULL && !draft)
    refused = compose_step(a, b, s, form, &c);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  if (draft && form->act == ONWARD__CORE__ACT_CANCEL)
    return take_back(a, &s->view.item);
  if (own)
    return finish_own(a, s, form);
  if (draft)
    return desk_error("not_allowed", NULL, "it is not in the log", "wait until it is, or cancel it");
  bool once = form->act != ONWARD__CORE__ACT_TELL;
  if (refused == NULL && (refused = desk_judge(a, &c.event)) != NULL)
    refused = say_plainly(a, refused, &s->view, form->act, once);
  if (refused == NULL && form->act == ONWARD__CORE__ACT_ERASE_RECEIPT)
    return erase_step(a, &s->view.item);
  return refused != NULL ? refused : save_step(a, s, &c);
}

json_t *desk_act(struct agent *a, const json_t *request)
{
  struct step s = {.request = request};
  json_t *answer = NULL;
  const struct act_form *form = step_form(request, &answer);
  if (form != NULL)
    answer = act_on(a, &s, form);
  json_decref(s.note);
  a->used_ms = ticks_ms();
  return answer;
}
