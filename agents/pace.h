/* How much may be on its way to the exchange at once: what the link carried. One event first; then as much as came back
 * confirmed within PACE_TARGET_MS would be, never more than twice as much as did; half after a cut. So whatever is of
 * high priority waits behind no more than some seconds of the link's time, and a cut costs no more than that.
 *
 * Bytes are those of the second and third frame. Times are ticks, in ms. Nothing of it is stored: every process begins
 * with one event. No I/O.
 */
#ifndef ONWARD_AGENT_PACE_H
#define ONWARD_AGENT_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire/limits.h"

enum {
  PACE_TARGET_MS = 8000,
  PACE_BATCH_MAX = 65536, /* bytes of one batch, unless one event is larger: what is signed is not taken apart again,
                             and 20 kbit/s carry so much in half a minute */
  PACE_UNDER_WAY_MAX = 524288, /* bytes */
  PACE_DELIVERY_MIN = CREDIT_BYTES_MIN,
  PACE_DELIVERY_FIRST = 16384, /* bytes: at 20 kbit/s six seconds */
};

struct pace {
  size_t room;    /* bytes that may be under way; one batch may, always */
  uint64_t extra; /* sequence of a batch of high priority that goes beyond it; 0: none */
  struct pace_batch {
    uint64_t sequence; /* 0: none */
    uint64_t sent_ms;
    size_t size;                 /* bytes; 0: the exchange has it, and only its entries are under way */
    size_t carried;              /* bytes under way when it was sent, with its own */
  } sent[BATCHES_IN_FLIGHT_MAX]; /* on this connection, by sequence % 8 */
};

/* What the next batch may be. */
struct pace_next {
  size_t bytes;   /* of its events and bodies, but one event always; 0: none may be sent */
  bool high_only; /* it is beyond the room: note its sequence in `extra` */
};
struct pace_next pace_next(const struct pace *p);

bool pace_was_sent(const struct pace *p, uint64_t sequence); /* on this connection */
void pace_sent(struct pace *p, uint64_t sequence, size_t size, uint64_t now_ms);
void pace_exchange_has(struct pace *p, uint64_t sequence); /* it need not be sent */
void pace_unsent(struct pace *p, uint64_t up_to);          /* batches up to this sequence are to be sent again */
void pace_logged(struct pace *p, uint64_t up_to, uint64_t now_ms); /* all batches up to this sequence came back */
void pace_cut(struct pace *p);                                     /* the connection is over */

/* How large deliveries may be from now on, when one of `size` bytes came `took_ms` after the one before, or after its
 * credit: a full one that came quickly doubles them, a slow one halves them. PACE_DELIVERY_MIN to `max`. */
size_t pace_delivery(size_t now, size_t size, uint64_t took_ms, size_t max);

#endif
