/* The exchange's door, from outside. What must be refused gets a typed reason, the process lives on, and the log holds
 * only what should be in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <zmq.h>

#include "tests/system/peer.h"

static int fresh(void **state)
{
  (void)state;
  arena_reset(&t.arena);
  return 0;
}

static void unknown_key_is_not_let_in(void **state)
{
  (void)state;
  struct member nobody;
  struct peer p = {0};
  void *message;
  member_init(&nobody, "nobody");
  give_link_key(&p, &nobody);
  dial(&p);
  say_hello(&p, &t.network, &nobody.id);
  assert_int_equal(hear(&p, 1000, &message), 0);
  hang_up(&p);
  member_fini(&nobody);
}

static void hello_must_fit_the_link(void **state)
{
  (void)state;
  struct hash other = t.network;
  other.byte[0] ^= 1;
  dial(&t.police);
  say_hello(&t.police, &t.network, &t.aple_keys.id);
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__WRONG_ORGANISATION);
  say_hello(&t.police, &other, &t.police_keys.id);
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__WRONG_NETWORK);
  give_credit(&t.police, 0);
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__NOT_WELCOME_YET);
  say_hello(&t.police, &t.network, &t.police_keys.id);
  const Onward__Welcome *w;
  assert_int_equal(hear(&t.police, WAIT_MS, &w), FRAME_WELCOME);
  assert_int_equal(w->last_sequence, 0);
}

/* A known key whose connection says nothing is cut, so that one organisation cannot use up what all need; one that was
 * welcomed stays. */
static void silent_connections_are_cut(void **state)
{
  (void)state;
  uint8_t event[6];
  (void)enter(&t.aple);
  dial(&t.police);
  void *watch = zmq_socket(t.zmq, ZMQ_PAIR);
  int wait_ms = 3 * WAIT_MS;
  assert_int_equal(zmq_socket_monitor(t.police.socket, "inproc://silent", ZMQ_EVENT_DISCONNECTED), 0);
  zmq_setsockopt(watch, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
  assert_int_equal(zmq_connect(watch, "inproc://silent"), 0);
  int size = zmq_recv(watch, event, sizeof event, 0);
  zmq_socket_monitor(t.police.socket, NULL, 0);
  zmq_close(watch);
  assert_int_equal(size, sizeof event);
  give_credit(&t.aple, UINT64_MAX - 1);
  send_message(&t.aple, 9, (struct bytes){NULL, 0}, (struct bytes){NULL, 0});
  expect_refusal(&t.aple, ONWARD__REFUSAL_REASON__MALFORMED); /* it is still heard */
}

static void other_shapes_end_the_session(void **state)
{
  (void)state;
  const struct bytes frames[5] = {bytes_text("\1\1"), bytes_text("x"), bytes_text("y"), bytes_text("z"),
                                  bytes_text("")};
  for (size_t count = 1; count <= 5; count++) {
    if (count == 3)
      continue;
    (void)enter(&t.stranger);
    send_frames(&t.stranger, frames, count);
    expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__MALFORMED);
  }
}

static void wrong_heads_and_kinds(void **state)
{
  (void)state;
  const struct bytes version[3] = {bytes_text("\2\1"), bytes_text("x"), bytes_text("")};
  const struct bytes longer[3] = {bytes_text("\1\1\1"), bytes_text("x"), bytes_text("")};
  (void)enter(&t.stranger);
  send_frames(&t.stranger, version, 3);
  expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__WRONG_VERSION);
  send_frames(&t.stranger, longer, 3);
  expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__MALFORMED);
  send_message(&t.stranger, FRAME_DELIVERY, bytes_text(""), bytes_text(""));
  expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__MALFORMED);
}

/* Random bytes in each kind of message: a typed reason each time, nothing recorded, and the exchange goes on. */
static void random_bytes_are_refused(void **state)
{
  (void)state;
  static const enum frame_kind kinds[] = {FRAME_SUBMIT, FRAME_CREDIT, FRAME_ASK, FRAME_HELLO};
  uint64_t before = log_size();
  (void)enter(&t.stranger);
  for (int i = 0; i < 400; i++) {
    uint8_t noise[300];
    uint8_t length[2];
    void *message;
    assert_int_equal(random_bytes(noise, sizeof noise), OK);
    assert_int_equal(random_bytes(length, sizeof length), OK);
    enum frame_kind kind = kinds[i % 4];
    size_t size = 1 + (size_t)(length[0] << 8 | length[1]) % sizeof noise;
    noise[0] |= 7; /* a wire type that protobuf does not have: never by chance a good message */
    send_message(&t.stranger, kind, bytes_of(noise, size), bytes_of(noise, size / 2));
    assert_int_equal(hear(&t.stranger, WAIT_MS, &message), FRAME_REFUSAL);
    arena_reset(&t.arena);
  }
  assert_int_equal(log_size(), before);
}

/* libzmq itself drops a peer whose frame is over the limit; the exchange serves the others. */
static void oversized_frames_end_the_link(void **state)
{
  (void)state;
  static uint8_t large[MESSAGE_SIZE_MAX + 4096];
  void *message;
  (void)enter(&t.stranger);
  send_message(&t.stranger, FRAME_SUBMIT, BYTES(large), (struct bytes){NULL, 0});
  assert_int_equal(hear(&t.stranger, 500, &message), 0);
  (void)enter(&t.police);
}

static void submit_is_taken_once(void **state)
{
  (void)state;
  struct draft d;
  struct ref_id id;
  (void)enter(&t.police);
  give_credit(&t.police, 0);
  uint64_t before = log_size();
  struct bytes event = submit_draft(&d, &t.aple_keys, &id);
  struct bytes batch = member_batch(&t.police_keys, &t.network, &event, 1, &t.arena);
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  assert_int_equal(own_verdict(&t.police), ONWARD__VERDICT__ACCEPTED);
  for (int i = 0; i < 3; i++) /* the same bytes again: the answer is the entry that is there already */
    send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  const Onward__Welcome *w = enter(&t.police);
  assert_int_equal(w->last_sequence, 1);
  assert_int_equal(log_size(), before + 1);
}

static void damaged_batches_are_refused(void **state)
{
  (void)state;
  struct draft d;
  struct ref_id id;
  struct hash other = t.network;
  other.byte[5] ^= 1;
  (void)enter(&t.police);
  uint64_t before = log_size(), sequence = t.police_keys.sequence;
  struct bytes event = submit_draft(&d, &t.aple_keys, &id);

  struct bytes batch = member_batch(&t.police_keys, &other, &event, 1, &t.arena);
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__WRONG_NETWORK);

  t.police_keys.sequence = sequence + 1;
  batch = member_batch(&t.police_keys, &t.network, &event, 1, &t.arena);
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__SEQUENCE_GAP);

  t.police_keys.sequence = sequence - 1;
  batch = member_batch(&t.police_keys, &t.network, &event, 1, &t.arena);
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__SEQUENCE_TAKEN);

  t.police_keys.sequence = sequence;
  struct es256_secret *right = t.police_keys.sign;
  t.police_keys.sign = t.stranger_keys.sign;
  batch = member_batch(&t.police_keys, &t.network, &event, 1, &t.arena);
  t.police_keys.sign = right;
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__BAD_SIGNATURE);

  t.police_keys.sequence = sequence;
  batch = member_batch(&t.police_keys, &t.network, &event, 1, &t.arena);
  send_message(&t.police, FRAME_SUBMIT, batch, bytes_of(d.bodies, WORLD_BODY_SIZE - 1));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__BAD_BODY);
  d.bodies[0][9] ^= 1;
  send_message(&t.police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__BAD_BODY);
  send_message(&t.police, FRAME_SUBMIT, bytes_of(batch.data, batch.size - 3), sealed_of(&d));
  expect_refusal(&t.police, ONWARD__REFUSAL_REASON__MALFORMED);

  send_message(&t.stranger, FRAME_SUBMIT, batch, sealed_of(&d)); /* another's batch over one's own link */
  (void)enter(&t.stranger);
  d.bodies[0][9] ^= 1;
  send_message(&t.stranger, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__WRONG_ORGANISATION);
  t.police_keys.sequence = sequence;
  assert_int_equal(log_size(), before);
}

/* Unknown referrals and other people's get the same verdict; both are recorded, and told to their author only. */
static void other_peoples_referrals(void **state)
{
  (void)state;
  struct draft d;
  struct ref_id id;
  uint8_t hash[32] = {0};
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  (void)enter(&t.police);
  give_credit(&t.police, UINT64_MAX);
  struct bytes event = submit_draft(&d, &t.aple_keys, &id);
  send_message(&t.police, FRAME_SUBMIT, member_batch(&t.police_keys, &t.network, &event, 1, &t.arena), sealed_of(&d));
  (void)enter(&t.stranger);
  give_credit(&t.stranger, 0);
  for (int known = 0; known < 2; known++) {
    struct ref_id which = id;
    which.byte[15] ^= (uint8_t)(known == 0);
    draft_init(&d, ONWARD__CORE__ACT_ACKNOWLEDGE, &which);
    d.core.acknowledge = &acknowledge;
    d.answers.index = 4;
    d.answers.leaf_hash = pb_data(BYTES(hash));
    d.core.answers = &d.answers;
    event = pack_draft(&d);
    send_message(&t.stranger, FRAME_SUBMIT, member_batch(&t.stranger_keys, &t.network, &event, 1, &t.arena),
                 (struct bytes){NULL, 0});
    assert_int_equal(own_verdict(&t.stranger), ONWARD__VERDICT__NOT_YOUR_REFERRAL);
  }
}

/* The directory, in answers that are no larger than asked, but for their last entry. */
static void answers_are_as_small_as_asked(void **state)
{
  (void)state;
  enum { BYTES_ASKED = 500, ENTRY_MAX = 1500, ENTRIES = 3 };
  Onward__Ask ask = ONWARD__ASK__INIT;
  const Onward__Answer *a = NULL;
  size_t entries = 0;
  (void)enter(&t.police);
  ask.bytes = BYTES_ASKED;
  do {
    struct leaf leaf;
    send_message(&t.police, FRAME_ASK, pb_pack(&ask, &t.arena), (struct bytes){NULL, 0});
    assert_int_equal(hear(&t.police, WAIT_MS, &a), FRAME_ANSWER);
    assert_in_range(onward__answer__get_packed_size(a), 1, BYTES_ASKED + ENTRY_MAX);
    assert_true(a->n_entries > 0);
    assert_int_equal(leaf_read(pb_bytes(a->entries[a->n_entries - 1]->leaf), &leaf), OK);
    ask.registry_after = leaf.index;
    entries += a->n_entries;
    assert_true(entries == ENTRIES || a->more);
  } while (a->more && entries < ENTRIES);
  assert_int_equal(entries, ENTRIES);
  ask = (Onward__Ask)ONWARD__ASK__INIT;
  send_message(&t.police, FRAME_ASK, pb_pack(&ask, &t.arena), (struct bytes){NULL, 0});
  assert_int_equal(hear(&t.police, WAIT_MS, &a), FRAME_ANSWER);
  assert_int_equal(a->n_entries, ENTRIES);
}

/* Whoever has read its last batch back is not shown it again at every hello. */
static void welcome_leaves_out_what_is_confirmed(void **state)
{
  (void)state;
  Onward__Hello h = ONWARD__HELLO__INIT;
  const Onward__Welcome *w = enter(&t.police);
  h.organisation = pb_data(org_id_text(&t.police_keys.id));
  h.network = pb_data(hash_bytes(&t.network));
  assert_true(w->last_sequence > 0);
  assert_non_null(w->last);
  h.confirmed = w->last_sequence;
  send_message(&t.police, FRAME_HELLO, pb_pack(&h, &t.arena), (struct bytes){NULL, 0});
  assert_int_equal(hear(&t.police, WAIT_MS, &w), FRAME_WELCOME);
  assert_int_equal(w->last_sequence, h.confirmed);
  assert_null(w->last);
  h.confirmed--;
  send_message(&t.police, FRAME_HELLO, pb_pack(&h, &t.arena), (struct bytes){NULL, 0});
  assert_int_equal(hear(&t.police, WAIT_MS, &w), FRAME_WELCOME);
  assert_non_null(w->last);
}

static void credit_has_limits(void **state)
{
  (void)state;
  static const uint32_t bad[][2] = {{0, 4096}, {257, 4096}, {1, 4095}, {1, MESSAGE_SIZE_MAX + 1}};
  Onward__Credit c = ONWARD__CREDIT__INIT;
  (void)enter(&t.stranger);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    c.entries = bad[i][0];
    c.bytes = bad[i][1];
    send_message(&t.stranger, FRAME_CREDIT, pb_pack(&c, &t.arena), (struct bytes){NULL, 0});
    expect_refusal(&t.stranger, ONWARD__REFUSAL_REASON__MALFORMED);
  }
  c.entries = 1;
  c.bytes = CREDIT_BYTES_MIN;
  send_message(&t.stranger, FRAME_CREDIT, pb_pack(&c, &t.arena), (struct bytes){NULL, 0});
  const Onward__Delivery *d;
  assert_int_equal(hear(&t.stranger, WAIT_MS, &d), FRAME_DELIVERY);
  assert_int_equal(d->n_entries, 1);
}

static void flood_is_stopped_by_quota(void **state)
{
  (void)state;
  const Onward__Refusal *r = NULL;
  enum frame_kind kind = 0;
  (void)enter(&t.aple);
  give_credit(&t.aple, UINT64_MAX);
  for (int i = 0; i < 4000; i++)
    give_credit(&t.aple, UINT64_MAX);
  kind = hear(&t.aple, WAIT_MS, &r);
  assert_int_equal(kind, FRAME_REFUSAL);
  assert_int_equal(r->reason, ONWARD__REFUSAL_REASON__OVER_QUOTA);
  assert_true(r->retry_after_ms > 0);
  (void)enter(&t.police); /* the others are served */
}

/* Cut off within a second; nothing that comes later is answered, and it does not get in again. */
static void suspended_while_connected(void **state)
{
  (void)state;
  struct draft d;
  const Onward__Goodbye *g;
  void *message;
  struct timespec begin, end;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  (void)enter(&t.stranger);
  (void)enter(&t.first);
  give_credit(&t.first, UINT64_MAX);
  suspend.organisation = pb_data(org_id_text(&t.stranger_keys.id));
  suspend.standing = ONWARD__STANDING__COMPROMISED;
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  d.core.suspend = &suspend;
  struct bytes event = pack_draft(&d);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  send_message(&t.first, FRAME_SUBMIT, member_batch(&t.first_keys, &t.network, &event, 1, &t.arena),
               (struct bytes){NULL, 0});
  assert_int_equal(hear(&t.stranger, 1000, &g), FRAME_GOODBYE);
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_int_equal(g->reason, ONWARD__GOODBYE_REASON__SUSPENDED);
  print_message("suspended: cut off after %ld ms\n",
                (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
  say_hello(&t.stranger, &t.network, &t.stranger_keys.id);
  give_credit(&t.stranger, 0);
  assert_int_equal(hear(&t.stranger, 1000, &message), 0);
  dial(&t.stranger);
  say_hello(&t.stranger, &t.network, &t.stranger_keys.id);
  assert_int_equal(hear(&t.stranger, 1000, &message), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(unknown_key_is_not_let_in, fresh),
      cmocka_unit_test_setup(hello_must_fit_the_link, fresh),
      cmocka_unit_test_setup(silent_connections_are_cut, fresh),
      cmocka_unit_test_setup(other_shapes_end_the_session, fresh),
      cmocka_unit_test_setup(wrong_heads_and_kinds, fresh),
      cmocka_unit_test_setup(random_bytes_are_refused, fresh),
      cmocka_unit_test_setup(oversized_frames_end_the_link, fresh),
      cmocka_unit_test_setup(submit_is_taken_once, fresh),
      cmocka_unit_test_setup(damaged_batches_are_refused, fresh),
      cmocka_unit_test_setup(other_peoples_referrals, fresh),
      cmocka_unit_test_setup(answers_are_as_small_as_asked, fresh),
      cmocka_unit_test_setup(welcome_leaves_out_what_is_confirmed, fresh),
      cmocka_unit_test_setup(credit_has_limits, fresh),
      cmocka_unit_test_setup(flood_is_stopped_by_quota, fresh),
      cmocka_unit_test_setup(suspended_while_connected, fresh),
  };
  return cmocka_run_group_tests(tests, door_start, door_stop);
}
