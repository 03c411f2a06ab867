/* What comes back to the queue: entries of the log, whole or only their headers; refusals. Each leaves at once, and
 * everything else stays as it was. */
#include "tests/unit/queue.h"

#include <string.h>

/* What the exchange logs of a batch's event, and sends back: the whole leaf. */
static struct bytes logged_leaf(const struct batch *batch, size_t position, uint64_t index)
{
  struct hash path[MERKLE_BATCH_PATH_MAX];
  size_t count = merkle_batch_path(batch->tree, position, path);
  struct leaf leaf = {.origin = ORIGIN_ORGANISATION,
                      .verdict = ONWARD__VERDICT__ACCEPTED,
                      .position = (uint8_t)position,
                      .index = index,
                      .time_ms = 1000 + index,
                      .event = batch->events[position].bytes,
                      .header = batch->header_bytes,
                      .signature = batch->signature,
                      .path = bytes_of(path, count * sizeof path[0])};
  uint8_t *room = arena_alloc(&queue_arena, leaf_size(&leaf));
  struct writer w = writer_of(room, leaf_size(&leaf));
  leaf_write(&leaf, &w);
  return writer_bytes(&w);
}

static bool is_same(const void *context, struct bytes leaf)
{
  return bytes_equal(*(const struct bytes *)context, leaf);
}

static void entry_is_put_together_from_its_header(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  for (uint8_t i = 0; i < 5; i++)
    queue_add(b, HIGH, i);
  queue_commit();
  assert_int_equal(queue_form(2), 1);
  assert_int_equal(queue_form(3), 2);
  struct batch second = queue_message(2);
  for (size_t position = 0; position < 3; position++) {
    struct bytes leaf = logged_leaf(&second, position, 10 + position), made;
    struct leaf header, whole;
    assert_int_equal(leaf_header_read(bytes_of(leaf.data, LEAF_HEADER_SIZE), &header), OK);
    b = store_begin(queue_store, true);
    assert_int_equal(outbox_leaf(b, &header, is_same, &leaf, &queue_arena, &made), OK);
    assert_true(bytes_equal(made, leaf));
    assert_int_equal(leaf_read(made, &whole), OK);
    assert_true(outbox_logged(b, &whole));
    assert_false(outbox_logged(b, &whole)); /* at least once on the wire, once here */
    queue_commit();
    queue_crash(); /* others of the batch are gone by now: the next can still be put together */
  }
  struct flight list[BATCHES_IN_FLIGHT_MAX];
  assert_int_equal(queue_flights(list), 1);
  assert_int_equal(list[0].sequence, 1);
  assert_int_equal(queue_item(4).pending, 0);
  assert_int_equal(queue_item(0).pending, 1);
}

static void other_batch_of_same_sequence_is_not_ours(void **state)
{
  (void)state;
  queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  assert_int_equal(queue_form(1), 1);
  struct batch batch = queue_message(1);
  uint8_t header[BATCH_HEADER_SIZE];
  memcpy(header, batch.header_bytes.data, sizeof header);
  header[BATCH_HEADER_SIZE - 1] ^= 1;
  batch.header_bytes = BYTES(header);
  struct leaf leaf;
  assert_int_equal(leaf_read(logged_leaf(&batch, 0, 5), &leaf), OK);
  struct books *b = store_begin(queue_store, true);
  assert_false(outbox_logged(b, &leaf));
  store_abort(queue_store);
}

static void refused_batch_is_formed_again(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  for (uint8_t i = 0; i < 4; i++)
    queue_add(b, HIGH, i);
  queue_commit();
  assert_int_equal(queue_form(2), 1);
  assert_int_equal(queue_form(2), 2);
  outbox_unform(store_begin(queue_store, true), 1);
  queue_commit();
  queue_crash();
  assert_int_equal(queue_waiting(), 4);
  assert_int_equal(queue_item(0).unsent, 1);
  assert_int_equal(queue_form(3), 1);
  struct batch batch = queue_message(1);
  for (uint8_t i = 0; i < 3; i++)
    assert_int_equal(batch.events[i].referral.byte[0], i);
}

static void event_to_blame_is_taken_out(void **state)
{
  (void)state;
  struct books *b = store_begin(queue_store, true);
  for (uint8_t i = 0; i < 3; i++)
    queue_add(b, HIGH, i);
  queue_commit();
  assert_int_equal(queue_form(3), 1);
  outbox_drop(store_begin(queue_store, true), 1, 1);
  queue_commit();
  struct item item = queue_item(1);
  assert_int_equal(item.pending, 0);
  assert_int_equal(item.refused_act, ONWARD__CORE__ACT_ACKNOWLEDGE);
  assert_int_equal(queue_form(3), 1);
  struct batch batch = queue_message(1);
  assert_int_equal(batch.count, 2);
  assert_int_equal(batch.events[1].referral.byte[0], 2);
}

static size_t sign_again(uint64_t from)
{
  size_t count;
  assert_int_equal(outbox_sign_again(store_begin(queue_store, true), &queue_self, from, &count), OK);
  queue_commit();
  return count;
}

static void new_key_signs_the_same_header(void **state)
{
  (void)state;
  queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  assert_int_equal(queue_form(1), 1);
  struct batch before = queue_message(1);
  es256_secret_close(queue_self.keys->sign);
  must(es256_generate(&queue_self.keys->sign) == OK);
  assert_int_equal(sign_again(1), 1);
  struct batch after = queue_message(1); /* verifies with the new key */
  assert_true(bytes_equal(before.header_bytes, after.header_bytes));
  assert_int_equal(sign_again(1), 0); /* the log may have it by now, with that very signature */
  assert_true(bytes_equal(queue_message(1).signature, after.signature));
}

/* The first batch is in the log, signed with the key that was valid there, and its entries are still to come: only
 * those signatures fit them. The second was refused. */
static void what_was_logged_keeps_its_signature(void **state)
{
  (void)state;
  for (uint8_t i = 1; i <= 3; i++) {
    queue_add(store_begin(queue_store, true), HIGH, i);
    queue_commit();
    assert_int_equal(queue_form(1), i);
  }
  struct batch first = queue_message(1);
  struct bytes leaf = logged_leaf(&first, 0, 7), made;
  struct leaf header;
  es256_secret_close(queue_self.keys->sign);
  must(es256_generate(&queue_self.keys->sign) == OK);
  assert_int_equal(sign_again(2), 2);
  queue_message(2);
  queue_message(3);
  assert_int_equal(leaf_header_read(bytes_of(leaf.data, LEAF_HEADER_SIZE), &header), OK);
  struct books *b = store_begin(queue_store, false);
  assert_int_equal(outbox_leaf(b, &header, is_same, &leaf, &queue_arena, &made), OK);
  store_abort(queue_store);
}

static void only_unsent_is_taken_back(void **state)
{
  (void)state;
  uint64_t number = queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  assert_int_equal(outbox_take_back(store_begin(queue_store, true), number), OK);
  queue_commit();
  assert_int_equal(queue_waiting(), 0);
  assert_int_equal(queue_item(1).pending, 0);
  number = queue_add(store_begin(queue_store, true), HIGH, 1);
  queue_commit();
  assert_int_equal(queue_form(1), 1);
  assert_int_equal(outbox_take_back(store_begin(queue_store, true), number), NOT_NOW);
  store_abort(queue_store);
}

/* A whole batch comes back from the log. Bodies are not looked at. */
static void come_back(uint64_t sequence)
{
  struct bytes body, sealed;
  must(outbox_message(store_begin(queue_store, false), sequence, &queue_arena, &body, &sealed) == OK);
  store_abort(queue_store);
  const Onward__Batch *m = pb_unpack(&onward__batch__descriptor, body, &queue_arena);
  struct event events[BATCH_EVENTS_MAX];
  struct hash hashes[BATCH_EVENTS_MAX];
  struct merkle_batch tree;
  struct batch batch = {.header_bytes = pb_bytes(m->header),
                        .signature = pb_bytes(m->signature),
                        .count = m->n_events,
                        .events = events,
                        .tree = &tree};
  for (size_t i = 0; i < m->n_events; i++) {
    events[i].bytes = pb_bytes(m->events[i]);
    hashes[i] = merkle_leaf(events[i].bytes);
  }
  merkle_batch_fill(&tree, hashes, batch.count);
  struct books *b = store_begin(queue_store, true);
  for (size_t i = 0; i < m->n_events; i++) {
    struct leaf leaf;
    must(leaf_read(logged_leaf(&batch, i, 100 * sequence + i), &leaf) == OK);
    assert_true(outbox_logged(b, &leaf));
  }
  queue_commit();
}

/* After a restore: the log has one event of a batch that it never got as that batch. The other one is still to be said.
 */
static void logged_elsewhere_leaves_its_batch(void **state)
{
  (void)state;
  struct marks m;
  struct books *b = store_begin(queue_store, true);
  queue_add(b, HIGH, 1);
  queue_add(b, HIGH, 2);
  queue_add(b, HIGH, 3);
  queue_commit();
  assert_int_equal(queue_form(2), 1);
  struct event first = queue_message(1).events[0];
  b = store_begin(queue_store, true);
  outbox_logged_before(b, &first); /* nothing is read again: it is a repetition, and changes nothing */
  queue_commit();
  assert_int_equal(queue_item(1).pending, 1);
  b = store_begin(queue_store, true);
  marks_get(b, &m);
  m.read_back = 7;
  marks_put(b, &m);
  outbox_logged_before(b, &first);
  outbox_logged_before(b, &first);
  queue_commit();
  assert_int_equal(queue_item(1).pending, 0);
  assert_int_equal(queue_item(1).unsent, 0);
  outbox_unform(store_begin(queue_store, true), 1);
  queue_commit();
  assert_int_equal(queue_waiting(), 2);
  assert_int_equal(queue_item(2).pending, 1);
  assert_int_equal(queue_item(2).unsent, 1);
  assert_int_equal(queue_form(8), 1);
  struct batch batch = queue_message(1);
  assert_int_equal(batch.count, 2);
  assert_int_equal(batch.events[0].referral.byte[0], 2);
  assert_int_equal(batch.events[1].referral.byte[0], 3);
}

/* When the books are nearly full nothing new is begun, but what waits goes out, and makes room by that. */
static void full_books_still_send(void **state)
{
  (void)state;
  static uint8_t body[SEALED_SIZE_MAX];
  struct event e = queue_event(1);
  uint64_t number;
  size_t count = 0;
  queue_open("small", 4 << 20);
  for (enum status s = OK; s == OK; count++) {
    struct books *b = store_begin(queue_store, true);
    books_need_room(b, OUTBOX_EVENTS_MAX);
    s = outbox_add(b, HIGH, &e, BYTES(body), &number);
    assert_int_equal(s, OK);
    s = store_commit(queue_store, queue_why);
    assert_true(s == OK || s == NOT_NOW);
  }
  assert_true(count > 10);
  for (uint64_t sequence = queue_form(8); sequence != 0; sequence = queue_form(8)) {
    come_back(sequence);
    arena_reset(&queue_arena);
  }
  assert_int_equal(queue_waiting(), 0);
  struct books *b = store_begin(queue_store, true);
  books_need_room(b, OUTBOX_EVENTS_MAX);
  e = queue_event(2);
  assert_int_equal(outbox_add(b, HIGH, &e, BYTES(body), &number), OK);
  assert_int_equal(store_commit(queue_store, queue_why), OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(entry_is_put_together_from_its_header, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(other_batch_of_same_sequence_is_not_ours, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(refused_batch_is_formed_again, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(event_to_blame_is_taken_out, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(new_key_signs_the_same_header, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(what_was_logged_keeps_its_signature, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(only_unsent_is_taken_back, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(logged_elsewhere_leaves_its_batch, queue_setup, queue_teardown),
      cmocka_unit_test_setup_teardown(full_books_still_send, queue_setup, queue_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
