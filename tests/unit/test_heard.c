/* What an agent makes of refusals. There is no link: what it would answer is lost. */
#include "tests/unit/office.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/desk.h"
#include "agents/heard.h"

static void refuse(Onward__RefusalReason reason, uint64_t sequence, struct bytes what)
{
  static uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  Onward__Refusal r = ONWARD__REFUSAL__INIT;
  r.reason = reason;
  r.sequence = sequence;
  r.what = pb_data(what);
  struct link_message m = {.kind = FRAME_REFUSAL, .body = pb_pack(&r, &a)};
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
}

/* What the agent wrote to stderr during a refusal with these words. */
static size_t words_of(struct bytes what, char *out, size_t capacity)
{
  int kept = dup(2), file = memfd_create("stderr", MFD_CLOEXEC);
  assert_true(kept >= 0 && file >= 0);
  assert_int_equal(dup2(file, 2), 2);
  refuse(ONWARD__REFUSAL_REASON__BUSY, 1, what);
  fflush(stderr);
  assert_int_equal(dup2(kept, 2), 2);
  ssize_t size = pread(file, out, capacity, 0);
  assert_true(size > 0);
  close(kept);
  close(file);
  return (size_t)size;
}

static void words_of_the_exchange_steer_no_terminal(void **state)
{
  (void)state;
  char text[1024];
  uint8_t hostile[256], large[3000];
  for (size_t i = 0; i < sizeof hostile; i++)
    hostile[i] = (uint8_t)i;
  memset(large, 0x1b, sizeof large);
  const struct bytes words[] = {bytes_text("\x1b[2Jan \n alarm\r"), BYTES(hostile), bytes_of(hostile + 128, 100),
                                BYTES(large)};
  for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
    agent.session.phase = PHASE_READY;
    size_t size = words_of(words[n], text, sizeof text);
    for (size_t i = 0; i + 1 < size; i++)
      assert_true(text[i] >= ' ' && text[i] <= '~');
    assert_int_equal(text[size - 1], '\n');
  }
}

static void refused_hello_is_no_silence(void **state)
{
  (void)state;
  const char *why;
  agent.session.phase = PHASE_HELLO;
  assert_string_equal(session_connection(&agent.session, &why), "unreachable");
  assert_null(why);
  refuse(ONWARD__REFUSAL_REASON__WRONG_NETWORK, 0, bytes_text("hello.network"));
  assert_string_equal(session_connection(&agent.session, &why), "refused");
  assert_non_null(strstr(why, "another network"));
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_NONE);
  agent_abort(&agent);
}

static void what_is_to_be_signed_again_begins_with_the_refused(void **state)
{
  (void)state;
  static const uint64_t sequences[] = {6, 5, 7};
  for (size_t i = 0; i < 3; i++) {
    agent.session.phase = PHASE_READY;
    refuse(i == 1 ? ONWARD__REFUSAL_REASON__BAD_SIGNATURE : ONWARD__REFUSAL_REASON__KEY_ENDED, sequences[i],
           bytes_text("signature"));
  }
  assert_int_equal(agent.session.sign_from, 5);
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_NONE); /* nobody has to know yet */
  agent_abort(&agent);
}

/* --- a full disk --- */

static int room; /* rows that can still be written */
static void (*real_put)(struct books *b, int table, struct bytes key, struct bytes value);

static void put_while_there_is_room(struct books *b, int table, struct bytes key, struct bytes value)
{
  if (room-- > 0)
    real_put(b, table, key, value);
  else
    b->trouble = NOT_NOW;
}

static void make_room_for(int rows)
{
  struct books *b = agent_read(&agent);
  if (b->put != put_while_there_is_room)
    real_put = b->put;
  b->put = put_while_there_is_room;
  agent_abort(&agent);
  room = rows;
}

static void hear(enum frame_kind kind, const void *message, struct bytes sealed)
{
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct link_message m = {.kind = kind, .body = pb_pack(message, &a), .sealed = sealed};
  assert_true(m.body.size > 0);
  agent.session.phase = PHASE_READY;
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
}

static void hear_mail(struct parcel *p)
{
  p->d.entries = p->entries;
  p->d.bodies = p->body_list;
  for (size_t i = 0; i < p->d.n_bodies; i++)
    p->body_list[i] = &p->bodies[i];
  p->d.checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
  hear(FRAME_DELIVERY, &p->d, bytes_of(p->sealed, p->sealed_size));
}

static void assert_nobody_accused(void)
{
  room = 1000;
  assert_false(agent.session.halted);
  assert_int_equal(agent.evidence.accused, ALARM_NONE);
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_NONE);
  agent_abort(&agent);
}

static void full_disk_accuses_nobody_of_a_delivery(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  int rows = 0;
  for (; rows < 200 && !office_knows(&id); rows++) {
    make_room_for(rows);
    hear_mail(&mail);
    assert_nobody_accused();
  }
  assert_in_range(rows, 5, 199); /* with room for all of it, it was taken */
}

static void full_disk_accuses_nobody_of_a_directory(void **state)
{
  (void)state;
  Onward__Entry *entries[64];
  world_enrol(&world, "haven");
  world_enrol(&world, "clinic");
  Onward__Answer answer = office_directory(entries);
  answer.checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
  uint64_t before = directory_known(agent_read(&agent)), known = before;
  agent_abort(&agent);
  int rows = 0;
  for (; rows < 100 && known == before; rows++) {
    make_room_for(rows);
    hear(FRAME_ANSWER, &answer, (struct bytes){NULL, 0});
    assert_nobody_accused();
    known = directory_known(agent_read(&agent));
    agent_abort(&agent);
  }
  assert_in_range(rows, 5, 99);
}

static void alarm_that_finds_no_room_is_raised_again(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.entries[0]->path.data[0] ^= 1; /* this one is to be accused */
  make_room_for(0);
  hear_mail(&mail);
  assert_false(agent.session.halted);
  assert_int_equal(agent.session.phase, PHASE_DOWN);
  make_room_for(1000);
  hear_mail(&mail);
  assert_true(agent.session.halted);
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_BAD_PROOF);
  agent_abort(&agent);
}

static json_t *ask(const char *line)
{
  bool watch;
  return desk_answer(&agent, line, strlen(line), DESK_WAITS_MAX, &watch);
}

static void case_is_shown_on_a_full_disk(void **state)
{
  (void)state;
  char line[100], hex[33];
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  json_decref(ask("{\"do\": \"unlock\", \"passphrase\": \"not a secret\"}"));
  hex_encode(BYTES(id.byte), hex);
  (void)snprintf(line, sizeof line, "{\"do\": \"show\", \"id\": \"%s\"}", hex);
  make_room_for(0);
  json_t *answer = ask(line);
  assert_true(json_is_true(json_object_get(answer, "ok")));
  assert_true(json_is_false(json_object_get(answer, "acknowledged_now")));
  json_decref(answer);
  assert_int_equal(office_item(&id).opened, 0); /* told when there is room */
}

static const char refer[] =
    "{\"do\": \"refer\", \"to\": [\"police\"], \"priority\": \"HIGH\", \"basis\": \"CONSENT\", \"brief\": {\"service\":"
    "\"FOOD\", \"need\": \"a test\", \"sex\": \"FEMALE\", \"age_band\": \"AGE_10_14\"}, \"file\": {\"case_code\": "
    "\"T-1\", \"contact\": {\"who\": \"a test\", \"telephone\": \"+000\"}, \"consent\": {\"given_by\": \"a test\"},"
    "\"focal_point\": \"a test\"}}";

/* What was replaced may be the very key that it would be sealed to. */
static void nothing_is_sealed_until_the_chain_is_whole(void **state)
{
  (void)state;
  struct member *haven = world_enrol(&world, "haven");
  world_submit(&world, haven, &aple, 1);
  struct parcel mail = office_mail(0);
  hear_mail(&mail);
  json_t *answer = ask(refer);
  assert_string_equal(json_string_value(json_object_get(answer, "code")), "not_allowed");
  assert_non_null(strstr(json_string_value(json_object_get(answer, "what")), "nothing is sealed before"));
  json_decref(answer);
  assert_true(agent.stale); /* the directory is asked for */
  office_tell_directory();
  answer = ask(refer);
  assert_true(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
}

/* --- what waits --- */

static bool status_says(const char *name)
{
  json_t *answer = ask("{\"do\": \"status\"}");
  bool said = json_is_true(json_object_get(answer, name));
  json_decref(answer);
  return said;
}

static void full_exchange_is_told_until_something_arrives(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK); /* `receive` waits */
  assert_false(status_says("busy"));
  agent.session.phase = PHASE_READY;
  refuse(ONWARD__REFUSAL_REASON__BUSY, 1, bytes_text("full"));
  assert_true(status_says("busy"));
  session_push(&agent);
  assert_true(agent.session.waits_from_ms != 0);
  assert_false(status_says("stalled"));
  agent.session.phase = PHASE_READY;
  agent.session.waits_from_ms = 1; /* since this computer was started */
  assert_true(status_says("stalled"));
  uint64_t from = world.size;
  office_send_all();
  mail = office_mail(from);
  hear_mail(&mail);
  agent.session.phase = PHASE_READY;
  assert_false(status_says("busy") || status_says("stalled"));
}

static void what_the_exchange_has_is_not_sent_again(void **state)
{
  (void)state;
  uint64_t sequence = 0, number;
  struct event act = {.act = ONWARD__CORE__ACT_RECEIVE, .bytes = bytes_text("one of two")};
  struct books *b = agent_write(&agent);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(outbox_add(b, ONWARD__PRIORITY__HIGH, &act, act.bytes, &number), OK);
    assert_int_equal(outbox_form(b, &agent.self, 1, 1, false, &sequence), OK);
  }
  assert_int_equal(agent_commit(&agent), OK);
  session_exchange_has(&agent, sequence - 1);
  assert_true(pace_was_sent(&agent.session.pace, sequence - 1));
  assert_false(pace_was_sent(&agent.session.pace, sequence));
  session_down(&agent, 0);
  assert_false(pace_was_sent(&agent.session.pace, sequence - 1));
}

static void suspended_registrars_acts_are_dropped(void **state)
{
  (void)state;
  struct draft d;
  uint64_t number;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  Onward__Entry *entries[64];
  struct event act = {.act = ONWARD__CORE__ACT_SUSPEND, .bytes = bytes_text("to be dropped")};
  assert_int_equal(outbox_add(agent_write(&agent), ONWARD__PRIORITY__HIGH, &act, act.bytes, &number), OK);
  act.act = ONWARD__CORE__ACT_RECEIVE;
  assert_int_equal(outbox_add(agent.books, ONWARD__PRIORITY__HIGH, &act, act.bytes, &number), OK);
  assert_int_equal(agent_commit(&agent), OK);
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  suspend.organisation = pb_data(org_id_text(&aple->id));
  suspend.standing = ONWARD__STANDING__COMPROMISED;
  d.core.suspend = &suspend;
  assert_int_equal(world_hear(&world, &world.members[0], &d, 1), ONWARD__VERDICT__ACCEPTED);
  Onward__Answer answer = office_directory(entries);
  answer.checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
  hear(FRAME_ANSWER, &answer, (struct bytes){NULL, 0});
  struct books *b = agent_read(&agent);
  assert_false(outbox_holds(b, ONWARD__CORE__ACT_SUSPEND));
  assert_true(outbox_holds(b, ONWARD__CORE__ACT_RECEIVE));
  assert_int_equal(alarm_next(b, ALARM_IMPOSSIBLE), ALARM_DROPPED);
  agent_abort(&agent);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(words_of_the_exchange_steer_no_terminal, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(refused_hello_is_no_silence, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_is_to_be_signed_again_begins_with_the_refused, office_setup,
                                      office_teardown),
      cmocka_unit_test_setup_teardown(full_disk_accuses_nobody_of_a_delivery, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(full_disk_accuses_nobody_of_a_directory, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(alarm_that_finds_no_room_is_raised_again, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(case_is_shown_on_a_full_disk, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(nothing_is_sealed_until_the_chain_is_whole, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(full_exchange_is_told_until_something_arrives, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_the_exchange_has_is_not_sent_again, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(suspended_registrars_acts_are_dropped, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
