/* Clocks, counters and the reading of them. */
#ifndef ONWARD_BENCH_MEASURE_H
#define ONWARD_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t now_ns(void); /* never set back; the same in all processes */
void sleep_until_ns(uint64_t when);
uint64_t process_kb(pid_t process, const char *what); /* VmRSS and the like of proc_pid_status(5); 0: not told */
uint64_t cpu_ns(pid_t process);                       /* that it has used, all threads; 0: it is gone */

/* Sorts the samples, and reads one: 0 is the least, 100 the greatest. */
void samples_sort(uint64_t *samples, size_t count);
double samples_us(const uint64_t *sorted, size_t count, double percent);

#endif
