/* What the two ways of being a speaker have in common (speaker.h), for their files alone. */
#ifndef ONWARD_BENCH_SPEAKER_WAYS_H
#define ONWARD_BENCH_SPEAKER_WAYS_H

#include "agents/link.h"
#include "tests/bench/speaker.h"

struct speaker_ways {
  void (*close)(struct speaker *p);
  void *(*socket)(const struct speaker *p);
  void (*say)(struct speaker *p, const struct event *e, struct bytes bodies);
  void (*push)(struct speaker *p);
  void (*take)(struct speaker *p, speaker_hears hears, void *context);
  bool receives; /* says `receive` by itself */
};

struct speaker { /* first member of either kind */
  const struct speaker_ways *ways;
  struct self self;
};

struct speaker *kept_open(struct exchange *x, const struct office *o, const char *homes);

#endif
