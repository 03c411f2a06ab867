/* What a referral is, told a second time: from docs/spec/4-referral.md, and not from the code that has to keep it. It
 * reads the log entry by entry; what the rules should never have accepted, or what a referral should have become and
 * did not, is a broken promise.
 */
#ifndef ONWARD_SIM_MODEL_H
#define ONWARD_SIM_MODEL_H

#include "proto/rules/rules.h"
#include "proto/wire/event.h"
#include "tests/sim/sim.h"

enum { MODEL_REFERRALS_MAX = 512, MODEL_ORGANISATIONS_MAX = 16 };

struct model_party {
  struct org_id org;
  int rank; /* in the present list; 0: not in it */
  bool asked, received, duty, hold, file_early;
  struct body_name brief, file; /* index 0: none */
  uint64_t duty_due_ms;
  int duty_told;
};
struct model_clock {
  uint64_t due_ms;  /* service time; 0: it does not run */
  uint64_t left_ms; /* of one that stands still */
  int told;
};
struct model_referral {
  struct ref_id id;
  struct org_id sender;
  int state; /* enum referral_state: the names of the document */
  bool info, cancel, reseal;
  bool safety_here, safety_there; /* to be read by the recipient; by the sender */
  uint64_t safety_here_index, safety_there_index;
  int present, last, chosen; /* numbers of parties; -1: none */
  int party_count;
  struct model_party parties[PARTIES_MAX];
  int leg, priority, basis, reroute, questions, outcome;
  uint64_t submit_index, leg_index, yes_index, last_index;
  uint64_t until_ms, expected_ms;
  size_t scope_count;
  struct org_id scope[SCOPE_MAX];
  struct model_clock clocks[CLOCKS];
  bool touched; /* since it was held against the books */
};
struct model_organisation {
  struct org_id id;
  int standing;
  bool registrar;
  uint64_t agreement_until_ms;
};
struct model {
  uint64_t size; /* entries that were read */
  uint64_t time_ms, absent_ms, doubted_ms;
  struct policy policy;
  size_t referral_count, organisation_count;
  struct model_referral referrals[MODEL_REFERRALS_MAX];
  struct model_organisation organisations[MODEL_ORGANISATIONS_MAX];
};
extern struct model model;

/* An entry, with what it is read from. */
struct model_entry {
  struct books *log;
  const struct leaf *leaf;
  const struct event *event;
  struct org_id author; /* all zero: the exchange */
};
void model_begin(void);
void model_take(const struct model_entry *e);
void model_turn_over(void); /* nothing may be owed between two turns */

struct model_referral *model_referral(const struct ref_id *id); /* NULL: there is none */
struct model_party *model_party(struct model_referral *r, const struct org_id *org);
struct model_organisation *model_organisation(const struct org_id *id);
bool model_in_scope(const struct model_referral *r, const struct org_id *org);
bool model_can_be_asked(const struct org_id *org, uint64_t time_ms); /* in standing, with an agreement */
bool model_live(const struct model_referral *r);
bool model_is_present(const struct model_referral *r, const struct org_id *org);

/* model_registry.c: an accepted entry of the registry. */
void model_registry(const struct model_entry *e);
/* model_may.c: whether an accepted act should have been; breaks a promise when not. */
void model_may(const struct model_entry *e, struct model_referral *r);
/* model_clocks.c: after `r` has become what it is now. */
void model_clocks(const struct model_entry *e, const struct model_referral *before, struct model_referral *r);
bool model_clock_due(const struct model_referral *r, int clock, uint64_t now_ms);

#endif
