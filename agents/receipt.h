/* That an entry is in the log can be shown to anybody, without the exchange: of each entry of the mailbox, and of each
 * that the directory ended with once, the path is kept, and the signed checkpoint that it leads to, as it was proved
 * when it came.
 */
#ifndef ONWARD_RECEIPT_H
#define ONWARD_RECEIPT_H

#include "agents/evidence.h"
#include "proto/seal/proof.h"

/* `path`: n x 32 bytes, whole, to the newest checkpoint, as evidence_leaf has just found it good. */
void receipt_keep(struct books *b, const struct evidence *e, uint64_t index, struct bytes path);
bool receipt_has(struct books *b, uint64_t index);
/* Slices of the books. NOT_FOUND: no path was kept, or the entry is not there now. OUR_FAULT: a row is not in its form.
 */
MUST_USE enum status receipt_get(struct books *b, uint64_t index, struct log_proof *out);
/* The first entry at or behind `index` of which a path is kept. UINT64_MAX: none. */
uint64_t receipt_next(struct books *b, uint64_t index);
/* The same as the text of a file, with a final zero, in the arena. NULL: as receipt_get, or the arena is full. */
const char *receipt_text(struct books *b, uint64_t index, struct arena *a);

#endif
