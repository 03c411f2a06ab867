/* A file of books in which any one bit is another: the audit says that it fails, or that nothing is known, or it says
 * byte for byte what it says of the sound one. And folders that hold something else. No crash in any case: all of it is
 * in this process. */
#include <fcntl.h>
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
#include <lmdb.h>

#include "agents/audit/audit.h"
#include "tests/unit/support.h"

enum {
  PAGE = 4096,
  META_SIZE = 152,
  META_ROOT = 128,
  META_TRANSACTION = 144,
  PAGE_HEAD_SIZE = 16,
  SPREAD = 120,
  UNUSED_SAMPLE = 64,
  HEAD_STEP = 11
};

typedef enum audit_code (*command)(const struct audit_request *q);

/* What a command said. */
struct said {
  enum audit_code code;
  char *out, *err;
};

static char folder[FOLDER_PATH_SIZE];
static struct said verified, replayed, shown; /* of the sound one */

static struct said run(command c, const char *of)
{
  struct said s = {0};
  size_t size;
  struct audit_request q = {.folder = of, .to = UINT64_MAX, .json = true};
  q.out = open_memstream(&s.out, &size);
  q.err = open_memstream(&s.err, &size);
  s.code = c(&q);
  (void)fclose(q.out);
  (void)fclose(q.err);
  return s;
}

static void forget(struct said *s)
{
  free(s->out);
  free(s->err);
}

static void write_story(struct world *w, int more)
{
  struct member *police = world_enrol(w, "police"), *aple = world_enrol(w, "aple"), *a21 = world_enrol(w, "a21");
  struct member *const both[] = {aple, a21};
  for (int i = 0; i < 2; i++) {
    struct ref_id id = world_submit(w, police, both, 2);
    world_act(w, aple, &id, ONWARD__CORE__ACT_RECEIVE);
    world_act(w, aple, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
    world_act(w, aple, &id, ONWARD__CORE__ACT_DECLINE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_RECEIVE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_ACCEPT);
  }
  for (int i = 0; i <= more; i++)
    world_submit(w, aple, &a21, 1);
}

/* The books as they grew, with pages that are free in them: an older state, which no changed root may lead back to. */
static void make_log_with(int more)
{
  static struct world w;
  folder_make(folder);
  world_init(&w, folder);
  write_story(&w, more);
  world_fini(&w);
  must(unlink(folder_path(folder, "books/lock.mdb")) == 0);
  verified = run(audit_verify, folder);
  replayed = run(audit_replay, folder);
  shown = run(audit_show, folder);
  assert_int_equal(verified.code, AUDIT_FINE);
  assert_int_equal(replayed.code, AUDIT_FINE);
}

static int make_log(void **state)
{
  (void)state;
  make_log_with(0);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  forget(&verified);
  forget(&replayed);
  forget(&shown);
  folder_remove(folder);
  return 0;
}

/* Whom an entry was for stands in tables beside the log, which `replay` is for. */
static bool same_log(char *a, char *b)
{
  for (; *a != 0 && *a == *b; a++, b++)
    if (strncmp(a, "\"for\":[", 7) == 0 && strncmp(b, "\"for\":[", 7) == 0) {
      a = strchr(a, ']');
      b = strchr(b, ']');
    }
  return *a == *b;
}

/* Every bit of the two pages that LMDB begins with, of the heads of the others one in eleven, each time others; a long
 * run, for which ONWARD_ROUNDS is set, leaves none out. Most bits of pages are either seen at once or used by nobody.
 * Of the latter all commands are run for every so many only: `show` alone for the others. */
static bool show_is_enough(const struct said *s, bool sampled)
{
  static int unused;
  if (s->code == AUDIT_UNREADABLE)
    return strstr(s->err, "data.mdb: ") != NULL; /* all open the books in one way */
  return sampled && getenv("ONWARD_ROUNDS") == NULL && strcmp(s->out, shown.out) == 0 && unused++ % UNUSED_SAMPLE != 0;
}

static void check_damaged(uint64_t byte, int bit, bool sampled)
{
  struct said s = run(audit_show, folder);
  if (show_is_enough(&s, sampled)) {
    forget(&s);
    return;
  }
  struct said v = run(audit_verify, folder), r = run(audit_replay, folder);
  bool told = v.code == AUDIT_FAILED || v.code == AUDIT_UNREADABLE;
  bool fine = v.code == AUDIT_FINE && strcmp(v.out, verified.out) == 0 && same_log(s.out, shown.out);
  bool replay_told = r.code == AUDIT_FAILED || r.code == AUDIT_UNREADABLE;
  bool replay_fine = r.code == AUDIT_FINE && strcmp(r.out, replayed.out) == 0 && strcmp(s.out, shown.out) == 0;
  if (!(told || fine) || !(replay_told || replay_fine) || (told && v.err[0] == 0))
    fail_msg("byte %d of page %d, bit %d: verify %d \"%s\", replay %d \"%s\"", (int)(byte % PAGE), (int)(byte / PAGE),
             bit, (int)v.code, v.err, (int)r.code, r.err);
  forget(&v);
  forget(&r);
  forget(&s);
}

static void flip_and_check(int fd, uint64_t byte, int bit, bool sampled)
{
  uint8_t sound, flipped;
  assert_int_equal(pread(fd, &sound, 1, (off_t)byte), 1);
  flipped = sound ^ (uint8_t)(1 << bit);
  assert_int_equal(pwrite(fd, &flipped, 1, (off_t)byte), 1);
  check_damaged(byte, bit, sampled);
  assert_int_equal(pwrite(fd, &sound, 1, (off_t)byte), 1);
}

static void any_bit_may_flip(void **state)
{
  (void)state;
  struct stat st;
  int fd = open(folder_path(folder, "books/data.mdb"), O_RDWR | O_CLOEXEC);
  assert_int_equal(fstat(fd, &st), 0);
  uint64_t bits = (uint64_t)st.st_size * 8;
  for (uint64_t page = 0; page < (uint64_t)st.st_size / PAGE; page++) {
    uint64_t step = page < 2 || getenv("ONWARD_ROUNDS") != NULL ? 1 : HEAD_STEP;
    for (uint64_t bit = page % step; bit < 8 * (page < 2 ? META_SIZE : PAGE_HEAD_SIZE); bit += step)
      flip_and_check(fd, page * PAGE + bit / 8, (int)(bit % 8), true);
  }
  for (uint64_t i = 0; i < SPREAD; i++) {
    uint64_t bit = (i * 2654435761u + 12345) * 40503 % bits;
    flip_and_check(fd, bit / 8, (int)(bit % 8), false);
  }
  (void)close(fd);
}

/* The state before the newest stands in the file, whole and with a checkpoint of its own; states before it perhaps,
 * too. Neither a number of a transaction that was changed leads to it (which bit would do that hangs on how many there
 * were), nor a root. */
static void no_older_state_is_taken_for_the_newest(void **state)
{
  for (int more = 0; more < 4; more++) {
    make_log_with(more);
    int fd = open(folder_path(folder, "books/data.mdb"), O_RDWR | O_CLOEXEC);
    for (uint64_t page = 0; page < 2; page++)
      for (uint64_t bit = 0; bit < 16; bit++)
        flip_and_check(fd, page * PAGE + META_TRANSACTION + bit / 8, (int)(bit % 8), false);
    (void)close(fd);
    remove_log(state);
  }
}

static void no_page_is_taken_for_the_root(void **state)
{
  struct stat st;
  uint64_t numbers[2], sound;
  make_log(state);
  int fd = open(folder_path(folder, "books/data.mdb"), O_RDWR | O_CLOEXEC);
  assert_int_equal(fstat(fd, &st), 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(pread(fd, &numbers[i], 8, i * PAGE + META_TRANSACTION), 8);
  off_t at = (numbers[1] > numbers[0] ? PAGE : 0) + META_ROOT;
  assert_int_equal(pread(fd, &sound, 8, at), 8);
  for (uint64_t page = 0; page < (uint64_t)st.st_size / PAGE; page++) {
    assert_int_equal(pwrite(fd, &page, 8, at), 8);
    check_damaged((uint64_t)at, 0, false);
  }
  assert_int_equal(pwrite(fd, &sound, 8, at), 8);
  check_damaged((uint64_t)at, 0, false);
  (void)close(fd);
  remove_log(state);
}

/* --- folders that hold something else --- */

static void put(const char *name, const void *content, size_t size)
{
  char why[200];
  assert_int_equal(file_write(folder_path(folder, name), bytes_of(content, size), why), OK);
}

static void nothing_at_all(void)
{
  assert_int_equal(rmdir(folder), 0);
}

static void empty_folder(void)
{
}

static void text_file(void)
{
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(file_write(folder, bytes_text("to whom it may concern"), (char[200]){0}), OK);
}

static void pipe_in_place_of_it(void)
{
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(mkfifo(folder, 0600), 0);
}

static void books_folder(void)
{
  assert_int_equal(mkdir(folder_path(folder, "books"), 0700), 0);
}

static void pipe_in_place_of_data(void)
{
  books_folder();
  assert_int_equal(mkfifo(folder_path(folder, "books/data.mdb"), 0600), 0);
}

static void folder_in_place_of_data(void)
{
  books_folder();
  assert_int_equal(mkdir(folder_path(folder, "books/data.mdb"), 0700), 0);
}

static void text_in_place_of_data(void)
{
  static char text[9000];
  books_folder();
  memset(text, 'x', sizeof text);
  put("books/data.mdb", text, sizeof text);
}

static void nothing_in_data(void)
{
  books_folder();
  put("books/data.mdb", "", 0);
}

/* One row in a table without a name, as any program might have. */
static void another_programs_data(void)
{
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi table;
  static char row[] = "a row";
  MDB_val key = {1, row}, value = {sizeof row, row};
  books_folder();
  assert_int_equal(mdb_env_create(&env), 0);
  assert_int_equal(mdb_env_open(env, folder_path(folder, "books"), MDB_NOLOCK, 0600), 0);
  assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
  assert_int_equal(mdb_dbi_open(txn, NULL, 0, &table), 0);
  assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
  assert_int_equal(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

static void books_of_format(uint32_t format)
{
  struct store *s;
  char why[200];
  const struct store_options options = {.folder = folder_path(folder, "books"),
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = format,
                                        .create = true};
  assert_int_equal(store_open(&options, why, &s), OK);
  store_close(s);
}

static void books_of_another_format(void)
{
  books_of_format(BOOKS_FORMAT + 1);
}

static void books_cut_short(void)
{
  struct stat st;
  books_of_format(BOOKS_FORMAT);
  assert_int_equal(stat(folder_path(folder, "books/data.mdb"), &st), 0);
  assert_int_equal(truncate(folder_path(folder, "books/data.mdb"), st.st_size - 1), 0);
}

static void books_cut_in_a_page(void)
{
  books_of_format(BOOKS_FORMAT);
  assert_int_equal(truncate(folder_path(folder, "books/data.mdb"), PAGE + 100), 0);
}

static void books_folder_itself(void)
{
  books_of_format(BOOKS_FORMAT);
  assert_int_equal(rename(folder_path(folder, "books/data.mdb"), folder_path(folder, "data.mdb")), 0);
}

static void an_organisations_folder(void)
{
  books_of_format(BOOKS_FORMAT);
  put("network", "an invitation", 13);
}

static void folder_without_permission(void)
{
  books_of_format(BOOKS_FORMAT);
  assert_int_equal(chmod(folder, 0), 0);
}

static void data_without_permission(void)
{
  books_of_format(BOOKS_FORMAT);
  assert_int_equal(chmod(folder_path(folder, "books/data.mdb"), 0), 0);
}

static const struct {
  void (*make)(void);
  const char *said;
  bool may_be_root; /* false: whoever may read everything is not stopped */
} foreign[] = {
    {nothing_at_all, "found nothing of this name", true},
    {empty_folder, "there are no books in this folder", true},
    {text_file, "expected the data folder of an exchange, found a file", true},
    {pipe_in_place_of_it, "found what is neither folder nor file", true},
    {books_folder, "there are no books in this folder", true},
    {pipe_in_place_of_data, "data.mdb: expected a file with the books, found a pipe", true},
    {folder_in_place_of_data, "data.mdb: expected a file with the books, found a folder", true},
    {text_in_place_of_data, "data.mdb: expected an LMDB file with Onward's books, found a file of another kind", true},
    {nothing_in_data, "found a file of another kind", true},
    {another_programs_data, "found an LMDB file that names no format: it is another program's", true},
    {books_of_another_format, "use the version of Onward that wrote them", true},
    {books_cut_short, "the file was cut short", true},
    {books_cut_in_a_page, "the file is damaged in its first page", true},
    {books_folder_itself, "give the folder that they are in", true},
    {an_organisations_folder, "found an organisation's", true},
    {folder_without_permission, "found a folder that you may not read", false},
    {data_without_permission, "Permission denied", false},
};

static void foreign_folders_are_told(void **state)
{
  (void)state;
  static const command commands[] = {audit_verify, audit_replay, audit_show};
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    if (!foreign[i].may_be_root && geteuid() == 0)
      continue;
    folder_make(folder);
    foreign[i].make();
    for (size_t c = 0; c < 3; c++) {
      struct said s = run(commands[c], folder);
      if (s.code != AUDIT_UNREADABLE || strstr(s.err, foreign[i].said) == NULL || s.out[0] != 0)
        fail_msg("%d: code %d, \"%s\" instead of \"%s\"", (int)i, (int)s.code, s.err, foreign[i].said);
      forget(&s);
    }
    (void)chmod(folder, 0700);
    if (unlink(folder) != 0 && access(folder, F_OK) == 0)
      folder_remove(folder);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(any_bit_may_flip, make_log, remove_log),
      cmocka_unit_test(no_older_state_is_taken_for_the_newest),
      cmocka_unit_test(no_page_is_taken_for_the_root),
      cmocka_unit_test(foreign_folders_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
