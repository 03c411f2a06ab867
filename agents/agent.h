/* The daemon's one structure, and what every room of it needs: time, a word to the log, a transaction.
 *
 *   onward_agent.c   beginning, the loop, the end
 *   link, session    the exchange           evidence, directory   what of it is believed
 *   outbox, inbox    durable queues         duty                  what is done without a person
 *   local, desk      the people's side      vault, compose        sealed words, events
 */
#ifndef ONWARD_AGENT_H
#define ONWARD_AGENT_H

#include "agents/config.h"
#include "agents/directory.h"
#include "agents/local.h"
#include "agents/news.h"
#include "agents/outbox.h"
#include "agents/papers.h"
#include "agents/seen.h"
#include "agents/session.h"
#include "proto/store/store.h"

#define HOME_SIZE 96 /* the socket's path must fit into 108 bytes */

struct agent {
  char home[HOME_SIZE];
  int lock_fd;
  struct config config;
  struct key_folder keys;
  struct self self;
  struct network network; /* slices into `paper` */
  struct store *store;
  struct books *books; /* of the open transaction */
  struct key_ring ring;
  struct evidence evidence;
  struct session session;
  struct local local;
  struct news news;
  struct hook hook;
  struct arena paper;        /* for ever */
  struct arena arena;        /* of one message or one request */
  struct arena secret;       /* opened cases: wiped behind each request */
  uint64_t used_ms;          /* ticks: when the sealing key was last needed */
  int64_t exchange_ahead_ms; /* its clock against ours, as it said last */
  struct seen seen;
  uint64_t agreements_ms; /* ticks: when to look at agreements again; 0: now */
  bool unseen;            /* and of some that came with it nobody has asked yet when they were here last */
  bool stale;             /* the request at the desk asks for what a newer directory may know */
  bool broken;            /* a fault of ours: the process ends */
  char why[200];
};

/* Opens folder, keys, books. Errors are told in a->why: BAD_INPUT and NOT_FOUND are the user's to mend, NOT_NOW: it
 * runs already. */
MUST_USE enum status agent_open(struct agent *a, const char *home, const char *config_path);
void agent_close(struct agent *a);

struct books *agent_write(struct agent *a);
struct books *agent_read(struct agent *a);
/* NOT_NOW: full, nothing was written. OUR_FAULT: a->broken is set. The news is told, or dropped. */
MUST_USE enum status agent_commit(struct agent *a);
/* Ends a transaction without writing. OUR_FAULT: the books contradict themselves; a->broken is set. */
enum status agent_abort(struct agent *a);

/* Writes the books anew, row by row, so that nothing is left of what was deleted; no transaction is open. NOT_NOW: no
 * room for a second copy; nothing was changed. OUR_FAULT: a->broken is set, and the books may not be touched. */
MUST_USE enum status agent_renew_books(struct agent *a);

/* After the directory has moved: prepared keys that it now knows become ours; a key of ours that it does not know is an
 * alarm. */
void agent_check_keys(struct agent *a);
void agent_tell(struct agent *a, const struct ref_id *id, enum news_kind kind); /* into the news */

uint64_t now_ms(void);                        /* wall clock */
uint64_t agent_log_ms(const struct agent *a); /* the time that the exchange would judge by */
uint64_t ticks_ms(void);                      /* never set back */
void say(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* one line on stderr; never a word of a case */

#endif
