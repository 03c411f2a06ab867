/* `act`: one step on one referral. Each act says which fields it needs; what it seals goes to the other side, and a
 * copy to ourselves. What the rules would refuse is refused here, before anything is saved.
 */
#include <stdio.h>
#include <string.h>

#include "agents/desk.h"
#include "agents/item.h"
#include "proto/rules/rules.h"

/* One step while it is made. */
struct step {
  const json_t *request;
  struct view view;
  Onward__Core *core;
  json_t *note; /* what is said beside; own reference */
  struct part parts[2 * RECIPIENTS_MAX];
  size_t part_count;
  struct bytes own_note, own_brief; /* packed, to be kept sealed to ourselves */
  struct org_id to[RECIPIENTS_MAX];
  ProtobufCBinaryData recipients[RECIPIENTS_MAX];
  union {
    Onward__Acknowledge acknowledge;
    Onward__Accept accept;
    Onward__Decline decline;
    Onward__Reroute reroute;
    Onward__Start start;
    Onward__Progress progress;
    Onward__Complete complete;
    Onward__Fail fail;
    Onward__Close close;
    Onward__Readdress readdress;
    Onward__Cancel cancel;
    Onward__ConfirmCancel confirm_cancel;
    Onward__RefuseCancel refuse_cancel;
  } as;
};

/* --- what an act needs --- */

static json_t *need_code(struct step *s, const char *field, const ProtobufCEnumDescriptor *type, const char *note_field,
                         int *out)
{
  struct form_error error;
  const json_t *value = json_object_get(s->request, field);
  if (form_code(type, field, value, &error, out) != OK) /* also where it is missing: the allowed names are told */
    return desk_form_error(&error);
  if (note_field != NULL)
    json_object_set(s->note, note_field, (json_t *)(uintptr_t)value);
  return NULL;
}

static json_t *fill_nothing(struct agent *a, struct books *b, struct step *s)
{
  (void)a;
  (void)b;
  (void)s;
  return NULL;
}

static json_t *fill_accept(struct agent *a, struct books *b, struct step *s)
{
  struct form_error error;
  const json_t *date = json_object_get(s->request, "first_contact_by");
  (void)b;
  if (date == NULL)
    return desk_error("bad_input", "first_contact_by", "is missing",
                      "say by when you will have spoken with the child: --first-contact DATE");
  if (form_date("first_contact_by", date, &error, &s->as.accept.first_contact_by_ms) != OK)
    return desk_form_error(&error);
  return desk_ahead(a, "first_contact_by", s->as.accept.first_contact_by_ms);
}

static json_t *fill_decline(struct agent *a, struct books *b, struct step *s)
{
  int reason = 0, by = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "reason", &onward__decline_reason__descriptor, "decline", &reason);
  if (refused == NULL)
    refused = need_code(s, "by", &onward__declined_by__descriptor, NULL, &by);
  s->as.decline.reason = form_decline_class((Onward__DeclineReason)reason);
  s->as.decline.by = (Onward__DeclinedBy)by;
  return refused;
}

static json_t *fill_fail(struct agent *a, struct books *b, struct step *s)
{
  int reason = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "reason", &onward__decline_reason__descriptor, "decline", &reason);
  s->as.fail.reason = form_decline_class((Onward__DeclineReason)reason);
  return refused;
}

static json_t *fill_complete(struct agent *a, struct books *b, struct step *s)
{
  int outcome = 0;
  (void)a;
  (void)b;
  json_t *refused = need_code(s, "outcome", &onward__outcome__descriptor, "outcome", &outcome);
  s->as.complete.outcome = form_outcome_class((Onward__Outcome)outcome);
  return refused;
}

/* A brief in the words of whoever passes it on; without one, as it came. */
static json_t *reroute_brief(struct agent *a, struct books *b, struct step *s)
{
  struct form_error error;
  struct bytes content;
  uint32_t schema;
  const struct party *p = view_party(&s->view, &a->self.id);
  const json_t *given = json_object_get(s->request, "brief");
  json_t *brief = NULL;
  if (given != NULL && !json_is_object(given))
    return desk_error("bad_input", "brief", "must be an object", NULL);
  if (given != NULL) {
    brief = json_deep_copy(given);
  } else {
    if (keys_locked(&a->keys))
      return desk_error("locked", NULL, "the case is locked", "onward unlock, or give a brief of your own");
    if (p != NULL && body_open(b, &a->self, p->brief_index, p->brief_slot, &a->secret, &content) == OK)
      brief = form_unpack(&onward__brief__descriptor, content, &a->secret, &schema);
    if (brief == NULL)
      return desk_error("bad_input", "brief", "is missing, and the one that came is not here", NULL);
  }
  json_object_set_new(brief, "by_rerouter", json_true());
  enum status st = form_complete(brief, NULL, &error);
  if (st == OK)
    st = form_pack(&onward__brief__descriptor, "brief", brief, &a->secret, &error, &s->own_brief);
  json_decref(brief);
  return st == OK ? NULL : st == BAD_INPUT ? desk_form_error(&error) : desk_trouble(OUR_FAULT);
}

static json_t *fill_reroute(struct agent *a, struct books *b, struct step *s)
{
  json_t *refused = desk_organisation(s->request, "to", &s->to[0]);
  if (refused == NULL)
    refused = desk_known(a, b, "to", &s->to[0]);
  if (refused == NULL)
    refused = reroute_brief(a, b, s);
  s->as.reroute.target = pb_data(org_id_text(&s->to[0]));
  s->parts[s->part_count++] = (struct part){s->to[0], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, s->own_brief};
  return refused;
}

static json_t *fill_readdress(struct agent *a, struct books *b, struct step *s)
{
  struct bytes brief, file;
  size_t count;
  const struct ref_id *id = &s->view.item.id;
  json_t *refused = desk_organisations(s->request, "to", 1, RECIPIENTS_MAX, s->to, &count);
  for (size_t i = 0; refused == NULL && i < count; i++)
    refused = desk_known(a, b, "to", &s->to[i]);
  if (refused != NULL)
    return refused;
  enum status st = vault_open(b, &a->self, own_case(id, ONWARD__PART__BRIEF), &a->secret, &brief);
  if (st == OK)
    st = vault_open(b, &a->self, own_case(id, ONWARD__PART__FILE), &a->secret, &file);
  if (st == NOT_NOW)
    return desk_error("locked", NULL, "the case is locked; it has to be sealed for them", "onward unlock");
  if (st != OK)
    return desk_error("not_found", NULL, "the case itself is not on this computer", "close it, and send it again");
  struct event submit;
  bool now = view_submit(a, b, &s->view, &submit) && view_file_now(&submit); /* as it went to the first ones */
  Onward__Release release = now ? ONWARD__RELEASE__AT_DELIVERY : ONWARD__RELEASE__AT_ACCEPT;
  for (size_t i = 0; i < count; i++) {
    s->recipients[i] = pb_data(org_id_text(&s->to[i]));
    s->parts[s->part_count++] = (struct part){s->to[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, brief};
    s->parts[s->part_count++] = (struct part){s->to[i], ONWARD__PART__FILE, release, file};
  }
  s->as.readdress.n_recipients = count;
  s->as.readdress.recipients = s->recipients;
  return NULL;
}

static const struct act_form {
  const char *name;
  act_kind act;
  const ProtobufCMessageDescriptor *type;
  json_t *(*fill)(struct agent *a, struct books *b, struct step *s);
  const char *fields; /* that it may have beside do, act and id */
} acts[] = {
#define ACT(lower, upper, fill, fields)                                                                                \
  {                                                                                                                    \
#lower, ONWARD__CORE__ACT_##upper, &onward__##lower##__descriptor, fill, fields                                    \
  }
    ACT(acknowledge, ACKNOWLEDGE, fill_nothing, ""),
    ACT(accept, ACCEPT, fill_accept, "first_contact_by note"),
    ACT(decline, DECLINE, fill_decline, "reason by note"),
    ACT(reroute, REROUTE, fill_reroute, "to brief"),
    ACT(start, START, fill_nothing, "note"),
    ACT(progress, PROGRESS, fill_nothing, "note"),
    ACT(complete, COMPLETE, fill_complete, "outcome note"),
    ACT(fail, FAIL, fill_fail, "reason note"),
    ACT(close, CLOSE, fill_nothing, "note"),
    ACT(readdress, READDRESS, fill_readdress, "to"),
    ACT(cancel, CANCEL, fill_nothing, "note"),
    ACT(confirm_cancel, CONFIRM_CANCEL, fill_nothing, "note"),
    ACT(refuse_cancel, REFUSE_CANCEL, fill_nothing, "note"),
#undef ACT
};

static const struct act_form *find_act(const json_t *request)
{
  const char *name = json_string_value(json_object_get(request, "act"));
  for (size_t i = 0; name != NULL && i < sizeof acts / sizeof acts[0]; i++)
    if (strcmp(acts[i].name, name) == 0)
      return &acts[i];
  return NULL;
}

static json_t *check_fields(const json_t *request, const struct act_form *form)
{
  static const char *const fields[] = {"first_contact_by", "reason", "by", "outcome", "note", "to", "brief"};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    size_t size = strlen(fields[i]);
    const char *found = strstr(form->fields, fields[i]);
    while (found != NULL && ((found > form->fields && found[-1] != ' ') || (found[size] != 0 && found[size] != ' ')))
      found = strstr(found + 1, fields[i]);
    if (found == NULL && json_object_get(request, fields[i]) != NULL)
      return desk_error("bad_input", fields[i], "has no place in this act", NULL);
  }
  return NULL;
}

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

static json_t *take_note(struct step *s)
{
  const json_t *note = json_object_get(s->request, "note");
  if (note != NULL && !json_is_object(note))
    return desk_error("bad_input", "note", "must be an object", NULL);
  s->note = note != NULL ? json_deep_copy(note) : json_object();
  return NULL;
}

/* --- from step to event --- */

static json_t *compose_step(struct agent *a, struct books *b, struct step *s, const struct act_form *form,
                            struct composed *out)
{
  struct complaint why;
  json_t *refused = take_note(s);
  s->core = core_new(&s->view.item.id, &a->arena);
  if (refused != NULL || s->core == NULL)
    return refused != NULL ? refused : desk_trouble(OUR_FAULT);
  protobuf_c_message_init(form->type, &s->as);
  refused = form->fill(a, b, s);
  if (refused == NULL)
    refused = add_note(a, s);
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
  books_need_room(b);
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
  session_push(a);
  return desk_saved(&id);
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
  enum status st = agent_commit(a);
  if (st != OK)
    return desk_trouble(st);
  json_t *saved = desk_saved(&item->id);
  json_object_set_new(saved, "taken_back", json_string(item->draft != 0 ? "not_sent" : "refused"));
  return saved;
}

/* What the rules refuse, in the words of what came before, where there are any. Takes the reference. */
static json_t *say_plainly(const struct agent *a, json_t *refused, const struct view *v, act_kind act)
{
  const char *const *awaited;
  const struct org_id *from = view_awaited(v, &a->self.id, &awaited);
  bool ours = !v->item.sender && from != NULL && org_id_equal(from, &a->self.id);
  char item[REF_SHORT_SIZE], accept[80];
  ref_short(&v->item.id, item);
  (void)snprintf(accept, sizeof accept, "onward accept %s --first-contact DATE", item);
  const char *what = NULL, *try = NULL;
  if (view_has_step(v, act)) {
    what = "you did that already: it is written down here, and not yet recorded";
    try = "onward outbox";
  } else if (act == ONWARD__CORE__ACT_CANCEL && v->item.sender && (v->referral.flags & FLAG_CANCEL_OPEN) != 0) {
    what = "you have asked already; their answer is awaited";
  } else if (act == ONWARD__CORE__ACT_START && ours && ((OPEN_STATES | IN(WAITLISTED)) >> v->next.state & 1) != 0) {
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
  bool draft = refused == NULL && !s->view.logged;
  if (refused == NULL && !draft)
    refused = compose_step(a, b, s, form, &c);
  if (agent_abort(a) != OK) {
    json_decref(refused);
    return desk_trouble(OUR_FAULT);
  }
  if (draft && form->act == ONWARD__CORE__ACT_CANCEL)
    return take_back(a, &s->view.item);
  if (draft)
    return desk_error("not_allowed", NULL, "it is not in the log", "wait until it is, or cancel it");
  if (refused == NULL && (refused = desk_judge(a, &c.event)) != NULL)
    refused = say_plainly(a, refused, &s->view, form->act);
  return refused != NULL ? refused : save_step(a, s, &c);
}

json_t *desk_act(struct agent *a, const json_t *request)
{
  struct step s = {.request = request};
  const struct act_form *form = find_act(request);
  if (form == NULL)
    return desk_error(
        "bad_input", "act",
        "must be one of acknowledge, accept, decline, reroute, start, progress, complete, fail, close, readdress, "
        "cancel, confirm_cancel, refuse_cancel",
        NULL);
  json_t *answer = check_fields(request, form);
  if (answer == NULL)
    answer = act_on(a, &s, form);
  json_decref(s.note);
  a->used_ms = ticks_ms();
  return answer;
}
