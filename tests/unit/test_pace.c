/* How much may be on its way: one event first, then what the link carries within the target, half after a cut; and one
 * batch of high priority beyond that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agents/pace.h"

enum { SIZE = 10000 }; /* bytes of a batch */

struct line {
  size_t most; /* bytes that were under way */
  double busy; /* part of the time */
};

/* Over a line that carries so many bytes a ms, and answers `answer_ms` later: everything goes that may. */
static struct line settle(struct pace *p, double rate, uint64_t answer_ms, int batches)
{
  uint64_t now = 1000, sequence = 0, logged = 0, free_ms = now; /* ms */
  uint64_t back_ms[4096];
  size_t most = 0, sum = 0;
  while (logged < (uint64_t)batches) {
    while (sequence < (uint64_t)batches && sequence - logged < BATCHES_IN_FLIGHT_MAX - 1 && !pace_next(p).high_only) {
      size_t size = pace_next(p).bytes < SIZE ? SIZE : pace_next(p).bytes;
      pace_sent(p, ++sequence, size, now);
      free_ms = (free_ms > now ? free_ms : now) + (uint64_t)((double)size / rate);
      back_ms[sequence] = free_ms + answer_ms;
      size_t under_way = 0;
      sum += size;
      for (size_t i = 0; i < BATCHES_IN_FLIGHT_MAX; i++)
        under_way += p->sent[i].sequence != 0 ? p->sent[i].size : 0;
      most = under_way > most ? under_way : most;
    }
    now = back_ms[++logged];
    pace_logged(p, logged, now);
  }
  return (struct line){most, (double)sum / rate / (double)(now - 1000)};
}

static void one_event_first(void **state)
{
  (void)state;
  struct pace p = {.room = 0};
  assert_int_equal(pace_next(&p).bytes, 1);
  assert_false(pace_next(&p).high_only);
  pace_sent(&p, 1, SIZE, 1000);
  assert_true(pace_was_sent(&p, 1));
  assert_true(pace_next(&p).high_only);
  pace_logged(&p, 1, 1010);
  assert_false(pace_was_sent(&p, 1));
  assert_int_equal(p.room, 2 * SIZE); /* never more than twice what came back */
  assert_int_equal(pace_next(&p).bytes, SIZE);
}

static void slow_line_is_kept_busy_for_seconds(void **state)
{
  (void)state;
  struct pace p = {.room = 0};
  struct line line = settle(&p, 2.5, 1500, 100);
  assert_in_range(p.room, SIZE, (size_t)(PACE_TARGET_MS * 2.5));
  assert_in_range(line.most, SIZE, (size_t)(PACE_TARGET_MS * 2.5) + SIZE);
  assert_true(line.busy > 0.9);
}

static void fast_line_is_filled(void **state)
{
  (void)state;
  struct pace p = {.room = 0};
  assert_in_range(settle(&p, 10000, 1, 100).most, PACE_UNDER_WAY_MAX - PACE_BATCH_MAX, PACE_UNDER_WAY_MAX);
  pace_cut(&p);
  assert_int_equal(pace_next(&p).bytes, PACE_BATCH_MAX); /* of one batch */
}

static void line_that_became_slow_is_found_out(void **state)
{
  (void)state;
  struct pace p = {.room = PACE_UNDER_WAY_MAX};
  settle(&p, 2.5, 1500, 40);
  assert_in_range(p.room, SIZE, (size_t)(PACE_TARGET_MS * 2.5));
}

static void cut_halves_and_forgets_what_was_sent(void **state)
{
  (void)state;
  struct pace p = {.room = 8 * SIZE};
  pace_cut(&p); /* nothing was under way: it says nothing of the link */
  assert_int_equal(p.room, 8 * SIZE);
  pace_sent(&p, 1, SIZE, 1000);
  pace_cut(&p);
  assert_int_equal(p.room, 4 * SIZE);
  assert_false(pace_was_sent(&p, 1));
}

static void what_the_exchange_has_takes_no_room(void **state)
{
  (void)state;
  struct pace p = {.room = SIZE};
  pace_exchange_has(&p, 1);
  assert_true(pace_was_sent(&p, 1));
  assert_int_equal(pace_next(&p).bytes, SIZE / 2);
  pace_logged(&p, 1, 100000);
  assert_int_equal(p.room, SIZE); /* and measures nothing */
}

static void one_of_high_priority_goes_beyond(void **state)
{
  (void)state;
  struct pace p = {.room = SIZE};
  pace_sent(&p, 1, SIZE, 1000);
  assert_true(pace_next(&p).high_only);
  assert_int_equal(pace_next(&p).bytes, 1);
  p.extra = 2;
  pace_sent(&p, 2, SIZE, 1000);
  assert_int_equal(pace_next(&p).bytes, 0);
  pace_logged(&p, 1, 1000 + PACE_TARGET_MS);
  assert_int_equal(pace_next(&p).bytes, 0);
  pace_logged(&p, 2, 1000 + 2 * PACE_TARGET_MS);
  assert_false(pace_next(&p).high_only);
}

static void unsent_is_sent_again(void **state)
{
  (void)state;
  struct pace p = {.room = 0};
  for (uint64_t sequence = 1; sequence <= 3; sequence++)
    pace_sent(&p, sequence, SIZE, 1000);
  pace_unsent(&p, 2);
  assert_false(pace_was_sent(&p, 1));
  assert_false(pace_was_sent(&p, 2));
  assert_true(pace_was_sent(&p, 3));
}

static void deliveries_fit_the_line(void **state)
{
  (void)state;
  assert_int_equal(pace_delivery(16384, 16000, 100, 131072), 32768);
  assert_int_equal(pace_delivery(16384, 500, 100, 131072), 16384); /* it was not full: nothing is known of the line */
  assert_int_equal(pace_delivery(16384, 500, UINT64_MAX, 131072), 16384);
  assert_int_equal(pace_delivery(16384, 16000, PACE_TARGET_MS / 2, 131072), 16384);
  assert_int_equal(pace_delivery(16384, 16000, PACE_TARGET_MS + 1, 131072), 8192);
  assert_int_equal(pace_delivery(131072, 131072, 100, 131072), 131072);
  assert_int_equal(pace_delivery(CREDIT_BYTES_MIN, 4096, UINT64_MAX, 131072), CREDIT_BYTES_MIN);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_event_first),
      cmocka_unit_test(slow_line_is_kept_busy_for_seconds),
      cmocka_unit_test(fast_line_is_filled),
      cmocka_unit_test(line_that_became_slow_is_found_out),
      cmocka_unit_test(cut_halves_and_forgets_what_was_sent),
      cmocka_unit_test(what_the_exchange_has_takes_no_room),
      cmocka_unit_test(one_of_high_priority_goes_beyond),
      cmocka_unit_test(unsent_is_sent_again),
      cmocka_unit_test(deliveries_fit_the_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
