/* backup, restore, confirm-restore. A backup is a folder of its own: the books without the sealed bodies, so that no
 * backup outlives an erasure, and the configuration; never the keys, which do not change and are kept once, elsewhere.
 * It has its name only when it was read back from the disk and fits what was signed.
 *
 * A restored log may lack what came behind the backup. It goes on only with a registrar's signed word, in a new epoch.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/admin.h"
#include "broker/inside.h"
#include "broker/witness.h"
#include "proto/papers.h"

enum { PATH_SIZE = 300, PRINTED_SIZE = 32 };

static const char *command;

static int fail(int code, const char *what, const char *why)
{
  fprintf(stderr, "onward-broker: %s: %s%s%s\n", command, what, why[0] != 0 ? ": " : "", why);
  return code;
}

/* "<folder>/<name>"; false: too long, told. */
static bool path_of(const char *folder, const char *name, char path[PATH_SIZE])
{
  int size = snprintf(path, PATH_SIZE, "%s%s%s", folder, name[0] == '.' ? "" : "/", name);
  bool fits = size > 0 && size < PATH_SIZE - 32;
  if (!fits)
    (void)fail(EXIT_CONFIG, folder, "the folder's name is too long");
  return fits;
}

static int copy_file(const char *from_folder, const char *to_folder, const char *name)
{
  char from[PATH_SIZE], to[PATH_SIZE], content[4096], why[200];
  size_t size = 0;
  if (!path_of(from_folder, name, from) || !path_of(to_folder, name, to))
    return EXIT_CONFIG;
  enum status s = file_read(from, content, sizeof content, &size, why);
  if (s == OK)
    s = file_write(to, bytes_of(content, size), why);
  wipe(content, sizeof content); /* some of them are keys */
  return s == OK ? 0 : fail(EXIT_CONFIG, name, why);
}

/* The cosignatures beside the books, where there are any. */
static int copy_witnesses(const char *from_folder, const char *to_folder)
{
  char from[PATH_SIZE], to[PATH_SIZE];
  int code = 0;
  if (!path_of(from_folder, WITNESS_FOLDER, from) || !path_of(to_folder, WITNESS_FOLDER, to))
    return EXIT_CONFIG;
  DIR *folder = opendir(from);
  if (folder == NULL)
    return errno == ENOENT ? 0 : fail(EXIT_CONFIG, from, strerror(errno));
  if (mkdir(to, 0700) != 0)
    code = fail(EXIT_CONFIG, to, strerror(errno));
  for (struct dirent *d; code == 0 && (d = readdir(folder)) != NULL;)
    if (d->d_name[0] != '.')
      code = copy_file(from, to, d->d_name);
  closedir(folder);
  return code;
}

static void remove_witnesses(const char *folder)
{
  char path[PATH_SIZE], file[PATH_SIZE];
  DIR *list = path_of(folder, WITNESS_FOLDER, path) ? opendir(path) : NULL;
  if (list == NULL)
    return;
  for (struct dirent *d; (d = readdir(list)) != NULL;)
    if (d->d_name[0] != '.' && path_of(path, d->d_name, file))
      (void)unlink(file);
  closedir(list);
  (void)rmdir(path);
}

/* Of a copy that was not finished, and that we made. */
static void remove_copy(const char *folder)
{
  static const char *const files[] = {"broker.conf", BACKUP_MARK, RESTORE_REQUEST, "link.key", "log.key"};
  char path[PATH_SIZE];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    if (path_of(folder, files[i], path))
      (void)unlink(path);
  if (path_of(folder, "books", path))
    store_remove(path);
  remove_witnesses(folder);
  (void)rmdir(folder);
}

/* It gets its name when it is whole. */
static int give_name(const char *partial, const char *folder)
{
  char why[200];
  return file_rename(partial, folder, why) == OK ? 0 : fail(EXIT_CONFIG, "not finished", why);
}

static void print_utc(uint64_t ms, char out[PRINTED_SIZE])
{
  struct tm tm;
  time_t seconds = (time_t)(ms / 1000);
  gmtime_r(&seconds, &tm);
  strftime(out, PRINTED_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm);
}

/* Opens a folder's books for reading, reads every entry from the disk, and closes them, but for what was signed. */
static int check_copy(const char *folder, const struct broker_keys *keys, struct log_end *end,
                      char origin[NOTE_NAME_MAX + 1])
{
  struct journal j;
  char why[200] = "";
  enum status s = journal_open(&j, folder, keys, 0, true, why);
  if (s != OK)
    return fail(EXIT_UNREADABLE, folder, why);
  *end = j.end;
  memcpy(origin, j.end.checkpoint.origin, sizeof j.end.checkpoint.origin);
  s = journal_check_all(&j, why);
  journal_close(&j);
  return s == OK ? 0 : fail(EXIT_UNREADABLE, folder, why);
}

/* --- backup --- */

static int write_mark(const char *folder, const char *name, const struct log_end *end, const char *origin)
{
  char path[PATH_SIZE], text[400 + NOTE_SIZE_MAX], time[PRINTED_SIZE], why[200];
  print_utc(clock_ms(), time);
  int size = snprintf(text, sizeof text,
                      "made %s\nentries %" PRIu64 "\na backup of %s, without sealed bodies and without keys\n\n%.*s",
                      time, end->head.size, origin, (int)end->note_size, end->note);
  if (!path_of(folder, name, path) || size < 0)
    return EXIT_CONFIG;
  return file_write(path, bytes_of(text, (size_t)size), why) == OK ? 0 : fail(EXIT_CONFIG, path, why);
}

static int fill_backup(const char *folder, const char *partial, struct log_end *end, char origin[NOTE_NAME_MAX + 1])
{
  struct journal j;
  char why[200] = "", books[PATH_SIZE];
  if (!path_of(partial, "books", books) ||
      copy_witnesses(folder, partial) != 0) /* of no more than the books will have */
    return EXIT_CONFIG;
  enum status s = journal_open(&j, folder, NULL, 0, true, why);
  if (s != OK)
    return fail(EXIT_UNREADABLE, folder, why);
  s = store_copy(j.store, books, TABLE_BODIES, why);
  journal_close(&j);
  if (s != OK)
    return fail(EXIT_CONFIG, partial, why);
  int code = copy_file(folder, partial, "broker.conf");
  if (code == 0)
    code = check_copy(partial, NULL, end, origin);
  return code == 0 ? write_mark(partial, BACKUP_MARK, end, origin) : code;
}

int admin_backup(const char *folder, const char *to)
{
  struct log_end end;
  char partial[PATH_SIZE], origin[NOTE_NAME_MAX + 1];
  command = "backup";
  if (!path_of(to, ".partial", partial))
    return EXIT_CONFIG;
  if (access(to, F_OK) == 0)
    return fail(EXIT_CONFIG, to, "exists already; nothing was touched. Give every backup a folder of its own");
  remove_copy(partial); /* of a time when it was killed */
  if (mkdir(partial, 0700) != 0)
    return fail(EXIT_CONFIG, partial, strerror(errno));
  int code = fill_backup(folder, partial, &end, origin);
  if (code == 0)
    code = give_name(partial, to);
  if (code != 0) {
    remove_copy(partial);
    return code;
  }
  if (write_mark(folder, LAST_BACKUP, &end, origin) != 0)
    fprintf(stderr, "onward-broker: backup: it is made, but status will not know of it\n");
  printf("backup of %s: %" PRIu64 " entries, read back and checked: %s\n"
         "without sealed bodies, and without keys: keep log.key and link.key of %s once, in a safe\n",
         origin, end.head.size, to, folder);
  return 0;
}

/* --- restore --- */

static uint8_t memory[2 * PAPER_ARENA_SIZE];

static int write_request(const char *folder, const struct log_end *end, uint64_t epoch)
{
  char path[PATH_SIZE], text[PAPER_TEXT_MAX], why[200];
  struct arena a = arena_of(memory, sizeof memory);
  Onward__Restored restored = ONWARD__RESTORED__INIT;
  Onward__Restore r = ONWARD__RESTORE__INIT;
  uint8_t nonce[NONCE_SIZE];
  if (random_bytes(nonce, sizeof nonce) != OK)
    return fail(EXIT_CONFIG, "no randomness", "");
  r.network = pb_data(hash_bytes(&end->head.network));
  r.epoch = (uint32_t)epoch;
  r.continues_at = r.lost_size = end->head.size;
  r.root = r.lost_root = pb_data(hash_bytes(&end->checkpoint.root));
  r.nonce = pb_data(BYTES(nonce));
  restored.restore = pb_data(pb_pack(&r, &a));
  if (!path_of(folder, RESTORE_REQUEST, path) || paper_restore_write(&restored, &a, text, sizeof text) != OK)
    return fail(EXIT_CONFIG, folder, "the request to the registrars cannot be made");
  return file_write(path, bytes_text(text), why) == OK ? 0 : fail(EXIT_CONFIG, path, why);
}

static int fill_folder(const char *backup, const char *partial, const char *keys_folder, struct log_end *end)
{
  struct journal j;
  struct broker_keys keys;
  char why[200] = "", books[PATH_SIZE], origin[NOTE_NAME_MAX + 1];
  int code = copy_file(keys_folder, partial, "link.key");
  if (code == 0)
    code = copy_file(keys_folder, partial, "log.key");
  if (code == 0)
    code = copy_file(backup, partial, "broker.conf");
  if (code == 0)
    code = copy_witnesses(backup, partial);
  if (code != 0 || !path_of(partial, "books", books))
    return code != 0 ? code : EXIT_CONFIG;
  if (broker_keys_open(partial, why, &keys) != OK)
    return fail(EXIT_CONFIG, keys_folder, why);
  enum status s = journal_open(&j, backup, &keys, 0, true, why);
  if (s == OK) {
    s = store_copy(j.store, books, TABLE_BODIES, why);
    journal_close(&j);
  }
  code = s != OK ? fail(EXIT_UNREADABLE, backup, why) : check_copy(partial, &keys, end, origin);
  broker_keys_close(&keys);
  return code == 0 ? write_request(partial, end, end->head.epoch + 1) : code;
}

int admin_restore(const char *backup, const char *folder, const char *keys_folder)
{
  struct log_end end;
  char partial[PATH_SIZE], time[PRINTED_SIZE];
  command = "restore";
  if (!path_of(folder, ".partial", partial))
    return EXIT_CONFIG;
  if (access(folder, F_OK) == 0)
    return fail(EXIT_CONFIG, folder, "exists already; nothing was touched. Restore into a new folder");
  remove_copy(partial);
  if (mkdir(partial, 0700) != 0)
    return fail(EXIT_CONFIG, partial, strerror(errno));
  int code = fill_folder(backup, partial, keys_folder, &end);
  if (code == 0)
    code = give_name(partial, folder);
  if (code != 0) {
    remove_copy(partial);
    return code;
  }
  print_utc(end.head.time_ms, time);
  printf("restored: %" PRIu64 " entries, the newest of %s, every one checked\n"
         "What came behind them is not here. So it goes on in epoch %" PRIu64
         ", and only when a registrar has signed:\n"
         "  send the registrar   %s/" RESTORE_REQUEST "\n"
         "  who runs             onward registrar restore FILE\n"
         "  with what comes back onward-broker confirm-restore %s FILE\n",
         end.head.size, time, end.head.epoch + 1, folder, folder);
  return 0;
}

/* What the mark says of the newest backup: the entries that it has, and when it was made. */
void backup_tell(const char *folder, uint64_t size)
{
  char path[PATH_SIZE], text[1024] = "", made[PRINTED_SIZE] = "", why[200];
  uint64_t entries = 0;
  size_t length = 0;
  snprintf(path, sizeof path, "%s/" LAST_BACKUP, folder);
  if (file_read(path, text, sizeof text - 1, &length, why) != OK ||
      /* NOLINTNEXTLINE(cert-err34-c): of our own making */
      sscanf(text, "made %31[^\n]\nentries %" SCNu64, made, &entries) != 2) {
    printf("%-22s none: onward-broker backup %s TO\n", "newest backup", folder);
    return;
  }
  printf("%-22s %s, %" PRIu64 " entries behind\n", "newest backup", made, size > entries ? size - entries : 0);
}

bool restore_waits(const char *folder)
{
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/" RESTORE_REQUEST, folder);
  return access(path, F_OK) == 0;
}

/* The one that this folder's own request asked for, and not that of another restore of the same backup. */
static enum status was_asked(const struct broker *b, const Onward__Restore *r, struct arena *a, struct complaint *why)
{
  char path[PATH_SIZE], text[PAPER_TEXT_MAX], unread[200];
  size_t size = 0;
  Onward__Restored *asked;
  if (!path_of(b->folder, RESTORE_REQUEST, path) || file_read(path, text, sizeof text, &size, unread) != OK ||
      paper_restore_read(bytes_of(text, size), a, why, &asked) != OK)
    return complain(why, "restore: this folder's own request cannot be read");
  const Onward__Restore *own = pb_unpack(&onward__restore__descriptor, pb_bytes(asked->restore), a);
  bool same = own != NULL && bytes_equal(pb_bytes(own->nonce), pb_bytes(r->nonce));
  return same ? OK : complain(why, "restore: was signed for another request than the one in this folder");
}

/* The statement is for these very books, by a registrar that they know. */
static enum status judge(struct broker *b, const Onward__Restored *restored, struct arena *a, struct complaint *why)
{
  const Onward__Restore *r;
  const struct log_end *end = &b->journal.end;
  enum status s = restored_verify(b->journal.view, end->head.size, restored, a, why, &r);
  if (s == OK)
    s = was_asked(b, r, a, why);
  if (s == OK && !bytes_equal(pb_bytes(r->root), hash_bytes(&end->checkpoint.root)))
    s = complain(why, "restore: is for another log than this one");
  return s;
}

/* It is what the log's newest entry says already. */
static bool is_newest(struct broker *b, const Onward__Restored *restored, struct arena *a)
{
  struct leaf leaf;
  struct event e;
  uint64_t newest = b->journal.end.head.size - 1;
  return books_event(b->journal.view, newest, a, &leaf, &e) == OK && e.act == ONWARD__CORE__ACT_RESTORED &&
         bytes_equal(pb_bytes(e.core->restored->restore), pb_bytes(restored->restore));
}

static int go_on(struct broker *b, const char *file)
{
  char text[PAPER_TEXT_MAX], why[200], request[PATH_SIZE];
  size_t size = 0;
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint complaint;
  Onward__Restored *restored;
  if (file_read(file, text, sizeof text, &size, why) != OK)
    return fail(EXIT_CONFIG, "the registrar's file", why);
  if (paper_restore_read(bytes_of(text, size), &a, &complaint, &restored) != OK)
    return fail(EXIT_CONFIG, file, complaint.text);
  bool written = is_newest(b, restored, &a); /* and this was killed before it took the request away */
  if (!written && judge(b, restored, &a, &complaint) != OK)
    return fail(EXIT_CONFIG, file, complaint.text);
  struct turn_work work = {.about = {.act = ONWARD__CORE__ACT_RESTORED, .restored = restored}};
  if (!written)
    write_turn(b, &work);
  if (work.status != OK)
    return fail(EXIT_COMMIT, "not written", work.why);
  if (!written)
    publish(b, &work);
  if (!path_of(b->folder, RESTORE_REQUEST, request) || unlink(request) != 0)
    return fail(EXIT_CONFIG, request, strerror(errno));
  printf("the log goes on in epoch %" PRIu64 ": onward-broker serve %s\n", b->journal.end.head.epoch, b->folder);
  return 0;
}

int admin_confirm_restore(const char *folder, const char *file)
{
  static struct broker b; /* large: the key ring */
  command = "confirm-restore";
  if (access(folder, F_OK) != 0)
    return fail(EXIT_CONFIG, folder, strerror(errno));
  if (!restore_waits(folder))
    return fail(EXIT_CONFIG, folder, "was not restored, or a registrar has signed that already");
  int lock = lock_folder(folder);
  if (lock < 0)
    return EXIT_CONFIG;
  b.confirms = true;
  int code = broker_open(&b, folder);
  if (code == 0)
    code = go_on(&b, file);
  broker_finish(&b);
  close(lock);
  return code;
}
