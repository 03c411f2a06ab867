/* Disks in memory: proto/store/store.h over rows that are shared by their copies, so that a backup costs little. The
 * file data.mdb of a folder only names which rows are its own; to rename or to copy it moves them, as on a disk. */
#ifndef ONWARD_SIM_DISK_H
#define ONWARD_SIM_DISK_H

#include "proto/store/store.h"

struct volume; /* owned by this file until disk_forget_all */

struct volume *disk_copy_of(const char *folder);                   /* of what is committed there */
void disk_put_back(const char *folder, const struct volume *copy); /* in place of what is there */
void disk_give(const char *folder, struct volume *v);              /* a folder that has no books yet */
struct store *disk_reader(const char *folder);                     /* ours: no computer's death touches it */
struct store *disk_scratch(void);                                  /* empty, belongs to nobody */
void disk_forget_all(void);

/* Whether the computer whose code runs now is gone, or dies at this very write; `reaches`: the write is done. */
bool disk_dies(bool *reaches);

#endif
