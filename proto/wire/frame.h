/* What stands outside protobuf: the head frame, the batch header, the leaf. Fixed layouts, big-endian.
 *
 * A message is exactly three frames. head: u8 version, u8 kind. body: a message of proto/onward.proto. sealed: bytes.
 */
#ifndef ONWARD_FRAME_H
#define ONWARD_FRAME_H

#include "proto/base/base.h"
#include "proto/seal/hash.h"
#include "proto/seal/sign.h"
#include "proto/wire/limits.h"

enum frame_kind {
  FRAME_HELLO = 1, /* agent to broker */
  FRAME_SUBMIT = 2,
  FRAME_CREDIT = 3,
  FRAME_ASK = 4,
  FRAME_WELCOME = 65, /* broker to agent */
  FRAME_DELIVERY = 66,
  FRAME_ANSWER = 67,
  FRAME_REFUSAL = 68,
  FRAME_GOODBYE = 69,
};

#define HEAD_SIZE 2
void head_write(enum frame_kind kind, uint8_t head[HEAD_SIZE]);
/* BAD_INPUT: not two bytes, or another version; `version` is then what was found (0 when there was none). */
MUST_USE enum status head_read(struct bytes frame, uint8_t *version, enum frame_kind *kind);

/* The signed unit: one header and one signature for 1 to 256 events. Layout: network[32], organisation[16], sequence
 * u64, read_up_to u64, count u16, zero[14], root[32]. */
#define BATCH_HEADER_SIZE 112
#define BATCH_TYPE "application/vnd.onward.batch.v1"     /* DSSE payload type of a batch header */
#define REQUEST_TYPE "application/vnd.onward.request.v1" /* DSSE payload type of a packed Request */
#define RESTORE_TYPE "application/vnd.onward.restore.v1" /* of a packed Restore */

struct batch_header {
  struct hash network;        /* SHA-256 of the genesis leaf */
  struct org_id organisation; /* the author */
  uint64_t sequence;          /* from 1, no gaps; used up by logging only */
  uint64_t read_up_to;        /* the author has stored its mailbox durably up to and with this log index; 0: nothing */
  uint16_t count;             /* events, 1 to 256 */
  struct hash root;           /* RFC 6962 root over the packed events */
};
void batch_header_write(const struct batch_header *h, uint8_t out[BATCH_HEADER_SIZE]);
MUST_USE enum status batch_header_read(struct bytes in, struct batch_header *out); /* BAD_INPUT: any deviation */

/* An entry of the log. Layout: a fixed header of 32 bytes, then the signed bytes as received:
 *
 *   u8 version (1) · u8 origin · u16 verdict · u16 event size · u8 position in the batch · u8 path count ·
 *   u64 index · u64 time in ms · u64 registry
 *   event[event size] · if origin = ORIGIN_ORGANISATION: batch header[112] · signature[64] · path[32 x path count]
 *
 * `registry` is the index of the newest registry entry before this one (0: the genesis), so that registry entries form
 * a chain and none can be withheld. */
#define LEAF_HEADER_SIZE 32
enum leaf_origin { ORIGIN_BROKER = 0, ORIGIN_ORGANISATION = 1 };

struct leaf { /* a view: all slices point into the bytes that were read */
  enum leaf_origin origin;
  uint16_t verdict; /* Onward__Verdict */
  uint8_t position; /* of the event in its batch, from 0 */
  uint64_t index;
  uint64_t time_ms;
  uint64_t registry;
  struct bytes event;
  struct bytes header; /* the three are empty for the broker's own */
  struct bytes signature;
  struct bytes path;
};
size_t leaf_size(const struct leaf *l);
void leaf_write(const struct leaf *l, struct writer *out);
/* BAD_INPUT: version, origin, lengths. Proofs are not looked at: see admit.h. */
MUST_USE enum status leaf_read(struct bytes in, struct leaf *out);
/* The fixed header alone, and a leaf put together again from it and the author's own kept bytes. */
MUST_USE enum status leaf_header_read(struct bytes in, struct leaf *out);
struct hash leaf_hash(struct bytes leaf); /* merkle_leaf of it */

#endif
