/* Who could help, in a directory of a whole country, asked at an agent: the candidates for one need, beside reading and
 * copying the rows of all services, which is the least that looking through them can take.
 *
 *   onward-candidates          30 runs of each
 *   onward-candidates 3        so many runs
 *
 * The directory is made in a new folder below TMPDIR, once; it is in the page cache when it is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/candidates.h"
#include "agents/tables.h"
#include "tests/bench/measure.h"
#include "tests/unit/folder.h"

enum { ORGANISATIONS = 2000, SERVICES_EACH = 5, RUNS = 30, RUNS_MAX = 1000, PROVINCES = 25 };
#define DAY_MS UINT64_C(86400000)
#define NOW_MS UINT64_C(1772582400000) /* 2026-03-04T00:00:00Z */

static struct org_id organisation_id(unsigned i)
{
  char text[20];
  struct org_id id;
  snprintf(text, sizeof text, "office-%u", i);
  must(org_id_parse(bytes_text(text), &id) == OK);
  return id;
}

/* Of one in 20 the standing has lapsed, and of one in 20 the agreement has ended. */
static void put_organisation(struct books *b, unsigned i)
{
  struct organisation o = {.id = organisation_id(i),
                           .standing = i % 20 == 3 ? ONWARD__STANDING__LAPSED : ONWARD__STANDING__ACTIVE,
                           .kind = ONWARD__ORGANISATION_KIND__NGO,
                           .agreement_until_ms = i % 20 == 7 ? NOW_MS - DAY_MS : NOW_MS + 100 * DAY_MS};
  books_put_organisation(b, &o);
}

static void describe_area(struct service *s, unsigned n)
{
  s->area_count = (uint8_t)(1 + n % 3);
  for (unsigned i = 0; i < s->area_count; i++) {
    s->schemes[i] = ONWARD__AREA_SCHEME__ISO;
    snprintf(s->areas[i], sizeof s->areas[i], "KH-%u", 1 + (n + i) % PROVINCES);
  }
}

static void describe_places(struct service *s, unsigned n)
{
  s->capacity = (uint8_t)(n % 5); /* as many answers as there are, and none */
  s->capacity_index = s->index + 1;
  s->capacity_ms = NOW_MS - n % 97 * DAY_MS / 24;
  s->capacity_until_ms = n % 7 == 0 ? NOW_MS - 1 : NOW_MS + DAY_MS;
}

/* A third is of the group that is asked for. */
static void put_service(struct books *b, unsigned organisation, unsigned number)
{
  unsigned n = organisation * SERVICES_EACH + number;
  struct service s = {.index = 2 * n,
                      .assured_index = n % 11 == 0 ? 0 : n,
                      .organisation = organisation_id(organisation),
                      .number = (uint8_t)number,
                      .group = n % 3 == 0 ? ONWARD__SERVICE_GROUP__PSS : ONWARD__SERVICE_GROUP__LEGL,
                      .age_min = (uint8_t)(n % 4 * 3),
                      .age_max = 17,
                      .priorities = n % 5 == 0 ? 2 + 4 : 2 + 4 + 8,
                      .code_count = 1,
                      .language_count = (uint8_t)(1 + n % 2),
                      .codes = {ONWARD__SERVICE_CODE__TRAUMA_COUNSELLING},
                      .languages = {"km", "en"}};
  describe_area(&s, n);
  describe_places(&s, n);
  books_put_service(b, &s);
}

static struct store *directory_make(const char *folder)
{
  char why[200];
  struct store *store;
  struct store_options o = {.folder = folder_path(folder, "books"),
                            .table_names = tables_names(),
                            .table_count = TABLES_AGENT,
                            .format = AGENT_FORMAT,
                            .create = true};
  must(store_open(&o, why, &store) == OK);
  struct books *b = store_begin(store, true);
  for (unsigned i = 0; i < ORGANISATIONS; i++) {
    put_organisation(b, i);
    for (unsigned k = 1; k <= SERVICES_EACH; k++)
      put_service(b, i, k);
  }
  must(store_commit(store, why) == OK);
  return store;
}

static void read_rows(struct books *b)
{
  struct service s = {.number = 0};
  size_t count = 0;
  while (books_next_service(b, &s) == OK)
    count++;
  must(count == ORGANISATIONS * SERVICES_EACH);
}

static struct candidates found; /* large */

static void find(struct books *b)
{
  const struct wanted w = {.group = ONWARD__SERVICE_GROUP__PSS,
                           .age_min = 12,
                           .age_max = 12,
                           .area = "KH-17",
                           .language = "km",
                           .priority = ONWARD__PRIORITY__HIGH};
  struct org_id self = organisation_id(0);
  candidates_find(b, &self, &w, NOW_MS, &found);
  must(found.count > 0 && found.excluded_count > 0);
}

/* Each run in a transaction of its own, as each question at the desk. */
static void time_one(struct store *store, void (*work)(struct books *b), uint64_t *sample)
{
  uint64_t begin = now_ns();
  work(store_begin(store, false));
  store_abort(store);
  *sample = now_ns() - begin;
}

static double print_line(const char *name, uint64_t *samples, size_t count)
{
  samples_sort(samples, count);
  double median = samples_us(samples, count, 50);
  printf("%-44s %9.2f %9.2f %9.2f\n", name, samples_us(samples, count, 0) / 1000, median / 1000,
         samples_us(samples, count, 100) / 1000);
  return median;
}

int main(int argc, char **argv)
{
  static uint64_t reading[RUNS_MAX], finding[RUNS_MAX];
  char folder[FOLDER_PATH_SIZE];
  size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : RUNS;
  if (runs == 0 || runs > RUNS_MAX) {
    fprintf(stderr, "usage: onward-candidates [RUNS]   (1 to %d)\n", RUNS_MAX);
    return 2;
  }
  folder_make(folder);
  struct store *store = directory_make(folder);
  for (size_t i = 0; i < runs; i++) { /* in turn, so that a spell of the machine meets both */
    time_one(store, read_rows, &reading[i]);
    time_one(store, find, &finding[i]);
  }
  printf("%d organisations, %d services; %zu runs; %zu fit, %zu do not\n", ORGANISATIONS, ORGANISATIONS * SERVICES_EACH,
         runs, found.count, found.excluded_count);
  printf("%-44s %9s %9s %9s\n", "what, milliseconds each", "least", "median", "greatest");
  double read = print_line("all rows of services read and copied", reading, runs);
  double looked = print_line("candidates: KH-17, 12 years, km, HIGH", finding, runs);
  printf("%-44s %29.2f\n", "ratio of the medians", looked / read);
  store_close(store);
  folder_remove(folder);
  return 0;
}
