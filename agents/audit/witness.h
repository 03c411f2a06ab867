/* Cosignatures that are kept beside a log: the folder `witness` of a data folder or an export, one file for each
 * witness, called by its key's id. In it: the witness's key, LF, the checkpoint, the log's signature line, the
 * witness's. */
#ifndef ONWARD_WITNESS_H
#define ONWARD_WITNESS_H

#include "agents/audit/audit.h"

#define WITNESSES_MAX 15 /* as many lines may stand behind the log's own */
#define WITNESS_FILE_MAX 1024
#define WITNESS_NAME_SIZE 17 /* "witness/1a2b3c4d" */

struct witness {
  struct note_key key;
  struct checkpoint checkpoint; /* that it cosigned */
  uint64_t time_s;
  char name[WITNESS_NAME_SIZE];
  char content[WITNESS_FILE_MAX]; /* of the file */
  size_t size;
  struct bytes note; /* in it */
};
struct witnesses {
  size_t count;
  struct witness list[WITNESSES_MAX]; /* by name */
};
/* Reads all, and verifies them: the log's signature, the witness's, and that this tree of `size` leaves contains the
 * one that was cosigned. AUDIT_FAILED, told: one does not hold. */
enum audit_code witnesses_read(struct audit *a, const struct note_key *log, struct books *tree, uint64_t size,
                               struct witnesses *out);
/* A checkpoint with the lines of those that cosigned just it. `room` bytes are enough for EXPORT_NOTE_MAX. */
struct bytes witnesses_note(const struct witnesses *w, struct bytes note, const struct note_key *log, char *room);
void witnesses_tell(const struct witnesses *w, FILE *out);

#endif
