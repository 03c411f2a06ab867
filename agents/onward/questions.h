/* The case form as people see it: one table with a question, a label and a help text for every field of
 * docs/spec/local-socket.md and proto/case.proto. The terminal asks from it, `show` prints by it, and `refer --form`
 * explains by it.
 */
#ifndef ONWARD_QUESTIONS_H
#define ONWARD_QUESTIONS_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/base/base.h"

enum question_kind {
  ASK_TEXT,
  ASK_CODE,
  ASK_NUMBER,
  ASK_YES_NO,
  ASK_DATE,
  ASK_ORGANISATIONS, /* a list of ids */
};

enum question_use {
  USE_OFFERED,    /* asked; an empty answer is allowed */
  USE_COMPULSORY, /* asked until there is an answer */
  USE_MORE,       /* offered, to whoever wants to say more */
  USE_UNASKED,    /* only in files */
};

struct question {
  const char *path; /* "priority", "brief.need", "file.contact.who" */
  enum question_kind kind;
  enum question_use use;
  const ProtobufCEnumDescriptor *codes; /* of ASK_CODE */
  const char *label;
  const char *ask;
  const char *help;
  const char *only_if; /* asked only where this path has an answer; NULL: always */
  const char *unless;  /* not asked where this path has one (other than false); NULL: none */
};
extern const struct question questions[];
extern const size_t questions_count;
const struct question *question_find(const char *path); /* NULL: none */

/* A member by its path; NULL: none. Setting makes the objects on the way, and takes `value` over. */
json_t *path_get(const json_t *object, const char *path);
void path_set(json_t *object, const char *path, json_t *value);

/* The empty form: each field behind a member "<name>?" that explains it. New reference. */
json_t *form_empty(void);
/* Takes out again what says nothing: explanations, null, empty texts, lists and objects. */
void form_prune(json_t *form);
/* Prints what the form says, with labels: the fields whose path begins with `part`, such as "brief.". */
void form_say(const json_t *form, const char *part);

#endif
