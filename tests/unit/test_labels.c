/* Every code of the five lists has a label in every language, and nothing else has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/labels.h"
#include "proto/case.pb-c.h"
#include "proto/onward.pb-c.h"

static void every_code_has_a_label(void **state)
{
  static const ProtobufCEnumDescriptor *const lists[] = {
      &onward__service_group__descriptor, &onward__service_code__descriptor, &onward__decline_reason__descriptor,
      &onward__outcome__descriptor, &onward__legal_basis__descriptor};
  size_t count = 0;
  (void)state;
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    for (unsigned k = 0; k < lists[i]->n_values; k++) {
      if (lists[i]->values[k].value == 0)
        continue;
      count++;
      for (int language = 0; language < LANGUAGES; language++)
        if (label_of(lists[i]->values[k].name, (enum language)language) == NULL)
          fail_msg("%s has no label", lists[i]->values[k].name);
    }
  assert_true(label_count >= count); /* more: retired ones */
  assert_null(label_of("NO_SUCH_CODE", ENGLISH));
}

static void the_language_is_that_of_the_environment(void **state)
{
  static const struct {
    const char *lc_all, *lang;
    enum language want;
  } cases[] = {{"", "", ENGLISH},     {"", "km_KH.UTF-8", KHMER},   {"", "km", KHMER}, {"C", "km_KH.UTF-8", ENGLISH},
               {"km_KH", "C", KHMER}, {"", "kmr_TR.UTF-8", ENGLISH}};
  (void)state;
  unsetenv("LC_MESSAGES");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    setenv("LC_ALL", cases[i].lc_all, 1);
    setenv("LANG", cases[i].lang, 1);
    assert_int_equal(language_of_environment(), cases[i].want);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_code_has_a_label),
                                     cmocka_unit_test(the_language_is_that_of_the_environment)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
