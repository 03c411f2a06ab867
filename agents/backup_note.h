/* What a data folder knows of its own backups: when the newest was made, and the oldest that may be there still. */
#ifndef ONWARD_BACKUP_NOTE_H
#define ONWARD_BACKUP_NOTE_H

#include "proto/base/base.h"

#define BACKUP_NOTE_FILE "last-backup"

struct backup_note {
  uint64_t newest_ms, oldest_ms; /* 0: none */
};
void backup_note_read(const char *home, struct backup_note *out); /* a file that cannot be read is none */
MUST_USE enum status backup_note_write(const char *home, const struct backup_note *n, char why[200]);
void backup_note_add(struct backup_note *n, uint64_t made_ms); /* one more, the newest */

#endif
