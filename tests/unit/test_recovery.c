/* Recovery words: the vector of docs/spec/5-files.md, what is mistyped is found, and what stays in the folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agents/recovery.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

static const char twelve[] = "babad bamag bibaj bimal boban bomar bubat bumaz dabid damig dibij bakaj";
static const char point_hex[] = "047f7ee71703cf956a127e49d664b8b8c3791a3f9780a58dd4016c2d0fe4880e57"
                                "67b632f8477488899577850a3f0d96550248d5676669551995b9ff6abf5a3b4e";
static char why[200];

static void assert_wrong(const char *text, const char *expected)
{
  struct recovery r;
  assert_int_equal(recovery_read(bytes_text(text), why, &r), BAD_INPUT);
  assert_non_null(strstr(why, expected));
  assert_true(bytes_zero(BYTES(r.byte)));
}

/* [FILE-20], [FILE-21] */
static void the_vector_of_the_specification(void **state)
{
  struct recovery r;
  struct es256_secret *key;
  uint8_t point[ES256_PUBLIC_SIZE];
  char hex[2 * sizeof point + 1], text[RECOVERY_TEXT_SIZE];
  (void)state;
  assert_int_equal(recovery_read(bytes_text(twelve), why, &r), OK);
  for (uint8_t i = 0; i < 22; i++)
    assert_int_equal(r.byte[i], i);
  recovery_words(&r, text);
  assert_string_equal(text, twelve);
  assert_int_equal(recovery_key(&r, &key), OK);
  es256_secret_public(key, point);
  es256_secret_close(key);
  hex_encode(BYTES(point), hex);
  assert_string_equal(hex, point_hex);
}

static void they_are_read_in_any_hand(void **state)
{
  struct recovery r;
  (void)state;
  assert_int_equal(
      recovery_read(bytes_text("  BABAD bamag\tbibaj bimal Boban\r\nbomar\n\nbubat bumaz dabid damig dibij "
                               "bakaj \n"),
                    why, &r),
      OK);
}

/* Every letter in every place; which word it is is told where that can be known, and never a word itself. */
static void a_mistyped_word_is_found(void **state)
{
  char text[sizeof twelve];
  size_t found = 0, tried = 0;
  struct recovery r;
  (void)state;
  for (size_t i = 0; i < sizeof twelve - 1; i++)
    for (int c = 'a'; c <= 'z'; c++) {
      memcpy(text, twelve, sizeof text);
      text[i] = (char)c;
      if (strcmp(text, twelve) == 0)
        continue;
      tried++;
      found += recovery_read(bytes_text(text), why, &r) == BAD_INPUT;
      assert_null(strstr(why, "babad"));
    }
  assert_int_equal(found, tried);
  assert_wrong("babad bamag bibaj bimal boban bomar bubat bumaz dabid damig dibij",
               "expected 12 recovery words, found 11");
  assert_wrong("babad bamag bibaj bimal boban bomar bubat bumaz dabid damig dibij bakaj bakaj", "found 13");
  assert_wrong("", "found 0");
  assert_wrong("babad bamag bibaj xxxxx boban bomar bubat bumaz dabid damig dibij bakaj", "word 4 is no recovery word");
  assert_wrong("babad bamagbamag bibaj bimal boban bomar bubat bumaz dabid damig dibij bakaj",
               "word 2 is no recovery word");
  assert_wrong("bamag babad bibaj bimal boban bomar bubat bumaz dabid damig dibij bakaj", "in each other's place");
}

static void only_the_public_key_stays(void **state)
{
  char folder[FOLDER_PATH_SIZE], text[200];
  uint8_t point[ES256_PUBLIC_SIZE];
  size_t size;
  struct stat info;
  struct recovery r, other;
  (void)state;
  folder_make(folder);
  assert_int_equal(recovery_point(folder, point, why), NOT_FOUND);
  assert_int_equal(recovery_read(bytes_text(twelve), why, &r), OK);
  assert_int_equal(recovery_save(folder, &r, why), OK);
  assert_int_equal(recovery_point(folder, point, why), OK);
  const char *path = folder_path(folder, RECOVERY_FILE);
  assert_int_equal(file_read(path, text, sizeof text - 1, &size, why), OK);
  text[size] = 0;
  assert_true(size == sizeof point_hex && strncmp(text, point_hex, size - 1) == 0);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(recovery_make(&other), OK);
  assert_memory_not_equal(other.byte, r.byte, sizeof r.byte);
  text[3] ^= 1;
  assert_int_equal(file_write(path, bytes_of(text, size), why), OK);
  assert_int_equal(recovery_point(folder, point, why), BAD_INPUT);
  assert_int_equal(file_write(path, bytes_of(text, size - 1), why), OK);
  assert_int_equal(recovery_point(folder, point, why), BAD_INPUT);
  folder_remove(folder);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_vector_of_the_specification),
      cmocka_unit_test(they_are_read_in_any_hand),
      cmocka_unit_test(a_mistyped_word_is_found),
      cmocka_unit_test(only_the_public_key_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
