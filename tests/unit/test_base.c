/* The ground floor: what is written can be read, nothing else can, and no end is overrun. */
#include "proto/base/arena.h"
#include "proto/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char short_alphabet[] = "ACDEFGHJKMNPQRTVWXYZ347";

static void numbers_are_big_endian(void **state)
{
  (void)state;
  static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'x'};
  uint8_t buffer[sizeof expected];
  struct writer w = writer_of(buffer, sizeof buffer);
  write_u8(&w, 1);
  write_u16(&w, 0x0203);
  write_u32(&w, 0x04050607);
  write_u64(&w, 0x08090a0b0c0d0e0f);
  write_text(&w, "x");
  assert_false(w.overflow);
  assert_true(bytes_equal(writer_bytes(&w), BYTES(expected)));
  struct reader r = reader_of(BYTES(expected));
  assert_int_equal(read_u8(&r), 1);
  assert_int_equal(read_u16(&r), 0x0203);
  assert_int_equal(read_u32(&r), 0x04050607);
  assert_int_equal(read_u64(&r), 0x08090a0b0c0d0e0f);
  assert_false(reader_done(&r));
  assert_true(bytes_equal(read_bytes(&r, 1), bytes_text("x")));
  assert_true(reader_done(&r));
}

static void a_full_writer_stays_full(void **state)
{
  (void)state;
  uint8_t buffer[5] = {0};
  struct writer w = writer_of(buffer, 4);
  write_bytes(&w, bytes_of(NULL, 0));
  write_u16(&w, 0x0101);
  write_u32(&w, 0x02020202);
  assert_true(w.overflow);
  write_u8(&w, 3); /* would fit, comes too late */
  assert_true(w.overflow);
  assert_int_equal(w.size, 2);
  assert_true(bytes_zero(bytes_of(buffer + 2, 3)));
}

static void an_empty_reader_stays_empty(void **state)
{
  (void)state;
  static const uint8_t input[] = {1, 2, 3};
  uint8_t into[4] = {9, 9, 9, 9};
  struct reader r = reader_of(BYTES(input));
  assert_int_equal(read_u32(&r), 0);
  assert_true(r.underflow);
  assert_int_equal(read_u8(&r), 0);
  read_into(&r, into, sizeof into);
  assert_true(bytes_zero(BYTES(into)));
  assert_int_equal(read_bytes(&r, 0).size, 0);
  assert_false(reader_done(&r));
  r = reader_of(BYTES(input));
  assert_int_equal(read_bytes(&r, SIZE_MAX).size, 0);
  assert_true(r.underflow);
}

static void decimals_are_written_plainly(void **state)
{
  (void)state;
  uint8_t buffer[64];
  struct writer w = writer_of(buffer, sizeof buffer);
  write_decimal(&w, 0);
  write_text(&w, " ");
  write_decimal(&w, UINT64_MAX);
  assert_true(bytes_equal(writer_bytes(&w), bytes_text("0 18446744073709551615")));
}

static void decimals_are_read_plainly(void **state)
{
  (void)state;
  static const char *const bad[] = {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616"};
  uint64_t n = 7;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(decimal_decode(bytes_text(bad[i]), &n), BAD_INPUT);
  assert_int_equal(n, 7);
  assert_int_equal(decimal_decode(bytes_text("0"), &n), OK);
  assert_int_equal(n, 0);
  assert_int_equal(decimal_decode(bytes_text("18446744073709551615"), &n), OK);
  assert_int_equal(n, UINT64_MAX);
}

static void lines_are_read_one_by_one(void **state)
{
  (void)state;
  struct reader r = reader_of(bytes_text("one\n\ntwo"));
  assert_true(bytes_equal(read_until(&r, '\n'), bytes_text("one")));
  assert_true(read_until(&r, '\n').size == 0 && !r.underflow);
  assert_true(read_until(&r, '\n').size == 0 && r.underflow);
}

static void hex_has_one_form(void **state)
{
  (void)state;
  uint8_t all[256], back[256];
  char text[513];
  size_t size = 0;
  for (int i = 0; i < 256; i++)
    all[i] = (uint8_t)i;
  hex_encode(BYTES(all), text);
  assert_int_equal(strlen(text), 512);
  assert_memory_equal(text, "000102", 6);
  assert_string_equal(text + 508, "feff");
  assert_int_equal(hex_decode(bytes_text(text), back, sizeof back, &size), OK);
  assert_true(bytes_equal(bytes_of(back, size), BYTES(all)));
  assert_int_equal(hex_decode(bytes_text(text), back, sizeof back - 1, &size), BAD_INPUT);
  static const char *const bad[] = {"0", "000", "0g", "g0", "AB", "aB", " 0", "0x", "0\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(hex_decode(bytes_text(bad[i]), back, sizeof back, &size), BAD_INPUT);
  assert_int_equal(hex_decode(bytes_of("0\0", 2), back, sizeof back, &size), BAD_INPUT);
  assert_int_equal(hex_decode(bytes_text(""), back, 0, &size), OK);
  assert_int_equal(size, 0);
}

static void base64_is_that_of_rfc_4648(void **state)
{
  (void)state;
  static const char *const pairs[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}}; /* section 10 */
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char text[16];
    uint8_t back[8];
    size_t size = 0;
    base64_encode(bytes_text(pairs[i][0]), text);
    assert_string_equal(text, pairs[i][1]);
    assert_int_equal(base64_decode(bytes_text(text), back, strlen(pairs[i][0]), &size), OK);
    assert_true(bytes_equal(bytes_of(back, size), bytes_text(pairs[i][0])));
    if (size > 0)
      assert_int_equal(base64_decode(bytes_text(text), back, size - 1, &size), BAD_INPUT);
  }
}

static void base64_has_one_form(void **state)
{
  (void)state;
  static const char *const bad[] = {"Z",    "Zg",    "Zg=",  "=",    "====",   "Z===", "Zh==",   "Zm9=", "Zg==Zg==",
                                    "Zg=A", "Zm9v=", "Zm9-", "Zm9_", "Zm9v\n", "Zm 9", "Zm9vZg", "*m9v"};
  uint8_t all[256], back[256];
  char text[345], written[345];
  size_t size = 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(base64_decode(bytes_text(bad[i]), back, sizeof back, &size), BAD_INPUT);
  assert_int_equal(base64_decode(bytes_of("Zm9\0", 4), back, sizeof back, &size), BAD_INPUT);
  for (size_t i = 0; i < sizeof all; i++) {
    all[i] = (uint8_t)(255 - i);
    base64_encode(bytes_of(all, i + 1), text);
    assert_int_equal(base64_decode(bytes_text(text), back, sizeof back, &size), OK);
    struct writer w = writer_of(written, sizeof written);
    write_base64(&w, bytes_of(all, i + 1));
    assert_true(bytes_equal(writer_bytes(&w), bytes_text(text)));
    assert_true(bytes_equal(bytes_of(back, size), bytes_of(all, i + 1)));
  }
}

static void org_ids_have_one_form(void **state)
{
  (void)state;
  static const char *const good[] = {"a", "aple", "a21", "aple/siem-reap", "x.y-z/0", "abcdefghijklmnop"};
  static const char *const bad[] = {"",         "A",   "1a",  "-a",    "/a",
                                    ".a",       "a-",  "a/",  "a.",    "a/b/c",
                                    "a b",      "a_b", "a\n", "aple/", "abcdefghijklmnopq",
                                    "\xc3\xa9", "Aple"};
  struct org_id id, again;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(org_id_parse(bytes_text(good[i]), &id), OK);
    assert_true(bytes_equal(org_id_text(&id), bytes_text(good[i])));
    assert_int_equal(org_id_bytes(&id).size, 16);
    assert_int_equal(org_id_parse(org_id_bytes(&id), &again), OK);
    assert_true(org_id_equal(&id, &again));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(org_id_parse(bytes_text(bad[i]), &id), BAD_INPUT);
  assert_int_equal(org_id_parse(bytes_of("a\0b", 3), &id), BAD_INPUT);
  assert_int_equal(org_id_parse(bytes_of("\0a", 2), &id), BAD_INPUT);
  assert_int_equal(org_id_parse(bytes_of("a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17), &id), BAD_INPUT);
  assert_int_equal(org_id_parse(bytes_of(NULL, 0), &id), BAD_INPUT);
}

static void every_wrong_letter_shows(const char *text)
{
  char wrong[REF_SHORT_SIZE];
  for (size_t i = 0; i < REF_SHORT_SIZE - 1; i++)
    for (const char *c = short_alphabet; i != 6 && *c != 0; c++) {
      memcpy(wrong, text, sizeof wrong);
      wrong[i] = *c;
      assert_int_equal(ref_short_valid(wrong), *c == text[i]);
    }
}

static void every_exchange_shows(const char *text)
{
  static const size_t neighbours[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 7}};
  for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++) {
    char wrong[REF_SHORT_SIZE];
    size_t a = neighbours[i][0], b = neighbours[i][1];
    memcpy(wrong, text, sizeof wrong);
    wrong[a] = text[b];
    wrong[b] = text[a];
    assert_int_equal(ref_short_valid(wrong), text[a] == text[b]);
  }
}

static void a_mistyped_short_id_shows(void **state)
{
  (void)state;
  uint32_t seed = 1;
  for (int round = 0; round < 2000; round++) {
    struct ref_id id;
    char text[REF_SHORT_SIZE];
    for (size_t i = 0; i < sizeof id.byte; i++) {
      seed = seed * 1664525 + 1013904223;
      id.byte[i] = (uint8_t)(seed >> 24);
    }
    ref_short(&id, text);
    assert_int_equal(strlen(text), 8);
    assert_int_equal(text[6], '-');
    assert_true(ref_short_valid(text));
    every_wrong_letter_shows(text);
    every_exchange_shows(text);
  }
}

static void a_short_id_is_read_in_any_hand(void **state)
{
  (void)state;
  const struct ref_id id = {{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}};
  char text[REF_SHORT_SIZE], plain[REF_SHORT_SIZE], lower[REF_SHORT_SIZE];
  ref_short(&id, text);
  snprintf(plain, sizeof plain, "%.6s%c", text, text[7]);
  assert_true(ref_short_valid(plain));
  for (size_t i = 0; i < sizeof lower; i++)
    lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
  assert_true(ref_short_valid(lower));
  static const char *const bad[] = {"", "-", "AAAAAA", "AAAAAA-", "AAAAAAAAA", "AAAAA-AA", "IIIIII-I", "000000-0"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(ref_short_valid(bad[i]));
}

static void six_words_are_proquints(void **state)
{
  (void)state;
  static const uint8_t from[12] = {127, 0, 0, 1, 63, 84, 220, 193, 255, 255, 0, 0};
  char text[SIX_WORDS_SIZE];
  six_words(from, text); /* 127.0.0.1 and 63.84.220.193 are examples of the paper */
  assert_string_equal(text, "lusab babad gutih tugad zuzuz babab");
}

static void every_word_is_read_back(void **state)
{
  (void)state;
  static const char *const none[] = {"", "babad ", "baba", "babadb", "BABAD", "bebab", "babac", "aabab", "bab d"};
  uint16_t read = 0;
  for (uint32_t n = 0; n <= UINT16_MAX; n++) {
    const uint8_t from[12] = {(uint8_t)(n >> 8), (uint8_t)n};
    char text[SIX_WORDS_SIZE];
    six_words(from, text);
    assert_int_equal(word_read(bytes_of(text, 5), &read), OK);
    assert_int_equal(read, n);
  }
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_int_equal(word_read(bytes_text(none[i]), &read), BAD_INPUT);
  assert_int_equal(word_read(bytes_of("baba", 5), &read), BAD_INPUT); /* a zero is no letter */
}

static void bytes_are_compared_whole(void **state)
{
  (void)state;
  struct hash a = {{0}}, b = {{0}};
  assert_true(bytes_equal(bytes_of(NULL, 0), bytes_text("")));
  assert_false(bytes_equal(bytes_text("a"), bytes_text("ab")));
  assert_true(bytes_zero(bytes_of(NULL, 0)) && bytes_zero(hash_bytes(&a)));
  assert_true(hash_equal(&a, &b));
  b.byte[31] = 1;
  assert_false(hash_equal(&a, &b) || bytes_zero(hash_bytes(&b)));
  struct ref_id x = {{0}}, y = {{0}};
  assert_true(ref_id_equal(&x, &y));
  y.byte[15] = 1;
  assert_false(ref_id_equal(&x, &y));
}

static void an_arena_ends_where_its_memory_ends(void **state)
{
  (void)state;
  _Alignas(16) uint8_t memory[64];
  struct arena a = arena_of(memory, sizeof memory);
  uint8_t *first = arena_alloc(&a, 1), *second = arena_alloc(&a, 16);
  assert_ptr_equal(first, memory);
  assert_ptr_equal(second, memory + 16);
  assert_null(arena_alloc(&a, 33));
  assert_null(arena_alloc(&a, SIZE_MAX));
  struct bytes copy = arena_copy(&a, bytes_text("a copy"));
  assert_true(bytes_equal(copy, bytes_text("a copy")));
  assert_ptr_not_equal(arena_alloc(&a, 16), NULL);
  assert_null(arena_alloc(&a, 1));
  assert_int_equal(arena_copy(&a, bytes_text("x")).size, 0);
  arena_wipe(&a);
  assert_true(bytes_zero(BYTES(memory)));
  assert_ptr_equal(arena_alloc(&a, 64), memory);
  arena_reset(&a);
  assert_ptr_equal(arena_alloc(&a, 1), memory);
}

/* Also what was used before it was reset, or set back. */
static void a_wiped_arena_holds_nothing(void **state)
{
  (void)state;
  static const uint8_t zeros[64];
  uint8_t memory[64] = {0};
  struct arena a = arena_of(memory, sizeof memory);
  arena_copy(&a, bytes_text("the first 16 byte"));
  size_t used = a.used;
  arena_copy(&a, bytes_text("words"));
  a.used = used;
  arena_reset(&a);
  arena_copy(&a, bytes_text("less"));
  arena_wipe(&a);
  assert_memory_equal(memory, zeros, sizeof zeros);
  assert_int_equal(a.used, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_big_endian),
      cmocka_unit_test(a_full_writer_stays_full),
      cmocka_unit_test(an_empty_reader_stays_empty),
      cmocka_unit_test(decimals_are_written_plainly),
      cmocka_unit_test(decimals_are_read_plainly),
      cmocka_unit_test(lines_are_read_one_by_one),
      cmocka_unit_test(hex_has_one_form),
      cmocka_unit_test(base64_is_that_of_rfc_4648),
      cmocka_unit_test(base64_has_one_form),
      cmocka_unit_test(org_ids_have_one_form),
      cmocka_unit_test(a_mistyped_short_id_shows),
      cmocka_unit_test(a_short_id_is_read_in_any_hand),
      cmocka_unit_test(six_words_are_proquints),
      cmocka_unit_test(every_word_is_read_back),
      cmocka_unit_test(bytes_are_compared_whole),
      cmocka_unit_test(an_arena_ends_where_its_memory_ends),
      cmocka_unit_test(a_wiped_arena_holds_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
