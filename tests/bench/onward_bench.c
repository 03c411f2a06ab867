/* onward-bench: measures a real exchange with real agents' code on this machine. A new network for every run; the
 * figures of a workload are told as the median, with the least and the greatest rate, of its runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/limits.h"
#include "tests/bench/fairness.h"
#include "tests/bench/measure.h"
#include "tests/bench/work.h"

enum { REPS_MAX = 100, EXIT_USAGE = 2 };

struct options {
  double seconds;
  size_t reps, batch_max;
  bool kept, json, fairness;
  const char *workload; /* NULL: all */
};

static int usage(void)
{
  fputs("usage: onward-bench [--workload NAME] [--seconds N] [--reps N] [--batch N] [--books] [--json]\n"
        "       onward-bench --fairness [--seconds N] [--json]\n"
        "\n"
        "  --workload NAME  one of A1 A16 A64 W256 B1 B64; without it all of them\n"
        "  --seconds N      how long each run measures, 0.1 to 60; without it 5\n"
        "  --reps N         how many runs of each, 1 to 100; without it 1\n"
        "  --batch N        events under one signature, 32 to 256; without it 256\n"
        "  --books          agents with their durable outbox and inbox\n"
        "  --fairness       a polite agent alone, and beside one that floods or never reads\n"
        "  --json           one object a line in place of the table\n"
        "\n"
        "The programs are looked for in ONWARD_BIN, temporary folders are made in TMPDIR.\n",
        stderr);
  return EXIT_USAGE;
}

static bool number(const char *text, double least, double most, double *out)
{
  char *end;
  *out = strtod(text, &end);
  return end != text && *end == 0 && *out >= least && *out <= most;
}

static bool known_workload(const char *name)
{
  for (size_t i = 0; i < workload_count; i++)
    if (strcmp(workloads[i].name, name) == 0)
      return true;
  return false;
}

static bool read_options(int argc, char **argv, struct options *o)
{
  *o = (struct options){.seconds = 5, .reps = 1, .batch_max = BATCH_EVENTS_MAX};
  for (int i = 1; i < argc; i++) {
    double n;
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--books") == 0)
      o->kept = true;
    else if (strcmp(argv[i], "--fairness") == 0)
      o->fairness = true;
    else if (strcmp(argv[i], "--json") == 0)
      o->json = true;
    else if (strcmp(argv[i], "--workload") == 0 && more && known_workload(argv[i + 1]))
      o->workload = argv[++i];
    else if (strcmp(argv[i], "--seconds") == 0 && more && number(argv[i + 1], 0.1, 60, &n))
      o->seconds = n, i++;
    else if (strcmp(argv[i], "--reps") == 0 && more && number(argv[i + 1], 1, REPS_MAX, &n))
      o->reps = (size_t)n, i++;
    else if (strcmp(argv[i], "--batch") == 0 && more && number(argv[i + 1], 32, BATCH_EVENTS_MAX, &n))
      o->batch_max = (size_t)n, i++;
    else
      return false;
  }
  return true;
}

static int compare(const void *a, const void *b)
{
  const struct figures *x = a, *y = b;
  return x->rate < y->rate ? -1 : x->rate > y->rate;
}

static void print_json(const struct options *o, const struct workload *w, const struct figures *f)
{
  const struct figures *m = &f[o->reps / 2];
  printf("{\"workload\":\"%s\",\"books\":%s,\"runs\":%zu,\"seconds\":%g,\"rate_min\":%.1f,\"rate\":%.1f,"
         "\"rate_max\":%.1f,",
         w->name, o->kept ? "true" : "false", o->reps, o->seconds, f[0].rate, m->rate, f[o->reps - 1].rate);
  printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"exchange_cores\":%.3f,\"agents_cores\":%.3f,"
         "\"exchange_cpu_us\":%.2f,\"agents_cpu_us\":%.2f,",
         m->p50_us, m->p99_us, m->max_us, m->exchange_cores, m->agents_cores, m->exchange_us, m->agents_us);
  printf("\"exchange_syncs_s\":%.1f,\"exchange_syncs\":%.4f,\"agents_syncs_s\":%.1f,\"agents_syncs\":%.4f,"
         "\"seal_us\":%.1f,\"open_us\":%.1f}\n",
         m->exchange_syncs_s, m->exchange_syncs, m->agents_syncs_s, m->agents_syncs, m->seal_us, m->open_us);
}

static void print_head(void)
{
  puts("                                                                  |  exchange: for each        |  agents: for "
       "each");
  puts("work  runs    /s min  median     max |  p50 us     p99     max | cores  CPU us  syncs/s   syncs | cores  CPU "
       "us  "
       "syncs | seal us  open");
}

static void print_line(const struct options *o, const struct workload *w, const struct figures *f)
{
  const struct figures *m = &f[o->reps / 2];
  printf("%-5s %4zu  %8.0f%8.0f%8.0f |%8.0f%8.0f%8.0f | %5.2f%8.1f%9.0f%8.3f | %5.2f%8.1f%7.3f | %7.0f%6.0f\n", w->name,
         o->reps, f[0].rate, m->rate, f[o->reps - 1].rate, m->p50_us, m->p99_us, m->max_us, m->exchange_cores,
         m->exchange_us, m->exchange_syncs_s, m->exchange_syncs, m->agents_cores, m->agents_us, m->agents_syncs,
         m->seal_us, m->open_us);
}

static void run(struct exchange *x, const struct options *o, const struct workload *w, const char *homes)
{
  static struct figures figures[REPS_MAX];
  const struct conditions c = {o->seconds, o->batch_max, homes};
  offices_make(x, w->senders + 1, homes);
  for (size_t i = 0; i < o->reps; i++) {
    exchange_start(x, homes);
    work_run(x, w, &c, &figures[i]);
    exchange_stop(x);
  }
  qsort(figures, o->reps, sizeof figures[0], compare);
  if (o->json)
    print_json(o, w, figures);
  else
    print_line(o, w, figures);
  fflush(stdout);
}

int main(int argc, char **argv)
{
  static struct exchange x; /* its keys are kept from run to run */
  struct options o;
  char homes[FOLDER_PATH_SIZE];
  if (!read_options(argc, argv, &o))
    return usage();
  bench_begin();
  if (o.fairness)
    return fairness_run(&x, o.seconds, o.json) || o.json ? 0 : 1;
  if (o.kept)
    folder_make(homes);
  if (!o.json)
    print_head();
  for (size_t i = 0; i < workload_count; i++)
    if (o.workload == NULL || strcmp(o.workload, workloads[i].name) == 0)
      run(&x, &o, &workloads[i], o.kept ? homes : NULL);
  if (o.kept)
    folder_remove(homes);
  return 0;
}
