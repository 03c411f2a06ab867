/* onward-agent: an organisation's own daemon (onward-agent(1)). Opens its data folder, then waits: for the exchange,
 * for people, for time to pass. Everything that matters is in the books before it is said, so it may be killed at any
 * instant.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent.h"
#include "agents/agreements.h"
#include "agents/json_wipe.h"

/* Exit codes (onward-agent(1)). */
enum {
  EXIT_STOPPED = 0,
  EXIT_USAGE = 2,   /* options, settings, or a data folder that is not ready */
  EXIT_RUNNING = 3, /* it runs already */
  EXIT_BROKEN = 74, /* the disk or the books: look at them first. Never restart automatically */
};

enum { HOOK_WAIT_MS = 50 }; /* until it is looked whether the office's command has ended */

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
  (void)signal;
  stop_asked = 1;
}

static void catch_signals(void)
{
  struct sigaction stop = {.sa_handler = ask_stop}, ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
}

static void lock_when_idle(struct agent *a)
{
  uint64_t limit_ms = a->config.lock_after_minutes * 60000;
  if (limit_ms == 0 || keys_locked(&a->keys) || ticks_ms() - a->used_ms < limit_ms)
    return;
  keys_lock(&a->keys);
  say("locked: not used for %llu minutes", (unsigned long long)a->config.lock_after_minutes);
}

static void turn(struct agent *a)
{
  zmq_pollitem_t items[3 + LOCAL_PLACES];
  struct link *l = &a->session.link;
  size_t count = local_poll(&a->local, items), local_count = count;
  if (l->socket != NULL) {
    items[count++] = (zmq_pollitem_t){l->socket, 0, ZMQ_POLLIN, 0};
    items[count++] = (zmq_pollitem_t){l->monitor, 0, ZMQ_POLLIN, 0};
  }
  long wait_ms = session_timeout_ms(a);
  if (hook_turn(&a->hook, a->config.hook, ticks_ms()) && wait_ms > HOOK_WAIT_MS)
    wait_ms = HOOK_WAIT_MS;
  if (zmq_poll(items, (int)count, wait_ms) < 0)
    return; /* a signal */
  local_serve(a, items, local_count);
  if (a->broken) /* perhaps without books */
    return;
  session_input(a);
  session_tick(a);
  local_resume(a);
  agreements_tick(a);
  lock_when_idle(a);
}

static int serve(const char *home, const char *config_path, bool resume)
{
  static struct agent a; /* large: the key ring */
  enum status s = agent_open(&a, home, config_path);
  if (s == OK && resume) {
    alarm_end_all(agent_write(&a));
    a.session.halted = false;
    s = agent_commit(&a);
  }
  if (s != OK) {
    say("%s", a.why);
  } else {
    say("%.16s, network %s", a.self.id.text, a.network.words);
    while (!stop_asked && !a.broken)
      turn(&a);
    say("stopped");
  }
  bool broken = a.broken;
  agent_close(&a);
  return broken || s == OUR_FAULT ? EXIT_BROKEN : s == OK ? EXIT_STOPPED : s == NOT_NOW ? EXIT_RUNNING : EXIT_USAGE;
}

static int usage(void)
{
  fprintf(stderr, "usage: onward-agent [--home DIR] [--config FILE] [--resume]\n");
  return EXIT_USAGE;
}

int main(int argc, char **argv)
{
  static char home[256];
  const char *config = NULL, *set = getenv("ONWARD_HOME"), *user = getenv("HOME");
  bool resume = false;
  keys_harden_process();
  store_guard(EXIT_BROKEN);
  json_wipe_install();
  if (set != NULL && set[0] != 0)
    snprintf(home, sizeof home, "%s", set);
  else if (user != NULL && user[0] != 0)
    snprintf(home, sizeof home, "%s/.onward", user);
  for (int i = 1; i < argc; i++) {
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--home") == 0 && more)
      snprintf(home, sizeof home, "%s", argv[++i]);
    else if (strcmp(argv[i], "--config") == 0 && more)
      config = argv[++i];
    else if (strcmp(argv[i], "--resume") == 0)
      resume = true;
    else
      return usage();
  }
  catch_signals();
  return serve(home, config, resume);
}
