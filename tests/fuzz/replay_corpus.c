/* The main of a fuzz target where there is no libFuzzer: every file of the folder given is handed to it, whole and cut
 * short at up to 64 places, each time in a block of exactly its size, so that a sanitizer sees the first byte read past
 * the end. An empty or missing folder is a failure: a target without inputs tests nothing. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUTS_MAX 64

static void try_exactly(const uint8_t *data, size_t size)
{
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL)
    abort();
  memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void try_whole_and_cut(const uint8_t *data, size_t size)
{
  size_t step = size / CUTS_MAX + 1;
  for (size_t cut = 0; cut < size; cut += step)
    try_exactly(data, cut);
  try_exactly(data, size);
}

/* The whole file in a block that the caller frees; NULL when it cannot be read. */
static uint8_t *file_read(const char *path, size_t size)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return NULL;
  uint8_t *data = malloc(size + 1);
  if (data != NULL && fread(data, 1, size, file) != size) {
    free(data);
    data = NULL;
  }
  fclose(file);
  return data;
}

/* 1 when the file was tried, 0 when it is none, -1 on failure. */
static int try_file(const char *folder, const char *name)
{
  char path[4096];
  struct stat info;
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path || stat(path, &info) != 0)
    return -1;
  if (!S_ISREG(info.st_mode))
    return 0;
  uint8_t *data = file_read(path, (size_t)info.st_size);
  if (data == NULL)
    return -1;
  printf("%s\n", path); /* so that a crash names its input */
  fflush(stdout);
  try_whole_and_cut(data, (size_t)info.st_size);
  free(data);
  return 1;
}

int main(int argc, char **argv)
{
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (folder == NULL) {
    fprintf(stderr, "usage: %s CORPUS-FOLDER (there is none such: %s)\n", argv[0], argc == 2 ? argv[1] : "not given");
    return 2;
  }
  int tried = 0;
  int failed = 0;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    int result = try_file(argv[1], entry->d_name);
    tried += result > 0;
    failed += result < 0;
  }
  closedir(folder);
  printf("%d inputs, %d unreadable\n", tried, failed);
  return tried > 0 && failed == 0 ? 0 : 1;
}
