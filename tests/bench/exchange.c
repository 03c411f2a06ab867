/* Keys, then `onward-broker init` with two registrars, then the process, then one enrolment after another: the way a
 * real network begins. */
#include "tests/bench/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/seal/hpke.h"
#include "tests/bench/measure.h"
#include "tests/bench/speaker.h"

#define PASSPHRASE "not a secret"

enum { LISTENING_TRIES = 120000 }; /* of half a millisecond */

/* What the exchange must let pass so that its own speed is measured, not its quotas. */
static const char limits[] = "[limits]\n"
                             "connects_per_minute = 100000\n"
                             "messages_per_minute = 100000000\n"
                             "bytes_per_minute = 1000000000000\n"
                             "refusals_per_hour = 100000000\n";

const char *exchange_limits;

static int complain_to;

void bench_begin(void)
{
  complain_to = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

void bench_hush(const char *log_path)
{
  int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  must(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
  close(fd);
}

void bench_fail(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  dprintf(complain_to, "onward-bench: ");
  vdprintf(complain_to, format, list);
  dprintf(complain_to, "\n");
  va_end(list);
  exit(1);
}

const char *office_home(const char *homes, const struct office *o)
{
  char name[32];
  snprintf(name, sizeof name, "%.16s", o->id.text);
  return folder_path(homes, name);
}

/* --- keys --- */

static struct es256_secret *key_of(const char *use, const char *name)
{
  char text[64];
  struct es256_secret *key;
  snprintf(text, sizeof text, "bench %s %s", use, name);
  must(hpke_derive_key_pair(bytes_text(text), &key) == OK);
  return key;
}

/* Made of its name, so that whoever goes on with an exchange that was kept has them too. */
static void keys_in_memory(const char *name, struct key_folder *k)
{
  char public_text[41], secret_text[41], text[64];
  snprintf(text, sizeof text, "bench link %s", name);
  struct hash link = sha256(bytes_text(text));
  memcpy(k->link_secret, link.byte, sizeof k->link_secret);
  must(zmq_z85_encode(secret_text, k->link_secret, sizeof k->link_secret) != NULL);
  must(zmq_curve_public(public_text, secret_text) == 0 && zmq_z85_decode(k->link_public, public_text) != NULL);
  k->sign = key_of("sign", name);
  k->seal[0] = key_of("seal", name);
  k->seal_count = 1;
  es256_secret_public(k->seal[0], k->seal_point[0]);
  key_id_of(BYTES(k->seal_point[0]), k->seal_id[0]);
}

static void make_office(struct office *o, const char *name, const char *homes)
{
  char why[200];
  memset(o, 0, sizeof *o);
  must(org_id_parse(bytes_text(name), &o->id) == OK);
  if (homes == NULL) {
    keys_in_memory(name, &o->keys);
    return;
  }
  const char *home = office_home(homes, o);
  if (keys_create(home, bytes_text(PASSPHRASE), why) != OK || keys_open(home, why, &o->keys) != OK)
    bench_fail("%s: %s", home, why);
}

void offices_make(struct exchange *x, size_t count, const char *homes)
{
  char why[200];
  must(count >= 1 && count <= OFFICES_MAX);
  if (x->office_count == 0) {
    make_office(&x->registrar[0], "registry-one", NULL);
    make_office(&x->registrar[1], "registry-two", NULL);
  }
  for (; x->office_count < count; x->office_count++) {
    char name[40];
    snprintf(name, sizeof name, "office-%zu", x->office_count);
    make_office(&x->office[x->office_count], name, homes);
  }
  if (homes != NULL && keys_locked(&x->office[0].keys) && keys_unlock(&x->office[0].keys, bytes_text(PASSPHRASE)) != OK)
    bench_fail("%s: does not unlock: %s", homes, why);
}

void idle_make(struct exchange *x, size_t count)
{
  must(count <= IDLE_MAX);
  x->idle = calloc(count + 1, sizeof x->idle[0]);
  must(x->idle != NULL);
  for (x->idle_count = 0; x->idle_count < count; x->idle_count++) {
    char name[40];
    snprintf(name, sizeof name, "idle-%zu", x->idle_count);
    make_office(&x->idle[x->idle_count], name, NULL);
  }
}

/* --- beginning --- */

static Onward__Request request_of(const struct office *o, uint8_t sign_point[ES256_PUBLIC_SIZE])
{
  Onward__Request r = ONWARD__REQUEST__INIT;
  es256_secret_public(o->keys.sign, sign_point);
  r.organisation = pb_data(org_id_text(&o->id));
  r.name = pb_data(bytes_text("An office that is measured"));
  r.kind = ONWARD__ORGANISATION_KIND__NGO;
  r.link_key = pb_data(BYTES(o->keys.link_public));
  r.sign_key = pb_data(bytes_of(sign_point, ES256_PUBLIC_SIZE));
  r.seal_key = pb_data(BYTES(o->keys.seal_point[0]));
  return r;
}

static void write_request(struct exchange *x, const struct office *o, const char *path)
{
  char text[PAPER_TEXT_MAX], why[200];
  uint8_t point[ES256_PUBLIC_SIZE];
  Onward__Request r = request_of(o, point);
  r.kind = ONWARD__ORGANISATION_KIND__STATUTORY;
  if (paper_request_write(o->keys.sign, &r, &x->arena, text, sizeof text) != OK ||
      file_write(path, bytes_text(text), why) != OK)
    bench_fail("%s: cannot be written", path);
}

static const char *broker_program(void)
{
  static char path[300];
  const char *bin = getenv("ONWARD_BIN");
  snprintf(path, sizeof path, "%s/onward-broker", bin != NULL ? bin : ONWARD_BIN_DEFAULT);
  return path;
}

static void count_syncs(const char *path)
{
  char options[300];
  const char *set = getenv("ASAN_OPTIONS"); /* a build with sanitizers wants nothing loaded before its runtime */
  snprintf(options, sizeof options, "%s:verify_asan_link_order=0", set != NULL ? set : "");
  setenv("ASAN_OPTIONS", options, 1);
  setenv("ONWARD_SYNCS", path, 1);
  setenv("LD_PRELOAD", ONWARD_SYNCS_LIBRARY, 1);
}

/* With its words in a file of the folder. `syncs`: where they are counted; NULL: nowhere. */
static pid_t start(const struct exchange *x, const char *const *argv, const char *syncs)
{
  pid_t child = fork();
  if (child != 0)
    return child;
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* it does not outlive a measurement that failed */
  int fd = open(folder_path(x->folder, "exchange.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) {
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
  }
  if (syncs != NULL)
    count_syncs(syncs);
  execv(argv[0], (char *const *)(uintptr_t)argv);
  _exit(127);
}

static void init(struct exchange *x)
{
  int status;
  const char *one = folder_path(x->folder, "one"), *two = folder_path(x->folder, "two");
  write_request(x, &x->registrar[0], one);
  write_request(x, &x->registrar[1], two);
  const char *const argv[] = {broker_program(),
                              "init",
                              folder_path(x->folder, "broker"),
                              "--name",
                              "exchange.test",
                              "--listen",
                              x->address,
                              "--registrar",
                              one,
                              "--registrar",
                              two,
                              NULL};
  pid_t child = start(x, argv, NULL);
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    bench_fail("%s init failed: set ONWARD_BIN to the folder of the programs; see %s", broker_program(), x->folder);
}

static void read_invitation(struct exchange *x)
{
  char text[PAPER_TEXT_MAX], why[200], path[300];
  size_t size;
  struct complaint complaint;
  snprintf(path, sizeof path, "%s/broker/registry-one.invitation", x->folder);
  if (file_read(path, text, sizeof text, &size, why) != OK ||
      paper_invitation_read(bytes_of(text, size), NULL, &x->arena, &complaint, &x->network) != OK)
    bench_fail("%s: cannot be read", path);
}

static void raise_limits(const struct exchange *x)
{
  char path[300];
  snprintf(path, sizeof path, "%s/broker/broker.conf", x->folder);
  FILE *f = fopen(path, "ae");
  if (f == NULL || fputs(exchange_limits != NULL ? exchange_limits : limits, f) < 0 || fclose(f) != 0)
    bench_fail("%s: %s", path, strerror(errno));
}

/* A port that nobody has just now. */
static void choose_address(struct exchange *x)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0);
  close(fd);
  snprintf(x->address, sizeof x->address, "tcp://127.0.0.1:%d", ntohs(a.sin_port));
}

static void serve(struct exchange *x)
{
  const char *const argv[] = {broker_program(), "serve", folder_path(x->folder, "broker"), NULL};
  const char *path = folder_path(x->folder, "syncs");
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, 8) != 0)
    bench_fail("%s: %s", path, strerror(errno));
  x->syncs = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  must(x->syncs != MAP_FAILED);
  close(fd);
  x->begin_ns = now_ns();
  x->process = start(x, argv, path);
}

/* --- the registry --- */

static void enrolled(void *context, const struct heard *h)
{
  (void)h;
  ++*(size_t *)context;
}

struct event enrol_event(struct exchange *x, const struct office *o)
{
  struct event e;
  struct bytes packed;
  struct complaint why;
  uint8_t point[ES256_PUBLIC_SIZE], signature[ES256_SIGNATURE_SIZE];
  Onward__Request r = request_of(o, point);
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  struct bytes request = pb_pack(&r, &x->arena);
  must(dsse_sign(o->keys.sign, REQUEST_TYPE, request, signature) == OK);
  Onward__Core core = ONWARD__CORE__INIT;
  uint8_t nonce[NONCE_SIZE];
  must(random_bytes(nonce, sizeof nonce) == OK);
  enrol.request = pb_data(request);
  enrol.signature = pb_data(BYTES(signature));
  core.nonce = pb_data(BYTES(nonce));
  core.act_case = ONWARD__CORE__ACT_ENROL;
  core.enrol = &enrol;
  must(event_pack(&core, NULL, 0, &x->arena, &packed) == OK && event_read(packed, &x->arena, &why, &e) == OK);
  return e;
}

static void enrol(struct exchange *x, struct speaker *registrar, const struct office *o)
{
  struct bytes none = {NULL, 0};
  size_t used = x->arena.used, done = 0;
  struct event e = enrol_event(x, o);
  speaker_say(registrar, &e, none);
  speaker_push(registrar);
  for (speaker_take(registrar, enrolled, &done); done == 0; speaker_take(registrar, enrolled, &done)) {
    zmq_pollitem_t item = {speaker_socket(registrar), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, 1000);
  }
  x->arena.used = used;
}

/* The registrar connects, and has said so many enrolments before it reads the directory. */
static void enter(struct exchange *x, const char *homes, size_t enrolments)
{
  static struct key_ring ring;
  struct books *b = &x->registry.books;
  memory_init(&x->registry);
  must(directory_begin(b, x->network.genesis_leaf, &x->network.id, &x->arena) == OK);
  must(evidence_init(&x->evidence, b, &ring, &x->network.id, &x->network.log_key, x->network.checkpoint_note) == OK);
  struct speaker *registrar = speaker_open(x, &x->registrar[0], NULL, 1);
  x->start_ms = (double)(now_ns() - x->begin_ns) / 1e6;
  for (size_t i = 0; i < enrolments; i++)
    enrol(x, registrar, &x->office[i]);
  speaker_read_directory(registrar, x, homes);
  speaker_close(registrar);
}

void exchange_enrol(struct exchange *x, const char *homes)
{
  enter(x, homes, x->office_count);
}

/* libzmq tries again after a while only, which would be counted as the exchange's own time. */
static void wait_until_listening(const struct exchange *x)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timespec pause = {0, 500000};
  a.sin_port = htons((uint16_t)strtol(strrchr(x->address, ':') + 1, NULL, 10));
  for (int i = 0; i < LISTENING_TRIES; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    if (there)
      return;
    nanosleep(&pause, NULL);
  }
  bench_fail("the exchange does not listen: see %s/exchange.log", x->folder);
}

static void make_room(struct exchange *x)
{
  enum { ARENA_SIZE = 16 << 20 };
  folder_make(x->folder);
  x->arena = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
  must(x->arena.memory != NULL);
  choose_address(x);
}

void exchange_found(struct exchange *x)
{
  make_room(x);
  init(x);
  read_invitation(x);
  raise_limits(x);
}

void exchange_start(struct exchange *x, const char *homes)
{
  exchange_found(x);
  serve(x);
  wait_until_listening(x);
  exchange_enrol(x, homes);
}

static void run(const char *const *argv)
{
  int status;
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
  }
  if (waitpid(child, &status, 0) != child || status != 0)
    bench_fail("%s failed", argv[0]);
}

void exchange_start_from(struct exchange *x, const char *folder)
{
  char conf[200], why[200];
  make_room(x);
  const char *broker = folder_path(x->folder, "broker");
  const char *const copy[] = {"cp", "-r", "--reflink=auto", folder, broker, NULL};
  const char *const sync[] = {"sync", broker, folder_path(broker, "books/data.mdb"), NULL};
  run(copy);
  run(sync); /* what is still to be written would be written at the cost of what is measured */
  int size = snprintf(conf, sizeof conf, "[exchange]\nlisten = %s\n", x->address);
  if (file_write(folder_path(broker, "broker.conf"), bytes_of(conf, (size_t)size), why) != OK)
    bench_fail("%s", why);
  read_invitation(x);
  raise_limits(x);
  serve(x);
  wait_until_listening(x);
  enter(x, NULL, 0);
}

void exchange_leave(struct exchange *x)
{
  memory_fini(&x->registry);
  free(x->arena.memory);
  folder_remove(x->folder);
}

void exchange_halt(struct exchange *x)
{
  int status;
  kill(x->process, SIGTERM);
  if (waitpid(x->process, &status, 0) != x->process || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    bench_fail("the exchange did not end as it should: see %s/exchange.log", x->folder);
  munmap(x->syncs, 8);
}

void exchange_stop(struct exchange *x)
{
  exchange_halt(x);
  exchange_leave(x);
}

void exchange_keep(struct exchange *x, const char *folder)
{
  const char *const move[] = {"mv", "-T", folder_path(x->folder, "broker"), folder, NULL};
  run(move);
  exchange_leave(x);
}
