/* Samples are kept raw and sorted at the end, so that percentiles are exact. */
#include "tests/bench/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static uint64_t read_clock(clockid_t id)
{
  struct timespec t;
  return clock_gettime(id, &t) == 0 ? (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec : 0;
}

uint64_t now_ns(void)
{
  return read_clock(CLOCK_MONOTONIC);
}

void sleep_until_ns(uint64_t when)
{
  const struct timespec t = {(time_t)(when / NS_PER_S), (long)(when % NS_PER_S)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

uint64_t cpu_ns(pid_t process)
{
  clockid_t id;
  return clock_getcpuclockid(process, &id) == 0 ? read_clock(id) : 0;
}

uint64_t process_kb(pid_t process, const char *what)
{
  char path[64], line[200];
  unsigned long long kb = 0;
  size_t size = strlen(what);
  snprintf(path, sizeof path, "/proc/%d/status", (int)process);
  FILE *f = fopen(path, "re");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, what, size) == 0 && line[size] == ':')
      kb = strtoull(line + size + 1, NULL, 10);
  if (f != NULL)
    fclose(f);
  return kb;
}

static int compare(const void *a, const void *b)
{
  const uint64_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

void samples_sort(uint64_t *samples, size_t count)
{
  qsort(samples, count, sizeof samples[0], compare);
}

double samples_us(const uint64_t *sorted, size_t count, double percent)
{
  return count == 0 ? 0 : (double)sorted[(size_t)(percent / 100 * (double)(count - 1) + 0.5)] / 1000;
}
