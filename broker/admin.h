/* What the operator does beside serving. Each answers the process's exit code and tells on stderr what was wrong. */
#ifndef ONWARD_ADMIN_H
#define ONWARD_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

struct init_options {
  const char *folder;
  const char *name;          /* the log's: a-z 0-9 . - /, such as exchange.example.org */
  const char *listen;        /* tcp://address:port */
  const char *address;       /* as partners reach it; NULL: as `listen` */
  const char *registrars[2]; /* request files */
  unsigned long replace_after_h;
};

int admin_init(const struct init_options *o); /* makes the folder, keys, books, and an invitation for each registrar */
int admin_confirm_time(const char *folder);   /* the operator has looked at the clock, and it is right */
int admin_status(const char *folder);
int admin_check(const char *folder);
int admin_cosignature(const char *folder, const char *file, const char *vkey); /* keeps what a witness has signed */
/* Writes the books anew without what is dead: itself, or by asking the process that serves the folder. */
int admin_purge(const char *folder);
/* A copy of the books without sealed bodies, read back and checked, in the new folder `to`; also while it is served. */
int admin_backup(const char *folder, const char *to);
/* Makes a new folder of a backup and of the keys that were kept elsewhere, and a request to the registrars. */
int admin_restore(const char *backup, const char *folder, const char *keys_folder);
int admin_confirm_restore(const char *folder, const char *file); /* a registrar has signed: the log goes on */

/* Files in a folder. */
#define BACKUP_MARK "backup"              /* this is a backup; what it says is for people */
#define LAST_BACKUP "last-backup"         /* what the mark of the newest backup says */
#define RESTORE_REQUEST "restore.request" /* waits for a registrar's signature: not served until then */
bool restore_waits(const char *folder);
void backup_tell(const char *folder, uint64_t size); /* for status: the newest backup of a log of so many entries */

#endif
