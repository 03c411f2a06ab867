/* onward-guard: a few hundred events on their way through the exchange and back to their agents, in one process and
 * without a socket (guard_wire.h), for callgrind to count. Each shape is a dump of its name: in the exchange's thread
 * the turns that it took, deliveries included, in the agents' what they checked of them. guard.sh runs it and makes the
 * table; by itself it only says how many events each shape has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "tests/bench/answers.h"
#include "tests/bench/guard_wire.h"
#include "tests/bench/referrals.h"

enum { OFFERS_MAX = 512, STOCK = 64, ARENA_SIZE = 16 << 20 };

/* Submits, or answers to the submits of the shape before. */
struct shape {
  const char *name;
  size_t events, batch, batches_a_turn;
  size_t act_count; /* 0: submits */
  act_kind acts[2];
};
static const struct shape shapes[] = {
    {"warm", 32, 32, 1, 0, {0}}, /* what is done once in a process is not counted */
    {"warm-receive", 32, 32, 1, 1, {ONWARD__CORE__ACT_RECEIVE}},
    {"W256", 512, 256, 1, 0, {0}},
    {"A1", 64, 1, 1, 0, {0}},
    {"A8", 64, 1, 8, 0, {0}},
    {"receive", 64, 64, 1, 1, {ONWARD__CORE__ACT_RECEIVE}},
    {"accept", 128, 128, 1, 2, {ONWARD__CORE__ACT_ACKNOWLEDGE, ONWARD__CORE__ACT_ACCEPT}},
};

static struct {
  struct exchange exchange;
  struct speaker *recipient, *sender;
  struct stock *stock;
  struct arena arena;
  struct heard offers[OFFERS_MAX];
  size_t offer_count;
} guard;

static void hears(void *context, const struct heard *h)
{
  (void)context;
  if (h->own || h->act != ONWARD__CORE__ACT_SUBMIT)
    return;
  must(guard.offer_count < OFFERS_MAX);
  guard.offers[guard.offer_count++] = *h;
}

/* Both agents take what is for them, until nothing more comes. */
static void take(void)
{
  CALLGRIND_TOGGLE_COLLECT;
  speaker_take(guard.sender, hears, NULL);
  speaker_take(guard.recipient, hears, NULL);
  CALLGRIND_TOGGLE_COLLECT;
}

static void say(const struct shape *s, size_t number)
{
  struct event e;
  struct bytes bodies = {NULL, 0};
  struct speaker *author = s->act_count == 0 ? guard.sender : guard.recipient;
  if (s->act_count == 0) {
    stock_next(guard.stock, &e, &bodies);
  } else {
    must(number / s->act_count < guard.offer_count);
    answer_make(speaker_self(author), &guard.offers[number / s->act_count], s->acts[number % s->act_count],
                &guard.arena, &e);
  }
  speaker_say(author, &e, bodies);
  if ((number + 1) % s->batch == 0)
    speaker_push(author);
}

static void play(const struct shape *s)
{
  if (s->act_count == 0)
    guard.offer_count = 0; /* the next answers are to these */
  arena_reset(&guard.arena);
  wire_count(true);
  for (size_t i = 0; i < s->events; i++) {
    say(s, i);
    if ((i + 1) % (s->batch * s->batches_a_turn) == 0)
      take();
  }
  wire_count(false);
  wire_dump(s->name);
  printf("%s %zu\n", s->name, s->events);
}

int main(void)
{
  struct exchange *x = &guard.exchange;
  bench_begin();
  offices_make(x, 2, NULL);
  exchange_found(x);
  bench_hush(folder_path(x->folder, "exchange.log"));
  guard.arena = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
  must(guard.arena.memory != NULL);
  char folder[FOLDER_PATH_SIZE + 10];
  snprintf(folder, sizeof folder, "%s/broker", x->folder);
  wire_begin(folder);
  exchange_enrol(x, NULL);
  guard.recipient = speaker_open(x, &x->office[0], NULL, BATCH_EVENTS_MAX);
  guard.sender = speaker_open(x, &x->office[1], NULL, BATCH_EVENTS_MAX);
  guard.stock = stock_make(x, speaker_self(guard.sender), &x->office[0], STOCK);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    play(&shapes[i]);
  speaker_close(guard.sender);
  speaker_close(guard.recipient);
  stock_free(guard.stock);
  wire_end();
  free(guard.arena.memory);
  exchange_leave(x);
  return 0;
}
