/* Welcome, answer, delivery: checkpoint first, then what it proves, then one commit, then what follows from it. What
 * does not hold is accused. What was sent and refused is sent again, signed again or taken apart, as the reason says.
 */
#include "agents/heard.h"

#include <string.h>

#include "agents/again.h"
#include "agents/duty.h"
#include "agents/inbox.h"
#include "agents/invite.h"
#include "agents/restored.h"
#include "agents/seen.h"
#include "agents/set_back.h"

enum {
  RETRY_MS = 2000,
  NO_ROOM_MS = 15000, /* the disk is full: what came is asked for again later */
  GAP_MS = 100,
  NOT_HEARD_MS = 60000,
  SUSPENDED_MS = 60000,
  TAKEN_OVER_MS = 15000,
  TAKEN_OVER_PERIOD_MS = 3600000, /* twice in this time: a copy is running */
};

static void contact(struct books *b)
{
  struct marks m;
  marks_get(b, &m);
  m.contact_ms = now_ms();
  marks_put(b, &m);
}

/* From when the disk is full the books show nothing: what was judged by them is no verdict, and nobody is accused. */
static enum status sound(struct agent *a, const struct books *b, enum status s)
{
  if (b->trouble == OK)
    return s;
  a->evidence.accused = ALARM_NONE;
  return b->trouble;
}

/* Ends the transaction of a message that was not taken. */
static void not_taken(struct agent *a, enum status why)
{
  agent_abort(a);
  if (why == BAD_INPUT)
    session_accused(a);
  else
    session_down(a, NO_ROOM_MS);
}

/* The longest wait that was asked for counts: of batches sent together each one may be refused. */
static void hold(struct agent *a, uint64_t wait_ms)
{
  uint64_t until_ms = ticks_ms() + wait_ms;
  if (until_ms > a->session.hold_ms)
    a->session.hold_ms = until_ms;
}

static void not_heard(struct agent *a)
{
  session_alarm(a, ALARM_NOT_HEARD);
  hold(a, NOT_HEARD_MS);
  pace_unsent(&a->session.pace, UINT64_MAX);
  if (a->session.phase != PHASE_READY)
    session_down(a, NOT_HEARD_MS);
}

/* --- welcome --- */

static void welcome(struct agent *a, const Onward__Welcome *w)
{
  bool ahead;
  if (a->session.phase != PHASE_HELLO || restored_comes_first(a, w))
    return;
  if (evidence_checkpoint(&a->evidence, pb_bytes(w->checkpoint), pb_bytes(w->consistency)) != OK) {
    session_accused(a);
    return;
  }
  struct books *b = agent_write(a);
  enum status s = sound(a, b, set_back_is(a, b, w, &ahead));
  if (s != OK) {
    not_taken(a, s);
    return;
  }
  if (ahead)
    set_back_adopt(b, w->last_sequence);
  a->exchange_ahead_ms = (int64_t)(w->time_ms - now_ms());
  contact(b);
  evidence_keep(&a->evidence, b);
  alarm_end(b, ALARM_SUSPENDED);
  alarm_end(b, ALARM_EXCHANGE_BACK);
  if (agent_commit(a) != OK) {
    session_down(a, NO_ROOM_MS);
    return;
  }
  a->session.wait_ms = 0;
  a->session.refused = NULL;
  if (ahead) {
    a->session.wait_ms = a->config.hello_wait_ms;
    session_hello(a); /* again: without claiming to keep what we lost */
    return;
  }
  session_exchange_has(a, w->last_sequence);
  a->session.phase = PHASE_ASKING;
  session_push(a);
}

/* --- the directory --- */

/* Batches were refused for their signatures, and the directory tells by now which key is ours. Behind new signatures a
 * new connection: what the old one still says is about the old ones. */
static void sign_again(struct agent *a)
{
  size_t count;
  struct session *s = &a->session;
  struct books *b = agent_write(a);
  if (outbox_sign_again(b, &a->self, s->sign_from, &count) != OK)
    b->trouble = OUR_FAULT;
  if (agent_commit(a) != OK) {
    session_down(a, NO_ROOM_MS);
    return;
  }
  s->sign_from = 0;
  if (count == 0) { /* it is our present key that does not fit */
    not_heard(a);
    return;
  }
  s->hold_ms = 0;
  session_down(a, 0);
}

static void directory_moved(struct agent *a)
{
  agent_check_keys(a);
  struct books *b = agent_write(a);
  arena_reset(&a->arena);
  duty_check_keys(a, b);
  if (agent_commit(a) == OK)
    duty_reseal(a);
}

/* What a suspended registrar had begun must not be done when it is let in again, days later. */
static void drop_registry_acts(struct books *b)
{
  if (outbox_drop_registry(b) > 0 && alarm_raise(b, ALARM_DROPPED, now_ms(), NULL))
    say("alarm: %s", alarm_text(ALARM_DROPPED));
}

/* Also when it was let in again since: it may have been away in between. */
static bool suspends_us(struct agent *a, const Onward__Answer *m)
{
  size_t used = a->arena.used;
  bool found = false;
  for (size_t i = 0; i < m->n_entries; i++) {
    struct leaf leaf;
    struct event e;
    struct complaint why;
    found |= leaf_read(pb_bytes(m->entries[i]->leaf), &leaf) == OK &&
             event_read(leaf.event, &a->arena, &why, &e) == OK && e.act == ONWARD__CORE__ACT_SUSPEND &&
             bytes_equal(pb_bytes(e.core->suspend->organisation), org_id_text(&a->self.id));
    a->arena.used = used;
  }
  return found;
}

static void begin_reading(struct agent *a)
{
  a->session.busy = false;
  a->session.phase = PHASE_READY;
  a->session.moved_ms = ticks_ms();
  say("connected; the log has %llu entries", (unsigned long long)a->evidence.newest.size);
  session_credit(a);
}

/* The chain is whole: a registrar has signed for the epoch that the checkpoint names. */
static bool epoch_fits(const struct agent *a, struct books *b)
{
  struct head head;
  books_head(b, &head);
  return head.epoch == checkpoint_epoch(&a->evidence.newest, &a->evidence.log_key);
}

static void answer(struct agent *a, const Onward__Answer *m)
{
  size_t changed;
  bool more = m->more != 0;
  if (!session_connected(&a->session))
    return;
  if (evidence_checkpoint(&a->evidence, pb_bytes(m->checkpoint), pb_bytes(m->consistency)) != OK) {
    session_accused(a);
    return;
  }
  struct books *b = agent_write(a);
  enum status s = directory_take(&a->evidence, b, m, &a->arena, &changed);
  if (s == OK && !more && !epoch_fits(a, b))
    s = evidence_accuse(&a->evidence, ALARM_WITHHELD);
  s = sound(a, b, s);
  if (s != OK) {
    not_taken(a, s);
    return;
  }
  invite_make(a, b, m);
  if (suspends_us(a, m))
    drop_registry_acts(b);
  contact(b);
  evidence_keep(&a->evidence, b);
  if (agent_commit(a) != OK) {
    session_down(a, NO_ROOM_MS);
    return;
  }
  seen_note(&a->seen, m, ticks_ms());
  if (changed > 0)
    directory_moved(a);
  if (more) {
    session_ask(a);
    return;
  }
  a->session.answered_ms = ticks_ms();
  if (a->session.sign_from != 0)
    sign_again(a);
  if (a->session.phase == PHASE_ASKING)
    begin_reading(a);
  session_push(a);
}

/* --- deliveries --- */

/* The directory first: what else comes on this connection is dropped, and read again after the hello. */
static void put_aside(struct agent *a, uint64_t registry)
{
  agent_abort(a);
  if (a->session.asked_for == registry) { /* it was asked for, and withheld */
    (void)evidence_accuse(&a->evidence, ALARM_WITHHELD);
    session_accused(a);
    return;
  }
  a->session.asked_for = registry;
  a->session.wait_ms = a->config.hello_wait_ms;
  session_hello(a);
}

/* The hello says that we keep nothing, so that our own entries come whole; and the welcome tells whether the exchange
 * has a batch under a number of ours that we did not sign. */
static void ask_whole(struct agent *a)
{
  agent_abort(a);
  a->session.whole = true;
  a->session.wait_ms = a->config.hello_wait_ms;
  session_hello(a);
}

static void delivered(struct agent *a, size_t entries, size_t size, bool ours, uint64_t confirmed)
{
  struct session *s = &a->session;
  uint64_t now = ticks_ms();
  s->delivery_bytes = pace_delivery(s->delivery_bytes, size, now - s->heard_ms, a->config.credit_bytes);
  pace_logged(&s->pace, confirmed, now);
  s->heard_ms = s->moved_ms = now;
  if (ours) {
    s->waits_from_ms = 0;
    s->busy = false;
  }
  s->mail_read = s->whole = false;
  s->credit -= entries < s->credit ? entries : s->credit;
  if (s->granted * 2 <= a->config.credit_entries)
    s->granted *= 2;
  if (s->credit <= s->granted / 2)
    session_credit(a);
  duty_reseal(a);
  again_say(a);
  session_push(a);
}

static void delivery(struct agent *a, const Onward__Delivery *d, const struct link_message *m)
{
  uint64_t registry = 0;
  if (a->session.phase != PHASE_READY)
    return;
  if (evidence_checkpoint(&a->evidence, pb_bytes(d->checkpoint), pb_bytes(d->consistency)) != OK) {
    session_accused(a);
    return;
  }
  struct books *b = agent_write(a);
  size_t unlogged = outbox_unlogged(b);
  enum status s = sound(a, b, inbox_take(a, b, d, m->sealed, &registry));
  if (s == NOT_FOUND && registry == 0) {
    ask_whole(a);
    return;
  }
  if (s == NOT_FOUND) {
    put_aside(a, registry);
    return;
  }
  if (s != OK) {
    not_taken(a, s);
    return;
  }
  bool ours = outbox_unlogged(b) < unlogged;
  uint64_t confirmed = outbox_confirmed(b);
  contact(b);
  evidence_keep(&a->evidence, b);
  if (agent_commit(a) == OK)
    delivered(a, d->n_entries, m->body.size + m->sealed.size, ours, confirmed);
  else
    session_down(a, NO_ROOM_MS);
}

/* --- refusals --- */

/* One event is to blame, and sending it again will not help: it leaves the queue, and its item says so. */
static void take_out(struct agent *a, uint64_t sequence, size_t event)
{
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  struct books *b = agent_write(a);
  size_t count = outbox_flights(b, flights);
  for (size_t i = 0; i < count; i++) {
    if (flights[i].sequence != sequence)
      continue;
    if (event >= 1 && event <= flights[i].count)
      outbox_drop(b, sequence, event - 1);
    else if (flights[i].count == 1)
      outbox_drop(b, sequence, 0);
    else
      outbox_unform(b, sequence); /* one by one, to find it */
  }
  a->session.pace.room = 0; /* one by one */
  pace_unsent(&a->session.pace, UINT64_MAX);
  if (agent_commit(a) == OK)
    session_alarm(a, ALARM_NOT_HEARD);
}

static void signature_refused(struct agent *a, uint64_t sequence)
{
  struct session *s = &a->session;
  if (s->sign_from == 0 || sequence < s->sign_from)
    s->sign_from = sequence > 0 ? sequence : 1;
  hold(a, RETRY_MS);
  session_ask(a); /* for our own new key */
}

/* What the exchange says in its own words is shown on terminals: printable ASCII, and no more than a line of it. */
static void print_what(ProtobufCBinaryData what, char out[121])
{
  size_t size = what.len < 120 ? what.len : 120;
  for (size_t i = 0; i < size; i++)
    out[i] = what.data[i] >= ' ' && what.data[i] <= '~' ? (char)what.data[i] : '?';
  out[size] = 0;
}

static void not_welcome(struct agent *a, Onward__RefusalReason reason)
{
  const char *why = "the exchange refuses what this computer says: phone the operator";
  if (reason == ONWARD__REFUSAL_REASON__WRONG_VERSION)
    why = "the exchange speaks another version than Onward on this computer: install the newest, or phone the operator";
  if (reason == ONWARD__REFUSAL_REASON__WRONG_NETWORK)
    why = "the exchange is another network's than the one that this computer joined: phone the operator";
  if (reason == ONWARD__REFUSAL_REASON__WRONG_ORGANISATION)
    why = "the exchange knows this computer's keys as another organisation's: phone a registrar";
  session_refused(a, why);
  session_down(a, NOT_HEARD_MS);
}

static void refusal(struct agent *a, const Onward__Refusal *r)
{
  uint64_t sequence = r->sequence;
  char what[121];
  print_what(r->what, what);
  say("not heard: %s, batch %llu, event %u: %s", pb_enum_name(&onward__refusal_reason__descriptor, (int)r->reason),
      (unsigned long long)sequence, r->event, what);
  switch (r->reason) {
  case ONWARD__REFUSAL_REASON__BUSY:
  case ONWARD__REFUSAL_REASON__OVER_QUOTA:
    a->session.busy = true;
    hold(a, r->retry_after_ms > 0 ? r->retry_after_ms : RETRY_MS);
    pace_unsent(&a->session.pace, UINT64_MAX);
    if (a->session.phase != PHASE_READY)
      session_down(a, RETRY_MS);
    break;
  case ONWARD__REFUSAL_REASON__SEQUENCE_GAP:
    hold(a, GAP_MS);
    pace_unsent(&a->session.pace, sequence);
    break;
  case ONWARD__REFUSAL_REASON__KEY_ENDED:
  case ONWARD__REFUSAL_REASON__BAD_SIGNATURE: /* by a key older than that, or not ours at all */
    signature_refused(a, sequence);
    break;
  case ONWARD__REFUSAL_REASON__SEQUENCE_TAKEN:
  case ONWARD__REFUSAL_REASON__NOT_WELCOME_YET:
    hold(a, GAP_MS);
    a->session.wait_ms = a->config.hello_wait_ms;
    pace_unsent(&a->session.pace, UINT64_MAX);
    session_hello(a);
    break;
  case ONWARD__REFUSAL_REASON__MALFORMED:
  case ONWARD__REFUSAL_REASON__BAD_BODY:
    if (sequence != 0)
      take_out(a, sequence, r->event);
    else if (a->session.phase == PHASE_HELLO)
      not_welcome(a, r->reason);
    else
      not_heard(a);
    break;
  default:
    if (a->session.phase == PHASE_HELLO)
      not_welcome(a, r->reason);
    else
      not_heard(a);
    break;
  }
}

static void goodbye(struct agent *a, Onward__GoodbyeReason reason)
{
  struct session *s = &a->session;
  struct key_folder next;
  uint64_t now = ticks_ms();
  say("the exchange says goodbye: %s", pb_enum_name(&onward__goodbye_reason__descriptor, (int)reason));
  switch (reason) {
  case ONWARD__GOODBYE_REASON__SESSION_TAKEN_OVER:
    if (s->taken_over_ms != 0 && now - s->taken_over_ms < TAKEN_OVER_PERIOD_MS)
      session_alarm(a, ALARM_TWO_COPIES);
    s->taken_over_ms = now;
    session_down(a, TAKEN_OVER_MS);
    break;
  case ONWARD__GOODBYE_REASON__SUSPENDED:
    if (keys_open_next(a->home, a->why, &next) == OK) { /* our keys change: it knows the new ones only */
      keys_close(&next);
      session_lost(a);
      break;
    }
    session_refused(a, "your organisation is suspended, or its keys were replaced; phone a registrar");
    session_alarm(a, ALARM_SUSPENDED);
    drop_registry_acts(agent_write(a));
    if (agent_commit(a) != OK)
      say("what is to be dropped could not be written");
    session_down(a, SUSPENDED_MS);
    break;
  case ONWARD__GOODBYE_REASON__CHECKPOINT_AHEAD:
    session_alarm(a, ALARM_EXCHANGE_BACK);
    session_down(a, NOT_HEARD_MS);
    break;
  default:
    session_lost(a);
    break;
  }
}

void heard_message(struct agent *a, const struct link_message *m)
{
  static const struct {
    enum frame_kind kind;
    const ProtobufCMessageDescriptor *type;
  } kinds[] = {{FRAME_WELCOME, &onward__welcome__descriptor},
               {FRAME_DELIVERY, &onward__delivery__descriptor},
               {FRAME_ANSWER, &onward__answer__descriptor},
               {FRAME_REFUSAL, &onward__refusal__descriptor},
               {FRAME_GOODBYE, &onward__goodbye__descriptor}};
  void *message = NULL;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (kinds[i].kind == m->kind)
      message = pb_unpack(kinds[i].type, m->body, &a->arena);
  if (message == NULL) {
    say("the exchange said something that is no message of this version");
    session_lost(a);
    return;
  }
  if (m->kind == FRAME_WELCOME)
    welcome(a, message);
  else if (m->kind == FRAME_ANSWER)
    answer(a, message);
  else if (m->kind == FRAME_DELIVERY)
    delivery(a, message, m);
  else if (m->kind == FRAME_REFUSAL)
    refusal(a, message);
  else
    goodbye(a, ((const Onward__Goodbye *)message)->reason);
}
