/* Each block carries its size in front, so that all of it can be overwritten when it is freed. */
#include "agents/json_wipe.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/seal/sign.h"

#define FRONT_SIZE sizeof(max_align_t)

void *wiped_alloc(size_t size)
{
  if (size > SIZE_MAX - FRONT_SIZE)
    return NULL;
  size_t *front = malloc(FRONT_SIZE + size);
  if (front == NULL)
    return NULL;
  *front = size;
  return (char *)front + FRONT_SIZE;
}

void wiped_free(void *memory)
{
  if (memory == NULL)
    return;
  size_t *front = (size_t *)(void *)((char *)memory - FRONT_SIZE);
  wipe(memory, *front);
  free(front);
}

void json_wipe_install(void)
{
  json_set_alloc_funcs(wiped_alloc, wiped_free);
}
