/* What may happen: one table says who may do what from where; nothing else in the project knows it. The documentation's
 * table is printed from it (docs/spec/table.md), and a test compares the two.
 */
#ifndef ONWARD_RULES_H
#define ONWARD_RULES_H

#include "proto/ledger/ledger.h"

enum actor { ACTOR_SENDER, ACTOR_RECIPIENT, ACTOR_ANYONE, ACTOR_BROKER };

#define IN(state) (1u << STATE_##state)
#define OPEN_STATES (IN(RECEIVED) | IN(ACKNOWLEDGED))
#define HELD_STATES (IN(WAITLISTED) | IN(ACCEPTED))
#define LIVE_STATES (IN(REQUESTED) | OPEN_STATES | HELD_STATES | IN(IN_PROGRESS))

/* The author is always told. DUTY: all those who must erase the case, as it stands after the act. */
enum told { TELL_NOBODY = 0, TELL_SENDER = 1, TELL_RECIPIENT = 2, TELL_DUTY = 4 };
/* What an act may seal: nothing; a brief and perhaps a file for each recipient; the same again for one party; one brief
 * for the target; at most one note for the other side. */
enum sealed_rule { SEALS_NOTHING, SEALS_CASE, SEALS_AGAIN, SEALS_TARGET, SEALS_NOTE };

/* One row: the first that fits act, actor, state and flags decides. */
struct rule {
  act_kind act;
  enum actor actor;
  uint32_t from;         /* states, as a set */
  uint32_t variants;     /* of the act's reason, as a set; 0: whichever */
  uint8_t with, without; /* flags that must, and must not, be up */
  uint8_t to;            /* state; STATE_NONE: the same */
  uint8_t sets, clears;  /* flags */
  uint8_t told;
  uint8_t seals;
  bool built; /* false: reserved, answered NOT_YET_SUPPORTED */
};
extern const struct rule rules[];
extern const size_t rules_count;

/* Where and when an event is judged. */
struct occasion {
  struct books *books;
  struct arena *arena;
  struct org_id author; /* verified */
  uint64_t index;       /* that its entry will have */
  uint64_t time_ms;     /* of the turn */
};

/* Pure: reads the books, changes nothing. */
Onward__Verdict rules_decide(const struct occasion *o, const struct event *e);
/* The row that an accepted event took, for ledger_apply: the state is that before it. NULL: none (a bug). */
const struct rule *rules_row(const struct event *e, enum actor actor, enum referral_state state, uint8_t flags);

/* What the broker itself must write next, before anything else: a consequence of the last entry (a referral between two
 * legs), or a clock that is due at `time_ms`. Fills `core` (all but its nonce), which lives in the arena; false:
 * nothing. */
bool rules_consequence(struct books *b, const struct event *last, uint64_t time_ms, struct arena *a,
                       Onward__Core *core);
bool rules_due(struct books *b, uint64_t time_ms, struct arena *a, Onward__Core *core);

/* To whom a case may go, and until when. Slices of the event that it came from. */
struct consent {
  const ProtobufCBinaryData *scope; /* organisations */
  size_t scope_count;
  uint64_t until_ms; /* 0: no end */
};
struct consent consent_of_submit(const Onward__Submit *s);
/* The one that holds now. NOT_FOUND: the books have no such event (they are in trouble then). */
MUST_USE enum status consent_now(struct books *b, const struct referral *r, struct arena *a, struct consent *out);
bool consent_covers(const struct consent *c, const struct org_id *org);
bool consent_over(const struct consent *c, uint64_t time_ms);

/* Why this organisation cannot be given any case now; SKIPPED_NONE when it can. */
Onward__SkippedReason rules_unable(struct books *b, const struct org_id *org, uint64_t time_ms);
/* Why it cannot be given this one. For senders too, before they seal. */
Onward__SkippedReason rules_skip(struct books *b, const struct org_id *org, const struct consent *consent,
                                 uint64_t time_ms);
const Onward__Policy *policy_proposed(void); /* for a new network; static */
const char *verdict_text(Onward__Verdict v); /* what was wrong and what to do, for people */

#endif
