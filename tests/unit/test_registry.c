/* Organisations and their keys, from enrolment to replacement, the way registrars and organisations write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"
#include "proto/turn.h"
#include "tests/unit/clerk.h"

#define A(name) ONWARD__CORE__ACT_##name
#define V(name) ONWARD__VERDICT__##name
#define MANY 300 /* more clocks than one turn writes */

/* --- enrolling and suspending --- */

static void only_a_registrar_enrols(void **state)
{
  (void)state;
  struct member fresh;
  member_init(&fresh, "tpo");
  assert_verdict(say_keys(police, A(ENROL), &fresh), V(NOT_A_REGISTRAR));
  assert_verdict(say_keys(two, A(ENROL), &fresh), V(ACCEPTED));
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(ALREADY_ENROLLED));
  assert_true(has_keys_of(&fresh, &fresh));
  member_fini(&fresh);
}

static void a_request_must_hold(void **state)
{
  (void)state;
  struct member fresh;
  uint8_t memory[8192], broken[ES256_SIGNATURE_SIZE], longer[1025];
  struct arena a = arena_of(memory, sizeof memory);
  member_init(&fresh, "tpo");
  struct bytes signature, request = member_request(&fresh, &a, &signature);
  memcpy(broken, signature.data, sizeof broken);
  broken[7] ^= 1;
  assert_verdict(say_request(one, A(ENROL), request, BYTES(broken)), V(REQUEST_NOT_VALID));
  memcpy(longer, request.data, request.size);
  memcpy(longer + request.size, "\x98\x01\x00", 3); /* field 19, which does not exist */
  struct bytes unknown = bytes_of(longer, request.size + 3);
  must(dsse_sign(fresh.sign, REQUEST_TYPE, unknown, broken) == OK);
  assert_verdict(say_request(one, A(ENROL), unknown, BYTES(broken)), V(REQUEST_NOT_VALID));
  memcpy(fresh.seal_point, fresh.sign_point, sizeof fresh.seal_point);
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(REQUEST_NOT_VALID)); /* one key for two uses */
  fresh.seal_point[64] ^= 1;
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(REQUEST_NOT_VALID)); /* no point of the curve */
  member_fini(&fresh);
}

static void a_key_has_one_owner_for_ever(void **state)
{
  (void)state;
  struct member fresh, was = *aple;
  member_init(&fresh, "tpo");
  memcpy(fresh.link_point, police->link_point, sizeof fresh.link_point);
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(KEY_IN_USE));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(KEY_IN_USE));
  member_fini(&fresh);
  member_init(&fresh, "tpo");
  memcpy(fresh.seal_point, police->seal_point, sizeof fresh.seal_point);
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(KEY_IN_USE));
  member_fini(&fresh);
  fresh = *police; /* its signing key, and so its signature */
  must(org_id_parse(bytes_text("tpo"), &fresh.id) == OK);
  must(random_bytes(fresh.link_point, sizeof fresh.link_point) == OK);
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(KEY_IN_USE));
  fresh_keys(&fresh, aple); /* a key that was changed still belongs to whom it belonged */
  assert_verdict(say_keys(aple, A(ROTATE), &fresh), V(ACCEPTED));
  must(org_id_parse(bytes_text("tpo"), &was.id) == OK);
  assert_verdict(say_keys(one, A(ENROL), &was), V(KEY_IN_USE));
  member_fini(&fresh);
}

static void a_suspended_organisation_may_be_enrolled_again(void **state)
{
  (void)state;
  struct organisation o;
  assert_verdict(say_suspend(police, "aple", ONWARD__STANDING__COMPROMISED), V(NOT_A_REGISTRAR));
  assert_verdict(say_suspend(one, "nobody", ONWARD__STANDING__COMPROMISED), V(NO_SUCH_ORGANISATION));
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__ACTIVE), V(ALREADY_ENROLLED)); /* said by enrolling */
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__LAPSED), V(ACCEPTED));
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  organisation(aple, &o);
  assert_int_equal(o.standing, ONWARD__STANDING__COMPROMISED);
  assert_verdict(say_keys(two, A(ENROL), aple), V(ACCEPTED));
  organisation(aple, &o);
  assert_int_equal(o.standing, ONWARD__STANDING__ACTIVE);
  assert_verdict(say_suspend(one, "registry-two", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_verdict(say_keys(one, A(ENROL), two), V(ACCEPTED));
  organisation(two, &o);
  assert_int_equal(o.registrar, 1); /* what it was */
}

static void the_last_registrar_stays(void **state)
{
  (void)state;
  assert_verdict(say_suspend(one, "registry-two", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_verdict(say_suspend(one, "registry-one", ONWARD__STANDING__COMPROMISED), V(LAST_REGISTRAR));
  assert_verdict(say_suspend(one, "registry-two", ONWARD__STANDING__COMPROMISED), V(ACCEPTED)); /* still is */
  assert_verdict(say_keys(one, A(ENROL), two), V(ACCEPTED));
  assert_verdict(say_suspend(one, "registry-one", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
}

/* It finishes what it has as an organisation, and is no registrar meanwhile: else it could bring itself back. */
static void a_registrar_that_lapsed_or_leaves_acts_as_none(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, aple);
  const Onward__Standing kinds[] = {ONWARD__STANDING__LAPSED, ONWARD__STANDING__LEAVING};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    assert_verdict(say_suspend(one, "registry-two", kinds[i]), V(ACCEPTED));
    assert_verdict(say_keys(two, A(ENROL), two), V(NOT_IN_STANDING_NOW));
    assert_verdict(say_suspend(two, "aple", ONWARD__STANDING__COMPROMISED), V(NOT_IN_STANDING_NOW));
    assert_verdict(say_keys(two, A(REPLACE_KEYS), &fresh), V(NOT_IN_STANDING_NOW));
    assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
    assert_verdict(say_stop(two, "aple"), V(NOT_A_REGISTRAR));
    assert_verdict(say_stop(one, "aple"), V(ACCEPTED));
    assert_verdict(say_keys(one, A(ENROL), two), V(ACCEPTED));
  }
  member_fini(&fresh);
}

static void an_agreement_is_renewed_by_enrolling_again(void **state)
{
  (void)state;
  struct organisation before, after;
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED)); /* it goes on waiting */
  organisation(aple, &before);
  uint64_t until = w.clock_ms + 1000000;
  assert_verdict(say_enrol(one, aple, until), V(ACCEPTED));
  organisation(aple, &after);
  assert_true(after.agreement_until_ms == until);
  before.agreement_until_ms = until;
  assert_memory_equal(&before, &after, sizeof before); /* and nothing else */
  assert_verdict(say_enrol(one, aple, until), V(ALREADY_ENROLLED));
  assert_verdict(say_enrol(one, &fresh, until + 1), V(ALREADY_ENROLLED)); /* new keys come by replacement */
  world_wait(&w, after.pending_due_ms);
  assert_true(has_keys_of(aple, &fresh));
  member_fini(&fresh);
}

/* --- the policy --- */

static Onward__Verdict say_policy(struct member *author, uint32_t receive_high_s)
{
  static struct draft d;
  Onward__Policy policy = *policy_proposed();
  Onward__Limit *list[CLOCKS_LIMITED], first = *policy.limits[0];
  memcpy(list, policy.limits, sizeof list);
  first.high_s = receive_high_s;
  list[0] = &first;
  policy.limits = list;
  draft_init(&d, A(SET_POLICY), NULL);
  Onward__SetPolicy *m = draft_message(&d);
  m->policy = &policy;
  return world_hear(&w, author, &d, 1);
}

static struct policy policy_now(void)
{
  struct policy p;
  books_policy(store_begin(w.store, false), &p);
  store_abort(w.store);
  return p;
}

static void a_registrar_sets_the_policy(void **state)
{
  (void)state;
  assert_true(policy_now().index == 0); /* the network's beginning */
  assert_verdict(say_policy(police, 60), V(NOT_A_REGISTRAR));
  assert_true(policy_now().index == 0);
  assert_verdict(say_policy(two, 60), V(ACCEPTED));
  struct policy p = policy_now();
  assert_true(p.index == w.size - 1);
  assert_int_equal(p.limit_s[ONWARD__CLOCK__RECEIVE - 1][ONWARD__PRIORITY__HIGH - 1], 60);
  assert_int_equal(p.limit_s[ONWARD__CLOCK__RECEIVE - 1][ONWARD__PRIORITY__MEDIUM - 1], 8 * 3600);
  assert_int_equal(p.limit_s[ONWARD__CLOCK__SAFETY_READ - 1][ONWARD__PRIORITY__HIGH - 1], 15 * 60);
}

/* --- changing keys --- */

static void keys_are_valid_by_position(void **state)
{
  (void)state;
  struct member fresh;
  struct keys before, after;
  fresh_keys(&fresh, aple);
  uint64_t at = w.size;
  assert_verdict(say_keys(aple, A(ROTATE), &fresh), V(ACCEPTED));
  assert_true(has_keys_of(aple, &fresh));
  struct books *b = store_begin(w.store, false);
  assert_int_equal(books_keys_at(b, &aple->id, at, &before), OK);
  assert_int_equal(books_keys_at(b, &aple->id, at + 1, &after), OK);
  assert_memory_equal(before.sign, aple->sign_point, sizeof before.sign);
  assert_memory_equal(after.sign, fresh.sign_point, sizeof after.sign);
  assert_int_equal(books_keys_at(b, &aple->id, 2, &before), NOT_FOUND); /* enrolled by entry 2: valid behind it */
  assert_int_equal(books_keys_at(b, &aple->id, 3, &before), OK);
  store_abort(w.store);
  member_fini(&fresh);
}

static void a_key_that_was_changed_does_not_come_back(void **state)
{
  (void)state;
  struct member fresh, mixed, was = *aple;
  fresh_keys(&fresh, aple);
  fresh_keys(&mixed, aple);
  assert_verdict(say_keys(aple, A(ROTATE), &fresh), V(ACCEPTED));
  fresh.sequence = aple->sequence;
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &was), V(KEY_IN_USE));
  assert_verdict(say_keys(&fresh, A(ROTATE), &was), V(KEY_IN_USE));
  memcpy(mixed.link_point, was.link_point, sizeof mixed.link_point); /* not even one of the three */
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &mixed), V(KEY_IN_USE));
  memcpy(mixed.link_point, fresh.link_point, sizeof mixed.link_point); /* one that it has may stay */
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &mixed), V(ACCEPTED));
  aple->sequence = fresh.sequence;
  member_fini(&fresh);
  member_fini(&mixed);
}

static void nobody_changes_the_keys_of_another(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, police);
  assert_verdict(say_keys(aple, A(ROTATE), &fresh), V(REQUEST_NOT_VALID));
  assert_verdict(say_keys(aple, A(REPLACE_KEYS), &fresh), V(NOT_A_REGISTRAR));
  must(org_id_parse(bytes_text("nobody"), &fresh.id) == OK);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(NO_SUCH_ORGANISATION));
  assert_false(has_keys_of(police, &fresh));
  member_fini(&fresh);
}

static void a_replacement_takes_effect_after_the_delay(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  uint64_t due = due_of(aple), size = w.size;
  assert_true(due == w.clock_ms - WORLD_TURN_MS + WORLD_REPLACE_MS);
  world_wait(&w, due - 1);
  assert_true(w.size == size && !has_keys_of(aple, &fresh));
  world_wait(&w, due);
  assert_true(w.size == size + 1 && has_keys_of(aple, &fresh));
  world_wait(&w, due + 1);
  assert_true(w.size == size + 1 && due_of(aple) == 0);
  member_fini(&fresh);
}

static void a_replacement_can_be_stopped(void **state)
{
  (void)state;
  struct member fresh, again;
  fresh_keys(&fresh, aple);
  fresh_keys(&again, aple);
  assert_verdict(say_stop(two, "aple"), V(NOTHING_TO_STOP));
  assert_verdict(say_stop(two, "nobody"), V(NO_SUCH_ORGANISATION));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  assert_verdict(say_stop(police, "aple"), V(NOT_A_REGISTRAR));
  assert_verdict(say_stop(aple, "aple"), V(ACCEPTED)); /* by the old key */
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  assert_verdict(say_stop(two, "aple"), V(ACCEPTED)); /* by the other registrar */
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  assert_verdict(say_keys(aple, A(ROTATE), &again), V(ACCEPTED)); /* it still has its keys: nothing to replace */
  assert_verdict(say_stop(one, "aple"), V(NOTHING_TO_STOP));
  uint64_t size = w.size;
  world_wait(&w, w.clock_ms + 10 * WORLD_REPLACE_MS);
  assert_true(w.size == size && has_keys_of(aple, &again));
  member_fini(&fresh);
  member_fini(&again);
}

/* Whoever wants other keys than those that wait stops these first, and everybody sees it. */
static void only_one_replacement_waits(void **state)
{
  (void)state;
  struct member fresh, newer;
  fresh_keys(&fresh, aple);
  fresh_keys(&newer, aple);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  uint64_t due = due_of(aple);
  assert_verdict(say_keys(two, A(REPLACE_KEYS), &newer), V(REPLACEMENT_WAITS));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(REPLACEMENT_WAITS));
  assert_true(due_of(aple) == due);
  assert_verdict(say_stop(two, "aple"), V(ACCEPTED));
  assert_verdict(say_keys(two, A(REPLACE_KEYS), &newer), V(ACCEPTED));
  world_wait(&w, due_of(aple));
  assert_true(has_keys_of(aple, &newer));
  assert_verdict(say_keys(two, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  member_fini(&fresh);
  member_fini(&newer);
}

/* One registrar alone takes over nobody: whoever can stop a replacement must be there, in whichever order it is tried.
 */
static void one_registrar_alone_replaces_no_keys_of_the_suspended(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED)); /* the other one can stop it */
  assert_verdict(say_suspend(one, "registry-two", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_true(due_of(aple) == 0);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(NEEDS_TWO_REGISTRARS));
  assert_verdict(say_keys(one, A(ENROL), aple), V(ACCEPTED));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED)); /* aple can stop it itself */
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_true(due_of(aple) == 0);
  uint64_t size = w.size;
  world_wait(&w, w.clock_ms + 10 * WORLD_REPLACE_MS);
  assert_true(w.size == size && has_keys_of(aple, aple));
  assert_verdict(say_keys(one, A(ENROL), two), V(ACCEPTED));
  assert_verdict(say_keys(two, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  world_wait(&w, due_of(aple));
  assert_true(has_keys_of(aple, &fresh));
  member_fini(&fresh);
}

/* Between the asking and the taking effect nobody else may get these keys. */
static void keys_that_wait_are_taken(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  must(org_id_parse(bytes_text("tpo"), &fresh.id) == OK);
  assert_verdict(say_keys(one, A(ENROL), &fresh), V(KEY_IN_USE));
  fresh.id = police->id;
  assert_verdict(say_keys(police, A(ROTATE), &fresh), V(KEY_IN_USE));
  member_fini(&fresh);
}

/* It was suspended and is enrolled again while a replacement waits: nothing waits any more. */
static void enrolling_again_ends_a_replacement(void **state)
{
  (void)state;
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_verdict(say_keys(one, A(ENROL), aple), V(ACCEPTED));
  uint64_t size = w.size;
  world_wait(&w, w.clock_ms + 2 * WORLD_REPLACE_MS);
  assert_true(w.size == size && has_keys_of(aple, aple));
  member_fini(&fresh);
}

static void many_clocks_take_more_than_one_turn(void **state)
{
  (void)state;
  struct member fresh;
  for (int i = 0; i < MANY; i++) {
    char id[20];
    (void)snprintf(id, sizeof id, "office-%d", i);
    member_init(&fresh, id);
    assert_verdict(say_keys(one, A(ENROL), &fresh), V(ACCEPTED));
    member_new_keys(&fresh);
    assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
    member_fini(&fresh);
    w.clock_ms -= 2 * WORLD_TURN_MS; /* turns still grow by a millisecond: all are due at nearly the same time */
  }
  uint64_t size = w.size;
  world_wait(&w, w.clock_ms + 10 * WORLD_REPLACE_MS);
  assert_true(w.size == size + 256);
  world_wait(&w, w.clock_ms);
  assert_true(w.size == size + MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(only_a_registrar_enrols),
      TEST(a_request_must_hold),
      TEST(a_key_has_one_owner_for_ever),
      TEST(a_suspended_organisation_may_be_enrolled_again),
      TEST(the_last_registrar_stays),
      TEST(a_registrar_that_lapsed_or_leaves_acts_as_none),
      TEST(an_agreement_is_renewed_by_enrolling_again),
      TEST(a_registrar_sets_the_policy),
      TEST(keys_are_valid_by_position),
      TEST(a_key_that_was_changed_does_not_come_back),
      TEST(nobody_changes_the_keys_of_another),
      TEST(a_replacement_takes_effect_after_the_delay),
      TEST(a_replacement_can_be_stopped),
      TEST(only_one_replacement_waits),
      TEST(one_registrar_alone_replaces_no_keys_of_the_suspended),
      TEST(keys_that_wait_are_taken),
      TEST(enrolling_again_ends_a_replacement),
      TEST(many_clocks_take_more_than_one_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
