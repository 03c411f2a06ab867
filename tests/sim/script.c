#include "tests/sim/script.h"

#include <stdio.h>

#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/people.h"
#include "tests/sim/promises.h"
#include "tests/sim/watch.h"

enum { HOUR_MS = 3600000 };

static struct hash digest;

static struct node *any_office(void)
{
  return &sim.nodes[REGISTRAR + below((uint32_t)(sim.node_count - REGISTRAR))];
}

/* --- steps --- */

static void step_people(void)
{
  for (uint32_t i = 1 + below(3); i > 0 && !sim.ended; i--) {
    struct node *n = any_office();
    if (n->up && n->used)
      people_act(n);
  }
}

static void step_refer(void)
{
  struct node *n = any_office();
  if (n->up && n->used)
    people_refer(n);
}

static void step_read(void)
{
  people_read(any_office());
}

static void step_rude(void)
{
  people_rude(any_office());
}

static void step_wait(void)
{
  run_for(between(5, one_in(4) ? 20000 : 1500));
}

static void step_leap(void)
{
  uint64_t ms = one_in(4) ? between(24, 15 * 24) * HOUR_MS : between(1, 30) * HOUR_MS;
  tell("  %u hours pass", (unsigned)(ms / HOUR_MS));
  run_leap(ms);
}

static void step_look(void)
{
  run_quiet();
  if (!sim.ended)
    check_quiet();
}

static const struct {
  const char *name;
  void (*play)(void);
  uint32_t weight;
} kinds[] = {
    {"people act", step_people, 30},
    {"a new referral", step_refer, 7},
    {"somebody reads", step_read, 4},
    {"somebody is rude", step_rude, 5},
    {"a while", step_wait, 22},
    {"long time", step_leap, 6},
    {"quiet", step_look, 5},
    {"a death", fault_death, 4},
    {"a start", fault_start, 8},
    {"a cut", fault_cut, 3},
    {"a partition", fault_partition, 3},
    {"a backup", fault_backup, 2},
    {"a restore", fault_restore, 1},
    {"a copy", fault_copy, 1},
    {"a clock", fault_clock, 1},
    {"sleep", fault_sleep, 1},
    {"a full disk", fault_full, 2},
    {"the registry", fault_registry, 3},
    {"new keys", fault_keys, 1},
    {"a lock", fault_lock, 1},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

void script_make(struct script *s, uint64_t seed, size_t count)
{
  uint32_t total = 0;
  must(count <= STEPS_MAX);
  s->seed = seed;
  s->count = count;
  for (size_t i = 0; i < KINDS; i++)
    total += kinds[i].weight;
  chance_seed(seed);
  for (size_t i = 0; i < count; i++) {
    uint32_t at = below(total);
    uint8_t kind = 0;
    while (at >= kinds[kind].weight)
      at -= kinds[kind++].weight;
    s->steps[i] = (struct script_step){(uint16_t)i, kind};
  }
}

static void play_steps(const struct script *s)
{
  for (size_t i = 0; i < s->count && !sim.ended; i++) {
    uint64_t since_ms = sim.now_ms - SIM_START_MS;
    chance_seed(chance_mix(s->seed, s->steps[i].number));
    tell("%4u. +%llu.%03u h: %s", s->steps[i].number, (unsigned long long)(since_ms / HOUR_MS),
         (unsigned)(since_ms % HOUR_MS * 1000 / HOUR_MS), kinds[s->steps[i].kind].name);
    kinds[s->steps[i].kind].play();
  }
}

static struct hash digest_now(void)
{
  struct hash root = {{0}};
  char folder[PATH_MAX_SIM];
  struct head head;
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  struct store *s = disk_reader(folder);
  if (s == NULL)
    return root;
  struct books *b = store_begin(s, false);
  books_head(b, &head);
  if (merkle_tree_root(head.size, books_tree_read, b, &root) != OK)
    broken("the tree of the log cannot be read");
  store_close(s);
  return root;
}

struct hash script_digest(void)
{
  return digest;
}

bool script_play(const struct script *s)
{
  bool told = sim.told;
  sim = (struct sim){.seed = s->seed, .told = told};
  promises_begin();
  chance_seed(chance_mix(s->seed, UINT64_MAX));
  found_network(4 + (int)below(3));
  if (!sim.ended)
    play_steps(s);
  chance_seed(chance_mix(s->seed, UINT64_MAX - 1));
  if (!sim.ended) {
    tell("the network heals, and all are awake");
    heal();
  }
  if (!sim.ended)
    check_end();
  digest = digest_now();
  found_end();
  return !sim.ended;
}
