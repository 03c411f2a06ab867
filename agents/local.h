/* The local socket: programs of the same user on this computer, JSON lines (docs/spec/local-socket.md). What a line
 * asks is the desk's business; here lines are bounded, answered in order, and wiped.
 */
#ifndef ONWARD_LOCAL_H
#define ONWARD_LOCAL_H

#include <poll.h>
#include <zmq.h>

#include "agents/news.h"

struct agent;

#define LOCAL_CLIENTS_MAX 32
#define LOCAL_SPARE 4 /* for those who are told that it is full */
#define LOCAL_PLACES (LOCAL_CLIENTS_MAX + LOCAL_SPARE)
#define LOCAL_LINE_MAX 262144               /* bytes of a request */
#define LOCAL_ANSWER_MAX (16 * 1024 * 1024) /* bytes that may wait for one client; who reads too slowly is cut off */

struct local_client {
  int fd; /* -1: free */
  bool watching;
  uint64_t later_ms; /* ticks: its first line waits for the directory until then; 0: it does not */
  uint64_t asked_ms; /* since then */
  int waits;         /* how often it has waited for it */
  bool told;         /* there was no place for it: its first line is answered with that */
  bool ending;       /* closed once its answer is written */
  char *line;        /* what was read of the next requests */
  size_t line_size;
  char *answer; /* what was not written yet */
  size_t answer_size, answer_done;
};

struct local {
  int fd;
  char path[108];
  struct local_client clients[LOCAL_PLACES];
  size_t told; /* how many had to go so that others could be told */
};

/* Makes <home>/socket, mode 0600, in place of one that nobody listens on. The folder's lock is held by the caller. */
MUST_USE enum status local_open(struct local *l, const char *home, char why[200]);
void local_close(struct local *l);
/* What to wait for: at most 1 + LOCAL_PLACES. */
size_t local_poll(const struct local *l, zmq_pollitem_t *items);
void local_serve(struct agent *a, const zmq_pollitem_t *items, size_t count);
void local_resume(struct agent *a); /* answers those that waited for the directory, if it came or took too long */
void local_tell(struct local *l, const struct notice *n); /* tells the watchers */

#endif
