/* The log is read out of the world's books into memory; each replay has a store of its own, that is not synced and
 * never committed. */
#include "tests/scenarios/rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/replay.h"

#define ARENA_SIZE (4u << 20)
#define RECORDED_MAX 4096 /* entries */

struct log {
  size_t count;
  struct bytes *entries; /* each a block of its own */
  struct hash root;
};

static struct bytes copy_of(struct bytes b)
{
  uint8_t *copy = malloc(b.size);
  must(copy != NULL);
  memcpy(copy, b.data, b.size);
  return bytes_of(copy, b.size);
}

static void log_take(struct log *log, struct world *w)
{
  struct books *b = store_begin(w->store, false);
  *log = (struct log){.count = w->size, .entries = calloc(w->size, sizeof log->entries[0])};
  must(log->entries != NULL && merkle_tree_root(w->size, books_tree_read, b, &log->root) == OK);
  for (size_t i = 0; i < log->count; i++) {
    struct bytes leaf;
    must(books_entry(b, i, &leaf) == OK);
    log->entries[i] = copy_of(leaf);
  }
  store_abort(w->store);
}

static void log_free(struct log *log)
{
  for (size_t i = 0; i < log->count; i++)
    free((void *)log->entries[i].data);
  free(log->entries);
}

struct bench {
  struct store *store;
  struct key_ring ring;
  void *memory;
  struct arena arena;
};

static void bench_init(struct bench *b, const char *folder)
{
  char why[200];
  struct store_options options = {.folder = folder_path(folder, "rebuilt"),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .create = true,
                                  .scratch = true};
  *b = (struct bench){.memory = malloc(ARENA_SIZE)};
  must(b->memory != NULL && store_open(&options, why, &b->store) == OK);
  b->arena = arena_of(b->memory, ARENA_SIZE);
}

static void bench_fini(struct bench *b)
{
  store_close(b->store);
  key_ring_fini(&b->ring);
  free(b->memory);
}

/* Replays over books that begin empty. What was written stays open for the caller, who aborts it. */
static enum status replay_all(struct bench *bench, const struct bytes *entries, size_t count, struct books **books,
                              struct complaint *why)
{
  struct replay r;
  *books = store_begin(bench->store, true);
  replay_init(&r, *books, &bench->arena, &bench->ring);
  for (size_t i = 0; i < count; i++) {
    struct complaint broken;
    if (replay_entry(&r, entries[i], &broken) != OK)
      return complain(why, "entry %zu: %.90s", i, broken.text);
  }
  return replay_end(&r, why);
}

/* The row behind `key`, which is moved on to it; false: none. */
static bool next_row(struct books *b, int table, struct bytes *key, uint8_t room[512], struct bytes *value)
{
  struct bytes found;
  if (key->size > 0) /* the least key that is greater: one zero more */
    room[key->size] = 0;
  if (b->seek(b, table, bytes_of(room, key->size > 0 ? key->size + 1 : 0), &found, value) != OK)
    return false;
  memcpy(room, found.data, found.size);
  *key = bytes_of(room, found.size);
  return true;
}

static bool table_equal(struct books *one, struct books *other, int table)
{
  uint8_t rooms[2][512];
  struct bytes keys[2] = {{NULL, 0}, {NULL, 0}}, values[2];
  for (;;) {
    bool a = next_row(one, table, &keys[0], rooms[0], &values[0]);
    bool b = next_row(other, table, &keys[1], rooms[1], &values[1]);
    if (a != b || (a && (!bytes_equal(keys[0], keys[1]) || !bytes_equal(values[0], values[1]))))
      return false;
    if (!a)
      return true;
  }
}

enum status rebuild(struct world *w, const char *folder, struct complaint *why)
{
  struct log log;
  struct bench bench;
  struct books *rebuilt;
  log_take(&log, w);
  bench_init(&bench, folder);
  enum status s = replay_all(&bench, log.entries, log.count, &rebuilt, why);
  struct books *live = store_begin(w->store, false);
  for (int table = 0; table < TABLES_DERIVED && s == OK; table++)
    if (!table_equal(live, rebuilt, table))
      s = complain(why, "rebuilt from the log, the table %s differs", table_names[table]);
  store_abort(w->store);
  store_abort(bench.store);
  bench_fini(&bench);
  log_free(&log);
  return s;
}

/* --- a log in a file: for each entry its size (u32, most significant byte first) and its bytes --- */

enum status rebuild_write(struct world *w, const char *path)
{
  struct log log;
  FILE *file = fopen(path, "wbe");
  if (file == NULL)
    return OUR_FAULT;
  log_take(&log, w);
  bool good = true;
  for (size_t i = 0; i < log.count; i++) {
    size_t size = log.entries[i].size;
    const uint8_t head[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    good = fwrite(head, sizeof head, 1, file) == 1 && fwrite(log.entries[i].data, size, 1, file) == 1 && good;
  }
  log_free(&log);
  return fclose(file) == 0 && good ? OK : OUR_FAULT;
}

/* Over every row of every table that follows from the log, in order, each with what came before. */
static struct hash digest_of(struct books *b)
{
  struct hash digest = {{0}};
  for (int table = 0; table < TABLES_DERIVED; table++) {
    uint8_t room[512];
    struct bytes key = {NULL, 0}, value;
    while (next_row(b, table, &key, room, &value)) {
      const uint8_t head[2] = {(uint8_t)table, (uint8_t)key.size};
      const struct bytes parts[] = {BYTES(digest.byte), BYTES(head), key, value};
      digest = sha256_of(parts, sizeof parts / sizeof parts[0]);
    }
  }
  return digest;
}

enum status rebuild_file(const char *path, const char *folder, struct hash *digest, struct complaint *why)
{
  struct log log = {.entries = calloc(RECORDED_MAX, sizeof log.entries[0])};
  struct bench bench;
  struct books *rebuilt;
  uint8_t head[4], leaf[LEAF_SIZE_MAX];
  FILE *file = fopen(path, "rbe");
  must(log.entries != NULL);
  while (file != NULL && log.count < RECORDED_MAX && fread(head, sizeof head, 1, file) == 1) {
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    must(size <= sizeof leaf && fread(leaf, size, 1, file) == 1);
    log.entries[log.count++] = copy_of(bytes_of(leaf, size));
  }
  if (file != NULL)
    (void)fclose(file);
  bench_init(&bench, folder);
  enum status s =
      log.count == 0 ? complain(why, "no log in this file") : replay_all(&bench, log.entries, log.count, &rebuilt, why);
  if (s == OK)
    *digest = digest_of(rebuilt);
  if (log.count > 0)
    store_abort(bench.store);
  bench_fini(&bench);
  log_free(&log);
  return s;
}

struct tampering {
  struct bench bench;
  struct log log;
  struct bytes *changed; /* count + 1: the log as it was tampered with */
  size_t tried, refused;
  struct complaint *why;
};

/* Whether this log is found out. */
static enum status try_log(struct tampering *t, size_t count, const char *how, size_t at)
{
  struct books *b;
  struct hash root;
  struct complaint why;
  t->tried++;
  enum status s = replay_all(&t->bench, t->changed, count, &b, &why);
  bool found = s == BAD_INPUT;
  t->refused += found;
  if (s == OK)
    found = count != t->log.count || merkle_tree_root(count, books_tree_read, b, &root) != OK ||
            !hash_equal(&root, &t->log.root);
  store_abort(t->bench.store);
  return found ? OK : complain(t->why, "entry %zu %s, and nobody noticed (%d)", at, how, (int)s);
}

static void restore(struct tampering *t)
{
  memcpy(t->changed, t->log.entries, t->log.count * sizeof t->changed[0]);
}

static enum status try_moved(struct tampering *t, size_t at)
{
  size_t rest = t->log.count - at;
  memmove(&t->changed[at], &t->changed[at + 1], (rest - 1) * sizeof t->changed[0]);
  enum status s = try_log(t, t->log.count - 1, "was left out", at);
  restore(t);
  memmove(&t->changed[at + 1], &t->changed[at], rest * sizeof t->changed[0]);
  if (s == OK)
    s = try_log(t, t->log.count + 1, "was doubled", at);
  restore(t);
  if (at + 1 < t->log.count && s == OK) {
    t->changed[at] = t->log.entries[at + 1];
    t->changed[at + 1] = t->log.entries[at];
    s = try_log(t, t->log.count, "was swapped with the next", at);
  }
  restore(t);
  return s;
}

static enum status try_altered(struct tampering *t, size_t at)
{
  enum status s = OK;
  struct bytes was = t->log.entries[at];
  struct bytes is = copy_of(was);
  uint8_t *byte = (uint8_t *)(uintptr_t)is.data;
  t->changed[at] = is;
  for (size_t i = 0; i < was.size && s == OK; i += i < LEAF_HEADER_SIZE ? 1 : 29) {
    byte[i] ^= (uint8_t)(1u << i % 8);
    s = try_log(t, t->log.count, "was altered", at);
    byte[i] = was.data[i];
  }
  free(byte);
  restore(t);
  return s;
}

enum status rebuild_tampered(struct world *w, const char *folder, size_t *tried, size_t *refused, struct complaint *why)
{
  struct tampering t = {.why = why};
  enum status s = OK;
  log_take(&t.log, w);
  bench_init(&t.bench, folder);
  t.changed = calloc(t.log.count + 1, sizeof t.changed[0]);
  must(t.changed != NULL);
  restore(&t);
  for (size_t at = 0; at < t.log.count && s == OK; at++) {
    s = try_moved(&t, at);
    if (s == OK)
      s = try_altered(&t, at);
  }
  *tried = t.tried;
  *refused = t.refused;
  free(t.changed);
  bench_fini(&t.bench);
  log_free(&t.log);
  return s;
}
