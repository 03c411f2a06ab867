/* `replay`: every table that is a function of the log is rebuilt from the entries alone, and laid beside the stored
 * one, row by row in the order of their keys. Of an earlier state nothing is stored to compare it with. */
#include <inttypes.h>
#include <string.h>

#include "agents/audit/export.h"

struct comparison {
  uint64_t rows;      /* that are in both, and equal */
  struct hash digest; /* over all rebuilt rows so far, see digest_row */
  bool differs;
  char first[3 * WORDS_SIZE]; /* the first difference of this table, in words */
};

/* digest = SHA-256(digest, u8 table, u16 key size, key, u32 row size, row), from 32 zeros on: what two auditors
 * compare. */
static void digest_row(struct hash *digest, int table, struct bytes key, struct bytes value)
{
  uint8_t sizes[7];
  struct writer w = writer_of(sizes, sizeof sizes);
  write_u8(&w, (uint8_t)table);
  write_u16(&w, (uint16_t)key.size);
  write_u32(&w, (uint32_t)value.size);
  const struct bytes parts[] = {hash_bytes(digest), bytes_of(sizes, 3), key, bytes_of(sizes + 3, 4), value};
  *digest = sha256_of(parts, 5);
}

static void note_difference(struct comparison *c, int table, struct bytes key, const char *what)
{
  char words[WORDS_SIZE], hex[2 * 64 + 1];
  if (c->differs)
    return;
  c->differs = true;
  hex_encode(bytes_of(key.data, key.size < 64 ? key.size : 64), hex);
  words_key(table, key, words);
  (void)snprintf(c->first, sizeof c->first, "key %s (%s): %s", hex, words, what);
}

static void note_row(struct comparison *c, int table, struct bytes key, struct bytes stored, struct bytes rebuilt)
{
  char what[WORDS_SIZE];
  size_t at = 0;
  while (at < stored.size && at < rebuilt.size && stored.data[at] == rebuilt.data[at])
    at++;
  const char *field = words_field(table, at);
  if (stored.size != rebuilt.size)
    (void)snprintf(what, sizeof what, "stored are %zu bytes, rebuilt %zu", stored.size, rebuilt.size);
  else
    (void)snprintf(what, sizeof what, "%s%sbyte %zu is 0x%02x as stored, 0x%02x as rebuilt", field == NULL ? "" : field,
                   field == NULL ? "" : ": ", at, stored.data[at], rebuilt.data[at]);
  note_difference(c, table, key, what);
}

static int key_order(struct bytes a, struct bytes b)
{
  size_t size = a.size < b.size ? a.size : b.size;
  int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Both tables are walked in step: whichever key comes first is missing on the other side. */
static void table_compare(struct audit *a, struct rebuild *r, int table, struct comparison *c)
{
  /* an export has no tables of its own: there is nothing to compare, only the digest to tell */
  struct walk stored = walk_of(a->exported == NULL ? a->books : r->books, table), rebuilt = walk_of(r->books, table);
  struct bytes stored_key, stored_row, key, row;
  bool left = walk_next(&stored, &stored_key, &stored_row), right = walk_next(&rebuilt, &key, &row);
  while (left || right) {
    int order = !left ? 1 : !right ? -1 : key_order(stored_key, key);
    if (right && order >= 0)
      digest_row(&c->digest, table, key, row);
    if (order < 0)
      note_difference(c, table, stored_key, "is stored, but the log does not lead to it");
    else if (order > 0)
      note_difference(c, table, key, "the log leads to it, but it is not stored");
    else if (!bytes_equal(stored_row, row))
      note_row(c, table, key, stored_row, row);
    else
      c->rows++;
    if (order <= 0)
      left = walk_next(&stored, &stored_key, &stored_row);
    if (order >= 0)
      right = walk_next(&rebuilt, &key, &row);
  }
}

static void tell_equal(const struct audit *a, const struct rebuild *r, uint64_t rows, const struct hash *digest)
{
  char hex[2 * sizeof digest->byte + 1];
  hex_encode(hash_bytes(digest), hex);
  if (a->request->json)
    fprintf(a->request->out, "{\"tables\":{\"rows\":%" PRIu64 ",\"entries\":%" PRIu64 ",\"digest\":\"%s\"}}\n", rows,
            r->size, hex);
  else
    fprintf(a->request->out, "%-14s %8" PRIu64 " rows, rebuilt from %" PRIu64 " entries\n%-14s %s\n", "all", rows,
            r->size, "digest", hex);
}

static enum audit_code tables_compare(struct audit *a, struct rebuild *r)
{
  struct comparison c = {0};
  uint64_t rows = 0;
  int first_table = -1;
  char first[sizeof c.first];
  for (int table = 0; table < TABLES_DERIVED; table++) {
    c.rows = 0;
    c.differs = false;
    table_compare(a, r, table, &c);
    rows += c.rows;
    if (!a->request->json)
      fprintf(a->request->out, "%-14s %8" PRIu64 " rows%s\n", table_names[table], c.rows,
              a->exported != NULL ? ""
              : c.differs         ? " equal, BUT NOT ALL"
                                  : " equal");
    if (c.differs && first_table < 0) {
      first_table = table;
      memcpy(first, c.first, sizeof first);
    }
  }
  enum audit_code code = audit_trouble(a);
  if (code != AUDIT_FINE)
    return code;
  if (first_table >= 0)
    return audit_tell(a->request, AUDIT_FAILED, "table %s, %s", table_names[first_table], first);
  tell_equal(a, r, rows, &c.digest);
  return AUDIT_FINE;
}

enum audit_code audit_replay(const struct audit_request *q)
{
  struct audit a;
  struct rebuild r = {0};
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE && audit_partial(&a))
    code = audit_tell(q, AUDIT_USAGE, "has not every entry: nothing can be replayed");
  if (code == AUDIT_FINE)
    code = rebuild_run(&a, NULL, &r);
  if (code == AUDIT_FINE && !q->at)
    code = tables_compare(&a, &r);
  if (code == AUDIT_FINE && (q->at || q->json || q->referral != NULL))
    code = state_print(&a, &r);
  rebuild_close(&r);
  audit_close(&a);
  return code;
}
