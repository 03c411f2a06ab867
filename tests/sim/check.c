/* Checks of the whole, while nothing is on its way, and at the end. */
#include <stdio.h>
#include <string.h>

#include "agents/agent.h"
#include "proto/ledger/rows.h"
#include "proto/replay.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/model.h"
#include "tests/sim/promises.h"
#include "tests/sim/script.h"
#include "tests/sim/watch.h"

enum { ARENA_SIZE = 4 << 20 };

/* --- every agent's view --- */

/* A recipient is told nothing of earlier legs: so not of what their recipients wrote about safety. */
static uint8_t hidden_flags(const struct model_referral *m, bool sender)
{
  return !sender && m->safety_there_index < m->leg_index ? FLAG_SAFETY_AT_SENDER : 0;
}

/* Who has read all of its mail knows what its log says: a sender of its referrals, a recipient of the leg it has. */
static void check_view(struct node *n, struct books *b)
{
  for (size_t i = 0; i < model.referral_count && !sim.ended; i++) {
    struct model_referral *m = &model.referrals[i];
    struct referral r;
    bool sender = org_id_equal(&m->sender, &n->id);
    if (!sender && !(model_live(m) && model_is_present(m, &n->id)))
      continue;
    if (books_referral(b, &m->id, &r) != OK) {
      broken("%s has read all of its mail, and does not know a referral that is %s", n->name,
             sender ? "its own" : "with it");
      return;
    }
    const char *what = watch_differs(m, &r, hidden_flags(m, sender));
    if (what != NULL)
      broken("%s sees a referral otherwise than the log: %s (%s there, %s in the log)", n->name, what,
             state_name((enum referral_state)r.state), state_name((enum referral_state)m->state));
  }
}

/* No honest exchange is accused, whatever happened. */
static void check_alarms(const struct node *n, struct books *b)
{
  static const enum alarm_kind accusations[] = {ALARM_FORK,      ALARM_ROLLED_BACK, ALARM_BAD_NOTE,
                                                ALARM_BAD_PROOF, ALARM_WITHHELD,    ALARM_IMPOSSIBLE};
  for (enum alarm_kind k = alarm_next(b, ALARM_NONE); k != ALARM_NONE; k = alarm_next(b, k))
    for (size_t i = 0; i < sizeof accusations / sizeof accusations[0]; i++)
      if (k == accusations[i])
        broken("%s accuses an honest exchange: %.60s", n->name, alarm_text(k));
}

/* Acts on the registry that waited when it was cut off are dropped, and its people are told. */
static void note_dropped(const struct node *n, struct books *b)
{
  for (enum alarm_kind k = alarm_next(b, ALARM_NONE); k != ALARM_NONE; k = alarm_next(b, k))
    if (k == ALARM_DROPPED)
      promises_release_registry((int)(n - sim.nodes));
}

static void check_office(struct node *n)
{
  struct marks m;
  sim.running = n;
  struct books *b = agent_read(n->agent);
  marks_get(b, &m);
  note_dropped(n, b);
  bool read = n->agent->session.phase == PHASE_READY && m.position >= model.size && m.read_back == 0;
  check_alarms(n, b);
  if (read && sim.nodes[EXCHANGE].up)
    check_view(n, b);
  (void)agent_abort(n->agent);
  sim.running = NULL;
}

static void check_offices(void)
{
  for (int i = REGISTRAR; i < sim.node_count && !sim.ended; i++)
    if (sim.nodes[i].used && sim.nodes[i].up)
      check_office(&sim.nodes[i]);
}

/* --- the books --- */

struct place { /* where to go on in a table */
  uint8_t key[512];
  size_t size;
};

static bool next_row(struct books *b, int table, struct place *from, struct bytes *key, struct bytes *value)
{
  if (b->seek(b, table, bytes_of(from->key, from->size), key, value) != OK)
    return false;
  must(key->size < sizeof from->key);
  memcpy(from->key, key->data, key->size);
  from->key[key->size] = 0; /* right behind it */
  from->size = key->size + 1;
  return true;
}

/* The two have the same rows. */
static bool table_equal(struct books *one, int one_table, struct books *other, int other_table, bool values)
{
  struct place a = {.size = 0}, b = {.size = 0};
  struct bytes keys[2], contents[2];
  for (;;) {
    bool more = next_row(one, one_table, &a, &keys[0], &contents[0]);
    if (more != next_row(other, other_table, &b, &keys[1], &contents[1]))
      return false;
    if (!more)
      return true;
    if (!bytes_equal(keys[0], keys[1]) || (values && !bytes_equal(contents[0], contents[1])))
      return false;
  }
}

static bool replay_all(struct books *live, struct books *rebuilt, uint64_t size)
{
  static struct key_ring ring;
  static uint8_t memory[ARENA_SIZE];
  struct arena arena = arena_of(memory, sizeof memory);
  struct replay r;
  struct complaint why;
  struct bytes leaf;
  replay_init(&r, rebuilt, &arena, &ring);
  for (uint64_t i = 0; i < size; i++)
    if (books_entry(live, i, &leaf) != OK || replay_entry(&r, leaf, &why) != OK) {
      broken("replay: entry %llu: %s", (unsigned long long)i, why.text);
      return false;
    }
  if (replay_end(&r, &why) == OK)
    return true;
  broken("replay: %s", why.text);
  return false;
}

/* Replay equals the books; and which bodies must be there, are there, and no other. */
static void check_books(void)
{
  char folder[PATH_MAX_SIM];
  struct head head;
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  struct store *live_store = disk_reader(folder), *scratch = disk_scratch();
  struct books *live = store_begin(live_store, false), *rebuilt = store_begin(scratch, true);
  books_head(live, &head);
  if (replay_all(live, rebuilt, head.size))
    for (int t = 0; t < TABLES_DERIVED; t++)
      if (!table_equal(live, t, rebuilt, t, true))
        broken("rebuilt from the log, the table %s differs", table_names[t]);
  if (!table_equal(live, TABLE_HELD, live, TABLE_BODIES, false))
    broken("a sealed body is missing, or is kept that should be gone");
  store_close(live_store);
  store_close(scratch);
}

void check_quiet(void)
{
  if (sim.nodes[EXCHANGE].up)
    check_offices();
}

void check_end(void)
{
  check_offices();
  promises_check();
  if (!sim.ended)
    check_books();
}
