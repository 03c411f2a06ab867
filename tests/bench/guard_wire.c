/* One baton: either the exchange's thread runs, or the caller's. The exchange gives it back whenever it waits at its
 * door. */
#include "tests/bench/guard_wire.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "agents/link.h"
#include "broker/door.h"
#include "broker/inside.h"
#include "tests/bench/exchange.h"

enum { LINES_MAX = 8 };

struct letter {
  struct letter *next;
  size_t line;
  enum frame_kind kind;
  struct bytes body, sealed;
  uint8_t bytes[]; /* of both */
};

struct queue {
  struct letter *first, **last; /* last: where the next one goes; NULL: it was never used */
};

struct line { /* an agent's connection */
  uint8_t key[32];
  bool admitted;
  struct queue to_agent;
};

static struct {
  pthread_t thread;
  sem_t exchange_may, agents_may;
  bool stopped;  /* the exchange's thread has nothing more to do */
  bool counted;  /* its turns */
  bool counting; /* one of them, now */
  const char *dump;
  size_t line_count;
  struct line lines[LINES_MAX];
  struct queue to_exchange;
} wire;

/* In place of libc's, which takes a longer way with a string that lies across a page: its count would depend on where
 * the linker has put our strings, and differ by a fortieth of a turn from one build to another. */
int strcmp(const char *s1, const char *s2)
{
  for (; *s1 != 0 && *s1 == *s2; s1++, s2++)
    ;
  return (unsigned char)*s1 - (unsigned char)*s2;
}

/* --- letters --- */

static void letter_put(struct queue *q, size_t line, enum frame_kind kind, struct bytes body,
                       const struct bytes *sealed, size_t sealed_count)
{
  size_t size = 0;
  for (size_t i = 0; i < sealed_count; i++)
    size += sealed[i].size;
  struct letter *l = malloc(sizeof *l + body.size + size);
  must(l != NULL);
  struct writer w = writer_of(l->bytes, body.size + size);
  write_bytes(&w, body);
  for (size_t i = 0; i < sealed_count; i++)
    write_bytes(&w, sealed[i]);
  must(!w.overflow);
  *l = (struct letter){NULL, line, kind, bytes_of(l->bytes, body.size), bytes_of(l->bytes + body.size, size)};
  if (q->first == NULL)
    q->last = &q->first;
  *q->last = l;
  q->last = &l->next;
}

static struct letter *letter_take(struct queue *q)
{
  struct letter *l = q->first;
  if (l != NULL)
    q->first = l->next;
  return l;
}

static struct bytes frame_of(zmq_msg_t *m, struct bytes b)
{
  must(zmq_msg_init_size(m, b.size) == 0);
  if (b.size > 0)
    memcpy(zmq_msg_data(m), b.data, b.size);
  return bytes_of(zmq_msg_data(m), b.size);
}

/* --- the baton --- */

static void exchange_turn(void)
{
  sem_post(&wire.exchange_may);
  sem_wait(&wire.agents_may);
  if (wire.stopped)
    bench_fail("the exchange stopped by itself");
}

static void count(bool on)
{
  if (wire.counting != on)
    CALLGRIND_TOGGLE_COLLECT;
  wire.counting = on;
}

static void *serve(void *folder)
{
  int code = broker_serve(folder);
  count(false);
  wire.stopped = true;
  sem_post(&wire.agents_may);
  return (void *)(intptr_t)code;
}

void wire_begin(const char *folder)
{
  must(sem_init(&wire.exchange_may, 0, 0) == 0 && sem_init(&wire.agents_may, 0, 0) == 0);
  must(pthread_create(&wire.thread, NULL, serve, (void *)(uintptr_t)folder) == 0);
  sem_wait(&wire.agents_may);
  if (wire.stopped)
    bench_fail("the exchange does not start");
}

void wire_end(void)
{
  void *code;
  must(raise(SIGTERM) == 0); /* the exchange has its handler by now */
  sem_post(&wire.exchange_may);
  must(pthread_join(wire.thread, &code) == 0);
  if ((intptr_t)code != EXIT_STOPPED)
    bench_fail("the exchange did not end as it should");
}

void wire_count(bool on)
{
  wire.counted = on;
}

void wire_dump(const char *name)
{
  CALLGRIND_DUMP_STATS_AT(name);
  wire.dump = name;
  exchange_turn();
}

/* --- the exchange's door --- */

enum status door_open(struct door *d, const struct config *c, const struct broker_keys *k, door_admits admit,
                      void *context, char why[200])
{
  (void)c;
  (void)k;
  why[0] = 0;
  memset(d, 0, sizeof *d);
  d->router = &wire;
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
  (void)deaf;
  (void)other_fd;
  (void)timeout_ms;
  count(false);
  do {
    if (wire.dump != NULL)
      CALLGRIND_DUMP_STATS_AT(wire.dump); /* of the thread that asks */
    wire.dump = NULL;
    sem_post(&wire.agents_may);
    sem_wait(&wire.exchange_may);
  } while (wire.dump != NULL);
  for (size_t i = 0; i < wire.line_count; i++)
    if (!wire.lines[i].admitted) {
      must(d->admits(d->context, wire.lines[i].key) == 200);
      wire.lines[i].admitted = true;
    }
  count(wire.counted);
  return wire.to_exchange.first != NULL;
}

enum status door_take(struct door *d, struct knock *k)
{
  (void)d;
  uint8_t head[HEAD_SIZE];
  struct letter *l = letter_take(&wire.to_exchange);
  if (l == NULL)
    return NOT_NOW;
  memset(k, 0, sizeof *k);
  k->from.size = 1;
  k->from.id[0] = (uint8_t)(l->line + 1);
  memcpy(k->link_key, wire.lines[l->line].key, sizeof k->link_key);
  k->wire.fd = -1;
  k->three = true;
  head_write(l->kind, head);
  k->head = frame_of(&k->frames[0], BYTES(head));
  k->body = frame_of(&k->frames[1], l->body);
  k->sealed = frame_of(&k->frames[2], l->sealed);
  free(l);
  return OK;
}

enum status door_send(struct door *d, const struct routing *to, enum frame_kind kind, struct bytes body,
                      const struct bytes *sealed, size_t sealed_count)
{
  (void)d;
  size_t line = to->id[0] - 1u;
  must(to->size == 1 && line < wire.line_count);
  letter_put(&wire.lines[line].to_agent, line, kind, body, sealed, sealed_count);
  return OK;
}

void door_cut(const struct wire_end *w)
{
  (void)w;
}

void door_cut_unwelcomed(struct door *d, uint64_t now_ms)
{
  (void)d;
  (void)now_ms;
}

void door_welcomed(struct door *d, const struct wire_end *w, uint64_t now_ms)
{
  (void)d;
  (void)w;
  (void)now_ms;
}

/* --- the exchange's scribe: every turn is written where it is --- */

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
  (void)quiet;
  write_turn(b, t);
  return true;
}

struct turn_work *scribe_take(struct broker *b, bool wait)
{
  (void)b;
  (void)wait;
  return NULL;
}

/* --- an agent's link --- */

static size_t line_of(const struct link *l)
{
  return (size_t)((struct line *)l->socket - wire.lines);
}

enum status link_init(struct link *l)
{
  *l = (struct link){.socket = NULL};
  return OK;
}

void link_fini(struct link *l)
{
  link_close(l);
}

enum status link_open(struct link *l, const struct link_options *options)
{
  must(wire.line_count < LINES_MAX);
  struct line *line = &wire.lines[wire.line_count++];
  memcpy(line->key, options->public_key, sizeof line->key);
  l->socket = line;
  return OK;
}

void link_close(struct link *l)
{
  l->socket = NULL;
}

enum status link_send(struct link *l, enum frame_kind kind, struct bytes body, struct bytes sealed)
{
  letter_put(&wire.to_exchange, line_of(l), kind, body, &sealed, 1);
  return OK;
}

enum status link_receive(struct link *l, struct link_message *out)
{
  struct queue *q = &wire.lines[line_of(l)].to_agent;
  if (q->first == NULL && wire.to_exchange.first != NULL)
    exchange_turn();
  struct letter *letter = letter_take(q);
  if (letter == NULL)
    return NOT_NOW;
  must(zmq_msg_init(&out->frames[0]) == 0);
  out->kind = letter->kind;
  out->body = frame_of(&out->frames[1], letter->body);
  out->sealed = frame_of(&out->frames[2], letter->sealed);
  free(letter);
  return OK;
}

void link_free(struct link_message *m)
{
  for (int i = 0; i < 3; i++)
    zmq_msg_close(&m->frames[i]);
}

enum link_event link_event(struct link *l)
{
  (void)l;
  return LINK_NOTHING;
}
