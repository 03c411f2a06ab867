/* The office's own command: two words, one at a time, nothing doubled, and none that runs for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "agents/news.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

static char folder[FOLDER_PATH_SIZE], program[120];
static struct hook hook;

static int setup(void **state)
{
  (void)state;
  memset(&hook, 0, sizeof hook);
  folder_make(folder);
  snprintf(program, sizeof program, "%s", folder_path(folder, "hook"));
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  folder_remove(folder);
  return 0;
}

static void write_program(const char *lines)
{
  char text[600], why[200];
  snprintf(text, sizeof text, "#!/bin/sh\ncd '%s' || exit 1\n%s\n", folder, lines);
  assert_int_equal(file_write(program, bytes_text(text), why), OK);
  assert_int_equal(chmod(program, 0700), 0);
}

static struct notice notice(uint8_t id, enum news_kind kind)
{
  struct notice n = {.kind = kind};
  memset(n.id.byte, id, sizeof n.id.byte);
  return n;
}

/* Until nothing runs and nothing waits; a test that hangs is ended from outside. */
static void run_all(uint64_t now_ms)
{
  const struct timespec little = {0, 2000000};
  while (hook_turn(&hook, program, now_ms))
    nanosleep(&little, NULL);
}

static void each_notice_once_in_order(void **state)
{
  (void)state;
  char said[400], why[200];
  size_t size;
  write_program("read nothing || true; echo \"$#:$1:$2:$nothing\" >>said");
  struct notice list[] = {notice(1, NEWS_NEW),  notice(1, NEWS_NEW),     notice(1, NEWS_SAFETY),
                          notice(2, NEWS_DUTY), notice(2, NEWS_OVERDUE), notice(1, NEWS_CHANGED)};
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    hook_add(&hook, &list[i]);
  run_all(1000);
  assert_int_equal(file_read(folder_path(folder, "said"), said, sizeof said - 1, &size, why), OK);
  said[size] = 0;
  assert_string_equal(said, "2:01010101010101010101010101010101:new:\n2:01010101010101010101010101010101:safety:\n"
                            "2:02020202020202020202020202020202:duty:\n2:02020202020202020202020202020202:overdue:\n"
                            "2:01010101010101010101010101010101:changed:\n");
}

static void one_that_hangs_is_ended(void **state)
{
  (void)state;
  struct notice n = notice(1, NEWS_NEW), next = notice(2, NEWS_NEW);
  write_program("exec sleep 1000");
  hook_add(&hook, &n);
  assert_true(hook_turn(&hook, program, 1000));
  pid_t first = hook.child;
  hook_add(&hook, &next);
  assert_true(hook_turn(&hook, program, 60999));
  assert_int_equal(hook.child, first);
  assert_int_equal(hook.count, 1);
  write_program("echo \"$1\" >said");
  run_all(61000);
  assert_int_equal(file_count(folder_path(folder, "said"), bytes_text("02020202020202020202020202020202\n")), 1);
}

static void what_cannot_be_started_holds_up_nothing(void **state)
{
  (void)state;
  struct notice n = notice(1, NEWS_NEW);
  hook_add(&hook, &n);
  run_all(1000); /* there is no such program */
  assert_int_equal(hook.count, 0);
  for (size_t i = 0; i < 2 * HOOK_WAITING_MAX; i++) {
    n.id.byte[0] = (uint8_t)i;
    n.id.byte[1] = (uint8_t)(i >> 8);
    hook_add(&hook, &n);
  }
  assert_int_equal(hook.count, HOOK_WAITING_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_notice_once_in_order, setup, teardown),
      cmocka_unit_test_setup_teardown(one_that_hangs_is_ended, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_started_holds_up_nothing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
