/* The broker: turns of hearing, writing and speaking, until it is told to stop.
 */
#ifndef ONWARD_BROKER_H
#define ONWARD_BROKER_H

#include "broker/post.h"
#include "proto/admit.h"

#define TIME_CONFIRMED "time-confirmed" /* file in the folder: the operator has confirmed the time */

/* Exit codes of `serve`. */
enum {
  EXIT_STOPPED = 0,
  EXIT_CONFIG = 2,
  EXIT_UNREADABLE = 65, /* the books do not fit what was signed, or are behind what an agent proves: restore a backup */
  EXIT_COMMIT = 74,     /* a commit failed: look at the disk. Never restart automatically */
};

/* Serves the folder until SIGTERM or SIGINT. Says on stderr what it does, one line per happening; never a word of a
 * case. */
MUST_USE int broker_serve(const char *folder);

#endif
