/* Private to this folder: what sealing needs of an organisation's P-256 key pair beside signing. */
#ifndef ONWARD_AGREE_H
#define ONWARD_AGREE_H

#include "proto/seal/sign.h"

#define ES256_SCALAR_SIZE 32
#define AGREE_SIZE 32

/* BAD_INPUT: the number is not in 1..n-1. */
MUST_USE enum status es256_secret_of(const uint8_t scalar[ES256_SCALAR_SIZE], struct es256_secret **out);
/* ECDH (RFC 9180 section 4.1, "DH"): the x coordinate of the shared point. BAD_INPUT: `peer_point` is no public key. */
MUST_USE enum status es256_agree(const struct es256_secret *key, struct bytes peer_point, uint8_t shared[AGREE_SIZE]);

#endif
