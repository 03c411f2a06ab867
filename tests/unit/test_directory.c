/* What organisations may say of their services and places, and what the books make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ledger/rows.h"
#include "tests/unit/clerk.h"
#include "tests/unit/offers.h"
#include "tests/unit/sample.h"

#define V(name) ONWARD__VERDICT__##name
#define DAY_MS 86400000ull

static void says_organisation_describes_registrar_assures(void **state)
{
  struct offer o;
  struct service s, changed;
  (void)state;
  offer_init(&o, 1);
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &s), OK);
  assert_true(s.assured_index == 0 && s.index == w.size - 1 && s.age_min == 6 && s.age_max == 17);
  assert_string_equal(s.areas[0], "KH-17");
  assert_string_equal(s.languages[0], "km");
  assert_int_equal(s.priorities, 2 + 4 + 8);
  assert_verdict(offer_assure(&w, police, aple, 1), V(NOT_A_REGISTRAR));
  assert_verdict(offer_assure_entry(&w, one, aple, 2, s.index), V(NO_SUCH_SERVICE));
  assert_verdict(offer_assure_entry(&w, one, aple, 1, s.index - 1), V(SERVICE_CHANGED));
  assert_verdict(offer_assure(&w, one, aple, 1), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &s), OK);
  assert_true(s.assured_index == w.size - 1 && s.assured_ms > 0);
  o.set.age_max = 25;
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &changed), OK);
  assert_true(changed.assured_index == 0 && changed.age_max == 25);
  assert_verdict(offer_assure_entry(&w, one, aple, 1, s.index), V(SERVICE_CHANGED)); /* what it had looked at */
  assert_verdict(offer_assure(&w, two, aple, 1), V(ACCEPTED));
  assert_verdict(offer_assure_entry(&w, one, aple, 1, 0), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &s), OK);
  assert_true(s.assured_index == 0);
}

static void a_registrar_does_not_assure_its_own(void **state)
{
  struct offer o;
  (void)state;
  offer_init(&o, 1);
  assert_verdict(offer_say(&w, one, &o), V(ACCEPTED));
  assert_verdict(offer_assure(&w, one, one, 1), V(OWN_SERVICE));
  assert_verdict(offer_assure(&w, two, one, 1), V(ACCEPTED));
}

static void whoever_lapsed_offers_nothing_new(void **state)
{
  struct offer o;
  (void)state;
  offer_init(&o, 1);
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__LAPSED), V(ACCEPTED));
  assert_verdict(offer_say(&w, aple, &o), V(NOT_IN_STANDING_NOW));
  assert_verdict(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 1, w.clock_ms + DAY_MS),
                 V(NOT_IN_STANDING_NOW));
  assert_verdict(offer_end(&w, aple, 1), V(ACCEPTED)); /* but may end what it offered */
}

static Onward__Verdict say_duty(struct member *m)
{
  struct draft d;
  Onward__SetDuty duty = ONWARD__SET_DUTY__INIT;
  draft_init(&d, ONWARD__CORE__ACT_SET_DUTY, NULL);
  d.core.set_duty = &duty;
  return world_hear(&w, m, &d, 1);
}

/* All must have the whole chain: nobody makes it grow without end. */
static void a_day_has_so_many_acts_and_no_more(void **state)
{
  struct offer o;
  (void)state;
  w.clock_ms += DAY_MS - w.clock_ms % DAY_MS; /* midnight */
  for (int i = 0; i < DIRECTORY_ACTS_PER_DAY_MAX; i++)
    assert_verdict(say_duty(aple), V(ACCEPTED));
  assert_verdict(say_duty(aple), V(TOO_MUCH_TODAY));
  offer_init(&o, 1);
  assert_verdict(offer_say(&w, aple, &o), V(TOO_MUCH_TODAY));
  assert_verdict(say_duty(police), V(ACCEPTED)); /* nobody else has to wait */
  w.clock_ms += DAY_MS;
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  for (int i = 0; i <= DIRECTORY_ACTS_PER_DAY_MAX; i++) /* a network begins with thousands of services */
    assert_verdict(offer_assure(&w, one, aple, 1), V(ACCEPTED));
  assert_verdict(say_duty(one), V(ACCEPTED));
  assert_verdict(say_suspend(one, "aple", ONWARD__STANDING__LAPSED), V(ACCEPTED));
  assert_verdict(say_duty(aple), V(ACCEPTED)); /* whoever has children's cases must be reached */
}

static size_t capacities(void)
{
  struct bytes key, value;
  size_t count = 0;
  struct row_key from = key_of_index(0);
  struct books *b = store_begin(w.store, false);
  while (b->seek(b, TABLE_CAPACITIES, row_key(&from), &key, &value) == OK) {
    from = row_key_start();
    row_key_bytes(&from, key);
    row_key_u8(&from, 0);
    count++;
  }
  store_abort(w.store);
  return count;
}

static void places_have_an_end_and_outlive_a_description(void **state)
{
  struct offer o;
  struct service s;
  uint64_t until = w.clock_ms + 3 * DAY_MS;
  (void)state;
  assert_verdict(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 2, until), V(NO_SUCH_SERVICE));
  offer_init(&o, 1);
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_verdict(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 2, w.clock_ms + 93 * DAY_MS), V(DATE_TOO_FAR));
  assert_verdict(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 2, until), V(ACCEPTED));
  assert_verdict(offer_places(&w, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 1, until), V(ACCEPTED));
  assert_int_equal(capacities(), 1); /* the newest */
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &s), OK);
  assert_true(s.available == 1 && s.capacity == ONWARD__CAPACITY_STATUS__HAS && s.capacity_until_ms == until);
  assert_true(s.capacity_index == w.size - 2 && s.capacity_ms > 0);
  assert_verdict(offer_end(&w, aple, 1), V(ACCEPTED));
  assert_int_equal(capacities(), 0);
  assert_int_equal(offer_row(&w, aple, 1, &s), NOT_FOUND);
  assert_verdict(offer_end(&w, aple, 1), V(NO_SUCH_SERVICE));
  assert_verdict(offer_say(&w, aple, &o), V(ACCEPTED));
  assert_int_equal(offer_row(&w, aple, 1, &s), OK);
  assert_true(s.capacity_index == 0);
}

static void a_telephone_is_changed_until_new_keys_bring_another(void **state)
{
  struct draft d;
  struct organisation o;
  Onward__SetDuty duty = ONWARD__SET_DUTY__INIT;
  (void)state;
  duty.duty_telephone = pb_data(bytes_text("+855 23 000 000"));
  draft_init(&d, ONWARD__CORE__ACT_SET_DUTY, NULL);
  d.core.set_duty = &duty;
  assert_verdict(world_hear(&w, aple, &d, 1), V(ACCEPTED));
  organisation(aple, &o);
  assert_true(o.duty_index == w.size - 1);
  struct member fresh;
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(aple, ONWARD__CORE__ACT_ROTATE, &fresh), V(ACCEPTED));
  organisation(aple, &o);
  assert_true(o.duty_index == 0 && o.keys_index == w.size - 1);
  member_fini(&fresh);
}

/* --- questions about places --- */

struct question {
  struct draft d;
  Onward__AskPlace ask;
  ProtobufCBinaryData to[3];
};

static void question_init(struct question *q, struct member *const *to, size_t count)
{
  const Onward__AskPlace ask = ONWARD__ASK_PLACE__INIT;
  draft_init(&q->d, ONWARD__CORE__ACT_ASK_PLACE, NULL);
  q->ask = ask;
  q->ask.n_recipients = count;
  q->ask.recipients = q->to;
  q->ask.valid_until_ms = w.clock_ms + DAY_MS;
  q->d.core.ask_place = &q->ask;
  for (size_t i = 0; i < count; i++) {
    q->to[i] = pb_data(org_id_text(&to[i]->id));
    draft_seal(&q->d, to[i], ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
  }
}

static Onward__Verdict answer(struct member *m, uint64_t index, bool other_hash, uint64_t until_ms)
{
  struct draft d;
  struct bytes leaf;
  Onward__AnswerPlace a = ONWARD__ANSWER_PLACE__INIT;
  a.status = ONWARD__CAPACITY_STATUS__HAS;
  a.valid_until_ms = until_ms;
  draft_init(&d, ONWARD__CORE__ACT_ANSWER_PLACE, NULL);
  must(books_entry(store_begin(w.store, false), index, &leaf) == OK);
  struct hash hash = leaf_hash(leaf);
  store_abort(w.store);
  memcpy(d.leaf_hash, hash.byte, sizeof d.leaf_hash);
  d.leaf_hash[0] ^= other_hash;
  d.answers.index = index;
  d.answers.leaf_hash = pb_data(BYTES(d.leaf_hash));
  d.core.answers = &d.answers;
  d.core.answer_place = &a;
  return world_hear(&w, m, &d, 1);
}

static bool has_mail(const struct member *m, uint64_t index)
{
  uint64_t at = 0;
  bool found = books_mail(store_begin(w.store, false), &m->id, index, &at) == OK && at == index;
  store_abort(w.store);
  return found;
}

static void a_question_reaches_those_asked_and_the_answer_whoever_asked(void **state)
{
  struct question q;
  struct member *const both[] = {aple, one};
  (void)state;
  question_init(&q, both, 2);
  assert_verdict(world_hear(&w, police, &q.d, 1), V(ACCEPTED));
  uint64_t index = w.size - 1;
  assert_true(has_mail(aple, index) && has_mail(one, index) && has_mail(police, index) && !has_mail(two, index));
  assert_verdict(answer(two, index, false, w.clock_ms + DAY_MS), V(NOT_ASKED));
  assert_verdict(answer(police, index, false, w.clock_ms + DAY_MS), V(NOT_ASKED));
  assert_verdict(answer(aple, index, true, w.clock_ms + DAY_MS), V(NOT_ASKED));
  assert_verdict(answer(aple, index - 1, false, w.clock_ms + DAY_MS), V(NOT_ASKED));
  assert_verdict(answer(aple, index, false, w.clock_ms + 93 * DAY_MS), V(DATE_TOO_FAR));
  assert_verdict(answer(aple, index, false, w.clock_ms + DAY_MS), V(ACCEPTED));
  assert_true(has_mail(police, w.size - 1) && has_mail(aple, w.size - 1) && !has_mail(one, w.size - 1));
  w.clock_ms += 2 * DAY_MS;
  assert_verdict(answer(one, index, false, w.clock_ms + DAY_MS), V(NOT_ASKED)); /* it is over */
}

static void a_question_is_sealed_for_each_who_is_asked(void **state)
{
  struct question q;
  struct member *const both[] = {aple, one}, *const self[] = {police};
  (void)state;
  question_init(&q, both, 2);
  q.d.sealed_count = 1;
  assert_verdict(world_hear(&w, police, &q.d, 1), V(WRONG_SEALED_PARTS));
  question_init(&q, both, 2);
  q.ask.n_recipients = 1;
  assert_verdict(world_hear(&w, police, &q.d, 1), V(WRONG_SEALED_PARTS));
  question_init(&q, both, 1);
  draft_seal(&q.d, aple, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
  assert_verdict(world_hear(&w, police, &q.d, 1), V(WRONG_SEALED_PARTS));
  question_init(&q, self, 1);
  assert_verdict(world_hear(&w, police, &q.d, 1), V(NO_SUCH_ORGANISATION));
  question_init(&q, both, 2);
  q.ask.valid_until_ms = w.clock_ms + 93 * DAY_MS;
  assert_verdict(world_hear(&w, police, &q.d, 1), V(DATE_TOO_FAR));
}

/* The sealed question goes once its reader has signed that it was stored. */
static void a_question_is_dropped_once_it_was_read(void **state)
{
  struct bytes value;
  struct question q;
  struct member *const list[] = {aple};
  (void)state;
  question_init(&q, list, 1);
  assert_verdict(world_hear(&w, police, &q.d, 1), V(ACCEPTED));
  uint64_t index = w.size - 1;
  struct row_key k = key_of_body(index, 0);
  struct books *b = store_begin(w.store, false);
  assert_int_equal(b->get(b, TABLE_BODIES, row_key(&k), &value), OK);
  store_abort(w.store);
  aple->read_up_to = index;
  assert_verdict(answer(aple, index, false, w.clock_ms + DAY_MS), V(ACCEPTED));
  b = store_begin(w.store, false);
  assert_int_equal(b->get(b, TABLE_BODIES, row_key(&k), &value), NOT_FOUND);
  assert_int_equal(b->get(b, TABLE_HELD, row_key(&k), &value), NOT_FOUND);
  store_abort(w.store);
}

/* --- what a service must be --- */

static void complains(Onward__Core *core, const char *field)
{
  struct event e;
  struct complaint why = {""};
  size_t used = sample_arena.used;
  Onward__Event *outer = sample_event(ONWARD__CORE__ACT_SET_SERVICE);
  outer->core = pb_data(pb_pack(core, &sample_arena));
  enum status s = event_read(pb_pack(outer, &sample_arena), &sample_arena, &why, &e);
  sample_arena.used = used;
  assert_int_equal(s, field == NULL ? OK : BAD_INPUT);
  if (field != NULL && strncmp(why.text, field, strlen(field)) != 0)
    fail_msg("%s: the complaint is: %s", field, why.text);
}

/* Codes of one group, and lists in order. */
static void a_service_holds_together(void **state)
{
  static uint8_t memory[1 << 20];
  (void)state;
  sample_arena = arena_of(memory, sizeof memory);
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_SET_SERVICE);
  Onward__SetService *s = core->set_service;
  complains(core, NULL);
  s->group = ONWARD__SERVICE_GROUP__PSS;
  complains(core, "codes");
  s->group = ONWARD__SERVICE_GROUP__GROUP_NOT_STATED;
  complains(core, "group");
  s->group = ONWARD__SERVICE_GROUP__LEGL;
  s->codes[1] = s->codes[0];
  complains(core, "codes");
  s->codes[1] = s->codes[0] + 1;
  s->priorities[1] = s->priorities[0];
  complains(core, "priorities");
  s->priorities[1] = s->priorities[0] + 1;
  s->areas[1]->code = s->areas[0]->code;
  complains(core, "areas");
  s->n_areas = 1;
  s->languages[1] = s->languages[0];
  complains(core, "languages");
  s->n_languages = 1;
  s->age_min = s->age_max;
  complains(core, NULL);
  s->age_max--;
  complains(core, "age_min");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(says_organisation_describes_registrar_assures, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_registrar_does_not_assure_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(whoever_lapsed_offers_nothing_new, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_day_has_so_many_acts_and_no_more, set_up, tear_down),
      cmocka_unit_test_setup_teardown(places_have_an_end_and_outlive_a_description, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_telephone_is_changed_until_new_keys_bring_another, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_question_reaches_those_asked_and_the_answer_whoever_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_question_is_sealed_for_each_who_is_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_question_is_dropped_once_it_was_read, set_up, tear_down),
      cmocka_unit_test(a_service_holds_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
