/* onward-bench: measures a real exchange with real agents' code on this machine. A new network for every run; the
 * figures of a workload are told as the median, with the least and the greatest rate, of its runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/limits.h"
#include "tests/bench/fairness.h"
#include "tests/bench/fill.h"
#include "tests/bench/idle.h"
#include "tests/bench/measure.h"
#include "tests/bench/work.h"

enum { REPS_MAX = 100, NETWORK_OFFICES = 17, EXIT_USAGE = 2 };

struct options {
  double seconds;
  size_t reps, batch_max;
  size_t connected;
  bool kept, json, fairness;
  const char *workload; /* NULL: all */
  const char *network;  /* a folder to go on from; NULL: a new one for every run */
  uint64_t fill;        /* entries; 0: it is there already */
};

static int usage(void)
{
  fputs("usage: onward-bench [--workload NAME] [--seconds N] [--reps N] [--batch N] [--books] [--json]\n"
        "                    [--network FOLDER [--fill N] [--connected N]]\n"
        "       onward-bench --fairness [--seconds N] [--json]\n"
        "\n"
        "  --workload NAME  one of A1 A16 A64 W256 B1 B64; without it all of them\n"
        "  --seconds N      how long each run measures, 0.1 to 60; without it 5\n"
        "  --reps N         how many runs of each, 1 to 100; without it 1\n"
        "  --batch N        events under one signature, 32 to 256; without it 64;\n"
        "                   with --fill 1 to 256; without it 256\n"
        "  --books          agents with their durable outbox and inbox\n"
        "  --fairness       a polite agent alone, and beside one that floods or never reads\n"
        "  --json           one object a line in place of the table\n"
        "  --network FOLDER every run goes on from a copy of this exchange\n"
        "  --fill N         makes it, with so many entries, and runs nothing\n"
        "  --connected N    so many more organisations are connected and say nothing, 0 to 1000\n"
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
  *o = (struct options){.seconds = 5, .reps = 1};
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
    else if (strcmp(argv[i], "--batch") == 0 && more && number(argv[i + 1], 1, BATCH_EVENTS_MAX, &n))
      o->batch_max = (size_t)n, i++;
    else if (strcmp(argv[i], "--network") == 0 && more)
      o->network = argv[++i];
    else if (strcmp(argv[i], "--fill") == 0 && more && number(argv[i + 1], 1, 1e9, &n))
      o->fill = (uint64_t)n, i++;
    else if (strcmp(argv[i], "--connected") == 0 && more && number(argv[i + 1], 0, IDLE_MAX, &n))
      o->connected = (size_t)n, i++;
    else
      return false;
  }
  if (o->batch_max == 0)
    o->batch_max = o->fill > 0 ? BATCH_EVENTS_MAX : 64;
  if (o->fill == 0 && o->batch_max < 32)
    return false;
  return o->network != NULL ? !o->kept : o->fill == 0 && o->connected == 0;
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
  printf("\"connected\":%zu,\"start_ms\":%.1f,\"resident_kb\":%" PRIu64 ",\"private_kb\":%" PRIu64 ",", o->connected,
         m->start_ms, m->resident_kb, m->private_kb);
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

/* What a measured exchange needed beside time. */
static void look_at(const struct exchange *x, struct figures *f)
{
  f->start_ms = x->start_ms;
  f->resident_kb = process_kb(x->process, "VmRSS");
  f->private_kb = process_kb(x->process, "RssAnon");
}

static void run_once(struct exchange *x, const struct options *o, const struct workload *w, const struct conditions *c,
                     struct figures *out)
{
  struct idle idle;
  if (o->network != NULL)
    exchange_start_from(x, o->network);
  else
    exchange_start(x, c->homes);
  idle_connect(x, o->connected, &idle);
  work_run(x, w, c, out);
  look_at(x, out);
  idle_end(&idle);
  exchange_stop(x);
}

static void run(struct exchange *x, const struct options *o, const struct workload *w, const char *homes)
{
  static struct figures figures[REPS_MAX];
  const struct conditions c = {o->seconds, o->batch_max, homes};
  offices_make(x, w->senders + 1, homes);
  for (size_t i = 0; i < o->reps; i++)
    run_once(x, o, w, &c, &figures[i]);
  qsort(figures, o->reps, sizeof figures[0], compare);
  if (o->json)
    print_json(o, w, figures);
  else
    print_line(o, w, figures);
  fflush(stdout);
}

static void make_network(struct exchange *x, const struct options *o)
{
  struct filled f;
  exchange_start(x, NULL);
  exchange_halt(x);
  fill_log(x, o->fill, o->batch_max, &f);
  exchange_keep(x, o->network);
  printf("{\"entries\":%" PRIu64 ",\"fill_s\":%.1f,\"disk_size\":%" PRIu64 ",\"copy_size\":%" PRIu64
         ",\"copy_s\":%.2f}\n",
         f.entries, f.fill_s, f.disk_size, f.copy_size, f.copy_s);
}

int main(int argc, char **argv)
{
  static struct exchange x; /* its keys are kept from run to run */
  struct options o;
  char homes[FOLDER_PATH_SIZE];
  if (!read_options(argc, argv, &o))
    return usage();
  bench_begin();
  if (o.network != NULL) {
    offices_make(&x, NETWORK_OFFICES, NULL);
    idle_make(&x, IDLE_MAX);
  }
  if (o.fill > 0) {
    make_network(&x, &o);
    return 0;
  }
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
