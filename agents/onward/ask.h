/* Questions to the person at the terminal. Asked on standard error, answered on standard input, so that standard output
 * stays clean. Answers are read byte by byte: no library keeps a copy of them.
 *
 * Whoever ends the input (Ctrl-D) has said no: NOT_ALLOWED, told already.
 */
#ifndef ONWARD_ASK_H
#define ONWARD_ASK_H

#include <protobuf-c/protobuf-c.h>

#include "agents/onward/call.h"

#define ANSWER_SIZE 2001 /* bytes, with the final zero: TEXT_SIZE_MAX */
#define PASSPHRASE_SIZE 1025

bool ask_is_terminal(void); /* is there somebody to ask? */
void ask_clear(void);       /* the terminal's screen, and what was scrolled out of it */

/* A line without its end, and without space around it. */
MUST_USE enum exit_code ask_line(const struct call *c, const char *prompt, char line[ANSWER_SIZE]);
MUST_USE enum exit_code ask_yes(const struct call *c, const char *question, bool *yes);
/* Asks before something that cannot simply be undone; --yes is the answer of scripts. With nobody at the terminal it
 * counts as yes, but not where `compulsory`. DONE: yes. Anything else is told already. */
MUST_USE enum exit_code ask_sure(const struct call *c, bool compulsory, const char *question);
/* Numbered choices of the codes from `first` to `last`; the answer is a number or the code itself. Nothing: 0, where
 * `optional`. `help` is told for "?". */
MUST_USE enum exit_code ask_code(const struct call *c, const ProtobufCEnumDescriptor *codes, int first, int last,
                                 bool optional, const char *help, const char **code);

/* From --passphrase-file, or from the terminal without echo. LOCKED, told already: there is neither. The caller wipes
 * it. */
MUST_USE enum exit_code ask_passphrase(const struct call *c, const char *prompt, char passphrase[PASSPHRASE_SIZE]);
bool ask_can_passphrase(const struct call *c);
/* A new one, from the file of `option`, or asked twice in the terminal, until both are the same and it is long enough.
 */
MUST_USE enum exit_code ask_new_passphrase(const struct call *c, const char *option, char passphrase[PASSPHRASE_SIZE]);

#endif
