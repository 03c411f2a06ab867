/* libzmq reconnects by itself while it has never been connected; once connected, a loss is told by the monitor and the
 * session makes a new socket. After a handshake that was refused libzmq never tries again: the session's own time-out
 * makes a new one.
 */
#include "agents/link.h"

#include <stdio.h>
#include <string.h>

enum {
  /* Only from here: the other side's would cost as much again. Without a TTL: libzmq 4.3.4 takes it modulo 65.5 s, and
   * would end the connection between two heartbeats. */
  HEARTBEAT_INTERVAL_MS = 60000,
  HEARTBEAT_TIMEOUT_MS = 120000,
  HANDSHAKE_MS = 30000, /* at 20 kbit/s and 1.5 s of round trip four seconds are too short */
  RECONNECT_MS = 500,
  RECONNECT_MAX_MS = 15000,
  SEND_MESSAGES = 32,
  RECEIVE_MESSAGES = 16,
};

enum status link_init(struct link *l)
{
  *l = (struct link){.context = zmq_ctx_new()};
  return l->context != NULL ? OK : OUR_FAULT;
}

void link_fini(struct link *l)
{
  link_close(l);
  if (l->context != NULL)
    zmq_ctx_term(l->context);
  l->context = NULL;
}

void link_close(struct link *l)
{
  if (l->socket != NULL) {
    zmq_socket_monitor(l->socket, NULL, 0);
    zmq_close(l->socket);
  }
  if (l->monitor != NULL)
    zmq_close(l->monitor);
  l->socket = l->monitor = NULL;
}

static bool set_number(void *socket, int option, int value)
{
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_numbers(void *socket)
{
  int64_t message_size = MESSAGE_SIZE_MAX + 33; /* libzmq counts the flags and lengths of an encrypted frame too */
  return set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_SNDTIMEO, 0) &&
         set_number(socket, ZMQ_RCVTIMEO, 0) && set_number(socket, ZMQ_SNDHWM, SEND_MESSAGES) &&
         set_number(socket, ZMQ_RCVHWM, RECEIVE_MESSAGES) &&
         set_number(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_INTERVAL_MS) &&
         set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
         set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) && set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
         set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
         zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_size, sizeof message_size) == 0;
}

static bool set_keys(void *socket, const struct link_options *o)
{
  return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, o->server_key, 32) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, o->public_key, 32) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, o->secret_key, 32) == 0;
}

static bool open_monitor(struct link *l)
{
  char name[40];
  snprintf(name, sizeof name, "inproc://link-%u", ++l->made);
  int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  if (zmq_socket_monitor(l->socket, name, events) != 0)
    return false;
  l->monitor = zmq_socket(l->context, ZMQ_PAIR);
  return l->monitor != NULL && set_number(l->monitor, ZMQ_LINGER, 0) && set_number(l->monitor, ZMQ_RCVTIMEO, 0) &&
         zmq_connect(l->monitor, name) == 0;
}

enum status link_open(struct link *l, const struct link_options *o)
{
  link_close(l);
  l->socket = zmq_socket(l->context, ZMQ_DEALER);
  if (l->socket == NULL || !set_numbers(l->socket) || !set_keys(l->socket, o) || !open_monitor(l)) {
    link_close(l);
    return OUR_FAULT;
  }
  bool proxied =
      o->socks_proxy[0] == 0 || zmq_setsockopt(l->socket, ZMQ_SOCKS_PROXY, o->socks_proxy, strlen(o->socks_proxy)) == 0;
  if (!proxied || zmq_connect(l->socket, o->address) != 0) {
    link_close(l);
    return BAD_INPUT;
  }
  return OK;
}

enum status link_send(struct link *l, enum frame_kind kind, struct bytes body, struct bytes sealed)
{
  uint8_t head[HEAD_SIZE];
  if (l->socket == NULL)
    return NOT_NOW;
  head_write(kind, head);
  if (zmq_send(l->socket, head, sizeof head, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
    return NOT_NOW; /* trouble shows at the first frame, or not at all */
  if (zmq_send(l->socket, body.data, body.size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
      zmq_send(l->socket, sealed.data, sealed.size, ZMQ_DONTWAIT) < 0)
    return OUR_FAULT;
  return OK;
}

void link_free(struct link_message *m)
{
  for (size_t i = 0; i < 3; i++)
    zmq_msg_close(&m->frames[i]);
}

static struct bytes frame_bytes(zmq_msg_t *m)
{
  return bytes_of(zmq_msg_data(m), zmq_msg_size(m));
}

/* Reads and throws away what is left of a message with too many parts. */
static void drain(void *socket, bool more)
{
  while (more) {
    zmq_msg_t m;
    zmq_msg_init(&m);
    more = zmq_msg_recv(&m, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&m);
    zmq_msg_close(&m);
  }
}

enum status link_receive(struct link *l, struct link_message *out)
{
  uint8_t version;
  int count = 0;
  bool more = true;
  for (int i = 0; i < 3; i++)
    zmq_msg_init(&out->frames[i]);
  for (; l->socket != NULL && more && count < 3; count++) {
    if (zmq_msg_recv(&out->frames[count], l->socket, ZMQ_DONTWAIT) < 0)
      break;
    more = zmq_msg_more(&out->frames[count]) != 0;
  }
  if (count == 0)
    return NOT_NOW;
  if (count < 3 || more || head_read(frame_bytes(&out->frames[0]), &version, &out->kind) != OK) {
    drain(l->socket, more);
    link_free(out);
    return BAD_INPUT;
  }
  out->body = frame_bytes(&out->frames[1]);
  out->sealed = frame_bytes(&out->frames[2]);
  return OK;
}

enum { UNKNOWN_KEY = 400 }; /* RFC 27/ZAP's status code, as the handshake's ERROR tells it */

enum link_event link_event(struct link *l)
{
  uint16_t event = 0;
  uint32_t value = 0;
  zmq_msg_t m;
  zmq_msg_init(&m);
  if (l->monitor == NULL || zmq_msg_recv(&m, l->monitor, ZMQ_DONTWAIT) < 0) {
    zmq_msg_close(&m);
    return LINK_NOTHING;
  }
  if (zmq_msg_size(&m) == sizeof event + sizeof value) {
    memcpy(&event, zmq_msg_data(&m), sizeof event);
    memcpy(&value, (const uint8_t *)zmq_msg_data(&m) + sizeof event, sizeof value);
  }
  drain(l->monitor, zmq_msg_more(&m));
  zmq_msg_close(&m);
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
    return LINK_CONNECTED;
  if (event == ZMQ_EVENT_DISCONNECTED)
    return LINK_LOST;
  return event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == UNKNOWN_KEY ? LINK_REFUSED : LINK_FAILED;
}
