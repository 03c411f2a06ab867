/* A log that was recorded once: whatever compiles this, with whichever optimisation, the same books follow from it.
 * When this test fails, the rules or the form of the books have changed: raise RULES_VERSION or BOOKS_FORMAT, and
 * record anew, never silently: scenario_run --record tests/scenarios/founding-story.log
 * tests/scenarios/founding-story.txt > tests/scenarios/founding-story.digest
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenarios/rebuild.h"

static void the_same_books_follow_from_the_recorded_log(void **state)
{
  char folder[FOLDER_PATH_SIZE], path[600], expected[100] = "", hex[65], have[100];
  struct hash digest;
  struct complaint why;
  const char *vectors = getenv("ONWARD_LOG");
  (void)state;
  assert_non_null(vectors);
  (void)snprintf(path, sizeof path, "%s/founding-story.digest", vectors);
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  assert_non_null(fgets(expected, sizeof expected, file));
  (void)fclose(file);
  expected[strcspn(expected, "\n")] = 0;
  (void)snprintf(path, sizeof path, "%s/founding-story.log", vectors);
  folder_make(folder);
  enum status s = rebuild_file(path, folder, &digest, &why);
  folder_remove(folder);
  if (s != OK)
    fail_msg("%s", why.text);
  hex_encode(BYTES(digest.byte), hex);
  (void)snprintf(have, sizeof have, "rules %d, format %d: %s", RULES_VERSION, BOOKS_FORMAT, hex);
  assert_string_equal(have, expected);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_books_follow_from_the_recorded_log)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
