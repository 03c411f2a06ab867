/* Services of the directory and who fits a need, as people read them. */
#ifndef ONWARD_COMMAND_CANDIDATES_H
#define ONWARD_COMMAND_CANDIDATES_H

#include "agents/onward/call.h"

void say_service(const json_t *service); /* its lines of the directory */
/* Asks who fits: `request` has the conditions, and is taken over. Anything but DONE is told. */
MUST_USE enum exit_code candidates_ask(struct call *c, json_t *request, json_t **answer);
/* Prints those that fit, in order and with the reasons, the first `chosen` marked; and what stands in the way of
 * others. */
void candidates_say(const json_t *answer, size_t chosen);
/* Fills `to` of a form from `--need`, with what the form says of age, language, priority and never. NO_SUCH, told:
 * nobody fits. `quiet`: nothing is shown. */
MUST_USE enum exit_code candidates_choose(struct call *c, json_t *form, bool quiet);

#endif
