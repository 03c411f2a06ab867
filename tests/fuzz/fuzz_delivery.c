/* An exchange that lies: whatever the input says is in the log, accepted, signed by whom it likes, proved and signed by
 * the log's key. The agent (it is aple's) takes it entry by entry, or accuses; it must not break
 * (tests/fuzz/exchange.h).
 *
 * Marks of a record: 1 the entry was refused; 2 it comes with its bodies; 4 it comes by the mailbox although it is of
 * the registry. */
#include <string.h>

#include "agents/inbox.h"
#include "proto/seal/hpke.h"
#include "tests/fuzz/exchange.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/memory.h"

enum { REFUSED = 1, WITH_BODIES = 2, BY_MAIL = 4, ENTRIES_MAX = 48 };

static uint8_t memory[24u << 20], log_memory[8u << 20];
static struct agent agent;
static const uint8_t log_seed[ED25519_SECRET_SIZE] = {1};

struct log {                 /* what the exchange says */
  struct memory_books books; /* its entries, to find the hash of an answered one; nothing else */
  struct arena arena;
  size_t count;
  uint64_t registry;
  struct hash network;
  struct hash hashes[ENTRIES_MAX];
  struct bytes leaves[ENTRIES_MAX];
  struct event events[ENTRIES_MAX];
};

static void log_entry(struct log *log, const struct record *record)
{
  struct event e;
  uint8_t header[BATCH_HEADER_SIZE], signature[ES256_SIGNATURE_SIZE];
  if (log->count == ENTRIES_MAX || exchange_event(&log->books.books, record->event, &log->arena, &e) != OK)
    return;
  bool own = act_family(e.act) == ACT_OF_BROKER;
  if ((log->count == 0) != (e.act == ONWARD__CORE__ACT_GENESIS))
    return;
  struct leaf leaf = {.origin = own ? ORIGIN_BROKER : ORIGIN_ORGANISATION,
                      .verdict = (record->marks & REFUSED) != 0 ? ONWARD__VERDICT__NOT_IN_THIS_STATE
                                                                : ONWARD__VERDICT__ACCEPTED,
                      .index = log->count,
                      .time_ms = WORLD_START_MS + 1000 * log->count,
                      .registry = log->registry,
                      .event = e.bytes};
  if (!own) {
    exchange_sign(record->author, &log->network, log->count, 0, &e, header, signature);
    leaf.header = BYTES(header);
    leaf.signature = BYTES(signature);
  }
  uint8_t *bytes = arena_alloc(&log->arena, leaf_size(&leaf));
  must(bytes != NULL);
  struct writer w = writer_of(bytes, leaf_size(&leaf));
  leaf_write(&leaf, &w);
  log->leaves[log->count] = writer_bytes(&w);
  log->hashes[log->count] = leaf_hash(writer_bytes(&w));
  log->events[log->count] = e;
  if (log->count == 0)
    log->network = sha256(writer_bytes(&w));
  if (act_is_registry(e.act) && leaf.verdict == ONWARD__VERDICT__ACCEPTED)
    log->registry = log->count;
  row_put(&log->books.books, TABLE_ENTRIES, key_of_index(log->count++), bytes, leaf_size(&leaf));
}

/* The agent as it is when it has joined: its keys, the log's first entry, a checkpoint over all of it. */
static bool join(struct agent *a, struct books *b, struct log *log)
{
  const struct member *m = exchange_member(APLE);
  char note[NOTE_SIZE_MAX];
  memset(a, 0, sizeof *a);
  a->arena = arena_of(memory, sizeof memory);
  a->self.keys = &a->keys;
  a->self.id = m->id;
  a->self.network = log->network;
  a->keys.sign = m->sign;
  a->keys.seal_count = 1;
  memcpy(a->keys.seal_point[0], m->seal_point, sizeof m->seal_point);
  key_id_of(BYTES(m->seal_point), a->keys.seal_id[0]);
  memcpy(a->evidence.log_key.name, WORLD_ORIGIN, sizeof WORLD_ORIGIN);
  static struct ed25519_secret *log_secret;
  must(log_secret != NULL || ed25519_secret_open(log_seed, &log_secret) == OK);
  ed25519_secret_public(log_secret, a->evidence.log_key.public_key);
  a->evidence.network = log->network;
  a->evidence.ring = &a->ring;
  struct checkpoint first = {.origin = WORLD_ORIGIN "/1", .size = 1, .root = log->hashes[0]}, *c = &a->evidence.newest;
  *c = first;
  c->size = log->count;
  c->root = merkle_root(log->hashes, log->count);
  must(checkpoint_sign(c, WORLD_ORIGIN, log_secret, note, &a->evidence.note_size) == OK);
  memcpy(a->evidence.note, note, a->evidence.note_size);
  return directory_begin(b, log->leaves[0], &log->network, &a->arena) == OK;
}

static enum status take(struct agent *a, struct books *b, const struct log *log, size_t i, uint8_t marks)
{
  static const uint8_t zeros[2 * SEALED_SIZE_MAX];
  struct hash path[MERKLE_PATH_MAX];
  Onward__Entry entry = ONWARD__ENTRY__INIT, *entries[] = {&entry};
  Onward__Body body = ONWARD__BODY__INIT, *bodies[] = {&body};
  const struct event *e = &log->events[i];
  uint64_t needed;
  size_t changed;
  entry.leaf = pb_data(log->leaves[i]);
  entry.path = pb_data(bytes_of(path, merkle_path(log->hashes, log->count, i, path) * sizeof path[0]));
  arena_reset(&a->arena);
  if (act_is_registry(e->act) && (marks & (BY_MAIL | REFUSED)) == 0) {
    Onward__Answer answer = ONWARD__ANSWER__INIT;
    answer.n_entries = 1;
    answer.entries = entries;
    return directory_take(&a->evidence, b, &answer, &a->arena, &changed);
  }
  Onward__Delivery d = ONWARD__DELIVERY__INIT;
  d.n_entries = 1;
  d.entries = entries;
  d.next = i + 1;
  body.index = i;
  body.size = e->outer->n_sealed > 0 ? e->outer->sealed[0]->size : 0;
  d.n_bodies = (marks & WITH_BODIES) != 0 ? 1 : 0;
  d.bodies = bodies;
  return inbox_take(a, b, &d, bytes_of(zeros, body.size), &needed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct log log;
  static uint8_t marks[ENTRIES_MAX];
  struct reader r = reader_of(bytes_of(data, size));
  struct memory_books m;
  struct record record;
  log.count = 0;
  log.registry = 0;
  log.arena = arena_of(log_memory, sizeof log_memory);
  memory_init(&log.books);
  memory_init(&m);
  while (log.count < ENTRIES_MAX && record_next(&r, &record)) {
    marks[log.count] = record.marks;
    log_entry(&log, &record);
  }
  if (log.count > 0 && join(&agent, &m.books, &log)) {
    enum status s = OK;
    for (size_t i = 1; i < log.count && s == OK && m.books.trouble == OK; i++)
      s = take(&agent, &m.books, &log, i, marks[i]);
    must(s != OUR_FAULT && m.books.trouble != OUR_FAULT);
  }
  key_ring_fini(&agent.ring);
  memory_fini(&log.books);
  memory_fini(&m);
  return 0;
}
