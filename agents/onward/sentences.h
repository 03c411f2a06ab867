/* How a referral stands, in sentences: state, who has it, since when, what is awaited from whom, and the command that
 * comes next. Nothing here needs an opened case, so lists can be read while it is locked.
 *
 * An item is the JSON object of docs/spec/local-socket.md; `own` is the id of this computer's organisation.
 */
#ifndef ONWARD_SENTENCES_H
#define ONWARD_SENTENCES_H

#include <jansson.h>
#include <stdbool.h>

/* Acts: what somebody did ("said yes"), and what is awaited ("yes or no"). An unknown one is given back as it is. */
const char *act_did(const char *act);
const char *act_awaited(const char *act);

/* What should have happened by a clock (its name in the contract): "a person at A21 reads it". */
#define CLOCK_WORDS_SIZE 240
const char *clock_words(const char *clock, const char *name, char words[CLOCK_WORDS_SIZE]);

/* How it stands, such as "A21 Cambodia: a person has read it". */
#define STATE_WORDS_SIZE 700
const char *state_words(const json_t *item, char words[STATE_WORDS_SIZE]);
/* Whether the next step is for this computer's people: those on their way are counted as taken. */
bool item_is_ours(const json_t *item, const char *own);
bool item_must_be_read(const json_t *item); /* a message about safety waits for people here */
bool item_is_urgent(const json_t *item);    /* the same, or it says itself whom to phone */
bool item_is_late(const json_t *item);      /* something about it is overdue */
/* A step of people here is not confirmed yet. */
bool item_has_own_step(const json_t *item);
bool item_is_refused(const json_t *item); /* a referral of ours that was not taken */
/* The name that the item has beside this organisation's id; the id where it has none. */
const char *item_name(const json_t *item, const char *id);
/* The item in a few lines: what it is and with whom, how it stands and since when, what is overdue and whom to phone,
 * who has to erase it, what we did that is not recorded yet, what is awaited from whom. */
void say_item(const json_t *item, const char *own);
/* What people here did that is not recorded yet, a line each; how many. What computers do by themselves is not said. */
size_t say_steps(const json_t *steps, const char *before);
/* The next commands, one a line, where the next step is ours, or it was not taken. */
void say_next(const json_t *item, const char *own);

#endif
