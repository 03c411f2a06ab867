/* Reading the published vectors in tests/vectors, or in the folder that ONWARD_VECTORS names. A file that is missing or
 * is no JSON fails the test that asked for it. */
#ifndef ONWARD_VECTORS_H
#define ONWARD_VECTORS_H

#include "proto/base/base.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VECTORS_PATH_MAX = 1024, VECTORS_FILE_MAX = 4 << 20 };

static inline bool vectors_are_ours(void)
{
  return getenv("ONWARD_VECTORS") == NULL;
}

static inline void vectors_path(const char *name, char path[VECTORS_PATH_MAX])
{
  const char *folder = vectors_are_ours() ? ONWARD_VECTORS_DIR : getenv("ONWARD_VECTORS");
  assert_true(snprintf(path, VECTORS_PATH_MAX, "%s/%s", folder, name) < VECTORS_PATH_MAX);
}

/* The whole file, with a zero after it; free(data). No data: it is not there. */
static inline struct bytes vectors_try_file(const char *name)
{
  char path[VECTORS_PATH_MAX];
  vectors_path(name, path);
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return (struct bytes){NULL, 0};
  uint8_t *data = malloc(VECTORS_FILE_MAX);
  assert_non_null(data);
  size_t size = fread(data, 1, VECTORS_FILE_MAX - 1, file);
  assert_true(feof(file));
  fclose(file);
  data[size] = 0;
  return bytes_of(data, size);
}

static inline struct bytes vectors_file(const char *name)
{
  struct bytes b = vectors_try_file(name);
  if (b.data == NULL) {
    fail_msg("no file %s", name);
    abort(); /* for the analyser, which does not know that a failed test does not go on */
  }
  return b;
}

static inline void vectors_free(struct bytes b)
{
  free((void *)(uintptr_t)b.data);
}

/* Numbers come as reals: those beyond 2^63 - 1 have to be read from the text, with vectors_u64. */
static inline json_t *vectors_json(struct bytes text, const char *name)
{
  json_error_t error;
  json_t *json = json_loadb((const char *)text.data, text.size, JSON_DECODE_INT_AS_REAL, &error);
  if (json == NULL)
    fail_msg("%s:%d: %s", name, error.line, error.text);
  return json;
}

static inline uint64_t vectors_u64(struct bytes text, const char *field)
{
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", field);
  const char *at = strstr((const char *)text.data, quoted);
  assert_non_null(at);
  return strtoull(at + strlen(quoted), NULL, 10);
}

static inline const char *vectors_text(const json_t *object, const char *field)
{
  const char *text = json_string_value(json_object_get(object, field));
  if (text == NULL)
    fail_msg("no text named %s", field);
  return text;
}

static inline struct bytes vectors_hex(const json_t *object, const char *field, uint8_t *buffer, size_t capacity)
{
  size_t size = 0;
  assert_int_equal(hex_decode(bytes_text(vectors_text(object, field)), buffer, capacity, &size), OK);
  return bytes_of(buffer, size);
}

/* Calls `visit` with the name of every .json file in `folder` and below it; how many there were. */
static inline int vectors_walk(const char *folder, void (*visit)(const char *name))
{
  char path[VECTORS_PATH_MAX];
  int count = 0;
  vectors_path(folder, path);
  DIR *dir = opendir(path);
  assert_non_null(dir);
  for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    if (entry->d_name[0] == '.')
      continue;
    char name[VECTORS_PATH_MAX];
    assert_true(snprintf(name, sizeof name, "%s/%s", folder, entry->d_name) < VECTORS_PATH_MAX);
    size_t size = strlen(name);
    if (entry->d_type == DT_DIR)
      count += vectors_walk(name, visit);
    else if (size > 5 && strcmp(name + size - 5, ".json") == 0) {
      visit(name);
      count++;
    }
  }
  closedir(dir);
  return count;
}

#endif
