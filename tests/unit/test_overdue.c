/* Which clock's running out is still to be shown: until what it waits for has happened, and no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agents/overdue.h"

static struct item item;
static struct referral r;
static Onward__Core core;
static Onward__Overdue overdue;
static Onward__Tell tell;

static int setup(void **state)
{
  (void)state;
  memset(&item, 0, sizeof item);
  memset(&r, 0, sizeof r);
  r.priority = ONWARD__PRIORITY__MEDIUM;
  r.leg_index = 5;
  r.party_count = 2;
  memcpy(r.parties[0].org.text, "aple", 4);
  memcpy(r.parties[1].org.text, "a21", 3);
  return 0;
}

static void hear(uint64_t index, act_kind act)
{
  struct event e = {.act = act, .core = &core};
  core.act_case = act;
  overdue_note(&item, index, &e, 5, &r);
}

static void run_out(uint64_t index, Onward__Clock clock, const char *who)
{
  onward__overdue__init(&overdue);
  overdue.clock = clock;
  overdue.organisation = pb_data(bytes_text(who));
  core.overdue = &overdue;
  hear(index, ONWARD__CORE__ACT_OVERDUE);
}

static uint64_t shown(Onward__Clock clock)
{
  return item.overdue_entry[clock - 1];
}

static void each_clock_lasts_as_long_as_it_waits(void **state)
{
  static const struct {
    Onward__Clock clock;
    uint8_t in, out; /* states */
    uint8_t flags, flags_out;
  } cases[] = {
      {ONWARD__CLOCK__RECEIVE, STATE_REQUESTED, STATE_RECEIVED, 0, 0},
      {ONWARD__CLOCK__READ, STATE_RECEIVED, STATE_ACKNOWLEDGED, 0, 0},
      {ONWARD__CLOCK__DECIDE, STATE_RECEIVED, STATE_ACCEPTED, 0, 0},
      {ONWARD__CLOCK__DECIDE, STATE_ACKNOWLEDGED, STATE_ACKNOWLEDGED, 0, FLAG_INFO_OPEN},
      {ONWARD__CLOCK__CONTACT, STATE_ACCEPTED, STATE_IN_PROGRESS, 0, 0},
      {ONWARD__CLOCK__RETURNED_ACT, STATE_RETURNED, STATE_REQUESTED, 0, 0},
      {ONWARD__CLOCK__RESEAL_ASKED, STATE_RECEIVED, STATE_RECEIVED, FLAG_RESEAL_ASKED, 0},
      {ONWARD__CLOCK__REPORT, STATE_IN_PROGRESS, STATE_COMPLETED, 0, 0},
      {ONWARD__CLOCK__CLOSING, STATE_COMPLETED, STATE_CLOSED, 0, 0},
      {ONWARD__CLOCK__SAFETY_READ, STATE_COMPLETED, STATE_COMPLETED, FLAG_SAFETY_AT_SENDER, 0},
      {ONWARD__CLOCK__SAFETY_READ, STATE_ACCEPTED, STATE_ACCEPTED, FLAG_SAFETY_AT_RECIPIENT, 0},
      {ONWARD__CLOCK__EXPECTED, STATE_WAITLISTED, STATE_ACCEPTED, 0, 0},
      {ONWARD__CLOCK__CONSENT_END, STATE_IN_PROGRESS, STATE_COMPLETED, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    setup(state);
    r.state = cases[i].in;
    r.flags = cases[i].flags;
    run_out(10, cases[i].clock, "aple");
    assert_int_equal(shown(cases[i].clock), 10);
    run_out(20, cases[i].clock, "aple"); /* said again: since the first time */
    hear(21, ONWARD__CORE__ACT_RAISE_PRIORITY);
    assert_int_equal(shown(cases[i].clock), 10);
    r.state = cases[i].out;
    r.flags = cases[i].flags_out;
    hear(22, ONWARD__CORE__ACT_CLOSE);
    assert_int_equal(shown(cases[i].clock), 0);
  }
}

static void what_it_waits_for_ends_it(void **state)
{
  (void)state;
  r.state = STATE_IN_PROGRESS;
  run_out(10, ONWARD__CLOCK__REPORT, "aple");
  run_out(11, ONWARD__CLOCK__CONSENT_END, "police");
  hear(12, ONWARD__CORE__ACT_PROGRESS);
  assert_int_equal(shown(ONWARD__CLOCK__REPORT), 0);
  assert_int_equal(shown(ONWARD__CLOCK__CONSENT_END), 11);
  hear(13, ONWARD__CORE__ACT_RENEW_CONSENT);
  assert_int_equal(shown(ONWARD__CLOCK__CONSENT_END), 0);
  r.flags = FLAG_SAFETY_AT_SENDER;
  run_out(14, ONWARD__CLOCK__SAFETY_READ, "police");
  onward__tell__init(&tell);
  core.tell = &tell;
  hear(15, ONWARD__CORE__ACT_TELL);
  assert_int_equal(shown(ONWARD__CLOCK__SAFETY_READ), 14);
  tell.safety = 1;
  core.tell = &tell;
  hear(16, ONWARD__CORE__ACT_TELL);
  assert_int_equal(shown(ONWARD__CLOCK__SAFETY_READ), 0);
}

/* A question stops the decision's clock, but where it is urgent; a new leg begins all anew but the consent's. */
static void urgency_and_legs(void **state)
{
  (void)state;
  r.state = STATE_ACKNOWLEDGED;
  r.priority = ONWARD__PRIORITY__HIGH;
  run_out(10, ONWARD__CLOCK__DECIDE, "aple");
  r.flags = FLAG_INFO_OPEN;
  hear(11, ONWARD__CORE__ACT_REQUEST_INFO);
  assert_int_equal(shown(ONWARD__CLOCK__DECIDE), 10);
  run_out(12, ONWARD__CLOCK__CONSENT_END, "police");
  r.leg_index = 13;
  hear(13, ONWARD__CORE__ACT_LEG_OPENED);
  assert_int_equal(shown(ONWARD__CLOCK__DECIDE), 0);
  assert_int_equal(shown(ONWARD__CLOCK__CONSENT_END), 12);
}

static void each_organisation_has_a_duty_of_its_own(void **state)
{
  (void)state;
  r.state = STATE_WITHDRAWN;
  r.parties[0].marks = r.parties[1].marks = PARTY_DUTY;
  run_out(10, ONWARD__CLOCK__ERASURE, "a21");
  assert_int_equal(item.erasure_overdue, 2);
  run_out(11, ONWARD__CLOCK__ERASURE, "aple");
  assert_int_equal(item.erasure_overdue, 3);
  r.parties[1].marks = PARTY_HOLD;
  hear(12, ONWARD__CORE__ACT_LEGAL_HOLD);
  assert_int_equal(item.erasure_overdue, 1);
  assert_int_equal(shown(ONWARD__CLOCK__ERASURE), 0); /* that is the parties' */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(each_clock_lasts_as_long_as_it_waits, setup),
      cmocka_unit_test_setup(what_it_waits_for_ends_it, setup),
      cmocka_unit_test_setup(urgency_and_legs, setup),
      cmocka_unit_test_setup(each_organisation_has_a_duty_of_its_own, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
