/* The exchange's two secrets, files of mode 0600 in its folder: link.key (CURVE, two lines of Z85: public, secret) and
 * log.key (Ed25519, 64 hex digits: it signs checkpoints, and nothing else). */
#ifndef ONWARD_BROKER_KEYS_H
#define ONWARD_BROKER_KEYS_H

#include "proto/seal/note.h"

struct broker_keys {
  uint8_t link_public[32];
  uint8_t link_secret[32];
  uint8_t log_public[ED25519_PUBLIC_SIZE];
  struct ed25519_secret *log_secret;
};

MUST_USE enum status broker_keys_create(const char *folder, char why[200], struct broker_keys *out);
MUST_USE enum status broker_keys_open(const char *folder, char why[200], struct broker_keys *out);
void broker_keys_close(struct broker_keys *k); /* wipes; one that was not opened is no error */

#endif
