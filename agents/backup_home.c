/* Backing up reads beside a process that goes on: the rows are one snapshot, but keys could be adopted, and the books
 * be written anew without an erased case, while they are read. So what could change that way is looked at before and
 * after, and when it is not the same the backup is given up.
 *
 * Restoring fills a folder beside the one that is asked for; it is given its name last.
 */
#include "agents/backup_home.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/backup_note.h"
#include "agents/keys.h"
#include "agents/papers.h"
#include "agents/recovery.h"
#include "agents/tables.h"
#include "proto/papers.h"
#include "proto/seal/hash.h"
#include "proto/store/store.h"

enum {
  PATH_SIZE = 300,
  FILE_SIZE_MAX = 32768,
  KEY_MAX = 512,                  /* bytes of a row's key, and of the least one behind it */
  COMMIT_SIZE = 16 * 1024 * 1024, /* bytes of rows in one transaction */
};

static enum status trouble(char why[200], enum status s, const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum status trouble(char why[200], enum status s, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(why, 200, format, list);
  va_end(list);
  return s;
}

static bool path_of(const char *folder, const char *name, char path[PATH_SIZE])
{
  int size = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
  return size > 0 && size < PATH_SIZE;
}

/* --- the files --- */

/* Keys, also those that the log does not know yet; never what file_write has not finished. */
static bool is_ours(const char *name)
{
  static const char *const whole[] = {"network", "agent.conf", RECOVERY_FILE, BACKUP_NOTE_FILE};
  static const char *const begin[] = {"link.key", "sign.pem", "seal."};
  size_t size = strlen(name);
  if (size > 100 || strchr(name, '/') != NULL || (size > 4 && strcmp(name + size - 4, ".new") == 0))
    return false;
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
    if (strcmp(name, whole[i]) == 0)
      return true;
  for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
    if (strncmp(name, begin[i], strlen(begin[i])) == 0)
      return true;
  return false;
}

static int is_ours_entry(const struct dirent *entry)
{
  return is_ours(entry->d_name);
}

/* Gives each file to `b` as a record; NULL: only to the hash of them all. */
static enum status each_file(const char *home, struct backup *b, struct backup_count *count, struct hash *all,
                             char why[200])
{
  static char content[FILE_SIZE_MAX];
  struct dirent **list = NULL;
  enum status s = OK;
  int found = scandir(home, &list, is_ours_entry, alphasort);
  if (found < 0)
    return trouble(why, BAD_INPUT, "%.150s: %s", home, strerror(errno));
  for (int i = 0; i < found; i++) {
    char path[PATH_SIZE];
    size_t size = 0;
    struct bytes name = bytes_text(list[i]->d_name);
    if (s == OK && !path_of(home, list[i]->d_name, path))
      s = trouble(why, BAD_INPUT, "the data folder's name is too long");
    if (s == OK)
      s = file_read(path, content, sizeof content, &size, why);
    const struct bytes parts[] = {hash_bytes(all), name, bytes_of("", 1), bytes_of(content, size)};
    if (s == OK)
      *all = sha256_of(parts, 4);
    if (s == OK && b != NULL) {
      backup_put(b, &(struct backup_record){BACKUP_FILE, name, bytes_of(content, size)});
      count->files++;
    }
    free(list[i]);
  }
  free(list);
  wipe(content, sizeof content);
  return s == NOT_FOUND ? trouble(why, NOT_NOW, "the keys are being changed") : s;
}

/* What is not in the snapshot: the files, and which books these are. `b`, `count`: may be NULL. */
static enum status look(const char *home, struct backup *b, struct backup_count *count, struct hash *out, char why[200])
{
  char path[PATH_SIZE];
  struct stat folder;
  *out = (struct hash){{0}};
  if (!path_of(home, "books/lock.mdb", path) || access(path, F_OK) != 0)
    return trouble(why, BAD_INPUT, "%.120s: there is nothing to back up yet: Onward has not run here", home);
  if (!path_of(home, "books", path) || stat(path, &folder) != 0)
    return trouble(why, BAD_INPUT, "%.120s: %s", path, strerror(errno));
  enum status s = each_file(home, b, count, out, why);
  const struct bytes parts[] = {hash_bytes(out), bytes_of(&folder.st_ino, sizeof folder.st_ino),
                                bytes_of(&folder.st_ctim, sizeof folder.st_ctim)};
  *out = sha256_of(parts, 3);
  return s;
}

/* --- the books, out --- */

static enum status open_snapshot(const char *home, struct store **store, struct books **b, struct org_id *organisation,
                                 char why[200])
{
  char path[PATH_SIZE];
  struct bytes own;
  if (!path_of(home, "books", path))
    return trouble(why, BAD_INPUT, "the data folder's name is too long");
  const struct store_options o = {.folder = path,
                                  .table_names = tables_names(),
                                  .table_count = TABLES_AGENT,
                                  .format = AGENT_FORMAT,
                                  .read_only = true};
  enum status s = store_open(&o, why, store);
  if (s != OK)
    return s == NOT_FOUND ? BAD_INPUT : s;
  *b = store_begin(*store, false);
  if ((*b)->get(*b, TABLE_MARKS, bytes_text("organisation"), &own) == OK && org_id_parse(own, organisation) == OK)
    return OK;
  store_close(*store);
  return trouble(why, BAD_INPUT, "%.120s: there is nothing to back up yet: Onward has not run here", home);
}

static void put_table(struct backup *out, struct books *b, int table, struct backup_count *count)
{
  uint8_t memory[KEY_MAX];
  struct bytes from = {NULL, 0};
  struct backup_record r = {.kind = BACKUP_ROW};
  must(b != NULL);
  while (out->trouble == OK && b->seek(b, table, from, &r.key, &r.value) == OK) {
    must(r.key.size < sizeof memory);
    backup_put(out, &r);
    count->rows++;
    memcpy(memory, r.key.data, r.key.size);
    memory[r.key.size] = 0; /* the least key behind this one */
    from = bytes_of(memory, r.key.size + 1);
  }
}

static enum status put_books(struct backup *out, struct books *b, struct backup_count *count, char why[200])
{
  uint8_t format[4];
  struct writer w = writer_of(format, sizeof format);
  write_u32(&w, AGENT_FORMAT);
  backup_put(out, &(struct backup_record){.kind = BACKUP_FORMAT, .value = BYTES(format)});
  for (int i = 0; i < TABLES_AGENT; i++) {
    backup_put(out, &(struct backup_record){.kind = BACKUP_TABLE, .key = bytes_text(tables_names()[i])});
    put_table(out, b, i, count);
  }
  if (b->trouble == OK)
    return OK;
  return trouble(why, OUR_FAULT, "the books contradict themselves, or cannot be read: have them checked");
}

static enum status fill(struct backup *out, struct books *b, const char *home, struct backup_count *count,
                        const struct hash *before, char why[200])
{
  struct hash now;
  enum status s = look(home, out, count, &now, why);
  if (s == OK)
    s = put_books(out, b, count, why);
  if (s == OK)
    s = look(home, NULL, NULL, &now, why);
  if (s == OK && !hash_equal(&now, before))
    s = trouble(why, NOT_NOW, "keys were changed, or a case was erased, meanwhile: say it again");
  return s == OK ? backup_finish(out, why) : s;
}

enum status backup_home(struct backup *b, const char *home, const char *path, uint64_t now_ms, struct backup_head *head,
                        struct backup_count *count, char why[200])
{
  uint8_t point[ES256_PUBLIC_SIZE];
  struct store *store = NULL;
  struct books *books = NULL;
  struct hash before = {{0}};
  *head = (struct backup_head){.made_ms = now_ms};
  *count = (struct backup_count){0};
  enum status s = recovery_point(home, point, why);
  if (s == OK)
    s = look(home, NULL, NULL, &before, why);
  if (s == OK)
    s = open_snapshot(home, &store, &books, &head->organisation, why);
  if (s != OK)
    return s;
  s = backup_create(b, path, head, point, why);
  if (s == OK)
    s = fill(b, books, home, count, &before, why);
  store_close(store);
  count->bytes = b->size;
  backup_close(b);
  return s;
}

/* --- back --- */

struct taker {
  const char *folder;  /* NULL: it is only checked */
  struct store *store; /* NULL: no books yet */
  struct books *books; /* of the open transaction */
  bool format;         /* it was there, and is ours */
  int table;           /* -1: none yet */
  uint64_t size;       /* bytes of rows in the transaction */
  bool has_keys, has_network;
};

static enum status take_file(struct taker *t, const struct backup_record *r, char why[200])
{
  char name[128], path[PATH_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)(r->key.size < 127 ? r->key.size : 127), (const char *)r->key.data);
  if (strlen(name) != r->key.size || !is_ours(name) || t->format)
    return trouble(why, BAD_INPUT, "the backup holds a file that is none of a data folder's");
  t->has_keys |= strcmp(name, "seal.pub") == 0;
  t->has_network |= strcmp(name, "network") == 0;
  if (t->folder == NULL)
    return OK;
  if (!path_of(t->folder, name, path))
    return trouble(why, BAD_INPUT, "the data folder's name is too long");
  return file_write(path, r->value, why);
}

static enum status take_format(struct taker *t, const struct backup_record *r, char why[200])
{
  char path[PATH_SIZE];
  struct reader reader = reader_of(r->value);
  uint32_t format = read_u32(&reader);
  if (!reader_done(&reader) || t->format)
    return trouble(why, BAD_INPUT, "the backup is damaged: the format of its books is missing");
  if (format != AGENT_FORMAT)
    return trouble(
        why, BAD_INPUT,
        "the backup has books of format %u, and this program reads %u: use the version of Onward that made it", format,
        AGENT_FORMAT);
  t->format = true;
  if (t->folder == NULL)
    return OK;
  if (!path_of(t->folder, "books", path))
    return trouble(why, BAD_INPUT, "the data folder's name is too long");
  const struct store_options o = {.folder = path,
                                  .table_names = tables_names(),
                                  .table_count = TABLES_AGENT,
                                  .format = AGENT_FORMAT,
                                  .create = true};
  enum status s = store_open(&o, why, &t->store);
  if (s == OK)
    t->books = store_begin(t->store, true);
  return s == NOT_FOUND ? OUR_FAULT : s;
}

static enum status take_table(struct taker *t, const struct backup_record *r, char why[200])
{
  for (int i = 0; t->format && i < TABLES_AGENT; i++)
    if (bytes_equal(r->key, bytes_text(tables_names()[i]))) {
      t->table = i;
      return OK;
    }
  return trouble(why, BAD_INPUT, "the backup has a table that this version of Onward does not know: use a newer one");
}

static enum status take_row(struct taker *t, const struct backup_record *r, char why[200])
{
  if (t->table < 0 || r->key.size == 0 || r->key.size >= KEY_MAX)
    return trouble(why, BAD_INPUT, "the backup holds a row that belongs nowhere");
  if (t->store == NULL)
    return OK;
  t->books->put(t->books, t->table, r->key, r->value);
  t->size += r->key.size + r->value.size;
  if (t->size < COMMIT_SIZE)
    return OK;
  t->size = 0;
  enum status s = store_commit(t->store, why);
  if (s == OK)
    t->books = store_begin(t->store, true);
  return s;
}

static enum status take(struct taker *t, const struct backup_record *r, char why[200])
{
  switch (r->kind) {
  case BACKUP_FILE:
    return take_file(t, r, why);
  case BACKUP_FORMAT:
    return take_format(t, r, why);
  case BACKUP_TABLE:
    return take_table(t, r, why);
  case BACKUP_ROW:
    return take_row(t, r, why);
  default:
    return trouble(why, BAD_INPUT, "the backup holds something that this version of Onward does not know");
  }
}

static enum status take_all(struct backup *b, struct taker *t, struct backup_count *count, char why[200])
{
  struct backup_record r;
  enum status s;
  *count = (struct backup_count){.bytes = b->size};
  while ((s = backup_get(b, &r, why)) == OK && (s = take(t, &r, why)) == OK) {
    count->files += r.kind == BACKUP_FILE;
    count->rows += r.kind == BACKUP_ROW;
  }
  if (s == NOT_FOUND)
    s = t->has_keys && t->has_network && t->format
            ? OK
            : trouble(why, BAD_INPUT, "the backup lacks keys, invitation or books");
  if (t->store == NULL)
    return s;
  enum status end = s == OK ? store_commit(t->store, why) : OK;
  store_close(t->store);
  return s == OK ? end : s;
}

enum status backup_check(struct backup *b, struct backup_count *count, char why[200])
{
  struct taker t = {.table = -1};
  return take_all(b, &t, count, why);
}

static void remove_folder(const char *folder)
{
  char path[PATH_SIZE];
  struct dirent **list = NULL;
  int found = scandir(folder, &list, is_ours_entry, alphasort);
  for (int i = 0; i < found; i++) {
    if (path_of(folder, list[i]->d_name, path))
      (void)unlink(path);
    free(list[i]);
  }
  free(list);
  if (path_of(folder, "books", path))
    store_remove(path);
  (void)rmdir(folder);
}

bool backup_home_free(const char *home)
{
  DIR *folder = opendir(home);
  bool empty = folder == NULL ? errno == ENOENT : true;
  for (const struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
    empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
  if (folder != NULL)
    closedir(folder);
  return empty;
}

/* As Onward itself will open it. */
static enum status check_folder(const struct backup *b, const char *folder, char why[200])
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  static char text[PAPER_TEXT_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  struct key_folder keys;
  struct network n;
  struct complaint wrong;
  uint8_t point[ES256_PUBLIC_SIZE], id[KEY_ID_SIZE];
  char path[PATH_SIZE];
  size_t size = 0;
  enum status s = keys_open(folder, why, &keys);
  if (s == OK)
    keys_close(&keys);
  if (s == OK)
    s = recovery_point(folder, point, why);
  if (s == OK)
    key_id_of(BYTES(point), id);
  if (s == OK && memcmp(id, b->head.key_id, sizeof id) != 0)
    s = trouble(why, BAD_INPUT, "the backup's recovery key is not the one that it is sealed to");
  if (s == OK && path_of(folder, "network", path))
    s = file_read(path, text, sizeof text, &size, why);
  if (s == OK && paper_invitation_read(bytes_of(text, size), NULL, &a, &wrong, &n) != OK)
    s = trouble(why, BAD_INPUT, "the backup's invitation does not hold: %.120s", wrong.text);
  return s;
}

static enum status fill_folder(struct backup *b, const char *folder, struct backup_count *count, char why[200])
{
  struct taker t = {.folder = folder, .table = -1};
  struct backup_note note;
  enum status s = take_all(b, &t, count, why);
  if (s == OK)
    s = check_folder(b, folder, why);
  if (s != OK)
    return s == OUR_FAULT || s == NOT_NOW ? s : BAD_INPUT;
  backup_note_read(folder, &note);
  backup_note_add(&note, b->head.made_ms);
  return backup_note_write(folder, &note, why);
}

enum status backup_restore(struct backup *b, const char *home, struct backup_count *count, char why[200])
{
  char partial[PATH_SIZE];
  int size = (int)strlen(home);
  while (size > 1 && home[size - 1] == '/')
    size--;
  if (snprintf(partial, sizeof partial, "%.*s.restored", size, home) >= (int)sizeof partial)
    return trouble(why, BAD_INPUT, "the data folder's name is too long");
  if (!backup_home_free(home))
    return trouble(why, BAD_INPUT, "%.120s: is in use, and was not touched: restore into a new folder", home);
  remove_folder(partial); /* of a time when it was killed */
  if (mkdir(partial, 0700) != 0)
    return trouble(why, BAD_INPUT, "%.120s: cannot be made: %s", partial, strerror(errno));
  enum status s = fill_folder(b, partial, count, why);
  if (s == OK)
    s = file_rename(partial, home, why);
  if (s != OK)
    remove_folder(partial);
  return s;
}
