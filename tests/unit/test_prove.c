/* What leaves an audit besides the whole log: the proof of one entry, the comparison of two checkpoints, a witness's
 * word, and an export by mandate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/audit/export.h"
#include "proto/seal/proof.h"
#include "tests/unit/auditor.h"
#include "tests/unit/support.h"

static char folder[FOLDER_PATH_SIZE], early[FOLDER_PATH_SIZE], data[FOLDER_PATH_SIZE];
static char early_out[FOLDER_PATH_SIZE], whole[FOLDER_PATH_SIZE], forked[FOLDER_PATH_SIZE], key_file[FOLDER_PATH_SIZE];
static struct world world; /* closed: for sizes and keys */
static struct ed25519_secret *log_secret;
static uint64_t mandate_index, refused_index;
static struct ref_id referral;
static char *out, *err;
static size_t out_size;
static char why[200];

static enum audit_code run(command c, struct audit_request q)
{
  return auditor_run(c, q, &out, &out_size, &err);
}

static struct audit_request pinned(const char *at)
{
  return (struct audit_request){.folder = at, .to = UINT64_MAX, .pinned = true, .log_key = world.log_key};
}

static void assert_says(command c, struct audit_request q, enum audit_code expected, const char *with)
{
  enum audit_code code = run(c, q);
  if (code != expected || strstr(err, with) == NULL)
    fail_msg("code %d, \"%s\" instead of \"%s\"", (int)code, err, with);
}

static const char *kept(const char *name, const void *content, size_t size)
{
  const char *path = folder_path(folder, name);
  assert_int_equal(file_write(path, bytes_of(content, size), why), OK);
  return path;
}

/* --- logs --- */

static void copy_to(const char *to)
{
  assert_int_equal(mkdir(to, 0700), 0);
  assert_int_equal(store_copy(world.store, folder_path(to, "books"), ALL_TABLES, why), OK);
}

static Onward__Verdict say_mandate(struct member *by, uint64_t from, const char *about, const struct ref_id *of)
{
  struct draft d;
  Onward__Mandate m = ONWARD__MANDATE__INIT;
  draft_init(&d, ONWARD__CORE__ACT_MANDATE, NULL);
  m.name = pb_data(bytes_text("Provincial court"));
  m.from_index = from;
  if (about != NULL)
    m.about = pb_data(bytes_text(about));
  if (of != NULL)
    m.referral = pb_data(BYTES(of->byte));
  d.core.mandate = &m;
  return world_hear(&world, by, &d, 1);
}

static void export_to(const char *from, const char *to)
{
  if (run(audit_export, (struct audit_request){.folder = from, .second = to}) != AUDIT_FINE)
    fail_msg("%s", err);
}

/* An export of hashes that never were, signed by the log's key all the same. */
static void make_fork(void)
{
  struct hash hashes[3];
  char note[NOTE_SIZE_MAX], vkey[NOTE_VKEY_SIZE], keys[300];
  size_t size = 0;
  struct checkpoint c = {.size = 3};
  (void)snprintf(c.origin, sizeof c.origin, WORLD_ORIGIN "/1");
  assert_int_equal(random_bytes(hashes, sizeof hashes), OK);
  c.root = merkle_root(hashes, 3);
  assert_int_equal(checkpoint_sign(&c, world.log_key.name, log_secret, note, &size), OK);
  note_key_print(&world.log_key, vkey);
  (void)snprintf(keys, sizeof keys, EXPORT_HEADING "holds hashes\nlog %s\n", vkey);
  static const char *const folders[] = {"forked", "forked/tile", "forked/tile/0", "forked/tile/0/000.p"};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(mkdir(folder_path(folder, folders[i]), 0700), 0);
  kept("forked/checkpoint", note, size);
  kept("forked/keys", keys, strlen(keys));
  kept("forked/tile/0/000.p/3", hashes, sizeof hashes);
}

static void name_folders(void)
{
  static const struct {
    char *at;
    const char *name;
  } names[] = {{early, "early"}, {data, "data"},     {early_out, "early-out"},
               {whole, "whole"}, {forked, "forked"}, {key_file, "key"}};
  folder_make(folder);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    (void)snprintf(names[i].at, FOLDER_PATH_SIZE, "%s", folder_path(folder, names[i].name));
}

static int make_log(void **state)
{
  (void)state;
  name_folders();
  world_init(&world, folder);
  struct member *police = world_enrol(&world, "police"), *aple = world_enrol(&world, "aple");
  struct member *const one[] = {aple};
  copy_to(early);
  referral = world_submit(&world, police, one, 1);
  world_act(&world, aple, &referral, ONWARD__CORE__ACT_RECEIVE);
  world_submit(&world, police, one, 1);
  refused_index = world.size;
  assert_int_equal(say_mandate(police, 3, NULL, NULL), ONWARD__VERDICT__NOT_A_REGISTRAR);
  mandate_index = world.size;
  assert_int_equal(say_mandate(&world.members[0], 3, "aple", &referral), ONWARD__VERDICT__ACCEPTED);
  world_act(&world, aple, &referral, ONWARD__CORE__ACT_ACKNOWLEDGE); /* behind the mandate */
  copy_to(data);
  log_secret = world.log_secret;
  world.log_secret = NULL;
  world_fini(&world);
  export_to(early, early_out);
  export_to(data, whole);
  make_fork();
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  folder_remove(folder);
  ed25519_secret_close(log_secret);
  free(out);
  free(err);
  return 0;
}

/* --- prove --- */

static const char *proof_of(const char *from, uint64_t index, const char *name)
{
  if (run(audit_prove, (struct audit_request){.folder = from, .index = index}) != AUDIT_FINE)
    fail_msg("%s", err);
  return kept(name, out, out_size);
}

static struct audit_request checked(const char *path)
{
  struct audit_request q = pinned(path);
  q.check = true;
  return q;
}

static void entry_is_proved_by_the_logs_key_alone(void **state)
{
  (void)state;
  for (uint64_t index = 0; index < world.size; index++) {
    char path[FOLDER_PATH_SIZE], line[60];
    (void)snprintf(path, sizeof path, "%s", proof_of(index % 2 == 0 ? data : whole, index, "proof"));
    (void)snprintf(line, sizeof line, "Entry %d is in the log exchange.test/log/1", (int)index);
    assert_int_equal(run(audit_prove, checked(path)), AUDIT_FINE);
    assert_non_null(strstr(out, line));
    assert_int_equal(strstr(out, "NOT CHECKED the organisation's own signature") != NULL, index != 0);
  }
  struct audit_request q = checked(folder_path(folder, "proof"));
  q.pinned = false;
  assert_says(audit_prove, q, AUDIT_USAGE, "--log-key");
  q.pinned = true;
  q.log_key.public_key[0] ^= 1;
  assert_says(audit_prove, q, AUDIT_FAILED, "not signed by this log's key");
  assert_says(audit_prove, (struct audit_request){.folder = data, .index = world.size}, AUDIT_USAGE,
              "has entries 0 to");
  assert_says(audit_prove, (struct audit_request){.folder = forked, .index = 1}, AUDIT_USAGE, "only the hash");
}

static void every_byte_of_a_proof_counts(void **state)
{
  (void)state;
  static char sound[PROOF_SIZE_MAX];
  static uint8_t leaf[PROOF_LEAF_MAX];
  size_t size = 0;
  struct log_proof proof;
  struct checkpoint c;
  const char *reason;
  assert_int_equal(file_read(proof_of(data, 5, "proof"), sound, sizeof sound, &size, why), OK);
  for (size_t at = 0; at <= size; at++)
    for (int bit = 0; bit < 8; bit++) {
      sound[at] ^= (char)(1 << bit);
      enum status s = proof_read(bytes_of(sound, at == size ? size + 1 : size), leaf, &proof, &reason);
      if (s == OK)
        s = proof_verify(&proof, &world.log_key, &c, &reason);
      assert_int_equal(s, BAD_INPUT);
      sound[at] ^= (char)(1 << bit);
    }
  for (size_t cut = 0; cut < size; cut++)
    if (proof_read(bytes_of(sound, cut), leaf, &proof, &reason) == OK)
      assert_int_equal(proof_verify(&proof, &world.log_key, &c, &reason), BAD_INPUT);
  assert_int_equal(proof_read(bytes_of(sound, size), leaf, &proof, &reason), OK);
  assert_int_equal(proof_verify(&proof, &world.log_key, &c, &reason), OK);
}

/* --- consistency --- */

static struct audit_request compared(const char *at, const char *with)
{
  return (struct audit_request){.folder = at, .second = with};
}

static void copies_are_compared_by_checkpoint(void **state)
{
  (void)state;
  char old[FOLDER_PATH_SIZE], new[FOLDER_PATH_SIZE], other[FOLDER_PATH_SIZE], note[NOTE_SIZE_MAX];
  size_t size = 0;
  struct checkpoint c = {.size = 3};
  (void)snprintf(old, sizeof old, "%s", folder_path(early_out, "checkpoint"));
  (void)snprintf(new, sizeof new, "%s", folder_path(whole, "checkpoint"));
  (void)snprintf(other, sizeof other, "%s", folder_path(forked, "checkpoint"));
  assert_says(audit_consistency, compared(data, old), AUDIT_FINE, "");
  assert_says(audit_consistency, compared(whole, old), AUDIT_FINE, "");
  assert_says(audit_consistency, compared(whole, new), AUDIT_FINE, "");
  assert_says(audit_consistency, compared(early, new), AUDIT_FAILED, "is ahead");
  assert_says(audit_consistency, compared(data, other), AUDIT_FAILED, "FORK");
  assert_says(audit_consistency, compared(data, key_file), AUDIT_UNREADABLE, "cannot read");
  (void)snprintf(c.origin, sizeof c.origin, WORLD_ORIGIN "/2");
  assert_int_equal(checkpoint_sign(&c, world.log_key.name, log_secret, note, &size), OK);
  assert_says(audit_consistency, compared(data, kept("note", note, size)), AUDIT_FAILED, "of another epoch");
  (void)snprintf(c.origin, sizeof c.origin, "elsewhere/1");
  assert_int_equal(checkpoint_sign(&c, "elsewhere", log_secret, note, &size), OK);
  assert_says(audit_consistency, compared(data, kept("note", note, size)), AUDIT_FAILED, "another log (elsewhere/1)");
}

/* --- cosign --- */

static struct audit_request as_witness(const char *at)
{
  struct audit_request q = pinned(at);
  q.key_file = key_file;
  return q;
}

static struct note_key make_key(const char *name)
{
  struct note_key key;
  struct audit_request q = {.folder = name, .key_file = key_file, .new_key = true};
  (void)unlink(key_file);
  (void)unlink(folder_path(folder, "key.last"));
  if (run(audit_cosign, q) != AUDIT_FINE)
    fail_msg("%s", err);
  assert_int_equal(witness_key_parse(bytes_of(out, out_size - 1), &key), OK);
  assert_int_equal(note_key_parse(bytes_of(out, out_size - 1), &key), BAD_INPUT); /* no log's key */
  return key;
}

static void witness_signs_what_grows(void **state)
{
  (void)state;
  struct checkpoint c;
  uint64_t time_s = 0;
  struct note_key key = make_key("witness.test/w1");
  struct audit_request q = as_witness(early_out);
  q.pinned = false;
  assert_says(audit_cosign, q, AUDIT_USAGE, "--log-key is needed");
  assert_says(audit_cosign, as_witness(data), AUDIT_USAGE, "is no export");
  assert_int_equal(run(audit_cosign, as_witness(early_out)), AUDIT_FINE);
  struct bytes note = bytes_of(out, out_size);
  assert_int_equal(checkpoint_open(note, &world.log_key, &c), OK);
  assert_int_equal(c.size, 3);
  assert_int_equal(cosignature_verify(note, &key, &time_s), OK);
  assert_true(time_s > 1700000000);
  for (size_t i = 0; i < out_size; i++) {
    out[i] ^= 1;
    assert_true(cosignature_verify(note, &key, &time_s) != OK || checkpoint_open(note, &world.log_key, &c) != OK);
    out[i] ^= 1;
  }
  q.folder = whole; /* the key of the log is remembered */
  assert_int_equal(run(audit_cosign, q), AUDIT_FINE);
  assert_int_equal(run(audit_cosign, q), AUDIT_FINE);
  assert_says(audit_cosign, as_witness(early_out), AUDIT_FAILED, "key.last: is ahead");
  assert_int_equal(out_size, 0);
  q = as_witness(whole);
  q.log_key.public_key[2] ^= 1;
  assert_says(audit_cosign, q, AUDIT_FAILED, "is for another log");
  q = (struct audit_request){.folder = "again", .key_file = key_file, .new_key = true};
  assert_says(audit_cosign, q, AUDIT_USAGE, "there already");
}

static void witness_sees_a_fork(void **state)
{
  (void)state;
  make_key("witness.test/w2");
  assert_int_equal(run(audit_cosign, as_witness(forked)), AUDIT_FINE);
  assert_says(audit_cosign, as_witness(whole), AUDIT_FAILED, "FORK");
  assert_int_equal(out_size, 0);
}

static void damaged_key_is_no_key(void **state)
{
  (void)state;
  char text[300];
  size_t size = 0;
  make_key("witness.test/w3");
  assert_int_equal(file_read(key_file, text, sizeof text, &size, why), OK);
  for (size_t i = 0; i < size; i++) {
    text[i] ^= 1;
    kept("key", text, size);
    assert_says(audit_cosign, as_witness(whole), AUDIT_UNREADABLE, "no witness's key");
    text[i] ^= 1;
  }
}

/* Kept beside the books, exported, and verified with either. */
static void cosignatures_are_kept_and_exported(void **state)
{
  (void)state;
  char vkey[NOTE_VKEY_SIZE], name[40], content[WITNESS_FILE_MAX], again[FOLDER_PATH_SIZE];
  static const char *const exports[] = {"early-out", "whole"};
  assert_int_equal(mkdir(folder_path(data, "witness"), 0700), 0);
  for (size_t i = 0; i < 2; i++) { /* one of the older checkpoint, one of this */
    struct note_key key = make_key(exports[i]);
    witness_key_print(&key, vkey);
    assert_int_equal(run(audit_cosign, as_witness(i == 0 ? early_out : whole)), AUDIT_FINE);
    (void)snprintf(name, sizeof name, "data/witness/%.8s", strchr(vkey, '+') + 1);
    int size = snprintf(content, sizeof content, "%s\n%s", vkey, out);
    kept(name, content, (size_t)size);
  }
  assert_int_equal(run(audit_verify, pinned(data)), AUDIT_FINE);
  assert_non_null(strstr(out, "cosigned    3 entries"));
  (void)snprintf(again, sizeof again, "%s", folder_path(folder, "cosigned"));
  export_to(data, again);
  assert_int_equal(run(audit_verify, pinned(again)), AUDIT_FINE);
  assert_non_null(strstr(out, vkey));
  assert_int_equal(file_count(folder_path(again, "checkpoint"), bytes_text("\u2014 whole ")), 1);
  assert_int_equal(file_count(folder_path(again, "checkpoint"), bytes_text("\u2014 early-out ")), 0);
  (void)snprintf(name, sizeof name, "cosigned/witness/%.8s", strchr(vkey, '+') + 1);
  for (size_t size = strlen(content), i = 0; i < size; i += 3) {
    content[i] ^= 1;
    kept(name, content, size);
    assert_says(audit_verify, pinned(again), AUDIT_FAILED, "witness/");
    content[i] ^= 1;
  }
  assert_int_equal(unlink(folder_path(folder, name)), 0); /* its line is left in the checkpoint, and in keys */
  assert_says(audit_verify, pinned(again), AUDIT_FAILED, "checkpoint: has a signature line");
}

/* --- mandate --- */

static struct audit_request by_mandate(const char *proof, const char *to)
{
  return (struct audit_request){.folder = data, .mandate = proof, .second = to};
}

static void export_by_mandate_has_what_it_covers(void **state)
{
  (void)state;
  char proof[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE], line[60];
  (void)snprintf(to, sizeof to, "%s", folder_path(folder, "mandated"));
  (void)snprintf(proof, sizeof proof, "%s", proof_of(data, refused_index, "proof"));
  assert_says(audit_export, by_mandate(proof, to), AUDIT_USAGE, "is no accepted mandate");
  assert_says(audit_export, by_mandate(key_file, to), AUDIT_USAGE, "is no proof of an entry");
  (void)snprintf(proof, sizeof proof, "%s", proof_of(data, mandate_index, "proof"));
  if (run(audit_export, by_mandate(proof, to)) != AUDIT_FINE)
    fail_msg("%s", err);
  assert_int_equal(run(audit_verify, pinned(to)), AUDIT_FINE);
  (void)snprintf(line, sizeof line, "what the mandate in entry %d covers", (int)mandate_index);
  assert_non_null(strstr(out, line));
  struct audit_request q = pinned(to);
  assert_int_equal(run(audit_show, q), AUDIT_FINE);
  size_t lines = 0;
  for (const char *at = out; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  assert_int_equal(lines, 3 + 2 + 1); /* registry, submit and receive of that referral, the mandate */
  assert_null(strstr(out, "acknowledge"));
}

/* --- a log that another program made --- */

static const char *vector_path(const char *name)
{
  static char path[400];
  const char *vectors = getenv("ONWARD_VECTORS");
  (void)snprintf(path, sizeof path, "%s/tlog/%s", vectors == NULL ? ONWARD_VECTORS_DIR : vectors, name);
  return path;
}

static void vector_take(const char *name, const char *to)
{
  static uint8_t content[4096];
  size_t size = 0;
  assert_int_equal(file_read(vector_path(name), content, sizeof content, &size, why), OK);
  assert_int_equal(file_write(to, bytes_of(content, size), why), OK);
}

/* Tiles of hashes verify as an export; entries are read out of bundles. */
static void others_log_is_read(void **state)
{
  (void)state;
  char text[400], name[60], keys[300];
  size_t size = 0;
  static const char *const folders[] = {
      "other", "other/tile", "other/tile/0", "other/tile/entries", "other/tile/0/000.p", "other/tile/entries/000.p"};
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(mkdir(folder_path(folder, folders[i]), 0700), 0);
  assert_int_equal(file_read(vector_path("keys.txt"), text, sizeof text - 1, &size, why), OK);
  text[size] = 0;
  for (int n = 1; n <= 8; n++) {
    char tile[60], bundle[60];
    for (int whole_one = 0; whole_one < 2; whole_one++) {
      int length =
          snprintf(keys, sizeof keys, EXPORT_HEADING "holds %s\nlog %.*s\n", whole_one ? "everything" : "hashes",
                   (int)strcspn(strstr(text, "public ") + 7, "\n"), strstr(text, "public ") + 7);
      kept("other/keys", keys, (size_t)length);
      (void)snprintf(name, sizeof name, "checkpoint.%d", n);
      vector_take(name, folder_path(folder, "other/checkpoint"));
      (void)snprintf(tile, sizeof tile, "other/tile/0/000.p/%d", n);
      vector_take(tile + 6, folder_path(folder, tile));
      struct audit_request q = {.folder = folder_path(folder, "other"), .out = stdout, .err = stderr};
      if (!whole_one) {
        assert_int_equal(run(audit_verify, q), AUDIT_FINE);
        continue;
      }
      (void)snprintf(bundle, sizeof bundle, "other/tile/entries/000.p/%d", n);
      vector_take(bundle + 6, folder_path(folder, bundle));
      struct audit a;
      struct bytes entry;
      struct hash stored;
      assert_int_equal(audit_open(&q, &a), AUDIT_FINE);
      assert_int_equal(exported_files(&a), AUDIT_FINE);
      for (uint64_t i = 0; i < (uint64_t)n; i++) {
        assert_int_equal(books_entry(a.books, i, &entry), OK);
        assert_int_equal(books_tree_read(a.books, merkle_stored_number(0, i), &stored), OK);
        struct hash hash = merkle_leaf(entry);
        assert_true(hash_equal(&hash, &stored));
      }
      audit_close(&a);
      assert_int_equal(unlink(folder_path(folder, bundle)), 0);
    }
    assert_int_equal(unlink(folder_path(folder, tile)), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entry_is_proved_by_the_logs_key_alone),
      cmocka_unit_test(every_byte_of_a_proof_counts),
      cmocka_unit_test(copies_are_compared_by_checkpoint),
      cmocka_unit_test(witness_signs_what_grows),
      cmocka_unit_test(witness_sees_a_fork),
      cmocka_unit_test(damaged_key_is_no_key),
      cmocka_unit_test(export_by_mandate_has_what_it_covers),
      cmocka_unit_test(cosignatures_are_kept_and_exported),
      cmocka_unit_test(others_log_is_read),
  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
