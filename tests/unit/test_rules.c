/* Who may do what from where. The table below is written down from the description of the referral (docs: the states,
 * and "who may do what"), and not from proto/rules/table.c: where the two differ, one of them is wrong. First the rows
 * are compared, for every act, side, state and flag; then what the rules answer to everybody, in every state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rules/rules.h"
#include "tests/unit/stage.h"

#define LIVE "requested received acknowledged waitlisted accepted in_progress "
#define OPEN "received acknowledged "
#define HELD "waitlisted accepted "
#define ENDED "completed returned closed cancelled "
#define READ OPEN HELD "in_progress completed"

#define FLAGS 32 /* every set of the five flags */
/* "-both": no question and no wish to cancel is left; "-all": nor anything that the recipient had to read, as its leg
 * is over. */
static const struct line {
  const char *act, *variant;
  enum actor who;
  const char *from, *when, *to, *flags;
  bool later; /* reserved now, built later */
} described[] = {
    {"reseal", "", ACTOR_SENDER, LIVE, "", "same", "-seal", false},
    {"receive", "", ACTOR_RECIPIENT, "requested", "", "received", "", false},
    {"refuse_open", "UNKNOWN_SCHEMA", ACTOR_RECIPIENT, "requested", "", "leg_over", "-all", false},
    {"refuse_open", "LOST", ACTOR_RECIPIENT, LIVE, "", "same", "+seal", false},
    {"refuse_open", "NOT_MY_KEY", ACTOR_RECIPIENT, LIVE, "", "same", "+seal", false},
    {"refuse_open", "DAMAGED", ACTOR_RECIPIENT, LIVE, "", "same", "+seal", false},
    {"acknowledge", "", ACTOR_RECIPIENT, "received", "", "acknowledged", "-read", false},
    {"acknowledge", "", ACTOR_RECIPIENT, "acknowledged " HELD "in_progress completed closed", "unread", "same", "-read",
     false},
    {"acknowledge", "", ACTOR_SENDER, LIVE ENDED "withdrawn error", "sender unread", "same", "-sender read", false},
    {"tell", "plain", ACTOR_SENDER, READ, "", "same", "", false},
    {"tell", "plain", ACTOR_RECIPIENT, READ, "", "same", "", false},
    {"tell", "safety", ACTOR_SENDER, READ, "", "same", "+read", false},
    {"tell", "safety", ACTOR_RECIPIENT, READ, "", "same", "+sender read", false},
    {"next", "", ACTOR_SENDER, "requested " OPEN, "", "leg_over", "-all", false},
    {"request_info", "", ACTOR_RECIPIENT, OPEN, "no info", "acknowledged", "+info", false},
    {"supply_info", "", ACTOR_SENDER, OPEN, "info", "same", "-info", false},
    {"waitlist", "", ACTOR_RECIPIENT, OPEN "accepted", "", "waitlisted", "-info", false},
    {"accept", "", ACTOR_RECIPIENT, OPEN "waitlisted", "", "accepted", "-both", false},
    {"decline", "", ACTOR_RECIPIENT, OPEN HELD, "cancel", "cancelled", "-all", false},
    {"decline", "", ACTOR_RECIPIENT, OPEN HELD, "no cancel", "leg_over", "-all", false},
    {"reroute", "", ACTOR_RECIPIENT, OPEN HELD, "no cancel", "leg_over", "-all", false},
    {"start", "", ACTOR_RECIPIENT, HELD, "", "in_progress", "-both", false},
    {"progress", "", ACTOR_RECIPIENT, "in_progress", "", "same", "", false},
    {"complete", "", ACTOR_RECIPIENT, "accepted in_progress", "", "completed", "-both", false},
    {"fail", "", ACTOR_RECIPIENT, "in_progress", "", "failed", "-all", false},
    {"readdress", "", ACTOR_SENDER, "returned", "", "leg_over", "-both", false},
    {"cancel", "", ACTOR_SENDER, "requested", "", "cancelled", "-all", false},
    {"cancel", "", ACTOR_SENDER, OPEN HELD, "no cancel", "same", "+cancel", false},
    {"confirm_cancel", "", ACTOR_RECIPIENT, OPEN HELD, "cancel", "cancelled", "-all", false},
    {"refuse_cancel", "", ACTOR_RECIPIENT, OPEN HELD, "cancel", "same", "-cancel", false},
    {"close", "", ACTOR_SENDER, "completed returned", "", "closed", "-both", false},
    {"renew_consent", "", ACTOR_SENDER, LIVE "returned", "", "same", "", false},
    {"narrow_consent", "", ACTOR_SENDER, LIVE "returned", "", "same", "", false},
    {"raise_priority", "", ACTOR_SENDER, LIVE "returned", "", "same", "", false},
    {"withdraw", "", ACTOR_SENDER, LIVE ENDED, "", "withdrawn", "-all", false},
    {"withdraw", "", ACTOR_RECIPIENT, LIVE ENDED, "", "withdrawn", "-all", false},
    {"enter_in_error", "", ACTOR_SENDER, LIVE ENDED "withdrawn", "", "error", "-all", false},
    {"erase_receipt", "", ACTOR_RECIPIENT, LIVE ENDED "withdrawn error", "", "same", "", false},
    {"legal_hold", "", ACTOR_RECIPIENT, LIVE ENDED "withdrawn error", "", "same", "", false},
    {"overdue", "", ACTOR_BROKER, LIVE ENDED "withdrawn error", "", "same", "", false},
    {"undeliverable", "", ACTOR_BROKER, "requested received", "cancel", "cancelled", "-all", false},
    {"undeliverable", "", ACTOR_BROKER, "requested received", "no cancel", "leg_over", "-all", false},
    {"info_over", "", ACTOR_BROKER, OPEN, "info", "same", "-info", false},
    {"cancel_over", "", ACTOR_BROKER, OPEN HELD, "cancel", "cancelled", "-all", false},
    {"leg_lost", "", ACTOR_BROKER, "requested " OPEN HELD, "cancel", "cancelled", "-all", false},
    {"leg_lost", "", ACTOR_BROKER, "requested " OPEN HELD, "no cancel", "leg_over", "-all", false},
    {"leg_lost", "", ACTOR_BROKER, "in_progress", "", "failed", "-all", false},
    {"close_by_clock", "", ACTOR_BROKER, "completed", "", "closed", "-both", false},
    {"hand_over", "", ACTOR_SENDER, LIVE "returned", "", "same", "", true},
    {"take_over", "", ACTOR_RECIPIENT, LIVE "returned", "", "same", "", true},
    {"leave", "", ACTOR_RECIPIENT, LIVE, "", "same", "", true},
    /* what the exchange writes in the same turn: between two legs, and when the first cannot even be offered */
    {"leg_opened", "", ACTOR_BROKER, "leg_over requested", "", "requested", "-all", false},
    {"returned", "", ACTOR_BROKER, "leg_over failed requested", "", "returned", "-all", false},
};
#define LINES (sizeof described / sizeof described[0])

static bool has_word(const char *list, const char *word)
{
  size_t size = strlen(word);
  for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word))
    if ((at == list || at[-1] == ' ') && (at[size] == 0 || at[size] == ' '))
      return true;
  return false;
}

static const char *variant_of(const struct event *e)
{
  if (e->act == ONWARD__CORE__ACT_TELL)
    return e->core->tell->safety ? "safety" : "plain";
  return e->act != ONWARD__CORE__ACT_REFUSE_OPEN
             ? ""
             : pb_enum_name(&onward__refuse_open_reason__descriptor, (int)e->core->refuse_open->reason);
}

static bool line_is_of(const struct line *l, const struct event *e, enum actor who)
{
  return strcmp(l->act, act_name(e->act)) == 0 && l->who == who && strcmp(l->variant, variant_of(e)) == 0;
}

static bool flags_fit(const char *when, uint8_t flags)
{
  static const struct {
    const char *when;
    uint8_t with, without;
  } words[] = {{"", 0, 0},
               {"info", FLAG_INFO_OPEN, 0},
               {"no info", 0, FLAG_INFO_OPEN},
               {"cancel", FLAG_CANCEL_OPEN, 0},
               {"no cancel", 0, FLAG_CANCEL_OPEN},
               {"unread", FLAG_SAFETY_AT_RECIPIENT, 0},
               {"sender unread", FLAG_SAFETY_AT_SENDER, 0}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i].when, when) == 0)
      return (flags & words[i].with) == words[i].with && (flags & words[i].without) == 0;
  fail_msg("%s", when);
  return false;
}

static const struct line *find(const struct event *e, enum actor who, enum referral_state state, uint8_t flags)
{
  for (const struct line *l = described; l < described + LINES; l++)
    if (line_is_of(l, e, who) && has_word(l->from, state_name(state)) && flags_fit(l->when, flags))
      return l;
  return NULL;
}

static uint8_t flags_after(const struct line *l, uint8_t flags)
{
  const struct {
    const char *text;
    uint8_t set, clear;
  } effects[] = {{"", 0, 0},
                 {"-both", 0, FLAG_INFO_OPEN | FLAG_CANCEL_OPEN},
                 {"-info", 0, FLAG_INFO_OPEN},
                 {"+info", FLAG_INFO_OPEN, 0},
                 {"-cancel", 0, FLAG_CANCEL_OPEN},
                 {"+cancel", FLAG_CANCEL_OPEN, 0},
                 {"-all", 0, FLAG_INFO_OPEN | FLAG_CANCEL_OPEN | FLAG_SAFETY_AT_RECIPIENT | FLAG_RESEAL_ASKED},
                 {"+seal", FLAG_RESEAL_ASKED, 0},
                 {"-seal", 0, FLAG_RESEAL_ASKED},
                 {"+read", FLAG_SAFETY_AT_RECIPIENT, 0},
                 {"-read", 0, FLAG_SAFETY_AT_RECIPIENT},
                 {"+sender read", FLAG_SAFETY_AT_SENDER, 0},
                 {"-sender read", 0, FLAG_SAFETY_AT_SENDER}};
  for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++)
    if (strcmp(effects[i].text, l->flags) == 0)
      return (uint8_t)((flags | effects[i].set) & ~effects[i].clear);
  fail_msg("%s", l->flags);
  return 0;
}

/* Every act but submit and those on the registry, with every reason that has a row of its own. */
typedef void (*visit)(struct stage *s, struct draft *d, const struct event *e);

static void visit_act(struct stage *s, act_kind act, visit each)
{
  static struct draft d;
  stage_draft(s, &d, act);
  const ProtobufCEnumDescriptor *reasons = &onward__refuse_open_reason__descriptor;
  unsigned count = act == ONWARD__CORE__ACT_REFUSE_OPEN ? reasons->n_values - 1 : act == ONWARD__CORE__ACT_TELL ? 2 : 1;
  for (unsigned i = 0; i < count; i++) {
    struct event e = {.act = act, .core = &d.core, .referral = s->id};
    if (act == ONWARD__CORE__ACT_REFUSE_OPEN)
      d.core.refuse_open->reason = (Onward__RefuseOpenReason)reasons->values[i + 1].value;
    if (act == ONWARD__CORE__ACT_TELL)
      d.core.tell->safety = i != 0;
    each(s, &d, &e);
  }
}

static void visit_all(struct stage *s, int from, int to, visit each)
{
  for (int act = from; act <= to; act++)
    visit_act(s, (act_kind)act, each);
}

/* --- the rows --- */

static void check_row(const struct event *e, enum actor who, enum referral_state state, uint8_t flags)
{
  const struct line *l = find(e, who, state, flags);
  const struct rule *r = rules_row(e, who, state, flags);
  if ((l == NULL) != (r == NULL))
    fail_msg("%s %s by %d in %s with flags %u: %s", act_name(e->act), variant_of(e), who, state_name(state), flags,
             l == NULL ? "the code has a row" : "the code has no row");
  if (l == NULL)
    return;
  const char *to = r->to == STATE_NONE ? "same" : state_name(r->to);
  if (strcmp(to, l->to) != 0 || r->built == l->later)
    fail_msg("%s in %s leads to %s, not to %s", l->act, state_name(state), to, l->to);
  assert_int_equal(((flags | r->sets) & ~r->clears), flags_after(l, flags));
}

static void check_rows(struct stage *s, struct draft *d, const struct event *e)
{
  (void)s;
  (void)d;
  for (int who = ACTOR_SENDER; who <= ACTOR_BROKER; who++)
    for (int state = STATE_REQUESTED; state < STATES; state++)
      for (uint8_t flags = 0; flags < FLAGS; flags++)
        check_row(e, (enum actor)who, (enum referral_state)state, flags);
}

static void the_rows_are_those_that_are_described(void **state)
{
  visit_all(*state, ONWARD__CORE__ACT_RESEAL, ONWARD__CORE__ACT_LEAVE, check_rows);
  visit_act(*state, ONWARD__CORE__ACT_LEG_OPENED, check_rows);
  visit_act(*state, ONWARD__CORE__ACT_RETURNED, check_rows);
  visit_all(*state, ONWARD__CORE__ACT_OVERDUE, ONWARD__CORE__ACT_CLOSE_BY_CLOCK, check_rows);
}

/* --- the answers --- */

static bool has_line(const struct event *e, enum actor who, bool later)
{
  for (const struct line *l = described; l < described + LINES; l++)
    if (line_is_of(l, e, who) && l->later == later)
      return true;
  return false;
}

static bool one_of(act_kind act, const char *list)
{
  return has_word(list, act_name(act));
}

/* Whoever has a message about safety to read does nothing else before, but what its computer does by itself. */
static bool unread(const struct event *e, const struct referral *r, bool sender, bool right_leg)
{
  if ((r->flags & (sender ? FLAG_SAFETY_AT_SENDER : FLAG_SAFETY_AT_RECIPIENT)) == 0)
    return false;
  return one_of(e->act, "acknowledge") ? !right_leg
                                       : !one_of(e->act, "reseal receive refuse_open erase_receipt legal_hold");
}

/* aple had the first leg, stored the case, and declined: it owes erasure. a21 has the second, or had it. */
static Onward__Verdict expected(const struct stage *s, const struct event *e, const struct member *author,
                                const struct referral *r, bool right_leg)
{
  bool sender = author == s->police, present = author == s->a21 && r->present != PARTY_NONE;
  bool duty = one_of(e->act, "erase_receipt legal_hold");
  enum actor who = sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  if (!sender && author != s->aple && author != s->a21)
    return ONWARD__VERDICT__NOT_YOUR_REFERRAL;
  if (has_line(e, who, true))
    return ONWARD__VERDICT__NOT_YET_SUPPORTED;
  if (!sender && !present && !duty && !(author == s->a21 && one_of(e->act, "withdraw")))
    return ONWARD__VERDICT__NOT_THIS_LEG;
  if (unread(e, r, sender, right_leg))
    return ONWARD__VERDICT__SAFETY_UNREAD;
  if (!has_line(e, who, false))
    return ONWARD__VERDICT__NOT_YOUR_ACT;
  if (find(e, who, r->state, r->flags) == NULL)
    return (r->flags & FLAG_CANCEL_OPEN) != 0 && find(e, who, r->state, (uint8_t)(r->flags & ~FLAG_CANCEL_OPEN)) != NULL
               ? ONWARD__VERDICT__CANCEL_IS_OPEN
               : ONWARD__VERDICT__NOT_IN_THIS_STATE;
  if (duty)
    return author == s->aple ? ONWARD__VERDICT__ACCEPTED : ONWARD__VERDICT__NO_DUTY;
  return right_leg ? ONWARD__VERDICT__ACCEPTED : ONWARD__VERDICT__NOT_THIS_LEG;
}

static void check_effect(struct stage *s, const struct member *author, const struct draft *d, const struct event *e,
                         const struct referral *before)
{
  struct referral after;
  const struct line *l = find(e, author == s->police ? ACTOR_SENDER : ACTOR_RECIPIENT, before->state, before->flags);
  stage_apply(s, author, d, &after);
  assert_string_equal(state_name(after.state), strcmp(l->to, "same") == 0 ? state_name(before->state) : l->to);
  assert_int_equal(after.flags, flags_after(l, before->flags));
  assert_true(after.last_index == s->world.size);
  stage_put(s, before);
}

static void check_answer(struct stage *s, struct draft *d, const struct event *e, const struct referral *r)
{
  struct member *authors[] = {s->police, s->a21, s->aple, s->tpo, s->lawyers, s->clinic};
  for (size_t i = 0; i < sizeof authors / sizeof authors[0]; i++)
    for (int right_leg = 0; right_leg < 2; right_leg++) {
      stage_answer(s, d, right_leg ? s->second_leg : s->first_leg);
      Onward__Verdict want = expected(s, e, authors[i], r, right_leg != 0), have = stage_judge(s, authors[i], d);
      if (want != have)
        fail_msg("%s %s by %.16s in %s with flags %u, %s leg: %s instead of %s", act_name(e->act), variant_of(e),
                 authors[i]->id.text, state_name(r->state), r->flags, right_leg ? "right" : "wrong",
                 pb_enum_name(&onward__verdict__descriptor, (int)have),
                 pb_enum_name(&onward__verdict__descriptor, (int)want));
      if (have == ONWARD__VERDICT__ACCEPTED)
        check_effect(s, authors[i], d, e, r);
    }
}

static void check_answers(struct stage *s, struct draft *d, const struct event *e)
{
  for (int state = STATE_REQUESTED; state <= STATE_ERROR; state++)
    for (uint8_t flags = 0; flags < FLAGS; flags++) {
      struct referral r = s->row;
      r.state = (uint8_t)state;
      r.flags = flags;
      r.safety_at_recipient = r.safety_at_sender = s->second_leg;
      if (state == STATE_RETURNED)
        r.present = PARTY_NONE;
      stage_put(s, &r);
      check_answer(s, d, e, &r);
    }
  stage_reset(s);
}

static void everybody_is_answered_by_side_leg_and_state(void **state)
{
  visit_all(*state, ONWARD__CORE__ACT_RESEAL, ONWARD__CORE__ACT_LEAVE, check_answers);
}

/* Nobody learns from a verdict whether a referral exists. */
static void unknown_and_not_yours_are_one_answer(void **state)
{
  struct stage *s = *state;
  static struct draft d;
  for (int act = ONWARD__CORE__ACT_RESEAL; act <= ONWARD__CORE__ACT_LEAVE; act++) {
    struct ref_id other = s->id;
    stage_draft(s, &d, (act_kind)act);
    assert_int_equal(stage_judge(s, s->lawyers, &d), ONWARD__VERDICT__NOT_YOUR_REFERRAL);
    other.byte[15] ^= 1;
    d.core.referral_id = pb_data(BYTES(other.byte));
    assert_int_equal(stage_judge(s, s->lawyers, &d), ONWARD__VERDICT__NOT_YOUR_REFERRAL);
    assert_int_equal(stage_judge(s, s->police, &d), ONWARD__VERDICT__NOT_YOUR_REFERRAL);
  }
}

static int set_up(void **state)
{
  static struct stage s;
  stage_init(&s);
  *state = &s;
  return 0;
}

static int tear_down(void **state)
{
  stage_fini(*state);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rows_are_those_that_are_described),
      cmocka_unit_test(everybody_is_answered_by_side_leg_and_state),
      cmocka_unit_test(unknown_and_not_yours_are_one_answer),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
