/* Cambodia's table is whole, and what lies in what is found in it, whichever scheme a code is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/areas.h"

static void the_table_is_sorted_and_closed(void **state)
{
  (void)state;
  for (size_t i = 0; i < area_count; i++) {
    if (i > 0)
      assert_true(strcmp(areas[i - 1].code, areas[i].code) < 0);
    assert_ptr_equal(area_find(areas[i].code), &areas[i]);
    assert_true(areas[i].name[ENGLISH][0] != 0);
    if (areas[i].parent[0] != 0)
      assert_non_null(area_find(areas[i].parent));
    if (areas[i].same_as[0] != 0) {
      const struct area *same = area_find(areas[i].same_as);
      assert_non_null(same);
      assert_int_not_equal(same->scheme, areas[i].scheme);
      assert_string_equal(same->same_as, ""); /* one step leads to the code that counts */
    }
  }
}

/* The district's province, "KH17" for "KH1710". */
static void assert_in_its_province(const struct area *district)
{
  assert_int_equal(strlen(district->code), 6);
  assert_int_equal(strlen(district->parent), 4);
  assert_memory_equal(district->code, district->parent, 4);
}

/* 25 provinces in each scheme; 210 districts of 2024, and one that COD-AB still has. */
static void cambodia_is_whole(void **state)
{
  size_t provinces[2] = {0, 0};
  size_t districts = 0;
  (void)state;
  for (size_t i = 0; i < area_count; i++) {
    if (strncmp(areas[i].code, "KH", 2) != 0 || areas[i].parent[0] == 0)
      continue;
    bool province = strcmp(areas[i].parent, "KH") == 0 || areas[i].same_as[0] != 0;
    provinces[areas[i].scheme] += province;
    districts += !province;
    if (!province)
      assert_in_its_province(&areas[i]);
  }
  assert_int_equal(provinces[AREA_ISO], 25);
  assert_int_equal(provinces[AREA_PCODE], 25);
  assert_int_equal(districts, 211);
}

static void what_lies_where(void **state)
{
  static const struct {
    const char *served, *wanted;
    enum area_fit fit;
  } cases[] = {
      {"KH-17", "KH-17", AREA_COVERED}, {"KH17", "KH-17", AREA_COVERED},    {"KH-17", "KH17", AREA_COVERED},
      {"KH-1", "KH01", AREA_COVERED},   {"KH-17", "KH1710", AREA_COVERED},  {"KH17", "KH1710", AREA_COVERED},
      {"KH", "KH1710", AREA_COVERED},   {"KH", "KH17", AREA_COVERED},       {"KH1710", "KH-17", AREA_PART},
      {"KH1710", "KH17", AREA_PART},    {"KH1710", "KH", AREA_PART},        {"KH17", "KH", AREA_PART},
      {"KH-1", "KH1710", AREA_OUTSIDE}, {"KH1710", "KH1711", AREA_OUTSIDE}, {"KH-17", "KH-18", AREA_OUTSIDE},
      {"KH01", "KH-17", AREA_OUTSIDE},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (area_fit(cases[i].served, cases[i].wanted) != cases[i].fit)
      fail_msg("%s served, %s wanted: not %d", cases[i].served, cases[i].wanted, (int)cases[i].fit);
}

static void codes_that_nobody_knows_fit_themselves(void **state)
{
  (void)state;
  assert_null(area_find("KH-99"));
  assert_null(area_find(""));
  assert_int_equal(area_fit("KH-99", "KH-99"), AREA_COVERED);
  assert_int_equal(area_fit("KH", "KH-99"), AREA_OUTSIDE);
  assert_int_equal(area_fit("KH-99", "KH"), AREA_OUTSIDE);
  assert_int_equal(area_fit("TH-50", "LA-XA"), AREA_OUTSIDE);
}

static void names_in_both_languages(void **state)
{
  (void)state;
  assert_string_equal(area_find("KH-17")->name[ENGLISH], "Siem Reap");
  assert_string_equal(area_find("KH17")->name[KHMER], "សៀមរាប");
  assert_string_equal(area_find("KH0505")->name[KHMER], "");
}

static void the_log_has_a_province_at_most(void **state)
{
  static const char *const list[][2] = {{"KH", "KH"},       {"KH-17", "KH-17"}, {"KH17", "KH-17"},  {"KH1710", "KH-17"},
                                        {"KH9999", "KH"},   {"TH", "TH"},       {"TH-10", "TH-10"}, {"TH10", "TH"},
                                        {"TH100101", "TH"}, {"TH-100101", "TH"}};
  (void)state;
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    char out[PROVINCE_SIZE];
    area_province(list[i][0], out);
    assert_string_equal(out, list[i][1]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_sorted_and_closed),
      cmocka_unit_test(cambodia_is_whole),
      cmocka_unit_test(what_lies_where),
      cmocka_unit_test(codes_that_nobody_knows_fit_themselves),
      cmocka_unit_test(names_in_both_languages),
      cmocka_unit_test(the_log_has_a_province_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
