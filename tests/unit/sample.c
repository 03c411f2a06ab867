/* From the generated descriptors alone: a field that is added to the schema needs a line in `limits`, and nothing else.
 */
#include "tests/unit/sample.h"

#include <stdio.h>
#include <string.h>

struct arena sample_arena;

static const struct sample_limit limits[] = {
    {"core", 1, 4096, NULL},
    {"nonce", 16, 16, NULL},
    {"referral_id", 16, 16, NULL},
    {"sha256", 32, 32, NULL},
    {"leaf_hash", 32, 32, NULL},
    {"key_id", 8, 8, NULL},
    {"recipient", 1, 16, "a21"},
    {"target", 1, 16, "a21"},
    {"organisation", 1, 16, "a21"},
    {"last_resort", 0, 16, "a21"},
    {"count", 1, UINT32_MAX, NULL},
    {"oldest_h", 0, UINT32_MAX, NULL},
    {"recipients", 1, 16, "a21"},
    {"scope", 1, 16, "a21"},
    {"area", 0, 16, "KH-17"},
    {"request", 1, 1024, NULL},
    {"signature", 64, 64, NULL},
    {"random", 32, 32, NULL},
    {"origin", 1, 48, "exchange.test/log"},
    {"log_key", 32, 32, NULL},
    {"index", 1, UINT64_MAX, NULL},
    {"submit_index", 1, UINT64_MAX, NULL},
    {"scope_index", 1, UINT64_MAX, NULL},
    {"expected_ms", 1, 253402300799999, NULL},
    {"first_contact_by_ms", 1, 253402300799999, NULL},
    {"consent_until_ms", 0, 253402300799999, NULL},
    {"agreement_until_ms", 0, 253402300799999, NULL},
    {"replace_after_ms", 0, 253402300799999, NULL},
    {"absent_ms", 0, 253402300799999, NULL},
    {"high_s", 1, 31622400, NULL},
    {"medium_s", 1, 31622400, NULL},
    {"low_s", 1, 31622400, NULL},
    {"schema", 1, UINT32_MAX, NULL},
    {"taxonomy", 1, UINT32_MAX, NULL},
    {"rules", RULES_VERSION, RULES_VERSION, NULL},
    {"epoch", 1, UINT32_MAX, NULL},
    {"leg", 1, 16, NULL},
    {"hops", 0, 16, NULL},
    {"slot", 0, 31, NULL},
    {"size", 256, 65536, NULL},
    {"name", 1, 120, NULL},
    {"number", 1, 64, NULL},
    {"age_min", 0, 130, NULL},
    {"age_max", 0, 130, NULL},
    {"languages", 2, 11, "km"},
    {"code", 2, 11, "KH-17"},
    {"service_index", 0, UINT64_MAX, NULL},
    {"directory_index", 0, UINT64_MAX, NULL},
    {"duty_telephone", 0, 40, "023"},
    {"duty_hours", 0, 80, NULL},
    {"available", 0, 99999, NULL},
    {"maximum", 0, 99999, NULL},
    {"valid_until_ms", 1, 253402300799999, NULL},
    {"about", 0, 16, "a21"},
    {"referral", 0, 16, ""},
    {"from_index", 0, UINT64_MAX, NULL},
    {"to_index", 0, UINT64_MAX, NULL},
    {"freed_bytes", 0, UINT64_MAX, NULL},
    {"restore", 1, 256, NULL},
};

const struct sample_count sample_counts[SAMPLE_COUNTS] = {
    {"recipients", 1, 16}, {"scope", 1, 32}, {"registrars", 2, 2}, {"skipped", 0, 32}, {"sealed", 0, 32},
    {"limits", 13, 13},    {"codes", 1, 12}, {"priorities", 1, 3}, {"areas", 1, 16},   {"languages", 1, 8}};

const struct sample_limit *sample_limit_of(const char *field)
{
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
    if (strcmp(limits[i].field, field) == 0)
      return &limits[i];
  must(false); /* a field that has no limit above */
  return NULL;
}

bool sample_is_about_referral(act_kind act)
{
  return act_is_about_referral(act);
}

void *sample_room(size_t size)
{
  void *p = arena_alloc(&sample_arena, size);
  must(p != NULL);
  memset(p, 0, size);
  return p;
}

ProtobufCBinaryData sample_bytes(const struct sample_limit *l)
{
  size_t size = l->valid != NULL ? strlen(l->valid) : l->min;
  uint8_t *data = sample_room(size + 1);
  memset(data, 0x41, size);
  if (l->valid != NULL)
    memcpy(data, l->valid, size);
  return (ProtobufCBinaryData){size, data};
}

static void make_one(const ProtobufCFieldDescriptor *field, void *at)
{
  if (field->type == PROTOBUF_C_TYPE_ENUM)
    *(int *)at = 1;
  else if (field->type == PROTOBUF_C_TYPE_BYTES)
    *(ProtobufCBinaryData *)at = sample_bytes(sample_limit_of(field->name));
  else if (field->type == PROTOBUF_C_TYPE_UINT64)
    *(uint64_t *)at = sample_limit_of(field->name)->min + (sample_limit_of(field->name)->min == 0);
  else if (field->type == PROTOBUF_C_TYPE_UINT32)
    *(uint32_t *)at = (uint32_t)sample_limit_of(field->name)->min;
  else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
    *(ProtobufCMessage **)at = sample_message(field->descriptor);
}

size_t sample_element_size(const ProtobufCFieldDescriptor *field)
{
  return field->type == PROTOBUF_C_TYPE_BYTES  ? sizeof(ProtobufCBinaryData)
         : field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int)
                                               : sizeof(ProtobufCMessage *);
}

void sample_repeat(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, size_t count)
{
  uint8_t *at = (uint8_t *)m, *list = sample_room((count + 1) * sample_element_size(field));
  *(size_t *)(void *)(at + field->quantifier_offset) = count;
  *(void **)(void *)(at + field->offset) = list;
  for (size_t i = 0; i < count; i++) {
    make_one(field, list + i * sample_element_size(field));
    if (strcmp(field->name, "limits") == 0) /* each clock once, in order */
      (*(Onward__Limit **)(void *)(list + i * sample_element_size(field)))->clock = (Onward__Clock)(i + 1);
    if (field->type == PROTOBUF_C_TYPE_ENUM) /* legal services, priorities: ascending */
      ((int *)(void *)list)[i] = field->descriptor == &onward__service_code__descriptor ? (int)(601 + i) : (int)(1 + i);
    if (strcmp(field->name, "areas") == 0) { /* each place once */
      ProtobufCBinaryData *code = &(*(Onward__Area **)(void *)(list + i * sample_element_size(field)))->code;
      code->data = sample_room(8);
      code->len = (size_t)snprintf((char *)code->data, 8, "KH-%zu", i);
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) { /* each organisation once */
      ProtobufCBinaryData *one = (ProtobufCBinaryData *)(void *)list + i;
      one->data = sample_room(16);
      one->len = (size_t)snprintf((char *)one->data, 16, "org-%zu", i);
    }
  }
}

/* All fields filled; of a oneof none. */
ProtobufCMessage *sample_message(const ProtobufCMessageDescriptor *type)
{
  ProtobufCMessage *m = sample_room(type->sizeof_message);
  protobuf_c_message_init(type, m);
  for (unsigned i = 0; i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
      continue;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
      sample_repeat(m, field, strcmp(field->name, "limits") == 0 ? CLOCKS_LIMITED : 2);
    else
      make_one(field, (uint8_t *)m + field->offset);
  }
  return m;
}

Onward__Core *sample_core(act_kind act)
{
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field(&onward__core__descriptor, (unsigned)act);
  Onward__Core *core = (Onward__Core *)sample_message(&onward__core__descriptor);
  enum act_family family = act_family(act);
  core->act_case = act;
  core->cancel = (Onward__Cancel *)sample_message(field->descriptor);
  if (family == ACT_ON_REGISTRY || !sample_is_about_referral(act))
    core->referral_id.len = 0;
  if ((family != ACT_ON_REFERRAL || act == ONWARD__CORE__ACT_SUBMIT) && act != ONWARD__CORE__ACT_ANSWER_PLACE)
    core->answers = NULL;
  if (act == ONWARD__CORE__ACT_SET_SERVICE) {
    core->set_service->group = ONWARD__SERVICE_GROUP__LEGL;
    core->set_service->age_max = 130;
  }
  return core;
}

Onward__Event *sample_event(act_kind act)
{
  Onward__Event *e = (Onward__Event *)sample_message(&onward__event__descriptor);
  e->core = pb_data(pb_pack(sample_core(act), &sample_arena));
  if (!sample_is_about_referral(act))
    e->n_sealed = 0;
  return e;
}
