/* The agent itself, without people: what is said goes through its outbox, what comes through its inbox, and both are
 * committed to its books as onward-agent does it. What it has taken is read from its table of entries. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/agent.h"
#include "tests/bench/speaker_ways.h"

enum { HEARD_AT_ONCE = 4096, WAIT_MS = 10000 };

struct kept_speaker {
  struct speaker base;
  struct agent agent;
  bool saying;   /* a writing transaction is open */
  uint64_t seen; /* entries before this index were told */
  struct heard heard[HEARD_AT_ONCE];
};

static struct kept_speaker *kept_of(struct speaker *p)
{
  return (struct kept_speaker *)p;
}

static void check(const struct kept_speaker *p)
{
  if (p->agent.broken || p->agent.session.halted)
    bench_fail("%.16s: has stopped", p->base.self.id.text);
}

/* What is said together is saved together, as a script would hand it over. */
static void kept_say(struct speaker *base, const struct event *e, struct bytes bodies)
{
  uint64_t number;
  struct item item;
  struct kept_speaker *p = kept_of(base);
  struct books *b = p->saying ? p->agent.books : agent_write(&p->agent);
  p->saying = true;
  if (item_get(b, &e->referral, &item) != OK) {
    item.created_ms = now_ms();
    item.sender = e->act == ONWARD__CORE__ACT_SUBMIT;
    item.priority = ONWARD__PRIORITY__HIGH;
    item_put(b, &item);
  }
  if (outbox_add(b, item.priority, e, bodies, &number) != OK)
    bench_fail("%.16s: the outbox takes no more", base->self.id.text);
}

static void kept_push(struct speaker *base)
{
  struct kept_speaker *p = kept_of(base);
  if (!p->saying)
    return;
  p->saying = false;
  if (agent_commit(&p->agent) != OK)
    bench_fail("%.16s: %s", base->self.id.text, p->agent.why);
  session_push(&p->agent);
}

static void read_entry(struct kept_speaker *p, struct bytes bytes, struct heard *out)
{
  struct leaf leaf;
  struct event e;
  struct org_id author = {""};
  struct complaint why;
  size_t used = p->agent.arena.used;
  if (leaf_read(bytes, &leaf) != OK || event_read(leaf.event, &p->agent.arena, &why, &e) != OK ||
      leaf.verdict != ONWARD__VERDICT__ACCEPTED)
    bench_fail("%.16s: entry %llu was refused", p->base.self.id.text, (unsigned long long)leaf.index);
  leaf_author(&leaf, &author);
  *out = (struct heard){.own = org_id_equal(&author, &p->base.self.id),
                        .act = e.act,
                        .id = e.referral,
                        .index = leaf.index,
                        .leaf = leaf_hash(bytes)};
  p->agent.arena.used = used;
}

static void kept_take(struct speaker *base, speaker_hears hears, void *context)
{
  struct kept_speaker *p = kept_of(base);
  struct bytes key, value;
  size_t count = 0;
  session_input(&p->agent);
  session_tick(&p->agent);
  check(p);
  struct books *b = agent_read(&p->agent);
  struct row_key from = key_of_index(p->seen);
  arena_reset(&p->agent.arena);
  while (count < HEARD_AT_ONCE && b->seek(b, TABLE_ENTRIES, row_key(&from), &key, &value) == OK) {
    read_entry(p, value, &p->heard[count]);
    p->seen = p->heard[count++].index + 1;
    from = key_of_index(p->seen);
  }
  must(agent_abort(&p->agent) == OK);
  for (size_t i = 0; i < count; i++)
    hears(context, &p->heard[i]);
}

static void kept_close(struct speaker *base)
{
  struct kept_speaker *p = kept_of(base);
  agent_close(&p->agent);
  free(p);
}

static void *kept_socket(const struct speaker *base)
{
  return ((const struct kept_speaker *)base)->agent.session.link.socket;
}

static void nobody(void *context, const struct heard *h)
{
  (void)context;
  (void)h;
}

static void wait_until_ready(struct kept_speaker *p)
{
  uint64_t until_ms = ticks_ms() + WAIT_MS;
  while (p->agent.session.phase != PHASE_READY && ticks_ms() < until_ms) {
    zmq_pollitem_t item = {p->agent.session.link.socket, 0, ZMQ_POLLIN, 0};
    if (item.socket != NULL)
      zmq_poll(&item, 1, 100);
    kept_take(&p->base, nobody, NULL);
  }
  if (p->agent.session.phase != PHASE_READY)
    bench_fail("%.16s: is not connected", p->base.self.id.text);
  p->seen = p->agent.evidence.newest.size;
}

struct speaker *kept_open(struct exchange *x, const struct office *o, const char *homes)
{
  static const struct speaker_ways ways = {kept_close, kept_socket, kept_say, kept_push, kept_take, true};
  const char *home = office_home(homes, o);
  struct kept_speaker *p = calloc(1, sizeof *p);
  must(p != NULL);
  const char *books = folder_path(home, "books");
  if (access(books, F_OK) == 0)
    folder_remove(books); /* those of the exchange before */
  if (agent_open(&p->agent, home, NULL) != OK)
    bench_fail("%s: %s", home, p->agent.why);
  p->base = (struct speaker){&ways, {x->network.id, o->id, &p->agent.keys}};
  wait_until_ready(p);
  return &p->base;
}
