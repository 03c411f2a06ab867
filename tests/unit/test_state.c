/* How things stood: `replay --at` says what the log had led to by then, and nothing of what came later. */
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
#include "tests/unit/auditor.h"
#include "tests/unit/offers.h"

static char folder[FOLDER_PATH_SIZE];
static struct ref_id referral;
static uint64_t submitted, received, offered, placed, ended; /* indices */
static uint64_t received_ms;
static char *out, *err;

static int make_log(void **state)
{
  static struct world w;
  struct offer offer;
  struct head head;
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  struct member *police = world_enrol(&w, "police"), *aple = world_enrol(&w, "aple");
  submitted = w.size;
  referral = world_submit(&w, police, &aple, 1);
  received = w.size;
  world_act(&w, aple, &referral, ONWARD__CORE__ACT_RECEIVE);
  books_head(store_begin(w.store, false), &head);
  store_abort(w.store);
  received_ms = head.time_ms;
  offer_init(&offer, 1);
  offered = w.size;
  assert_int_equal(offer_say(&w, aple, &offer), ONWARD__VERDICT__ACCEPTED);
  placed = w.size;
  assert_int_equal(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 3, w.clock_ms + 86400000),
                   ONWARD__VERDICT__ACCEPTED);
  world_act(&w, aple, &referral, ONWARD__CORE__ACT_ACKNOWLEDGE);
  world_act(&w, aple, &referral, ONWARD__CORE__ACT_ACCEPT);
  ended = w.size;
  world_fini(&w);
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

static enum audit_code run(struct audit_request q)
{
  q.folder = folder;
  return auditor_run(audit_replay, q, &out, NULL, &err);
}

static struct audit_request at_index(uint64_t index)
{
  return (struct audit_request){.at = true, .to = index, .json = true};
}

/* The first thing of this kind in what was said; json_decref it. NULL: none. */
static json_t *thing(const char *kind)
{
  json_t *found = NULL;
  char *text = strdup(out), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL && found == NULL; line = strtok_r(NULL, "\n", &rest)) {
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    found = json_incref(json_object_get(o, kind));
    json_decref(o);
  }
  free(text);
  return found;
}

static void assert_text(json_t *o, const char *field, const char *expected)
{
  const char *text = json_string_value(json_object_get(o, field));
  if (text == NULL || strcmp(text, expected) != 0)
    fail_msg("%s: %s instead of %s", field, text, expected);
}

static void a_referral_is_told_as_it_was(void **state)
{
  (void)state;
  assert_int_equal(run(at_index(submitted - 1)), AUDIT_FINE);
  assert_null(thing("referral"));
  assert_int_equal(run(at_index(submitted)), AUDIT_FINE);
  json_t *r = thing("referral");
  assert_text(r, "state", "requested");
  assert_text(r, "with", "aple");
  assert_text(r, "sender", "police");
  json_t *clock = json_array_get(json_object_get(r, "clocks"), 0);
  assert_text(clock, "clock", "receive");
  assert_text(clock, "owed_by", "aple");
  assert_non_null(json_object_get(clock, "until"));
  json_decref(r);
  assert_int_equal(run(at_index(received)), AUDIT_FINE);
  r = thing("referral");
  assert_text(r, "state", "received");
  json_decref(r);
  assert_int_equal(run(at_index(ended - 1)), AUDIT_FINE);
  r = thing("referral");
  assert_text(r, "state", "accepted");
  json_decref(r);
}

static void what_was_offered_is_told_as_it_was(void **state)
{
  (void)state;
  run(at_index(offered - 1));
  assert_null(thing("service"));
  run(at_index(offered));
  json_t *service = thing("service");
  assert_text(service, "of", "aple");
  assert_true(json_is_null(json_object_get(service, "capacity")));
  assert_true(json_is_null(json_object_get(service, "assured_by_entry")));
  assert_true(json_string_length(json_object_get(service, "name")) > 0);
  json_decref(service);
  run(at_index(placed));
  service = thing("service");
  json_t *capacity = json_object_get(service, "capacity");
  assert_text(capacity, "status", "has");
  assert_int_equal(json_integer_value(json_object_get(capacity, "available")), 3);
  assert_true(json_is_false(json_object_get(capacity, "over")));
  json_decref(service);
  json_t *organisation = thing("organisation");
  assert_text(organisation, "id", "aple");
  assert_text(organisation, "standing", "active");
  assert_true(json_is_string(json_object_get(organisation, "duty_telephone")));
  assert_true(json_is_string(json_object_get(organisation, "name")));
  json_decref(organisation);
}

static void registrars_of_the_genesis_have_names(void **state)
{
  (void)state;
  run(at_index(0));
  json_t *organisation = thing("organisation");
  assert_text(organisation, "id", "registry-one");
  assert_true(json_string_length(json_object_get(organisation, "name")) > 0);
  json_decref(organisation);
}

static void a_time_means_all_entries_up_to_it(void **state)
{
  (void)state;
  struct audit_request q = {.at = true, .to = UINT64_MAX, .until_ms = received_ms, .json = true};
  assert_int_equal(run(q), AUDIT_FINE);
  json_t *network = thing("network");
  assert_int_equal(json_integer_value(json_object_get(network, "entries")), received + 1);
  json_decref(network);
  q.until_ms--;
  assert_int_equal(run(q), AUDIT_FINE);
  network = thing("network");
  assert_int_equal(json_integer_value(json_object_get(network, "entries")), received);
  json_decref(network);
  q.until_ms = received_ms + 10 * 86400000ull; /* long after the newest: what was believed for a day is over */
  assert_int_equal(run(q), AUDIT_FINE);
  json_t *service = thing("service");
  assert_true(json_is_true(json_object_get(json_object_get(service, "capacity"), "over")));
  json_decref(service);
}

static void what_is_not_in_the_log_is_told(void **state)
{
  (void)state;
  struct audit_request q = at_index(ended);
  char expected[80];
  assert_int_equal(run(q), AUDIT_USAGE);
  (void)snprintf(expected, sizeof expected, "there are entries 0 to %d, and no other", (int)ended - 1);
  assert_non_null(strstr(err, expected));
  q = (struct audit_request){.at = true, .to = UINT64_MAX, .until_ms = 1};
  assert_int_equal(run(q), AUDIT_USAGE);
  q = at_index(submitted - 1);
  q.referral = "00000000000000000000000000000000";
  assert_int_equal(run(q), AUDIT_FAILED);
  assert_non_null(strstr(err, "there is no referral"));
}

static void one_referral_can_be_asked_for(void **state)
{
  (void)state;
  char brief[REF_SHORT_SIZE], line[80];
  ref_short(&referral, brief);
  struct audit_request q = {.to = UINT64_MAX, .referral = brief};
  assert_int_equal(run(q), AUDIT_FINE);
  (void)snprintf(line, sizeof line, "referral     short %s, id ", brief);
  assert_non_null(strstr(out, line));
  assert_non_null(strstr(out, ", state accepted, "));
  assert_non_null(strstr(out, "rows equal")); /* the newest, which the stored tables are compared with */
  assert_null(strstr(out, "organisation "));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_referral_is_told_as_it_was),         cmocka_unit_test(what_was_offered_is_told_as_it_was),
      cmocka_unit_test(registrars_of_the_genesis_have_names), cmocka_unit_test(a_time_means_all_entries_up_to_it),
      cmocka_unit_test(what_is_not_in_the_log_is_told),       cmocka_unit_test(one_referral_can_be_asked_for),
  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
