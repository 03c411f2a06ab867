/* What keeps an office from the exchange, and other keys that somebody asked for in its name: what happened, and whom
 * to call. A registrar is whoever the directory names as one, other than the office itself.
 *
 * `status` is the answer to that request (docs/spec/local-socket.md).
 */
#ifndef ONWARD_TROUBLE_H
#define ONWARD_TROUBLE_H

#include <jansson.h>

#include "agents/onward/call.h"

/* The exchange answers, and says no: waiting does not help. */
bool is_refused(const json_t *status);
/* Nothing while the exchange is connected. */
MUST_USE enum exit_code say_connection(struct call *c, const json_t *status);
/* True: our own keys are to be replaced, which is said, with what to do about it. */
MUST_USE enum exit_code say_replacement(struct call *c, const json_t *status, bool *waits);

/* What waits for the exchange, each a line; nothing where nothing does. */
void say_unsent(const json_t *status);

/* Where there is no backup, or an old one. */
void say_backup(const json_t *status);
/* Old backups that hold erased cases: whether there are any. */
bool say_erased(const json_t *status);

/* Agreements that end soon, and questions about places that wait for an answer: how many lines that were. */
size_t say_soon(const json_t *status);

#endif
