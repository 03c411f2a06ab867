/* What people and scripts ask for (docs/spec/local-socket.md): one request, one answer. A handler either gives an
 * answer, or refuses with a code, a field, and words; never with anything of a case. Whatever it says is saved is
 * committed before.
 */
#ifndef ONWARD_DESK_H
#define ONWARD_DESK_H

#include <jansson.h>

#include "agents/agent.h"
#include "agents/compose.h"
#include "agents/form.h"

/* The answer to one line, as a new reference. `watch`: events are wanted from now on. `waits`: how often it has waited.
 * NULL: the directory was asked for; try again when it came, or after a while. */
#define DESK_WAITS_MAX 2 /* the second is about what the first has brought */
json_t *desk_answer(struct agent *a, const char *line, size_t size, int waits, bool *watch);
/* {"ok": false, ...}; field and try may be NULL. */
json_t *desk_error(const char *code, const char *field, const char *what, const char *try);
json_t *desk_form_error(const struct form_error *e);
json_t *desk_verdict(Onward__Verdict v);     /* not_allowed, in words */
json_t *desk_trouble(enum status s);         /* full, locked or broken, as a step that failed says */
json_t *desk_saved(const struct ref_id *id); /* {"ok": true, "id", "short"} */

/* The handlers, by the name in "do". */
typedef json_t *desk_handler(struct agent *a, const json_t *request);
desk_handler desk_status, desk_unlock, desk_lock, desk_refer, desk_assess, desk_list, desk_show, desk_act,
    desk_directory, desk_needs, desk_enrol, desk_invitation, desk_suspend, desk_rotate, desk_stop_replacement,
    desk_policy, desk_set_policy, desk_service, desk_end_service, desk_assure, desk_duty, desk_capacity, desk_restored,
    desk_sign_restore, desk_mandate, desk_candidates, desk_ask_place, desk_answer_place, desk_questions, desk_receipt,
    desk_alarms, desk_evidence;

/* --- for the handlers --- */

json_t *backup_json(struct agent *a, struct books *b); /* desk_backup.c: of this computer's backups */

/* NULL: an organisation's id is in `out`; otherwise the refusal. */
json_t *desk_organisation(const json_t *request, const char *field, struct org_id *out);
/* A list of organisations, each once; `min` to `max` of them. */
json_t *desk_organisations(const json_t *request, const char *field, size_t min, size_t max, struct org_id *out,
                           size_t *count);
/* The item that "id" names: 32 hex digits, a short id, or the caller's own reference. Needs an open transaction. */
json_t *desk_item(struct books *b, const json_t *request, struct item *out);
bool desk_referred(struct books *b, const char *ref, struct item *out); /* this reference was used before */

/* What one referral's form may have, with a space before and behind each. */
#define FORM_FIELDS                                                                                                    \
  " to ourselves priority group area basis scope never consent_until phoned drill reroute feedback file_now ref "      \
  "brief "                                                                                                             \
  "file "
#define GROUPS "SAFE, CASE, PSS, HLTH, LEGL, EDUC, LIVE, OTHR" /* that can be stated */
#define SERVICE_FIELDS " number name group codes age_min age_max languages priorities areas capacity "
/* NULL: the object has no other fields than these (and "do"). */
json_t *desk_unknown_field(const json_t *object, const char *fields);

/* NULL: the organisation is in our directory; otherwise the refusal, with those of nearly this id. */
json_t *desk_known(struct agent *a, struct books *b, const char *field, const struct org_id *id);
/* NULL: the directory is whole, up to the newest entry of it that another one named: it may be sealed for what is in it
 * ([LOG-22]). */
json_t *desk_whole(struct agent *a, struct books *b);
/* The conditions of a need: " need area age_band age language priority never ". NULL: they are in `out`. */
struct wanted;
json_t *desk_wanted(const json_t *request, struct wanted *out);
/* NULL: the code is one of the tables, or of a country that has none. */
json_t *desk_area(const char *field, const json_t *value, char out[AREA_SIZE_MAX + 1], Onward__AreaScheme *scheme);
/* NULL: a list of codes of this type, `max` at most. */
json_t *desk_codes(const json_t *request, const char *field, const ProtobufCEnumDescriptor *type, size_t max, int *out,
                   size_t *count);
/* NULL: a whole number from min to max; `otherwise` where it is absent, if that fits. */
json_t *desk_number(const json_t *request, const char *field, json_int_t min, json_int_t max, json_int_t otherwise,
                    uint32_t *out);

/* NULL: it is not over, and within the 92 days for which anything may be said of places. */
json_t *desk_soon(const struct agent *a, const char *field, uint64_t ms);
/* NULL: the point in time is not over. */
json_t *desk_ahead(const struct agent *a, const char *field, uint64_t ms);
/* Other keys that wait for the network's delay: {"asked_ms", "due_ms", "by", "by_name"}, or NULL: none do. */
json_t *desk_replacement(struct agent *a, struct books *b, const struct organisation *o);

/* Opens what is here of a case, ours or received; NULL: it is not, or not to be read. New references. `damaged`: a part
 * is here and does not open. */
struct view;
void desk_open_case(struct agent *a, struct books *b, const struct view *v, json_t **brief, json_t **file,
                    bool *damaged);

/* An act on the registry: composes, judges, queues. NULL: saved. `invited`: an invitation that was made for it counts
 * no more; may be NULL. */
json_t *desk_queue(struct agent *a, const Onward__Core *core, const struct org_id *invited);
/* Judges what was composed; NULL: the rules would accept it. Its own transaction. */
json_t *desk_judge(struct agent *a, const struct event *e);

#endif
