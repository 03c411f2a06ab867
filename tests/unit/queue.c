/* One queue at a time, in static rooms. */
#include "tests/unit/queue.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_SIZE (16u << 20)

char queue_why[200];
static char folder[FOLDER_PATH_SIZE];
struct store *queue_store;
static struct key_folder keys;
struct self queue_self;
static void *memory;
struct arena queue_arena;

void queue_open(const char *name, uint64_t map_size)
{
  struct store_options o = {.folder = folder_path(folder, name),
                            .table_names = tables_names(),
                            .table_count = TABLES_AGENT,
                            .format = AGENT_FORMAT,
                            .create = true,
                            .map_size = map_size};
  if (queue_store != NULL)
    store_close(queue_store);
  must(store_open(&o, queue_why, &queue_store) == OK);
}

void queue_crash(void)
{
  queue_open("books", 0); /* an open transaction would have been aborted by the caller */
}

void queue_commit(void)
{
  must(store_commit(queue_store, queue_why) == OK);
}

int queue_setup(void **state)
{
  (void)state;
  folder_make(folder);
  queue_open("books", 0);
  memory = malloc(MEMORY_SIZE);
  queue_arena = arena_of(memory, MEMORY_SIZE);
  must(es256_generate(&keys.sign) == OK);
  queue_self = (struct self){.keys = &keys};
  memset(queue_self.network.byte, 9, sizeof queue_self.network.byte);
  must(org_id_parse(bytes_text("aple"), &queue_self.id) == OK);
  return 0;
}

int queue_teardown(void **state)
{
  (void)state;
  store_close(queue_store);
  queue_store = NULL;
  es256_secret_close(keys.sign);
  keys = (struct key_folder){.seal_count = 0};
  free(memory);
  folder_remove(folder);
  return 0;
}

/* An `acknowledge` of this referral, in the arena. */
struct event queue_event(uint8_t referral)
{
  struct ref_id id = {{referral}};
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  Onward__Answered answers = ONWARD__ANSWERED__INIT;
  uint8_t hash[32] = {1};
  struct bytes packed;
  struct complaint complaint;
  struct event e;
  Onward__Core *core = core_new(&id, &queue_arena);
  answers.index = 1;
  answers.leaf_hash = pb_data(BYTES(hash));
  core->answers = &answers;
  core->act_case = ONWARD__CORE__ACT_ACKNOWLEDGE;
  core->acknowledge = &acknowledge;
  must(event_pack(core, NULL, 0, &queue_arena, &packed) == OK &&
       event_read(packed, &queue_arena, &complaint, &e) == OK);
  return e;
}

uint64_t queue_add(struct books *b, uint8_t priority, uint8_t referral)
{
  uint64_t number;
  struct event e = queue_event(referral);
  struct item item;
  if (item_get(b, &e.referral, &item) != OK)
    item_put(b, &item);
  must(outbox_add(b, priority, &e, (struct bytes){NULL, 0}, &number) == OK);
  return number;
}

uint64_t queue_waiting(void)
{
  struct marks m;
  marks_get(store_begin(queue_store, false), &m);
  store_abort(queue_store);
  return m.waiting;
}

struct item queue_item(uint8_t referral)
{
  struct item item;
  struct ref_id id = {{referral}};
  must(item_get(store_begin(queue_store, false), &id, &item) == OK);
  store_abort(queue_store);
  return item;
}

/* Forms and commits. 0: nothing was formed. */
uint64_t queue_form(size_t limit)
{
  uint64_t sequence = 0;
  if (outbox_form(store_begin(queue_store, true), &queue_self, limit, MESSAGE_SIZE_MAX, false, &sequence) != OK) {
    store_abort(queue_store);
    return 0;
  }
  queue_commit();
  return sequence;
}

/* The batch as the exchange reads it; its root and signature hold. */
struct batch queue_message(uint64_t sequence)
{
  struct bytes body, sealed;
  struct batch batch;
  struct refusal refusal;
  must(outbox_message(store_begin(queue_store, false), sequence, &queue_arena, &body, &sealed) == OK);
  store_abort(queue_store);
  assert_int_equal(batch_read(body, sealed, &queue_arena, &refusal, &batch), OK);
  uint8_t point[ES256_PUBLIC_SIZE];
  struct es256_public *key;
  es256_secret_public(keys.sign, point);
  must(es256_public_open(BYTES(point), &key) == OK);
  assert_int_equal(dsse_verify(key, BATCH_TYPE, batch.header_bytes, batch.signature), OK);
  es256_public_close(key);
  assert_true(org_id_equal(&batch.header.organisation, &queue_self.id));
  return batch;
}

size_t queue_flights(struct flight out[BATCHES_IN_FLIGHT_MAX])
{
  size_t n = outbox_flights(store_begin(queue_store, false), out);
  store_abort(queue_store);
  return n;
}
