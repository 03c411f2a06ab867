/* The fixed layouts: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/event.h"

static void fill(void *to, size_t size, uint8_t from)
{
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)to)[i] = (uint8_t)(from + i);
}

/* --- head --- */

static void a_head_is_two_bytes(void **state)
{
  (void)state;
  uint8_t head[HEAD_SIZE], version, longer[3] = {1, FRAME_ASK, 0};
  enum frame_kind kind;
  static const enum frame_kind kinds[] = {FRAME_HELLO,    FRAME_SUBMIT, FRAME_CREDIT,  FRAME_ASK,    FRAME_WELCOME,
                                          FRAME_DELIVERY, FRAME_ANSWER, FRAME_REFUSAL, FRAME_GOODBYE};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    head_write(kinds[i], head);
    assert_int_equal(head_read(BYTES(head), &version, &kind), OK);
    assert_int_equal(version, 1);
    assert_int_equal(kind, kinds[i]);
  }
  assert_int_equal(head_read((struct bytes){NULL, 0}, &version, &kind), BAD_INPUT);
  assert_int_equal(version, 0);
  assert_int_equal(head_read(bytes_of(head, 1), &version, &kind), BAD_INPUT);
  assert_int_equal(head_read(BYTES(longer), &version, &kind), BAD_INPUT);
  head[0] = 2;
  assert_int_equal(head_read(BYTES(head), &version, &kind), BAD_INPUT);
  assert_int_equal(version, 2); /* so that the answer can name it */
}

/* --- batch header --- */

static void make_header(uint8_t bytes[BATCH_HEADER_SIZE], struct batch_header *h)
{
  memset(h, 0, sizeof *h);
  fill(h->network.byte, 32, 1);
  must(org_id_parse(bytes_text("aple/siem-reap"), &h->organisation) == OK);
  h->sequence = 0x0102030405060708;
  h->read_up_to = 0x1112131415161718;
  h->count = 256;
  fill(h->root.byte, 32, 100);
  batch_header_write(h, bytes);
}

static void a_batch_header_is_read_as_it_was_written(void **state)
{
  (void)state;
  uint8_t bytes[BATCH_HEADER_SIZE], again[BATCH_HEADER_SIZE];
  struct batch_header h, read;
  make_header(bytes, &h);
  assert_memory_equal(bytes, h.network.byte, 32);
  assert_memory_equal(bytes + 32, "aple/siem-reap\0", 16);
  assert_memory_equal(bytes + 48, "\1\2\3\4\5\6\7\10\x11\x12\x13\x14\x15\x16\x17\x18\1\0", 18);
  assert_true(bytes_zero(bytes_of(bytes + 66, 14)));
  assert_memory_equal(bytes + 80, h.root.byte, 32);
  assert_int_equal(batch_header_read(BYTES(bytes), &read), OK);
  batch_header_write(&read, again);
  assert_memory_equal(bytes, again, sizeof bytes);
  assert_true(read.sequence == h.sequence && read.read_up_to == h.read_up_to && read.count == 256);
}

static void assert_no_header(const uint8_t bytes[BATCH_HEADER_SIZE])
{
  struct batch_header read;
  assert_int_equal(batch_header_read(bytes_of(bytes, BATCH_HEADER_SIZE), &read), BAD_INPUT);
}

static void every_deviation_of_a_batch_header_is_refused(void **state)
{
  (void)state;
  uint8_t bytes[BATCH_HEADER_SIZE + 1] = {0};
  struct batch_header h, read;
  make_header(bytes, &h);
  for (size_t size = 0; size < BATCH_HEADER_SIZE; size++)
    assert_int_equal(batch_header_read(bytes_of(bytes, size), &read), BAD_INPUT);
  assert_int_equal(batch_header_read(BYTES(bytes), &read), BAD_INPUT);
  for (size_t i = 66; i < 80; i++)
    for (int bit = 0; bit < 8; bit++) {
      make_header(bytes, &h);
      bytes[i] ^= (uint8_t)(1 << bit);
      assert_no_header(bytes);
    }
  make_header(bytes, &h);
  memset(bytes + 48, 0, 8); /* sequence 0 */
  assert_no_header(bytes);
  make_header(bytes, &h);
  memcpy(bytes + 64, "\0\0", 2);
  assert_no_header(bytes);
  memcpy(bytes + 64, "\1\1", 2); /* 257 */
  assert_no_header(bytes);
  static const char *const ids[] = {"", "1aple", "Aple", "aple-", "ap le", "a/b/c", "aple\0x", "\0aple", "apl\xc3\xa9"};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    make_header(bytes, &h);
    memset(bytes + 32, 0, 16);
    memcpy(bytes + 32, ids[i], i == 6 ? 6 : i == 7 ? 5 : strlen(ids[i]));
    assert_no_header(bytes);
  }
}

/* --- leaf --- */

static uint8_t event_bytes[EVENT_SIZE_MAX + 1], header_bytes[BATCH_HEADER_SIZE], signature_bytes[64],
    path_bytes[9 * 32];

static struct leaf make_leaf(enum leaf_origin origin, size_t event_size, size_t path_count)
{
  fill(event_bytes, sizeof event_bytes, 3);
  fill(header_bytes, sizeof header_bytes, 5);
  fill(signature_bytes, sizeof signature_bytes, 7);
  fill(path_bytes, sizeof path_bytes, 9);
  struct leaf l = {.origin = origin,
                   .verdict = 0x0a0b,
                   .index = 0x2122232425262728,
                   .time_ms = 0x3132333435363738,
                   .registry = 0x4142434445464748,
                   .event = bytes_of(event_bytes, event_size)};
  if (origin == ORIGIN_ORGANISATION) {
    l.position = 0x51;
    l.header = BYTES(header_bytes);
    l.signature = BYTES(signature_bytes);
    l.path = bytes_of(path_bytes, path_count * 32);
  }
  return l;
}

static size_t pack_leaf(const struct leaf *l, uint8_t *to, size_t capacity)
{
  struct writer w = writer_of(to, capacity);
  leaf_write(l, &w);
  assert_false(w.overflow);
  assert_int_equal(w.size, leaf_size(l));
  return w.size;
}

static void assert_leaf_equal(const struct leaf *a, const struct leaf *b)
{
  assert_int_equal(a->origin, b->origin);
  assert_int_equal(a->verdict, b->verdict);
  assert_int_equal(a->position, b->position);
  assert_true(a->index == b->index && a->time_ms == b->time_ms && a->registry == b->registry);
  assert_true(bytes_equal(a->event, b->event) && bytes_equal(a->header, b->header));
  assert_true(bytes_equal(a->signature, b->signature) && bytes_equal(a->path, b->path));
}

static void a_leaf_is_read_as_it_was_written(void **state)
{
  (void)state;
  static uint8_t bytes[8192];
  static const struct {
    enum leaf_origin origin;
    size_t event_size, path_count;
  } cases[] = {{ORIGIN_BROKER, 1, 0},
               {ORIGIN_BROKER, EVENT_SIZE_MAX, 0},
               {ORIGIN_ORGANISATION, 1, 0},
               {ORIGIN_ORGANISATION, 700, 3},
               {ORIGIN_ORGANISATION, EVENT_SIZE_MAX, 8}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct leaf l = make_leaf(cases[i].origin, cases[i].event_size, cases[i].path_count), read, fixed;
    size_t size = pack_leaf(&l, bytes, sizeof bytes);
    assert_int_equal(leaf_read(bytes_of(bytes, size), &read), OK);
    assert_leaf_equal(&l, &read);
    assert_int_equal(leaf_header_read(bytes_of(bytes, LEAF_HEADER_SIZE), &fixed), OK);
    assert_int_equal(fixed.event.size, l.event.size);
    assert_int_equal(fixed.path.size, l.path.size);
    assert_true(fixed.index == l.index && fixed.position == l.position && fixed.verdict == l.verdict);
    struct hash one = leaf_hash(bytes_of(bytes, size)), other = merkle_leaf(bytes_of(bytes, size));
    assert_true(hash_equal(&one, &other));
  }
  assert_int_equal(pack_leaf(&(struct leaf){.origin = ORIGIN_ORGANISATION,
                                            .event = bytes_of(event_bytes, EVENT_SIZE_MAX),
                                            .header = BYTES(header_bytes),
                                            .signature = BYTES(signature_bytes),
                                            .path = bytes_of(path_bytes, 8 * 32)},
                             bytes, sizeof bytes),
                   4560); /* the largest, as proto/wire/limits.h says */
}

static void a_leaf_of_another_length_is_refused(void **state)
{
  (void)state;
  static uint8_t bytes[1024];
  for (int origin = ORIGIN_BROKER; origin <= ORIGIN_ORGANISATION; origin++) {
    struct leaf l = make_leaf((enum leaf_origin)origin, 100, 2), read;
    size_t whole = pack_leaf(&l, bytes, sizeof bytes);
    for (size_t size = 0; size <= whole + 3; size++)
      assert_int_equal(leaf_read(bytes_of(bytes, size), &read), size == whole ? OK : BAD_INPUT);
    for (size_t size = 0; size < 64; size++)
      assert_int_equal(leaf_header_read(bytes_of(bytes, size), &read), size == LEAF_HEADER_SIZE ? OK : BAD_INPUT);
  }
}

static void every_deviation_of_a_leaf_is_refused(void **state)
{
  (void)state;
  static uint8_t bytes[8192];
  static const struct {
    size_t at;
    const char *text;
    size_t size;
    bool broker;
  } cases[] = {
      {0, "\0", 1, false},     {0, "\2", 1, false},     {1, "\2", 1, false}, {1, "\xff", 1, false},
      {4, "\0\0", 2, false},   {4, "\x10\1", 2, false}, /* 4,097 */
      {4, "\0\x63", 2, false}, {7, "\3", 1, false},     {7, "\1", 1, false}, {7, "\x9", 1, false},
      {6, "\1", 1, true},      {7, "\1", 1, true},      {1, "\1", 1, true},  {1, "\0", 1, false},
  };
  struct leaf read;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct leaf l = make_leaf(cases[i].broker ? ORIGIN_BROKER : ORIGIN_ORGANISATION, 100, 2);
    size_t size = pack_leaf(&l, bytes, sizeof bytes);
    memcpy(bytes + cases[i].at, cases[i].text, cases[i].size);
    assert_int_equal(leaf_read(bytes_of(bytes, size), &read), BAD_INPUT);
  }
  struct leaf nine = make_leaf(ORIGIN_ORGANISATION, 100, 9),
              long_event = make_leaf(ORIGIN_BROKER, EVENT_SIZE_MAX + 1, 0);
  assert_int_equal(leaf_read(bytes_of(bytes, pack_leaf(&nine, bytes, sizeof bytes)), &read), BAD_INPUT);
  assert_int_equal(leaf_read(bytes_of(bytes, pack_leaf(&long_event, bytes, sizeof bytes)), &read), BAD_INPUT);
}

/* --- sealing --- */

static void seal_info_is_laid_out_as_described(void **state)
{
  (void)state;
  uint8_t info[SEAL_INFO_SIZE], id[KEY_ID_SIZE], point[ES256_PUBLIC_SIZE];
  struct hash network;
  struct org_id sender, recipient;
  fill(network.byte, 32, 1);
  fill(point, sizeof point, 4);
  must(org_id_parse(bytes_text("police"), &sender) == OK && org_id_parse(bytes_text("a21"), &recipient) == OK);
  struct hash whole = sha256(BYTES(point));
  key_id_of(BYTES(point), id);
  assert_memory_equal(id, whole.byte, sizeof id);
  seal_info(&network, &sender, &recipient, id, 31, info);
  assert_memory_equal(info, "onward/v1", 9);
  assert_memory_equal(info + 9, network.byte, 32);
  assert_memory_equal(info + 41, "police\0\0\0\0\0\0\0\0\0\0", 16);
  assert_memory_equal(info + 57, "a21\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  assert_memory_equal(info + 73, id, 8);
  assert_int_equal(info[81], 31);
  assert_int_equal(SEAL_INFO_SIZE, 82);
}

/* --- acts --- */

static void every_act_has_a_name_and_a_family(void **state)
{
  (void)state;
  for (unsigned i = 0; i < onward__core__descriptor.n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &onward__core__descriptor.fields[i];
    bool act = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    assert_string_equal(act_name((act_kind)field->id), act ? field->name : "?");
    assert_int_equal(act_family((act_kind)field->id) == ACT_UNKNOWN, !act);
    bool broker = field->id >= 80, registry = (field->id >= 60 && field->id < 70) || field->id == 73;
    bool places = field->id >= 70 && field->id < 73;
    if (act)
      assert_int_equal(act_family((act_kind)field->id), broker     ? ACT_OF_BROKER
                                                        : registry ? ACT_ON_REGISTRY
                                                        : places   ? ACT_ON_PLACES
                                                                   : ACT_ON_REFERRAL);
    assert_int_equal(act_is_registry((act_kind)field->id),
                     registry || field->id == 80 || field->id == 83 || field->id == 95);
  }
  static const int unknown[] = {0, -1, 9, 42, 59, 74, 79, 96, 1000};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    assert_string_equal(act_name((act_kind)unknown[i]), "?");
    assert_int_equal(act_family((act_kind)unknown[i]), ACT_UNKNOWN);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_head_is_two_bytes),
      cmocka_unit_test(a_batch_header_is_read_as_it_was_written),
      cmocka_unit_test(every_deviation_of_a_batch_header_is_refused),
      cmocka_unit_test(a_leaf_is_read_as_it_was_written),
      cmocka_unit_test(a_leaf_of_another_length_is_refused),
      cmocka_unit_test(every_deviation_of_a_leaf_is_refused),
      cmocka_unit_test(seal_info_is_laid_out_as_described),
      cmocka_unit_test(every_act_has_a_name_and_a_family),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
