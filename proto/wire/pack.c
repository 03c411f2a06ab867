/* protobuf-c kept inside an arena: it cannot grow, and nothing is freed alone. A message is trusted only once it packs
 * to the very bytes it came from: that one comparison shuts out unknown fields, repeated singular fields, over-long
 * varints, embedded zeros and written-out defaults. */
#include <string.h>

#include "proto/wire/event.h"

static void *pb_alloc(void *arena, size_t size)
{
  return arena_alloc(arena, size);
}

static void pb_free(void *arena, void *memory)
{
  (void)arena;
  (void)memory;
}

ProtobufCAllocator pb_allocator(struct arena *a)
{
  return (ProtobufCAllocator){pb_alloc, pb_free, a};
}

void *pb_unpack(const ProtobufCMessageDescriptor *type, struct bytes packed, struct arena *a)
{
  static const uint8_t nothing[1];
  ProtobufCAllocator allocator = pb_allocator(a);
  return protobuf_c_message_unpack(type, &allocator, packed.size, packed.data != NULL ? packed.data : nothing);
}

struct bytes pb_pack(const void *message, struct arena *a)
{
  size_t size = protobuf_c_message_get_packed_size(message);
  uint8_t *out = arena_alloc(a, size);
  if (out == NULL)
    return (struct bytes){NULL, 0};
  return bytes_of(out, protobuf_c_message_pack(message, out));
}

static bool all_known(const ProtobufCMessage *message);

static bool field_known(const ProtobufCFieldDescriptor *field, const uint8_t *at)
{
  const ProtobufCMessage *const *one = (const void *)(at + field->offset);
  size_t count = 1;
  if (field->type != PROTOBUF_C_TYPE_MESSAGE)
    return true;
  if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
      *(const uint32_t *)(const void *)(at + field->quantifier_offset) != field->id)
    return true;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    count = *(const size_t *)(const void *)(at + field->quantifier_offset);
    one = *(const ProtobufCMessage *const *const *)(const void *)(at + field->offset);
  }
  for (size_t i = 0; i < count; i++)
    if (one[i] != NULL && !all_known(one[i]))
      return false;
  return true;
}

/* protobuf-c keeps fields that it does not know and packs them again, behind the others. */
static bool all_known(const ProtobufCMessage *message)
{
  bool known = message->n_unknown_fields == 0;
  for (unsigned i = 0; i < message->descriptor->n_fields && known; i++)
    known = field_known(&message->descriptor->fields[i], (const uint8_t *)message);
  return known;
}

bool pb_canonical(const void *message, struct bytes packed, struct arena *a)
{
  if (!all_known(message) || protobuf_c_message_get_packed_size(message) != packed.size)
    return false;
  size_t used = a->used;
  bool same = bytes_equal(pb_pack(message, a), packed);
  a->used = used;
  return same;
}

struct bytes pb_bytes(ProtobufCBinaryData b)
{
  return bytes_of(b.data, b.len);
}

ProtobufCBinaryData pb_data(struct bytes b)
{
  return (ProtobufCBinaryData){b.size, (uint8_t *)(uintptr_t)b.data}; /* protobuf-c has no const; packing only reads */
}

enum status pb_org(ProtobufCBinaryData b, struct org_id *out)
{
  if (b.len > 0 && b.data[b.len - 1] == 0)
    return BAD_INPUT; /* padding has no place in a message */
  return org_id_parse(pb_bytes(b), out);
}

const char *pb_enum_name(const ProtobufCEnumDescriptor *type, int value)
{
  const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
  return found == NULL ? "?" : found->name;
}

void key_id_of(struct bytes point, uint8_t id[KEY_ID_SIZE])
{
  struct hash h = sha256(point);
  memcpy(id, h.byte, KEY_ID_SIZE);
}

void seal_info(const struct hash *network, const struct org_id *sender, const struct org_id *recipient,
               const uint8_t key_id[KEY_ID_SIZE], uint8_t slot, uint8_t out[SEAL_INFO_SIZE])
{
  struct writer w = writer_of(out, SEAL_INFO_SIZE);
  write_text(&w, "onward/v1");
  write_bytes(&w, hash_bytes(network));
  write_bytes(&w, org_id_bytes(sender));
  write_bytes(&w, org_id_bytes(recipient));
  write_bytes(&w, bytes_of(key_id, KEY_ID_SIZE));
  write_u8(&w, slot);
  must(!w.overflow && w.size == SEAL_INFO_SIZE);
}
