/* The conversation with the exchange:
 *
 *   down -> hello, ask -> (welcome) -> asking -> (answer: the directory is up to date) -> ready: credit, submit,
 * deliveries
 *
 * Nothing of it needs to survive: what matters is in the books, and every connection begins with a hello. When a
 * delivery names an entry of the directory that we do not have, it is put aside and the hello is said again: the
 * directory comes first.
 *
 * What is heard is heard.c's; here is what is said, and when.
 */
#ifndef ONWARD_AGENT_SESSION_H
#define ONWARD_AGENT_SESSION_H

#include "agents/alarm.h"
#include "agents/link.h"
#include "agents/pace.h"

struct agent;

enum session_phase { PHASE_DOWN, PHASE_HELLO, PHASE_ASKING, PHASE_READY };

struct session { /* all times are ticks */
  struct link link;
  enum session_phase phase;
  bool halted;            /* after an alarm nothing is taken any more */
  uint64_t deadline_ms;   /* down: when to connect; hello: when to give up */
  uint64_t wait_ms;       /* for the next hello; 0: as configured */
  uint64_t answered_ms;   /* when all of the directory had come, last */
  uint64_t ask_ms;        /* when to ask for the directory again */
  uint64_t hold_ms;       /* nothing is submitted before */
  uint64_t heard_ms;      /* when the last delivery came, or credit was given */
  uint64_t moved_ms;      /* when the batches in flight last moved */
  uint64_t taken_over_ms; /* when another session took over last; 0: never */
  uint64_t asked_for;     /* the directory's entry for which a delivery was put aside last */
  bool whole;             /* our own entries are to come whole, until the next delivery was taken */
  uint64_t granted;       /* entries of the newest credit: few first, doubled by success, halved by a cut */
  uint64_t credit;        /* entries that may still come before new credit is given */
  size_t delivery_bytes;  /* that one delivery may have; by what the link carried, halved by a cut */
  struct pace pace;       /* of what we send */
  uint64_t waits_from_ms; /* since when something of ours waits and nothing of ours was confirmed; 0: nothing waits */
  bool busy;              /* the exchange took nothing for want of room, and nothing of ours was confirmed since */
  bool mail_read;         /* nothing came for a while: what was missing has been looked at */
  bool next_keys;         /* this connection uses the prepared link key */
  bool refused_now;       /* this connection was refused */
  const char
      *refused; /* why the exchange, which was reached, takes nothing from us; NULL: it does, or was not reached */
  uint64_t sign_from; /* batches from this sequence on are signed again, then sent; 0: none */
};

MUST_USE enum status session_init(struct session *s, bool halted);
void session_fini(struct session *s);
void session_input(struct agent *a);            /* whatever the link has */
void session_tick(struct agent *a);             /* what is due */
void session_push(struct agent *a);             /* sends what waits, if it may */
long session_timeout_ms(const struct agent *a); /* until something is due, at most a second */
bool session_connected(const struct session *s);
/* "connected", "refused" (`why`: a sentence for people), or "unreachable". */
const char *session_connection(const struct session *s, const char **why);
/* Connected, but what waits here was not confirmed for a minute. */
bool session_stalled(const struct session *s);
/* Asks for the directory now. False: there is nobody to ask. */
bool session_refresh(struct agent *a);

/* For heard.c. */
void session_hello(struct agent *a);
void session_ask(struct agent *a);
void session_credit(struct agent *a);
void session_down(struct agent *a, uint64_t wait_ms);   /* closes the link; connects again after this */
void session_lost(struct agent *a);                     /* a cut: the same, soon, and smaller batches */
void session_refused(struct agent *a, const char *why); /* it does not take what we are; `why` is never freed */
void session_accused(struct agent *a);                  /* records the evidence's accusation and halts */
/* False: an entry of the directory was named that we do not have: nothing is sealed before it came. */
bool session_directory_whole(const struct session *s, struct books *b);
void session_alarm(struct agent *a, enum alarm_kind kind);
void session_exchange_has(struct agent *a, uint64_t up_to); /* batches up to this sequence are in the log already */

#endif
