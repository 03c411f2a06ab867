/* The exchange was restored from a backup: its log goes on in a new epoch, signed for by a registrar, and may lack what
 * this computer has seen. (docs/spec/1-log.md, section 6a; docs/spec/3-wire.md, [WIRE-40])
 *
 * Nothing of that is believed by itself. A person is asked once; both heads are kept; then our books forget what the
 * log has no more, read on from it, and what we had said is said again (again.h).
 */
#ifndef ONWARD_RESTORED_H
#define ONWARD_RESTORED_H

#include "agents/agent.h"

/* What a welcome says of it. True: there is something to be done before anything is taken from the exchange, and it was
 * done: a person is asked, or, where one has agreed, our books were set to where it continues, in a transaction of its
 * own, with a new hello; or it does not prove what it says, and is accused. False: no new epoch, or one that continues
 * all that we know. */
bool restored_comes_first(struct agent *a, const Onward__Welcome *w);

/* What a person is asked. False: nothing. */
struct restored_question {
  uint32_t epoch;
  struct org_id registrar; /* who signed */
  uint64_t continues_at;   /* entries that the restored log has of what we have seen */
  uint64_t seen;           /* that we have seen */
  uint64_t time_ms;        /* when it was restored */
};
bool restored_asks(struct agent *a, struct books *b, struct restored_question *out);
void restored_agree(struct books *b, const struct restored_question *q); /* a person has said yes to that */

/* The referral of this item is not in the restored log: who had sent it. False: it is there, or nobody can tell. */
bool restored_lost_sender(struct agent *a, struct books *b, const struct item *item, struct org_id *out);

#endif
