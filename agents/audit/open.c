/* Opening the books of a data folder for reading, walking their rows, and telling what is wrong. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/audit/export.h"

#define MEMORY_SIZE (4u << 20)

enum audit_code audit_tell(const struct audit_request *q, enum audit_code code, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fprintf(q->err, "onward-audit: %s: ", q->folder);
  vfprintf(q->err, format, arguments);
  fputc('\n', q->err);
  va_end(arguments);
  return code;
}

enum audit_code audit_trouble(const struct audit *a)
{
  if (a->books->trouble == OK)
    return AUDIT_FINE;
  if (a->exported != NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "%s; take another copy of the export", a->exported->trouble);
  return audit_tell(a->request, AUDIT_UNREADABLE, "the books' file is damaged: take another copy of it");
}

static bool is_beside(const char *folder, const char *name)
{
  char path[PATH_MAX];
  int size = snprintf(path, sizeof path, "%s/%s", folder, name);
  return size > 0 && (size_t)size < sizeof path && access(path, F_OK) == 0;
}

bool audit_is_backup(const struct audit *a)
{
  return is_beside(a->request->folder, "backup");
}

/* NULL: it could be a data folder. */
static const char *folder_fault(const char *folder)
{
  struct stat st;
  if (stat(folder, &st) != 0)
    return errno == ENOENT    ? "expected the data folder of an exchange, found nothing of this name"
           : errno == ENOTDIR ? "expected the data folder of an exchange; what stands before the last / is no folder"
                              : strerror(errno);
  if (!S_ISDIR(st.st_mode))
    return S_ISREG(st.st_mode) ? "expected the data folder of an exchange, found a file"
                               : "expected the data folder of an exchange, found what is neither folder nor file";
  if (access(folder, R_OK | X_OK) != 0)
    return "expected the data folder of an exchange, found a folder that you may not read";
  if (is_beside(folder, "network")) /* its books have the same tables */
    return "expected the data folder of an exchange, found an organisation's";
  return is_beside(folder, "data.mdb") ? "expected the data folder of an exchange, found its books: give the folder "
                                         "that they are in"
                                       : NULL;
}

static enum audit_code books_open(const struct audit_request *q, struct audit *out)
{
  char folder[PATH_MAX], why[200];
  int size = snprintf(folder, sizeof folder, "%s/books", q->folder);
  if (size < 0 || (size_t)size >= sizeof folder)
    return audit_tell(q, AUDIT_UNREADABLE, "the folder's name is too long");
  const char *fault = folder_fault(q->folder);
  if (fault != NULL)
    return audit_tell(q, AUDIT_UNREADABLE, "%s", fault);
  const struct store_options options = {.folder = folder,
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT,
                                        .read_only = true,
                                        .foreign = true};
  enum status s = store_open(&options, why, &out->store);
  if (s != OK) {
    fprintf(q->err, "onward-audit: %s%s\n", why,
            s == NOT_FOUND ? "; give the data folder of an exchange, or an export" : "");
    return AUDIT_UNREADABLE;
  }
  out->books = store_begin(out->store, false);
  return audit_trouble(out);
}

enum audit_code audit_open(const struct audit_request *q, struct audit *out)
{
  *out = (struct audit){.request = q, .memory = malloc(MEMORY_SIZE)};
  if (out->memory == NULL)
    return audit_tell(q, AUDIT_UNREADABLE, "no memory");
  out->arena = arena_of(out->memory, MEMORY_SIZE);
  if (!exported_is(q->folder))
    return books_open(q, out);
  enum audit_code code = exported_open(q, &out->exported);
  out->books = out->exported == NULL ? NULL : &out->exported->books;
  return code;
}

void audit_close(struct audit *a)
{
  store_close(a->store);
  exported_close(a->exported);
  free(a->memory);
}

struct walk walk_of(struct books *b, int table)
{
  return (struct walk){.books = b, .table = table};
}

bool walk_next(struct walk *w, struct bytes *key, struct bytes *value)
{
  if (w->over || w->books->seek(w->books, w->table, bytes_of(w->from, w->from_size), key, value) != OK)
    return false;
  w->over = key->size >= sizeof w->from; /* no key of ours: whoever asked will find it wrong, and stop */
  if (!w->over) {
    memcpy(w->from, key->data, key->size); /* nothing stands between a key and the same key with a zero behind it */
    w->from[key->size] = 0;
    w->from_size = key->size + 1;
  }
  return true;
}
