/* The durable queue of our own events, from the moment a person was told "saved" until the log gives them back.
 *
 *   add -> TABLE_QUEUE -> form: signed as a batch, TABLE_FLIGHT -> sent, as often as needed -> came back: gone
 *
 * A batch is in the books before it is first sent, and its sequence never gets a second root, unless the exchange
 * refused it with a reason (outbox_unform). High priority goes before lower, in batches of its own; in one referral the
 * order is kept.
 */
#ifndef ONWARD_OUTBOX_H
#define ONWARD_OUTBOX_H

#include "agents/keys.h"
#include "agents/tables.h"

#define OUTBOX_EVENTS_MAX 10000

/* Who we are. Everything is borrowed. */
struct self {
  struct hash network;
  struct org_id id;
  struct key_folder *keys;
};

/* Puts a packed event and its sealed bodies (end to end) into the queue, and counts it in its item. NOT_NOW: the queue
 * is full. */
MUST_USE enum status outbox_add(struct books *b, uint8_t priority, const struct event *event, struct bytes bodies,
                                uint64_t *number);
/* An event that is still in the outbox: slices are valid until the next write. */
struct outbox_event {
  struct ref_id referral;
  uint8_t priority;
  uint8_t alone; /* acts on the registry: in a batch of their own */
  uint16_t event_size;
  uint32_t act;
  struct bytes event;
  struct bytes bodies;
};
MUST_USE enum status outbox_get(struct books *b, uint64_t number, struct outbox_event *out);
bool outbox_holds(struct books *b, uint32_t act); /* an event with this act waits, or is on its way */
/* Takes back an event that is in no batch yet. NOT_NOW: it is in one. */
MUST_USE enum status outbox_take_back(struct books *b, uint64_t number);

/* The batches in flight, lowest sequence first. */
struct flight {
  uint64_t sequence;
  struct batch_header header;
  uint16_t count;
  uint16_t logged; /* of the events, in order */
};
size_t outbox_flights(struct books *b, struct flight out[BATCHES_IN_FLIGHT_MAX]);
uint64_t outbox_confirmed(struct books *b); /* all of our batches up to this sequence came back from the log */
/* How many of their events are not in the log yet. */
size_t outbox_unlogged(struct books *b);
/* Takes back all acts on the registry that are in no batch yet, and says how many those were. */
size_t outbox_drop_registry(struct books *b);
/* Signs the next batch, of at most `events_max` events, and of `bytes_max` bytes unless one event has more. The last
 * place in flight is kept for high priority. NOT_FOUND: nothing waits, or nothing of high priority where only that may
 * go, or too much is in flight. */
MUST_USE enum status outbox_form(struct books *b, const struct self *self, size_t events_max, size_t bytes_max,
                                 bool high_only, uint64_t *sequence);
/* The message of a batch in flight, in the arena. NOT_NOW: the arena is full. */
MUST_USE enum status outbox_message(struct books *b, uint64_t sequence, struct arena *a, struct bytes *body,
                                    struct bytes *sealed);
/* Signs the same headers with the present key, from this sequence on: those before may be in the log as they were
 * signed, and only their entries are under way. What the present key has signed stays: a second signature would be
 * another one. `count`: of batches that were signed. */
MUST_USE enum status outbox_sign_again(struct books *b, const struct self *self, uint64_t from, size_t *count);
/* After a refusal with a reason: this batch and all behind it become queued events again; their sequences are free. */
void outbox_unform(struct books *b, uint64_t sequence);
/* Drops event number `position` of a batch that was unheard because of it, and unforms the batch. */
void outbox_drop(struct books *b, uint64_t sequence, size_t position);

/* Which of our kept events is the entry with this fixed header? Puts its whole leaf together in the arena; `fits`
 * decides (the inclusion path does). NOT_FOUND: none of them. */
typedef bool (*leaf_fits)(const void *context, struct bytes leaf);
MUST_USE enum status outbox_leaf(struct books *b, const struct leaf *header, leaf_fits fits, const void *context,
                                 struct arena *a, struct bytes *leaf);
/* An entry of ours came back: its event leaves the outbox and the item's counts. True: it was among those in flight. */
bool outbox_logged(struct books *b, const struct leaf *leaf);
/* The same for an entry of no batch in flight: after a restore, its event may wait here, or be in a batch that the log
 * never got. Only while our own last batches are read again. */
void outbox_logged_before(struct books *b, const struct event *event);

#endif
