/* Bytes to event. What is accepted packs to the same bytes; what is refused is complained of in plain ASCII, and leaves
 * the arena as it was. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/wire/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static uint8_t memory[256 * 1024];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes packed = bytes_of(data, size), again;
  struct complaint why = {{0}};
  struct event e;
  if (event_read(packed, &a, &why, &e) != OK) {
    must(a.used == 0 && why.text[0] != 0);
    for (const char *c = why.text; *c != 0; c++)
      must(*c >= 0x20 && *c < 0x7f);
    return 0;
  }
  must(event_pack(e.core, e.outer->sealed, e.outer->n_sealed, &a, &again) == OK && bytes_equal(packed, again));
  must(act_family(e.act) != ACT_UNKNOWN && strcmp(act_name(e.act), "?") != 0);
  return 0;
}
