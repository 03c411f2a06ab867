/* The conversation with the exchange:
 *
 *   down -> hello -> (welcome) -> asking -> (answer: the directory is up to date) -> ready: credit, submit, deliveries
 *
 * Nothing of it needs to survive: what matters is in the books, and every connection begins with a hello. When a delivery names an entry
 * of the directory that we do not have, it is put aside, the directory is asked for, and the hello is said again.
 */
#ifndef ONWARD_AGENT_SESSION_H
#define ONWARD_AGENT_SESSION_H

#include "agents/link.h"
#include "proto/base/arena.h"

struct agent;

enum session_phase { PHASE_DOWN, PHASE_HELLO, PHASE_ASKING, PHASE_READY };

struct session {
  struct link link;
  enum session_phase phase;
  uint64_t deadline_ms;  /* down: when to connect; hello: when to give up (ticks, as all times here) */
  uint64_t wait_ms;      /* for the next hello */
  uint64_t ask_ms;       /* when to ask for the directory again */
  uint64_t hold_ms;      /* nothing is submitted before */
  uint64_t heard_ms;     /* last delivery or credit; then the mailbox counts as read after a while */
  uint64_t moved_ms;     /* when the batches in flight last moved */
  uint64_t taken_over_ms; /* when another session took over last; 0: never */
  uint64_t credit;       /* entries that may still come before new credit is given */
  size_t batch_events;   /* one first, doubled by success, halved by a cut */
  bool next_keys;        /* this connection uses the prepared link key */
  bool sign_again;       /* a batch was signed with a key that has ended */
  uint64_t sent[8];      /* sequences sent on this connection, by sequence % 8 */
};

MUST_USE enum status session_init(struct session *s);
void session_fini(struct session *s);
void session_input(struct agent *a);         /* whatever the link has */
void session_tick(struct agent *a);          /* what is due */
void session_push(struct agent *a);          /* sends what waits, if it may */
long session_timeout_ms(const struct agent *a); /* until something is due, at most a second */
bool session_connected(const struct session *s);
/* The directory is asked for at the next occasion. */
void session_ask_soon(struct session *s);

#endif
