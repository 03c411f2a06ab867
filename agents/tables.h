/* What an agent keeps beside the contract's tables, in the same books: its own events until the log has them, the items
 * of the office, the sealed words of its own people, and where it stands with the exchange. Nothing of a case is in the
 * clear here.
 */
#ifndef ONWARD_TABLES_H
#define ONWARD_TABLES_H

#include "proto/ledger/rows.h"

enum agent_table {
  TABLE_MARKS = TABLES_CONTRACT, /* "marks" -> struct marks */
  TABLE_EVENTS,                  /* u64 number -> own event that the log does not have yet (outbox.h) */
  TABLE_QUEUE,                   /* u8 priority, u64 number -> nothing: own events that are in no batch yet */
  TABLE_FLIGHT,                  /* u64 sequence -> signed batch, not wholly in the log yet (outbox.h) */
  TABLE_ITEMS,                   /* referral id[16] -> struct item */
  TABLE_REFS,                    /* the caller's own reference -> referral id[16] */
  TABLE_OWN,                     /* id[16], u8 part -> our own words, sealed to ourselves (vault.h) */
  TABLE_HISTORY,                 /* referral id[16], u64 index -> nothing: its entries */
  TABLE_RESEALS,                 /* referral id[16], organisation[16] -> u8 parts that are to be sealed again */
  TABLE_OPEN,                    /* referral id[16] -> nothing: a body is missing; looked at once the mailbox is read */
  TABLE_ALARMS,                  /* u8 kind -> when; u8 kind, u8 part -> what proves it (alarm.h) */
  TABLE_PAPERS,                  /* organisation[16] -> packed Invitation of an organisation that we enrolled */
  TABLE_UNATTENDED_AT,           /* organisation[16] -> struct unattended */
  TABLE_TOLD,                    /* referral id[16] -> struct told_row */
  TABLE_PLACES_SAID,             /* u64 index of every set_capacity that was taken -> nothing */
  TABLE_QUESTIONS,               /* u64 index of an ask_place -> struct question_row and answers (questions.h) */
  TABLE_AGREEMENTS,              /* organisation[16] -> which warnings of its agreement's end were given */
  TABLE_PATHS,                   /* u64 index -> its path, to which checkpoint (receipt.h) */
  TABLE_NOTES,                   /* u64 size, u32 epoch -> signed checkpoint that a path leads to */
  TABLE_LOST,                    /* u8 whose, u64 index -> leaf that a restored exchange has no more (again.h) */
  TABLES_AGENT,
};
#define AGENT_FORMAT (100 * BOOKS_FORMAT + 4) /* the last digits: of the agent's own rows */
const char *const *tables_names(void);        /* TABLES_AGENT names, for store_open */

/* Where we stand. One row, written with whatever changed it. */
struct marks {
  uint64_t position;     /* everything of the mailbox before this log index is stored */
  uint64_t sequence;     /* the highest that we ever signed */
  uint64_t read_back;    /* after a restore: nothing is sent before the batch of this sequence was read again; 0: no */
  uint64_t next_number;  /* of the next own event, from 1 */
  uint64_t waiting;      /* own events in no batch yet */
  uint64_t halted;       /* 1: after an alarm nothing is taken from the exchange any more */
  uint64_t contact_ms;   /* when the exchange was last heard; 0: never */
  uint64_t capacity;     /* index of the newest set_capacity that was taken */
  uint64_t known_below;  /* entries below this index were read before a restore of the exchange: they are no news */
  uint64_t agreed_cut;   /* where it continues what we know */
  uint64_t agreed_epoch; /* a person here has agreed that the restored log goes on in this epoch; 0: never asked */
};
void marks_get(struct books *b, struct marks *out);
void marks_put(struct books *b, const struct marks *m);

/* What the office knows of a referral beside the books. */
#define REFERENCE_MAX 64
#define REFUSED_LOST UINT32_MAX /* it was accepted, and a restored exchange has it no more */
struct item {
  struct ref_id id;
  char ref[REFERENCE_MAX]; /* the caller's own reference; no final zero when all are used */
  uint64_t draft;          /* number of its submit while that is in the outbox; 0: it is logged, or not ours */
  uint64_t created_ms;
  uint64_t brief_answered;   /* index of the brief for which receive or refuse_open is on its way, or logged */
  uint64_t file_answered;    /* index of the file for which refuse_open is on its way, or logged */
  uint64_t acknowledged_leg; /* index of the leg that a person here has acknowledged, or is about to */
  uint64_t damaged;          /* index of the brief beside which something did not open */
  uint64_t gone_leg;         /* index of the leg that was over before our `receive` was heard */
  uint64_t submit_entry;     /* index of the entry with its submit, whatever the verdict; 0: none */
  uint32_t refused_act;      /* last refused act of ours; 0: none, or something was accepted since */
  uint32_t refused_verdict;  /* Onward__Verdict; 0: not even heard; REFUSED_LOST */
  uint16_t pending;          /* acts of ours that are not in the log */
  uint16_t unsent;           /* of them, in no batch yet */
  uint8_t sender;            /* 1: we are the sender, 0: a recipient */
  uint8_t priority;          /* Onward__Priority */
  uint8_t opened;            /* a person here has read it */
  uint8_t fresh;             /* something came that nobody here has seen */
  uint32_t erasure_overdue;  /* parties, as a set by number, whose duty to erase is overdue */
  uint8_t erasing;           /* our copies are taken out of the books; the receipt is not signed yet (erase.h) */
  uint8_t own;               /* 1: a need that we meet ourselves: sent to nobody, in no log; only then the next three */
  uint8_t group;             /* Onward__ServiceGroup */
  uint8_t outcome;           /* Onward__OutcomeClass; 0: it is not finished */
  uint64_t done_ms;
  uint64_t lost; /* index that its first entry had, of a referral that a restored exchange has no more; 0: none */
  uint64_t overdue_entry[CLOCKS]; /* clock - 1 -> the entry that first said so; 0: not overdue (overdue.h) */
};
MUST_USE enum status item_get(struct books *b, const struct ref_id *id,
                              struct item *out); /* NOT_FOUND: zeroed but for id */
void item_put(struct books *b, const struct item *i);
/* Its submit was refused: it is no draft any more, and its reference may be used again. Changes `i`, which the caller
 * puts. */
void item_give_up(struct books *b, struct item *i);

/* What lies unattended at another organisation, as the exchange said last (unattended.h). */
struct unattended {
  uint64_t time_ms; /* when it said so */
  uint32_t count;
  uint32_t oldest_h;
};

/* What we were told last, as a registrar, of a referral in which we have no part (told.h). */
struct told_row {
  uint64_t time_ms; /* of the entry */
  uint64_t entry;
};

/* Walks the rows whose keys begin with `prefix`, in order: false at the end. `at` is where to go on; begin with the
 * prefix. Slices are valid until the next call or write; rows may be deleted while walking. */
struct walk {
  int table;
  struct row_key prefix;
  struct row_key at;
  struct bytes key, value;
};
struct walk walk_start(int table, struct bytes prefix);
bool walk_next(struct walk *w, struct books *b);

/* For what people begin: trouble (NOT_NOW) while there is still room for what is under way. Sealed bodies are what the
 * store refuses first when the disk fills; and no more than so many of our own acts wait to be sent. */
void books_need_room(struct books *b, uint64_t events_max);

struct row_key key_of_ref(const struct ref_id *id);
uint64_t key_number(struct bytes key, size_t offset); /* the u64 at this place of a key */

#endif
