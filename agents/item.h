/* What people see of a referral: the books' view and the office's own marks, as JSON (docs/spec/local-socket.md, "An
 * item").
 */
#ifndef ONWARD_ITEM_H
#define ONWARD_ITEM_H

#include <jansson.h>

#include "agents/agent.h"
#include "agents/vault.h"

/* Acts of ours that the log does not have yet, by referral, oldest first. */
#define STEPS_MAX (OUTBOX_EVENTS_MAX + BATCHES_IN_FLIGHT_MAX * BATCH_EVENTS_MAX)
struct steps {
  size_t count;
  struct step_of {
    struct ref_id referral;
    uint64_t number;
    uint32_t act;
    bool sent; /* in a batch */
  } list[STEPS_MAX];
};
/* Read once for a request: valid until it is called again. */
const struct steps *steps_read(struct books *b);

/* An item with what the books know of it. */
struct view {
  struct item item;
  const struct step_of *steps; /* its own */
  size_t step_count;
  bool logged;              /* `referral` and `next` are set */
  struct referral referral; /* as the log has it */
  struct referral next;     /* its state and flags when our own steps are in the log, too */
};
void view_get(struct agent *a, struct books *b, const struct steps *steps, const struct item *item, struct view *out);

const char *view_state(const struct view *v, const struct org_id *self); /* DOMAIN's words, draft, own, gone or left */
bool view_ended(const struct view *v, const struct org_id *self);        /* also by a step of ours */
void view_find_steps(const struct steps *steps, struct view *v);         /* fills its steps */
uint64_t view_since_ms(const struct view *v);                            /* the state */
bool view_has_step(const struct view *v, act_kind act);
/* May people here read it: our own case, or one whose `receive` is in the log. */
bool view_readable(const struct view *v, const struct org_id *self);
/* Our own party in it, as a recipient. NULL: none. */
const struct party *view_party(const struct view *v, const struct org_id *self);
/* Who owes the next step, our own steps counted; NULL: nobody. `acts`: a NULL-terminated list of names. */
const struct org_id *view_awaited(const struct view *v, const struct org_id *self, const char *const **acts);

bool view_owes_erasure(const struct view *v, const struct org_id *self); /* we have to erase it */
bool view_must_read(const struct view *v);                               /* a message about safety waits for us */
bool view_not_read_there(const struct view *v);                          /* one of ours waits for the other side */
bool view_overdue(const struct view *v, Onward__Clock clock);            /* ran out, and waits still */
bool view_is_late(const struct agent *a, const struct view *v);          /* urgent, and did not leave this computer */

/* Most urgent first: what is smaller comes first. */
struct urgency {
  uint64_t key[3];
};
struct urgency view_urgency(const struct agent *a, const struct view *v);

/* The submit itself, from the log or, as long as it is not there, from the outbox; lives in the arena. */
bool view_submit(struct agent *a, struct books *b, const struct view *v, struct event *out);
bool view_file_now(const struct event *submit); /* does the file go with the brief? */

/* "steps" of an item; those of no item at all: what was done to the directory. */
json_t *steps_json(const struct step_of *list, size_t count);
json_t *steps_registry_json(const struct steps *steps);

json_t *view_json(struct agent *a, struct books *b, const struct view *v);
json_t *view_entry(struct agent *a, struct books *b, uint64_t index); /* one of the history; NULL: not in the books */
json_t *view_history(struct agent *a, struct books *b, const struct ref_id *id);

/* Short forms that handlers share. */
json_t *json_org(const struct org_id *id);
/* With the telephone of the role on duty, for whoever has to be called. */
json_t *json_contact(struct agent *a, struct books *b, const struct org_id *id);
json_t *json_service(struct agent *a, struct books *b, const struct service *s, uint64_t now_ms); /* of the directory */
json_t *json_bytes(ProtobufCBinaryData text);
void json_id(json_t *object, const struct ref_id *id); /* adds "id" and "short" */

#endif
