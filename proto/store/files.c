/* Files, and words for what goes wrong with them. A file is written beside its old self, synced, renamed over it, and
 * the folder is synced: after a crash there is the old one or the new one, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/store/inside.h"

#define DISK_FULL (1ULL << 20) /* bytes left */

void file_why(char why[200], const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why, 200, format, arguments);
  va_end(arguments);
}

/* LMDB tells a full disk as an I/O error. */
static bool disk_full(const char *path)
{
  struct statvfs disk;
  return statvfs(path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < DISK_FULL;
}

void file_why_error(char why[200], const char *path, const char *doing, int error)
{
  const char *full = disk_full(path) ? "; the disk is full: make room" : "";
  file_why(why, "%s: %s: %s%s", path, doing, mdb_strerror(error), full);
}

char *file_path_join(const char *folder, const char *name)
{
  size_t size = strlen(folder) + strlen(name) + 2;
  char *path = malloc(size);
  if (path != NULL)
    (void)snprintf(path, size, "%s/%s", folder, name);
  return path;
}

int file_sync_folder(const char *folder)
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error;
}

int file_sync_parent(const char *path)
{
  char *copy = strdup(path);
  if (copy == NULL)
    return ENOMEM;
  int error = file_sync_folder(dirname(copy));
  free(copy);
  return error;
}

static int write_all(int fd, struct bytes content)
{
  while (content.size > 0) {
    ssize_t written = write(fd, content.data, content.size);
    if (written < 0 && errno != EINTR)
      return errno;
    if (written > 0)
      content = bytes_of(content.data + written, content.size - (size_t)written);
  }
  return 0;
}

static int file_create(const char *path, struct bytes content)
{
  if (unlink(path) != 0 && errno != ENOENT) /* left by a crash */
    return errno;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno;
  int error = write_all(fd, content);
  if (error == 0 && fsync(fd) != 0)
    error = errno;
  if (close(fd) != 0 && error == 0)
    error = errno;
  return error;
}

enum status file_write(const char *path, struct bytes content, char why[200])
{
  char beside[PATH_MAX];
  int size = snprintf(beside, sizeof beside, "%s.new", path);
  int error = size < 0 || (size_t)size >= sizeof beside ? ENAMETOOLONG : file_create(beside, content);
  if (error == 0 && rename(beside, path) != 0)
    error = errno;
  if (error != 0)
    (void)unlink(beside);
  else
    error = file_sync_parent(path);
  if (error == 0)
    return OK;
  file_why_error(why, path, "cannot write the file", error);
  return store_status_of(error) == NOT_NOW ? NOT_NOW : OUR_FAULT;
}

enum status file_rename(const char *from, const char *to, char why[200])
{
  int error = rename(from, to) == 0 ? file_sync_parent(to) : errno;
  if (error == 0)
    return OK;
  file_why_error(why, to, "cannot be given its name", error);
  return OUR_FAULT;
}

/* Reads until the end or until `capacity` is full. 0 or errno. */
static int read_all(int fd, uint8_t *out, size_t capacity, size_t *size)
{
  *size = 0;
  while (*size < capacity) {
    ssize_t got = read(fd, out + *size, capacity - *size);
    if (got == 0)
      break;
    if (got < 0 && errno != EINTR)
      return errno;
    if (got > 0)
      *size += (size_t)got;
  }
  return 0;
}

enum status file_read(const char *path, void *out, size_t capacity, size_t *size, char why[200])
{
  uint8_t one_more;
  size_t more = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int error = fd < 0 ? errno : read_all(fd, out, capacity, size);
  if (error == 0)
    error = read_all(fd, &one_more, 1, &more);
  if (fd >= 0)
    close(fd);
  if (error == 0 && more == 0)
    return OK;
  if (error == 0) {
    file_why(why, "%s: longer than the %zu bytes that this file may have", path, capacity);
    return BAD_INPUT;
  }
  file_why_error(why, path, "cannot read the file", error);
  return error == ENOENT ? NOT_FOUND : OUR_FAULT;
}

void store_remove(const char *folder)
{
  static const char *const files[] = {"data.mdb", "lock.mdb"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    char *path = file_path_join(folder, files[i]);
    if (path != NULL)
      (void)unlink(path);
    free(path);
  }
  (void)rmdir(folder);
}

/* One call changes both names, so that at every moment there is a folder with books; and whoever reads the old ones
 * goes on reading them, with the lock file that belongs to them. */
enum status store_swap(const char *folder, const char *copy, char why[200])
{
  int error = renameat2(AT_FDCWD, copy, AT_FDCWD, folder, RENAME_EXCHANGE) == 0 ? 0 : errno;
  if (error == 0)
    error = file_sync_parent(folder);
  else
    store_remove(copy);
  if (error != 0) {
    file_why_error(why, folder, "the books written anew cannot take their place", error);
    return OUR_FAULT;
  }
  store_remove(copy); /* by now the old ones */
  return OK;
}
