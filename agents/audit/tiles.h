/* The tiles of C2SP tlog-tiles: which there are for a log of `size` entries, and what they are called. Tile `number` of
 * level L holds, for up to 256 consecutive subtrees of 256^L entries, their hashes; a bundle holds 256 entries. What is
 * not full is partial, and is called by its width; an empty one does not exist. */
#ifndef ONWARD_TILES_H
#define ONWARD_TILES_H

#include "proto/seal/hash.h"

#define TILE_WIDTH 256
#define TILE_SIZE_MAX (TILE_WIDTH * sizeof(struct hash))
#define TILE_LEVELS 8
#define TILE_BUNDLES TILE_LEVELS /* in place of a level: bundles of entries */
#define TILE_PATH_SIZE 64

size_t tile_width(uint32_t level, uint64_t number, uint64_t size); /* 0: there is no such tile */
/* "tile/0/x001/x234/067", "tile/entries/000.p/5"; of a tile that exists. */
void tile_path(uint32_t level, uint64_t number, uint64_t size, char out[TILE_PATH_SIZE]);
/* The tile that has just this path in a log of that size. False: there is none. */
bool tile_of_path(const char *path, uint64_t size, uint32_t *level, uint64_t *number);

/* The hashes of a tile, out of the stored ones. Those that `read` answers but OK are passed on. */
MUST_USE enum status tile_read(uint32_t level, uint64_t number, uint64_t size, merkle_read read, void *context,
                               struct hash out[TILE_WIDTH]);
/* Which complete subtree a stored number stands for: the other way round than merkle_stored_number. */
void tile_of_stored(uint64_t stored, uint32_t *level, uint64_t *index);

#endif
