/* What an event must fit beside its state: the entry that it answers, the parts that it seals, whom it may name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rules/rules.h"
#include "tests/unit/stage.h"

#define A(name) ONWARD__CORE__ACT_##name
#define V(name) ONWARD__VERDICT__##name
#define BRIEF ONWARD__PART__BRIEF
#define FILE_PART ONWARD__PART__FILE
#define NOTE ONWARD__PART__NOTE
#define AT_DELIVERY ONWARD__RELEASE__AT_DELIVERY
#define AT_ACCEPT ONWARD__RELEASE__AT_ACCEPT

static struct draft d;

static void assert_verdict(Onward__Verdict have, Onward__Verdict want)
{
  assert_string_equal(pb_enum_name(&onward__verdict__descriptor, (int)have),
                      pb_enum_name(&onward__verdict__descriptor, (int)want));
}

static struct referral set_state(struct stage *s, enum referral_state state)
{
  struct referral r = s->row;
  stage_reset(s);
  r.state = (uint8_t)state;
  if (state == STATE_RETURNED)
    r.present = PARTY_NONE;
  stage_put(s, &r);
  return r;
}

/* --- answers --- */

static void an_answer_names_an_accepted_entry_of_this_leg(void **state)
{
  struct stage *s = *state;
  set_state(s, STATE_RECEIVED);
  stage_draft(s, &d, A(ACKNOWLEDGE));
  assert_verdict(stage_judge(s, s->a21, &d), V(ACCEPTED));
  stage_answer(s, &d, s->first_leg); /* the submit: an earlier leg's */
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  stage_answer(s, &d, s->second_leg - 1); /* what ended the leg before */
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  stage_answer(s, &d, s->refused);
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  stage_answer(s, &d, 1); /* an entry of the registry */
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  stage_answer(s, &d, s->second_leg);
  d.leaf_hash[31] ^= 1; /* a view of the log that is not ours */
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  stage_answer(s, &d, s->second_leg);
  d.answers.index = s->world.size;
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  d.answers.index = UINT64_MAX;
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
}

static void an_answer_names_an_entry_of_this_referral(void **state)
{
  struct stage *s = *state;
  stage_reset(s);
  store_abort(s->world.store);
  struct ref_id other = world_submit(&s->world, s->police, &s->a21, 1);
  s->books = store_begin(s->world.store, true);
  struct referral r = set_state(s, STATE_RECEIVED);
  r.last_index = s->world.size - 1;
  stage_put(s, &r);
  stage_draft(s, &d, A(ACKNOWLEDGE));
  stage_answer(s, &d, s->world.size - 1);
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_THIS_LEG));
  d.core.referral_id = pb_data(BYTES(other.byte));
  assert_verdict(stage_judge(s, s->a21, &d), V(NOT_IN_THIS_STATE)); /* requested: it must be received first */
}

/* --- sealed parts --- */

/* What one event seals: a letter a body. b brief, f file, F file at once, n note, x brief at accept, N note at accept;
 * small digit: for whom. */
static void seal_all(struct stage *s, const char *what)
{
  struct member *who[] = {s->police, s->aple, s->a21, s->tpo, s->lawyers};
  d.sealed_count = 0;
  for (; *what != 0; what += 2) {
    char part = what[0];
    draft_seal(&d, who[what[1] - '0'],
               part == 'b' || part == 'x'   ? BRIEF
               : part == 'f' || part == 'F' ? FILE_PART
                                            : NOTE,
               part == 'f' || part == 'x' || part == 'N' ? AT_ACCEPT : AT_DELIVERY);
  }
}

enum { TO_POLICE = '0', TO_APLE, TO_A21, TO_TPO, TO_LAWYERS };

static void every_act_seals_what_its_row_says(void **state)
{
  struct stage *s = *state;
  static const struct {
    act_kind act;
    enum referral_state from;
    bool sender;
    const char *right[6], *wrong[12];
  } cases[] = {
      {A(RESEAL),
       STATE_ACCEPTED,
       true,
       {"b2", "f2", "b2f2", "F2", "f2b2", "b3f3"},
       {"", "b1", "b4", "b2b2", "f2f2", "b2b3", "n2", "b2n2", "x2", "b0", "b2f3"}},
      {A(RESEAL), STATE_IN_PROGRESS, true, {"b2", "f2"}, {"b3", "f3"}},
      {A(RECEIVE), STATE_REQUESTED, false, {""}, {"n0", "b0"}},
      {A(REFUSE_OPEN), STATE_REQUESTED, false, {""}, {"n0"}},
      {A(ACKNOWLEDGE), STATE_RECEIVED, false, {""}, {"n0"}},
      {A(ACCEPT), STATE_ACKNOWLEDGED, false, {"", "n0"}, {"n2", "n3", "b0", "f0", "n0n0", "N0", "n0b3"}},
      {A(DECLINE), STATE_ACKNOWLEDGED, false, {"", "n0"}, {"n3", "b3", "n0n0", "N0"}},
      {A(REROUTE), STATE_ACKNOWLEDGED, false, {"b3"}, {"", "b3f3", "b4", "b2", "x3", "f3", "n0", "b3n0", "b3b3", "n3"}},
      {A(START), STATE_ACCEPTED, false, {"", "n0"}, {"n2", "b0"}},
      {A(PROGRESS), STATE_IN_PROGRESS, false, {"", "n0"}, {"n2", "b0", "n0n0"}},
      {A(COMPLETE), STATE_IN_PROGRESS, false, {"", "n0"}, {"n1"}},
      {A(FAIL), STATE_IN_PROGRESS, false, {"", "n0"}, {"n3"}},
      {A(READDRESS),
       STATE_RETURNED,
       true,
       {"b3", "b3f3", "b3F3", "f3b3"},
       {"", "f3", "b3b3", "b3f3f3", "b3b2", "b2", "n3", "b3n3", "x3"}},
      {A(CANCEL), STATE_REQUESTED, true, {"", "n2"}, {"n0", "n1", "n3", "b2", "n2n2", "N2"}},
      {A(CANCEL), STATE_ACCEPTED, true, {"", "n2"}, {"n3"}},
      {A(CLOSE), STATE_COMPLETED, true, {"", "n2"}, {"n1", "b2"}},
      {A(CLOSE), STATE_RETURNED, true, {""}, {"n1", "n2", "n0"}}, /* nobody there to write to */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct member *author = cases[i].sender ? s->police : s->a21;
    set_state(s, cases[i].from);
    stage_draft(s, &d, cases[i].act);
    if (cases[i].act == A(REFUSE_OPEN))
      d.core.refuse_open->reason = ONWARD__REFUSE_OPEN_REASON__LOST;
    for (size_t k = 0; k < 6 && cases[i].right[k] != NULL; k++) {
      seal_all(s, cases[i].right[k]);
      assert_verdict(stage_judge(s, author, &d), V(ACCEPTED));
    }
    for (size_t k = 0; k < 12 && cases[i].wrong[k] != NULL; k++) {
      seal_all(s, cases[i].wrong[k]);
      if (stage_judge(s, author, &d) != V(WRONG_SEALED_PARTS))
        fail_msg("%s with %s", act_name(cases[i].act), cases[i].wrong[k]);
    }
  }
}

/* A submit of a new referral to a21 and tpo. */
static void draft_submit(struct stage *s, const char *sealed)
{
  static struct ref_id id;
  static ProtobufCBinaryData list[2], scope[2];
  must(random_bytes(&id, sizeof id) == OK);
  draft_init(&d, A(SUBMIT), &id);
  Onward__Submit *m = draft_message(&d);
  list[0] = scope[1] = pb_data(org_id_text(&s->a21->id));
  list[1] = scope[0] = pb_data(org_id_text(&s->tpo->id));
  m->n_recipients = m->n_scope = 2;
  m->recipients = list;
  m->scope = scope;
  m->schema = SCHEMA_VERSION;
  m->taxonomy = TAXONOMY_VERSION;
  seal_all(s, sealed);
}

static void a_submit_seals_a_brief_for_each(void **state)
{
  struct stage *s = *state;
  static const char *const right[] = {"b2b3", "b3b2", "b2f2b3f3", "b2F2b3F3", "b2b3f3", "b2F2b3f3"};
  static const char *const wrong[] = {"",     "b2",     "b3",     "b2f3",   "b2b3b3", "b2b3f2f2", "b2b3n2",
                                      "x2b3", "b2b3b4", "b2b3b0", "b2f2f3", "n2n3",   "b2b3f4"};
  stage_reset(s);
  for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
    draft_submit(s, right[i]);
    assert_verdict(stage_judge(s, s->police, &d), V(ACCEPTED));
  }
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    draft_submit(s, wrong[i]);
    assert_verdict(stage_judge(s, s->police, &d), V(WRONG_SEALED_PARTS));
  }
}

/* --- whom it names --- */

static void a_submit_names_enrolled_others(void **state)
{
  struct stage *s = *state;
  ProtobufCBinaryData unknown = pb_data(bytes_text("nobody"));
  stage_reset(s);
  draft_submit(s, "b2b3");
  assert_verdict(stage_judge(s, s->a21, &d), V(NO_SUCH_ORGANISATION)); /* to itself */
  d.core.submit->recipients[1] = d.core.submit->scope[0] = unknown;
  d.sealed[1].recipient = unknown;
  assert_verdict(stage_judge(s, s->police, &d), V(NO_SUCH_ORGANISATION));
  draft_submit(s, "b2b3");
  d.core.referral_id = pb_data(BYTES(s->id.byte));
  assert_verdict(stage_judge(s, s->police, &d), V(REFERRAL_EXISTS));
  assert_verdict(stage_judge(s, s->clinic, &d), V(REFERRAL_EXISTS));
}

static void consent_ends_to_the_millisecond(void **state)
{
  struct stage *s = *state;
  struct head head;
  stage_reset(s);
  books_head(s->books, &head);
  draft_submit(s, "b2b3");
  d.core.submit->consent_until_ms = head.time_ms + 10;
  assert_verdict(stage_judge_at(s, s->police, &d, 10), V(ACCEPTED));
  assert_verdict(stage_judge_at(s, s->police, &d, 11), V(CONSENT_IS_OVER));
}

static void a_reroute_goes_to_somebody_new_within_scope(void **state)
{
  struct stage *s = *state;
  struct {
    struct member *to;
    Onward__Verdict verdict;
  } cases[] = {{s->tpo, V(ACCEPTED)},         {s->lawyers, V(ACCEPTED)},    {s->clinic, V(OUTSIDE_SCOPE)},
               {s->aple, V(ALREADY_VISITED)}, {s->a21, V(ALREADY_VISITED)}, {s->police, V(OUTSIDE_SCOPE)}};
  set_state(s, STATE_ACKNOWLEDGED);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stage_draft(s, &d, A(REROUTE));
    d.core.reroute->target = pb_data(org_id_text(&cases[i].to->id));
    d.sealed_count = 0;
    draft_seal(&d, cases[i].to, BRIEF, AT_DELIVERY);
    assert_verdict(stage_judge(s, s->a21, &d), cases[i].verdict);
  }
}

static void legs_and_parties_have_limits(void **state)
{
  struct stage *s = *state;
  struct referral r = set_state(s, STATE_ACKNOWLEDGED);
  stage_draft(s, &d, A(REROUTE));
  r.leg = LEGS_MAX - 1;
  stage_put(s, &r);
  assert_verdict(stage_judge(s, s->a21, &d), V(ACCEPTED));
  r.leg = LEGS_MAX;
  stage_put(s, &r);
  assert_verdict(stage_judge(s, s->a21, &d), V(LEGS_AT_LIMIT));
  r.leg = 2;
  for (; r.party_count < PARTIES_MAX; r.party_count++) {
    struct party *p = &r.parties[r.party_count];
    (void)snprintf(p->org.text, sizeof p->org.text, "made-up-%d", r.party_count);
  }
  stage_put(s, &r);
  assert_verdict(stage_judge(s, s->a21, &d), V(ACCEPTED)); /* tpo is one of them */
  d.core.reroute->target = pb_data(org_id_text(&s->lawyers->id));
  d.sealed_count = 0;
  draft_seal(&d, s->lawyers, BRIEF, AT_DELIVERY);
  assert_verdict(stage_judge(s, s->a21, &d), V(TOO_MANY_PARTIES));
  r.state = STATE_RETURNED;
  r.present = PARTY_NONE;
  stage_put(s, &r);
  stage_draft(s, &d, A(READDRESS));
  assert_verdict(stage_judge(s, s->police, &d), V(ACCEPTED));
  d.core.readdress->recipients[0] = pb_data(org_id_text(&s->lawyers->id));
  d.sealed_count = 0;
  draft_seal(&d, s->lawyers, BRIEF, AT_DELIVERY);
  assert_verdict(stage_judge(s, s->police, &d), V(TOO_MANY_PARTIES));
  r.leg = LEGS_MAX;
  stage_put(s, &r);
  assert_verdict(stage_judge(s, s->police, &d), V(LEGS_AT_LIMIT));
}

static void receive_names_the_very_brief(void **state)
{
  struct stage *s = *state;
  set_state(s, STATE_REQUESTED);
  stage_draft(s, &d, A(RECEIVE));
  assert_verdict(stage_judge(s, s->a21, &d), V(ACCEPTED));
  d.core.receive->sha256.data[0] ^= 1;
  assert_verdict(stage_judge(s, s->a21, &d), V(WRONG_HASH));
  d.core.receive->sha256.data[0] ^= 1;
  struct referral r = set_state(s, STATE_REQUESTED);
  r.parties[1].brief_slot = 3; /* now the file */
  stage_put(s, &r);
  assert_verdict(stage_judge(s, s->a21, &d), V(WRONG_HASH));
}

static void every_verdict_has_words(void **state)
{
  const ProtobufCEnumDescriptor *verdicts = &onward__verdict__descriptor;
  (void)state;
  for (unsigned i = 0; i < verdicts->n_values; i++)
    if (verdicts->values[i].value != V(VERDICT_NONE) &&
        strstr(verdict_text((Onward__Verdict)verdicts->values[i].value), "does not know") != NULL)
      fail_msg("%s", verdicts->values[i].name);
  assert_non_null(strstr(verdict_text(V(VERDICT_NONE)), "does not know"));
  assert_non_null(strstr(verdict_text((Onward__Verdict)4711), "does not know"));
}

/* --- what only a dishonest broker could have accepted --- */

static void an_agent_is_not_moved_by_the_impossible(void **state)
{
  struct stage *s = *state;
  static const struct {
    act_kind act;
    int author;
  } cases[] = {{A(CANCEL), TO_A21},   {A(ACCEPT), TO_POLICE}, {A(ACCEPT), TO_LAWYERS},
               {A(DECLINE), TO_APLE}, {A(CLOSE), TO_LAWYERS}, {A(START), TO_TPO}};
  struct member *who[] = {s->police, s->aple, s->a21, s->tpo, s->lawyers};
  struct referral before = set_state(s, STATE_ACKNOWLEDGED), after;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stage_draft(s, &d, cases[i].act);
    stage_apply(s, who[cases[i].author - '0'], &d, &after);
    assert_memory_equal(&before, &after, sizeof before);
  }
  draft_submit(s, "b2b3");
  d.core.referral_id = pb_data(BYTES(s->id.byte));
  stage_apply(s, s->lawyers, &d, &after);
  assert_memory_equal(&before, &after, sizeof before);
  while (before.party_count < PARTIES_MAX)
    before.party_count++;
  stage_put(s, &before);
  stage_draft(s, &d, A(REROUTE));
  d.core.reroute->target = pb_data(org_id_text(&s->clinic->id));
  stage_apply(s, s->a21, &d, &after);
  assert_memory_equal(&before, &after, sizeof before);
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
      cmocka_unit_test(an_answer_names_an_accepted_entry_of_this_leg),
      cmocka_unit_test(an_answer_names_an_entry_of_this_referral),
      cmocka_unit_test(every_act_seals_what_its_row_says),
      cmocka_unit_test(a_submit_seals_a_brief_for_each),
      cmocka_unit_test(a_submit_names_enrolled_others),
      cmocka_unit_test(consent_ends_to_the_millisecond),
      cmocka_unit_test(a_reroute_goes_to_somebody_new_within_scope),
      cmocka_unit_test(legs_and_parties_have_limits),
      cmocka_unit_test(receive_names_the_very_brief),
      cmocka_unit_test(every_verdict_has_words),
      cmocka_unit_test(an_agent_is_not_moved_by_the_impossible),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
