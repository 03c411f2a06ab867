/* The file by which an organisation joins. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/papers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  static const struct keys nobody;
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint why;
  struct network n;
  if (paper_invitation_read(bytes_of(data, size), NULL, &a, &why, &n) == OK)
    must(memchr(n.address, 0, sizeof n.address) != NULL && n.checkpoint.size > 0);
  arena_reset(&a);
  must(paper_invitation_read(bytes_of(data, size), &nobody, &a, &why, &n) != OK);
  return 0;
}
