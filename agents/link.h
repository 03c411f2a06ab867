/* The connection to the exchange: a DEALER socket under CURVE, messages of exactly three frames. A send that succeeds
 * means nothing more than that: what was taken is known from what comes back. The socket is thrown away and made anew
 * whenever the connection was lost, so that every connection begins with a hello.
 *
 * ZMTP 3.1, CurveZMQ (ZeroMQ RFC 26). One context a process; one thread.
 */
#ifndef ONWARD_LINK_H
#define ONWARD_LINK_H

#include <zmq.h>

#include "proto/wire/frame.h"

struct link_options {
  char address[121];
  char socks_proxy[121]; /* empty: none */
  uint8_t server_key[32];
  uint8_t public_key[32];
  uint8_t secret_key[32];
};

struct link { /* all libzmq's */
  void *context;
  void *socket;  /* NULL: down */
  void *monitor; /* tells of connections lost */
  unsigned made; /* sockets so far */
};

MUST_USE enum status link_init(struct link *l);
void link_fini(struct link *l);
/* A new socket in place of the one before. BAD_INPUT: the address or the proxy is not one. */
MUST_USE enum status link_open(struct link *l, const struct link_options *options);
void link_close(struct link *l); /* what was not sent yet is dropped: the outbox has it */
/* NOT_NOW: the pipe is full, or the link is down. */
MUST_USE enum status link_send(struct link *l, enum frame_kind kind, struct bytes body, struct bytes sealed);

/* What came, valid until link_free. OK: a message. NOT_NOW: nothing there. BAD_INPUT: not three frames, or no head of
 * ours: end the connection. */
struct link_message {
  enum frame_kind kind;
  struct bytes body;
  struct bytes sealed;
  zmq_msg_t frames[3]; /* own the bytes */
};
MUST_USE enum status link_receive(struct link *l, struct link_message *out);
void link_free(struct link_message *m);

/* What the monitor says; call until LINK_NOTHING. LINK_REFUSED: the other side is the exchange, and does not know our
 * key. LINK_FAILED: no handshake came about, for whatever else. */
enum link_event { LINK_NOTHING, LINK_CONNECTED, LINK_LOST, LINK_REFUSED, LINK_FAILED };
enum link_event link_event(struct link *l);

#endif
