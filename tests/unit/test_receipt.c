/* Receipts: that an entry is in the log, from an office's own books alone, for people who trust neither. */
#include "tests/unit/office.h"

#include <stdio.h>
#include <string.h>

#include "agents/desk.h"
#include "agents/receipt.h"
#include "proto/seal/proof.h"

static const char refer[] =
    "{\"do\": \"refer\", \"to\": [\"police\"], \"priority\": \"HIGH\", \"basis\": \"CONSENT\", \"brief\": {\"service\":"
    "\"FOOD\", \"need\": \"a test\", \"sex\": \"FEMALE\", \"age_band\": \"AGE_10_14\"}, \"file\": {\"case_code\": "
    "\"T-1\", \"contact\": {\"who\": \"a test\", \"telephone\": \"+000\"}, \"consent\": {\"given_by\": \"a test\"},"
    "\"focal_point\": \"a test\"}}";

static json_t *ask(const char *line)
{
  bool watch;
  json_t *answer = desk_answer(&agent, line, strlen(line), DESK_WAITS_MAX, &watch);
  assert_non_null(answer);
  return answer;
}

static bool is_ok(const char *line)
{
  json_t *answer = ask(line);
  bool ok = json_is_true(json_object_get(answer, "ok"));
  json_decref(answer);
  return ok;
}

static void take_mail(void)
{
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
}

static void assert_receipt(uint64_t index)
{
  static uint8_t bytes[PROOF_LEAF_MAX];
  struct log_proof proof;
  struct checkpoint c;
  struct leaf leaf;
  const char *wrong;
  const char *text = receipt_text(agent_read(&agent), index, &agent.arena);
  agent_abort(&agent);
  assert_non_null(text);
  assert_int_equal(proof_read(bytes_text(text), bytes, &proof, &wrong), OK);
  assert_int_equal(proof_verify(&proof, &world.log_key, &c, &wrong), OK);
  assert_int_equal(leaf_read(proof.leaf, &leaf), OK);
  assert_int_equal(leaf.index, index);
}

/* Whole paths, although those of a message are cut, and one checkpoint for all of them; ours come as headers. */
static void each_entry_of_the_mailbox_keeps_its_proof(void **state)
{
  (void)state;
  for (int i = 0; i < 3; i++)
    world_submit(&world, police, &aple, 1);
  take_mail();
  office_send_all(); /* three times `receive` */
  struct parcel mail = office_mail(6);
  assert_int_equal(mail.d.n_entries, 3);
  for (size_t i = 0; i < 3; i++)
    office_shorten(&mail, i);
  assert_int_equal(office_deliver(&mail), OK);
  assert_receipt(2); /* the newest of the directory */
  for (uint64_t i = 3; i < 9; i++)
    assert_receipt(i);
  size_t notes = 0;
  struct walk w = walk_start(TABLE_NOTES, (struct bytes){NULL, 0});
  struct books *b = agent_read(&agent);
  while (walk_next(&w, b))
    notes++;
  agent_abort(&agent);
  assert_int_equal(notes, 3); /* of the directory, and of two deliveries */
  take_mail();                /* once more: what was proved stays */
  for (uint64_t i = 3; i < 9; i++)
    assert_receipt(i);
}

/* A log that was restored has heads of the same sizes again. */
static void each_epoch_keeps_its_own_checkpoint(void **state)
{
  (void)state;
  struct log_proof proof;
  struct bytes none = {NULL, 0};
  world_submit(&world, police, &aple, 1);
  take_mail();
  static struct evidence later;
  later = agent.evidence;
  strcpy(later.newest.origin, WORLD_ORIGIN "/2");
  later.note[0] = 'x';
  struct books *b = agent_write(&agent);
  receipt_keep(b, &later, 3, none);
  assert_int_equal(receipt_get(b, 3, &proof), OK);
  assert_true(bytes_equal(proof.note, bytes_of(later.note, later.note_size)));
  receipt_keep(b, &agent.evidence, 3, none);
  assert_int_equal(receipt_get(b, 3, &proof), OK);
  assert_true(bytes_equal(proof.note, bytes_of(agent.evidence.note, agent.evidence.note_size)));
  row_del(b, TABLE_ENTRIES, key_of_index(3));
  assert_int_equal(receipt_get(b, 3, &proof), NOT_FOUND);
  agent_abort(&agent);
}

static json_t *ask_receipts(const struct ref_id *id, const char *more, size_t count)
{
  char line[200], hex[33];
  hex_encode(BYTES(id->byte), hex);
  (void)snprintf(line, sizeof line, "{\"do\": \"receipt\", \"id\": \"%s\"%s}", hex, more);
  json_t *answer = ask(line);
  assert_int_equal(json_array_size(json_object_get(answer, "receipts")), count);
  return answer;
}

static void assert_default(const struct ref_id *id, const char *act)
{
  json_t *answer = ask_receipts(id, "", 1), *one = json_array_get(json_object_get(answer, "receipts"), 0);
  assert_string_equal(json_string_value(json_object_get(one, "act")), act);
  assert_receipt((uint64_t)json_integer_value(json_object_get(one, "index")));
  json_decref(answer);
}

static void assert_refused(const struct ref_id *id, const char *more, const char *code, const char *field)
{
  json_t *answer = ask_receipts(id, more, 0);
  assert_string_equal(json_string_value(json_object_get(answer, "code")), code);
  assert_string_equal(json_string_value(json_object_get(answer, "field")), field);
  json_decref(answer);
}

/* A step of ours, and the mail that it comes back with. */
static void act(const struct ref_id *id, const char *name, const char *more)
{
  char line[200], hex[33];
  hex_encode(BYTES(id->byte), hex);
  (void)snprintf(line, sizeof line, "{\"do\": \"act\", \"act\": \"%s\", \"id\": \"%s\"%s}", name, hex, more);
  assert_true(is_ok(line));
  office_send_all();
  take_mail();
}

static void the_receipt_is_of_who_has_her(void **state)
{
  (void)state;
  struct ref_id id = world_submit(&world, police, &aple, 1), other = world_submit(&world, police, &aple, 1);
  take_mail();
  assert_default(&id, "submit");
  office_send_all();
  take_mail();
  assert_default(&id, "receive");
  act(&id, "acknowledge", "");
  assert_default(&id, "acknowledge");
  act(&id, "accept", ", \"first_contact_by\": \"2099-01-01\"");
  act(&id, "start", "");
  assert_default(&id, "accept");
  assert_default(&other, "receive");
  json_decref(ask_receipts(&id, ", \"all\": true", 5)); /* and no more */
  json_decref(ask_receipts(&id, ", \"entry\": 3", 1));
  assert_refused(&id, ", \"entry\": 4", "not_found", "entry"); /* the other's */
  assert_refused(&id, ", \"entry\": -1", "bad_input", "entry");
  assert_refused(&id, ", \"entry\": \"3\"", "bad_input", "entry");
  assert_refused(&id, ", \"entry\": 3, \"all\": true", "bad_input", "entry");
}

/* What an earlier organisation read says nothing of who has her now. */
static void a_leg_that_is_over_says_nothing(void **state)
{
  (void)state;
  struct member *haven = world_enrol(&world, "haven");
  office_tell_directory();
  char two[sizeof refer + 20];
  struct ref_id id;
  size_t size;
  (void)snprintf(two, sizeof two, "{\"do\": \"refer\", \"to\": [\"police\", \"haven\"]%s", strchr(refer, ']') + 1);
  json_t *saved = ask(two);
  const char *hex = json_string_value(json_object_get(saved, "id"));
  assert_non_null(hex);
  assert_int_equal(hex_decode(bytes_text(hex), id.byte, sizeof id.byte, &size), OK);
  json_decref(saved);
  office_send_all();
  take_mail();
  assert_default(&id, "submit");
  world_act(&world, police, &id, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, police, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
  take_mail();
  assert_default(&id, "acknowledge");
  world_act(&world, police, &id, ONWARD__CORE__ACT_DECLINE);
  take_mail();
  assert_default(&id, "submit");
  world_act(&world, haven, &id, ONWARD__CORE__ACT_RECEIVE);
  take_mail();
  assert_default(&id, "receive");
}

static void what_is_in_no_log_has_no_receipt(void **state)
{
  (void)state;
  struct ref_id id;
  size_t size;
  json_t *saved = ask(refer);
  assert_int_equal(
      hex_decode(bytes_text(json_string_value(json_object_get(saved, "id"))), id.byte, sizeof id.byte, &size), OK);
  json_decref(saved);
  assert_refused(&id, "", "not_found", "id");
  assert_refused(&id, ", \"all\": true", "not_found", "id");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_entry_of_the_mailbox_keeps_its_proof, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(each_epoch_keeps_its_own_checkpoint, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(the_receipt_is_of_who_has_her, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(a_leg_that_is_over_says_nothing, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_is_in_no_log_has_no_receipt, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
