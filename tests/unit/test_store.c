/* The books on disk: what is committed is there after reopening, what is not is nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/store/store.h"
#include "tests/unit/folder.h"

#define MARKER "MARKER-OF-WHAT-WAS-DELETED"
#define MAP_SMALL (2u << 20)
#define BODY_SIZE 16384

static char folder[FOLDER_PATH_SIZE];
static char why[200];

static int setup(void **state)
{
  (void)state;
  folder_make(folder);
  why[0] = 0;
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  folder_remove(folder);
  return 0;
}

static struct store_options books_in(const char *where)
{
  return (struct store_options){
      .folder = where, .table_names = table_names, .table_count = TABLES_CONTRACT, .format = BOOKS_FORMAT};
}

static struct store *opened(struct store_options options)
{
  struct store *s = NULL;
  if (store_open(&options, why, &s) != OK)
    fail_msg("%s", why);
  return s;
}

static struct store *created(uint64_t map_size)
{
  struct store_options options = books_in(folder_path(folder, "books"));
  options.create = true;
  options.map_size = map_size;
  return opened(options);
}

static void number_key(uint64_t number, uint8_t key[8])
{
  struct writer w = writer_of(key, 8);
  write_u64(&w, number);
}

static void put(struct books *b, int table, const char *key, const char *value)
{
  b->put(b, table, bytes_text(key), bytes_text(value));
}

static void assert_row(struct store *s, int table, const char *key, const char *value)
{
  struct bytes got;
  struct books *b = store_begin(s, false);
  enum status status = b->get(b, table, bytes_text(key), &got);
  assert_int_equal(status, value == NULL ? NOT_FOUND : OK);
  if (value != NULL)
    assert_true(bytes_equal(got, bytes_text(value)));
  assert_int_equal(b->trouble, OK);
  store_abort(s);
}

static void assert_committed(struct store *s)
{
  if (store_commit(s, why) != OK)
    fail_msg("%s", why);
}

static void committed_row_is_there_after_reopening(void **state)
{
  (void)state;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_HEAD, "head", "first");
  assert_committed(s);
  put(store_begin(s, true), TABLE_HEAD, "head", "second");
  assert_committed(s);
  store_close(s);
  s = opened(books_in(folder_path(folder, "books")));
  assert_row(s, TABLE_HEAD, "head", "second");
  assert_row(s, TABLE_ENTRIES, "head", NULL);
  store_close(s);
}

static void aborted_turn_leaves_nothing(void **state)
{
  (void)state;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_HEAD, "kept", "value");
  assert_committed(s);
  struct books *b = store_begin(s, true);
  put(b, TABLE_HEAD, "kept", "other");
  put(b, TABLE_HEAD, "new", "value");
  b->del(b, TABLE_HEAD, bytes_text("kept"));
  store_abort(s);
  assert_row(s, TABLE_HEAD, "kept", "value");
  assert_row(s, TABLE_HEAD, "new", NULL);
  store_begin(s, true);
  store_close(s); /* an open transaction is given up */
  s = opened(books_in(folder_path(folder, "books")));
  assert_row(s, TABLE_HEAD, "kept", "value");
  store_close(s);
}

static void trouble_is_sticky_and_commits_nothing(void **state)
{
  (void)state;
  struct bytes value;
  struct store *s = created(0);
  struct books *b = store_begin(s, true);
  put(b, TABLE_HEAD, "before", "value");
  b->trouble = OUR_FAULT;
  put(b, TABLE_HEAD, "after", "value");
  assert_int_equal(b->get(b, TABLE_HEAD, bytes_text("before"), &value), NOT_FOUND);
  assert_int_equal(b->seek(b, TABLE_HEAD, bytes_text("a"), &value, &value), NOT_FOUND);
  assert_int_equal(store_commit(s, why), OUR_FAULT);
  assert_non_null(strstr(why, folder));
  assert_row(s, TABLE_HEAD, "before", NULL); /* and the next transaction begins without trouble */
  store_close(s);
}

static void rows_are_sought_in_the_order_of_bytes(void **state)
{
  (void)state;
  const uint64_t numbers[] = {256, 1, 65536, 255, 3};
  const uint64_t ordered[] = {1, 3, 255, 256, 65536};
  uint8_t key[8];
  struct bytes found, value;
  struct store *s = created(0);
  for (int table = TABLE_ENTRIES; table <= TABLE_TREE; table++) { /* the appended tables take any order, too */
    struct books *b = store_begin(s, true);
    for (size_t i = 0; i < 5; i++) {
      number_key(numbers[i], key);
      b->put(b, table, BYTES(key), bytes_of(&numbers[i], 8));
    }
    assert_committed(s);
    b = store_begin(s, false);
    for (size_t i = 0; i < 5; i++) {
      number_key(i == 0 ? 0 : ordered[i - 1] + 1, key);
      assert_int_equal(b->seek(b, table, BYTES(key), &found, &value), OK);
      number_key(ordered[i], key);
      assert_true(bytes_equal(found, BYTES(key)));
      assert_memory_equal(value.data, &ordered[i], 8);
    }
    number_key(65537, key);
    assert_int_equal(b->seek(b, table, BYTES(key), &found, &value), NOT_FOUND);
    assert_int_equal(b->seek(b, table, bytes_of(NULL, 0), &found, &value), OK); /* from the very first */
    number_key(1, key);
    assert_true(bytes_equal(found, BYTES(key)));
    store_abort(s);
  }
  store_close(s);
}

static void appended_row_can_be_replaced(void **state)
{
  (void)state;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_ENTRIES, "entry", "first");
  assert_committed(s);
  put(store_begin(s, true), TABLE_ENTRIES, "entry", "second");
  assert_committed(s);
  assert_row(s, TABLE_ENTRIES, "entry", "second");
  store_close(s);
}

static void absent_books_are_told(void **state)
{
  (void)state;
  struct store *s = NULL;
  struct store_options options = books_in(folder_path(folder, "nothing"));
  assert_int_equal(store_open(&options, why, &s), NOT_FOUND);
  assert_non_null(strstr(why, "nothing"));
  options.folder = folder; /* there, and empty */
  assert_int_equal(store_open(&options, why, &s), NOT_FOUND);
  options.read_only = true;
  assert_int_equal(store_open(&options, why, &s), NOT_FOUND);
  assert_null(s);
}

static void files_that_are_no_books_of_this_version_are_told(void **state)
{
  (void)state;
  struct store *s = NULL;
  char noise[8192];
  memset(noise, 'x', sizeof noise);
  struct store_options options = books_in(folder);
  assert_int_equal(file_write(folder_path(folder, "data.mdb"), BYTES(noise), why), OK);
  assert_int_equal(store_open(&options, why, &s), OUR_FAULT);
  assert_non_null(strstr(why, folder));
  store_close(created(0));
  options = books_in(folder_path(folder, "books"));
  options.format = 9999; /* rows of another shape */
  assert_int_equal(store_open(&options, why, &s), OUR_FAULT);
  assert_non_null(strstr(why, "and this program reads 9999"));
}

/* In a process of its own, which this ends. */
static void books_that_were_cut_short_are_told(void **state)
{
  (void)state;
  enum { CODE = 41 };
  int status = 0;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_ENTRIES, "entry", "here");
  assert_committed(s);
  store_close(s);
  assert_int_equal(truncate(folder_path(folder, "books/data.mdb"), 2 * sysconf(_SC_PAGESIZE)), 0);
  pid_t child = fork();
  if (child == 0) {
    store_guard(CODE);
    assert_row(opened(books_in(folder_path(folder, "books"))), TABLE_ENTRIES, "entry", "here");
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CODE);
}

static void books_are_private(void **state)
{
  (void)state;
  struct stat status;
  mode_t before = umask(0);
  store_close(created(0));
  umask(before);
  assert_int_equal(stat(folder_path(folder, "books"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  assert_int_equal(stat(folder_path(folder, "books/data.mdb"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(stat(folder_path(folder, "books/lock.mdb"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
}

static void auditor_reads_a_copy_and_writes_nothing_into_it(void **state)
{
  (void)state;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_HEAD, "head", "value");
  assert_committed(s);
  assert_int_equal(store_copy(s, folder_path(folder, "copy"), ALL_TABLES, why), OK);
  store_close(s);
  struct store_options options = books_in(folder_path(folder, "copy"));
  options.read_only = true;
  s = opened(options);
  assert_row(s, TABLE_HEAD, "head", "value");
  store_close(s);
  assert_int_not_equal(access(folder_path(folder, "copy/lock.mdb"), F_OK), 0);
}

/* A second process, since one process may open an environment only once. */
static void auditor_reads_live_books_as_they_were_when_it_began(void **state)
{
  (void)state;
  int to_child[2], to_parent[2];
  char byte = 0;
  struct store *s = created(0);
  put(store_begin(s, true), TABLE_HEAD, "head", "old");
  assert_committed(s);
  store_close(s);
  assert_int_equal(pipe(to_child) | pipe(to_parent), 0);
  pid_t child = fork();
  if (child == 0) {
    struct store_options options = books_in(folder_path(folder, "books"));
    options.read_only = true;
    struct bytes value;
    if (store_open(&options, why, &s) != OK)
      _exit(1);
    struct books *b = store_begin(s, false);
    if (write(to_parent[1], "r", 1) != 1 || read(to_child[0], &byte, 1) != 1)
      _exit(2);
    bool old = b->get(b, TABLE_HEAD, bytes_text("head"), &value) == OK && bytes_equal(value, bytes_text("old"));
    _exit(old ? 0 : 3);
  }
  assert_int_equal(read(to_parent[0], &byte, 1), 1);
  s = created(0);
  for (int i = 0; i < 20; i++) { /* pages that the reader sees would be used again by now */
    put(store_begin(s, true), TABLE_HEAD, "head", "new");
    assert_committed(s);
  }
  assert_int_equal(write(to_child[1], "g", 1), 1);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  store_close(s);
}

static enum status row_put_commit(struct store *s, int table, uint64_t number, size_t size)
{
  static uint8_t row[BODY_SIZE];
  uint8_t key[8];
  number_key(number, key);
  struct books *b = store_begin(s, true);
  put(b, TABLE_HEAD, "head", "of the same turn");
  b->put(b, table, BYTES(key), bytes_of(row, size));
  return store_commit(s, why);
}

static enum status body_put(struct store *s, uint64_t number)
{
  return row_put_commit(s, TABLE_BODIES, number, BODY_SIZE);
}

static void full_books_take_no_more_and_lose_nothing(void **state)
{
  (void)state;
  uint64_t count = 0;
  uint8_t key[8];
  struct bytes value;
  struct store *s = created(MAP_SMALL);
  put(store_begin(s, true), TABLE_REFERRALS, "referral", "before");
  assert_committed(s);
  enum status status = OK;
  while (count < 1000 && (status = body_put(s, count)) == OK)
    count++;
  assert_int_equal(status, NOT_NOW);
  assert_in_range(count, 10, MAP_SMALL / BODY_SIZE);
  assert_non_null(strstr(why, folder));

  struct books *b = store_begin(s, false);
  number_key(count, key); /* the one that was refused */
  assert_int_equal(b->get(b, TABLE_BODIES, BYTES(key), &value), NOT_FOUND);
  number_key(count - 1, key);
  assert_int_equal(b->get(b, TABLE_BODIES, BYTES(key), &value), OK);
  store_abort(s);

  uint64_t entries = 0; /* what lets bodies go must still be taken */
  while (entries < 1000 && (status = row_put_commit(s, TABLE_HELD, entries, 1024)) == OK)
    entries++;
  assert_int_equal(status, NOT_NOW);
  assert_in_range(entries, 10, 500);
  struct store_size size;
  store_measure(s, &size);
  assert_in_range(size.map - size.used + size.free, MAP_SMALL / 64, MAP_SMALL / 16); /* the rest is for deleting */
  for (uint64_t i = 0; i < count; i++) {
    number_key(i, key);
    b = store_begin(s, true);
    b->del(b, TABLE_BODIES, BYTES(key));
    assert_committed(s);
  }
  assert_int_equal(body_put(s, count), OK);
  assert_row(s, TABLE_REFERRALS, "referral", "before");
  store_close(s);
}

static void map_that_ends_within_a_turn_takes_nothing_of_it(void **state)
{
  (void)state;
  uint8_t key[8];
  static uint8_t row[BODY_SIZE];
  struct store *s = created(MAP_SMALL);
  put(store_begin(s, true), TABLE_HEAD, "head", "before");
  assert_committed(s);
  struct books *b = store_begin(s, true);
  put(b, TABLE_HEAD, "head", "after");
  for (uint64_t i = 0; i < MAP_SMALL / BODY_SIZE; i++) {
    number_key(i, key);
    b->put(b, TABLE_BODIES, BYTES(key), BYTES(row));
  }
  assert_int_equal(b->trouble, NOT_NOW);
  assert_int_equal(store_commit(s, why), NOT_NOW);
  assert_row(s, TABLE_HEAD, "head", "before");
  assert_int_equal(body_put(s, 0), OK);
  store_close(s);
}

static void copy_holds_nothing_that_was_deleted(void **state)
{
  (void)state;
  static uint8_t secret[4096], body[2048]; /* such a body leaves half of its page to what stood there before */
  for (size_t at = 0; at + strlen(MARKER) <= sizeof secret; at += strlen(MARKER))
    (void)snprintf((char *)secret + at, sizeof secret - at, "%s", MARKER);
  uint8_t key[8], key_before[8];
  struct store *s = created(0);
  for (uint64_t i = 0; i < 200; i++) {
    const size_t sizes[] = {256, 512, 1024, 2048, 4096};
    number_key(i, key);
    struct books *b = store_begin(s, true);
    b->put(b, TABLE_HELD, BYTES(key), bytes_of(secret, sizes[i % 5]));
    b->put(b, TABLE_BODIES, BYTES(key), BYTES(body));
    number_key(i - 5, key_before);
    if (i >= 5)
      b->del(b, TABLE_HELD, BYTES(key_before));
    assert_committed(s);
  }
  struct books *b = store_begin(s, true);
  for (uint64_t i = 195; i < 200; i++) {
    number_key(i, key);
    b->del(b, TABLE_HELD, BYTES(key));
  }
  assert_committed(s);
  assert_int_equal(store_copy(s, folder_path(folder, "copy"), ALL_TABLES, why), OK);
  store_close(s);
  assert_true(file_count(folder_path(folder, "books/data.mdb"), bytes_text(MARKER)) > 0); /* deleting is not erasing */
  assert_int_equal(file_count(folder_path(folder, "copy/data.mdb"), bytes_text(MARKER)), 0);
}

static void copy_is_whole_and_private(void **state)
{
  (void)state;
  struct stat status;
  static uint8_t row[60000];
  uint8_t key[8];
  struct bytes value;
  struct store *s = created(0);
  struct books *b = store_begin(s, true);
  for (uint64_t i = 0; i < 1000; i++) { /* more than one transaction of the copy */
    number_key(i, key);
    memcpy(row, key, sizeof key);
    b->put(b, TABLE_BODIES, BYTES(key), BYTES(row));
  }
  put(b, TABLE_CHECKPOINT, "newest", "note");
  assert_committed(s);
  const char *copy = folder_path(folder, "copy");
  assert_int_equal(store_copy(s, copy, ALL_TABLES, why), OK);
  assert_int_equal(store_copy(s, copy, ALL_TABLES, why), BAD_INPUT);
  assert_non_null(strstr(why, copy));
  store_close(s);
  assert_int_equal(stat(folder_path(folder, "copy"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  assert_int_equal(stat(folder_path(folder, "copy/data.mdb"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  s = opened(books_in(folder_path(folder, "copy")));
  assert_row(s, TABLE_CHECKPOINT, "newest", "note");
  b = store_begin(s, false);
  for (uint64_t i = 0; i < 1000; i++) {
    number_key(i, key);
    assert_int_equal(b->get(b, TABLE_BODIES, BYTES(key), &value), OK);
    assert_int_equal(value.size, sizeof row);
    assert_memory_equal(value.data, key, sizeof key);
  }
  store_close(s);
}

static void size_is_measured(void **state)
{
  (void)state;
  struct store_size before, full, after;
  uint8_t key[8];
  struct store *s = created(64u << 20);
  store_measure(s, &before);
  assert_int_equal(before.map, 64u << 20);
  for (uint64_t i = 0; i < 100; i++)
    assert_int_equal(body_put(s, i), OK);
  store_measure(s, &full);
  assert_true(full.used - before.used >= 100 * BODY_SIZE);
  struct books *b = store_begin(s, true);
  for (uint64_t i = 0; i < 100; i++) {
    number_key(i, key);
    b->del(b, TABLE_BODIES, BYTES(key));
  }
  assert_committed(s);
  store_measure(s, &after);
  assert_true(after.free >= full.free + 100 * BODY_SIZE);
  store_close(s);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {TEST(committed_row_is_there_after_reopening),
                                     TEST(aborted_turn_leaves_nothing),
                                     TEST(trouble_is_sticky_and_commits_nothing),
                                     TEST(rows_are_sought_in_the_order_of_bytes),
                                     TEST(appended_row_can_be_replaced),
                                     TEST(absent_books_are_told),
                                     TEST(files_that_are_no_books_of_this_version_are_told),
                                     TEST(books_that_were_cut_short_are_told),
                                     TEST(books_are_private),
                                     TEST(auditor_reads_a_copy_and_writes_nothing_into_it),
                                     TEST(auditor_reads_live_books_as_they_were_when_it_began),
                                     TEST(full_books_take_no_more_and_lose_nothing),
                                     TEST(map_that_ends_within_a_turn_takes_nothing_of_it),
                                     TEST(copy_holds_nothing_that_was_deleted),
                                     TEST(copy_is_whole_and_private),
                                     TEST(size_is_measured)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
