/* The way to Onward on this computer: the local socket of the data folder (docs/spec/local-socket.md). One connection
 * for all requests of a command.
 */
#ifndef ONWARD_CLIENT_H
#define ONWARD_CLIENT_H

#include "agents/onward/ask.h"

/* Sends a request, which it takes over (NULL, as json_pack gives for what is no UTF-8: told), and waits for the answer,
 * which the caller then owns. Anything but DONE is told already. A refusal is an answer here: {"ok": false, ...}. */
MUST_USE enum exit_code client_ask(struct call *c, json_t *request, json_t **answer);
/* The same, but a refusal is told, and is no answer. Where the passphrase is needed and there is somebody, or a file,
 * to ask, it asks, unlocks, and tries once more. */
MUST_USE enum exit_code client_do(struct call *c, json_t *request, json_t **answer);
/* client_do for {"do": name, "passphrase": ...}; the passphrase is wiped. */
MUST_USE enum exit_code client_passphrase(struct call *c, const char *name, char passphrase[PASSPHRASE_SIZE],
                                          json_t **answer);
/* The next line that comes by itself, after `watch`. NOT_RUNNING: the other side has gone. */
MUST_USE enum exit_code client_next(struct call *c, json_t **line);
void client_close(struct call *c);

/* {"do": name} */
json_t *client_request(const char *name);
/* Prints the answer where --json was given: true. */
bool client_print_json(const struct call *c, const json_t *answer);

#endif
