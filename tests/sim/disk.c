/* In place of store/store.c and store/copy.c. A transaction changes the rows at once and remembers how they were; an
 * abort puts them back. A computer dies at a write: what it had in the transaction is on the disk or is not, and nobody
 * there learns which. */
#include "tests/sim/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/store/inside.h"
#include "tests/sim/sim.h"

enum { TABLES_HERE = 48, VOLUMES_MAX = 4096 };

struct row { /* never changed */
  uint32_t holders;
  uint32_t key_size, value_size;
  uint8_t bytes[];
};
struct list { /* in the order of keys */
  struct row **rows;
  size_t count, capacity;
};
struct volume {
  struct list tables[TABLES_HERE];
};
struct undone {
  int table;
  struct row *was, *is; /* NULL: there was, or is, none */
};
struct disk {
  struct books books; /* first */
  struct volume *volume;
  struct node *owner;
  char folder[PATH_MAX_SIM];
  bool open, writing, own_volume;
  struct undone *undone;
  size_t undone_count, undone_capacity;
};

static struct volume *volumes[VOLUMES_MAX];
static int volume_count;

enum status store_status_of(int error)
{
  return error == 0 ? OK : error == ENOENT ? NOT_FOUND : error == ENOSPC ? NOT_NOW : OUR_FAULT;
}

/* --- rows --- */

static struct row *row_make(struct bytes key, struct bytes value)
{
  struct row *r = malloc(sizeof *r + key.size + value.size);
  must(r != NULL);
  *r = (struct row){1, (uint32_t)key.size, (uint32_t)value.size};
  if (key.size > 0)
    memcpy(r->bytes, key.data, key.size);
  if (value.size > 0)
    memcpy(r->bytes + key.size, value.data, value.size);
  return r;
}

static void row_drop(struct row *r)
{
  if (r != NULL && --r->holders == 0)
    free(r);
}

static struct bytes key_of(const struct row *r)
{
  return bytes_of(r->bytes, r->key_size);
}

static struct bytes value_of(const struct row *r)
{
  return bytes_of(r->bytes + r->key_size, r->value_size);
}

static int compare(struct bytes a, struct bytes b)
{
  size_t least = a.size < b.size ? a.size : b.size;
  int order = least == 0 ? 0 : memcmp(a.data, b.data, least);
  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static size_t place_of(const struct list *l, struct bytes key)
{
  size_t low = 0, high = l->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(key_of(l->rows[middle]), key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_at(const struct list *l, size_t place, struct bytes key)
{
  return place < l->count && compare(key_of(l->rows[place]), key) == 0;
}

static void insert(struct list *l, size_t place, struct row *r)
{
  if (l->count == l->capacity) {
    l->capacity = l->capacity == 0 ? 16 : 2 * l->capacity;
    l->rows = realloc(l->rows, l->capacity * sizeof(struct row *));
    must(l->rows != NULL);
  }
  memmove(&l->rows[place + 1], &l->rows[place], (l->count++ - place) * sizeof(struct row *));
  l->rows[place] = r;
}

static void take_out(struct list *l, size_t place)
{
  memmove(&l->rows[place], &l->rows[place + 1], (--l->count - place) * sizeof(struct row *));
}

/* --- volumes --- */

static struct volume *volume_make(void)
{
  struct volume *v = calloc(1, sizeof *v);
  must(v != NULL);
  return v;
}

static void volume_clear(struct volume *v)
{
  for (int t = 0; t < TABLES_HERE; t++) {
    for (size_t i = 0; i < v->tables[t].count; i++)
      row_drop(v->tables[t].rows[i]);
    free(v->tables[t].rows);
    v->tables[t] = (struct list){NULL, 0, 0};
  }
}

static void volume_fill(struct volume *to, const struct volume *from)
{
  for (int t = 0; t < TABLES_HERE; t++) {
    const struct list *l = &from->tables[t];
    struct row **rows = malloc((l->count + 1) * sizeof(struct row *));
    must(rows != NULL);
    for (size_t i = 0; i < l->count; i++) {
      rows[i] = l->rows[i];
      rows[i]->holders++;
    }
    to->tables[t] = (struct list){rows, l->count, l->count + 1};
  }
}

static int volume_keep(struct volume *v)
{
  must(volume_count < VOLUMES_MAX);
  volumes[volume_count] = v;
  return volume_count++;
}

/* Which rows this folder has; NULL: none. */
static struct volume *volume_of(const char *folder)
{
  char path[PATH_MAX_SIM + 16];
  int number = -1;
  snprintf(path, sizeof path, "%s/data.mdb", folder);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return NULL;
  char text[16] = "";
  if (fgets(text, sizeof text, file) != NULL)
    number = (int)strtol(text, NULL, 10);
  (void)fclose(file);
  return number >= 0 && number < volume_count ? volumes[number] : NULL;
}

void disk_give(const char *folder, struct volume *v)
{
  char path[PATH_MAX_SIM + 16];
  snprintf(path, sizeof path, "%s/data.mdb", folder);
  (void)mkdir(folder, 0700);
  FILE *file = fopen(path, "we");
  must(file != NULL && fprintf(file, "%d\n", volume_keep(v)) > 0 && fclose(file) == 0);
}

struct volume *disk_copy_of(const char *folder)
{
  struct volume *copy = volume_make();
  volume_fill(copy, volume_of(folder));
  return copy;
}

void disk_put_back(const char *folder, const struct volume *copy)
{
  struct volume *v = volume_of(folder);
  volume_clear(v);
  volume_fill(v, copy);
}

void disk_forget_all(void)
{
  for (int i = 0; i < volume_count; i++) {
    volume_clear(volumes[i]);
    free(volumes[i]);
  }
  volume_count = 0;
  for (int i = 0; i < NODES_MAX; i++)
    if (sim.nodes[i].backup != NULL) {
      volume_clear(sim.nodes[i].backup);
      free(sim.nodes[i].backup);
    }
}

/* --- the books' four calls --- */

static struct disk *disk_of(struct books *b)
{
  return (struct disk *)b;
}

static bool is_dead(struct disk *d)
{
  if (d->owner != NULL && d->owner->gone)
    d->books.trouble = OUR_FAULT;
  return d->books.trouble != OK;
}

static enum status disk_get(struct books *b, int table, struct bytes key, struct bytes *value)
{
  struct disk *d = disk_of(b);
  const struct list *l = &d->volume->tables[table];
  size_t place = place_of(l, key);
  if (is_dead(d) || !is_at(l, place, key))
    return NOT_FOUND;
  *value = value_of(l->rows[place]);
  return OK;
}

static enum status disk_seek(struct books *b, int table, struct bytes from, struct bytes *key, struct bytes *value)
{
  struct disk *d = disk_of(b);
  const struct list *l = &d->volume->tables[table];
  size_t place = place_of(l, from);
  if (is_dead(d) || place == l->count)
    return NOT_FOUND;
  *key = key_of(l->rows[place]);
  *value = value_of(l->rows[place]);
  return OK;
}

static void remember(struct disk *d, int table, struct row *was, struct row *is)
{
  if (d->undone_count == d->undone_capacity) {
    d->undone_capacity = d->undone_capacity == 0 ? 64 : 2 * d->undone_capacity;
    d->undone = realloc(d->undone, d->undone_capacity * sizeof d->undone[0]);
    must(d->undone != NULL);
  }
  d->undone[d->undone_count++] = (struct undone){table, was, is};
}

static void disk_put(struct books *b, int table, struct bytes key, struct bytes value)
{
  struct disk *d = disk_of(b);
  struct list *l = &d->volume->tables[table];
  must(d->open && d->writing && table >= 0 && table < TABLES_HERE && key.size > 0);
  int full = d->owner != NULL ? d->owner->full : 0;
  if (!is_dead(d) && (full > 1 || (full == 1 && table == TABLE_BODIES)))
    b->trouble = NOT_NOW;
  if (is_dead(d))
    return;
  struct row *fresh = row_make(key, value);
  size_t place = place_of(l, key);
  if (is_at(l, place, key)) {
    remember(d, table, l->rows[place], fresh);
    l->rows[place] = fresh;
  } else {
    remember(d, table, NULL, fresh);
    insert(l, place, fresh);
  }
}

static void disk_del(struct books *b, int table, struct bytes key)
{
  struct disk *d = disk_of(b);
  struct list *l = &d->volume->tables[table];
  size_t place = place_of(l, key);
  must(d->open && d->writing);
  if (is_dead(d) || !is_at(l, place, key))
    return;
  remember(d, table, l->rows[place], NULL);
  take_out(l, place);
}

/* --- transactions --- */

struct books *store_begin(struct store *s, bool write)
{
  struct disk *d = (struct disk *)s;
  must(!d->open);
  d->open = true;
  d->writing = write;
  d->books.trouble = OK;
  return &d->books;
}

static void keep_changes(struct disk *d)
{
  for (size_t i = 0; i < d->undone_count; i++)
    row_drop(d->undone[i].was);
  d->undone_count = 0;
  d->open = false;
}

static void undo_changes(struct disk *d)
{
  for (size_t i = d->undone_count; i-- > 0;) {
    const struct undone *u = &d->undone[i];
    struct list *l = &d->volume->tables[u->table];
    size_t place = place_of(l, key_of(u->is != NULL ? u->is : u->was));
    if (u->is == NULL)
      insert(l, place, u->was);
    else if (u->was == NULL)
      take_out(l, place);
    else
      l->rows[place] = u->was;
    row_drop(u->is);
  }
  d->undone_count = 0;
  d->open = false;
}

void store_abort(struct store *s)
{
  struct disk *d = (struct disk *)s;
  must(d->open);
  undo_changes(d);
}

bool disk_dies(bool *reaches)
{
  struct node *n = sim.running;
  *reaches = false;
  if (n == NULL || n->gone)
    return n != NULL;
  if (n->writes == 0 || --n->writes > 0)
    return false;
  n->gone = true;
  *reaches = n->written;
  return true;
}

enum status store_commit(struct store *s, char why[200])
{
  struct disk *d = (struct disk *)s;
  bool reaches;
  must(d->open && d->writing);
  enum status trouble = d->books.trouble;
  snprintf(why, 200, "a disk that is %s", trouble == NOT_NOW ? "full" : "no more");
  if (trouble == OK && d->owner != NULL && disk_dies(&reaches)) {
    if (reaches)
      keep_changes(d);
    else
      undo_changes(d);
    return OUR_FAULT;
  }
  if (trouble == OK)
    keep_changes(d);
  else
    undo_changes(d);
  return trouble;
}

/* --- opening --- */

static struct disk *disk_open(struct volume *v, struct node *owner, const char *folder)
{
  struct disk *d = calloc(1, sizeof *d);
  must(d != NULL);
  *d = (struct disk){.books = {OK, disk_get, disk_put, disk_del, disk_seek}, .volume = v, .owner = owner};
  snprintf(d->folder, sizeof d->folder, "%s", folder);
  return d;
}

enum status store_open(const struct store_options *o, char why[200], struct store **out)
{
  must(o->table_count <= TABLES_HERE);
  struct volume *v = volume_of(o->folder);
  if ((v == NULL && !o->create) || (sim.running != NULL && sim.running->gone)) {
    snprintf(why, 200, "%.100s: no books", o->folder);
    return v == NULL ? NOT_FOUND : OUR_FAULT;
  }
  if (v == NULL)
    disk_give(o->folder, v = volume_make());
  *out = (struct store *)disk_open(v, sim.running, o->folder);
  return OK;
}

struct store *store_reader(const struct store *s)
{
  const struct disk *d = (const struct disk *)s;
  return (struct store *)disk_open(d->volume, d->owner, d->folder);
}

struct store *disk_reader(const char *folder)
{
  struct volume *v = volume_of(folder);
  return v == NULL ? NULL : (struct store *)disk_open(v, NULL, folder);
}

struct store *disk_scratch(void)
{
  struct disk *d = disk_open(volume_make(), NULL, "");
  d->own_volume = true;
  return (struct store *)d;
}

void store_close(struct store *s)
{
  struct disk *d = (struct disk *)s;
  if (d == NULL)
    return;
  if (d->open)
    undo_changes(d);
  if (d->own_volume) {
    volume_clear(d->volume);
    free(d->volume);
  }
  free(d->undone);
  free(d);
}

enum status store_copy(struct store *s, const char *folder, int without, char why[200])
{
  struct disk *d = (struct disk *)s;
  must(without == ALL_TABLES);
  bool reaches, dies = disk_dies(&reaches);
  snprintf(why, 200, "a disk that is full, or no more");
  if (dies && !reaches)
    return OUR_FAULT;
  if (d->owner != NULL && d->owner->full > 1)
    return NOT_NOW;
  struct volume *v = volume_make();
  volume_fill(v, d->volume);
  disk_give(folder, v);
  return dies ? OUR_FAULT : OK;
}

bool store_takes_bodies(struct store *s)
{
  const struct disk *d = (struct disk *)s;
  return d->owner == NULL || d->owner->full == 0;
}

uint64_t store_count(struct store *s, int table)
{
  return ((struct disk *)s)->volume->tables[table].count;
}

void store_measure(struct store *s, struct store_size *out)
{
  (void)s;
  *out = (struct store_size){0};
}

void store_guard(int exit_code)
{
  (void)exit_code;
}
