/* The durable queue: what was committed is there after a crash, what was not is not; a sequence that was formed keeps
 * its root; what comes back leaves. A crash is the books closed without a commit, and opened again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/compose.h"
#include "proto/admit.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

#define MEMORY_SIZE (16u << 20)
#define HIGH ONWARD__PRIORITY__HIGH
#define LOW ONWARD__PRIORITY__LOW

static char folder[FOLDER_PATH_SIZE], why[200];
static struct store *store;
static struct key_folder keys;
static struct self self;
static void *memory;
static struct arena arena;

static void open_books(void)
{
  struct store_options o = {.folder = folder_path(folder, "books"),
                            .table_names = tables_names(),
                            .table_count = TABLES_AGENT,
                            .create = true};
  must(store_open(&o, why, &store) == OK);
}

static void crash(void)
{
  store_close(store); /* an open transaction would have been aborted by the caller */
  open_books();
}

static void commit(void)
{
  must(store_commit(store, why) == OK);
}

static int setup(void **state)
{
  (void)state;
  folder_make(folder);
  open_books();
  memory = malloc(MEMORY_SIZE);
  arena = arena_of(memory, MEMORY_SIZE);
  must(es256_generate(&keys.sign) == OK);
  self = (struct self){.keys = &keys};
  memset(self.network.byte, 9, sizeof self.network.byte);
  must(org_id_parse(bytes_text("aple"), &self.id) == OK);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  store_close(store);
  es256_secret_close(keys.sign);
  keys = (struct key_folder){.seal_count = 0};
  free(memory);
  folder_remove(folder);
  return 0;
}

static struct ref_id ref_number(uint8_t n)
{
  struct ref_id id = {{n}};
  return id;
}

/* An `acknowledge` of this referral, in the arena. */
static struct event an_event(uint8_t referral)
{
  struct ref_id id = ref_number(referral);
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  Onward__Answered answers = ONWARD__ANSWERED__INIT;
  uint8_t hash[32] = {1};
  struct bytes packed;
  struct complaint complaint;
  struct event e;
  Onward__Core *core = core_new(&id, &arena);
  answers.index = 1;
  answers.leaf_hash = pb_data(BYTES(hash));
  core->answers = &answers;
  core->act_case = ONWARD__CORE__ACT_ACKNOWLEDGE;
  core->acknowledge = &acknowledge;
  must(event_pack(core, NULL, 0, &arena, &packed) == OK && event_read(packed, &arena, &complaint, &e) == OK);
  return e;
}

static uint64_t add(struct books *b, uint8_t priority, uint8_t referral)
{
  uint64_t number;
  struct event e = an_event(referral);
  struct item item;
  if (item_get(b, &e.referral, &item) != OK)
    item_put(b, &item);
  must(outbox_add(b, priority, &e, (struct bytes){NULL, 0}, &number) == OK);
  return number;
}

static uint64_t waiting(void)
{
  struct marks m;
  marks_get(store_begin(store, false), &m);
  store_abort(store);
  return m.waiting;
}

static struct item item_now(uint8_t referral)
{
  struct item item;
  struct ref_id id = ref_number(referral);
  must(item_get(store_begin(store, false), &id, &item) == OK);
  store_abort(store);
  return item;
}

/* Forms and commits. 0: nothing was formed. */
static uint64_t form(size_t limit)
{
  uint64_t sequence = 0;
  if (outbox_form(store_begin(store, true), &self, limit, BATCHES_IN_FLIGHT_MAX, &sequence) != OK) {
    store_abort(store);
    return 0;
  }
  commit();
  return sequence;
}

/* The batch as the exchange reads it; its root and signature hold. */
static struct batch message(uint64_t sequence)
{
  struct bytes body, sealed;
  struct batch batch;
  struct refusal refusal;
  must(outbox_message(store_begin(store, false), sequence, &arena, &body, &sealed) == OK);
  store_abort(store);
  assert_int_equal(batch_read(body, sealed, &arena, &refusal, &batch), OK);
  uint8_t point[ES256_PUBLIC_SIZE];
  struct es256_public *key;
  es256_secret_public(keys.sign, point);
  must(es256_public_open(BYTES(point), &key) == OK);
  assert_int_equal(dsse_verify(key, BATCH_TYPE, batch.header_bytes, batch.signature), OK);
  es256_public_close(key);
  assert_true(org_id_equal(&batch.header.organisation, &self.id));
  return batch;
}

static size_t flights(struct flight out[BATCHES_IN_FLIGHT_MAX])
{
  size_t n = outbox_flights(store_begin(store, false), out);
  store_abort(store);
  return n;
}

static void add_is_durable_from_its_commit_on(void **state)
{
  (void)state;
  add(store_begin(store, true), HIGH, 1);
  store_abort(store);
  crash();
  assert_int_equal(waiting(), 0);
  assert_int_equal(form(8), 0);
  add(store_begin(store, true), HIGH, 1);
  commit();
  crash();
  assert_int_equal(waiting(), 1);
  struct item item = item_now(1);
  assert_int_equal(item.pending, 1);
  assert_int_equal(item.unsent, 1);
}

static void form_uses_no_sequence_before_its_commit(void **state)
{
  (void)state;
  uint64_t sequence;
  struct flight list[BATCHES_IN_FLIGHT_MAX];
  add(store_begin(store, true), HIGH, 1);
  commit();
  assert_int_equal(outbox_form(store_begin(store, true), &self, 8, 8, &sequence), OK);
  assert_int_equal(sequence, 1);
  store_abort(store);
  crash();
  assert_int_equal(flights(list), 0);
  assert_int_equal(waiting(), 1);
  assert_int_equal(form(8), 1);
  struct item item = item_now(1);
  assert_int_equal(item.pending, 1);
  assert_int_equal(item.unsent, 0);
}

static void formed_batch_never_changes(void **state)
{
  (void)state;
  struct books *b = store_begin(store, true);
  add(b, HIGH, 1);
  add(b, HIGH, 2);
  commit();
  assert_int_equal(form(8), 1);
  struct batch first = message(1);
  crash();
  add(store_begin(store, true), HIGH, 3);
  commit();
  struct batch again = message(1);
  assert_true(bytes_equal(first.header_bytes, again.header_bytes));
  assert_true(bytes_equal(first.signature, again.signature));
  assert_int_equal(again.count, 2);
  assert_int_equal(form(8), 2);
}

static void high_goes_first_and_alone(void **state)
{
  (void)state;
  struct books *b = store_begin(store, true);
  add(b, LOW, 1);
  add(b, LOW, 2);
  add(b, HIGH, 3);
  add(b, LOW, 4);
  commit();
  assert_int_equal(form(8), 1);
  struct batch high = message(1);
  assert_int_equal(high.count, 1);
  assert_int_equal(high.events[0].referral.byte[0], 3);
  assert_int_equal(form(2), 2);
  struct batch low = message(2);
  assert_int_equal(low.count, 2);
  assert_int_equal(low.events[0].referral.byte[0], 1);
  assert_int_equal(low.events[1].referral.byte[0], 2);
}

static void last_place_is_kept_for_high(void **state)
{
  (void)state;
  struct books *b = store_begin(store, true);
  for (uint8_t i = 0; i < 10; i++)
    add(b, LOW, i);
  commit();
  for (uint64_t sequence = 1; sequence < BATCHES_IN_FLIGHT_MAX; sequence++)
    assert_int_equal(form(1), sequence);
  assert_int_equal(form(1), 0);
  b = store_begin(store, true);
  add(b, HIGH, 20);
  add(b, HIGH, 21);
  commit();
  assert_int_equal(form(1), BATCHES_IN_FLIGHT_MAX);
  assert_int_equal(message(BATCHES_IN_FLIGHT_MAX).events[0].referral.byte[0], 20);
  assert_int_equal(form(1), 0);
}

static void slow_link_carries_few_batches(void **state)
{
  (void)state;
  uint64_t sequence;
  struct books *b = store_begin(store, true);
  add(b, LOW, 1);
  add(b, LOW, 2);
  assert_int_equal(outbox_form(b, &self, 1, 1, &sequence), OK);
  assert_int_equal(outbox_form(b, &self, 1, 1, &sequence), NOT_FOUND);
  add(b, HIGH, 3);
  add(b, HIGH, 4);
  assert_int_equal(outbox_form(b, &self, 1, 1, &sequence), OK); /* never behind a lower one */
  assert_int_equal(outbox_form(b, &self, 1, 1, &sequence), NOT_FOUND);
  store_abort(store);
}

/* What the exchange logs of a batch's event, and sends back: the whole leaf. */
static struct bytes logged_leaf(const struct batch *batch, size_t position, uint64_t index)
{
  struct hash path[MERKLE_BATCH_PATH_MAX];
  size_t count = merkle_path(batch->hashes, batch->count, position, path);
  struct leaf leaf = {.origin = ORIGIN_ORGANISATION,
                      .verdict = ONWARD__VERDICT__ACCEPTED,
                      .position = (uint8_t)position,
                      .index = index,
                      .time_ms = 1000 + index,
                      .event = batch->events[position].bytes,
                      .header = batch->header_bytes,
                      .signature = batch->signature,
                      .path = bytes_of(path, count * sizeof path[0])};
  uint8_t *room = arena_alloc(&arena, leaf_size(&leaf));
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
  struct books *b = store_begin(store, true);
  for (uint8_t i = 0; i < 5; i++)
    add(b, HIGH, i);
  commit();
  assert_int_equal(form(2), 1);
  assert_int_equal(form(3), 2);
  struct batch second = message(2);
  for (size_t position = 0; position < 3; position++) {
    struct bytes leaf = logged_leaf(&second, position, 10 + position), made;
    struct leaf header, whole;
    assert_int_equal(leaf_header_read(bytes_of(leaf.data, LEAF_HEADER_SIZE), &header), OK);
    b = store_begin(store, true);
    assert_int_equal(outbox_leaf(b, &header, is_same, &leaf, &arena, &made), OK);
    assert_true(bytes_equal(made, leaf));
    assert_int_equal(leaf_read(made, &whole), OK);
    assert_true(outbox_logged(b, &whole));
    assert_false(outbox_logged(b, &whole)); /* at least once on the wire, once here */
    commit();
    crash(); /* others of the batch are gone by now: the next can still be put together */
  }
  struct flight list[BATCHES_IN_FLIGHT_MAX];
  assert_int_equal(flights(list), 1);
  assert_int_equal(list[0].sequence, 1);
  assert_int_equal(item_now(4).pending, 0);
  assert_int_equal(item_now(0).pending, 1);
}

static void other_batch_of_same_sequence_is_not_ours(void **state)
{
  (void)state;
  add(store_begin(store, true), HIGH, 1);
  commit();
  assert_int_equal(form(1), 1);
  struct batch batch = message(1);
  uint8_t header[BATCH_HEADER_SIZE];
  memcpy(header, batch.header_bytes.data, sizeof header);
  header[BATCH_HEADER_SIZE - 1] ^= 1;
  batch.header_bytes = BYTES(header);
  struct leaf leaf;
  assert_int_equal(leaf_read(logged_leaf(&batch, 0, 5), &leaf), OK);
  struct books *b = store_begin(store, true);
  assert_false(outbox_logged(b, &leaf));
  store_abort(store);
}

static void refused_batch_is_formed_again(void **state)
{
  (void)state;
  struct books *b = store_begin(store, true);
  for (uint8_t i = 0; i < 4; i++)
    add(b, HIGH, i);
  commit();
  assert_int_equal(form(2), 1);
  assert_int_equal(form(2), 2);
  outbox_unform(store_begin(store, true), 1);
  commit();
  crash();
  assert_int_equal(waiting(), 4);
  assert_int_equal(item_now(0).unsent, 1);
  assert_int_equal(form(3), 1);
  struct batch batch = message(1);
  for (uint8_t i = 0; i < 3; i++)
    assert_int_equal(batch.events[i].referral.byte[0], i);
}

static void event_to_blame_is_taken_out(void **state)
{
  (void)state;
  struct books *b = store_begin(store, true);
  for (uint8_t i = 0; i < 3; i++)
    add(b, HIGH, i);
  commit();
  assert_int_equal(form(3), 1);
  outbox_drop(store_begin(store, true), 1, 1);
  commit();
  struct item item = item_now(1);
  assert_int_equal(item.pending, 0);
  assert_int_equal(item.refused_act, ONWARD__CORE__ACT_ACKNOWLEDGE);
  assert_int_equal(form(3), 1);
  struct batch batch = message(1);
  assert_int_equal(batch.count, 2);
  assert_int_equal(batch.events[1].referral.byte[0], 2);
}

static void new_key_signs_the_same_header(void **state)
{
  (void)state;
  add(store_begin(store, true), HIGH, 1);
  commit();
  assert_int_equal(form(1), 1);
  struct batch before = message(1);
  es256_secret_close(keys.sign);
  must(es256_generate(&keys.sign) == OK);
  assert_int_equal(outbox_sign_again(store_begin(store, true), &self, 1), OK);
  commit();
  struct batch after = message(1); /* verifies with the new key */
  assert_true(bytes_equal(before.header_bytes, after.header_bytes));
}

static void only_unsent_is_taken_back(void **state)
{
  (void)state;
  uint64_t number = add(store_begin(store, true), HIGH, 1);
  commit();
  assert_int_equal(outbox_take_back(store_begin(store, true), number), OK);
  commit();
  assert_int_equal(waiting(), 0);
  assert_int_equal(item_now(1).pending, 0);
  number = add(store_begin(store, true), HIGH, 1);
  commit();
  assert_int_equal(form(1), 1);
  assert_int_equal(outbox_take_back(store_begin(store, true), number), NOT_NOW);
  store_abort(store);
}

static void queue_has_a_limit(void **state)
{
  (void)state;
  uint64_t number;
  struct event e = an_event(1);
  struct books *b = store_begin(store, true);
  for (int i = 0; i < OUTBOX_EVENTS_MAX; i++)
    assert_int_equal(outbox_add(b, LOW, &e, (struct bytes){NULL, 0}, &number), OK);
  assert_int_equal(outbox_add(b, LOW, &e, (struct bytes){NULL, 0}, &number), NOT_NOW);
  store_abort(store);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(add_is_durable_from_its_commit_on, setup, teardown),
      cmocka_unit_test_setup_teardown(form_uses_no_sequence_before_its_commit, setup, teardown),
      cmocka_unit_test_setup_teardown(formed_batch_never_changes, setup, teardown),
      cmocka_unit_test_setup_teardown(high_goes_first_and_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(last_place_is_kept_for_high, setup, teardown),
      cmocka_unit_test_setup_teardown(slow_link_carries_few_batches, setup, teardown),
      cmocka_unit_test_setup_teardown(entry_is_put_together_from_its_header, setup, teardown),
      cmocka_unit_test_setup_teardown(other_batch_of_same_sequence_is_not_ours, setup, teardown),
      cmocka_unit_test_setup_teardown(refused_batch_is_formed_again, setup, teardown),
      cmocka_unit_test_setup_teardown(event_to_blame_is_taken_out, setup, teardown),
      cmocka_unit_test_setup_teardown(new_key_signs_the_same_header, setup, teardown),
      cmocka_unit_test_setup_teardown(only_unsent_is_taken_back, setup, teardown),
      cmocka_unit_test_setup_teardown(queue_has_a_limit, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
