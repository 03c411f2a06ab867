/* The exchange and its agents in one process, with memory between them in place of sockets: broker/door.h and
 * agents/link.h are done anew here, and turns are written where they are heard; all else is what is shipped. Whoever
 * listens and has nothing to hear lets the exchange take one turn over all that was said to it, and no more: what
 * happens is the same every time.
 *
 * callgrind counts the exchange's turns, in its own thread, from the moment at which it has heard that something waits
 * until it listens again. Not more than a few agents, all in the caller's thread.
 */
#ifndef ONWARD_BENCH_GUARD_WIRE_H
#define ONWARD_BENCH_GUARD_WIRE_H

#include <stdbool.h>

void wire_begin(const char *folder); /* serves that folder, in a thread of its own */
void wire_end(void);                 /* the exchange stops as it does when it is told to */
void wire_count(bool on);            /* whether the exchange's turns are counted; at first they are not */
void wire_dump(const char *name);    /* what was counted since the last one, of each thread, in dumps of this name */

#endif
