/* Private to this folder: what its files share. */
#ifndef ONWARD_STORE_INSIDE_H
#define ONWARD_STORE_INSIDE_H

#include <lmdb.h>

#include "proto/store/store.h"

/* What there is room for, in the map and on the disk: for all even if the file has to grow for it, for all in the pages
 * that are free in it, and so on. */
enum room { ROOM_TO_GROW, ROOM_FOR_ALL, ROOM_FOR_ENTRIES, ROOM_FOR_DELETING };

#define KEY_SIZE_MAX 511 /* LMDB's */

struct store {
  struct books books; /* first: its functions find the store behind it */
  MDB_env *env;
  MDB_txn *txn; /* the one transaction; NULL: none, or it could not begin */
  int error;    /* LMDB's or errno, that made the books' trouble; 0: it was none of these */
  bool open;    /* between begin and commit or abort */
  bool writing;
  bool scratch;
  bool borrowed;        /* the environment belongs to another */
  MDB_txn *anchor;      /* reads nothing: while it is there no page is reused that was in use when it began */
  uint32_t reuse_after; /* pages written from one anchor to the next; 0: there is none */
  uint64_t anchored;    /* pages written since, as far as can be told */
  uint64_t rows_put;    /* in this transaction */
  enum room room;       /* as it was when the transaction began */
  const char *const *table_names;
  int table_count;
  uint32_t format;
  uint32_t format_found;
  char *folder;
  MDB_dbi tables[]; /* table_count */
};

/* Puts a row, unless there is trouble; `flags` are mdb_put's. A failure becomes trouble, but for MDB_KEYEXIST, which is
 * only returned. */
int store_row_put(struct store *s, int table, struct bytes key, struct bytes value, unsigned flags);
enum room store_room(struct store *s);

/* pages.c: whether LMDB can read a file that somebody else wrote without coming to harm. Before it is opened, and in
 * the first transaction. 0, errno, LMDB's, or MDB_CORRUPTED with why. */
int pages_begin_sound(const char *path, char why[200]);
int pages_are_sound(MDB_env *env, MDB_txn *txn, const char *folder, char why[200]);

enum status store_status_of(int error); /* LMDB's or errno */
void file_why(char why[200], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "<path>: <doing>: <error>", and that the disk is full when it is. */
void file_why_error(char why[200], const char *path, const char *doing, int error);

char *file_path_join(const char *folder, const char *name); /* NULL: no memory. Freed by the caller */

#endif
