/* Signatures and key files: Wycheproof's cases, RFC 8032's first, and what must be refused. */
#include "proto/seal/sign.h"

#include "proto/seal/agree.h"
#include "tests/unit/vectors.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>

static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"; /* of P-256 */

enum { BUFFER_SIZE = 4096, PEM_CAPACITY = 2048, THREADS = 4, ROUNDS = 200 };

static struct es256_secret *secret;
static struct es256_public *public_key;

static int set_up(void **state)
{
  (void)state;
  uint8_t point[ES256_PUBLIC_SIZE];
  if (es256_generate(&secret) != OK)
    return -1;
  es256_secret_public(secret, point);
  return es256_public_open(BYTES(point), &public_key) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
  (void)state;
  es256_secret_close(secret);
  es256_public_close(public_key);
  return 0;
}

/* Calls `verify` for each test of each group; how many there were. */
static size_t wycheproof(const char *name,
                         enum status (*verify)(const json_t *group, struct bytes message, struct bytes signature))
{
  struct bytes text = vectors_file(name);
  json_t *json = vectors_json(text, name), *group, *test;
  size_t g, t, count = 0;
  json_array_foreach(json_object_get(json, "testGroups"), g, group)
  {
    json_array_foreach(json_object_get(group, "tests"), t, test)
    {
      uint8_t message[BUFFER_SIZE], signature[BUFFER_SIZE];
      bool valid = strcmp(vectors_text(test, "result"), "valid") == 0;
      enum status s = verify(group, vectors_hex(test, "msg", message, sizeof message),
                             vectors_hex(test, "sig", signature, sizeof signature));
      if (s != (valid ? OK : BAD_INPUT))
        fail_msg("%s, case %.0f: %s", name, json_number_value(json_object_get(test, "tcId")),
                 vectors_text(test, "comment"));
      count++;
    }
  }
  size_t announced = (size_t)vectors_u64(text, "numberOfTests");
  json_decref(json);
  vectors_free(text);
  assert_int_equal(count, announced);
  return count;
}

static enum status verify_es256(const json_t *group, struct bytes message, struct bytes signature)
{
  uint8_t point[BUFFER_SIZE];
  struct es256_public *key = NULL;
  struct bytes b = vectors_hex(json_object_get(group, "publicKey"), "uncompressed", point, sizeof point);
  assert_int_equal(es256_public_open(b, &key), OK);
  enum status s = es256_verify(key, message, signature);
  es256_public_close(key);
  return s;
}

static enum status verify_ed25519(const json_t *group, struct bytes message, struct bytes signature)
{
  uint8_t key[BUFFER_SIZE];
  return ed25519_verify(vectors_hex(json_object_get(group, "publicKey"), "pk", key, sizeof key), message, signature);
}

static void wycheproof_ecdsa(void **state)
{
  (void)state;
  size_t count = wycheproof("ecdsa/ecdsa_secp256r1_sha256_p1363_test.json", verify_es256);
  assert_true(count >= (vectors_are_ours() ? 262 : 1));
}

static void wycheproof_ed25519(void **state)
{
  (void)state;
  size_t count = wycheproof("ed25519/ed25519_test.json", verify_ed25519);
  assert_true(count >= (vectors_are_ours() ? 151 : 1));
}

static void what_is_signed_verifies_and_nothing_else(void **state)
{
  (void)state;
  uint8_t signature[ES256_SIGNATURE_SIZE], message[] = "a message";
  for (int round = 0; round < ROUNDS; round++) { /* r and s of all sizes */
    message[0] = (uint8_t)round;
    assert_int_equal(es256_sign(secret, BYTES(message), signature), OK);
    assert_int_equal(es256_verify(public_key, BYTES(message), BYTES(signature)), OK);
  }
  for (size_t i = 0; i < sizeof signature; i++) {
    signature[i] ^= 1;
    assert_int_equal(es256_verify(public_key, BYTES(message), BYTES(signature)), BAD_INPUT);
    signature[i] ^= 1;
  }
  message[0] ^= 1;
  assert_int_equal(es256_verify(public_key, BYTES(message), BYTES(signature)), BAD_INPUT);
}

static void signature_of_another_form_is_refused(void **state)
{
  (void)state;
  uint8_t signature[ES256_SIGNATURE_SIZE + 1] = {0}, wrong[ES256_SIGNATURE_SIZE];
  struct bytes message = bytes_text("m");
  size_t size = 0;
  assert_int_equal(es256_sign(secret, message, signature), OK);
  assert_int_equal(es256_verify(public_key, message, bytes_of(signature, 64)), OK);
  assert_int_equal(es256_verify(public_key, message, bytes_of(signature, 63)), BAD_INPUT);
  assert_int_equal(es256_verify(public_key, message, bytes_of(signature, 65)), BAD_INPUT);
  assert_int_equal(es256_verify(public_key, message, bytes_of(NULL, 0)), BAD_INPUT);
  for (size_t half = 0; half < 64; half += 32) {
    memcpy(wrong, signature, sizeof wrong);
    memset(wrong + half, 0, 32);
    assert_int_equal(es256_verify(public_key, message, BYTES(wrong)), BAD_INPUT);
    assert_int_equal(hex_decode(bytes_text(order), wrong + half, 32, &size), OK);
    assert_int_equal(es256_verify(public_key, message, BYTES(wrong)), BAD_INPUT);
  }
}

static void a_point_of_another_form_is_refused(void **state)
{
  (void)state;
  uint8_t point[ES256_PUBLIC_SIZE + 1] = {0};
  struct es256_public *key = NULL;
  es256_secret_public(secret, point);
  assert_int_equal(es256_public_open(bytes_of(point, 64), &key), BAD_INPUT);
  assert_int_equal(es256_public_open(bytes_of(point, 66), &key), BAD_INPUT);
  assert_int_equal(es256_public_open(bytes_of(point, 1), &key), BAD_INPUT);
  assert_int_equal(es256_public_open(bytes_of(NULL, 0), &key), BAD_INPUT);
  for (int form = 0; form < 256; form++) {
    point[0] = (uint8_t)form; /* 0x06 and 0x07, the hybrid forms, have 65 bytes too */
    if (form != 0x04)
      assert_int_equal(es256_public_open(bytes_of(point, 65), &key), BAD_INPUT);
  }
  point[0] = 0x04;
  point[64] ^= 1; /* off the curve */
  assert_int_equal(es256_public_open(bytes_of(point, 65), &key), BAD_INPUT);
  memset(point + 1, 0xff, 64); /* beyond the field */
  assert_int_equal(es256_public_open(bytes_of(point, 65), &key), BAD_INPUT);
  memset(point + 1, 0, 64);
  assert_int_equal(es256_public_open(bytes_of(point, 65), &key), BAD_INPUT);
}

static void a_number_makes_its_key_pair(void **state)
{
  (void)state;
  uint8_t scalar[ES256_SCALAR_SIZE] = {0}, point[ES256_PUBLIC_SIZE];
  struct es256_secret *one = NULL;
  char text[2 * ES256_PUBLIC_SIZE + 1];
  assert_int_equal(es256_secret_of(scalar, &one), BAD_INPUT);
  scalar[31] = 1; /* one times the base point, SEC 2 section 2.4.2 */
  assert_int_equal(es256_secret_of(scalar, &one), OK);
  es256_secret_public(one, point);
  hex_encode(BYTES(point), text);
  assert_string_equal(text, "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  es256_secret_close(one);
  size_t size = 0;
  assert_int_equal(hex_decode(bytes_text(order), scalar, sizeof scalar, &size), OK);
  assert_int_equal(es256_secret_of(scalar, &one), BAD_INPUT);
  scalar[31] -= 1; /* the largest number there is */
  assert_int_equal(es256_secret_of(scalar, &one), OK);
  es256_secret_close(one);
  memset(scalar, 0xff, sizeof scalar);
  assert_int_equal(es256_secret_of(scalar, &one), BAD_INPUT);
}

static void two_keys_agree(void **state)
{
  (void)state;
  struct es256_secret *other = NULL;
  uint8_t own[ES256_PUBLIC_SIZE], theirs[ES256_PUBLIC_SIZE], here[AGREE_SIZE], there[AGREE_SIZE];
  assert_int_equal(es256_generate(&other), OK);
  es256_secret_public(secret, own);
  es256_secret_public(other, theirs);
  assert_int_equal(es256_agree(secret, BYTES(theirs), here), OK);
  assert_int_equal(es256_agree(other, BYTES(own), there), OK);
  assert_memory_equal(here, there, sizeof here);
  own[64] ^= 1;
  assert_int_equal(es256_agree(other, BYTES(own), there), BAD_INPUT);
  es256_secret_close(other);
}

static void dsse_signs_its_encoding(void **state)
{
  (void)state;
  static const char type[] = "http://example.com/HelloWorld"; /* the example of DSSE's protocol.md */
  struct bytes body = bytes_text("hello world");
  uint8_t signature[ES256_SIGNATURE_SIZE], buffer[128];
  struct writer w = writer_of(buffer, sizeof buffer);
  dsse_encode(type, body, &w);
  assert_true(bytes_equal(writer_bytes(&w), bytes_text("DSSEv1 29 http://example.com/HelloWorld 11 hello world")));
  assert_int_equal(dsse_sign(secret, type, body, signature), OK);
  assert_int_equal(dsse_verify(public_key, type, body, BYTES(signature)), OK);
  assert_int_equal(es256_verify(public_key, writer_bytes(&w), BYTES(signature)), OK);
  assert_int_equal(dsse_verify(public_key, "another", body, BYTES(signature)), BAD_INPUT);
  assert_int_equal(dsse_verify(public_key, type, bytes_text("hello worle"), BYTES(signature)), BAD_INPUT);
  assert_int_equal(dsse_sign(secret, type, bytes_of(NULL, 0), signature), OK);
  assert_int_equal(dsse_verify(public_key, type, bytes_of(NULL, 0), BYTES(signature)), OK);
}

static void *thread_run(void *failures)
{
  uint8_t signature[ES256_SIGNATURE_SIZE];
  for (int i = 0; i < ROUNDS; i++) {
    struct bytes message = bytes_of(&i, sizeof i);
    if (es256_sign(secret, message, signature) != OK || es256_verify(public_key, message, BYTES(signature)) != OK)
      *(int *)failures += 1;
  }
  return NULL;
}

static void one_key_serves_several_threads(void **state)
{
  (void)state;
  pthread_t threads[THREADS];
  int failures[THREADS] = {0};
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, thread_run, &failures[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(failures[i], 0);
  }
}

static void same_key(const struct es256_secret *read)
{
  uint8_t a[ES256_PUBLIC_SIZE], b[ES256_PUBLIC_SIZE];
  es256_secret_public(secret, a);
  es256_secret_public(read, b);
  assert_memory_equal(a, b, sizeof a);
}

/* As `openssl pkey` does. */
static void library_reads(const char *pem, size_t size, const char *passphrase)
{
  BIO *bio = BIO_new_mem_buf(pem, (int)size);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)passphrase);
  assert_non_null(key);
  assert_true(EVP_PKEY_is_a(key, "EC"));
  EVP_PKEY_free(key);
  BIO_free(bio);
}

static void a_key_file_comes_back(void **state)
{
  (void)state;
  static const char *const passphrases[] = {"", "correct horse"};
  for (size_t i = 0; i < 2; i++) {
    char pem[PEM_CAPACITY];
    size_t size = 0;
    struct es256_secret *read = NULL;
    struct bytes passphrase = bytes_text(passphrases[i]);
    assert_int_equal(es256_secret_write(secret, passphrase, pem, sizeof pem, &size), OK);
    const char *begin = i == 0 ? "-----BEGIN PRIVATE KEY-----\n" : "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    assert_memory_equal(pem, begin, strlen(begin));
    library_reads(pem, size, passphrases[i]);
    assert_int_equal(es256_secret_read(bytes_of(pem, size), passphrase, &read), OK);
    same_key(read);
    uint8_t signature[ES256_SIGNATURE_SIZE];
    assert_int_equal(es256_sign(read, bytes_text("m"), signature), OK);
    assert_int_equal(es256_verify(public_key, bytes_text("m"), BYTES(signature)), OK);
    es256_secret_close(read);
  }
}

static void a_locked_key_file_says_not_now(void **state)
{
  (void)state;
  char pem[PEM_CAPACITY];
  size_t size = 0;
  struct es256_secret *read = NULL;
  assert_int_equal(es256_secret_write(secret, bytes_text("right"), pem, sizeof pem, &size), OK);
  assert_int_equal(es256_secret_read(bytes_of(pem, size), bytes_text("wrong"), &read), NOT_NOW);
  assert_int_equal(es256_secret_read(bytes_of(pem, size), bytes_text("right "), &read), NOT_NOW);
  assert_int_equal(es256_secret_read(bytes_of(pem, size), bytes_of(NULL, 0), &read), NOT_NOW);
  assert_null(read);
}

static void refused(struct bytes pem)
{
  struct es256_secret *read = NULL;
  assert_int_equal(es256_secret_read(pem, bytes_text("x"), &read), BAD_INPUT);
  assert_null(read);
}

static void refused_other_key(EVP_PKEY *key)
{
  BIO *bio = BIO_new(BIO_s_mem());
  const char *text = NULL;
  assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
  size_t size = (size_t)BIO_get_mem_data(bio, &text);
  refused(bytes_of(text, size));
  BIO_free(bio);
  EVP_PKEY_free(key);
}

static void what_is_no_key_file_is_refused(void **state)
{
  (void)state;
  char pem[PEM_CAPACITY];
  size_t size = 0;
  refused(bytes_of(NULL, 0));
  refused(bytes_text("no key at all"));
  refused(bytes_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  refused(bytes_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"));
  refused(bytes_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  assert_int_equal(es256_secret_write(secret, bytes_of(NULL, 0), pem, sizeof pem, &size), OK);
  for (size_t cut = 0; cut < size - 1; cut++) /* the last line end is not missed */
    refused(bytes_of(pem, cut));
  refused_other_key(EVP_EC_gen("P-384"));
  refused_other_key(EVP_EC_gen("secp256k1"));
  refused_other_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static void ed25519_of_rfc_8032(void **state)
{
  (void)state;
  uint8_t seed[ED25519_SECRET_SIZE], point[ED25519_PUBLIC_SIZE], signature[ED25519_SIGNATURE_SIZE];
  char text[2 * ED25519_SIGNATURE_SIZE + 1];
  size_t size = 0;
  struct bytes hex = bytes_text("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"); /* 7.1, TEST 1 */
  assert_int_equal(hex_decode(hex, seed, sizeof seed, &size), OK);
  struct ed25519_secret *key;
  assert_int_equal(ed25519_secret_open(seed, &key), OK);
  ed25519_secret_public(key, point);
  hex_encode(BYTES(point), text);
  assert_string_equal(text, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  assert_int_equal(ed25519_sign(key, bytes_of(NULL, 0), signature), OK);
  hex_encode(BYTES(signature), text);
  assert_string_equal(text,
                      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
                      "46bd25bf5f0595bbe24655141438e7a100b");
  assert_int_equal(ed25519_verify(BYTES(point), bytes_of(NULL, 0), BYTES(signature)), OK);
  assert_int_equal(ed25519_verify(BYTES(point), bytes_text("m"), BYTES(signature)), BAD_INPUT);
  assert_int_equal(ed25519_verify(bytes_of(point, 31), bytes_of(NULL, 0), BYTES(signature)), BAD_INPUT);
  assert_int_equal(ed25519_verify(BYTES(point), bytes_of(NULL, 0), bytes_of(signature, 63)), BAD_INPUT);
  ed25519_secret_close(key);
}

static void random_keys_differ_and_are_wiped(void **state)
{
  (void)state;
  uint8_t a[ED25519_SECRET_SIZE] = {0}, b[ED25519_SECRET_SIZE] = {0};
  assert_int_equal(ed25519_generate(a), OK);
  assert_int_equal(ed25519_generate(b), OK);
  assert_memory_not_equal(a, b, sizeof a);
  assert_int_equal(random_bytes(b, sizeof b), OK);
  assert_memory_not_equal(a, b, sizeof a);
  wipe(a, sizeof a);
  assert_true(bytes_zero(BYTES(a)));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wycheproof_ecdsa),
      cmocka_unit_test(wycheproof_ed25519),
      cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
      cmocka_unit_test(signature_of_another_form_is_refused),
      cmocka_unit_test(a_point_of_another_form_is_refused),
      cmocka_unit_test(a_number_makes_its_key_pair),
      cmocka_unit_test(two_keys_agree),
      cmocka_unit_test(dsse_signs_its_encoding),
      cmocka_unit_test(one_key_serves_several_threads),
      cmocka_unit_test(a_key_file_comes_back),
      cmocka_unit_test(a_locked_key_file_says_not_now),
      cmocka_unit_test(what_is_no_key_file_is_refused),
      cmocka_unit_test(ed25519_of_rfc_8032),
      cmocka_unit_test(random_keys_differ_and_are_wiped),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
