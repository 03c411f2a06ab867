/* A made-up network with one referral in its second leg, for tests of the rules: police sent it to aple, which
 * declined; a21 has it now; tpo is listed and was not asked yet; lawyers are no part of it, but within the consent's
 * scope. Judging happens in a transaction that is never committed, over a referral's row that the test sets as it
 * likes. */
#ifndef ONWARD_TEST_STAGE_H
#define ONWARD_TEST_STAGE_H

#include "tests/unit/support.h"

struct stage {
  struct world world;
  char folder[FOLDER_PATH_SIZE];
  struct member *police, *aple, *a21, *tpo, *lawyers, *clinic; /* clinic: enrolled, outside the scope */
  struct ref_id id;
  struct referral row; /* as the log left it */
  uint64_t first_leg;  /* an entry of aple's leg */
  uint64_t second_leg; /* the one that opened a21's */
  uint64_t refused;    /* a refused one of a21's leg */
  struct hash brief;   /* of the brief that is sealed for a21 */
  struct books *books; /* of the open transaction */
};
void stage_init(struct stage *s);
void stage_fini(struct stage *s);

/* Begins anew: whatever was put into the books is forgotten. */
void stage_reset(struct stage *s);
void stage_put(struct stage *s, const struct referral *r);

/* An event of that act, in the draft, that fits in all but what the test then changes: answers the second leg, names
 * tpo or the stored brief where a target or a hash is due, and seals what its act must seal. */
void stage_draft(struct stage *s, struct draft *d, act_kind act);
void stage_answer(struct stage *s, struct draft *d, uint64_t index);
/* What the rules say of it, at log time `after_ms` behind the newest turn. */
Onward__Verdict stage_judge_at(struct stage *s, const struct member *author, const struct draft *d, uint64_t after_ms);
Onward__Verdict stage_judge(struct stage *s, const struct member *author, const struct draft *d);
/* The state of the referral after it was applied, with its flags. */
void stage_apply(struct stage *s, const struct member *author, const struct draft *d, struct referral *out);

#endif
