/* All messages of the wire: the first byte is the kind. What an agent's or the exchange's own code does with them is
 * behind this; here they must not take more than the arena. */
#include "tests/fuzz/fuzz.h"

#include "proto/wire/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static uint8_t memory[8u << 20];
  static const struct {
    uint8_t kind;
    const ProtobufCMessageDescriptor *type;
  } kinds[] = {
      {FRAME_HELLO, &onward__hello__descriptor},     {FRAME_SUBMIT, &onward__batch__descriptor},
      {FRAME_CREDIT, &onward__credit__descriptor},   {FRAME_ASK, &onward__ask__descriptor},
      {FRAME_WELCOME, &onward__welcome__descriptor}, {FRAME_DELIVERY, &onward__delivery__descriptor},
      {FRAME_ANSWER, &onward__answer__descriptor},   {FRAME_REFUSAL, &onward__refusal__descriptor},
      {FRAME_GOODBYE, &onward__goodbye__descriptor}, {0, &onward__invitation__descriptor},
  };
  struct arena a = arena_of(memory, sizeof memory);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && size > 0; i++)
    if (kinds[i].kind == data[0]) {
      struct bytes body = bytes_of(data + 1, size - 1);
      const ProtobufCMessage *m = pb_unpack(kinds[i].type, body, &a);
      if (m != NULL && pb_canonical(m, body, &a))
        must(bytes_equal(pb_pack(m, &a), body));
    }
  return 0;
}
