/* What an exchange that starts believes of its own disk: nothing, until it fits what was signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/journal.h"
#include "proto/ledger/rows.h"
#include "tests/unit/support.h"

enum { REFERRALS = 5 };

static struct world w;
static char folder[FOLDER_PATH_SIZE], why[200];

static int set_up(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  struct member *police = world_enrol(&w, "police"), *aple = world_enrol(&w, "aple");
  for (int i = 0; i < REFERRALS; i++)
    world_submit(&w, police, &aple, 1);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  world_fini(&w);
  folder_remove(folder);
  return 0;
}

/* Closes the world's books, opens them as the exchange does, and opens the world's again. */
static enum status opened(const char *reason)
{
  static struct journal j;
  struct broker_keys keys;
  memset(&keys, 0, sizeof keys);
  memcpy(keys.log_public, w.log_key.public_key, sizeof keys.log_public);
  store_close(w.store);
  w.store = NULL;
  why[0] = 0;
  enum status s = journal_open(&j, folder, &keys, 0, false, why);
  if (s == OK)
    journal_close(&j);
  if (reason != NULL && strstr(why, reason) == NULL)
    fail_msg("does not say '%s': %s", reason, why);
  struct store_options o = {.folder = folder_path(folder, "books"),
                            .table_names = table_names,
                            .table_count = TABLES_CONTRACT,
                            .format = BOOKS_FORMAT};
  must(store_open(&o, why, &w.store) == OK);
  return s;
}

static void flip(int table, struct row_key k, size_t at)
{
  uint8_t row[8192];
  struct bytes value;
  struct books *b = store_begin(w.store, true);
  assert_int_equal(b->get(b, table, row_key(&k), &value), OK);
  memcpy(row, value.data, value.size);
  row[at < value.size ? at : value.size - 1] ^= 1;
  b->put(b, table, row_key(&k), bytes_of(row, value.size));
  assert_int_equal(store_commit(w.store, why), OK);
}

static void sound_books_are_opened(void **state)
{
  (void)state;
  assert_int_equal(opened(NULL), OK);
}

static bool marked(void)
{
  char path[300];
  snprintf(path, sizeof path, "%s/closed-well", folder);
  return access(path, F_OK) == 0;
}

/* Whoever opens next need not drop the file from the page cache. */
static void closing_well_leaves_a_mark(void **state)
{
  (void)state;
  static struct journal j;
  struct broker_keys keys = {.log_secret = w.log_secret};
  memcpy(keys.log_public, w.log_key.public_key, sizeof keys.log_public);
  assert_false(marked());
  assert_int_equal(opened(NULL), OK);
  assert_true(marked());
  store_close(w.store);
  w.store = NULL;
  assert_int_equal(journal_open(&j, folder, &keys, 0, false, why), OK);
  assert_false(marked()); /* a process that dies now leaves none */
  struct books *b = store_begin(j.store, true);
  b->trouble = OUR_FAULT;
  assert_int_equal(journal_commit(&j, b, why), OUR_FAULT);
  journal_close(&j);
  assert_false(marked());
  assert_int_equal(journal_open(&j, folder, &keys, 0, true, why), OK); /* reading leaves none either */
  journal_close(&j);
  assert_false(marked());
  assert_int_equal(opened(NULL), OK);
}

static void every_hash_of_the_tree_is_held_against_the_signed_root(void **state)
{
  (void)state;
  for (uint64_t number = 0; number < merkle_stored_count(w.size); number++) {
    flip(TABLE_TREE, key_of_index(number), 31);
    assert_int_equal(opened("restore a backup"), BAD_INPUT);
    flip(TABLE_TREE, key_of_index(number), 31);
  }
  assert_int_equal(opened(NULL), OK);
}

static void every_entry_is_held_against_the_tree(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < w.size; i++) {
    flip(TABLE_ENTRIES, key_of_index(i), 40);
    assert_int_equal(opened("restore a backup"), BAD_INPUT);
    flip(TABLE_ENTRIES, key_of_index(i), 40);
  }
}

static void the_checkpoint_must_be_ours(void **state)
{
  (void)state;
  struct row_key newest = row_key_start();
  row_key_bytes(&newest, bytes_text("newest"));
  flip(TABLE_CHECKPOINT, newest, 30);
  assert_int_equal(opened("the newest checkpoint"), BAD_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(sound_books_are_opened),
      TEST(closing_well_leaves_a_mark),
      TEST(every_hash_of_the_tree_is_held_against_the_signed_root),
      TEST(every_entry_is_held_against_the_tree),
      TEST(the_checkpoint_must_be_ours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
