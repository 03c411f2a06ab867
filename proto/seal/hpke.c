/* The happy path of sealing: a key pair for this one body, its agreement with the recipient's key, the key schedule,
 * one AES-128-GCM call; opening walks the same path from the other end. Every secret on the way lives in one struct
 * that is wiped on the way out, also when something failed. The names are those of RFC 9180, whose sections are cited.
 */
#include "proto/seal/hpke.h"

#include "proto/seal/agree.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { GCM_KEY_SIZE = 16, GCM_NONCE_SIZE = 12, MODE_BASE = 0, PARTS_MAX = 6 };

/* Section 4.1 and section 5.1: the kem's id; the ids of kem, kdf and aead. */
static const uint8_t suite_kem[] = {'K', 'E', 'M', 0x00, 0x10};
static const uint8_t suite_hpke[] = {'H', 'P', 'K', 'E', 0x00, 0x10, 0x00, 0x01, 0x00, 0x01};
static const struct bytes empty = {NULL, 0};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EVP_MAC *method_hmac; /* both fetched once, for the life of the process; NULL: it could not be */
static EVP_CIPHER *method_gcm;

static void fetch(void)
{
  method_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  method_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
}

static bool fetched(void)
{
  return CRYPTO_THREAD_run_once(&once, fetch) == 1 && method_hmac != NULL && method_gcm != NULL;
}

struct secrets {
  uint8_t dh[AGREE_SIZE];
  struct hash prk; /* pseudorandom key: what is expanded next */
  struct hash shared;
  uint8_t key[GCM_KEY_SIZE];
  uint8_t nonce[GCM_NONCE_SIZE];
};

static bool hmac(struct bytes key, const struct bytes *parts, size_t count, struct hash *out)
{
  OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA2-256"}, 8), OSSL_PARAM_END};
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(method_hmac);
  /* No salt is a key of no bytes, which still has to be somewhere. */
  const uint8_t *key_data = key.size == 0 ? (const uint8_t *)"" : key.data;
  bool done = context != NULL && EVP_MAC_init(context, key_data, key.size, params) == 1;
  for (size_t i = 0; done && i < count; i++)
    done = EVP_MAC_update(context, parts[i].data, parts[i].size) == 1;
  size_t size = 0;
  done = done && EVP_MAC_final(context, out->byte, &size, sizeof out->byte) == 1 && size == sizeof out->byte;
  EVP_MAC_CTX_free(context);
  return done;
}

/* Section 4: LabeledExtract; HKDF-Extract of RFC 5869 is one HMAC. */
static bool labeled_extract(struct bytes salt, struct bytes suite, const char *label, struct bytes ikm,
                            struct hash *prk)
{
  const struct bytes parts[] = {bytes_text("HPKE-v1"), suite, bytes_text(label), ikm};
  return hmac(salt, parts, 4, prk);
}

/* Section 4: LabeledExpand; nothing here is longer than one hash, so that HKDF-Expand is one HMAC too. */
static bool labeled_expand(const struct hash *prk, struct bytes suite, const char *label, struct bytes info,
                           uint8_t *out, size_t size)
{
  static const uint8_t block[] = {1};
  const uint8_t length[] = {0, (uint8_t)size};
  const struct bytes parts[PARTS_MAX] = {BYTES(length), bytes_text("HPKE-v1"), suite, bytes_text(label),
                                         info,          BYTES(block)};
  struct hash h;
  must(size <= sizeof h.byte);
  bool done = hmac(hash_bytes(prk), parts, PARTS_MAX, &h);
  if (done)
    memcpy(out, h.byte, size);
  wipe(&h, sizeof h);
  return done;
}

/* Section 4.1: ExtractAndExpand, with kem_context = enc || pkRm. */
static bool extract_and_expand(struct secrets *s, struct bytes enc, struct bytes recipient)
{
  uint8_t context[2 * ES256_PUBLIC_SIZE];
  struct writer w = writer_of(context, sizeof context);
  write_bytes(&w, enc);
  write_bytes(&w, recipient);
  must(!w.overflow);
  return labeled_extract(empty, BYTES(suite_kem), "eae_prk", BYTES(s->dh), &s->prk) &&
         labeled_expand(&s->prk, BYTES(suite_kem), "shared_secret", writer_bytes(&w), s->shared.byte,
                        sizeof s->shared.byte);
}

/* Section 5.1: KeySchedule, mode base; section 5.2: ComputeNonce. */
static bool key_schedule(struct secrets *s, struct bytes info, uint64_t sequence)
{
  struct hash psk_id, info_hash;
  if (!labeled_extract(empty, BYTES(suite_hpke), "psk_id_hash", empty, &psk_id) ||
      !labeled_extract(empty, BYTES(suite_hpke), "info_hash", info, &info_hash))
    return false;
  uint8_t context[1 + 2 * sizeof(struct hash)];
  struct writer w = writer_of(context, sizeof context);
  write_u8(&w, MODE_BASE);
  write_bytes(&w, hash_bytes(&psk_id));
  write_bytes(&w, hash_bytes(&info_hash));
  if (!labeled_extract(hash_bytes(&s->shared), BYTES(suite_hpke), "secret", empty, &s->prk) ||
      !labeled_expand(&s->prk, BYTES(suite_hpke), "key", writer_bytes(&w), s->key, sizeof s->key) ||
      !labeled_expand(&s->prk, BYTES(suite_hpke), "base_nonce", writer_bytes(&w), s->nonce, sizeof s->nonce))
    return false;
  for (size_t i = 0; i < sizeof sequence; i++)
    s->nonce[GCM_NONCE_SIZE - 1 - i] ^= (uint8_t)(sequence >> (8 * i));
  return true;
}

static enum status agree(struct secrets *s, const struct es256_secret *own, struct bytes peer)
{
  return fetched() ? es256_agree(own, peer, s->dh) : OUR_FAULT;
}

/* An empty slice is left out: for the library, no data would mean the end. */
static bool update(EVP_CIPHER_CTX *context, uint8_t *out, struct bytes in)
{
  int size = 0;
  return in.size == 0 || EVP_CipherUpdate(context, out, &size, in.data, (int)in.size) == 1;
}

static enum status gcm_seal(const struct secrets *s, struct bytes aad, struct bytes plain, uint8_t *out)
{
  int size = 0;
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  bool done = context != NULL && EVP_EncryptInit_ex2(context, method_gcm, s->key, s->nonce, NULL) == 1 &&
              update(context, NULL, aad) && update(context, out, plain) &&
              EVP_EncryptFinal_ex(context, out + plain.size, &size) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, HPKE_TAG_SIZE, out + plain.size) == 1;
  EVP_CIPHER_CTX_free(context);
  return done ? OK : OUR_FAULT;
}

static enum status gcm_open(const struct secrets *s, struct bytes aad, struct bytes cipher, uint8_t *out)
{
  size_t plain_size = cipher.size - HPKE_TAG_SIZE;
  uint8_t tag[HPKE_TAG_SIZE];
  memcpy(tag, cipher.data + plain_size, sizeof tag);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  enum status status = OUR_FAULT;
  if (context != NULL && EVP_DecryptInit_ex2(context, method_gcm, s->key, s->nonce, NULL) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 && update(context, NULL, aad) &&
      update(context, out, bytes_of(cipher.data, plain_size))) {
    int size = 0;
    status = EVP_DecryptFinal_ex(context, tag, &size) == 1 ? OK : BAD_INPUT;
  }
  EVP_CIPHER_CTX_free(context);
  if (status != OK)
    wipe(out, plain_size);
  return status;
}

static enum status seal_from(const struct es256_secret *ephemeral, uint64_t sequence, struct bytes recipient,
                             struct bytes info, struct bytes aad, struct bytes plain, uint8_t *out)
{
  must(plain.size <= INT_MAX && aad.size <= INT_MAX);
  struct secrets s;
  es256_secret_public(ephemeral, out);
  enum status status = agree(&s, ephemeral, recipient);
  if (status == OK)
    status = extract_and_expand(&s, bytes_of(out, HPKE_ENC_SIZE), recipient) && key_schedule(&s, info, sequence)
                 ? gcm_seal(&s, aad, plain, out + HPKE_ENC_SIZE)
                 : OUR_FAULT;
  wipe(&s, sizeof s);
  return status;
}

enum status hpke_seal(struct bytes recipient_point, struct bytes info, struct bytes aad, struct bytes plain,
                      uint8_t *out)
{
  struct es256_secret *ephemeral;
  enum status status = es256_generate(&ephemeral);
  if (status != OK)
    return status;
  status = seal_from(ephemeral, 0, recipient_point, info, aad, plain, out);
  es256_secret_close(ephemeral);
  return status;
}

enum status hpke_seal_derived(struct bytes ikm_e, uint64_t sequence, struct bytes recipient_point, struct bytes info,
                              struct bytes aad, struct bytes plain, uint8_t *out)
{
  struct es256_secret *ephemeral;
  enum status status = hpke_derive_key_pair(ikm_e, &ephemeral);
  if (status != OK)
    return status;
  status = seal_from(ephemeral, sequence, recipient_point, info, aad, plain, out);
  es256_secret_close(ephemeral);
  return status;
}

enum status hpke_open(const struct es256_secret *key, struct bytes info, struct bytes aad, struct bytes sealed,
                      uint8_t *out)
{
  if (sealed.size < HPKE_OVERHEAD || sealed.size > INT_MAX || aad.size > INT_MAX)
    return BAD_INPUT;
  struct bytes enc = bytes_of(sealed.data, HPKE_ENC_SIZE);
  struct bytes cipher = bytes_of(sealed.data + HPKE_ENC_SIZE, sealed.size - HPKE_ENC_SIZE);
  uint8_t own[ES256_PUBLIC_SIZE];
  es256_secret_public(key, own);
  struct secrets s;
  enum status status = agree(&s, key, enc);
  if (status == OK)
    status = extract_and_expand(&s, enc, BYTES(own)) && key_schedule(&s, info, 0) ? gcm_open(&s, aad, cipher, out)
                                                                                  : OUR_FAULT;
  wipe(&s, sizeof s);
  return status;
}

/* Section 7.1.3; a candidate outside 1..n-1 has a chance of 2^-32, and then the next one is taken. */
enum status hpke_derive_key_pair(struct bytes ikm, struct es256_secret **out)
{
  struct hash prk;
  uint8_t scalar[ES256_SCALAR_SIZE];
  enum status status = BAD_INPUT;
  if (!fetched() || !labeled_extract(empty, BYTES(suite_kem), "dkp_prk", ikm, &prk))
    return OUR_FAULT;
  for (unsigned counter = 0; status == BAD_INPUT && counter <= UINT8_MAX; counter++) {
    const uint8_t info[] = {(uint8_t)counter};
    status = labeled_expand(&prk, BYTES(suite_kem), "candidate", BYTES(info), scalar, sizeof scalar)
                 ? es256_secret_of(scalar, out)
                 : OUR_FAULT;
  }
  wipe(scalar, sizeof scalar);
  wipe(&prk, sizeof prk);
  return status;
}

size_t pad_size(size_t content_size)
{
  if (content_size > PAD_CONTENT_MAX)
    return 0;
  size_t size = SEALED_SIZE_MIN;
  while (size < content_size + sizeof(uint32_t) + HPKE_OVERHEAD)
    size *= 2;
  return size - HPKE_OVERHEAD;
}

void pad(struct bytes content, uint8_t *out, size_t out_size)
{
  must(content.size <= PAD_CONTENT_MAX);
  struct writer w = writer_of(out, out_size);
  write_u32(&w, (uint32_t)content.size);
  write_bytes(&w, content);
  must(!w.overflow);
  memset(out + w.size, 0, out_size - w.size);
}

enum status unpad(struct bytes padded, struct bytes *content)
{
  struct reader r = reader_of(padded);
  *content = read_bytes(&r, read_u32(&r));
  return !r.underflow && bytes_zero(r.rest) ? OK : BAD_INPUT;
}
