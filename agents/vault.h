/* Sealed words on our own disk: what our people wrote, kept sealed to ourselves, and what others sealed for us, kept as
 * it came. Opening needs the office's passphrase; what was opened lives in an arena that its caller wipes.
 */
#ifndef ONWARD_VAULT_H
#define ONWARD_VAULT_H

#include "agents/outbox.h"

/* What our own words are kept under: a referral's id (brief and file of a case of ours, and who must never be given
 * it), or the nonce of the event that
 * carried them (notes, the brief of a re-route). */
struct own_name {
  uint8_t id[16];
  uint8_t part; /* Onward__Part, or OWN_NEVER */
};
#define OWN_NEVER 16 /* a packed NarrowConsent: organisations that are kept out of every scope of ours */
struct own_name own_case(const struct ref_id *id, uint8_t part);
struct own_name own_note(ProtobufCBinaryData nonce, Onward__Part part);

/* Seals to our newest sealing key; works locked. BAD_INPUT: too long. NOT_NOW: the arena is full. */
MUST_USE enum status vault_keep(struct books *b, const struct self *self, struct own_name name, struct bytes content,
                                struct arena *a);
/* NOT_FOUND: nothing is kept. NOT_NOW: locked. BAD_INPUT: damaged, or sealed to a key that is gone. */
MUST_USE enum status vault_open(struct books *b, const struct self *self, struct own_name name, struct arena *secret,
                                struct bytes *content);
bool vault_has(struct books *b, struct own_name name);
void vault_drop(struct books *b, struct own_name name);

/* The sealed body of this slot of an event that is in our books. Same answers as vault_open. */
MUST_USE enum status body_open(struct books *b, const struct self *self, uint64_t index, uint8_t slot,
                               struct arena *secret, struct bytes *content);
bool body_has(struct books *b, uint64_t index, uint8_t slot);
void body_drop(struct books *b, uint64_t index, uint8_t slot);

/* HPKE with the contract's padding: `sealed` lives in the arena. */
MUST_USE enum status seal_part(const uint8_t point[ES256_PUBLIC_SIZE], struct bytes info, struct bytes aad,
                               struct bytes content, struct arena *a, struct bytes *sealed);

#endif
