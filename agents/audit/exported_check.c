/* The files of an export: first whether each is there and has its size, and no other; then, once the log is rebuilt
 * from the entries, whether they say what follows from it. Where entries are missing on purpose, the tiles are held
 * against each other and the checkpoint, and the entries that are there against the tiles. */
#include "agents/audit/export.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum audit_code file_failed(struct audit *a, const char *path, const char *what)
{
  return audit_tell(a->request, AUDIT_FAILED, "%s: %s", path, what);
}

/* The stored hash of an entry is not the one that these bytes have. */
static bool leaf_differs(struct audit *a, uint64_t index, struct bytes leaf)
{
  struct hash stored, hash = leaf_hash(leaf);
  return books_tree_read(a->books, merkle_stored_number(0, index), &stored) != OK || !hash_equal(&hash, &stored);
}

/* Read at all, it has its size. */
static enum audit_code check_tile(struct audit *a, uint32_t level, uint64_t number)
{
  struct hash first;
  if (books_tree_read(a->books, merkle_stored_number(8 * level, number * TILE_WIDTH), &first) == OK)
    return AUDIT_FINE;
  return audit_tell(a->request, AUDIT_FAILED, "%s", a->exported->trouble);
}

/* Each hash of a tile is that of a full tile of the level below. */
static bool level_fits(struct audit *a, uint32_t level, char why[200])
{
  struct hash below[TILE_WIDTH], hash;
  char path[TILE_PATH_SIZE], path_above[TILE_PATH_SIZE];
  uint64_t size = a->exported->size;
  for (uint64_t n = 0; n < size >> 8 * level; n++) {
    bool read = tile_read(level - 1, n, size, books_tree_read, a->books, below) == OK &&
                books_tree_read(a->books, merkle_stored_number(8 * level, n), &hash) == OK;
    struct hash right = merkle_root(below, read ? TILE_WIDTH : 0);
    if (read && hash_equal(&right, &hash))
      continue;
    tile_path(level - 1, n, size, path);
    tile_path(level, n / TILE_WIDTH, size, path_above);
    (void)snprintf(why, 200, "%s: does not fit %s", path, path_above);
    return false;
  }
  return true;
}

bool exported_tiles_fit(struct audit *a, char why[200])
{
  struct exported *x = a->exported;
  struct checkpoint c;
  struct hash root;
  char path[TILE_PATH_SIZE];
  for (uint32_t level = 1; level < TILE_LEVELS; level++)
    if (!level_fits(a, level, why))
      return false;
  must(checkpoint_open(bytes_of(x->note, x->note_size), &x->log_key, &c) == OK); /* as when it was opened */
  if (merkle_tree_root(c.size, books_tree_read, a->books, &root) == OK && hash_equal(&root, &c.root))
    return true;
  tile_path(0, (c.size - 1) / TILE_WIDTH, c.size, path);
  (void)snprintf(why, 200, "%s, or a partial tile above it: does not lead to the checkpoint's root", path);
  return false;
}

/* `sure`: the tiles lead to the signed root, so an entry that is not theirs is wrong itself. Otherwise that shows only
 * once the tree is rebuilt. */
static enum audit_code check_bundle(struct audit *a, uint64_t number, const char *path, bool sure)
{
  struct exported *x = a->exported;
  size_t size = 0, width = tile_width(TILE_BUNDLES, number, x->size), sound = 0, i = 0;
  uint8_t *content = export_file(x->folder, path, &size, x->trouble);
  if (content == NULL)
    return audit_tell(a->request, AUDIT_FAILED, "%s", x->trouble);
  struct reader r = reader_of(bytes_of(content, size));
  for (; i < width && !r.underflow; i++) {
    struct bytes leaf = read_bytes(&r, read_u16(&r));
    sound += sound == i && !r.underflow && !leaf_differs(a, number * TILE_WIDTH + i, leaf);
  }
  bool whole = i == width && reader_done(&r);
  free(content);
  if (sure && sound < width)
    return audit_tell(a->request, AUDIT_FAILED,
                      "entry %" PRIu64 ": is not the one that the checkpoint was signed over (%s)",
                      number * TILE_WIDTH + sound, path);
  return whole ? AUDIT_FINE : file_failed(a, path, "has more or less in it than its entries");
}

/* --- no other files --- */

static const struct exported *walked; /* nftw has no context */
static char unexpected[200];

static bool expected(const char *name)
{
  uint32_t level;
  uint64_t number;
  enum export_holds holds = walked->scope.holds;
  if (tile_of_path(name, walked->size, &level, &number))
    return level != TILE_BUNDLES || holds == HOLDS_EVERYTHING;
  return strncmp(name, "witness/", 8) == 0 || strcmp(name, "checkpoint") == 0 || strcmp(name, "keys") == 0 ||
         (strcmp(name, "erasures") == 0 && holds != HOLDS_HASHES) ||
         (strcmp(name, "entries") == 0 && holds > HOLDS_HASHES);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)ftw;
  const char *name = path + strlen(walked->folder);
  name += strspn(name, "/");
  if (type == FTW_D || (type == FTW_F && expected(name)))
    return 0;
  (void)snprintf(unexpected, sizeof unexpected, "%s", name);
  return 1;
}

static enum audit_code check_no_other(struct audit *a)
{
  walked = a->exported;
  int found = nftw(walked->folder, visit, 16, FTW_PHYS);
  return found == 0  ? AUDIT_FINE
         : found > 0 ? file_failed(a, unexpected, "is no file of this export")
                     : audit_tell(a->request, AUDIT_UNREADABLE, "cannot be read");
}

enum audit_code exported_files(struct audit *a)
{
  struct exported *x = a->exported;
  enum audit_code code = check_no_other(a);
  char path[TILE_PATH_SIZE], why[200];
  bool sure = false;
  for (uint32_t level = 0; level <= TILE_BUNDLES && code == AUDIT_FINE; level++)
    for (uint64_t n = 0; code == AUDIT_FINE && tile_width(level, n, x->size) > 0; n++) {
      tile_path(level, n, x->size, path);
      if (level < TILE_BUNDLES)
        code = check_tile(a, level, n);
      else if (x->scope.holds == HOLDS_EVERYTHING) {
        sure = n == 0 ? exported_tiles_fit(a, why) : sure;
        code = check_bundle(a, n, path, sure);
      }
    }
  return code;
}

/* --- what the log leads to --- */

static enum audit_code text_compare(struct audit *a, const char *name, struct bytes stored, char *right, size_t size)
{
  size_t line = export_text_differs(stored, bytes_of(right, size));
  free(right);
  return line == 0 ? AUDIT_FINE
                   : audit_tell(a->request, AUDIT_FAILED, "%s: line %zu: is not what the log says", name, line);
}

enum audit_code exported_compare_keys(struct audit *a, struct books *books, const struct witnesses *witnesses)
{
  struct exported *x = a->exported;
  char room[EXPORT_NOTE_MAX];
  struct head head = {0};
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  struct bytes note = bytes_of(x->note, x->note_size);
  if (!bytes_equal(note, witnesses_note(witnesses, note, &x->log_key, room))) {
    (void)fclose(out);
    free(text);
    return file_failed(a, "checkpoint",
                       "has a signature line that is not that of a witness in the export, or lacks one");
  }
  if (books != NULL)
    books_head(books, &head);
  export_write_keys(&x->scope, &x->log_key, witnesses, &head.network, books, out);
  (void)fclose(out);
  return text_compare(a, "keys", a->exported->keys, text, size);
}

static enum audit_code compare_erasures(struct audit *a, struct rebuild *r, const struct erasures *erasures)
{
  char *text = NULL;
  size_t size = 0, stored_size = 0;
  uint8_t *stored = export_file(a->exported->folder, "erasures", &stored_size, a->exported->trouble);
  if (stored == NULL)
    return audit_tell(a->request, AUDIT_FAILED, "%s", a->exported->trouble);
  FILE *out = open_memstream(&text, &size);
  enum audit_code code = out == NULL ? audit_tell(a->request, AUDIT_UNREADABLE, "no memory")
                                     : export_write_erasures(a, r, erasures, NULL, out);
  if (out != NULL)
    (void)fclose(out);
  if (code == AUDIT_FINE)
    code = text_compare(a, "erasures", bytes_of(stored, stored_size), text, size);
  else
    free(text);
  free(stored);
  return code;
}

static enum audit_code compare_tile(struct audit *a, struct rebuild *r, uint32_t level, uint64_t number)
{
  struct hash right[TILE_WIDTH], stored[TILE_WIDTH];
  char path[TILE_PATH_SIZE];
  uint64_t size = a->exported->size;
  tile_path(level, number, size, path);
  if (tile_read(level, number, size, books_tree_read, r->books, right) != OK)
    return audit_tell(a->request, AUDIT_UNREADABLE, "the rebuilt tree cannot be read");
  if (tile_read(level, number, size, books_tree_read, a->books, stored) != OK)
    return file_failed(a, path, "cannot be read");
  if (memcmp(right, stored, tile_width(level, number, size) * sizeof right[0]) == 0)
    return AUDIT_FINE;
  return file_failed(a, path, "is not the tile that follows from the entries");
}

enum audit_code exported_compare(struct audit *a, struct rebuild *r, const struct erasures *erasures,
                                 const struct witnesses *witnesses)
{
  enum audit_code code = AUDIT_FINE;
  for (uint32_t level = 0; level < TILE_LEVELS; level++)
    for (uint64_t n = 0; code == AUDIT_FINE && tile_width(level, n, a->exported->size) > 0; n++)
      code = compare_tile(a, r, level, n);
  if (code == AUDIT_FINE)
    code = exported_compare_keys(a, r->books, witnesses);
  return code == AUDIT_FINE ? compare_erasures(a, r, erasures) : code;
}
