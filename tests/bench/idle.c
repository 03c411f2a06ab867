/* Each process has one context, with a socket for each of its organisations: libzmq allows 1,023 of them, and a link is
 * three. */
#include "tests/bench/idle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/link.h"
#include "tests/bench/speaker.h"

enum { OF_ONE_PROCESS = 250, WAIT_MS = 30000 };

static void send_packed(struct link *l, enum frame_kind kind, const void *message, struct arena *a)
{
  struct bytes none = {NULL, 0};
  if (link_send(l, kind, pb_pack(message, a), none) != OK)
    bench_fail("an idle link takes nothing");
}

static void open_link(const struct exchange *x, const struct office *o, struct link *l)
{
  struct link_options options = {.address = ""};
  memcpy(options.address, x->address, sizeof x->address);
  memcpy(options.server_key, x->network.link_key, sizeof options.server_key);
  memcpy(options.public_key, o->keys.link_public, sizeof options.public_key);
  memcpy(options.secret_key, o->keys.link_secret, sizeof options.secret_key);
  if (link_open(l, &options) != OK)
    bench_fail("an idle link cannot be made");
}

static void say_hello(const struct exchange *x, const struct office *o, struct link *l)
{
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  Onward__Hello h = ONWARD__HELLO__INIT;
  h.organisation = pb_data(org_id_text(&o->id));
  h.network = pb_data(hash_bytes(&x->network.id));
  send_packed(l, FRAME_HELLO, &h, &a);
}

/* Its welcome, then its credit: from the end of the log on, so that nothing waits for it. */
static void be_welcomed(const struct exchange *x, const struct office *o, struct link *l)
{
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct link_message m;
  zmq_pollitem_t item = {l->socket, 0, ZMQ_POLLIN, 0};
  Onward__Credit c = ONWARD__CREDIT__INIT;
  if (zmq_poll(&item, 1, WAIT_MS) <= 0 || link_receive(l, &m) != OK || m.kind != FRAME_WELCOME)
    bench_fail("%.16s: was not welcomed", o->id.text);
  link_free(&m);
  c.from = x->evidence.newest.size;
  c.entries = DELIVERY_ENTRIES_MAX;
  c.bytes = MESSAGE_SIZE_MAX;
  send_packed(l, FRAME_CREDIT, &c, &a);
}

static void become_idle(const struct exchange *x, size_t first, size_t count, int ready, int hold)
{
  static struct link links[OF_ONE_PROCESS];
  char c;
  for (size_t i = 0; i < count; i++) {
    if (i == 0 && link_init(&links[0]) != OK)
      bench_fail("no context for idle links");
    links[i] = (struct link){.context = links[0].context, .made = (unsigned)i};
    open_link(x, &x->idle[first + i], &links[i]);
    say_hello(x, &x->idle[first + i], &links[i]);
  }
  for (size_t i = 0; i < count; i++)
    be_welcomed(x, &x->idle[first + i], &links[i]);
  close(ready);
  ssize_t held = read(hold, &c, 1);
  (void)held;
}

void idle_connect(const struct exchange *x, size_t count, struct idle *out)
{
  int ready[2], hold[2];
  char c;
  must(count <= x->idle_count && pipe2(ready, O_CLOEXEC) == 0 && pipe2(hold, O_CLOEXEC) == 0);
  *out = (struct idle){.hold = hold[1]};
  for (size_t first = 0; first < count; first += OF_ONE_PROCESS) {
    size_t mine = count - first < OF_ONE_PROCESS ? count - first : OF_ONE_PROCESS;
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(hold[1]);
      close(ready[0]);
      become_idle(x, first, mine, ready[1], hold[0]);
      _exit(0);
    }
    out->processes[out->process_count++] = child;
  }
  close(ready[1]);
  close(hold[0]);
  must(read(ready[0], &c, 1) == 0); /* all of them have closed it */
  close(ready[0]);
}

void idle_end(struct idle *i)
{
  int status;
  close(i->hold);
  for (size_t n = 0; n < i->process_count; n++)
    if (waitpid(i->processes[n], &status, 0) != i->processes[n] || status != 0)
      bench_fail("an idle agent did not hold out");
}
