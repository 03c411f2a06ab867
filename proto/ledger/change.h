/* Between the files of this floor: how one entry changes one referral, or the registry. */
#ifndef ONWARD_CHANGE_H
#define ONWARD_CHANGE_H

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"

/* `r` is the referral before (anything, for submit), and after. */
void change_referral(const struct leaf *leaf, const struct event *e, const struct org_id *author, struct referral *r);
enum actor actor_of(const struct event *e, const struct org_id *author, const struct referral *r);
/* clocks.c, for whoever keeps the whole log. Sets those of `after`, and its row; the referral itself is put by the
 * caller. */
void clocks_move(struct books *b, const struct leaf *leaf, const struct event *e, const struct referral *before,
                 struct referral *after);
void clocks_lose_legs(struct books *b, const struct leaf *leaf, const struct org_id *org);
void clock_put(struct books *b, uint64_t due_ms, enum clock_row kind, struct bytes id);
void clock_del(struct books *b, uint64_t due_ms, enum clock_row kind, struct bytes id);
/* unattended.c, for the same. Behind clocks_move. */
void unattended_move(struct books *b, const struct leaf *leaf, const struct event *e, const struct referral *before,
                     const struct referral *after);
void unattended_said(struct books *b, const struct leaf *leaf, const struct org_id *org);
void change_registry(struct books *b, const struct leaf *leaf, const struct event *e);
/* directory.c: services, duty lines, places. */
void change_directory(struct books *b, const struct leaf *leaf, const struct event *e);

#endif
