/* The door: the ROUTER socket and the ZAP handler. What comes in is a knock: who (the CURVE key of the connection, told
 * by the ZAP handler's User-Id on a payload frame, never by a routing id) and exactly three frames.
 *
 * One libzmq context, one thread.
 */
#ifndef ONWARD_DOOR_H
#define ONWARD_DOOR_H

#include <sys/socket.h>
#include <zmq.h>

#include "broker/config.h"
#include "broker/keys.h"
#include "proto/wire/frame.h"

#define ROUTING_MAX 32

struct routing { /* libzmq's name for one connection; never shown to anybody */
  uint8_t id[ROUTING_MAX];
  size_t size;
};

/* The connection itself, so that it can be cut. */
struct wire_end {
  int fd;
  struct sockaddr_storage peer;
  socklen_t peer_size;
};

/* A connection that has not been welcomed yet. */
struct guest {
  struct wire_end wire; /* fd -1: it was welcomed, or cut */
  uint64_t until_ms;
};
#define GUESTS_MAX 1024

struct knock {
  struct routing from;
  uint8_t link_key[32];
  struct wire_end wire;
  bool three; /* exactly three frames; else nothing below is set */
  struct bytes head, body, sealed;
  zmq_msg_t frames[3]; /* own the bytes of the three slices, until knock_done */
};

/* Whether this key may connect now: 200 yes, 300 later (too often), 400 never (unknown, replaced, suspended). */
typedef int (*door_admits)(void *context, const uint8_t link_key[32]);

struct door {
  void *zmq;
  void *router;
  void *zap;
  void *monitor; /* tells of every connection that is taken */
  struct guest guests[GUESTS_MAX];
  size_t guest_count; /* ever; they are kept round and round */
  uint64_t hello_within_ms;
  door_admits admits;
  void *context;
};

/* Binds. BAD_INPUT: the address cannot be bound; OUR_FAULT: libzmq without CURVE. */
MUST_USE enum status door_open(struct door *d, const struct config *c, const struct broker_keys *k, door_admits admits,
                               void *context, char why[200]);
void door_close(struct door *d);
/* Waits for something to do, at most `timeout_ms`, or until `other_fd` can be read; answers waiting handshakes. True: a
 * message waits; a deaf one does not look. */
bool door_wait(struct door *d, int other_fd, bool deaf, long timeout_ms);
/* The next message. NOT_NOW: none waits. A message whose sender cannot be told is dropped. */
MUST_USE enum status door_take(struct door *d, struct knock *out);
void knock_move(struct knock *to, struct knock *from); /* `from` needs no knock_done any more */
void knock_done(struct knock *k);
/* NOT_NOW: its queue is full, keep it for later. NOT_FOUND: the connection is gone. */
MUST_USE enum status door_send(struct door *d, const struct routing *to, enum frame_kind kind, struct bytes body,
                               const struct bytes *sealed, size_t sealed_count);
/* Cuts the connection, if the descriptor is still that connection's. */
void door_cut(const struct wire_end *w);
/* Once a turn: cuts the connections that were not welcomed in time, and the oldest of them when there are too many.
 * Otherwise one organisation could use up the descriptors of all. */
void door_cut_unwelcomed(struct door *d, uint64_t now_ms);
void door_welcomed(struct door *d, const struct wire_end *w, uint64_t now_ms); /* it stays */

#endif
