/* Round by round: every sender refers a batch to office 0, which receives, acknowledges, accepts and completes them;
 * the senders close. What is answered is known from the books themselves. */
#include "tests/bench/fill.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/journal.h"
#include "proto/ledger/rows.h"
#include "tests/bench/answers.h"
#include "tests/bench/measure.h"
#include "tests/bench/referrals.h"

enum {
  SENDERS = 16,
  BATCH = 256,
  STAY_OPEN = 16,            /* of a batch */
  ENTRIES_OF_A_REFERRAL = 7, /* the one by which the exchange opens the leg among them */
  STOCK = 256,
  BATCH_ARENA_SIZE = 16 << 20,
};

struct fill {
  struct exchange *x;
  struct journal journal;
  struct broker_keys keys;
  struct key_ring ring;
  struct arena arena, turn_arena;
  struct books *books; /* of the open turn */
  struct turn turn;
  char why[200];
  struct stock *stocks[SENDERS];
  struct self selves[SENDERS + 1]; /* the recipient's last */
  struct heard offers[SENDERS][BATCH];
};

static void begin(struct fill *f)
{
  f->turn = (struct turn){.random = random_bytes};
  f->books = store_begin(f->journal.store, true);
  arena_reset(&f->turn_arena);
  turn_begin(&f->turn, f->books, &f->turn_arena, clock_ms());
}

static void commit(struct fill *f)
{
  if (journal_commit(&f->journal, f->books, f->why) != OK)
    bench_fail("%s", f->why);
  journal_publish(&f->journal); /* or the pages that it reads could never be used again */
}

/* Signs them as the author's next batch. */
static struct bytes batch_of(struct fill *f, const struct office *author, const struct bytes *events, size_t count)
{
  struct hash hashes[BATCH];
  ProtobufCBinaryData list[BATCH];
  uint8_t header[BATCH_HEADER_SIZE], signature[ES256_SIGNATURE_SIZE];
  struct sequence last;
  books_last_sequence(f->books, &author->id, &last);
  for (size_t i = 0; i < count; i++) {
    hashes[i] = merkle_leaf(events[i]);
    list[i] = pb_data(events[i]);
  }
  struct batch_header h = {f->journal.written.head.network,  author->id,      last.sequence + 1,
                           f->journal.written.head.size - 1, (uint16_t)count, merkle_root(hashes, count)};
  batch_header_write(&h, header);
  must(dsse_sign(author->keys.sign, BATCH_TYPE, BYTES(header), signature) == OK);
  Onward__Batch batch = ONWARD__BATCH__INIT;
  batch.header = pb_data(BYTES(header));
  batch.signature = pb_data(BYTES(signature));
  batch.n_events = count;
  batch.events = list;
  return pb_pack(&batch, &f->arena);
}

/* Has them heard within the open turn. `heard`, where not NULL, learns where each one stands in the log. */
static void hear(struct fill *f, const struct office *author, const struct bytes *events, size_t count,
                 struct bytes bodies, struct heard *heard)
{
  struct batch batch;
  struct refusal why;
  struct head head;
  struct bytes packed = batch_of(f, author, events, count), leaf;
  if (batch_read(packed, bodies, &f->arena, &why, &batch) != OK || batch_admit(f->books, &f->ring, &batch, &why) != OK)
    bench_fail("a batch was not admitted: %s", why.why.text);
  for (size_t i = 0; i < count; i++) {
    books_head(f->books, &head);
    Onward__Verdict v = turn_hear(&f->turn, &batch, i);
    if (v != ONWARD__VERDICT__ACCEPTED || f->books->trouble != OK)
      bench_fail("%s was refused: %s", act_name(batch.events[i].act),
                 pb_enum_name(&onward__verdict__descriptor, (int)v));
    if (heard == NULL)
      continue;
    must(books_entry(f->books, head.size, &leaf) == OK);
    heard[i] = (struct heard){.id = batch.events[i].referral, .index = head.size, .leaf = leaf_hash(leaf)};
    memcpy(heard[i].brief.byte, batch.events[i].outer->sealed[0]->sha256.data, sizeof heard[i].brief.byte);
  }
}

static void enrol_idle(struct fill *f)
{
  begin(f);
  for (size_t i = 0; i < f->x->idle_count; i++) {
    struct bytes none = {NULL, 0};
    size_t used = f->x->arena.used;
    arena_reset(&f->arena);
    struct event e = enrol_event(f->x, &f->x->idle[i]);
    hear(f, &f->x->registrar[0], &e.bytes, 1, none, NULL);
    f->x->arena.used = used;
  }
  commit(f);
}

static void refer(struct fill *f, size_t sender)
{
  static uint8_t memory[BATCH * 2048], sealed[BATCH * SEALED_SIZE];
  struct writer w = writer_of(memory, sizeof memory), bodies = writer_of(sealed, sizeof sealed);
  struct bytes events[BATCH];
  for (size_t i = 0; i < BATCH; i++) {
    struct event e;
    struct bytes body;
    stock_next(f->stocks[sender], &e, &body);
    events[i] = bytes_of(memory + w.size, e.bytes.size);
    write_bytes(&w, e.bytes);
    write_bytes(&bodies, body);
  }
  must(!w.overflow && !bodies.overflow);
  arena_reset(&f->arena);
  hear(f, &f->x->office[sender + 1], events, BATCH, writer_bytes(&bodies), f->offers[sender]);
}

static void answer(struct fill *f, size_t sender, act_kind act)
{
  struct bytes events[BATCH], none = {NULL, 0};
  bool recipient = act != ONWARD__CORE__ACT_CLOSE;
  size_t author = recipient ? SENDERS : sender;
  size_t count = act == ONWARD__CORE__ACT_COMPLETE || !recipient ? BATCH - STAY_OPEN : BATCH;
  arena_reset(&f->arena);
  for (size_t i = 0; i < count; i++) {
    struct event e;
    answer_make(&f->selves[author], &f->offers[sender][i], act, &f->arena, &e);
    events[i] = e.bytes;
  }
  hear(f, &f->x->office[recipient ? 0 : sender + 1], events, count, none, NULL);
}

static void round_of_referrals(struct fill *f, size_t senders)
{
  static const act_kind acts[] = {ONWARD__CORE__ACT_RECEIVE, ONWARD__CORE__ACT_ACKNOWLEDGE, ONWARD__CORE__ACT_ACCEPT,
                                  ONWARD__CORE__ACT_COMPLETE, ONWARD__CORE__ACT_CLOSE};
  begin(f);
  for (size_t i = 0; i < senders; i++)
    refer(f, i);
  commit(f);
  for (size_t a = 0; a < sizeof acts / sizeof acts[0]; a++) {
    begin(f);
    for (size_t i = 0; i < senders; i++)
      answer(f, i, acts[a]);
    commit(f);
  }
}

static void prepare(struct fill *f, struct exchange *x)
{
  const char *folder = folder_path(x->folder, "broker");
  f->x = x;
  f->arena = arena_of(malloc(BATCH_ARENA_SIZE), BATCH_ARENA_SIZE);
  f->turn_arena = arena_of(malloc(TURN_ARENA_SIZE), TURN_ARENA_SIZE);
  must(f->arena.memory != NULL && f->turn_arena.memory != NULL && x->office_count > SENDERS);
  if (broker_keys_open(folder, f->why, &f->keys) != OK ||
      journal_open(&f->journal, folder, &f->keys, 0, false, f->why) != OK)
    bench_fail("%s", f->why);
  for (size_t i = 0; i <= SENDERS; i++)
    f->selves[i] =
        (struct self){x->network.id, x->office[i < SENDERS ? i + 1 : 0].id, &x->office[i < SENDERS ? i + 1 : 0].keys};
  for (size_t i = 0; i < SENDERS; i++)
    f->stocks[i] = stock_make(x, &f->selves[i], &x->office[0], STOCK);
}

static uint64_t disk_size_of(const char *books)
{
  struct stat st;
  return stat(folder_path(books, "data.mdb"), &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static void copy(struct fill *f, struct filled *out)
{
  const char *to = folder_path(f->x->folder, "copy");
  uint64_t begin_ns = now_ns();
  if (store_copy(f->journal.store, to, ALL_TABLES, f->why) != OK)
    bench_fail("%s", f->why);
  out->copy_s = (double)(now_ns() - begin_ns) / 1e9;
  out->copy_size = disk_size_of(to);
  folder_remove(to);
}

void fill_log(struct exchange *x, uint64_t entries, struct filled *out)
{
  static struct fill f; /* large: the key ring */
  prepare(&f, x);
  uint64_t begin_ns = now_ns();
  enrol_idle(&f);
  while (f.journal.written.head.size < entries) {
    uint64_t batches = (entries - f.journal.written.head.size) / (BATCH * ENTRIES_OF_A_REFERRAL) + 1;
    round_of_referrals(&f, batches < SENDERS ? (size_t)batches : SENDERS);
  }
  *out = (struct filled){.entries = f.journal.written.head.size, .fill_s = (double)(now_ns() - begin_ns) / 1e9};
  out->disk_size = disk_size_of(folder_path(folder_path(x->folder, "broker"), "books"));
  copy(&f, out);
  for (size_t i = 0; i < SENDERS; i++)
    stock_free(f.stocks[i]);
  journal_close(&f.journal);
  key_ring_fini(&f.ring);
  broker_keys_close(&f.keys);
  free(f.arena.memory);
  free(f.turn_arena.memory);
}
