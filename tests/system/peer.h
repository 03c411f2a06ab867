/* A real onward-broker, and peers that speak the wire by hand: for tests of the exchange's door. Whatever should not go
 * wrong in here is asserted.
 */
#ifndef ONWARD_TEST_PEER_H
#define ONWARD_TEST_PEER_H

#include "tests/unit/support.h"

enum { WAIT_MS = 10000 };

/* Every frame that came over a peer's link, decrypted, one behind the other. */
struct capture {
  size_t size;
  uint8_t byte[1 << 20];
};

struct peer {
  struct member *member;
  uint8_t secret[32]; /* CURVE */
  void *socket;
  int queue;               /* messages that may wait to be heard by it; 0: libzmq's own limit */
  int connection;          /* the file descriptor that the newest frame came from */
  struct capture *capture; /* what it hears is kept there; NULL: it is not */
};

/* The network of these tests: `first` and `second` are registrars, the others are enrolled. */
struct door_test {
  char folder[FOLDER_PATH_SIZE];
  char address[64];
  pid_t broker;
  void *zmq;
  uint8_t link_public[32]; /* of the exchange */
  struct hash network;
  struct member first_keys, second_keys, police_keys, aple_keys, stranger_keys;
  struct peer first, police, aple, stranger;
  uint8_t memory[8 << 20];
  struct arena arena; /* reset before each test */
};
extern struct door_test t;

int door_start(void **state); /* makes the network, starts the exchange, enrols the organisations */
int door_stop(void **state);  /* stops it, and has the auditor verify and replay its log */
uint64_t log_size(void);

void give_link_key(struct peer *p, struct member *m);
void dial(struct peer *p);
void hang_up(struct peer *p);
const Onward__Welcome *enter(struct peer *p); /* dials, says hello, and is welcomed */
void say_hello(struct peer *p, const struct hash *network, const struct org_id *organisation);
void give_credit(struct peer *p, uint64_t from);
void send_frames(struct peer *p, const struct bytes *frames, size_t count);
void send_message(struct peer *p, enum frame_kind kind, struct bytes body, struct bytes sealed);
/* The next message: its kind, 0 when none came in time. The body is unpacked into *message (in the arena). */
enum frame_kind hear(struct peer *p, int wait_ms, void *message);
void expect_refusal(struct peer *p, Onward__RefusalReason reason);
Onward__Verdict own_verdict(struct peer *p); /* of the newest of its own entries, which it waits for */

struct bytes pack_draft(const struct draft *d);
struct bytes sealed_of(const struct draft *d);
struct bytes submit_draft(struct draft *d, const struct member *to, struct ref_id *id);

#endif
