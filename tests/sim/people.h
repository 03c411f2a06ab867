/* The people of an office: what they ask of Onward on their computer, in JSON as the command line does. What they were
 * told is saved is a promise, which is remembered until it is seen to be kept. */
#ifndef ONWARD_SIM_PEOPLE_H
#define ONWARD_SIM_PEOPLE_H

#include <jansson.h>

#include "tests/sim/sim.h"

json_t *people_ask(struct node *n, json_t *request); /* takes the request; the answer is the caller's */
bool people_do(struct node *n, json_t *request);     /* the same; whether it was done */
void people_unlock(struct node *n);
void people_refresh(struct node *n); /* its directory */

void people_refer(struct node *n);    /* a new referral, any */
void people_act(struct node *n);      /* a step on one of its referrals, mostly one that the rules allow */
void people_read(struct node *n);     /* opens one */
void people_sensible(struct node *n); /* the next step on each of its referrals that waits for it, towards its end */
void people_rude(struct node *n);     /* a step that its own computer would not have let through */

#endif
