/* Signing and sealing through their interface, cheap and without chance of their own: a public key is a hash of the
 * secret, a signature a hash over public key and message. A wrong key, an altered message and an altered body are
 * found; forging is easy, and nobody here forges. In place of seal/sign.c, seal/ed25519.c and seal/hpke.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "proto/seal/hash.h"
#include "proto/seal/hpke.h"

struct es256_public {
  uint8_t point[ES256_PUBLIC_SIZE];
};
struct es256_secret {
  uint8_t scalar[32];
  uint8_t point[ES256_PUBLIC_SIZE];
};
struct ed25519_secret {
  uint8_t public_key[ED25519_PUBLIC_SIZE];
};

void wipe(void *memory, size_t size)
{
  memset(memory, 0, size);
}

/* --- P-256 --- */

static void point_of(const uint8_t scalar[32], uint8_t point[ES256_PUBLIC_SIZE])
{
  struct hash x = sha256(bytes_of(scalar, 32)), y = sha256(hash_bytes(&x));
  point[0] = 4;
  memcpy(point + 1, x.byte, 32);
  memcpy(point + 33, y.byte, 32);
}

static bool is_point(struct bytes point)
{
  if (point.size != ES256_PUBLIC_SIZE || point.data[0] != 4)
    return false;
  struct hash y = sha256(bytes_of(point.data + 1, 32));
  return memcmp(point.data + 33, y.byte, 32) == 0;
}

enum status es256_public_open(struct bytes point, struct es256_public **out)
{
  if (!is_point(point))
    return BAD_INPUT;
  *out = malloc(sizeof **out);
  must(*out != NULL);
  memcpy((*out)->point, point.data, sizeof(*out)->point);
  return OK;
}

void es256_public_close(struct es256_public *key)
{
  free(key);
}

static struct es256_secret *secret_of(const uint8_t scalar[32])
{
  struct es256_secret *s = malloc(sizeof *s);
  must(s != NULL);
  memcpy(s->scalar, scalar, sizeof s->scalar);
  point_of(scalar, s->point);
  return s;
}

enum status es256_generate(struct es256_secret **out)
{
  uint8_t scalar[32];
  must(random_bytes(scalar, sizeof scalar) == OK);
  *out = secret_of(scalar);
  return OK;
}

void es256_secret_close(struct es256_secret *key)
{
  free(key);
}

void es256_secret_public(const struct es256_secret *key, uint8_t point[ES256_PUBLIC_SIZE])
{
  memcpy(point, key->point, ES256_PUBLIC_SIZE);
}

/* Two lines: the secret, and a hash of the passphrase that locks it. */
enum status es256_secret_write(const struct es256_secret *key, struct bytes passphrase, char *pem, size_t capacity,
                               size_t *size)
{
  char secret[65], lock[65];
  struct hash hash = sha256(passphrase);
  hex_encode(BYTES(key->scalar), secret);
  hex_encode(hash_bytes(&hash), lock);
  *size = (size_t)snprintf(pem, capacity, "%s\n%s\n", secret, lock);
  return *size < capacity ? OK : OUR_FAULT;
}

enum status es256_secret_read(struct bytes pem, struct bytes passphrase, struct es256_secret **out)
{
  uint8_t scalar[32];
  size_t size;
  char lock[65];
  struct hash hash = sha256(passphrase);
  hex_encode(hash_bytes(&hash), lock);
  if (pem.size != 130 || hex_decode(bytes_of(pem.data, 64), scalar, sizeof scalar, &size) != OK)
    return BAD_INPUT;
  if (memcmp(pem.data + 65, lock, 64) != 0)
    return NOT_NOW;
  *out = secret_of(scalar);
  return OK;
}

static struct hash signed_hash(const uint8_t *point, const char *type, struct bytes body)
{
  const struct bytes parts[] = {bytes_of(point, ES256_PUBLIC_SIZE), bytes_text(type), body};
  return sha256_of(parts, 3);
}

enum status dsse_sign(struct es256_secret *key, const char *type, struct bytes body,
                      uint8_t signature[ES256_SIGNATURE_SIZE])
{
  struct hash hash = signed_hash(key->point, type, body);
  memcpy(signature, hash.byte, 32);
  memcpy(signature + 32, key->point + 1, 32);
  return OK;
}

enum status dsse_verify(struct es256_public *key, const char *type, struct bytes body, struct bytes signature)
{
  struct hash hash = signed_hash(key->point, type, body);
  return signature.size == ES256_SIGNATURE_SIZE && memcmp(signature.data, hash.byte, 32) == 0 &&
                 memcmp(signature.data + 32, key->point + 1, 32) == 0
             ? OK
             : BAD_INPUT;
}

/* --- CURVE: nobody encrypts a line here, but the keys stand in the log --- */

int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key)
{
  uint8_t secret[32];
  must(random_bytes(secret, sizeof secret) == OK);
  struct hash public_key = sha256(BYTES(secret));
  must(zmq_z85_encode(z85_public_key, public_key.byte, sizeof public_key.byte) != NULL);
  must(zmq_z85_encode(z85_secret_key, secret, sizeof secret) != NULL);
  return 0;
}

/* --- Ed25519 --- */

enum status ed25519_generate(uint8_t seed[ED25519_SECRET_SIZE])
{
  return random_bytes(seed, ED25519_SECRET_SIZE);
}

enum status ed25519_secret_open(const uint8_t seed[ED25519_SECRET_SIZE], struct ed25519_secret **out)
{
  struct hash hash = sha256(bytes_of(seed, ED25519_SECRET_SIZE));
  *out = malloc(sizeof **out);
  must(*out != NULL);
  memcpy((*out)->public_key, hash.byte, sizeof(*out)->public_key);
  return OK;
}

void ed25519_secret_close(struct ed25519_secret *key)
{
  free(key);
}

void ed25519_secret_public(const struct ed25519_secret *key, uint8_t public_key[ED25519_PUBLIC_SIZE])
{
  memcpy(public_key, key->public_key, ED25519_PUBLIC_SIZE);
}

static void note_signature(struct bytes public_key, struct bytes message, uint8_t out[ED25519_SIGNATURE_SIZE])
{
  const struct bytes parts[] = {public_key, message};
  struct hash hash = sha256_of(parts, 2);
  memcpy(out, hash.byte, 32);
  memcpy(out + 32, public_key.data, 32);
}

enum status ed25519_sign(const struct ed25519_secret *key, struct bytes message,
                         uint8_t signature[ED25519_SIGNATURE_SIZE])
{
  note_signature(BYTES(key->public_key), message, signature);
  return OK;
}

enum status ed25519_verify(struct bytes public_key, struct bytes message, struct bytes signature)
{
  uint8_t expected[ED25519_SIGNATURE_SIZE];
  if (public_key.size != ED25519_PUBLIC_SIZE)
    return BAD_INPUT;
  note_signature(public_key, message, expected);
  return bytes_equal(signature, BYTES(expected)) ? OK : BAD_INPUT;
}

/* --- sealing --- */

/* What the content is mixed with: it hangs on the recipient, on this one body, and on what stands beside it. */
static struct hash mask_of(const uint8_t *point, const uint8_t *enc, struct bytes info, struct bytes aad)
{
  const struct bytes parts[] = {bytes_of(point, ES256_PUBLIC_SIZE), bytes_of(enc, HPKE_ENC_SIZE), info, aad};
  return sha256_of(parts, 4);
}

static void mix(const struct hash *mask, struct bytes in, uint8_t *out)
{
  for (size_t i = 0; i < in.size; i++)
    out[i] = in.data[i] ^ mask->byte[i % sizeof mask->byte];
}

static struct hash tag_of(const struct hash *mask, struct bytes cipher)
{
  const struct bytes parts[] = {hash_bytes(mask), cipher};
  return sha256_of(parts, 2);
}

enum status hpke_seal(struct bytes recipient_point, struct bytes info, struct bytes aad, struct bytes plain,
                      uint8_t *out)
{
  if (!is_point(recipient_point))
    return BAD_INPUT;
  must(random_bytes(out, HPKE_ENC_SIZE) == OK);
  struct hash mask = mask_of(recipient_point.data, out, info, aad);
  mix(&mask, plain, out + HPKE_ENC_SIZE);
  struct hash tag = tag_of(&mask, bytes_of(out + HPKE_ENC_SIZE, plain.size));
  memcpy(out + HPKE_ENC_SIZE + plain.size, tag.byte, HPKE_TAG_SIZE);
  return OK;
}

enum status hpke_open(const struct es256_secret *key, struct bytes info, struct bytes aad, struct bytes sealed,
                      uint8_t *out)
{
  if (sealed.size < HPKE_OVERHEAD)
    return BAD_INPUT;
  struct bytes cipher = bytes_of(sealed.data + HPKE_ENC_SIZE, sealed.size - HPKE_OVERHEAD);
  struct hash mask = mask_of(key->point, sealed.data, info, aad), tag = tag_of(&mask, cipher);
  if (memcmp(sealed.data + sealed.size - HPKE_TAG_SIZE, tag.byte, HPKE_TAG_SIZE) != 0)
    return BAD_INPUT;
  mix(&mask, cipher, out);
  return OK;
}

size_t pad_size(size_t content_size)
{
  size_t size = SEALED_SIZE_MIN;
  while (size < content_size + 4 + HPKE_OVERHEAD)
    size *= 2;
  return content_size > PAD_CONTENT_MAX ? 0 : size - HPKE_OVERHEAD;
}

void pad(struct bytes content, uint8_t *out, size_t out_size)
{
  struct writer w = writer_of(out, out_size);
  memset(out, 0, out_size);
  write_u32(&w, (uint32_t)content.size);
  write_bytes(&w, content);
  must(!w.overflow);
}

enum status unpad(struct bytes padded, struct bytes *content)
{
  struct reader r = reader_of(padded);
  *content = read_bytes(&r, read_u32(&r));
  return r.underflow || !bytes_zero(r.rest) ? BAD_INPUT : OK;
}
