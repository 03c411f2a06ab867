/* libzmq kept on a short lead. Its traps that this file answers: the User-Id stands on payload frames only; parts of a
 * message are not limited; ZAP is asked only at the handshake; a send that succeeded means nothing; a connection that
 * says nothing stays for ever. */
#include "broker/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ZMQ_ZAP_ENFORCE_DOMAIN: works in every build of 4.3, but zmq.h names it only in draft ones. */
enum { ZAP_ENFORCE_DOMAIN = 93 };
#define MONITOR "inproc://door"

static void set(void *socket, int option, int value)
{
  must(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void set_options(struct door *d, const struct config *c, const struct broker_keys *k)
{
  set(d->router, ZMQ_LINGER, 0);
  set(d->router, ZMQ_ROUTER_MANDATORY, 1);
  set(d->router, ZMQ_ROUTER_HANDOVER, 0);
  set(d->router, ZMQ_SNDHWM, (int)c->queue_out_messages);
  set(d->router, ZMQ_RCVHWM, (int)c->queue_in_messages);
  set(d->router, ZMQ_SNDTIMEO, 0);
  set(d->router, ZMQ_BACKLOG, 1024);
  set(d->router, ZMQ_HANDSHAKE_IVL, (int)c->hello_within_s * 1000);
  set(d->router, ZMQ_TCP_KEEPALIVE, 1); /* heartbeats come from agents; this finds those that are gone without a word */
  set(d->router, ZMQ_TCP_KEEPALIVE_IDLE, 300);
  set(d->router, ZMQ_TCP_KEEPALIVE_INTVL, 60);
  set(d->router, ZMQ_TCP_KEEPALIVE_CNT, 5);
  set(d->router, ZMQ_IPV6, 1);
  int64_t largest = MESSAGE_SIZE_MAX + 33; /* what CURVE adds */
  must(zmq_setsockopt(d->router, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0);
  set(d->router, ZMQ_CURVE_SERVER, 1);
  must(zmq_setsockopt(d->router, ZMQ_CURVE_SECRETKEY, k->link_secret, sizeof k->link_secret) == 0);
  must(zmq_setsockopt(d->router, ZMQ_ZAP_DOMAIN, "onward", 6) == 0);
  set(d->router, ZAP_ENFORCE_DOMAIN, 1);
}

enum status door_open(struct door *d, const struct config *c, const struct broker_keys *k, door_admits admits,
                      void *context, char why[200])
{
  memset(d, 0, sizeof *d);
  d->admits = admits;
  d->context = context;
  if (!zmq_has("curve")) {
    snprintf(why, 200, "this libzmq has no CURVE; install Debian's libzmq5");
    return OUR_FAULT;
  }
  d->zmq = zmq_ctx_new();
  must(d->zmq != NULL && zmq_ctx_set(d->zmq, ZMQ_MAX_SOCKETS, 16) == 0);
  d->zap = zmq_socket(d->zmq, ZMQ_REP); /* first: without a handler libzmq lets everybody in */
  d->router = zmq_socket(d->zmq, ZMQ_ROUTER);
  d->monitor = zmq_socket(d->zmq, ZMQ_PAIR);
  must(d->zap != NULL && d->router != NULL && d->monitor != NULL);
  set(d->zap, ZMQ_LINGER, 0);
  must(zmq_bind(d->zap, "inproc://zeromq.zap.01") == 0);
  set_options(d, c, k);
  d->hello_within_ms = c->hello_within_s * 1000;
  for (size_t i = 0; i < GUESTS_MAX; i++)
    d->guests[i].wire.fd = -1;
  must(zmq_socket_monitor(d->router, MONITOR, ZMQ_EVENT_ACCEPTED) == 0);
  set(d->monitor, ZMQ_LINGER, 0);
  set(d->monitor, ZMQ_RCVHWM, 0); /* a full queue would hold up libzmq's own thread */
  must(zmq_connect(d->monitor, MONITOR) == 0);
  if (zmq_bind(d->router, c->listen) != 0) {
    snprintf(why, 200, "listen = %s: %s", c->listen, zmq_strerror(errno));
    door_close(d);
    return BAD_INPUT;
  }
  return OK;
}

void door_close(struct door *d)
{
  if (d->router != NULL)
    zmq_close(d->router);
  if (d->zap != NULL)
    zmq_close(d->zap);
  if (d->monitor != NULL)
    zmq_close(d->monitor);
  if (d->zmq != NULL)
    zmq_ctx_term(d->zmq);
  memset(d, 0, sizeof *d);
}

/* RFC 27/ZAP: version, request id, domain, address, routing id, mechanism, and for CURVE the 32-byte key. */
enum { ZAP_FRAMES = 7, ZAP_KEY = 6, ZAP_FRAME_MAX = 255 };

static void zap_reply(struct door *d, const uint8_t *request_id, size_t size, int code, const char *user)
{
  char text[4];
  snprintf(text, sizeof text, "%d", code);
  zmq_send(d->zap, "1.0", 3, ZMQ_SNDMORE);
  zmq_send(d->zap, request_id, size, ZMQ_SNDMORE);
  zmq_send(d->zap, text, 3, ZMQ_SNDMORE);
  zmq_send(d->zap, "", 0, ZMQ_SNDMORE);
  zmq_send(d->zap, user, strlen(user), ZMQ_SNDMORE);
  zmq_send(d->zap, "", 0, 0);
}

/* Answers one handshake, if one waits. */
static bool zap_answer(struct door *d)
{
  uint8_t frame[ZAP_FRAMES][ZAP_FRAME_MAX];
  int size[ZAP_FRAMES], count = 0, more = 1;
  while (more) {
    uint8_t spare[ZAP_FRAME_MAX];
    int n = zmq_recv(d->zap, count < ZAP_FRAMES ? frame[count] : spare, ZAP_FRAME_MAX, ZMQ_DONTWAIT);
    if (n < 0)
      return false;
    if (count < ZAP_FRAMES)
      size[count] = n < ZAP_FRAME_MAX ? n : ZAP_FRAME_MAX;
    count++;
    size_t length = sizeof more;
    must(zmq_getsockopt(d->zap, ZMQ_RCVMORE, &more, &length) == 0);
  }
  bool curve = count == ZAP_FRAMES && size[ZAP_KEY] == 32 && size[5] == 5 && memcmp(frame[5], "CURVE", 5) == 0;
  char user[65] = "";
  int code = curve ? d->admits(d->context, frame[ZAP_KEY]) : 400;
  if (code == 200)
    hex_encode(bytes_of(frame[ZAP_KEY], 32), user);
  zap_reply(d, frame[1], count > 1 ? (size_t)size[1] : 0, code, user);
  return true;
}

bool door_wait(struct door *d, int other_fd, bool deaf, long timeout_ms)
{
  zmq_pollitem_t items[] = {
      {d->router, 0, deaf ? 0 : ZMQ_POLLIN, 0}, {d->zap, 0, ZMQ_POLLIN, 0}, {NULL, other_fd, ZMQ_POLLIN, 0}};
  if (zmq_poll(items, 3, timeout_ms) <= 0)
    return false;
  while ((items[1].revents & ZMQ_POLLIN) != 0 && zap_answer(d))
    ;
  return (items[0].revents & ZMQ_POLLIN) != 0;
}

static bool more_follows(zmq_msg_t *m)
{
  return zmq_msg_more(m) != 0;
}

/* Reads and throws away what is left of a message with too many parts. */
static void drain(struct door *d)
{
  int more = 1;
  while (more) {
    zmq_msg_t m;
    zmq_msg_init(&m);
    if (zmq_msg_recv(&m, d->router, 0) < 0)
      return;
    more = more_follows(&m);
    zmq_msg_close(&m);
  }
}

static struct wire_end wire_end_of(int fd)
{
  struct wire_end w = {.fd = fd, .peer_size = sizeof w.peer};
  if (getpeername(fd, (struct sockaddr *)&w.peer, &w.peer_size) != 0)
    w.fd = -1;
  return w;
}

static bool still_there(const struct wire_end *w)
{
  struct wire_end now = wire_end_of(w->fd);
  return w->fd >= 0 && now.fd == w->fd && now.peer_size == w->peer_size &&
         memcmp(&now.peer, &w->peer, w->peer_size) == 0;
}

static enum status who(zmq_msg_t *payload, struct knock *k)
{
  const char *user = zmq_msg_gets(payload, "User-Id");
  size_t size = 0;
  if (user == NULL || hex_decode(bytes_text(user), k->link_key, sizeof k->link_key, &size) != OK || size != 32)
    return BAD_INPUT;
  k->wire = wire_end_of(zmq_msg_get(payload, ZMQ_SRCFD));
  return OK;
}

static struct bytes frame_bytes(zmq_msg_t *m)
{
  return bytes_of(zmq_msg_data(m), zmq_msg_size(m));
}

enum status door_take(struct door *d, struct knock *k)
{
  zmq_msg_t routing;
  memset(k, 0, sizeof *k);
  for (int i = 0; i < 3; i++)
    zmq_msg_init(&k->frames[i]);
  zmq_msg_init(&routing);
  if (zmq_msg_recv(&routing, d->router, ZMQ_DONTWAIT) < 0)
    return NOT_NOW;
  struct bytes id = frame_bytes(&routing);
  bool usable = id.size <= ROUTING_MAX;
  k->from.size = usable ? id.size : 0;
  memcpy(k->from.id, id.data, k->from.size);
  bool more = more_follows(&routing);
  zmq_msg_close(&routing);
  int count = 0;
  for (; more && count < 3; count++) {
    if (zmq_msg_recv(&k->frames[count], d->router, 0) < 0)
      break;
    more = more_follows(&k->frames[count]);
  }
  k->three = count == 3 && !more;
  if (more)
    drain(d);
  if (count == 0 || !usable || who(&k->frames[0], k) != OK) {
    knock_done(k);
    return BAD_INPUT;
  }
  k->head = frame_bytes(&k->frames[0]);
  k->body = frame_bytes(&k->frames[1]);
  k->sealed = frame_bytes(&k->frames[2]);
  return OK;
}

/* An error shows on the first frame only; the rest of a message then follows or is dropped as one. */
enum status door_send(struct door *d, const struct routing *to, enum frame_kind kind, struct bytes body,
                      const struct bytes *sealed, size_t sealed_count)
{
  uint8_t head[HEAD_SIZE];
  size_t size = 0;
  zmq_msg_t bodies;
  head_write(kind, head);
  if (zmq_send(d->router, to->id, to->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
    return errno == EAGAIN ? NOT_NOW : NOT_FOUND;
  zmq_send(d->router, head, sizeof head, ZMQ_SNDMORE);
  zmq_send(d->router, body.data, body.size, ZMQ_SNDMORE);
  for (size_t i = 0; i < sealed_count; i++)
    size += sealed[i].size;
  must(zmq_msg_init_size(&bodies, size) == 0);
  uint8_t *at = zmq_msg_data(&bodies);
  for (size_t i = 0; i < sealed_count; i++) {
    memcpy(at, sealed[i].data, sealed[i].size);
    at += sealed[i].size;
  }
  if (zmq_msg_send(&bodies, d->router, 0) < 0)
    zmq_msg_close(&bodies);
  return OK;
}

void door_cut(const struct wire_end *w)
{
  if (still_there(w))
    shutdown(w->fd, SHUT_RDWR); /* never close: the descriptor is libzmq's */
}

/* --- connections that were taken, but say nothing --- */

/* The next one that was taken since the last call. */
static bool monitor_take(struct door *d, int *fd)
{
  uint8_t event[6]; /* u16 event, u32 value, then the address as a second frame */
  char address[256];
  int32_t value;
  if (zmq_recv(d->monitor, event, sizeof event, ZMQ_DONTWAIT) != (int)sizeof event)
    return false;
  (void)zmq_recv(d->monitor, address, sizeof address, 0);
  memcpy(&value, event + 2, sizeof value);
  *fd = value;
  return true;
}

static void guests_arrive(struct door *d, uint64_t now_ms)
{
  int fd;
  while (monitor_take(d, &fd)) {
    struct guest *g = &d->guests[d->guest_count++ % GUESTS_MAX];
    door_cut(&g->wire); /* the oldest makes room */
    *g = (struct guest){wire_end_of(fd), now_ms + d->hello_within_ms};
  }
}

void door_cut_unwelcomed(struct door *d, uint64_t now_ms)
{
  guests_arrive(d, now_ms);
  for (size_t i = 0; i < GUESTS_MAX; i++)
    if (d->guests[i].wire.fd >= 0 && d->guests[i].until_ms <= now_ms) {
      door_cut(&d->guests[i].wire);
      d->guests[i].wire.fd = -1;
    }
}

void door_welcomed(struct door *d, const struct wire_end *w, uint64_t now_ms)
{
  guests_arrive(d, now_ms); /* libzmq told of it before it gave its first message: now it is among them */
  for (size_t i = 0; i < GUESTS_MAX; i++)
    if (d->guests[i].wire.fd == w->fd)
      d->guests[i].wire.fd = -1;
}
