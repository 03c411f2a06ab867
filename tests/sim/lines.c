#include "tests/sim/lines.h"

#include <stdlib.h>
#include <string.h>

enum {
  HEARTBEAT_TIMEOUT_MS = 120000,
  NEWS_CONNECTED = 1,
  NEWS_LOST = 2,
  NEWS_REFUSED = 3,
};

static struct line *all;
static uint32_t numbers;

struct line *lines_first(void)
{
  return all;
}

static uint64_t delay_ms(void)
{
  if (sim.orderly || !one_in(16))
    return between(2, 80);
  return one_in(4) ? between(1000, 20000) : between(80, 2000);
}

struct line *line_open(int node, const uint8_t key[32])
{
  struct line *l = calloc(1, sizeof *l), **at = &all;
  must(l != NULL);
  l->number = ++numbers;
  l->node = node;
  memcpy(l->key, key, sizeof l->key);
  l->try_ms = sim.now_ms + delay_ms();
  while (*at != NULL)
    at = &(*at)->next;
  *at = l;
  return l;
}

struct line *line_find(uint32_t number)
{
  for (struct line *l = all; l != NULL; l = l->next)
    if (l->number == number)
      return l;
  return NULL;
}

struct line *lines_for(int node)
{
  for (struct line *l = all; l != NULL; l = l->next)
    if (l->node == node && !l->office_left)
      return l;
  return NULL;
}

/* --- letters --- */

static struct letter *letter_make(enum frame_kind kind, struct bytes body, const struct bytes *sealed,
                                  size_t sealed_count)
{
  size_t size = 0;
  for (size_t i = 0; i < sealed_count; i++)
    size += sealed[i].size;
  struct letter *m = malloc(sizeof *m + body.size + size);
  must(m != NULL);
  struct writer w = writer_of(m->bytes, body.size + size);
  write_bytes(&w, body);
  for (size_t i = 0; i < sealed_count; i++)
    write_bytes(&w, sealed[i]);
  must(!w.overflow);
  *m = (struct letter){
      .kind = kind, .body = bytes_of(m->bytes, body.size), .sealed = bytes_of(m->bytes + body.size, size)};
  return m;
}

static void letters_add(struct letters *q, struct letter *m)
{
  uint64_t after_ms = q->last != NULL ? q->last->due_ms : 0;
  m->due_ms = sim.now_ms + delay_ms();
  if (m->due_ms < after_ms)
    m->due_ms = after_ms;
  if (q->last == NULL)
    q->first = m;
  else
    q->last->next = m;
  q->last = m;
  q->count++;
}

static struct letter *letters_take(struct letters *q)
{
  struct letter *m = q->first;
  if (m == NULL)
    return NULL;
  q->first = m->next;
  if (q->first == NULL)
    q->last = NULL;
  q->count--;
  return m;
}

static void letters_clear(struct letters *q)
{
  for (struct letter *m = letters_take(q); m != NULL; m = letters_take(q))
    free(m);
}

/* The network keeps what is on its way before this time, and loses the rest. */
static void letters_lose(struct letters *q, uint64_t from_ms)
{
  struct letters kept = {NULL, NULL, 0};
  for (struct letter *m = letters_take(q); m != NULL; m = letters_take(q)) {
    if (m->due_ms >= from_ms) {
      free(m);
      continue;
    }
    m->next = NULL;
    if (kept.last == NULL)
      kept.first = m;
    else
      kept.last->next = m;
    kept.last = m;
    kept.count++;
  }
  *q = kept;
}

/* A batch that comes once more, or before the one that was sent before it. */
static void disorder(struct letters *q, const struct letter *m)
{
  if (sim.orderly || m->kind != FRAME_SUBMIT)
    return;
  if (one_in(20))
    letters_add(q, letter_make(m->kind, m->body, &m->sealed, 1));
  if (one_in(20) && q->count >= 2 && q->first->next == q->last && q->first->kind == FRAME_SUBMIT) {
    struct letter *first = q->first, *second = q->last;
    uint64_t due_ms = first->due_ms;
    first->due_ms = second->due_ms;
    second->due_ms = due_ms;
    second->next = first;
    first->next = NULL;
    *q = (struct letters){second, first, 2};
  }
}

bool line_put(struct line *l, bool to_exchange, enum frame_kind kind, struct bytes body, const struct bytes *sealed,
              size_t sealed_count)
{
  struct letters *q = to_exchange ? &l->to_exchange : &l->to_office;
  if (q->count >= LETTERS_MAX)
    return false;
  struct letter *m = letter_make(kind, body, sealed, sealed_count);
  letters_add(q, m);
  if (to_exchange)
    disorder(q, m);
  return true;
}

static bool passes(const struct line *l)
{
  return l->state == LINE_OPEN && !sim.nodes[l->node].cut_off;
}

struct letter *line_take(struct line *l, bool to_exchange)
{
  struct letters *q = to_exchange ? &l->to_exchange : &l->to_office;
  bool may = to_exchange ? passes(l) && !l->exchange_left : !l->office_left && !sim.nodes[l->node].cut_off;
  return may && q->first != NULL && q->first->due_ms <= sim.now_ms ? letters_take(q) : NULL;
}

struct line *lines_knock(void)
{
  struct line *first = NULL;
  for (struct line *l = all; l != NULL; l = l->next) {
    const struct letter *m = l->to_exchange.first;
    if (m != NULL && m->due_ms <= sim.now_ms && passes(l) && !l->exchange_left &&
        (first == NULL || m->due_ms < first->to_exchange.first->due_ms))
      first = l;
  }
  return first;
}

/* --- ends --- */

static void line_news(struct line *l, int news)
{
  l->news = news;
  l->news_ms = sim.now_ms + between(1, 50);
}

void line_leave(struct line *l)
{
  l->office_left = true;
  letters_clear(&l->to_office);
  letters_lose(&l->to_exchange, sim.orderly ? 0 : sim.now_ms + below(100));
}

void line_cut(struct line *l)
{
  uint64_t soon_ms = sim.now_ms + below(100);
  if (l->state == LINE_OPEN)
    line_news(l, NEWS_LOST);
  l->state = LINE_CUT;
  l->exchange_left = true;
  letters_clear(&l->to_exchange);
  letters_lose(&l->to_office, soon_ms);
}

void lines_cut_all(int node)
{
  for (struct line *l = all; l != NULL; l = l->next)
    if (l->state == LINE_OPEN && (node == NO_NODE || l->node == node))
      line_cut(l);
}

/* --- time --- */

static void earlier(uint64_t *least, uint64_t ms)
{
  if (ms < *least)
    *least = ms;
}

static bool may_knock(const struct line *l)
{
  return l->state == LINE_KNOCKS && !l->office_left && !sim.nodes[l->node].cut_off && sim.nodes[EXCHANGE].up;
}

/* What came before the end is read before the end is heard of. */
bool line_has_news(const struct line *l)
{
  return !l->office_left && l->news != 0 && (l->to_office.first == NULL || sim.nodes[l->node].cut_off);
}

uint64_t lines_next_ms(void)
{
  uint64_t least = UINT64_MAX;
  for (const struct line *l = all; l != NULL; l = l->next) {
    if (may_knock(l))
      earlier(&least, l->try_ms);
    if (passes(l) && !l->exchange_left && l->to_exchange.first != NULL && sim.nodes[EXCHANGE].up)
      earlier(&least, l->to_exchange.first->due_ms);
    if (!l->office_left && !sim.nodes[l->node].cut_off && l->to_office.first != NULL)
      earlier(&least, l->to_office.first->due_ms);
    if (line_has_news(l))
      earlier(&least, l->news_ms);
    if (l->state == LINE_OPEN && sim.nodes[l->node].cut_off)
      earlier(&least, sim.nodes[l->node].cut_off_ms + HEARTBEAT_TIMEOUT_MS);
  }
  return least;
}

static void knock(struct line *l)
{
  int answer = exchange_admits(l->key);
  l->opened_ms = sim.now_ms;
  l->try_ms = sim.now_ms + between(1000, 5000);
  if (answer == 300)
    return;
  l->state = answer == 200 ? LINE_OPEN : LINE_REFUSED;
  line_news(l, answer == 200 ? NEWS_CONNECTED : NEWS_REFUSED);
  for (struct letter *m = l->to_exchange.first; m != NULL; m = m->next)
    m->due_ms += l->news_ms - sim.now_ms;
}

static void sweep(void)
{
  for (struct line **at = &all; *at != NULL;) {
    struct line *l = *at;
    bool over = l->office_left && (l->state != LINE_OPEN || l->to_exchange.first == NULL);
    if (!over) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    letters_clear(&l->to_exchange);
    letters_clear(&l->to_office);
    free(l);
  }
}

void lines_tick(void)
{
  for (struct line *l = all; l != NULL; l = l->next) {
    const struct node *n = &sim.nodes[l->node];
    if (may_knock(l) && l->try_ms <= sim.now_ms)
      knock(l);
    if (l->state == LINE_OPEN && n->cut_off && sim.now_ms >= n->cut_off_ms + HEARTBEAT_TIMEOUT_MS)
      line_cut(l);
  }
  sweep();
}

bool lines_idle(void)
{
  for (const struct line *l = all; l != NULL; l = l->next)
    if ((passes(l) && l->to_exchange.first != NULL) || (!l->office_left && l->to_office.first != NULL) || may_knock(l))
      return false;
  return true;
}

void lines_forget(void)
{
  for (struct line *l = all; l != NULL; l = l->next) {
    l->office_left = true;
    l->state = LINE_CUT;
  }
  sweep();
  numbers = 0;
}
