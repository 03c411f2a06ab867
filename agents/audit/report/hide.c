/* Counts that are too small to be shown, and others that would give them away. Pure.
 *
 * A count from 1 to minimum - 1 is small. A line of counts whose sum is shown hides, with its small ones, one that is
 * at least twice the minimum less two: whichever value a small one has, that one can make up for it and be no small one
 * itself, so the sum tells nothing. In the inside of a grid every small count needs three such others, which with it
 * are the corners of a rectangle: what one corner has more, its neighbours have less, and no sum changes. A row that
 * has no other to give up is hidden as a whole, but for its sum, beside one that can make up for it in every column.
 * Where there is no partner, the whole line, or the whole inside, is hidden. So every small count may be any from 1 to
 * minimum - 1, as far as sums can tell.
 */
#include "agents/audit/report/report.h"

/* Marks of one line: `count` cells that lie `step` apart, and behind them their sum, which is marked by itself. */
static void hide_line(struct grid *g, size_t first, size_t step, size_t count, uint32_t minimum)
{
  size_t partner = SIZE_MAX;
  bool small = false;
  for (size_t i = 0; i < count; i++) {
    size_t at = first + i * step;
    uint32_t n = g->count[at];
    g->mark[at] = n > 0 && n < minimum ? SMALL : SHOWN;
    small = small || g->mark[at] == SMALL;
    if (n >= 2 * minimum - 2 && (partner == SIZE_MAX || n < g->count[partner]))
      partner = at;
  }
  if (small && partner != SIZE_MAX)
    g->mark[partner] = HIDDEN;
  else if (small)
    for (size_t i = 0; i < count; i++)
      g->mark[first + i * step] = HIDDEN;
}

static bool line_open(const struct grid *g, size_t row, size_t column)
{
  return g->mark[grid_at(g, row, g->columns)] == SHOWN && g->mark[grid_at(g, g->rows, column)] == SHOWN;
}

static bool is_partner(const struct grid *g, size_t row, size_t column, uint32_t minimum)
{
  return row < g->rows - g->known && line_open(g, row, column) && g->count[grid_at(g, row, column)] >= 2 * minimum - 2;
}

/* In the first column that has one, so that the same partners serve many; in it the smallest. */
static bool hide_rectangle(struct grid *g, size_t row, size_t column, uint32_t minimum)
{
  for (size_t c = 0; c < g->columns; c++) {
    size_t with = SIZE_MAX;
    for (size_t r = 0; c != column && is_partner(g, row, c, minimum) && r < g->rows; r++)
      if (r != row && is_partner(g, r, c, minimum) && is_partner(g, r, column, minimum) &&
          (with == SIZE_MAX || g->count[grid_at(g, r, column)] < g->count[grid_at(g, with, column)]))
        with = r;
    if (with == SIZE_MAX)
      continue;
    g->mark[grid_at(g, row, c)] = g->mark[grid_at(g, with, c)] = g->mark[grid_at(g, with, column)] = HIDDEN;
    return true;
  }
  return false;
}

/* Enough in every column for whatever stands there in `row`. */
static bool is_partner_row(const struct grid *g, size_t row, size_t other, uint32_t minimum)
{
  if (other == row || g->mark[grid_at(g, other, g->columns)] != SHOWN)
    return false;
  for (size_t c = 0; c < g->columns; c++)
    if (g->mark[grid_at(g, row, c)] == SMALL && g->count[grid_at(g, other, c)] < minimum - 1)
      return false;
  return g->count[grid_at(g, other, g->columns)] >= 2 * minimum - 2;
}

/* The inside of a row that is small everywhere, with that of the smallest row that can make up for it. */
static bool hide_row(struct grid *g, size_t row, uint32_t minimum)
{
  size_t with = SIZE_MAX;
  for (size_t r = 0; r < g->rows - g->known; r++)
    if (is_partner_row(g, row, r, minimum) &&
        (with == SIZE_MAX || g->count[grid_at(g, r, g->columns)] < g->count[grid_at(g, with, g->columns)]))
      with = r;
  for (size_t c = 0; with != SIZE_MAX && c < g->columns; c++)
    g->mark[grid_at(g, row, c)] = g->mark[grid_at(g, with, c)] = HIDDEN;
  return with != SIZE_MAX;
}

static void mark_inside(struct grid *g, uint32_t minimum, bool hidden)
{
  for (size_t r = 0; r < g->rows - g->known; r++)
    for (size_t c = 0; c < g->columns; c++) {
      size_t at = grid_at(g, r, c);
      bool small = g->count[at] > 0 && g->count[at] < minimum;
      g->mark[at] = hidden || !line_open(g, r, c) ? HIDDEN : small ? SMALL : SHOWN;
    }
}

static bool hide_inside(struct grid *g, uint32_t minimum)
{
  for (size_t r = 0; r < g->rows - g->known; r++)
    for (size_t c = 0; c < g->columns; c++)
      if (g->mark[grid_at(g, r, c)] == SMALL && !hide_rectangle(g, r, c, minimum) && !hide_row(g, r, minimum))
        return false;
  return true;
}

/* A small sum of everything shows nothing of what it is made of. */
void grid_hide(struct grid *g, uint32_t minimum)
{
  size_t all = grid_at(g, g->rows, g->columns);
  bool small = g->count[all] > 0 && g->count[all] < minimum;
  for (size_t at = 0; at <= all; at++)
    g->mark[at] = small ? HIDDEN : SHOWN;
  if (small) {
    g->mark[all] = SMALL;
    return;
  }
  hide_line(g, grid_at(g, g->rows, 0), 1, g->columns, minimum);
  hide_line(g, grid_at(g, 0, g->columns), g->columns + 1, g->rows - g->known, minimum);
  mark_inside(g, minimum, false);
  if (!hide_inside(g, minimum))
    mark_inside(g, minimum, true);
}
