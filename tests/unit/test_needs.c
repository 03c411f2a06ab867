/* Several needs of one child from one assessment: all of them are saved, or none. */
#include "tests/unit/office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/desk_refer.h"

#define CASE                                                                                                           \
  "'file': {'case_code': 'T-1', 'contact': {'who': 'a test', 'telephone': '+000'}, 'consent': {'given_by': "           \
  "'a test'}, 'focal_point': 'a test'}, 'brief': {'need': 'a test', 'sex': 'FEMALE', 'age_band': 'AGE_10_14'}, "
#define ASSESS "{'do': 'assess', 'priority': 'HIGH', 'basis': 'CONSENT', 'ref': 'R', " CASE "'needs': ["
#define FOOD "{'to': ['police'], 'brief': {'service': 'FOOD'}}"
#define CASH "{'to': ['police'], 'brief': {'service': 'CASH'}}"
#define OWN "{'ourselves': true, 'brief': {'service': 'TRANSPORT'}}"

/* JSON with single quotes, so that it can be read here. */
static json_t *ask(const char *quoted)
{
  static char line[262144];
  bool watch;
  size_t size = strlen(quoted);
  assert_true(size < sizeof line);
  for (size_t i = 0; i <= size; i++)
    line[i] = quoted[i] == '\'' ? '"' : quoted[i];
  return desk_answer(&agent, line, size, DESK_WAITS_MAX, &watch);
}

static void assert_refused(const char *quoted, const char *code)
{
  json_t *answer = ask(quoted);
  assert_string_equal(json_string_value(json_object_get(answer, "code")), code);
  json_decref(answer);
}

static size_t rows(int table)
{
  size_t count = 0;
  struct books *b = agent_read(&agent);
  struct walk w = walk_start(table, (struct bytes){NULL, 0});
  while (walk_next(&w, b))
    count++;
  agent_abort(&agent);
  return count;
}

static void assert_rows(size_t events, size_t items, size_t references, size_t own_words)
{
  assert_int_equal(rows(TABLE_EVENTS), events);
  assert_int_equal(rows(TABLE_ITEMS), items);
  assert_int_equal(rows(TABLE_REFS), references);
  assert_int_equal(rows(TABLE_OWN), own_words);
}

static void set_waiting(uint64_t count)
{
  struct marks m;
  struct books *b = agent_write(&agent);
  marks_get(b, &m);
  m.waiting = count;
  marks_put(b, &m);
  assert_int_equal(agent_commit(&agent), OK);
}

/* The queue takes one more: the first need would find room. */
static void all_are_saved_or_none(void **state)
{
  (void)state;
  set_waiting(OUTBOX_EVENTS_MAX - 1);
  assert_refused(ASSESS OWN ", " FOOD ", " CASH "]}", "full");
  assert_rows(0, 0, 0, 0);
  set_waiting(0);
  json_decref(ask(ASSESS OWN ", " FOOD ", " CASH "]}"));
  assert_rows(2, 3, 3, 6);
}

static void a_mistake_in_the_last_saves_none(void **state)
{
  (void)state;
  assert_refused(ASSESS OWN ", " FOOD ", {'to': ['aple'], 'brief': {'service': 'CASH'}}]}", "bad_input");
  assert_refused(ASSESS OWN ", " FOOD ", {'to': ['police'], 'brief': {'service': 'MONEY'}}]}", "bad_input");
  assert_refused(ASSESS OWN ", " FOOD ", {'to': ['police'], 'ref': 'R/2', 'brief': {'service': 'CASH'}}]}",
                 "bad_input");
  assert_refused(ASSESS OWN ", " FOOD ", {'brief': {'service': 'CASH'}}]}", "bad_input");
  assert_rows(0, 0, 0, 0);
}

static void said_again_it_makes_nothing_new(void **state)
{
  (void)state;
  for (int i = 0; i < 3; i++) {
    json_t *answer = ask(ASSESS OWN ", " FOOD "]}");
    const json_t *list = json_object_get(answer, "referrals");
    assert_int_equal(json_array_size(list), 2);
    for (size_t k = 0; k < 2; k++)
      assert_true(json_is_true(json_object_get(json_array_get(list, k), "again")) == (i > 0));
    json_decref(answer);
    assert_rows(1, 2, 2, 4);
  }
}

static void append(char *text, const char *more, int count)
{
  while (count-- > 0)
    strcat(text, more);
}

/* As many needs as may be, each for as many organisations as there are, with the longest texts. */
static void the_largest_finds_room(void **state)
{
  (void)state;
  static char line[262144], word[TEXT_SIZE_MAX + 1];
  char name[16], others[400] = "";
  memset(word, 'x', TEXT_SIZE_MAX);
  while (world.member_count < WORLD_MEMBERS_MAX) {
    snprintf(name, sizeof name, "other-%zu", (size_t)world.member_count);
    world_enrol(&world, name);
    snprintf(others + strlen(others), sizeof others - strlen(others), ", '%s'", name);
  }
  office_tell_directory();
  snprintf(line, sizeof line,
           "{'do': 'assess', 'priority': 'HIGH', 'basis': 'CONSENT', 'ref': 'R', 'to': ['police'%s], 'file': "
           "{'case_code': '%s', 'contact': {'who': '%s', 'telephone': '%s', 'when': '%s', 'words': '%s'}, "
           "'consent': {'given_by': '%s', 'may_be_shared': '%s', 'withhold': '%s'}, 'focal_point': '%s'}, "
           "'brief': {'need': '%s', 'risk_note': '%s', 'sex': 'FEMALE', 'age_band': 'AGE_10_14'}, 'needs': [",
           others, word, word, word, word, word, word, word, word, word, word, word);
  append(line, "{'brief': {'service': 'FOOD'}}, ", NEEDS_MAX - 1);
  append(line, "{'brief': {'service': 'CASH'}}]}", 1);
  json_t *answer = ask(line);
  assert_true(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
  assert_rows(NEEDS_MAX, NEEDS_MAX, NEEDS_MAX, 2 * NEEDS_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_are_saved_or_none, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(a_mistake_in_the_last_saves_none, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(said_again_it_makes_nothing_new, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(the_largest_finds_room, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
