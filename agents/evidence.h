/* Trusts nothing that the exchange says without proof. Keeps the newest checkpoint; every later one must be signed by
 * the log key and consistent with it; every entry must be in the tree of the newest, and be what its author signed,
 * with the key that our own books give for its index. The first thing that does not hold is the accusation: nothing is
 * taken after it.
 *
 * C2SP tlog-checkpoint, RFC 6962 section 2.1.
 */
#ifndef ONWARD_EVIDENCE_H
#define ONWARD_EVIDENCE_H

#include "agents/alarm.h"
#include "agents/genesis_path.h"
#include "proto/admit.h"
#include "proto/seal/note.h"

struct evidence {
  struct note_key log_key;
  struct hash network;
  struct checkpoint newest;
  size_t note_size;
  char note[NOTE_SIZE_MAX];    /* of the newest, as signed */
  struct genesis_path genesis; /* path of entry 0 to the newest; for invitations */
  bool behind_another;         /* `way` is that of an entry of the same message */
  struct merkle_way way;
  struct key_ring *ring;   /* borrowed */
  struct bytes leaf, path; /* of the entry that is looked at: borrowed from its message */
  /* the accusation: borrowed from the message, and recorded before that is gone */
  enum alarm_kind accused;
  struct alarm_proof offered;
};

/* Begins with what the books keep, or else with `first`. OUR_FAULT: the kept checkpoint is not one. */
MUST_USE enum status evidence_init(struct evidence *e, struct books *b, struct key_ring *ring,
                                   const struct hash *network, const struct note_key *log_key, struct bytes first);
/* The newest checkpoint is now this one, if it holds (`proof`: n x 32 bytes, from the one before). BAD_INPUT: accused.
 */
MUST_USE enum status evidence_checkpoint(struct evidence *e, struct bytes note, struct bytes proof);
/* The same log goes on in a new epoch, from before what we know: the newest checkpoint is now this one, and the path of
 * entry 0 is that. All of it was verified by the caller. */
void evidence_begin_epoch(struct evidence *e, const struct checkpoint *c, struct bytes note, struct bytes genesis_path);
void evidence_keep(const struct evidence *e, struct books *b); /* into the books */
/* The next leaf is the first one of a message: its path is whole. That of each later one is told below the place where
 * it meets the one before (merkle_climb). */
void evidence_begin(struct evidence *e);
/* A whole leaf and its path to the newest checkpoint. BAD_INPUT: accused. */
MUST_USE enum status evidence_leaf(struct evidence *e, struct bytes leaf_bytes, struct bytes path, struct leaf *out);
/* Its event, after its author's signature, by the key valid at its index. The registry must be known up to
 * leaf->registry. BAD_INPUT: accused. NOT_NOW: the arena is full. */
MUST_USE enum status evidence_event(struct evidence *e, struct books *b, const struct leaf *leaf, struct arena *a,
                                    struct event *out);
/* Whether a path fits, without accusing anybody: to find out which of our own events an entry is. */
bool evidence_fits(const struct evidence *e, struct bytes leaf_bytes, uint64_t index, struct bytes path);
/* Which entry is looked at now, whole, and its path: whoever accuses is understood to mean that one. */
void evidence_about(struct evidence *e, struct bytes leaf_bytes, struct bytes path);
/* Accuses of a checkpoint that was offered, and of the proof that came with it. Always BAD_INPUT. */
enum status evidence_accuse_note(struct evidence *e, enum alarm_kind kind, struct bytes note, struct bytes proof);
/* Accuses. Always BAD_INPUT. */
enum status evidence_accuse(struct evidence *e, enum alarm_kind kind);
/* Writes the accusation into the books; nothing when there is none. */
void evidence_record(struct evidence *e, struct books *b, uint64_t now_ms);

#endif
