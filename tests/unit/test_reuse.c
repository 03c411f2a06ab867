/* Free pages that are left alone for a while (`reuse_after`), and not where room is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/ledger/rows.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

enum { MAP_SIZE = 16 << 20, ROWS = 40, TURNS = 1000, TURN_PAGES = 29 /* as the store reckons: 24, and 40 rows by 8 */ };

/* The same rows are written anew in every turn; each must be committed. The most that the file ever took. */
static uint64_t most_used(uint32_t reuse_after, uint64_t map_size)
{
  static uint8_t value[1500];
  char folder[FOLDER_PATH_SIZE], why[200] = "";
  struct store *s;
  uint64_t most = 0;
  folder_make(folder);
  struct store_options options = {.folder = folder_path(folder, "books"),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .create = true,
                                  .map_size = map_size,
                                  .reuse_after = reuse_after};
  assert_int_equal(store_open(&options, why, &s), OK);
  for (int turn = 0; turn < TURNS; turn++) {
    struct store_size size;
    struct books *b = store_begin(s, true);
    value[0] = (uint8_t)turn;
    for (uint64_t i = 0; i < ROWS; i++)
      row_put(b, TABLE_REFERRALS, key_of_index(i), value, sizeof value);
    if (store_commit(s, why) != OK)
      fail_msg("turn %d: %s", turn, why);
    store_measure(s, &size);
    most = size.used > most ? size.used : most;
  }
  store_close(s);
  folder_remove(folder);
  return most;
}

static void free_pages_are_left_alone_for_a_while(void **state)
{
  (void)state;
  uint64_t at_once = most_used(0, 0), late = most_used(100 * TURN_PAGES, 0), later = most_used(200 * TURN_PAGES, 0);
  assert_true(late > 5 * at_once);
  assert_true(later > late + late / 2 && later < 3 * late); /* and then they are reused */
}

/* Rows that are written anew again and again need no more room than they have. */
static void free_pages_are_reused_before_the_books_are_full(void **state)
{
  (void)state;
  assert_in_range(most_used(UINT32_MAX, MAP_SIZE), MAP_SIZE / 2, MAP_SIZE); /* they were left alone first */
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(free_pages_are_left_alone_for_a_while),
                                     cmocka_unit_test(free_pages_are_reused_before_the_books_are_full)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
