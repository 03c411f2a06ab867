/* Private to this folder: what one running broker is, between broker.c (the turn), hear.c (what comes in) and serve.c
 * (beginning and end).
 */
#ifndef ONWARD_BROKER_INSIDE_H
#define ONWARD_BROKER_INSIDE_H

#include <signal.h>

#include "broker/broker.h"

/* A batch that was read and waits for the turn's transaction. */
struct waiting {
  struct knock knock;  /* owns the bodies' bytes */
  struct meter *meter; /* its author's: a session may end while it waits */
  struct batch batch;
  bool refused;
  struct refusal why;
};

/* Three clocks at one moment: the wall's, that since the machine began, that without its sleep. */
struct watch {
  uint64_t real_ms, boot_ms, awake_ms;
};

/* What the next turn begins with (turn_begin_about_time); act 0: nothing. */
struct about_time {
  act_kind act;
  uint64_t absent_ms;
};

struct broker {
  const char *folder;
  struct watch watch;
  struct config config;
  struct broker_keys keys;
  struct journal journal;
  struct door door;
  struct sessions sessions;
  struct post post;
  struct key_ring ring;
  struct arena batch_arena; /* what was heard in this turn */
  struct arena turn_arena;  /* for judging it */
  struct arena post_arena;
  struct waiting *waiting; /* turn_messages_max */
  size_t waiting_count;
  struct knock held; /* heard first in the next turn: its organisation has had its share of this one */
  bool holds;
  bool more_to_say; /* mail that did not fit the share of a turn */
  uint64_t turns;   /* this one's number, from 1 */
  bool registry_moved;
  int exit_code;
};

extern volatile sig_atomic_t stop_asked;

void say(const char *format, ...) __attribute__((format(printf, 1, 2))); /* one line on stderr */
void end(struct broker *b, int code);                                    /* stop after this turn, with this exit code */

/* hear.c */
void hear_all(struct broker *b); /* takes what waits at the door, at most turn_messages_max; batches go to `waiting` */
void refuse(struct broker *b, const struct knock *k, struct meter *m, uint64_t sequence, const struct refusal *why);
int admits(void *context, const uint8_t link_key[32]); /* door_admits */
void check_sessions(struct broker *b); /* after the registry has moved: who may no longer be here leaves */
void cut_those_who_left(struct broker *b);

/* time.c */
struct about_time time_look(struct broker *b);
void time_note_alive(struct broker *b);

/* broker.c */
void turn(struct broker *b);

#endif
