/* A backup as one file (docs/spec/5-files.md, section 9): a short header in the clear, then records in chunks of 64
 * KiB, each sealed to the recovery key. What is in the records is backup_home's; here they only cannot be read, cut
 * off, changed, put in another order or mixed with those of another backup, without that being found.
 *
 * Whatever takes `why` tells there what was wrong, with the file's name and never with its content.
 */
#ifndef ONWARD_BACKUP_H
#define ONWARD_BACKUP_H

#include "proto/seal/hpke.h"
#include "proto/wire/event.h"

#define BACKUP_CHUNK_SIZE 65536 /* sealed; the last one may be shorter */
#define BACKUP_PLAIN_SIZE (BACKUP_CHUNK_SIZE - HPKE_OVERHEAD)
#define BACKUP_HEADER_MAX 128
#define BACKUP_PATH_SIZE 512
#define BACKUP_RECORD_MAX (2 * 1024 * 1024) /* bytes of key and value */
#define BACKUP_TIME_SIZE 32

struct backup_head { /* all that is in the clear */
  struct org_id organisation;
  uint64_t made_ms;
  uint8_t key_id[KEY_ID_SIZE]; /* of the recovery key */
};
void backup_time(uint64_t ms, char text[BACKUP_TIME_SIZE]); /* "2026-11-23 10:11:12.123Z" */

struct backup_record {
  uint8_t kind;
  struct bytes key, value; /* of one that was read: until the next is read */
};

/* One that is being written or read: large, and wiped when it is closed. */
struct backup {
  int fd; /* -1: closed */
  bool writing;
  char path[BACKUP_PATH_SIZE];
  struct backup_head head;
  char header[BACKUP_HEADER_MAX];
  size_t header_size;
  uint64_t chunk, chunks;           /* number of the next; of all, where it is read */
  uint64_t size;                    /* bytes of the file */
  struct hash hash;                 /* of the header and the chunks so far, each with the hash before it */
  uint8_t point[ES256_PUBLIC_SIZE]; /* where it is written */
  const struct es256_secret *key;   /* where it is read: the caller's */
  size_t used, filled;              /* of `plain` */
  enum status trouble;              /* while it is written: told by backup_finish */
  char why[200];
  uint8_t plain[BACKUP_PLAIN_SIZE];
  uint8_t sealed[BACKUP_CHUNK_SIZE];
  uint8_t record[BACKUP_RECORD_MAX];
};

/* Begins "<path>.partial", mode 0600; sets head->key_id. BAD_INPUT: the name is too long, or in use. */
MUST_USE enum status backup_create(struct backup *b, const char *path, struct backup_head *head,
                                   const uint8_t point[ES256_PUBLIC_SIZE], char why[200]);
void backup_put(struct backup *b, const struct backup_record *r);
/* Synced, read back from the disk, compared with what was written; then it gets its name. */
MUST_USE enum status backup_finish(struct backup *b, char why[200]);

/* Reads the header: b->head. NOT_FOUND: no such file. BAD_INPUT: no backup, or one of a newer version. */
MUST_USE enum status backup_open(struct backup *b, const char *path, char why[200]);
/* BAD_INPUT: it is sealed to another key. `key` is used until it is closed. */
MUST_USE enum status backup_unlock(struct backup *b, const struct es256_secret *key, char why[200]);
/* The next record. NOT_FOUND: that was the last, and the file is whole. BAD_INPUT: it is damaged. */
MUST_USE enum status backup_get(struct backup *b, struct backup_record *out, char why[200]);

void backup_close(struct backup *b); /* also removes what was begun and not finished; twice does no harm */

#endif
