/* The books over LMDB. A writing transaction sees a private copy of the pages it touches; its commit writes them,
 * syncs, writes the page that makes them current, and syncs that: until then the old state stands, whatever happens.
 *
 * How it fails. The map or the disk is full: LMDB gives up the whole transaction, so nothing was changed, and the
 * caller hears NOT_NOW. Anything else in a commit is OUR_FAULT: what the disk holds is then unknown, and only a new
 * process that reads it afresh can know. So that it seldom comes to that, and that deleting stays possible, a reserve
 * is kept: in its first part sealed bodies are refused, but not the entries that let bodies go; in its last part all
 * but deleting is refused.
 */
#include "proto/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/store/inside.h"

#define MAP_SIZE (1ULL << 40)
#define MAP_SIZE_LEAST (1ULL << 32) /* where address space is short, such as under a ulimit or a memory checker */

enum status store_status_of(int error)
{
  switch (error) {
  case 0:
    return OK;
  case MDB_NOTFOUND:
  case ENOENT:
    return NOT_FOUND;
  case MDB_MAP_FULL:
  case MDB_TXN_FULL:
  case ENOSPC:
  case EDQUOT:
    return NOT_NOW;
  default:
    return OUR_FAULT;
  }
}

/* --- rows --- */

static struct store *store_of(struct books *b)
{
  return (struct store *)b;
}

static void trouble_set(struct store *s, int error)
{
  enum status status = store_status_of(error);
  s->books.trouble = status == NOT_NOW ? NOT_NOW : OUR_FAULT;
  s->error = error;
}

static MDB_val val_of(struct bytes b)
{
  return (MDB_val){b.size, (void *)b.data}; /* LMDB only reads it */
}

static struct bytes bytes_of_val(MDB_val v)
{
  return bytes_of(v.mv_data, v.mv_size);
}

static void check_key(const struct store *s, int table, struct bytes key)
{
  must(s->open && table >= 0 && table < s->table_count);
  must(key.size >= 1 && key.size <= KEY_SIZE_MAX);
}

static enum status rows_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct store *s = store_of(b);
  check_key(s, table, key);
  if (b->trouble != OK)
    return NOT_FOUND;
  MDB_val k = val_of(key), v;
  int error = mdb_get(s->txn, s->tables[table], &k, &v);
  if (error == 0) {
    *value = bytes_of_val(v);
    return OK;
  }
  if (error != MDB_NOTFOUND)
    trouble_set(s, error);
  return NOT_FOUND;
}

int store_row_put(struct store *s, int table, struct bytes key, struct bytes value, unsigned flags)
{
  if (s->books.trouble != OK)
    return 0;
  MDB_val k = val_of(key), v = val_of(value);
  int error = mdb_put(s->txn, s->tables[table], &k, &v, flags);
  s->rows_put++;
  if (error != 0 && error != MDB_KEYEXIST)
    trouble_set(s, error);
  return error;
}

/* The log, its tree and its bodies grow at their end: appended, their pages are filled whole instead of by half. An
 * agent, which keeps parts of the log, may also fill gaps. */
static bool grows_at_its_end(int table)
{
  return table == TABLE_ENTRIES || table == TABLE_TREE || table == TABLE_HELD || table == TABLE_BODIES;
}

static void rows_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  struct store *s = store_of(b);
  check_key(s, table, key);
  must(s->writing);
  if (b->trouble != OK)
    return;
  if (s->room == ROOM_FOR_DELETING || (s->room == ROOM_FOR_ENTRIES && table == TABLE_BODIES)) {
    b->trouble = NOT_NOW;
    return;
  }
  if (!grows_at_its_end(table) || store_row_put(s, table, key, value, MDB_APPEND) == MDB_KEYEXIST)
    store_row_put(s, table, key, value, 0);
}

static void rows_del(struct books *b, int table, struct bytes key)
{
  struct store *s = store_of(b);
  check_key(s, table, key);
  must(s->writing);
  if (b->trouble != OK)
    return;
  MDB_val k = val_of(key);
  int error = mdb_del(s->txn, s->tables[table], &k, NULL);
  if (error != 0 && error != MDB_NOTFOUND)
    trouble_set(s, error);
}

static enum status rows_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct store *s = store_of(b);
  must(s->open && table >= 0 && table < s->table_count && from.size <= KEY_SIZE_MAX);
  if (b->trouble != OK)
    return NOT_FOUND;
  MDB_cursor *cursor = NULL;
  MDB_val k = val_of(from), v;
  int error = mdb_cursor_open(s->txn, s->tables[table], &cursor);
  if (error == 0)
    error = mdb_cursor_get(cursor, &k, &v, from.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
  if (cursor != NULL)
    mdb_cursor_close(cursor);
  if (error == 0) {
    *key = bytes_of_val(k);
    *value = bytes_of_val(v);
    return OK;
  }
  if (error != MDB_NOTFOUND)
    trouble_set(s, error);
  return NOT_FOUND;
}

uint64_t store_count(struct store *s, int table)
{
  MDB_stat stat = {0};
  must(s->open && table >= 0 && table < s->table_count);
  if (s->books.trouble == OK) {
    int error = mdb_stat(s->txn, s->tables[table], &stat);
    if (error != 0)
      trouble_set(s, error);
  }
  return stat.ms_entries;
}

/* --- transactions --- */

static void anchor_lift(struct store *s)
{
  if (s->anchor != NULL)
    mdb_txn_abort(s->anchor);
  s->anchor = NULL;
}

/* After a commit. What LMDB wrote it does not say: of the exchange's tables a small turn takes some 24 pages, and a
 * large one a page for every 8 rows or so. */
static void anchor_move(struct store *s)
{
  s->anchored += 24 + s->rows_put / 8;
  if (s->reuse_after == 0 || (s->anchor != NULL && s->anchored < s->reuse_after))
    return;
  anchor_lift(s);
  s->anchored = 0;
  if (s->room == ROOM_TO_GROW && mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->anchor) != 0)
    s->anchor = NULL;
}

struct books *store_begin(struct store *s, bool write)
{
  must(!s->open);
  must(!(write && s->borrowed));
  s->open = true;
  s->writing = write;
  s->books.trouble = OK;
  s->error = 0;
  s->rows_put = 0;
  s->room = write ? store_room(s) : ROOM_FOR_ALL;
  if (write && s->room != ROOM_TO_GROW)
    anchor_lift(s); /* every free page is needed */
  int error = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, &s->txn);
  if (error != 0)
    trouble_set(s, error);
  return &s->books;
}

void store_abort(struct store *s)
{
  must(s->open);
  if (s->txn != NULL)
    mdb_txn_abort(s->txn);
  s->txn = NULL;
  s->open = false;
}

/* LMDB refuses every later transaction once it may have left the page that names the current state half written. */
static bool still_sound(struct store *s)
{
  MDB_txn *txn = NULL;
  int error = mdb_txn_begin(s->env, NULL, 0, &txn);
  if (error == 0)
    mdb_txn_abort(txn);
  return error == 0;
}

enum status store_commit(struct store *s, char why[200])
{
  must(s->open && s->writing);
  enum status status = s->books.trouble;
  int error = s->error;
  if (status != OK) {
    store_abort(s);
  } else {
    /* Nothing is said before this line has returned: acknowledged means on disk. */
    error = mdb_txn_commit(s->txn);
    s->txn = NULL;
    s->open = false;
    status = store_status_of(error);
    if (status == NOT_NOW && !still_sound(s))
      status = OUR_FAULT;
  }
  if (status == OK)
    anchor_move(s);
  else
    anchor_lift(s);
  if (status != OK && error != 0)
    file_why_error(why, s->folder, "cannot write the books", error);
  else if (status == NOT_NOW)
    file_why(why, "%s: nearly full, nothing was written: make room on the disk, or give the books a larger map",
             s->folder);
  else if (status != OK)
    file_why(why, "%s: the books contradict themselves; nothing was written: have them checked", s->folder);
  return status;
}

/* --- opening --- */

static int guard_exit_code;

/* LMDB reads its file as memory: a file that was cut short, or a disk that cannot read a page, is a signal. */
static void page_is_missing(int signal)
{
  static const char text[] =
      "the books cannot be read: data.mdb was cut short, or the disk fails. Nothing was written; "
      "look at the disk, then restore a backup\n";
  (void)signal;
  ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  (void)written;
  _exit(guard_exit_code);
}

void store_guard(int exit_code)
{
  struct sigaction on_bus = {.sa_handler = page_is_missing};
  guard_exit_code = exit_code;
  must(sigaction(SIGBUS, &on_bus, NULL) == 0);
}

static void assert_failed(MDB_env *env, const char *message)
{
  (void)env;
  must_failed(message, "lmdb", 0); /* the message is LMDB's own expression, file and line, never a value */
}

/* After a sync that failed, the page cache may hold what the disk never got. Before LMDB opens the file: a second
 * descriptor that is closed later would drop its locks. */
static void cache_drop(const char *file)
{
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

static unsigned flags_of(const struct store_options *o, bool lock_file)
{
  unsigned flags = MDB_NOTLS;
  if (o->read_only)
    flags |= MDB_RDONLY | (lock_file ? 0 : MDB_NOLOCK); /* a live folder's writer must know of its readers */
  if (o->scratch)
    flags |= MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOLOCK;
  return flags;
}

static int environment_try(struct store *s, unsigned flags, uint64_t map_size)
{
  int error = mdb_env_create(&s->env);
  if (error != 0)
    return error;
  if ((error = mdb_env_set_maxdbs(s->env, (MDB_dbi)s->table_count)) == 0 &&
      (error = mdb_env_set_mapsize(s->env, map_size)) == 0 && (error = mdb_env_set_assert(s->env, assert_failed)) == 0)
    error = mdb_env_open(s->env, s->folder, flags, 0600);
  if (error != 0) {
    mdb_env_close(s->env);
    s->env = NULL;
  }
  return error;
}

static int environment_open(struct store *s, const struct store_options *o, bool lock_file)
{
  uint64_t map_size = o->map_size == 0 ? MAP_SIZE : o->map_size;
  int error = environment_try(s, flags_of(o, lock_file), map_size);
  while ((error == ENOMEM || error == EINVAL) && map_size / 2 >= MAP_SIZE_LEAST) {
    map_size /= 2;
    error = environment_try(s, flags_of(o, lock_file), map_size);
  }
  int dead = 0;
  if (error == 0 && !o->read_only)
    error = mdb_reader_check(s->env, &dead);
  return error;
}

/* The shape of the rows is a number beside the tables, written with them. MDB_VERSION_MISMATCH: it is another's. */
static int format_check(struct store *s, MDB_txn *txn, bool read_only)
{
  MDB_dbi names;
  MDB_stat stat = {0};
  MDB_val key = val_of(bytes_text("format")), value = {sizeof s->format, &s->format};
  int error = mdb_dbi_open(txn, NULL, 0, &names);
  if (error == 0)
    error = mdb_stat(txn, names, &stat);
  if (error == 0 && stat.ms_entries == 0 && !read_only)
    return mdb_put(txn, names, &key, &value, 0);
  if (error == 0 && stat.ms_entries > 0)
    error = mdb_get(txn, names, &key, &value);
  if (error == 0 && stat.ms_entries > 0 && value.mv_size == sizeof s->format)
    memcpy(&s->format_found, value.mv_data, sizeof s->format_found);
  bool other = stat.ms_entries > 0 && s->format_found != s->format;
  return error == MDB_NOTFOUND || (error == 0 && other) ? MDB_VERSION_MISMATCH : error;
}

static int tables_open(struct store *s, bool read_only, bool foreign, char why[200])
{
  MDB_txn *txn = NULL;
  int error = mdb_txn_begin(s->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
  if (error == 0 && foreign)
    error = pages_are_sound(s->env, txn, s->folder, why);
  if (error == 0)
    error = format_check(s, txn, read_only);
  for (int i = 0; error == 0 && i < s->table_count; i++)
    error = mdb_dbi_open(txn, s->table_names[i], read_only ? 0 : MDB_CREATE, &s->tables[i]);
  if (error == 0)
    return mdb_txn_commit(txn);
  if (txn != NULL)
    mdb_txn_abort(txn);
  return error;
}

static int folder_look(const struct store_options *o, bool *lock_file, char why[200])
{
  if (o->create && mkdir(o->folder, 0700) != 0 && errno != EEXIST)
    return errno;
  char *data = file_path_join(o->folder, "data.mdb");
  char *lock = file_path_join(o->folder, "lock.mdb");
  int error = data == NULL || lock == NULL ? ENOMEM : 0;
  if (error == 0) {
    *lock_file = access(lock, F_OK) == 0;
    if (access(data, F_OK) != 0 && !o->create)
      error = errno == ENOTDIR ? ENOENT : errno;
    if (error == 0 && o->foreign)
      error = pages_begin_sound(data, why);
    if (error == 0 && !o->trusted)
      cache_drop(data);
  }
  free(data);
  free(lock);
  return error;
}

static int store_prepare(struct store *s, const struct store_options *o, char why[200])
{
  bool lock_file = false;
  s->folder = strdup(o->folder);
  if (s->folder == NULL)
    return ENOMEM;
  int error = folder_look(o, &lock_file, why);
  if (error == 0)
    error = environment_open(s, o, lock_file);
  if (error == 0)
    error = tables_open(s, o->read_only, o->foreign, why);
  if (error != 0 || o->read_only || o->scratch)
    return error;
  error = file_sync_folder(s->folder); /* every time: whoever made the files may have died before */
  return error == 0 ? file_sync_parent(s->folder) : error;
}

enum status store_open(const struct store_options *o, char why[200], struct store **out)
{
  must(o->table_count >= 1 && o->format >= 1 && (o->read_only || !o->foreign) &&
       !(o->read_only && (o->create || o->scratch)));
  struct store *s = calloc(1, sizeof *s + (size_t)o->table_count * sizeof s->tables[0]);
  if (s == NULL) {
    file_why_error(why, o->folder, "cannot open the books", ENOMEM);
    return OUR_FAULT;
  }
  s->books = (struct books){OK, rows_get, rows_put, rows_del, rows_seek};
  s->scratch = o->scratch;
  s->table_names = o->table_names;
  s->table_count = o->table_count;
  s->format = o->format;
  s->reuse_after = o->reuse_after;
  why[0] = 0;
  int error = store_prepare(s, o, why);
  if (error == 0) {
    *out = s;
    return OK;
  }
  uint32_t found = s->format_found;
  store_close(s);
  if (error == MDB_CORRUPTED && why[0] != 0)
    return OUR_FAULT;
  if (error == MDB_VERSION_MISMATCH && found == 0) {
    file_why(why, "%s: expected Onward's books, found an LMDB file that names no format: it is another program's",
             o->folder);
    return OUR_FAULT;
  }
  if (error == MDB_VERSION_MISMATCH) {
    file_why(why, "%s: books of format %u, and this program reads %u: use the version of Onward that wrote them",
             o->folder, found, o->format);
    return OUR_FAULT;
  }
  if (store_status_of(error) == NOT_FOUND) {
    file_why(why, "%s: there are no books in this folder", o->folder);
    return NOT_FOUND;
  }
  file_why_error(why, o->folder, "cannot open the books", error);
  return OUR_FAULT;
}

struct store *store_reader(const struct store *s)
{
  size_t size = sizeof *s + (size_t)s->table_count * sizeof s->tables[0];
  struct store *reader = malloc(size);
  char *folder = strdup(s->folder);
  if (reader == NULL || folder == NULL) {
    free(reader);
    free(folder);
    return NULL;
  }
  memcpy(reader, s, size);
  reader->books.trouble = OK;
  reader->txn = NULL;
  reader->open = reader->writing = false;
  reader->borrowed = true;
  reader->anchor = NULL;
  reader->folder = folder;
  return reader;
}

void store_close(struct store *s)
{
  if (s == NULL)
    return;
  if (s->open)
    store_abort(s);
  anchor_lift(s);
  if (s->env != NULL && !s->borrowed)
    mdb_env_close(s->env);
  free(s->folder);
  free(s);
}
