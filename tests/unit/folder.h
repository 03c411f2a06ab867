/* Temporary folders for tests, in TMPDIR or /tmp. Whatever goes wrong in here is a bug of the test: it aborts. */
#ifndef ONWARD_TEST_FOLDER_H
#define ONWARD_TEST_FOLDER_H

#include "proto/base/base.h"

#define FOLDER_PATH_SIZE 200
void folder_make(char path[FOLDER_PATH_SIZE]);
void folder_remove(const char *path); /* with all that is in it */
/* "<folder>/<name>", in one of four buffers that are used in turn. */
const char *folder_path(const char *folder, const char *name);
/* How often `marker` stands in the file, byte for byte. */
size_t file_count(const char *path, struct bytes marker);

#endif
