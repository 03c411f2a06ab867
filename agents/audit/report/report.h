/* `onward-audit report`: from entries to facts, from facts to counts, from counts to what may be shown.
 *
 *   facts.c    each entry, as it is replayed, notes what it proves: one row for each referral, leg, missed clock, ...
 *   end.c      where every referral stands when the log ends
 *   count.c    rows to counts and times, by period and by category
 *   hide.c     which counts are too small to be shown, and which others would give them away
 *   letters.c  organisations become letters
 *   table.c    what is shown as one long table: CSV and JSON; text.c for people; page.c for a board
 *
 * Rows lie in a mapped file without a name: memory grows with periods, organisations and areas, not with referrals.
 * What each number counts is said in docs/spec/7-report.md.
 */
#ifndef ONWARD_AUDIT_REPORT_H
#define ONWARD_AUDIT_REPORT_H

#include "agents/audit/audit.h"

/* --- rows in a file without a name --- */

struct rows {
  int file;
  void *at; /* moves when a row is added */
  size_t each, count, room;
};
MUST_USE bool rows_open(size_t each, struct rows *out); /* in TMPDIR; false: errno says why */
void *rows_add(struct rows *r);                         /* all zero; NULL: no room on disk, errno says why */
void rows_close(struct rows *r);

/* --- categories, numbered by first appearance --- */

enum { NAME_SIZE = 36 };
struct name {
  char text[NAME_SIZE];
  char shown[NAME_SIZE]; /* in the report: the text, or an organisation's letter */
  uint16_t number;
};
struct names {
  void *tree;         /* of <search.h>, by text */
  struct name **list; /* by number */
  uint16_t *order;    /* in which they are shown, after names_sort */
  size_t count;
};
enum { NAMES_MAX = 65000, AREAS_MAX = 500, PERIODS_MAX = 1200 };
struct name *names_take(struct names *n, const char *text); /* finds or adds; NULL: no memory, or NAMES_MAX */
MUST_USE bool names_sort(struct names *n, bool by_number);  /* else by what is shown, short ones first */
void names_free(struct names *n);

/* --- what is counted --- */

enum family { FAMILY_REFERRALS, FAMILY_LEGS, FAMILY_MISSED, FAMILY_DUTIES, FAMILY_PASSED_ON, FAMILIES };
enum { MEASURES_MAX = 12, DIMENSIONS_MAX = 7 };
/* The first six are the same of a referral and of a leg. */
enum measure {
  BEGUN,
  RECEIVED,
  ACKNOWLEDGED,
  ACCEPTED,
  SERVED,
  COMPLETED,
  CLOSED,
  RETURNED,
  REROUTED,
  UNFINISHED,
  LATE,
  DECLINED = CLOSED, /* of a leg, as the next two */
  PASSED_ON,
  MOVED,
  OWED = BEGUN, /* of a duty, as the next */
  OWED_LATE,
};
enum dimension {
  SENDER,
  GROUP,
  AREA,
  PRIORITY,
  STANDING,
  AGE,
  END,
  RECIPIENT = 0, /* of a leg */
  CLOCK = 0,     /* of a missed clock, as the next */
  OWED_BY,
  DUTY_OF = 0,
  PATH = 0, /* "from>to", of a passing on */
};
enum standing { ANSWERED, BACK, UNDER_WAY, VANISHED };

/* The column in which a category of this dimension stands; COLUMN_NONE: behind the measure's name. */
enum column { COLUMN_ORGANISATION, COLUMN_GROUP, COLUMN_AREA, COLUMN_PRIORITY, COLUMN_NONE, COLUMN_PATH };
struct shape {
  const char *title;
  size_t measure_count, dimension_count;
  struct {
    const char *name;
    const char *heading; /* of a column for people */
    bool timed;
  } measures[MEASURES_MAX];
  struct {
    const char *name;
    enum column column;
    uint32_t measures;             /* those that it divides, as a set */
    const char *const *categories; /* fixed ones, ended by NULL; NULL: as they come */
  } dimensions[DIMENSIONS_MAX];
};
extern const struct shape shapes[FAMILIES];

struct fact {
  uint64_t submit_index;          /* of its referral; those of referrals ascend */
  uint64_t begin_ms;              /* of the referral, or of the leg */
  uint32_t after_s[MEASURES_MAX]; /* 0: it did not happen; else seconds from the beginning, plus one */
  uint16_t category[DIMENSIONS_MAX];
  uint16_t period; /* of the submit */
  uint32_t leg;    /* of a referral: the row of its newest leg */
};

/* --- counts, and what is shown of them --- */

enum mark { SHOWN, SMALL, HIDDEN };
/* (rows + 1) x (columns + 1): the last row and the last column are the sums. */
struct grid {
  size_t rows, columns;
  size_t known; /* of the rows, the last ones: always shown, as they are not of children but faults */
  uint32_t *count;
  uint8_t *mark;                /* enum mark */
  uint32_t *median_s, *ninth_s; /* NULL: it has no times */
};
static inline size_t grid_at(const struct grid *g, size_t row, size_t column)
{
  return row * (g->columns + 1) + column;
}
/* Sets the marks so that no count from 1 to minimum - 1 can be narrowed by sums of the grid, nor by those of another
 * one with the same sums of columns. */
void grid_hide(struct grid *g, uint32_t minimum);

struct report {
  const struct audit_request *request;
  uint32_t minimum;
  struct rows rows[FAMILIES];
  struct names periods, organisations;
  struct names categories[FAMILIES][DIMENSIONS_MAX];
  struct grid grids[FAMILIES][MEASURES_MAX][DIMENSIONS_MAX]; /* the sums are the same in each dimension */
  uint64_t drills;
  uint64_t oldest_ms;  /* age of the oldest that is under way */
  struct hash letters; /* over every nonce of the log */
  const char *trouble; /* NULL; else what went wrong while entries were noted */
  int trouble_number;  /* errno, then; 0: no more is known */
  struct org_id namer; /* registrar that named organisations; all zero: nobody did */
  struct log_name log;
  struct checkpoint checkpoint;
  struct head head;
  uint64_t batches;
};

MUST_USE bool report_open(const struct audit_request *q, struct report *out); /* false: `trouble` says why */
void report_close(struct report *r);
/* rebuild_watch's entry. Context: the report. */
void report_entry(void *report, const struct leaf *leaf, const struct event *e, struct books *books);
void report_end(struct report *r, struct books *books); /* of the whole log */
enum standing report_standing(struct books *books, const struct referral *r);
bool report_failed(struct report *r, const char *what); /* notes trouble, with errno; always false */
/* A row of the same referral in another family. NULL: no room, which is noted. */
struct fact *fact_add(struct report *r, enum family f, const struct fact *referral, uint64_t begin_ms);
struct fact *fact_of(const struct report *r, const struct referral *referral); /* NULL: it has none */
uint16_t report_organisation(struct report *r, struct names *dimension, const struct org_id *id);
MUST_USE bool report_count(struct report *r); /* and times, marks and orders */
MUST_USE bool report_letters(struct report *r, const struct org_id *named, size_t named_count);
/* Reads the request's file of names, and holds it against the registry. */
enum audit_code report_names(struct report *r, struct books *books);

/* One row of the long table. Empty text: all. */
struct report_row {
  const char *period, *organisation, *group, *area, *priority;
  char measure[2 * NAME_SIZE];
  char value[24]; /* a number; "<5"; or "*": not shown */
};
typedef void report_take(void *context, const struct report_row *row);
void report_rows(const struct report *r, report_take *take, void *context);
void report_value(const struct report *r, const struct grid *g, size_t at, char out[24]);
void report_sentence(const struct report *r, char out[400]);
void report_text(const struct report *r, FILE *out);
void report_csv(const struct report *r, FILE *out);
void report_json(const struct report *r, FILE *out);
enum audit_code report_page(const struct report *r); /* into the request's file */

#endif
