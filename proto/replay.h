/* Log in, state out: replays entries one after another over books that begin empty, and holds each against the
 * contract. */
#ifndef ONWARD_REPLAY_H
#define ONWARD_REPLAY_H

#include "proto/turn.h"

struct replay {
  struct books *books;
  struct arena *arena; /* used for one entry at a time */
  struct key_ring *ring;
  struct event last;         /* act and referral of the entry before: it may owe a consequence */
  struct batch_header batch; /* whose events are being read */
  uint32_t batch_left;       /* events of it that must still come */
  uint32_t due_count;        /* clocks written at this turn's beginning; UINT32_MAX: its beginning is over */
};

void replay_init(struct replay *r, struct books *books, struct arena *arena, struct key_ring *ring);
/* Takes the next entry. BAD_INPUT: the entry breaks the contract; `why` says how (form, order, time, registry chain,
 * signature, path, sequence, verdict, a consequence left out or made up). */
MUST_USE enum status replay_entry(struct replay *r, struct bytes leaf, struct complaint *why);
/* After the last entry: nothing may be owed. */
MUST_USE enum status replay_end(struct replay *r, struct complaint *why);

#endif
