/* A message is hashed, the hash is signed or verified. libcrypto speaks DER, we speak r || s: the two are converted
 * here, and a number outside 1..n-1 is refused before any curve arithmetic. A key keeps one libcrypto context that is
 * ready to work; a second thread that comes at the same time makes its own. Refused bytes are BAD_INPUT, a locked key
 * is NOT_NOW, and what is left (no memory, no randomness) is OUR_FAULT.
 */
#include "proto/seal/sign.h"

#include "proto/seal/agree.h"
#include "proto/seal/hash.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>

#define PEM_SIZE_MAX 16384
#define DSSE_HEAD_MAX 256
#define DER_SIZE_MAX 72 /* of an ECDSA signature on P-256 */

/* OWASP's recommendation of p = 5 beside N = 2^14. libcrypto gives a key file 32 MiB of memory: N = 2^15 takes more. */
enum { SCRYPT_N = 1 << 14, SCRYPT_R = 8, SCRYPT_P = 5 };

/* The order n of P-256's base point, SEC 2 section 2.4.2. */
static const uint8_t curve_order[ES256_SCALAR_SIZE] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

struct idle_key {
  EVP_PKEY *key;
  _Atomic(EVP_PKEY_CTX *) idle; /* NULL while a thread works with it */
};

struct es256_public {
  struct idle_key k;
};

struct es256_secret {
  struct idle_key k;
  uint8_t point[ES256_PUBLIC_SIZE];
};

static EVP_PKEY_CTX *context_take(struct idle_key *k, int (*prepare)(EVP_PKEY_CTX *))
{
  EVP_PKEY_CTX *context = atomic_exchange(&k->idle, NULL);
  if (context != NULL)
    return context;
  context = EVP_PKEY_CTX_new_from_pkey(NULL, k->key, NULL);
  if (context != NULL && prepare(context) != 1) {
    EVP_PKEY_CTX_free(context);
    return NULL;
  }
  return context;
}

static void context_give(struct idle_key *k, EVP_PKEY_CTX *context)
{
  EVP_PKEY_CTX_free(atomic_exchange(&k->idle, context));
}

static void idle_key_close(struct idle_key *k)
{
  EVP_PKEY_CTX_free(k->idle);
  EVP_PKEY_free(k->key);
}

static bool scalar_valid(const uint8_t scalar[ES256_SCALAR_SIZE])
{
  return !bytes_zero(bytes_of(scalar, ES256_SCALAR_SIZE)) && memcmp(scalar, curve_order, ES256_SCALAR_SIZE) < 0;
}

static void write_der_integer(struct writer *w, const uint8_t *number)
{
  size_t size = ES256_SCALAR_SIZE;
  for (; *number == 0 && size > 1; size--)
    number++;
  uint8_t sign = *number >> 7; /* a leading zero keeps it positive */
  write_u8(w, 0x02);
  write_u8(w, (uint8_t)(size + sign));
  if (sign != 0)
    write_u8(w, 0);
  write_bytes(w, bytes_of(number, size));
}

static struct bytes der_of_raw(const uint8_t raw[ES256_SIGNATURE_SIZE], uint8_t der[DER_SIZE_MAX])
{
  struct writer w = writer_of(der, DER_SIZE_MAX);
  write_u8(&w, 0x30);
  write_u8(&w, 0);
  write_der_integer(&w, raw);
  write_der_integer(&w, raw + ES256_SCALAR_SIZE);
  must(!w.overflow);
  der[1] = (uint8_t)(w.size - 2);
  return writer_bytes(&w);
}

static bool read_der_integer(struct reader *r, uint8_t number[ES256_SCALAR_SIZE])
{
  bool integer = read_u8(r) == 0x02;
  struct bytes b = read_bytes(r, read_u8(r));
  for (; b.size > 0 && b.data[0] == 0; b.size--)
    b.data++;
  if (!integer || b.size == 0 || b.size > ES256_SCALAR_SIZE)
    return false;
  memset(number, 0, ES256_SCALAR_SIZE);
  memcpy(number + ES256_SCALAR_SIZE - b.size, b.data, b.size);
  return true;
}

static bool raw_of_der(struct bytes der, uint8_t raw[ES256_SIGNATURE_SIZE])
{
  struct reader r = reader_of(der);
  return read_u8(&r) == 0x30 && read_u8(&r) == r.rest.size && read_der_integer(&r, raw) &&
         read_der_integer(&r, raw + ES256_SCALAR_SIZE) && reader_done(&r);
}

/* A key pair when `scalar` is given. The library checks that the point lies on the curve: with P-256's cofactor of 1
 * that is the whole validation of a public key. */
static EVP_PKEY *curve_key(const uint8_t point[ES256_PUBLIC_SIZE], BIGNUM *scalar)
{
  uint8_t native[ES256_SCALAR_SIZE];
  OSSL_PARAM params[] = {
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 5),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, ES256_PUBLIC_SIZE),
      OSSL_PARAM_END,
      OSSL_PARAM_END,
  };
  if (scalar != NULL && BN_bn2nativepad(scalar, native, sizeof native) == sizeof native)
    params[2] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native);
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
    EVP_PKEY_fromdata(context, &key, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(context);
  wipe(native, sizeof native);
  return key;
}

enum status es256_public_open(struct bytes point, struct es256_public **out)
{
  if (point.size != ES256_PUBLIC_SIZE || point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
    return BAD_INPUT;
  EVP_PKEY *key = curve_key(point.data, NULL);
  if (key == NULL)
    return BAD_INPUT;
  *out = OPENSSL_zalloc(sizeof **out);
  if (*out == NULL) {
    EVP_PKEY_free(key);
    return OUR_FAULT;
  }
  (*out)->k.key = key;
  return OK;
}

void es256_public_close(struct es256_public *key)
{
  if (key == NULL)
    return;
  idle_key_close(&key->k);
  OPENSSL_free(key);
}

static enum status verify_hash(struct es256_public *key, struct hash h, struct bytes signature)
{
  if (signature.size != ES256_SIGNATURE_SIZE || !scalar_valid(signature.data) ||
      !scalar_valid(signature.data + ES256_SCALAR_SIZE))
    return BAD_INPUT;
  EVP_PKEY_CTX *context = context_take(&key->k, EVP_PKEY_verify_init);
  if (context == NULL)
    return OUR_FAULT;
  uint8_t buffer[DER_SIZE_MAX];
  struct bytes der = der_of_raw(signature.data, buffer);
  bool fits = EVP_PKEY_verify(context, der.data, der.size, h.byte, sizeof h.byte) == 1;
  context_give(&key->k, context);
  return fits ? OK : BAD_INPUT;
}

enum status es256_verify(struct es256_public *key, struct bytes message, struct bytes signature)
{
  return verify_hash(key, sha256(message), signature);
}

/* Takes `key` over, also when it fails. */
static enum status secret_open(EVP_PKEY *key, struct es256_secret **out)
{
  struct es256_secret *secret = key == NULL ? NULL : OPENSSL_zalloc(sizeof *secret);
  size_t size = 0;
  if (secret == NULL || !EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, secret->point,
                                                         sizeof secret->point, &size)) {
    OPENSSL_free(secret);
    EVP_PKEY_free(key);
    return OUR_FAULT;
  }
  must(size == sizeof secret->point);
  secret->k.key = key;
  *out = secret;
  return OK;
}

enum status es256_generate(struct es256_secret **out)
{
  return secret_open(EVP_EC_gen("P-256"), out);
}

static bool point_of(const BIGNUM *scalar, uint8_t point[ES256_PUBLIC_SIZE])
{
  EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_POINT *p = group == NULL ? NULL : EC_POINT_new(group);
  bool done = p != NULL && EC_POINT_mul(group, p, scalar, NULL, NULL, NULL) == 1 &&
              EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, point, ES256_PUBLIC_SIZE, NULL) != 0;
  EC_POINT_free(p);
  EC_GROUP_free(group);
  return done;
}

enum status es256_secret_of(const uint8_t scalar[ES256_SCALAR_SIZE], struct es256_secret **out)
{
  if (!scalar_valid(scalar))
    return BAD_INPUT;
  uint8_t point[ES256_PUBLIC_SIZE];
  BIGNUM *number = BN_bin2bn(scalar, ES256_SCALAR_SIZE, NULL);
  bool done = number != NULL && point_of(number, point);
  enum status s = done ? secret_open(curve_key(point, number), out) : OUR_FAULT;
  BN_clear_free(number);
  return s;
}

static bool write_encrypted(BIO *to, PKCS8_PRIV_KEY_INFO *info, struct bytes passphrase)
{
  X509_ALGOR *method = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
  if (method == NULL)
    return false;
  X509_SIG *file = PKCS8_set0_pbe((const char *)passphrase.data, (int)passphrase.size, info, method);
  if (file == NULL)
    X509_ALGOR_free(method);
  bool done = file != NULL && PEM_write_bio_PKCS8(to, file) == 1;
  X509_SIG_free(file);
  return done;
}

enum status es256_secret_write(const struct es256_secret *key, struct bytes passphrase, char *pem, size_t capacity,
                               size_t *size)
{
  must(passphrase.size <= PEM_SIZE_MAX);
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->k.key);
  BIO *bio = BIO_new(BIO_s_mem());
  enum status s = OUR_FAULT;
  if (info != NULL && bio != NULL &&
      (passphrase.size == 0 ? PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1
                            : write_encrypted(bio, info, passphrase))) {
    const char *text = NULL;
    *size = (size_t)BIO_get_mem_data(bio, &text);
    must(*size <= capacity);
    memcpy(pem, text, *size);
    s = OK;
  }
  BIO_free(bio);
  PKCS8_PRIV_KEY_INFO_free(info);
  return s;
}

/* Only the number is kept of what the file says: the public key is computed from it. */
static enum status secret_of_info(const PKCS8_PRIV_KEY_INFO *info, struct es256_secret **out)
{
  EVP_PKEY *key = info == NULL ? NULL : EVP_PKCS82PKEY(info);
  char group[32] = "";
  uint8_t scalar[ES256_SCALAR_SIZE];
  BIGNUM *number = NULL;
  enum status s = BAD_INPUT;
  if (key != NULL && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
      strcmp(group, SN_X9_62_prime256v1) == 0 && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
      BN_bn2binpad(number, scalar, sizeof scalar) == sizeof scalar)
    s = es256_secret_of(scalar, out);
  wipe(scalar, sizeof scalar);
  BN_clear_free(number);
  EVP_PKEY_free(key);
  return s;
}

static enum status secret_decrypt(const X509_SIG *file, struct bytes passphrase, struct es256_secret **out)
{
  if (file == NULL)
    return BAD_INPUT;
  if (passphrase.size == 0)
    return NOT_NOW;
  PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(file, (const char *)passphrase.data, (int)passphrase.size);
  enum status s = info == NULL ? NOT_NOW : secret_of_info(info, out);
  PKCS8_PRIV_KEY_INFO_free(info);
  return s;
}

static enum status secret_of_der(const char *name, const uint8_t *der, long size, struct bytes passphrase,
                                 struct es256_secret **out)
{
  enum status s = BAD_INPUT;
  if (strcmp(name, PEM_STRING_PKCS8INF) == 0) {
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, size);
    s = secret_of_info(info, out);
    PKCS8_PRIV_KEY_INFO_free(info);
  } else if (strcmp(name, PEM_STRING_PKCS8) == 0) {
    X509_SIG *file = d2i_X509_SIG(NULL, &der, size);
    s = secret_decrypt(file, passphrase, out);
    X509_SIG_free(file);
  }
  return s;
}

enum status es256_secret_read(struct bytes pem, struct bytes passphrase, struct es256_secret **out)
{
  if (pem.size > PEM_SIZE_MAX || passphrase.size > PEM_SIZE_MAX)
    return BAD_INPUT;
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
  if (bio == NULL)
    return pem.size == 0 ? BAD_INPUT : OUR_FAULT;
  char *name = NULL, *header = NULL;
  uint8_t *der = NULL;
  long size = 0;
  /* The secure flag makes the library wipe what it frees. */
  enum status s = BAD_INPUT;
  if (PEM_read_bio_ex(bio, &name, &header, &der, &size, PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1)
    s = secret_of_der(name, der, size, passphrase, out);
  OPENSSL_secure_free(name);
  OPENSSL_secure_free(header);
  OPENSSL_secure_clear_free(der, (size_t)size);
  BIO_free(bio);
  return s;
}

void es256_secret_close(struct es256_secret *key)
{
  if (key == NULL)
    return;
  idle_key_close(&key->k);
  OPENSSL_free(key);
}

void es256_secret_public(const struct es256_secret *key, uint8_t point[ES256_PUBLIC_SIZE])
{
  memcpy(point, key->point, ES256_PUBLIC_SIZE);
}

static enum status sign_hash(struct es256_secret *key, struct hash h, uint8_t signature[ES256_SIGNATURE_SIZE])
{
  EVP_PKEY_CTX *context = context_take(&key->k, EVP_PKEY_sign_init);
  if (context == NULL)
    return OUR_FAULT;
  uint8_t der[DER_SIZE_MAX];
  size_t size = sizeof der;
  bool done = EVP_PKEY_sign(context, der, &size, h.byte, sizeof h.byte) == 1;
  context_give(&key->k, context);
  return done && raw_of_der(bytes_of(der, size), signature) ? OK : OUR_FAULT;
}

enum status es256_sign(struct es256_secret *key, struct bytes message, uint8_t signature[ES256_SIGNATURE_SIZE])
{
  return sign_hash(key, sha256(message), signature);
}

enum status es256_agree(const struct es256_secret *key, struct bytes peer_point, uint8_t shared[AGREE_SIZE])
{
  struct es256_public *peer;
  enum status s = es256_public_open(peer_point, &peer);
  if (s != OK)
    return s;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->k.key, NULL);
  size_t size = AGREE_SIZE;
  /* No second validation of the peer: opening it was one. */
  bool done = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
              EVP_PKEY_derive_set_peer_ex(context, peer->k.key, 0) == 1 &&
              EVP_PKEY_derive(context, shared, &size) == 1 && size == AGREE_SIZE;
  EVP_PKEY_CTX_free(context);
  es256_public_close(peer);
  return done ? OK : OUR_FAULT;
}

static void write_dsse_head(struct writer *w, const char *type, size_t body_size)
{
  write_text(w, "DSSEv1 ");
  write_decimal(w, strlen(type));
  write_text(w, " ");
  write_text(w, type);
  write_text(w, " ");
  write_decimal(w, body_size);
  write_text(w, " ");
}

static struct hash dsse_hash(const char *type, struct bytes body)
{
  uint8_t head[DSSE_HEAD_MAX];
  struct writer w = writer_of(head, sizeof head);
  write_dsse_head(&w, type, body.size);
  must(!w.overflow);
  const struct bytes parts[] = {writer_bytes(&w), body};
  return sha256_of(parts, 2);
}

enum status dsse_verify(struct es256_public *key, const char *type, struct bytes body, struct bytes signature)
{
  return verify_hash(key, dsse_hash(type, body), signature);
}

enum status dsse_sign(struct es256_secret *key, const char *type, struct bytes body,
                      uint8_t signature[ES256_SIGNATURE_SIZE])
{
  return sign_hash(key, dsse_hash(type, body), signature);
}

void dsse_encode(const char *type, struct bytes body, struct writer *out)
{
  write_dsse_head(out, type, body.size);
  write_bytes(out, body);
}

enum status random_bytes(void *out, size_t size)
{
  return RAND_bytes_ex(NULL, out, size, 0) == 1 ? OK : OUR_FAULT;
}

void wipe(void *memory, size_t size)
{
  OPENSSL_cleanse(memory, size);
}
