/* The case form: what goes in comes out, what is wrong is named by its path, and never by its value. */
#include "agents/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t memory[65536];
static struct arena arena;
static struct form_error error;

static const char full_brief[] =
    "{'service':'TRAUMA_COUNSELLING','need':'weekly talks','age_band':'AGE_10_14','sex':'FEMALE','language':'km',"
    "'risk':'RISK_MEDIUM','risk_note':'call first','by_rerouter':true}";
static const char full_file[] = "{'root':'000102030405060708090a0b0c0d0e0f','case_code':'C-17','name':'Dara','age':12,"
                                "'contact':{'who':'aunt','telephone':'012 000 "
                                "000','when':'mornings','words':'school','must_not_learn':'a neighbour'},"
                                "'caregiver':{'who':'father','informed':true},'already_given':'a first talk',"
                                "'consent':{'given_by':'the girl and her father','may_be_shared':'all','withhold':'the "
                                "address','withhold_why':'safety'},"
                                "'legal_status':'REPORTED','focal_point':'duty desk, 023 000 000'}";
static const char full_note[] =
    "{'text':'line one\\nline two','decline':'NO_CAPACITY','outcome':'ADVICE_ONLY','progress':'SESSION'}";

/* JSON with single quotes, so that it can be read here. */
static json_t *json(const char *quoted)
{
  char text[2048];
  size_t size = strlen(quoted);
  assert_true(size < sizeof text);
  for (size_t i = 0; i <= size; i++)
    text[i] = quoted[i] == '\'' ? '"' : quoted[i];
  json_t *object = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  assert_non_null(object);
  return object;
}

static enum status pack(const ProtobufCMessageDescriptor *type, const char *path, const char *quoted,
                        struct bytes *packed)
{
  json_t *object = json(quoted);
  arena = arena_of(memory, sizeof memory);
  enum status s = form_pack(type, path, object, &arena, &error, packed);
  json_decref(object);
  return s;
}

static void assert_round_trip(const ProtobufCMessageDescriptor *type, const char *quoted)
{
  struct bytes packed;
  uint32_t schema = 0;
  json_t *before = json(quoted);
  assert_int_equal(json_object_size(before), type->n_fields - 1); /* the test knows every field but schema */
  assert_int_equal(pack(type, "part", quoted, &packed), OK);
  json_t *after = form_unpack(type, packed, &arena, &schema);
  assert_int_equal(schema, SCHEMA_VERSION);
  assert_true(json_equal(before, after));
  json_decref(before);
  json_decref(after);
}

static void what_goes_in_comes_out(void **state)
{
  (void)state;
  assert_round_trip(&onward__brief__descriptor, full_brief);
  assert_round_trip(&onward__file__descriptor, full_file);
  assert_round_trip(&onward__note__descriptor, full_note);
}

static void assert_refused(const char *quoted, const char *field, const char *what)
{
  struct bytes packed;
  const ProtobufCMessageDescriptor *type =
      strncmp(field, "file", 4) == 0 ? &onward__file__descriptor : &onward__brief__descriptor;
  assert_int_equal(pack(type, strncmp(field, "file", 4) == 0 ? "file" : "brief", quoted, &packed), BAD_INPUT);
  assert_string_equal(error.field, field);
  if (strstr(error.what, what) == NULL)
    fail_msg("expected \"%s\", was told \"%s\"", what, error.what);
  assert_null(strstr(error.what, "MARKER"));
  assert_null(strstr(error.field, "MARKER"));
}

static void a_wrong_field_is_named_and_its_value_is_not(void **state)
{
  (void)state;
  assert_refused("'MARKER'", "brief", "must be an object");
  assert_refused("{'need':17}", "brief.need", "must be text");
  assert_refused("{'need':'MARKER \\u001b[2J'}", "brief.need", "control characters");
  assert_refused("{'need':'MARKER \\u009b'}", "brief.need", "control characters");
  assert_refused("{'need':'MARKER \\u0000'}", "brief.need", "control characters");
  assert_refused("{'language':'MARKER\\nx'}", "brief.language", "one line");
  assert_refused("{'case_code':'MARKER\\tx'}", "file.case_code", "one line");
  assert_refused("{'contact':{'telephone':'MARKER\\nx'}}", "file.contact.telephone", "one line");
  assert_refused("{'sex':'MARKER'}", "brief.sex", "must be one of FEMALE, MALE, ANOTHER, NOT_KNOWN");
  assert_refused("{'sex':'SEX_NONE'}", "brief.sex", "must be one of");
  assert_refused("{'sex':1}", "brief.sex", "must be one of");
  assert_refused("{'service':'MARKER'}", "brief.service", "OTHER_SERVICE"); /* the last of a long list */
  assert_refused("{'by_rerouter':'MARKER'}", "brief.by_rerouter", "true or false");
  assert_refused("{'need':'x','MARKER':'x'}", "brief", "its field number 2 is none of the form's: service, need,");
  assert_refused("{'schema':1}", "brief", "its field number 1");
  assert_refused("{'age':'MARKER'}", "file.age", "whole number");
  assert_refused("{'age':-1}", "file.age", "whole number");
  assert_refused("{'age':4294967296}", "file.age", "whole number");
  assert_refused("{'root':'MARKER'}", "file.root", "32 hex digits");
  assert_refused("{'root':'0001'}", "file.root", "32 hex digits");
  assert_refused("{'contact':'MARKER'}", "file.contact", "must be an object");
  assert_refused("{'contact':{'who':[]}}", "file.contact.who", "must be text");
  assert_refused("{'contact':{'MARKER':1}}", "file.contact", "its field number 1");
}

static void texts_have_a_limit(void **state)
{
  (void)state;
  char text[TEXT_SIZE_MAX + 32];
  struct bytes packed;
  int size = snprintf(text, sizeof text, "{'need':'%0*d'}", TEXT_SIZE_MAX, 0);
  assert_true(size > TEXT_SIZE_MAX);
  assert_int_equal(pack(&onward__brief__descriptor, "brief", text, &packed), OK);
  snprintf(text, sizeof text, "{'need':'%0*d'}", TEXT_SIZE_MAX + 1, 0);
  assert_refused(text, "brief.need", "2000 bytes");
}

static void nothing_is_the_same_as_absent(void **state)
{
  (void)state;
  struct bytes packed, absent;
  uint8_t kept[64];
  assert_int_equal(pack(&onward__file__descriptor, "file", "{'name':'x'}", &absent), OK);
  memcpy(kept, absent.data, absent.size);
  assert_int_equal(
      pack(&onward__file__descriptor, "file", "{'name':'x','age':null,'case_code':'','contact':{}}", &packed), OK);
  assert_true(bytes_equal(packed, bytes_of(kept, absent.size)));
}

static void a_full_arena_is_not_the_forms_fault(void **state)
{
  (void)state;
  json_t *object = json(full_file);
  struct bytes packed;
  for (size_t size = 0; size < 1500; size += 50) {
    arena = arena_of(memory, size);
    enum status s = form_pack(&onward__file__descriptor, "file", object, &arena, &error, &packed);
    assert_true(s == NOT_NOW || (s == OK && size > 500));
  }
  json_decref(object);
}

static void assert_not_unpacked(struct bytes packed, uint32_t expected_schema)
{
  uint32_t schema = 99;
  arena = arena_of(memory, sizeof memory);
  assert_null(form_unpack(&onward__brief__descriptor, packed, &arena, &schema));
  assert_int_equal(schema, expected_schema);
}

static void foreign_bytes_are_not_believed(void **state)
{
  (void)state;
  static const uint8_t other_schema[] = {0x08, 2, 0x1a, 1, 'x'}, no_schema[] = {0x1a, 1, 'x'};
  static const uint8_t no_utf8[] = {0x08, 1, 0x1a, 1, 0xff}, embedded_zero[] = {0x08, 1, 0x1a, 2, 'x', 0};
  static const uint8_t unknown_code[] = {0x08, 1, 0x28, 77}, unknown_field[] = {0x08, 1, 0x50, 1};
  static const uint8_t not_whole[] = {0x08, 1, 0x1a, 9, 'x'};
  assert_not_unpacked(BYTES(other_schema), 2);
  assert_not_unpacked(BYTES(no_schema), 0);
  assert_not_unpacked((struct bytes){NULL, 0}, 0);
  assert_not_unpacked(BYTES(not_whole), 0);
  assert_not_unpacked(BYTES(no_utf8), 1);
  assert_not_unpacked(BYTES(embedded_zero), 1);
  assert_not_unpacked(BYTES(unknown_code), 1);
  assert_not_unpacked(BYTES(unknown_field), 1);
}

static enum status complete(const char *quoted_brief, const char *quoted_file, char band[32])
{
  json_t *brief = json(quoted_brief), *file = quoted_file == NULL ? NULL : json(quoted_file);
  enum status s = form_complete(brief, file, &error);
  const char *stated = json_string_value(json_object_get(brief, "age_band"));
  snprintf(band, 32, "%s", stated == NULL ? "none" : stated);
  json_decref(brief);
  json_decref(file);
  return s;
}

#define BRIEF "{'service':'FOOD','need':'rice','sex':'MALE'}"
#define FILE_WITH(more)                                                                                                \
  "{'case_code':'C','contact':{'who':'a','telephone':'1'},'consent':{'given_by':'b'},'focal_point':'f'" more "}"

static void every_compulsory_field_is_missed(void **state)
{
  (void)state;
  static const char *const paths[] = {"brief.service",         "brief.need",       "brief.sex",
                                      "file.case_code",        "file.contact.who", "file.contact.telephone",
                                      "file.consent.given_by", "file.focal_point"};
  char band[32];
  assert_int_equal(complete(full_brief, full_file, band), OK);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    for (int how = 0; how < 3; how++) { /* absent, empty, or only space */
      json_t *brief = json(full_brief), *file = json(full_file);
      const char *name = strrchr(paths[i], '.') + 1;
      json_t *part = strncmp(paths[i], "brief", 5) == 0 ? brief : file;
      part = strstr(paths[i], ".contact.") != NULL ? json_object_get(file, "contact") : part;
      part = strstr(paths[i], ".consent.") != NULL ? json_object_get(file, "consent") : part;
      assert_non_null(json_object_get(part, name));
      if (how == 0)
        json_object_del(part, name);
      else
        json_object_set_new(part, name, json_string(how == 1 ? "" : " \n"));
      assert_int_equal(form_complete(brief, file, &error), BAD_INPUT);
      assert_string_equal(error.field, paths[i]);
      json_decref(brief);
      json_decref(file);
    }
}

static void the_age_gives_the_band(void **state)
{
  (void)state;
  static const struct {
    int age;
    const char *band;
  } ages[] = {{1, "AGE_0_4"},    {4, "AGE_0_4"},    {5, "AGE_5_9"},         {9, "AGE_5_9"},
              {10, "AGE_10_14"}, {14, "AGE_10_14"}, {15, "AGE_15_17"},      {17, "AGE_15_17"},
              {18, "AGE_18_24"}, {24, "AGE_18_24"}, {25, "AGE_25_AND_OVER"}};
  char band[32], file[256];
  for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
    snprintf(file, sizeof file, FILE_WITH(",'age':%d"), ages[i].age);
    assert_int_equal(complete(BRIEF, file, band), OK);
    assert_string_equal(band, ages[i].band);
  }
}

static void age_and_band_must_fit(void **state)
{
  (void)state;
  char band[32];
  assert_int_equal(complete(full_brief, FILE_WITH(",'age':15"), band), BAD_INPUT);
  assert_string_equal(error.field, "brief.age_band");
  assert_int_equal(complete(BRIEF, FILE_WITH(""), band), BAD_INPUT);
  assert_string_equal(error.field, "brief.age_band");
  assert_int_equal(complete(full_brief, FILE_WITH(",'age':0"), band), OK); /* only the band is known */
  assert_string_equal(band, "AGE_10_14");
  assert_int_equal(complete(BRIEF, FILE_WITH(",'age':131"), band), BAD_INPUT);
  assert_string_equal(error.field, "file.age");
  assert_int_equal(complete(BRIEF, FILE_WITH(",'age':'twelve'"), band), BAD_INPUT);
  assert_string_equal(error.field, "file.age");
}

static void a_caregiver_is_informed_or_there_is_a_reason(void **state)
{
  (void)state;
  char band[32];
  assert_int_equal(complete(full_brief, FILE_WITH(",'caregiver':{'who':'x'}"), band), BAD_INPUT);
  assert_string_equal(error.field, "file.caregiver.why_not");
  assert_int_equal(complete(full_brief, FILE_WITH(",'caregiver':{'informed':false,'why_not':'x'}"), band), OK);
  assert_int_equal(complete(full_brief, FILE_WITH(",'caregiver':{'informed':true}"), band), OK);
  assert_int_equal(complete(full_brief, FILE_WITH(",'caregiver':{}"), band), OK);
}

static void a_brief_alone_can_be_complete(void **state)
{
  (void)state;
  char band[32];
  assert_int_equal(complete(full_brief, NULL, band), OK);
  assert_int_equal(complete(BRIEF, NULL, band), BAD_INPUT);
  assert_int_equal(form_complete(NULL, NULL, &error), BAD_INPUT);
  assert_string_equal(error.field, "brief");
}

static enum status date(const char *text, uint64_t *out)
{
  json_t *value = json_string(text);
  enum status s = form_date("consent_until", value, &error, out);
  json_decref(value);
  return s;
}

static void dates_are_exact(void **state)
{
  (void)state;
  uint64_t ms = 0;
  assert_int_equal(date("2026-03-01T14:05Z", &ms), OK);
  assert_int_equal(ms, 1772373900000);
  assert_int_equal(date("2026-02-28", &ms), OK);
  assert_int_equal(ms, 1772323199999); /* one millisecond before the next day */
  assert_int_equal(date("2028-02-29", &ms), OK);
  static const char *const wrong[] = {"2026-02-29",        "2026-13-01",         "2026-00-10", "2026-2-1",
                                      "2026-03-01T24:00Z", "2026-03-01T14:05",   "tomorrow",   "",
                                      "2026-03-01 ",       "2026-03-01T14:05ZZ", "0000-01-01", "1969-12-31"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(date(wrong[i], &ms), BAD_INPUT);
    assert_string_equal(error.field, "consent_until");
  }
  assert_int_equal(form_date("x", NULL, &error, &ms), BAD_INPUT);
}

static void every_code_has_a_class(void **state)
{
  (void)state;
  int others = 0, served = 0;
  for (unsigned i = 0; i < onward__decline_reason__descriptor.n_values; i++) {
    int reason = onward__decline_reason__descriptor.values[i].value;
    others += reason != 0 && form_decline_class((Onward__DeclineReason)reason) == ONWARD__DECLINE_CLASS__OTHER;
  }
  assert_int_equal(others, 2); /* insufficient information, and other */
  for (unsigned i = 0; i < onward__outcome__descriptor.n_values; i++) {
    int outcome = onward__outcome__descriptor.values[i].value;
    served += form_outcome_class((Onward__Outcome)outcome) != ONWARD__OUTCOME_CLASS__NOT_SERVED;
  }
  assert_int_equal(served, 4);
  assert_int_equal(form_decline_class(ONWARD__DECLINE_REASON__CLIENT_MOVED), ONWARD__DECLINE_CLASS__CLIENT);
  assert_int_equal(form_decline_class(ONWARD__DECLINE_REASON__CONFLICT_OR_SAFETY), ONWARD__DECLINE_CLASS__SAFETY);
  assert_int_equal(form_outcome_class(ONWARD__OUTCOME__SERVICE_PROVIDED), ONWARD__OUTCOME_CLASS__SERVED);
  assert_int_equal(form_outcome_class(ONWARD__OUTCOME__DECEASED), ONWARD__OUTCOME_CLASS__NOT_SERVED);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_goes_in_comes_out),
      cmocka_unit_test(a_wrong_field_is_named_and_its_value_is_not),
      cmocka_unit_test(texts_have_a_limit),
      cmocka_unit_test(nothing_is_the_same_as_absent),
      cmocka_unit_test(a_full_arena_is_not_the_forms_fault),
      cmocka_unit_test(foreign_bytes_are_not_believed),
      cmocka_unit_test(every_compulsory_field_is_missed),
      cmocka_unit_test(the_age_gives_the_band),
      cmocka_unit_test(age_and_band_must_fit),
      cmocka_unit_test(a_caregiver_is_informed_or_there_is_a_reason),
      cmocka_unit_test(a_brief_alone_can_be_complete),
      cmocka_unit_test(dates_are_exact),
      cmocka_unit_test(every_code_has_a_class),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
