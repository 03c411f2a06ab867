/* The proof of one entry in a file: C2SP tlog-proof, version 1.
 *
 *   c2sp.org/tlog-proof@v1 LF
 *   extra SP <the leaf, base64> LF
 *   index SP <decimal, no leading zeros> LF
 *   <hash of the path, base64> LF ...
 *   LF
 *   <checkpoint, as in note.h>
 */
#ifndef ONWARD_PROOF_H
#define ONWARD_PROOF_H

#include "proto/seal/note.h"

#define PROOF_LEAF_MAX 65535
#define PROOF_NOTE_MAX 4096 /* a checkpoint with its cosignatures */
#define PROOF_SIZE_MAX (4 * (PROOF_LEAF_MAX / 3 + 1) + 64 * 45 + 128 + PROOF_NOTE_MAX) /* bytes of the file */

struct log_proof {
  uint64_t index;
  struct bytes leaf; /* borrowed, as is the note */
  size_t path_count;
  struct hash path[MERKLE_PATH_MAX];
  struct bytes note;
};
/* `out` has room for PROOF_SIZE_MAX. */
void proof_write(const struct log_proof *proof, struct writer *out);
/* Form alone; the leaf goes into `leaf`, with room for PROOF_LEAF_MAX. BAD_INPUT: not in this form, or without leaf. */
MUST_USE enum status proof_read(struct bytes text, uint8_t *leaf, struct log_proof *out);
/* The leaf is in the tree of the proof's checkpoint, which the log's key has signed. */
MUST_USE enum status proof_verify(const struct log_proof *proof, const struct note_key *log, struct checkpoint *out);

#endif
