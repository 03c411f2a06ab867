/* What goes wrong, one thing at a time, at a computer that chance picks. */
#include "tests/sim/script.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/agent.h"
#include "agents/papers.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/lines.h"
#include "tests/sim/model.h"
#include "tests/sim/people.h"
#include "tests/sim/promises.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000, COPIES_MAX = 3 };

static struct node *any_node(void)
{
  return &sim.nodes[below((uint32_t)sim.node_count)];
}

static struct node *any_office(void)
{
  return &sim.nodes[REGISTRAR + below((uint32_t)(sim.node_count - REGISTRAR))];
}

static void books_folder(const struct node *n, char folder[PATH_MAX_SIM])
{
  snprintf(folder, PATH_MAX_SIM, "%s/books", n->home);
}

void fault_death(void)
{
  struct node *n = one_in(3) ? &sim.nodes[EXCHANGE] : any_node();
  if (!n->up)
    return;
  if (one_in(3)) {
    tell("  %s dies", n->name);
    node_die(n);
    return;
  }
  n->writes = 1 + below(6);
  n->written = one_in(2);
  tell("  %s will die at its write number %u", n->name, n->writes);
}

void fault_start(void)
{
  for (int i = 0; i < sim.node_count && !sim.ended; i++)
    if (sim.nodes[i].used && !sim.nodes[i].up && !one_in(3)) {
      tell("  %s starts", sim.nodes[i].name);
      node_start(&sim.nodes[i]);
    }
}

void fault_cut(void)
{
  struct node *n = any_office();
  tell("  the line of %s is cut", n->name);
  lines_cut_all((int)(n - sim.nodes));
}

void fault_partition(void)
{
  struct node *n = any_office();
  n->cut_off = !n->cut_off;
  n->cut_off_ms = sim.now_ms;
  tell("  %s has %s network", n->name, n->cut_off ? "no" : "a");
}

/* --- copies of a disk --- */

void fault_backup(void)
{
  char folder[PATH_MAX_SIM];
  struct node *n = any_office();
  if (!n->used || n->cloned || n->backup != NULL)
    return;
  books_folder(n, folder);
  n->backup = disk_copy_of(folder);
  n->backup_promises = promises_count();
  tell("  %s makes a backup", n->name);
}

/* Its keys are kept apart: only the books go back. */
void fault_restore(void)
{
  char folder[PATH_MAX_SIM];
  struct node *n = any_office();
  for (int i = 0; i < NODES_MAX && n->backup == NULL; i++)
    n = any_office();
  if (n->backup == NULL || !n->used)
    return;
  tell("  %s is restored from its backup", n->name);
  node_die(n);
  books_folder(n, folder);
  disk_put_back(folder, n->backup);
  promises_set_back((int)(n - sim.nodes), n->backup_promises);
  node_start(n);
}

static void copy_file(const char *from, const char *to)
{
  static uint8_t content[1 << 16];
  char why[200];
  size_t size;
  if (file_read(from, content, sizeof content, &size, why) == OK)
    must(file_write(to, bytes_of(content, size), why) == OK);
}

static void copy_home(const struct node *from, const struct node *to)
{
  char folder[PATH_MAX_SIM];
  DIR *dir = opendir(from->home);
  must(dir != NULL && mkdir(to->home, 0700) == 0);
  for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    char a[400], b[400];
    struct stat st;
    snprintf(a, sizeof a, "%s/%s", from->home, e->d_name);
    snprintf(b, sizeof b, "%s/%s", to->home, e->d_name);
    if (stat(a, &st) == 0 && S_ISREG(st.st_mode) && strcmp(e->d_name, "lock") != 0)
      copy_file(a, b);
  }
  (void)closedir(dir);
  books_folder(from, folder);
  struct volume *v = disk_copy_of(folder);
  books_folder(to, folder);
  disk_give(folder, v);
}

static struct node *running_copy(void)
{
  for (int i = REGISTRAR; i < sim.node_count; i++)
    if (sim.nodes[i].cloned && sim.nodes[i].used)
      return &sim.nodes[i];
  return NULL;
}

/* A second computer of the same organisation begins; or the one that there is ends for good. */
void fault_copy(void)
{
  struct node *n = running_copy();
  if (n != NULL) {
    tell("  the copy of %s is put away", n->name);
    node_die(n);
    n->used = false;
    promises_set_back((int)(n - sim.nodes), 0);
    return;
  }
  n = any_office();
  if (!n->used || sim.node_count + 1 >= NODES_MAX)
    return;
  node_die(n);
  struct node *copy = node_add(n->name);
  copy->cloned = copy->copied = n->copied = true;
  copy_home(n, copy);
  tell("  a copy of %s runs, too", n->name);
  node_start(n);
  node_start(copy);
}

/* --- clocks --- */

void fault_clock(void)
{
  struct node *n = one_in(3) ? &sim.nodes[EXCHANGE] : any_node();
  int64_t by = (int64_t)between(1, one_in(3) ? 20 * DAY_MS : 20 * MINUTE_MS);
  bool back = one_in(2);
  if (n == &sim.nodes[EXCHANGE] && back && by > HOUR_MS)
    by = HOUR_MS;
  n->skew_ms += back ? -by : by;
  tell("  the clock of %s jumps %s by %lld s", n->name, back ? "back" : "forward", (long long)(by / 1000));
  if (n == &sim.nodes[EXCHANGE] && n->up)
    node_turn(n);
}

static void confirm_time(void)
{
  char path[PATH_MAX_SIM], why[200];
  snprintf(path, sizeof path, "%s/time-confirmed", sim.nodes[EXCHANGE].home);
  must(file_write(path, bytes_text("confirmed\n"), why) == OK);
  tell("  the operator confirms the time");
  if (sim.nodes[EXCHANGE].up)
    node_turn(&sim.nodes[EXCHANGE]);
}

/* The exchange's machine sleeps; or somebody looks at its clock. */
void fault_sleep(void)
{
  if (exchange_doubts()) {
    confirm_time();
    return;
  }
  uint64_t ms = between(1, 40) * HOUR_MS / 4;
  tell("  the exchange's computer sleeps for %u min", (unsigned)(ms / MINUTE_MS));
  sim.now_ms += ms;
  sim.nodes[EXCHANGE].slept_ms += ms;
  lines_cut_all(NO_NODE);
}

void fault_full(void)
{
  struct node *n = any_node();
  n->full = n->full > 0 ? 0 : 1 + (int)below(2);
  tell("  the disk of %s has room for %s", n->name, n->full == 0 ? "all" : n->full == 1 ? "no bodies" : "nothing");
}

/* --- the registry --- */

static struct node *registrar(void)
{
  struct node *n = &sim.nodes[REGISTRAR + (int)below(2)];
  return n->up ? n : &sim.nodes[REGISTRAR];
}

/* Its keys; or the prepared ones, which the registry may have already. */
static bool present_keys(const struct node *by, const struct node *n, struct key_folder *keys)
{
  char why[200];
  struct organisation o;
  uint8_t point[ES256_PUBLIC_SIZE];
  if (by->agent == NULL || keys_open(n->home, why, keys) != OK)
    return false;
  bool known = books_organisation(agent_read(by->agent), &n->id, &o) == OK;
  (void)agent_abort(by->agent);
  es256_secret_public(keys->sign, point);
  if (!known || bytes_equal(BYTES(point), BYTES(o.keys.sign)))
    return true;
  keys_close(keys);
  return keys_open_next(n->home, why, keys) == OK;
}

/* The same keys once more: its standing is active again. */
static void enrol_again(struct node *by, struct node *n)
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  static char text[PAPER_TEXT_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  struct key_folder keys;
  Onward__Request r = ONWARD__REQUEST__INIT;
  sim.running = by;
  bool there = present_keys(by, n, &keys);
  sim.running = NULL;
  if (!there)
    return;
  r.organisation = pb_data(org_id_text(&n->id));
  r.name = pb_data(bytes_text("An organisation of the simulator"));
  r.kind = ONWARD__ORGANISATION_KIND__NGO;
  must(request_file_write(&keys, &r, &a, text, sizeof text) == OK);
  keys_close(&keys);
  people_do(by, json_pack("{s:s, s:s}", "do", "enrol", "request", text));
}

static void set_policy(struct node *by)
{
  const struct node *last = any_office();
  people_do(by, json_pack("{s:s, s:s}", "do", "set_policy", "last_resort", last->name));
}

/* Whoever has a referral now, if anybody has one. */
static struct node *somebody_at_work(void)
{
  for (size_t i = 0; i < model.referral_count; i++) {
    const struct model_referral *r = &model.referrals[below((uint32_t)model.referral_count)];
    int node = r->present >= 0 && model_live(r) ? node_find(&r->parties[r->present].org) : NO_NODE;
    if (node != NO_NODE && (r->state == STATE_IN_PROGRESS || one_in(3)))
      return &sim.nodes[node];
  }
  return any_office();
}

/* A registrar that is suspended acts as one all the same. */
static void suspend(struct node *by, struct node *n, const char *standing)
{
  people_do(by, json_pack("{s:s, s:s, s:s}", "do", "suspend", "organisation", n->name, "standing", standing));
  if (n > &sim.nodes[REGISTRAR + 1])
    return;
  run_for(3000);
  if (n->up && !sim.ended)
    set_policy(n);
}

void fault_registry(void)
{
  static const char *const standings[] = {"COMPROMISED", "COMPROMISED", "LAPSED", "LEAVING"};
  struct node *by = registrar(), *n = one_in(2) ? any_office() : somebody_at_work();
  bool registers = n <= &sim.nodes[REGISTRAR + 1];
  if (!by->up || n->cloned || (registers && !one_in(2)))
    return;
  uint32_t what = below(6);
  if (what == 0)
    set_policy(by);
  else if (what <= 2)
    suspend(by, n, standings[registers ? 1 + below(3) : below(4)]);
  else
    enrol_again(by, n);
}

void fault_keys(void)
{
  struct node *n = any_office();
  if (!n->up || n->cloned || running_copy() != NULL)
    return;
  people_unlock(n);
  people_do(n, json_pack("{s:s, s:s}", "do", "rotate", "passphrase", SIM_PASSPHRASE));
}

void fault_lock(void)
{
  struct node *n = any_office();
  if (one_in(2))
    people_do(n, json_pack("{s:s}", "do", "lock"));
  else
    people_unlock(n);
}

/* --- the end of all faults --- */

static bool stands(struct node *asked, const struct node *n)
{
  struct organisation o;
  sim.running = asked;
  bool there = books_organisation(agent_read(asked->agent), &n->id, &o) == OK;
  (void)agent_abort(asked->agent);
  sim.running = NULL;
  return !there || o.standing == ONWARD__STANDING__ACTIVE;
}

static struct node *registrar_in_standing(void)
{
  struct node *one = &sim.nodes[REGISTRAR], *two = &sim.nodes[REGISTRAR + 1];
  return stands(two, one) && stands(one, one) ? one : two;
}

void faults_enrol_all(void)
{
  struct node *by = registrar_in_standing();
  for (int i = REGISTRAR; i < sim.node_count && !sim.ended; i++)
    if (sim.nodes[i].used && !stands(by, &sim.nodes[i]))
      enrol_again(by, &sim.nodes[i]);
}

void faults_end(void)
{
  sim.orderly = true;
  if (running_copy() != NULL)
    fault_copy();
  for (int i = 0; i < sim.node_count && !sim.ended; i++) {
    struct node *n = &sim.nodes[i];
    n->writes = 0;
    n->full = 0;
    n->cut_off = false;
    if (i != EXCHANGE)
      n->skew_ms = 0;
    if (n->used)
      node_start(n);
  }
  run_for(5 * MINUTE_MS);
  if (exchange_doubts())
    confirm_time();
  run_for(5 * MINUTE_MS);
  for (int i = REGISTRAR; i < sim.node_count && !sim.ended; i++)
    if (sim.nodes[i].used && sim.nodes[i].up)
      people_unlock(&sim.nodes[i]);
  faults_enrol_all();
  run_for(5 * MINUTE_MS);
}
