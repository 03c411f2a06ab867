/* Sends batches and takes deliveries with the agent's own link, evidence and compose; remembers in memory what it sent,
 * so that its own entries come back as headers and are put together again.
 *
 * Of its own entry a speaker checks the path, for the bytes are its own; of others' the author's signature too, the
 * form of the event, and the body. Every checkpoint is checked, and consistent with the one before.
 */
#include "tests/bench/speaker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/speaker_ways.h"

enum {
  WAIT_MS = 10000,
  ARENA_SIZE = 16 << 20,
  EVENTS_ROOM = BATCH_EVENTS_MAX * 2048,
  CREDIT_BYTES = MESSAGE_SIZE_MAX,
};

struct sent_batch { /* a batch that is filled, or on its way */
  size_t count, logged;
  size_t events_size, bodies_size;
  uint64_t sequence;
  struct bytes event[BATCH_EVENTS_MAX];
  act_kind act[BATCH_EVENTS_MAX];
  struct ref_id id[BATCH_EVENTS_MAX];
  struct merkle_batch tree;
  uint8_t header[BATCH_HEADER_SIZE];
  uint8_t signature[ES256_SIGNATURE_SIZE];
  uint8_t events[EVENTS_ROOM];
  uint8_t bodies[MESSAGE_SIZE_MAX];
};

#define FLIGHTS (BATCHES_IN_FLIGHT_MAX + 1) /* one more is being filled */

struct wire_speaker {
  struct speaker base;
  struct link link;
  struct evidence evidence;
  struct books *books;
  struct arena arena;
  struct key_ring ring;
  uint64_t position; /* of the mailbox: everything before it has come */
  uint64_t last_sequence;
  size_t credit;
  size_t batch_max;
  size_t first, in_flight; /* of `flights`, in a circle; the one behind them is filled */
  struct sent_batch *flights;
};

static struct wire_speaker *wire_of(struct speaker *p)
{
  return (struct wire_speaker *)p;
}

static void send_packed(struct wire_speaker *p, enum frame_kind kind, const void *message)
{
  struct bytes none = {NULL, 0};
  if (link_send(&p->link, kind, pb_pack(message, &p->arena), none) != OK)
    bench_fail("%.16s: the link takes nothing", p->base.self.id.text);
}

static void give_credit(struct wire_speaker *p)
{
  Onward__Credit c = ONWARD__CREDIT__INIT;
  c.from = p->position;
  c.entries = DELIVERY_ENTRIES_MAX;
  c.bytes = CREDIT_BYTES;
  p->credit = DELIVERY_ENTRIES_MAX;
  send_packed(p, FRAME_CREDIT, &c);
}

/* --- saying --- */

static struct sent_batch *filled(struct wire_speaker *p)
{
  return &p->flights[(p->first + p->in_flight) % FLIGHTS];
}

static void sign(struct wire_speaker *p, struct sent_batch *f)
{
  struct hash hashes[BATCH_EVENTS_MAX];
  for (size_t i = 0; i < f->count; i++)
    hashes[i] = merkle_leaf(f->event[i]);
  merkle_batch_fill(&f->tree, hashes, f->count);
  f->sequence = ++p->last_sequence;
  struct batch_header h = {.network = p->base.self.network,
                           .organisation = p->base.self.id,
                           .sequence = f->sequence,
                           .read_up_to = p->position > 0 ? p->position - 1 : 0,
                           .count = (uint16_t)f->count,
                           .root = f->tree.root};
  batch_header_write(&h, f->header);
  must(dsse_sign(p->base.self.keys->sign, BATCH_TYPE, BYTES(f->header), f->signature) == OK);
}

static void wire_push(struct speaker *base)
{
  struct wire_speaker *p = wire_of(base);
  struct sent_batch *f = filled(p);
  if (f->count == 0 || p->in_flight == BATCHES_IN_FLIGHT_MAX)
    return;
  Onward__Batch m = ONWARD__BATCH__INIT;
  size_t used = p->arena.used; /* a delivery may be there, which this answers */
  sign(p, f);
  m.header = pb_data(BYTES(f->header));
  m.signature = pb_data(BYTES(f->signature));
  m.n_events = f->count;
  m.events = arena_alloc(&p->arena, f->count * sizeof m.events[0]);
  for (size_t i = 0; i < f->count; i++)
    m.events[i] = pb_data(f->event[i]);
  struct bytes body = pb_pack(&m, &p->arena);
  if (link_send(&p->link, FRAME_SUBMIT, body, bytes_of(f->bodies, f->bodies_size)) != OK)
    bench_fail("%.16s: the link takes no batch", base->self.id.text);
  p->arena.used = used;
  p->in_flight++;
  f = filled(p);
  f->count = f->logged = f->events_size = f->bodies_size = 0;
}

static void wire_say(struct speaker *base, const struct event *e, struct bytes bodies)
{
  struct wire_speaker *p = wire_of(base);
  struct sent_batch *f = filled(p);
  must(f->count < BATCH_EVENTS_MAX && f->events_size + e->bytes.size <= sizeof f->events &&
       f->bodies_size + bodies.size <= sizeof f->bodies);
  memcpy(f->events + f->events_size, e->bytes.data, e->bytes.size);
  if (bodies.size > 0)
    memcpy(f->bodies + f->bodies_size, bodies.data, bodies.size);
  f->event[f->count] = bytes_of(f->events + f->events_size, e->bytes.size);
  f->act[f->count] = e->act;
  f->id[f->count++] = e->referral;
  f->events_size += e->bytes.size;
  f->bodies_size += bodies.size;
  if (f->count >= p->batch_max)
    wire_push(base);
}

/* --- hearing --- */

static void accepted(const struct wire_speaker *p, const struct leaf *leaf)
{
  if (leaf->verdict != ONWARD__VERDICT__ACCEPTED)
    bench_fail("%.16s: entry %llu was refused: %s", p->base.self.id.text, (unsigned long long)leaf->index,
               pb_enum_name(&onward__verdict__descriptor, leaf->verdict));
}

/* The next of our own that we wait for: its header and what we kept make the leaf, and the path must lead from it. */
static void take_own(struct wire_speaker *p, const Onward__Entry *entry, speaker_hears hears, void *context)
{
  struct hash path[MERKLE_BATCH_PATH_MAX];
  struct sent_batch *f = &p->flights[p->first];
  struct leaf leaf;
  if (p->in_flight == 0 || leaf_header_read(pb_bytes(entry->leaf), &leaf) != OK || leaf.position != f->logged)
    bench_fail("%.16s: an entry came that is not the next of ours", p->base.self.id.text);
  accepted(p, &leaf);
  size_t path_count = merkle_batch_path(&f->tree, f->logged, path), used = p->arena.used;
  leaf.event = f->event[f->logged];
  leaf.header = BYTES(f->header);
  leaf.signature = BYTES(f->signature);
  leaf.path = bytes_of(path, path_count * sizeof path[0]);
  void *room = arena_alloc(&p->arena, leaf_size(&leaf));
  must(room != NULL);
  struct writer w = writer_of(room, leaf_size(&leaf));
  leaf_write(&leaf, &w);
  if (evidence_leaf(&p->evidence, writer_bytes(&w), pb_bytes(entry->path), &leaf) != OK)
    bench_fail("%.16s: entry %llu is not in the log", p->base.self.id.text, (unsigned long long)leaf.index);
  p->arena.used = used;
  const struct heard h = {.own = true, .act = f->act[f->logged], .id = f->id[f->logged], .index = leaf.index};
  if (++f->logged == f->count) {
    p->first = (p->first + 1) % FLIGHTS;
    p->in_flight--;
  }
  hears(context, &h);
}

static void take_others(struct wire_speaker *p, const Onward__Entry *entry, const Onward__Body *body,
                        struct reader *sealed, speaker_hears hears, void *context)
{
  struct leaf leaf;
  struct event e;
  size_t used = p->arena.used;
  if (evidence_leaf(&p->evidence, pb_bytes(entry->leaf), pb_bytes(entry->path), &leaf) != OK ||
      evidence_event(&p->evidence, p->books, &leaf, &p->arena, &e) != OK)
    bench_fail("%.16s: an entry does not hold", p->base.self.id.text);
  accepted(p, &leaf);
  struct heard h = {.act = e.act, .id = e.referral, .index = leaf.index, .leaf = leaf_hash(pb_bytes(entry->leaf))};
  if (e.act == ONWARD__CORE__ACT_SUBMIT) {
    must(body != NULL && body->index == leaf.index);
    h.brief = sha256(read_bytes(sealed, body->size));
    if (!bytes_equal(hash_bytes(&h.brief), pb_bytes(e.outer->sealed[body->slot]->sha256)))
      bench_fail("%.16s: a body does not fit its entry", p->base.self.id.text);
  }
  p->arena.used = used;
  hears(context, &h);
}

static void take_checkpoint(struct wire_speaker *p, ProtobufCBinaryData note, ProtobufCBinaryData proof)
{
  if (evidence_checkpoint(&p->evidence, pb_bytes(note), pb_bytes(proof)) != OK)
    bench_fail("%.16s: a checkpoint does not hold", p->base.self.id.text);
}

static void take_delivery(struct wire_speaker *p, const Onward__Delivery *d, struct bytes sealed, speaker_hears hears,
                          void *context)
{
  struct reader r = reader_of(sealed);
  size_t body = 0;
  take_checkpoint(p, d->checkpoint, d->consistency);
  evidence_begin(&p->evidence);
  for (size_t i = 0; i < d->n_entries; i++) {
    const Onward__Entry *entry = d->entries[i];
    const Onward__Body *next = body < d->n_bodies ? d->bodies[body] : NULL;
    size_t before = r.rest.size;
    if (entry->leaf.len == LEAF_HEADER_SIZE)
      take_own(p, entry, hears, context);
    else
      take_others(p, entry, next, &r, hears, context);
    body += r.rest.size < before;
  }
  p->position = d->next;
  p->credit -= d->n_entries < p->credit ? d->n_entries : p->credit;
  if (p->credit <= DELIVERY_ENTRIES_MAX / 2)
    give_credit(p);
}

static void take_message(struct wire_speaker *p, const struct link_message *m, speaker_hears hears, void *context)
{
  const Onward__Refusal *r;
  const Onward__Delivery *d;
  arena_reset(&p->arena);
  if (m->kind == FRAME_DELIVERY && (d = pb_unpack(&onward__delivery__descriptor, m->body, &p->arena)) != NULL)
    take_delivery(p, d, m->sealed, hears, context);
  else if (m->kind == FRAME_REFUSAL && (r = pb_unpack(&onward__refusal__descriptor, m->body, &p->arena)) != NULL)
    bench_fail("%.16s: not heard: %s, event %u: %.*s", p->base.self.id.text,
               pb_enum_name(&onward__refusal_reason__descriptor, (int)r->reason), r->event, (int)r->what.len,
               (const char *)r->what.data);
  else
    bench_fail("%.16s: the exchange said something else (kind %d)", p->base.self.id.text, m->kind);
}

static void wire_take(struct speaker *base, speaker_hears hears, void *context)
{
  struct link_message m;
  struct wire_speaker *p = wire_of(base);
  while (link_receive(&p->link, &m) == OK) {
    take_message(p, &m, hears, context);
    link_free(&m);
  }
}

/* --- connecting --- */

/* The next message, of this kind and no other; its body lives in the arena. */
static void *await(struct wire_speaker *p, enum frame_kind kind, const ProtobufCMessageDescriptor *type)
{
  struct link_message m;
  zmq_pollitem_t item = {p->link.socket, 0, ZMQ_POLLIN, 0};
  enum status s = link_receive(&p->link, &m);
  if (s == NOT_NOW && zmq_poll(&item, 1, WAIT_MS) > 0)
    s = link_receive(&p->link, &m);
  if (s != OK)
    bench_fail("%.16s: the exchange does not answer", p->base.self.id.text);
  void *message = m.kind == kind ? pb_unpack(type, m.body, &p->arena) : NULL;
  link_free(&m);
  if (message == NULL)
    bench_fail("%.16s: the exchange answers something else (kind %d)", p->base.self.id.text, m.kind);
  return message;
}

/* The speakers of one process share libzmq's threads: there are more of them than cores. Ends with the process. */
static void *context_of_all(void)
{
  static void *context;
  static pid_t whose; /* one that was made before a fork has no threads behind it */
  if (context == NULL || whose != getpid())
    context = zmq_ctx_new();
  whose = getpid();
  return context;
}

static void enter(struct wire_speaker *p, const struct exchange *x)
{
  static unsigned count;
  struct link_options o = {.address = ""};
  Onward__Hello h = ONWARD__HELLO__INIT;
  memcpy(o.address, x->address, sizeof x->address);
  memcpy(o.server_key, x->network.link_key, sizeof o.server_key);
  memcpy(o.public_key, p->base.self.keys->link_public, sizeof o.public_key);
  memcpy(o.secret_key, p->base.self.keys->link_secret, sizeof o.secret_key);
  p->link = (struct link){.context = context_of_all(), .made = ++count << 8}; /* names of monitors differ */
  if (p->link.context == NULL || link_open(&p->link, &o) != OK)
    bench_fail("%s: cannot be connected to", x->address);
  h.organisation = pb_data(org_id_text(&p->base.self.id));
  h.network = pb_data(hash_bytes(&p->base.self.network));
  h.checkpoint = pb_data(bytes_of(p->evidence.note, p->evidence.note_size));
  h.kept_from = 1;
  send_packed(p, FRAME_HELLO, &h);
  const Onward__Welcome *w = await(p, FRAME_WELCOME, &onward__welcome__descriptor);
  take_checkpoint(p, w->checkpoint, w->consistency);
  p->position = p->evidence.newest.size;
  p->last_sequence = w->last_sequence; /* it may have spoken before */
  give_credit(p);
}

static void wire_close(struct speaker *base)
{
  struct wire_speaker *p = wire_of(base);
  link_close(&p->link);
  key_ring_fini(&p->ring);
  free(p->arena.memory);
  free(p->flights);
  free(p);
}

static void *wire_socket(const struct speaker *base)
{
  return ((const struct wire_speaker *)base)->link.socket;
}

static struct speaker *wire_open(struct exchange *x, const struct office *o, size_t batch_max)
{
  static const struct speaker_ways ways = {wire_close, wire_socket, wire_say, wire_push, wire_take, false};
  struct wire_speaker *p = calloc(1, sizeof *p);
  must(p != NULL);
  p->base = (struct speaker){&ways, {x->network.id, o->id, (struct key_folder *)(uintptr_t)&o->keys}};
  p->flights = calloc(FLIGHTS, sizeof p->flights[0]);
  p->arena = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
  must(p->flights != NULL && p->arena.memory != NULL);
  p->books = &x->registry.books;
  p->evidence = x->evidence;
  p->evidence.ring = &p->ring;
  p->batch_max = batch_max;
  enter(p, x);
  return &p->base;
}

/* --- the directory --- */

static void write_invitation(struct exchange *x, struct evidence *e, const Onward__Entry *entry, const char *homes,
                             const struct office *o)
{
  char text[PAPER_TEXT_MAX], vkey[NOTE_VKEY_SIZE], path[300], why[200];
  Onward__Invitation i = ONWARD__INVITATION__INIT;
  Onward__Entry genesis = ONWARD__ENTRY__INIT, whole = *entry, *enrolled = &whole;
  struct leaf leaf;
  must(evidence_leaf(e, pb_bytes(entry->leaf), pb_bytes(entry->path), &leaf) == OK); /* once more, for its whole path */
  whole.path = pb_data(bytes_of(e->way.path, e->way.count * sizeof e->way.path[0]));
  note_key_print(&e->log_key, vkey);
  genesis.leaf = pb_data(x->network.genesis_leaf);
  genesis.path = pb_data(bytes_of(e->genesis.hash, e->genesis.count * sizeof(struct hash)));
  i.address = pb_data(bytes_text(x->network.address));
  i.link_key = pb_data(BYTES(x->network.link_key));
  i.log_key = pb_data(bytes_text(vkey));
  i.genesis = &genesis;
  i.n_enrolled = 1;
  i.enrolled = &enrolled;
  i.checkpoint = pb_data(bytes_of(e->note, e->note_size));
  snprintf(path, sizeof path, "%s/network", office_home(homes, o));
  if (paper_invitation_write(&i, &x->arena, text, sizeof text) != OK || file_write(path, bytes_text(text), why) != OK)
    bench_fail("%s: cannot be written", path);
}

/* One answer, applied. True: there is more. */
static bool read_directory(struct wire_speaker *p, struct exchange *x, const char *homes)
{
  size_t changed;
  Onward__Ask ask = ONWARD__ASK__INIT;
  arena_reset(&p->arena);
  ask.registry_after = directory_known(p->books);
  send_packed(p, FRAME_ASK, &ask);
  Onward__Answer *a = await(p, FRAME_ANSWER, &onward__answer__descriptor);
  take_checkpoint(p, a->checkpoint, a->consistency);
  if (directory_take(&p->evidence, p->books, a, &p->arena, &changed) != OK || changed == 0)
    bench_fail("the directory does not hold");
  evidence_begin(&p->evidence);
  for (size_t i = 0; homes != NULL && i < x->office_count; i++)
    write_invitation(x, &p->evidence, a->entries[i], homes, &x->office[i]);
  return a->more;
}

void speaker_read_directory(struct speaker *p, struct exchange *x, const char *homes)
{
  struct wire_speaker *w = wire_of(p);
  struct organisation o;
  while (read_directory(w, x, homes))
    ;
  for (size_t i = 0; i < x->office_count; i++)
    if (books_organisation(w->books, &x->office[i].id, &o) != OK)
      bench_fail("%.16s: is not in the directory", x->office[i].id.text);
  x->evidence = w->evidence;
}

/* --- either way --- */

struct speaker *speaker_open(struct exchange *x, const struct office *o, const char *homes, size_t batch_max)
{
  return homes == NULL ? wire_open(x, o, batch_max) : kept_open(x, o, homes);
}

void speaker_close(struct speaker *p)
{
  p->ways->close(p);
}

const struct self *speaker_self(const struct speaker *p)
{
  return &p->self;
}

bool speaker_receives(const struct speaker *p)
{
  return p->ways->receives;
}

void *speaker_socket(const struct speaker *p)
{
  return p->ways->socket(p);
}

void speaker_say(struct speaker *p, const struct event *e, struct bytes bodies)
{
  p->ways->say(p, e, bodies);
}

void speaker_push(struct speaker *p)
{
  p->ways->push(p);
}

void speaker_take(struct speaker *p, speaker_hears hears, void *context)
{
  p->ways->take(p, hears, context);
}
