/* What nobody answers for has vanished, and is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/audit/report/report.h"
#include "tests/unit/reported.h"

static void suspend(struct member *m, Onward__Standing standing)
{
  static struct draft d;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  draft_init(&d, ACT(SUSPEND), NULL);
  suspend.organisation = pb_data(org_id_text(&m->id));
  suspend.standing = standing;
  d.core.suspend = &suspend;
  assert_int_equal(world_hear(&world, &world.members[0], &d, 1), ONWARD__VERDICT__ACCEPTED);
}

/* Its sender was cut off while the referral was back with it: overdue, and nobody can act. The contract allows no
 * other way. */
static void what_nobody_can_act_on_has_vanished(void **state)
{
  (void)state;
  char lost[FOLDER_PATH_SIZE];
  folder_make(lost);
  world_init(&world, lost);
  police = world_enrol(&world, "police");
  aple = world_enrol(&world, "aple");
  a21 = world_enrol(&world, "a21");
  for (unsigned i = 0; i < 8; i++)
    straight(world.clock_ms + DAY_MS, aple, a21, ONWARD__SERVICE_GROUP__PSS, 3);
  const struct sent s = {police, aple, NULL, ONWARD__SERVICE_GROUP__PSS, "", ONWARD__PRIORITY__HIGH, false};
  struct ref_id id = submit(&s);
  act_at(world.clock_ms, aple, &id, ACT(RECEIVE));
  act_at(world.clock_ms, aple, &id, ACT(DECLINE));
  suspend(police, ONWARD__STANDING__COMPROMISED);
  struct audit_request q = {.folder = lost};
  assert_int_equal(report(q), AUDIT_FINE);
  assert_non_null(strstr(out, "Of 9 referrals 0 vanished:")); /* it is not overdue yet */
  world_pass(&world, world.clock_ms + 25 * HOUR_MS);
  assert_int_equal(report(q), AUDIT_FINE);
  assert_non_null(strstr(out, "Of 9 referrals 1 vanished: 8 answered."));
  world_fini(&world);
  folder_remove(lost);
  free(out);
  free(err);
  out = err = NULL;
}

/* What no log can hold, as far as we know: a row without a clock, and one in no state of the table. */
static void what_fits_nowhere_has_vanished(void **state)
{
  (void)state;
  struct referral r = {.state = STATE_ACKNOWLEDGED, .present = 0, .party_count = 1};
  assert_int_equal(report_standing(NULL, &r), VANISHED);
  r.clock_due_ms[ONWARD__CLOCK__DECIDE - 1] = 1;
  assert_int_equal(report_standing(NULL, &r), UNDER_WAY);
  r.state = STATE_LEG_OVER;
  assert_int_equal(report_standing(NULL, &r), VANISHED);
  r.state = STATE_CLOSED;
  assert_int_equal(report_standing(NULL, &r), BACK);
  r.outcome = ONWARD__OUTCOME_CLASS__NOT_SERVED;
  assert_int_equal(report_standing(NULL, &r), ANSWERED);
  r.state = STATE_WITHDRAWN;
  assert_int_equal(report_standing(NULL, &r), BACK);
}
/* Five went on to the next one at once, five came back at once. */
static void who_was_passed_over_was_not_asked(void **state)
{
  (void)state;
  char folder[FOLDER_PATH_SIZE];
  folder_make(folder);
  world_init(&world, folder);
  police = world_enrol(&world, "police");
  aple = world_enrol(&world, "aple");
  a21 = world_enrol(&world, "a21");
  suspend(aple, ONWARD__STANDING__LAPSED);
  for (int i = 0; i < 10; i++) {
    const struct sent s = {police, aple, i < 5 ? a21 : NULL, ONWARD__SERVICE_GROUP__PSS, "", ONWARD__PRIORITY__LOW,
                           false};
    submit(&s);
  }
  world_fini(&world);
  assert_int_equal(report((struct audit_request){.folder = folder, .report.csv = true}), AUDIT_FINE);
  assert_non_null(strstr(out, "\n,,,,,leg,5\n"));
  assert_null(strstr(out, ",leg,0\n")); /* no line of who was passed over */
  assert_non_null(strstr(out, "\n,,,,,returned,5\n"));
  folder_remove(folder);
  free(out);
  free(err);
  out = err = NULL;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_nobody_can_act_on_has_vanished),
      cmocka_unit_test(what_fits_nowhere_has_vanished),
      cmocka_unit_test(who_was_passed_over_was_not_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
