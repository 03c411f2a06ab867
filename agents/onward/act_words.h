/* What each act is called. */
#ifndef ONWARD_ACT_WORDS_H
#define ONWARD_ACT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct act_words {
  const char *act;
  const char *did;     /* in the history: "A21 ... " */
  const char *awaited; /* "Awaited from A21: ... "; NULL: nobody waits for it */
  const char *command; /* behind "onward ", with the item in the place of ID; NULL: it is done by itself */
  bool own;            /* "you ...": a person does it, and not to a draft */
};
const struct act_words *act_words_of(const char *act); /* NULL: unknown. Static */

#endif
