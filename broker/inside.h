/* Private to this folder: what one running broker is, between broker.c (the turn), hear.c (what comes in), scribe.c
 * (the thread that writes), write.c (what is written) and serve.c (beginning and end).
 */
#ifndef ONWARD_BROKER_INSIDE_H
#define ONWARD_BROKER_INSIDE_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "broker/broker.h"

/* A batch that was read and waits for the turn's transaction. */
struct waiting {
  struct knock knock;  /* owns the bodies' bytes */
  struct meter *meter; /* its author's: a session may end while it waits */
  struct batch batch;
  bool refused;
  struct refusal why;
  size_t events_refused; /* by the rules */
};

/* Three clocks at one moment: the wall's, that since the machine began, that without its sleep. */
struct watch {
  uint64_t real_ms, boot_ms, awake_ms;
};

/* What was heard for one turn, and what became of it. */
struct turn_work {
  struct waiting *waiting; /* turn_messages_max */
  size_t waiting_count;
  struct arena arena; /* the batches */
  struct turn_about about;
  enum status status; /* of its commit */
  char why[200];      /* where that is not OK */
};

/* The thread that writes. `turn` is its own from when it is given until it is done. */
struct scribe {
  pthread_t thread;
  bool runs;
  int given, done; /* eventfd: one for each turn */
  struct turn_work *turn;
  struct key_ring ring;
  struct arena arena; /* for judging */
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
  struct arena post_arena;
  struct scribe scribe;
  struct turn_work work[2];
  struct turn_work *heard; /* the one that is being filled; the other one is written, or free */
  bool confirms;           /* it is opened to write what a registrar has signed, which a restored folder waits for */
  uint64_t purge_look_ms;  /* when it was last looked whether a purge is asked for */
  bool quiet;              /* not more than one batch in the turn before */
  struct knock held;       /* heard first in the next turn: its organisation has had its share of this one */
  bool holds;
  bool more_to_say; /* mail that did not fit the share of a turn */
  uint64_t turns;   /* number of the one that is being filled, from 1 */
  int exit_code;
};

extern volatile sig_atomic_t stop_asked;

/* say.c: one line on stderr */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* clock.c; clock_ms is the wall's alone */
void watch_look(struct watch *w);

/* serve.c */
int broker_start(struct broker *b, const char *folder); /* zeroed before; the folder's lock is held. An exit code */
void broker_finish(struct broker *b);
void end(struct broker *b, int code); /* stop after this turn, with this exit code */

int lock_folder(const char *folder); /* the descriptor that holds it; -1, told: another process serves it */
/* Configuration, keys, books and rooms: all but the door and the thread. An exit code. */
int broker_open(struct broker *b, const char *folder);

/* purge.c */
void purge_if_asked(struct broker *b); /* while nothing is being written */

/* hear.c */
void hear_all(struct broker *b); /* takes what waits at the door, until the turn is full; batches go to `heard` */
void refuse(struct broker *b, const struct knock *k, struct meter *m, uint64_t sequence, const struct refusal *why);
int admits(void *context, const uint8_t link_key[32]); /* door_admits */
void check_sessions(struct broker *b); /* after the registry has moved: who may no longer be here leaves */
void cut_those_who_left(struct broker *b);

/* write.c */
void write_turn(struct broker *b, struct turn_work *work); /* what was heard and what is due, and commits */

/* scribe.c */
bool scribe_start(struct broker *b);
void scribe_stop(struct broker *b); /* nothing is being written */
/* Has the turn written, while nothing is being written. True: it is done, by the caller's thread: only a small turn,
 * when it is quiet. False: the other thread has it. */
bool scribe_give(struct broker *b, struct turn_work *t, bool quiet);
/* The turn that is done, or NULL: none was given, or (unless `wait`) it is still being written. */
struct turn_work *scribe_take(struct broker *b, bool wait);

/* time.c */
struct turn_about time_look(struct broker *b);
void time_note_alive(struct broker *b);

/* broker.c */
void turn(struct broker *b);
void publish(struct broker *b, const struct turn_work *t); /* a turn that was written may be spoken of from now on */
void last_turn(struct broker *b); /* waits for what is being written, speaks of it, and drops what was only heard */

#endif
