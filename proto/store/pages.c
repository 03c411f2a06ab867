/* The structure of a file of books, looked at before LMDB trusts it: LMDB takes every number in a page as it is, and a
 * number that is wrong leads it anywhere.
 *
 * Of the two meta pages the newer names the roots of two trees: which pages are free, and the tables. All that is
 * reachable from them must be what it should be and lie where it can, and no page may be used twice, or used and free:
 * so a root that was changed does not lead back to an older state of the books. Nor does a number of the newer meta
 * page: whoever writes a state frees pages of the one before, and says so in it (but for the very first); that is held
 * against both. What stands
 * in the rows is for others to judge. The layout is that of LMDB 0.9 (data version 1) on machines of 64 bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/store/inside.h"

_Static_assert(sizeof(size_t) == 8, "LMDB's files have numbers of the machine's width");

enum { MAGIC = (int)0xBEEFC0DE, DATA_VERSION = 1 };
enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_BIG = 1, NODE_TABLE = 2 };
enum { PAGE_SIZE_LEAST = 512, PAGE_SIZE_MOST = 32768, DEPTH_MAX = 24, LIST_FLAGS = MDB_INTEGERKEY };
#define NO_PAGE UINT64_MAX

struct page_head {
  uint64_t number;
  uint16_t pad, flags;
  uint16_t lower, upper; /* of an overflow page together its count of pages */
};
struct node_head {
  uint16_t low, high, flags, key_size;
};
struct tree {
  uint32_t pad;
  uint16_t flags, depth;
  uint64_t branches, leaves, overflows, entries, root;
};
struct meta {
  uint32_t magic, version;
  uint64_t address, map_size;
  struct tree free, tables; /* free.pad is the size of a page */
  uint64_t last_page, transaction;
};

struct look {
  const uint8_t *file;
  uint64_t size, page_size, pages; /* in the file; `pages`: that may be used */
  uint8_t *seen;                   /* a bit for each page */
  uint64_t freed;                  /* by which transaction pages were freed last */
  uint64_t bad;                    /* the page that is wrong */
  const char *what;
};

/* Rows of a tree, and which of them lead on. */
enum tree_kind { TREE_FREE, TREE_TABLES, TREE_ROWS };

static bool wrong(struct look *l, uint64_t page, const char *what)
{
  if (l->what == NULL) {
    l->bad = page;
    l->what = what;
  }
  return false;
}

static bool mark(struct look *l, uint64_t page, uint64_t count, uint64_t from)
{
  if (count == 0 || page < 2 || page >= l->pages || count > l->pages - page)
    return wrong(l, from, "it names a page that is not in the file");
  for (uint64_t n = page; n < page + count; n++) {
    if ((l->seen[n / 8] >> n % 8 & 1) != 0)
      return wrong(l, n, "it is used twice, or is used and free");
    l->seen[n / 8] |= (uint8_t)(1 << n % 8);
  }
  return true;
}

static const uint8_t *page_at(const struct look *l, uint64_t page, struct page_head *out)
{
  const uint8_t *at = l->file + page * l->page_size;
  memcpy(out, at, sizeof *out);
  return at;
}

/* The value of a leaf's row, in the leaf or in pages of its own; false: there is none that could be read. */
static bool value_of(struct look *l, uint64_t page, const uint8_t *node, const struct node_head *n, struct bytes *out)
{
  struct page_head h;
  uint64_t big, size = n->low | (uint64_t)n->high << 16;
  const uint8_t *value = node + sizeof *n + n->key_size;
  *out = bytes_of(value, (size_t)size);
  if ((n->flags & NODE_BIG) == 0)
    return true;
  memcpy(&big, value, sizeof big);
  if (big < 2 || big >= l->pages)
    return wrong(l, page, "it names a page that is not in the file");
  *out = bytes_of(page_at(l, big, &h) + sizeof h, (size_t)size);
  uint64_t count = h.lower | (uint64_t)h.upper << 16, needed = (sizeof h - 1 + size) / l->page_size + 1;
  if (h.number != big || h.flags != PAGE_OVERFLOW || count < needed)
    return wrong(l, big, "it is not the long row that it should be");
  return mark(l, big, count, page);
}

/* Each transaction lists the pages that it freed under its own number. */
static bool freed_is_sound(struct look *l, uint64_t page, struct bytes key, struct bytes list)
{
  uint64_t count, number;
  if (key.size != sizeof l->freed || list.size < sizeof count)
    return wrong(l, page, "a list of free pages is not in its form");
  memcpy(&l->freed, key.data, sizeof l->freed); /* they are in order */
  memcpy(&count, list.data, sizeof count);
  if (count > list.size / sizeof count - 1)
    return wrong(l, page, "a list of free pages is cut short");
  for (uint64_t i = 1; i <= count; i++) {
    memcpy(&number, list.data + i * sizeof number, sizeof number);
    if (!mark(l, number, 1, page))
      return false;
  }
  return true;
}

static bool tree_is_sound(struct look *l, const struct tree *t, enum tree_kind kind);

static bool row_is_sound(struct look *l, uint64_t page, const uint8_t *node, const struct node_head *n,
                         enum tree_kind kind)
{
  struct tree table;
  struct bytes value;
  bool is_table = (n->flags & NODE_TABLE) != 0;
  if ((n->flags & ~(kind == TREE_TABLES ? NODE_TABLE | NODE_BIG : NODE_BIG)) != 0 ||
      n->flags == (NODE_TABLE | NODE_BIG))
    return wrong(l, page, "it has a row of no known kind");
  if (!value_of(l, page, node, n, &value))
    return false;
  if (kind == TREE_FREE)
    return freed_is_sound(l, page, bytes_of(node + sizeof *n, n->key_size), value);
  if (!is_table)
    return true;
  if (value.size != sizeof table)
    return wrong(l, page, "a table's row is not in its form");
  memcpy(&table, value.data, sizeof table);
  return (table.flags == 0 || wrong(l, page, "a table is of no known kind")) && tree_is_sound(l, &table, TREE_ROWS);
}

/* Counts rows and pages into `t`. */
static bool page_is_sound(struct look *l, uint64_t page, unsigned depth, enum tree_kind kind, struct tree *t,
                          uint64_t from)
{
  struct page_head h;
  if (!mark(l, page, 1, from))
    return false;
  const uint8_t *at = page_at(l, page, &h);
  bool leaf = depth == 1;
  size_t count = (h.lower - sizeof h) / sizeof(uint16_t);
  if (h.number != page || h.flags != (leaf ? PAGE_LEAF : PAGE_BRANCH))
    return wrong(l, page, "it is not of the kind that belongs there");
  if (h.lower < sizeof h || h.lower % 2 != 0 || h.lower > h.upper || h.upper > l->page_size || count < (leaf ? 1u : 2u))
    return wrong(l, page, "its bounds do not fit");
  *(leaf ? &t->leaves : &t->branches) += 1;
  for (size_t i = 0; i < count; i++) {
    uint16_t offset;
    struct node_head n;
    memcpy(&offset, at + sizeof h + i * sizeof offset, sizeof offset);
    if (offset < h.upper || offset % 2 != 0 || offset > l->page_size - sizeof n)
      return wrong(l, page, "a row lies outside of it");
    memcpy(&n, at + offset, sizeof n);
    uint64_t value_size = !leaf ? 0 : (n.flags & NODE_BIG) != 0 ? sizeof(uint64_t) : n.low | (uint64_t)n.high << 16;
    if (n.key_size > KEY_SIZE_MAX || sizeof n + n.key_size + value_size > l->page_size - offset)
      return wrong(l, page, "a row lies outside of it");
    uint64_t below = n.low | (uint64_t)n.high << 16 | (uint64_t)n.flags << 32;
    if (leaf ? !row_is_sound(l, page, at + offset, &n, kind) : !page_is_sound(l, below, depth - 1, kind, t, page))
      return false;
    t->entries += leaf;
  }
  return true;
}

static bool tree_is_sound(struct look *l, const struct tree *t, enum tree_kind kind)
{
  struct tree found = {0};
  if (t->root == NO_PAGE)
    return (t->depth == 0 && t->entries == 0) || wrong(l, 0, "a table has rows, but no pages");
  if (t->depth < 1 || t->depth > DEPTH_MAX)
    return wrong(l, 0, "a table is of no possible depth");
  if (!page_is_sound(l, t->root, t->depth, kind, &found, 0))
    return false;
  return (found.entries == t->entries && found.leaves == t->leaves && found.branches == t->branches) ||
         wrong(l, t->root, "its table has not as many rows as it says");
}

/* --- the file --- */

static void meta_read(const uint8_t *file, uint64_t page_size, uint64_t number, struct meta *out)
{
  memcpy(out, file + number * page_size + sizeof(struct page_head), sizeof *out);
}

/* The newer one counts, and LMDB writes them in turn: the older is of the transaction before. */
static const char *metas_fault(const uint8_t *file, uint64_t size)
{
  struct meta m[2];
  struct page_head h;
  meta_read(file, 0, 0, &m[0]);
  if (m[0].magic != (uint32_t)MAGIC)
    return "expected an LMDB file with Onward's books, found a file of another kind";
  uint64_t page_size = m[0].free.pad;
  if (m[0].version != DATA_VERSION)
    return "expected an LMDB file of version 0.9, found another version";
  if (page_size < PAGE_SIZE_LEAST || page_size > PAGE_SIZE_MOST || (page_size & (page_size - 1)) != 0 ||
      size < 2 * page_size)
    return "the file is damaged in its first page";
  meta_read(file, page_size, 1, &m[1]);
  for (uint64_t i = 0; i < 2; i++) {
    memcpy(&h, file + i * page_size, sizeof h);
    if (h.number != i || h.flags != PAGE_META || m[i].magic != (uint32_t)MAGIC || m[i].version != DATA_VERSION ||
        m[i].free.pad != page_size || m[i].free.flags != LIST_FLAGS || m[i].tables.flags != 0)
      return "the file is damaged in its first two pages";
    if (m[i].last_page >= size / page_size && m[i].transaction >= m[1 - i].transaction)
      return "the file was cut short: it has fewer pages than it says";
  }
  bool begun = m[0].transaction == 0 && m[1].transaction == 0;
  if (!begun && (m[0].transaction % 2 != 0 ||
                 (m[0].transaction + 1 != m[1].transaction && m[1].transaction + 1 != m[0].transaction)))
    return "the file is damaged in its first two pages";
  return NULL;
}

int pages_begin_sound(const char *path, char why[200])
{
  struct stat st;
  uint8_t head[2 * PAGE_SIZE_MOST] = {0};
  if (stat(path, &st) != 0)
    return errno;
  if (!S_ISREG(st.st_mode)) {
    file_why(why, "%s: expected a file with the books, found %s", path,
             S_ISDIR(st.st_mode)    ? "a folder"
             : S_ISFIFO(st.st_mode) ? "a pipe"
                                    : "what is no file");
    return MDB_CORRUPTED;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  ssize_t size = read(fd, head, sizeof head);
  int error = size < 0 ? errno : 0;
  (void)close(fd);
  const char *fault = error == 0 ? metas_fault(head, (uint64_t)st.st_size) : NULL;
  if (fault != NULL)
    file_why(why, "%s: %s", path, fault);
  return fault != NULL ? MDB_CORRUPTED : error;
}

static bool freed_by(struct look *l, const struct meta *m)
{
  l->pages = m->last_page + 1;
  l->freed = 0;
  memset(l->seen, 0, (size_t)(l->size / l->page_size / 8 + 1));
  if (l->pages > l->size / l->page_size)
    return wrong(l, m->transaction % 2, "it names more pages than there are");
  return tree_is_sound(l, &m->free, TREE_FREE) && (l->freed == m->transaction || m->transaction <= 1 ||
                                                   wrong(l, m->transaction % 2, "it is of another state of the books"));
}

/* The state that the open transaction sees; a writer, if there is one, may have gone on since. The state before it, or
 * behind it, is whole for as long as its meta page stands. */
static bool trees_are_sound(struct look *l, uint64_t transaction)
{
  struct meta m, other, now;
  meta_read(l->file, l->page_size, transaction % 2, &m);
  meta_read(l->file, l->page_size, 1 - transaction % 2, &other);
  if (m.transaction != transaction)
    return wrong(l, transaction % 2, "it changed while it was read");
  bool other_fits = other.transaction == 0 || freed_by(l, &other);
  meta_read(l->file, l->page_size, 1 - transaction % 2, &now);
  if (!other_fits && memcmp(&other, &now, sizeof now) == 0)
    return false;
  l->what = NULL;
  return freed_by(l, &m) && tree_is_sound(l, &m.tables, TREE_TABLES);
}

int pages_are_sound(MDB_env *env, MDB_txn *txn, const char *folder, char why[200])
{
  MDB_stat stat;
  struct stat st;
  int fd, error = mdb_env_get_fd(env, &fd);
  if (error == 0 && fstat(fd, &st) != 0)
    error = errno;
  if (error == 0)
    error = mdb_env_stat(env, &stat);
  if (error != 0)
    return error;
  struct look l = {.size = (uint64_t)st.st_size, .page_size = stat.ms_psize};
  l.seen = calloc(1, l.size / l.page_size / 8 + 1);
  void *file = mmap(NULL, l.size, PROT_READ, MAP_SHARED, fd, 0);
  l.file = file == MAP_FAILED ? NULL : file;
  error = l.seen == NULL || l.file == NULL ? ENOMEM : 0;
  if (error == 0 && !trees_are_sound(&l, mdb_txn_id(txn))) {
    file_why(why, "%s/data.mdb: page %" PRIu64 " is damaged: %s; take another copy", folder, l.bad, l.what);
    error = MDB_CORRUPTED;
  }
  if (l.file != NULL)
    (void)munmap(file, l.size);
  free(l.seen);
  return error;
}
