/* Programs begin, have their turn, and die. An office's is an agent opened on its own folder; whatever it still does
 * after its death is undone by the disk and heard by nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/agent.h"
#include "agents/desk.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/lines.h"
#include "tests/sim/people.h"

enum { TURNS_AT_ONCE = 8, QUIET_MS = 3000, STUCK_MS = 600000 };

struct node *node_add(const char *name)
{
  must(sim.node_count < NODES_MAX);
  struct node *n = &sim.nodes[sim.node_count];
  *n = (struct node){.used = true};
  snprintf(n->name, sizeof n->name, "%s", name);
  snprintf(n->home, sizeof n->home, "%s/%d", sim.root, sim.node_count);
  if (sim.node_count++ != EXCHANGE)
    must(org_id_parse(bytes_text(name), &n->id) == OK);
  return n;
}

int node_find(const struct org_id *id)
{
  for (int i = REGISTRAR; i < sim.node_count; i++)
    if (sim.nodes[i].used && !sim.nodes[i].cloned && org_id_equal(&sim.nodes[i].id, id))
      return i;
  return NO_NODE;
}

static void close_agent(struct node *n)
{
  sim.running = n;
  agent_close(n->agent);
  sim.running = NULL;
  free(n->agent);
  n->agent = NULL;
  n->up = n->gone = false;
  n->writes = 0;
}

static void open_agent(struct node *n)
{
  n->agent = malloc(sizeof *n->agent);
  must(n->agent != NULL);
  sim.running = n;
  enum status s = agent_open(n->agent, n->home, NULL);
  sim.running = NULL;
  n->up = true;
  if (s != OK && !n->gone && n->full == 0)
    broken("%s does not start: %s", n->name, n->agent->why);
  if (s != OK && !n->gone)
    close_agent(n);
  node_after(n);
  if (n->up)
    people_unlock(n);
}

void node_start(struct node *n)
{
  if (n->up)
    return;
  if (n == &sim.nodes[EXCHANGE])
    exchange_start();
  else
    open_agent(n);
}

void node_die(struct node *n)
{
  if (!n->up)
    return;
  n->gone = true;
  if (n == &sim.nodes[EXCHANGE])
    exchange_stop(true);
  else
    close_agent(n);
}

void node_after(struct node *n)
{
  if (n == &sim.nodes[EXCHANGE] || !n->up)
    return;
  if (n->gone) {
    tell("  %s dies at a write, which %s the disk", n->name, n->written ? "reached" : "did not reach");
    close_agent(n);
  } else if (n->agent->broken) {
    broken("%s ends by itself: %s", n->name, n->agent->why);
  }
}

static void agent_turn(struct node *n)
{
  for (int i = 0; i < TURNS_AT_ONCE && n->up; i++) {
    const struct line *l = lines_for((int)(n - sim.nodes));
    sim.running = n;
    session_input(n->agent);
    if (!n->agent->broken)
      session_tick(n->agent);
    sim.running = NULL;
    node_after(n);
    if (l == NULL || l->to_office.first == NULL || l->to_office.first->due_ms > sim.now_ms)
      return;
  }
}

void node_turn(struct node *n)
{
  if (!n->up)
    return;
  if (n == &sim.nodes[EXCHANGE])
    exchange_turn();
  else
    agent_turn(n);
}

static void earlier(uint64_t *least, uint64_t ms)
{
  if (ms < *least)
    *least = ms;
}

/* `lazy`: it is not waited for what only asks whether there is news. */
static uint64_t agent_wake_ms(const struct node *n, bool lazy)
{
  const struct session *s = &n->agent->session;
  uint64_t least = UINT64_MAX;
  if (s->halted)
    return least;
  if (s->phase <= PHASE_HELLO && !lazy)
    earlier(&least, s->deadline_ms);
  if (s->phase != PHASE_READY)
    return least;
  if (s->hold_ms != 0)
    earlier(&least, s->hold_ms);
  if (!s->mail_read)
    earlier(&least, s->heard_ms + QUIET_MS);
  if (!lazy) {
    earlier(&least, s->ask_ms);
    earlier(&least, s->moved_ms + STUCK_MS);
  }
  return least;
}

uint64_t node_wake_ms(struct node *n, bool lazy)
{
  if (!n->up)
    return UINT64_MAX;
  return n == &sim.nodes[EXCHANGE] ? exchange_wake_ms() : agent_wake_ms(n, lazy);
}

void node_stop_all(void)
{
  for (int i = REGISTRAR; i < sim.node_count; i++)
    node_die(&sim.nodes[i]);
  exchange_stop(true);
}
