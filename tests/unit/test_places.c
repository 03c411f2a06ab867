/* What an agent makes of what others say of their places: the newest counts, in whatever order it comes; a service that
 * ended takes them with it; and the directory of a day is that of its entries. */
#include "tests/unit/office.h"

#include "tests/unit/offers.h"

#define DAY_MS UINT64_C(86400000)
#define V(name) ONWARD__VERDICT__##name

static uint64_t newest(void)
{
  return world.size - 1;
}

/* Each answers with the index of its entry. */
static uint64_t say_service_of(struct member *m, uint32_t number)
{
  struct offer o;
  offer_init(&o, number);
  assert_int_equal(offer_say(&world, m, &o), V(ACCEPTED));
  return newest();
}

static uint64_t say_service(void)
{
  return say_service_of(police, 1);
}

static uint64_t say_places(uint32_t available)
{
  assert_int_equal(
      offer_places(&world, police, 1, ONWARD__CAPACITY_STATUS__HAS, available, world.clock_ms + 3 * DAY_MS),
      V(ACCEPTED));
  return newest();
}

static uint64_t say_end_of(struct member *m, uint32_t number)
{
  assert_int_equal(offer_end(&world, m, number), V(ACCEPTED));
  return newest();
}

static uint64_t say_end(void)
{
  return say_end_of(police, 1);
}

static enum status take(const uint64_t *indices, size_t count)
{
  size_t changed;
  Onward__Entry *entries[64];
  Onward__Answer answer = office_entries(indices, count, entries);
  enum status s = directory_take(&agent.evidence, agent_write(&agent), &answer, &agent.arena, &changed);
  if (s == OK)
    assert_int_equal(agent_commit(&agent), OK);
  else
    agent_abort(&agent);
  return s;
}

static void take_one(uint64_t index)
{
  assert_int_equal(take(&index, 1), OK);
}

#define NO_SERVICE UINT32_MAX
#define NOTHING_SAID (UINT32_MAX - 1)

static uint32_t places_in(struct books *b)
{
  struct service s;
  if (books_service(b, &police->id, 1, &s) != OK)
    return NO_SERVICE;
  return s.capacity_index == 0 ? NOTHING_SAID : s.available;
}

static uint32_t places_now(void)
{
  uint32_t places = places_in(agent_read(&agent));
  agent_abort(&agent);
  return places;
}

static size_t rows_in(struct books *b, int table)
{
  size_t count = 0;
  struct walk w = walk_start(table, (struct bytes){NULL, 0});
  while (walk_next(&w, b))
    count++;
  return count;
}

static size_t rows(int table)
{
  size_t count = rows_in(agent_read(&agent), table);
  agent_abort(&agent);
  return count;
}

static uint32_t places_at(uint64_t index)
{
  struct books *b = agent_write(&agent);
  directory_as_of(b, index, &agent.arena);
  uint32_t places = places_in(b);
  assert_int_equal(rows_in(b, TABLE_CAPACITIES), places < NOTHING_SAID); /* no other service has any */
  assert_int_equal(agent_abort(&agent), OK);
  return places;
}

static uint64_t index_known(void)
{
  uint64_t index = directory_index(agent_read(&agent));
  agent_abort(&agent);
  return index;
}

static void the_newest_counts_in_whatever_order_they_come(void **state)
{
  uint64_t service = say_service(), first = say_places(1), second = say_places(2);
  (void)state;
  office_tell_directory();
  assert_int_equal(places_now(), NOTHING_SAID);
  assert_int_equal(index_known(), service);
  take_one(second);
  assert_int_equal(places_now(), 2);
  take_one(first);
  assert_int_equal(places_now(), 2);
  assert_int_equal(index_known(), second);
  assert_int_equal(rows(TABLE_CAPACITIES), 1);
  assert_int_equal(rows(TABLE_PLACES_SAID), 2);
  assert_int_equal(places_at(first - 1), NOTHING_SAID);
  assert_int_equal(places_at(first), 1);
  assert_int_equal(places_at(second), 2);
  assert_int_equal(places_at(service - 1), NO_SERVICE);
}

static void once_more_changes_nothing(void **state)
{
  say_service();
  uint64_t places = say_places(1);
  (void)state;
  office_tell_directory();
  for (int i = 0; i < 3; i++)
    take_one(places);
  assert_int_equal(places_now(), 1);
  assert_int_equal(rows(TABLE_PLACES_SAID), 1);
}

static void places_outlive_a_description(void **state)
{
  say_service();
  uint64_t places = say_places(1);
  (void)state;
  office_tell_directory();
  take_one(places);
  uint64_t described = say_service();
  office_tell_directory();
  assert_int_equal(places_now(), 1);
  assert_int_equal(places_at(described), 1);
}

static void a_service_that_began_again_has_no_places_from_before(void **state)
{
  uint64_t service = say_service(), places = say_places(1);
  (void)state;
  office_tell_directory();
  take_one(places);
  uint64_t end = say_end(), again = say_service();
  office_tell_directory();
  assert_int_equal(places_now(), NOTHING_SAID);
  assert_int_equal(rows(TABLE_CAPACITIES), 0);
  assert_int_equal(places_at(service), NOTHING_SAID);
  assert_int_equal(places_at(places), 1);
  assert_int_equal(places_at(end - 1), 1);
  assert_int_equal(places_at(end), NO_SERVICE);
  assert_int_equal(places_at(again), NOTHING_SAID);
  assert_int_equal(places_at(UINT64_MAX - 1), NOTHING_SAID);
  assert_int_equal(places_now(), NOTHING_SAID); /* nothing of the past stayed in the books */
  take_one(say_places(4));
  assert_int_equal(places_now(), 4);
  assert_int_equal(places_at(again), NOTHING_SAID);
}

/* As an exchange that has all of it answers who asks for the first time. */
static void chain_and_places_come_in_one_answer(void **state)
{
  uint64_t log[5];
  (void)state;
  log[0] = say_service();
  log[1] = say_places(1);
  log[2] = say_end();
  log[3] = say_service();
  log[4] = say_places(3);
  assert_int_equal(take(log, 5), OK);
  assert_int_equal(places_now(), 3);
  assert_int_equal(places_at(log[1]), 1);
  assert_int_equal(places_at(log[2]), NO_SERVICE);
  assert_int_equal(places_at(log[3]), NOTHING_SAID);
}

/* The registry of a day, too: standing, and who had joined. */
static void the_past_has_only_who_had_joined(void **state)
{
  struct organisation o;
  uint64_t before = newest();
  struct member *haven = world_enrol(&world, "haven");
  (void)state;
  office_tell_directory();
  struct books *b = agent_write(&agent);
  directory_as_of(b, before, &agent.arena);
  assert_int_equal(books_organisation(b, &haven->id, &o), NOT_FOUND);
  assert_int_equal(books_organisation(b, &police->id, &o), OK);
  agent_abort(&agent);
  b = agent_write(&agent);
  directory_as_of(b, before + 1, &agent.arena);
  assert_int_equal(books_organisation(b, &haven->id, &o), OK);
  agent_abort(&agent);
}

/* --- exchanges that are not honest --- */

static void assert_accused(uint64_t index, enum alarm_kind kind)
{
  uint64_t known = index_known();
  assert_int_equal(take(&index, 1), BAD_INPUT);
  assert_int_equal(agent.evidence.accused, kind);
  assert_int_equal(index_known(), known);
  assert_int_equal(rows(TABLE_PLACES_SAID), 0);
}

static void what_the_rules_refused_is_not_taken(void **state)
{
  (void)state;
  assert_int_equal(offer_places(&world, police, 1, ONWARD__CAPACITY_STATUS__HAS, 1, world.clock_ms + DAY_MS),
                   V(NO_SUCH_SERVICE));
  assert_accused(newest(), ALARM_BAD_PROOF);
}

/* Who could tell whose service that is, and whether the author's keys are still its keys? */
static void places_behind_a_gap_in_the_chain_are_not_taken(void **state)
{
  uint64_t service = say_service(), places = say_places(1), both[] = {service, places};
  (void)state;
  assert_accused(places, ALARM_WITHHELD);
  assert_int_equal(take(both, 2), OK);
  assert_int_equal(places_now(), 1);
}

static void places_from_before_a_service_ended_are_not_believed_after_it(void **state)
{
  say_service();
  uint64_t places = say_places(1), end = say_end(), again = say_service();
  (void)state;
  office_tell_directory();
  take_one(places);
  assert_int_equal(places_now(), NOTHING_SAID);
  assert_int_equal(places_at(places), 1);
  assert_int_equal(places_at(end), NO_SERVICE);
  assert_int_equal(places_at(again), NOTHING_SAID);
  take_one(say_places(2));
  assert_int_equal(places_now(), 2);
}

/* Nor is one before the places were said. */
static void the_end_of_another_service_is_not_its_end(void **state)
{
  struct member *registrar = &world.members[0];
  (void)state;
  say_service();
  say_end();
  say_service();
  say_service_of(police, 2);
  say_service_of(registrar, 1);
  uint64_t places = say_places(1);
  say_end_of(police, 2);
  say_end_of(registrar, 1);
  say_service(); /* described anew */
  office_tell_directory();
  take_one(places);
  assert_int_equal(places_now(), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_newest_counts_in_whatever_order_they_come, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(once_more_changes_nothing, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(places_outlive_a_description, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(a_service_that_began_again_has_no_places_from_before, office_setup,
                                      office_teardown),
      cmocka_unit_test_setup_teardown(chain_and_places_come_in_one_answer, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(the_past_has_only_who_had_joined, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_the_rules_refused_is_not_taken, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(places_behind_a_gap_in_the_chain_are_not_taken, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(places_from_before_a_service_ended_are_not_believed_after_it, office_setup,
                                      office_teardown),
      cmocka_unit_test_setup_teardown(the_end_of_another_service_is_not_its_end, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
