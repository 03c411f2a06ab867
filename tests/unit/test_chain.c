/* An agent keeps the registry chain and judges it itself: an exchange that lets in what the rules forbid is found out
 * by whoever reads the directory, not only by an audit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/admit.h"
#include "tests/unit/support.h"

static struct world w;
static char folder[FOLDER_PATH_SIZE];
static uint8_t memory[1 << 20];
static struct arena arena;
static struct member *police;

static int start(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  police = world_enrol(&w, "police");
  arena = arena_of(memory, sizeof memory);
  return 0;
}

static int stop(void **state)
{
  (void)state;
  world_fini(&w);
  folder_remove(folder);
  return 0;
}

/* An enrolment of somebody new as `author` would have it in the log. */
static enum status judged(const struct member *author, Onward__Verdict verdict)
{
  struct member other;
  struct draft d;
  struct event e;
  struct complaint why;
  struct bytes signature, packed;
  uint8_t header[BATCH_HEADER_SIZE];
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  member_init(&other, "other");
  arena_reset(&arena);
  enrol.request = pb_data(member_request(&other, &arena, &signature));
  enrol.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_ENROL, NULL);
  d.core.enrol = &enrol;
  assert_int_equal(event_pack(&d.core, NULL, 0, &arena, &packed), OK);
  assert_int_equal(event_read(packed, &arena, &why, &e), OK);
  struct batch_header h = {.network = w.network, .organisation = author->id, .sequence = 1, .count = 1};
  batch_header_write(&h, header);
  struct leaf leaf = {.origin = ORIGIN_ORGANISATION,
                      .verdict = (uint16_t)verdict,
                      .index = w.size,
                      .time_ms = w.clock_ms,
                      .event = packed,
                      .header = BYTES(header)};
  struct books *b = store_begin(w.store, false);
  enum status s = registry_verify(b, &leaf, &e, &arena, &why);
  store_abort(w.store);
  member_fini(&other);
  return s;
}

static void only_a_registrar_enrols(void **state)
{
  (void)state;
  assert_int_equal(judged(&w.members[0], ONWARD__VERDICT__ACCEPTED), OK);
  assert_int_equal(judged(police, ONWARD__VERDICT__ACCEPTED), BAD_INPUT);
  assert_int_equal(judged(&w.members[0], ONWARD__VERDICT__NOT_A_REGISTRAR), BAD_INPUT);
}

static void a_suspended_registrar_does_not(void **state)
{
  (void)state;
  struct draft d;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  suspend.organisation = pb_data(org_id_text(&w.members[1].id));
  suspend.standing = ONWARD__STANDING__COMPROMISED;
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  d.core.suspend = &suspend;
  assert_int_equal(judged(&w.members[1], ONWARD__VERDICT__ACCEPTED), OK);
  assert_int_equal(world_hear(&w, &w.members[0], &d, 1), ONWARD__VERDICT__ACCEPTED);
  assert_int_equal(judged(&w.members[1], ONWARD__VERDICT__ACCEPTED), BAD_INPUT);
}

static enum status replaced_at(uint64_t index, uint64_t time_ms)
{
  struct event e;
  struct complaint why;
  struct bytes packed;
  uint8_t nonce[NONCE_SIZE] = {1};
  Onward__Core core = ONWARD__CORE__INIT;
  Onward__KeysReplaced k = ONWARD__KEYS_REPLACED__INIT;
  arena_reset(&arena);
  k.organisation = pb_data(org_id_text(&police->id));
  k.index = index;
  core.nonce = pb_data(BYTES(nonce));
  core.act_case = ONWARD__CORE__ACT_KEYS_REPLACED;
  core.keys_replaced = &k;
  assert_int_equal(event_pack(&core, NULL, 0, &arena, &packed), OK);
  assert_int_equal(event_read(packed, &arena, &why, &e), OK);
  struct leaf leaf = {.verdict = ONWARD__VERDICT__ACCEPTED, .index = w.size, .time_ms = time_ms, .event = packed};
  struct books *b = store_begin(w.store, false);
  enum status s = registry_verify(b, &leaf, &e, &arena, &why);
  store_abort(w.store);
  return s;
}

static void keys_are_replaced_only_when_asked_and_due(void **state)
{
  (void)state;
  struct member again;
  struct draft d;
  struct bytes signature;
  Onward__ReplaceKeys replace = ONWARD__REPLACE_KEYS__INIT;
  assert_int_equal(replaced_at(1, w.clock_ms + WORLD_REPLACE_MS), BAD_INPUT);
  member_init(&again, "police");
  arena_reset(&arena);
  replace.request = pb_data(member_request(&again, &arena, &signature));
  replace.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_REPLACE_KEYS, NULL);
  d.core.replace_keys = &replace;
  uint64_t asked = w.size, asked_ms = w.clock_ms;
  assert_int_equal(world_hear(&w, &w.members[0], &d, 1), ONWARD__VERDICT__ACCEPTED);
  assert_int_equal(replaced_at(asked, asked_ms + WORLD_REPLACE_MS - 1), BAD_INPUT);
  assert_int_equal(replaced_at(asked - 1, asked_ms + WORLD_REPLACE_MS), BAD_INPUT);
  assert_int_equal(replaced_at(asked, asked_ms + WORLD_REPLACE_MS), OK);
  member_fini(&again);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(only_a_registrar_enrols, start, stop),
      cmocka_unit_test_setup_teardown(a_suspended_registrar_does_not, start, stop),
      cmocka_unit_test_setup_teardown(keys_are_replaced_only_when_asked_and_due, start, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
