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
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/speaker.h"

#define PASSPHRASE "not a secret"

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

static void keys_in_memory(struct key_folder *k)
{
  char public_text[41], secret_text[41];
  k->seal_count = 1;
  must(zmq_curve_keypair(public_text, secret_text) == 0);
  must(zmq_z85_decode(k->link_public, public_text) != NULL && zmq_z85_decode(k->link_secret, secret_text) != NULL);
  must(es256_generate(&k->sign) == OK && es256_generate(&k->seal[0]) == OK);
  es256_secret_public(k->seal[0], k->seal_point[0]);
  key_id_of(BYTES(k->seal_point[0]), k->seal_id[0]);
}

static void make_office(struct office *o, const char *name, const char *homes)
{
  char why[200];
  memset(o, 0, sizeof *o);
  must(org_id_parse(bytes_text(name), &o->id) == OK);
  if (homes == NULL) {
    keys_in_memory(&o->keys);
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
  x->process = start(x, argv, path);
}

/* --- the registry --- */

static void enrolled(void *context, const struct heard *h)
{
  (void)h;
  ++*(size_t *)context;
}

static void enrol(struct exchange *x, struct speaker *registrar, const struct office *o)
{
  struct event e;
  struct bytes packed, none = {NULL, 0};
  struct complaint why;
  uint8_t point[ES256_PUBLIC_SIZE], signature[ES256_SIGNATURE_SIZE];
  Onward__Request r = request_of(o, point);
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  size_t used = x->arena.used, done = 0;
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
  speaker_say(registrar, &e, none);
  speaker_push(registrar);
  while (done == 0) {
    zmq_pollitem_t item = {speaker_socket(registrar), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, 1000);
    speaker_take(registrar, enrolled, &done);
  }
  x->arena.used = used;
}

static void fill_registry(struct exchange *x, const char *homes)
{
  static struct key_ring ring;
  struct books *b = &x->registry.books;
  memory_init(&x->registry);
  must(directory_begin(b, x->network.genesis_leaf, &x->network.id, &x->arena) == OK);
  must(evidence_init(&x->evidence, b, &ring, &x->network.id, &x->network.log_key, x->network.checkpoint_note) == OK);
  struct speaker *registrar = speaker_open(x, &x->registrar[0], NULL, 1);
  for (size_t i = 0; i < x->office_count; i++)
    enrol(x, registrar, &x->office[i]);
  speaker_read_directory(registrar, x, homes);
  speaker_close(registrar);
}

void exchange_start(struct exchange *x, const char *homes)
{
  enum { ARENA_SIZE = 16 << 20 };
  folder_make(x->folder);
  x->arena = arena_of(malloc(ARENA_SIZE), ARENA_SIZE);
  must(x->arena.memory != NULL);
  choose_address(x);
  init(x);
  read_invitation(x);
  raise_limits(x);
  serve(x);
  fill_registry(x, homes);
}

void exchange_stop(struct exchange *x)
{
  int status;
  kill(x->process, SIGTERM);
  if (waitpid(x->process, &status, 0) != x->process || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    bench_fail("the exchange did not end as it should: see %s/exchange.log", x->folder);
  munmap(x->syncs, 8);
  memory_fini(&x->registry);
  free(x->arena.memory);
  folder_remove(x->folder);
}
