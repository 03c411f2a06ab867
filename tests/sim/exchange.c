/* The exchange, all of it but its socket, its second thread and its main: door.h and what a turn needs of scribe.c are
 * here. A turn is written at once, or while the next one is heard, as chance has it; where it is on a thread of its
 * own, it is only not known when it is done.
 */
#include "broker/inside.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ledger/rows.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/lines.h"
#include "tests/sim/watch.h"

enum { TICK_MS = 250 };

static struct broker *exchange; /* NULL: down */

void watch_look(struct watch *w)
{
  w->real_ms = clock_ms();
  w->boot_ms = sim.now_ms;
  w->awake_ms = sim.now_ms - sim.nodes[EXCHANGE].slept_ms;
}

/* --- its door --- */

enum status door_open(struct door *d, const struct config *c, const struct broker_keys *k, door_admits admit,
                      void *context, char why[200])
{
  (void)k;
  why[0] = 0;
  memset(d, 0, sizeof *d);
  d->router = &exchange;
  d->hello_within_ms = c->hello_within_s * 1000;
  d->admits = admit;
  d->context = context;
  return OK;
}

void door_close(struct door *d)
{
  d->router = NULL;
}

bool door_wait(struct door *d, int other_fd, bool deaf, long timeout_ms)
{
  (void)d;
  (void)other_fd;
  (void)timeout_ms;
  return !deaf && lines_knock() != NULL;
}

static struct bytes frame_of(zmq_msg_t *m, struct bytes b)
{
  must(zmq_msg_init_size(m, b.size) == 0);
  if (b.size > 0)
    memcpy(zmq_msg_data(m), b.data, b.size);
  return bytes_of(zmq_msg_data(m), b.size);
}

enum status door_take(struct door *d, struct knock *k)
{
  uint8_t head[HEAD_SIZE];
  struct line *l = lines_knock();
  struct letter *m = l != NULL ? line_take(l, true) : NULL;
  (void)d;
  if (m == NULL)
    return NOT_NOW;
  memset(k, 0, sizeof *k);
  k->from.size = sizeof l->number;
  memcpy(k->from.id, &l->number, sizeof l->number);
  memcpy(k->link_key, l->key, sizeof k->link_key);
  k->wire.fd = (int)l->number;
  k->three = true;
  head_write(m->kind, head);
  k->head = frame_of(&k->frames[0], BYTES(head));
  k->body = frame_of(&k->frames[1], m->body);
  k->sealed = frame_of(&k->frames[2], m->sealed);
  free(m);
  return OK;
}

enum status door_send(struct door *d, const struct routing *to, enum frame_kind kind, struct bytes body,
                      const struct bytes *sealed, size_t sealed_count)
{
  uint32_t number;
  (void)d;
  memcpy(&number, to->id, sizeof number);
  struct line *l = line_find(number);
  if (sim.nodes[EXCHANGE].gone)
    return OK; /* nobody hears it */
  if (l == NULL || l->state != LINE_OPEN || l->exchange_left)
    return NOT_FOUND;
  if (l->to_office.count >= LETTERS_MAX)
    return NOT_NOW;
  watch_exchange(l->node, kind, body);
  (void)line_put(l, false, kind, body, sealed, sealed_count);
  return OK;
}

void door_cut(const struct wire_end *w)
{
  struct line *l = line_find((uint32_t)w->fd);
  if (l != NULL && l->state == LINE_OPEN)
    line_cut(l);
}

void door_cut_unwelcomed(struct door *d, uint64_t now_ms)
{
  (void)now_ms;
  for (struct line *l = lines_first(); l != NULL; l = l->next)
    if (l->state == LINE_OPEN && !l->welcomed && sim.now_ms >= l->opened_ms + d->hello_within_ms)
      line_cut(l);
}

void door_welcomed(struct door *d, const struct wire_end *w, uint64_t now_ms)
{
  struct line *l = line_find((uint32_t)w->fd);
  (void)d;
  (void)now_ms;
  if (l != NULL)
    l->welcomed = true;
}

int exchange_admits(const uint8_t key[32])
{
  struct node *n = &sim.nodes[EXCHANGE];
  sim.running = n;
  int answer = exchange->door.admits(exchange->door.context, key);
  sim.running = NULL;
  return answer;
}

/* --- its scribe --- */

bool scribe_start(struct broker *b)
{
  b->scribe.done = -1;
  return true;
}

void scribe_stop(struct broker *b)
{
  (void)b;
}

bool scribe_give(struct broker *b, struct turn_work *t, bool quiet)
{
  if (quiet || one_in(2)) {
    write_turn(b, t);
    return true;
  }
  b->scribe.turn = t;
  return false;
}

struct turn_work *scribe_take(struct broker *b, bool wait)
{
  struct turn_work *t = b->scribe.turn;
  if (t == NULL || (!wait && one_in(3)))
    return NULL;
  b->scribe.turn = NULL;
  write_turn(b, t);
  return t;
}

/* --- beginning, turn, end --- */

void exchange_start(void)
{
  struct node *n = &sim.nodes[EXCHANGE];
  exchange = calloc(1, sizeof *exchange);
  must(exchange != NULL);
  stop_asked = 0;
  sim.running = n;
  exchange->exit_code = broker_start(exchange, n->home);
  sim.running = NULL;
  n->up = true;
  if (exchange->exit_code != 0 && !n->gone)
    broken("the exchange does not start (exit code %d)", exchange->exit_code);
  watch_log();
}

/* What a process that died had heard. */
static void drop_heard(void)
{
  struct turn_work *works[] = {exchange->scribe.turn, exchange->heard};
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; works[i] != NULL && k < works[i]->waiting_count; k++)
      knock_done(&works[i]->waiting[k].knock);
  exchange->scribe.turn = NULL;
}

void exchange_stop(bool died)
{
  struct node *n = &sim.nodes[EXCHANGE];
  if (exchange == NULL)
    return;
  n->gone |= died;
  sim.running = n;
  if (n->gone) {
    exchange->journal.unsure = true;
    exchange->exit_code = EXIT_COMMIT;
  }
  if (n->gone)
    drop_heard();
  else
    last_turn(exchange);
  broker_finish(exchange);
  sim.running = NULL;
  free(exchange);
  exchange = NULL;
  n->up = n->gone = false;
  n->writes = 0;
  lines_cut_all(NO_NODE);
}

int exchange_exit_code(void)
{
  return exchange == NULL ? 0 : exchange->exit_code;
}

void exchange_turn(void)
{
  struct node *n = &sim.nodes[EXCHANGE];
  sim.running = n;
  turn(exchange);
  sim.running = NULL;
  if (n->gone) {
    tell("  the exchange dies at a write, which %s the disk", n->written ? "reached" : "did not reach");
    exchange_stop(true);
    return;
  }
  watch_log();
  if (exchange->exit_code != EXIT_STOPPED)
    broken("the exchange ends by itself (exit code %d)", exchange->exit_code);
}

/* When the earliest clock of the books is due, by the true time. */
uint64_t exchange_due_ms(void)
{
  struct head head;
  struct bytes key, value;
  const struct node *n = &sim.nodes[EXCHANGE];
  if (exchange == NULL)
    return UINT64_MAX;
  struct books *b = exchange->journal.view;
  books_head(b, &head);
  if (head.doubted_ms != 0 || b->seek(b, TABLE_CLOCKS, (struct bytes){NULL, 0}, &key, &value) != OK)
    return UINT64_MAX;
  struct reader r = reader_of(key);
  int64_t due = (int64_t)(read_u64(&r) + head.absent_ms) - n->skew_ms;
  return due < 0 ? 0 : (uint64_t)due;
}

uint64_t exchange_wake_ms(void)
{
  uint64_t least = exchange_due_ms();
  const struct broker *b = exchange;
  if (b == NULL)
    return UINT64_MAX;
  if (b->scribe.turn != NULL || b->more_to_say || b->holds || b->heard->waiting_count > 0)
    return sim.now_ms + 3;
  for (size_t i = 0; i < b->sessions.max; i++) {
    const struct session *s = &b->sessions.list[i];
    if (s->used && (s->leaving || s->patience_ms > node_real_ms(&sim.nodes[EXCHANGE])))
      return sim.now_ms + TICK_MS;
  }
  return least <= sim.now_ms ? sim.now_ms + 1 : least;
}

bool exchange_doubts(void)
{
  return exchange != NULL && exchange->journal.end.head.doubted_ms != 0;
}
