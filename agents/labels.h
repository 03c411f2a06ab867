/* What codes are called, in the languages of those who read them: made from agents/labels/, one table for each list of
 * codes.
 */
#ifndef ONWARD_LABELS_H
#define ONWARD_LABELS_H

#include <stddef.h>

enum language { ENGLISH, KHMER, LANGUAGES };

struct label {
  const char *code; /* name of the enum's value, such as "TRAUMA_COUNSELLING": unique among all lists */
  const char *text[LANGUAGES];
};
extern const struct label labels[];
extern const size_t label_count;

/* NULL: this code has no label. Static. */
const char *label_of(const char *code, enum language language);
/* By the environment, as POSIX has it: LC_ALL, LC_MESSAGES, LANG. Whatever is not known is English. */
enum language language_of_environment(void);

#endif
