/* An agent's outbox in temporary books, for tests: events that mean nothing, batches as the exchange reads them. A
 * crash is the books closed without a commit, and opened again. Whatever goes wrong in here is a bug of the test: it
 * aborts, or fails it. */
#ifndef ONWARD_TEST_QUEUE_H
#define ONWARD_TEST_QUEUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agents/compose.h"
#include "proto/admit.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"

#define HIGH ONWARD__PRIORITY__HIGH
#define LOW ONWARD__PRIORITY__LOW

extern char queue_why[200];
extern struct store *queue_store;
extern struct self queue_self; /* with a signing key, and no other */
extern struct arena queue_arena;

int queue_setup(void **state); /* for cmocka */
int queue_teardown(void **state);
void queue_open(const char *name, uint64_t map_size); /* other books in the same folder; closes those before */
void queue_crash(void);
void queue_commit(void);

struct event queue_event(uint8_t referral); /* an `acknowledge` of the referral whose id begins with this */
/* Adds such an event, and its item, in a transaction of the caller's. Its number. */
uint64_t queue_add(struct books *b, uint8_t priority, uint8_t referral);
uint64_t queue_form(size_t limit); /* forms and commits: its sequence; 0: nothing was formed */

uint64_t queue_waiting(void);
struct item queue_item(uint8_t referral);
size_t queue_flights(struct flight out[BATCHES_IN_FLIGHT_MAX]);
/* The batch as the exchange reads it: its root and signature are checked. */
struct batch queue_message(uint64_t sequence);

#endif
