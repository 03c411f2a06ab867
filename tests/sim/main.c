/* onward-sim: histories of a whole network from seeds. A broken promise is told with its seed, and the history is made
 * shorter until only what is needed for it is left.
 *
 * Each history is played in a process of its own, so that one that aborts is a broken promise like any other. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/script.h"

enum { STEPS_USUAL = 60, SHRINK_TRIES_MAX = 300, EXIT_BROKEN_PROMISE = 1 };

struct sim sim;

/* What a process tells the one that began it. */
static struct outcome {
  bool held;
  char why[400];
  struct hash digest;
  char root[64]; /* its folder, where it could not clear it away */
} * outcome;

void broken(const char *format, ...)
{
  va_list list;
  if (sim.ended)
    return;
  sim.ended = true;
  va_start(list, format);
  vsnprintf(sim.why, sizeof sim.why, format, list);
  va_end(list);
  tell("BROKEN: %s", sim.why);
}

void tell(const char *format, ...)
{
  va_list list;
  if (!sim.told)
    return;
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
}

/* --- one history, in a process of its own --- */

static void play_here(const struct script *s, bool told)
{
  sim.told = told;
  if (told)
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
  outcome->held = script_play(s);
  outcome->digest = script_digest();
  snprintf(outcome->why, sizeof outcome->why, "%s", sim.why);
  (void)fflush(stdout);
  _exit(0);
}

/* A folder that an aborted one left behind. */
static void clear_away(void)
{
  char folder[128], rm[] = "rm", how[] = "-rf";
  if (strncmp(outcome->root, "/dev/shm/onward-sim-", 20) != 0 && strncmp(outcome->root, "/tmp/onward-sim-", 16) != 0)
    return;
  snprintf(folder, sizeof folder, "%s", outcome->root);
  char *const words[] = {rm, how, folder, NULL};
  pid_t child = fork();
  if (child == 0) {
    execvp(words[0], words);
    _exit(127);
  }
  (void)waitpid(child, NULL, 0);
}

static bool play(const struct script *s, bool told)
{
  int status = 0;
  memset(outcome, 0, sizeof *outcome);
  (void)fflush(stdout);
  pid_t child = fork();
  must(child >= 0);
  if (child == 0)
    play_here(s, told);
  must(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return outcome->held;
  clear_away();
  snprintf(outcome->why, sizeof outcome->why, "the program stopped: %s",
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "an error");
  return false;
}

void sim_root_is(const char *root)
{
  snprintf(outcome->root, sizeof outcome->root, "%s", root);
}

/* --- shorter --- */

/* The same promise: the words up to the first digit or name that may differ. */
static bool same_why(const char *a, const char *b)
{
  size_t size = strcspn(a, ":(");
  return size == strcspn(b, ":(") && strncmp(a, b, size < 24 ? size : 24) == 0;
}

static void leave_out(struct script *to, const struct script *from, size_t at, size_t count)
{
  *to = *from;
  to->count = from->count - count;
  memmove(&to->steps[at], &from->steps[at + count], (from->count - at - count) * sizeof from->steps[0]);
}

static void shrink(struct script *s, const char *why)
{
  static struct script shorter;
  int tries = 0;
  for (size_t chunk = s->count / 2; chunk > 0; chunk /= 2)
    for (size_t at = 0; at + chunk <= s->count && tries < SHRINK_TRIES_MAX; tries++) {
      leave_out(&shorter, s, at, chunk);
      if (!play(&shorter, false) && same_why(outcome->why, why))
        *s = shorter;
      else
        at += chunk;
    }
}

static void report(struct script *s)
{
  char why[sizeof outcome->why];
  snprintf(why, sizeof why, "%s", outcome->why);
  printf("seed %llu: %s\n", (unsigned long long)s->seed, why);
  (void)fflush(stdout);
  size_t before = s->count;
  shrink(s, why);
  printf("%zu of its %zu steps are enough:\n", s->count, before);
  (void)play(s, true);
  printf("play it again: onward-sim --seed %llu --steps %zu --transcript\n", (unsigned long long)s->seed, before);
}

/* --- ranges --- */

struct options {
  uint64_t first, last;
  size_t steps;
  bool told, endless, twice, brief;
  int jobs;
};

static bool same_twice(const struct script *s)
{
  struct hash first = outcome->digest;
  if (play(s, false) && hash_equal(&first, &outcome->digest))
    return true;
  snprintf(outcome->why, sizeof outcome->why, "the same seed made two different logs");
  return false;
}

static bool play_seed(uint64_t seed, const struct options *o)
{
  static struct script s;
  script_make(&s, seed, o->steps);
  bool held = play(&s, o->told) && (!o->twice || same_twice(&s));
  if (!held && (o->brief || o->told))
    printf("seed %llu: %s\n", (unsigned long long)seed, outcome->why);
  else if (!held)
    report(&s);
  (void)fflush(stdout);
  return held;
}

static bool *enough; /* one of the workers has found something: all of them end */

/* Every seed of the range whose turn it is; ends with the first that fails. */
static int work(const struct options *o, int worker)
{
  int failed = 0;
  for (uint64_t seed = o->first + (uint64_t)worker; (o->endless || seed <= o->last) && !*enough;
       seed += (uint64_t)o->jobs)
    if (!play_seed(seed, o)) {
      *enough = true;
      failed = EXIT_BROKEN_PROMISE;
    }
  return failed;
}

static void *share(size_t size)
{
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(p != MAP_FAILED);
  return p;
}

static int work_all(const struct options *o)
{
  int failed = 0, status = 0;
  for (int i = 0; i < o->jobs; i++) {
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
      outcome = share(sizeof *outcome);
      _exit(work(o, i));
    }
  }
  while (wait(&status) > 0)
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      failed = EXIT_BROKEN_PROMISE;
  return failed;
}

static int usage(void)
{
  fprintf(stderr, "usage: onward-sim [--seed N | --seeds A-B | --endless] [--steps N] [--jobs N] [--transcript]\n"
                  "                  [--twice] [--brief]\n"
                  "  --transcript   tells what happens    --twice   each seed twice, to the same log\n"
                  "  --brief        of a broken promise only its seed and what it is\n");
  return 64;
}

static bool read_range(const char *text, struct options *o)
{
  char *rest;
  o->first = strtoull(text, &rest, 10);
  o->last = *rest == '-' ? strtoull(rest + 1, &rest, 10) : o->first;
  return *rest == 0 && o->first <= o->last;
}

static bool read_options(int argc, char **argv, struct options *o)
{
  static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                          {"seeds", required_argument, NULL, 's'},
                                          {"endless", no_argument, NULL, 'e'},
                                          {"steps", required_argument, NULL, 'n'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"transcript", no_argument, NULL, 't'},
                                          {"twice", no_argument, NULL, '2'},
                                          {"brief", no_argument, NULL, 'b'},
                                          {NULL, 0, NULL, 0}};
  int c;
  bool good = true;
  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    good &= c != '?';
    if (c == 's')
      good &= read_range(optarg, o);
    else if (c == 'n')
      o->steps = strtoul(optarg, NULL, 10);
    else if (c == 'j')
      o->jobs = (int)strtol(optarg, NULL, 10);
    o->endless |= c == 'e';
    o->told |= c == 't';
    o->twice |= c == '2';
    o->brief |= c == 'b';
  }
  return good && optind == argc && o->steps > 0 && o->steps <= STEPS_MAX && o->jobs >= 1 && o->jobs <= 64;
}

int main(int argc, char **argv)
{
  struct options o = {.first = 1, .last = 100, .steps = STEPS_USUAL, .jobs = 1};
  if (!read_options(argc, argv, &o))
    return usage();
  outcome = share(sizeof *outcome);
  enough = share(sizeof *enough);
  coverage_share();
  int code = work_all(&o);
  if (code == 0 && o.last > o.first)
    printf("seeds %llu to %llu: every promise held\n", (unsigned long long)o.first, (unsigned long long)o.last);
  if (o.last > o.first && !o.brief)
    coverage_print();
  return code;
}
