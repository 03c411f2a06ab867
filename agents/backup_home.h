/* What of a data folder goes into a backup, and back: the rows of the books, the keys as they lie there (the sealing
 * ones locked by the office's passphrase), the invitation, the settings, the public recovery key. Rows are read from a
 * snapshot, beside Onward that runs or does not: nothing is written but the backup itself.
 *
 * `why` as in backup.h.
 */
#ifndef ONWARD_BACKUP_HOME_H
#define ONWARD_BACKUP_HOME_H

#include "agents/backup.h"

/* Records, in this order: the files, the format, and each table with its rows. The numbers are in every backup. */
enum backup_kind {
  BACKUP_FILE = 1, /* name, content */
  BACKUP_FORMAT,   /* nothing, u32: number of the rows' shapes */
  BACKUP_TABLE,    /* name, nothing */
  BACKUP_ROW,      /* key, value: of the table before it */
};

struct backup_count {
  uint64_t files, rows, bytes; /* bytes: of the whole backup */
};

/* NOT_FOUND: no recovery words were made here. BAD_INPUT: nothing to back up, or a name that cannot be used. NOT_NOW:
 * the disk is full, or something else was changed meanwhile: say it again. */
MUST_USE enum status backup_home(struct backup *b, const char *home, const char *path, uint64_t now_ms,
                                 struct backup_head *head, struct backup_count *count, char why[200]);
/* Reads all of it, and writes nothing. It was unlocked by the caller. */
MUST_USE enum status backup_check(struct backup *b, struct backup_count *count, char why[200]);
bool backup_home_free(const char *home); /* it is not there, or empty */
/* The same into `home`, which is free; it gets its name when everything in it is right, and nothing is left of it
 * otherwise. BAD_INPUT also: `home` is in use. */
MUST_USE enum status backup_restore(struct backup *b, const char *home, struct backup_count *count, char why[200]);

#endif
