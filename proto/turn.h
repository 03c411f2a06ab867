/* A turn: everything that one commit will hold. Each turn first writes the clocks that are due, then what was heard;
 * behind each entry come its consequences. Pure over the books: the caller begins and commits the transaction.
 */
#ifndef ONWARD_TURN_H
#define ONWARD_TURN_H

#include "proto/admit.h"
#include "proto/rules/rules.h"

#define TURN_ARENA_SIZE (4 * 1048576) /* bytes: always enough for one event and all that follows from it */

struct turn {
  struct books *books;
  struct arena *arena; /* TURN_ARENA_SIZE for this turn's judging alone: never what foreign messages left of another */
  uint64_t time_ms;    /* log time: max(clock, last + 1) */
  enum status (*random)(void *out, size_t size);
};

/* What the first entry of a turn is about: the time, or the books themselves. */
struct turn_about {
  act_kind act;                     /* RESUMED, CLOCK_DOUBTED, CLOCK_CONFIRMED, PURGED, RESTORED; 0: there is none */
  uint64_t absent_ms;               /* that counts for nobody, cut to what there was; of RESTORED all there was */
  uint64_t freed_bytes;             /* PURGED */
  const Onward__Restored *restored; /* RESTORED: but for the time, checked by the caller (restored_verify) */
};

/* Begins a turn over books whose log is not empty, and writes what is due (at most 256 entries). */
void turn_begin(struct turn *t, struct books *b, struct arena *a, uint64_t clock_ms);
/* The same, behind such an entry. */
void turn_begin_about(struct turn *t, struct books *b, struct arena *a, uint64_t clock_ms,
                      const struct turn_about *about);
/* Writes event number `position` of an admitted batch with its verdict, and its consequences. Returns the verdict;
 * trouble is in the books. */
Onward__Verdict turn_hear(struct turn *t, const struct batch *batch, size_t position);
/* Entry 0 of a new log. BAD_INPUT: a registrar's request does not hold. */
MUST_USE enum status turn_genesis(struct books *b, struct arena *a, uint64_t clock_ms, const Onward__Genesis *genesis,
                                  struct complaint *why);

#endif
