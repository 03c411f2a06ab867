/* Temporary folders for tests. */
#include "tests/unit/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_make(char path[FOLDER_PATH_SIZE])
{
  const char *base = getenv("TMPDIR");
  int size = snprintf(path, FOLDER_PATH_SIZE, "%s/onward-test-XXXXXX", base == NULL ? "/tmp" : base);
  must(size > 0 && size < FOLDER_PATH_SIZE);
  must(mkdtemp(path) != NULL);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void)status;
  (void)type;
  (void)place;
  return remove(path);
}

void folder_remove(const char *path)
{
  must(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *folder_path(const char *folder, const char *name)
{
  static char buffers[4][2 * FOLDER_PATH_SIZE];
  static size_t turn;
  char *path = buffers[turn++ % 4];
  int size = snprintf(path, sizeof buffers[0], "%s/%s", folder, name);
  must(size > 0 && (size_t)size < sizeof buffers[0]);
  return path;
}

size_t file_count(const char *path, struct bytes marker)
{
  struct stat status;
  FILE *file = fopen(path, "rb");
  must(file != NULL && fstat(fileno(file), &status) == 0);
  size_t size = (size_t)status.st_size, count = 0;
  uint8_t *content = malloc(size + 1);
  must(content != NULL && fread(content, 1, size, file) == size);
  (void)fclose(file);
  const uint8_t *at = content;
  while ((at = memmem(at, size - (size_t)(at - content), marker.data, marker.size)) != NULL) {
    count++;
    at++;
  }
  free(content);
  return count;
}
