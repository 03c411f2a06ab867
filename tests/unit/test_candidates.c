/* Who comes before whom, and who is kept when there are many. */
#include "tests/unit/need.h"

#include <stdio.h>
#include <string.h>

/* --- the order --- */

enum reason { FIT, LANGUAGE, ABSENT, PLACES_FREE, HERE, STATED, REASONS };

static void make_worse(enum reason reason, struct service *s, struct seen_one *one)
{
  switch (reason) {
  case FIT:
    strcpy(s->areas[0], "KH1710"); /* a district of KH-17 */
    break;
  case LANGUAGE:
    strcpy(s->languages[0], "vi");
    break;
  case ABSENT:
    *one = (struct seen_one){.id = one->id, .days = 2, .known = true};
    break;
  case PLACES_FREE:
    s->capacity = PLACES(WAITLIST);
    break;
  case HERE:
    one->now = false;
    break;
  default:
    s->capacity_ms--;
  }
}

/* "alpha" is worse by this reason alone, "beta" by all that come later, and by its name. */
static void put_two(enum reason reason)
{
  struct service alpha = service_of("alpha", 1), beta = service_of("beta", 1);
  seen.count = 0;
  note_seen("alpha", true, true, 0);
  note_seen("beta", true, true, 0);
  make_worse(reason, &alpha, &seen.list[0]);
  for (unsigned later = reason + 1u; later < REASONS; later++)
    make_worse((enum reason)later, &beta, &seen.list[1]);
  add(alpha);
  add(beta);
}

static void an_earlier_reason_outweighs_all_later_ones(void **state)
{
  (void)state;
  for (unsigned reason = FIT; reason < REASONS; reason++) {
    put_two((enum reason)reason);
    find();
    candidates_see(&found, &seen);
    assert_fit("beta/1 alpha/1");
  }
}

/* Of these, before anybody has said who was here. */
static void reasons_hold_before_anybody_was_seen(void **state)
{
  static const enum reason reasons[] = {FIT, LANGUAGE, PLACES_FREE, STATED};
  (void)state;
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
    put_two(reasons[i]);
    find();
    assert_fit("beta/1 alpha/1");
  }
}

static void the_name_decides_last_and_within_an_organisation_the_number(void **state)
{
  (void)state;
  add(service_of("gamma", 2));
  add(service_of("gamma", 1));
  add(service_of("beta", 7));
  add(service_of("alpha", 9));
  find();
  assert_fit("alpha/9 beta/7 gamma/1");
  candidates_see(&found, &seen);
  assert_fit("alpha/9 beta/7 gamma/1");
}

static void add_places(const char *organisation, uint8_t capacity, uint64_t until_ms)
{
  struct service s = service_of(organisation, 1);
  s.capacity = capacity;
  s.capacity_until_ms = until_ms;
  add(s);
}

static void places_known_to_be_free_come_first_and_waiting_last(void **state)
{
  (void)state;
  add_places("a", PLACES(WAITLIST), NOW_MS + 1);
  add_places("b", PLACES(NEEDS_ASSESSMENT), NOW_MS + 1);
  add_places("c", 0, 0);
  add_places("d", PLACES(HAS), NOW_MS + 1);
  find();
  assert_fit("d/1 c/1 b/1 a/1");
  assert_int_equal(found.list[0].capacity, PLACES(HAS));
  assert_int_equal(found.list[3].capacity, PLACES(WAITLIST));
}

/* It is believed up to the very millisecond. */
static void what_was_said_of_places_is_believed_until_its_end(void **state)
{
  (void)state;
  add_places("a", PLACES(WAITLIST), NOW_MS - 1);
  add_places("b", PLACES(FULL), NOW_MS - 1);
  add_places("c", PLACES(HAS), NOW_MS - 1);
  add_places("d", PLACES(HAS), NOW_MS);
  add_places("e", PLACES(FULL), NOW_MS);
  find();
  assert_fit("d/1 a/1 b/1 c/1");
  for (size_t i = 1; i < found.count; i++)
    assert_int_equal(found.list[i].capacity, 0);
  assert_nearest("e/1");
  assert_int_equal(found.nearest[0].obstacles, OBSTACLE_FULL);
}

static void whoever_was_not_here_for_two_days_sinks(void **state)
{
  (void)state;
  for (char name[] = "a"; name[0] <= 'e'; name[0]++)
    add(service_of(name, 1));
  note_seen("nobody", true, false, 9); /* is no candidate */
  note_seen("a", true, false, 2);
  note_seen("b", true, false, 1);
  note_seen("c", false, false, 9); /* not known: the days say nothing */
  note_seen("e", true, true, 9);
  find();
  candidates_see(&found, &seen);
  assert_fit("e/1 b/1 c/1 d/1 a/1");
  assert_true(found.list[0].seen.now && found.list[4].seen.days == 2);
  assert_false(found.list[3].seen.known);
}

/* --- areas, languages --- */

static void add_area(const char *organisation, const char *first, const char *second)
{
  struct service s = service_of(organisation, 1);
  s.area_count = (uint8_t)(second == NULL ? 1 : 2);
  strcpy(s.areas[0], first);
  if (second != NULL)
    strcpy(s.areas[1], second);
  add(s);
}

static void the_best_of_its_areas_counts(void **state)
{
  (void)state;
  add_area("a", "KH1710", NULL);
  add_area("b", "KH-18", "KH");
  add_area("c", "KH17", "KH1710");
  add_area("d", "KH-18", "KH-16");
  find();
  assert_fit("b/1 c/1 a/1");
  assert_true(found.list[0].fit == AREA_COVERED && found.list[2].fit == AREA_PART);
  assert_nearest("d/1");
}

static void where_no_area_is_wanted_all_are_covered(void **state)
{
  struct service nowhere = service_of("a", 1);
  (void)state;
  nowhere.area_count = 0;
  add(nowhere);
  add_area("b", "KH-18", NULL);
  wanted.area[0] = 0;
  find();
  assert_fit("a/1 b/1");
  assert_true(found.list[0].fit == AREA_COVERED && found.list[1].fit == AREA_COVERED);
}

static bool is_spoken(const char *served, const char *hers)
{
  struct service s = service_of("a", 1);
  strcpy(s.languages[0], "en");
  strcpy(s.languages[1], served);
  s.language_count = 2;
  add(s);
  strcpy(wanted.language, hers);
  find();
  assert_int_equal(found.count, 1); /* a language is no obstacle */
  return found.list[0].speaks;
}

static void the_primary_subtag_is_the_language(void **state)
{
  (void)state;
  assert_true(is_spoken("km", "km") && is_spoken("km", "km-KH") && is_spoken("km-KH", "km"));
  assert_true(is_spoken("km-KH", "km-US") && is_spoken("KM", "km") && is_spoken("vi", "en"));
  assert_false(is_spoken("kmx", "km") || is_spoken("km", "kmx") || is_spoken("k", "km") || is_spoken("vi", "km"));
  assert_true(is_spoken("vi", ""));
}

/* --- who is kept --- */

static void an_organisation_appears_once_with_its_best(void **state)
{
  (void)state;
  for (uint8_t number = 1; number <= 3; number++) {
    struct service first = service_of("alpha", number), second = service_of("beta", number);
    struct service left_out = service_of("gamma", number);
    first.capacity_ms += number == 2; /* the best is in the middle, and comes first */
    second.capacity_ms -= number;
    hinder(OBSTACLE_AGE, &left_out);
    if (number != 3)
      hinder(OBSTACLE_AREA, &left_out);
    add(first);
    add(second);
    add(left_out);
  }
  find();
  assert_fit("alpha/2 beta/1");
  assert_nearest("gamma/3");
  assert_int_equal(found.excluded_count, 3);
}

/* Whoever can be asked is not among those who cannot: its other service is counted, and that is all. */
static void one_service_fits_and_another_does_not(void **state)
{
  struct service other = service_of("alpha", 1);
  (void)state;
  hinder(OBSTACLE_AGE, &other);
  add(other);
  add(service_of("alpha", 2));
  find();
  assert_fit("alpha/2");
  assert_nearest("");
  assert_int_equal(found.excluded_count, 1);
}

static void other_groups_are_not_counted(void **state)
{
  struct service other = service_of("alpha", 1);
  (void)state;
  other.group = ONWARD__SERVICE_GROUP__LEGL;
  add(other);
  find();
  assert_true(found.count == 0 && found.excluded_count == 0 && found.nearest_count == 0);
}

/* In an order that the names do not give: 37 has no divisor in common with their number. */
static void of_many_that_fit_the_best_are_kept(void **state)
{
  enum { ALL = CANDIDATES_MAX + 44 };
  (void)state;
  for (unsigned i = 0; i < ALL; i++) {
    char name[16];
    snprintf(name, sizeof name, "o%03u", i);
    struct service s = service_of(name, 1), better = service_of(name, 2);
    s.capacity_ms = 2 * (i * 37 % ALL);
    better.capacity_ms = s.capacity_ms + 1;
    add(s);
    if (i % 3 == 0)
      add(better);
  }
  find();
  assert_int_equal(found.count, CANDIDATES_MAX);
  assert_int_equal(found.excluded_count, 0);
  for (size_t i = 0; i < found.count; i++)
    assert_int_equal(found.list[i].service.capacity_ms / 2, ALL - 1 - i);
  candidates_see(&found, &seen);
  for (size_t i = 0; i < found.count; i++)
    assert_int_equal(found.list[i].service.capacity_ms / 2, ALL - 1 - i);
}

static void of_many_left_out_the_nearest_are_kept_and_all_are_counted(void **state)
{
  enum { ALL = SEEN_MAX + 18 };
  (void)state;
  for (unsigned i = 0; i < ALL; i++) {
    char name[16];
    snprintf(name, sizeof name, "o%03u", i);
    struct service s = service_of(name, 1);
    s.capacity_ms = i;
    hinder(OBSTACLE_AREA, &s);
    if (i % 2 == 0)
      hinder(OBSTACLE_AGE, &s);
    add(s);
  }
  find();
  assert_int_equal(found.count, 0);
  assert_int_equal(found.excluded_count, ALL);
  assert_int_equal(found.excluded_by[7], ALL);
  assert_int_equal(found.excluded_by[6], ALL / 2);
  assert_int_equal(found.nearest_count, SEEN_MAX);
  for (size_t i = 0; i < SEEN_MAX; i++)
    assert_int_equal(found.nearest[i].service.capacity_ms, i < ALL / 2 ? ALL - 1 - 2 * i : 2 * ALL - 2 - 2 * i);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(an_earlier_reason_outweighs_all_later_ones),
      TEST(reasons_hold_before_anybody_was_seen),
      TEST(the_name_decides_last_and_within_an_organisation_the_number),
      TEST(places_known_to_be_free_come_first_and_waiting_last),
      TEST(what_was_said_of_places_is_believed_until_its_end),
      TEST(whoever_was_not_here_for_two_days_sinks),
      TEST(the_best_of_its_areas_counts),
      TEST(where_no_area_is_wanted_all_are_covered),
      TEST(the_primary_subtag_is_the_language),
      TEST(an_organisation_appears_once_with_its_best),
      TEST(one_service_fits_and_another_does_not),
      TEST(other_groups_are_not_counted),
      TEST(of_many_that_fit_the_best_are_kept),
      TEST(of_many_left_out_the_nearest_are_kept_and_all_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
