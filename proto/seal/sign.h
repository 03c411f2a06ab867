/* Signatures: ECDSA P-256 with SHA-256 (ES256), raw r || s of 64 bytes, over the DSSE v1 pre-authentication encoding of
 * the exact bytes; and Ed25519 for the log's own checkpoints. Keys are parsed once and kept (parsing costs twice a
 * verification); contexts and fetched algorithms are reused. Secret keys are wiped when closed.
 *
 * ECDSA signatures are malleable: a signature is never an identity.
 */
#ifndef ONWARD_SIGN_H
#define ONWARD_SIGN_H

#include "proto/base/base.h"

#define ES256_PUBLIC_SIZE 65 /* SEC 1 uncompressed point, section 2.3.3: 0x04 || x || y */
#define ES256_SIGNATURE_SIZE 64
#define ED25519_PUBLIC_SIZE 32
#define ED25519_SECRET_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

struct es256_public; /* owned by whoever opened it */
struct es256_secret;

/* BAD_INPUT: not 65 bytes, not uncompressed, not on the curve. */
MUST_USE enum status es256_public_open(struct bytes point, struct es256_public **out);
void es256_public_close(struct es256_public *key);
/* OK, or BAD_INPUT when the signature does not fit: size other than 64, r or s not in 1..n-1, or simply wrong. */
MUST_USE enum status es256_verify(struct es256_public *key, struct bytes message, struct bytes signature);

MUST_USE enum status es256_generate(struct es256_secret **out);
/* PKCS #8 PEM (RFC 5958, RFC 7468), as `openssl pkey` reads it. With a passphrase: PBES2, AES-256-CBC, scrypt (RFC
 * 7914: N = 2^14, r = 8, p = 5; libcrypto has no memory for N = 2^15). An empty passphrase: not encrypted. `capacity`
 * of 2048 is always enough. */
MUST_USE enum status es256_secret_write(const struct es256_secret *key, struct bytes passphrase, char *pem,
                                        size_t capacity, size_t *size);
/* BAD_INPUT: not such a file. NOT_NOW: encrypted, and the passphrase is wrong or empty. */
MUST_USE enum status es256_secret_read(struct bytes pem, struct bytes passphrase, struct es256_secret **out);
void es256_secret_close(struct es256_secret *key);
void es256_secret_public(const struct es256_secret *key, uint8_t point[ES256_PUBLIC_SIZE]);
MUST_USE enum status es256_sign(struct es256_secret *key, struct bytes message,
                                uint8_t signature[ES256_SIGNATURE_SIZE]);

/* DSSE v1.0.0 protocol.md: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, lengths in decimal. Verify and sign
 * below hash it without a copy; `body` is at most 64 KiB. */
MUST_USE enum status dsse_verify(struct es256_public *key, const char *type, struct bytes body, struct bytes signature);
MUST_USE enum status dsse_sign(struct es256_secret *key, const char *type, struct bytes body,
                               uint8_t signature[ES256_SIGNATURE_SIZE]);
void dsse_encode(const char *type, struct bytes body, struct writer *out);

/* Ed25519 (RFC 8032), keys as raw 32 bytes: the secret is the seed. Opened once: that costs as much as a signature. */
struct ed25519_secret;
MUST_USE enum status ed25519_generate(uint8_t seed[ED25519_SECRET_SIZE]);
MUST_USE enum status ed25519_secret_open(const uint8_t seed[ED25519_SECRET_SIZE], struct ed25519_secret **out);
void ed25519_secret_close(struct ed25519_secret *key);
void ed25519_secret_public(const struct ed25519_secret *key, uint8_t public_key[ED25519_PUBLIC_SIZE]);
MUST_USE enum status ed25519_sign(const struct ed25519_secret *key, struct bytes message,
                                  uint8_t signature[ED25519_SIGNATURE_SIZE]);
MUST_USE enum status ed25519_verify(struct bytes public_key, struct bytes message, struct bytes signature);

/* Random bytes from the operating system, and wiping that the compiler may not leave out. */
MUST_USE enum status random_bytes(void *out, size_t size);
void wipe(void *memory, size_t size);

#endif
