/* How much room is left, and the copy.
 *
 * A copy is made row by row into new books. LMDB's own compacting copy is not enough: it writes pages with all that is
 * in them, and behind a value of 2 to 4 KiB the rest of its page still holds what stood there before, deleted rows
 * included. What is copied here was read as a row.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/store/inside.h"

#define RESERVE_MAX (64ULL << 20)      /* bytes; on a small map or disk an eighth of it */
#define COPY_COMMIT_SIZE (32ULL << 20) /* bytes of rows in one transaction of a copy */

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* LMDB's own list: each row holds a count and so many page numbers. */
static uint64_t pages_free(MDB_txn *txn)
{
  MDB_cursor *cursor = NULL;
  MDB_val key, value;
  uint64_t pages = 0;
  const MDB_dbi free_list = 0;
  if (mdb_cursor_open(txn, free_list, &cursor) != 0)
    return 0;
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
    pages += *(const size_t *)value.mv_data;
  mdb_cursor_close(cursor);
  return pages;
}

void store_measure(struct store *s, struct store_size *out)
{
  MDB_envinfo info;
  MDB_stat stat;
  MDB_txn *txn = NULL;
  int dead = 0;
  *out = (struct store_size){0};
  (void)mdb_reader_check(s->env, &dead); /* a reader that died would keep its pages for ever */
  if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
    return;
  (void)mdb_env_info(s->env, &info);
  (void)mdb_env_stat(s->env, &stat);
  out->used = (info.me_last_pgno + 1) * stat.ms_psize;
  out->map = info.me_mapsize;
  out->free = pages_free(txn) * stat.ms_psize;
  mdb_txn_abort(txn);
}

enum room store_room(struct store *s)
{
  MDB_envinfo info;
  MDB_stat stat;
  struct statvfs disk;
  if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0 || statvfs(s->folder, &disk) != 0)
    return ROOM_FOR_ALL; /* the transaction itself will tell */
  uint64_t disk_size = (uint64_t)disk.f_blocks * disk.f_frsize;
  uint64_t reserve = least(RESERVE_MAX, least(info.me_mapsize, disk_size) / 8);
  uint64_t used = (info.me_last_pgno + 1) * stat.ms_psize;
  uint64_t left = least(info.me_mapsize - least(used, info.me_mapsize), (uint64_t)disk.f_bavail * disk.f_frsize);
  if (left >= reserve)
    return ROOM_TO_GROW;
  struct store_size size;
  store_measure(s, &size);
  left += size.free;
  return left >= reserve ? ROOM_FOR_ALL : left >= reserve / 4 ? ROOM_FOR_ENTRIES : ROOM_FOR_DELETING;
}

bool store_takes_bodies(struct store *s)
{
  return store_room(s) <= ROOM_FOR_ALL;
}

/* Copies the next rows of a table, as many as one transaction should hold. */
static enum status rows_copy(MDB_cursor *from, int table, struct store *to, char why[200], bool *more)
{
  MDB_val key, value;
  uint64_t size = 0;
  int error = 0;
  store_begin(to, true);
  while (size < COPY_COMMIT_SIZE && (error = mdb_cursor_get(from, &key, &value, MDB_NEXT)) == 0) {
    if (store_row_put(to, table, bytes_of(key.mv_data, key.mv_size), bytes_of(value.mv_data, value.mv_size),
                      MDB_APPEND) == MDB_KEYEXIST)
      to->books.trouble = OUR_FAULT; /* out of order: the books are damaged, and no row is left out silently */
    size += key.mv_size + value.mv_size;
  }
  *more = error == 0;
  if (error == 0 || error == MDB_NOTFOUND)
    return store_commit(to, why);
  store_abort(to);
  file_why_error(why, to->folder, "the books that are copied cannot be read", error);
  return OUR_FAULT;
}

static enum status table_copy(MDB_txn *from, MDB_dbi table, int number, struct store *to, char why[200])
{
  MDB_cursor *cursor = NULL;
  bool more = true;
  enum status status = OK;
  int error = mdb_cursor_open(from, table, &cursor);
  if (error != 0) {
    file_why_error(why, to->folder, "the books that are copied cannot be read", error);
    return OUR_FAULT;
  }
  while (status == OK && more)
    status = rows_copy(cursor, number, to, why, &more);
  mdb_cursor_close(cursor);
  return status;
}

static enum status books_copy(struct store *s, struct store *to, int without, char why[200])
{
  MDB_txn *txn = NULL;
  int error = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
  if (error != 0) {
    file_why_error(why, s->folder, "cannot begin to copy", error);
    return OUR_FAULT;
  }
  enum status status = OK;
  for (int i = 0; status == OK && i < s->table_count; i++)
    if (i != without)
      status = table_copy(txn, s->tables[i], i, to, why);
  mdb_txn_abort(txn);
  if (status == OK && (error = mdb_env_sync(to->env, 1)) == 0 && (error = file_sync_folder(to->folder)) == 0)
    error = file_sync_parent(to->folder);
  if (error == 0)
    return status;
  file_why_error(why, to->folder, "cannot sync the copy", error);
  return OUR_FAULT;
}

enum status store_copy(struct store *s, const char *folder, int without, char why[200])
{
  MDB_envinfo info;
  struct store *to = NULL;
  if (mkdir(folder, 0700) != 0) {
    int error = errno;
    file_why_error(why, folder, "cannot make the folder of the copy", error);
    return error == EEXIST ? BAD_INPUT : OUR_FAULT;
  }
  must(mdb_env_info(s->env, &info) == 0);
  const struct store_options options = {.folder = folder,
                                        .table_names = s->table_names,
                                        .table_count = s->table_count,
                                        .format = s->format,
                                        .map_size = info.me_mapsize,
                                        .create = true,
                                        .scratch = true}; /* synced once, when it is whole */
  enum status status = store_open(&options, why, &to);
  if (status == OK)
    status = books_copy(s, to, without, why);
  store_close(to);
  if (status != OK)
    store_remove(folder);
  return status;
}
