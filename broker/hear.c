/* Who knocks, and what do they want. A message is answered, or noted for the session, or (a batch) kept for the turn.
 * Identity is the CURVE key of the connection, looked up in the registry for every message: a key that was replaced or
 * suspended a moment ago is no longer heard.
 */
#include <stdio.h>
#include <string.h>

#include "broker/inside.h"

enum {
  RETRY_AFTER_MS = 2000,
  MESSAGE_ROOM = 16 * 1048576, /* bytes: more than any one message takes once it is read */
  CUT_AFTER_MS = 200,          /* between goodbye and cutting the line */
  DAY_MS = 86400000,
};

/* --- who may connect, and who is that --- */

/* The organisation whose present link key this is, in standing. */
static enum status organisation_of(struct books *books, const uint8_t link_key[32], struct organisation *out)
{
  struct org_id id;
  if (books_key_owner(books, bytes_of(link_key, 32), &id) != OK || books_organisation(books, &id, out) != OK)
    return NOT_FOUND;
  bool now = memcmp(out->keys.link, link_key, 32) == 0 && standing_speaks(out->standing);
  return now ? OK : NOT_FOUND;
}

int admits(void *context, const uint8_t link_key[32])
{
  struct broker *b = context;
  struct organisation o;
  if (organisation_of(b->journal.view, link_key, &o) != OK)
    return b->journal.view->trouble == OK ? 400 : 300;
  struct meter *m = sessions_meter(&b->sessions, &o.id);
  bool often = m == NULL || !bucket_take(&m->connects, 1, b->config.connects_per_minute, 60000, clock_ms());
  return often ? 300 : 200;
}

/* Nothing more is heard of it; the line is cut once the last word had time to leave. */
static void leave(struct session *s)
{
  s->leaving = true;
  s->cut_ms = clock_ms() + CUT_AFTER_MS;
}

static void dismiss(struct broker *b, struct session *s, Onward__GoodbyeReason reason)
{
  post_goodbye(&b->post, &s->to, reason);
  leave(s);
}

void cut_those_who_left(struct broker *b)
{
  uint64_t now = clock_ms();
  for (size_t i = 0; i < b->sessions.max; i++) {
    struct session *s = &b->sessions.list[i];
    if (s->used && s->leaving && s->cut_ms <= now) {
      door_cut(&s->wire);
      sessions_remove(s);
    }
  }
}

/* After the registry has moved: whoever is no longer in standing, or has another link key now, is cut off. */
void check_sessions(struct broker *b)
{
  struct books *books = b->journal.view;
  for (size_t i = 0; i < b->sessions.max; i++) {
    struct session *s = &b->sessions.list[i];
    struct organisation o;
    if (!s->used || s->leaving || organisation_of(books, s->link_key, &o) == OK || books->trouble != OK)
      continue;
    say("%.16s is cut off: suspended, or its keys were replaced", s->organisation.text);
    dismiss(b, s, ONWARD__GOODBYE_REASON__SUSPENDED);
  }
}

/* --- hearing --- */

enum heard { /* what becomes of a knock */
             DONE,
             KEPT, /* for the turn: it is in `waiting` */
             HELD, /* for the next turn: nothing was done about it yet */
};

void refuse(struct broker *b, const struct knock *k, struct meter *m, uint64_t sequence, const struct refusal *why)
{
  bool later = why->reason == ONWARD__REFUSAL_REASON__BUSY || why->reason == ONWARD__REFUSAL_REASON__OVER_QUOTA;
  post_refusal(&b->post, &k->from, why->reason, sequence, why->event, why->why.text, later ? RETRY_AFTER_MS : 0);
  if (!later)
    bucket_take(&m->refusals, 1, b->config.refusals_per_hour, 3600000, clock_ms());
}

static void refuse_text(struct broker *b, const struct knock *k, struct meter *m, Onward__RefusalReason reason,
                        const char *what)
{
  struct refusal why = {.reason = reason};
  snprintf(why.why.text, sizeof why.why.text, "%s", what);
  refuse(b, k, m, 0, &why);
}
#define REFUSE(b, k, m, reason, what) refuse_text(b, k, m, ONWARD__REFUSAL_REASON__##reason, what)

/* Whether these books continue what that checkpoint, signed by our key, stood for. */
static bool same_history(struct broker *b, const struct checkpoint *c)
{
  struct hash root;
  if (c->size > b->journal.end.checkpoint.size)
    return false;
  enum status s = merkle_tree_root(c->size, books_tree_read, b->journal.view, &root);
  return s == OK && hash_equal(&root, &c->root);
}

static void rolled_back(struct broker *b, const struct knock *k, const struct checkpoint *c)
{
  say("an organisation holds a checkpoint of %llu entries signed by this log's key that these books, of %llu, do not "
      "continue: they were rolled back. Restore the newest backup; nothing is served until then",
      (unsigned long long)c->size, (unsigned long long)b->journal.end.checkpoint.size);
  post_goodbye(&b->post, &k->from, ONWARD__GOODBYE_REASON__CHECKPOINT_AHEAD);
  end(b, EXIT_UNREADABLE);
}

/* What the agent says it knows of the log. False: refused, or the broker must stop. */
static bool known_checkpoint(struct broker *b, const struct knock *k, struct meter *m, const Onward__Hello *h,
                             uint64_t *size, uint32_t *epoch)
{
  struct checkpoint c;
  uint64_t restored[RESTORED_MAX], cut;
  size_t count;
  *size = *epoch = 0;
  if (h->checkpoint.len == 0)
    return true;
  if (checkpoint_open(pb_bytes(h->checkpoint), &b->journal.log_key, &c) != OK ||
      (*epoch = checkpoint_epoch(&c, &b->journal.log_key)) == 0) {
    REFUSE(b, k, m, MALFORMED, "hello.checkpoint: is not one of this log");
    return false;
  }
  if (journal_restored(&b->journal, *epoch, &b->post_arena, restored, &count, &cut) != OK) {
    REFUSE(b, k, m, BUSY, "the books cannot tell since when this log was restored");
    return false;
  }
  if (count > 0 && c.size > cut)
    return true; /* what it knows behind that was lost, as a registrar has signed */
  *size = c.size;
  if (*epoch <= b->journal.end.head.epoch && (c.size == 0 || same_history(b, &c)))
    return true;
  rolled_back(b, k, &c);
  return false;
}

static struct session *open_session(struct broker *b, const struct knock *k, const struct organisation *o,
                                    struct meter *m)
{
  struct session *s = sessions_find(&b->sessions, &k->from);
  struct session *other = sessions_of(&b->sessions, &o->id);
  if (other != NULL && other != s) {
    say("%.16s connected a second time: the first session ends", o->id.text);
    dismiss(b, other, ONWARD__GOODBYE_REASON__SESSION_TAKEN_OVER);
  }
  if (s == NULL)
    s = sessions_add(&b->sessions, &k->from);
  if (s == NULL)
    return NULL;
  *s = (struct session){.used = true,
                        .to = k->from,
                        .wire = k->wire,
                        .organisation = o->id,
                        .meter = m,
                        .patience_ms = s->patience_ms}; /* who does not read gains nothing by another hello */
  memcpy(s->link_key, k->link_key, sizeof s->link_key);
  return s;
}

static void hear_hello(struct broker *b, const struct knock *k, const struct organisation *o, struct meter *m)
{
  uint64_t known_size;
  uint32_t known_epoch;
  arena_reset(&b->post_arena);
  const Onward__Hello *h = pb_unpack(&onward__hello__descriptor, k->body, &b->post_arena);
  if (h == NULL) {
    REFUSE(b, k, m, MALFORMED, "hello: is no well-formed message");
    return;
  }
  if (!bytes_equal(pb_bytes(h->organisation), org_id_text(&o->id))) {
    REFUSE(b, k, m, WRONG_ORGANISATION, "hello.organisation: is not the one whose link key this is");
    return;
  }
  if (!bytes_equal(pb_bytes(h->network), hash_bytes(&b->journal.end.head.network))) {
    REFUSE(b, k, m, WRONG_NETWORK, "hello.network: is another network");
    return;
  }
  uint64_t kept_from = h->kept_from, confirmed = h->confirmed;
  if (!known_checkpoint(b, k, m, h, &known_size, &known_epoch))
    return;
  struct session *s = open_session(b, k, o, m);
  if (s == NULL) {
    REFUSE(b, k, m, BUSY, "too many organisations are connected");
    return;
  }
  door_welcomed(&b->door, &k->wire, clock_ms());
  s->known_size = known_size;
  s->known_epoch = known_epoch;
  s->kept_from = kept_from;
  s->confirmed = confirmed;
  if (post_welcome(&b->post, s) != OK)
    sessions_remove(s);
}

static void hear_credit(struct broker *b, const struct knock *k, struct session *s)
{
  arena_reset(&b->post_arena);
  const Onward__Credit *c = pb_unpack(&onward__credit__descriptor, k->body, &b->post_arena);
  if (c == NULL || c->entries == 0 || c->entries > DELIVERY_ENTRIES_MAX || c->bytes < CREDIT_BYTES_MIN ||
      c->bytes > MESSAGE_SIZE_MAX) {
    REFUSE(b, k, s->meter, MALFORMED, "credit: expected 1 to 256 entries and 4096 to 1048576 bytes");
    return;
  }
  if (!s->placed)
    s->position = c->from;
  s->placed = true;
  s->entries = c->entries;
  s->bytes = c->bytes;
}

/* When it was last here, coarsely: who is connected, who has said something to this process, whose batch the log has.
 * 0: never. */
static uint64_t last_here_ms(struct broker *b, const struct org_id *id)
{
  struct sequence last;
  struct bytes bytes;
  struct leaf leaf = {.time_ms = 0};
  const struct meter *m = sessions_meter_known(&b->sessions, id);
  books_last_sequence(b->journal.view, id, &last);
  if (last.sequence == 0 || books_entry(b->journal.view, last.first_index, &bytes) != OK ||
      leaf_read(bytes, &leaf) != OK)
    leaf.time_ms = 0;
  return m != NULL && m->heard_ms > leaf.time_ms ? m->heard_ms : leaf.time_ms;
}

static bool fill_seen(struct broker *b, const struct org_id *id, Onward__Seen *out)
{
  struct organisation o;
  uint64_t now = clock_ms();
  if (books_organisation(b->journal.view, id, &o) != OK)
    return false;
  out->now = sessions_of(&b->sessions, id) != NULL;
  uint64_t here = out->now ? now : last_here_ms(b, id);
  if (here == 0)
    return false; /* never, as far as anybody knows */
  out->days = here < now ? (uint32_t)((now - here) / DAY_MS) : 0;
  return true;
}

/* The answers to `seen`, in the arena of the ask. */
static size_t answer_seen(struct broker *b, const Onward__Ask *a, Onward__Seen *out[SEEN_MAX])
{
  size_t count = 0;
  for (size_t i = 0; i < a->n_seen; i++) {
    struct org_id id;
    const Onward__Seen init = ONWARD__SEEN__INIT;
    Onward__Seen *one = arena_alloc(&b->post_arena, sizeof *one);
    if (one == NULL)
      break;
    *one = init;
    one->organisation = a->seen[i];
    if (pb_org(a->seen[i], &id) == OK && fill_seen(b, &id, one))
      out[count++] = one;
  }
  return count;
}

static void hear_ask(struct broker *b, const struct knock *k, struct session *s)
{
  Onward__Seen *seen[SEEN_MAX];
  uint64_t size = b->journal.end.head.size;
  arena_reset(&b->post_arena);
  const Onward__Ask *a = pb_unpack(&onward__ask__descriptor, k->body, &b->post_arena);
  if (a == NULL || a->n_seen > SEEN_MAX) {
    REFUSE(b, k, s->meter, MALFORMED, a == NULL ? "ask: is no well-formed message" : "ask.seen: at most 32");
    return;
  }
  if (a->registry_after >= size || a->capacity_after >= size) {
    REFUSE(b, k, s->meter, MALFORMED, "ask: registry_after or capacity_after is beyond the log");
    return;
  }
  enum status st = post_answer(&b->post, s, a, seen, answer_seen(b, a, seen));
  (void)st; /* what cannot be sent is asked for again */
}

/* Keeps the knock: its bodies' bytes are needed until the turn is committed. */
static enum heard hear_submit(struct broker *b, struct knock *k, struct session *s, const struct organisation *o)
{
  struct turn_work *t = b->heard;
  struct waiting *w = &t->waiting[t->waiting_count];
  *w = (struct waiting){.meter = s->meter};
  enum status st = batch_read(k->body, k->sealed, &t->arena, &w->why, &w->batch);
  if (st == OK && !org_id_equal(&w->batch.header.organisation, &s->organisation)) {
    w->why.reason = ONWARD__REFUSAL_REASON__WRONG_ORGANISATION;
    snprintf(w->why.why.text, sizeof w->why.why.text, "batch.header: is not the organisation of this link");
    st = BAD_INPUT;
  }
  /* it would undo the turn, and with it what lets other bodies go */
  if (st == OK && k->sealed.size > 0 && !store_takes_bodies(b->journal.reader))
    st = NOT_NOW;
  if (st == NOT_NOW) {
    w->why.reason = ONWARD__REFUSAL_REASON__BUSY;
    snprintf(w->why.why.text, sizeof w->why.why.text, "too much for now: nothing was lost, send it again");
  }
  if (st != OK) {
    refuse(b, k, s->meter, w->batch.header.sequence, &w->why);
    return DONE;
  }
  batch_verify(&b->ring, &w->batch, o->keys.sign); /* now, while another turn is written */
  s->meter->share.events += w->batch.count;
  knock_move(&w->knock, k);
  t->waiting_count++;
  return KEPT;
}

static bool within_quota(struct broker *b, const struct knock *k, struct meter *m)
{
  const struct config *c = &b->config;
  uint64_t now = clock_ms();
  double size = (double)(k->head.size + k->body.size + k->sealed.size);
  m->heard_ms = now;
  m->share.messages++;
  m->share.bytes += (uint64_t)size;
  return bucket_take(&m->messages, 1, c->messages_per_minute, 60000, now) &&
         bucket_take(&m->bytes, size, c->bytes_per_minute, 60000, now) &&
         bucket_take(&m->refusals, 0, c->refusals_per_hour, 3600000, now);
}

static enum heard hear(struct broker *b, struct knock *k)
{
  uint8_t version;
  enum frame_kind kind;
  struct organisation o;
  enum status known = organisation_of(b->journal.view, k->link_key, &o);
  struct session *s = sessions_find(&b->sessions, &k->from);
  if (known != OK || (s != NULL && s->leaving))
    return DONE; /* suspended while connected: not even answered */
  struct meter *m = sessions_meter(&b->sessions, &o.id);
  if (m == NULL)
    return DONE; /* none can be missing: a handshake makes it */
  if (!share_left(&m->share, &b->config, b->turns))
    return HELD;
  if (!within_quota(b, k, m)) {
    REFUSE(b, k, m, OVER_QUOTA, "more than this organisation may say now");
    return DONE;
  }
  if (!k->three) {
    REFUSE(b, k, m, MALFORMED, "expected exactly three frames");
    if (s != NULL)
      leave(s);
    else
      door_cut(&k->wire);
    return DONE;
  }
  if (head_read(k->head, &version, &kind) != OK) {
    if (version != PROTOCOL_VERSION)
      REFUSE(b, k, m, WRONG_VERSION, "head: this exchange speaks version 1");
    else
      REFUSE(b, k, m, MALFORMED, "head: expected two bytes, version and kind");
    return DONE;
  }
  if (kind == FRAME_HELLO) {
    hear_hello(b, k, &o, m);
    return DONE;
  }
  if (s == NULL) {
    REFUSE(b, k, m, NOT_WELCOME_YET, "say hello first");
    return DONE;
  }
  if (kind == FRAME_SUBMIT)
    return hear_submit(b, k, s, &o);
  if (kind == FRAME_CREDIT)
    hear_credit(b, k, s);
  else if (kind == FRAME_ASK)
    hear_ask(b, k, s);
  else
    REFUSE(b, k, m, MALFORMED, "head: unknown kind of message");
  return DONE;
}

/* libzmq gives one message of each connection by turns. So when one organisation comes again after its share, all
 * others that were waiting have been heard: the turn ends, and the next begins with that message. */
void hear_all(struct broker *b)
{
  const struct arena *a = &b->heard->arena;
  const uint64_t max = b->config.turn_messages_max;
  if (b->heard->waiting_count == 0)
    b->turns++;
  for (uint64_t i = 0; i < max && b->heard->waiting_count < max && !stop_asked; i++) {
    struct knock k;
    enum status s = OK;
    if (a->size - a->used < MESSAGE_ROOM)
      return; /* the rest waits for the next turn */
    if (b->holds)
      knock_move(&k, &b->held);
    else
      s = door_take(&b->door, &k);
    b->holds = false;
    if (s == NOT_NOW)
      return;
    enum heard heard = s == OK ? hear(b, &k) : KEPT;
    if (heard == DONE)
      knock_done(&k);
    if (heard == HELD) {
      knock_move(&b->held, &k);
      b->holds = true;
      return;
    }
  }
}
