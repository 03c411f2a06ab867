/* `onward-audit report` over a log whose numbers were worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "proto/names.h"
#include "tests/unit/reported.h"

static char folder[FOLDER_PATH_SIZE];
static struct es256_secret *registrar_sign;

/* --- the log --- */

static void pass_on(struct member *m, struct member *target, const struct ref_id *id)
{
  static struct draft d;
  Onward__Reroute reroute = ONWARD__REROUTE__INIT;
  draft_init(&d, ACT(REROUTE), id);
  reroute.target = pb_data(org_id_text(&target->id));
  draft_seal(&d, target, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  d.core.reroute = &reroute;
  world_answer(&world, &d, id);
  assert_int_equal(world_hear(&world, m, &d, 1), ONWARD__VERDICT__ACCEPTED);
}
/* A refused one, between: it must count nowhere. */
static void refused(struct member *m, const struct ref_id *id)
{
  static struct draft d;
  draft_init(&d, ACT(ACCEPT), id);
  draft_message(&d);
  world_answer(&world, &d, id);
  assert_int_equal(world_hear(&world, m, &d, 1), ONWARD__VERDICT__NOT_IN_THIS_STATE);
}

/*  March 2026:  9 straight by police to aple, PSS, accepted after 3, 4, ... 11 h
 *               1 by police to aple, who reads it and passes it on to a21, who accepts it: left so
 *  April:       8 straight by school to a21, LEGL, accepted after 12 h each
 *               1 by police to aple, then a21; both say no: returned
 *               1 by school to a21, high, never received: overdue, then nobody is left: returned
 *               1 exercise
 */
static int make_log(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&world, folder);
  police = world_enrol(&world, "police");
  school = world_enrol(&world, "school");
  aple = world_enrol(&world, "aple");
  a21 = world_enrol(&world, "a21");
  uint64_t march = WORLD_START_MS + DAY_MS, april = WORLD_START_MS + 30 * DAY_MS;
  for (unsigned i = 0; i < 9; i++)
    straight(march + 2 * i * DAY_MS, police, aple, ONWARD__SERVICE_GROUP__PSS, 3 + i);
  world.clock_ms = april - 4 * DAY_MS;
  const struct sent passed = {police, aple, NULL, ONWARD__SERVICE_GROUP__PSS, "", ONWARD__PRIORITY__MEDIUM, false};
  struct ref_id id = submit(&passed);
  act_at(world.clock_ms + HOUR_MS, aple, &id, ACT(RECEIVE));
  pass_on(aple, a21, &id);
  act_at(world.clock_ms + HOUR_MS, a21, &id, ACT(RECEIVE));
  act_at(world.clock_ms + HOUR_MS, a21, &id, ACT(ACCEPT));
  refused(a21, &id);
  for (unsigned i = 0; i < 8; i++)
    straight(april + 2 * i * DAY_MS, school, a21, ONWARD__SERVICE_GROUP__LEGL, 12);
  world.clock_ms = april + 17 * DAY_MS;
  const struct sent both = {police, aple, a21, ONWARD__SERVICE_GROUP__PSS, "KH-12", ONWARD__PRIORITY__LOW, false};
  id = submit(&both);
  act_at(world.clock_ms + HOUR_MS, aple, &id, ACT(RECEIVE));
  act_at(world.clock_ms + HOUR_MS, aple, &id, ACT(DECLINE));
  act_at(world.clock_ms + HOUR_MS, a21, &id, ACT(RECEIVE));
  act_at(world.clock_ms + HOUR_MS, a21, &id, ACT(DECLINE));
  const struct sent drill = {police, aple, NULL, ONWARD__SERVICE_GROUP__PSS, "KH-12", ONWARD__PRIORITY__HIGH, true};
  submit(&drill);
  const struct sent silent = {school, a21, NULL, ONWARD__SERVICE_GROUP__LEGL, "KH-12", ONWARD__PRIORITY__HIGH, false};
  id = submit(&silent);
  refused(a21, &id);
  world_pass(&world, world.clock_ms + 5 * HOUR_MS);
  registrar_sign = world.members[0].sign;
  world.members[0].sign = NULL; /* kept */
  world_fini(&world);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  folder_remove(folder);
  es256_secret_close(registrar_sign);
  free(out);
  free(err);
  return 0;
}

static struct audit_request request(void)
{
  return (struct audit_request){.folder = folder, .to = UINT64_MAX};
}

/* --- its numbers, by hand --- */

/* period|organisation|group|area|priority|measure=value */
static const char *const by_hand[] = {
    /* 9 + 1 in March, 8 + 1 + 1 in April */
    "|||||sent=20",
    "2026-03|||||sent=10",
    "2026-04|||||sent=10",
    /* all but the silent one */
    "|||||received=19",
    "2026-03|||||received=10",
    "2026-04|||||received=9",
    /* a passing on and a no are somebody's */
    "|||||acknowledged=19",
    "2026-03|||||acknowledged=10",
    "2026-04|||||acknowledged=9",
    /* 9 + 1, 8 */
    "|||||accepted=18",
    "2026-03|||||accepted=10",
    "2026-04|||||accepted=8",
    "|||||served=17",
    "2026-03|||||served=9",
    "2026-04|||||served=8",
    "|||||completed=17",
    "|||||closed=17",
    /* two in April; alone in its line, so it takes the other with it: but that one is 0, so both are hidden */
    "|||||returned=<5",
    "2026-03|||||returned=*",
    "2026-04|||||returned=*",
    "|||||rerouted=<5",
    "|||||open=<5",
    "|||||overdue=<5",
    /* 3 h to 11 h, 12 h eight times, and what was passed on after (1 h and a turn, twice more 1 h) */
    "|||||accepted_median_h=10.00",
    "|||||accepted_p90_h=12.00",
    "2026-04|||||accepted_median_h=12.00",
    "2026-04|||||accepted_p90_h=12.00",
    "|||||received_median_h=1.00",
    "|||||acknowledged_median_h=2.00",
    "|||||served_p90_h=20.00",
    "|||||completed_median_h=30.00",
    "|||||closed_median_h=40.00",
    /* police: 9 + 1 + 1; school: 8 + 1 */
    "|police||||sent=11",
    "|school||||sent=9",
    "|police||||accepted=10",
    "|school||||accepted=8",
    "2026-03|police||||sent=*",
    "2026-03|school||||sent=*",
    "2026-04|police||||sent=*",
    "2026-04|school||||sent=*", /* 1 and 9: no rectangle, so the rows are hidden */
    "||pss|||sent=11",
    "||legl|||sent=9",
    "||pss|||served=9",
    /* KH-17: 17; KH-12: 2; none: 1. The first makes up for both */
    "|||KH-17||sent=*",
    "|||KH-12||sent=<5",
    "|||none||sent=<5",
    "||||medium|sent=*",
    "||||low|sent=<5",
    "||||high|sent=<5",
    "|||||sent.answered=*",
    "|||||sent.back=<5",
    "|||||sent.under_way=0",
    "|||||sent.vanished=0",
    /* legs: aple 9 + 1 + 1, a21 1 + 8 + 1 + 1 */
    "|||||leg=22",
    "|aple||||leg=11",
    "|a21||||leg=11",
    "|aple||||leg_accepted=9",
    "|a21||||leg_accepted=9",
    "|aple||||leg_received=11",
    "|a21||||leg_received=10",
    "|aple||||leg_acknowledged=11",
    "|a21||||leg_acknowledged=10",
    "|||||leg_declined=<5",
    "|||||leg_rerouted=<5",
    "|||||leg_moved=<5",
    "|a21||||leg_accepted_median_h=12.00",
    "|aple||||leg_accepted_median_h=7.00",
    /* no first contact within 7 days of what was passed on (open and overdue); and the silent one, by a21; in the
     * policy a high one is to be received within 1 h: said after 1, 2 and 4 h, once counted */
    "|||||missed=<5",
    /* aple and a21 said no or passed it on after they had received it: three duties */
    "|||||duty=<5",
    "|||||duty_overdue=0",
    "|||||passed_on=<5",
};

static const char *text_at(const json_t *row, const char *field)
{
  return json_string_value(json_object_get(row, field));
}

static void value_text(const json_t *value, char text[24])
{
  if (json_is_string(value))
    (void)snprintf(text, 24, "%s", json_string_value(value));
  else if (json_is_integer(value))
    (void)snprintf(text, 24, "%d", (int)json_integer_value(value));
  else
    (void)snprintf(text, 24, "%.2f", json_real_value(value));
}

/* The letter of which this is the number, over all periods; only one may be. */
static const char *letter_of(const json_t *rows, const char *measure, int value)
{
  const char *letter = NULL;
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i);
    if (*text_at(row, "organisation") != 0 && *text_at(row, "period") == 0 &&
        strcmp(text_at(row, "measure"), measure) == 0 && json_integer_value(json_object_get(row, "value")) == value) {
      assert_null(letter);
      letter = text_at(row, "organisation");
    }
  }
  return letter;
}

/* Letters become names again, by a number that only that one has. */
static const char *name_of(const json_t *rows, const char *letter)
{
  static const struct {
    const char *name, *measure;
    int value;
  } known[] = {
      {"police", "sent", 11}, {"school", "sent", 9}, {"aple", "leg_received", 11}, {"a21", "leg_received", 10}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(letter, letter_of(rows, known[i].measure, known[i].value)) == 0)
      return known[i].name;
  return letter;
}

static json_t *numbers_of(struct audit_request q)
{
  q.json = true;
  if (report(q) != AUDIT_FINE)
    fail_msg("%s", err);
  json_t *numbers = json_loads(out, 0, NULL);
  assert_non_null(numbers);
  return numbers;
}

static bool has(const json_t *rows, const char *expected)
{
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i);
    char line[200], value[24];
    value_text(json_object_get(row, "value"), value);
    (void)snprintf(line, sizeof line, "%s|%s|%s|%s|%s|%s=%s", text_at(row, "period"),
                   name_of(rows, text_at(row, "organisation")), text_at(row, "group"), text_at(row, "area"),
                   text_at(row, "priority"), text_at(row, "measure"), value);
    if (strcmp(line, expected) == 0)
      return true;
  }
  return false;
}

static void numbers_are_those_worked_out_by_hand(void **state)
{
  (void)state;
  json_t *numbers = numbers_of(request());
  const json_t *rows = json_object_get(numbers, "rows"), *about = json_object_get(numbers, "about");
  for (size_t i = 0; i < sizeof by_hand / sizeof by_hand[0]; i++)
    if (!has(rows, by_hand[i]))
      fail_msg("not in the report: %s", by_hand[i]);
  assert_int_equal(json_integer_value(json_object_get(about, "drills")), 1);
  assert_string_equal(json_string_value(json_object_get(about, "sentence")),
                      "Of 20 referrals 0 vanished: 20 answered or back with their sender.");
  json_decref(numbers);
}

static void nothing_small_and_nobody_is_told(void **state)
{
  (void)state;
  json_t *numbers = numbers_of(request());
  const json_t *rows = json_object_get(numbers, "rows");
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i), *value = json_object_get(row, "value");
    if (json_is_integer(value))
      assert_false(json_integer_value(value) >= 1 && json_integer_value(value) <= 4);
  }
  json_decref(numbers);
  for (int form = 0; form < 3; form++) {
    struct audit_request q = request();
    q.json = form == 0;
    q.report.csv = form == 1;
    assert_int_equal(report(q), AUDIT_FINE);
    static const char *const names[] = {"police", "school", "aple", "a21"};
    for (size_t n = 0; n < 4; n++)
      assert_null(strstr(out, names[n]));
  }
}

static void csv_is_the_json(void **state)
{
  (void)state;
  json_t *numbers = numbers_of(request());
  const json_t *rows = json_object_get(numbers, "rows");
  struct audit_request q = request();
  q.report.csv = true;
  assert_int_equal(report(q), AUDIT_FINE);
  char *line = strtok(out, "\n");
  assert_string_equal(line, "period,organisation,group,area,priority,measure,value");
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i);
    char expected[200], value[24];
    value_text(json_object_get(row, "value"), value);
    (void)snprintf(expected, sizeof expected, "%s,%s,%s,%s,%s,%s,%s", text_at(row, "period"),
                   text_at(row, "organisation"), text_at(row, "group"), text_at(row, "area"), text_at(row, "priority"),
                   text_at(row, "measure"), value);
    line = strtok(NULL, "\n");
    assert_string_equal(line, expected);
  }
  assert_null(strtok(NULL, "\n"));
  json_decref(numbers);
}

static void periods_and_minimum_are_chosen(void **state)
{
  (void)state;
  struct audit_request q = request();
  q.report.period = REPORT_QUARTER;
  q.report.minimum = 3;
  json_t *numbers = numbers_of(q);
  const json_t *rows = json_object_get(numbers, "rows");
  assert_true(has(rows, "2026-Q1|||||sent=10") && has(rows, "2026-Q2|||||sent=10"));
  assert_true(has(rows, "|||||duty=3") && has(rows, "|||||returned=<3"));
  json_decref(numbers);
  q.report.period = REPORT_YEAR;
  numbers = numbers_of(q);
  assert_true(has(json_object_get(numbers, "rows"), "2026|||||sent=20"));
  json_decref(numbers);
}

/* --- letters and names --- */

/* The hash over all nonces, which takes the whole log. */
static struct hash hash_of_nonces(void)
{
  static char why[200];
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct store *s = NULL;
  struct hash hash = {{0}};
  const struct store_options options = {.folder = folder_path(folder, "books"),
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT};
  assert_int_equal(store_open(&options, why, &s), OK);
  struct books *b = store_begin(s, false);
  for (uint64_t i = 0; i < world.size; i++) {
    struct leaf leaf;
    struct event e;
    uint8_t both[sizeof hash + NONCE_SIZE];
    arena_reset(&a);
    assert_int_equal(books_event(b, i, &a, &leaf, &e), OK);
    memcpy(both, hash.byte, sizeof hash.byte);
    memcpy(both + sizeof hash.byte, e.core->nonce.data, NONCE_SIZE);
    hash = sha256(BYTES(both));
  }
  store_close(s);
  return hash;
}

static void letters_follow_from_the_whole_log(void **state)
{
  (void)state;
  static const char *const names[] = {"police", "school", "aple", "a21"};
  struct hash all = hash_of_nonces(), place[4];
  json_t *numbers = numbers_of(request());
  for (int i = 0; i < 4; i++) {
    uint8_t both[sizeof all + 36] = {0};
    memcpy(both, all.byte, sizeof all.byte);
    memcpy(both + sizeof all.byte, names[i], strlen(names[i]));
    place[i] = sha256(BYTES(both));
  }
  for (int i = 0; i < 4; i++) {
    char letter[2] = "A";
    for (int j = 0; j < 4; j++)
      letter[0] = (char)(letter[0] + (memcmp(place[j].byte, place[i].byte, sizeof place[i].byte) < 0));
    assert_string_equal(name_of(json_object_get(numbers, "rows"), letter), names[i]);
  }
  json_decref(numbers);
}

static void write_names(struct es256_secret *sign, const char *by, char path[FOLDER_PATH_SIZE])
{
  static struct named named;
  char text[NAMES_TEXT_MAX], why[200];
  named = (struct named){.network = world.network, .count = 1};
  assert_int_equal(org_id_parse(bytes_text(by), &named.by), OK);
  assert_int_equal(org_id_parse(bytes_text("aple"), &named.organisations[0]), OK);
  assert_int_equal(named_write(sign, &named, text, sizeof text), OK);
  (void)snprintf(path, FOLDER_PATH_SIZE, "%s", folder_path(folder, "names"));
  assert_int_equal(file_write(path, bytes_text(text), why), OK);
}

static void only_a_registrar_names(void **state)
{
  (void)state;
  char path[FOLDER_PATH_SIZE], text[NAMES_TEXT_MAX], why[200];
  size_t size = 0;
  struct audit_request q = request();
  q.report.csv = true;
  q.report.names = path;
  write_names(registrar_sign, "registry-one", path);
  assert_int_equal(report(q), AUDIT_FINE);
  assert_non_null(strstr(out, ",aple,,,,leg,11\n"));
  assert_null(strstr(out, "police"));
  assert_int_equal(file_read(path, text, sizeof text - 1, &size, why), OK);
  text[size] = 0;
  memcpy(strstr(text, "aple"), "aplf", 4); /* somebody else than was signed */
  assert_int_equal(file_write(path, bytes_text(text), why), OK);
  assert_int_equal(report(q), AUDIT_UNREADABLE);
  assert_non_null(strstr(err, "signature"));
  write_names(registrar_sign, "registry-two", path);
  assert_int_equal(report(q), AUDIT_UNREADABLE);
  write_names(registrar_sign, "police", path);
  assert_int_equal(report(q), AUDIT_UNREADABLE);
  assert_non_null(strstr(err, "no registrar"));
  world.network.byte[0] ^= 1;
  write_names(registrar_sign, "registry-one", path);
  world.network.byte[0] ^= 1;
  assert_int_equal(report(q), AUDIT_UNREADABLE);
  assert_non_null(strstr(err, "another network"));
  assert_string_equal(out, "");
}

static void names_are_read_strictly(void **state)
{
  (void)state;
  static const char *const wrong[] = {"", "onward names in reports", "onward names in reports\nnetwork 00\n",
                                      "onward names in reports\nsignature AAAA\n"};
  char path[FOLDER_PATH_SIZE], text[NAMES_TEXT_MAX], why[200];
  size_t size = 0;
  static struct named named;
  struct complaint complaint;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    assert_int_equal(named_read(bytes_text(wrong[i]), &complaint, &named), BAD_INPUT);
  write_names(registrar_sign, "registry-one", path);
  assert_int_equal(file_read(path, text, sizeof text, &size, why), OK);
  assert_int_equal(named_read(bytes_of(text, size), &complaint, &named), OK);
  for (size_t cut = 0; cut < size; cut++)
    assert_int_equal(named_read(bytes_of(text, cut), &complaint, &named), BAD_INPUT);
}

/* --- a log that does not hold is not reported on --- */

static void damaged_log_has_no_report(void **state)
{
  (void)state;
  char copied[FOLDER_PATH_SIZE];
  static char why[200];
  struct store *s = NULL;
  const struct store_options options = {.folder = folder_path(folder, "books"),
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT};
  folder_make(copied);
  assert_int_equal(store_open(&options, why, &s), OK);
  assert_int_equal(store_copy(s, folder_path(copied, "books"), ALL_TABLES, why), OK);
  store_close(s);
  struct audit_request q = request();
  q.folder = copied;
  assert_int_equal(report(q), AUDIT_FINE);
  books_damage(copied, TABLE_CHECKPOINT, bytes_text("newest"), bytes_of(NULL, 0), true);
  assert_int_equal(report(q), AUDIT_FAILED);
  assert_string_equal(out, "");
  folder_remove(copied);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_those_worked_out_by_hand),
      cmocka_unit_test(nothing_small_and_nobody_is_told),
      cmocka_unit_test(csv_is_the_json),
      cmocka_unit_test(periods_and_minimum_are_chosen),
      cmocka_unit_test(letters_follow_from_the_whole_log),
      cmocka_unit_test(only_a_registrar_names),
      cmocka_unit_test(names_are_read_strictly),
      cmocka_unit_test(damaged_log_has_no_report),

  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
