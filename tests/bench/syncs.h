/* Counts how often a process waits for its disk: fsync, fdatasync, msync, and writes to a file opened with O_DSYNC.
 * Linked into the driver, and loaded before libc into the exchange, which is otherwise the program that is shipped. */
#ifndef ONWARD_BENCH_SYNCS_H
#define ONWARD_BENCH_SYNCS_H

/* From here on into this number (u64, in memory that processes share). NULL: into one of its own. A process that finds
 * ONWARD_SYNCS in its environment counts into that file instead. */
void syncs_count_into(void *shared);

#endif
