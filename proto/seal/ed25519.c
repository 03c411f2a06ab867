/* Ed25519 by libsodium, for the log's checkpoints: libcrypto needs nearly twice as long (docs/decisions/0022). A secret
 * is opened into libsodium's own form, seed and public key, and wiped when it is closed. */
#include "proto/seal/sign.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>

_Static_assert(crypto_sign_SEEDBYTES == ED25519_SECRET_SIZE && crypto_sign_PUBLICKEYBYTES == ED25519_PUBLIC_SIZE &&
                   crypto_sign_BYTES == ED25519_SIGNATURE_SIZE,
               "the sizes of RFC 8032");

struct ed25519_secret {
  uint8_t seed_and_public[crypto_sign_SECRETKEYBYTES];
};

enum status ed25519_generate(uint8_t seed[ED25519_SECRET_SIZE])
{
  return random_bytes(seed, ED25519_SECRET_SIZE);
}

enum status ed25519_secret_open(const uint8_t seed[ED25519_SECRET_SIZE], struct ed25519_secret **out)
{
  uint8_t public_key[ED25519_PUBLIC_SIZE];
  struct ed25519_secret *s = OPENSSL_zalloc(sizeof *s);
  if (s == NULL)
    return OUR_FAULT;
  must(crypto_sign_seed_keypair(public_key, s->seed_and_public, seed) == 0);
  *out = s;
  return OK;
}

void ed25519_secret_close(struct ed25519_secret *key)
{
  OPENSSL_clear_free(key, sizeof *key);
}

void ed25519_secret_public(const struct ed25519_secret *key, uint8_t public_key[ED25519_PUBLIC_SIZE])
{
  memcpy(public_key, key->seed_and_public + ED25519_SECRET_SIZE, ED25519_PUBLIC_SIZE);
}

enum status ed25519_sign(const struct ed25519_secret *key, struct bytes message,
                         uint8_t signature[ED25519_SIGNATURE_SIZE])
{
  int failed = crypto_sign_detached(signature, NULL, message.data, message.size, key->seed_and_public);
  return failed == 0 ? OK : OUR_FAULT;
}

enum status ed25519_verify(struct bytes public_key, struct bytes message, struct bytes signature)
{
  if (public_key.size != ED25519_PUBLIC_SIZE || signature.size != ED25519_SIGNATURE_SIZE)
    return BAD_INPUT;
  int failed = crypto_sign_verify_detached(signature.data, message.data, message.size, public_key.data);
  return failed == 0 ? OK : BAD_INPUT;
}
