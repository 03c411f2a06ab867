/* Who is in the network: the registry's entries, applied to our own books one after another. Each names the one before
 * it, so none can be withheld; nothing is sealed for, or believed of, anybody before the chain is known up to the
 * newest entry named.
 */
#ifndef ONWARD_DIRECTORY_H
#define ONWARD_DIRECTORY_H

#include "agents/evidence.h"

/* Empty books begin with the invitation's first entry. BAD_INPUT: the books are another network's. */
MUST_USE enum status directory_begin(struct books *b, struct bytes genesis_leaf, const struct hash *network,
                                     struct arena *a);
uint64_t directory_known(struct books *b); /* index of the newest entry of the chain that we have */

uint64_t directory_index(struct books *b); /* of the newest entry that we have, of the chain or about places */

/* The entries of an Answer, proved and applied in order. BAD_INPUT: accused. NOT_NOW: the arena is full. `changed`: how
 * many of the chain were new. */
MUST_USE enum status directory_take(struct evidence *e, struct books *b, const Onward__Answer *answer, struct arena *a,
                                    size_t *changed);

/* What an organisation was enrolled with, with the telephone and hours that hold now. NULL: not enrolled. Lives in the
 * arena. */
const Onward__Request *directory_request(struct books *b, const struct organisation *o, struct arena *a);
/* The public description of a service. NULL: the books are in trouble. Lives in the arena. */
const Onward__SetService *directory_service(struct books *b, const struct service *s, struct arena *a);

/* Makes the directory what it was when the log had entries up to `index`: in a transaction that must not be
 * committed. */
void directory_as_of(struct books *b, uint64_t index, struct arena *a);
#define ORGANISATION_NAME_SIZE 121
void directory_name(struct books *b, const struct org_id *id, struct arena *a, char name[ORGANISATION_NAME_SIZE]);

#endif
