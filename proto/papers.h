/* The two files of joining. A request says who asks and with which keys; an invitation says which network answered, and
 * proves that the enrolment is in its log. Both are text: base64 of a protobuf message between BEGIN and END lines, so
 * that they can be mailed: what stands before and behind, and how lines end, does not matter.
 *
 *   -----BEGIN ONWARD REQUEST-----      packed Request || signature[64]
 *   -----BEGIN ONWARD INVITATION-----   packed Invitation
 */
#ifndef ONWARD_PAPERS_H
#define ONWARD_PAPERS_H

#include "proto/ledger/ledger.h"
#include "proto/seal/note.h"

#define PAPER_TEXT_MAX 24576           /* bytes, with the final zero */
#define PAPER_ARENA_SIZE (1024 * 1024) /* bytes: an arena of this size is always enough */

/* Packs and signs the request: every field is filled, and `sign` belongs to the signing key in it. BAD_INPUT: something
 * in it does not fit its limits. `text` ends with a zero. */
MUST_USE enum status paper_request_write(struct es256_secret *sign, const Onward__Request *request, struct arena *a,
                                         char *text, size_t capacity);
/* BAD_INPUT with what was wrong. `packed` and `signature` live in the arena. */
MUST_USE enum status paper_request_read(struct bytes text, struct arena *a, struct complaint *why, struct bytes *packed,
                                        struct bytes *signature, const Onward__Request **out);
/* Six words over the organisation and its three keys: read out by telephone before a registrar enrols. */
void paper_request_words(const Onward__Request *request, char words[SIX_WORDS_SIZE]);

MUST_USE enum status paper_invitation_write(const Onward__Invitation *invitation, struct arena *a, char *text,
                                            size_t capacity);

/* A restored log before it goes on: the operator's request to a registrar (`signature` and `organisation` empty), and
 * the same signed.
 *
 *   -----BEGIN ONWARD RESTORE-----      packed Restored
 */
MUST_USE enum status paper_restore_write(const Onward__Restored *restored, struct arena *a, char *text,
                                         size_t capacity);
/* BAD_INPUT with what was wrong. The statement inside is in its form (restore_read); who signed it, and whether it fits
 * a log, is for restored_verify. */
MUST_USE enum status paper_restore_read(struct bytes text, struct arena *a, struct complaint *why,
                                        Onward__Restored **out);

/* A network as an invitation describes it, checked: the genesis leaf and the enrolment are in the tree of the
 * checkpoint, which the log key of the genesis signed; the enrolment (or the genesis) holds exactly `keys`' own public
 * keys. */
struct network {
  struct hash id;
  struct org_id organisation;
  char address[121];
  uint8_t link_key[32];
  struct note_key log_key;
  char origin[NOTE_NAME_MAX + 1]; /* the log's name, without the epoch */
  char words[SIX_WORDS_SIZE];     /* of the network's id: compared by telephone */
  struct bytes genesis_leaf;      /* in the arena */
  struct checkpoint checkpoint;
  struct bytes checkpoint_note;
};
/* `own` may be NULL: then whose keys are enrolled is not compared (an auditor), and `organisation` is all zero where
 * the invitation is a registrar's. BAD_INPUT with what was wrong; NOT_NOW: the arena is full. */
MUST_USE enum status paper_invitation_read(struct bytes text, const struct keys *own, struct arena *a,
                                           struct complaint *why, struct network *out);

#endif
