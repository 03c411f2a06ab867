/* The exchange's door, from outside: a real onward-broker, and a peer that speaks the wire by hand, well or badly. What must be
 * refused gets a typed reason, the process lives on, and the log holds only what should be in it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "proto/papers.h"
#include "tests/unit/support.h"

enum { WAIT_MS = 10000, PORT_FIRST = 32100 };

static struct {
  char folder[FOLDER_PATH_SIZE];
  char address[64];
  pid_t broker;
  void *zmq;
  uint8_t link_public[32]; /* of the exchange */
  struct hash network;
  struct member first, second, police, aple, stranger;
  uint8_t memory[8 << 20];
  struct arena arena;
} t;

/* --- a peer --- */

struct peer {
  struct member *member;
  uint8_t secret[32]; /* CURVE */
  void *socket;
};
static struct peer first, police, aple, stranger;

static void give_link_key(struct peer *p, struct member *m)
{
  char public_text[41], secret_text[41];
  assert_int_equal(zmq_curve_keypair(public_text, secret_text), 0);
  p->member = m;
  zmq_z85_decode(m->link_point, public_text);
  zmq_z85_decode(p->secret, secret_text);
}

static void hang_up(struct peer *p)
{
  if (p->socket != NULL)
    zmq_close(p->socket);
  p->socket = NULL;
}

static void dial(struct peer *p)
{
  int linger = 0;
  hang_up(p);
  p->socket = zmq_socket(t.zmq, ZMQ_DEALER);
  zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, t.link_public, 32);
  zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, p->member->link_point, 32);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, p->secret, 32);
  assert_int_equal(zmq_connect(p->socket, t.address), 0);
}

static void send_frames(struct peer *p, const struct bytes *frames, size_t count)
{
  for (size_t i = 0; i < count; i++)
    assert_true(zmq_send(p->socket, frames[i].data, frames[i].size, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

static void send_message(struct peer *p, enum frame_kind kind, struct bytes body, struct bytes sealed)
{
  uint8_t head[HEAD_SIZE];
  head_write(kind, head);
  const struct bytes frames[] = {BYTES(head), body, sealed};
  send_frames(p, frames, 3);
}

/* The next message: its kind, 0 when none came in time. The body is unpacked into *message (in the arena). */
static enum frame_kind hear(struct peer *p, int wait_ms, void *message)
{
  static const ProtobufCMessageDescriptor *const types[] = {
      &onward__welcome__descriptor, &onward__delivery__descriptor, &onward__answer__descriptor,
      &onward__refusal__descriptor, &onward__goodbye__descriptor};
  static uint8_t frame[MESSAGE_SIZE_MAX + 64];
  zmq_pollitem_t item = {p->socket, 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, wait_ms) <= 0)
    return 0;
  int size = zmq_recv(p->socket, frame, sizeof frame, 0);
  uint8_t version;
  enum frame_kind kind;
  assert_int_equal(head_read(bytes_of(frame, (size_t)size), &version, &kind), OK);
  assert_in_range(kind, FRAME_WELCOME, FRAME_GOODBYE);
  size = zmq_recv(p->socket, frame, sizeof frame, 0);
  void *unpacked = pb_unpack(types[kind - FRAME_WELCOME], bytes_of(frame, (size_t)size), &t.arena);
  assert_non_null(unpacked);
  *(void **)message = unpacked;
  zmq_recv(p->socket, frame, sizeof frame, 0);
  return kind;
}

static void say_hello(struct peer *p, const struct hash *network, const struct org_id *organisation)
{
  Onward__Hello h = ONWARD__HELLO__INIT;
  h.organisation = pb_data(org_id_text(organisation));
  h.network = pb_data(hash_bytes(network));
  h.kept_from = UINT64_MAX;
  send_message(p, FRAME_HELLO, pb_pack(&h, &t.arena), (struct bytes){NULL, 0});
}

static const Onward__Welcome *enter(struct peer *p)
{
  const Onward__Welcome *w;
  dial(p);
  say_hello(p, &t.network, &p->member->id);
  assert_int_equal(hear(p, WAIT_MS, &w), FRAME_WELCOME);
  return w;
}

static void give_credit(struct peer *p, uint64_t from)
{
  Onward__Credit c = ONWARD__CREDIT__INIT;
  c.from = from;
  c.entries = DELIVERY_ENTRIES_MAX;
  c.bytes = MESSAGE_SIZE_MAX;
  send_message(p, FRAME_CREDIT, pb_pack(&c, &t.arena), (struct bytes){NULL, 0});
}

static void expect_refusal(struct peer *p, Onward__RefusalReason reason)
{
  const Onward__Refusal *r;
  assert_int_equal(hear(p, WAIT_MS, &r), FRAME_REFUSAL);
  assert_string_equal(pb_enum_name(&onward__refusal_reason__descriptor, (int)r->reason),
                      pb_enum_name(&onward__refusal_reason__descriptor, (int)reason));
}

/* The newest of the peer's own entries: its verdict. */
static Onward__Verdict own_verdict(struct peer *p)
{
  const Onward__Delivery *d;
  struct leaf leaf;
  assert_int_equal(hear(p, WAIT_MS, &d), FRAME_DELIVERY);
  assert_int_equal(leaf_read(pb_bytes(d->entries[d->n_entries - 1]->leaf), &leaf), OK);
  give_credit(p, d->next);
  return leaf.verdict;
}

/* --- what peers say --- */

static struct bytes pack_draft(const struct draft *d)
{
  Onward__Sealed *sealed[SEALED_SLOTS_MAX];
  struct bytes packed;
  for (size_t i = 0; i < d->sealed_count; i++)
    sealed[i] = (Onward__Sealed *)(uintptr_t)&d->sealed[i];
  assert_int_equal(event_pack(&d->core, sealed, d->sealed_count, &t.arena, &packed), OK);
  return packed;
}

static struct bytes sealed_of(const struct draft *d)
{
  return bytes_of(d->bodies, d->sealed_count * WORLD_BODY_SIZE);
}

static struct bytes submit_draft(struct draft *d, const struct member *to, struct ref_id *id)
{
  static Onward__Submit s;
  static ProtobufCBinaryData list[1];
  assert_int_equal(random_bytes(id, sizeof *id), OK);
  draft_init(d, ONWARD__CORE__ACT_SUBMIT, id);
  draft_seal(d, to, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  onward__submit__init(&s);
  list[0] = pb_data(org_id_text(&to->id));
  s.n_recipients = s.n_scope = 1;
  s.recipients = s.scope = list;
  s.group = ONWARD__SERVICE_GROUP__PSS;
  s.priority = ONWARD__PRIORITY__HIGH;
  s.basis = ONWARD__LEGAL_BASIS__CONSENT;
  s.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  s.schema = SCHEMA_VERSION;
  s.taxonomy = TAXONOMY_VERSION;
  d->core.submit = &s;
  return pack_draft(d);
}

static void enrol(struct member *m)
{
  struct draft d;
  struct bytes signature;
  Onward__Enrol e = ONWARD__ENROL__INIT;
  e.request = pb_data(member_request(m, &t.arena, &signature));
  e.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_ENROL, NULL);
  d.core.enrol = &e;
  struct bytes event = pack_draft(&d);
  send_message(&first, FRAME_SUBMIT, member_batch(first.member, &t.network, &event, 1, &t.arena), (struct bytes){NULL, 0});
  assert_int_equal(own_verdict(&first), ONWARD__VERDICT__ACCEPTED);
}

/* --- the exchange --- */

static void run(const char *const *argv)
{
  pid_t child = fork();
  if (child == 0) {
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
  }
  int status;
  assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static const char *program(const char *name)
{
  static char path[2][300];
  static int turn;
  const char *bin = getenv("ONWARD_BIN");
  assert_non_null(bin);
  turn = !turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", bin, name);
  return path[turn];
}

static void write_request(struct member *m, const char *path)
{
  char text[PAPER_TEXT_MAX], why[200];
  Onward__Request r = ONWARD__REQUEST__INIT;
  r.organisation = pb_data(org_id_text(&m->id));
  r.name = pb_data(bytes_text("A registrar of the tests"));
  r.kind = ONWARD__ORGANISATION_KIND__STATUTORY;
  r.link_key = pb_data(BYTES(m->link_point));
  r.sign_key = pb_data(BYTES(m->sign_point));
  r.seal_key = pb_data(BYTES(m->seal_point));
  assert_int_equal(paper_request_write(m->sign, &r, &t.arena, text, sizeof text), OK);
  assert_int_equal(file_write(path, bytes_text(text), why), OK);
}

static void read_invitation(const char *path)
{
  char text[PAPER_TEXT_MAX], why[200];
  size_t size;
  struct network n;
  struct complaint complaint;
  assert_int_equal(file_read(path, text, sizeof text, &size, why), OK);
  assert_int_equal(paper_invitation_read(bytes_of(text, size), NULL, &t.arena, &complaint, &n), OK);
  t.network = n.id;
  memcpy(t.link_public, n.link_key, sizeof t.link_public);
}

static int start(void **state)
{
  (void)state;
  char one[300], two[300], broker[300];
  folder_make(t.folder);
  t.arena = arena_of(t.memory, sizeof t.memory);
  t.zmq = zmq_ctx_new();
  member_init(&t.first, "first");
  member_init(&t.second, "second");
  member_init(&t.police, "police");
  member_init(&t.aple, "aple");
  member_init(&t.stranger, "stranger");
  give_link_key(&first, &t.first);
  give_link_key(&police, &t.police);
  give_link_key(&aple, &t.aple);
  give_link_key(&stranger, &t.stranger);
  snprintf(t.address, sizeof t.address, "tcp://127.0.0.1:%d", PORT_FIRST + (int)(getpid() % 20000));
  snprintf(one, sizeof one, "%s/one", t.folder);
  snprintf(two, sizeof two, "%s/two", t.folder);
  snprintf(broker, sizeof broker, "%s/broker", t.folder);
  write_request(&t.first, one);
  write_request(&t.second, two);
  const char *const init[] = {program("onward-broker"), "init", broker, "--name", "exchange.test", "--listen", t.address,
                              "--registrar", one, "--registrar", two, NULL};
  run(init);
  read_invitation(folder_path(broker, "first.invitation"));
  FILE *conf = fopen(folder_path(broker, "broker.conf"), "ae");
  assert_non_null(conf);
  fprintf(conf, "[limits]\nmessages_per_minute = 3000\nconnects_per_minute = 1000\n");
  fclose(conf);
  t.broker = fork();
  if (t.broker == 0) {
    execl(program("onward-broker"), "onward-broker", "serve", broker, (char *)NULL);
    _exit(127);
  }
  arena_reset(&t.arena);
  (void)enter(&first);
  give_credit(&first, 0);
  enrol(&t.police);
  enrol(&t.aple);
  enrol(&t.stranger);
  return 0;
}

static uint64_t log_size(void)
{
  struct checkpoint c;
  const Onward__Welcome *w = enter(&first);
  give_credit(&first, UINT64_MAX);
  const char *size = memchr(w->checkpoint.data, '\n', w->checkpoint.len);
  assert_non_null(size);
  c.size = strtoull(size + 1, NULL, 10);
  return c.size;
}

static int stop(void **state)
{
  (void)state;
  int status;
  char broker[300];
  hang_up(&first);
  hang_up(&police);
  hang_up(&aple);
  hang_up(&stranger);
  kill(t.broker, SIGTERM);
  assert_true(waitpid(t.broker, &status, 0) == t.broker && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  snprintf(broker, sizeof broker, "%s/broker", t.folder);
  const char *const verify[] = {program("onward-audit"), "verify", broker, NULL};
  run(verify);
  const char *const replay[] = {program("onward-audit"), "replay", broker, NULL};
  run(replay);
  zmq_ctx_term(t.zmq);
  folder_remove(t.folder);
  member_fini(&t.first);
  member_fini(&t.second);
  member_fini(&t.police);
  member_fini(&t.aple);
  member_fini(&t.stranger);
  return 0;
}

static int fresh(void **state)
{
  (void)state;
  arena_reset(&t.arena);
  return 0;
}

/* --- the tests --- */

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
  dial(&police);
  say_hello(&police, &t.network, &t.aple.id);
  expect_refusal(&police, ONWARD__REFUSAL_REASON__WRONG_ORGANISATION);
  say_hello(&police, &other, &t.police.id);
  expect_refusal(&police, ONWARD__REFUSAL_REASON__WRONG_NETWORK);
  give_credit(&police, 0);
  expect_refusal(&police, ONWARD__REFUSAL_REASON__NOT_WELCOME_YET);
  say_hello(&police, &t.network, &t.police.id);
  const Onward__Welcome *w;
  assert_int_equal(hear(&police, WAIT_MS, &w), FRAME_WELCOME);
  assert_int_equal(w->last_sequence, 0);
}

static void other_shapes_end_the_session(void **state)
{
  (void)state;
  const struct bytes frames[5] = {bytes_text("\1\1"), bytes_text("x"), bytes_text("y"), bytes_text("z"), bytes_text("")};
  for (size_t count = 1; count <= 5; count++) {
    if (count == 3)
      continue;
    (void)enter(&stranger);
    send_frames(&stranger, frames, count);
    expect_refusal(&stranger, ONWARD__REFUSAL_REASON__MALFORMED);
  }
}

static void wrong_heads_and_kinds(void **state)
{
  (void)state;
  const struct bytes version[3] = {bytes_text("\2\1"), bytes_text("x"), bytes_text("")};
  const struct bytes longer[3] = {bytes_text("\1\1\1"), bytes_text("x"), bytes_text("")};
  (void)enter(&stranger);
  send_frames(&stranger, version, 3);
  expect_refusal(&stranger, ONWARD__REFUSAL_REASON__WRONG_VERSION);
  send_frames(&stranger, longer, 3);
  expect_refusal(&stranger, ONWARD__REFUSAL_REASON__MALFORMED);
  send_message(&stranger, FRAME_DELIVERY, bytes_text(""), bytes_text(""));
  expect_refusal(&stranger, ONWARD__REFUSAL_REASON__MALFORMED);
}

/* Random bytes in each kind of message: a typed reason each time, nothing recorded, and the exchange goes on. */
static void random_bytes_are_refused(void **state)
{
  (void)state;
  static const enum frame_kind kinds[] = {FRAME_SUBMIT, FRAME_CREDIT, FRAME_ASK, FRAME_HELLO};
  uint64_t before = log_size();
  (void)enter(&stranger);
  for (int i = 0; i < 400; i++) {
    uint8_t noise[300];
    uint8_t length[2];
    void *message;
    assert_int_equal(random_bytes(noise, sizeof noise), OK);
    assert_int_equal(random_bytes(length, sizeof length), OK);
    enum frame_kind kind = kinds[i % 4];
    size_t size = 1 + (size_t)(length[0] << 8 | length[1]) % sizeof noise;
    noise[0] |= 7; /* a wire type that protobuf does not have: never by chance a good message */
    send_message(&stranger, kind, bytes_of(noise, size), bytes_of(noise, size / 2));
    assert_int_equal(hear(&stranger, WAIT_MS, &message), FRAME_REFUSAL);
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
  (void)enter(&stranger);
  send_message(&stranger, FRAME_SUBMIT, BYTES(large), (struct bytes){NULL, 0});
  assert_int_equal(hear(&stranger, 500, &message), 0);
  (void)enter(&police);
}

static void submit_is_taken_once(void **state)
{
  (void)state;
  struct draft d;
  struct ref_id id;
  (void)enter(&police);
  give_credit(&police, 0);
  uint64_t before = log_size();
  struct bytes event = submit_draft(&d, &t.aple, &id);
  struct bytes batch = member_batch(&t.police, &t.network, &event, 1, &t.arena);
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  assert_int_equal(own_verdict(&police), ONWARD__VERDICT__ACCEPTED);
  for (int i = 0; i < 3; i++) /* the same bytes again: the answer is the entry that is there already */
    send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  const Onward__Welcome *w = enter(&police);
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
  (void)enter(&police);
  uint64_t before = log_size(), sequence = t.police.sequence;
  struct bytes event = submit_draft(&d, &t.aple, &id);

  struct bytes batch = member_batch(&t.police, &other, &event, 1, &t.arena);
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__WRONG_NETWORK);

  t.police.sequence = sequence + 1;
  batch = member_batch(&t.police, &t.network, &event, 1, &t.arena);
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__SEQUENCE_GAP);

  t.police.sequence = sequence - 1;
  batch = member_batch(&t.police, &t.network, &event, 1, &t.arena);
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__SEQUENCE_TAKEN);

  t.police.sequence = sequence;
  struct es256_secret *right = t.police.sign;
  t.police.sign = t.stranger.sign;
  batch = member_batch(&t.police, &t.network, &event, 1, &t.arena);
  t.police.sign = right;
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__BAD_SIGNATURE);

  t.police.sequence = sequence;
  batch = member_batch(&t.police, &t.network, &event, 1, &t.arena);
  send_message(&police, FRAME_SUBMIT, batch, bytes_of(d.bodies, WORLD_BODY_SIZE - 1));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__BAD_BODY);
  d.bodies[0][9] ^= 1;
  send_message(&police, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__BAD_BODY);
  send_message(&police, FRAME_SUBMIT, bytes_of(batch.data, batch.size - 3), sealed_of(&d));
  expect_refusal(&police, ONWARD__REFUSAL_REASON__MALFORMED);

  send_message(&stranger, FRAME_SUBMIT, batch, sealed_of(&d)); /* another's batch over one's own link */
  (void)enter(&stranger);
  d.bodies[0][9] ^= 1;
  send_message(&stranger, FRAME_SUBMIT, batch, sealed_of(&d));
  expect_refusal(&stranger, ONWARD__REFUSAL_REASON__WRONG_ORGANISATION);
  t.police.sequence = sequence;
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
  (void)enter(&police);
  give_credit(&police, UINT64_MAX);
  struct bytes event = submit_draft(&d, &t.aple, &id);
  send_message(&police, FRAME_SUBMIT, member_batch(&t.police, &t.network, &event, 1, &t.arena), sealed_of(&d));
  (void)enter(&stranger);
  give_credit(&stranger, 0);
  for (int known = 0; known < 2; known++) {
    struct ref_id which = id;
    which.byte[15] ^= (uint8_t)(known == 0);
    draft_init(&d, ONWARD__CORE__ACT_ACKNOWLEDGE, &which);
    d.core.acknowledge = &acknowledge;
    d.answers.index = 4;
    d.answers.leaf_hash = pb_data(BYTES(hash));
    d.core.answers = &d.answers;
    event = pack_draft(&d);
    send_message(&stranger, FRAME_SUBMIT, member_batch(&t.stranger, &t.network, &event, 1, &t.arena),
                 (struct bytes){NULL, 0});
    assert_int_equal(own_verdict(&stranger), ONWARD__VERDICT__NOT_YOUR_REFERRAL);
  }
}

static void flood_is_stopped_by_quota(void **state)
{
  (void)state;
  const Onward__Refusal *r = NULL;
  enum frame_kind kind = 0;
  (void)enter(&aple);
  give_credit(&aple, UINT64_MAX);
  for (int i = 0; i < 4000; i++)
    give_credit(&aple, UINT64_MAX);
  kind = hear(&aple, WAIT_MS, &r);
  assert_int_equal(kind, FRAME_REFUSAL);
  assert_int_equal(r->reason, ONWARD__REFUSAL_REASON__OVER_QUOTA);
  assert_true(r->retry_after_ms > 0);
  (void)enter(&police); /* the others are served */
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
  (void)enter(&stranger);
  (void)enter(&first);
  give_credit(&first, UINT64_MAX);
  suspend.organisation = pb_data(org_id_text(&t.stranger.id));
  suspend.standing = ONWARD__STANDING__COMPROMISED;
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  d.core.suspend = &suspend;
  struct bytes event = pack_draft(&d);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  send_message(&first, FRAME_SUBMIT, member_batch(&t.first, &t.network, &event, 1, &t.arena), (struct bytes){NULL, 0});
  assert_int_equal(hear(&stranger, 1000, &g), FRAME_GOODBYE);
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_int_equal(g->reason, ONWARD__GOODBYE_REASON__SUSPENDED);
  print_message("suspended: cut off after %ld ms\n",
                (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
  say_hello(&stranger, &t.network, &t.stranger.id);
  give_credit(&stranger, 0);
  assert_int_equal(hear(&stranger, 1000, &message), 0);
  dial(&stranger);
  say_hello(&stranger, &t.network, &t.stranger.id);
  assert_int_equal(hear(&stranger, 1000, &message), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(unknown_key_is_not_let_in, fresh),
      cmocka_unit_test_setup(hello_must_fit_the_link, fresh),
      cmocka_unit_test_setup(other_shapes_end_the_session, fresh),
      cmocka_unit_test_setup(wrong_heads_and_kinds, fresh),
      cmocka_unit_test_setup(random_bytes_are_refused, fresh),
      cmocka_unit_test_setup(oversized_frames_end_the_link, fresh),
      cmocka_unit_test_setup(submit_is_taken_once, fresh),
      cmocka_unit_test_setup(damaged_batches_are_refused, fresh),
      cmocka_unit_test_setup(other_peoples_referrals, fresh),
      cmocka_unit_test_setup(flood_is_stopped_by_quota, fresh),
      cmocka_unit_test_setup(suspended_while_connected, fresh),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
