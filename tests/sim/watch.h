/* The checks from outside, of what is said on the lines and of what stands in the log. They know the promises, and
 * nothing of how the code keeps them. */
#ifndef ONWARD_SIM_WATCH_H
#define ONWARD_SIM_WATCH_H

#include "proto/wire/frame.h"
#include "tests/sim/sim.h"

void watch_begin(void);
void watch_end(void);
void watch_log(void);                                                   /* the log may have grown */
void watch_exchange(int node, enum frame_kind kind, struct bytes body); /* the exchange says this to an office */
void watch_office(int node, enum frame_kind kind, struct bytes body);   /* an office says this */

/* Where a referral, as somebody's books have it, differs from what its log says; NULL: nowhere. `hidden`: flags that it
 * cannot know. */
struct model_referral;
const char *watch_differs(struct model_referral *m, const struct referral *r, uint8_t hidden);

#endif
