/* The network as it begins: two registrars' requests, the exchange's init, and everybody else enrolled and invited, by
 * the real commands. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/desk.h"
#include "agents/papers.h"
#include "broker/admin.h"
#include "tests/sim/disk.h"
#include "tests/sim/exchange.h"
#include "tests/sim/lines.h"
#include "tests/sim/people.h"
#include "tests/sim/watch.h"

static const char *const names[] = {"police", "aple", "a21", "tpo", "lawyers", "clinic", "shelter"};
static char why[200];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
  (void)st;
  (void)kind;
  (void)walk;
  return remove(path);
}

static void remove_folder(const char *folder)
{
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* New keys in the folder, and the text of the request for them. */
static void make_request(struct node *n, char text[PAPER_TEXT_MAX])
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  struct arena a = arena_of(memory, sizeof memory);
  struct key_folder keys;
  Onward__Request r = ONWARD__REQUEST__INIT;
  must(keys_create(n->home, bytes_text(SIM_PASSPHRASE), why) == OK && keys_open(n->home, why, &keys) == OK);
  r.organisation = pb_data(org_id_text(&n->id));
  r.name = pb_data(bytes_text("An organisation of the simulator"));
  r.kind = ONWARD__ORGANISATION_KIND__NGO;
  must(request_file_write(&keys, &r, &a, text, PAPER_TEXT_MAX) == OK);
  keys_close(&keys);
}

static void put_file(const char *folder, const char *name, const char *text)
{
  char path[PATH_MAX_SIM];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  must(file_write(path, bytes_text(text), why) == OK);
}

static void move_invitation(struct node *n)
{
  char from[PATH_MAX_SIM], to[PATH_MAX_SIM];
  snprintf(from, sizeof from, "%s/%s.invitation", sim.nodes[EXCHANGE].home, n->name);
  snprintf(to, sizeof to, "%s/network", n->home);
  must(rename(from, to) == 0);
}

/* It tells people what it made; nobody reads it here. */
static int init_silently(const struct init_options *o)
{
  (void)fflush(stdout);
  int out = dup(STDOUT_FILENO), nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  must(out >= 0 && nothing >= 0 && dup2(nothing, STDOUT_FILENO) >= 0);
  int code = admin_init(o);
  (void)fflush(stdout);
  must(dup2(out, STDOUT_FILENO) >= 0 && close(out) == 0 && close(nothing) == 0);
  return code;
}

static void found_exchange(void)
{
  static char text[PAPER_TEXT_MAX];
  char paths[2][PATH_MAX_SIM];
  struct node *exchange = &sim.nodes[EXCHANGE];
  struct init_options o = {.folder = exchange->home,
                           .name = "exchange.sim/log",
                           .listen = "tcp://127.0.0.1:1",
                           .registrars = {paths[0], paths[1]},
                           .replace_after_h = 72};
  for (int i = 0; i < 2; i++) {
    struct node *n = node_add(i == 0 ? "registry-one" : "registry-two");
    make_request(n, text);
    put_file(n->home, "request", text);
    snprintf(paths[i], sizeof paths[i], "%s/request", n->home);
  }
  must(init_silently(&o) == 0);
  put_file(exchange->home, "broker.conf", "[exchange]\nlisten = tcp://127.0.0.1:1\n[limits]\nsessions_max = 32\n");
  for (int i = 0; i < 2; i++)
    move_invitation(&sim.nodes[REGISTRAR + i]);
}

bool found_join(struct node *n)
{
  static char text[PAPER_TEXT_MAX];
  struct node *registrar = &sim.nodes[REGISTRAR];
  make_request(n, text);
  json_t *answer = people_ask(registrar, json_pack("{s:s, s:s}", "do", "enrol", "request", text));
  bool enrolled = json_is_true(json_object_get(answer, "ok"));
  json_decref(answer);
  const char *invitation = NULL;
  for (int i = 0; i < 20 && enrolled && invitation == NULL && !sim.ended; i++) {
    run_for(2000);
    people_refresh(registrar);
    run_for(2000);
    answer = people_ask(registrar, json_pack("{s:s, s:s}", "do", "invitation", "organisation", n->name));
    invitation = json_string_value(json_object_get(answer, "invitation"));
    if (invitation != NULL)
      put_file(n->home, "network", invitation);
    json_decref(answer);
  }
  if (invitation != NULL)
    node_start(n);
  return invitation != NULL;
}

void found_network(int organisations)
{
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(sim.root, sizeof sim.root, "%s/onward-sim-XXXXXX", folder);
  must(mkdtemp(sim.root) != NULL);
  sim_root_is(sim.root);
  sim.now_ms = SIM_START_MS;
  sim.orderly = true;
  node_add("exchange");
  found_exchange();
  watch_begin();
  exchange_start();
  node_start(&sim.nodes[REGISTRAR]);
  node_start(&sim.nodes[REGISTRAR + 1]);
  run_for(5000);
  for (int i = 0; i < organisations && !sim.ended; i++)
    if (!found_join(node_add(names[i])))
      broken("%s cannot join", names[i]);
  run_for(5000);
  sim.orderly = false;
}

void found_end(void)
{
  node_stop_all();
  watch_end();
  lines_forget();
  disk_forget_all();
  remove_folder(sim.root);
}
