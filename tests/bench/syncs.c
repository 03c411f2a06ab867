/* Loaded before libc into a process under measure: counts how often it waits for the disk. LMDB's second wait of a
 * commit is a write to a file that was opened with O_DSYNC, so such writes count too. */
#include "tests/bench/syncs.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);
int msync(void *address, size_t size, int flags);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);

static atomic_ullong own;
static atomic_ullong *counter = &own;

void syncs_count_into(void *shared)
{
  counter = shared != NULL ? shared : &own;
}

__attribute__((constructor)) static void share(void)
{
  const char *path = getenv("ONWARD_SYNCS");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return;
  void *map = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED)
    counter = map;
}

static void *real(const char *name)
{
  atomic_fetch_add(counter, 1);
  return dlsym(RTLD_NEXT, name);
}

int fsync(int fd)
{
  int (*f)(int);
  *(void **)&f = real("fsync");
  return f(fd);
}

int fdatasync(int fd)
{
  int (*f)(int);
  *(void **)&f = real("fdatasync");
  return f(fd);
}

int msync(void *address, size_t size, int flags)
{
  int (*f)(void *, size_t, int);
  *(void **)&f = real("msync");
  return f(address, size, flags);
}

static ssize_t write_at(int fd, const void *data, size_t size, off64_t offset)
{
  static ssize_t (*f)(int, const void *, size_t, off64_t);
  if (f == NULL)
    *(void **)&f = dlsym(RTLD_NEXT, "pwrite64");
  if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
    atomic_fetch_add(counter, 1);
  return f(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
  return write_at(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
  return write_at(fd, data, size, offset);
}
