/* One entry after another: judge, write, and at once what follows from it. Nothing is said to anybody here, and nothing
 * is on disk yet: that is the caller's commit. */
#include "proto/turn.h"

#include <string.h>

#include "proto/ledger/rows.h"

enum { DUE_PER_TURN_MAX = 256 };

static void record(struct turn *t, struct leaf *leaf, const struct event *e)
{
  uint8_t *memory = arena_alloc(t->arena, leaf_size(leaf));
  if (memory == NULL) {
    t->books->trouble = NOT_NOW;
    return;
  }
  struct writer w = writer_of(memory, leaf_size(leaf));
  leaf_write(leaf, &w);
  must(!w.overflow);
  ledger_record(t->books, leaf, writer_bytes(&w), e);
}

static struct leaf next_leaf(struct turn *t)
{
  struct head h;
  books_head(t->books, &h);
  return (struct leaf){.index = h.size, .time_ms = t->time_ms, .registry = h.registry};
}

/* Writes an entry of the broker's own. Its event is read back like anybody's: what we could not read we do not write.
 */
static void write_own(struct turn *t, Onward__Core *core, struct event *e)
{
  uint8_t nonce[NONCE_SIZE];
  struct bytes packed;
  struct complaint why;
  if (t->random(nonce, sizeof nonce) != OK) {
    t->books->trouble = OUR_FAULT;
    return;
  }
  core->nonce = pb_data(BYTES(nonce));
  if (event_pack(core, NULL, 0, t->arena, &packed) != OK || event_read(packed, t->arena, &why, e) != OK) {
    t->books->trouble = NOT_NOW;
    return;
  }
  struct leaf leaf = next_leaf(t);
  leaf.origin = ORIGIN_BROKER;
  leaf.verdict = ONWARD__VERDICT__ACCEPTED;
  leaf.event = packed;
  record(t, &leaf, e);
}

static void write_consequences(struct turn *t, struct event last)
{
  Onward__Core core;
  while (t->books->trouble == OK && rules_consequence(t->books, &last, t->time_ms, t->arena, &core))
    write_own(t, &core, &last);
}

static void write_due(struct turn *t)
{
  struct event e;
  Onward__Core core;
  size_t used = t->arena->used;
  for (int i = 0; i < DUE_PER_TURN_MAX && t->books->trouble == OK; i++) {
    if (!rules_due(t->books, t->time_ms, t->arena, &core))
      return;
    write_own(t, &core, &e);
    if (t->books->trouble == OK)
      write_consequences(t, e);
    t->arena->used = used;
  }
}

/* First in its turn, before the clocks that it concerns. */
static void write_about(struct turn *t, const struct turn_about *about, uint64_t absent_ms)
{
  struct event e;
  Onward__Core core = ONWARD__CORE__INIT;
  Onward__Resumed resumed = ONWARD__RESUMED__INIT;
  Onward__ClockDoubted doubted = ONWARD__CLOCK_DOUBTED__INIT;
  Onward__ClockConfirmed confirmed = ONWARD__CLOCK_CONFIRMED__INIT;
  Onward__Purged purged = ONWARD__PURGED__INIT;
  Onward__Restored restored = ONWARD__RESTORED__INIT;
  size_t used = t->arena->used;
  core.act_case = about->act;
  resumed.absent_ms = doubted.absent_ms = confirmed.absent_ms = purged.absent_ms = absent_ms;
  if (about->act == ONWARD__CORE__ACT_RESUMED) {
    core.resumed = &resumed;
  } else if (about->act == ONWARD__CORE__ACT_CLOCK_CONFIRMED) {
    core.clock_confirmed = &confirmed;
  } else if (about->act == ONWARD__CORE__ACT_CLOCK_DOUBTED) {
    core.clock_doubted = &doubted;
  } else if (about->act == ONWARD__CORE__ACT_PURGED) {
    purged.freed_bytes = about->freed_bytes;
    core.purged = &purged;
  } else {
    restored = *about->restored;
    restored.absent_ms = absent_ms;
    core.restored = &restored;
  }
  write_own(t, &core, &e);
  t->arena->used = used;
}

void turn_begin_about(struct turn *t, struct books *b, struct arena *a, uint64_t clock_ms,
                      const struct turn_about *about)
{
  struct head h;
  t->books = b;
  t->arena = a;
  books_head(b, &h);
  t->time_ms = clock_ms > h.time_ms ? clock_ms : h.time_ms + 1;
  uint64_t since_ms = t->time_ms - (about->act == ONWARD__CORE__ACT_CLOCK_CONFIRMED ? h.doubted_ms : h.time_ms);
  bool all = about->act == ONWARD__CORE__ACT_RESTORED || about->absent_ms > since_ms;
  if (about->act != 0)
    write_about(t, about, all ? since_ms : about->absent_ms);
  write_due(t);
}

void turn_begin(struct turn *t, struct books *b, struct arena *a, uint64_t clock_ms)
{
  turn_begin_about(t, b, a, clock_ms, &(struct turn_about){.act = 0});
}

/* The number of this event's first body among all of the batch. */
static size_t first_body(const struct batch *batch, size_t position)
{
  size_t n = 0;
  for (size_t i = 0; i < position; i++)
    n += batch->events[i].outer->n_sealed;
  return n;
}

Onward__Verdict turn_hear(struct turn *t, const struct batch *batch, size_t position)
{
  const struct event *e = &batch->events[position];
  size_t used = t->arena->used; /* nothing that judging and writing needed is kept */
  struct hash path[MERKLE_PATH_MAX];
  size_t path_count = merkle_batch_path(batch->tree, position, path);
  struct leaf leaf = next_leaf(t);
  struct occasion o = {t->books, t->arena, batch->header.organisation, leaf.index, t->time_ms};
  leaf.origin = ORIGIN_ORGANISATION;
  leaf.verdict = (uint16_t)rules_decide(&o, e);
  leaf.position = (uint8_t)position;
  leaf.event = e->bytes;
  leaf.header = batch->header_bytes;
  leaf.signature = batch->signature;
  leaf.path = bytes_of(path, path_count * sizeof path[0]);
  record(t, &leaf, e);
  if (leaf.verdict == ONWARD__VERDICT__ACCEPTED) {
    size_t first = first_body(batch, position);
    for (size_t i = 0; i < e->outer->n_sealed; i++)
      t->books->put(t->books, TABLE_BODIES, bytes_of(key_of_body(leaf.index, (uint8_t)i).data, 9),
                    batch->bodies[first + i]);
    write_consequences(t, *e);
  }
  t->arena->used = used;
  return leaf.verdict;
}

enum status turn_genesis(struct books *b, struct arena *a, uint64_t clock_ms, const Onward__Genesis *genesis,
                         struct complaint *why)
{
  struct turn t = {.books = b, .arena = a, .time_ms = clock_ms, .random = random_bytes};
  struct event e;
  Onward__Core core = ONWARD__CORE__INIT;
  if (genesis_verify(genesis, a, why) != OK)
    return BAD_INPUT;
  core.act_case = ONWARD__CORE__ACT_GENESIS;
  core.genesis = (Onward__Genesis *)(uintptr_t)genesis; /* only read */
  uint8_t nonce[NONCE_SIZE] = {1};
  struct bytes packed;
  core.nonce = pb_data(BYTES(nonce));
  if (event_pack(&core, NULL, 0, a, &packed) != OK || event_read(packed, a, why, &e) != OK)
    return BAD_INPUT;
  write_own(&t, &core, &e);
  return b->trouble;
}
