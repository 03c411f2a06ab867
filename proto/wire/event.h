/* An event as the parties see it: bytes in, a checked structure out. Whatever is wrong is named by field, so that
 * whoever wrote the sending program can mend it. The same check runs in an agent before it signs.
 *
 * Events live in an arena; nothing is freed alone.
 */
#ifndef ONWARD_EVENT_H
#define ONWARD_EVENT_H

#include "proto/base/arena.h"
#include "proto/onward.pb-c.h"
#include "proto/wire/frame.h"

typedef Onward__Core__ActCase act_kind; /* ONWARD__CORE__ACT_SUBMIT and so on: the field numbers of Core.act */

struct event {
  struct bytes bytes; /* packed, as signed */
  struct bytes core_bytes;
  const Onward__Event *outer;
  const Onward__Core *core;
  act_kind act;
  struct ref_id referral; /* all zero for acts on the registry and on the log */
  uint64_t answers_index; /* 0: none */
  struct hash answers_hash;
};

/* What was wrong: a field and what was expected, plain ASCII, never a value. */
struct complaint {
  char text[121];
};

/* Fills `why`, cut at its end; as an expression it is BAD_INPUT. */
void complaint_write(struct complaint *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define complain(why, ...) (complaint_write((why), __VA_ARGS__), (enum status)BAD_INPUT)

/* Parses and checks everything that can be checked without the books: form, limits, ids, codes, exactly one act,
 * canonical bytes. BAD_INPUT with a complaint. NOT_NOW: the arena is too small. */
MUST_USE enum status event_read(struct bytes packed, struct arena *a, struct complaint *why, struct event *out);
/* The same of bytes that were read so before they were stored: all but the canonical form is checked again, since a
 * disk may have changed them, and what a row lacks must not be followed. */
MUST_USE enum status event_read_stored(struct bytes packed, struct arena *a, struct complaint *why, struct event *out);
/* Packs an Event around a packed core. NOT_NOW: the arena is too small. BAD_INPUT: over EVENT_SIZE_MAX. */
MUST_USE enum status event_pack(const Onward__Core *core, Onward__Sealed *const *sealed, size_t sealed_count,
                                struct arena *a, struct bytes *out);

/* A checked Request: form, limits, keys of the right size, signed by its own signing key. */
MUST_USE enum status request_read(struct bytes packed, struct bytes signature, struct arena *a, struct complaint *why,
                                  const Onward__Request **out);

/* A checked Restore: form and limits; whether it fits a log, and who signed it, is restored_verify's. */
MUST_USE enum status restore_read(struct bytes packed, struct arena *a, struct complaint *why,
                                  const Onward__Restore **out);

uint32_t restored_epoch(const Onward__Restored *restored); /* of a checked one: the epoch that begins with it */

/* A message of this act in which nothing is set yet. NULL: the arena is too small. */
void *act_new(act_kind act, struct arena *a);
const char *act_name(act_kind act); /* the field's name, such as "submit"; "?" for an unknown one */
enum act_family { ACT_ON_REFERRAL, ACT_ON_REGISTRY, ACT_ON_PLACES, ACT_OF_BROKER, ACT_UNKNOWN };
enum act_family act_family(act_kind act);
bool act_is_about_time(act_kind act); /* resumed, clock doubted, clock confirmed, purged, restored */
bool act_is_about_referral(act_kind act);
uint64_t act_absent_ms(const Onward__Core *core); /* of one of these */
bool act_is_registry(
    act_kind act); /* the acts whose entries form the registry chain, accepted ones only; genesis too */

/* Small conversions that everybody needs. */
struct bytes pb_bytes(ProtobufCBinaryData b);
ProtobufCBinaryData pb_data(struct bytes b);
MUST_USE enum status pb_org(ProtobufCBinaryData b, struct org_id *out);
ProtobufCAllocator pb_allocator(struct arena *a); /* frees are no-ops */
void *pb_unpack(const ProtobufCMessageDescriptor *type, struct bytes packed,
                struct arena *a);                           /* NULL: malformed or full */
struct bytes pb_pack(const void *message, struct arena *a); /* empty when the arena is full */
bool pb_canonical(const void *message, struct bytes packed, struct arena *a);
const char *pb_enum_name(const ProtobufCEnumDescriptor *type, int value); /* "?" for an unknown one */
void key_id_of(struct bytes point, uint8_t id[KEY_ID_SIZE]);

/* HPKE info of a sealed body: "onward/v1", network[32], sender[16], recipient[16], key id[8], slot u8. */
#define SEAL_INFO_SIZE 82
void seal_info(const struct hash *network, const struct org_id *sender, const struct org_id *recipient,
               const uint8_t key_id[KEY_ID_SIZE], uint8_t slot, uint8_t out[SEAL_INFO_SIZE]);

#endif
