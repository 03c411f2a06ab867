/* The polite one is this process; the other is a process of its own, and is ended by its pid. Whoever floods within its
 * quota is a whole speaker, that keeps eight batches of 256 events on their way; over quota, and without reading, are
 * bare links that say what an agent would not.
 */
#include "tests/bench/fairness.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "agents/link.h"
#include "tests/bench/measure.h"
#include "tests/bench/referrals.h"
#include "tests/bench/speaker.h"

enum {
  RECIPIENT, /* offices */
  POLITE,
  OTHER,
  OFFICES,
  STOCK = 256,
  EVERY_NS = 5000000, /* the polite one submits, if its last was answered */
  HELLO_EVERY_NS = 20000000,
  WARM_NS = 500000000,
  SAMPLES_MAX = 1 << 16,
  FLOOD_WINDOW = BATCHES_IN_FLIGHT_MAX * BATCH_EVENTS_MAX,
  JUNK_SIZE = 65536, /* bytes of a message beyond the quota */
  WAIT_S = 30,
};

struct counts { /* of the other one; shared */
  atomic_ullong said, answered, refused, otherwise;
};

struct manners {
  const char *name;
  const char *limits; /* of the exchange, beyond the usual; NULL: none */
  void (*behave)(struct exchange *x, struct counts *c);
};

/* --- flooding within the quota --- */

static void flood_hears(void *context, const struct heard *h)
{
  struct counts *c = context;
  if (h->own)
    atomic_fetch_add(&c->answered, 1);
}

static void flood(struct exchange *x, struct counts *c)
{
  struct event e;
  struct bytes bodies;
  struct speaker *p = speaker_open(x, &x->office[OTHER], NULL, BATCH_EVENTS_MAX);
  struct stock *stock = stock_make(x, speaker_self(p), &x->office[RECIPIENT], STOCK);
  for (;;) {
    zmq_pollitem_t item = {speaker_socket(p), 0, ZMQ_POLLIN, 0};
    while (atomic_load(&c->said) < atomic_load(&c->answered) + FLOOD_WINDOW) {
      stock_next(stock, &e, &bodies);
      speaker_say(p, &e, bodies);
      atomic_fetch_add(&c->said, 1);
    }
    zmq_poll(&item, 1, 10);
    speaker_take(p, flood_hears, c);
  }
}

/* --- bare links --- */

static void dial(struct exchange *x, const struct office *o, struct link *l)
{
  struct link_options options = {.address = ""};
  memcpy(options.address, x->address, sizeof x->address);
  memcpy(options.server_key, x->network.link_key, sizeof options.server_key);
  memcpy(options.public_key, o->keys.link_public, sizeof options.public_key);
  memcpy(options.secret_key, o->keys.link_secret, sizeof options.secret_key);
  must(link_init(l) == OK && link_open(l, &options) == OK);
}

static bool say_packed(struct exchange *x, struct link *l, enum frame_kind kind, const void *message)
{
  size_t used = x->arena.used;
  struct bytes none = {NULL, 0};
  bool sent = link_send(l, kind, pb_pack(message, &x->arena), none) == OK;
  x->arena.used = used;
  return sent;
}

static void say_hello(struct exchange *x, const struct office *o, struct link *l)
{
  Onward__Hello h = ONWARD__HELLO__INIT;
  h.organisation = pb_data(org_id_text(&o->id));
  h.network = pb_data(hash_bytes(&x->network.id));
  h.kept_from = UINT64_MAX;
  (void)say_packed(x, l, FRAME_HELLO, &h);
}

static void hear_refusals(struct exchange *x, struct link *l, struct counts *c)
{
  struct link_message m;
  while (link_receive(l, &m) == OK) {
    size_t used = x->arena.used;
    const Onward__Refusal *r =
        m.kind == FRAME_REFUSAL ? pb_unpack(&onward__refusal__descriptor, m.body, &x->arena) : NULL;
    bool over = r != NULL && r->reason == ONWARD__REFUSAL_REASON__OVER_QUOTA && r->retry_after_ms > 0;
    if (m.kind != FRAME_WELCOME)
      atomic_fetch_add(over ? &c->refused : &c->otherwise, 1);
    x->arena.used = used;
    link_free(&m);
  }
}

/* Credit is heard while the quota lasts, and changes nothing; what it carries as sealed bodies costs the quota too. */
static void flood_over_quota(struct exchange *x, struct counts *c)
{
  static const uint8_t junk[JUNK_SIZE];
  struct link l;
  Onward__Credit credit = ONWARD__CREDIT__INIT;
  credit.entries = 1;
  credit.bytes = CREDIT_BYTES_MIN;
  dial(x, &x->office[OTHER], &l);
  say_hello(x, &x->office[OTHER], &l);
  struct bytes body = pb_pack(&credit, &x->arena);
  for (;;) {
    zmq_pollitem_t item = {l.socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    zmq_poll(&item, 1, 10);
    if (link_send(&l, FRAME_CREDIT, body, BYTES(junk)) == OK)
      atomic_fetch_add(&c->said, 1);
    hear_refusals(x, &l, c);
  }
}

/* Wants all of its mail from the beginning, again and again. */
static void never_read(struct exchange *x, struct counts *c)
{
  struct link l;
  Onward__Credit credit = ONWARD__CREDIT__INIT;
  credit.entries = DELIVERY_ENTRIES_MAX;
  credit.bytes = MESSAGE_SIZE_MAX;
  dial(x, &x->office[RECIPIENT], &l);
  for (uint64_t at = now_ns();; at += HELLO_EVERY_NS) {
    say_hello(x, &x->office[RECIPIENT], &l);
    if (say_packed(x, &l, FRAME_CREDIT, &credit))
      atomic_fetch_add(&c->said, 1);
    sleep_until_ns(at + HELLO_EVERY_NS);
  }
}

/* --- the polite one --- */

struct polite {
  struct speaker *speaker;
  struct stock *stock;
  bool answered;
  size_t count;
  uint64_t samples[SAMPLES_MAX];
};

static void polite_hears(void *context, const struct heard *h)
{
  struct polite *p = context;
  p->answered |= h->own;
}

static void submit_once(struct polite *p)
{
  struct event e;
  struct bytes bodies;
  uint64_t begin = now_ns();
  p->answered = false;
  stock_next(p->stock, &e, &bodies);
  speaker_say(p->speaker, &e, bodies);
  speaker_push(p->speaker);
  while (!p->answered) {
    zmq_pollitem_t item = {speaker_socket(p->speaker), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, 10000) == 0)
      bench_fail("the polite one was not answered for 10 s");
    speaker_take(p->speaker, polite_hears, p);
  }
  if (p->count < SAMPLES_MAX)
    p->samples[p->count++] = now_ns() - begin;
}

static void be_polite(struct polite *p, double seconds)
{
  uint64_t begin = now_ns() + WARM_NS, end = begin + (uint64_t)(seconds * 1e9);
  p->count = 0;
  for (uint64_t at = now_ns(); at<end; at = now_ns()> at + EVERY_NS ? now_ns() : at + EVERY_NS) {
    sleep_until_ns(at);
    if (at < begin)
      p->count = 0;
    submit_once(p);
  }
}

/* KiB of memory that is the process's own: the books, which are mapped, are not. */
static long memory_kib(pid_t process)
{
  char path[64], line[256];
  long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)process);
  FILE *f = fopen(path, "re");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "RssAnon:", 8) == 0)
      kib = strtol(line + 8, NULL, 10);
  if (f != NULL)
    fclose(f);
  return kib;
}

static pid_t other_start(struct exchange *x, const struct manners *m, struct counts *c)
{
  pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    m->behave(x, c);
  }
  return child;
}

/* It begins to be refused before anything is measured. */
static void wait_for_refusals(const struct counts *c)
{
  uint64_t end = now_ns() + WAIT_S * 1000000000ull;
  while (atomic_load(&c->refused) == 0) {
    if (now_ns() > end)
      bench_fail("who floods is not refused");
    sleep_until_ns(now_ns() + EVERY_NS);
  }
}

static void other_end(pid_t other)
{
  int status;
  if (waitpid(other, &status, WNOHANG) != 0)
    bench_fail("the other one ended by itself");
  kill(other, SIGKILL);
  must(waitpid(other, &status, 0) == other);
}

static const struct manners all_manners[] = {
    {"alone", NULL, NULL},
    {"floods-within-quota", NULL, flood},
    {"floods-over-quota", "[limits]\nbytes_per_minute = 33554432\n", flood_over_quota},
    {"never-reads", NULL, never_read},
};

/* The ratio of its p99 to that alone. */
static double tell(const struct manners *m, const struct polite *p, const struct counts *c, long kib, double alone[2],
                   bool json)
{
  double p50 = samples_us(p->samples, p->count, 50), p99 = samples_us(p->samples, p->count, 99);
  unsigned long long said = atomic_load(&c->said), refused = atomic_load(&c->refused),
                     otherwise = atomic_load(&c->otherwise);
  if (m->behave == NULL) {
    alone[0] = p50;
    alone[1] = p99;
  }
  if (json)
    printf("{\"beside\":\"%s\",\"answered\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p50_ratio\":%.2f,\"p99_ratio\":%.2f,"
           "\"other_said\":%llu,\"other_refused\":%llu,\"other_otherwise\":%llu,\"exchange_kib\":%ld}\n",
           m->name, p->count, p50, p99, p50 / alone[0], p99 / alone[1], said, refused, otherwise, kib);
  else
    printf("%-20s %9zu |%8.0f%8.0f |%7.1f%7.1f | %10llu %10llu | %8ld\n", m->name, p->count, p50, p99, p50 / alone[0],
           p99 / alone[1], said, refused, kib);
  fflush(stdout);
  return p99 / alone[1];
}

static double run(struct exchange *x, const struct manners *m, double seconds, struct counts *c, double alone[2],
                  bool json)
{
  static struct polite p;
  pid_t other = 0;
  memset(c, 0, sizeof *c);
  exchange_limits = m->limits;
  exchange_start(x, NULL);
  if (m->behave != NULL)
    other = other_start(x, m, c);
  if (m->limits != NULL)
    wait_for_refusals(c);
  p.speaker = speaker_open(x, &x->office[POLITE], NULL, BATCH_EVENTS_MAX);
  p.stock = stock_make(x, speaker_self(p.speaker), &x->office[RECIPIENT], STOCK);
  be_polite(&p, seconds);
  long kib = memory_kib(x->process);
  if (other != 0)
    other_end(other);
  if (p.count == 0)
    bench_fail("%s: nothing was answered in time", m->name);
  samples_sort(p.samples, p.count);
  double ratio = tell(m, &p, c, kib, alone, json);
  stock_free(p.stock);
  speaker_close(p.speaker);
  exchange_stop(x);
  return ratio;
}

bool fairness_run(struct exchange *x, double seconds, bool json)
{
  double alone[2] = {1, 1}, worst = 0;
  struct counts *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(c != MAP_FAILED);
  if (!json) {
    puts("                               |       us        |  times alone  |  the other one        | exchange");
    puts("beside one that       answered |     p50     p99 |    p50    p99 |       said    refused |      KiB");
  }
  offices_make(x, OFFICES, NULL);
  for (size_t i = 0; i < sizeof all_manners / sizeof all_manners[0]; i++) {
    double ratio = run(x, &all_manners[i], seconds, c, alone, json);
    worst = ratio > worst ? ratio : worst;
  }
  exchange_limits = NULL;
  munmap(c, sizeof *c);
  if (!json)
    printf("stated: at most %d times: %s\n", FAIRNESS_FACTOR, worst <= FAIRNESS_FACTOR ? "held" : "EXCEEDED");
  return worst <= FAIRNESS_FACTOR;
}
