/* tlog-proof files: one of a published log, put together by hand, is read, verified and written again byte for byte; of
 * a changed one nothing is believed. */
#include "proto/seal/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Entry 5 of the log in tests/vectors/tlog at size 7; the path was computed by other code than ours. */
#define FIRST "c2sp.org/tlog-proof@v1\n"
#define EXTRA "extra c2l4\n"
#define INDEX "index 5\n"
#define HASH "zMKa4OAqd7D0V4wawXST15z0JiEEkprIBPkfxOesWvA=\n"
#define PATH HASH "2Q0P5jSR+TdkwdXWyx+GbBWX0KZbNZkWzCjyTPSozsw=\nzY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=\n"
#define TEXT "example.com/log/testdata\n7\nIrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=\n\n"
#define SIGNATURE                                                                                                      \
  "\u2014 example.com/log/testdata "                                                                                   \
  "M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjqJErViuuKrN6513RCTL2640wXJv0dCed3neRGI6dMzBq9uANf2Qc=\n"
#define NOTE TEXT SIGNATURE

static const char whole[] = FIRST EXTRA INDEX PATH "\n" NOTE;
static struct note_key key;
static uint8_t leaf[PROOF_LEAF_MAX];

static int set_up(void **state)
{
  (void)state;
  assert_int_equal(
      note_key_parse(bytes_text("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"),
                     &key),
      OK);
  return 0;
}

static enum status check(struct bytes file, const char **why)
{
  struct log_proof p;
  struct checkpoint c;
  enum status s = proof_read(file, leaf, &p, why);
  return s == OK ? proof_verify(&p, &key, &c, why) : s;
}

static void it_is_read_and_written_again(void **state)
{
  (void)state;
  static char again[PROOF_SIZE_MAX];
  struct log_proof p;
  struct checkpoint c;
  const char *why;
  assert_int_equal(proof_read(bytes_text(whole), leaf, &p, &why), OK);
  assert_true(bytes_equal(p.leaf, bytes_text("six")));
  assert_true(p.index == 5 && p.path_count == 3 && bytes_equal(p.note, bytes_text(NOTE)));
  assert_int_equal(proof_verify(&p, &key, &c, &why), OK);
  assert_int_equal(c.size, 7);
  struct writer w = writer_of(again, sizeof again);
  proof_write(&p, &w);
  assert_true(!w.overflow && bytes_equal(writer_bytes(&w), bytes_text(whole)));
  /* whoever signed beside the log goes with it */
  assert_int_equal(check(bytes_text(FIRST EXTRA INDEX PATH "\n" NOTE "\u2014 witness.example AAAAAAAA\n"), &why), OK);
}

static void the_largest_has_room(void **state)
{
  (void)state;
  static char file[PROOF_SIZE_MAX];
  static uint8_t most[PROOF_LEAF_MAX], back[PROOF_LEAF_MAX];
  static char note[NOTE_SIZE_MAX];
  struct log_proof p = {.leaf = BYTES(most), .index = UINT64_MAX, .path_count = MERKLE_PATH_MAX, .note = BYTES(note)},
                   read;
  const char *why;
  memset(most, 0xa5, sizeof most);
  memset(note, 'n', sizeof note);
  struct writer w = writer_of(file, sizeof file);
  proof_write(&p, &w);
  assert_false(w.overflow);
  assert_int_equal(proof_read(writer_bytes(&w), back, &read, &why), OK);
  assert_true(bytes_equal(read.leaf, p.leaf) && read.path_count == MERKLE_PATH_MAX && read.index == UINT64_MAX);
}

static void refused(const char *file, const char *words)
{
  struct log_proof p;
  const char *why = "";
  assert_int_equal(proof_read(bytes_text(file), leaf, &p, &why), BAD_INPUT);
  if (strstr(why, words) == NULL)
    fail_msg("expected '%s' in: %s", words, why);
}

static void each_line_has_one_form(void **state)
{
  (void)state;
  refused("", "first line");
  refused("c2sp.org/tlog-proof@v2\n" EXTRA INDEX PATH "\n" NOTE, "first line");
  refused(FIRST "\r\n" EXTRA INDEX PATH "\n" NOTE, "second line");
  refused(FIRST INDEX PATH "\n" NOTE, "second line");
  refused(FIRST "extra \n" INDEX PATH "\n" NOTE, "second line");
  refused(FIRST "extra  c2l4\n" INDEX PATH "\n" NOTE, "second line");
  refused(FIRST "extra c2l5=\n" INDEX PATH "\n" NOTE, "second line");
  refused(FIRST EXTRA "index 05\n" PATH "\n" NOTE, "third line");
  refused(FIRST EXTRA "index -5\n" PATH "\n" NOTE, "third line");
  refused(FIRST EXTRA "index\n" PATH "\n" NOTE, "third line");
  refused(FIRST EXTRA "index 18446744073709551616\n" PATH "\n" NOTE, "third line");
  refused(FIRST EXTRA INDEX "c2l4\n\n" NOTE, "32 bytes");
  refused(FIRST EXTRA INDEX PATH NOTE, "32 bytes");
  refused(FIRST EXTRA INDEX PATH, "empty line");
  refused(FIRST EXTRA INDEX PATH "\n", "no checkpoint");
#define EIGHT HASH HASH HASH HASH HASH HASH HASH HASH
  refused(FIRST EXTRA INDEX EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT HASH "\n" NOTE, "64");
}

static void the_leaf_may_be_as_long_as_one_and_no_longer(void **state)
{
  (void)state;
  static char file[PROOF_SIZE_MAX];
  static uint8_t most[PROOF_LEAF_MAX + 1];
  struct writer w = writer_of(file, sizeof file);
  write_text(&w, FIRST "extra ");
  write_base64(&w, BYTES(most));
  write_text(&w, "\n" INDEX "\n" NOTE);
  write_u8(&w, 0);
  assert_false(w.overflow);
  refused(file, "second line");
}

static void what_is_proved_is_what_it_says(void **state)
{
  (void)state;
  const char *why = "";
  assert_int_equal(check(bytes_text(FIRST "extra c2l5\n" INDEX PATH "\n" NOTE), &why), BAD_INPUT);
  assert_non_null(strstr(why, "under this number"));
  assert_int_equal(check(bytes_text(FIRST EXTRA "index 4\n" PATH "\n" NOTE), &why), BAD_INPUT);
  assert_int_equal(check(bytes_text(FIRST EXTRA INDEX HASH "\n" NOTE), &why), BAD_INPUT);
  assert_int_equal(check(bytes_text(FIRST EXTRA INDEX PATH HASH "\n" NOTE), &why), BAD_INPUT);
  assert_non_null(strstr(why, "under this number"));
  assert_int_equal(check(bytes_text(FIRST EXTRA INDEX PATH "\n" TEXT), &why), BAD_INPUT);
  assert_non_null(strstr(why, "not signed"));
}

static void a_changed_one_proves_nothing(void **state)
{
  (void)state;
  char copy[sizeof whole];
  const char *why;
  memcpy(copy, whole, sizeof whole);
  for (size_t i = 0; i < sizeof whole - 1; i++) {
    assert_int_equal(check(bytes_of(whole, i), &why), BAD_INPUT);
    for (int bit = 0; bit < 8; bit++) {
      copy[i] ^= (char)(1 << bit);
      assert_int_equal(check(bytes_of(copy, sizeof copy - 1), &why), BAD_INPUT);
      copy[i] ^= (char)(1 << bit);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_read_and_written_again),   cmocka_unit_test(the_largest_has_room),
      cmocka_unit_test(each_line_has_one_form),         cmocka_unit_test(the_leaf_may_be_as_long_as_one_and_no_longer),
      cmocka_unit_test(what_is_proved_is_what_it_says), cmocka_unit_test(a_changed_one_proves_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
