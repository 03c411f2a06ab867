/* One organisation cannot hurt the others: what it gets of a turn, when it floods, when it asks for much, when it does
 * not read. Nothing here depends on how fast anything is: turns are told apart by their time in the log, and the
 * exchange is stopped while messages gather before its door.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <zmq.h>

#include <cmocka.h>

#include "tests/system/peer.h"

enum {
  SHARE_EVENTS = 8, /* as peer.c has it in the configuration */
  EVENTS = 4,       /* of a batch of the flood */
  FLOOD = 60,       /* batches */
  OVER = 4000,      /* messages, of 3000 that are allowed */
};

static int fresh(void **state)
{
  (void)state;
  arena_reset(&t.arena);
  return 0;
}

static void enter_to_hear_new(struct peer *p)
{
  uint64_t size = log_size();
  (void)enter(p);
  give_credit(p, size);
}

/* Stops the exchange's process, and waits until it has stopped. */
static void hold_exchange(void)
{
  int status;
  assert_int_equal(kill(t.broker, SIGSTOP), 0);
  assert_int_equal(waitpid(t.broker, &status, WUNTRACED), t.broker);
  assert_true(WIFSTOPPED(status));
}

static void submit_batch(struct peer *p, size_t count)
{
  static struct draft d[EVENTS];
  static uint8_t sealed[EVENTS * 4 * WORLD_BODY_SIZE];
  struct bytes events[EVENTS];
  struct ref_id id;
  size_t size = 0, used = t.arena.used;
  for (size_t i = 0; i < count; i++) {
    events[i] = submit_draft(&d[i], &t.stranger_keys, &id);
    struct bytes bodies = sealed_of(&d[i]);
    memcpy(sealed + size, bodies.data, bodies.size);
    size += bodies.size;
  }
  send_message(p, FRAME_SUBMIT, member_batch(p->member, &t.network, events, count, &t.arena), bytes_of(sealed, size));
  t.arena.used = used;
}

struct own { /* an entry of one's own, as the log has it */
  uint64_t index, time_ms;
};

/* The next `count` of one's own entries; those of the exchange are left out. */
static void own_entries(struct peer *p, struct own *out, size_t count)
{
  for (size_t n = 0; n < count;) {
    const Onward__Delivery *d;
    size_t used = t.arena.used;
    assert_int_equal(hear(p, WAIT_MS, &d), FRAME_DELIVERY);
    for (size_t i = 0; i < d->n_entries; i++) {
      struct leaf leaf;
      assert_int_equal(leaf_read(pb_bytes(d->entries[i]->leaf), &leaf), OK);
      if (leaf.origin != ORIGIN_ORGANISATION)
        continue;
      assert_int_equal(leaf.verdict, ONWARD__VERDICT__ACCEPTED);
      assert_true(n < count);
      out[n++] = (struct own){leaf.index, leaf.time_ms};
    }
    give_credit(p, d->next);
    t.arena.used = used;
  }
}

/* While another waits, and also when nobody does, no turn holds more of one organisation than its share. What waits
 * beside the flood does not wait for all of it. */
static void turn_has_a_share_for_everybody(void **state)
{
  (void)state;
  static struct own flood[FLOOD * EVENTS];
  struct own polite;
  enter_to_hear_new(&t.aple);
  enter_to_hear_new(&t.police);
  hold_exchange();
  for (int i = 0; i < FLOOD; i++)
    submit_batch(&t.aple, EVENTS);
  submit_batch(&t.police, 1);
  assert_int_equal(kill(t.broker, SIGCONT), 0);
  own_entries(&t.police, &polite, 1);
  own_entries(&t.aple, flood, FLOOD * EVENTS);
  size_t in_turn = 0, behind = 0;
  for (size_t i = 0; i < FLOOD * EVENTS; i++) {
    in_turn = i > 0 && flood[i].time_ms == flood[i - 1].time_ms ? in_turn + 1 : 1;
    assert_in_range(in_turn, 1, SHARE_EVENTS);
    behind += flood[i].index > polite.index;
  }
  print_message("%zu of %d events of the flood are behind the other's\n", behind, FLOOD * EVENTS);
  assert_in_range(behind, FLOOD * EVENTS / 2, FLOOD * EVENTS);
}

/* Whoever says too much is told so, with a reason and when to come again; the other's submits are all taken meanwhile.
 */
static void flood_over_quota_is_refused_and_nobody_else(void **state)
{
  (void)state;
  struct own polite[10];
  size_t refused = 0;
  enter_to_hear_new(&t.police);
  (void)enter(&t.aple);
  for (int i = 0; i < OVER; i++)
    give_credit(&t.aple, UINT64_MAX);
  for (size_t i = 0; i < 10; i++) {
    submit_batch(&t.police, 1);
    own_entries(&t.police, &polite[i], 1);
  }
  const Onward__Refusal *r;
  size_t used = t.arena.used;
  for (; refused < 100; refused++) {
    assert_int_equal(hear(&t.aple, WAIT_MS, &r), FRAME_REFUSAL);
    assert_int_equal(r->reason, ONWARD__REFUSAL_REASON__OVER_QUOTA);
    assert_true(r->retry_after_ms > 0);
    t.arena.used = used;
  }
}

static long exchange_memory_kib(void)
{
  char path[64], line[256];
  long kib = -1;
  snprintf(path, sizeof path, "/proc/%d/status", (int)t.broker);
  FILE *f = fopen(path, "re");
  assert_non_null(f);
  while (fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "RssAnon:", 8) == 0)
      kib = strtol(line + 8, NULL, 10);
  fclose(f);
  assert_true(kib > 0);
  return kib;
}

/* It asks for its whole mailbox again and again, and reads nothing: nobody else waits for it, and what the exchange
 * keeps for it has an end. When it reads at last, all is there. */
static void who_never_reads_is_alone_with_it(void **state)
{
  (void)state;
  enum { MAIL = 200, HELLOS = 300, TURNS = 300, MEMORY_KIB = 32768 };
  static struct own polite[MAIL];
  struct own later;
  enter_to_hear_new(&t.police);
  for (size_t i = 0; i < MAIL; i += EVENTS) {
    submit_batch(&t.police, EVENTS);
    own_entries(&t.police, &polite[i], EVENTS);
  }
  t.stranger.queue = 1;
  dial(&t.stranger);
  long before = exchange_memory_kib();
  for (int i = 0; i < HELLOS; i++) {
    say_hello(&t.stranger, &t.network, &t.stranger_keys.id);
    give_credit(&t.stranger, 0);
    give_credit(&t.stranger, 0); /* three messages, so that not every turn ends with the same one */
    arena_reset(&t.arena);
  }
  for (size_t i = 0; i < TURNS; i++) { /* in each of which at least 4 messages of the other are heard */
    submit_batch(&t.police, 1);
    own_entries(&t.police, &later, 1);
    arena_reset(&t.arena);
  }
  print_message("the exchange's memory grew by %ld KiB\n", exchange_memory_kib() - before);
  assert_in_range(exchange_memory_kib() - before + 1024, 0, MEMORY_KIB);
  t.stranger.queue = 0;
  const Onward__Delivery *d = NULL;
  enum frame_kind kind = 0;
  for (int i = 0; i < 10 && kind != FRAME_DELIVERY; i++) { /* a hello that was still waiting may take it over again */
    (void)enter(&t.stranger);
    give_credit(&t.stranger, polite[0].index);
    kind = hear(&t.stranger, WAIT_MS, &d);
  }
  assert_int_equal(kind, FRAME_DELIVERY);
  assert_true(d->n_bodies >= 1);
}

/* One batch of steps on referrals that there are none of, and the verdicts on all of them. */
static void step_on_nothing(struct peer *p)
{
  static struct draft d;
  struct bytes events[BATCH_EVENTS_MAX], none = {NULL, 0};
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  const struct ref_id nobodys = {{7}};
  for (size_t i = 0; i < BATCH_EVENTS_MAX; i++) {
    draft_init(&d, ONWARD__CORE__ACT_ACKNOWLEDGE, &nobodys);
    d.core.acknowledge = &acknowledge;
    d.answers.index = 4;
    d.answers.leaf_hash = pb_data(BYTES(d.leaf_hash));
    d.core.answers = &d.answers;
    events[i] = pack_draft(&d);
  }
  send_message(p, FRAME_SUBMIT, member_batch(p->member, &t.network, events, BATCH_EVENTS_MAX, &t.arena), none);
  for (size_t n = 0; n < BATCH_EVENTS_MAX;) {
    const Onward__Delivery *heard;
    assert_int_equal(hear(p, WAIT_MS, &heard), FRAME_DELIVERY);
    n += heard->n_entries;
    give_credit(p, heard->next);
  }
  arena_reset(&t.arena);
}

/* What the rules refuse stands in the log for ever: whoever makes too much of it is no longer heard. */
static void who_is_refused_too_often_is_not_heard(void **state)
{
  (void)state;
  enum { REFUSALS_PER_HOUR = 1000 };
  enter_to_hear_new(&t.first);
  for (size_t n = 0; n < REFUSALS_PER_HOUR; n += BATCH_EVENTS_MAX)
    step_on_nothing(&t.first);
  give_credit(&t.first, UINT64_MAX);
  expect_refusal(&t.first, ONWARD__REFUSAL_REASON__OVER_QUOTA);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(turn_has_a_share_for_everybody, fresh),
      cmocka_unit_test_setup(flood_over_quota_is_refused_and_nobody_else, fresh),
      cmocka_unit_test_setup(who_never_reads_is_alone_with_it, fresh),
      cmocka_unit_test_setup(who_is_refused_too_often_is_not_heard, fresh),
  };
  return cmocka_run_group_tests(tests, door_start, door_stop);
}
