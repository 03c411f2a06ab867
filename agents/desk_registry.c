/* What registrars do to the directory: signed events like all others, judged here before they are queued. */
#include <string.h>

#include "agents/desk.h"
#include "agents/invite.h"
#include "agents/item.h"

/* --- acts on the registry --- */

json_t *desk_queue(struct agent *a, const Onward__Core *core, const struct org_id *invited)
{
  struct composed c = {.bodies = {NULL, 0}};
  struct complaint why;
  uint64_t number;
  enum status s = compose(agent_read(a), &a->self, core, NULL, 0, &a->arena, &why, &c);
  if (agent_abort(a) != OK || s != OK)
    return s == BAD_INPUT ? desk_error("bad_input", "request", why.text, NULL) : desk_trouble(OUR_FAULT);
  json_t *refused = desk_judge(a, &c.event);
  if (refused != NULL)
    return refused;
  struct books *b = agent_write(a);
  books_need_room(b, a->config.outbox_events);
  s = outbox_add(b, ONWARD__PRIORITY__HIGH, &c.event, c.bodies, &number);
  if (invited != NULL)
    invite_drop(b, invited);
  if (s != OK)
    agent_abort(a);
  else
    s = agent_commit(a);
  if (s != OK)
    return desk_trouble(s);
  session_push(a);
  return NULL;
}

struct read_request {
  struct bytes packed, signature;
  struct org_id id;
  char words[SIX_WORDS_SIZE];
};

static json_t *read_request(struct agent *a, const json_t *request, struct read_request *out)
{
  struct complaint why;
  const Onward__Request *r;
  const json_t *text = json_object_get(request, "request");
  if (!json_is_string(text))
    return desk_error("bad_input", "request", "is missing: the text of a request file", NULL);
  struct bytes content = bytes_of(json_string_value(text), json_string_length(text));
  enum status s = paper_request_read(content, &a->arena, &why, &out->packed, &out->signature, &r);
  if (s != OK)
    return s == BAD_INPUT ? desk_error("bad_input", "request", why.text, "ask for a new file")
                          : desk_trouble(OUR_FAULT);
  must(pb_org(r->organisation, &out->id) == OK);
  paper_request_words(r, out->words);
  return NULL;
}

static json_t *saved_words(const struct org_id *id, const char *words)
{
  json_t *o = json_pack("{s:b, s:s}", "ok", 1, "words", words);
  json_object_set_new(o, "organisation", json_org(id));
  return o;
}

json_t *desk_enrol(struct agent *a, const json_t *request)
{
  struct read_request r = {.words = ""};
  struct form_error error;
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  const json_t *until = json_object_get(request, "agreement_until");
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  json_t *refused = read_request(a, request, &r);
  if (refused == NULL && until != NULL && form_date("agreement_until", until, &error, &enrol.agreement_until_ms) != OK)
    refused = desk_form_error(&error);
  if (refused == NULL && until != NULL)
    refused = desk_ahead(a, "agreement_until", enrol.agreement_until_ms);
  if (refused != NULL)
    return refused;
  enrol.request = pb_data(r.packed);
  enrol.signature = pb_data(r.signature);
  core->act_case = ONWARD__CORE__ACT_ENROL;
  core->enrol = &enrol;
  refused = desk_queue(a, core, &r.id);
  return refused != NULL ? refused : saved_words(&r.id, r.words);
}

json_t *desk_invitation(struct agent *a, const json_t *request)
{
  struct org_id id;
  const char *text = NULL;
  json_t *refused = desk_organisation(request, "organisation", &id);
  if (refused != NULL)
    return refused;
  struct organisation self = {.registrar = 0}, o = {.registrar = 0};
  struct books *b = agent_read(a);
  bool registrar = books_organisation(b, &a->self.id, &self) == OK && self.registrar != 0;
  bool first = books_organisation(b, &id, &o) == OK && o.keys_index == 0;
  enum status s = invite_text(b, &id, &a->arena, &text);
  if (agent_abort(a) != OK || (s != OK && s != NOT_FOUND))
    return desk_trouble(OUR_FAULT);
  if (s == NOT_FOUND && !registrar)
    return desk_error("not_allowed", NULL, "only registrars have invitations", "see who is one: onward directory");
  if (s == NOT_FOUND && first)
    return desk_error("not_allowed", "organisation",
                      "is one of this network's first registrars: its invitation was made with the network", NULL);
  if (s == NOT_FOUND)
    return desk_error("not_found", "organisation", "no enrolment of it is proved to be in the log yet",
                      "try again in a while; if it was not enrolled: onward registrar enrol FILE");
  return json_pack("{s:b, s:s}", "ok", 1, "invitation", text);
}

/* Cut at once where nothing is said. */
static json_t *read_standing(const json_t *request, Onward__Standing *out)
{
  static const char allowed[] = "must be one of LAPSED, LEAVING, COMPROMISED";
  struct form_error error;
  int standing = ONWARD__STANDING__COMPROMISED;
  const json_t *value = json_object_get(request, "standing");
  if (value != NULL && (form_code(&onward__standing__descriptor, "standing", value, &error, &standing) != OK ||
                        standing == ONWARD__STANDING__ACTIVE))
    return desk_error("bad_input", "standing", allowed, NULL);
  *out = (Onward__Standing)standing;
  return NULL;
}

json_t *desk_suspend(struct agent *a, const json_t *request)
{
  struct org_id id;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  json_t *refused = desk_organisation(request, "organisation", &id);
  if (refused != NULL)
    return refused;
  refused = read_standing(request, &suspend.standing);
  if (refused != NULL)
    return refused;
  suspend.organisation = pb_data(org_id_text(&id));
  core->act_case = ONWARD__CORE__ACT_SUSPEND;
  core->suspend = &suspend;
  refused = desk_queue(a, core, NULL);
  return refused != NULL ? refused : json_pack("{s:b}", "ok", 1);
}

json_t *desk_stop_replacement(struct agent *a, const json_t *request)
{
  struct org_id id;
  Onward__StopReplacement stop = ONWARD__STOP_REPLACEMENT__INIT;
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  json_t *refused = desk_organisation(request, "organisation", &id);
  if (refused != NULL)
    return refused;
  stop.organisation = pb_data(org_id_text(&id));
  core->act_case = ONWARD__CORE__ACT_STOP_REPLACEMENT;
  core->stop_replacement = &stop;
  refused = desk_queue(a, core, NULL);
  return refused != NULL ? refused : json_pack("{s:b}", "ok", 1);
}

/* --- new keys --- */

/* What we were enrolled with, as a signed request for the prepared keys. */
static json_t *request_for(struct agent *a, struct key_folder *next, char text[PAPER_TEXT_MAX])
{
  struct organisation self;
  Onward__Request filled = ONWARD__REQUEST__INIT;
  struct books *b = agent_read(a);
  const Onward__Request *now =
      books_organisation(b, &a->self.id, &self) == OK ? directory_request(b, &self, &a->arena) : NULL;
  if (agent_abort(a) != OK || now == NULL)
    return desk_trouble(OUR_FAULT);
  filled.organisation = now->organisation;
  filled.name = now->name;
  filled.kind = now->kind;
  filled.duty_telephone = now->duty_telephone;
  filled.duty_hours = now->duty_hours;
  return request_file_write(next, &filled, &a->arena, text, PAPER_TEXT_MAX) == OK ? NULL : desk_trouble(OUR_FAULT);
}

/* Keys that may be in force at the exchange, or come into force, are never written over: without them nobody could sign
 * for this organisation any more. */
static json_t *keys_on_their_way(struct agent *a)
{
  struct organisation self;
  struct books *b = agent_read(a);
  bool own = outbox_holds(b, ONWARD__CORE__ACT_ROTATE);
  bool waits = books_organisation(b, &a->self.id, &self) == OK && self.pending_due_ms != 0;
  if (agent_abort(a) != OK)
    return desk_trouble(OUR_FAULT);
  if (waits)
    return desk_error("not_allowed", NULL, "a registrar's replacement of this organisation's keys waits already",
                      "let it take effect, or stop it first");
  if (own)
    return desk_error("not_allowed", NULL, "new keys of this organisation are on their way to the exchange already",
                      "try again when they are in force");
  if (keys_prepared(&a->keys) && a->session.phase != PHASE_READY)
    return desk_error("not_allowed", NULL, "new keys were prepared before, and may be in force",
                      "try again when the exchange is connected");
  return NULL;
}

static json_t *prepare_own(struct agent *a, const json_t *request, char text[PAPER_TEXT_MAX])
{
  struct key_folder next;
  char why[200];
  const json_t *passphrase = json_object_get(request, "passphrase");
  if (!json_is_string(passphrase))
    return desk_error("bad_input", "passphrase", "is missing: the one for the new sealing key", NULL);
  json_t *refused = keys_on_their_way(a);
  if (refused != NULL)
    return refused;
  struct bytes secret = bytes_of(json_string_value(passphrase), json_string_length(passphrase));
  enum status s = keys_prepare(&a->keys, secret, why, &next);
  if (s == NOT_NOW)
    return desk_error("locked", NULL, "the keys are locked", "onward unlock");
  if (s != OK)
    return s == BAD_INPUT ? desk_error("bad_input", "passphrase", why, NULL) : desk_trouble(s);
  refused = request_for(a, &next, text);
  keys_close(&next);
  return refused;
}

/* Keys that an organisation had before are gone from its computer: it would be locked out. */
static json_t *check_new_keys(struct agent *a, const struct read_request *r)
{
  struct org_id owner;
  struct organisation there;
  const Onward__Request *asked = pb_unpack(&onward__request__descriptor, r->packed, &a->arena);
  struct books *b = agent_read(a);
  bool waits = books_organisation(b, &r->id, &there) == OK && there.pending_due_ms != 0;
  bool had =
      asked != NULL && books_key_owner(b, pb_bytes(asked->sign_key), &owner) == OK && org_id_equal(&owner, &r->id);
  if (agent_abort(a) != OK || asked == NULL)
    return desk_trouble(OUR_FAULT);
  if (waits)
    return desk_verdict(ONWARD__VERDICT__REPLACEMENT_WAITS);
  return had ? desk_error("not_allowed", "request", "these are keys that the organisation has, or had before",
                          "ask it for new ones, made in a new folder")
             : NULL;
}

json_t *desk_rotate(struct agent *a, const json_t *request)
{
  static char text[PAPER_TEXT_MAX];
  struct read_request r = {.words = ""};
  Onward__Rotate rotate = ONWARD__ROTATE__INIT;
  Onward__ReplaceKeys replace = ONWARD__REPLACE_KEYS__INIT;
  bool own = json_object_get(request, "request") == NULL;
  json_t *refused = own ? prepare_own(a, request, text) : NULL;
  json_t *paper = own && refused == NULL ? json_pack("{s:s}", "request", text) : NULL;
  if (refused == NULL)
    refused = read_request(a, own ? paper : request, &r);
  json_decref(paper);
  if (refused == NULL && !own)
    refused = check_new_keys(a, &r);
  Onward__Core *core = core_new(NULL, &a->arena);
  if (refused != NULL || core == NULL)
    return refused != NULL ? refused : desk_trouble(OUR_FAULT);
  rotate.request = replace.request = pb_data(r.packed);
  rotate.signature = replace.signature = pb_data(r.signature);
  core->act_case = own ? ONWARD__CORE__ACT_ROTATE : ONWARD__CORE__ACT_REPLACE_KEYS;
  if (own)
    core->rotate = &rotate;
  else
    core->replace_keys = &replace;
  refused = desk_queue(a, core, own ? NULL : &r.id);
  return refused != NULL ? refused : saved_words(&r.id, r.words);
}
