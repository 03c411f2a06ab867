/* Every agent, or a few of them, is a process of its own. All of them connect and seal, wait for one another, work
 * until the window of time is over, and then open what they sealed.
 */
#include "tests/bench/work.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/answers.h"
#include "tests/bench/measure.h"
#include "tests/bench/referrals.h"
#include "tests/bench/speaker.h"
#include "tests/bench/syncs.h"

const struct workload workloads[] = {
    {"A1", 1, 1, false},     {"A16", 16, 1, false}, {"A64", 64, 1, false},
    {"W256", 1, 256, false}, {"B1", 1, 1, true},    {"B64", 1, 64, true},
};
const size_t workload_count = sizeof workloads / sizeof workloads[0];

enum {
  WINDOW_MAX = 256,
  PROCESSES_MAX = 66,
  CORES = 2, /* so many processes for agents that remember in memory */
  SAMPLES_MAX = 4 << 20,
  STOCK = 1024, /* of all senders together */
  POLL_MS = 50,
  WARM_NS = 500000000,
};

/* What the processes share. */
struct lane {
  double seal_us, open_us;
  size_t count;
  uint64_t samples[SAMPLES_MAX];
};
struct shared {
  atomic_ullong agents_syncs;
  uint64_t begin_ns, end_ns;
  struct lane lanes[];
};

struct gate { /* those on one side wait until all on the other have closed it */
  int in, out;
};

static struct gate gate_make(void)
{
  int fd[2];
  must(pipe2(fd, O_CLOEXEC) == 0);
  return (struct gate){fd[0], fd[1]};
}

static void gate_wait(struct gate g)
{
  char c;
  close(g.out);
  must(read(g.in, &c, 1) == 0);
  close(g.in);
}

/* --- a sender --- */

struct sender {
  struct speaker *speaker;
  struct stock *stock;
  const struct workload *work;
  const struct shared *shared;
  struct lane *lane;
  size_t under_way;
  size_t first; /* of `started`, in a circle: own entries come back in order */
  struct {
    uint64_t ns;
    struct ref_id id; /* of a free place all zero */
  } started[WINDOW_MAX];
};

static void sample(struct sender *s, size_t place)
{
  uint64_t now = now_ns();
  if (now >= s->shared->begin_ns && now < s->shared->end_ns && s->lane->count < SAMPLES_MAX)
    s->lane->samples[s->lane->count++] = now - s->started[place].ns;
  s->started[place].ns = 0;
  s->under_way--;
}

static void sender_hears(void *context, const struct heard *h)
{
  struct sender *s = context;
  if (!s->work->answered && h->own) {
    sample(s, s->first);
    s->first = (s->first + 1) % s->work->window;
  } else if (s->work->answered && h->act == ONWARD__CORE__ACT_ACCEPT) {
    size_t place = 0;
    while (place < s->work->window && !(s->started[place].ns != 0 && ref_id_equal(&s->started[place].id, &h->id)))
      place++;
    if (place < s->work->window)
      sample(s, place);
  }
}

static size_t free_place(const struct sender *s)
{
  size_t place = (s->first + s->under_way) % s->work->window;
  while (s->started[place].ns != 0)
    place = (place + 1) % s->work->window;
  return place;
}

static void sender_speaks(struct sender *s)
{
  uint64_t now = now_ns();
  for (; s->under_way < s->work->window; s->under_way++) {
    struct event e;
    struct bytes bodies;
    size_t place = free_place(s);
    stock_next(s->stock, &e, &bodies);
    s->started[place].ns = now;
    s->started[place].id = e.referral;
    speaker_say(s->speaker, &e, bodies);
  }
  speaker_push(s->speaker);
}

/* Sends for as long as the window lasts, for this many agents by turns. */
static void senders_work(struct sender *senders, size_t count)
{
  zmq_pollitem_t items[OFFICES_MAX];
  for (size_t i = 0; i < count; i++)
    sender_speaks(&senders[i]);
  while (now_ns() < senders[0].shared->end_ns) {
    for (size_t i = 0; i < count; i++)
      items[i] = (zmq_pollitem_t){speaker_socket(senders[i].speaker), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(items, (int)count, POLL_MS) < 0)
      continue;
    for (size_t i = 0; i < count; i++) {
      speaker_take(senders[i].speaker, sender_hears, &senders[i]);
      sender_speaks(&senders[i]);
    }
  }
}

/* --- the recipient --- */

struct recipient {
  struct speaker *speaker;
  struct arena arena;
  struct heard offered[WINDOW_MAX]; /* referrals whose `receive` is not in the log yet; free places have index 0 */
};

static void answer(struct recipient *r, const struct heard *offer, act_kind act)
{
  struct event e;
  struct bytes none = {NULL, 0};
  answer_make(speaker_self(r->speaker), offer, act, &r->arena, &e);
  speaker_say(r->speaker, &e, none);
}

static void recipient_hears(void *context, const struct heard *h)
{
  struct recipient *r = context;
  size_t place = 0;
  if (!h->own && h->act == ONWARD__CORE__ACT_SUBMIT) {
    while (place < WINDOW_MAX && r->offered[place].index != 0)
      place++;
    must(place < WINDOW_MAX);
    r->offered[place] = *h;
    if (!speaker_receives(r->speaker))
      answer(r, h, ONWARD__CORE__ACT_RECEIVE);
  } else if (h->own && h->act == ONWARD__CORE__ACT_RECEIVE) {
    while (place < WINDOW_MAX && (r->offered[place].index == 0 || !ref_id_equal(&r->offered[place].id, &h->id)))
      place++;
    must(place < WINDOW_MAX);
    answer(r, &r->offered[place], ONWARD__CORE__ACT_ACKNOWLEDGE);
    answer(r, &r->offered[place], ONWARD__CORE__ACT_ACCEPT);
    r->offered[place].index = 0;
  }
}

static void recipient_works(struct recipient *r, const struct shared *shared)
{
  while (now_ns() < shared->end_ns) {
    zmq_pollitem_t item = {speaker_socket(r->speaker), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, POLL_MS);
    arena_reset(&r->arena);
    speaker_take(r->speaker, recipient_hears, r);
    speaker_push(r->speaker);
  }
}

/* --- processes --- */

struct run {
  struct exchange *exchange;
  const struct workload *work;
  const struct conditions *conditions;
  struct shared *shared;
  size_t process_count;
  pid_t processes[PROCESSES_MAX];
  struct gate ready, go, end;
};

static void become_sender(struct run *r, size_t which, size_t count)
{
  static struct sender senders[OFFICES_MAX];
  size_t mine = 0;
  for (size_t i = which; i < r->work->senders; i += count) {
    struct sender *s = &senders[mine++];
    const struct office *office = &r->exchange->office[i + 1];
    s->work = r->work;
    s->shared = r->shared;
    s->lane = &r->shared->lanes[which];
    s->speaker = speaker_open(r->exchange, office, r->conditions->homes, r->conditions->batch_max);
    s->stock = stock_make(r->exchange, speaker_self(s->speaker), &r->exchange->office[0], STOCK / r->work->senders);
  }
  close(r->ready.out);
  gate_wait(r->go);
  senders_work(senders, mine);
  gate_wait(r->end);
  for (size_t i = 0; i < mine; i++) {
    stock_open(senders[i].stock, &senders[i].lane->seal_us, &senders[i].lane->open_us);
    stock_free(senders[i].stock);
    speaker_close(senders[i].speaker);
  }
}

static void become_recipient(struct run *r)
{
  enum { ARENA_SIZE = 8 << 20 };
  static struct recipient recipient;
  recipient.arena = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
  must(recipient.arena.memory != NULL);
  recipient.speaker =
      speaker_open(r->exchange, &r->exchange->office[0], r->conditions->homes, r->conditions->batch_max);
  close(r->ready.out);
  gate_wait(r->go);
  recipient_works(&recipient, r->shared);
  gate_wait(r->end);
  speaker_close(recipient.speaker);
  free(recipient.arena.memory);
}

static void start_processes(struct run *r)
{
  size_t senders = r->conditions->homes != NULL || r->work->senders < CORES ? r->work->senders : CORES;
  r->process_count = senders + r->work->answered;
  for (size_t i = 0; i < r->process_count; i++) {
    r->processes[i] = fork();
    must(r->processes[i] >= 0);
    if (r->processes[i] > 0)
      continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (r->conditions->homes != NULL)
      bench_hush(folder_path(r->exchange->folder, "agents.log"));
    if (i < senders)
      become_sender(r, i, senders);
    else
      become_recipient(r);
    _exit(0);
  }
}

struct meter {
  uint64_t ns, exchange_ns, agents_ns, exchange_syncs, agents_syncs;
};

static struct meter meter_read(const struct run *r)
{
  struct meter m = {.ns = now_ns(),
                    .exchange_ns = cpu_ns(r->exchange->process),
                    .exchange_syncs = atomic_load((atomic_ullong *)r->exchange->syncs),
                    .agents_syncs = atomic_load(&r->shared->agents_syncs)};
  for (size_t i = 0; i < r->process_count; i++)
    m.agents_ns += cpu_ns(r->processes[i]);
  return m;
}

static void wait_for_processes(const struct run *r)
{
  int status;
  for (size_t i = 0; i < r->process_count; i++)
    if (waitpid(r->processes[i], &status, 0) != r->processes[i] || status != 0)
      bench_fail("%s: an agent did not finish", r->work->name);
}

/* The samples of all processes, one behind the other in the first lane. */
static size_t gather(const struct run *r, uint64_t **out)
{
  size_t count = 0;
  for (size_t i = 0; i < r->process_count; i++)
    count += r->shared->lanes[i].count;
  *out = malloc((count + 1) * sizeof **out);
  must(*out != NULL);
  for (size_t i = 0, at = 0; i < r->process_count; at += r->shared->lanes[i++].count)
    memcpy(*out + at, r->shared->lanes[i].samples, r->shared->lanes[i].count * sizeof **out);
  samples_sort(*out, count);
  return count;
}

static void reckon(const struct run *r, const struct meter *a, const struct meter *b, struct figures *out)
{
  uint64_t *samples;
  size_t count = gather(r, &samples);
  if (count == 0)
    bench_fail("%s: nothing was confirmed in time", r->work->name);
  double n = (double)count, seconds = (double)(b->ns - a->ns) / 1e9;
  double exchange_us = (double)(b->exchange_ns - a->exchange_ns) / 1e3;
  double agents_us = (double)(b->agents_ns - a->agents_ns) / 1e3;
  double exchange_syncs = (double)(b->exchange_syncs - a->exchange_syncs);
  double agents_syncs = (double)(b->agents_syncs - a->agents_syncs);
  *out = (struct figures){.rate = n / seconds,
                          .p50_us = samples_us(samples, count, 50),
                          .p99_us = samples_us(samples, count, 99),
                          .max_us = samples_us(samples, count, 100),
                          .exchange_cores = exchange_us / 1e6 / seconds,
                          .agents_cores = agents_us / 1e6 / seconds,
                          .exchange_us = exchange_us / n,
                          .agents_us = agents_us / n,
                          .exchange_syncs_s = exchange_syncs / seconds,
                          .exchange_syncs = exchange_syncs / n,
                          .agents_syncs_s = agents_syncs / seconds,
                          .agents_syncs = agents_syncs / n,
                          .seal_us = r->shared->lanes[0].seal_us,
                          .open_us = r->shared->lanes[0].open_us};
  free(samples);
}

void work_run(struct exchange *x, const struct workload *w, const struct conditions *c, struct figures *out)
{
  size_t size = sizeof(struct shared) + PROCESSES_MAX * sizeof(struct lane);
  struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  must(shared != MAP_FAILED);
  struct run r = {.exchange = x, .work = w, .conditions = c, .shared = shared};
  r.ready = gate_make();
  r.go = gate_make();
  r.end = gate_make();
  syncs_count_into(&shared->agents_syncs);
  start_processes(&r);
  gate_wait(r.ready);
  shared->begin_ns = now_ns() + WARM_NS;
  shared->end_ns = shared->begin_ns + (uint64_t)(c->seconds * 1e9);
  close(r.go.out);
  close(r.go.in);
  sleep_until_ns(shared->begin_ns);
  struct meter begin = meter_read(&r);
  sleep_until_ns(shared->end_ns);
  struct meter end = meter_read(&r);
  close(r.end.out);
  close(r.end.in);
  wait_for_processes(&r);
  reckon(&r, &begin, &end, out);
  syncs_count_into(NULL);
  munmap(shared, size);
}
