/* Rows of the agent's own tables: structures' own bytes, as in the contract's. */
#include "agents/tables.h"

#include <string.h>

_Static_assert(sizeof(struct marks) == 88, "no padding");
_Static_assert(sizeof(struct item) == 312, "no padding");

const char *const *tables_names(void)
{
  static const char *const own[TABLES_AGENT - TABLES_CONTRACT] = {
      "marks",       "events",    "queue",      "flight", "items",  "refs",          "own",
      "history",     "reseals",   "open",       "alarms", "papers", "unattended-at", "told",
      "places-said", "questions", "agreements", "paths",  "notes",  "lost"};
  static const char *names[TABLES_AGENT];
  for (int i = 0; i < TABLES_AGENT; i++)
    names[i] = i < TABLES_CONTRACT ? table_names[i] : own[i - TABLES_CONTRACT];
  return names;
}

static struct bytes marks_key(void)
{
  return bytes_text("marks");
}

static enum status read_row(struct books *b, int table, struct bytes key, void *out, size_t size)
{
  struct bytes value;
  if (b->get(b, table, key, &value) != OK)
    return NOT_FOUND;
  if (value.size != size) { /* not written by us: the books are damaged */
    b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  memcpy(out, value.data, size);
  return OK;
}

void marks_get(struct books *b, struct marks *out)
{
  if (read_row(b, TABLE_MARKS, marks_key(), out, sizeof *out) != OK)
    *out = (struct marks){.next_number = 1};
}

void marks_put(struct books *b, const struct marks *m)
{
  b->put(b, TABLE_MARKS, marks_key(), bytes_of(m, sizeof *m));
}

enum status item_get(struct books *b, const struct ref_id *id, struct item *out)
{
  enum status s = read_row(b, TABLE_ITEMS, BYTES(id->byte), out, sizeof *out);
  if (s != OK)
    *out = (struct item){.id = *id};
  return s;
}

void item_put(struct books *b, const struct item *i)
{
  b->put(b, TABLE_ITEMS, BYTES(i->id.byte), bytes_of(i, sizeof *i));
}

void item_give_up(struct books *b, struct item *i)
{
  i->draft = 0;
  if (i->ref[0] != 0)
    b->del(b, TABLE_REFS, bytes_of(i->ref, strnlen(i->ref, sizeof i->ref)));
}

struct walk walk_start(int table, struct bytes prefix)
{
  struct walk w = {.table = table, .prefix = row_key_start(), .at = row_key_start()};
  if (prefix.size > 0) {
    row_key_bytes(&w.prefix, prefix);
    row_key_bytes(&w.at, prefix);
  }
  return w;
}

bool walk_next(struct walk *w, struct books *b)
{
  if (b->seek(b, w->table, row_key(&w->at), &w->key, &w->value) != OK)
    return false;
  if (w->key.size < w->prefix.size || memcmp(w->key.data, w->prefix.data, w->prefix.size) != 0)
    return false;
  w->at = row_key_start();
  row_key_bytes(&w->at, w->key);
  row_key_u8(&w->at, 0); /* the least key behind this one */
  return true;
}

void books_need_room(struct books *b, uint64_t events_max)
{
  struct marks m;
  struct row_key probe = key_of_body(UINT64_MAX, UINT8_MAX);
  b->put(b, TABLE_BODIES, row_key(&probe), (struct bytes){NULL, 0});
  b->del(b, TABLE_BODIES, row_key(&probe));
  marks_get(b, &m);
  if (b->trouble == OK && m.waiting >= events_max)
    b->trouble = NOT_NOW;
}

struct row_key key_of_ref(const struct ref_id *id)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, BYTES(id->byte));
  return k;
}

uint64_t key_number(struct bytes key, size_t offset)
{
  must(key.size >= offset + 8);
  struct reader r = reader_of(bytes_of(key.data + offset, 8));
  return read_u64(&r);
}
