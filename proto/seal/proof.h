/* A C2SP tlog-proof v1: one file that proves, without the log and without a network, that an entry is in it.
 *
 *   c2sp.org/tlog-proof@v1 LF
 *   extra SP <the leaf, base64> LF
 *   index SP <decimal, no leading zeros> LF
 *   <hash, base64> LF                             for each hash of the inclusion path, from the leaf's neighbour up
 *   LF
 *   <checkpoint: note.h>
 *
 * C2SP leaves to the application what `extra` is. Ours is the leaf itself (frame.h); nothing in it is believed before
 * its hash was found in the tree. A proof without it is not one of ours.
 */
#ifndef ONWARD_PROOF_H
#define ONWARD_PROOF_H

#include "proto/seal/hash.h"
#include "proto/seal/note.h"

#define PROOF_LEAF_MAX 65535 /* bytes: what a leaf can have */
#define PROOF_NOTE_MAX 4096  /* a checkpoint with its cosignatures */
#define PROOF_SIZE_MAX (4 * ((PROOF_LEAF_MAX + 2) / 3) + 45 * MERKLE_PATH_MAX + PROOF_NOTE_MAX + 100)

struct log_proof {
  struct bytes leaf; /* borrowed: of whoever writes; in reading, of the memory that was given for it */
  uint64_t index;
  size_t path_count;
  struct hash path[MERKLE_PATH_MAX];
  struct bytes note; /* borrowed: of whoever writes; in reading, of the file. With all its cosignatures */
};

void proof_write(const struct log_proof *p, struct writer *out); /* PROOF_SIZE_MAX is room enough */
/* Its form, strictly: one proof has one form. BAD_INPUT: `why` then says in English which line is wrong. */
MUST_USE enum status proof_read(struct bytes file, uint8_t leaf[PROOF_LEAF_MAX], struct log_proof *out,
                                const char **why);
/* Whether it proves that the leaf is entry `index` of the log of that key. `out`: the checkpoint. BAD_INPUT: `why`
 * then says what does not hold. The caller compares `index` with what the leaf itself says. */
MUST_USE enum status proof_verify(const struct log_proof *p, const struct note_key *key, struct checkpoint *out,
                                  const char **why);

#endif
