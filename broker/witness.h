/* Cosignatures of witnesses, which the operator adds: files beside the books, so that nobody writes into these but who
 * serves. Their form is docs/spec/6-export.md, section 6. */
#ifndef ONWARD_WITNESS_FILES_H
#define ONWARD_WITNESS_FILES_H

#include "broker/journal.h"

#define WITNESS_FOLDER "witness"

/* Keeps what the witness with this key has cosigned, if it holds: the log's signature and the witness's, a tree that
 * the log contains, and nothing older than what is kept. Answers NULL, or what is wrong; `path` is the file. */
const char *witness_keep(struct journal *j, const char *folder, struct bytes note, const char *vkey, char path[400]);
void witness_print(const char *folder); /* a line for each that is kept */

#endif
