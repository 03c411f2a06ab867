/* What the loads for other systems share: the same workloads as work.h, with threads in place of processes. A rival is
 * a queue that confirms what is durable; nothing is signed or checked. One program a rival: rival_<name> PORT WORKLOAD
 * SECONDS, which prints one line of JSON.
 *
 * A<n>, W<n>: messages of 1 KiB, confirmed. B<n>: 1 KiB to the recipient's queue, confirmed; the recipient puts two
 * answers of 256 bytes into the sender's queue, confirmed, and then takes the message off its own; the trip ends when
 * the sender has its confirmation and both answers.
 */
#ifndef ONWARD_BENCH_RIVAL_H
#define ONWARD_BENCH_RIVAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_SIZE = 1024, ANSWER_SIZE = 256, TRIPS_MAX = 64, WINDOW_MAX = 256, LINES_MAX = 64 };
enum told { TOLD_CONFIRMED = 1, TOLD_ACKNOWLEDGED = 2, TOLD_ACCEPTED = 4, TOLD_ALL = 7 };

struct tag { /* what every message of a trip begins with */
  uint32_t slot;
  uint32_t told; /* by an answer: what it says */
  uint64_t trip;
};

struct lane { /* of one thread */
  uint64_t *samples;
  size_t count;
};

struct load {
  const char *port;
  char kind;
  size_t lines;  /* connections that send */
  size_t window; /* of each; of B: trips under way */
  uint64_t begin_ns, end_ns;
  struct lane lanes[LINES_MAX];
  pthread_mutex_t mutex; /* of what follows, for B */
  pthread_cond_t freed;
  struct {
    struct tag tag;
    uint64_t started_ns;
    unsigned told; /* enum told; of a free slot 0, with started_ns 0 */
  } trips[TRIPS_MAX];
};

typedef void (*rival_role)(struct load *l, size_t index);

struct rival {
  const char *name;
  void (*prepare)(const struct load *l); /* makes empty queues */
  void (*finish)(const struct load *l);
  bool windows;        /* one connection can have more than one unconfirmed message */
  rival_role producer; /* of A and W: one thread a connection */
  struct {
    rival_role role;
    size_t threads; /* at most; never more than trips */
  } roles[4];       /* of B */
};
int rival_main(int argc, char **argv, const struct rival *r);
_Noreturn void rival_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool load_over(const struct load *l);
void load_sample(struct load *l, size_t lane, uint64_t started_ns);
void message_fill(uint8_t *message, size_t size); /* bytes that nobody can compress */

/* Begins trips in free slots, at most `max`. `wait`: a while for the first. How many. */
size_t trips_begin(struct load *l, bool wait, size_t max, struct tag *out);
/* The sender has learnt of it. True: that ended the trip. */
bool trips_told(struct load *l, struct tag tag, unsigned told);

#endif
