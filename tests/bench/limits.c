/* What this machine can do at most of each thing that an event needs, one thing at a time, each with the very calls of
 * the program: a stage of the exchange cannot be faster than this.
 *
 * Books are made in a new folder below TMPDIR: choose the disk that you mean.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/admit.h"
#include "proto/ledger/rows.h"
#include "proto/seal/hpke.h"
#include "proto/seal/note.h"
#include "proto/store/store.h"
#include "tests/bench/measure.h"
#include "tests/unit/folder.h"

enum { TIMES = 15, MESSAGE = 1024, LEAF = 1200 };

static uint8_t content[LEAF];

/* Least, median and greatest of TIMES tries, each of `count` calls. */
static void measure(const char *name, size_t count, void (*work)(void *context, size_t count), void *context)
{
  uint64_t each[TIMES];
  work(context, 1);
  for (int i = 0; i < TIMES; i++) {
    uint64_t begin = now_ns();
    work(context, count);
    each[i] = (now_ns() - begin) / count;
  }
  samples_sort(each, TIMES);
  double median = samples_us(each, TIMES, 50);
  printf("%-44s %9.1f %9.1f %9.1f %10.0f\n", name, samples_us(each, TIMES, 0), median, samples_us(each, TIMES, 100),
         1e6 / median);
}

/* --- the disk --- */

static void sync_file(void *context, size_t count)
{
  int fd = *(int *)context;
  for (size_t i = 0; i < count; i++)
    must(pwrite(fd, content, sizeof content, 0) == sizeof content && fdatasync(fd) == 0);
}

/* The same 128 KB behind one another, and a page at a time at places that are not neighbours. */
enum { PAGE = 4096, PAGES = 32, FILE_PAGES = 16384 };

static void sync_in_one_piece(void *context, size_t count)
{
  static uint8_t piece[PAGES * PAGE];
  int fd = *(int *)context;
  for (size_t i = 0; i < count; i++) {
    off_t at = (off_t)(i % (FILE_PAGES / PAGES)) * (off_t)sizeof piece;
    must(pwrite(fd, piece, sizeof piece, at) == sizeof piece && fdatasync(fd) == 0);
  }
}

static void sync_in_places(void *context, size_t count)
{
  static uint8_t page[PAGE];
  static uint64_t place;
  int fd = *(int *)context;
  for (size_t i = 0; i < count; i++) {
    for (int k = 0; k < PAGES; k++) {
      place = (place + 7919) % FILE_PAGES; /* prime to their number: all come in turn */
      must(pwrite(fd, page, sizeof page, (off_t)place * PAGE) == sizeof page);
    }
    must(fdatasync(fd) == 0);
  }
}

struct disk {
  struct store *store;
  uint64_t next;
  size_t entries; /* of one commit */
};

/* An entry of the log, and a row whose key grows. */
static void commit(void *context, size_t count)
{
  struct disk *d = context;
  char why[200];
  for (size_t i = 0; i < count; i++) {
    struct books *b = store_begin(d->store, true);
    for (size_t k = 0; k < d->entries; k++, d->next++) {
      row_put(b, TABLE_ENTRIES, key_of_index(d->next), content, sizeof content);
      row_put(b, TABLE_MAILBOXES, key_of_index(d->next), NULL, 0);
    }
    must(store_commit(d->store, why) == OK);
  }
}

static void measure_disk(const char *folder)
{
  char why[200];
  struct disk d = {.next = 1};
  struct store_options o = {.folder = folder_path(folder, "books"),
                            .table_names = table_names,
                            .table_count = TABLES_CONTRACT,
                            .format = BOOKS_FORMAT,
                            .create = true};
  int fd = open(folder_path(folder, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  must(fd >= 0 && store_open(&o, why, &d.store) == OK);
  measure("write of 1.2 KB and fdatasync", 50, sync_file, &fd);
  sync_in_one_piece(&fd, FILE_PAGES / PAGES); /* it is all there, and only written anew from here on */
  measure("write of 128 KB in one piece, and fdatasync", 20, sync_in_one_piece, &fd);
  measure("write of 128 KB in 32 places, and fdatasync", 20, sync_in_places, &fd);
  const size_t sizes[] = {1, 16, 64, 256};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char name[60];
    d.entries = sizes[i];
    snprintf(name, sizeof name, "commit of %zu entries of 1.2 KB", sizes[i]);
    measure(name, 20, commit, &d);
  }
  store_close(d.store);
  close(fd);
}

/* --- signatures, hashes --- */

struct keys_used {
  struct es256_secret *secret;
  struct es256_public *public;
  struct ed25519_secret *log_secret;
  uint8_t log_public[ED25519_PUBLIC_SIZE], point[ES256_PUBLIC_SIZE];
  uint8_t signature[ES256_SIGNATURE_SIZE], log_signature[ED25519_SIGNATURE_SIZE];
};

static struct bytes header(void)
{
  return bytes_of(content, BATCH_HEADER_SIZE);
}

static void es256_signs(void *context, size_t count)
{
  struct keys_used *k = context;
  for (size_t i = 0; i < count; i++)
    must(dsse_sign(k->secret, BATCH_TYPE, header(), k->signature) == OK);
}

static void es256_verifies(void *context, size_t count)
{
  struct keys_used *k = context;
  for (size_t i = 0; i < count; i++)
    must(dsse_verify(k->public, BATCH_TYPE, header(), BYTES(k->signature)) == OK);
}

static void es256_verifies_with_a_new_key(void *context, size_t count)
{
  struct keys_used *k = context;
  for (size_t i = 0; i < count; i++) {
    struct es256_public *once;
    must(es256_public_open(BYTES(k->point), &once) == OK);
    must(dsse_verify(once, BATCH_TYPE, header(), BYTES(k->signature)) == OK);
    es256_public_close(once);
  }
}

static void ed25519_signs(void *context, size_t count)
{
  struct keys_used *k = context;
  for (size_t i = 0; i < count; i++)
    must(ed25519_sign(k->log_secret, header(), k->log_signature) == OK);
}

static void ed25519_verifies(void *context, size_t count)
{
  struct keys_used *k = context;
  for (size_t i = 0; i < count; i++)
    must(ed25519_verify(BYTES(k->log_public), header(), BYTES(k->log_signature)) == OK);
}

static void hashes(void *context, size_t count)
{
  (void)context;
  for (size_t i = 0; i < count; i++)
    content[0] = sha256(BYTES(content)).byte[0];
}

static void measure_seal(void)
{
  uint8_t seed[ED25519_SECRET_SIZE];
  struct keys_used k;
  must(es256_generate(&k.secret) == OK && ed25519_generate(seed) == OK &&
       ed25519_secret_open(seed, &k.log_secret) == OK);
  es256_secret_public(k.secret, k.point);
  ed25519_secret_public(k.log_secret, k.log_public);
  must(es256_public_open(BYTES(k.point), &k.public) == OK);
  measure("ES256 signature of a batch header", 200, es256_signs, &k);
  measure("ES256 verified", 200, es256_verifies, &k);
  measure("ES256 verified, the key parsed each time", 200, es256_verifies_with_a_new_key, &k);
  measure("Ed25519 signature of a checkpoint", 200, ed25519_signs, &k);
  measure("Ed25519 verified", 200, ed25519_verifies, &k);
  measure("SHA-256 of 1.2 KB", 2000, hashes, NULL);
  es256_secret_close(k.secret);
  es256_public_close(k.public);
  ed25519_secret_close(k.log_secret);
}

/* --- the link --- */

struct pair {
  void *here, *there;
};

/* One way, three frames; both ends are this thread's, libzmq's threads do the rest. */
static void message_goes(void *context, size_t count)
{
  const struct pair *p = context;
  const size_t window = 16;
  char spare[MESSAGE];
  for (size_t sent = 0, taken = 0; taken < count;) {
    for (; sent < count && sent - taken < window; sent++) {
      must(zmq_send(p->here, content, 2, ZMQ_SNDMORE) == 2 && zmq_send(p->here, content, 300, ZMQ_SNDMORE) == 300);
      must(zmq_send(p->here, content, MESSAGE, 0) == MESSAGE);
    }
    for (int frame = 0; frame < 3; frame++)
      must(zmq_recv(p->there, spare, sizeof spare, 0) >= 0);
    taken++;
  }
}

static void *curve_socket(void *zmq, const char *public_key, const char *secret_key, const char *server_key)
{
  void *s = zmq_socket(zmq, ZMQ_PAIR);
  int yes = 1, linger = 0;
  must(s != NULL && zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger) == 0);
  must(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret_key, 41) == 0);
  if (server_key == NULL) {
    must(zmq_setsockopt(s, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0);
  } else {
    must(zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, public_key, 41) == 0);
    must(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server_key, 41) == 0);
  }
  return s;
}

static void measure_link(void)
{
  char public_key[41], secret_key[41], server_public[41], server_secret[41], address[120];
  size_t size = sizeof address;
  void *zmq = zmq_ctx_new();
  must(zmq_curve_keypair(public_key, secret_key) == 0 && zmq_curve_keypair(server_public, server_secret) == 0);
  struct pair p = {curve_socket(zmq, public_key, secret_key, server_public),
                   curve_socket(zmq, NULL, server_secret, NULL)};
  must(zmq_bind(p.there, "tcp://127.0.0.1:*") == 0);
  must(zmq_getsockopt(p.there, ZMQ_LAST_ENDPOINT, address, &size) == 0 && zmq_connect(p.here, address) == 0);
  measure("message of 3 frames, 1.3 KB, over CURVE", 500, message_goes, &p);
  zmq_close(p.here);
  zmq_close(p.there);
  zmq_ctx_term(zmq);
}

int main(void)
{
  char made[FOLDER_PATH_SIZE];
  folder_make(made);
  printf("%-44s %9s %9s %9s %10s\n", "what, microseconds each", "least", "median", "greatest", "/s median");
  measure_disk(made);
  measure_seal();
  measure_link();
  folder_remove(made);
  return 0;
}
