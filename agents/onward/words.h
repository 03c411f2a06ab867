/* What people read. Everything that is printed goes through here, since names and texts come from others: control
 * characters that steer a terminal, or turn the direction of writing, are printed as '?'.
 *
 * The exchange, organisations, and Onward on this computer: no other machinery is named.
 */
#ifndef ONWARD_WORDS_H
#define ONWARD_WORDS_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/base/base.h"

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* standard output */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2))); /* standard error */
void say_json(const json_t *object);                                      /* on one line */
void say_form_file(const json_t *form, bool on_one_line);                 /* to be edited, and given back */
/* "Label: text", lines of the text below each other; nothing when the text is empty. */
void say_labelled(const char *label, const char *text);

/* Members of an answer: "", 0, false where absent or of another type. */
const char *text_of(const json_t *object, const char *key);
uint64_t number_of(const json_t *object, const char *key);
bool flag_of(const json_t *object, const char *key);
bool list_has(const json_t *list, const char *text);

/* `code` as people read it: "TRAUMA_COUNSELLING" -> "trauma counselling", "AGE_10_14" -> "10-14", "REROUTE_SCOPE" ->
 * "scope", and a service group as below. */
#define CODE_WORDS_SIZE 160
const char *code_words(const char *code, char words[CODE_WORDS_SIZE]);
/* A service group: "PSS" -> "mental health and psychosocial support". */
const char *group_words(const char *group);

/* "call A21, +855 23 000 000 (Mon-Fri)\n": an organisation with its name, telephone and hours. */
#define CALL_WORDS_SIZE 320
const char *call_words(const json_t *organisation, char words[CALL_WORDS_SIZE]);

/* A point in time, local: "Tue 14:05" within a week, "12 Mar 14:05", with the year when it is not this one; and how
 * long ago: "just now", "20 min", "3 h", "5 days". */
#define TIME_WORDS_SIZE 32
const char *time_words(uint64_t ms, char words[TIME_WORDS_SIZE]);
const char *ago_words(uint64_t ms, char words[TIME_WORDS_SIZE]);
uint64_t now_ms(void);

#endif
