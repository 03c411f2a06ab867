/* Nobody in it is real; what a test does not change fits. */
#include "tests/unit/need.h"

#include <stdio.h>
#include <string.h>

#include "proto/ledger/rows.h"
#include "tests/unit/memory.h"

static struct memory_books memory;
struct wanted wanted;
struct candidates found;
struct seen seen;
struct books *need_books = &memory.books;

struct org_id id_of(const char *name)
{
  struct org_id id;
  must(org_id_parse(bytes_text(name), &id) == OK);
  return id;
}

int set_up(void **state)
{
  (void)state;
  memory_init(&memory);
  wanted = (struct wanted){.group = ONWARD__SERVICE_GROUP__PSS,
                           .age_min = 12,
                           .age_max = 12,
                           .area = "KH-17",
                           .language = "km",
                           .priority = ONWARD__PRIORITY__HIGH};
  seen.count = 0;
  return 0;
}

int tear_down(void **state)
{
  (void)state;
  memory_fini(&memory);
  return 0;
}

struct service service_of(const char *organisation, uint8_t number)
{
  return (struct service){.index = 10,
                          .assured_index = 11,
                          .capacity_index = 12,
                          .capacity_ms = NOW_MS - 1000,
                          .capacity_until_ms = NOW_MS + 1000,
                          .organisation = id_of(organisation),
                          .number = number,
                          .group = ONWARD__SERVICE_GROUP__PSS,
                          .age_min = 6,
                          .age_max = 17,
                          .priorities = 1u << ONWARD__PRIORITY__HIGH,
                          .capacity = PLACES(HAS),
                          .code_count = 2,
                          .language_count = 1,
                          .area_count = 1,
                          .codes = {CODE(BASIC_PSYCHOSOCIAL), CODE(TRAUMA_COUNSELLING)},
                          .schemes = {ONWARD__AREA_SCHEME__ISO},
                          .areas = {"KH-17"},
                          .languages = {"km"}};
}

void enrol(const struct org_id *id, uint8_t standing, uint64_t agreement_until_ms)
{
  struct organisation o = {.id = *id, .standing = standing, .agreement_until_ms = agreement_until_ms};
  books_put_organisation(&memory.books, &o);
}

void add(struct service s)
{
  struct organisation o;
  if (books_organisation(&memory.books, &s.organisation, &o) != OK)
    enrol(&s.organisation, ONWARD__STANDING__ACTIVE, 0);
  books_put_service(&memory.books, &s);
}

void find(void)
{
  struct org_id self = id_of("ourselves");
  candidates_find(&memory.books, &self, &wanted, NOW_MS, &found);
}

void note_seen(const char *organisation, bool known, bool now, uint32_t days)
{
  seen.list[seen.count++] = (struct seen_one){.id = id_of(organisation), .days = days, .known = known, .now = now};
}

/* As "alpha/1 beta/2". */
static void assert_list(const struct candidate *list, size_t count, const char *expected)
{
  static char text[4096];
  size_t size = 0;
  text[0] = 0;
  for (size_t i = 0; i < count; i++) {
    const struct service *s = &list[i].service;
    size += (size_t)snprintf(text + size, sizeof text - size, "%s" ORG_FMT "/%u", i > 0 ? " " : "",
                             s->organisation.text, s->number);
    must(size < sizeof text);
  }
  assert_string_equal(text, expected);
}

void assert_fit(const char *expected)
{
  assert_list(found.list, found.count, expected);
}

void assert_nearest(const char *expected)
{
  assert_list(found.nearest, found.nearest_count, expected);
}

void hinder(enum obstacle obstacle, struct service *s)
{
  uint8_t active = ONWARD__STANDING__ACTIVE;
  switch (obstacle) {
  case OBSTACLE_YOURSELF:
    s->organisation = id_of("ourselves");
    break;
  case OBSTACLE_NEVER:
    wanted.never[1] = s->organisation;
    wanted.never_count = 2;
    break;
  case OBSTACLE_STANDING:
    enrol(&s->organisation, ONWARD__STANDING__LAPSED, 0);
    break;
  case OBSTACLE_AGREEMENT:
    enrol(&s->organisation, active, NOW_MS - 1);
    break;
  case OBSTACLE_NOT_ASSURED:
    s->assured_index = 0;
    break;
  case OBSTACLE_CODE:
    s->codes[1] = CODE(GROUP_ACTIVITY);
    break;
  case OBSTACLE_AGE:
    s->age_max = 11;
    break;
  case OBSTACLE_AREA:
    strcpy(s->areas[0], "KH-18");
    break;
  case OBSTACLE_PRIORITY:
    s->priorities = 1u << ONWARD__PRIORITY__LOW;
    break;
  case OBSTACLE_FULL:
    s->capacity = PLACES(FULL);
    break;
  }
}
