/* An organisation's side of the wire, for measuring. Two ways of being one: `wire` signs, sends and checks with the
 * agent's own code and remembers in memory; `kept` is the agent itself, with its books on disk. Neither asks anything
 * of a person. One process a speaker, or a group of them: the agent's code is not made for threads.
 */
#ifndef ONWARD_BENCH_SPEAKER_H
#define ONWARD_BENCH_SPEAKER_H

#include "tests/bench/exchange.h"

struct heard { /* an accepted entry, checked: in the log, by its author, with its body */
  bool own;
  act_kind act;
  struct ref_id id;
  uint64_t index;
  struct hash leaf;  /* of others' only */
  struct hash brief; /* of the first sealed body; others' submits only */
};
typedef void (*speaker_hears)(void *context, const struct heard *h);

struct speaker;
struct speaker *speaker_open(struct exchange *x, const struct office *o, const char *homes, size_t batch_max);
void speaker_close(struct speaker *p);
const struct self *speaker_self(const struct speaker *p);
bool speaker_receives(const struct speaker *p); /* it says `receive` by itself */
void *speaker_socket(const struct speaker *p);
void speaker_say(struct speaker *p, const struct event *e,
                 struct bytes bodies); /* kept until the push, or a full batch */
void speaker_push(struct speaker *p);
void speaker_take(struct speaker *p, speaker_hears hears, void *context); /* all that has come */

/* For the registrar: all of the directory, into the exchange's books. Makes the invitations. */
void speaker_read_directory(struct speaker *p, struct exchange *x, const char *homes);

#endif
