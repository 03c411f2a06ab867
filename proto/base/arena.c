/* A bump allocator over the caller's memory. It fails by answering NULL, never by growing. */
#include "proto/base/arena.h"

#include <string.h>

struct arena arena_of(void *memory, size_t size)
{
  return (struct arena){memory, size, 0, 0};
}

void *arena_alloc(struct arena *a, size_t size)
{
  size_t start = (a->used + 15) & ~(size_t)15;
  if (start > a->size || size > a->size - start)
    return NULL;
  a->used = start + size;
  if (a->used > a->reached)
    a->reached = a->used;
  return a->memory + start;
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
  void *to = arena_alloc(a, b.size);
  if (to == NULL || b.size == 0)
    return (struct bytes){NULL, 0};
  memcpy(to, b.data, b.size);
  return bytes_of(to, b.size);
}

void arena_reset(struct arena *a)
{
  a->used = 0;
}

void arena_wipe(struct arena *a)
{
  volatile uint8_t *p = a->memory; /* volatile, so that the compiler may not leave the writes out */
  for (size_t i = 0; i < a->reached; i++)
    p[i] = 0;
  a->used = a->reached = 0;
}
