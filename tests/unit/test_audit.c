/* The auditor's commands over a small log: sound, they say so; whatever is changed in it, they fail and name it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/audit/audit.h"
#include "proto/ledger/rows.h"
#include "tests/unit/auditor.h"
#include "tests/unit/offers.h"

static char sound[FOLDER_PATH_SIZE];  /* the folder of a sound log, made once */
static char copied[FOLDER_PATH_SIZE]; /* a copy of it, one for each test */
static struct world world;
static struct ed25519_secret *log_secret; /* closed: for names and sizes */
static char note_key[NOTE_VKEY_SIZE];
static struct ref_id first_referral;
static char *out, *err;
static char why[200];

/* --- the log --- */

static Onward__Verdict accept_again(struct member *m, const struct ref_id *id)
{
  struct draft d;
  Onward__Accept accept = ONWARD__ACCEPT__INIT;
  draft_init(&d, ONWARD__CORE__ACT_ACCEPT, id);
  accept.first_contact_by_ms = WORLD_START_MS;
  d.core.accept = &accept;
  world_answer(&world, &d, id);
  return world_hear(&world, m, &d, 1);
}

/* Three events under one signature, with a note to the sender. */
static void progress_three_times(struct member *m, const struct member *sender, const struct ref_id *id)
{
  static struct draft drafts[3];
  Onward__Progress progress = ONWARD__PROGRESS__INIT;
  for (size_t i = 0; i < 3; i++) {
    draft_init(&drafts[i], ONWARD__CORE__ACT_PROGRESS, id);
    draft_seal(&drafts[i], sender, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
    world_answer(&world, &drafts[i], id);
    drafts[i].core.progress = &progress;
  }
  assert_int_equal(world_hear(&world, m, drafts, 3), ONWARD__VERDICT__ACCEPTED);
}

/* A replacement of keys that waits: its clock has not rung when the log ends. */
static void replace_keys(struct member *lost)
{
  struct draft d;
  Onward__ReplaceKeys replace = ONWARD__REPLACE_KEYS__INIT;
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes signature;
  member_new_keys(lost);
  replace.request = pb_data(member_request(lost, &a, &signature));
  replace.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_REPLACE_KEYS, NULL);
  d.core.replace_keys = &replace;
  assert_int_equal(world_hear(&world, &world.members[1], &d, 1), ONWARD__VERDICT__ACCEPTED);
}

static int make_log(void **state)
{
  struct offer offer;
  (void)state;
  folder_make(sound);
  world_init(&world, sound);
  struct member *police = world_enrol(&world, "police");
  struct member *aple = world_enrol(&world, "aple/siem-reap");
  struct member *a21 = world_enrol(&world, "a21");
  struct member *const both[] = {aple, a21}, *const one[] = {a21};
  first_referral = world_submit(&world, police, both, 2);
  world_act(&world, aple, &first_referral, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, aple, &first_referral, ONWARD__CORE__ACT_ACKNOWLEDGE);
  world_act(&world, aple, &first_referral, ONWARD__CORE__ACT_DECLINE);
  world_act(&world, a21, &first_referral, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, a21, &first_referral, ONWARD__CORE__ACT_ACKNOWLEDGE);
  world_act(&world, a21, &first_referral, ONWARD__CORE__ACT_ACCEPT);
  assert_int_equal(accept_again(a21, &first_referral), ONWARD__VERDICT__NOT_IN_THIS_STATE);
  world_act(&world, a21, &first_referral, ONWARD__CORE__ACT_START);
  progress_three_times(a21, police, &first_referral);
  world_submit(&world, aple, one, 1);
  world_pass(&world, world.clock_ms + 8 * 3600000 + 60000); /* nobody receives it: overdue */
  offer_init(&offer, 1);
  assert_int_equal(offer_say(&world, aple, &offer), ONWARD__VERDICT__ACCEPTED);
  assert_int_equal(offer_places(&world, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 1, world.clock_ms + 86400000),
                   ONWARD__VERDICT__ACCEPTED);
  replace_keys(police);
  note_key_print(&world.log_key, note_key);
  log_secret = world.log_secret;
  world.log_secret = NULL; /* kept, for notes of our own */
  world_fini(&world);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  folder_remove(sound);
  ed25519_secret_close(log_secret);
  free(out);
  free(err);
  return 0;
}

static struct store *opened(const char *folder)
{
  struct store *s = NULL;
  const struct store_options options = {.folder = folder_path(folder, "books"),
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT};
  if (store_open(&options, why, &s) != OK)
    fail_msg("%s", why);
  return s;
}

static int copy_log(void **state)
{
  (void)state;
  struct store *s = opened(sound);
  folder_make(copied);
  assert_int_equal(store_copy(s, folder_path(copied, "books"), ALL_TABLES, why), OK);
  store_close(s);
  return 0;
}

static int remove_copy(void **state)
{
  (void)state;
  folder_remove(copied);
  return 0;
}

static struct audit_request request_of(const char *folder)
{
  return (struct audit_request){.folder = folder, .to = UINT64_MAX};
}

static enum audit_code run_request(command c, struct audit_request q)
{
  return auditor_run(c, q, &out, NULL, &err);
}

static enum audit_code run(command c)
{
  return run_request(c, request_of(copied));
}

static void assert_fails(command c, const char *with)
{
  enum audit_code code = run(c);
  if (code != AUDIT_FAILED || strstr(err, with) == NULL)
    fail_msg("code %d, \"%s\" instead of \"%s\"", (int)code, err, with);
}

/* --- a row, changed --- */

/* The number of rows, and the one at `place` in copies that the caller's buffers hold. */
static size_t row_at(int table, size_t place, struct bytes *key, struct bytes *value)
{
  static uint8_t keys[512], values[70000];
  *key = *value = bytes_of(NULL, 0);
  struct store *s = opened(copied);
  struct walk walk = walk_of(store_begin(s, false), table);
  size_t rows = 0;
  for (struct bytes k, v; walk_next(&walk, &k, &v); rows++)
    if (rows == place) {
      memcpy(keys, k.data, k.size);
      if (v.size > 0)
        memcpy(values, v.data, v.size);
      *key = bytes_of(keys, k.size);
      *value = bytes_of(values, v.size);
    }
  store_close(s);
  must(rows > place);
  return rows;
}

static void flip(struct bytes in, size_t at)
{
  ((uint8_t *)(uintptr_t)in.data)[at] ^= 0x10;
}

static void change_entry(uint64_t index, size_t at)
{
  struct bytes key, value;
  row_at(TABLE_ENTRIES, (size_t)index, &key, &value);
  flip(value, at);
  books_damage(copied, TABLE_ENTRIES, key, value, false);
}

static void remove_entry(uint64_t index)
{
  struct row_key key = key_of_index(index);
  books_damage(copied, TABLE_ENTRIES, row_key(&key), bytes_of(NULL, 0), true);
}

/* --- verify --- */

static void sound_log_verifies(void **state)
{
  (void)state;
  struct audit_request q = request_of(copied);
  assert_int_equal(run(audit_verify), AUDIT_FINE);
  assert_string_equal(err, "");
  assert_non_null(strstr(out, "The log holds"));
  assert_non_null(strstr(out, note_key));
  q.pinned = true;
  assert_int_equal(note_key_parse(bytes_text(note_key), &q.log_key), OK);
  assert_int_equal(run_request(audit_verify, q), AUDIT_FINE);
  assert_int_equal(run_request(audit_verify, request_of(sound)), AUDIT_FINE); /* with a lock file: the live folder */
}

static void log_of_another_key_is_refused(void **state)
{
  (void)state;
  struct audit_request q = request_of(copied);
  q.pinned = true;
  q.log_key = world.log_key;
  q.log_key.public_key[3] ^= 1;
  assert_int_equal(run_request(audit_verify, q), AUDIT_FAILED);
  assert_non_null(strstr(err, "--log-key"));
  q.log_key = world.log_key;
  q.log_key.name[0] ^= 1;
  assert_int_equal(run_request(audit_verify, q), AUDIT_FAILED);
}

static void changed_byte_of_any_entry_is_named(void **state)
{
  (void)state;
  for (uint64_t index = 0; index < world.size; index++) {
    struct bytes key, value;
    char expected[40];
    row_at(TABLE_ENTRIES, (size_t)index, &key, &value);
    (void)snprintf(expected, sizeof expected, "entry %d", (int)index);
    for (size_t at = (size_t)index % 7; at < value.size; at += 41) {
      change_entry(index, at);
      /* another genesis is another network, with another key: the first that does not fit is another entry, or the note
       */
      assert_fails(audit_verify, index == 0 ? "" : expected);
      change_entry(index, at);
    }
  }
  assert_int_equal(run(audit_verify), AUDIT_FINE);
}

static void changed_time_is_named(void **state)
{
  (void)state;
  change_entry(3, 23); /* the last byte of its time, by 16 ms, and no entry answers it: only the root can tell */
  assert_fails(audit_verify, "entry 3: is not the one that the checkpoint was signed over");
  change_entry(3, 23);
  change_entry(6, 23); /* an entry that is answered */
  assert_fails(audit_verify, "entry 6: was altered");
}

static void changed_signature_is_named(void **state)
{
  (void)state;
  struct bytes key, value;
  struct leaf leaf;
  row_at(TABLE_ENTRIES, 9, &key, &value);
  assert_int_equal(leaf_read(value, &leaf), OK);
  change_entry(9, (size_t)(leaf.signature.data - value.data) + 40);
  assert_fails(audit_verify, "entry 9 (");
  assert_non_null(strstr(err, "signature"));
  assert_fails(audit_replay, "entry 9 (");
}

static void removed_entries_are_named(void **state)
{
  (void)state;
  char last[40];
  (void)snprintf(last, sizeof last, "there are %d", (int)world.size - 1);
  remove_entry(world.size - 1); /* a log cut short is sound in itself: the checkpoint tells */
  assert_fails(audit_verify, last);
  remove_entry(5);
  assert_fails(audit_verify, "entry 5: missing");
  assert_fails(audit_replay, "entry 5: missing");
  for (uint64_t i = 0; i < world.size; i++)
    remove_entry(i);
  assert_fails(audit_verify, "empty");
}

static void checkpoint_must_be_the_logs(void **state)
{
  (void)state;
  char note[NOTE_SIZE_MAX];
  size_t size = 0;
  struct bytes key, value;
  struct checkpoint c;
  row_at(TABLE_CHECKPOINT, 0, &key, &value);
  assert_int_equal(checkpoint_open(value, &world.log_key, &c), OK);
  flip(value, 30);
  books_damage(copied, TABLE_CHECKPOINT, key, value, false);
  assert_fails(audit_verify, "the checkpoint: its form or its signature");
  c.size--;
  assert_int_equal(checkpoint_sign(&c, WORLD_ORIGIN, log_secret, note, &size), OK);
  books_damage(copied, TABLE_CHECKPOINT, key, bytes_of(note, size), false);
  assert_fails(audit_verify, "the checkpoint: is for");
  c.size++;
  c.root.byte[0] ^= 1;
  assert_int_equal(checkpoint_sign(&c, WORLD_ORIGIN, log_secret, note, &size), OK);
  books_damage(copied, TABLE_CHECKPOINT, key, bytes_of(note, size), false);
  assert_fails(audit_verify, "signed over other entries");
  c.origin[strlen(c.origin) - 1] = '2';
  assert_int_equal(checkpoint_sign(&c, WORLD_ORIGIN, log_secret, note, &size), OK);
  books_damage(copied, TABLE_CHECKPOINT, key, bytes_of(note, size), false);
  assert_fails(audit_verify, "is of the log");
  books_damage(copied, TABLE_CHECKPOINT, key, value, true);
  assert_fails(audit_verify, "no checkpoint");
}

static void bodies_are_those_of_the_log(void **state)
{
  (void)state;
  struct bytes key, value;
  assert_true(row_at(TABLE_BODIES, 1, &key, &value) > 2);
  flip(value, 100);
  books_damage(copied, TABLE_BODIES, key, value, false);
  assert_fails(audit_verify, "SHA-256");
  books_damage(copied, TABLE_BODIES, key, value, true);
  assert_fails(audit_verify, "is missing, and no entry erased it");
  flip(value, 100);
  books_damage(copied, TABLE_BODIES, key, value, false);
  assert_int_equal(run(audit_verify), AUDIT_FINE);
  struct row_key erased = key_of_body(4, 0); /* the brief that was received */
  books_damage(copied, TABLE_BODIES, row_key(&erased), value, false);
  assert_fails(audit_verify, "sealed body of entry 4, slot 0: should have been erased");
}

static void a_copy_without_bodies_says_so(void **state)
{
  (void)state;
  struct bytes key, value;
  assert_int_equal(file_write(folder_path(copied, "backup"), bytes_text("without bodies"), why), OK);
  row_at(TABLE_BODIES, 1, &key, &value);
  books_damage(copied, TABLE_BODIES, key, value, true);
  assert_int_equal(run(audit_verify), AUDIT_FINE);
  assert_non_null(strstr(out, "left out of this copy"));
  flip(value, 100); /* what is there must be right all the same */
  books_damage(copied, TABLE_BODIES, key, value, false);
  assert_fails(audit_verify, "SHA-256");
}

static void nothing_temporary_is_left(void **state)
{
  (void)state;
  char empty[FOLDER_PATH_SIZE], before[FOLDER_PATH_SIZE] = "";
  const char *tmpdir = getenv("TMPDIR");
  if (tmpdir != NULL)
    (void)snprintf(before, sizeof before, "%s", tmpdir);
  folder_make(empty);
  assert_int_equal(setenv("TMPDIR", empty, 1), 0);
  assert_int_equal(run(audit_verify), AUDIT_FINE);
  assert_int_equal(run(audit_replay), AUDIT_FINE);
  change_entry(4, 60);
  assert_int_equal(run(audit_verify), AUDIT_FAILED);
  assert_int_equal(rmdir(empty), 0); /* fails unless it is empty */
  assert_int_equal(run(audit_verify), AUDIT_UNREADABLE);
  assert_non_null(strstr(err, "TMPDIR"));
  assert_int_equal(before[0] == 0 ? unsetenv("TMPDIR") : setenv("TMPDIR", before, 1), 0);
}

static void folder_without_books_is_unreadable(void **state)
{
  (void)state;
  const command commands[] = {audit_verify, audit_replay, audit_show};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(run_request(commands[i], request_of("/nonexistent")), AUDIT_UNREADABLE);
    assert_non_null(strstr(err, "/nonexistent"));
  }
}

static void organisations_folder_is_no_exchanges(void **state)
{
  (void)state;
  assert_int_equal(file_write(folder_path(copied, "network"), bytes_text("an invitation"), why), OK);
  assert_int_equal(run(audit_verify), AUDIT_UNREADABLE);
  assert_non_null(strstr(err, "found an organisation's"));
  assert_int_equal(unlink(folder_path(copied, "network")), 0);
  assert_int_equal(run(audit_verify), AUDIT_FINE);
}

/* --- replay --- */

static void sound_books_are_rebuilt_equal(void **state)
{
  (void)state;
  assert_int_equal(run(audit_replay), AUDIT_FINE);
  for (int table = 0; table < TABLES_DERIVED; table++) {
    struct bytes key, value;
    char line[80];
    size_t rows = row_at(table, 0, &key, &value);
    assert_true(rows > 0); /* or the tests below prove nothing */
    (void)snprintf(line, sizeof line, "%-14s %8zu rows equal\n", table_names[table], rows);
    assert_non_null(strstr(out, line));
  }
  const char *digest = strstr(out, "digest");
  assert_non_null(digest);
  char *kept = strdup(digest);
  assert_int_equal(run_request(audit_replay, request_of(sound)), AUDIT_FINE);
  assert_non_null(strstr(out, kept));
  free(kept);
}

static void difference_in_any_table_is_named(void **state)
{
  (void)state;
  for (int table = 0; table < TABLES_DERIVED; table++) {
    struct bytes key, value;
    char expected[80];
    size_t rows = row_at(table, 0, &key, &value);
    row_at(table, rows - 1, &key, &value);
    (void)snprintf(expected, sizeof expected, "table %s, key ", table_names[table]);
    if (table != TABLE_ENTRIES) {
      books_damage(copied, table, key, value, true);
      assert_fails(audit_replay, expected);
      assert_non_null(strstr(err, "but it is not stored"));
    }
    if (table != TABLE_ENTRIES && value.size > 0) {
      flip(value, value.size - 1);
      books_damage(copied, table, key, value, false);
      assert_fails(audit_replay, expected);
      assert_non_null(strstr(err, "as rebuilt"));
      flip(value, value.size - 1);
    }
    books_damage(copied, table, key, value, false);
    assert_int_equal(run(audit_replay), AUDIT_FINE);
    flip(key, 0);
    if (table != TABLE_ENTRIES) { /* a made-up one behind or among the others */
      books_damage(copied, table, key, value, false);
      assert_fails(audit_replay, expected);
      assert_non_null(strstr(err, "does not lead to it"));
      books_damage(copied, table, key, value, true);
    }
  }
}

static void field_of_a_difference_is_named(void **state)
{
  (void)state;
  struct bytes key, value;
  char brief[REF_SHORT_SIZE], expected[80];
  row_at(TABLE_REFERRALS, 0, &key, &value);
  ref_short((const struct ref_id *)key.data, brief);
  flip(value, offsetof(struct referral, accept_index) + 2);
  books_damage(copied, TABLE_REFERRALS, key, value, false);
  (void)snprintf(expected, sizeof expected, "(referral %s): accept_index: byte", brief);
  assert_fails(audit_replay, expected);
  assert_non_null(strstr(out, "BUT NOT ALL"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, copy_log, remove_copy)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(sound_log_verifies),
      TEST(log_of_another_key_is_refused),
      TEST(changed_byte_of_any_entry_is_named),
      TEST(changed_time_is_named),
      TEST(changed_signature_is_named),
      TEST(removed_entries_are_named),
      TEST(checkpoint_must_be_the_logs),
      TEST(bodies_are_those_of_the_log),
      TEST(a_copy_without_bodies_says_so),
      TEST(nothing_temporary_is_left),
      TEST(folder_without_books_is_unreadable),
      TEST(organisations_folder_is_no_exchanges),
      TEST(sound_books_are_rebuilt_equal),
      TEST(difference_in_any_table_is_named),
      TEST(field_of_a_difference_is_named),
  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
