/* A log, as an auditor gets it: each entry u16 size, then the leaf. Read until the first that breaks the contract. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/replay.h"
#include "tests/unit/memory.h"

static uint8_t memory[4u << 20];
static struct key_ring ring;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct reader r = reader_of(bytes_of(data, size));
  struct memory_books m;
  struct replay replay;
  struct complaint why;
  enum status s = OK;
  memory_init(&m);
  replay_init(&replay, &m.books, &a, &ring);
  while (s == OK && r.rest.size > 0) {
    struct bytes leaf = read_bytes(&r, read_u16(&r));
    s = r.underflow ? BAD_INPUT : replay_entry(&replay, leaf, &why);
  }
  must(s == OK || s == BAD_INPUT); /* never a fault of ours */
  if (s == OK)
    s = replay_end(&replay, &why);
  must(m.books.trouble == OK);
  memory_fini(&m);
  return 0;
}
