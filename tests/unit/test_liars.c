/* Exchanges that lie, each in its own way, with all keys of theirs in hand: the agent stops, says so, and what it keeps
 * convinces somebody who has nothing but the folder and the log's key; or, where nothing can, says what is only its
 * word.
 */
#include "tests/unit/office.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agents/desk.h"
#include "agents/heard.h"
#include "proto/seal/proof.h"

enum exit_of { PROVED = 0, NOT_PROVED = 1, NO_EVIDENCE = 3 }; /* onward-audit(1) */

static char work[FOLDER_PATH_SIZE], why[200];

static int setup(void **state)
{
  folder_make(work);
  return office_setup(state);
}

static int teardown(void **state)
{
  int code = office_teardown(state);
  folder_remove(work);
  return code;
}

/* --- what the agent hears --- */

static void hear(enum frame_kind kind, enum session_phase phase, const void *message, struct bytes sealed)
{
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct link_message m = {.kind = kind, .body = pb_pack(message, &a), .sealed = sealed};
  assert_true(m.body.size > 0);
  agent.session.phase = phase;
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
  memset(memory, 0xee, sizeof memory); /* what is kept, is kept elsewhere */
}

static void hear_welcome(struct bytes note, struct bytes consistency)
{
  Onward__Welcome w = ONWARD__WELCOME__INIT;
  w.checkpoint = pb_data(note);
  w.consistency = pb_data(consistency);
  hear(FRAME_WELCOME, PHASE_HELLO, &w, (struct bytes){NULL, 0});
}

/* What the exchange shows as it is now: its newest head, with the proof that its own tree gives. */
static void newest_head(ProtobufCBinaryData *checkpoint, ProtobufCBinaryData *consistency)
{
  static char note[NOTE_SIZE_MAX];
  static struct hash proof[MERKLE_PROOF_MAX];
  struct bytes kept;
  size_t count = 0;
  struct books *b = store_begin(world.store, false);
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &kept) == OK && kept.size <= sizeof note);
  memcpy(note, kept.data, kept.size);
  if (agent.evidence.newest.size < world.size)
    must(merkle_tree_consistency(agent.evidence.newest.size, world.size, books_tree_read, b, proof, &count) == OK);
  store_abort(world.store);
  *checkpoint = pb_data(bytes_of(note, kept.size));
  *consistency = pb_data(bytes_of(proof, count * sizeof proof[0]));
}

static void connect_now(void)
{
  Onward__Welcome w = ONWARD__WELCOME__INIT;
  newest_head(&w.checkpoint, &w.consistency);
  hear(FRAME_WELCOME, PHASE_HELLO, &w, (struct bytes){NULL, 0});
}

static void ask_now(void)
{
  Onward__Answer answer = ONWARD__ANSWER__INIT;
  newest_head(&answer.checkpoint, &answer.consistency);
  hear(FRAME_ANSWER, PHASE_READY, &answer, (struct bytes){NULL, 0});
}

static void take_mail(void)
{
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
}

static void hear_mail(struct parcel *p)
{
  p->d.entries = p->entries;
  p->d.bodies = p->body_list;
  for (size_t i = 0; i < p->d.n_bodies; i++)
    p->body_list[i] = &p->bodies[i];
  p->d.checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
  hear(FRAME_DELIVERY, PHASE_READY, &p->d, bytes_of(p->sealed, p->sealed_size));
}

/* --- what people see of it --- */

static json_t *ask(const char *line)
{
  bool watch;
  json_t *answer = desk_answer(&agent, line, strlen(line), DESK_WAITS_MAX, &watch);
  assert_non_null(answer);
  return answer;
}

/* It has stopped, says so, and shows both heads. */
static void assert_alarm(enum alarm_kind kind)
{
  assert_true(agent.session.halted);
  json_t *status = ask("{\"do\": \"status\"}"), *alarms = ask("{\"do\": \"alarms\"}");
  json_t *one = json_array_get(json_object_get(alarms, "alarms"), 0);
  assert_string_equal(json_string_value(json_array_get(json_object_get(status, "alarms"), 0)), alarm_text(kind));
  assert_string_equal(json_string_value(json_object_get(one, "kind")), alarm_name(kind));
  assert_true(json_is_true(json_object_get(json_object_get(one, "held"), "signed")));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "held"), "size")),
                   agent.evidence.newest.size);
  json_decref(status);
  json_decref(alarms);
}

/* Writes the evidence as `onward evidence` does; whether this file is among it. */
static bool write_evidence(const char *folder, const char *name)
{
  bool there = false;
  size_t i;
  json_t *answer = ask("{\"do\": \"evidence\"}"), *file;
  assert_true(json_is_true(json_object_get(answer, "ok")));
  must(mkdir(folder_path(work, folder), 0700) == 0);
  json_array_foreach(json_object_get(answer, "files"), i, file)
  {
    char path[2 * FOLDER_PATH_SIZE];
    const char *called = json_string_value(json_object_get(file, "name"));
    (void)snprintf(path, sizeof path, "%s/%s", folder_path(work, folder), called);
    assert_int_equal(file_write(path, bytes_text(json_string_value(json_object_get(file, "text"))), why), OK);
    there |= strcmp(called, name) == 0;
  }
  json_decref(answer);
  return there;
}

/* The auditor's program, on another computer: it has the folder and the key. */
static void assert_fraud_by(const struct note_key *key, const char *folder, enum exit_of code, const char *words)
{
  static char told[20000];
  char command[1000], vkey[NOTE_VKEY_SIZE];
  note_key_print(key, vkey);
  (void)snprintf(command, sizeof command, "\"$ONWARD_BIN/onward-audit\" fraud %s --log-key %s 2>&1",
                 folder_path(work, folder), vkey);
  FILE *audit = popen(command, "r"); /* NOLINT(cert-env33-c): names of our own making */
  assert_non_null(audit);
  told[fread(told, 1, sizeof told - 1, audit)] = 0;
  int status = pclose(audit);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != (int)code || strstr(told, words) == NULL)
    fail_msg("%d, and %s instead of %d, %s", status, told, (int)code, words);
}

static void assert_fraud(enum exit_of code, const char *words)
{
  assert_fraud_by(&world.log_key, "evidence", code, words);
}

/* --- two logs --- */

static struct bytes signed_note(uint64_t size, uint8_t root)
{
  static char note[NOTE_SIZE_MAX];
  size_t note_size = 0;
  struct checkpoint c = {.size = size};
  memcpy(c.origin, agent.evidence.newest.origin, sizeof c.origin);
  memset(c.root.byte, root, sizeof c.root.byte);
  must(checkpoint_sign(&c, WORLD_ORIGIN, world.log_secret, note, &note_size) == OK);
  return bytes_of(note, note_size);
}

static void another_root_of_one_size(void **state)
{
  (void)state;
  hear_welcome(signed_note(agent.evidence.newest.size, 7), (struct bytes){NULL, 0});
  assert_alarm(ALARM_FORK);
  assert_true(write_evidence("evidence", "offered.checkpoint"));
  assert_fraud(PROVED, "two logs that cannot both be true");
  struct note_key other = world.log_key;
  other.public_key[3] ^= 1;
  assert_fraud_by(&other, "evidence", NOT_PROVED, "not a head that this key signed");
}

/* It shows one log to us, and goes on with another: its own proof betrays it. */
static void a_larger_log_that_forgot_us(void **state)
{
  (void)state;
  office_remember(work);
  world_submit(&world, police, &aple, 1);
  world_submit(&world, police, &aple, 1);
  take_mail();
  office_go_back(work);
  for (int i = 0; i < 4; i++)
    world_submit(&world, police, &aple, 1);
  assert_int_equal(agent.evidence.newest.size, 5);
  connect_now();
  assert_alarm(ALARM_FORK);
  assert_true(write_evidence("evidence", "consistency"));
  assert_fraud(PROVED, "by the proof in consistency,");
}

/* Of 4 entries the root is no hash of the proof. Then nobody can be convinced but by asking the exchange. */
static void a_larger_log_that_forgot_a_whole_tree(void **state)
{
  (void)state;
  office_remember(work);
  world_submit(&world, police, &aple, 1);
  take_mail();
  office_go_back(work);
  for (int i = 0; i < 3; i++)
    world_submit(&world, police, &aple, 1);
  assert_int_equal(agent.evidence.newest.size, 4);
  connect_now();
  assert_alarm(ALARM_FORK);
  (void)write_evidence("evidence", "");
  assert_fraud(NOT_PROVED, "ask it for one between these two sizes");
}

/* Whoever asks for the directory, which is done from time to time, is shown the newest head: also one without mail. */
static void an_answer_is_held_against_the_head_before(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  ask_now();
  assert_int_equal(agent.evidence.newest.size, 4);
  office_remember(work);
  world_submit(&world, police, &aple, 1);
  ask_now();
  assert_int_equal(agent.evidence.newest.size, 5);
  assert_false(agent.session.halted);
  office_go_back(work);
  for (int i = 0; i < 3; i++)
    world_submit(&world, police, &aple, 1);
  ask_now();
  assert_alarm(ALARM_FORK);
}

/* --- gone back --- */

/* The same log, shorter: heads carry no time. */
static void an_older_copy(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  office_remember(work);
  world_submit(&world, police, &aple, 1);
  take_mail();
  office_go_back(work);
  connect_now();
  assert_alarm(ALARM_ROLLED_BACK);
  assert_true(write_evidence("evidence", "kept.tlog-proof"));
  assert_fraud(NOT_PROVED, "That the smaller one was shown after the larger is the word");
}

/* An entry that we keep says which root the log had at that size. */
static void an_older_copy_that_went_on(void **state)
{
  (void)state;
  office_remember(work);
  for (int i = 0; i < 3; i++)
    world_submit(&world, police, &aple, 1);
  take_mail();
  office_go_back(work);
  world_submit(&world, police, &aple, 1);
  assert_int_equal(world.size, 4);
  connect_now();
  assert_alarm(ALARM_ROLLED_BACK);
  assert_true(write_evidence("evidence", "kept.tlog-proof"));
  assert_fraud(PROVED, "by the path of that entry,");
}

/* --- silent --- */

static void hear_answer(Onward__Answer *answer)
{
  answer->checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
  hear(FRAME_ANSWER, PHASE_READY, answer, (struct bytes){NULL, 0});
}

static void a_link_of_the_chain_left_out(void **state)
{
  (void)state;
  Onward__Entry *entries[64];
  world_enrol(&world, "haven");
  world_enrol(&world, "clinic");
  const uint64_t last = world.size - 1;
  Onward__Answer answer = office_entries(&last, 1, entries);
  hear_answer(&answer);
  assert_alarm(ALARM_WITHHELD);
  assert_true(write_evidence("evidence", "offered.tlog-proof"));
  assert_fraud(NOT_PROVED, "which it names as the newest of the registry, was left out");
}

/* It lets an entry into the log that denies the newest of the directory: that is signed for. */
static void a_link_of_the_chain_denied(void **state)
{
  (void)state;
  struct head head;
  Onward__Entry *entries[64];
  uint64_t before = world.size - 1;
  world_enrol(&world, "haven");
  office_tell_directory();
  struct books *b = store_begin(world.store, true);
  books_head(b, &head);
  head.registry = before;
  books_put_head(b, &head);
  must(store_commit(world.store, why) == OK);
  world_enrol(&world, "clinic");
  Onward__Answer answer = office_directory(entries);
  hear_answer(&answer);
  assert_alarm(ALARM_WITHHELD);
  assert_true(write_evidence("evidence", "kept.tlog-proof"));
  assert_fraud(PROVED, "which the same key signed for, is a newer one");
}

/* It names a change of the directory, is asked for it, and names it again. */
static void a_change_named_and_never_given(void **state)
{
  (void)state;
  struct member *haven = world_enrol(&world, "haven");
  world_submit(&world, haven, &aple, 1);
  struct parcel mail = office_mail(0);
  hear_mail(&mail);
  assert_false(agent.session.halted);
  hear_mail(&mail);
  assert_alarm(ALARM_WITHHELD);
  assert_true(write_evidence("evidence", "offered.tlog-proof"));
  assert_fraud(NOT_PROVED, "submit by haven");
}

static const char refer[] =
    "{\"do\": \"refer\", \"to\": [\"police\"], \"priority\": \"HIGH\", \"basis\": \"CONSENT\", \"brief\": {\"service\":"
    "\"FOOD\", \"need\": \"a test\", \"sex\": \"FEMALE\", \"age_band\": \"AGE_10_14\"}, \"file\": {\"case_code\": "
    "\"T-1\", \"contact\": {\"who\": \"a test\", \"telephone\": \"+000\"}, \"consent\": {\"given_by\": \"a test\"},"
    "\"focal_point\": \"a test\"}}";

/* An entry of ours that stays out of our mailbox cannot be proved to be missing: what we said waits, and that is told.
 */
static void an_own_entry_left_out_stays_unconfirmed(void **state)
{
  (void)state;
  json_decref(ask(refer));
  office_send_all();
  struct parcel mail = office_mail(0);
  assert_int_equal(mail.d.n_entries, 1);
  mail.d.n_entries = 0;
  hear_mail(&mail);
  assert_false(agent.session.halted);
  json_t *status = ask("{\"do\": \"status\"}");
  assert_int_equal(json_integer_value(json_object_get(status, "unconfirmed")), 1);
  json_decref(status);
  json_t *none = ask("{\"do\": \"evidence\"}");
  assert_string_equal(json_string_value(json_object_get(none, "code")), "not_found");
  json_decref(none);
}

/* --- cannot prove --- */

static void an_entry_without_a_path(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  mail.entries[0]->path.data[0] ^= 1;
  hear_mail(&mail);
  assert_alarm(ALARM_BAD_PROOF);
  assert_true(write_evidence("evidence", "offered.tlog-proof"));
  assert_fraud(NOT_PROVED, "nothing signed leads to the entry");
}

/* Behind the first of a message the path is cut, and is put together again: this one is in the tree. */
static void an_entry_that_its_author_did_not_sign(void **state)
{
  (void)state;
  world_submit(&world, police, &aple, 1);
  world.dishonest = true;
  struct es256_secret *own = police->sign;
  police->sign = world.members[0].sign;
  world_submit(&world, police, &aple, 1);
  police->sign = own;
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  hear_mail(&mail);
  assert_alarm(ALARM_BAD_PROOF);
  assert_true(write_evidence("evidence", "offered.tlog-proof"));
  assert_fraud(NOT_PROVED, "that the exchange signed for the entry in offered.tlog-proof is proved");
  assert_fraud(NOT_PROVED, "offered.tlog-proof   entry 4 of a log"); /* not the first, not the last */
}

static void a_head_that_nobody_signed(void **state)
{
  (void)state;
  struct bytes note = signed_note(agent.evidence.newest.size + 1, 7);
  ((uint8_t *)(uintptr_t)note.data)[note.size - 10] ^= 1;
  hear_welcome(note, (struct bytes){NULL, 0});
  assert_alarm(ALARM_BAD_NOTE);
  (void)write_evidence("evidence", "");
  assert_fraud(NOT_PROVED, "it proves nothing against whoever has the key");
}

/* --- folders that were not made by us --- */

static void write_text_file(const char *name, struct bytes text)
{
  char path[2 * FOLDER_PATH_SIZE];
  (void)snprintf(path, sizeof path, "%s/%s", folder_path(work, "made"), name);
  must(file_write(path, text, why) == OK);
}

/* An entry that is none, in a tree that is signed. */
static void a_malformed_entry_is_proof_enough(void **state)
{
  (void)state;
  static char text[PROOF_SIZE_MAX], note[NOTE_SIZE_MAX];
  struct checkpoint c = {.size = 1};
  struct log_proof p = {.leaf = bytes_text("no entry")};
  struct writer w = writer_of(text, sizeof text);
  size_t size = 0;
  memcpy(c.origin, agent.evidence.newest.origin, sizeof c.origin);
  c.root = merkle_leaf(p.leaf);
  must(checkpoint_sign(&c, WORLD_ORIGIN, world.log_secret, note, &size) == OK);
  p.note = bytes_of(note, size);
  proof_write(&p, &w);
  must(mkdir(folder_path(work, "made"), 0700) == 0);
  write_text_file("offered.tlog-proof", writer_bytes(&w));
  assert_fraud_by(&world.log_key, "made", PROVED, "that no exchange may let in");
}

static void a_folder_of_nothing_is_no_evidence(void **state)
{
  (void)state;
  must(mkdir(folder_path(work, "made"), 0700) == 0);
  assert_fraud_by(&world.log_key, "made", NO_EVIDENCE, "no evidence is in this folder");
  write_text_file("offered.tlog-proof", bytes_text("c2sp.org/tlog-proof@v1\nextra\n"));
  assert_fraud_by(&world.log_key, "made", NO_EVIDENCE, "offered.tlog-proof: the second line");
  write_text_file("offered.tlog-proof", bytes_text(""));
  write_text_file("held.checkpoint", bytes_text("no head"));
  assert_fraud_by(&world.log_key, "made", NO_EVIDENCE, "the first line");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(another_root_of_one_size),
      TEST(a_larger_log_that_forgot_us),
      TEST(a_larger_log_that_forgot_a_whole_tree),
      TEST(an_answer_is_held_against_the_head_before),
      TEST(an_older_copy),
      TEST(an_older_copy_that_went_on),
      TEST(a_link_of_the_chain_left_out),
      TEST(a_link_of_the_chain_denied),
      TEST(a_change_named_and_never_given),
      TEST(an_own_entry_left_out_stays_unconfirmed),
      TEST(an_entry_without_a_path),
      TEST(an_entry_that_its_author_did_not_sign),
      TEST(a_head_that_nobody_signed),
      TEST(a_malformed_entry_is_proof_enough),
      TEST(a_folder_of_nothing_is_no_evidence),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
