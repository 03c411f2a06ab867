/* A row of the entries or the tree is there once it was put, and not before, whatever the stored books hold behind it.
 */
#include "agents/audit/overlay.h"

#include <string.h>

#include "proto/ledger/rows.h"

static struct overlay *overlay_of(struct books *b)
{
  return (struct overlay *)b;
}

static bool grows(int table)
{
  return table == TABLE_ENTRIES || table == TABLE_TREE;
}

/* Its rows may be read from the stored books. */
static bool shared(const struct overlay *o, int table)
{
  return o->stored != NULL && grows(table);
}

static void trouble_move(struct overlay *o)
{
  o->books.trouble = o->scratch->trouble != OK || o->stored == NULL ? o->scratch->trouble : o->stored->trouble;
}

static bool is_there(const struct overlay *o, int table, struct bytes key)
{
  struct reader r = reader_of(key);
  return read_u64(&r) < o->grown[table] && reader_done(&r);
}

static enum status overlay_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct overlay *o = overlay_of(b);
  enum status s = NOT_FOUND;
  if (!shared(o, table) || o->differs)
    s = o->scratch->get(o->scratch, table, key, value);
  if (s != OK && shared(o, table) && is_there(o, table, key))
    s = o->stored->get(o->stored, table, key, value);
  trouble_move(o);
  return s;
}

static void overlay_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  struct overlay *o = overlay_of(b);
  struct bytes row;
  bool same = shared(o, table) && o->stored->get(o->stored, table, key, &row) == OK && bytes_equal(row, value);
  if (!same)
    o->scratch->put(o->scratch, table, key, value);
  if (grows(table)) {
    o->differs |= !same;
    o->grown[table]++;
  }
  trouble_move(o);
}

static void overlay_del(struct books *b, int table, struct bytes key)
{
  struct overlay *o = overlay_of(b);
  struct bytes row;
  must(!grows(table));
  if (o->erased != NULL && table == TABLE_HELD && o->scratch->get(o->scratch, table, key, &row) == OK) {
    struct reader reader = reader_of(key);
    uint64_t index = read_u64(&reader);
    o->erased(o->context, index, read_u8(&reader), o->grown[TABLE_ENTRIES] - 1);
  }
  o->scratch->del(o->scratch, table, key);
  trouble_move(o);
}

/* The next stored row that is there, if a key that was put is one. */
static enum status stored_seek(struct overlay *o, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  uint8_t next[sizeof(uint64_t)] = {0}; /* keys that were put are numbers: the first at or behind `from` */
  memcpy(next, from.data, from.size < sizeof next ? from.size : sizeof next);
  struct reader r = reader_of(BYTES(next));
  uint64_t number = read_u64(&r) + (from.size > sizeof next);
  struct row_key k = key_of_index(number);
  if (number >= o->grown[table] || o->stored->get(o->stored, table, row_key(&k), value) != OK)
    return NOT_FOUND;
  return o->stored->seek(o->stored, table, row_key(&k), key, value);
}

static enum status overlay_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct overlay *o = overlay_of(b);
  struct bytes other_key, other_value;
  enum status s = NOT_FOUND;
  if (!shared(o, table) || o->differs)
    s = o->scratch->seek(o->scratch, table, from, key, value);
  if (shared(o, table) && stored_seek(o, table, from, &other_key, &other_value) == OK &&
      (s != OK || memcmp(other_key.data, key->data, sizeof(uint64_t)) < 0)) {
    *key = other_key;
    *value = other_value;
    s = OK;
  }
  trouble_move(o);
  return s;
}

void overlay_init(struct overlay *o, struct books *stored, struct books *scratch)
{
  *o = (struct overlay){
      .books = {OK, overlay_get, overlay_put, overlay_del, overlay_seek}, .stored = stored, .scratch = scratch};
}
