/* The durable queue: what was committed is there after a crash, what was not is not; a sequence that was formed keeps
 * its root. */
#include "tests/unit/queue.h"

#include <string.h>

static void add_is_durable_from_its_commit_on(void **state)
{
  (void)state;
  queue_add(store_begin(queue_store, true), HIGH, 1);
  store_abort(queue_store);
  queue_crash();
  assert_int_equal(queue_waiting(), 0);
  assert_int_equal(queue_form(8), 0);
  queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  queue_crash();
  assert_int_equal(queue_waiting(), 1);
  struct item item = queue_item(1);
  assert_int_equal(item.pending, 1);
  assert_int_equal(item.unsent, 1);
}

static void form_uses_no_sequence_before_its_commit(void **state)
{
  (void)state;
  uint64_t sequence;
  struct flight list[BATCHES_IN_FLIGHT_MAX];
  queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  assert_int_equal(outbox_form(store_begin(queue_store, true), &queue_self, 8, MESSAGE_SIZE_MAX, false, &sequence), OK);
  assert_int_equal(sequence, 1);
  store_abort(queue_store);
  queue_crash();
  assert_int_equal(queue_flights(list), 0);
  assert_int_equal(queue_waiting(), 1);
  assert_int_equal(queue_form(8), 1);
  struct item item = queue_item(1);
  assert_int_equal(item.pending, 1);
  assert_int_equal(item.unsent, 0);
}

static void formed_batch_never_changes(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  queue_add(b, HIGH, 1);
  queue_add(b, HIGH, 2);
  queue_commit();
  assert_int_equal(queue_form(8), 1);
  struct batch first = queue_message(1);
  queue_crash();
  queue_add(store_begin(queue_store, true), HIGH, 3);
  queue_commit();
  struct batch again = queue_message(1);
  assert_true(bytes_equal(first.header_bytes, again.header_bytes));
  assert_true(bytes_equal(first.signature, again.signature));
  assert_int_equal(again.count, 2);
  assert_int_equal(queue_form(8), 2);
}

static void high_goes_first_and_alone(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  queue_add(b, LOW, 1);
  queue_add(b, LOW, 2);
  queue_add(b, HIGH, 3);
  queue_add(b, LOW, 4);
  queue_commit();
  assert_int_equal(queue_form(8), 1);
  struct batch high = queue_message(1);
  assert_int_equal(high.count, 1);
  assert_int_equal(high.events[0].referral.byte[0], 3);
  assert_int_equal(queue_form(2), 2);
  struct batch low = queue_message(2);
  assert_int_equal(low.count, 2);
  assert_int_equal(low.events[0].referral.byte[0], 1);
  assert_int_equal(low.events[1].referral.byte[0], 2);
}

static void last_place_is_kept_for_high(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  for (uint8_t i = 0; i < 10; i++)
    queue_add(b, LOW, i);
  queue_commit();
  for (uint64_t sequence = 1; sequence < BATCHES_IN_FLIGHT_MAX; sequence++)
    assert_int_equal(queue_form(1), sequence);
  assert_int_equal(queue_form(1), 0);
  b = store_begin(queue_store, true);
  queue_add(b, HIGH, 20);
  queue_add(b, HIGH, 21);
  queue_commit();
  assert_int_equal(queue_form(1), BATCHES_IN_FLIGHT_MAX);
  assert_int_equal(queue_message(BATCHES_IN_FLIGHT_MAX).events[0].referral.byte[0], 20);
  assert_int_equal(queue_form(1), 0);
}

static void only_high_goes_where_only_high_may(void **state)
{
  (void)state;
  uint64_t sequence;
  struct books *b = store_begin(queue_store, true);
  queue_add(b, LOW, 1);
  assert_int_equal(outbox_form(b, &queue_self, 8, 1, true, &sequence), NOT_FOUND);
  queue_add(b, HIGH, 2);
  queue_add(b, HIGH, 3);
  assert_int_equal(outbox_form(b, &queue_self, 8, 1, true, &sequence), OK);
  queue_commit();
  struct batch batch = queue_message(sequence);
  assert_int_equal(batch.count, 1);
  assert_int_equal(batch.events[0].referral.byte[0], 2);
}

static void batch_has_no_more_bytes_than_allowed(void **state)
{
  (void)state;
  uint64_t sequence;
  struct books *b = store_begin(queue_store, true);
  for (uint8_t i = 0; i < 5; i++)
    queue_add(b, LOW, i);
  size_t size = queue_event(0).bytes.size + 8;
  assert_int_equal(outbox_form(b, &queue_self, 8, 2 * size, false, &sequence), OK);
  assert_int_equal(outbox_form(b, &queue_self, 8, 2 * size - 1, false, &sequence), OK);
  queue_commit();
  assert_int_equal(queue_message(1).count, 2);
  assert_int_equal(queue_message(2).count, 1);
}

static void queue_has_a_limit(void **state)
{
  (void)state;
  uint64_t number;
  struct event e = queue_event(1);
  struct books *b = store_begin(queue_store, true);
  for (int i = 0; i < OUTBOX_EVENTS_MAX; i++)
    assert_int_equal(outbox_add(b, LOW, &e, (struct bytes){NULL, 0}, &number), OK);
  assert_int_equal(outbox_add(b, LOW, &e, (struct bytes){NULL, 0}, &number), NOT_NOW);
  store_abort(queue_store);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(add_is_durable_from_its_commit_on, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(form_uses_no_sequence_before_its_commit, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(formed_batch_never_changes, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(high_goes_first_and_alone, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(last_place_is_kept_for_high, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(only_high_goes_where_only_high_may, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(batch_has_no_more_bytes_than_allowed, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(queue_has_a_limit, queue_setup, queue_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
