/* Options that become members of a request. None of them is sealed content: that never comes from a command line. */
#ifndef ONWARD_OPTIONS_H
#define ONWARD_OPTIONS_H

#include "agents/onward/call.h"

enum option_kind {
  OPTION_TEXT,
  OPTION_CODE,   /* in capitals, with `prefix` before it where it is missing: "provider" -> "BY_PROVIDER" */
  OPTION_LIST,   /* with commas */
  OPTION_NUMBER, /* whole, from 0 */
  OPTION_TRUE,   /* an option without a value: true */
  OPTION_FALSE,
};

struct option_rule {
  const char *option; /* "--by" */
  enum option_kind kind;
  const char *path; /* "by", "note.progress" */
  const char *prefix;
};

/* Sets the members of all rules whose option was given. Told: a value that is no UTF-8, or empty. */
MUST_USE enum exit_code options_apply(const struct call *c, const struct option_rule *rules, size_t count,
                                      json_t *object);

/* Sets a member that is a whole number from 0; `what` names it where it is none, which is told. */
MUST_USE enum exit_code options_number(const struct call *c, const char *what, const char *text, json_t *object,
                                       const char *path);

#endif
