/* A network for measuring: a real onward-broker on loopback, two registrars and as many enrolled offices as asked for.
 * Whatever goes wrong in here ends the program with a line.
 */
#ifndef ONWARD_BENCH_EXCHANGE_H
#define ONWARD_BENCH_EXCHANGE_H

#include <sys/types.h>

#include "agents/directory.h"
#include "agents/keys.h"
#include "agents/outbox.h"
#include "proto/papers.h"
#include "proto/store/store.h"
#include "tests/unit/folder.h"
#include "tests/unit/memory.h"

enum { OFFICES_MAX = 66, IDLE_MAX = 1000 };

struct office {
  struct org_id id;
  struct key_folder keys; /* with `kept`, those of a data folder; else made of its name: always the same */
};

struct exchange {
  char folder[FOLDER_PATH_SIZE];
  char address[64];
  pid_t process;
  void *syncs; /* the exchange's own count (syncs.h) */
  size_t office_count;
  struct office registrar[2];
  struct office office[OFFICES_MAX];
  size_t idle_count; /* offices that only connect (idle.h) */
  struct office *idle;
  struct network network;       /* as the first registrar was invited */
  struct memory_books registry; /* all of the directory, taken by the first registrar */
  struct evidence evidence;     /* its newest checkpoint */
  struct arena arena;
  uint64_t begin_ns; /* when its process was started */
  double start_ms;   /* from then on, until it had welcomed somebody */
};

extern const char *exchange_limits; /* of the next exchange, as its configuration has them; NULL: raised beyond reach */

void bench_begin(void);                /* first of all */
void bench_hush(const char *log_path); /* what this process says from now on, but for bench_fail, goes into this file */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes keys once for all exchanges that follow. `kept`: in data folders under `homes`, as agents have them. */
void offices_make(struct exchange *x, size_t count, const char *homes);
/* Starts a new exchange with no entries but those of joining. `homes`, where not NULL, get their invitations, and lose
 * the books that they had. */
void exchange_start(struct exchange *x, const char *homes);
void exchange_stop(struct exchange *x); /* as its operator would; the folder goes */
/* The same in pieces, for who serves it otherwise: a new folder with its log; the enrolments, by whoever serves; and
 * the folder goes. */
void exchange_found(struct exchange *x);
void exchange_enrol(struct exchange *x, const char *homes);
void exchange_leave(struct exchange *x);
/* The same, but it goes on from a copy of the exchange in this folder, which exchange_keep has left there. All that it
 * has enrolled must have been made before. */
void exchange_start_from(struct exchange *x, const char *folder);
/* Ends the process; the folder stays, for others to write into. */
void exchange_halt(struct exchange *x);
void exchange_keep(struct exchange *x, const char *folder); /* after exchange_halt: it goes there */
/* Makes keys for offices that only connect; `count` at most IDLE_MAX. */
void idle_make(struct exchange *x, size_t count);
struct event enrol_event(struct exchange *x, const struct office *o); /* in the exchange's arena */
const char *office_home(const char *homes, const struct office *o);

#endif
