/* Sealing: HPKE (RFC 9180), base mode, one suite: DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-128-GCM
 * 0x0001; single shot, sequence number 0. A sealed body is enc (65 bytes) || ciphertext || tag (16 bytes). The
 * plaintext is padded to a bucket before it is sealed, so that its length tells little.
 */
#ifndef ONWARD_HPKE_H
#define ONWARD_HPKE_H

#include "proto/seal/sign.h"

#define HPKE_ENC_SIZE 65
#define HPKE_TAG_SIZE 16
#define HPKE_OVERHEAD (HPKE_ENC_SIZE + HPKE_TAG_SIZE)

/* `out` has room for plain.size + HPKE_OVERHEAD. BAD_INPUT: the recipient's key is no point of the curve. */
MUST_USE enum status hpke_seal(struct bytes recipient_point, struct bytes info, struct bytes aad, struct bytes plain,
                               uint8_t *out);
/* `out` has room for sealed.size - HPKE_OVERHEAD. BAD_INPUT: too short, enc is no point, wrong key, info or aad, or
 * damaged; no plaintext is in `out` then. */
MUST_USE enum status hpke_open(const struct es256_secret *key, struct bytes info, struct bytes aad, struct bytes sealed,
                               uint8_t *out);

/* For the published vectors: the same with the ephemeral key pair derived from ikmE (RFC 9180 section 7.1.3) and any
 * sequence number (section 5.2). */
MUST_USE enum status hpke_seal_derived(struct bytes ikm_e, uint64_t sequence, struct bytes recipient_point,
                                       struct bytes info, struct bytes aad, struct bytes plain, uint8_t *out);
MUST_USE enum status hpke_derive_key_pair(struct bytes ikm, struct es256_secret **out);

/* Padding: u32 length, the content, zeros, up to a bucket: 256, 512, 1024, ... 65,536 bytes less HPKE_OVERHEAD, so that
 * a sealed body has a power of two of bytes. pad_size: the padded plaintext's size, 0 when the content is too long
 * (more than PAD_CONTENT_MAX). unpad: BAD_INPUT when the length does not fit or the padding is not zero. */
#define SEALED_SIZE_MAX 65536
#define SEALED_SIZE_MIN 256
#define PAD_CONTENT_MAX (SEALED_SIZE_MAX - HPKE_OVERHEAD - 4)
size_t pad_size(size_t content_size);
void pad(struct bytes content, uint8_t *out, size_t out_size);
MUST_USE enum status unpad(struct bytes padded, struct bytes *content); /* a view into `padded` */

#endif
