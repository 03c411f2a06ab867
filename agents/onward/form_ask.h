/* The case form, asked for in the terminal question by question. */
#ifndef ONWARD_FORM_ASK_H
#define ONWARD_FORM_ASK_H

#include "agents/onward/call.h"
#include "agents/onward/questions.h"

/* Asks what the form does not say yet: the fields whose path begins with `part` ("" for all). `directory` is the answer
 * to that request. NOT_ALLOWED: the person ended it. */
MUST_USE enum exit_code form_ask(const struct call *c, json_t *form, const char *part, const json_t *directory);
/* Asks one question again, whatever the form says. */
MUST_USE enum exit_code form_ask_one(const struct call *c, const struct question *q, json_t *form,
                                     const json_t *directory);
/* What is rarely needed: who else may be given it, passing on, area, an exercise, one's own reference. */
MUST_USE enum exit_code form_ask_more(const struct call *c, json_t *form, const json_t *directory);

#endif
