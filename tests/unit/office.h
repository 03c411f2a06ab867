/* An agent with its books and keys, without a link, and the made-up world that it is in: what the exchange would
 * deliver is packed here, so that a test can change it first. One at a time. Whatever goes wrong in here is a bug of
 * the test: it aborts, or fails it.
 */
#ifndef ONWARD_TEST_OFFICE_H
#define ONWARD_TEST_OFFICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agents/agent.h"
#include "tests/unit/support.h"

extern struct world world;
extern struct agent agent;
extern struct member *police, *aple; /* aple is the agent's */

/* For cmocka. Keys are made once for all tests: that takes time. */
int office_keys(void **state);
int office_end(void **state);
int office_setup(void **state);
int office_teardown(void **state);

void office_tell_directory(void); /* all of it that the agent does not know */
/* The same as an answer that was not taken yet; its checkpoint was. */
Onward__Answer office_directory(Onward__Entry *entries[64]);
/* An answer with these entries of the log, and no others: by index, growing. */
Onward__Answer office_entries(const uint64_t *indices, size_t count, Onward__Entry *entries[64]);

/* A delivery, with room for everything in it. */
struct parcel {
  Onward__Delivery d;
  Onward__Entry *entries[64];
  Onward__Body bodies[64], *body_list[64];
  uint8_t sealed[64 * WORLD_BODY_SIZE];
  size_t sealed_size;
};
struct parcel office_mail(uint64_t from);        /* all of the agent's mailbox from this index on */
void office_shorten(struct parcel *p, size_t i); /* entry `i` to its header, as one's own kept entry comes */
enum status office_deliver(struct parcel *p);    /* inbox_take, committed if that is OK */
void office_send_all(void);                      /* the exchange hears what the agent has queued */

struct item office_item(const struct ref_id *id);
bool office_knows(const struct ref_id *id);
size_t office_queued(struct event out[8]); /* events in the outbox, oldest first */

/* The exchange's books are copied into a folder; later they are that copy again: what it does from then on is another
 * log. */
void office_remember(const char *beside);
void office_go_back(const char *beside);

#endif
