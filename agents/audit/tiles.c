/* Names and contents of tiles. A path is read by writing the one that it must be, and comparing. */
#include "agents/audit/tiles.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t tile_width(uint32_t level, uint64_t number, uint64_t size)
{
  uint64_t hashes = level == TILE_BUNDLES ? size : size >> 8 * level;
  if (number >= UINT64_MAX / TILE_WIDTH || number * TILE_WIDTH >= hashes)
    return 0;
  uint64_t left = hashes - number * TILE_WIDTH;
  return left < TILE_WIDTH ? (size_t)left : TILE_WIDTH;
}

void tile_path(uint32_t level, uint64_t number, uint64_t size, char out[TILE_PATH_SIZE])
{
  size_t width = tile_width(level, number, size), at;
  uint64_t above = 1; /* of the three digits that are written next */
  must(width > 0);
  int wrote = level == TILE_BUNDLES ? snprintf(out, TILE_PATH_SIZE, "tile/entries")
                                    : snprintf(out, TILE_PATH_SIZE, "tile/%" PRIu32, level);
  at = (size_t)wrote;
  while (number / above >= 1000)
    above *= 1000;
  for (; above > 0; above /= 1000)
    at += (size_t)snprintf(out + at, TILE_PATH_SIZE - at, above > 1 ? "/x%03d" : "/%03d", (int)(number / above % 1000));
  if (width < TILE_WIDTH)
    at += (size_t)snprintf(out + at, TILE_PATH_SIZE - at, ".p/%zu", width);
  must(at < TILE_PATH_SIZE);
}

bool tile_of_path(const char *path, uint64_t size, uint32_t *level, uint64_t *number)
{
  char right[TILE_PATH_SIZE];
  bool bundle = strncmp(path, "tile/entries/", 13) == 0;
  if (!bundle && (strncmp(path, "tile/", 5) != 0 || path[5] < '0' || path[5] >= '0' + TILE_LEVELS || path[6] != '/'))
    return false;
  *level = bundle ? TILE_BUNDLES : (uint32_t)(path[5] - '0');
  *number = 0;
  for (const char *p = path + (bundle ? 13 : 7); *p != 0 && *p != '.' && *number < UINT64_MAX / 1000; p++)
    if (*p >= '0' && *p <= '9')
      *number = *number * 10 + (uint64_t)(*p - '0');
  if (tile_width(*level, *number, size) == 0)
    return false;
  tile_path(*level, *number, size, right);
  return strcmp(path, right) == 0;
}

enum status tile_read(uint32_t level, uint64_t number, uint64_t size, merkle_read read, void *context,
                      struct hash out[TILE_WIDTH])
{
  size_t width = tile_width(level, number, size);
  for (size_t i = 0; i < width; i++) {
    enum status s = read(context, merkle_stored_number(8 * level, number * TILE_WIDTH + i), &out[i]);
    if (s != OK)
      return s;
  }
  return OK;
}

void tile_of_stored(uint64_t stored, uint32_t *level, uint64_t *index)
{
  uint64_t low = 0, high = stored; /* the leaf that brought it: each brings at least itself */
  while (low < high) {
    uint64_t middle = low + (high - low + 1) / 2;
    if (merkle_stored_count(middle) <= stored)
      low = middle;
    else
      high = middle - 1;
  }
  *level = (uint32_t)(stored - merkle_stored_count(low));
  *index = low >> *level;
}
