/* What a report keeps while the log is replayed: rows of one size in a mapped file that has no name, so that the
 * system may put them aside; and numbered names. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/audit/report/report.h"

#define ROOM_FIRST 4096

bool rows_open(size_t each, struct rows *out)
{
  const char *base = getenv("TMPDIR");
  *out = (struct rows){.each = each, .at = NULL};
  out->file = open(base == NULL ? "/tmp" : base, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return out->file >= 0;
}

void *rows_add(struct rows *r)
{
  if (r->count == r->room) {
    size_t room = r->room == 0 ? ROOM_FIRST : 2 * r->room;
    errno = posix_fallocate(r->file, 0, (off_t)(room * r->each)); /* a full disk is told here, not by a signal later */
    if (errno != 0)
      return NULL;
    void *at = r->at == NULL ? mmap(NULL, room * r->each, PROT_READ | PROT_WRITE, MAP_SHARED, r->file, 0)
                             : mremap(r->at, r->room * r->each, room * r->each, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
      return NULL;
    r->at = at;
    r->room = room;
  }
  return (uint8_t *)r->at + r->each * r->count++;
}

void rows_close(struct rows *r)
{
  if (r->each == 0)
    return;
  if (r->at != NULL)
    munmap(r->at, r->room * r->each);
  if (r->file >= 0)
    close(r->file);
  *r = (struct rows){0};
}

static int name_compare(const void *a, const void *b)
{
  return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* Makes room for one more at powers of two. */
static bool names_grow(struct names *n)
{
  if ((n->count & (n->count - 1)) != 0)
    return true;
  struct name **list = realloc(n->list, (n->count == 0 ? 1 : 2 * n->count) * sizeof(struct name *));
  if (list != NULL)
    n->list = list;
  return list != NULL;
}

struct name *names_take(struct names *n, const char *text)
{
  struct name *fresh = calloc(1, sizeof *fresh);
  if (fresh == NULL || n->count == NAMES_MAX || !names_grow(n)) {
    free(fresh);
    return NULL;
  }
  (void)snprintf(fresh->text, sizeof fresh->text, "%s", text);
  memcpy(fresh->shown, fresh->text, sizeof fresh->shown);
  fresh->number = (uint16_t)n->count;
  void *found = tsearch(fresh, &n->tree, name_compare);
  struct name *name = found == NULL ? NULL : *(struct name **)found;
  if (name != fresh)
    free(fresh);
  else
    n->list[n->count++] = fresh;
  return name;
}

static int shown_compare(const void *a, const void *b, void *names)
{
  const struct names *n = names;
  const char *x = n->list[*(const uint16_t *)a]->shown, *y = n->list[*(const uint16_t *)b]->shown;
  size_t x_size = strlen(x), y_size = strlen(y);
  return x_size != y_size ? (x_size < y_size ? -1 : 1) : strcmp(x, y);
}

bool names_sort(struct names *n, bool by_number)
{
  n->order = calloc(n->count + 1, sizeof *n->order);
  if (n->order == NULL)
    return false;
  for (size_t i = 0; i < n->count; i++)
    n->order[i] = (uint16_t)i;
  if (!by_number)
    qsort_r(n->order, n->count, sizeof *n->order, shown_compare, n);
  return true;
}

void names_free(struct names *n)
{
  for (size_t i = 0; i < n->count; i++) {
    tdelete(n->list[i], &n->tree, name_compare);
    free(n->list[i]);
  }
  free(n->list);
  free(n->order);
  *n = (struct names){0};
}
