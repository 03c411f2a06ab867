/* What stands in whose way, and who is nearest to what is wanted. */
#include "tests/unit/need.h"

#include <string.h>

#include "proto/ledger/rows.h"

static void each_obstacle_alone_keeps_one_out(void **state)
{
  for (unsigned bit = 0; bit < OBSTACLES; bit++) {
    struct service s = service_of("beta", 3);
    wanted.code = CODE(TRAUMA_COUNSELLING);
    add(service_of("alpha", 1));
    hinder((enum obstacle)(1u << bit), &s);
    add(s);
    find();
    assert_fit("alpha/1");
    assert_true(found.excluded_count == 1 && found.nearest_count == 1);
    assert_int_equal(found.nearest[0].obstacles, 1u << bit);
    for (unsigned other = 0; other < OBSTACLES; other++)
      assert_int_equal(found.excluded_by[other], other == bit);
    tear_down(state);
    set_up(state);
  }
}

/* However good the others are in all else. */
static void the_fewer_obstacles_the_nearer(void **state)
{
  static const enum obstacle more[] = {OBSTACLE_PRIORITY, OBSTACLE_AGE, OBSTACLE_NOT_ASSURED, OBSTACLE_STANDING};
  (void)state;
  for (size_t count = 4; count > 1; count--) {
    char name[] = {(char)('e' - count), 0};
    struct service s = service_of(name, 1);
    for (size_t i = 0; i < count; i++)
      hinder(more[i], &s);
    add(s);
  }
  struct service far = service_of("d", 1);
  hinder(OBSTACLE_AREA, &far);
  strcpy(far.languages[0], "vi");
  far.capacity = PLACES(WAITLIST);
  add(far);
  find();
  assert_int_equal(found.count, 0);
  assert_nearest("d/1 c/1 b/1 a/1");
  assert_int_equal(found.nearest[3].obstacles, more[0] | more[1] | more[2] | more[3]);
  assert_int_equal(found.excluded_count, 4);
}

static void as_many_obstacles_are_ordered_by_what_else_is_known(void **state)
{
  struct service full = service_of("a", 1), waiting = service_of("b", 1), free = service_of("c", 1);
  (void)state;
  hinder(OBSTACLE_FULL, &full);
  hinder(OBSTACLE_AGE, &waiting);
  hinder(OBSTACLE_AGE, &free);
  waiting.capacity = PLACES(WAITLIST);
  add(full);
  add(waiting);
  add(free);
  find();
  assert_nearest("a/1 c/1 b/1"); /* whoever is only full may have a place tomorrow */
}

static void an_obstacle_counts_in_each_whom_it_keeps_out(void **state)
{
  struct service a = service_of("a", 1), b = service_of("a", 2);
  (void)state;
  hinder(OBSTACLE_AGE, &a);
  hinder(OBSTACLE_AGE, &b);
  hinder(OBSTACLE_FULL, &b);
  add(a);
  add(b);
  for (int again = 0; again < 2; again++) { /* nothing is left of what was found before */
    find();
    assert_int_equal(found.excluded_count, 2);
    assert_int_equal(found.excluded_by[6], 2);
    assert_int_equal(found.excluded_by[9], 1);
    assert_nearest("a/1");
  }
}

static void put_standing(const char *organisation, uint8_t standing, uint64_t until_ms)
{
  struct org_id id = id_of(organisation);
  enrol(&id, standing, until_ms);
  add(service_of(organisation, 1));
}

static void an_agreement_holds_until_its_end_and_standing_goes_before_it(void **state)
{
  (void)state;
  put_standing("a", ONWARD__STANDING__ACTIVE, NOW_MS);
  put_standing("b", ONWARD__STANDING__ACTIVE, 0);
  put_standing("c", ONWARD__STANDING__ACTIVE, NOW_MS - 1);
  put_standing("d", ONWARD__STANDING__LEAVING, NOW_MS - 1);
  struct service unknown = service_of("e", 1); /* in which nobody enrolled */
  books_put_service(need_books, &unknown);
  find();
  assert_fit("a/1 b/1");
  assert_true(found.list[0].agreement_until_ms == NOW_MS && found.list[1].agreement_until_ms == 0);
  assert_nearest("c/1 d/1 e/1");
  assert_int_equal(found.nearest[0].obstacles, OBSTACLE_AGREEMENT);
  assert_int_equal(found.nearest[0].agreement_until_ms, NOW_MS - 1);
  assert_int_equal(found.nearest[1].obstacles, OBSTACLE_STANDING);
  assert_int_equal(found.nearest[2].obstacles, OBSTACLE_STANDING);
  assert_int_equal(found.nearest[2].agreement_until_ms, 0);
}

static uint32_t obstacles_now(void)
{
  find();
  return found.count == 1 ? 0 : found.nearest[0].obstacles;
}

static void a_band_needs_one_year_in_common(void **state)
{
  static const struct {
    int least, most;
    bool fits;
  } cases[] = {{5, 5, false}, {6, 6, true},   {17, 17, true},  {18, 18, false}, {0, 5, false},
               {0, 6, true},  {17, 25, true}, {18, 25, false}, {10, 14, true},  {0, 99, true}};
  (void)state;
  add(service_of("a", 1));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    wanted.age_min = cases[i].least;
    wanted.age_max = cases[i].most;
    assert_int_equal(obstacles_now(), cases[i].fits ? 0 : OBSTACLE_AGE);
  }
}

static void where_nothing_is_wanted_anything_will_do(void **state)
{
  struct service s = service_of("a", 1);
  (void)state;
  s.priorities = 0;
  add(s);
  assert_int_equal(obstacles_now(), OBSTACLE_PRIORITY);
  wanted.priority = 0;
  assert_int_equal(obstacles_now(), 0);
  wanted.code = CODE(GROUP_ACTIVITY);
  assert_int_equal(obstacles_now(), OBSTACLE_CODE);
  for (size_t i = 0; i < s.code_count; i++) {
    wanted.code = s.codes[i];
    assert_int_equal(obstacles_now(), 0);
  }
}

static void each_priority_has_its_bit(void **state)
{
  struct service s = service_of("a", 1);
  (void)state;
  for (int taken = ONWARD__PRIORITY__HIGH; taken <= ONWARD__PRIORITY__LOW; taken++) {
    s.priorities = (uint8_t)(1u << taken);
    add(s);
    for (wanted.priority = ONWARD__PRIORITY__HIGH; wanted.priority <= ONWARD__PRIORITY__LOW; wanted.priority++)
      assert_int_equal(obstacles_now(), wanted.priority == taken ? 0 : OBSTACLE_PRIORITY);
  }
}

static void obstacles_have_names(void **state)
{
  static const char *const names[] = {"yourself", "never", "standing", "agreement", "not_assured",
                                      "service",  "age",   "area",     "priority",  "full"};
  (void)state;
  for (unsigned bit = 0; bit < OBSTACLES; bit++)
    assert_string_equal(obstacle_name(bit), names[bit]);
  assert_string_equal(obstacle_name(OBSTACLES), "?");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(each_obstacle_alone_keeps_one_out),
      TEST(the_fewer_obstacles_the_nearer),
      TEST(as_many_obstacles_are_ordered_by_what_else_is_known),
      TEST(an_obstacle_counts_in_each_whom_it_keeps_out),
      TEST(an_agreement_holds_until_its_end_and_standing_goes_before_it),
      TEST(a_band_needs_one_year_in_common),
      TEST(where_nothing_is_wanted_anything_will_do),
      TEST(each_priority_has_its_bit),
      TEST(obstacles_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
