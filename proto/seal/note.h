/* The log's checkpoint: C2SP tlog-checkpoint v1.0.0, a C2SP signed note with one Ed25519 signature.
 *
 *   <origin> LF <size, decimal, no leading zeros> LF <root, base64> LF
 *   LF
 *   U+2014 SP <key name> SP <base64 of key id[4] || signature[64]> LF
 *
 * Key id = first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key). The key's name is the origin without its
 * epoch.
 */
#ifndef ONWARD_NOTE_H
#define ONWARD_NOTE_H

#include "proto/seal/hash.h"
#include "proto/seal/sign.h"

#define NOTE_NAME_MAX 64 /* bytes of a key name or an origin, without spaces, '+' and control characters */
#define NOTE_SIZE_MAX 512

struct checkpoint {
  char origin[NOTE_NAME_MAX + 1];
  uint64_t size; /* entries */
  struct hash root;
};

/* A log's verifying key, as C2SP writes it: <name>+<key id, 8 hex digits>+<base64 of 0x01 || public key>. */
struct note_key {
  char name[NOTE_NAME_MAX + 1];
  uint8_t public_key[ED25519_PUBLIC_SIZE];
};
#define NOTE_VKEY_SIZE 160
MUST_USE enum status note_key_parse(struct bytes vkey, struct note_key *out);
void note_key_print(const struct note_key *key, char vkey[NOTE_VKEY_SIZE]);
/* The same of a witness's key, whose type is 0x04 in place of 0x01 (C2SP tlog-cosignature). */
MUST_USE enum status witness_key_parse(struct bytes vkey, struct note_key *out);
void witness_key_print(const struct note_key *key, char vkey[NOTE_VKEY_SIZE]);

/* The epoch in the origin of a checkpoint of this key's log, "<name>/<epoch>". 0: it is another log's. */
uint32_t checkpoint_epoch(const struct checkpoint *c, const struct note_key *key);

/* Writes the signed note into `out` (room for NOTE_SIZE_MAX) and its size. */
MUST_USE enum status checkpoint_sign(const struct checkpoint *c, const char *key_name,
                                     const struct ed25519_secret *secret, char *out, size_t *out_size);
/* Parses strictly and verifies. Further signatures by other keys (cosignatures, at most 16 lines) are allowed and not
 * looked at; the one of `key` must be there and fit. BAD_INPUT otherwise. Further lines of text after the root are not
 * allowed. */
MUST_USE enum status checkpoint_open(struct bytes note, const struct note_key *key, struct checkpoint *out);

/* Of a note that was opened: its three lines of text, and the signature line of this key, with its line end (empty:
 * none). */
struct bytes note_text(struct bytes note);
struct bytes note_line(struct bytes note, const struct note_key *key, bool witness);

/* C2SP cosignature/v1: a witness's line over a checkpoint, with the time at which it was made, in seconds since 1970.
 * `line` has room for COSIGNATURE_LINE_SIZE. */
#define COSIGNATURE_LINE_SIZE 200
MUST_USE enum status cosignature_sign(struct bytes text, uint64_t time_s, const char *name,
                                      const struct ed25519_secret *secret, char *line, size_t *line_size);
/* NOT_FOUND: the note has no line of this witness. BAD_INPUT: it does not fit. */
MUST_USE enum status cosignature_verify(struct bytes note, const struct note_key *witness, uint64_t *time_s);

#endif
