/* A history: a list of steps that a seed gives. Each step has chance of its own, so that a shorter list of the same
 * steps does nearly the same. */
#ifndef ONWARD_SIM_SCRIPT_H
#define ONWARD_SIM_SCRIPT_H

#include "tests/sim/sim.h"

enum { STEPS_MAX = 2000 };

struct script {
  uint64_t seed;
  size_t count;
  struct script_step {
    uint16_t number; /* its place in the whole history: from it comes its chance */
    uint8_t kind;
  } steps[STEPS_MAX];
};
void script_make(struct script *s, uint64_t seed, size_t count);
/* Plays it, from the founding to the last check. True: every promise held. */
bool script_play(const struct script *s);
/* Of the log, after it was played. */
struct hash script_digest(void);

/* faults.c: one each, of a computer that chance picks. */
void fault_death(void);
void fault_start(void);
void fault_cut(void);
void fault_partition(void);
void fault_backup(void);
void fault_restore(void);
void fault_copy(void);
void fault_clock(void);
void fault_sleep(void);
void fault_full(void);
void fault_registry(void);
void fault_keys(void);
void fault_lock(void);
void faults_end(void);       /* the network heals, and all are awake */
void faults_enrol_all(void); /* whoever was suspended, as far as the registrars know */
void heal(void);             /* faults_end, then everybody does what is next until every referral has ended */

/* check.c */
void check_quiet(void); /* while nothing is on its way */
void check_end(void);   /* everything has ended */

/* coverage.c: which rows of the rules' table were taken, by all histories of this process. */
struct event;
void coverage_note(const struct event *e, enum referral_state state, uint8_t flags, bool sender);
void coverage_share(void); /* with processes that are begun from here on */
void coverage_print(void);

#endif
