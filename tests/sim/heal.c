/* Once the network heals and all are awake, every referral moves on: everybody takes the step that waits for them, and
 * time passes, until all have ended. */
#include "tests/sim/script.h"

#include <stdio.h>
#include <string.h>

#include "agents/agent.h"
#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/people.h"

enum { ROUNDS_MAX = 60, DAY_MS = 86400000, PATIENCE = 3 };

#define OVER_STATES (IN(CLOSED) | IN(CANCELLED) | IN(WITHDRAWN) | IN(ERROR))

static bool owes_nothing(const struct referral *r)
{
  for (int i = 0; i < r->party_count; i++)
    if ((r->parties[i].marks & PARTY_DUTY) != 0)
      return false;
  return true;
}

/* How many referrals have not ended, with their duties; the first of them. */
static size_t open_referrals(struct referral *first)
{
  char folder[PATH_MAX_SIM];
  struct bytes key, value;
  size_t count = 0;
  struct row_key from = row_key_start();
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  struct store *s = disk_reader(folder);
  struct books *b = store_begin(s, false);
  while (b->seek(b, TABLE_REFERRALS, row_key(&from), &key, &value) == OK) {
    struct ref_id id;
    struct referral r;
    memcpy(id.byte, key.data, sizeof id.byte);
    from = row_key_start();
    row_key_bytes(&from, key);
    row_key_u8(&from, 0);
    must(books_referral(b, &id, &r) == OK);
    bool over = (OVER_STATES >> r.state & 1) != 0 && owes_nothing(&r);
    if (!over && count++ == 0)
      *first = r;
  }
  store_close(s);
  return count;
}

/* What waits in the outboxes. */
static const struct node *unsent(void)
{
  for (int i = REGISTRAR; i < sim.node_count; i++) {
    struct node *n = &sim.nodes[i];
    struct marks m;
    if (!n->used || !n->up)
      continue;
    sim.running = n;
    struct books *b = agent_read(n->agent);
    marks_get(b, &m);
    bool waits = m.waiting + outbox_unlogged(b) > 0;
    (void)agent_abort(n->agent);
    sim.running = NULL;
    if (waits)
      return n;
  }
  return NULL;
}

static void everybody(void)
{
  for (int i = REGISTRAR; i < sim.node_count && !sim.ended; i++) {
    struct node *n = &sim.nodes[i];
    if (!n->used || !n->up)
      continue;
    people_unlock(n);
    people_sensible(n);
  }
  run_quiet();
  faults_enrol_all();
}

void heal(void)
{
  struct referral first;
  size_t open = SIZE_MAX;
  faults_end();
  for (int i = 0, waited = 0; i < ROUNDS_MAX && !sim.ended; i++) {
    everybody();
    if (sim.ended)
      return;
    size_t now = open_referrals(&first);
    const struct node *waits = unsent();
    if (now == 0 && waits == NULL)
      return;
    if (now == open && ++waited >= PATIENCE) {
      run_leap(4ull * DAY_MS);
      people_refresh(&sim.nodes[REGISTRAR]);
      people_refresh(&sim.nodes[REGISTRAR + 1]);
      run_quiet();
      waited = 0;
    }
    open = now;
  }
  const struct node *waits = unsent();
  if (open_referrals(&first) > 0)
    broken("all are awake, and a referral of %.16s stays %s (flags %u, leg %u)", first.sender.text,
           state_name(first.state), first.flags, first.leg);
  else if (waits != NULL)
    broken("all are awake, and what %s saved does not leave its outbox", waits->name);
}
