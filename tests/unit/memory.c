/* Rows in one sorted array; found by halving. */
#include "tests/unit/memory.h"

#include <stdlib.h>
#include <string.h>

struct memory_row {
  int table;
  bool shown;     /* slices of it are out */
  uint8_t *block; /* key, then value: exactly as long */
  size_t key_size, value_size;
};

static struct bytes key_of(const struct memory_row *r)
{
  return bytes_of(r->block, r->key_size);
}

static struct bytes value_of(const struct memory_row *r)
{
  return bytes_of(r->block + r->key_size, r->value_size);
}

static int compare(const struct memory_row *r, int table, struct bytes key)
{
  if (r->table != table)
    return r->table < table ? -1 : 1;
  size_t least = r->key_size < key.size ? r->key_size : key.size;
  int order = least == 0 ? 0 : memcmp(r->block, key.data, least);
  return order != 0 ? order : r->key_size < key.size ? -1 : r->key_size > key.size;
}

/* The first row that is not before this key. */
static size_t place_of(const struct memory_books *m, int table, struct bytes key)
{
  size_t low = 0, high = m->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(&m->rows[middle], table, key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_at(const struct memory_books *m, size_t place, int table, struct bytes key)
{
  return place < m->count && compare(&m->rows[place], table, key) == 0;
}

static uint8_t *block_of(struct bytes key, struct bytes value)
{
  uint8_t *block = malloc(key.size + value.size + (key.size + value.size == 0));
  must(block != NULL);
  if (key.size > 0)
    memcpy(block, key.data, key.size);
  if (value.size > 0)
    memcpy(block + key.size, value.data, value.size);
  return block;
}

/* Whoever still holds a slice holds freed memory. Not before the write itself was done: it may be given such a slice.
 */
static void move_shown(struct memory_books *m)
{
  for (size_t i = 0; i < m->count; i++)
    if (m->rows[i].shown) {
      uint8_t *moved = block_of(key_of(&m->rows[i]), value_of(&m->rows[i]));
      free(m->rows[i].block);
      m->rows[i].block = moved;
      m->rows[i].shown = false;
    }
}

static enum status memory_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct memory_books *m = (struct memory_books *)b;
  size_t place = place_of(m, table, key);
  if (b->trouble != OK || !is_at(m, place, table, key))
    return NOT_FOUND;
  m->rows[place].shown = true;
  *value = value_of(&m->rows[place]);
  return OK;
}

static void memory_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  struct memory_books *m = (struct memory_books *)b;
  if (b->trouble != OK)
    return;
  uint8_t *block = block_of(key, value), *old = NULL;
  size_t place = place_of(m, table, key);
  if (is_at(m, place, table, key)) {
    old = m->rows[place].block;
  } else {
    if (m->count == m->capacity) {
      m->capacity = m->capacity == 0 ? 64 : 2 * m->capacity;
      m->rows = realloc(m->rows, m->capacity * sizeof m->rows[0]);
      must(m->rows != NULL);
    }
    memmove(&m->rows[place + 1], &m->rows[place], (m->count++ - place) * sizeof m->rows[0]);
  }
  m->rows[place] = (struct memory_row){table, false, block, key.size, value.size};
  free(old);
  move_shown(m);
}

static void memory_del(struct books *b, int table, struct bytes key)
{
  struct memory_books *m = (struct memory_books *)b;
  size_t place = place_of(m, table, key);
  if (b->trouble != OK || !is_at(m, place, table, key))
    return;
  uint8_t *old = m->rows[place].block;
  memmove(&m->rows[place], &m->rows[place + 1], (--m->count - place) * sizeof m->rows[0]);
  free(old);
  move_shown(m);
}

static enum status memory_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct memory_books *m = (struct memory_books *)b;
  size_t place = place_of(m, table, from);
  if (b->trouble != OK || place == m->count || m->rows[place].table != table)
    return NOT_FOUND;
  m->rows[place].shown = true;
  *key = key_of(&m->rows[place]);
  *value = value_of(&m->rows[place]);
  return OK;
}

void memory_init(struct memory_books *m)
{
  *m = (struct memory_books){.books = {OK, memory_get, memory_put, memory_del, memory_seek}};
}

void memory_fini(struct memory_books *m)
{
  for (size_t i = 0; i < m->count; i++)
    free(m->rows[i].block);
  free(m->rows);
}
