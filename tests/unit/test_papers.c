/* Requests and invitations: what we write we read; and whatever is changed in them, by accident or on purpose, is
 * refused. */
#include "agents/papers.h"
#include "proto/admit.h"
#include "proto/rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 5, ENROL_INDEX = 3 };

static uint8_t memory[PAPER_ARENA_SIZE];
static struct arena arena;
static struct complaint why;
static struct key_folder registrar[2], office;
static char request_text[PAPER_TEXT_MAX];

/* A network in the making: a test changes a part of it before it is written. */
static struct world {
  struct ed25519_secret *log_secret;
  struct note_key log_key;
  Onward__Genesis genesis;
  Onward__Enrol enrol;
  uint16_t enrol_verdict;
  uint64_t genesis_index;
  struct bytes leaf[ENTRIES];
  struct hash hash[ENTRIES];
  struct checkpoint checkpoint;
} world;

static struct key_folder keys_of(void)
{
  struct key_folder k = {.seal_count = 1};
  struct es256_secret *seal;
  must(random_bytes(k.link_public, sizeof k.link_public) == OK);
  must(es256_generate(&k.sign) == OK && es256_generate(&seal) == OK);
  es256_secret_public(seal, k.seal_point[0]);
  es256_secret_close(seal);
  return k;
}

static ProtobufCBinaryData text(const char *s)
{
  return pb_data(bytes_text(s));
}

static enum status write_request(struct key_folder *k, const char *id, const char *name)
{
  Onward__Request r = ONWARD__REQUEST__INIT;
  r.organisation = text(id);
  r.name = text(name);
  r.kind = ONWARD__ORGANISATION_KIND__NGO;
  r.duty_telephone = text("+855 12 000 000");
  r.duty_hours = text("Mon-Fri 08:00-17:00");
  return request_file_write(k, &r, &arena, request_text, sizeof request_text);
}

static Onward__Enrol enrol_of(struct key_folder *k, const char *id)
{
  struct bytes packed, signature;
  const Onward__Request *r;
  must(write_request(k, id, "An Office") == OK);
  must(paper_request_read(bytes_text(request_text), &arena, &why, &packed, &signature, &r) == OK);
  Onward__Enrol e = ONWARD__ENROL__INIT;
  e.request = pb_data(packed);
  e.signature = pb_data(signature);
  return e;
}

static void fresh_world(void)
{
  static Onward__Enrol registrars[2];
  static Onward__Enrol *registrar_list[] = {&registrars[0], &registrars[1]};
  static const uint8_t random[32] = {7};
  arena = arena_of(memory, sizeof memory);
  ed25519_secret_close(world.log_secret); /* of the test before */
  world = (struct world){.enrol_verdict = ONWARD__VERDICT__ACCEPTED, .log_key.name = "onward.test/log"};
  uint8_t seed[ED25519_SECRET_SIZE];
  must(ed25519_generate(seed) == OK && ed25519_secret_open(seed, &world.log_secret) == OK);
  ed25519_secret_public(world.log_secret, world.log_key.public_key);
  registrars[0] = enrol_of(&registrar[0], "registry-one");
  registrars[1] = enrol_of(&registrar[1], "registry-two");
  onward__genesis__init(&world.genesis);
  world.genesis.random = pb_data(BYTES(random));
  world.genesis.origin = text("onward.test/log");
  world.genesis.epoch = 1;
  world.genesis.log_key = pb_data(BYTES(world.log_key.public_key));
  world.genesis.n_registrars = 2;
  world.genesis.registrars = registrar_list;
  world.genesis.rules = RULES_VERSION;
  world.genesis.replace_after_ms = 1000;
  world.genesis.policy = (Onward__Policy *)(uintptr_t)policy_proposed();
  world.enrol = enrol_of(&office, "aple/siem-reap");
}

static void put_leaf(size_t number, uint64_t index, Onward__Core *core, enum leaf_origin origin, uint16_t verdict)
{
  static const uint8_t zeros[BATCH_HEADER_SIZE];
  struct leaf leaf = {.origin = origin, .verdict = verdict, .index = index, .time_ms = 1000 + index};
  core->nonce = pb_data(bytes_of(zeros, NONCE_SIZE));
  must(event_pack(core, NULL, 0, &arena, &leaf.event) == OK);
  if (origin == ORIGIN_ORGANISATION) { /* who signed it is the replay's question, not the invitation's */
    leaf.header = bytes_of(zeros, BATCH_HEADER_SIZE);
    leaf.signature = bytes_of(zeros, ES256_SIGNATURE_SIZE);
  }
  struct writer w = writer_of(arena_alloc(&arena, leaf_size(&leaf)), leaf_size(&leaf));
  leaf_write(&leaf, &w);
  world.leaf[number] = writer_bytes(&w);
  world.hash[number] = leaf_hash(world.leaf[number]);
}

static Onward__Entry *entry(size_t number)
{
  Onward__Entry *e = arena_alloc(&arena, sizeof *e);
  struct hash *path = arena_alloc(&arena, MERKLE_PATH_MAX * sizeof *path);
  onward__entry__init(e);
  e->leaf = pb_data(world.leaf[number]);
  e->path = pb_data(bytes_of(path, sizeof *path * merkle_path(world.hash, ENTRIES, number, path)));
  return e;
}

static void fill_log(void)
{
  Onward__Core genesis = ONWARD__CORE__INIT, enrol = ONWARD__CORE__INIT, other = ONWARD__CORE__INIT;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  genesis.act_case = ONWARD__CORE__ACT_GENESIS;
  genesis.genesis = &world.genesis;
  enrol.act_case = ONWARD__CORE__ACT_ENROL;
  enrol.enrol = &world.enrol;
  other.act_case = ONWARD__CORE__ACT_SUSPEND;
  other.suspend = &suspend;
  suspend.organisation = text("a21");
  suspend.standing = ONWARD__STANDING__COMPROMISED;
  for (size_t i = 1; i < ENTRIES; i++)
    put_leaf(i, i, &other, ORIGIN_ORGANISATION, ONWARD__VERDICT__ACCEPTED);
  put_leaf(0, world.genesis_index, &genesis, ORIGIN_BROKER, ONWARD__VERDICT__ACCEPTED);
  put_leaf(ENROL_INDEX, ENROL_INDEX, &enrol, ORIGIN_ORGANISATION, world.enrol_verdict);
  world.checkpoint = (struct checkpoint){.origin = "onward.test/log/1", .size = ENTRIES};
  world.checkpoint.root = merkle_root(world.hash, ENTRIES);
}

/* The invitation of the world as it is now, to be changed and then read. */
static Onward__Invitation *invitation(void)
{
  char vkey[NOTE_VKEY_SIZE], *note = arena_alloc(&arena, NOTE_SIZE_MAX);
  static const uint8_t link_key[32] = {9};
  size_t note_size = 0;
  Onward__Invitation *i = arena_alloc(&arena, sizeof *i);
  static Onward__Entry *enrolled[8];
  fill_log();
  must(checkpoint_sign(&world.checkpoint, world.log_key.name, world.log_secret, note, &note_size) == OK);
  note_key_print(&world.log_key, vkey);
  onward__invitation__init(i);
  i->address = text("tcp://127.0.0.1:7070");
  i->link_key = pb_data(BYTES(link_key));
  i->log_key = pb_data(arena_copy(&arena, bytes_text(vkey)));
  i->genesis = entry(0);
  i->n_enrolled = 1;
  i->enrolled = enrolled;
  for (int n = 0; n < 8; n++)
    enrolled[n] = entry(ENROL_INDEX);
  i->checkpoint = pb_data(bytes_of(note, note_size));
  return i;
}

static enum status read_back(const Onward__Invitation *i, const struct key_folder *keys, struct network *out)
{
  static char invitation_text[PAPER_TEXT_MAX];
  static uint8_t read_memory[PAPER_ARENA_SIZE];
  struct arena read_arena = arena_of(read_memory, sizeof read_memory);
  must(paper_invitation_write(i, &arena, invitation_text, sizeof invitation_text) == OK);
  struct bytes text_read = bytes_text(invitation_text);
  return keys == NULL ? paper_invitation_read(text_read, NULL, &read_arena, &why, out)
                      : invitation_file_read(text_read, keys, &read_arena, &why, out);
}

static void assert_refused(const Onward__Invitation *i, const char *reason)
{
  struct network n;
  assert_int_equal(read_back(i, &office, &n), BAD_INPUT);
  if (strstr(why.text, reason) == NULL)
    fail_msg("expected \"%s\", was told \"%s\"", reason, why.text);
}

static int set_up(void **state)
{
  (void)state;
  fresh_world();
  return 0;
}

static void a_request_comes_back_as_it_was(void **state)
{
  (void)state;
  struct bytes packed, signature;
  const Onward__Request *r;
  assert_int_equal(write_request(&office, "a21", "A21 Cambodia"), OK);
  assert_int_equal(paper_request_read(bytes_text(request_text), &arena, &why, &packed, &signature, &r), OK);
  assert_true(bytes_equal(pb_bytes(r->name), bytes_text("A21 Cambodia")));
  assert_true(bytes_equal(pb_bytes(r->link_key), BYTES(office.link_public)));
  assert_true(bytes_equal(pb_bytes(r->seal_key), BYTES(office.seal_point[0])));
  assert_int_equal(signature.size, ES256_SIGNATURE_SIZE);
}

static void a_request_survives_the_mail(void **state)
{
  (void)state;
  char mailed[PAPER_TEXT_MAX] = "Dear registrar,\r\n\r\n  here it is:\r\n";
  struct bytes packed, signature;
  const Onward__Request *r;
  size_t size = strlen(mailed);
  for (const char *p = request_text; *p != 0; p++) {
    if (*p == '\n')
      mailed[size++] = '\r';
    mailed[size++] = *p;
  }
  snprintf(mailed + size, sizeof mailed - size, "-- \r\nThe office\r\n");
  assert_int_equal(paper_request_read(bytes_text(mailed), &arena, &why, &packed, &signature, &r), OK);
}

static void a_request_that_was_changed_is_refused(void **state)
{
  (void)state;
  struct bytes packed, signature;
  const Onward__Request *r;
  size_t size = strlen(request_text);
  for (size_t i = 0; i < size; i++) {
    char kept = request_text[i];
    request_text[i] = kept == 'A' ? 'B' : 'A';
    bool marker_or_line_end = kept == '\n';
    arena_reset(&arena);
    if (!marker_or_line_end)
      assert_int_equal(paper_request_read(bytes_text(request_text), &arena, &why, &packed, &signature, &r), BAD_INPUT);
    request_text[i] = kept;
  }
  for (size_t i = 0; i + 1 < size; i++)
    assert_int_equal(paper_request_read(bytes_of(request_text, i), &arena, &why, &packed, &signature, &r), BAD_INPUT);
}

static void a_request_out_of_limits_is_not_written(void **state)
{
  (void)state;
  char name[122];
  memset(name, 'n', sizeof name - 1);
  name[121] = 0;
  assert_int_equal(write_request(&office, "a21", name), BAD_INPUT);
  assert_int_equal(write_request(&office, "a21", ""), BAD_INPUT);
  assert_int_equal(write_request(&office, "A21", "A21"), BAD_INPUT);
}

static void the_words_follow_the_keys_and_the_organisation(void **state)
{
  (void)state;
  struct bytes packed, signature;
  const Onward__Request *r;
  char words[SIX_WORDS_SIZE], other[SIX_WORDS_SIZE];
  assert_int_equal(write_request(&office, "a21", "A21"), OK);
  assert_int_equal(paper_request_read(bytes_text(request_text), &arena, &why, &packed, &signature, &r), OK);
  paper_request_words(r, words);
  const ProtobufCBinaryData *parts[] = {&r->organisation, &r->link_key, &r->sign_key, &r->seal_key};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    uint8_t *last = &parts[i]->data[parts[i]->len - 1];
    *last ^= 2;
    paper_request_words(r, other);
    assert_string_not_equal(words, other);
    *last ^= 2;
  }
  paper_request_words(r, other);
  assert_string_equal(words, other);
}

static void an_invitation_tells_the_network(void **state)
{
  (void)state;
  struct network n;
  char words[SIX_WORDS_SIZE];
  assert_int_equal(read_back(invitation(), &office, &n), OK);
  assert_string_equal(n.address, "tcp://127.0.0.1:7070");
  assert_string_equal(n.origin, "onward.test/log");
  assert_memory_equal(n.organisation.text, "aple/siem-reap\0", 16);
  assert_true(bytes_equal(n.genesis_leaf, world.leaf[0]));
  struct hash id = sha256(world.leaf[0]);
  assert_true(hash_equal(&n.id, &id));
  six_words(id.byte, words);
  assert_string_equal(n.words, words);
  assert_int_equal(n.checkpoint.size, ENTRIES);
  assert_int_equal(n.link_key[0], 9);
  assert_memory_equal(n.log_key.public_key, world.log_key.public_key, ED25519_PUBLIC_SIZE);
}

static void an_invitation_is_for_its_own_keys_only(void **state)
{
  (void)state;
  struct network n;
  struct key_folder other = office;
  other.link_public[31] ^= 1;
  assert_int_equal(read_back(invitation(), &other, &n), BAD_INPUT);
  other = office;
  other.seal_point[0][64] ^= 1;
  assert_int_equal(read_back(invitation(), &other, &n), BAD_INPUT);
  other = office;
  other.sign = registrar[0].sign;
  assert_int_equal(read_back(invitation(), &other, &n), BAD_INPUT);
  assert_non_null(strstr(why.text, "other keys"));
  assert_int_equal(read_back(invitation(), NULL, &n), OK); /* an auditor */
}

static void a_registrar_of_the_genesis_needs_no_entry(void **state)
{
  (void)state;
  struct network n;
  Onward__Invitation *i = invitation();
  i->n_enrolled = 0;
  assert_int_equal(read_back(i, &registrar[1], &n), OK);
  assert_memory_equal(n.organisation.text, "registry-two\0\0\0", 16);
  assert_refused(i, "other keys");
}

static void the_parts_must_fit_each_other(void **state)
{
  (void)state;
  Onward__Invitation *i = invitation();
  i->genesis = entry(1);
  assert_refused(i, "first entry");
  i = invitation();
  i->enrolled[0] = entry(1);
  assert_refused(i, "enrols");
  i = invitation();
  i->enrolled[0]->path = i->genesis->path;
  assert_refused(i, "not in the log");
  i = invitation();
  i->n_enrolled = 5;
  assert_refused(i, "at most");
  i = invitation();
  i->checkpoint.len--;
  assert_refused(i, "checkpoint");
  i = invitation();
  i->address = text("tcp://");
  assert_refused(i, "address");
  i->address = text("ipc:///tmp/x");
  assert_refused(i, "address");
  i = invitation();
  i->link_key.len = 31;
  assert_refused(i, "link_key");
  i = invitation();
  i->genesis = NULL;
  assert_refused(i, "well-formed");
}

static void another_log_key_is_refused(void **state)
{
  (void)state;
  char vkey[NOTE_VKEY_SIZE];
  uint8_t seed[ED25519_SECRET_SIZE];
  struct ed25519_secret *other_secret;
  struct note_key other = world.log_key;
  Onward__Invitation *i = invitation();
  assert_int_equal(ed25519_generate(seed), OK);
  assert_int_equal(ed25519_secret_open(seed, &other_secret), OK);
  ed25519_secret_public(other_secret, other.public_key);
  note_key_print(&other, vkey);
  i->log_key = text(vkey);
  assert_refused(i, "checkpoint"); /* the checkpoint is not signed by it */
  char *note = arena_alloc(&arena, NOTE_SIZE_MAX);
  size_t note_size = 0;
  assert_int_equal(checkpoint_sign(&world.checkpoint, other.name, other_secret, note, &note_size), OK);
  ed25519_secret_close(other_secret);
  i->checkpoint = pb_data(bytes_of(note, note_size));
  assert_refused(i, "log_key"); /* signed, but the genesis names another */
}

static void an_entry_must_have_been_accepted(void **state)
{
  (void)state;
  world.enrol_verdict = ONWARD__VERDICT__ALREADY_ENROLLED;
  assert_refused(invitation(), "refused");
  fresh_world();
  world.genesis_index = 1;
  assert_refused(invitation(), "not in the log");
}

static void a_genesis_names_no_last_resort(void **state)
{
  (void)state;
  Onward__Policy policy = *policy_proposed();
  assert_int_equal(genesis_verify(&world.genesis, &arena, &why), OK);
  policy.last_resort = text("registry-one");
  world.genesis.policy = &policy;
  assert_int_equal(genesis_verify(&world.genesis, &arena, &why), BAD_INPUT);
  assert_non_null(strstr(why.text, "last_resort"));
}

static void an_invitation_is_no_request(void **state)
{
  (void)state;
  struct network n;
  assert_int_equal(invitation_file_read(bytes_text(request_text), &office, &arena, &why, &n), BAD_INPUT);
  assert_int_equal(invitation_file_read(bytes_text(""), &office, &arena, &why, &n), BAD_INPUT);
}

static int make_keys(void **state)
{
  (void)state;
  registrar[0] = keys_of();
  registrar[1] = keys_of();
  office = keys_of();
  return 0;
}

static int close_keys(void **state)
{
  (void)state;
  keys_close(&registrar[0]);
  keys_close(&registrar[1]);
  keys_close(&office);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_request_comes_back_as_it_was, set_up),
      cmocka_unit_test_setup(a_request_survives_the_mail, set_up),
      cmocka_unit_test_setup(a_request_that_was_changed_is_refused, set_up),
      cmocka_unit_test_setup(a_request_out_of_limits_is_not_written, set_up),
      cmocka_unit_test_setup(the_words_follow_the_keys_and_the_organisation, set_up),
      cmocka_unit_test_setup(an_invitation_tells_the_network, set_up),
      cmocka_unit_test_setup(an_invitation_is_for_its_own_keys_only, set_up),
      cmocka_unit_test_setup(a_registrar_of_the_genesis_needs_no_entry, set_up),
      cmocka_unit_test_setup(the_parts_must_fit_each_other, set_up),
      cmocka_unit_test_setup(another_log_key_is_refused, set_up),
      cmocka_unit_test_setup(an_entry_must_have_been_accepted, set_up),
      cmocka_unit_test_setup(a_genesis_names_no_last_resort, set_up),
      cmocka_unit_test_setup(an_invitation_is_no_request, set_up),
  };
  return cmocka_run_group_tests(tests, make_keys, close_keys);
}
