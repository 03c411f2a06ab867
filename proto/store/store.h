/* The books on disk: one LMDB environment, one table a database. Synced before a commit returns (fdatasync of data,
 * then of the meta page): "acknowledged means on disk" hangs on store_commit alone.
 *
 * One environment per process, never across fork; a write transaction stays on its thread.
 */
#ifndef ONWARD_STORE_H
#define ONWARD_STORE_H

#include "proto/ledger/ledger.h"

struct store; /* owned by whoever opened it */

struct store_options {
  const char *folder;             /* exists, or is made with mode 0700 when `create` */
  const char *const *table_names; /* table_count names; the first TABLES_CONTRACT are table_names of ledger.h */
  int table_count;
  uint32_t format;   /* number of the rows' shapes, from 1: other numbers' books are refused, and what to do is said */
  uint64_t map_size; /* bytes of address space, not of disk; 0: 1 TiB */
  bool create;
  bool read_only;
  bool foreign; /* read_only, somebody else's: its pages are looked at, one by one, before LMDB trusts them */
  bool scratch; /* not synced: for books that a replay rebuilds */
  /* Pages, roughly, that are written before those that became free meanwhile are written again; the disk that it costs.
   * LMDB takes single free pages wherever they lie; after a while what one commit writes is strewn over the file, and
   * the disk needs several times as long for it. Freed by the thousand they lie together. 0: they are taken at once. */
  uint32_t reuse_after;
  bool trusted; /* whoever wrote them last ended well: what the page cache holds, the disk has */
};

/* Errors are told in `why`, with the folder. NOT_FOUND: no such folder, or no books in it. OUR_FAULT: anything else.
 * Checks for dead readers, and unless they are trusted drops the data file from the page cache first, so that what is
 * read is what the disk has: that takes a second for every 6 GB of it. */
MUST_USE enum status store_open(const struct store_options *options, char why[200], struct store **out);
void store_close(struct store *s);
/* A second way into the same books, for reading on another thread while the first one writes: a transaction of its own.
 * Closed before the store that it was made from. NULL: no memory. */
struct store *store_reader(const struct store *s);
/* For the whole process: a page of books that cannot be read ends it with a line on stderr and this exit code, not with
 * a signal that nobody understands. */
void store_guard(int exit_code);

/* A transaction. Writing: the books may be changed, until commit or abort. Reading: put and del are bugs. */
struct books *store_begin(struct store *s, bool write);
/* The only sync. OK: everything is on disk. NOT_NOW: full (MDB_MAP_FULL or no space left): nothing was changed.
 * OUR_FAULT: stop the process; do not retry, do not assume that nothing was written. Trouble of the books aborts and is
 * returned. */
MUST_USE enum status store_commit(struct store *s, char why[200]);
void store_abort(struct store *s); /* also ends a reading transaction */

uint64_t store_count(struct store *s, int table); /* its rows, in the open transaction; takes no time */

/* Bytes used in the data file, pages that are free in it, and the map. */
struct store_size {
  uint64_t used;
  uint64_t free;
  uint64_t map;
};
void store_measure(struct store *s, struct store_size *out);
/* False: so little is left that sealed bodies would be refused now, and with them the whole transaction. */
bool store_takes_bodies(struct store *s);
/* A compacted copy into a folder that does not exist yet; file and folder synced. The table `without` stays empty;
 * ALL_TABLES: none does. On failure nothing is left of it. */
#define ALL_TABLES (-1)
MUST_USE enum status store_copy(struct store *s, const char *folder, int without, char why[200]);
/* Such a copy takes the place of the folder that it was made from, at once, and what was there is removed. Both are
 * closed. Not OK: the folder is as it was, and the copy is removed. */
MUST_USE enum status store_swap(const char *folder, const char *copy, char why[200]);
void store_remove(const char *folder); /* books that nobody has open: data, lock, folder; nothing else */

/* Files: whole, synced with their folder, replaced by rename, mode 0600. `file_read` gives NOT_FOUND, or BAD_INPUT when
 * it is longer than capacity. */
MUST_USE enum status file_write(const char *path, struct bytes content, char why[200]);
MUST_USE enum status file_rename(const char *from, const char *to, char why[200]); /* file or folder; durable */
MUST_USE enum status file_read(const char *path, void *out, size_t capacity, size_t *size, char why[200]);
/* Makes what was created, renamed or removed in a folder, or beside a path, durable. 0 or errno. */
int file_sync_folder(const char *folder);
int file_sync_parent(const char *path);

#endif
