/* Nothing waits unseen: from the table of rules alone, every state and set of flags that a referral can come into, and
 * for each how long it takes, when everybody is silent, until somebody is told. Prints the longest of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ledger/change.h"
#include "tests/unit/support.h"

#define DAY_MS UINT64_C(86400000)
#define BOUND_MS                                                                                                       \
  (90 * DAY_MS) /* the longest that the proposed policy is silent: between two reports, at low priority */
#define UNREAD (FLAG_SAFETY_AT_RECIPIENT | FLAG_SAFETY_AT_SENDER)
#define ENDED (IN(CLOSED) | IN(CANCELLED) | IN(WITHDRAWN) | IN(ERROR))

static bool reachable[STATES][FLAGS_ALL + 1];

/* Every row that fits, until nothing new is found. */
static void walk(enum referral_state state, uint8_t flags)
{
  if (reachable[state][flags])
    return;
  reachable[state][flags] = true;
  for (const struct rule *r = rules; r < rules + rules_count; r++) {
    bool fits = r->built && (r->from >> state & 1) != 0 && (flags & r->with) == r->with && (flags & r->without) == 0;
    if (fits)
      walk(r->to == STATE_NONE ? state : (enum referral_state)r->to, (uint8_t)((flags | r->sets) & ~r->clears));
  }
}

/* When the first clock fires that began with coming into this state. */
static uint64_t silent_for_ms(struct books *b, enum referral_state state, uint8_t flags, Onward__Priority priority)
{
  struct leaf leaf = {.index = 7, .time_ms = WORLD_START_MS};
  struct event e = {.act = ONWARD__CORE__ACT_RECEIVE};
  struct referral before, after;
  memset(&before, 0, sizeof before);
  before.present = PARTY_NONE;
  after = before;
  after.state = (uint8_t)state;
  after.flags = flags;
  after.priority = (uint8_t)priority;
  after.leg_index = 7;
  after.expected_ms = WORLD_START_MS + 30 * DAY_MS;
  clocks_move(b, &leaf, &e, &before, &after);
  uint64_t due_ms = clocks_earliest(&after).due_ms;
  return due_ms == 0 ? UINT64_MAX : due_ms - leaf.time_ms;
}

static void somebody_is_told_in_time(void **state)
{
  static struct world w;
  char folder[FOLDER_PATH_SIZE];
  uint64_t longest_ms[3] = {0};
  int count = 0;
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  struct books *b = store_begin(w.store, true);
  walk(STATE_NONE, 0);
  for (int s = STATE_REQUESTED; s < STATE_LEG_OVER; s++)
    for (unsigned flags = 0; flags <= FLAGS_ALL; flags++)
      for (int priority = ONWARD__PRIORITY__HIGH; priority <= ONWARD__PRIORITY__LOW && reachable[s][flags];
           priority++) {
        uint64_t ms = silent_for_ms(b, (enum referral_state)s, (uint8_t)flags, (Onward__Priority)priority);
        if ((ENDED >> s & 1) != 0 && (flags & UNREAD) == 0)
          continue; /* the duty to erase has a clock of its own, for each party */
        count++;
        if (ms > BOUND_MS)
          fail_msg("%s with flags %u: nobody is ever told", state_name((enum referral_state)s), flags);
        if (ms > longest_ms[priority - 1])
          longest_ms[priority - 1] = ms;
      }
  assert_true(count > 100);
  print_message(
      "%d states with their flags; silence lasts at most %llu, %llu and %llu days at priority high, medium, low\n",
      count, (unsigned long long)(longest_ms[0] / DAY_MS), (unsigned long long)(longest_ms[1] / DAY_MS),
      (unsigned long long)(longest_ms[2] / DAY_MS));
  store_abort(w.store);
  world_fini(&w);
  folder_remove(folder);
}

/* Every way out of the states within a turn is an entry that the same turn writes. */
static void no_state_is_a_dead_end(void **state)
{
  (void)state;
  for (int s = STATE_REQUESTED; s < STATE_LEG_OVER; s++) {
    bool way_out = (ENDED >> s & 1) != 0;
    for (const struct rule *r = rules; r < rules + rules_count; r++)
      way_out = way_out || (r->built && (r->from >> s & 1) != 0 && r->to != STATE_NONE && r->to != s);
    assert_true(way_out && reachable[s][0]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(somebody_is_told_in_time),
                                     cmocka_unit_test(no_state_is_a_dead_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
