/* Makes our own events: the core, the parts sealed for their readers, packed and checked with the very check of the
 * exchange. Also asks the contract what it would say, before anything is queued.
 */
#ifndef ONWARD_COMPOSE_H
#define ONWARD_COMPOSE_H

#include "agents/vault.h"
#include "proto/rules/rules.h"

struct part {
  struct org_id to;
  Onward__Part part;
  Onward__Release release;
  struct bytes content; /* packed message of case.proto, in the clear */
};

struct composed { /* lives in the arena */
  struct event event;
  struct bytes bodies; /* sealed, end to end, in the order of slots */
};

/* A core with a new nonce. `id` may be NULL: acts on the registry. Lives in the arena. NULL: the arena is full. */
Onward__Core *core_new(const struct ref_id *id, struct arena *a);
/* Answers the newest entry of the present leg that we know. NOT_FOUND: none is known. */
MUST_USE enum status core_answer(struct books *b, const struct referral *r, Onward__Core *core, struct arena *a);
struct ref_id ref_id_new(uint64_t now_ms);

/* NOT_FOUND: an organisation is not in the directory. BAD_INPUT: too much for one event; `why` says what. */
MUST_USE enum status compose(struct books *b, const struct self *self, const Onward__Core *core,
                             const struct part *parts, size_t count, struct arena *a, struct complaint *why,
                             struct composed *out);

/* What the rules say of it over our own books, as if our acts that are still on their way had been accepted. Writes
 * into the books: the caller aborts the transaction. */
Onward__Verdict judge(struct books *b, const struct self *self, const struct event *e, uint64_t now_ms,
                      struct arena *a);

#endif
