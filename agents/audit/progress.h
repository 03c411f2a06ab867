/* How far a long work is: a line on a terminal, written over again, and nothing at all anywhere else. */
#ifndef ONWARD_AUDIT_PROGRESS_H
#define ONWARD_AUDIT_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

struct progress {
  FILE *to;       /* NULL: no terminal */
  uint64_t total; /* of entries */
  uint64_t begin_ms;
  uint64_t next_ms; /* when it is written again */
};
struct progress progress_begin(FILE *to, uint64_t total);
void progress_step(struct progress *p, uint64_t done);
void progress_end(struct progress *p, uint64_t done); /* leaves one line: how many, how long, how many a second */

#endif
