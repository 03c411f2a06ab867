/* A made-up network whose keys are known to everybody: whatever a fuzz target invents can be signed by whom it likes,
 * so that it gets past the signatures, to the code behind them. An input is a list of records:
 *
 *   u8 author (below) · u8 marks · u16 size · packed Event
 *
 * The first record is the genesis. What an event answers is named by its index alone: the hash is put right. */
#ifndef ONWARD_FUZZ_EXCHANGE_H
#define ONWARD_FUZZ_EXCHANGE_H

#include "proto/turn.h"
#include "tests/unit/support.h"

enum author { BROKER, REGISTRY_ONE, REGISTRY_TWO, POLICE, APLE, A21, TPO, AUTHORS };
#define EXCHANGE_BODY_SIZE 256 /* of sealed bodies: zeros */

struct record {
  enum author author;
  uint8_t marks;
  struct bytes event;
};
/* False at the end, or where a record is cut. */
bool record_next(struct reader *r, struct record *out);
void record_write(struct writer *w, enum author author, uint8_t marks, struct bytes event);

/* The organisation with its keys, which are always the same. */
const struct member *exchange_member(enum author author);
/* The event with the right hash of the entry that it answers, read; in the arena. BAD_INPUT: it is no event. */
MUST_USE enum status exchange_event(struct books *b, struct bytes packed, struct arena *a, struct event *out);
/* A header over this one event, and its signature. */
void exchange_sign(enum author author, const struct hash *network, uint64_t sequence, uint64_t read_up_to,
                   const struct event *e, uint8_t header[BATCH_HEADER_SIZE], uint8_t signature[ES256_SIGNATURE_SIZE]);
/* Hears it as a batch of its own, signed by its author, if the door lets it in; bodies are zeros. */
#define EXCHANGE_HAS_READ 2 /* mark: the author has read everything so far */
void exchange_hear(struct turn *t, struct key_ring *ring, const struct record *record);

#endif
