/* A case leaves this computer for good: brief, file and notes are taken out of the books, the books are written anew
 * without what stood there before (deleted rows stay in their file otherwise), and only then the receipt is signed.
 *
 * What it cannot reach is the people's to look through: their own files, papers, backups.
 */
#ifndef ONWARD_ERASE_H
#define ONWARD_ERASE_H

#include "agents/agent.h"

/* Transactions of its own. NOT_NOW: the copies are out of the books, but there was no room to write them anew: nothing
 * is signed, and the same again goes on from there. */
MUST_USE enum status erase_case(struct agent *a, const struct ref_id *id);
/* Goes on with what was begun and not finished. Also at the start: it may have been killed in between. */
MUST_USE enum status erase_finish(struct agent *a);
/* Takes the copies out of the books, in the caller's transaction. False: there were none. */
bool erase_copies(struct agent *a, struct books *b, const struct ref_id *id);
uint64_t erase_last_ms(struct books *b); /* when it last took some out: older backups hold them; 0: never */

#endif
