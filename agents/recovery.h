/* Recovery words: twelve words on paper, from which the key pair is derived that backups are sealed to
 * (docs/spec/5-files.md, section 8). The data folder keeps only the public key, so that a backup needs nobody, and
 * opening one needs the words.
 *
 *   recovery.pub   the point in hex, one line; mode 0600
 */
#ifndef ONWARD_RECOVERY_H
#define ONWARD_RECOVERY_H

#include "proto/seal/sign.h"

#define RECOVERY_WORDS 12
#define RECOVERY_TEXT_SIZE (2 * 36) /* bytes, with the final zero */
#define RECOVERY_FILE "recovery.pub"

struct recovery {
  uint8_t byte[2 * RECOVERY_WORDS]; /* the last two are a check of the others. The caller wipes it */
};

MUST_USE enum status recovery_make(struct recovery *out);
void recovery_words(const struct recovery *r, char text[RECOVERY_TEXT_SIZE]); /* the caller wipes it */
/* In capitals or not, with spaces and line ends between them. BAD_INPUT: `why` says what is wrong, and quotes no word.
 */
MUST_USE enum status recovery_read(struct bytes text, char why[200], struct recovery *out);
MUST_USE enum status recovery_key(const struct recovery *r, struct es256_secret **out);

/* Into, and out of, the folder `home`. NOT_FOUND: no words were made there. BAD_INPUT: the file is damaged. */
MUST_USE enum status recovery_save(const char *home, const struct recovery *r, char why[200]);
MUST_USE enum status recovery_point(const char *home, uint8_t point[ES256_PUBLIC_SIZE], char why[200]);

#endif
