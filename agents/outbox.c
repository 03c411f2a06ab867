/* Rows. Event: fixed part, event, bodies. Flight: fixed part, then number and hash of each event, so that any entry of
 * the batch can be put together again from its 32-byte header after others of the batch are gone.
 *
 * Everything here is one transaction of the caller's: a crash leaves the queue as it was before or after a step, never
 * between.
 */
#include "agents/outbox.h"

#include <string.h>

struct event_row {
  struct ref_id referral;
  uint32_t act;
  uint16_t event_size;
  uint8_t priority;
  uint8_t alone;
};
_Static_assert(sizeof(struct event_row) == 24, "no padding");

struct flight_row {
  uint8_t header[BATCH_HEADER_SIZE];
  uint8_t signature[ES256_SIGNATURE_SIZE];
  uint16_t logged;
  uint16_t zero[3];
  struct member {
    uint64_t number;
    struct hash hash;
  } events[BATCH_EVENTS_MAX]; /* cut behind the last */
};
#define FLIGHT_FIXED offsetof(struct flight_row, events)
_Static_assert(FLIGHT_FIXED == 184 && sizeof(struct member) == 40, "no padding");

#define MESSAGE_ROOM (MESSAGE_SIZE_MAX - 4096) /* for the header and the fields' own bytes */

static struct row_key key_of_queue(uint8_t priority, uint64_t number)
{
  struct row_key k = row_key_start();
  row_key_u8(&k, priority);
  row_key_u64(&k, number);
  return k;
}

static void put(struct books *b, int table, struct row_key k, const void *row, size_t size)
{
  b->put(b, table, row_key(&k), bytes_of(row, size));
}

static void del(struct books *b, int table, struct row_key k)
{
  b->del(b, table, row_key(&k));
}

static void waiting_changes(struct books *b, int by)
{
  struct marks m;
  marks_get(b, &m);
  m.waiting = (uint64_t)((int64_t)m.waiting + by);
  marks_put(b, &m);
}

/* Counts in the item of an event; acts on the registry have none. */
static void item_changes(struct books *b, const struct ref_id *id, int pending, int unsent)
{
  struct item item;
  if (item_get(b, id, &item) != OK)
    return;
  item.pending = (uint16_t)(item.pending + pending);
  item.unsent = (uint16_t)(item.unsent + unsent);
  item_put(b, &item);
}

enum status outbox_add(struct books *b, uint8_t priority, const struct event *event, struct bytes bodies,
                       uint64_t *number)
{
  static uint8_t row[sizeof(struct event_row) + EVENT_SIZE_MAX + MESSAGE_SIZE_MAX];
  struct marks m;
  marks_get(b, &m);
  if (m.waiting >= OUTBOX_EVENTS_MAX)
    return NOT_NOW;
  must(event->bytes.size <= EVENT_SIZE_MAX && event->bytes.size + bodies.size <= MESSAGE_ROOM);
  struct event_row fixed = {.referral = event->referral,
                            .act = event->act,
                            .event_size = (uint16_t)event->bytes.size,
                            .priority = priority,
                            .alone = act_is_registry(event->act)};
  struct writer w = writer_of(row, sizeof row);
  write_bytes(&w, bytes_of(&fixed, sizeof fixed));
  write_bytes(&w, event->bytes);
  write_bytes(&w, bodies);
  *number = m.next_number++;
  m.waiting++;
  marks_put(b, &m);
  put(b, TABLE_EVENTS, key_of_index(*number), row, w.size);
  put(b, TABLE_QUEUE, key_of_queue(priority, *number), NULL, 0);
  item_changes(b, &event->referral, 1, 1);
  return OK;
}

enum status outbox_get(struct books *b, uint64_t number, struct outbox_event *out)
{
  struct bytes value;
  struct event_row fixed;
  struct row_key k = key_of_index(number);
  if (b->get(b, TABLE_EVENTS, row_key(&k), &value) != OK)
    return NOT_FOUND;
  struct reader r = reader_of(value);
  read_into(&r, &fixed, sizeof fixed);
  *out = (struct outbox_event){
      .referral = fixed.referral, .priority = fixed.priority, .alone = fixed.alone, .act = fixed.act};
  out->event = read_bytes(&r, fixed.event_size);
  out->bodies = r.rest;
  must(!r.underflow);
  return OK;
}

bool outbox_holds(struct books *b, uint32_t act)
{
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  struct outbox_event e;
  while (walk_next(&w, b))
    if (outbox_get(b, key_number(w.key, 0), &e) == OK && e.act == act)
      return true;
  return false;
}

enum status outbox_take_back(struct books *b, uint64_t number)
{
  struct outbox_event e;
  struct bytes nothing;
  if (outbox_get(b, number, &e) != OK)
    return NOT_FOUND;
  struct row_key queued = key_of_queue(e.priority, number);
  if (b->get(b, TABLE_QUEUE, row_key(&queued), &nothing) != OK)
    return NOT_NOW;
  struct ref_id referral = e.referral;
  del(b, TABLE_QUEUE, queued);
  del(b, TABLE_EVENTS, key_of_index(number));
  waiting_changes(b, -1);
  item_changes(b, &referral, -1, -1);
  return OK;
}

/* --- batches --- */

static size_t flight_count(struct bytes value)
{
  must(value.size >= FLIGHT_FIXED && (value.size - FLIGHT_FIXED) % sizeof(struct member) == 0);
  return (value.size - FLIGHT_FIXED) / sizeof(struct member);
}

/* Reads the row of a batch. The count of its events; 0: there is no such batch. */
static size_t flight_get(struct books *b, uint64_t sequence, struct flight_row *out)
{
  struct bytes value;
  struct row_key k = key_of_index(sequence);
  if (b->get(b, TABLE_FLIGHT, row_key(&k), &value) != OK)
    return 0;
  size_t count = flight_count(value);
  must(count >= 1 && count <= BATCH_EVENTS_MAX);
  memcpy(out, value.data, value.size);
  return count;
}

static void flight_put(struct books *b, uint64_t sequence, const struct flight_row *row, size_t count)
{
  put(b, TABLE_FLIGHT, key_of_index(sequence), row, FLIGHT_FIXED + count * sizeof(struct member));
}

size_t outbox_flights(struct books *b, struct flight out[BATCHES_IN_FLIGHT_MAX])
{
  struct flight_row row = {.logged = 0};
  struct walk w = walk_start(TABLE_FLIGHT, (struct bytes){NULL, 0});
  size_t n = 0;
  for (; n < BATCHES_IN_FLIGHT_MAX && walk_next(&w, b); n++) {
    memcpy(&row, w.value.data, FLIGHT_FIXED);
    out[n] = (struct flight){
        .sequence = key_number(w.key, 0), .count = (uint16_t)flight_count(w.value), .logged = row.logged};
    must(batch_header_read(BYTES(row.header), &out[n].header) == OK);
  }
  return n;
}

uint64_t outbox_confirmed(struct books *b)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct marks m;
  marks_get(b, &m);
  return outbox_flights(b, flights) > 0 ? flights[0].sequence - 1 : m.sequence;
}

size_t outbox_unlogged(struct books *b)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  size_t n = outbox_flights(b, flights), count = 0;
  for (size_t i = 0; i < n; i++)
    count += (size_t)(flights[i].count - flights[i].logged);
  return count;
}

size_t outbox_drop_registry(struct books *b)
{
  struct walk w = walk_start(TABLE_QUEUE, (struct bytes){NULL, 0});
  size_t count = 0;
  while (walk_next(&w, b)) {
    struct outbox_event e;
    uint64_t number = key_number(w.key, 1);
    count += outbox_get(b, number, &e) == OK && e.alone && outbox_take_back(b, number) == OK;
  }
  return count;
}

/* The next events of one priority that fit one message. */
static size_t choose(struct books *b, size_t limit, size_t bytes_max, bool high_only,
                     struct member out[BATCH_EVENTS_MAX])
{
  struct walk w = walk_start(TABLE_QUEUE, (struct bytes){NULL, 0});
  struct outbox_event e;
  size_t count = 0, room = MESSAGE_ROOM, sealed_room = MESSAGE_SIZE_MAX;
  uint8_t priority = 0;
  while (count < limit && walk_next(&w, b)) {
    uint64_t number = key_number(w.key, 1);
    must(outbox_get(b, number, &e) == OK);
    size_t size = e.event.size + 8 + e.bodies.size;
    bool fits =
        e.event.size + 8 <= room && e.bodies.size <= sealed_room && (count == 0 || (!e.alone && size <= bytes_max));
    if (!fits || (count > 0 && e.priority != priority) || (high_only && e.priority > ONWARD__PRIORITY__HIGH))
      break;
    priority = e.priority;
    out[count].number = number;
    out[count++].hash = merkle_leaf(e.event);
    room -= e.event.size + 8;
    sealed_room -= e.bodies.size;
    bytes_max -= size < bytes_max ? size : bytes_max;
    if (e.alone)
      break;
  }
  return count;
}

static struct hash root_of(const struct member *events, size_t count)
{
  struct hash hashes[BATCH_EVENTS_MAX];
  for (size_t i = 0; i < count; i++)
    hashes[i] = events[i].hash;
  return merkle_root(hashes, count);
}

/* Events leave the queue (by = -1) or come back into it (by = 1). */
static void move_members(struct books *b, const struct flight_row *row, size_t count, int by)
{
  for (size_t i = row->logged; i < count; i++) {
    struct outbox_event e;
    if (outbox_get(b, row->events[i].number, &e) != OK)
      continue;
    struct ref_id referral = e.referral;
    struct row_key k = key_of_queue(e.priority, row->events[i].number);
    if (by < 0)
      del(b, TABLE_QUEUE, k);
    else
      put(b, TABLE_QUEUE, k, NULL, 0);
    item_changes(b, &referral, 0, by);
    waiting_changes(b, by);
  }
}

enum status outbox_form(struct books *b, const struct self *self, size_t events_max, size_t bytes_max, bool high_only,
                        uint64_t *sequence)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct flight_row row = {.logged = 0};
  struct marks m;
  size_t in_flight = outbox_flights(b, flights);
  if (in_flight == BATCHES_IN_FLIGHT_MAX)
    return NOT_FOUND;
  high_only |= in_flight + 1 == BATCHES_IN_FLIGHT_MAX;
  size_t limit = events_max < BATCH_EVENTS_MAX ? events_max : BATCH_EVENTS_MAX;
  size_t count = choose(b, limit, bytes_max, high_only, row.events);
  if (count == 0)
    return NOT_FOUND;
  marks_get(b, &m);
  *sequence = ++m.sequence;
  marks_put(b, &m);
  struct batch_header h = {.network = self->network,
                           .organisation = self->id,
                           .sequence = *sequence,
                           .read_up_to = m.position > 0 ? m.position - 1 : 0,
                           .count = (uint16_t)count,
                           .root = root_of(row.events, count)};
  batch_header_write(&h, row.header);
  if (dsse_sign(self->keys->sign, BATCH_TYPE, BYTES(row.header), row.signature) != OK)
    return OUR_FAULT;
  flight_put(b, *sequence, &row, count);
  move_members(b, &row, count, -1);
  return OK;
}

enum status outbox_message(struct books *b, uint64_t sequence, struct arena *a, struct bytes *body,
                           struct bytes *sealed)
{
  struct flight_row row = {.logged = 0};
  Onward__Batch m = ONWARD__BATCH__INIT;
  size_t count = flight_get(b, sequence, &row), size = 0;
  struct outbox_event e;
  if (count == 0)
    return NOT_FOUND;
  m.header = pb_data(BYTES(row.header));
  m.signature = pb_data(BYTES(row.signature));
  m.events = arena_alloc(a, count * sizeof m.events[0]);
  uint8_t *bodies = arena_alloc(a, MESSAGE_SIZE_MAX);
  if (m.events == NULL || bodies == NULL)
    return NOT_NOW;
  for (size_t i = 0; i < count; i++) {
    if (outbox_get(b, row.events[i].number, &e) != OK)
      return NOT_FOUND; /* part of it came back already: it is in the log */
    m.events[m.n_events++] = pb_data(e.event);
    must(e.bodies.size <= MESSAGE_SIZE_MAX - size);
    if (e.bodies.size > 0)
      memcpy(bodies + size, e.bodies.data, e.bodies.size);
    size += e.bodies.size;
  }
  *body = pb_pack(&m, a);
  *sealed = bytes_of(bodies, size);
  return body->size == 0 ? NOT_NOW : OK;
}

static enum status sign_one_again(struct books *b, const struct self *self, struct es256_public *present,
                                  uint64_t sequence, size_t *signed_count)
{
  struct flight_row row = {.logged = 0};
  size_t count = flight_get(b, sequence, &row);
  if (row.logged > 0 || dsse_verify(present, BATCH_TYPE, BYTES(row.header), BYTES(row.signature)) == OK)
    return OK;
  if (dsse_sign(self->keys->sign, BATCH_TYPE, BYTES(row.header), row.signature) != OK)
    return OUR_FAULT;
  flight_put(b, sequence, &row, count);
  ++*signed_count;
  return OK;
}

enum status outbox_sign_again(struct books *b, const struct self *self, uint64_t from, size_t *count)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct es256_public *present;
  uint8_t point[ES256_PUBLIC_SIZE];
  size_t n = outbox_flights(b, flights);
  *count = 0;
  es256_secret_public(self->keys->sign, point);
  enum status s = es256_public_open(BYTES(point), &present);
  if (s != OK)
    return OUR_FAULT;
  for (size_t i = 0; i < n && s == OK; i++)
    if (flights[i].sequence >= from)
      s = sign_one_again(b, self, present, flights[i].sequence, count);
  es256_public_close(present);
  return s;
}

void outbox_unform(struct books *b, uint64_t sequence)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct flight_row row = {.logged = 0};
  struct marks m;
  size_t n = outbox_flights(b, flights);
  for (size_t i = 0; i < n; i++) {
    if (flights[i].sequence < sequence)
      continue;
    size_t count = flight_get(b, flights[i].sequence, &row);
    del(b, TABLE_FLIGHT, key_of_index(flights[i].sequence));
    move_members(b, &row, count, 1);
  }
  marks_get(b, &m);
  if (m.sequence >= sequence)
    m.sequence = sequence - 1;
  marks_put(b, &m);
}

void outbox_drop(struct books *b, uint64_t sequence, size_t position)
{
  struct flight_row row = {.logged = 0};
  struct outbox_event e;
  struct item item;
  size_t count = flight_get(b, sequence, &row);
  outbox_unform(b, sequence);
  if (position >= count || outbox_get(b, row.events[position].number, &e) != OK)
    return;
  struct ref_id referral = e.referral;
  uint32_t act = e.act;
  must(outbox_take_back(b, row.events[position].number) == OK);
  if (item_get(b, &referral, &item) != OK)
    return;
  item.refused_act = act;
  item.refused_verdict = 0;
  if (act == ONWARD__CORE__ACT_SUBMIT)
    item_give_up(b, &item);
  item_put(b, &item);
}

/* --- what comes back --- */

static enum status whole_leaf(struct books *b, const struct flight_row *row, size_t count, const struct leaf *header,
                              struct arena *a, struct bytes *out)
{
  struct hash hashes[BATCH_EVENTS_MAX], path[MERKLE_BATCH_PATH_MAX];
  struct outbox_event e;
  if (outbox_get(b, row->events[header->position].number, &e) != OK || e.event.size != header->event.size)
    return NOT_FOUND;
  for (size_t i = 0; i < count; i++)
    hashes[i] = row->events[i].hash;
  struct leaf whole = *header;
  size_t path_count = merkle_path(hashes, count, header->position, path);
  whole.event = e.event;
  whole.header = BYTES(row->header);
  whole.signature = BYTES(row->signature);
  whole.path = bytes_of(path, path_count * sizeof path[0]);
  uint8_t *room = arena_alloc(a, leaf_size(&whole));
  if (room == NULL)
    return NOT_NOW;
  struct writer w = writer_of(room, leaf_size(&whole));
  leaf_write(&whole, &w);
  *out = writer_bytes(&w);
  return OK;
}

enum status outbox_leaf(struct books *b, const struct leaf *header, leaf_fits fits, const void *context,
                        struct arena *a, struct bytes *leaf)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct flight_row row = {.logged = 0};
  size_t n = outbox_flights(b, flights);
  for (size_t i = 0; i < n; i++) {
    if (header->position >= flights[i].count)
      continue;
    size_t count = flight_get(b, flights[i].sequence, &row);
    enum status s = whole_leaf(b, &row, count, header, a, leaf);
    if (s == NOT_NOW || (s == OK && fits(context, *leaf)))
      return s;
  }
  return NOT_FOUND;
}

bool outbox_logged(struct books *b, const struct leaf *leaf)
{
  struct batch_header h;
  struct flight_row row = {.logged = 0};
  if (batch_header_read(leaf->header, &h) != OK)
    return false;
  size_t count = flight_get(b, h.sequence, &row);
  if (count != h.count || memcmp(row.header, leaf->header.data, BATCH_HEADER_SIZE) != 0 ||
      leaf->position < row.logged || leaf->position >= count)
    return false;
  struct outbox_event e;
  if (outbox_get(b, row.events[leaf->position].number, &e) == OK) {
    struct ref_id referral = e.referral;
    del(b, TABLE_EVENTS, key_of_index(row.events[leaf->position].number));
    item_changes(b, &referral, -1, 0);
  }
  row.logged = (uint16_t)(leaf->position + 1);
  if (row.logged == count)
    del(b, TABLE_FLIGHT, key_of_index(h.sequence));
  else
    flight_put(b, h.sequence, &row, count);
  return true;
}

void outbox_logged_before(struct books *b, const struct event *event)
{
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  struct outbox_event e;
  struct marks m;
  marks_get(b, &m);
  while (m.read_back != 0 && walk_next(&w, b)) {
    uint64_t number = key_number(w.key, 0);
    if (outbox_get(b, number, &e) != OK || !bytes_equal(e.event, event->bytes))
      continue;
    struct ref_id referral = e.referral;
    if (outbox_take_back(b, number) == NOT_NOW) { /* its batch is taken apart when all is read */
      del(b, TABLE_EVENTS, key_of_index(number));
      item_changes(b, &referral, -1, 0);
    }
    return;
  }
}
