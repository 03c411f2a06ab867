/* One message, one function. What is proved is committed before anything is done about it; what is accused is recorded, and the link
 * is closed for good. A connection that was cut costs nothing but time: the hello says where we are.
 */
#include "agents/session.h"

#include <string.h>

#include "agents/agent.h"
#include "agents/duty.h"
#include "agents/papers_made.h"

enum {
  WAIT_DOUBLINGS = 8,     /* the longest wait for a hello, in first waits */
  SUSPENDED_WAIT_MS = 120000,
  TAKEN_OVER_WAIT_MS = 30000,
  TAKEN_OVER_PERIOD_MS = 3600000, /* two in this time: a copy is running */
  RETRY_MS = 2000,
  NOT_HEARD_WAIT_MS = 60000,
};

enum status session_init(struct session *s)
{
  *s = (struct session){.phase = PHASE_DOWN, .batch_events = 1};
  return link_init(&s->link);
}

void session_fini(struct session *s)
{
  link_fini(&s->link);
}

bool session_connected(const struct session *s)
{
  return s->phase == PHASE_ASKING || s->phase == PHASE_READY;
}

void session_ask_soon(struct session *s)
{
  s->ask_ms = 0;
}

static void go_down(struct agent *a, uint64_t wait_ms)
{
  struct session *s = &a->session;
  link_close(&s->link);
  s->phase = PHASE_DOWN;
  s->deadline_ms = ticks_ms() + wait_ms;
}

/* A cut while batches were on their way: send less at once. */
static void lost(struct agent *a, uint64_t wait_ms)
{
  struct session *s = &a->session;
  if (s->phase == PHASE_READY && s->batch_events > 1)
    s->batch_events /= 2;
  if (session_connected(s))
    say("the exchange is not reachable");
  go_down(a, wait_ms);
}

/* The books' own words, in a transaction that is closed again. */
static struct marks read_marks(struct agent *a)
{
  struct marks m;
  marks_get(agent_read(a), &m);
  agent_abort(a);
  return m;
}

static void raise(struct agent *a, enum alarm_kind kind)
{
  struct bytes none = {NULL, 0};
  struct books *b = agent_write(a);
  if (alarm_raise(b, kind, now_ms(), bytes_of(a->evidence.note, a->evidence.note_size), none))
    say("alarm: %s", alarm_text(kind));
  if (agent_commit(a) != OK)
    say("the alarm could not be written");
}

/* What does not hold: recorded with what proves it, and nothing more is taken. */
static void accused(struct agent *a)
{
  struct books *b = agent_write(a);
  evidence_record(&a->evidence, b, now_ms());
  say("alarm: %s", alarm_text(a->evidence.accused));
  if (agent_commit(a) != OK)
    say("the alarm could not be written");
  go_down(a, 0);
}

/* --- hello --- */

static void send_packed(struct agent *a, enum frame_kind kind, const void *message)
{
  struct bytes none = {NULL, 0};
  if (link_send(&a->session.link, kind, pb_pack(message, &a->arena), none) != OK)
    lost(a, RETRY_MS);
}

static void hello(struct agent *a)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct marks m;
  Onward__Hello h = ONWARD__HELLO__INIT;
  arena_reset(&a->arena);
  struct books *b = agent_read(a);
  marks_get(b, &m);
  size_t count = outbox_flights(b, flights);
  if (agent_abort(a) != OK)
    return;
  h.organisation = pb_data(org_id_text(&a->self.id));
  h.network = pb_data(hash_bytes(&a->self.network));
  h.checkpoint = pb_data(bytes_of(a->evidence.note, a->evidence.note_size));
  h.kept_from = count > 0 && m.read_back == 0 ? flights[0].sequence : m.sequence + 1;
  s->phase = PHASE_HELLO;
  s->deadline_ms = ticks_ms() + s->wait_ms;
  send_packed(a, FRAME_HELLO, &h);
}

/* While our keys change, it may be the prepared ones that the exchange knows. */
static void choose_keys(struct agent *a, struct link_options *o)
{
  struct key_folder next;
  struct session *s = &a->session;
  memcpy(o->public_key, a->keys.link_public, sizeof o->public_key);
  memcpy(o->secret_key, a->keys.link_secret, sizeof o->secret_key);
  s->next_keys = !s->next_keys && keys_open_next(a->home, a->why, &next) == OK;
  if (!s->next_keys)
    return;
  memcpy(o->public_key, next.link_public, sizeof o->public_key);
  memcpy(o->secret_key, next.link_secret, sizeof o->secret_key);
  keys_close(&next);
}

static void connect_link(struct agent *a)
{
  struct session *s = &a->session;
  struct link_options o = {.address = {0}};
  const char *address = a->config.address[0] != 0 ? a->config.address : a->network.address;
  memcpy(o.address, address, sizeof o.address);
  memcpy(o.socks_proxy, a->config.socks_proxy, sizeof o.socks_proxy);
  memcpy(o.server_key, a->network.link_key, sizeof o.server_key);
  choose_keys(a, &o);
  memset(s->sent, 0, sizeof s->sent);
  uint64_t first = a->config.hello_wait_ms;
  s->wait_ms = s->wait_ms == 0 ? first : s->wait_ms < first * WAIT_DOUBLINGS ? s->wait_ms * 2 : first * WAIT_DOUBLINGS;
  enum status opened = link_open(&s->link, &o);
  wipe(&o, sizeof o);
  if (opened == OK) {
    hello(a);
  } else {
    say("%s: cannot be used as an address", address);
    go_down(a, first * WAIT_DOUBLINGS);
  }
}

/* --- welcome --- */

/* Is the exchange ahead of what we remember having signed? Then our books came from a backup, or a copy of them is running. */
static bool is_ahead(struct agent *a, struct books *b, const Onward__Welcome *w)
{
  struct marks m;
  struct leaf leaf;
  struct batch_header h;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  marks_get(b, &m);
  if (w->last_sequence == 0 || m.read_back >= w->last_sequence)
    return false;
  if (w->last_sequence > m.sequence)
    return true;
  size_t count = outbox_flights(b, flights);
  if (w->last == NULL || evidence_leaf(&a->evidence, pb_bytes(w->last->leaf), pb_bytes(w->last->path), &leaf) != OK ||
      batch_header_read(leaf.header, &h) != OK)
    return false;
  for (size_t i = 0; i < count; i++)
    if (flights[i].sequence == h.sequence && !hash_equal(&flights[i].header.root, &h.root))
      return true;
  return false;
}

static void adopt_sequence(struct agent *a, struct books *b, uint64_t sequence)
{
  struct marks m;
  struct bytes none = {NULL, 0};
  marks_get(b, &m);
  m.sequence = m.read_back = sequence;
  m.position = 0;
  marks_put(b, &m);
  if (alarm_raise(b, ALARM_SET_BACK, now_ms(), none, none))
    say("alarm: %s", alarm_text(ALARM_SET_BACK));
}

static void ask(struct agent *a)
{
  Onward__Ask m = ONWARD__ASK__INIT;
  struct session *s = &a->session;
  arena_reset(&a->arena);
  m.registry_after = directory_known(agent_read(a));
  if (agent_abort(a) != OK)
    return;
  s->ask_ms = ticks_ms() + a->config.ask_interval_s * 1000;
  send_packed(a, FRAME_ASK, &m);
}

static void take_welcome(struct agent *a, struct bytes body)
{
  struct session *s = &a->session;
  struct marks m;
  const Onward__Welcome *w = pb_unpack(&onward__welcome__descriptor, body, &a->arena);
  if (s->phase != PHASE_HELLO)
    return;
  if (w == NULL || !bytes_equal(pb_bytes(w->organisation), org_id_text(&a->self.id))) {
    lost(a, RETRY_MS);
    return;
  }
  if (evidence_checkpoint(&a->evidence, pb_bytes(w->checkpoint), pb_bytes(w->consistency)) != OK) {
    accused(a);
    return;
  }
  struct books *b = agent_write(a);
  bool ahead = is_ahead(a, b, w);
  if (a->evidence.accused != ALARM_NONE) {
    agent_abort(a);
    accused(a);
    return;
  }
  if (ahead)
    adopt_sequence(a, b, w->last_sequence);
  marks_get(b, &m);
  m.contact_ms = now_ms();
  marks_put(b, &m);
  evidence_keep(&a->evidence, b);
  alarm_end(b, ALARM_SUSPENDED);
  alarm_end(b, ALARM_EXCHANGE_BACK);
  if (agent_commit(a) != OK) {
    lost(a, RETRY_MS);
    return;
  }
  s->wait_ms = a->config.hello_wait_ms;
  if (ahead) {
    hello(a); /* again: now without claiming to keep what we lost */
    return;
  }
  s->phase = PHASE_ASKING;
  ask(a);
}

/* --- the directory --- */

static void credit(struct agent *a)
{
  struct session *s = &a->session;
  Onward__Credit m = ONWARD__CREDIT__INIT;
  m.from = read_marks(a).position;
  m.entries = (uint32_t)a->config.credit_entries;
  m.bytes = (uint32_t)a->config.credit_bytes;
  s->credit = a->config.credit_entries;
  s->heard_ms = ticks_ms();
  arena_reset(&a->arena);
  send_packed(a, FRAME_CREDIT, &m);
}

static void sign_again(struct agent *a)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct books *b = agent_write(a);
  size_t count = outbox_flights(b, flights);
  for (size_t i = 0; i < count; i++)
    if (outbox_sign_again(b, &a->self, flights[i].sequence) != OK)
      b->trouble = OUR_FAULT;
  if (agent_commit(a) == OK)
    memset(s->sent, 0, sizeof s->sent);
  s->sign_again = false;
}

static void directory_moved(struct agent *a)
{
  agent_check_keys(a);
  struct books *b = agent_write(a);
  duty_check_keys(a, b);
  (void)agent_commit(a);
  duty_reseal(a);
}

static void take_answer(struct agent *a, struct bytes body)
{
  struct session *s = &a->session;
  size_t changed;
  const Onward__Answer *m = pb_unpack(&onward__answer__descriptor, body, &a->arena);
  if (!session_connected(s))
    return;
  if (m == NULL) {
    lost(a, RETRY_MS);
    return;
  }
  if (evidence_checkpoint(&a->evidence, pb_bytes(m->checkpoint), pb_bytes(m->consistency)) != OK) {
    accused(a);
    return;
  }
  struct books *b = agent_write(a);
  enum status taken = directory_take(&a->evidence, b, m, &a->arena, &changed);
  if (taken != OK) {
    agent_abort(a);
    if (taken == BAD_INPUT)
      accused(a);
    else
      lost(a, RETRY_MS);
    return;
  }
  papers_make(a, b, m);
  evidence_keep(&a->evidence, b);
  bool more = m->more != 0;
  if (agent_commit(a) != OK) {
    lost(a, RETRY_MS);
    return;
  }
  if (changed > 0)
    directory_moved(a);
  if (more) {
    ask(a);
    return;
  }
  if (s->sign_again)
    sign_again(a);
  if (s->phase == PHASE_ASKING) {
    s->phase = PHASE_READY;
    s->moved_ms = ticks_ms();
    say("connected: %llu entries in the log", (unsigned long long)a->evidence.newest.size);
    credit(a);
  }
  session_push(a);
}

/* --- deliveries --- */

static void batches_moved(struct agent *a, size_t before)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct books *b = agent_read(a);
  size_t now = outbox_flights(b, flights);
  if (agent_abort(a) != OK)
    return;
  s->moved_ms = ticks_ms();
  if (now < before && s->batch_events < BATCH_EVENTS_MAX)
    s->batch_events *= 2;
}

static size_t in_flight(struct books *b)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  return outbox_flights(b, flights);
}

/* The directory first: what follows on this connection is put aside, and read again after the next hello. */
static void set_aside(struct agent *a, uint64_t registry)
{
  struct session *s = &a->session;
  if (s->asked_for == registry) { /* it was asked for, and did not come */
    (void)evidence_accuse(&a->evidence, ALARM_WITHHELD, (struct bytes){NULL, 0});
    accused(a);
    return;
  }
  s->asked_for = registry;
  hello(a);
}

static void take_delivery(struct agent *a, const struct link_message *message)
{
  struct session *s = &a->session;
  uint64_t registry = 0;
  if (s->phase != PHASE_READY)
    return;
  const Onward__Delivery *d = pb_unpack(&onward__delivery__descriptor, message->body, &a->arena);
  if (d == NULL) {
    lost(a, RETRY_MS);
    return;
  }
  if (evidence_checkpoint(&a->evidence, pb_bytes(d->checkpoint), pb_bytes(d->consistency)) != OK) {
    accused(a);
    return;
  }
  struct books *b = agent_write(a);
  size_t before = in_flight(b);
  enum status taken = inbox_take(a, b, d, message->sealed, &registry);
  if (taken != OK) {
    agent_abort(a);
    if (taken == BAD_INPUT)
      accused(a);
    else if (taken == NOT_FOUND)
      set_aside(a, registry);
    else
      lost(a, RETRY_MS);
    return;
  }
  struct marks m;
  marks_get(b, &m);
  m.contact_ms = now_ms();
  marks_put(b, &m);
  evidence_keep(&a->evidence, b);
  if (agent_commit(a) != OK) {
    lost(a, RETRY_MS);
    return;
  }
  s->heard_ms = ticks_ms();
  s->credit -= d->n_entries < s->credit ? d->n_entries : s->credit;
  batches_moved(a, before);
  if (s->credit <= a->config.credit_entries / 2)
    credit(a);
  duty_reseal(a);
  session_push(a);
}
