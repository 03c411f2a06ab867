/* Sealing: the RFC's vectors in both directions, and that nothing opens what was not sealed for it. */
#include "proto/seal/hpke.h"

#include "proto/seal/agree.h"
#include "tests/unit/vectors.h"

enum { BUFFER_SIZE = 1024, KEM_P256 = 16, AEAD_AES_128_GCM = 1, BODY_SIZE = 175 };

static struct es256_secret *recipient;
static uint8_t recipient_point[ES256_PUBLIC_SIZE];

static int set_up(void **state)
{
  (void)state;
  if (es256_generate(&recipient) != OK)
    return -1;
  es256_secret_public(recipient, recipient_point);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  es256_secret_close(recipient);
  return 0;
}

/* The derived pair is the one of the vector: its number and its point. */
static void derived_pair(const json_t *vector, const char *ikm, const char *number, const char *point)
{
  uint8_t buffer[BUFFER_SIZE], ours[ES256_PUBLIC_SIZE];
  struct es256_secret *derived = NULL, *given = NULL;
  assert_int_equal(hpke_derive_key_pair(vectors_hex(vector, ikm, buffer, sizeof buffer), &derived), OK);
  es256_secret_public(derived, ours);
  assert_true(bytes_equal(vectors_hex(vector, point, buffer, sizeof buffer), BYTES(ours)));
  assert_int_equal(vectors_hex(vector, number, buffer, sizeof buffer).size, ES256_SCALAR_SIZE);
  assert_int_equal(es256_secret_of(buffer, &given), OK);
  es256_secret_public(given, ours);
  assert_true(bytes_equal(vectors_hex(vector, point, buffer, sizeof buffer), BYTES(ours)));
  es256_secret_close(derived);
  es256_secret_close(given);
}

static void encryption(const json_t *vector, const json_t *one)
{
  uint8_t ikm[BUFFER_SIZE], point[BUFFER_SIZE], info[BUFFER_SIZE], aad[BUFFER_SIZE], plain[BUFFER_SIZE];
  uint8_t enc[BUFFER_SIZE], cipher[BUFFER_SIZE], sealed[BUFFER_SIZE];
  uint64_t sequence = strtoull(vectors_text(one, "sequence number"), NULL, 10);
  struct bytes i = vectors_hex(vector, "info", info, sizeof info), a = vectors_hex(one, "aad", aad, sizeof aad);
  struct bytes p = vectors_hex(one, "pt", plain, sizeof plain), c = vectors_hex(one, "ct", cipher, sizeof cipher);
  assert_int_equal(c.size, p.size + HPKE_TAG_SIZE);
  assert_int_equal(vectors_hex(vector, "enc", enc, sizeof enc).size, HPKE_ENC_SIZE);
  assert_int_equal(hpke_seal_derived(vectors_hex(vector, "ikmE", ikm, sizeof ikm), sequence,
                                     vectors_hex(vector, "pkRm", point, sizeof point), i, a, p, sealed),
                   OK);
  assert_memory_equal(sealed, enc, HPKE_ENC_SIZE);
  assert_memory_equal(sealed + HPKE_ENC_SIZE, cipher, c.size);
  struct es256_secret *key = NULL;
  uint8_t opened[BUFFER_SIZE];
  assert_int_equal(hpke_derive_key_pair(vectors_hex(vector, "ikmR", ikm, sizeof ikm), &key), OK);
  enum status s = hpke_open(key, i, a, bytes_of(sealed, p.size + HPKE_OVERHEAD), opened);
  assert_int_equal(s, sequence == 0 ? OK : BAD_INPUT); /* single shot: only the first of a sequence is ever opened */
  if (s == OK)
    assert_memory_equal(opened, plain, p.size);
  es256_secret_close(key);
}

static void rfc_9180_appendix_a(void **state)
{
  (void)state;
  struct bytes text = vectors_file("hpke/rfc9180_base.json");
  json_t *json = vectors_json(text, "hpke/rfc9180_base.json"), *vector, *one;
  size_t v, e, count = 0;
  json_array_foreach(json, v, vector)
  {
    if (strtoul(vectors_text(vector, "kem_id"), NULL, 10) != KEM_P256)
      continue;
    derived_pair(vector, "ikmE", "skEm", "pkEm");
    derived_pair(vector, "ikmR", "skRm", "pkRm");
    if (strtoul(vectors_text(vector, "aead_id"), NULL, 10) != AEAD_AES_128_GCM)
      continue;
    json_array_foreach(json_object_get(vector, "encryptions"), e, one)
    {
      encryption(vector, one);
      count++;
    }
  }
  assert_true(count >= (vectors_are_ours() ? 6 : 1));
  json_decref(json);
  vectors_free(text);
}

static void every_size_comes_back(void **state)
{
  (void)state;
  static uint8_t plain[SEALED_SIZE_MAX], sealed[SEALED_SIZE_MAX + HPKE_OVERHEAD], opened[SEALED_SIZE_MAX];
  static const size_t sizes[] = {0, 1, 15, 16, 17, BODY_SIZE, SEALED_SIZE_MAX - HPKE_OVERHEAD, SEALED_SIZE_MAX};
  struct bytes point = BYTES(recipient_point), info = bytes_text("info"), aad = bytes_text("aad");
  memset(plain, 'p', sizeof plain);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes all = bytes_of(sealed, sizes[i] + HPKE_OVERHEAD);
    assert_int_equal(hpke_seal(point, info, aad, bytes_of(plain, sizes[i]), sealed), OK);
    assert_int_equal(hpke_open(recipient, info, aad, all, opened), OK);
    assert_memory_equal(opened, plain, sizes[i]);
  }
  struct bytes none = bytes_of(NULL, 0);
  assert_int_equal(hpke_seal(point, none, none, none, sealed), OK);
  assert_int_equal(hpke_open(recipient, none, none, bytes_of(sealed, HPKE_OVERHEAD), opened), OK);
}

static void the_same_case_is_never_sealed_alike(void **state)
{
  (void)state;
  uint8_t plain[BODY_SIZE] = {0}, a[BODY_SIZE + HPKE_OVERHEAD], b[BODY_SIZE + HPKE_OVERHEAD];
  struct bytes none = bytes_of(NULL, 0);
  assert_int_equal(hpke_seal(BYTES(recipient_point), none, none, BYTES(plain), a), OK);
  assert_int_equal(hpke_seal(BYTES(recipient_point), none, none, BYTES(plain), b), OK);
  assert_memory_not_equal(a, b, HPKE_ENC_SIZE);
  assert_memory_not_equal(a + HPKE_ENC_SIZE, b + HPKE_ENC_SIZE, BODY_SIZE);
}

static void refused(const struct es256_secret *key, const char *info, const char *aad, struct bytes sealed)
{
  uint8_t opened[BODY_SIZE + 1] = {0};
  assert_int_equal(hpke_open(key, bytes_text(info), bytes_text(aad), sealed, opened), BAD_INPUT);
  assert_true(bytes_zero(BYTES(opened))); /* nothing of the plaintext gets out */
}

static void damaged_or_misdirected_is_refused(void **state)
{
  (void)state;
  uint8_t plain[BODY_SIZE], sealed[BODY_SIZE + HPKE_OVERHEAD + 1] = {0}, opened[BODY_SIZE];
  struct bytes all = bytes_of(sealed, BODY_SIZE + HPKE_OVERHEAD);
  struct es256_secret *other = NULL;
  memset(plain, 'p', sizeof plain);
  assert_int_equal(hpke_seal(BYTES(recipient_point), bytes_text("i"), bytes_text("a"), BYTES(plain), sealed), OK);
  assert_int_equal(hpke_open(recipient, bytes_text("i"), bytes_text("a"), all, opened), OK);
  assert_int_equal(es256_generate(&other), OK);
  refused(other, "i", "a", all);
  refused(recipient, "j", "a", all);
  refused(recipient, "i", "b", all);
  refused(recipient, "i", "", all);
  refused(recipient, "", "a", all);
  refused(recipient, "ia", "", all);
  for (size_t i = 0; i < all.size; i++) {
    sealed[i] ^= 1;
    refused(recipient, "i", "a", all);
    sealed[i] ^= 1;
  }
  for (size_t size = 0; size < all.size; size++)
    refused(recipient, "i", "a", bytes_of(sealed, size));
  refused(recipient, "i", "a", bytes_of(sealed, all.size + 1));
  es256_secret_close(other);
}

static void sealing_to_no_point_is_refused(void **state)
{
  (void)state;
  uint8_t point[ES256_PUBLIC_SIZE], sealed[BODY_SIZE + HPKE_OVERHEAD], plain[BODY_SIZE] = {0};
  struct bytes none = bytes_of(NULL, 0);
  memcpy(point, recipient_point, sizeof point);
  point[64] ^= 1;
  assert_int_equal(hpke_seal(BYTES(point), none, none, BYTES(plain), sealed), BAD_INPUT);
  assert_int_equal(hpke_seal(bytes_of(point, 33), none, none, BYTES(plain), sealed), BAD_INPUT);
  assert_int_equal(hpke_seal_derived(BYTES(plain), 0, BYTES(point), none, none, BYTES(plain), sealed), BAD_INPUT);
}

static void padding_hides_the_length(void **state)
{
  (void)state;
  size_t last = 0;
  for (size_t size = 0; size <= PAD_CONTENT_MAX; size++) {
    size_t sealed = pad_size(size) + HPKE_OVERHEAD;
    assert_true(sealed >= SEALED_SIZE_MIN && sealed <= SEALED_SIZE_MAX && (sealed & (sealed - 1)) == 0);
    assert_true(sealed >= last && pad_size(size) >= size + 4);
    assert_true(sealed == SEALED_SIZE_MIN || size + 4 + HPKE_OVERHEAD > sealed / 2); /* the smallest that fits */
    last = sealed;
  }
  assert_int_equal(last, SEALED_SIZE_MAX);
  assert_int_equal(pad_size(PAD_CONTENT_MAX + 1), 0);
  assert_int_equal(pad_size(SIZE_MAX), 0);
}

static void padded_content_comes_back(void **state)
{
  (void)state;
  static uint8_t content[PAD_CONTENT_MAX], padded[SEALED_SIZE_MAX];
  static const size_t sizes[] = {0, 1, 171, 172, 1000, PAD_CONTENT_MAX - 1, PAD_CONTENT_MAX};
  memset(content, 'c', sizeof content);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes out;
    memset(padded, 0xff, sizeof padded);
    pad(bytes_of(content, sizes[i]), padded, pad_size(sizes[i]));
    assert_int_equal(unpad(bytes_of(padded, pad_size(sizes[i])), &out), OK);
    assert_true(bytes_equal(out, bytes_of(content, sizes[i])));
    assert_int_equal(padded[pad_size(sizes[i])], 0xff);
  }
}

static void padding_that_lies_is_refused(void **state)
{
  (void)state;
  uint8_t padded[BODY_SIZE];
  struct bytes out;
  pad(bytes_text("abc"), padded, sizeof padded);
  assert_int_equal(unpad(BYTES(padded), &out), OK);
  for (size_t i = 4 + 3; i < sizeof padded; i++) {
    padded[i] = 1;
    assert_int_equal(unpad(BYTES(padded), &out), BAD_INPUT);
    padded[i] = 0;
  }
  padded[3] = 2; /* the last letter would be padding */
  assert_int_equal(unpad(BYTES(padded), &out), BAD_INPUT);
  padded[3] = BODY_SIZE - 4;
  assert_int_equal(unpad(BYTES(padded), &out), OK);
  padded[3] = BODY_SIZE - 3;
  assert_int_equal(unpad(BYTES(padded), &out), BAD_INPUT);
  memset(padded, 0xff, 4);
  assert_int_equal(unpad(BYTES(padded), &out), BAD_INPUT);
  for (size_t size = 0; size < 4; size++)
    assert_int_equal(unpad(bytes_of(padded, size), &out), BAD_INPUT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc_9180_appendix_a),
      cmocka_unit_test(every_size_comes_back),
      cmocka_unit_test(the_same_case_is_never_sealed_alike),
      cmocka_unit_test(damaged_or_misdirected_is_refused),
      cmocka_unit_test(sealing_to_no_point_is_refused),
      cmocka_unit_test(padding_hides_the_length),
      cmocka_unit_test(padded_content_comes_back),
      cmocka_unit_test(padding_that_lies_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
