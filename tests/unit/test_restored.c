/* A log that goes on from a backup, a purge, and a mandate: what the contract lets in, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agents/audit/audit.h"
#include "proto/ledger/rows.h"
#include "tests/scenarios/rebuild.h"
#include "tests/unit/clerk.h"

#define A(name) ONWARD__CORE__ACT_##name
#define V(name) ONWARD__VERDICT__##name

static void assert_replay_says(const char *expected)
{
  struct complaint why = {""};
  enum status s = rebuild(&w, folder, &why);
  if (s != BAD_INPUT || strstr(why.text, expected) == NULL)
    fail_msg("expected \"%s\", have: %s", expected, s == OK ? "it holds" : why.text);
}

static int tear_down_broken(void **state)
{
  (void)state;
  world_fini(&w);
  folder_remove(folder);
  return 0;
}

/* --- restored --- */

static void a_registrar_lets_a_restored_log_go_on(void **state)
{
  (void)state;
  struct head before, after;
  struct ref_id id = world_submit(&w, police, &aple, 1);
  books_head(store_begin(w.store, false), &before);
  store_abort(w.store);
  Onward__Restore r = world_restore_here(&w);
  r.lost_size += 3;
  world_say_restored(&w, two, two, &r);
  books_head(store_begin(w.store, false), &after);
  store_abort(w.store);
  assert_int_equal(after.size, before.size + 1); /* nobody is overdue for a day on which nobody was heard */
  assert_int_equal(after.epoch, 2);
  assert_int_equal(after.registry, before.size);
  assert_int_equal(after.absent_ms - before.absent_ms, after.time_ms - before.time_ms);
  r = world_restore_here(&w);
  assert_int_equal(r.epoch, 3);
  world_say_restored(&w, one, one, &r);
  world_act(&w, aple, &id, A(RECEIVE));
  char copy[FOLDER_PATH_SIZE], why[200];
  FILE *nobody = fopen("/dev/null", "w");
  const struct audit_request q = {.folder = copy, .out = nobody, .err = stderr, .to = UINT64_MAX};
  folder_make(copy);
  assert_int_equal(store_copy(w.store, folder_path(copy, "books"), ALL_TABLES, why), OK);
  assert_int_equal(audit_verify(&q), AUDIT_FINE); /* its checkpoint is of the third epoch */
  (void)fclose(nobody);
  folder_remove(copy);
}

static void not_for_another_epoch(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  r.epoch = 1;
  world_say_restored(&w, one, one, &r);
  assert_replay_says("an epoch that is over");
}

static void not_at_another_place(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  world_wait(&w, w.clock_ms + 1);
  world_submit(&w, police, &aple, 1);
  world_say_restored(&w, one, one, &r);
  assert_replay_says("another place");
}

static void not_of_another_network(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  r.network.data[0] ^= 1;
  world_say_restored(&w, one, one, &r);
  assert_replay_says("another network");
}

static void not_behind_another_log(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  r.root.data[31] ^= 1;
  world_say_restored(&w, one, one, &r);
  assert_replay_says("another log than the one before it");
}

static void not_by_an_organisation(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  world_say_restored(&w, police, police, &r);
  assert_replay_says("by a registrar in standing");
}

static void not_in_a_registrars_name(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&w);
  world_say_restored(&w, police, two, &r);
  assert_replay_says("does not fit the registrar's key");
}

static void not_by_a_registrar_who_was_cut_off(void **state)
{
  (void)state;
  assert_verdict(say_suspend(one, "registry-two", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  Onward__Restore r = world_restore_here(&w);
  world_say_restored(&w, two, two, &r);
  assert_replay_says("by a registrar in standing");
}

static void what_was_lost_is_never_less_than_what_is_left(void **state)
{
  (void)state;
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint why;
  const Onward__Restore *read;
  Onward__Restore r = world_restore_here(&w);
  r.lost_size = r.continues_at - 1;
  assert_int_equal(restore_read(pb_pack(&r, &a), &a, &why, &read), BAD_INPUT);
  assert_non_null(strstr(why.text, "lost_size"));
}

/* --- purged --- */

static void a_pause_counts_for_nobody(void **state)
{
  (void)state;
  struct head head;
  world_submit(&w, police, &aple, 1);
  uint64_t size = w.size, before_ms = w.clock_ms;
  world_say_time(&w, w.clock_ms + 40 * 3600000ull, A(PURGED), UINT64_MAX);
  books_head(store_begin(w.store, false), &head);
  store_abort(w.store);
  assert_int_equal(head.size, size + 1); /* no clock of the referral has rung */
  assert_int_equal(head.absent_ms, w.clock_ms - before_ms);
  assert_int_equal(head.doubted_ms, 0);
}

static void a_doubt_outlives_a_purge(void **state)
{
  (void)state;
  struct head head;
  world_say_time(&w, w.clock_ms + 1000, A(CLOCK_DOUBTED), 0);
  world_say_time(&w, w.clock_ms + 1000, A(PURGED), UINT64_MAX);
  books_head(store_begin(w.store, false), &head);
  store_abort(w.store);
  assert_int_not_equal(head.doubted_ms, 0);
  uint64_t doubted_ms = head.doubted_ms;
  world_say_time(&w, w.clock_ms + 1000, A(CLOCK_CONFIRMED), UINT64_MAX);
  books_head(store_begin(w.store, false), &head);
  store_abort(w.store);
  assert_int_equal(head.absent_ms, head.time_ms - doubted_ms); /* and not the pause a second time */
}

/* --- mandates --- */

static Onward__Verdict say_mandate(struct member *author, const char *about)
{
  static struct draft d;
  Onward__Mandate m = ONWARD__MANDATE__INIT;
  draft_init(&d, A(MANDATE), NULL);
  m.name = pb_data(bytes_text("Office of the Ombudsman"));
  m.about = pb_data(bytes_text(about));
  m.to_index = 4;
  d.core.mandate = &m;
  return world_hear(&w, author, &d, 1);
}

static void registrars_alone_give_mandates(void **state)
{
  (void)state;
  struct head head;
  assert_verdict(say_mandate(police, ""), V(NOT_A_REGISTRAR));
  assert_verdict(say_mandate(one, "nobody"), V(NO_SUCH_ORGANISATION));
  assert_verdict(say_mandate(one, ""), V(ACCEPTED));
  assert_verdict(say_mandate(two, "police"), V(ACCEPTED));
  books_head(store_begin(w.store, false), &head);
  store_abort(w.store);
  assert_int_equal(head.registry, w.size - 1); /* in the chain: everybody knows */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_registrar_lets_a_restored_log_go_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(not_for_another_epoch, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_at_another_place, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_of_another_network, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_behind_another_log, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_by_an_organisation, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_in_a_registrars_name, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(not_by_a_registrar_who_was_cut_off, set_up, tear_down_broken),
      cmocka_unit_test_setup_teardown(what_was_lost_is_never_less_than_what_is_left, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_pause_counts_for_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_doubt_outlives_a_purge, set_up, tear_down),
      cmocka_unit_test_setup_teardown(registrars_alone_give_mandates, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
