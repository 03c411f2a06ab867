/* Threads are started with everything ready, and stop by themselves when the time is over. */
#include "tests/bench/rival.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/measure.h"

enum { SAMPLES_MAX = 8 << 20, WARM_NS = 500000000, EXIT_USAGE = 2 };

void rival_fail(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vfprintf(stderr, format, list);
  fputs("\n", stderr);
  va_end(list);
  exit(1);
}

bool load_over(const struct load *l)
{
  return now_ns() >= l->end_ns;
}

void load_sample(struct load *l, size_t lane, uint64_t started_ns)
{
  uint64_t now = now_ns();
  if (now >= l->begin_ns && now < l->end_ns && l->lanes[lane].count < SAMPLES_MAX / LINES_MAX * 8)
    l->lanes[lane].samples[l->lanes[lane].count++] = now - started_ns;
}

void message_fill(uint8_t *message, size_t size)
{
  uint64_t x = now_ns() | 1;
  for (size_t i = 0; i < size; i++) {
    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    message[i] = (uint8_t)(x >> 56);
  }
}

/* --- trips --- */

static size_t fill_slots(struct load *l, size_t max, struct tag *out)
{
  size_t count = 0;
  for (size_t i = 0; i < l->window && count < max; i++) {
    if (l->trips[i].started_ns != 0)
      continue;
    l->trips[i].started_ns = now_ns();
    l->trips[i].tag.slot = (uint32_t)i;
    l->trips[i].tag.trip++;
    out[count++] = l->trips[i].tag;
  }
  return count;
}

size_t trips_begin(struct load *l, bool wait, size_t max, struct tag *out)
{
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 1;
  pthread_mutex_lock(&l->mutex);
  size_t count = fill_slots(l, max, out);
  for (int error = 0; count == 0 && wait && error == 0; count = fill_slots(l, max, out))
    error = pthread_cond_timedwait(&l->freed, &l->mutex, &until);
  pthread_mutex_unlock(&l->mutex);
  return count;
}

bool trips_told(struct load *l, struct tag tag, unsigned told)
{
  bool over = false;
  pthread_mutex_lock(&l->mutex);
  if (tag.slot < l->window && l->trips[tag.slot].tag.trip == tag.trip && l->trips[tag.slot].started_ns != 0) {
    l->trips[tag.slot].told |= told;
    over = l->trips[tag.slot].told == TOLD_ALL;
  }
  if (over) {
    load_sample(l, 0, l->trips[tag.slot].started_ns);
    l->trips[tag.slot].told = 0;
    l->trips[tag.slot].started_ns = 0;
    pthread_cond_signal(&l->freed);
  }
  pthread_mutex_unlock(&l->mutex);
  return over;
}

/* --- threads --- */

struct thread {
  pthread_t id;
  rival_role role;
  struct load *load;
  size_t index;
};

static void *run_role(void *context)
{
  const struct thread *t = context;
  t->role(t->load, t->index);
  return NULL;
}

static size_t choose_roles(const struct rival *r, struct load *l, struct thread out[4 * LINES_MAX])
{
  size_t count = 0;
  for (size_t i = 0; l->kind != 'B' && i < l->lines; i++)
    out[count++] = (struct thread){.role = r->producer, .load = l, .index = i};
  for (size_t k = 0; l->kind == 'B' && k < 4; k++)
    for (size_t i = 0; i < r->roles[k].threads && i < l->window; i++)
      out[count++] = (struct thread){.role = r->roles[k].role, .load = l, .index = i};
  return count;
}

static void run_all(const struct rival *r, struct load *l, double seconds)
{
  static struct thread threads[4 * LINES_MAX];
  size_t count = choose_roles(r, l, threads);
  l->begin_ns = now_ns() + WARM_NS;
  l->end_ns = l->begin_ns + (uint64_t)(seconds * 1e9);
  for (size_t i = 0; i < count; i++)
    if (pthread_create(&threads[i].id, NULL, run_role, &threads[i]) != 0)
      rival_fail("no more threads");
  for (size_t i = 0; i < count; i++)
    pthread_join(threads[i].id, NULL);
}

static void report(const struct rival *r, struct load *l, const char *workload, double seconds)
{
  size_t count = 0;
  for (size_t i = 0; i < LINES_MAX; i++)
    count += l->lanes[i].count;
  uint64_t *all = malloc((count + 1) * sizeof *all);
  if (all == NULL || count == 0)
    rival_fail("%s: %s: nothing was confirmed in time", r->name, workload);
  for (size_t i = 0, at = 0; i < LINES_MAX; at += l->lanes[i++].count)
    memcpy(all + at, l->lanes[i].samples, l->lanes[i].count * sizeof *all);
  samples_sort(all, count);
  printf("{\"system\":\"%s\",\"workload\":\"%s\",\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
         r->name, workload, (double)count / seconds, samples_us(all, count, 50), samples_us(all, count, 99),
         samples_us(all, count, 100));
  free(all);
}

static bool read_workload(const char *text, const struct rival *r, struct load *l)
{
  unsigned long n = strtoul(text + 1, NULL, 10);
  l->kind = text[0];
  l->lines = l->kind == 'A' ? n : 1;
  l->window = l->kind == 'A' ? 1 : n;
  return (l->kind == 'A' && n >= 1 && n <= LINES_MAX) || (l->kind == 'B' && n >= 1 && n <= TRIPS_MAX) ||
         (l->kind == 'W' && n >= 1 && n <= WINDOW_MAX && r->windows);
}

int rival_main(int argc, char **argv, const struct rival *r)
{
  static struct load l = {.mutex = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER};
  double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
  if (argc != 4 || seconds <= 0 || !read_workload(argv[2], r, &l)) {
    fprintf(stderr, "usage: %s PORT WORKLOAD SECONDS\n", argv[0]);
    return EXIT_USAGE;
  }
  l.port = argv[1];
  for (size_t i = 0; i < LINES_MAX; i++) {
    l.lanes[i].samples = malloc(SAMPLES_MAX / LINES_MAX * 8 * sizeof(uint64_t));
    if (l.lanes[i].samples == NULL)
      rival_fail("not enough memory");
  }
  r->prepare(&l);
  run_all(r, &l, seconds);
  report(r, &l, argv[2], seconds);
  r->finish(&l);
  return 0;
}
