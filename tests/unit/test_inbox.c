/* What an agent does with what it is delivered, by an exchange that is honest, and by ones that are not. */
#include "tests/unit/office.h"

#include "agents/desk.h"
#include "agents/duty.h"
#include "agents/vault.h"

/* --- honest --- */

static void brief_is_stored_and_signed_for(void **state)
{
  (void)state;
  struct event out[8];
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(out[0].act, ONWARD__CORE__ACT_RECEIVE);
  struct hash hash = sha256(bytes_of(mail.sealed, WORLD_BODY_SIZE));
  assert_true(bytes_equal(pb_bytes(out[0].core->receive->sha256), hash_bytes(&hash)));
  struct item item = office_item(&id);
  assert_int_equal(item.sender, 0);
  assert_int_equal(item.pending, 1);
  assert_int_equal(item.fresh, 1);
  struct marks m;
  marks_get(agent_read(&agent), &m);
  agent_abort(&agent);
  assert_int_equal(m.position, world.size);
}

static void repetition_changes_nothing(void **state)
{
  (void)state;
  struct event out[8];
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(office_item(&id).pending, 1);
  office_send_all();
  mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  mail = office_mail(0); /* once more from the beginning, as after a restore */
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  assert_int_equal(office_item(&id).pending, 0);
}

static void own_entry_needs_only_its_header(void **state)
{
  (void)state;
  struct event out[8];
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  uint64_t from = world.size;
  office_send_all();
  mail = office_mail(from);
  assert_int_equal(mail.d.n_entries, 1);
  office_shorten(&mail, 0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  assert_int_equal(office_item(&id).pending, 0);
  assert_int_equal(office_deliver(&mail), OK); /* again, when the outbox has forgotten it */
}

static void case_that_moved_on_is_not_asked_for(void **state)
{
  (void)state;
  struct event out[8];
  struct draft d;
  Onward__Cancel cancel = ONWARD__CANCEL__INIT;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  draft_init(&d, ONWARD__CORE__ACT_CANCEL, &id);
  d.core.cancel = &cancel;
  world_answer(&world, &d, &id);
  assert_int_equal(world_hear(&world, police, &d, 1), ONWARD__VERDICT__ACCEPTED);
  struct parcel mail = office_mail(0);
  assert_int_equal(mail.d.n_entries, 2);
  assert_int_equal(mail.d.n_bodies, 0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  assert_true(office_knows(&id));
}

/* --- what cannot be opened --- */

static void other_key_is_refused(void **state)
{
  (void)state;
  struct event out[8];
  aple->seal_point[5] ^= 1; /* the sender seals to what is not our key */
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(out[0].act, ONWARD__CORE__ACT_REFUSE_OPEN);
  assert_int_equal(out[0].core->refuse_open->reason, ONWARD__REFUSE_OPEN_REASON__NOT_MY_KEY);
}

static void changed_body_is_not_kept(void **state)
{
  (void)state;
  struct event out[8];
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.sealed[7] ^= 1;
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(body_has(agent_read(&agent), mail.bodies[0].index, 0), 0);
  agent_abort(&agent);
  assert_int_equal(office_queued(out), 1); /* the mailbox is read to its end: it will not come by itself */
  assert_int_equal(out[0].act, ONWARD__CORE__ACT_REFUSE_OPEN);
  assert_int_equal(out[0].core->refuse_open->reason, ONWARD__REFUSE_OPEN_REASON__LOST);
  assert_int_equal(office_item(&id).pending, 1);
}

static void missing_body_is_waited_for(void **state)
{
  (void)state;
  struct event out[8];
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.d.n_bodies = mail.sealed_size = 0;
  mail.d.next = world.size - 1; /* more is to come */
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  assert_int_equal(duty_settle_open(&agent, agent_write(&agent)), OK);
  assert_int_equal(agent_commit(&agent), OK);
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(out[0].core->refuse_open->reason, ONWARD__REFUSE_OPEN_REASON__LOST);
}

/* --- dishonest --- */

static void assert_nothing_taken(struct parcel *mail, const struct ref_id *id)
{
  struct event out[8];
  assert_int_equal(office_deliver(mail), BAD_INPUT);
  assert_int_equal(agent.evidence.accused, ALARM_BAD_PROOF);
  assert_false(office_knows(id));
  assert_int_equal(office_queued(out), 0);
}

static void changed_entry_is_accused(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.entries[0]->leaf.data[LEAF_HEADER_SIZE + 40] ^= 1;
  assert_nothing_taken(&mail, &id);
}

static void path_of_another_entry_is_accused(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.entries[0]->path.data[0] ^= 1;
  assert_nothing_taken(&mail, &id);
}

static void invented_own_entry_is_accused(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  office_shorten(&mail, 0); /* the police's entry, as if it were one that we keep */
  assert_int_equal(office_deliver(&mail), NOT_FOUND);
  assert_int_equal(agent.evidence.accused, ALARM_NONE); /* it may be of a copy of us, and is asked for whole */
  agent.session.whole = true;
  assert_nothing_taken(&mail, &id);
}

static void position_beyond_the_log_is_accused(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.d.next = world.size + 1;
  assert_nothing_taken(&mail, &id);
}

/* The exchange takes a step that the rules do not allow from where the referral is; the sender saw all that came
 * before. */
static void step_against_the_rules_is_accused(void **state)
{
  (void)state;
  struct referral r;
  bool watch;
  size_t size;
  struct ref_id id;
  static const char refer[] =
      "{\"do\": \"refer\", \"to\": [\"police\"], \"priority\": \"HIGH\", \"basis\": \"CONSENT\", \"brief\": "
      "{\"service\":"
      "\"FOOD\", \"need\": \"a test\", \"sex\": \"FEMALE\", \"age_band\": \"AGE_10_14\"}, \"file\": {\"case_code\": "
      "\"T-1\","
      "\"contact\": {\"who\": \"a test\", \"telephone\": \"+000\"}, \"consent\": {\"given_by\": \"a test\"},"
      "\"focal_point\": \"a test\"}}";
  json_t *answer = desk_answer(&agent, refer, sizeof refer - 1, DESK_WAITS_MAX, &watch);
  const char *hex = json_string_value(json_object_get(answer, "id"));
  assert_non_null(hex);
  assert_int_equal(hex_decode(bytes_text(hex), id.byte, sizeof id.byte, &size), OK);
  json_decref(answer);
  uint64_t from = world.size;
  office_send_all();
  struct parcel mail = office_mail(from);
  assert_int_equal(office_deliver(&mail), OK);
  struct books *b = store_begin(world.store, true);
  assert_int_equal(books_referral(b, &id, &r), OK);
  r.state = STATE_ACCEPTED; /* it has its own idea of where it is */
  books_put_referral(b, &r);
  assert_int_equal(store_commit(world.store, (char[200]){0}), OK);
  from = world.size;
  world_act(&world, police, &id, ONWARD__CORE__ACT_START);
  mail = office_mail(from);
  assert_int_equal(mail.d.n_entries, 1);
  assert_int_equal(office_deliver(&mail), BAD_INPUT);
  assert_int_equal(agent.evidence.accused, ALARM_IMPOSSIBLE);
  assert_true(agent.evidence.offered.part[ALARM_LEAF].size > 0); /* what it is about */
}

static void directory_comes_first(void **state)
{
  (void)state;
  struct member *haven = world_enrol(&world, "haven");
  struct ref_id id = world_submit(&world, haven, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), NOT_FOUND); /* it names an entry of the directory that we do not have */
  assert_false(office_knows(&id));
  assert_int_equal(agent.evidence.accused, ALARM_NONE);
  office_tell_directory();
  mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_true(office_knows(&id));
}

/* The exchange hears what waits here, and we forget that we sent it: our books came back from a backup. */
static void send_and_go_back(void)
{
  uint64_t sequence;
  struct bytes body, sealed;
  struct batch batch;
  struct refusal refusal;
  struct marks m;
  struct books *b = agent_write(&agent);
  assert_int_equal(outbox_form(b, &agent.self, 8, MESSAGE_SIZE_MAX, false, &sequence), OK);
  must(outbox_message(b, sequence, &agent.arena, &body, &sealed) == OK);
  agent_abort(&agent);
  struct turn t = world_begin(&world);
  must(batch_read(body, sealed, &world.arena, &refusal, &batch) == OK);
  must(batch_admit(t.books, &world.ring, &batch, &refusal) == OK);
  must(turn_hear(&t, &batch, 0) == ONWARD__VERDICT__ACCEPTED);
  world_commit(&world, &t);
  b = agent_write(&agent);
  marks_get(b, &m);
  m.sequence = m.read_back = sequence;
  m.position = 0;
  marks_put(b, &m);
  assert_int_equal(agent_commit(&agent), OK);
}

/* The directory brings the entry before the mail does. */
static void act_on_the_registry_is_not_done_again(void **state)
{
  (void)state;
  struct member fresh;
  struct bytes signature;
  struct complaint why;
  struct composed c = {.bodies = {NULL, 0}};
  struct event out[8];
  uint64_t number;
  Onward__Rotate rotate = ONWARD__ROTATE__INIT;
  Onward__Core *core = core_new(NULL, &agent.arena);
  member_init(&fresh, "aple");
  rotate.request = pb_data(member_request(&fresh, &agent.arena, &signature));
  rotate.signature = pb_data(signature);
  core->act_case = ONWARD__CORE__ACT_ROTATE;
  core->rotate = &rotate;
  must(compose(agent_read(&agent), &agent.self, core, NULL, 0, &agent.arena, &why, &c) == OK);
  agent_abort(&agent);
  must(outbox_add(agent_write(&agent), ONWARD__PRIORITY__HIGH, &c.event, c.bodies, &number) == OK);
  assert_int_equal(agent_commit(&agent), OK);
  send_and_go_back();
  assert_int_equal(office_queued(out), 1);
  office_tell_directory();
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  assert_int_equal(office_queued(out), 0);
  member_fini(&fresh);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(brief_is_stored_and_signed_for, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(repetition_changes_nothing, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(own_entry_needs_only_its_header, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(case_that_moved_on_is_not_asked_for, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(other_key_is_refused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(changed_body_is_not_kept, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(missing_body_is_waited_for, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(changed_entry_is_accused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(path_of_another_entry_is_accused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(invented_own_entry_is_accused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(position_beyond_the_log_is_accused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(step_against_the_rules_is_accused, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(directory_comes_first, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(act_on_the_registry_is_not_done_again, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
