/* Submits for measuring: sealed before, opened after. A stock of them is really sealed to the recipient; when it is
 * used up they are said again under new ids and nonces, with the same sealed bytes, which the exchange cannot tell from
 * others and which nobody opens. */
#ifndef ONWARD_BENCH_REFERRALS_H
#define ONWARD_BENCH_REFERRALS_H

#include "tests/bench/speaker.h"

enum { SEALED_SIZE = 1024 }; /* bytes of the one sealed body of each */

struct stock;
struct stock *stock_make(struct exchange *x, const struct self *sender, const struct office *recipient, size_t count);
void stock_next(struct stock *s, struct event *e, struct bytes *bodies); /* valid until the next call */
/* Opens all of it; how long one took, as sealing one did. */
void stock_open(struct stock *s, double *seal_us, double *open_us);
void stock_free(struct stock *s);

#endif
