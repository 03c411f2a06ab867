/* The auditor's program: reads a copy of an exchange's data folder, trusts nothing in it but what it can work out
 * again, and writes nothing into it. No network, and nothing of the exchange's own code: only the contract.
 *
 * Each command tells its findings on `out`, what is wrong on `err`, and returns the exit code.
 */
#ifndef ONWARD_AUDIT_H
#define ONWARD_AUDIT_H

#include <stdio.h>

#include "proto/replay.h"
#include "proto/seal/note.h"
#include "proto/store/store.h"

enum audit_code {
  AUDIT_FINE = 0,
  AUDIT_FAILED = 1,     /* the log or the books are not what they should be; the first fault is named */
  AUDIT_USAGE = 2,      /* the command line */
  AUDIT_UNREADABLE = 3, /* cannot read the folder, or cannot work: nothing is known */
};

struct audit_request {
  const char *folder; /* the data folder: its books are in <folder>/books */
  const char *second; /* the second word of a command that takes two; else NULL */
  FILE *out;
  FILE *err;
  bool pinned; /* verify: the log must be signed by `log_key`; else the key in the genesis is believed */
  struct note_key log_key;
  bool json;                  /* show, as are the rest */
  struct org_id organisation; /* all zero: any */
  const char *referral;       /* as referral_valid takes it; NULL: any */
  uint64_t from;              /* first and last index, both included */
  uint64_t to;
  struct report_request {
    enum report_period { REPORT_MONTH, REPORT_QUARTER, REPORT_YEAR } period;
    uint32_t minimum;  /* smaller counts are not shown; 0: REPORT_MINIMUM */
    bool csv;          /* instead of text; as `json` */
    const char *html;  /* file to write a page into; NULL: none */
    const char *names; /* file of a registrar that says who is named; NULL: nobody is */
  } report;
};
#define REPORT_MINIMUM 5
#define REPORT_MINIMUM_MIN 3

enum audit_code audit_verify(const struct audit_request *q);
enum audit_code audit_replay(const struct audit_request *q);
enum audit_code audit_show(const struct audit_request *q);
/* The folder is one of evidence (docs/spec/5-files.md, section 8). AUDIT_FINE: what it is about is proved by it alone;
 * AUDIT_FAILED: it is not; AUDIT_UNREADABLE: there is no evidence in it. */
enum audit_code audit_fraud(const struct audit_request *q);
enum audit_code audit_report(const struct audit_request *q);
bool referral_valid(const char *text); /* 32 hex digits, or a short id such as K7MQ4X-T */

/* --- what the commands share --- */

/* The stored books, opened for reading; they stay as they were when this began, even if they are live. */
struct audit {
  const struct audit_request *request;
  struct store *store;
  struct books *books;
  void *memory;
  struct arena arena; /* for one entry at a time */
};
/* Tells why on `err` when it is not AUDIT_FINE. Close it in any case. */
enum audit_code audit_open(const struct audit_request *q, struct audit *out);
void audit_close(struct audit *a);
/* "onward-audit: <folder>: ..." on `err`. Returns `code`. */
enum audit_code audit_tell(const struct audit_request *q, enum audit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The stored books could not be read on: AUDIT_UNREADABLE, told. Else AUDIT_FINE. */
enum audit_code audit_trouble(const struct audit *a);

/* Told while books are rebuilt; each may be NULL. */
struct rebuild_watch {
  void *context;
  /* behind each entry, whose consequences `books` have by now */
  void (*entry)(void *context, const struct leaf *leaf, const struct event *e, struct books *books);
  /* the sealed body (`index`, `slot`) need not exist any longer, because of the entry `by` */
  void (*erased)(void *context, uint64_t index, uint8_t slot, uint64_t by);
};

/* Books that are rebuilt from the entries alone, in a temporary file that has no name and so never outlives the
 * program. */
struct rebuild {
  struct store *store;
  struct books *books;
  struct key_ring *ring;
  uint64_t size; /* entries */
  uint64_t batches;
  const struct rebuild_watch *watch;
  struct books watched; /* the same as `books`; deletions go by the watch first */
};
/* Replays every stored entry. `watch`: NULL, or who is told. Close it in any case. */
enum audit_code rebuild_run(struct audit *a, const struct rebuild_watch *watch, struct rebuild *out);
void rebuild_close(struct rebuild *r);
/* The first stored entry below `size` whose hash is not the one in the stored tree; `size`: none. For naming what was
 * altered where only a later entry, or the root, shows that something was. */
uint64_t entry_altered(struct audit *a, uint64_t size);

/* What the genesis says of the log. */
struct log_name {
  struct note_key key;
  char origin[NOTE_NAME_MAX + 1]; /* of its checkpoints: with the epoch */
};
/* AUDIT_FAILED, told: there is no genesis, or it names another key than the request. */
enum audit_code log_name_read(const struct audit_request *q, struct books *b, struct arena *arena,
                              struct log_name *out);
/* The newest checkpoint is this log's, and is signed over just the rebuilt entries. Else AUDIT_FAILED, told. */
enum audit_code rebuild_checkpoint(struct audit *a, struct rebuild *r, const struct log_name *log,
                                   struct checkpoint *out);

/* All rows of a table, in order. */
struct walk {
  struct books *books;
  int table;
  bool over;
  size_t from_size;
  uint8_t from[128];
};
struct walk walk_of(struct books *b, int table);
bool walk_next(struct walk *w, struct bytes *key, struct bytes *value);

/* Words for people. All write a final zero, and cut what is too long. */
#define WORDS_SIZE 200
void words_time(uint64_t ms, char out[WORDS_SIZE]); /* 2026-03-04T10:11:12.345Z */
void words_key(int table, struct bytes key, char out[WORDS_SIZE]);
const char *words_field(int table, size_t offset); /* of the row's structure; NULL: the row has no fields */
void words_entry(const struct leaf *leaf, const struct event *e,
                 char out[WORDS_SIZE]); /* "accept by aple on K7MQ4X-T" */

/* Lines of `show`. `told` are the organisations that the entry was put into the mailbox of, other than its author. */
struct audience {
  size_t count;
  const struct org_id *const *organisations;
};
void line_text(const struct leaf *leaf, const struct event *e, const struct audience *told, FILE *out);
void line_json(const struct leaf *leaf, const struct event *e, const struct audience *told, FILE *out);

#endif
