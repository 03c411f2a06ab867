/* The registrar's side of joining: as soon as an enrolment, or new keys, are proved to be in the log, the invitation is
 * made at that very checkpoint and kept.
 */
#ifndef ONWARD_INVITE_H
#define ONWARD_INVITE_H

#include "agents/agent.h"

/* Keeps an invitation for every organisation that these (proved) entries enrol or give new keys; nothing where we are
 * no registrar. */
void invite_make(struct agent *a, struct books *b, const Onward__Answer *answer);
void invite_drop(struct books *b, const struct org_id *id); /* what was made is not what will be true */
/* The file's text, in the arena. NOT_FOUND: none was made. */
MUST_USE enum status invite_text(struct books *b, const struct org_id *id, struct arena *a, const char **text);

#endif
