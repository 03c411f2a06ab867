/* Keys from and to files. A file that is readable by others is refused: a secret that many could read is none. */
#include "broker/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "proto/store/store.h"

enum { Z85_KEY_SIZE = 40 };

static void path_of(const char *folder, const char *name, char path[300])
{
  snprintf(path, 300, "%s/%s", folder, name);
}

static enum status log_key_open(const uint8_t seed[ED25519_SECRET_SIZE], struct broker_keys *out)
{
  enum status s = ed25519_secret_open(seed, &out->log_secret);
  if (s == OK)
    ed25519_secret_public(out->log_secret, out->log_public);
  return s;
}

enum status broker_keys_create(const char *folder, char why[200], struct broker_keys *out)
{
  char path[300], public_text[Z85_KEY_SIZE + 1], secret_text[Z85_KEY_SIZE + 1];
  char link[2 * Z85_KEY_SIZE + 3], log[2 * ED25519_SECRET_SIZE + 2];
  uint8_t seed[ED25519_SECRET_SIZE];
  if (zmq_curve_keypair(public_text, secret_text) != 0 || ed25519_generate(seed) != OK ||
      log_key_open(seed, out) != OK) {
    snprintf(why, 200, "keys cannot be made: no CURVE in libzmq, or no randomness");
    return OUR_FAULT;
  }
  must(zmq_z85_decode(out->link_public, public_text) != NULL && zmq_z85_decode(out->link_secret, secret_text) != NULL);
  int link_size = snprintf(link, sizeof link, "%s\n%s\n", public_text, secret_text);
  hex_encode(BYTES(seed), log);
  log[2 * ED25519_SECRET_SIZE] = '\n';
  path_of(folder, "link.key", path);
  enum status s = file_write(path, bytes_of(link, (size_t)link_size), why);
  path_of(folder, "log.key", path);
  if (s == OK)
    s = file_write(path, bytes_of(log, 2 * ED25519_SECRET_SIZE + 1), why);
  wipe(link, sizeof link);
  wipe(log, sizeof log);
  wipe(seed, sizeof seed);
  wipe(secret_text, sizeof secret_text);
  return s;
}

static enum status read_secret(const char *folder, const char *name, char *text, size_t capacity, char why[200])
{
  char path[300];
  struct stat st;
  size_t size = 0;
  path_of(folder, name, path);
  if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
    snprintf(why, 200, "%.120s: others can read it; chmod 600 it, and ask who did", path);
    return BAD_INPUT;
  }
  enum status s = file_read(path, text, capacity - 1, &size, why);
  text[size] = 0;
  return s;
}

enum status broker_keys_open(const char *folder, char why[200], struct broker_keys *out)
{
  char link[2 * Z85_KEY_SIZE + 3], log[2 * ED25519_SECRET_SIZE + 3];
  uint8_t seed[ED25519_SECRET_SIZE];
  size_t size = 0;
  *out = (struct broker_keys){.log_secret = NULL};
  enum status s = read_secret(folder, "link.key", link, sizeof link, why);
  if (s == OK) {
    bool form = strlen(link) == 2 * Z85_KEY_SIZE + 2 && link[Z85_KEY_SIZE] == '\n';
    link[Z85_KEY_SIZE] = link[2 * Z85_KEY_SIZE + 1] = 0;
    if (!form || zmq_z85_decode(out->link_public, link) == NULL ||
        zmq_z85_decode(out->link_secret, link + Z85_KEY_SIZE + 1) == NULL) {
      snprintf(why, 200, "%.120s/link.key: expected two lines of 40 characters (Z85): public, secret", folder);
      s = BAD_INPUT;
    }
  }
  if (s == OK)
    s = read_secret(folder, "log.key", log, sizeof log, why);
  if (s == OK && (strlen(log) < 64 || hex_decode(bytes_of(log, 64), seed, sizeof seed, &size) != OK ||
                  log_key_open(seed, out) != OK)) {
    snprintf(why, 200, "%.120s/log.key: expected 64 hex digits", folder);
    s = BAD_INPUT;
  }
  wipe(link, sizeof link);
  wipe(log, sizeof log);
  wipe(seed, sizeof seed);
  return s;
}

void broker_keys_close(struct broker_keys *k)
{
  ed25519_secret_close(k->log_secret);
  wipe(k, sizeof *k);
}
