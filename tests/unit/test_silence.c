/* Nothing waits unseen: from the table of rules alone, every state and set of flags that a referral can come into, and
 * for each how long it takes, when everybody is silent, until its sender is told (the registrars in its place, where it
 * was cut off). Prints the longest of them. */
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
#define WAITING_MS (366 * DAY_MS) /* the furthest date of a waiting list */
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

/* What the broker writes then is told to the sender. */
static void assert_told(struct books *b, struct arena *a, const struct referral *r, uint64_t due_ms)
{
  Onward__Core core;
  assert_true(rules_due(b, due_ms, a, &core));
  struct event e = {.act = core.act_case, .core = &core};
  const struct rule *row = rules_row(&e, ACTOR_BROKER, r->state, r->flags);
  if (row == NULL || (row->told & TELL_SENDER) == 0)
    fail_msg("%s in %s with flags %u is not told to the sender", act_name(e.act), state_name(r->state), r->flags);
}

/* When the first clock fires that began with coming into this state. */
static uint64_t silent_for_ms(struct books *b, struct arena *a, enum referral_state state, uint8_t flags,
                              Onward__Priority priority)
{
  struct leaf leaf = {.index = 7, .time_ms = WORLD_START_MS};
  struct event e = {.act = ONWARD__CORE__ACT_RECEIVE};
  struct referral before, after;
  memset(&before, 0, sizeof before);
  before.present = PARTY_NONE;
  memcpy(before.sender.text, "police", 6);
  memcpy(before.parties[0].org.text, "aple", 4);
  before.party_count = 1;
  after = before;
  after.present = state == STATE_RETURNED ? PARTY_NONE : 0;
  after.state = (uint8_t)state;
  after.flags = flags;
  after.priority = (uint8_t)priority;
  after.leg_index = 7;
  after.expected_ms = WORLD_START_MS + WAITING_MS;
  clocks_move(b, &leaf, &e, &before, &after);
  books_put_referral(b, &after);
  uint64_t due_ms = clocks_earliest(&after).due_ms;
  if (due_ms == 0)
    return UINT64_MAX;
  assert_told(b, a, &after, due_ms);
  return due_ms - leaf.time_ms;
}

static bool waits(int state, unsigned flags)
{
  return (ENDED >> state & 1) == 0 || (flags & UNREAD) != 0; /* of a duty to erase each party has a clock */
}

static void somebody_is_told_in_time(void **state)
{
  static struct world w;
  char folder[FOLDER_PATH_SIZE];
  uint64_t longest_ms[3] = {0}, waiting_ms = 0;
  int count = 0;
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  walk(STATE_NONE, 0);
  for (int s = STATE_REQUESTED; s < STATE_LEG_OVER; s++)
    for (unsigned flags = 0; flags <= FLAGS_ALL; flags++)
      for (int priority = ONWARD__PRIORITY__HIGH; priority <= ONWARD__PRIORITY__LOW && reachable[s][flags];
           priority++) {
        if (!waits(s, flags))
          continue;
        struct books *b = store_begin(w.store, true);
        w.arena.used = 0;
        uint64_t ms = silent_for_ms(b, &w.arena, (enum referral_state)s, (uint8_t)flags, (Onward__Priority)priority);
        store_abort(w.store);
        uint64_t *longest = s == STATE_WAITLISTED ? &waiting_ms : &longest_ms[priority - 1];
        count++;
        if (ms > (s == STATE_WAITLISTED ? WAITING_MS : BOUND_MS))
          fail_msg("%s with flags %u: nobody is ever told", state_name((enum referral_state)s), flags);
        *longest = ms > *longest ? ms : *longest;
      }
  assert_true(count > 100);
  print_message("%d states with their flags; silence lasts at most %llu, %llu and %llu days at priority high, medium, "
                "low, and on a waiting list as long as was said, at most %llu\n",
                count, (unsigned long long)(longest_ms[0] / DAY_MS), (unsigned long long)(longest_ms[1] / DAY_MS),
                (unsigned long long)(longest_ms[2] / DAY_MS), (unsigned long long)(waiting_ms / DAY_MS));
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
