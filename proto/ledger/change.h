/* Between the files of this floor: how one entry changes one referral, or the registry. */
#ifndef ONWARD_CHANGE_H
#define ONWARD_CHANGE_H

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"

/* `r` is the referral before (anything, for submit), and after. */
void change_referral(const struct leaf *leaf, const struct event *e, const struct org_id *author, struct referral *r);
enum actor actor_of(const struct event *e, const struct org_id *author, const struct referral *r);
void change_registry(struct books *b, const struct leaf *leaf, const struct event *e);

#endif
