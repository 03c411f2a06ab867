/* Who could help with a need: every service of the directory in which somebody enrolled is held against what is
 * wanted. Those that fit come in order; of the others it is known what stood in the way.
 */
#ifndef ONWARD_CANDIDATES_H
#define ONWARD_CANDIDATES_H

#include "agents/agent.h"
#include "agents/areas.h"

struct wanted {
  int group;            /* Onward__ServiceGroup */
  int code;             /* Onward__ServiceCode; 0: any of the group */
  int age_min, age_max; /* years: her band, or her age twice */
  char area[17];        /* empty: anywhere */
  char language[12];    /* BCP 47; empty: any */
  int priority;         /* Onward__Priority; 0: any */
  struct org_id never[SCOPE_MAX];
  size_t never_count;
};

/* What stands in the way, as a set; also in the order in which a person would ask. */
enum obstacle {
  OBSTACLE_YOURSELF = 1,     /* our own service */
  OBSTACLE_NEVER = 2,        /* must never have the case */
  OBSTACLE_STANDING = 4,     /* suspended, lapsed or leaving */
  OBSTACLE_AGREEMENT = 8,    /* its data-sharing agreement has ended */
  OBSTACLE_NOT_ASSURED = 16, /* no registrar has assured the service as it is now */
  OBSTACLE_CODE = 32,        /* of the group, but not this kind of service */
  OBSTACLE_AGE = 64,
  OBSTACLE_AREA = 128,
  OBSTACLE_PRIORITY = 256,
  OBSTACLE_FULL = 512, /* it says so, and that is valid still */
};
#define OBSTACLES 10 /* bits */

#define SEEN_LATELY_DAYS 2 /* who was not here for so long does not know of anything before somebody phones */
struct candidate {
  struct service service;
  uint32_t obstacles; /* 0: it fits */
  enum area_fit fit;  /* AREA_COVERED where no area is wanted */
  bool speaks;        /* her language; true where none is wanted */
  uint8_t capacity;   /* Onward__CapacityStatus; 0: unknown, also when what was said is valid no more */
  uint64_t agreement_until_ms;
  struct seen_one seen;
};

#define CANDIDATES_MAX 256
struct candidates {
  size_t count; /* of those that fit, of each organisation the best service */
  struct candidate list[CANDIDATES_MAX];
  size_t excluded_count;              /* how many do not */
  size_t excluded_by[OBSTACLES];      /* by bit: how many of them it stood in the way of */
  size_t nearest_count;               /* of those below */
  struct candidate nearest[SEEN_MAX]; /* with the fewest obstacles, best first */
};

/* `out` is large: not for a stack. */
void candidates_find(struct books *b, const struct org_id *self, const struct wanted *w, uint64_t now_ms,
                     struct candidates *out);
/* Takes in when they were last here, and orders anew. */
void candidates_see(struct candidates *c, const struct seen *seen);
const char *obstacle_name(unsigned bit); /* such as "age": for programs */

#endif
