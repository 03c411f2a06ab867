/* The log and its books on disk, and the checkpoint over them. */
#ifndef ONWARD_JOURNAL_H
#define ONWARD_JOURNAL_H

#include "broker/keys.h"
#include "proto/store/store.h"
#include "proto/turn.h"

/* How far the log goes, and what was signed of it. */
struct log_end {
  struct head head;
  struct checkpoint checkpoint;
  char note[NOTE_SIZE_MAX]; /* the checkpoint, signed */
  size_t note_size;
  uint64_t alive_ms; /* wall clock at which this exchange was last seen serving; 0: never */
};

/* Two threads may use it. One begins transactions of `store` and commits them; the other reads `view` and `end`, which
 * stay as they are until it publishes what was committed: what is heard and said is held against one state. */
struct journal {
  struct store *store;
  struct store *reader;
  const struct broker_keys *keys;
  char name[49]; /* the log's name: that of its key */
  struct note_key log_key;
  struct log_end written; /* by the last commit */
  struct log_end end;     /* what is published */
  bool unsure;            /* a commit failed: what the disk has is not known */
  char *folder;           /* where closing leaves its mark; NULL: it leaves none */
  struct books *view;     /* the books at that state, for reading */
};

/* Makes the books with their first entry. `why` tells what was wrong. */
MUST_USE enum status journal_create(struct journal *j, const char *folder, const struct broker_keys *keys,
                                    const Onward__Genesis *genesis, uint64_t clock_ms, char why[200]);
/* Opens them, and holds the newest entries against the newest checkpoint: BAD_INPUT when they do not fit. Where they
 * were not closed well, what the disk has is read, not what the kernel remembers. */
MUST_USE enum status journal_open(struct journal *j, const char *folder, const struct broker_keys *keys,
                                  uint64_t map_size, bool read_only, char why[200]);
void journal_close(struct journal *j);
/* Every entry and every hash of the tree, against the checkpoint: BAD_INPUT where one is not what was signed. Reads all
 * of it. */
MUST_USE enum status journal_check_all(struct journal *j, char why[200]);
/* Writes the books anew, without what is dead: deleted rows stay in their file otherwise. While nothing else is under
 * way. NOT_NOW: there was no room, and all is as it was. OUR_FAULT: the process must end. */
MUST_USE enum status journal_purge(struct journal *j, const char *folder, uint64_t map_size, uint64_t *freed_bytes,
                                   char why[200]);
bool journal_is_served(const char *folder); /* by some process, which has its lock */
/* While no transaction of `store` is open: what the last commit wrote is what may be spoken of. */
void journal_publish(struct journal *j);

/* Signs a checkpoint over what the open writing transaction `b` holds, and commits it. Only after OK may anything be
 * said. NOT_NOW: full, nothing was written. OUR_FAULT: the process must end. */
MUST_USE enum status journal_commit(struct journal *j, struct books *b, char why[200]);
/* Notes that it is there, outside the log, and publishes. */
MUST_USE enum status journal_alive(struct journal *j, uint64_t now_ms, char why[200]);
/* One entry with its path to the published checkpoint, in the arena; behind another entry, NULL: behind none, the path
 * is only that below the place where the two ways meet (merkle_path_apart). */
MUST_USE enum status journal_entry(struct journal *j, uint64_t index, const uint64_t *before, struct arena *a,
                                   Onward__Entry **out);
/* The entries that began the epochs behind `epoch`, oldest first: at most RESTORED_MAX. Where the first of them
 * continues is `cut`; the log's end where there is none. */
#define RESTORED_MAX 16
MUST_USE enum status journal_restored(struct journal *j, uint32_t epoch, struct arena *a, uint64_t out[RESTORED_MAX],
                                      size_t *count, uint64_t *cut);
/* Consistency from `old_size` to the published checkpoint: n x 32 bytes in the arena. Empty where nothing is to be
 * proved. */
MUST_USE enum status journal_consistency(struct journal *j, uint64_t old_size, struct arena *a,
                                         ProtobufCBinaryData *out);
uint64_t clock_ms(void); /* wall clock */

#endif
