/* What did happen: the books. Every table that `ledger_*` writes is a function of the log alone; replay rebuilds them
 * byte for byte. The books are behind an interface of four calls, so that the same code runs over LMDB in the broker,
 * in an agent, in an audit, and over anything else in a simulator.
 */
#ifndef ONWARD_LEDGER_H
#define ONWARD_LEDGER_H

#include "proto/wire/event.h"

/* Keys are big-endian and ordered as bytes. Rows are the packed forms of the structures below. */
enum table {
  TABLE_HEAD,          /* "head" -> struct head */
  TABLE_ENTRIES,       /* u64 index -> leaf */
  TABLE_TREE,          /* u64 stored number -> hash (merkle_stored_number) */
  TABLE_REFERRALS,     /* referral id[16] -> struct referral, cut behind its last party */
  TABLE_ORGANISATIONS, /* organisation[16] -> struct organisation */
  TABLE_KEYS,          /* organisation[16], ~u64 index from which they are valid -> struct keys (newest first) */
  TABLE_KEY_OWNERS,    /* any public key that was ever registered -> organisation[16] */
  TABLE_REGISTRY,      /* u64 index of an entry of the registry chain -> nothing */
  TABLE_MAILBOXES,     /* organisation[16], u64 index -> nothing */
  TABLE_SEQUENCES,     /* organisation[16], u8 sequence % BATCHES_IN_FLIGHT_MAX -> struct sequence */
  TABLE_HELD,          /* u64 index, u8 slot of a sealed body that must exist -> recipient[16] */
  TABLE_RELEASES, /* organisation[16], u64 index, u64 body index, u8 slot: body is dropped once read_up_to passes index
                   */
  TABLE_CLOCKS,   /* u64 due in ms of service time, u8 kind (enum clock_row), id[16] -> nothing */
  TABLE_LEGS,     /* organisation[16], referral id[16] of a live one whose leg it has -> nothing */
  TABLE_POLICY,   /* "policy" -> struct policy */
  TABLE_UNATTENDED, /* organisation[16], referral id[16] with an overdue step of it -> u64 service ms since when */
  TABLE_SERVICES,   /* organisation[16], u8 number of a service that it offers -> struct service */
  TABLE_CAPACITIES, /* u64 index of the newest set_capacity of a service -> nothing */
  TABLES_DERIVED,   /* how many tables are functions of the log */
  TABLE_BODIES = TABLES_DERIVED, /* u64 index, u8 slot -> sealed body. Which must exist: TABLE_HELD */
  TABLE_CHECKPOINT,              /* "newest" -> signed note */
  TABLES_CONTRACT,               /* an agent's own tables are numbered from here */
};
extern const char *const table_names[TABLES_CONTRACT];
/* Of the rows below: whoever changes their shape, or what follows from a log, raises it, and records the log of
 * tests/scenarios anew. Format 1 was that of before the lifecycle. */
#define BOOKS_FORMAT 6

/* The books. Slices that `get` and `seek` give are valid until the next put, del or end of the transaction. Trouble is
 * sticky: once a call failed for our own reasons, everything reads as NOT_FOUND and nothing is written, so callers
 * check `trouble` once, before they commit. */
struct books {
  enum status trouble; /* OK, OUR_FAULT (disk), or NOT_NOW (full) */
  enum status (*get)(struct books *b, int table, struct bytes key, struct bytes *value);
  void (*put)(struct books *b, int table, struct bytes key, struct bytes value);
  void (*del)(struct books *b, int table, struct bytes key); /* an absent key is no error */
  /* the first row whose key is >= from */
  enum status (*seek)(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value);
};

/* What the id in a key of TABLE_CLOCKS names. */
enum clock_row { CLOCK_OF_KEYS, CLOCK_OF_REFERRAL, CLOCK_OF_UNATTENDED };

/* Rows are these structures' own bytes: fixed-width members, no padding, little-endian machines only (asserted). */
struct head {
  uint64_t size;     /* entries in the log */
  uint64_t time_ms;  /* of the newest turn */
  uint64_t registry; /* index of the newest registry entry */
  uint64_t rules;    /* version */
  uint64_t replace_after_ms;
  uint64_t absent_ms;  /* of log time that counted for nobody: service time is log time less this */
  uint64_t doubted_ms; /* log time since when no clock fires, as the time is not believed; 0: it is */
  uint64_t epoch;      /* of the checkpoints' origin: 1, and one more with each restored */
  struct hash network;
};

struct policy {
  uint64_t index;                      /* the entry that set it: the genesis, or a set_policy */
  struct org_id last_resort;           /* all zero: none */
  uint32_t limit_s[CLOCKS_LIMITED][3]; /* clock - 1, priority - 1 */
  uint32_t zero;
};

struct keys {
  uint8_t link[32];
  uint8_t sign[ES256_PUBLIC_SIZE];
  uint8_t seal[ES256_PUBLIC_SIZE];
  uint8_t seal_id[KEY_ID_SIZE];
  uint8_t zero[6];
};

struct organisation {
  struct org_id id;
  uint8_t standing; /* Onward__Standing */
  uint8_t kind;     /* Onward__OrganisationKind */
  uint8_t registrar;
  uint8_t zero[5];
  uint64_t keys_index;    /* entry from which `keys` are valid; it holds the Request with names and telephone */
  uint64_t duty_index;    /* set_duty since then, whose telephone and hours hold; 0: those of the Request */
  uint32_t acts_day;      /* UTC day of log time of its newest act on its own services or duty line */
  uint32_t acts_count;    /* how many there were on that day */
  uint64_t pending_index; /* replace_keys that waits; 0: none */
  uint64_t pending_due_ms;
  uint64_t agreement_until_ms; /* 0: no end */
  /* Kept by whoever keeps the whole log; an agent leaves them zero. Service time. */
  uint64_t unattended_due_ms;  /* when the organisation of last resort is to be told; 0: nothing new is overdue here */
  uint64_t unattended_told_ms; /* when it was told last; 0: never */
  struct keys keys;
};

/* A service as its organisation describes it, and what a registrar and the organisation said of it since. Whatever
 * decides who is a candidate is in the row, so that thousands are looked through without reading their entries. */
struct service {
  uint64_t index; /* of the newest set_service: its entry holds the name */
  uint64_t since_ms;
  uint64_t assured_index; /* of the assure_service for just that entry; 0: nobody has assured it as it is now */
  uint64_t assured_ms;
  uint64_t capacity_index; /* of the newest set_capacity; 0: none */
  uint64_t capacity_ms;
  uint64_t capacity_until_ms; /* nobody believes it any longer */
  uint32_t available, maximum;
  struct org_id organisation;
  uint8_t number;  /* within the organisation, from 1 */
  uint8_t group;   /* Onward__ServiceGroup */
  uint8_t age_min; /* years */
  uint8_t age_max;
  uint8_t priorities; /* bit Onward__Priority: it takes those */
  uint8_t capacity;   /* Onward__CapacityStatus */
  uint8_t code_count, language_count, area_count;
  uint8_t zero[7];
  uint16_t codes[SERVICE_CODES_MAX];                /* Onward__ServiceCode */
  uint8_t schemes[SERVICE_AREAS_MAX];               /* Onward__AreaScheme of each area */
  char areas[SERVICE_AREAS_MAX][AREA_SIZE_MAX + 1]; /* ended by zeros, as the languages */
  char languages[SERVICE_LANGUAGES_MAX][LANGUAGE_SIZE_MAX + 1];
};

struct sequence {
  uint64_t sequence;
  uint64_t first_index; /* of its first event's entry */
  uint64_t read_up_to;
  struct hash root;
};

enum referral_state {
  STATE_NONE,
  STATE_REQUESTED,
  STATE_RECEIVED,
  STATE_ACKNOWLEDGED,
  STATE_WAITLISTED,
  STATE_ACCEPTED,
  STATE_IN_PROGRESS,
  STATE_COMPLETED,
  STATE_RETURNED,
  STATE_CLOSED,
  STATE_CANCELLED,
  STATE_WITHDRAWN,
  STATE_ERROR,
  STATE_LEG_OVER, /* within a turn only: the next listed organisation is to be found */
  STATE_FAILED,   /* within a turn only: back to the sender, whoever else is listed */
  STATES
};
enum referral_flag {
  FLAG_INFO_OPEN = 1,
  FLAG_CANCEL_OPEN = 2,
  FLAG_SAFETY_AT_RECIPIENT = 4, /* a safety message waits to be read by the present recipient */
  FLAG_SAFETY_AT_SENDER = 8,
  FLAG_RESEAL_ASKED = 16 /* the present recipient cannot open what it has */
};
#define FLAGS_ALL 31

enum party_mark {
  PARTY_VISITED = 1,          /* had a leg since it was last listed */
  PARTY_RECEIVED = 2,         /* signed that it stored a body: it has a duty when the referral ends */
  PARTY_FILE_AT_DELIVERY = 4, /* the sender released the file with the brief */
  PARTY_DUTY = 8,             /* it must erase the case, and has not answered yet */
  PARTY_HOLD = 16             /* it answered that the law makes it keep the case */
};

struct party {
  struct org_id org;
  uint64_t brief_index; /* event that carries its newest brief; 0: none */
  uint64_t file_index;
  uint8_t brief_slot;
  uint8_t file_slot;
  uint8_t rank; /* place in the sender's present list, from 1; 0: not listed */
  uint8_t marks;
  uint8_t duty_told; /* how often it was overdue */
  uint8_t zero[3];
  uint64_t duty_due_ms; /* service time; 0: no clock runs */
};

#define PARTY_NONE 255
struct referral {
  struct ref_id id;
  struct org_id sender;
  uint8_t state;
  uint8_t flags;
  uint8_t priority; /* Onward__Priority */
  uint8_t leg;      /* 1 to LEGS_MAX; 0: none opened yet */
  uint8_t hops;     /* re-routes by recipients */
  uint8_t present;  /* number of the party whose leg it is; PARTY_NONE: nobody's */
  uint8_t chosen;   /* party that a re-route named next; PARTY_NONE */
  uint8_t party_count;
  uint8_t last;       /* number of the party whose leg is, or was, the newest */
  uint8_t basis;      /* Onward__LegalBasis */
  uint8_t reroute;    /* Onward__ReroutePolicy */
  uint8_t info_count; /* questions of the present leg */
  uint8_t outcome;    /* Onward__OutcomeClass; 0: none yet */
  uint8_t drill;      /* an exercise */
  uint8_t zero[2];
  uint64_t submit_index;
  uint64_t scope_index;         /* the entry whose scope holds now */
  uint64_t consent_until_ms;    /* 0: no end */
  uint64_t expected_ms;         /* of a place on the waiting list */
  uint64_t safety_at_recipient; /* newest safety message to read: its entry */
  uint64_t safety_at_sender;
  uint64_t leg_index;    /* the entry that opened the present leg */
  uint64_t accept_index; /* of the accept, or a start without one; 0: not accepted in this leg */
  uint64_t last_index;   /* newest accepted entry */
  uint64_t submitted_ms;
  uint64_t state_since_ms;
  uint64_t leg_since_ms;
  /* The clocks are kept by whoever keeps the whole log; an agent leaves them zero. Service time. */
  uint64_t clock_row_ms;         /* the earliest of them all: its row in TABLE_CLOCKS; 0: none */
  uint64_t clock_due_ms[CLOCKS]; /* clock - 1; 0: it does not run */
  uint8_t clock_told[CLOCKS];    /* how often it was overdue */
  uint64_t decide_left_ms;       /* of a decision's clock that stands still; 0: it does not */
  struct party parties[PARTIES_MAX];
};

/* --- reading. All answer OK or NOT_FOUND --- */
void books_head(struct books *b, struct head *out); /* all zero for an empty log */
MUST_USE enum status books_referral(struct books *b, const struct ref_id *id, struct referral *out);
MUST_USE enum status books_organisation(struct books *b, const struct org_id *id, struct organisation *out);
/* The next organisation behind `after`, which is moved to it. Begin with all zero. */
MUST_USE enum status books_next_organisation(struct books *b, struct org_id *after, struct organisation *out);
MUST_USE enum status books_service(struct books *b, const struct org_id *id, uint8_t number, struct service *out);
/* The next service behind (organisation, number) of `at`, into it. Begin with all zero. */
MUST_USE enum status books_next_service(struct books *b, struct service *at);
bool standing_speaks(uint8_t standing);                          /* it may be heard: active, or finishing what it has */
int books_registrars(struct books *b, const struct org_id *but); /* in standing, `but` this one; NULL: all */
MUST_USE enum status books_keys_at(struct books *b, const struct org_id *id, uint64_t index, struct keys *out);
MUST_USE enum status books_key_owner(struct books *b, struct bytes public_key, struct org_id *out);
MUST_USE enum status books_entry(struct books *b, uint64_t index, struct bytes *leaf);
MUST_USE enum status books_sequence(struct books *b, const struct org_id *id, uint64_t sequence, struct sequence *out);
void books_last_sequence(struct books *b, const struct org_id *id, struct sequence *out); /* all zero: none yet */
void books_policy(struct books *b, struct policy *out); /* there is one from the genesis on */
/* How many referrals wait for a step of this organisation that is overdue; the earliest of them, in service time. */
uint32_t books_unattended(struct books *b, const struct org_id *org, uint64_t *since_ms);
/* The next row of this organisation's mailbox at or after `from`. */
MUST_USE enum status books_mail(struct books *b, const struct org_id *id, uint64_t from, uint64_t *index);
/* An entry read back from the books as an event. NOT_FOUND with trouble when it is not one (OUR_FAULT), or when the
 * arena has no room for it (NOT_NOW). */
MUST_USE enum status books_event(struct books *b, uint64_t index, struct arena *a, struct leaf *leaf,
                                 struct event *event);
/* merkle_read over TABLE_TREE; context is the books. */
enum status books_tree_read(void *books, uint64_t number, struct hash *out);

void leaf_author(const struct leaf *leaf, struct org_id *out);              /* all zero for the broker's own */
struct party *referral_party(struct referral *r, const struct org_id *org); /* NULL: not one of its parties */
bool referral_present(const struct referral *r, const struct org_id *org);  /* is it the present leg's recipient? */
const char *state_name(enum referral_state s);                              /* "requested" and so on */

struct clock_due {
  uint64_t due_ms; /* service time; 0: no clock runs */
  uint8_t clock;   /* Onward__Clock */
  uint8_t party;   /* whose duty, by number; else PARTY_NONE */
};
struct clock_due clocks_earliest(const struct referral *r);
const struct org_id *clocks_owed_by(const struct referral *r, const struct clock_due *d); /* who should have acted */
/* Whether a clock of this kind waits for something in these states, with these flags; whether this entry begins it
 * anew. Not of the duty to erase, which is a mark of each party: false. */
bool clock_waits(Onward__Clock clock, const struct referral *r);
bool clock_restarts(Onward__Clock clock, const struct event *e, bool new_leg);

/* Which bodies go to `org` with entry `index` (which holds `event`), as the books stand now: at most 2. A file only
 * after `accept`, unless its sender released it at delivery; nothing once the leg is over. */
struct body_name {
  uint64_t index;
  uint8_t slot;
};
size_t ledger_bodies(struct books *b, const struct org_id *org, uint64_t index, const struct event *event,
                     struct body_name out[2]);

/* The entries that come before `event`, one that opens a leg for `org`, so that it understands the leg: their indices
 * in order, each once. 0: it needs none. */
#define CONTEXT_MAX 4
size_t ledger_context(const struct event *event, const struct org_id *org, uint64_t out[CONTEXT_MAX]);

/* --- writing: the only functions that change state. Three callers: the broker's turn, replay, and an agent. A refused
 * entry (verdict other than ACCEPTED) changes no state. --- */

/* For an agent, which sees its own part of the log: referrals, the registry and places, nothing else. Entries come in
 * the log's order, those that a leg_opened names right before it; each once. What a broker that obeys the rules could
 * not have accepted changes nothing; entries of the registry are held against the rules first (registry_verify). */
void ledger_apply(struct books *b, const struct leaf *leaf, const struct event *event);
/* For a keeper of the whole log: appends the entry to log and tree, applies it, fills mailboxes, notes which bodies
 * must exist and drops those that are due, counts sequences. The bodies themselves are put into TABLE_BODIES by the
 * broker. */
void ledger_record(struct books *b, const struct leaf *leaf, struct bytes leaf_bytes, const struct event *event);

#endif
