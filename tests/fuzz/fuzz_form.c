/* The case form. First byte: which part, and (from 128 on) in which direction: JSON from people and scripts to bytes,
 * or what was opened from a sealed body to JSON. */
#include "tests/fuzz/fuzz.h"

#include "agents/form.h"

static uint8_t memory[4u << 20];

static const ProtobufCMessageDescriptor *type_of(uint8_t byte)
{
  const ProtobufCMessageDescriptor *const types[] = {&onward__brief__descriptor, &onward__file__descriptor,
                                                     &onward__note__descriptor};
  return types[byte % 3];
}

/* What was taken can be shown and taken again; from then on it stays the same (an object of empty fields alone is
 * none). */
static void try_json(const ProtobufCMessageDescriptor *type, struct bytes text)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct form_error error;
  struct bytes packed, repacked;
  uint32_t schema;
  json_t *object = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(object)) {
    enum status complete = form_complete(object, NULL, &error);
    must(complete == OK || complete == BAD_INPUT);
    if (form_pack(type, "part", object, &a, &error, &packed) == OK) {
      json_t *shown = form_unpack(type, packed, &a, &schema);
      must(shown != NULL && form_pack(type, "part", shown, &a, &error, &packed) == OK);
      json_t *again = form_unpack(type, packed, &a, &schema);
      must(again != NULL && form_pack(type, "part", again, &a, &error, &repacked) == OK);
      must(bytes_equal(packed, repacked));
      json_decref(shown);
      json_decref(again);
    }
  }
  json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct arena a = arena_of(memory, sizeof memory);
  uint32_t schema;
  if (size == 0)
    return 0;
  struct bytes rest = bytes_of(data + 1, size - 1);
  if (data[0] < 128)
    try_json(type_of(data[0]), rest);
  else
    json_decref(form_unpack(type_of(data[0]), rest, &a, &schema));
  return 0;
}
