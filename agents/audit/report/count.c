/* Rows to counts, and times to medians: one pass over the rows for each grid. Times are sorted in a file like that of
 * the rows, each as: place in the grid << 32 | seconds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/report/report.h"

static bool used(const struct fact *f, enum measure m)
{
  return f->after_s[m] != 0;
}

static bool grid_make(struct report *r, struct grid *g, size_t rows, bool timed)
{
  size_t cells = (rows + 1) * (r->periods.count + 1);
  *g = (struct grid){.rows = rows, .columns = r->periods.count};
  g->count = calloc(cells, sizeof *g->count);
  g->mark = calloc(cells, sizeof *g->mark);
  g->median_s = timed ? calloc(cells, sizeof *g->median_s) : NULL;
  g->ninth_s = timed ? calloc(cells, sizeof *g->ninth_s) : NULL;
  if (g->count == NULL || g->mark == NULL || (timed && (g->median_s == NULL || g->ninth_s == NULL)))
    return report_failed(r, "no memory");
  return true;
}

/* Itself, its sums, and the sum of all. */
static void places_of(const struct grid *g, const struct fact *f, size_t dimension, size_t out[4])
{
  size_t row = f->category[dimension], column = f->period;
  out[0] = grid_at(g, row, column);
  out[1] = grid_at(g, row, g->columns);
  out[2] = grid_at(g, g->rows, column);
  out[3] = grid_at(g, g->rows, g->columns);
}

static int timed_compare(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The nearest rank: the smallest time that so many of ten have not exceeded. */
static uint32_t tenth(const uint64_t *sorted, size_t count, size_t of_ten)
{
  return (uint32_t)sorted[(count * of_ten + 9) / 10 - 1];
}

static void spread(struct grid *g, uint64_t *times, size_t count)
{
  qsort(times, count, sizeof *times, timed_compare);
  for (size_t begin = 0, end; begin < count; begin = end) {
    uint64_t place = times[begin] >> 32;
    for (end = begin; end < count && times[end] >> 32 == place; end++)
      ;
    g->median_s[place] = tenth(times + begin, end - begin, 5);
    g->ninth_s[place] = tenth(times + begin, end - begin, 9);
  }
}

static bool count_times(struct report *r, struct grid *g, const struct rows *rows, enum measure m, size_t dimension)
{
  struct rows times = {0};
  bool fine = rows_open(sizeof(uint64_t), &times);
  for (size_t i = 0; fine && i < rows->count; i++) {
    const struct fact *f = (const struct fact *)rows->at + i;
    size_t places[4];
    places_of(g, f, dimension, places);
    for (size_t p = 0; fine && p < 4 && used(f, m); p++) {
      uint64_t *t = rows_add(&times);
      fine = t != NULL;
      if (fine)
        *t = (uint64_t)places[p] << 32 | (f->after_s[m] - 1);
    }
  }
  if (fine && times.count > 0)
    spread(g, times.at, times.count);
  if (!fine)
    report_failed(r, "no room to sort times (set TMPDIR to another folder)");
  rows_close(&times);
  return fine;
}

static bool count_grid(struct report *r, enum family f, enum measure m, size_t dimension)
{
  struct grid *g = &r->grids[f][m][dimension];
  const struct rows *rows = &r->rows[f];
  bool timed = shapes[f].measures[m].timed;
  if (!grid_make(r, g, r->categories[f][dimension].count, timed))
    return false;
  g->known = f == FAMILY_REFERRALS && dimension == STANDING; /* VANISHED, the last */
  for (size_t i = 0; i < rows->count; i++) {
    const struct fact *fact = (const struct fact *)rows->at + i;
    size_t places[4];
    places_of(g, fact, dimension, places);
    for (size_t p = 0; p < 4 && used(fact, m); p++)
      g->count[places[p]]++;
  }
  grid_hide(g, r->minimum);
  return !timed || count_times(r, g, rows, m, dimension);
}

bool report_count(struct report *r)
{
  bool fine = r->trouble == NULL;
  for (enum family f = 0; f < FAMILIES; f++)
    for (enum measure m = 0; m < shapes[f].measure_count; m++)
      for (size_t d = 0; d < shapes[f].dimension_count; d++)
        if ((shapes[f].dimensions[d].measures >> m & 1) != 0)
          fine = fine && count_grid(r, f, m, d);
  return fine;
}
