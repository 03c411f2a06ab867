/* An exported folder as books: rows are made out of its files as they are asked for. Nothing in it is believed but the
 * checkpoint, whose signature fits the key that `keys` names; whoever reads rows holds them against its root. A file
 * that cannot be read is trouble, as a damaged page is. */
#include "agents/audit/export.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/ledger/rows.h"

uint8_t *export_file(const char *folder, const char *name, size_t *size, char why[200])
{
  char path[PATH_MAX], words[200];
  struct stat st;
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path || stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
    (void)snprintf(why, 200, "%s: is missing", name);
    return NULL;
  }
  uint8_t *content = malloc((size_t)st.st_size + 1);
  if (content != NULL && file_read(path, content, (size_t)st.st_size, size, words) == OK)
    return content;
  free(content);
  (void)snprintf(why, 200, "%s: cannot be read", name);
  return NULL;
}

/* --- rows --- */

static struct exported *exported_of(struct books *b)
{
  return (struct exported *)((uint8_t *)b - offsetof(struct exported, books));
}

/* The tile, read unless it is the one that was read last at its level. */
static bool tile_keep(struct exported *x, uint32_t level, uint64_t number)
{
  char path[TILE_PATH_SIZE];
  struct tile_kept *kept = &x->tiles[level];
  if (kept->kept && kept->number == number)
    return true;
  size_t width = tile_width(level, number, x->size);
  if (width == 0)
    return false;
  tile_path(level, number, x->size, path);
  free(kept->content);
  kept->number = number;
  kept->content = export_file(x->folder, path, &kept->size, x->trouble);
  kept->kept = kept->content != NULL && (level == TILE_BUNDLES || kept->size == width * sizeof(struct hash));
  if (kept->content != NULL && !kept->kept)
    (void)snprintf(x->trouble, sizeof x->trouble, "%s: has %zu bytes, expected %zu", path, kept->size,
                   width * sizeof(struct hash));
  if (!kept->kept)
    x->books.trouble = OUR_FAULT;
  return kept->kept;
}

/* A hash between two tiles' levels is worked out from those below it. */
static enum status tree_row(struct exported *x, uint64_t stored, struct bytes *value)
{
  uint32_t level;
  uint64_t index;
  struct hash below[TILE_WIDTH];
  tile_of_stored(stored, &level, &index);
  size_t count = (size_t)1 << level % 8;
  uint64_t first = index << level % 8;
  if (level / 8 >= TILE_LEVELS || (index + 1) << level > x->size || !tile_keep(x, level / 8, first / TILE_WIDTH))
    return NOT_FOUND;
  memcpy(below, x->tiles[level / 8].content + first % TILE_WIDTH * sizeof below[0], count * sizeof below[0]);
  x->hash = merkle_root(below, count);
  *value = hash_bytes(&x->hash);
  return OK;
}

static enum status entry_of_bundle(struct exported *x, uint64_t index, struct bytes *value)
{
  if (!tile_keep(x, TILE_BUNDLES, index / TILE_WIDTH))
    return NOT_FOUND;
  const struct tile_kept *bundle = &x->tiles[TILE_BUNDLES];
  struct reader r = reader_of(bytes_of(bundle->content, bundle->size));
  for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
    *value = read_bytes(&r, read_u16(&r));
  return r.underflow ? NOT_FOUND : OK;
}

/* The place of the first listed entry at or behind `index`. */
static size_t listed_from(const struct exported *x, uint64_t index)
{
  size_t low = 0, high = x->entry_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (x->listed[middle].index < index)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static enum status entry_row(struct exported *x, uint64_t index, struct bytes *value)
{
  if (x->scope.holds == HOLDS_EVERYTHING)
    return entry_of_bundle(x, index, value);
  size_t at = listed_from(x, index);
  if (at == x->entry_count || x->listed[at].index != index)
    return NOT_FOUND;
  *value = x->listed[at].leaf;
  return OK;
}

static enum status row_of(struct exported *x, int table, uint64_t number, struct bytes *value)
{
  if (x->books.trouble != OK)
    return NOT_FOUND;
  if (table == TABLE_TREE)
    return number < merkle_stored_count(x->size) ? tree_row(x, number, value) : NOT_FOUND;
  return table == TABLE_ENTRIES && number < x->size ? entry_row(x, number, value) : NOT_FOUND;
}

static enum status exported_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct exported *x = exported_of(b);
  struct reader r = reader_of(key);
  if (table == TABLE_CHECKPOINT && bytes_equal(key, bytes_text("newest"))) {
    *value = bytes_of(x->note, x->note_size);
    return OK;
  }
  uint64_t number = read_u64(&r);
  return reader_done(&r) ? row_of(x, table, number, value) : NOT_FOUND;
}

static enum status exported_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct exported *x = exported_of(b);
  struct reader r = reader_of(from);
  uint64_t number = from.size == 0 ? 0 : read_u64(&r) + (from.size > sizeof x->row);
  if (table == TABLE_ENTRIES && x->scope.holds > HOLDS_HASHES) {
    size_t at = listed_from(x, number);
    number = at < x->entry_count ? x->listed[at].index : UINT64_MAX;
  }
  enum status s = from.size == 0 || !r.underflow ? row_of(x, table, number, value) : NOT_FOUND;
  struct row_key row = key_of_index(number);
  memcpy(x->row, row.data, sizeof x->row);
  *key = BYTES(x->row);
  return s;
}

static void exported_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  (void)b, (void)table, (void)key, (void)value;
  must(false); /* it is only read */
}

static void exported_del(struct books *b, int table, struct bytes key)
{
  (void)b, (void)table, (void)key;
  must(false);
}

/* --- opening --- */

bool exported_is(const char *folder)
{
  static const char *const signs[] = {"checkpoint", "keys", "erasures", "tile"};
  char path[PATH_MAX];
  (void)snprintf(path, sizeof path, "%s/books", folder);
  bool found = false, books = access(path, F_OK) == 0;
  for (size_t i = 0; !books && i < sizeof signs / sizeof signs[0]; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, signs[i]);
    found = found || access(path, F_OK) == 0;
  }
  return found;
}

static bool read_text(struct reader *r, const char *text)
{
  return bytes_equal(read_bytes(r, strlen(text)), bytes_text(text));
}

static struct bytes read_line(struct reader *r)
{
  const uint8_t *end = r->rest.size == 0 ? NULL : memchr(r->rest.data, '\n', r->rest.size);
  struct bytes line = read_bytes(r, end == NULL ? SIZE_MAX : (size_t)(end - r->rest.data));
  read_u8(r);
  return line;
}

static bool scope_read(struct bytes words, struct export_scope *out)
{
  struct reader r = reader_of(words);
  *out = (struct export_scope){.holds = HOLDS_EVERYTHING};
  if (bytes_equal(words, bytes_text("holds everything")))
    return true;
  out->holds = HOLDS_HASHES;
  if (bytes_equal(words, bytes_text("holds hashes")))
    return true;
  if (read_text(&r, "holds mandate ")) {
    char again[40];
    out->holds = HOLDS_MANDATE;
    for (size_t i = 0; i < r.rest.size && i < 20; i++)
      out->mandate = out->mandate * 10 + (uint64_t)(r.rest.data[i] - '0');
    (void)snprintf(again, sizeof again, "holds mandate %" PRIu64, out->mandate);
    return bytes_equal(words, bytes_text(again));
  }
  r = reader_of(words);
  out->holds = HOLDS_ORGANISATION;
  return read_text(&r, "holds organisation ") && org_id_parse(r.rest, &out->organisation) == OK &&
         org_id_text(&out->organisation).size == r.rest.size;
}

/* Its first three lines; the others follow from the log. */
static enum audit_code keys_open(const struct audit_request *q, struct exported *x)
{
  size_t size = 0;
  uint8_t *content = export_file(x->folder, "keys", &size, x->trouble);
  if (content == NULL)
    return audit_tell(q, AUDIT_FAILED, "%s", x->trouble);
  x->keys = bytes_of(content, size);
  struct reader r = reader_of(x->keys);
  if (!read_text(&r, EXPORT_HEADING))
    return audit_tell(q, AUDIT_FAILED, "keys: line 1: expected onward-export/v1");
  if (!scope_read(read_line(&r), &x->scope))
    return audit_tell(q, AUDIT_FAILED, "keys: line 2: expected what the export holds");
  if (!read_text(&r, "log ") || note_key_parse(read_line(&r), &x->log_key) != OK)
    return audit_tell(q, AUDIT_FAILED, "keys: line 3: expected the log's key, name+hash+key (C2SP)");
  if (q->pinned && (strcmp(q->log_key.name, x->log_key.name) != 0 ||
                    memcmp(q->log_key.public_key, x->log_key.public_key, sizeof x->log_key.public_key) != 0))
    return audit_tell(q, AUDIT_FAILED, "keys: line 3: names another key than the one given by --log-key");
  return AUDIT_FINE;
}

static enum audit_code checkpoint_read(const struct audit_request *q, struct exported *x)
{
  struct checkpoint c;
  size_t size = 0;
  uint8_t *content = export_file(x->folder, "checkpoint", &size, x->trouble);
  if (content == NULL)
    return audit_tell(q, AUDIT_FAILED, "%s", x->trouble);
  x->note_size = size <= sizeof x->note ? size : 0;
  memcpy(x->note, content, x->note_size);
  free(content);
  if (checkpoint_open(bytes_of(x->note, x->note_size), &x->log_key, &c) != OK)
    return audit_tell(q, AUDIT_FAILED, "checkpoint: its form or its signature by the log's key is wrong");
  if (c.size == 0 || c.size > EXPORT_SIZE_MAX)
    return audit_tell(q, AUDIT_FAILED, "checkpoint: %" PRIu64 " entries; expected 1 to 2^40", c.size);
  x->size = c.size;
  return AUDIT_FINE;
}

/* The file `entries`: u64 index, u16 size, leaf; ascending. */
static enum audit_code entries_open(const struct audit_request *q, struct exported *x)
{
  size_t size = 0, room = 0;
  uint8_t *content = export_file(x->folder, "entries", &size, x->trouble);
  if (content == NULL)
    return audit_tell(q, AUDIT_FAILED, "%s", x->trouble);
  x->entries = bytes_of(content, size);
  struct reader r = reader_of(x->entries);
  while (r.rest.size > 0) {
    if (x->entry_count == room) {
      room = 2 * room + 256;
      struct export_entry *grown = realloc(x->listed, room * sizeof *grown);
      if (grown == NULL)
        return audit_tell(q, AUDIT_UNREADABLE, "no memory");
      x->listed = grown;
    }
    struct export_entry *e = &x->listed[x->entry_count], *before = x->entry_count == 0 ? NULL : e - 1;
    e->index = read_u64(&r);
    e->leaf = read_bytes(&r, read_u16(&r));
    if (r.underflow || e->index >= x->size || (before != NULL && e->index <= before->index))
      return audit_tell(q, AUDIT_FAILED, "entries: record %zu (entry %" PRIu64 "): its form or place is wrong",
                        x->entry_count + 1, e->index);
    x->entry_count++;
  }
  return AUDIT_FINE;
}

enum audit_code exported_open(const struct audit_request *q, struct exported **out)
{
  struct exported *x = *out = calloc(1, sizeof *x);
  if (x == NULL)
    return audit_tell(q, AUDIT_UNREADABLE, "no memory");
  x->books = (struct books){OK, exported_get, exported_put, exported_del, exported_seek};
  x->folder = q->folder;
  enum audit_code code = keys_open(q, x);
  if (code == AUDIT_FINE)
    code = checkpoint_read(q, x);
  if (code == AUDIT_FINE && x->scope.holds > HOLDS_HASHES)
    code = entries_open(q, x);
  return code;
}

void exported_close(struct exported *x)
{
  if (x == NULL)
    return;
  for (size_t i = 0; i < sizeof x->tiles / sizeof x->tiles[0]; i++)
    free(x->tiles[i].content);
  free((void *)(uintptr_t)x->keys.data);
  free((void *)(uintptr_t)x->entries.data);
  free(x->listed);
  free(x);
}
