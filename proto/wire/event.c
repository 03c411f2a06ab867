/* Bytes to event. The generated descriptors are walked once over each message: every enum must be a known code, every
 * bytes field must fit its row in the table below, every number its range. What the table cannot say is asked last
 * (acts.c). The first thing that is wrong is named, and nothing else is looked at. */
#include "proto/wire/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/seal/hpke.h"
#include "proto/wire/acts.h"

void complaint_write(struct complaint *why, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(why->text, sizeof why->text, format, list);
  va_end(list);
}

enum form { FORM_BYTES, FORM_ORGANISATION, FORM_AREA, FORM_LANGUAGE, FORM_TEXT, FORM_TELEPHONE, FORM_ORIGIN };

/* Bytes fields of all event messages, by name: a name means the same everywhere. Sizes in bytes; for repeated fields of
 * organisations also how many. */
static const struct bytes_rule {
  const char *field;
  enum form form;
  size_t min, max;
  size_t count_min, count_max;
} bytes_rules[] = {
    {"nonce", FORM_BYTES, NONCE_SIZE, NONCE_SIZE, 0, 0},
    {"sha256", FORM_BYTES, 32, 32, 0, 0},
    {"leaf_hash", FORM_BYTES, 32, 32, 0, 0},
    {"key_id", FORM_BYTES, KEY_ID_SIZE, KEY_ID_SIZE, 0, 0},
    {"recipient", FORM_ORGANISATION, 1, 16, 0, 0},
    {"target", FORM_ORGANISATION, 1, 16, 0, 0},
    {"organisation", FORM_ORGANISATION, 1, 16, 0, 0},
    {"last_resort", FORM_ORGANISATION, 0, 16, 0, 0},
    {"recipients", FORM_ORGANISATION, 1, 16, 1, RECIPIENTS_MAX},
    {"scope", FORM_ORGANISATION, 1, 16, 1, SCOPE_MAX},
    {"area", FORM_AREA, 0, 16, 0, 0},
    {"code", FORM_AREA, 2, AREA_SIZE_MAX, 0, 0},
    {"languages", FORM_LANGUAGE, 2, LANGUAGE_SIZE_MAX, 1, SERVICE_LANGUAGES_MAX},
    {"name", FORM_TEXT, 1, 120, 0, 0},
    {"duty_hours", FORM_TEXT, 0, 80, 0, 0},
    {"duty_telephone", FORM_TELEPHONE, 0, 40, 0, 0},
    {"link_key", FORM_BYTES, 32, 32, 0, 0},
    {"sign_key", FORM_BYTES, ES256_PUBLIC_SIZE, ES256_PUBLIC_SIZE, 0, 0},
    {"seal_key", FORM_BYTES, ES256_PUBLIC_SIZE, ES256_PUBLIC_SIZE, 0, 0},
    {"request", FORM_BYTES, 1, REQUEST_SIZE_MAX, 0, 0},
    {"signature", FORM_BYTES, ES256_SIGNATURE_SIZE, ES256_SIGNATURE_SIZE, 0, 0},
    {"random", FORM_BYTES, 32, 32, 0, 0},
    {"origin", FORM_ORIGIN, 1, 48, 0, 0},
    {"log_key", FORM_BYTES, 32, 32, 0, 0},
    {"about", FORM_ORGANISATION, 0, 16, 0, 0},
    {"referral", FORM_BYTES, 0, 16, 0, 0},
    {"restore", FORM_BYTES, 1, RESTORE_SIZE_MAX, 0, 0},
    {"network", FORM_BYTES, 32, 32, 0, 0},
    {"root", FORM_BYTES, 32, 32, 0, 0},
    {"lost_root", FORM_BYTES, 32, 32, 0, 0},
    {"core", FORM_BYTES, 1, EVENT_SIZE_MAX, 0, 0},
};

#define TIME_MAX_MS 253402300799999ull /* the end of year 9999 */

static const struct number_rule {
  const char *field;
  uint64_t min, max;
} number_rules[] = {
    {"index", 1, UINT64_MAX},
    {"submit_index", 1, UINT64_MAX},
    {"scope_index", 1, UINT64_MAX},
    {"expected_ms", 1, TIME_MAX_MS},
    {"first_contact_by_ms", 1, TIME_MAX_MS},
    {"consent_until_ms", 0, TIME_MAX_MS},
    {"agreement_until_ms", 0, TIME_MAX_MS},
    {"replace_after_ms", 0, TIME_MAX_MS},
    {"absent_ms", 0, TIME_MAX_MS},
    {"high_s", 1, CLOCK_LIMIT_MAX_S},
    {"medium_s", 1, CLOCK_LIMIT_MAX_S},
    {"low_s", 1, CLOCK_LIMIT_MAX_S},
    {"count", 1, UINT32_MAX},
    {"oldest_h", 0, UINT32_MAX},
    {"number", 1, SERVICES_MAX},
    {"age_min", 0, AGE_MAX},
    {"age_max", 0, AGE_MAX},
    {"service_index", 0, UINT64_MAX},
    {"directory_index", 0, UINT64_MAX},
    {"available", 0, PLACES_MAX},
    {"maximum", 0, PLACES_MAX},
    {"valid_until_ms", 1, TIME_MAX_MS},
    {"freed_bytes", 0, UINT64_MAX},
    {"from_index", 0, UINT64_MAX},
    {"to_index", 0, UINT64_MAX},
    {"continues_at", 1, UINT64_MAX},
    {"lost_size", 1, UINT64_MAX},
    {"schema", 1, UINT32_MAX},
    {"taxonomy", 1, UINT32_MAX},
    {"rules", RULES_VERSION, RULES_VERSION},
    {"epoch", 1, UINT32_MAX},
    {"leg", 1, LEGS_MAX},
    {"hops", 0, LEGS_MAX},
    {"slot", 0, SEALED_SLOTS_MAX - 1},
    {"size", SEALED_SIZE_MIN, SEALED_SIZE_MAX},
};

/* How many sub-messages or codes a repeated field may hold. */
static const struct {
  const char *field;
  size_t min, max;
} list_rules[] = {{"sealed", 0, SEALED_SLOTS_MAX},           {"registrars", 2, 2}, {"skipped", 0, PARTIES_MAX},
                  {"codes", 1, SERVICE_CODES_MAX},           {"priorities", 1, 3}, {"areas", 1, SERVICE_AREAS_MAX},
                  {"limits", CLOCKS_LIMITED, CLOCKS_LIMITED}};

#define FIND(rules, name, found)                                                                                       \
  for (size_t i_ = 0; i_ < sizeof(rules) / sizeof(rules)[0] && (found) == NULL; i_++)                                  \
    if ((rules)[i_].field[0] == (name)[0] && strcmp((rules)[i_].field, (name)) == 0)                                   \
  (found) = &(rules)[i_]

/* Well-formed UTF-8 (Unicode 15, table 3-7) without control characters. */
static bool is_text(struct bytes b)
{
  for (size_t i = 0; i < b.size;) {
    uint8_t c = b.data[i++];
    if (c < 0x20 || c == 0x7f)
      return false;
    if (c < 0x80)
      continue;
    int more = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
    if (more == 0 || b.size - i < (size_t)more)
      return false;
    uint8_t second = b.data[i];
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f) || (c == 0xc2 && second < 0xa0))
      return false;
    for (; more > 0; more--)
      if ((b.data[i++] & 0xc0) != 0x80)
        return false;
  }
  return true;
}

static bool all_of(struct bytes b, const char *others, bool upper, bool lower)
{
  for (size_t i = 0; i < b.size; i++) {
    char c = (char)b.data[i];
    bool fits = (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z') || (lower && c >= 'a' && c <= 'z') ||
                (c != 0 && strchr(others, c) != NULL);
    if (!fits)
      return false;
  }
  return true;
}

static enum status check_bytes(const struct bytes_rule *rule, struct bytes value, struct complaint *why)
{
  if (value.size < rule->min || value.size > rule->max)
    return complain(why, "%s: expected %zu to %zu bytes", rule->field, rule->min, rule->max);
  struct org_id id;
  switch (rule->form) {
  case FORM_BYTES:
    return OK;
  case FORM_ORGANISATION:
    if (value.size > 0 && pb_org(pb_data(value), &id) != OK)
      return complain(why, "%s: expected an organisation's id: a-z 0-9 - . /, from a letter to a letter or digit",
                      rule->field);
    return OK;
  case FORM_AREA:
    return all_of(value, "-", true, false) ? OK : complain(why, "%s: expected A-Z 0-9 -", rule->field);
  case FORM_LANGUAGE:
    return all_of(value, "-", true, true) ? OK : complain(why, "%s: expected A-Z a-z 0-9 -", rule->field);
  case FORM_TELEPHONE:
    return all_of(value, "+ -()/", false, false) ? OK : complain(why, "%s: expected 0-9 + - ( ) / space", rule->field);
  case FORM_ORIGIN:
    return all_of(value, ".-/", false, true) ? OK : complain(why, "%s: expected a-z 0-9 . - /", rule->field);
  case FORM_TEXT:
    return is_text(value) ? OK : complain(why, "%s: expected UTF-8 without control characters", rule->field);
  }
  return OK;
}

static enum status check_message(const ProtobufCMessage *message, struct complaint *why);

static enum status check_enum(const ProtobufCFieldDescriptor *field, int value, struct complaint *why)
{
  if (value == 0)
    return complain(why, "%s: is missing", field->name);
  if (protobuf_c_enum_descriptor_get_value(field->descriptor, value) == NULL)
    return complain(why, "%s: is not a code of this version", field->name);
  return OK;
}

static enum status check_number(const ProtobufCFieldDescriptor *field, uint64_t value, struct complaint *why)
{
  const struct number_rule *rule = NULL;
  FIND(number_rules, field->name, rule);
  must(rule != NULL);
  if (value < rule->min || value > rule->max)
    return complain(why, "%s: expected %llu to %llu", field->name, (unsigned long long)rule->min,
                    (unsigned long long)rule->max);
  return OK;
}

static enum status check_single(const ProtobufCFieldDescriptor *field, const void *member, struct complaint *why)
{
  const struct bytes_rule *rule = NULL;
  switch (field->type) {
  case PROTOBUF_C_TYPE_ENUM:
    return check_enum(field, *(const int *)member, why);
  case PROTOBUF_C_TYPE_UINT32:
    return check_number(field, *(const uint32_t *)member, why);
  case PROTOBUF_C_TYPE_UINT64:
    return check_number(field, *(const uint64_t *)member, why);
  case PROTOBUF_C_TYPE_BOOL:
    return OK;
  case PROTOBUF_C_TYPE_BYTES:
    if (strcmp(field->name, "referral_id") == 0) /* depends on the act: see check_outer */
      return OK;
    FIND(bytes_rules, field->name, rule);
    must(rule != NULL);
    return check_bytes(rule, pb_bytes(*(const ProtobufCBinaryData *)member), why);
  case PROTOBUF_C_TYPE_MESSAGE: {
    const ProtobufCMessage *sub = *(ProtobufCMessage *const *)member;
    return sub == NULL ? OK : check_message(sub, why);
  }
  default:
    must(false); /* a field type that the schema does not use */
    return BAD_INPUT;
  }
}

static enum status check_repeated(const ProtobufCFieldDescriptor *field, size_t count, const void *member,
                                  struct complaint *why)
{
  size_t min = 0, max = 0;
  if (field->type == PROTOBUF_C_TYPE_BYTES) {
    const struct bytes_rule *rule = NULL;
    FIND(bytes_rules, field->name, rule);
    must(rule != NULL);
    min = rule->count_min;
    max = rule->count_max;
  } else {
    for (size_t i = 0; i < sizeof list_rules / sizeof list_rules[0]; i++)
      if (strcmp(list_rules[i].field, field->name) == 0) {
        min = list_rules[i].min;
        max = list_rules[i].max;
      }
  }
  if (count < min || count > max)
    return complain(why, "%s: expected %zu to %zu of them", field->name, min, max);
  size_t each = field->type == PROTOBUF_C_TYPE_BYTES  ? sizeof(ProtobufCBinaryData)
                : field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int)
                                                      : sizeof(ProtobufCMessage *);
  const uint8_t *list = *(const uint8_t *const *)member;
  enum status s = OK;
  for (size_t i = 0; i < count && s == OK; i++)
    s = check_single(field, list + i * each, why);
  return s;
}

/* The schema has no recursive type: the depth is at most 4. */
static enum status check_message(const ProtobufCMessage *message, struct complaint *why)
{
  const ProtobufCMessageDescriptor *type = message->descriptor;
  enum status s = OK;
  for (unsigned i = 0; i < type->n_fields && s == OK; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    const uint8_t *at = (const uint8_t *)message;
    bool one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (one_of && *(const uint32_t *)(at + field->quantifier_offset) != field->id)
      continue;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
      s = check_repeated(field, *(const size_t *)(at + field->quantifier_offset), at + field->offset, why);
    else
      s = check_single(field, at + field->offset, why);
  }
  return s;
}

const char *act_name(act_kind act)
{
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field(&onward__core__descriptor, (unsigned)act);
  return field == NULL || act < ONWARD__CORE__ACT_SUBMIT ? "?" : field->name;
}

void *act_new(act_kind act, struct arena *a)
{
  const ProtobufCMessageDescriptor *type =
      protobuf_c_message_descriptor_get_field(&onward__core__descriptor, (unsigned)act)->descriptor;
  void *m = arena_alloc(a, type->sizeof_message);
  if (m != NULL)
    protobuf_c_message_init(type, m);
  return m;
}

enum act_family act_family(act_kind act)
{
  if (act >= ONWARD__CORE__ACT_SUBMIT && act <= ONWARD__CORE__ACT_LEAVE)
    return ACT_ON_REFERRAL;
  if ((act >= ONWARD__CORE__ACT_ENROL && act <= ONWARD__CORE__ACT_SET_DUTY) || act == ONWARD__CORE__ACT_MANDATE)
    return ACT_ON_REGISTRY;
  if (act >= ONWARD__CORE__ACT_SET_CAPACITY && act <= ONWARD__CORE__ACT_ANSWER_PLACE)
    return ACT_ON_PLACES;
  if (act >= ONWARD__CORE__ACT_GENESIS && act <= ONWARD__CORE__ACT_RESTORED)
    return ACT_OF_BROKER;
  return ACT_UNKNOWN;
}

bool act_is_registry(act_kind act)
{
  return act_family(act) == ACT_ON_REGISTRY || act == ONWARD__CORE__ACT_GENESIS ||
         act == ONWARD__CORE__ACT_KEYS_REPLACED || act == ONWARD__CORE__ACT_RESTORED;
}

bool act_is_about_time(act_kind act)
{
  return (act >= ONWARD__CORE__ACT_RESUMED && act <= ONWARD__CORE__ACT_CLOCK_CONFIRMED) ||
         act == ONWARD__CORE__ACT_PURGED || act == ONWARD__CORE__ACT_RESTORED;
}

bool act_is_about_referral(act_kind act)
{
  return act_family(act) == ACT_ON_REFERRAL || (act_family(act) == ACT_OF_BROKER && !act_is_registry(act) &&
                                                !act_is_about_time(act) && act != ONWARD__CORE__ACT_UNATTENDED);
}

uint64_t act_absent_ms(const Onward__Core *core)
{
  return core->act_case == ONWARD__CORE__ACT_RESUMED         ? core->resumed->absent_ms
         : core->act_case == ONWARD__CORE__ACT_CLOCK_DOUBTED ? core->clock_doubted->absent_ms
         : core->act_case == ONWARD__CORE__ACT_PURGED        ? core->purged->absent_ms
         : core->act_case == ONWARD__CORE__ACT_RESTORED      ? core->restored->absent_ms
                                                             : core->clock_confirmed->absent_ms;
}

static void fill(struct event *e)
{
  const Onward__Core *c = e->core;
  if (c->referral_id.len == sizeof e->referral.byte)
    memcpy(e->referral.byte, c->referral_id.data, sizeof e->referral.byte);
  if (c->answers != NULL) {
    e->answers_index = c->answers->index;
    memcpy(e->answers_hash.byte, c->answers->leaf_hash.data, sizeof e->answers_hash.byte);
  }
}

/* What one event may take of the arena: bytes that unpack into much more are refused as malformed. */
enum { EVENT_ARENA_SIZE = 32 * EVENT_SIZE_MAX };

static enum status read(struct bytes packed, bool stored, struct arena *a, struct complaint *why, struct event *out)
{
  *out = (struct event){.bytes = packed};
  if (packed.size == 0 || packed.size > EVENT_SIZE_MAX)
    return complain(why, "event: expected 1 to %d bytes", EVENT_SIZE_MAX);
  size_t before = a->used;
  void *room = arena_alloc(a, EVENT_ARENA_SIZE);
  if (room == NULL)
    return NOT_NOW;
  struct arena limited = arena_of(room, EVENT_ARENA_SIZE);
  a->used = before; /* given back, unless the event proves good */
  out->outer = pb_unpack(&onward__event__descriptor, packed, &limited);
  if (out->outer == NULL)
    return complain(why, "event: is no well-formed message");
  out->core_bytes = pb_bytes(out->outer->core);
  out->core = pb_unpack(&onward__core__descriptor, out->core_bytes, &limited);
  if (out->core == NULL)
    return complain(why, "core: is no well-formed message");
  out->act = out->core->act_case;
  if (act_family(out->act) == ACT_UNKNOWN)
    return complain(why, "act: is missing or not of this version");
  if (check_message(&out->core->base, why) != OK || check_message(&out->outer->base, why) != OK)
    return BAD_INPUT;
  if (act_check(out, why) != OK)
    return BAD_INPUT;
  if (!stored && (!pb_canonical(out->core, out->core_bytes, &limited) || !pb_canonical(out->outer, packed, &limited)))
    return complain(why, "event: is not in the one form that packing gives it");
  fill(out);
  a->used = (size_t)(limited.memory - a->memory) + limited.used;
  return OK;
}

enum status event_read(struct bytes packed, struct arena *a, struct complaint *why, struct event *out)
{
  return read(packed, false, a, why, out);
}

enum status event_read_stored(struct bytes packed, struct arena *a, struct complaint *why, struct event *out)
{
  return read(packed, true, a, why, out);
}

enum status event_pack(const Onward__Core *core, Onward__Sealed *const *sealed, size_t sealed_count, struct arena *a,
                       struct bytes *out)
{
  struct bytes core_bytes = pb_pack(core, a);
  if (core_bytes.size == 0)
    return NOT_NOW;
  Onward__Event event = ONWARD__EVENT__INIT;
  event.core = pb_data(core_bytes);
  event.n_sealed = sealed_count;
  event.sealed = (Onward__Sealed **)(uintptr_t)sealed; /* only read */
  *out = pb_pack(&event, a);
  if (out->size == 0)
    return NOT_NOW;
  return out->size > EVENT_SIZE_MAX ? BAD_INPUT : OK;
}

enum status request_read(struct bytes packed, struct bytes signature, struct arena *a, struct complaint *why,
                         const Onward__Request **out)
{
  if (packed.size == 0 || packed.size > REQUEST_SIZE_MAX)
    return complain(why, "request: expected 1 to %d bytes", REQUEST_SIZE_MAX);
  Onward__Request *r = pb_unpack(&onward__request__descriptor, packed, a);
  if (r == NULL)
    return complain(why, "request: is no well-formed message");
  if (check_message(&r->base, why) != OK)
    return BAD_INPUT;
  if (!pb_canonical(r, packed, a))
    return complain(why, "request: is not in the one form that packing gives it");
  struct es256_public *sign, *seal;
  if (es256_public_open(pb_bytes(r->sign_key), &sign) != OK)
    return complain(why, "sign_key: is no point of P-256");
  enum status s = dsse_verify(sign, REQUEST_TYPE, packed, signature);
  es256_public_close(sign);
  if (s != OK)
    return complain(why, "signature: does not fit the request's own signing key");
  if (es256_public_open(pb_bytes(r->seal_key), &seal) != OK)
    return complain(why, "seal_key: is no point of P-256");
  es256_public_close(seal);
  if (bytes_equal(pb_bytes(r->seal_key), pb_bytes(r->sign_key)))
    return complain(why, "seal_key: must be another than sign_key");
  *out = r;
  return OK;
}

enum status restore_read(struct bytes packed, struct arena *a, struct complaint *why, const Onward__Restore **out)
{
  Onward__Restore *r = packed.size <= RESTORE_SIZE_MAX ? pb_unpack(&onward__restore__descriptor, packed, a) : NULL;
  if (r == NULL)
    return complain(why, "restore: is no well-formed message");
  if (check_message(&r->base, why) != OK)
    return BAD_INPUT;
  if (!pb_canonical(r, packed, a))
    return complain(why, "restore: is not in the one form that packing gives it");
  if (r->lost_size < r->continues_at)
    return complain(why, "lost_size: is below continues_at");
  *out = r;
  return OK;
}

uint32_t restored_epoch(const Onward__Restored *restored)
{
  uint8_t memory[8 * RESTORE_SIZE_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  const Onward__Restore *r = pb_unpack(&onward__restore__descriptor, pb_bytes(restored->restore), &a);
  must(r != NULL);
  return r->epoch;
}
