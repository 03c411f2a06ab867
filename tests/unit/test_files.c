/* Files are replaced whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/store/store.h"
#include "tests/unit/folder.h"

static char folder[FOLDER_PATH_SIZE];
static char why[200];

static int setup(void **state)
{
  (void)state;
  folder_make(folder);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  folder_remove(folder);
  return 0;
}

static void file_is_replaced_whole(void **state)
{
  (void)state;
  char content[16];
  size_t size = 0;
  struct stat status;
  const char *path = folder_path(folder, "file");
  assert_int_equal(file_read(path, content, sizeof content, &size, why), NOT_FOUND);
  assert_int_equal(file_write(path, bytes_text("first content"), why), OK);
  assert_int_equal(file_write(folder_path(folder, "file.new"), bytes_text("left by a crash"), why), OK);
  assert_int_equal(chmod(folder_path(folder, "file.new"), 0644), 0);
  assert_int_equal(file_write(path, bytes_text("second"), why), OK);
  assert_int_not_equal(access(folder_path(folder, "file.new"), F_OK), 0);
  assert_int_equal(file_read(path, content, 6, &size, why), OK);
  assert_true(bytes_equal(bytes_of(content, size), bytes_text("second")));
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(file_read(path, content, 5, &size, why), BAD_INPUT);
  assert_non_null(strstr(why, path));
}

static void file_that_cannot_be_replaced_stays(void **state)
{
  (void)state;
  char content[16];
  size_t size = 0;
  const char *path = folder_path(folder, "file");
  assert_int_equal(file_write(path, bytes_text("old"), why), OK);
  assert_int_equal(mkdir(folder_path(folder, "file.new"), 0700), 0); /* in the way */
  assert_int_equal(file_write(path, bytes_text("new"), why), OUR_FAULT);
  assert_non_null(strstr(why, path));
  assert_int_equal(file_read(path, content, sizeof content, &size, why), OK);
  assert_true(bytes_equal(bytes_of(content, size), bytes_text("old")));
  assert_int_equal(file_write(folder_path(folder, "no/such/file"), bytes_text("new"), why), OUR_FAULT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(file_is_replaced_whole),
      TEST(file_that_cannot_be_replaced_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
