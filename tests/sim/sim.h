/* One simulated network: an exchange and its organisations, each on a computer of its own, under one seed. One at a
 * time in a process. What runs is the real code; what it runs on is here: clocks, chance, disks, lines, and people.
 */
#ifndef ONWARD_SIM_H
#define ONWARD_SIM_H

#include "proto/ledger/ledger.h"

#define SIM_START_MS 1767600000000u
#define SIM_PASSPHRASE "not a secret"

enum { NODES_MAX = 20, EXCHANGE = 0, REGISTRAR = 1 /* and the one behind it */, PATH_MAX_SIM = 128, NO_NODE = -1 };

struct agent;  /* agents/agent.h; whoever includes it cannot include broker/inside.h */
struct volume; /* disk.h */

/* A computer with its disk. Number 0 is the exchange's. */
struct node {
  bool used;
  char name[17]; /* of its organisation */
  char home[72];
  struct org_id id;
  bool up;         /* its program runs */
  bool gone;       /* it died at a write, and what still runs of it has no effect any more */
  uint32_t writes; /* durable writes until it dies; 0: it does not */
  bool written;    /* whether that last one reaches the disk */
  int full;        /* the disk: 1 has no room for sealed bodies, 2 for nothing */
  int64_t skew_ms; /* its wall clock against the true time */
  uint64_t slept_ms;
  bool cut_off; /* no network */
  uint64_t cut_off_ms;
  bool copied;              /* a second one of it was begun, or it is that */
  bool cloned;              /* a second one of the same organisation, from a copy */
  struct agent *agent;      /* NULL: down, or the exchange */
  struct volume *backup;    /* NULL: none was made */
  uint64_t backup_promises; /* how many promises had been made by then */
};

struct sim {
  uint64_t seed;
  uint64_t now_ms; /* true time */
  uint64_t chance; /* state of the generator */
  char root[64];   /* the folder of all homes */
  struct node nodes[NODES_MAX];
  int node_count;
  struct node *running; /* whose code runs now; NULL: ours */
  bool orderly;         /* nothing is lost, doubled or delayed for long */
  bool ended;           /* a promise was broken: `why` says which */
  char why[400];
  bool told; /* a transcript is wanted */
};
extern struct sim sim;

/* chance.c */
uint64_t chance_mix(uint64_t a, uint64_t b);
void chance_seed(uint64_t seed);
uint64_t chance(void);
uint32_t below(uint32_t n); /* 0 to n - 1 */
bool one_in(uint32_t n);    /* with this chance */
uint64_t between(uint64_t least, uint64_t most);

/* main.c: a promise is broken; only the first counts. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sim_root_is(const char *root); /* to be cleared away should this process not come to it */
/* A line of the transcript. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* node.c: programs begin, have their turn, die. */
struct node *node_add(const char *name);
void node_start(struct node *n);
void node_die(struct node *n);   /* at once */
void node_after(struct node *n); /* behind each piece of its code: buries it if it died meanwhile */
void node_turn(struct node *n);
uint64_t node_wake_ms(struct node *n, bool lazy); /* true time; UINT64_MAX: only when something comes */
void node_stop_all(void);
int node_find(const struct org_id *id); /* not a clone; NO_NODE: none */
uint64_t node_real_ms(const struct node *n);

/* run.c: time passes. */
void run_until(uint64_t true_ms);
void run_for(uint64_t ms);
void run_leap(uint64_t ms); /* long: from one clock of the exchange to the next */
void run_quiet(void);       /* until nobody has anything to say, or for half a minute */

/* found.c: the network as it begins. */
void found_network(int organisations);
void found_end(void);
bool found_join(struct node *n); /* enrols and joins an organisation that has keys */

#endif
