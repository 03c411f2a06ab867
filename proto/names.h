/* A registrar's word on who is named in reports, instead of being a letter. Text, so that whoever signs it sees what it
 * says; it holds nothing but ids (docs/spec/7-report.md, section 6):
 *
 *   onward names in reports
 *   network <64 hex digits>
 *   by <registrar>
 *   organisation <id>          one line each, at least one
 *   signature <base64>         ES256 over all lines before, DSSE type application/vnd.onward.names.v1
 */
#ifndef ONWARD_NAMES_H
#define ONWARD_NAMES_H

#include "proto/wire/event.h"

#define NAMED_MAX 512
#define NAMES_TEXT_MAX 16384 /* bytes, with the final zero */

struct named {
  struct hash network;
  struct org_id by;
  size_t count;
  struct org_id organisations[NAMED_MAX];
  struct bytes signed_lines; /* a slice of the text that was read */
  uint8_t signature[ES256_SIGNATURE_SIZE];
};

/* NOT_NOW: more than NAMED_MAX, or no room. `text` ends with a zero. */
MUST_USE enum status named_write(struct es256_secret *sign, const struct named *named, char *text, size_t capacity);
/* BAD_INPUT with what was wrong, and in which line. The signature is over bytes: not one may differ. */
MUST_USE enum status named_read(struct bytes text, struct complaint *why, struct named *out);
/* Whether this key signed it. */
bool named_signed_by(const struct named *named, const uint8_t sign_point[ES256_PUBLIC_SIZE]);

#endif
