/* Books that were set back: they came from a backup, or a copy of them is running. (docs/spec/3-wire.md, WIRE-33) */
#ifndef ONWARD_SET_BACK_H
#define ONWARD_SET_BACK_H

#include "agents/agent.h"

/* Is the exchange ahead of what we remember having signed? BAD_INPUT: accused, it cannot prove what it says. */
MUST_USE enum status set_back_is(struct agent *a, struct books *b, const Onward__Welcome *w, bool *ahead);
/* Goes on behind that sequence, once our own entries were read again. */
void set_back_adopt(struct books *b, uint64_t sequence);

#endif
