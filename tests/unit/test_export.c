/* An exported log: whole, it verifies and is read like the books; whatever is changed in it, `verify` fails and names
 * the entry, or the file. In part, it holds what it says and no more. */
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
#include "proto/ledger/rows.h"
#include "tests/unit/auditor.h"
#include "tests/unit/offers.h"

static char folder[FOLDER_PATH_SIZE];
static char data[FOLDER_PATH_SIZE], whole[FOLDER_PATH_SIZE], hashes_only[FOLDER_PATH_SIZE], part[FOLDER_PATH_SIZE];
static char tiny[FOLDER_PATH_SIZE];
static struct world world; /* closed: for sizes */
static char *out, *err;
static char why[200];

static enum audit_code run_request(command c, struct audit_request q)
{
  return auditor_run(c, q, &out, NULL, &err);
}

static enum audit_code run(command c, const char *at)
{
  return run_request(c, (struct audit_request){.folder = at, .to = UINT64_MAX});
}

static void progress(struct member *m, const struct member *sender, const struct ref_id *id, size_t count)
{
  static struct draft drafts[64];
  Onward__Progress progress = ONWARD__PROGRESS__INIT;
  for (size_t i = 0; i < count; i++) {
    draft_init(&drafts[i], ONWARD__CORE__ACT_PROGRESS, id);
    if (i == 0)
      draft_seal(&drafts[i], sender, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
    world_answer(&world, &drafts[i], id);
    drafts[i].core.progress = &progress;
  }
  assert_int_equal(world_hear(&world, m, drafts, count), ONWARD__VERDICT__ACCEPTED);
}

static void export_as(const char *from, char to[FOLDER_PATH_SIZE], const char *name, const char *organisation,
                      bool hashes)
{
  struct audit_request q = {.folder = from, .second = to, .hashes = hashes};
  (void)snprintf(to, FOLDER_PATH_SIZE, "%s", folder_path(folder, name));
  if (organisation != NULL)
    assert_int_equal(org_id_parse(bytes_text(organisation), &q.organisation), OK);
  if (run_request(audit_export, q) != AUDIT_FINE)
    fail_msg("%s", err);
}

static void make_tiny(void)
{
  char books[FOLDER_PATH_SIZE];
  (void)snprintf(books, sizeof books, "%s", folder_path(folder, "tiny-data"));
  assert_int_equal(mkdir(books, 0700), 0);
  world_init(&world, books);
  world_fini(&world);
  export_as(books, tiny, "tiny", NULL, false);
}

/* More entries than a tile is wide; two referrals, of which aple has one. */
static int make_log(void **state)
{
  struct offer offer;
  (void)state;
  folder_make(folder);
  make_tiny();
  (void)snprintf(data, sizeof data, "%s", folder_path(folder, "data"));
  assert_int_equal(mkdir(data, 0700), 0);
  world_init(&world, data);
  struct member *police = world_enrol(&world, "police"), *aple = world_enrol(&world, "aple");
  struct member *a21 = world_enrol(&world, "a21");
  struct member *const both[] = {aple, a21}, *const one[] = {a21};
  struct ref_id first = world_submit(&world, police, both, 2);
  world_act(&world, aple, &first, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, aple, &first, ONWARD__CORE__ACT_DECLINE);
  world_act(&world, a21, &first, ONWARD__CORE__ACT_RECEIVE);
  struct ref_id second = world_submit(&world, police, one, 1);
  world_act(&world, a21, &second, ONWARD__CORE__ACT_RECEIVE);
  world_act(&world, a21, &second, ONWARD__CORE__ACT_ACCEPT);
  world_act(&world, a21, &second, ONWARD__CORE__ACT_START);
  for (int i = 0; i < 8; i++)
    progress(a21, police, &second, 32);
  offer_init(&offer, 1);
  assert_int_equal(offer_say(&world, aple, &offer), ONWARD__VERDICT__ACCEPTED);
  assert_int_equal(offer_places(&world, aple, 1, ONWARD__CAPACITY_STATUS__HAS, 1, world.clock_ms + 86400000),
                   ONWARD__VERDICT__ACCEPTED);
  world_fini(&world);
  assert_true(world.size > TILE_WIDTH);
  export_as(data, whole, "whole", NULL, false);
  export_as(data, hashes_only, "public", NULL, true);
  export_as(data, part, "part", "aple", false);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  folder_remove(folder);
  free(out);
  free(err);
  return 0;
}

/* --- files, changed --- */

static uint8_t content[1u << 21];

static size_t file_get(const char *at, const char *name)
{
  size_t size = 0;
  assert_int_equal(file_read(folder_path(at, name), content, sizeof content, &size, why), OK);
  return size;
}

static void file_put(const char *at, const char *name, size_t size)
{
  assert_int_equal(file_write(folder_path(at, name), bytes_of(content, size), why), OK);
}

/* One byte in place, without the syncs of file_write. */
static void flip(const char *at, const char *name, size_t place, uint8_t bits)
{
  FILE *file = fopen(folder_path(at, name), "r+be");
  assert_non_null(file);
  (void)fseek(file, (long)place, SEEK_SET);
  int byte = fgetc(file);
  (void)fseek(file, (long)place, SEEK_SET);
  (void)fputc(byte ^ bits, file);
  (void)fclose(file);
}

static void assert_fails(const char *at, const char *with)
{
  enum audit_code code = run(audit_verify, at);
  if (code != AUDIT_FAILED || strstr(err, with) == NULL)
    fail_msg("code %d, \"%s\" instead of \"%s\"", (int)code, err, with);
}

/* --- whole --- */

static void whole_export_is_read_like_the_books(void **state)
{
  (void)state;
  static const command commands[] = {audit_show, audit_replay};
  assert_int_equal(run(audit_verify, whole), AUDIT_FINE);
  assert_non_null(strstr(out, "The log holds"));
  assert_int_equal(run(audit_verify, tiny), AUDIT_FINE);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(run(commands[i], data), AUDIT_FINE);
    char *before = strdup(i == 0 ? out : strstr(out, "digest"));
    assert_int_equal(run(commands[i], whole), AUDIT_FINE);
    assert_non_null(strstr(out, before));
    free(before);
  }
}

static void tiles_are_those_of_the_log(void **state)
{
  (void)state;
  static const char *const names[] = {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"};
  char name[TILE_PATH_SIZE];
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(access(folder_path(whole, names[i]), F_OK), 0);
  tile_path(0, 1, world.size, name);
  assert_int_equal(file_get(whole, name), (world.size - TILE_WIDTH) * 32);
  assert_int_equal(file_get(whole, "tile/1/000.p/1"), 32);
  tile_path(0, 1234067, UINT64_MAX, name);
  assert_string_equal(name, "tile/0/x001/x234/067");
  uint32_t level;
  uint64_t number;
  assert_true(tile_of_path(name, UINT64_MAX, &level, &number));
  assert_int_equal(number, 1234067);
  static const char *const wrong[] = {
      "tile/0/001/x234/067", "tile/8/000",  "tile/0/000.p/0", "tile/0/000.p/256", "tile/0",
      "tile/0/x000/000",     "tile/00/000", "tile/0/000 ",    "tile/entries/0",   "/"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    assert_false(tile_of_path(wrong[i], 70000, &level, &number));
  for (uint64_t stored = 0; stored < 2000; stored++) {
    tile_of_stored(stored, &level, &number);
    assert_int_equal(merkle_stored_number(level, number), stored);
  }
}

static void try_bytes(const char *at, const char *name, size_t step)
{
  for (size_t i = 0, size = file_get(at, name); i < size; i += step) {
    flip(at, name, i, (uint8_t)(1u << i % 8));
    assert_fails(at, name);
    flip(at, name, i, (uint8_t)(1u << i % 8));
  }
  assert_int_equal(run(audit_verify, at), AUDIT_FINE);
}

static void every_byte_of_the_small_files_counts(void **state)
{
  (void)state;
  try_bytes(tiny, "keys", 3);
  try_bytes(tiny, "checkpoint", 1);
  try_bytes(tiny, "tile/0/000.p/1", 1);
  try_bytes(whole, "keys", 149);
  try_bytes(whole, "checkpoint", 17);
  try_bytes(whole, "tile/1/000.p/1", 9);
  try_bytes(whole, "erasures", 101);
}

static void every_bit_of_a_bundle_counts(void **state)
{
  (void)state;
  static const char name[] = "tile/entries/000.p/1";
  size_t size = file_get(tiny, name);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    flip(tiny, name, bit / 8, (uint8_t)(1u << bit % 8));
    assert_fails(tiny, "entry 0: ");
    flip(tiny, name, bit / 8, (uint8_t)(1u << bit % 8));
  }
  assert_int_equal(run(audit_verify, tiny), AUDIT_FINE);
}

/* Where the entry begins that a bundle of the whole export has at `number`. */
static size_t entry_at(size_t size, size_t number)
{
  struct reader r = reader_of(bytes_of(content, size));
  for (size_t i = 0; i < number; i++)
    (void)read_bytes(&r, read_u16(&r));
  return size - r.rest.size;
}

static void altered_entry_is_named(void **state)
{
  (void)state;
  size_t size = file_get(whole, "tile/entries/000");
  for (size_t number = 0; number < TILE_WIDTH; number += 15) {
    char expected[40];
    size_t begin = entry_at(size, number), end = entry_at(size, number + 1);
    (void)snprintf(expected, sizeof expected, "entry %zu: ", number);
    for (size_t at = begin + number % 2; at < end; at += 97) {
      flip(whole, "tile/entries/000", at, 4);
      assert_fails(whole, expected);
      flip(whole, "tile/entries/000", at, 4);
    }
  }
  flip(whole, "tile/0/000", 32 * 77 + 5, 1);
  assert_fails(whole, "tile/0/000: is not the tile");
  flip(whole, "tile/0/000", 32 * 77 + 5, 1);
  assert_int_equal(run(audit_verify, whole), AUDIT_FINE);
}

static void moved_entries_are_named(void **state)
{
  (void)state;
  static uint8_t sound[1u << 21];
  static const char name[] = "tile/entries/000";
  size_t size = file_get(whole, name);
  size_t at = entry_at(size, 40), next = entry_at(size, 41), end = entry_at(size, 42);
  memcpy(sound, content, size);
  memmove(content + at, content + next, size - next);
  file_put(whole, name, size - (next - at));
  assert_fails(whole, "entry 40: "); /* left out */
  memcpy(content + at + (end - next), sound + at, next - at);
  memcpy(content + end, sound + end, size - end);
  file_put(whole, name, size);
  assert_fails(whole, "entry 40: "); /* exchanged with the next */
  memcpy(content, sound, next);
  memcpy(content + next, sound + at, next - at);
  memcpy(content + next + (next - at), sound + next, size - next);
  file_put(whole, name, size + (next - at));
  assert_fails(whole, "entry 41: "); /* doubled */
  memcpy(content, sound, size);
  file_put(whole, name, size - 1);
  assert_fails(whole, "entry 255: "); /* cut short */
  content[size] = 0;
  file_put(whole, name, size + 1);
  assert_fails(whole, "tile/entries/000: has more");
  file_put(whole, name, size);
  assert_int_equal(run(audit_verify, whole), AUDIT_FINE);
}

static void files_are_just_those(void **state)
{
  (void)state;
  static const char *const names[] = {"keys",       "checkpoint",     "erasures",
                                      "tile/0/000", "tile/1/000.p/1", "tile/entries/000"};
  char aside[FOLDER_PATH_SIZE];
  (void)snprintf(aside, sizeof aside, "%s", folder_path(folder, "aside"));
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t size = file_get(whole, names[i]);
    assert_int_equal(rename(folder_path(whole, names[i]), aside), 0);
    assert_fails(whole, names[i]);
    assert_int_equal(rename(aside, folder_path(whole, names[i])), 0);
    file_put(whole, names[i], size - 1);
    assert_fails(whole, i == 5 ? "entry 255: " : names[i]);
    content[size] = 'x';
    file_put(whole, names[i], size + 1);
    assert_fails(whole, names[i]);
    file_put(whole, names[i], size);
  }
  static const char *const more[] = {"other", "tile/0/000.p/1", "tile/entries/x000/000", "entries"};
  content[0] = 1;
  assert_int_equal(mkdir(folder_path(whole, "tile/0/000.p"), 0700), 0);
  assert_int_equal(mkdir(folder_path(whole, "tile/entries/x000"), 0700), 0);
  for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
    file_put(whole, more[i], 1);
    assert_fails(whole, more[i]);
    assert_int_equal(unlink(folder_path(whole, more[i])), 0);
  }
  assert_int_equal(symlink("keys", folder_path(whole, "link")), 0);
  assert_fails(whole, "link: is no file");
  assert_int_equal(unlink(folder_path(whole, "link")), 0);
  assert_int_equal(run(audit_verify, whole), AUDIT_FINE);
}

/* --- in part --- */

static void public_export_has_hashes_only(void **state)
{
  (void)state;
  assert_int_equal(run(audit_verify, hashes_only), AUDIT_FINE);
  assert_non_null(strstr(out, "NOT CHECKED"));
  assert_int_equal(access(folder_path(hashes_only, "entries"), F_OK), -1);
  assert_int_equal(access(folder_path(hashes_only, "erasures"), F_OK), -1);
  assert_int_equal(access(folder_path(hashes_only, "tile/entries"), F_OK), -1);
  assert_int_equal(file_count(folder_path(hashes_only, "keys"), bytes_text("registry-one")), 0);
  for (size_t at = 3; at < 8192; at += 511) {
    flip(hashes_only, "tile/0/000", at, 1);
    assert_fails(hashes_only, "tile/0/000: does not fit tile/1/000.p/1");
    flip(hashes_only, "tile/0/000", at, 1);
  }
  char last[TILE_PATH_SIZE];
  tile_path(0, 1, world.size, last);
  flip(hashes_only, last, 3, 1);
  assert_fails(hashes_only, last);
  flip(hashes_only, last, 3, 1);
  assert_int_equal(run(audit_replay, hashes_only), AUDIT_USAGE);
}

static void part_holds_what_the_organisation_had(void **state)
{
  (void)state;
  static const char marker[] = "a21";
  size_t of_second = 0;
  assert_int_equal(run(audit_verify, part), AUDIT_FINE);
  assert_non_null(strstr(out, "the mailbox of aple"));
  assert_non_null(strstr(out, "NOT CHECKED verdicts"));
  assert_int_equal(run(audit_show, part), AUDIT_FINE);
  assert_non_null(strstr(out, "submit"));
  assert_non_null(strstr(out, "set_capacity"));
  for (const char *at = out; (at = strstr(at, "progress")) != NULL; at++)
    of_second++;
  assert_int_equal(of_second, 0);
  assert_true(strstr(out, marker) != NULL); /* enrolled, and listed */
  assert_int_equal(file_count(folder_path(part, "erasures"), bytes_text("held")), 0);
}

static void altered_part_is_named(void **state)
{
  (void)state;
  size_t size = file_get(part, "entries");
  for (size_t at = 0; at < size; at += 211) {
    flip(part, "entries", at, 2);
    assert_fails(part, "entr");
    flip(part, "entries", at, 2);
  }
  try_bytes(part, "erasures", 7);
  try_bytes(part, "keys", 23);
  try_bytes(part, "checkpoint", 13);
}

/* A registry entry that is left out is missed by the next entry that names it. */
static void registry_entry_is_missed(void **state)
{
  (void)state;
  size_t size = file_get(part, "entries");
  struct reader r = reader_of(bytes_of(content, size));
  (void)read_bytes(&r, (read_u64(&r), read_u16(&r)));
  size_t first = size - r.rest.size;
  (void)read_bytes(&r, (read_u64(&r), read_u16(&r)));
  size_t second = size - r.rest.size;
  memmove(content + first, content + second, size - second);
  file_put(part, "entries", size - (second - first));
  assert_fails(part, "entry 2: the registry entry that it names");
}

/* --- the folder --- */

static void export_is_whole_or_not_there(void **state)
{
  (void)state;
  struct audit_request q = {.folder = data, .second = whole};
  assert_int_equal(run_request(audit_export, q), AUDIT_USAGE);
  assert_non_null(strstr(err, "is there already"));
  q = (struct audit_request){.folder = whole, .second = folder_path(folder, "again")};
  assert_int_equal(run_request(audit_export, q), AUDIT_USAGE);
  q = (struct audit_request){.folder = data, .second = "/nonexistent/out"};
  assert_int_equal(run_request(audit_export, q), AUDIT_UNREADABLE);
  q = (struct audit_request){.folder = data, .second = folder_path(folder, "again")};
  assert_int_equal(org_id_parse(bytes_text("nobody"), &q.organisation), OK);
  assert_int_equal(run_request(audit_export, q), AUDIT_USAGE);
  assert_int_equal(access(folder_path(folder, "again.partial"), F_OK), -1);
  struct row_key key = {.size = 8, .data = {[7] = 9}};
  books_damage(data, TABLE_ENTRIES, row_key(&key), bytes_text("no entry"), false); /* the last test: the damage stays */
  q = (struct audit_request){.folder = data, .second = folder_path(folder, "again")};
  assert_int_equal(run_request(audit_export, q), AUDIT_FAILED);
  assert_non_null(strstr(err, "entry 9 "));
  assert_int_equal(access(folder_path(folder, "again"), F_OK), -1);
  struct stat st;
  assert_int_equal(stat(whole, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_export_is_read_like_the_books),
      cmocka_unit_test(tiles_are_those_of_the_log),
      cmocka_unit_test(every_byte_of_the_small_files_counts),
      cmocka_unit_test(every_bit_of_a_bundle_counts),
      cmocka_unit_test(altered_entry_is_named),
      cmocka_unit_test(moved_entries_are_named),
      cmocka_unit_test(files_are_just_those),
      cmocka_unit_test(public_export_has_hashes_only),
      cmocka_unit_test(part_holds_what_the_organisation_had),
      cmocka_unit_test(altered_part_is_named),
      cmocka_unit_test(registry_entry_is_missed),
      cmocka_unit_test(export_is_whole_or_not_there),
  };
  return cmocka_run_group_tests(tests, make_log, remove_log);
}
