/* The agent's settings: what is wrong is told with file, line, key and what was expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agents/config.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

static char folder[FOLDER_PATH_SIZE];

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

static const char *written(const char *text)
{
  char why[200];
  const char *path = folder_path(folder, "agent.conf");
  assert_int_equal(file_write(path, bytes_text(text), why), OK);
  return path;
}

static void everything_has_a_default(void **state)
{
  (void)state;
  struct config c;
  struct settings_error error;
  assert_int_equal(config_read(folder_path(folder, "agent.conf"), &c, &error), OK);
  assert_int_equal(c.hello_wait_ms, 15000);
  assert_int_equal(c.credit_entries, 64);
  assert_string_equal(c.address, "");
  assert_string_equal(c.hook, "");
  assert_int_equal(c.phone_after_minutes, 15);
  assert_int_equal(c.outbox_events, 10000);
}

static void sample_is_a_working_minimum(void **state)
{
  (void)state;
  struct config c;
  struct settings_error error;
  assert_int_equal(config_read("deploy/agent.conf", &c, &error), OK);
}

static void every_key_is_taken(void **state)
{
  (void)state;
  struct config c;
  struct settings_error error;
  const char *path =
      written("[exchange]\naddress = tcp://10.0.0.1:7000\nsocks_proxy = 127.0.0.1:9050\nhello_wait_ms = 500\n"
              "ask_interval_s = 5\ncredit_entries = 256\ncredit_bytes = 65536\n[office]\nlock_after_minutes = 0\n"
              "phone_after_minutes = 30\nhook = /bin/true\noutbox_events = 7\n");
  assert_int_equal(config_read(path, &c, &error), OK);
  assert_string_equal(c.address, "tcp://10.0.0.1:7000");
  assert_string_equal(c.socks_proxy, "127.0.0.1:9050");
  assert_int_equal(c.hello_wait_ms, 500);
  assert_int_equal(c.ask_interval_s, 5);
  assert_int_equal(c.credit_entries, 256);
  assert_int_equal(c.credit_bytes, 65536);
  assert_int_equal(c.lock_after_minutes, 0);
  assert_int_equal(c.phone_after_minutes, 30);
  assert_int_equal(c.outbox_events, 7);
  assert_string_equal(c.hook, "/bin/true");
}

static void assert_refused(const char *text, const char *line, const char *words)
{
  struct config c;
  struct settings_error error;
  const char *path = written(text);
  assert_int_equal(config_read(path, &c, &error), BAD_INPUT);
  assert_non_null(strstr(error.text, path));
  assert_non_null(strstr(error.text, line));
  assert_non_null(strstr(error.text, words));
}

static void what_is_wrong_is_named(void **state)
{
  (void)state;
  assert_refused("[exchange]\ncredit_entries = 257\n", ":2:", "credit_entries: expected a number from 1 to 256");
  assert_refused("[exchange]\n\nask_interval_s = soon\n", ":3:", "ask_interval_s: expected a number");
  assert_refused("[exchange]\naddress = 10.0.0.1:7000\n", ":2:", "address: expected tcp://host:port");
  assert_refused("[exchange]\nsocks_proxy = 127.0.0.1\n", ":2:", "socks_proxy: expected host:port");
  for (const char *const *hook = (const char *const[]){"true", "/bin", "/no/such", "/etc/passwd", NULL}; *hook != NULL;
       hook++) {
    char text[80];
    snprintf(text, sizeof text, "[office]\nhook = %s\n", *hook);
    assert_refused(text, ":2:", "hook: expected a program that can be started");
  }
  assert_refused("[office]\nlock_after = 5\n", ":2:", "lock_after: there is no such key");
  assert_refused("[office]\nlock_after_minutes = 5\nlock_after_minutes = 6\n", ":3:", "second time");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(everything_has_a_default, setup, teardown),
      cmocka_unit_test_setup_teardown(sample_is_a_working_minimum, setup, teardown),
      cmocka_unit_test_setup_teardown(every_key_is_taken, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_wrong_is_named, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
