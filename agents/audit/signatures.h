/* The signatures of a log, verified beside its replay: the replay takes each for good and goes on; what is found out
 * later, on another processor, is asked for before a verdict is told. */
#ifndef ONWARD_AUDIT_SIGNATURES_H
#define ONWARD_AUDIT_SIGNATURES_H

#include "proto/admit.h"

struct signatures; /* owned by whoever opened it */

/* How many processors this process may use. */
unsigned signatures_processors(void);
/* `threads` verify beside the caller's, who helps when they fall behind: 0 is enough, and less than asked is no error.
 * NULL: no memory. */
struct signatures *signatures_open(unsigned threads);
void signatures_close(struct signatures *s);
/* For key_ring.ask, with the signatures as context: always "yes", for now. The claim is one of entry `index`: it is set
 * before, and never goes back. */
bool signatures_ask(void *signatures, const struct claim *claim);
void signatures_index(struct signatures *s, uint64_t index);
/* The smallest index whose claim is known not to hold; UINT64_MAX: none. After `signatures_wait`, which waits until all
 * are verified, it is the smallest of all. */
uint64_t signatures_failed(struct signatures *s);
void signatures_wait(struct signatures *s);

#endif
