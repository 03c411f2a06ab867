/* The wire by hand, a member of the made-up network behind it, and the exchange as a process. */
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
#include "tests/system/peer.h"

struct door_test t;

/* --- a peer --- */

void give_link_key(struct peer *p, struct member *m)
{
  char public_text[41], secret_text[41];
  assert_int_equal(zmq_curve_keypair(public_text, secret_text), 0);
  p->member = m;
  zmq_z85_decode(m->link_point, public_text);
  zmq_z85_decode(p->secret, secret_text);
}

void hang_up(struct peer *p)
{
  if (p->socket != NULL)
    zmq_close(p->socket);
  p->socket = NULL;
}

void dial(struct peer *p)
{
  int linger = 0;
  hang_up(p);
  p->socket = zmq_socket(t.zmq, ZMQ_DEALER);
  zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger);
  if (p->queue > 0)
    zmq_setsockopt(p->socket, ZMQ_RCVHWM, &p->queue, sizeof p->queue);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, t.link_public, 32);
  zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, p->member->link_point, 32);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, p->secret, 32);
  assert_int_equal(zmq_connect(p->socket, t.address), 0);
}

void send_frames(struct peer *p, const struct bytes *frames, size_t count)
{
  for (size_t i = 0; i < count; i++)
    assert_true(zmq_send(p->socket, frames[i].data, frames[i].size, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

void send_message(struct peer *p, enum frame_kind kind, struct bytes body, struct bytes sealed)
{
  uint8_t head[HEAD_SIZE];
  head_write(kind, head);
  const struct bytes frames[] = {BYTES(head), body, sealed};
  send_frames(p, frames, 3);
}

static struct bytes take_frame(struct peer *p, void *room, size_t capacity)
{
  zmq_msg_t m;
  zmq_msg_init(&m);
  assert_true(zmq_msg_recv(&m, p->socket, 0) >= 0 && zmq_msg_size(&m) <= capacity);
  struct bytes frame = bytes_of(room, zmq_msg_size(&m));
  memcpy(room, zmq_msg_data(&m), frame.size);
  p->connection = zmq_msg_get(&m, ZMQ_SRCFD);
  zmq_msg_close(&m);
  if (p->capture != NULL) {
    assert_true(frame.size <= sizeof p->capture->byte - p->capture->size);
    memcpy(p->capture->byte + p->capture->size, room, frame.size);
    p->capture->size += frame.size;
  }
  return frame;
}

enum frame_kind hear(struct peer *p, int wait_ms, void *message)
{
  static const ProtobufCMessageDescriptor *const types[] = {&onward__welcome__descriptor, &onward__delivery__descriptor,
                                                            &onward__answer__descriptor, &onward__refusal__descriptor,
                                                            &onward__goodbye__descriptor};
  static uint8_t frame[MESSAGE_SIZE_MAX + 64];
  zmq_pollitem_t item = {p->socket, 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, wait_ms) <= 0)
    return 0;
  uint8_t version;
  enum frame_kind kind;
  assert_int_equal(head_read(take_frame(p, frame, sizeof frame), &version, &kind), OK);
  assert_in_range(kind, FRAME_WELCOME, FRAME_GOODBYE);
  void *unpacked = pb_unpack(types[kind - FRAME_WELCOME], take_frame(p, frame, sizeof frame), &t.arena);
  assert_non_null(unpacked);
  *(void **)message = unpacked;
  (void)take_frame(p, frame, sizeof frame); /* sealed bodies */
  return kind;
}

void say_hello(struct peer *p, const struct hash *network, const struct org_id *organisation)
{
  Onward__Hello h = ONWARD__HELLO__INIT;
  h.organisation = pb_data(org_id_text(organisation));
  h.network = pb_data(hash_bytes(network));
  h.kept_from = UINT64_MAX;
  send_message(p, FRAME_HELLO, pb_pack(&h, &t.arena), (struct bytes){NULL, 0});
}

const Onward__Welcome *enter(struct peer *p)
{
  const Onward__Welcome *w;
  dial(p);
  say_hello(p, &t.network, &p->member->id);
  assert_int_equal(hear(p, WAIT_MS, &w), FRAME_WELCOME);
  return w;
}

void give_credit(struct peer *p, uint64_t from)
{
  Onward__Credit c = ONWARD__CREDIT__INIT;
  c.from = from;
  c.entries = DELIVERY_ENTRIES_MAX;
  c.bytes = MESSAGE_SIZE_MAX;
  send_message(p, FRAME_CREDIT, pb_pack(&c, &t.arena), (struct bytes){NULL, 0});
}

void expect_refusal(struct peer *p, Onward__RefusalReason reason)
{
  const Onward__Refusal *r;
  assert_int_equal(hear(p, WAIT_MS, &r), FRAME_REFUSAL);
  assert_string_equal(pb_enum_name(&onward__refusal_reason__descriptor, (int)r->reason),
                      pb_enum_name(&onward__refusal_reason__descriptor, (int)reason));
}

Onward__Verdict own_verdict(struct peer *p)
{
  const Onward__Delivery *d;
  struct leaf leaf;
  assert_int_equal(hear(p, WAIT_MS, &d), FRAME_DELIVERY);
  assert_int_equal(leaf_read(pb_bytes(d->entries[d->n_entries - 1]->leaf), &leaf), OK);
  give_credit(p, d->next);
  return leaf.verdict;
}

/* --- what peers say --- */

struct bytes pack_draft(const struct draft *d)
{
  Onward__Sealed *sealed[SEALED_SLOTS_MAX];
  struct bytes packed;
  for (size_t i = 0; i < d->sealed_count; i++)
    sealed[i] = (Onward__Sealed *)(uintptr_t)&d->sealed[i];
  assert_int_equal(event_pack(&d->core, sealed, d->sealed_count, &t.arena, &packed), OK);
  return packed;
}

struct bytes sealed_of(const struct draft *d)
{
  return bytes_of(d->bodies, d->sealed_count * WORLD_BODY_SIZE);
}

struct bytes submit_draft(struct draft *d, const struct member *to, struct ref_id *id)
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
  send_message(&t.first, FRAME_SUBMIT, member_batch(t.first.member, &t.network, &event, 1, &t.arena),
               (struct bytes){NULL, 0});
  assert_int_equal(own_verdict(&t.first), ONWARD__VERDICT__ACCEPTED);
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

/* A port that the system gives, and that nobody has any more. */
static void free_address(void)
{
  void *socket = zmq_socket(t.zmq, ZMQ_ROUTER);
  size_t size = sizeof t.address;
  assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
  assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, t.address, &size), 0);
  assert_int_equal(zmq_unbind(socket, t.address), 0);
  zmq_close(socket);
}

int door_start(void **state)
{
  (void)state;
  char one[300], two[300], broker[300];
  folder_make(t.folder);
  t.arena = arena_of(t.memory, sizeof t.memory);
  t.zmq = zmq_ctx_new();
  member_init(&t.first_keys, "first");
  member_init(&t.second_keys, "second");
  member_init(&t.police_keys, "police");
  member_init(&t.aple_keys, "aple");
  member_init(&t.stranger_keys, "stranger");
  give_link_key(&t.first, &t.first_keys);
  give_link_key(&t.police, &t.police_keys);
  give_link_key(&t.aple, &t.aple_keys);
  give_link_key(&t.stranger, &t.stranger_keys);
  free_address();
  snprintf(one, sizeof one, "%s/one", t.folder);
  snprintf(two, sizeof two, "%s/two", t.folder);
  snprintf(broker, sizeof broker, "%s/broker", t.folder);
  write_request(&t.first_keys, one);
  write_request(&t.second_keys, two);
  const char *const init[] = {program("onward-broker"),
                              "init",
                              broker,
                              "--name",
                              "exchange.test",
                              "--listen",
                              t.address,
                              "--registrar",
                              one,
                              "--registrar",
                              two,
                              NULL};
  run(init);
  read_invitation(folder_path(broker, "first.invitation"));
  FILE *conf = fopen(folder_path(broker, "broker.conf"), "ae");
  assert_non_null(conf);
  fprintf(conf, "[limits]\nmessages_per_minute = 3000\nconnects_per_minute = 1000\nhello_within_s = 6\n"
                "share_events = 8\nshare_messages = 4\n");
  fclose(conf);
  t.broker = fork();
  if (t.broker == 0) {
    execl(program("onward-broker"), "onward-broker", "serve", broker, (char *)NULL);
    _exit(127);
  }
  arena_reset(&t.arena);
  (void)enter(&t.first);
  give_credit(&t.first, 0);
  enrol(&t.police_keys);
  enrol(&t.aple_keys);
  enrol(&t.stranger_keys);
  return 0;
}

uint64_t log_size(void)
{
  struct checkpoint c;
  const Onward__Welcome *w = enter(&t.first);
  give_credit(&t.first, UINT64_MAX);
  const char *size = memchr(w->checkpoint.data, '\n', w->checkpoint.len);
  assert_non_null(size);
  c.size = strtoull(size + 1, NULL, 10);
  return c.size;
}

int door_stop(void **state)
{
  (void)state;
  int status;
  char broker[300];
  hang_up(&t.first);
  hang_up(&t.police);
  hang_up(&t.aple);
  hang_up(&t.stranger);
  kill(t.broker, SIGTERM);
  assert_true(waitpid(t.broker, &status, 0) == t.broker && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  snprintf(broker, sizeof broker, "%s/broker", t.folder);
  const char *const verify[] = {program("onward-audit"), "verify", broker, NULL};
  run(verify);
  const char *const replay[] = {program("onward-audit"), "replay", broker, NULL};
  run(replay);
  zmq_ctx_term(t.zmq);
  folder_remove(t.folder);
  member_fini(&t.first_keys);
  member_fini(&t.second_keys);
  member_fini(&t.police_keys);
  member_fini(&t.aple_keys);
  member_fini(&t.stranger_keys);
  return 0;
}
