/* The file of a backup: what was put in comes out, and whatever somebody does to the file is found. Then a data folder,
 * there and back. */
#include "agents/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agents/backup_home.h"
#include "agents/backup_note.h"
#include "agents/recovery.h"
#include "proto/seal/hash.h"
#include "tests/unit/office.h"

#define MADE_MS 1795428672123 /* 2026-11-23T10:11:12.123Z */
enum { RECORDS = 40, VALUE_SIZE = 5000 };

static char folder[FOLDER_PATH_SIZE], why[200];
static struct recovery words;
static struct es256_secret *key;
static uint8_t point[ES256_PUBLIC_SIZE];
static struct backup file; /* large */
static struct backup_head head;
static struct backup_count count;

/* In the place of libc's: a disk that keeps another byte than it was given. */
static bool spoils;

int fsync(int fd)
{
  enum { SOMEWHERE = 300 };
  if (spoils && pwrite(fd, "?!", 2, SOMEWHERE) != 2)
    return -1;
  return (int)syscall(SYS_fsync, fd);
}

static int keys(void **state)
{
  folder_make(folder);
  if (recovery_make(&words) != OK || recovery_key(&words, &key) != OK)
    return -1;
  es256_secret_public(key, point);
  return office_keys(state);
}

static int end(void **state)
{
  es256_secret_close(key);
  folder_remove(folder);
  return office_end(state);
}

/* --- the file --- */

static struct bytes value_of(uint8_t number)
{
  static uint8_t value[VALUE_SIZE];
  memset(value, number, sizeof value);
  return bytes_of(value, number == 0 ? 0 : sizeof value - number);
}

static void write_records(const char *path, uint64_t made_ms, size_t records)
{
  head = (struct backup_head){.made_ms = made_ms};
  assert_int_equal(org_id_parse(bytes_text("aple"), &head.organisation), OK);
  assert_int_equal(backup_create(&file, path, &head, point, why), OK);
  for (size_t n = 0; n < records; n++) {
    const uint8_t i = (uint8_t)n;
    backup_put(&file, &(struct backup_record){i, BYTES(((const uint8_t[]){i, 7})), value_of(i)});
  }
  assert_int_equal(backup_finish(&file, why), OK);
  backup_close(&file);
}

/* How many of the records could be read before it said what. */
static size_t read_records(const char *path, enum status *said)
{
  struct backup_record r;
  size_t read = 0;
  *said = backup_open(&file, path, why);
  if (*said == OK)
    *said = backup_unlock(&file, key, why);
  for (; *said == OK && (*said = backup_get(&file, &r, why)) == OK; read++) {
    assert_int_equal(r.kind, read);
    assert_true(bytes_equal(r.key, BYTES(((const uint8_t[]){(uint8_t)read, 7}))));
    assert_true(bytes_equal(r.value, value_of((uint8_t)read)));
  }
  backup_close(&file);
  return read;
}

static size_t read_whole(const char *path, uint8_t **content)
{
  struct stat info;
  size_t size;
  assert_int_equal(stat(path, &info), 0);
  *content = malloc((size_t)info.st_size + BACKUP_CHUNK_SIZE);
  assert_non_null(*content);
  assert_int_equal(file_read(path, *content, (size_t)info.st_size, &size, why), OK);
  return size;
}

static void what_was_put_in_comes_out(void **state)
{
  const char *path = folder_path(folder, "comes-out");
  struct stat info;
  enum status said;
  uint8_t *content;
  (void)state;
  write_records(path, MADE_MS, RECORDS);
  assert_int_equal(read_records(path, &said), RECORDS);
  assert_int_equal(said, NOT_FOUND);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  size_t size = read_whole(path, &content);
  assert_true(size > 2 * BACKUP_CHUNK_SIZE && size < 4 * BACKUP_CHUNK_SIZE);
  static const char clear[] = "ONWARD BACKUP 1\norganisation aple\nmade 2026-11-23 10:11:12.123Z\nkey ";
  assert_memory_equal(content, clear, sizeof clear - 1);
  assert_int_equal(backup_create(&file, path, &head, point, why), BAD_INPUT); /* not over another one */
  backup_close(&file);
  assert_int_equal(file_count(path, bytes_of(content, size)), 1);
  free(content);
}

/* A record's end on a chunk's end, an empty backup, and one of a single full chunk. */
static void the_sizes_at_the_edges(void **state)
{
  static uint8_t value[2 * BACKUP_PLAIN_SIZE];
  (void)state;
  for (size_t filled = BACKUP_PLAIN_SIZE - 2; filled <= BACKUP_PLAIN_SIZE + 2; filled++)
    for (size_t chunks = 0; chunks < 2; chunks++) {
      char path[FOLDER_PATH_SIZE];
      struct backup_record r;
      size_t size = chunks * BACKUP_PLAIN_SIZE + filled - 9;
      snprintf(path, sizeof path, "%s", folder_path(folder, "edge"));
      head = (struct backup_head){.made_ms = MADE_MS};
      assert_int_equal(org_id_parse(bytes_text("a"), &head.organisation), OK);
      assert_int_equal(backup_create(&file, path, &head, point, why), OK);
      if (filled != BACKUP_PLAIN_SIZE - 2)
        backup_put(&file, &(struct backup_record){1, {NULL, 0}, bytes_of(value, size)});
      assert_int_equal(backup_finish(&file, why), OK);
      backup_close(&file);
      assert_int_equal(backup_open(&file, path, why), OK);
      assert_int_equal(backup_unlock(&file, key, why), OK);
      if (filled != BACKUP_PLAIN_SIZE - 2) {
        assert_int_equal(backup_get(&file, &r, why), OK);
        assert_int_equal(r.value.size, size);
      }
      assert_int_equal(backup_get(&file, &r, why), NOT_FOUND);
      backup_close(&file);
      assert_int_equal(unlink(path), 0);
    }
}

static void assert_damaged(const char *path, const uint8_t *content, size_t size)
{
  enum status said;
  FILE *to = fopen(path, "wb"); /* not synced: it is done many times */
  assert_non_null(to);
  assert_int_equal(fwrite(content, 1, size, to), size);
  assert_int_equal(fclose(to), 0);
  (void)read_records(path, &said);
  assert_int_equal(said, BAD_INPUT);
}

/* [FILE-23]: each chunk, its number and whether it is the last are bound to the header. */
static void whatever_is_done_to_it_is_found(void **state)
{
  char path[FOLDER_PATH_SIZE];
  uint8_t *content, *other, *first, *second;
  static uint8_t kept[BACKUP_CHUNK_SIZE];
  (void)state;
  snprintf(path, sizeof path, "%s", folder_path(folder, "damaged"));
  write_records(path, MADE_MS, RECORDS);
  size_t size = read_whole(path, &content);
  size_t header = size;
  for (size_t i = 0; i + 1 < size && header == size; i++)
    if (content[i] == '\n' && content[i + 1] == '\n')
      header = i + 2;
  for (size_t i = 0; i < size; i += i < header + 100 || i + 100 > size ? 1 : 1009) { /* a flipped bit */
    content[i] ^= (uint8_t)(1 << (i % 8));
    assert_damaged(path, content, size);
    content[i] ^= (uint8_t)(1 << (i % 8));
  }
  for (size_t i = 0; i < size; i += i < header + 100 ? 1 : 4099) /* cut off */
    assert_damaged(path, content, i);
  assert_damaged(path, content, header + BACKUP_CHUNK_SIZE);
  assert_damaged(path, content, header + 2 * BACKUP_CHUNK_SIZE);
  assert_damaged(path, content, size - 1);
  memset(content + size, 0, BACKUP_CHUNK_SIZE); /* something added */
  assert_damaged(path, content, size + 1);
  assert_damaged(path, content, size + BACKUP_CHUNK_SIZE);
  first = content + header;
  second = first + BACKUP_CHUNK_SIZE;
  memcpy(kept, first, sizeof kept); /* two in each other's place */
  memcpy(first, second, sizeof kept);
  memcpy(second, kept, sizeof kept);
  assert_damaged(path, content, size);
  memcpy(second, first, sizeof kept); /* one twice */
  memcpy(first, kept, sizeof kept);
  memcpy(second, kept, sizeof kept);
  assert_damaged(path, content, size);
  free(content);
  assert_int_equal(unlink(path), 0);
  write_records(path, MADE_MS, RECORDS); /* parts of two backups */
  (void)read_whole(path, &content);
  assert_int_equal(unlink(path), 0);
  write_records(path, MADE_MS + 1, RECORDS);
  size = read_whole(path, &other);
  memcpy(other + header, content + header, BACKUP_CHUNK_SIZE);
  assert_damaged(path, other, size);
  free(content);
  free(other);
}

/* Where each record fills a chunk, only the word that a chunk is the last tells that one is missing. */
static void a_cut_between_two_records_is_found(void **state)
{
  static uint8_t value[BACKUP_PLAIN_SIZE - 9];
  char path[FOLDER_PATH_SIZE];
  struct backup_record r;
  (void)state;
  snprintf(path, sizeof path, "%s", folder_path(folder, "cut"));
  head = (struct backup_head){.made_ms = MADE_MS};
  assert_int_equal(org_id_parse(bytes_text("aple"), &head.organisation), OK);
  assert_int_equal(backup_create(&file, path, &head, point, why), OK);
  for (int i = 0; i < 3; i++)
    backup_put(&file, &(struct backup_record){1, {NULL, 0}, BYTES(value)});
  assert_int_equal(backup_finish(&file, why), OK);
  off_t size = (off_t)(file.header_size + 3 * BACKUP_CHUNK_SIZE);
  backup_close(&file);
  for (int whole = 3; whole > 0; whole--, size -= BACKUP_CHUNK_SIZE) {
    assert_int_equal(truncate(path, size), 0);
    assert_int_equal(backup_open(&file, path, why), OK);
    assert_int_equal(backup_unlock(&file, key, why), OK);
    enum status s = OK;
    for (int i = 0; s == OK && i < 4; i++)
      s = backup_get(&file, &r, why);
    assert_int_equal(s, whole == 3 ? NOT_FOUND : BAD_INPUT);
    backup_close(&file);
  }
}

static void assert_refused(const char *path, const char *text, const char *expected)
{
  enum status said;
  assert_int_equal(file_write(path, bytes_text(text), why), OK);
  assert_int_equal(read_records(path, &said), 0);
  assert_int_equal(said, BAD_INPUT);
  assert_non_null(strstr(why, expected));
}

static void others_files_are_refused_plainly(void **state)
{
  char path[FOLDER_PATH_SIZE];
  struct es256_secret *another;
  enum status said;
  (void)state;
  snprintf(path, sizeof path, "%s", folder_path(folder, "others"));
  assert_refused(path, "", "is no backup of Onward");
  assert_refused(path, "%PDF-1.4\n", "is no backup of Onward");
  assert_refused(path, "ONWARD BACKUP", "is no backup of Onward");
  assert_refused(path, "ONWARD BACKUP 2\nanything", "a backup of format 2, and this version of Onward reads 1");
  assert_refused(path, "ONWARD BACKUP 10\n", "format 10");
  assert_refused(path, "ONWARD BACKUP one\n", "its first lines");
  assert_refused(path, "ONWARD BACKUP 1\norganisation aple\n", "its first lines");
  assert_refused(path, "ONWARD BACKUP 1\norganisation aple\nmade 2026-1-1 00:00:00.123Z\nkey 0123456789abcdef\n\n",
                 "its first lines"); /* nearly */
  (void)read_records(folder, &said);
  assert_int_equal(said, BAD_INPUT);
  (void)read_records(folder_path(folder, "nowhere"), &said);
  assert_int_equal(said, NOT_FOUND);
  assert_int_equal(unlink(path), 0);
  write_records(path, MADE_MS, 1);
  assert_int_equal(es256_generate(&another), OK);
  assert_int_equal(backup_open(&file, path, why), OK);
  assert_int_equal(backup_unlock(&file, another, why), BAD_INPUT);
  assert_non_null(strstr(why, "are another's"));
  backup_close(&file);
  es256_secret_close(another);
}

static void what_was_begun_and_not_finished_is_not_there(void **state)
{
  char path[FOLDER_PATH_SIZE], partial[FOLDER_PATH_SIZE + 10];
  (void)state;
  snprintf(path, sizeof path, "%s", folder_path(folder, "begun"));
  snprintf(partial, sizeof partial, "%s.partial", path);
  head = (struct backup_head){.made_ms = MADE_MS};
  assert_int_equal(file_write(partial, bytes_text("of a time when it was killed"), why), OK);
  assert_int_equal(backup_create(&file, path, &head, point, why), OK);
  backup_put(&file, &(struct backup_record){1, {NULL, 0}, value_of(1)});
  assert_int_equal(access(partial, F_OK), 0);
  backup_close(&file);
  assert_int_not_equal(access(partial, F_OK), 0);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void a_disk_that_does_not_keep_it_is_found(void **state)
{
  char path[FOLDER_PATH_SIZE];
  (void)state;
  snprintf(path, sizeof path, "%s", folder_path(folder, "spoiled"));
  head = (struct backup_head){.made_ms = MADE_MS};
  assert_int_equal(org_id_parse(bytes_text("aple"), &head.organisation), OK);
  assert_int_equal(backup_create(&file, path, &head, point, why), OK);
  backup_put(&file, &(struct backup_record){1, {NULL, 0}, value_of(1)});
  spoils = true;
  assert_int_equal(backup_finish(&file, why), OUR_FAULT);
  spoils = false;
  assert_non_null(strstr(why, "is not what was written"));
  backup_close(&file);
  assert_int_not_equal(access(path, F_OK), 0);
}

/* --- a data folder --- */

static struct hash rows_of(const char *home)
{
  struct hash all = {{0}};
  struct store *s;
  char path[FOLDER_PATH_SIZE + 10];
  snprintf(path, sizeof path, "%s/books", home);
  const struct store_options o = {.folder = path,
                                  .table_names = tables_names(),
                                  .table_count = TABLES_AGENT,
                                  .format = AGENT_FORMAT,
                                  .read_only = true};
  assert_int_equal(store_open(&o, why, &s), OK);
  struct books *b = store_begin(s, false);
  for (int t = 0; t < TABLES_AGENT; t++) {
    uint8_t next[512];
    struct bytes from = {NULL, 0}, at, value;
    for (; b->seek(b, t, from, &at, &value) == OK; from = bytes_of(next, at.size + 1)) {
      const struct bytes parts[] = {hash_bytes(&all), BYTES(((const uint8_t[]){(uint8_t)t})), at, value};
      all = sha256_of(parts, 4);
      memcpy(next, at.data, at.size);
      next[at.size] = 0;
    }
  }
  store_close(s);
  return all;
}

/* An office with a case in it, stopped: what is in its folder. */
static void stopped_office(char home[FOLDER_PATH_SIZE])
{
  uint64_t from = world.size;
  (void)world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(from);
  assert_int_equal(office_deliver(&mail), OK);
  snprintf(home, FOLDER_PATH_SIZE, "%s", agent.home);
  agent_close(&agent);
  assert_int_equal(recovery_save(home, &words, why), OK);
}

static enum status open_and(const char *path, const char *home)
{
  assert_int_equal(backup_open(&file, path, why), OK);
  assert_int_equal(backup_unlock(&file, key, why), OK);
  enum status s = home == NULL ? backup_check(&file, &count, why) : backup_restore(&file, home, &count, why);
  backup_close(&file);
  return s;
}

static void a_data_folder_there_and_back(void **state)
{
  char home[FOLDER_PATH_SIZE], path[FOLDER_PATH_SIZE], restored[FOLDER_PATH_SIZE], partial[FOLDER_PATH_SIZE + 10];
  struct backup_note note;
  struct key_folder opened;
  (void)state;
  stopped_office(home);
  snprintf(path, sizeof path, "%s", folder_path(folder, "office.backup"));
  snprintf(restored, sizeof restored, "%s", folder_path(folder, "restored"));
  snprintf(partial, sizeof partial, "%s.restored", restored);
  assert_int_equal(backup_home(&file, home, path, MADE_MS, &head, &count, why), OK);
  assert_true(count.rows > 10 && count.files >= 6 && count.bytes > 0);
  assert_int_equal(file_count(path, bytes_text("aple")), 1); /* the organisation's id: all that is in the clear */
  assert_int_equal(open_and(path, NULL), OK);
  assert_int_equal(open_and(path, restored), OK);
  assert_int_not_equal(access(partial, F_OK), 0);
  struct hash before = rows_of(home), after = rows_of(restored);
  assert_true(hash_equal(&before, &after));
  backup_note_read(restored, &note);
  assert_int_equal(note.newest_ms, MADE_MS);
  assert_int_equal(note.oldest_ms, MADE_MS);
  assert_int_equal(keys_open(restored, why, &opened), OK);
  assert_int_equal(keys_unlock(&opened, bytes_text("not a secret")), OK);
  keys_close(&opened);
  assert_int_equal(open_and(path, restored), BAD_INPUT); /* not over another one */
  assert_non_null(strstr(why, "is in use"));
  assert_int_equal(agent_open(&agent, restored, NULL), OK);
  agent_close(&agent);
  assert_int_equal(agent_open(&agent, home, NULL), OK);
}

/* A backup that is whole and yet no data folder's leaves nothing behind. */
static void what_is_no_data_folder_is_not_restored(void **state)
{
  static const struct {
    struct backup_record record;
    const char *expected;
  } strange[] = {
      {{BACKUP_FILE, {(const uint8_t *)"../evil", 7}, {NULL, 0}}, "is none of a data folder's"},
      {{BACKUP_FILE, {(const uint8_t *)"seal.\0pem", 9}, {NULL, 0}}, "is none of a data folder's"},
      {{BACKUP_FILE, {(const uint8_t *)"books", 5}, {NULL, 0}}, "is none of a data folder's"},
      {{BACKUP_FORMAT, {NULL, 0}, {(const uint8_t *)"\0\0\0\1", 4}}, "books of format 1, and this program reads"},
      {{BACKUP_FORMAT, {NULL, 0}, {(const uint8_t *)"\0", 1}}, "the format of its books is missing"},
      {{BACKUP_TABLE, {(const uint8_t *)"marks", 5}, {NULL, 0}}, "a table that this version"},
      {{BACKUP_ROW, {(const uint8_t *)"k", 1}, {NULL, 0}}, "belongs nowhere"},
      {{9, {NULL, 0}, {NULL, 0}}, "something that this version"},
      {{BACKUP_FILE, {(const uint8_t *)"seal.pub", 8}, {NULL, 0}}, "lacks keys, invitation or books"},
  };
  char path[FOLDER_PATH_SIZE], restored[FOLDER_PATH_SIZE];
  (void)state;
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    snprintf(path, sizeof path, "%s", folder_path(folder, "strange"));
    snprintf(restored, sizeof restored, "%s", folder_path(folder, "nothing"));
    head = (struct backup_head){.made_ms = MADE_MS};
    assert_int_equal(org_id_parse(bytes_text("aple"), &head.organisation), OK);
    assert_int_equal(backup_create(&file, path, &head, point, why), OK);
    backup_put(&file, &strange[i].record);
    assert_int_equal(backup_finish(&file, why), OK);
    backup_close(&file);
    assert_int_equal(open_and(path, NULL), BAD_INPUT);
    assert_non_null(strstr(why, strange[i].expected));
    assert_int_equal(open_and(path, restored), BAD_INPUT);
    assert_non_null(strstr(why, strange[i].expected));
    assert_int_not_equal(access(folder_path(folder, "evil"), F_OK), 0);
    assert_int_not_equal(access(restored, F_OK), 0);
    strcat(restored, ".restored");
    assert_int_not_equal(access(restored, F_OK), 0);
    assert_int_equal(unlink(path), 0);
  }
}

static void what_is_missing_is_said(void **state)
{
  char home[FOLDER_PATH_SIZE], path[FOLDER_PATH_SIZE], file_name[FOLDER_PATH_SIZE + 20];
  (void)state;
  stopped_office(home);
  snprintf(path, sizeof path, "%s", folder_path(folder, "missing.backup"));
  snprintf(file_name, sizeof file_name, "%s/" RECOVERY_FILE, home);
  assert_int_equal(unlink(file_name), 0);
  assert_int_equal(backup_home(&file, home, path, MADE_MS, &head, &count, why), NOT_FOUND);
  assert_int_equal(recovery_save(home, &words, why), OK);
  assert_int_equal(backup_home(&file, home, home, MADE_MS, &head, &count, why), BAD_INPUT);
  assert_int_equal(backup_home(&file, home, folder_path(folder, "no/such/folder"), MADE_MS, &head, &count, why),
                   BAD_INPUT);
  assert_int_equal(backup_home(&file, folder, path, MADE_MS, &head, &count, why), NOT_FOUND);
  assert_int_not_equal(access(path, F_OK), 0);
  assert_int_equal(agent_open(&agent, home, NULL), OK);
}

/* The backup itself is what changes meanwhile: once among the keys, once in the folder of the books. */
static void what_changes_meanwhile_is_no_backup(void **state)
{
  static const char *const names[] = {"seal.another", "books/another"};
  char home[FOLDER_PATH_SIZE], path[2 * FOLDER_PATH_SIZE];
  (void)state;
  stopped_office(home);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", home, names[i]);
    assert_int_equal(backup_home(&file, home, path, MADE_MS, &head, &count, why), NOT_NOW);
    assert_non_null(strstr(why, "meanwhile"));
    assert_int_not_equal(access(path, F_OK), 0);
    strcat(path, ".partial");
    assert_int_not_equal(access(path, F_OK), 0);
  }
  assert_int_equal(agent_open(&agent, home, NULL), OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_put_in_comes_out),
      cmocka_unit_test(the_sizes_at_the_edges),
      cmocka_unit_test(whatever_is_done_to_it_is_found),
      cmocka_unit_test(a_cut_between_two_records_is_found),
      cmocka_unit_test(others_files_are_refused_plainly),
      cmocka_unit_test(what_was_begun_and_not_finished_is_not_there),
      cmocka_unit_test(a_disk_that_does_not_keep_it_is_found),
      cmocka_unit_test(what_is_no_data_folder_is_not_restored),
      cmocka_unit_test_setup_teardown(a_data_folder_there_and_back, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_is_missing_is_said, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_changes_meanwhile_is_no_backup, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, keys, end);
}
