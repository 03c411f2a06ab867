/* The table of questions against the schema: whoever adds a field to the form must say how people are asked for it. And
 * the small words that lists are made of. */
#include "agents/onward/questions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/form.h"
#include "agents/onward/act_words.h"
#include "agents/onward/words.h"
#include "proto/case.pb-c.h"

static enum question_kind kind_of(const ProtobufCFieldDescriptor *field)
{
  switch (field->type) {
  case PROTOBUF_C_TYPE_ENUM:
    return ASK_CODE;
  case PROTOBUF_C_TYPE_UINT32:
    return ASK_NUMBER;
  case PROTOBUF_C_TYPE_BOOL:
    return ASK_YES_NO;
  default:
    return ASK_TEXT;
  }
}

/* How many fields the message has, its parts' included; each must have a question of its kind. */
static size_t check_fields(const ProtobufCMessageDescriptor *type, const char *path)
{
  size_t count = 0;
  for (unsigned i = 0; i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    char field_path[80];
    snprintf(field_path, sizeof field_path, "%s.%s", path, field->name);
    if (strcmp(field->name, "schema") == 0)
      continue;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
      count += check_fields(field->descriptor, field_path);
      continue;
    }
    const struct question *q = question_find(field_path);
    if (q == NULL) {
      fail_msg("there is no question for %s", field_path);
      return 0;
    }
    assert_int_equal(q->kind, kind_of(field));
    if (q->kind == ASK_CODE)
      assert_ptr_equal(q->codes, field->descriptor);
    count++;
  }
  return count;
}

static void every_field_of_the_form_has_a_question(void **state)
{
  (void)state;
  size_t routing = 0;
  size_t fields = check_fields(&onward__brief__descriptor, "brief") + check_fields(&onward__file__descriptor, "file");
  for (size_t i = 0; i < questions_count; i++)
    routing += strchr(questions[i].path, '.') == NULL;
  assert_int_equal(questions_count, fields + routing);
}

static void questions_depend_on_earlier_ones(void **state)
{
  (void)state;
  for (size_t i = 0; i < questions_count; i++) {
    const struct question *q = &questions[i], *on = q->only_if == NULL ? NULL : question_find(q->only_if);
    assert_true(q->only_if == NULL || (on != NULL && on < q));
    assert_true(q->unless == NULL || (question_find(q->unless) != NULL && question_find(q->unless) < q));
    assert_true(q->kind == ASK_CODE ? q->codes != NULL : q->codes == NULL);
  }
}

static void an_empty_form_is_pruned_to_nothing(void **state)
{
  (void)state;
  json_t *form = form_empty();
  assert_non_null(path_get(form, "file.contact.who?"));
  path_set(form, "file.contact.who", json_string("aunt"));
  path_set(form, "phoned", json_false());
  form_prune(form);
  json_t *expected = json_pack("{s:b, s:{s:{s:s}}}", "phoned", 0, "file", "contact", "who", "aunt");
  assert_true(json_equal(form, expected));
  json_decref(form);
  json_decref(expected);
}

static void codes_read_as_words(void **state)
{
  (void)state;
  static const char *const pairs[][2] = {{"TRAUMA_COUNSELLING", "trauma counselling"},
                                         {"AGE_10_14", "10-14"},
                                         {"AGE_25_AND_OVER", "25 and over"},
                                         {"REROUTE_SCOPE", "scope"},
                                         {"BY_PROVIDER", "provider"},
                                         {"HIGH", "high"},
                                         {"PSS", "mental health and psychosocial support"},
                                         {"", ""}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    char words[CODE_WORDS_SIZE];
    assert_string_equal(code_words(pairs[i][0], words), pairs[i][1]);
  }
}

static void times_read_as_words(void **state)
{
  (void)state;
  static const struct {
    uint64_t ago_ms;
    const char *words;
  } pairs[] = {{0, "just now"},  {59000, "just now"}, {60500, "1 min"},      {3599000, "59 min"},
               {3600500, "1 h"}, {172799000, "47 h"}, {172800500, "2 days"}, {864000500, "10 days"}};
  char words[TIME_WORDS_SIZE];
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    assert_string_equal(ago_words(now_ms() - pairs[i].ago_ms, words), pairs[i].words);
  assert_string_equal(ago_words(now_ms() + 3600000, words), "just now"); /* a clock that was set back */
  assert_int_equal(strlen(time_words(now_ms() - 3600000, words)), strlen("Tue 14:05"));
  assert_int_equal(strlen(time_words(now_ms() - 4000ull * 24 * 3600 * 1000, words)), strlen("12 Mar 2015"));
}

/* Whatever an organisation can do it must be told of while it waits. */
static void every_act_of_a_person_has_words(void **state)
{
  (void)state;
  for (unsigned i = 0; i < onward__core__descriptor.n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &onward__core__descriptor.fields[i];
    enum act_family family = act_family((act_kind)field->id);
    bool reserved = field->id >= ONWARD__CORE__ACT_HAND_OVER && field->id <= ONWARD__CORE__ACT_LEAVE;
    if (family == ACT_UNKNOWN || family == ACT_OF_BROKER || reserved)
      continue;
    const struct act_words *words = act_words_of(field->name);
    if (words == NULL || words->did == NULL)
      fail_msg("%s has no words", field->name);
    if (family != ACT_ON_REFERRAL)
      assert_true(words->own);
  }
}

static void distances_are_counted_in_letters(void **state)
{
  (void)state;
  assert_int_equal(words_distance("refer", "refer"), 0);
  assert_int_equal(words_distance("refr", "refer"), 1);
  assert_int_equal(words_distance("inbxo", "inbox"), 2);
  assert_int_equal(words_distance("", "show"), 4);
  assert_int_equal(words_distance("a word that is much longer than any command of ours", "show"), 99);
}

int main(void)
{
  setenv("LC_ALL", "C", 1); /* labels in English, wherever this runs */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_of_the_form_has_a_question),
      cmocka_unit_test(questions_depend_on_earlier_ones),
      cmocka_unit_test(an_empty_form_is_pruned_to_nothing),
      cmocka_unit_test(codes_read_as_words),
      cmocka_unit_test(times_read_as_words),
      cmocka_unit_test(every_act_of_a_person_has_words),
      cmocka_unit_test(distances_are_counted_in_letters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
