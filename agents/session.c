/* A connection that was cut costs nothing but time: the hello says where we are. Batches are sent again on every
 * connection until their entries come back; new ones are formed only while the link takes them.
 */
#include "agents/session.h"

#include <string.h>

#include "agents/again.h"
#include "agents/agent.h"
#include "agents/duty.h"
#include "agents/heard.h"

enum {
  WAIT_DOUBLINGS = 8, /* the longest wait for a hello, in first waits */
  RETRY_MS = 1000,
  NOT_WRITTEN_MS = 15000, /* an alarm that found no room: what raised it is asked for again */
  QUIET_MS = 3000,        /* without a delivery: the mailbox is read */
  STALLED_MS = 60000,
  STUCK_MS = 600000, /* batches in flight that do not move: something was lost, begin again */
  INPUT_AT_ONCE = 16,
  FIRST_CREDIT = 8, /* entries */
};

enum status session_init(struct session *s, bool halted)
{
  *s = (struct session){.phase = PHASE_DOWN, .delivery_bytes = PACE_DELIVERY_FIRST, .halted = halted};
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

const char *session_connection(const struct session *s, const char **why)
{
  *why = s->refused;
  if (session_connected(s))
    return "connected";
  return s->refused != NULL ? "refused" : "unreachable";
}

bool session_stalled(const struct session *s)
{
  return session_connected(s) && s->waits_from_ms != 0 && ticks_ms() >= s->waits_from_ms + STALLED_MS;
}

bool session_directory_whole(const struct session *s, struct books *b)
{
  return s->asked_for <= directory_known(b);
}

/* That the prepared keys are not in force yet is no news. */
void session_refused(struct agent *a, const char *why)
{
  struct session *s = &a->session;
  s->refused_now = true;
  if (s->next_keys || s->refused == why)
    return;
  s->refused = why;
  say("%s", why);
}

void session_down(struct agent *a, uint64_t wait_ms)
{
  struct session *s = &a->session;
  if (session_connected(s))
    say("the exchange is not reachable");
  link_close(&s->link);
  pace_cut(&s->pace);
  s->phase = PHASE_DOWN;
  s->deadline_ms = ticks_ms() + wait_ms;
}

void session_lost(struct agent *a)
{
  struct session *s = &a->session;
  if (s->phase == PHASE_READY && s->credit == s->granted) { /* nothing of it came through */
    s->granted -= s->granted / 2;
    s->delivery_bytes = pace_delivery(s->delivery_bytes, s->delivery_bytes, UINT64_MAX, s->delivery_bytes);
  }
  session_down(a, RETRY_MS);
}

void session_alarm(struct agent *a, enum alarm_kind kind)
{
  const struct alarm_proof proof = {.part[ALARM_HELD] = bytes_of(a->evidence.note, a->evidence.note_size)};
  struct books *b = agent_write(a);
  if (alarm_raise(b, kind, now_ms(), &proof))
    say("alarm: %s", alarm_text(kind));
  if (agent_commit(a) != OK)
    say("the alarm could not be written");
}

void session_accused(struct agent *a)
{
  struct books *b = agent_write(a);
  evidence_record(&a->evidence, b, now_ms());
  say("alarm: %s", alarm_text(a->evidence.accused));
  a->session.halted = agent_commit(a) == OK;
  if (!a->session.halted)
    say("the alarm could not be written");
  session_down(a, a->session.halted ? 0 : NOT_WRITTEN_MS);
}

/* --- saying --- */

static void send_packed(struct agent *a, enum frame_kind kind, const void *message)
{
  struct bytes none = {NULL, 0};
  if (link_send(&a->session.link, kind, pb_pack(message, &a->arena), none) != OK)
    session_lost(a);
}

void session_hello(struct agent *a)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct marks m;
  Onward__Hello h = ONWARD__HELLO__INIT;
  arena_reset(&a->arena);
  struct books *b = agent_read(a);
  marks_get(b, &m);
  size_t count = outbox_flights(b, flights);
  uint64_t confirmed = m.read_back == 0 ? outbox_confirmed(b) : 0;
  if (agent_abort(a) != OK)
    return;
  h.organisation = pb_data(org_id_text(&a->self.id));
  h.network = pb_data(hash_bytes(&a->self.network));
  h.checkpoint = pb_data(bytes_of(a->evidence.note, a->evidence.note_size));
  h.confirmed = confirmed;
  h.kept_from = s->whole ? UINT64_MAX : count > 0 && m.read_back == 0 ? flights[0].sequence : m.sequence + 1;
  s->phase = PHASE_HELLO;
  s->deadline_ms = ticks_ms() + s->wait_ms;
  send_packed(a, FRAME_HELLO, &h);
  if (s->phase == PHASE_HELLO)
    session_ask(a); /* with it: on a far link an answer less to wait for */
}

void session_ask(struct agent *a)
{
  Onward__Ask m = ONWARD__ASK__INIT;
  arena_reset(&a->arena);
  struct marks marks;
  struct books *b = agent_read(a);
  ProtobufCBinaryData seen[SEEN_MAX];
  m.bytes = (uint32_t)a->session.delivery_bytes;
  m.registry_after = directory_known(b);
  marks_get(b, &marks);
  m.capacity_after = marks.capacity;
  if (agent_abort(a) != OK)
    return;
  m.n_seen = a->seen.wanted ? a->seen.count : 0;
  m.seen = seen;
  for (size_t i = 0; i < a->seen.count; i++)
    seen[i] = pb_data(org_id_text(&a->seen.list[i].id));
  a->session.ask_ms = ticks_ms() + a->config.ask_interval_s * 1000;
  send_packed(a, FRAME_ASK, &m);
}

bool session_refresh(struct agent *a)
{
  const struct session *s = &a->session;
  if (s->phase == PHASE_READY)
    session_ask(a);
  return session_connected(s);
}

void session_credit(struct agent *a)
{
  struct session *s = &a->session;
  Onward__Credit m = ONWARD__CREDIT__INIT;
  struct marks marks;
  arena_reset(&a->arena);
  marks_get(agent_read(a), &marks);
  if (agent_abort(a) != OK)
    return;
  m.from = marks.position;
  if (s->granted == 0 || s->granted > a->config.credit_entries)
    s->granted = a->config.credit_entries < FIRST_CREDIT ? a->config.credit_entries : FIRST_CREDIT;
  m.entries = (uint32_t)s->granted;
  if (s->delivery_bytes > a->config.credit_bytes)
    s->delivery_bytes = a->config.credit_bytes;
  m.bytes = (uint32_t)s->delivery_bytes;
  s->credit = s->granted;
  s->heard_ms = ticks_ms();
  s->mail_read = false;
  send_packed(a, FRAME_CREDIT, &m);
}

/* --- connecting --- */

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
  struct link_options o;
  uint64_t first = a->config.hello_wait_ms;
  memcpy(o.address, a->config.address[0] != 0 ? a->config.address : a->network.address, sizeof o.address);
  memcpy(o.socks_proxy, a->config.socks_proxy, sizeof o.socks_proxy);
  memcpy(o.server_key, a->network.link_key, sizeof o.server_key);
  choose_keys(a, &o);
  s->refused_now = false;
  s->wait_ms = s->wait_ms == 0 ? first : s->wait_ms < first * WAIT_DOUBLINGS ? s->wait_ms * 2 : first * WAIT_DOUBLINGS;
  enum status opened = link_open(&s->link, &o);
  if (opened == OK) {
    session_hello(a);
  } else {
    say("%s: cannot be connected to", o.address);
    session_down(a, first * WAIT_DOUBLINGS);
  }
  wipe(&o, sizeof o);
}

/* --- batches --- */

void session_exchange_has(struct agent *a, uint64_t up_to)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  size_t count = outbox_flights(agent_read(a), flights);
  if (agent_abort(a) != OK)
    return;
  for (size_t i = 0; i < count && flights[i].sequence <= up_to; i++)
    pace_exchange_has(&a->session.pace, flights[i].sequence);
}

/* Sends what is in flight and was not sent on this connection, in order. False: the link takes no more. */
static bool send_flights(struct agent *a)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct books *b = agent_read(a);
  size_t count = outbox_flights(b, flights);
  bool open = true;
  for (size_t i = 0; i < count && open; i++) {
    struct bytes body, sealed;
    uint64_t sequence = flights[i].sequence;
    arena_reset(&a->arena);
    if (pace_was_sent(&s->pace, sequence) ||
        outbox_message(b, sequence, &a->arena, &body, &sealed) != OK) /* part of it came back: all of it is logged */
      continue;
    open = link_send(&s->link, FRAME_SUBMIT, body, sealed) == OK;
    if (open)
      pace_sent(&s->pace, sequence, body.size + sealed.size, ticks_ms());
  }
  if (!open)
    s->hold_ms = ticks_ms() + RETRY_MS;
  return agent_abort(a) == OK && open;
}

/* Forms the next batch, on disk before it is sent. False: nothing more is to be sent. */
static bool form_batch(struct agent *a)
{
  struct marks m;
  uint64_t sequence;
  struct pace_next next = pace_next(&a->session.pace);
  marks_get(agent_read(a), &m);
  if (agent_abort(a) != OK || m.waiting == 0 || next.bytes == 0)
    return false;
  enum status s = outbox_form(agent_write(a), &a->self, BATCH_EVENTS_MAX, next.bytes, next.high_only, &sequence);
  if (s != OK) {
    agent_abort(a);
    return false;
  }
  if (next.high_only)
    a->session.pace.extra = sequence;
  return agent_commit(a) == OK;
}

void session_push(struct agent *a)
{
  struct session *s = &a->session;
  struct marks m;
  struct books *b = agent_read(a);
  marks_get(b, &m);
  bool waits = m.waiting + outbox_unlogged(b) > 0;
  if (agent_abort(a) != OK)
    return;
  if (!waits)
    s->waits_from_ms = 0;
  else if (s->waits_from_ms == 0)
    s->waits_from_ms = ticks_ms();
  if (!session_connected(s) || ticks_ms() < s->hold_ms || s->sign_from != 0 || m.read_back != 0)
    return;
  /* what a suspended registrar had begun must not go before the directory has told it */
  while (send_flights(a) && s->phase == PHASE_READY && form_batch(a))
    ;
}

/* --- the loop's side --- */

static void take_events(struct agent *a)
{
  for (enum link_event e = link_event(&a->session.link); e != LINK_NOTHING; e = link_event(&a->session.link)) {
    if (e == LINK_REFUSED)
      session_refused(a,
                      "the exchange does not know this computer's keys: your organisation is suspended or not enrolled "
                      "yet, or its keys were replaced; phone a registrar");
    if (e == LINK_LOST && a->session.phase != PHASE_DOWN) {
      session_lost(a);
      return;
    }
  }
}

void session_input(struct agent *a)
{
  struct session *s = &a->session;
  for (int i = 0; i < INPUT_AT_ONCE && s->phase != PHASE_DOWN && !a->broken; i++) {
    struct link_message m;
    enum status received = link_receive(&s->link, &m);
    if (received == NOT_NOW)
      break;
    if (received == BAD_INPUT) {
      session_lost(a);
      return;
    }
    arena_reset(&a->arena);
    heard_message(a, &m);
    link_free(&m);
  }
  take_events(a);
}

/* What was missing when the last delivery came will not come by itself any more. */
static void mail_is_read(struct agent *a)
{
  struct books *b = agent_write(a);
  arena_reset(&a->arena);
  enum status s = duty_settle_open(a, b);
  a->session.mail_read = true;
  if (s != OK)
    agent_abort(a);
  else if (agent_commit(a) == OK) {
    again_say(a);
    session_push(a);
  }
}

static bool stuck(struct agent *a, uint64_t now)
{
  struct session *s = &a->session;
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  if (now < s->moved_ms + STUCK_MS)
    return false;
  s->moved_ms = now;
  size_t count = outbox_flights(agent_read(a), flights);
  return agent_abort(a) == OK && count > 0;
}

static void no_answer(struct agent *a)
{
  if (!a->session.refused_now)
    a->session.refused = NULL;
  session_down(a, 0);
}

void session_tick(struct agent *a)
{
  struct session *s = &a->session;
  uint64_t now = ticks_ms();
  if (s->halted)
    return;
  if (s->phase == PHASE_DOWN && now >= s->deadline_ms)
    connect_link(a);
  else if (s->phase == PHASE_HELLO && now >= s->deadline_ms)
    no_answer(a);
  else if (s->phase == PHASE_READY && stuck(a, now))
    session_lost(a);
  if (s->phase == PHASE_READY && now >= s->ask_ms)
    session_ask(a);
  if (s->phase == PHASE_READY && !s->mail_read && now >= s->heard_ms + QUIET_MS)
    mail_is_read(a);
  if (s->phase == PHASE_READY && s->hold_ms != 0 && now >= s->hold_ms) {
    s->hold_ms = 0;
    session_push(a);
  }
}

long session_timeout_ms(const struct agent *a)
{
  const struct session *s = &a->session;
  uint64_t now = ticks_ms(), until = now + 1000;
  uint64_t due[] = {s->phase <= PHASE_HELLO ? s->deadline_ms : until, s->hold_ms != 0 ? s->hold_ms : until};
  for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
    if (due[i] < until)
      until = due[i];
  return until <= now ? (s->halted ? 1000 : 10) : (long)(until - now);
}
