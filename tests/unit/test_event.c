/* Bytes to event. One valid event of every act is made from the schema itself (sample.h); then each of its fields,
 * wherever it stands, is given values at its limits and beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sample.h"

#define MARKER "ZZ9PLURAL" /* a value that no complaint may repeat */

static uint8_t memory[1 << 20];
static struct complaint why;

static enum status read(struct bytes packed)
{
  struct event e;
  uint8_t *copy = sample_room(packed.size + 1); /* in a block of its own, so that a sanitizer sees where it ends */
  if (packed.size > 0)
    memcpy(copy, packed.data, packed.size);
  memset(&why, 0, sizeof why);
  size_t used = sample_arena.used;
  enum status s = event_read(bytes_of(copy, packed.size), &sample_arena, &why, &e);
  if (s == OK)
    assert_true(bytes_equal(e.bytes, packed));
  else
    assert_true(sample_arena.used == used); /* nothing of it stays */
  return s;
}

static enum status read_core(const Onward__Core *core, act_kind act)
{
  Onward__Event *e = sample_event(act);
  e->core = pb_data(pb_pack(core, &sample_arena));
  return read(pb_pack(e, &sample_arena));
}

/* Refused, for this field: its name begins the complaint, and no value stands in it. */
static void assert_complains(enum status s, const char *field)
{
  assert_int_equal(s, BAD_INPUT);
  size_t size = strlen(field);
  if (strncmp(why.text, field, size) != 0 || strchr(":.", why.text[size]) == NULL)
    fail_msg("%s: the complaint is: %s", field, why.text);
  assert_null(strstr(why.text, MARKER));
  for (const char *c = why.text; *c != 0; c++)
    assert_true(*c >= 0x20 && *c < 0x7f);
}

typedef void (*visit)(act_kind act);

static void visit_acts(visit each)
{
  for (unsigned i = 0; i < onward__core__descriptor.n_fields; i++)
    if ((onward__core__descriptor.fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
      sample_arena = arena_of(memory, sizeof memory);
      each((act_kind)onward__core__descriptor.fields[i].id);
    }
}

static void check_valid(act_kind act)
{
  struct event e;
  struct bytes packed = pb_pack(sample_event(act), &sample_arena);
  if (event_read(packed, &sample_arena, &why, &e) != OK)
    fail_msg("%s: %s", act_name(act), why.text);
  assert_int_equal(e.act, act);
  assert_true(e.outer->n_sealed == (!sample_is_about_referral(act) ? 0 : 2));
  assert_true(e.answers_index == (e.core->answers == NULL ? 0 : 1));
  assert_int_equal(e.referral.byte[0], !sample_is_about_referral(act) ? 0 : 0x41);
  assert_int_equal(e.answers_hash.byte[31], e.core->answers == NULL ? 0 : 0x41);
  assert_true(pb_canonical(e.outer, packed, &sample_arena));
}

static void every_act_has_a_valid_event(void **state)
{
  (void)state;
  visit_acts(check_valid);
}

/* --- every field at its limits and beyond --- */

/* The message under test stands somewhere in an event; `again` packs and reads it anew. */
struct place {
  act_kind act;
  Onward__Core *core; /* NULL: the place is in the outer event */
  Onward__Event *event;
};

static enum status again(const struct place *p)
{
  sample_arena.used = sizeof memory / 2; /* what was made stays below */
  if (p->core != NULL)
    p->event->core = pb_data(pb_pack(p->core, &sample_arena));
  return read(pb_pack(p->event, &sample_arena));
}

static void try_message(const struct place *p, ProtobufCMessage *m);

static void try_enum(const struct place *p, const ProtobufCFieldDescriptor *field, int *at)
{
  const ProtobufCEnumDescriptor *type = field->descriptor;
  static const int wrong[] = {0, -1, 99, INT32_MAX, INT32_MIN};
  int was = *at;
  for (unsigned i = 0; i < type->n_values; i++) {
    *at = type->values[i].value;
    bool in_policy = field->descriptor == &onward__clock__descriptor && p->act != ONWARD__CORE__ACT_OVERDUE;
    if (*at != 0 && in_policy && *at != was)
      assert_complains(again(p), "limits");                       /* each clock has its place */
    else if (*at != 0 && p->act != ONWARD__CORE__ACT_SET_SERVICE) /* there codes depend on each other: below */
      assert_int_equal(again(p), OK);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    *at = wrong[i];
    assert_complains(again(p), field->name);
  }
  *at = was;
}

static void put_number(const ProtobufCFieldDescriptor *field, void *at, uint64_t n)
{
  if (field->type == PROTOBUF_C_TYPE_UINT32)
    *(uint32_t *)at = (uint32_t)n;
  else
    *(uint64_t *)at = n;
}

static void try_number(const struct place *p, const ProtobufCFieldDescriptor *field, void *at)
{
  const struct sample_limit *l = sample_limit_of(field->name);
  uint64_t most = field->type == PROTOBUF_C_TYPE_UINT32 ? UINT32_MAX : UINT64_MAX;
  put_number(field, at, l->max);
  assert_int_equal(again(p), OK);
  if (l->max < most) {
    put_number(field, at, l->max + 1);
    assert_complains(again(p), field->name);
    put_number(field, at, most);
    assert_complains(again(p), field->name);
  }
  if (l->min > 0) {
    put_number(field, at, l->min - 1);
    assert_complains(again(p), field->name);
  }
  put_number(field, at, l->min);
  assert_int_equal(again(p), OK);
}

static bool is_organisation(const char *field)
{
  static const char *const names[] = {"recipient", "target", "organisation", "recipients", "scope"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], field) == 0)
      return true;
  return false;
}

static void try_texts(const struct place *p, const char *field, ProtobufCBinaryData *at)
{
  static const struct {
    const char *text;
    size_t size;
  } wrong[] = {{"a21\0", 4}, {"a\0x", 3},  {"\0", 1},    {MARKER, 9},      {"1a", 2},  {"a-", 2},
               {"a b", 3},   {"a/b/c", 5}, {"a\xff", 2}, {"a\xc3\xa9", 3}, {"A21", 3}, {"a_b", 3}};
  static const char *const area_wrong[] = {"kh", "KH 17", "KH_17", "K\xff", "KH/17"};
  if (is_organisation(field))
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
      *at = pb_data(bytes_of(wrong[i].text, wrong[i].size));
      assert_complains(again(p), field);
    }
  for (size_t i = 0; i < 5 && strcmp(field, "area") == 0; i++) {
    *at = pb_data(bytes_text(area_wrong[i]));
    assert_complains(again(p), field);
  }
}

static void try_bytes(const struct place *p, const ProtobufCFieldDescriptor *field, ProtobufCBinaryData *at)
{
  static uint8_t text[2048];
  const struct sample_limit *l = sample_limit_of(field->name);
  ProtobufCBinaryData was = *at;
  bool id = strcmp(field->name, "referral_id") == 0;
  memset(text, id || l->valid == NULL ? 'A' : 'a', sizeof text);
  if (strcmp(field->name, "area") == 0 || strcmp(field->name, "code") == 0)
    memset(text, 'A', sizeof text);
  if (strcmp(field->name, "duty_telephone") == 0)
    memset(text, '0', sizeof text);
  bool member =
      field->label == PROTOBUF_C_LABEL_REPEATED; /* at its limits it need not be in scope: only beyond is tried */
  bool fits_event = l->max < EVENT_SIZE_MAX;
  *at = pb_data(bytes_of(text, l->max));
  if (!member && fits_event)
    assert_int_equal(again(p), OK);
  *at = pb_data(bytes_of(text, l->max + 1));
  assert_complains(again(p), field->name);
  if (l->min > 0) {
    *at = pb_data(bytes_of(text, l->min - 1));
    assert_complains(again(p), field->name);
  }
  try_texts(p, field->name, at);
  *at = was;
}

static void try_one(const struct place *p, const ProtobufCFieldDescriptor *field, void *at)
{
  switch (field->type) {
  case PROTOBUF_C_TYPE_ENUM:
    try_enum(p, field, at);
    break;
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_UINT64:
    try_number(p, field, at);
    break;
  case PROTOBUF_C_TYPE_BYTES:
    if (p->core == NULL && strcmp(field->name, "core") == 0)
      break;
    if (((ProtobufCBinaryData *)at)->len > 0 ||
        sample_limit_of(field->name)->min == 0) /* a referral's id where one is due */
      try_bytes(p, field, at);
    break;
  case PROTOBUF_C_TYPE_MESSAGE:
    if (*(ProtobufCMessage **)at != NULL)
      try_message(p, *(ProtobufCMessage **)at);
    break;
  default:
    break;
  }
}

static void try_count(const struct place *p, const ProtobufCFieldDescriptor *field, ProtobufCMessage *m)
{
  size_t *count = (size_t *)(void *)((uint8_t *)m + field->quantifier_offset), was = *count;
  void **list = (void **)(void *)((uint8_t *)m + field->offset), *old = *list;
  sample_arena.used = sizeof memory / 4;
  for (size_t i = 0; i < sizeof sample_counts / sizeof sample_counts[0]; i++)
    if (strcmp(sample_counts[i].field, field->name) == 0) {
      sample_repeat(m, field, sample_counts[i].max + 1);
      assert_complains(again(p), field->name);
      if (sample_counts[i].min > 0) {
        *count = sample_counts[i].min - 1;
        assert_complains(again(p), field->name);
      }
    }
  *count = was;
  *list = old;
}

static void try_message(const struct place *p, ProtobufCMessage *m)
{
  for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
    uint8_t *at = (uint8_t *)m;
    bool one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (one_of && *(uint32_t *)(void *)(at + field->quantifier_offset) != field->id)
      continue;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
      try_one(p, field, at + field->offset);
      continue;
    }
    size_t count = *(size_t *)(void *)(at + field->quantifier_offset);
    for (size_t k = 0; k < count; k++)
      try_one(p, field, *(uint8_t **)(void *)(at + field->offset) + k * sample_element_size(field));
    try_count(p, field, m);
  }
}

static void check_limits(act_kind act)
{
  struct place p = {.act = act, .core = sample_core(act), .event = sample_event(act)};
  if (act == ONWARD__CORE__ACT_SUBMIT) { /* all recipients are in scope, whatever becomes of one of them */
    p.core->submit->n_recipients = 1;
  }
  try_message(&p, &p.core->base);
  assert_int_equal(again(&p), OK);
}

static void every_field_of_every_act_has_its_limits(void **state)
{
  (void)state;
  visit_acts(check_limits);
}

static void every_field_of_a_sealed_part_has_its_limits(void **state)
{
  (void)state;
  sample_arena = arena_of(memory, sizeof memory);
  struct place p = {.act = ONWARD__CORE__ACT_CLOSE, .event = sample_event(ONWARD__CORE__ACT_CLOSE)};
  try_message(&p, &p.event->base);
  static const uint32_t sizes[] = {255, 257, 300, 511, 513, 65535, 0, 1000, UINT32_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    p.event->sealed[0]->size = sizes[i];
    assert_int_equal(again(&p), BAD_INPUT);
    assert_non_null(strstr(why.text, "size"));
  }
  for (uint32_t size = 256; size <= 65536; size *= 2) {
    p.event->sealed[0]->size = size;
    assert_int_equal(again(&p), OK);
  }
}

/* --- what acts carry --- */

static void check_outer(act_kind act)
{
  struct place p = {.act = act, .core = sample_core(act), .event = sample_event(act)};
  Onward__Core *core = p.core;
  ProtobufCBinaryData id = core->referral_id, other_id = sample_bytes(sample_limit_of("referral_id"));
  Onward__Answered *answers = core->answers, *other = (Onward__Answered *)sample_message(&onward__answered__descriptor);
  core->referral_id = id.len > 0 ? (ProtobufCBinaryData){0, NULL} : other_id;
  assert_complains(again(&p), "referral_id");
  core->referral_id = id;
  core->answers = answers == NULL ? other : NULL;
  assert_complains(again(&p), "answers");
  core->answers = answers;
  core->nonce.len = 0;
  assert_complains(again(&p), "nonce");
  core->nonce.len = 16;
  p.event->n_sealed = 2;
  if (!sample_is_about_referral(act) && act != ONWARD__CORE__ACT_ASK_PLACE)
    assert_complains(again(&p), "sealed");
  else
    assert_int_equal(again(&p), OK);
}

static void acts_carry_what_is_theirs_and_nothing_else(void **state)
{
  (void)state;
  visit_acts(check_outer);
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_LEG_OPENED);
  core->leg_opened->brief = NULL;
  assert_int_equal(read_core(core, ONWARD__CORE__ACT_LEG_OPENED), BAD_INPUT);
  core->act_case = ONWARD__CORE__ACT__NOT_SET;
  assert_complains(read_core(core, ONWARD__CORE__ACT_CLOSE), "act");
}

static void organisations_are_named_once_and_within_scope(void **state)
{
  (void)state;
  sample_arena = arena_of(memory, sizeof memory);
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_SUBMIT);
  assert_int_equal(read_core(core, ONWARD__CORE__ACT_SUBMIT), OK);
  core->submit->recipients[1] = core->submit->recipients[0];
  assert_complains(read_core(core, ONWARD__CORE__ACT_SUBMIT), "recipients");
  core = sample_core(ONWARD__CORE__ACT_SUBMIT);
  core->submit->scope[1] = pb_data(bytes_text("another"));
  assert_complains(read_core(core, ONWARD__CORE__ACT_SUBMIT), "recipients");
  core = sample_core(ONWARD__CORE__ACT_SUBMIT);
  core->submit->n_recipients = 1;
  core->submit->scope[1] = core->submit->scope[0];
  assert_complains(read_core(core, ONWARD__CORE__ACT_SUBMIT), "scope");
  core = sample_core(ONWARD__CORE__ACT_READDRESS);
  core->readdress->recipients[1] = core->readdress->recipients[0];
  assert_complains(read_core(core, ONWARD__CORE__ACT_READDRESS), "recipients");
}

/* --- one meaning, one form --- */

static struct bytes wrap(struct bytes core)
{
  Onward__Event e = ONWARD__EVENT__INIT;
  e.core = pb_data(core);
  return pb_pack(&e, &sample_arena);
}

static struct bytes joined(struct bytes a, const void *more, size_t size)
{
  uint8_t *to = sample_room(a.size + size + 1);
  if (a.size > 0)
    memcpy(to, a.data, a.size);
  memcpy(to + a.size, more, size);
  return bytes_of(to, a.size + size);
}
#define JOINED(a, text) joined(a, text, sizeof(text) - 1)

static struct bytes spliced(struct bytes b, size_t at, size_t out, const char *in, size_t in_size)
{
  struct bytes front = joined(bytes_of(b.data, at), in, in_size);
  return joined(front, b.data + at + out, b.size - at - out);
}

/* nonce[18] referral_id[18] answers[2 + 36 + ...] accept: an event whose packed form is known by heart. */
static struct bytes plain_core(void)
{
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_ACCEPT);
  core->accept->first_contact_by_ms = 5;
  struct bytes packed = pb_pack(core, &sample_arena);
  assert_int_equal(packed.size, 18 + 18 + 2 + 36 + 3 + 2);
  assert_memory_equal(packed.data + 74, "\xa2\x01\x02\x08\x05", 5);
  return packed;
}

static void assert_form(struct bytes event)
{
  assert_int_equal(read(event), BAD_INPUT);
  if (strstr(why.text, "one form") == NULL && strstr(why.text, "well-formed") == NULL)
    fail_msg("the complaint is: %s", why.text);
}

static void other_forms_of_the_same_event_are_refused(void **state)
{
  (void)state;
  sample_arena = arena_of(memory, sizeof memory);
  struct bytes core = plain_core();
  assert_int_equal(read(wrap(core)), OK);
  assert_form(wrap(JOINED(core, "\x98\x06\x01")));                    /* field 99, at the end */
  assert_form(wrap(JOINED(core, "\x9a\x06\x03ZZ9")));                 /* the same, bytes */
  assert_form(JOINED(wrap(core), "\x18\x01"));                        /* an unknown field outside */
  assert_form(wrap(spliced(core, 76, 3, "\x04\x08\x05\x10\x01", 5))); /* inside the act */
  assert_form(wrap(spliced(core, 37, 1, "\x26\x18\x01", 3)));         /* inside the answer, in front */
  assert_form(wrap(JOINED(core, "\x12\x10"
                                "BBBBBBBBBBBBBBBB")));            /* referral_id again: the last would win */
  assert_form(wrap(joined(core, core.data, 18)));                 /* nonce again, the same */
  assert_form(wrap(joined(core, core.data + 74, 5)));             /* the act again: merged */
  assert_form(wrap(JOINED(core, "\x72\x00")));                    /* a second act, of another kind: the last wins */
  assert_form(wrap(spliced(core, 76, 3, "\x03\x08\x85\x00", 4))); /* five, as an over-long number */
  assert_form(wrap(spliced(core, 76, 1, "\x82\x00", 2)));         /* an over-long length */
  assert_form(wrap(spliced(core, 74, 2, "\xa2\x81\x00", 3)));     /* an over-long tag */
  assert_form(wrap(joined(joined(bytes_of(core.data + 18, 18), core.data, 18), core.data + 36, core.size - 36)));
  assert_form(wrap(spliced(core, core.size - 2, 2, "\x0d\x05\x00\x00\x00", 5))); /* another wire type */
  assert_form(joined(wrap(core), wrap(core).data, 6));                           /* cut in the second copy */
}

static void defaults_are_not_written_out(void **state)
{
  (void)state;
  sample_arena = arena_of(memory, sizeof memory);
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_TELL);
  struct bytes packed = pb_pack(core, &sample_arena);
  assert_int_equal(read(wrap(packed)), OK); /* not a matter of safety */
  assert_memory_equal(packed.data + packed.size - 2, "\x7a\x00", 2);
  assert_form(wrap(spliced(packed, packed.size - 1, 1, "\x02\x08\x00", 3)));
  assert_int_equal(read(wrap(spliced(packed, packed.size - 1, 1, "\x02\x08\x01", 3))), OK);
  assert_form(wrap(spliced(packed, packed.size - 1, 1, "\x02\x08\x02", 3))); /* true is 1 */
}

static void sizes_are_limited(void **state)
{
  (void)state;
  static uint8_t many[65536];
  sample_arena = arena_of(memory, sizeof memory);
  assert_complains(read((struct bytes){NULL, 0}), "event");
  for (size_t i = 0; i < sizeof many; i += 2)
    memcpy(many + i, "\x12\x00", 2); /* an empty Sealed: 65,536 bytes would become 4.6 MB */
  assert_complains(read(BYTES(many)), "event");
  assert_int_equal(read(bytes_of(many, EVENT_SIZE_MAX)), BAD_INPUT);
  struct bytes core = plain_core();
  assert_int_equal(read(joined(wrap(core), many, EVENT_SIZE_MAX - wrap(core).size - 1)), BAD_INPUT);
  for (size_t size = 0; size < wrap(core).size; size++)
    assert_int_equal(read(bytes_of(wrap(core).data, size)), BAD_INPUT);
}

static void a_full_arena_is_no_fault_of_the_event(void **state)
{
  (void)state;
  struct event e;
  sample_arena = arena_of(memory, sizeof memory);
  struct bytes packed = pb_pack(sample_event(ONWARD__CORE__ACT_CLOSE), &sample_arena);
  static uint8_t little[4096];
  struct arena small = arena_of(little, sizeof little);
  assert_int_equal(event_read(packed, &small, &why, &e), NOT_NOW);
  assert_true(small.used == 0);
  Onward__Core *core = sample_core(ONWARD__CORE__ACT_ENROL);
  core->enrol->request = (ProtobufCBinaryData){5000, sample_room(5000)};
  struct bytes out;
  assert_int_equal(event_pack(core, NULL, 0, &sample_arena, &out), BAD_INPUT);
  small.used = sizeof little - 64;
  assert_int_equal(event_pack(core, NULL, 0, &small, &out), NOT_NOW);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_act_has_a_valid_event),
      cmocka_unit_test(every_field_of_every_act_has_its_limits),
      cmocka_unit_test(every_field_of_a_sealed_part_has_its_limits),
      cmocka_unit_test(acts_carry_what_is_theirs_and_nothing_else),
      cmocka_unit_test(organisations_are_named_once_and_within_scope),
      cmocka_unit_test(other_forms_of_the_same_event_are_refused),
      cmocka_unit_test(defaults_are_not_written_out),
      cmocka_unit_test(sizes_are_limited),
      cmocka_unit_test(a_full_arena_is_no_fault_of_the_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
