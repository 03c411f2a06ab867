/* `onward-audit show`: every entry a line for people, or a JSON object, and nothing left out that was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "agents/audit/audit.h"
#include "proto/ledger/rows.h"
#include "tests/unit/auditor.h"
#include "tests/unit/support.h"

static char folder[FOLDER_PATH_SIZE];
static struct world world; /* closed: for sizes */
static struct ref_id referral;
static char *out, *err;

/* police -> aple, who declines -> a21, who accepts twice: once too often. */
static int make_log(void **state)
{
  (void)state;
  struct draft d;
  Onward__Accept accept = ONWARD__ACCEPT__INIT;
  folder_make(folder);
  world_init(&world, folder);
  struct member *police = world_enrol(&world, "police");
  struct member *aple = world_enrol(&world, "aple/siem-reap");
  struct member *a21 = world_enrol(&world, "a21");
  struct member *const both[] = {aple, a21};
  referral = world_submit(&world, police, both, 2);
  world_act(&world, aple, &referral, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, aple, &referral, ONWARD__CORE__ACT_DECLINE);
  world_act(&world, a21, &referral, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, a21, &referral, ONWARD__CORE__ACT_ACCEPT);
  draft_init(&d, ONWARD__CORE__ACT_ACCEPT, &referral);
  accept.first_contact_by_ms = WORLD_START_MS;
  d.core.accept = &accept;
  world_answer(&world, &d, &referral);
  assert_int_equal(world_hear(&world, a21, &d, 1), ONWARD__VERDICT__NOT_IN_THIS_STATE);
  world_fini(&world);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  folder_remove(folder);
  free(out);
  free(err);
  return 0;
}

static struct audit_request request(void)
{
  return (struct audit_request){.folder = folder, .to = UINT64_MAX};
}

static enum audit_code run(struct audit_request q)
{
  return auditor_run(audit_show, q, &out, NULL, &err);
}

static size_t lines_of(const char *text)
{
  size_t lines = 0;
  for (; *text != 0; text++)
    lines += *text == '\n';
  return lines;
}

static void each_entry_is_a_line(void **state)
{
  (void)state;
  char brief[REF_SHORT_SIZE], line[200];
  ref_short(&referral, brief);
  assert_int_equal(run(request()), AUDIT_FINE);
  assert_int_equal(lines_of(out), world.size);
  assert_non_null(strstr(out,
                         "     0  2026-03-04T00:00:00.000Z  (the exchange)    genesis           -         accepted "
                         "(exchange.test/log)\n"));
  (void)snprintf(
      line, sizeof line,
      "  police            submit            %s  accepted, for aple/siem-reap (to aple/siem-reap, a21, medium)\n",
      brief);
  assert_non_null(strstr(out, line));
  (void)snprintf(line, sizeof line,
                 "  (the exchange)    leg_opened        %s  accepted, for a21, police (leg 2, to a21, medium)\n",
                 brief);
  assert_non_null(strstr(out, line));
  assert_non_null(strstr(out, "accepted, for police (capacity, by_provider)\n"));
  assert_non_null(strstr(out, "REFUSED: not_in_this_state\n"));
}

static void entries_can_be_chosen(void **state)
{
  (void)state;
  char brief[REF_SHORT_SIZE], hex[33];
  struct audit_request q = request();
  q.from = 2;
  q.to = 4;
  assert_int_equal(run(q), AUDIT_FINE);
  assert_int_equal(lines_of(out), 3);
  q = request();
  assert_int_equal(org_id_parse(bytes_text("registry-one"), &q.organisation), OK);
  run(q);
  assert_int_equal(lines_of(out), 3); /* the three that it enrolled */
  assert_int_equal(org_id_parse(bytes_text("aple/siem-reap"), &q.organisation), OK);
  run(q);
  assert_int_equal(lines_of(out), 3); /* told once, spoke twice */
  q = request();
  ref_short(&referral, brief);
  q.referral = brief;
  run(q);
  assert_int_equal(lines_of(out), 7);
  hex_encode(BYTES(referral.byte), hex);
  q.referral = hex;
  run(q);
  assert_int_equal(lines_of(out), 7);
  assert_true(referral_valid(hex) && referral_valid(brief));
  hex[31] = 'x';
  assert_false(referral_valid(hex));
}

static void entries_of_a_kind_can_be_chosen(void **state)
{
  (void)state;
  struct audit_request q = request();
  assert_true(acts_parse("submit,accept", &q.acts));
  assert_true(acts_parse("leg_opened", &q.acts));
  assert_int_equal(run(q), AUDIT_FINE);
  assert_int_equal(lines_of(out), 4); /* of two times accept one was refused */
  assert_null(strstr(out, "receive"));
  assert_false(acts_parse("submitt", &q.acts));
  assert_false(acts_parse("submit,", &q.acts));
  assert_false(acts_parse("answers", &q.acts)); /* a field of the schema that is no act */
  assert_false(acts_parse("", &q.acts));
  assert_non_null(strstr(acts_expected(), " submit "));
  assert_non_null(strstr(acts_expected(), " unattended"));
}

static void entries_of_a_time_can_be_chosen(void **state)
{
  (void)state;
  struct audit_request q = request();
  q.json = true;
  q.from = q.to = 4;
  run(q);
  json_t *submit = json_loads(out, 0, NULL);
  uint64_t time_ms = (uint64_t)json_integer_value(json_object_get(submit, "time_ms"));
  json_decref(submit);
  q = request();
  q.since_ms = time_ms;
  run(q);
  assert_int_equal(lines_of(out), world.size - 4);
  q.until_ms = time_ms;
  run(q);
  assert_int_equal(lines_of(out), 1);
  q.since_ms = time_ms + 1;
  run(q);
  assert_int_equal(lines_of(out), 0);
}

static void a_time_has_three_forms(void **state)
{
  (void)state;
  uint64_t ms;
  static const char *const wrong[] = {"",           "2026",         "2026-02-30",        "2026-03-04T10:11",
                                      "04.03.2026", "1969-12-31",   "2026-03-04T24:60Z", "2026-03-04 ",
                                      "yesterday",  "1772582400000"};
  assert_true(time_parse("2026-03-04", false, &ms) && ms == WORLD_START_MS);
  assert_true(time_parse("2026-03-04", true, &ms) && ms == WORLD_START_MS + 86399999);
  assert_true(time_parse("2026-03-04T00:01Z", false, &ms) && ms == WORLD_START_MS + 60000);
  assert_true(time_parse("2026-03-04T00:01Z", true, &ms) && ms == WORLD_START_MS + 119999);
  assert_true(time_parse("2026-03-04T00:00:01Z", true, &ms) && ms == WORLD_START_MS + 1999);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    if (time_parse(wrong[i], false, &ms))
      fail_msg("taken: %s", wrong[i]);
}

/* What is said of slot `slot` of the submit. */
static void assert_body(size_t slot, const char *is, uint64_t by)
{
  struct audit_request q = request();
  q.bodies = q.json = true;
  q.from = q.to = 4;
  assert_int_equal(run(q), AUDIT_FINE);
  json_t *o = json_loads(out, 0, NULL);
  json_t *body = json_object_get(json_array_get(json_object_get(o, "sealed"), slot), "body");
  assert_string_equal(json_string_value(json_object_get(body, "is")), is);
  assert_int_equal(json_integer_value(json_object_get(body, "by_entry")), by);
  if (by != 0)
    assert_string_equal(json_string_value(json_object_get(body, "by_act")), by == 8 ? "receive" : "decline");
  json_decref(o);
}

static void what_became_of_bodies_is_shown(void **state)
{
  (void)state;
  struct row_key file = key_of_body(4, 3); /* the one of a21, who has not signed that it read up to the end */
  struct audit_request q = request();
  q.bodies = true;
  assert_body(2, "erased", 8);
  assert_body(3, "held", 0);
  assert_int_equal(run(q), AUDIT_FINE);
  assert_non_null(strstr(out, "        sealed part 2, brief for a21: erased by entry 8 (receive, 2026-03-04T"));
  books_damage(folder, TABLE_BODIES, row_key(&file), bytes_of(NULL, 0), true);
  assert_body(3, "missing", 0);
  assert_int_equal(file_write(folder_path(folder, "backup"), bytes_text("left out"), (char[200]){0}), OK);
  assert_body(3, "left out of this copy", 0);
  assert_body(2, "erased", 8);
}

static void each_entry_is_a_json_object(void **state)
{
  (void)state;
  struct audit_request q = request();
  q.json = true;
  assert_int_equal(run(q), AUDIT_FINE);
  uint64_t index = 0;
  for (char *line = strtok(out, "\n"); line != NULL; line = strtok(NULL, "\n"), index++) {
    json_t *o = json_loads(line, 0, NULL);
    assert_true(json_is_object(o));
    assert_int_equal(json_integer_value(json_object_get(o, "index")), index);
    assert_true(json_is_object(json_object_get(o, "states")));
    assert_int_equal(json_is_null(json_object_get(o, "who")), json_object_get(o, "batch") == NULL);
    if (index == 4) {
      json_t *submit = json_object_get(o, "states"), *sealed = json_object_get(o, "sealed");
      assert_string_equal(json_string_value(json_object_get(o, "act")), "submit");
      assert_string_equal(json_string_value(json_array_get(json_object_get(submit, "recipients"), 1)), "a21");
      assert_string_equal(json_string_value(json_object_get(submit, "basis")), "consent");
      assert_int_equal(json_array_size(sealed), 4);
      assert_int_equal(strlen(json_string_value(json_object_get(json_array_get(sealed, 0), "sha256"))), 64);
    }
    json_decref(o);
  }
  assert_int_equal(index, world.size);
}

static void damaged_entry_does_not_hide_the_rest(void **state)
{
  (void)state;
  struct row_key key = key_of_index(3);
  books_damage(folder, TABLE_ENTRIES, row_key(&key), bytes_text("no entry"), false);
  assert_int_equal(run(request()), AUDIT_FAILED);
  assert_non_null(strstr(err, "entry 3: "));
  assert_int_equal(lines_of(out), world.size - 1);
}

static void keys_are_told_in_words(void **state)
{
  (void)state;
  char text[WORDS_SIZE];
  struct org_id id;
  assert_int_equal(org_id_parse(bytes_text("aple/siem-reap"), &id), OK);
  struct row_key key = key_of_org_index(&id, ~(uint64_t)7);
  words_key(TABLE_KEYS, row_key(&key), text);
  assert_string_equal(text, "aple/siem-reap, entry 7");
  key = key_of_body(12, 3);
  words_key(TABLE_HELD, row_key(&key), text);
  assert_string_equal(text, "entry 12, slot 3");
  words_key(TABLE_CLOCKS, row_key(&key), text);
  assert_string_equal(text, "no key of this table");
  words_time(1772617872345, text);
  assert_string_equal(text, "2026-03-04T09:51:12.345Z");
  words_time(UINT64_MAX, text);
  assert_string_equal(text, "18446744073709551615 ms");
  assert_string_equal(words_field(TABLE_SEQUENCES, offsetof(struct sequence, read_up_to) + 7), "read_up_to");
  assert_null(words_field(TABLE_TREE, 0));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_entry_is_a_line),
      cmocka_unit_test(entries_can_be_chosen),
      cmocka_unit_test(entries_of_a_kind_can_be_chosen),
      cmocka_unit_test(entries_of_a_time_can_be_chosen),
      cmocka_unit_test(a_time_has_three_forms),
      cmocka_unit_test(each_entry_is_a_json_object),
      cmocka_unit_test(keys_are_told_in_words),
      cmocka_unit_test(what_became_of_bodies_is_shown),
      cmocka_unit_test(damaged_entry_does_not_hide_the_rest), /* the last: the damage stays */
  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
