/* One walk over the generated descriptors in each direction. Going in, each field of the object is looked up in the
 * schema, checked and put at its place in the message; coming out, each field that says something is put into the
 * object. Only what no descriptor knows is written down here: which fields are compulsory, age bands, and the classes
 * that the log may see.
 *
 * The first thing that is wrong ends the walk. It is named by its path; a field that the schema does not know by its
 * number, since whoever wrote it there may have written a name of a person.
 */
#include "agents/form.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HEX_FIELD_BYTES 16 /* the only bytes field is file.root */

static enum status refuse(struct form_error *error, const char *path, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum status refuse(struct form_error *error, const char *path, const char *name, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(error->what, sizeof error->what, format, list);
  va_end(list);
  snprintf(error->field, sizeof error->field, "%s%s%s", path, name[0] == 0 ? "" : ".", name);
  return BAD_INPUT;
}

/* --- JSON to message --- */

static bool says_nothing(const json_t *value)
{
  return value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
         (json_is_object(value) && json_object_size(value) == 0);
}

enum status form_code(const ProtobufCEnumDescriptor *type, const char *path, const json_t *value,
                      struct form_error *error, int *out)
{
  const char *name = json_string_value(value);
  const ProtobufCEnumValue *found = name == NULL ? NULL : protobuf_c_enum_descriptor_get_value_by_name(type, name);
  if (found != NULL && found->value != 0) {
    *out = found->value;
    return OK;
  }
  char names[sizeof error->what - 32];
  struct writer w = writer_of(names, sizeof names);
  for (unsigned i = 0; i < type->n_values; i++)
    if (type->values[i].value != 0) {
      write_text(&w, w.size == 0 ? "" : ", ");
      write_text(&w, type->values[i].name);
    }
  write_u8(&w, 0);
  must(!w.overflow);
  return refuse(error, path, "", "must be one of %s", names);
}

/* Line ends and tabs may stand in a text; nothing else that steers a terminal. U+0080 to U+009F do, in UTF-8 after
 * 0xc2. */
static bool is_plain_text(const char *text, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    uint8_t c = (uint8_t)text[i], next = (uint8_t)text[i + 1];
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || (c == 0xc2 && next < 0xa0))
      return false;
  }
  return true;
}

bool form_is_line(const char *text, size_t size)
{
  return is_plain_text(text, size) && memchr(text, '\n', size) == NULL && memchr(text, '\t', size) == NULL;
}

/* What is read out, dialled or filed is on one line. */
static bool is_one_line(const char *path)
{
  static const char *const names[] = {"language", "case_code", "name", "who", "telephone", "focal_point"};
  const char *dot = strrchr(path, '.'), *name = dot == NULL ? path : dot + 1;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

static enum status put_text(const char *path, const json_t *value, struct arena *a, struct form_error *error, char **to)
{
  if (!json_is_string(value))
    return refuse(error, path, "", "must be text");
  size_t size = json_string_length(value);
  if (size > TEXT_SIZE_MAX)
    return refuse(error, path, "", "must have at most %d bytes", TEXT_SIZE_MAX);
  if (!is_plain_text(json_string_value(value), size))
    return refuse(error, path, "", "must be text without control characters");
  if (is_one_line(path) && !form_is_line(json_string_value(value), size))
    return refuse(error, path, "", "must be one line of text");
  *to = (char *)(uintptr_t)arena_copy(a, bytes_of(json_string_value(value), size + 1)).data;
  return *to == NULL ? NOT_NOW : OK;
}

static enum status put_hex(const char *path, const json_t *value, struct arena *a, struct form_error *error,
                           ProtobufCBinaryData *to)
{
  uint8_t bytes[HEX_FIELD_BYTES];
  size_t size = 0;
  if (!json_is_string(value) ||
      hex_decode(bytes_of(json_string_value(value), json_string_length(value)), bytes, sizeof bytes, &size) != OK ||
      size != sizeof bytes)
    return refuse(error, path, "", "must be %d hex digits, in small letters", 2 * HEX_FIELD_BYTES);
  *to = pb_data(arena_copy(a, BYTES(bytes)));
  return to->data == NULL ? NOT_NOW : OK;
}

static enum status put_number(const char *path, const json_t *value, struct form_error *error, uint32_t *to)
{
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
    return refuse(error, path, "", "must be a whole number");
  *to = (uint32_t)number;
  return OK;
}

static enum status put_object(const ProtobufCMessageDescriptor *type, const char *path, const json_t *object,
                              struct arena *a, struct form_error *error, ProtobufCMessage **to);

static enum status put_value(const ProtobufCFieldDescriptor *field, const char *path, const json_t *value,
                             struct arena *a, struct form_error *error, void *to)
{
  must(field->label != PROTOBUF_C_LABEL_REPEATED);
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING:
    return put_text(path, value, a, error, to);
  case PROTOBUF_C_TYPE_ENUM:
    return form_code(field->descriptor, path, value, error, to);
  case PROTOBUF_C_TYPE_UINT32:
    return put_number(path, value, error, to);
  case PROTOBUF_C_TYPE_BYTES:
    return put_hex(path, value, a, error, to);
  case PROTOBUF_C_TYPE_MESSAGE:
    return put_object(field->descriptor, path, value, a, error, to);
  default:
    must(field->type == PROTOBUF_C_TYPE_BOOL); /* case.proto uses no other type */
    if (!json_is_boolean(value))
      return refuse(error, path, "", "must be true or false");
    *(protobuf_c_boolean *)to = json_is_true(value);
    return OK;
  }
}

static enum status refuse_unknown(const ProtobufCMessageDescriptor *type, const char *path, size_t number,
                                  struct form_error *error)
{
  char names[400];
  struct writer w = writer_of(names, sizeof names);
  for (unsigned i = 0; i < type->n_fields; i++)
    if (strcmp(type->fields[i].name, "schema") != 0) {
      write_text(&w, w.size == 0 ? "" : ", ");
      write_text(&w, type->fields[i].name);
    }
  write_u8(&w, 0);
  must(!w.overflow);
  return refuse(error, path, "", "its field number %zu is none of the form's: %s", number, names);
}

static enum status put_object(const ProtobufCMessageDescriptor *type, const char *path, const json_t *object,
                              struct arena *a, struct form_error *error, ProtobufCMessage **to)
{
  if (!json_is_object(object))
    return refuse(error, path, "", "must be an object");
  ProtobufCMessage *message = arena_alloc(a, type->sizeof_message);
  if (message == NULL)
    return NOT_NOW;
  protobuf_c_message_init(type, message);
  const char *name;
  json_t *value;
  size_t number = 0;
  json_object_foreach((json_t *)(uintptr_t)object, name, value)
  {
    char field_path[sizeof error->field];
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, name);
    number++;
    if (field == NULL || strcmp(name, "schema") == 0)
      return refuse_unknown(type, path, number, error);
    if (says_nothing(value))
      continue;
    snprintf(field_path, sizeof field_path, "%s.%s", path, name);
    enum status s = put_value(field, field_path, value, a, error, (uint8_t *)message + field->offset);
    if (s != OK)
      return s;
  }
  *to = message;
  return OK;
}

static uint32_t *schema_of(ProtobufCMessage *message)
{
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "schema");
  must(field != NULL);
  return (uint32_t *)(void *)((uint8_t *)message + field->offset);
}

enum status form_pack(const ProtobufCMessageDescriptor *type, const char *path, const json_t *object, struct arena *a,
                      struct form_error *error, struct bytes *packed)
{
  ProtobufCMessage *message = NULL;
  enum status s = put_object(type, path, object, a, error, &message);
  if (s != OK)
    return s;
  must(message != NULL);
  *schema_of(message) = SCHEMA_VERSION;
  *packed = pb_pack(message, a);
  return packed->size == 0 ? NOT_NOW : OK;
}

/* --- message to JSON --- */

static json_t *get_object(const ProtobufCMessage *message);

/* NULL: nothing to say. `bad` is set when it says something that is not of the form. */
static json_t *get_value(const ProtobufCFieldDescriptor *field, const void *from, bool *bad)
{
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING: {
    const char *text = *(const char *const *)from;
    json_t *value = text[0] == 0 ? NULL : json_string(text); /* NULL also where it is no UTF-8 */
    *bad = text[0] != 0 && value == NULL;
    return value;
  }
  case PROTOBUF_C_TYPE_ENUM: {
    int code = *(const int *)from;
    *bad = protobuf_c_enum_descriptor_get_value(field->descriptor, code) == NULL;
    return code == 0 || *bad ? NULL : json_string(pb_enum_name(field->descriptor, code));
  }
  case PROTOBUF_C_TYPE_UINT32:
    return *(const uint32_t *)from == 0 ? NULL : json_integer(*(const uint32_t *)from);
  case PROTOBUF_C_TYPE_BYTES: {
    const ProtobufCBinaryData *b = from;
    char hex[2 * HEX_FIELD_BYTES + 1];
    *bad = b->len != 0 && b->len != HEX_FIELD_BYTES;
    if (b->len == 0 || *bad)
      return NULL;
    hex_encode(pb_bytes(*b), hex);
    return json_string(hex);
  }
  case PROTOBUF_C_TYPE_MESSAGE: {
    const ProtobufCMessage *sub = *(ProtobufCMessage *const *)from;
    json_t *value = sub == NULL ? NULL : get_object(sub);
    *bad = sub != NULL && value == NULL;
    return value;
  }
  default:
    must(field->type == PROTOBUF_C_TYPE_BOOL);
    return *(const protobuf_c_boolean *)from ? json_true() : NULL;
  }
}

static json_t *get_object(const ProtobufCMessage *message)
{
  if (message->n_unknown_fields > 0) /* protobuf-c keeps them, and packs them again */
    return NULL;
  json_t *object = json_object();
  for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
    bool bad = false;
    if (strcmp(field->name, "schema") == 0)
      continue;
    json_t *value = get_value(field, (const uint8_t *)message + field->offset, &bad);
    if (bad || (value != NULL && json_object_set_new(object, field->name, value) != 0)) {
      json_decref(object);
      return NULL;
    }
  }
  return object;
}

json_t *form_unpack(const ProtobufCMessageDescriptor *type, struct bytes packed, struct arena *a, uint32_t *schema)
{
  *schema = 0;
  ProtobufCMessage *message = pb_unpack(type, packed, a);
  if (message == NULL)
    return NULL;
  *schema = *schema_of(message);
  if (*schema != SCHEMA_VERSION)
    return NULL;
  return pb_canonical(message, packed, a) ? get_object(message) : NULL;
}

/* --- what no descriptor knows --- */

json_t *form_at(const json_t *object, const char *path)
{
  const char *dot = strchr(path, '.');
  if (dot == NULL)
    return json_object_get(object, path);
  return form_at(json_object_getn(object, path, (size_t)(dot - path)), dot + 1);
}

/* Text of nothing but space says nothing either. */
static bool is_missing(const json_t *object, const char *path)
{
  const json_t *value = form_at(object, path);
  const char *text = json_string_value(value);
  return says_nothing(value) || (text != NULL && text[strspn(text, " \t\n")] == 0);
}

static enum status require(const json_t *object, const char *part, const char *const *paths, size_t count,
                           struct form_error *error)
{
  for (size_t i = 0; i < count; i++)
    if (is_missing(object, paths[i]))
      return refuse(error, part, paths[i], "is missing");
  return OK;
}

static const struct {
  json_int_t from;
  Onward__AgeBand band;
} bands[] = {{25, ONWARD__AGE_BAND__AGE_25_AND_OVER}, {18, ONWARD__AGE_BAND__AGE_18_24},
             {15, ONWARD__AGE_BAND__AGE_15_17},       {10, ONWARD__AGE_BAND__AGE_10_14},
             {5, ONWARD__AGE_BAND__AGE_5_9},          {0, ONWARD__AGE_BAND__AGE_0_4}};

static Onward__AgeBand band_of(json_int_t age)
{
  size_t i = 0;
  while (age < bands[i].from)
    i++;
  return bands[i].band;
}

void form_band_years(Onward__AgeBand band, int *min, int *max)
{
  *min = 0;
  *max = AGE_MAX;
  for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++)
    if (bands[i].band == band) {
      *min = (int)bands[i].from;
      *max = i == 0 ? AGE_MAX : (int)bands[i - 1].from - 1;
    }
}

/* An age of 0 says that only the band is known, as on the wire: a baby has a band. */
static enum status complete_age(json_t *brief, const json_t *file, struct form_error *error)
{
  const json_t *age = json_object_get(file, "age");
  if (says_nothing(age) || (json_is_integer(age) && json_integer_value(age) == 0))
    return is_missing(brief, "age_band") ? refuse(error, "brief", "age_band", "is missing") : OK;
  if (!json_is_integer(age) || json_integer_value(age) < 0 || json_integer_value(age) > AGE_MAX)
    return refuse(error, "file", "age", "must be a whole number of years, at most %d", AGE_MAX);
  const char *band = pb_enum_name(&onward__age_band__descriptor, (int)band_of(json_integer_value(age)));
  const char *stated = json_string_value(json_object_get(brief, "age_band"));
  if (!is_missing(brief, "age_band") && (stated == NULL || strcmp(stated, band) != 0))
    return refuse(error, "brief", "age_band", "does not fit file.age: leave it out, or correct one of them");
  return json_object_set_new(brief, "age_band", json_string(band)) == 0 ? OK : NOT_NOW;
}

enum status form_complete(json_t *brief, json_t *file, struct form_error *error)
{
  static const char *const of_brief[] = {"service", "need", "sex"};
  static const char *const of_file[] = {"case_code", "contact.who", "contact.telephone", "consent.given_by",
                                        "focal_point"};
  static const char *const not_informed[] = {"caregiver.why_not"};
  if (!json_is_object(brief))
    return refuse(error, "brief", "", brief == NULL ? "is missing" : "must be an object");
  if (file != NULL && !json_is_object(file))
    return refuse(error, "file", "", "must be an object");
  enum status s = require(brief, "brief", of_brief, 3, error);
  if (s == OK)
    s = complete_age(brief, file, error);
  if (s == OK && file != NULL)
    s = require(file, "file", of_file, 5, error);
  if (s == OK && !says_nothing(json_object_get(file, "caregiver")) &&
      !json_is_true(form_at(file, "caregiver.informed")))
    s = require(file, "file", not_informed, 1, error);
  return s;
}

static bool fits_pattern(const char *text, const char *pattern)
{
  for (; *pattern != 0; text++, pattern++)
    if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
      return false;
  return *text == 0;
}

enum status form_date(const char *path, const json_t *value, struct form_error *error, uint64_t *out)
{
  const char *text = json_string_value(value);
  bool day_only = text != NULL && fits_pattern(text, "0000-00-00");
  struct tm given = {.tm_hour = 23, .tm_min = 59};
  if (day_only || (text != NULL && fits_pattern(text, "0000-00-00T00:00Z"))) {
    const char *end = strptime(text, day_only ? "%Y-%m-%d" : "%Y-%m-%dT%H:%MZ", &given);
    given.tm_sec = 0;
    struct tm real = given;
    time_t seconds = timegm(&real); /* a day that the month does not have would come back as another */
    if (end != NULL && *end == 0 && real.tm_mday == given.tm_mday && real.tm_hour == given.tm_hour && seconds > 0) {
      *out = (uint64_t)seconds * 1000 + (day_only ? 59999 : 0);
      return OK;
    }
  }
  return refuse(error, path, "", "must be a date, YYYY-MM-DD, or a time, YYYY-MM-DDTHH:MMZ (UTC)");
}

int words_distance(const char *a, const char *b)
{
  enum { LONGEST = 40 };
  size_t size_a = strlen(a), size_b = strlen(b);
  if (size_a >= LONGEST || size_b >= LONGEST)
    return 99;
  int row[LONGEST];
  for (size_t j = 0; j <= size_b; j++)
    row[j] = (int)j;
  for (size_t i = 1; i <= size_a; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= size_b; j++) {
      int change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      int shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < shift ? change : shift;
    }
  }
  return row[size_b];
}

Onward__DeclineClass form_decline_class(Onward__DeclineReason reason)
{
  switch (reason) {
  case ONWARD__DECLINE_REASON__NO_CAPACITY:
  case ONWARD__DECLINE_REASON__WAITLIST_TOO_LONG:
  case ONWARD__DECLINE_REASON__SERVICE_SUSPENDED:
    return ONWARD__DECLINE_CLASS__CAPACITY;
  case ONWARD__DECLINE_REASON__NOT_ELIGIBLE_AGE:
  case ONWARD__DECLINE_REASON__NOT_ELIGIBLE_OTHER:
  case ONWARD__DECLINE_REASON__OUTSIDE_MANDATE:
  case ONWARD__DECLINE_REASON__OUTSIDE_AREA:
    return ONWARD__DECLINE_CLASS__ELIGIBILITY;
  case ONWARD__DECLINE_REASON__ALREADY_SERVED:
  case ONWARD__DECLINE_REASON__DUPLICATE_CASE:
    return ONWARD__DECLINE_CLASS__DUPLICATE;
  case ONWARD__DECLINE_REASON__CONSENT_INSUFFICIENT:
    return ONWARD__DECLINE_CLASS__CONSENT_MISSING;
  case ONWARD__DECLINE_REASON__CONFLICT_OR_SAFETY:
    return ONWARD__DECLINE_CLASS__SAFETY;
  case ONWARD__DECLINE_REASON__CLIENT_DECLINED:
  case ONWARD__DECLINE_REASON__CLIENT_UNREACHABLE:
  case ONWARD__DECLINE_REASON__CLIENT_MOVED:
    return ONWARD__DECLINE_CLASS__CLIENT;
  default:
    return ONWARD__DECLINE_CLASS__OTHER;
  }
}

/* What is not plainly help given counts as not served: a person at the sender then has to read it. */
Onward__OutcomeClass form_outcome_class(Onward__Outcome outcome)
{
  switch (outcome) {
  case ONWARD__OUTCOME__SERVICE_PROVIDED:
  case ONWARD__OUTCOME__ONGOING_LONG_TERM:
    return ONWARD__OUTCOME_CLASS__SERVED;
  case ONWARD__OUTCOME__SERVICE_PROVIDED_IN_PART:
  case ONWARD__OUTCOME__ADVICE_ONLY:
    return ONWARD__OUTCOME_CLASS__SERVED_IN_PART;
  default:
    return ONWARD__OUTCOME_CLASS__NOT_SERVED;
  }
}
