/* What people must know and do about: kept in the books until somebody who looked into it says so, and with it what the
 * exchange offered and what was held against it. That of a kind is never overwritten before somebody has looked into
 * it.
 */
#ifndef ONWARD_ALARM_H
#define ONWARD_ALARM_H

#include "agents/tables.h"

enum alarm_kind { /* numbers are in the books: never used again */
                  ALARM_NONE = 0,
                  ALARM_FORK = 1,        /* two signed checkpoints that cannot both be true */
                  ALARM_ROLLED_BACK = 2, /* an older checkpoint after a newer one */
                  ALARM_BAD_NOTE = 3,    /* a checkpoint that the log key did not sign */
                  ALARM_BAD_PROOF = 4,   /* an entry that is not in the log, or not what its author signed */
                  ALARM_WITHHELD = 5,    /* an entry of the registry was left out */
                  ALARM_SET_BACK = 6,    /* our own books are older than what we signed: a restore, or a copy */
                  ALARM_TWO_COPIES = 7,  /* somebody else connects with our keys */
                  ALARM_SUSPENDED = 8,
                  ALARM_EXCHANGE_BACK = 9, /* the exchange says that it is behind our checkpoint */
                  ALARM_NOT_HEARD = 10,    /* the exchange refuses what we send, and sending it again will not help */
                  ALARM_LINK_KEY = 11,     /* link.key is not what the registry has for us, nor prepared, nor waiting */
                  ALARM_SIGN_KEY = 12,     /* the same of sign.pem */
                  ALARM_SEAL_KEY = 13,     /* the same of the newest sealing key */
                  ALARM_NO_COPY = 14,      /* a case of ours cannot be sealed again for who could not open it */
                  ALARM_IMPOSSIBLE = 15,   /* a step is in the log as accepted that the rules do not allow */
                  ALARM_DROPPED = 16,      /* acts on the directory that waited here when we were suspended */
                  ALARM_REFUSED = 17,      /* an act of ours that is about no referral was refused by the rules */
                  ALARM_RESTORED = 18,     /* the exchange lacks what we have seen: a person has to agree to go on */
                  ALARM_KINDS,
};
enum alarm_part {                    /* of what proves it; numbers are in the books */
                  ALARM_HELD,        /* the newest checkpoint that was taken */
                  ALARM_OFFERED,     /* the one that was not */
                  ALARM_CONSISTENCY, /* n x 32 bytes: the proof from one to the other that came with it */
                  ALARM_LEAF,        /* the entry that was not taken */
                  ALARM_PATH,        /* n x 32 bytes: its path to the held checkpoint; as it came, if it does not fit */
                  ALARM_PARTS,
};
struct alarm_proof { /* borrowed; what there is nothing of is empty */
  struct bytes part[ALARM_PARTS];
};
struct alarm_record {
  uint64_t raised_ms;
  bool ended; /* somebody has looked into it, or its cause is gone */
};

bool alarm_halts(enum alarm_kind kind);        /* nothing is taken from the exchange after this */
const char *alarm_name(enum alarm_kind kind);  /* a word for programs, such as "fork" */
enum alarm_kind alarm_named(const char *name); /* ALARM_NONE: no kind has this name */
const char *alarm_text(enum alarm_kind kind);  /* a sentence for people: what is wrong, and what to do */

/* Records it with what proves it (NULL: nothing does), and halts where that kind does. True: it was not known before,
 * and there is room for it. */
bool alarm_raise(struct books *b, enum alarm_kind kind, uint64_t now_ms, const struct alarm_proof *proof);
/* Slices of the books. False: it was never raised. */
bool alarm_get(struct books *b, enum alarm_kind kind, struct alarm_record *out, struct alarm_proof *proof);
void alarm_end(struct books *b, enum alarm_kind kind); /* the condition is over: for those that end by themselves */
void alarm_end_all(struct books *b);                   /* a person looked into them; goes on after a halt */
/* Next kind after `kind` that is raised; ALARM_NONE: no more. */
enum alarm_kind alarm_next(struct books *b, enum alarm_kind kind);

#endif
