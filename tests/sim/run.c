/* Time passes from one happening to the next: something comes on a line, a program wakes. */
#include "tests/sim/exchange.h"
#include "tests/sim/lines.h"

enum { SETTLE_MS = 6000, QUIET_MAX_MS = 30000, HAPPENINGS_MAX = 20000, CLOCKS_PER_LEAP = 30 };

static uint64_t next_ms(bool lazy)
{
  uint64_t least = lines_next_ms();
  for (int i = 0; i < sim.node_count; i++) {
    uint64_t ms = node_wake_ms(&sim.nodes[i], lazy);
    least = ms < least ? ms : least;
  }
  return least;
}

/* Whether anything is there for this one now. */
static bool has_news(int node)
{
  const struct line *l = lines_for(node);
  if (l == NULL)
    return false;
  bool letter = !sim.nodes[node].cut_off && l->to_office.first != NULL && l->to_office.first->due_ms <= sim.now_ms;
  return letter || (line_has_news(l) && l->news_ms <= sim.now_ms);
}

static void happen(void)
{
  lines_tick();
  struct node *exchange = &sim.nodes[EXCHANGE];
  if (exchange->up && (lines_knock() != NULL || node_wake_ms(exchange, false) <= sim.now_ms + 1))
    node_turn(exchange);
  for (int i = REGISTRAR; i < sim.node_count && !sim.ended; i++)
    if (sim.nodes[i].up && (has_news(i) || node_wake_ms(&sim.nodes[i], false) <= sim.now_ms))
      node_turn(&sim.nodes[i]);
}

static void run(uint64_t until_ms, bool lazy)
{
  for (int i = 0; i < HAPPENINGS_MAX && !sim.ended; i++) {
    uint64_t ms = next_ms(lazy);
    if (ms > until_ms)
      break;
    if (ms > sim.now_ms)
      sim.now_ms = ms;
    else
      sim.now_ms += i % 4 == 3; /* whoever wakes and does nothing does not hold the time */
    happen();
  }
  if (until_ms > sim.now_ms)
    sim.now_ms = until_ms;
}

void run_until(uint64_t true_ms)
{
  run(true_ms, false);
}

void run_for(uint64_t ms)
{
  run(sim.now_ms + ms, false);
}

void run_quiet(void)
{
  uint64_t end_ms = sim.now_ms + QUIET_MAX_MS;
  for (int i = 0; i < HAPPENINGS_MAX && !sim.ended && sim.now_ms < end_ms; i++) {
    uint64_t ms = next_ms(true);
    if (ms > sim.now_ms + SETTLE_MS && lines_idle())
      return;
    run(ms < end_ms ? ms : end_ms, true);
  }
}

void run_leap(uint64_t ms)
{
  uint64_t until_ms = sim.now_ms + ms;
  run_quiet();
  for (int i = 0; i < CLOCKS_PER_LEAP && !sim.ended; i++) {
    uint64_t due_ms = exchange_due_ms();
    if (due_ms >= until_ms)
      break;
    if (due_ms > sim.now_ms)
      sim.now_ms = due_ms;
    if (sim.nodes[EXCHANGE].up)
      node_turn(&sim.nodes[EXCHANGE]);
    run_quiet();
  }
  if (until_ms > sim.now_ms)
    sim.now_ms = until_ms;
  if (sim.nodes[EXCHANGE].up && !sim.ended)
    node_turn(&sim.nodes[EXCHANGE]); /* it was there all the time, and notes it */
  run_for(SETTLE_MS);
}
