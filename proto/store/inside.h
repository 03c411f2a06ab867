/* Private to this folder: what its files share. */
#ifndef ONWARD_STORE_INSIDE_H
#define ONWARD_STORE_INSIDE_H

#include <lmdb.h>

#include "proto/store/store.h"

struct store {
  struct books books; /* first: its functions find the store behind it */
  MDB_env *env;
  MDB_txn *txn; /* the one transaction; NULL: none, or it could not begin */
  int error;    /* LMDB's or errno, that made the books' trouble; 0: the trouble is not ours */
  bool open;    /* between begin and commit or abort */
  bool writing;
  bool scratch;
  bool in_reserve; /* as it was when the transaction began */
  const char *const *table_names;
  int table_count;
  char *folder;
  MDB_dbi tables[]; /* table_count */
};

/* Puts a row, unless there is trouble; `flags` are mdb_put's. A failure becomes trouble, but for MDB_KEYEXIST, which is
 * only returned. */
int row_put(struct store *s, int table, struct bytes key, struct bytes value, unsigned flags);
/* Whether there is so little room, in the map or on the disk, that sealed bodies are no longer taken. */
bool reserve_reached(struct store *s);

enum status status_of(int error); /* LMDB's or errno */
void why_write(char why[200], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "<folder>: <doing>: <error>", and that the disk is full when it is. */
void why_error(char why[200], const char *folder, const char *doing, int error);

/* Makes a file's or folder's directory entry durable. 0 or errno. */
int folder_sync(const char *folder);
int parent_sync(const char *path);
char *path_join(const char *folder, const char *name); /* NULL: no memory. Freed by the caller */

#endif
