/* The auditor's program: reads a copy of an exchange's data folder, trusts nothing in it but what it can work out
 * again, and writes nothing into it. No network, and nothing of the exchange's own code: only the contract.
 *
 * Each command tells its findings on `out`, what is wrong on `err`, and returns the exit code.
 */
#ifndef ONWARD_AUDIT_H
#define ONWARD_AUDIT_H

#include <stdio.h>

#include "agents/audit/overlay.h"
#include "agents/audit/progress.h"
#include "agents/audit/signatures.h"
#include "proto/replay.h"
#include "proto/seal/note.h"
#include "proto/store/store.h"

enum audit_code {
  AUDIT_FINE = 0,
  AUDIT_FAILED = 1,     /* the log or the books are not what they should be; the first fault is named */
  AUDIT_USAGE = 2,      /* the command line */
  AUDIT_UNREADABLE = 3, /* cannot read the folder, or cannot work: nothing is known */
};

struct act_set {
  bool any; /* one is chosen; else all are meant */
  bool chosen[128];
};

struct audit_request {
  const char *folder; /* the data folder, its books in <folder>/books; or an exported one (export.h) */
  const char *second; /* the second word of a command that takes two; else NULL */
  FILE *out;
  FILE *err;
  bool pinned; /* verify: the log must be signed by `log_key`; else the key in the genesis is believed */
  struct note_key log_key;
  bool hashes;          /* export: hashes only */
  const char *mandate;  /* export: file with the proof of a mandate's entry */
  bool check;           /* prove: a file is checked */
  uint64_t index;       /* prove */
  const char *key_file; /* cosign */
  bool new_key;
  bool json;                  /* show, as are the rest */
  struct org_id organisation; /* all zero: any */
  const char *referral;       /* as referral_valid takes it; NULL: any */
  uint64_t from;              /* first and last index, both included */
  uint64_t to;
  uint64_t since_ms; /* first and last time, both included; until 0: no end */
  uint64_t until_ms;
  struct act_set acts;
  bool bodies; /* show: what became of each sealed body */
  bool at;     /* replay: the state behind all entries up to `to` and `until_ms`; else the newest */
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
bool referral_valid(const char *text);                            /* 32 hex digits, or a short id such as K7MQ4X-T */
bool referral_asked(const char *wanted, const struct ref_id *id); /* in either form; NULL: any */
/* ISO 8601 in UTC: 2026-03-04, 2026-03-04T10:11Z or 2026-03-04T10:11:12Z; the first ms that it names, or the last. */
bool time_parse(const char *text, bool last, uint64_t *out);
bool acts_parse(const char *names, struct act_set *out);          /* adds them; separated by commas */
const char *acts_expected(void);                                  /* what should have been given */
enum audit_code audit_export(const struct audit_request *q);      /* into the folder `second` */
enum audit_code audit_prove(const struct audit_request *q);       /* entry `index`; with `check` the file `folder` */
enum audit_code audit_consistency(const struct audit_request *q); /* with the checkpoint in the file `second` */
enum audit_code audit_cosign(const struct audit_request *q); /* the export; with `new_key` for a witness called so */
enum audit_code audit_report(const struct audit_request *q);

/* --- what the commands share --- */

/* The stored books, opened for reading; they stay as they were when this began, even if they are live. */
struct exported;
struct audit {
  const struct audit_request *request;
  struct store *store;       /* NULL: an exported folder */
  struct exported *exported; /* NULL: a data folder */
  struct books *books;
  void *memory;
  struct arena arena; /* for one entry at a time */
};
/* Tells why on `err` when it is not AUDIT_FINE. Close it in any case. */
enum audit_code audit_open(const struct audit_request *q, struct audit *out);
void audit_close(struct audit *a);
bool audit_is_backup(const struct audit *a); /* a copy without bodies: a file named `backup` stands beside its books */
/* "onward-audit: <folder>: ..." on `err`. Returns `code`. */
enum audit_code audit_tell(const struct audit_request *q, enum audit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The stored books could not be read on: AUDIT_UNREADABLE, told. Else AUDIT_FINE. */
enum audit_code audit_trouble(const struct audit *a);

/* Told while books are rebuilt, each may be NULL; of a log that fails perhaps of entries behind the first fault, too.
 */
struct rebuild_watch {
  void *context;
  /* behind each entry, whose consequences `books` have by now */
  void (*entry)(void *context, const struct leaf *leaf, const struct event *e, struct books *books);
  /* the sealed body (`index`, `slot`) need not exist any longer, because of the entry `by` */
  void (*erased)(void *context, uint64_t index, uint8_t slot, uint64_t by);
};

/* Books that are rebuilt from the entries alone. What is not read from the stored ones is in a temporary file that has
 * no name and so never outlives the program. */
struct rebuild {
  struct store *store; /* of that file */
  struct books *books; /* all of it: `overlay` */
  struct overlay overlay;
  struct key_ring *ring;
  struct signatures *signatures;
  struct progress progress;
  uint64_t size; /* entries */
  uint64_t batches;
  const struct rebuild_watch *watch;
};
/* Opens them empty: for whoever applies entries itself. Close it in any case. */
enum audit_code rebuild_open(struct audit *a, struct rebuild *out);
/* Replays every stored entry, or, of a request `at` some place, those up to there. `watch`: NULL, or who is told. Close
 * it in any case. */
enum audit_code rebuild_run(struct audit *a, const struct rebuild_watch *watch, struct rebuild *out);
void rebuild_close(struct rebuild *r);
/* The first stored entry below `size` whose hash is not the one in the stored tree; `size`: none. For naming what was
 * altered where only a later entry, or the root, shows that something was. */
uint64_t entry_altered(struct audit *a, uint64_t size);

/* What the genesis says of the log, and the epoch of the head. */
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
enum body_is { BODY_HELD, BODY_ERASED, BODY_MISSING, BODY_LEFT_OUT, BODY_REFUSED };
struct body_state {
  enum body_is is;
  uint64_t by, time_ms; /* erased: by this entry, its time and its act */
  const char *act;
};
const char *body_words(enum body_is is);
/* `bodies`: of each sealed slot; NULL: nobody asked. */
void line_text(const struct leaf *leaf, const struct event *e, const struct audience *told,
               const struct body_state *bodies, FILE *out);
void line_json(const struct leaf *leaf, const struct event *e, const struct audience *told,
               const struct body_state *bodies, FILE *out);

/* What became of the bodies, by a replay of the whole log. */
struct erasures;
enum audit_code erasures_open(struct audit *a, struct erasures **out); /* closed in any case */
void erasures_close(struct erasures *e);
/* Of each slot of this entry, into `out`. */
void erasures_of(struct erasures *e, const struct leaf *leaf, const struct event *event,
                 struct body_state out[SEALED_SLOTS_MAX]);

/* `replay`: the rebuilt state, a line a thing. */
enum audit_code state_print(struct audit *a, struct rebuild *r);

#endif
