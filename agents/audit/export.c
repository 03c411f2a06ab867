/* `export`: the log is replayed first, and held against its checkpoint; so nothing leaves that does not verify. Then
 * the files are written into <OUT>.partial, each synced, and the folder gets its name at the very end. */
#include "agents/audit/export.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/ledger/rows.h"

struct exporting {
  struct audit *audit;
  struct rebuild *rebuild;
  struct export_scope scope;
  const struct erasures *erasures;
  struct witnesses witnesses;
  struct log_name log;
  const bool *full; /* of each entry; NULL: all, or none */
  uint64_t size;
  char folder[PATH_MAX]; /* the partial one */
};

static enum audit_code cannot(struct exporting *x, const char *why)
{
  return audit_tell(x->audit->request, AUDIT_UNREADABLE, "cannot export: %s", why);
}

/* The folders on the way to a file, then the file. */
static enum audit_code put(struct exporting *x, const char *name, struct bytes content)
{
  char path[PATH_MAX + TILE_PATH_SIZE], why[200];
  (void)snprintf(path, sizeof path, "%s/%s", x->folder, name);
  for (char *slash = strchr(path + strlen(x->folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made)
      return cannot(x, strerror(errno));
  }
  return file_write(path, content, why) == OK ? AUDIT_FINE : cannot(x, why);
}

/* --- what is written --- */

static enum audit_code put_tile(struct exporting *x, uint32_t level, uint64_t number)
{
  struct hash hashes[TILE_WIDTH];
  char path[TILE_PATH_SIZE];
  if (tile_read(level, number, x->size, books_tree_read, x->rebuild->books, hashes) != OK)
    return cannot(x, "the rebuilt tree cannot be read");
  tile_path(level, number, x->size, path);
  return put(x, path, bytes_of(hashes, tile_width(level, number, x->size) * sizeof hashes[0]));
}

/* `room` is for a bundle of the largest entries. */
static enum audit_code put_bundle(struct exporting *x, uint64_t number, void *room, size_t room_size)
{
  char path[TILE_PATH_SIZE];
  struct bytes leaf;
  struct writer w = writer_of(room, room_size);
  size_t width = tile_width(TILE_BUNDLES, number, x->size);
  for (uint64_t i = 0; i < width; i++) {
    if (books_entry(x->rebuild->books, number * TILE_WIDTH + i, &leaf) != OK)
      return cannot(x, "the rebuilt books cannot be read");
    write_u16(&w, (uint16_t)leaf.size);
    write_bytes(&w, leaf);
  }
  must(!w.overflow);
  tile_path(TILE_BUNDLES, number, x->size, path);
  return put(x, path, writer_bytes(&w));
}

static enum audit_code put_tiles(struct exporting *x)
{
  size_t room_size = TILE_WIDTH * (size_t)(2 + LEAF_SIZE_MAX);
  void *room = malloc(room_size);
  enum audit_code code = room == NULL ? cannot(x, "no memory") : AUDIT_FINE;
  for (uint32_t level = 0; level <= TILE_BUNDLES; level++)
    for (uint64_t n = 0; code == AUDIT_FINE && tile_width(level, n, x->size) > 0; n++) {
      if (level < TILE_BUNDLES)
        code = put_tile(x, level, n);
      else if (x->scope.holds == HOLDS_EVERYTHING)
        code = put_bundle(x, n, room, room_size);
    }
  free(room);
  return code;
}

static enum audit_code write_entries(struct exporting *x, FILE *out)
{
  uint8_t head[10];
  for (uint64_t i = 0; i < x->size; i++) {
    struct bytes leaf;
    struct writer w = writer_of(head, sizeof head);
    if (!x->full[i])
      continue;
    if (books_entry(x->rebuild->books, i, &leaf) != OK)
      return cannot(x, "the rebuilt books cannot be read");
    write_u64(&w, i);
    write_u16(&w, (uint16_t)leaf.size);
    fwrite(head, sizeof head, 1, out);
    fwrite(leaf.data, leaf.size, 1, out);
  }
  return AUDIT_FINE;
}

static enum audit_code write_erasures(struct exporting *x, FILE *out)
{
  return export_write_erasures(x->audit, x->rebuild, x->erasures, x->full, out);
}

static enum audit_code write_keys(struct exporting *x, FILE *out)
{
  struct head head;
  struct books *books = x->rebuild->books;
  books_head(books, &head);
  export_write_keys(&x->scope, &x->log.key, &x->witnesses, &head.network, x->scope.holds == HOLDS_HASHES ? NULL : books,
                    out);
  return AUDIT_FINE;
}

static enum audit_code put_written(struct exporting *x, const char *name,
                                   enum audit_code (*write)(struct exporting *x, FILE *out))
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    return cannot(x, "no memory");
  enum audit_code code = write(x, out);
  if (fclose(out) != 0 && code == AUDIT_FINE)
    code = cannot(x, "no memory");
  if (code == AUDIT_FINE)
    code = put(x, name, bytes_of(text, size));
  free(text);
  return code;
}

static enum audit_code put_all(struct exporting *x)
{
  struct bytes note;
  char room[EXPORT_NOTE_MAX];
  struct books *stored = x->audit->books;
  enum audit_code code = put_tiles(x);
  for (size_t i = 0; i < x->witnesses.count && code == AUDIT_FINE; i++)
    code = put(x, x->witnesses.list[i].name, bytes_of(x->witnesses.list[i].content, x->witnesses.list[i].size));
  if (code == AUDIT_FINE && x->full != NULL)
    code = put_written(x, "entries", write_entries);
  if (code == AUDIT_FINE && x->scope.holds != HOLDS_HASHES)
    code = put_written(x, "erasures", write_erasures);
  if (code == AUDIT_FINE)
    code = put_written(x, "keys", write_keys);
  if (code != AUDIT_FINE)
    return code;
  if (stored->get(stored, TABLE_CHECKPOINT, bytes_text("newest"), &note) != OK)
    return cannot(x, "the checkpoint cannot be read");
  return put(x, "checkpoint", witnesses_note(&x->witnesses, note, &x->log.key, room));
}

/* --- which entries are in a part --- */

/* An entry of its mailbox, and what was told with it so that it understands a new leg. */
static void mark_mail(struct exporting *x, const struct event *e, uint64_t index, bool *full)
{
  uint64_t context[CONTEXT_MAX];
  size_t count = ledger_context(e, &x->scope.organisation, context);
  full[index] = true;
  for (size_t i = 0; i < count; i++)
    full[context[i]] = true;
}

static bool in_mailbox(struct books *b, const struct org_id *org, uint64_t index)
{
  struct row_key k = key_of_org_index(org, index);
  struct bytes none;
  return b->get(b, TABLE_MAILBOXES, row_key(&k), &none) == OK;
}

static void mark(struct exporting *x, const struct mandate *m, const struct leaf *leaf, const struct event *e,
                 bool *full)
{
  struct books *b = x->rebuild->books;
  bool accepted = leaf->verdict == ONWARD__VERDICT__ACCEPTED;
  full[leaf->index] = full[leaf->index] || (accepted && act_is_registry(e->act));
  if (x->scope.holds == HOLDS_MANDATE) {
    bool told = bytes_zero(org_id_bytes(&m->about)) || in_mailbox(b, &m->about, leaf->index);
    full[leaf->index] = full[leaf->index] || (told && mandate_covers(m, leaf, e));
    return;
  }
  full[leaf->index] = full[leaf->index] || (accepted && e->act == ONWARD__CORE__ACT_SET_CAPACITY);
  if (in_mailbox(b, &x->scope.organisation, leaf->index))
    mark_mail(x, e, leaf->index, full);
}

static enum audit_code mark_full(struct exporting *x, bool *full)
{
  struct mandate m = {0};
  if (x->scope.holds == HOLDS_MANDATE)
    must(mandate_read(x->rebuild->books, x->scope.mandate, &x->audit->arena, &m));
  for (uint64_t i = 0; i < x->size; i++) {
    struct leaf leaf;
    struct event e;
    arena_reset(&x->audit->arena);
    if (books_event(x->rebuild->books, i, &x->audit->arena, &leaf, &e) != OK)
      return cannot(x, "the rebuilt books cannot be read");
    mark(x, &m, &leaf, &e, full);
  }
  return AUDIT_FINE;
}

/* --- the folder --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static int sync_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)ftw;
  return type == FTW_D || type == FTW_DP ? file_sync_folder(path) : 0;
}

static enum audit_code folder_begin(struct exporting *x)
{
  const char *out = x->audit->request->second;
  int size = snprintf(x->folder, sizeof x->folder, "%s.partial", out);
  if (size < 0 || (size_t)size >= sizeof x->folder)
    return cannot(x, "the folder's name is too long");
  if (access(out, F_OK) == 0)
    return audit_tell(x->audit->request, AUDIT_USAGE, "%s is there already: give a folder that is not", out);
  if (mkdir(x->folder, 0700) == 0)
    return AUDIT_FINE;
  return errno == EEXIST ? audit_tell(x->audit->request, AUDIT_USAGE,
                                      "%s is there, left by an export that was ended: remove it", x->folder)
                         : cannot(x, strerror(errno));
}

static enum audit_code folder_end(struct exporting *x, enum audit_code code)
{
  const char *out = x->audit->request->second;
  if (code == AUDIT_FINE &&
      (nftw(x->folder, sync_one, 16, FTW_PHYS) != 0 || rename(x->folder, out) != 0 || file_sync_parent(out) != 0))
    code = cannot(x, strerror(errno));
  if (code != AUDIT_FINE)
    (void)nftw(x->folder, remove_one, 16, FTW_PHYS | FTW_DEPTH);
  return code;
}

static enum audit_code fill(struct exporting *x)
{
  bool *full = NULL;
  enum audit_code code = AUDIT_FINE;
  if (x->scope.holds > HOLDS_HASHES) {
    full = calloc(x->size, sizeof *full);
    code = full == NULL ? cannot(x, "no memory") : mark_full(x, full);
  }
  x->full = full;
  if (code == AUDIT_FINE)
    code = folder_begin(x);
  if (code == AUDIT_FINE)
    code = folder_end(x, put_all(x));
  free(full);
  return code;
}

static enum audit_code scope_check(struct exporting *x)
{
  struct organisation o;
  const struct audit_request *q = x->audit->request;
  bool organisation = !bytes_zero(org_id_bytes(&q->organisation));
  x->scope = (struct export_scope){.organisation = q->organisation};
  if (q->hashes + organisation + (q->mandate != NULL) > 1)
    return audit_tell(q, AUDIT_USAGE, "--public, --organisation, --mandate: one of them");
  if (q->mandate != NULL) {
    x->scope.holds = HOLDS_MANDATE;
    return mandate_of_file(x->audit, x->rebuild, &x->log.key, &x->scope.mandate);
  }
  x->scope.holds = q->hashes ? HOLDS_HASHES : organisation ? HOLDS_ORGANISATION : HOLDS_EVERYTHING;
  if (organisation && books_organisation(x->rebuild->books, &q->organisation, &o) != OK)
    return audit_tell(q, AUDIT_USAGE, "--organisation: " ORG_FMT " was never in this log's registry",
                      q->organisation.text);
  return AUDIT_FINE;
}

static enum audit_code export_log(struct audit *a, struct rebuild *r)
{
  struct erasures erasures = {0};
  const struct rebuild_watch watch = {.context = &erasures, .erased = erasures_note};
  struct exporting x = {.audit = a, .rebuild = r, .erasures = &erasures};
  struct checkpoint c;
  enum audit_code code = rebuild_run(a, &watch, r);
  if (code == AUDIT_FINE)
    code = log_name_read(a->request, r->books, &a->arena, &x.log);
  if (code == AUDIT_FINE)
    code = rebuild_checkpoint(a, r, &x.log, &c);
  if (code == AUDIT_FINE)
    code = witnesses_read(a, &x.log.key, r->books, r->size, &x.witnesses);
  if (code == AUDIT_FINE)
    code = scope_check(&x);
  x.size = r->size;
  erasures_sort(&erasures);
  if (code == AUDIT_FINE)
    code = fill(&x);
  if (code == AUDIT_FINE)
    fprintf(a->request->out, "%s: %" PRIu64 " entries of %s, verified and exported\n", a->request->second, r->size,
            c.origin);
  erasures_free(&erasures);
  return code;
}

enum audit_code audit_export(const struct audit_request *q)
{
  struct audit a;
  struct rebuild r = {0};
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE && a.exported != NULL)
    code = audit_tell(q, AUDIT_USAGE, "is an export already: give the data folder of an exchange");
  if (code == AUDIT_FINE)
    code = export_log(&a, &r);
  rebuild_close(&r);
  audit_close(&a);
  return code;
}
