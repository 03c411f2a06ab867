/* An exchange that is told anything by anybody, in any order: every event gets the verdict that the rules give it, and
 * afterwards the log must replay to the same books (tests/fuzz/exchange.h).
 *
 * Marks of a record: 1 begins a new turn; 2 its author has read all (EXCHANGE_HAS_READ); 4 a day has gone by. */
#include "tests/fuzz/exchange.h"

#include <string.h>

#include "proto/replay.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/memory.h"

enum { NEW_TURN = 1, NEXT_DAY = 4, RECORDS_MAX = 64 };

static uint8_t memory[16u << 20], replay_memory[4u << 20];
static struct key_ring ring;

static enum status not_random(void *out, size_t size)
{
  static uint8_t next;
  memset(out, ++next, size);
  return OK;
}

static bool found(struct turn *t, struct bytes event)
{
  struct event e;
  struct complaint why;
  return event_read(event, t->arena, &why, &e) == OK && e.act == ONWARD__CORE__ACT_GENESIS &&
         turn_genesis(t->books, t->arena, WORLD_START_MS, e.core->genesis, &why) == OK;
}

/* Every row of one that the other lacks, or has otherwise. */
static void must_have_all(struct books *one, struct books *other)
{
  for (int table = 0; table < TABLES_DERIVED; table++) {
    uint8_t from[512];
    size_t size = 0;
    struct bytes key, value, same;
    while (one->seek(one, table, bytes_of(from, size), &key, &value) == OK) {
      must(other->get(other, table, key, &same) == OK && bytes_equal(value, same));
      memcpy(from, key.data, key.size);
      from[key.size] = 0;
      size = key.size + 1;
    }
  }
}

static void must_replay(struct books *live)
{
  struct arena a = arena_of(replay_memory, sizeof replay_memory);
  struct memory_books again;
  struct replay r;
  struct complaint why;
  struct bytes leaf;
  memory_init(&again);
  replay_init(&r, &again.books, &a, &ring);
  for (uint64_t i = 0; books_entry(live, i, &leaf) == OK; i++)
    must(replay_entry(&r, leaf, &why) == OK);
  must(replay_end(&r, &why) == OK);
  must_have_all(live, &again.books);
  must_have_all(&again.books, live);
  memory_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct reader r = reader_of(bytes_of(data, size));
  struct memory_books m;
  struct record record;
  memory_init(&m);
  struct turn t = {.books = &m.books, .arena = &a, .random = not_random};
  if (record_next(&r, &record) && found(&t, record.event)) {
    uint64_t clock_ms = WORLD_START_MS;
    turn_begin(&t, &m.books, &a, clock_ms);
    for (int i = 0; i < RECORDS_MAX && record_next(&r, &record); i++) {
      clock_ms += (record.marks & NEXT_DAY) != 0 ? 86400000 : 1000;
      if ((record.marks & (NEW_TURN | NEXT_DAY)) != 0)
        turn_begin(&t, &m.books, &a, clock_ms);
      exchange_hear(&t, &ring, &record);
    }
    must(m.books.trouble == OK);
    must_replay(&m.books);
  }
  memory_fini(&m);
  return 0;
}
