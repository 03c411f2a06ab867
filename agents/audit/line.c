/* One entry as a JSON object, and as a line to read. What an act states is turned into JSON field by field, by the
 * names of the schema; the line shows the few of them that a reader wants. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "agents/audit/json.h"

/* --- JSON --- */

json_t *hex_json(struct bytes b)
{
  char hex[2 * REQUEST_SIZE_MAX + 1];
  hex_encode(bytes_of(b.data, b.size < REQUEST_SIZE_MAX ? b.size : REQUEST_SIZE_MAX), hex);
  return json_string(hex);
}

/* What is no UTF-8 is told in hex. */
static json_t *text_json(struct bytes b)
{
  json_t *text = json_stringn(b.size == 0 ? "" : (const char *)b.data, b.size);
  return text != NULL ? text : hex_json(b);
}

json_t *org_json(const struct org_id *id)
{
  return text_json(org_id_text(id));
}

json_t *time_json(uint64_t ms)
{
  char text[WORDS_SIZE];
  words_time(ms, text);
  return json_string(text);
}

json_t *code_json(const ProtobufCEnumDescriptor *type, int value)
{
  char text[64];
  const char *name = pb_enum_name(type, value);
  size_t size = 0;
  for (; name[size] != 0 && size < sizeof text; size++)
    text[size] = (char)tolower((unsigned char)name[size]);
  return json_stringn(text, size);
}

static json_t *message_json(const ProtobufCMessage *m);

static json_t *request_json(struct bytes packed)
{
  uint8_t memory[8 * REQUEST_SIZE_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, packed, &a);
  return r == NULL ? hex_json(packed) : message_json(&r->base);
}

static json_t *bytes_json(const char *name, struct bytes b)
{
  static const char *const texts[] = {"recipients", "recipient", "target", "last_resort",    "organisation",
                                      "scope",      "area",      "origin", "duty_telephone", "duty_hours",
                                      "name",       "languages", "code"};
  if (strcmp(name, "request") == 0)
    return request_json(b);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (strcmp(name, texts[i]) == 0)
      return text_json(b);
  return hex_json(b);
}

static json_t *value_json(const ProtobufCFieldDescriptor *field, const void *member)
{
  switch (field->type) {
  case PROTOBUF_C_TYPE_ENUM:
    return code_json(field->descriptor, *(const int *)member);
  case PROTOBUF_C_TYPE_BOOL:
    return json_boolean(*(const protobuf_c_boolean *)member);
  case PROTOBUF_C_TYPE_UINT32:
    return json_integer(*(const uint32_t *)member);
  case PROTOBUF_C_TYPE_UINT64:
    return json_integer((json_int_t) * (const uint64_t *)member);
  case PROTOBUF_C_TYPE_BYTES:
    return bytes_json(field->name, pb_bytes(*(const ProtobufCBinaryData *)member));
  default:
    return message_json(*(const ProtobufCMessage *const *)member);
  }
}

static json_t *list_json(const ProtobufCFieldDescriptor *field, size_t count, const uint8_t *items)
{
  size_t each = field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(ProtobufCMessage *);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, value_json(field, items + i * each));
  return list;
}

static json_t *message_json(const ProtobufCMessage *m)
{
  json_t *object = m == NULL ? json_null() : json_object();
  for (unsigned i = 0; m != NULL && i < m->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
    const uint8_t *at = (const uint8_t *)m;
    json_t *value = field->label == PROTOBUF_C_LABEL_REPEATED
                        ? list_json(field, *(const size_t *)(at + field->quantifier_offset),
                                    *(const uint8_t *const *)(at + field->offset))
                        : value_json(field, at + field->offset);
    json_object_set_new(object, field->name, value);
  }
  return object;
}

/* Every act is a message of its own in the same place of Core. */
json_t *act_json(const struct event *e)
{
  return message_json(&e->core->submit->base);
}

static json_t *batch_json(const struct leaf *leaf, const struct batch_header *h)
{
  return json_pack("{s:I,s:i,s:i,s:I}", "sequence", (json_int_t)h->sequence, "position", (int)leaf->position + 1,
                   "count", (int)h->count, "read_up_to", (json_int_t)h->read_up_to);
}

static json_t *body_json(const struct body_state *b)
{
  json_t *o = json_object();
  json_object_set_new(o, "is", json_string(body_words(b->is)));
  if (b->is == BODY_ERASED) {
    json_object_set_new(o, "by_entry", json_integer((json_int_t)b->by));
    json_object_set_new(o, "by_act", json_string(b->act));
    json_object_set_new(o, "at", time_json(b->time_ms));
  }
  return o;
}

static json_t *sealed_json(const Onward__Event *outer, const struct body_state *bodies)
{
  json_t *list = json_array();
  for (size_t i = 0; i < outer->n_sealed; i++) {
    json_t *sealed = message_json(&outer->sealed[i]->base);
    if (bodies != NULL)
      json_object_set_new(sealed, "body", body_json(&bodies[i]));
    json_array_append_new(list, sealed);
  }
  return list;
}

static json_t *audience_json(const struct audience *told)
{
  json_t *list = json_array();
  for (size_t i = 0; i < told->count; i++)
    json_array_append_new(list, org_json(told->organisations[i]));
  return list;
}

static json_t *entry_json(const struct leaf *leaf, const struct event *e, const struct audience *told,
                          const struct body_state *bodies)
{
  struct batch_header h;
  char brief[REF_SHORT_SIZE];
  json_t *o = json_object();
  bool signed_by = leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK;
  json_object_set_new(o, "index", json_integer((json_int_t)leaf->index));
  json_object_set_new(o, "time", time_json(leaf->time_ms));
  json_object_set_new(o, "time_ms", json_integer((json_int_t)leaf->time_ms));
  json_object_set_new(o, "who", signed_by ? org_json(&h.organisation) : json_null());
  json_object_set_new(o, "act", json_string(act_name(e->act)));
  if (e->core->referral_id.len > 0) {
    ref_short(&e->referral, brief);
    json_object_set_new(o, "referral", hex_json(BYTES(e->referral.byte)));
    json_object_set_new(o, "short", json_string(brief));
  }
  json_object_set_new(o, "verdict", code_json(&onward__verdict__descriptor, leaf->verdict));
  json_object_set_new(o, "for", audience_json(told));
  if (e->answers_index != 0)
    json_object_set_new(o, "answers", json_integer((json_int_t)e->answers_index));
  json_object_set_new(o, "states", act_json(e));
  json_object_set_new(o, "sealed", sealed_json(e->outer, bodies));
  if (signed_by)
    json_object_set_new(o, "batch", batch_json(leaf, &h));
  return o;
}

void line_json(const struct leaf *leaf, const struct event *e, const struct audience *told,
               const struct body_state *bodies, FILE *out)
{
  json_t *entry = entry_json(leaf, e, told, bodies);
  json_dumpf(entry, out, JSON_COMPACT);
  fputc('\n', out);
  json_decref(entry);
}

/* --- text --- */

/* `before` stands before the first of a list only. */
static void print_detail(const json_t *value, const char *name, const char *before, int *count, FILE *out)
{
  size_t i;
  json_t *item;
  if (json_is_array(value)) {
    json_array_foreach(value, i, item) print_detail(item, name, i == 0 ? before : "", count, out);
    return;
  }
  if (value == NULL || json_is_false(value))
    return;
  fprintf(out, "%s%s", *count == 0 ? " (" : ", ", before);
  (*count)++;
  if (json_is_object(value)) {
    const char *reason = json_string_value(json_object_get(value, "reason"));
    fputs(json_string_value(json_object_get(value, "organisation")), out);
    fprintf(out, "%s%s", reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
  } else if (json_is_integer(value)) {
    fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  } else {
    fputs(json_is_true(value) ? name : json_string_value(value), out);
  }
}

/* The fields that a reader wants, in the order of the line. */
static void print_details(const struct event *e, FILE *out)
{
  static const struct {
    const char *field, *before;
  } shown[] = {{"origin", ""},
               {"leg", "leg "},
               {"recipient", "to "},
               {"recipients", "to "},
               {"target", "to "},
               {"request", ""},
               {"organisation", ""},
               {"standing", ""},
               {"count", "items: "},
               {"oldest_h", "oldest, hours: "},
               {"reason", ""},
               {"by", ""},
               {"outcome", ""},
               {"priority", ""},
               {"drill", ""},
               {"safety", ""},
               {"skipped", "passed over "}};
  int count = 0;
  json_t *act = act_json(e);
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
    print_detail(json_object_get(act, shown[i].field), shown[i].field, shown[i].before, &count, out);
  fputs(count > 0 ? ")" : "", out);
  json_decref(act);
}

/* Below the line of its entry. */
static void print_body(const struct event *e, size_t slot, const struct body_state *b, FILE *out)
{
  char time[WORDS_SIZE];
  json_t *part = code_json(&onward__part__descriptor, (int)e->outer->sealed[slot]->part);
  struct bytes to = pb_bytes(e->outer->sealed[slot]->recipient);
  fprintf(out, "        sealed part %zu, %s for %.*s: %s", slot, json_string_value(part), (int)to.size,
          (const char *)to.data, body_words(b->is));
  if (b->is == BODY_ERASED) {
    words_time(b->time_ms, time);
    fprintf(out, " by entry %" PRIu64 " (%s, %s)", b->by, b->act, time);
  }
  fputc('\n', out);
  json_decref(part);
}

void line_text(const struct leaf *leaf, const struct event *e, const struct audience *told,
               const struct body_state *bodies, FILE *out)
{
  struct batch_header h;
  char time[WORDS_SIZE], brief[REF_SHORT_SIZE] = "-";
  bool signed_by = leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK;
  words_time(leaf->time_ms, time);
  if (e->core->referral_id.len > 0)
    ref_short(&e->referral, brief);
  json_t *verdict = code_json(&onward__verdict__descriptor, leaf->verdict);
  fprintf(out, "%6" PRIu64 "  %s  %-16.16s  %-16s  %-8s  %s%s", leaf->index, time,
          signed_by ? h.organisation.text : "(the exchange)", act_name(e->act), brief,
          leaf->verdict == ONWARD__VERDICT__ACCEPTED ? "" : "REFUSED: ", json_string_value(verdict));
  for (size_t i = 0; i < told->count; i++)
    fprintf(out, "%s" ORG_FMT, i == 0 ? ", for " : ", ", told->organisations[i]->text);
  print_details(e, out);
  fputc('\n', out);
  for (size_t i = 0; bodies != NULL && i < e->outer->n_sealed; i++)
    print_body(e, i, &bodies[i], out);
  json_decref(verdict);
}
