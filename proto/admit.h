/* The door of the log: bytes in, verified events out. What is refused here leaves no trace in the log.
 * Position-independent work (reading, hashing, verifying) is apart from what depends on where in the log the batch
 * arrives.
 */
#ifndef ONWARD_ADMIT_H
#define ONWARD_ADMIT_H

#include "proto/ledger/ledger.h"

/* Why something was not heard: what a Refusal says. */
struct refusal {
  Onward__RefusalReason reason;
  uint32_t event; /* from 1; 0: the whole */
  struct complaint why;
};

struct batch { /* lives in the arena it was read with */
  struct batch_header header;
  struct bytes header_bytes;
  struct bytes signature;
  size_t count;
  struct event *events;      /* count */
  struct merkle_batch *tree; /* of the events' hashes */
  struct bytes *bodies;      /* the sealed bodies, in the order of events and slots */
  size_t body_count;
  bool verified; /* its signature fits the key `verified_by`; false: not tried, or it does not */
  uint8_t verified_by[ES256_PUBLIC_SIZE];
};

/* That this key signed this batch header. */
struct claim {
  uint8_t header[BATCH_HEADER_SIZE];
  uint8_t signature[ES256_SIGNATURE_SIZE];
  uint8_t point[ES256_PUBLIC_SIZE];
};

/* Parsed public keys, kept: parsing costs more than verifying. Owned by whoever made it; not shared between threads. */
#define KEY_RING_SIZE 1024
struct key_ring {
  /* Where not NULL it is asked in place of verifying here. Whoever says "yes" before it knows has to undo, once it
   * knows better, all that followed (an audit, which then says that the log fails). */
  bool (*ask)(void *context, const struct claim *claim);
  void *context;
  struct claim fitted; /* the last that held: the events of one batch are verified once */
  struct key_slot {
    uint8_t point[ES256_PUBLIC_SIZE];
    struct es256_public *key;
  } slots[KEY_RING_SIZE];
};
struct es256_public *key_ring_get(struct key_ring *ring, const uint8_t point[ES256_PUBLIC_SIZE]); /* NULL: not a key */
void key_ring_fini(struct key_ring *ring);
/* What is said of an entry whose claim does not hold. */
#define CLAIM_BROKEN "the signature does not fit the author's key at this index"
bool claim_holds(struct key_ring *ring, const struct claim *claim); /* verifies it here and now */

/* Reads a Batch message and its sealed frame: form, root, sizes and hashes of bodies, every event. Nothing of the
 * books. BAD_INPUT with the refusal; NOT_NOW: arena too small; of `out` only the header may be used then. */
MUST_USE enum status batch_read(struct bytes body, struct bytes sealed, struct arena *a, struct refusal *why,
                                struct batch *out);
/* Notes whether the signature fits this key, the one that the author's is believed to be: verifying needs no books, so
 * it can be done early and elsewhere. */
void batch_verify(struct key_ring *ring, struct batch *batch, const uint8_t point[ES256_PUBLIC_SIZE]);
/* Whether the batch may enter the log now: network, standing, signature by the key that is valid here, sequence,
 * read_up_to. OK: hear it. NOT_FOUND: this very batch is in the log already: nothing to do. BAD_INPUT: refused. */
MUST_USE enum status batch_admit(struct books *b, struct key_ring *ring, const struct batch *batch,
                                 struct refusal *why);

/* An entry that is read back, by whoever reads: signature by the key valid at its index, path to the batch's root, form
 * of the event; for the broker's own entries the form alone, for they are proved by the tree. The books need only know
 * the registry up to the entry's own `registry`. BAD_INPUT with a complaint. `event` lives in the arena. */
MUST_USE enum status leaf_verify(struct books *b, struct key_ring *ring, const struct leaf *leaf, struct arena *a,
                                 struct complaint *why, struct event *event);

/* The same without the signature, for whoever has no books: `header` is set where an organisation wrote it. */
MUST_USE enum status leaf_form(const struct leaf *leaf, struct arena *a, struct complaint *why, struct event *event,
                               struct batch_header *header);

/* An accepted entry of the registry chain, judged again by a party that keeps the chain and not the whole log: its
 * author was in standing and could do it; a replacement of keys was asked for, not stopped, and is due. BAD_INPUT with
 * a complaint. */
MUST_USE enum status registry_verify(struct books *b, const struct leaf *leaf, const struct event *event,
                                     struct arena *a, struct complaint *why);

/* What a registrar signed, of this network, with the key valid at `index`. BAD_INPUT with a complaint. */
MUST_USE enum status restore_signed(struct books *b, uint64_t index, const Onward__Restored *restored, struct arena *a,
                                    struct complaint *why, const Onward__Restore **out);
/* A log that goes on from a backup: the statement is of this network, names a later epoch and this very index, and is
 * signed by a registrar in standing with the key valid there. BAD_INPUT with a complaint. `out`, in the arena: what was
 * signed; its root is to be compared by whoever has the tree. */
MUST_USE enum status restored_verify(struct books *b, uint64_t index, const Onward__Restored *restored, struct arena *a,
                                     struct complaint *why, const Onward__Restore **out);

/* The registrars' requests in a genesis hold. BAD_INPUT with a complaint. */
MUST_USE enum status genesis_verify(const Onward__Genesis *g, struct arena *a, struct complaint *why);

#endif
