/* What a report hides: over many small grids, a small count could be any, as far as the rest tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agents/audit/report/report.h"

enum { SIDE = 3, MINIMUM = 3, CELLS = (SIDE + 1) * (SIDE + 1) };

static void sums_of(uint32_t *count)
{
  for (size_t r = 0; r < SIDE; r++)
    count[r * (SIDE + 1) + SIDE] = 0;
  for (size_t c = 0; c <= SIDE; c++)
    count[SIDE * (SIDE + 1) + c] = 0;
  for (size_t r = 0; r < SIDE; r++)
    for (size_t c = 0; c < SIDE; c++)
      count[r * (SIDE + 1) + SIDE] += count[r * (SIDE + 1) + c];
  for (size_t r = 0; r < SIDE; r++)
    for (size_t c = 0; c <= SIDE; c++)
      count[SIDE * (SIDE + 1) + c] += count[r * (SIDE + 1) + c];
}

static bool is_sum(size_t at)
{
  return at % (SIDE + 1) == SIDE || at / (SIDE + 1) == SIDE;
}

/* Could the counts be these, as far as a reader of the marks can tell? */
static bool fits(const struct grid *g, const uint32_t *count)
{
  for (size_t at = 0; at < CELLS; at++)
    if ((g->mark[at] == SHOWN && count[at] != g->count[at]) ||
        (g->mark[at] == SMALL && (count[at] < 1 || count[at] >= MINIMUM)) ||
        (is_sum(at) && g->count[at] >= MINIMUM && count[at] < MINIMUM)) /* a partner is known to be no small one */
      return false;
  return true;
}

/* Notes every value that a cell could have: all other grids with the same shown counts, near by. */
static void try_all(const struct grid *g, uint32_t *count, size_t cell, uint8_t seen[CELLS][MINIMUM])
{
  if (cell == (size_t)SIDE * SIDE) {
    sums_of(count);
    for (size_t at = 0; fits(g, count) && at < CELLS; at++)
      if (count[at] < MINIMUM)
        seen[at][count[at]] = 1;
    return;
  }
  size_t at = cell / SIDE * (SIDE + 1) + cell % SIDE;
  uint32_t from = g->mark[at] == SHOWN ? g->count[at] : g->mark[at] == SMALL, to = g->count[at];
  if (g->mark[at] == SMALL)
    to = MINIMUM - 1;
  if (g->mark[at] == HIDDEN) {
    from = g->count[at] > 2 ? g->count[at] - 2 : 0;
    to = g->count[at] + 2;
  }
  for (uint32_t n = from; n <= to; n++) {
    count[at] = n;
    try_all(g, count, cell + 1, seen);
  }
}

/* Whatever value from 1 to the minimum a small count has, it could as well have every other. */
static void small_counts_can_be_any(void **state)
{
  (void)state;
  static const uint32_t moduli[] = {9, 5, 3};
  uint64_t chance = 1;
  for (int round = 0; round < 60; round++) {
    uint32_t count[CELLS], other[CELLS];
    uint8_t mark[CELLS], seen[CELLS][MINIMUM] = {{0}};
    struct grid g = {.rows = SIDE, .columns = SIDE, .count = count, .mark = mark};
    for (size_t r = 0; r < SIDE; r++)
      for (size_t c = 0; c < SIDE; c++) {
        chance = chance * 6364136223846793005ull + 1442695040888963407ull;
        count[r * (SIDE + 1) + c] = (uint32_t)(chance >> 33) % moduli[round % 3];
      }
    sums_of(count);
    grid_hide(&g, MINIMUM);
    try_all(&g, other, 0, seen);
    for (size_t at = 0; at < CELLS; at++) {
      bool small = count[at] >= 1 && count[at] < MINIMUM;
      assert_false(small && mark[at] == SHOWN);
      assert_false(count[at] == 0 && mark[at] == SMALL);
      for (uint32_t n = 1; small && mark[at] == SMALL && n < MINIMUM; n++)
        if (seen[at][n] == 0)
          fail_msg("round %d: cell %d can not be %d", round, (int)at, (int)n);
    }
  }
}
int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_counts_can_be_any)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
