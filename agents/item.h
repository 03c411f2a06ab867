/* What people see of a referral: the books' view and the office's own marks, as JSON (docs/spec/local-socket.md, "An
 * item").
 */
#ifndef ONWARD_ITEM_H
#define ONWARD_ITEM_H

#include <jansson.h>

#include "agents/agent.h"
#include "agents/vault.h"

/* An item with what the books know of it. */
struct view {
  struct item item;
  bool logged; /* `referral` is set */
  struct referral referral;
};
void view_get(struct books *b, const struct item *item, struct view *out);

const char *view_state(const struct view *v, const struct org_id *self); /* DOMAIN's words, draft, gone or left */
bool view_ended(const struct view *v, const struct org_id *self);
/* May people here read it: our own case, or one whose `receive` is in the log. */
bool view_readable(const struct view *v, const struct org_id *self);
/* Our own party in it, as a recipient. NULL: none. */
const struct party *view_party(const struct view *v, const struct org_id *self);
/* Who owes the next step; NULL: nobody. `acts`: a NULL-terminated list of names. */
const struct org_id *view_awaited(const struct view *v, const struct org_id *self, const char *const **acts);

/* Most urgent first: what is smaller comes first. */
struct urgency {
  uint64_t key[3];
};
struct urgency view_urgency(const struct view *v, const struct org_id *self);

json_t *view_json(struct agent *a, struct books *b, const struct view *v);
json_t *view_history(struct agent *a, struct books *b, const struct ref_id *id);

/* Short forms that handlers share. */
json_t *json_org(const struct org_id *id);
json_t *json_bytes(ProtobufCBinaryData text);
void json_id(json_t *object, const struct ref_id *id); /* adds "id" and "short" */

#endif
