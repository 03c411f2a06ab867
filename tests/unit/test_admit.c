/* The door of the log: what is not heard, why, and that nothing of it is recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>

#include "tests/scenarios/rebuild.h"
#include "tests/unit/support.h"

#define A(name) ONWARD__CORE__ACT_##name
#define V(name) ONWARD__VERDICT__##name
#define R(name) ONWARD__REFUSAL_REASON__##name

static struct world w;
static char folder[FOLDER_PATH_SIZE];
static struct member *police, *aple;
static struct ref_id id;

static int set_up(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  police = world_enrol(&w, "police");
  aple = world_enrol(&w, "aple");
  id = world_submit(&w, police, &aple, 1);
  return 0;
}

static int tear_down(void **state)
{
  struct complaint why;
  (void)state;
  if (rebuild(&w, folder, &why) != OK)
    fail_msg("%s", why.text);
  world_fini(&w);
  folder_remove(folder);
  return 0;
}

/* A message on its way: taken apart, so that a test can change it, and signed again where it wants. */
struct letter {
  struct member *from;
  struct batch_header header;
  Onward__Batch *batch;
  struct bytes sealed;
  uint8_t header_bytes[BATCH_HEADER_SIZE];
  uint8_t signature[ES256_SIGNATURE_SIZE];
  struct turn turn;
};

static void letter_sign(struct letter *l)
{
  batch_header_write(&l->header, l->header_bytes);
  must(dsse_sign(l->from->sign, BATCH_TYPE, BYTES(l->header_bytes), l->signature) == OK);
  l->batch->header = pb_data(BYTES(l->header_bytes));
  l->batch->signature = pb_data(BYTES(l->signature));
}

static void letter_begin(struct letter *l, struct member *from, const struct draft *drafts, size_t count)
{
  l->from = from;
  l->turn = world_begin(&w);
  struct bytes packed = world_message(&w, from, drafts, count, &l->sealed);
  from->sequence--; /* not heard yet */
  l->batch = pb_unpack(&onward__batch__descriptor, packed, &w.arena);
  must(l->batch != NULL && batch_header_read(pb_bytes(l->batch->header), &l->header) == OK);
  letter_sign(l);
}

/* Two events: acknowledge is refused by the rules, which does not matter here; the first carries a body. */
static void letter_from_aple(struct letter *l)
{
  static struct draft drafts[2];
  draft_init(&drafts[0], A(ACCEPT), &id);
  draft_message(&drafts[0]);
  draft_init(&drafts[1], A(ACKNOWLEDGE), &id);
  draft_message(&drafts[1]);
  world_answer(&w, &drafts[0], &id);
  world_answer(&w, &drafts[1], &id);
  draft_seal(&drafts[0], police, ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
  letter_begin(l, aple, drafts, 2);
}

static enum status letter_knock(struct letter *l, struct refusal *why, struct batch *batch)
{
  struct bytes packed = pb_pack(l->batch, &w.arena);
  enum status s = batch_read(packed, l->sealed, &w.arena, why, batch);
  return s == OK ? batch_admit(l->turn.books, &w.ring, batch, why) : s;
}

/* Not heard, for this reason; and neither the log nor any book has changed. */
static void assert_refused(struct letter *l, Onward__RefusalReason reason, uint32_t event)
{
  struct refusal why;
  struct batch batch;
  struct head before, after;
  uint64_t index;
  books_head(l->turn.books, &before);
  assert_int_equal(letter_knock(l, &why, &batch), BAD_INPUT);
  assert_string_equal(pb_enum_name(&onward__refusal_reason__descriptor, (int)why.reason),
                      pb_enum_name(&onward__refusal_reason__descriptor, (int)reason));
  assert_int_equal(why.event, event);
  assert_true(strlen(why.why.text) > 0);
  books_head(l->turn.books, &after);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(books_mail(l->turn.books, &l->from->id, before.size, &index), NOT_FOUND);
  world_commit(&w, &l->turn);
  assert_true(w.size == before.size);
}

static void assert_heard(struct letter *l)
{
  struct refusal why;
  struct batch batch;
  if (letter_knock(l, &why, &batch) != OK)
    fail_msg("%s", why.why.text);
  for (size_t i = 0; i < batch.count; i++)
    (void)turn_hear(&l->turn, &batch, i);
  l->from->sequence++;
  world_commit(&w, &l->turn);
}

static void what_fits_is_heard(void **state)
{
  (void)state;
  struct letter l;
  uint64_t size = w.size;
  letter_from_aple(&l);
  assert_heard(&l);
  assert_true(w.size == size + 2);
}

/* --- the header --- */

static void another_network_is_refused(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.header.network.byte[31] ^= 1;
  letter_sign(&l);
  assert_refused(&l, R(WRONG_NETWORK), 0);
}

static void another_organisation_is_refused(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  must(org_id_parse(bytes_text("nobody"), &l.header.organisation) == OK);
  letter_sign(&l);
  assert_refused(&l, R(WRONG_ORGANISATION), 0);
  letter_from_aple(&l);
  l.header.organisation = police->id; /* with aple's key */
  l.header.sequence = police->sequence + 1;
  letter_sign(&l);
  assert_refused(&l, R(BAD_SIGNATURE), 0);
}

static void a_header_out_of_form_is_refused(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.header_bytes[70] = 1;
  assert_refused(&l, R(MALFORMED), 0);
  letter_from_aple(&l);
  l.batch->header.len--;
  assert_refused(&l, R(MALFORMED), 0);
  letter_from_aple(&l);
  l.header.count = 3;
  letter_sign(&l);
  assert_refused(&l, R(MALFORMED), 0);
  letter_from_aple(&l);
  l.batch->n_events = 1;
  assert_refused(&l, R(MALFORMED), 0);
}

static void reading_beyond_the_log_is_refused(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.header.read_up_to = w.size;
  letter_sign(&l);
  assert_refused(&l, R(BAD_READ_UP_TO), 0);
  letter_from_aple(&l);
  l.header.read_up_to = UINT64_MAX;
  letter_sign(&l);
  assert_refused(&l, R(BAD_READ_UP_TO), 0);
  letter_from_aple(&l);
  l.header.read_up_to = w.size - 1;
  letter_sign(&l);
  assert_heard(&l);
}

/* --- signatures --- */

static void a_signature_must_fit(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.signature[63] ^= 1;
  assert_refused(&l, R(BAD_SIGNATURE), 0);
  letter_from_aple(&l);
  must(dsse_sign(police->sign, BATCH_TYPE, BYTES(l.header_bytes), l.signature) == OK);
  assert_refused(&l, R(BAD_SIGNATURE), 0);
  letter_from_aple(&l);
  must(dsse_sign(aple->sign, REQUEST_TYPE, BYTES(l.header_bytes), l.signature) == OK); /* signed as something else */
  assert_refused(&l, R(BAD_SIGNATURE), 0);
  letter_from_aple(&l);
  l.batch->signature.len = 63;
  assert_refused(&l, R(MALFORMED), 0);
  letter_from_aple(&l);
  memset(l.signature, 0, sizeof l.signature);
  assert_refused(&l, R(BAD_SIGNATURE), 0);
}

/* s -> n - s: as valid as the one that was made, without the key. */
static void malleate(uint8_t signature[ES256_SIGNATURE_SIZE])
{
  BIGNUM *n = NULL, *s = BN_bin2bn(signature + 32, 32, NULL);
  must(BN_hex2bn(&n, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551") > 0 && s != NULL);
  must(BN_sub(s, n, s) == 1 && BN_bn2binpad(s, signature + 32, 32) == 32);
  BN_free(n);
  BN_free(s);
}

/* Whoever carries the batch can change its signature, and nothing else: it is heard, and stays the same batch. */
static void a_signature_is_no_identity(void **state)
{
  (void)state;
  struct letter l;
  uint64_t size = w.size;
  letter_from_aple(&l);
  malleate(l.signature);
  assert_heard(&l);
  assert_true(w.size == size + 2);
}

static void the_same_batch_again_is_nothing_new(void **state)
{
  (void)state;
  struct letter l;
  struct refusal why;
  struct batch batch;
  static uint8_t packed[16384], sealed[1024];
  letter_from_aple(&l);
  struct bytes once = pb_pack(l.batch, &w.arena);
  memcpy(packed, once.data, once.size);
  memcpy(sealed, l.sealed.data, l.sealed.size);
  size_t sealed_size = l.sealed.size;
  assert_heard(&l);
  uint64_t size = w.size;
  for (int i = 0; i < 2; i++) {
    struct turn t = world_begin(&w);
    Onward__Batch *again = pb_unpack(&onward__batch__descriptor, bytes_of(packed, once.size), &w.arena);
    if (i == 1)
      malleate(again->signature.data); /* by whoever carried it */
    struct bytes body = pb_pack(again, &w.arena);
    assert_int_equal(batch_read(body, bytes_of(sealed, sealed_size), &w.arena, &why, &batch), OK);
    assert_int_equal(batch_admit(t.books, &w.ring, &batch, &why), NOT_FOUND);
    world_commit(&w, &t);
  }
  assert_true(w.size == size);
}

static void a_key_that_was_changed_has_ended(void **state)
{
  (void)state;
  struct letter l;
  struct draft d;
  struct member fresh;
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes signature;
  member_init(&fresh, "aple");
  draft_init(&d, A(ROTATE), NULL);
  Onward__Rotate *m = draft_message(&d);
  m->request = pb_data(member_request(&fresh, &a, &signature));
  m->signature = pb_data(signature);
  assert_int_equal(world_hear(&w, aple, &d, 1), V(ACCEPTED));
  letter_from_aple(&l); /* with the old key */
  assert_refused(&l, R(KEY_ENDED), 0);
  letter_from_aple(&l);
  l.from = police;
  letter_sign(&l);
  l.from = aple;
  assert_refused(&l, R(BAD_SIGNATURE), 0);
  letter_from_aple(&l);
  struct es256_secret *old = aple->sign;
  aple->sign = fresh.sign;
  letter_sign(&l); /* the same header, signed again */
  assert_heard(&l);
  fresh.sign = old;
  member_fini(&fresh);
}

static void a_suspended_organisation_is_not_heard(void **state)
{
  (void)state;
  struct letter l;
  struct draft d;
  draft_init(&d, A(SUSPEND), NULL);
  Onward__Suspend *m = draft_message(&d);
  m->organisation = pb_data(org_id_text(&aple->id));
  m->standing = ONWARD__STANDING__COMPROMISED;
  assert_int_equal(world_hear(&w, &w.members[0], &d, 1), V(ACCEPTED));
  letter_from_aple(&l);
  assert_refused(&l, R(WRONG_ORGANISATION), 0);
}

/* --- sequences --- */

static void a_sequence_is_used_once_and_in_order(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.header.sequence = 2;
  letter_sign(&l);
  assert_refused(&l, R(SEQUENCE_GAP), 0);
  letter_from_aple(&l);
  l.header.sequence = UINT64_MAX;
  letter_sign(&l);
  assert_refused(&l, R(SEQUENCE_GAP), 0);
  for (int i = 0; i < BATCHES_IN_FLIGHT_MAX + 2; i++) {
    letter_from_aple(&l);
    assert_heard(&l);
  }
  letter_from_aple(&l);
  l.header.sequence = aple->sequence;
  letter_sign(&l);
  assert_refused(&l, R(SEQUENCE_TAKEN), 0);
  letter_from_aple(&l);
  l.header.sequence = 1; /* so old that its root is not kept any more */
  letter_sign(&l);
  assert_refused(&l, R(SEQUENCE_TAKEN), 0);
  letter_from_aple(&l);
  assert_heard(&l);
}

/* --- events and bodies --- */

static void the_root_must_be_that_of_the_events(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.header.root.byte[0] ^= 1;
  letter_sign(&l);
  assert_refused(&l, R(MALFORMED), 0);
  letter_from_aple(&l);
  ProtobufCBinaryData first = l.batch->events[0];
  l.batch->events[0] = l.batch->events[1];
  l.batch->events[1] = first;
  assert_refused(&l, R(MALFORMED), 0);
}

static void bodies_must_fit_their_events(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  uint8_t *body = arena_alloc(&w.arena, l.sealed.size + 1);
  memcpy(body, l.sealed.data, l.sealed.size);
  body[5] ^= 1;
  l.sealed = bytes_of(body, l.sealed.size);
  assert_refused(&l, R(BAD_BODY), 1);
  letter_from_aple(&l);
  l.sealed.size--;
  assert_refused(&l, R(BAD_BODY), 1);
  letter_from_aple(&l);
  l.sealed.size = 0;
  assert_refused(&l, R(BAD_BODY), 1);
  letter_from_aple(&l);
  body = arena_alloc(&w.arena, l.sealed.size + 1);
  memcpy(body, l.sealed.data, l.sealed.size);
  body[l.sealed.size] = 0;
  l.sealed = bytes_of(body, l.sealed.size + 1);
  assert_refused(&l, R(BAD_BODY), 0);
}

static void an_event_out_of_form_is_named(void **state)
{
  (void)state;
  struct letter l;
  letter_from_aple(&l);
  l.batch->events[1].data[3] ^= 0x40;
  assert_refused(&l, R(MALFORMED), 2);
  letter_from_aple(&l);
  l.batch->events[0].len = 0;
  assert_refused(&l, R(MALFORMED), 1);
}

static void what_belongs_to_others_is_refused(void **state)
{
  (void)state;
  struct letter l;
  static struct draft drafts[2];
  static const act_kind own[] = {A(RETURNED), A(OVERDUE), A(CLOSE_BY_CLOCK), A(UNDELIVERABLE)};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    draft_init(&drafts[0], own[i], &id);
    draft_message(&drafts[0]);
    letter_begin(&l, aple, drafts, 1);
    assert_refused(&l, R(MALFORMED), 1); /* only the exchange itself writes it */
  }
  struct member *registrar = &w.members[0];
  for (int i = 0; i < 2; i++) {
    draft_init(&drafts[i], A(SUSPEND), NULL);
    Onward__Suspend *m = draft_message(&drafts[i]);
    m->organisation = pb_data(org_id_text(&aple->id));
  }
  letter_begin(&l, registrar, drafts, 2);
  assert_refused(&l, R(MALFORMED), 1); /* one on the registry comes alone */
}

/* As many events as a batch may hold, each as the broker would take it. */
static void the_largest_batch_is_heard(void **state)
{
  (void)state;
  struct letter l;
  static struct draft drafts[BATCH_EVENTS_MAX];
  for (size_t i = 0; i < BATCH_EVENTS_MAX; i++) {
    draft_init(&drafts[i], A(ACKNOWLEDGE), &id);
    draft_message(&drafts[i]);
    world_answer(&w, &drafts[i], &id);
  }
  uint64_t size = w.size;
  letter_begin(&l, aple, drafts, BATCH_EVENTS_MAX);
  assert_heard(&l);
  assert_true(w.size == size + BATCH_EVENTS_MAX);
}

static void bytes_that_are_no_batch_are_refused(void **state)
{
  (void)state;
  struct refusal why;
  struct batch batch;
  static uint8_t many[65536];
  struct turn t = world_begin(&w);
  for (size_t i = 0; i < sizeof many; i += 2)
    memcpy(many + i, "\x1a\x00", 2); /* an empty event */
  size_t used = w.arena.used;
  assert_int_equal(batch_read(BYTES(many), (struct bytes){NULL, 0}, &w.arena, &why, &batch), BAD_INPUT);
  assert_int_equal(why.reason, R(MALFORMED));
  assert_true(w.arena.used == used);
  assert_int_equal(batch_read((struct bytes){NULL, 0}, (struct bytes){NULL, 0}, &w.arena, &why, &batch), BAD_INPUT);
  assert_int_equal(why.reason, R(MALFORMED));
  memset(many, 0xff, sizeof many);
  assert_int_equal(batch_read(BYTES(many), (struct bytes){NULL, 0}, &w.arena, &why, &batch), BAD_INPUT);
  world_commit(&w, &t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(what_fits_is_heard),
      TEST(another_network_is_refused),
      TEST(another_organisation_is_refused),
      TEST(a_header_out_of_form_is_refused),
      TEST(reading_beyond_the_log_is_refused),
      TEST(a_signature_must_fit),
      TEST(a_signature_is_no_identity),
      TEST(the_same_batch_again_is_nothing_new),
      TEST(a_key_that_was_changed_has_ended),
      TEST(a_suspended_organisation_is_not_heard),
      TEST(a_sequence_is_used_once_and_in_order),
      TEST(the_root_must_be_that_of_the_events),
      TEST(bodies_must_fit_their_events),
      TEST(an_event_out_of_form_is_named),
      TEST(what_belongs_to_others_is_refused),
      TEST(the_largest_batch_is_heard),
      TEST(bytes_that_are_no_batch_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
