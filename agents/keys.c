/* Keys are made, written one file after another, and count from the moment that seal.pub is there: it is written last.
 * New keys are prepared the same way in files ending in ".next". To adopt them, seal.pub.next becomes seal.pub.adopt:
 * from that one rename on they are the keys, and whoever opens the folder next finishes the other renames if they were
 * cut off.
 *
 * What fails is told with the file's name, never with its content.
 */
#include "agents/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/store/store.h"

#define WHY_SIZE 200
#define PATH_SIZE 256
#define PEM_SIZE 2048
#define Z85_SIZE 40 /* of 32 bytes, without the final zero */
#define LINK_FILE_SIZE (2 * (Z85_SIZE + 1))
#define POINT_LINE_SIZE (2 * ES256_PUBLIC_SIZE + 1)
#define POINTS_FILE_SIZE (SEAL_KEYS_MAX * POINT_LINE_SIZE)

static const char current[] = "", next_suffix[] = ".next";

static enum status trouble(char why[WHY_SIZE], enum status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status trouble(char why[WHY_SIZE], enum status s, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(why, WHY_SIZE, format, list);
  va_end(list);
  return s;
}

static void path_of(const struct key_folder *k, const char *name, const char *suffix, char path[PATH_SIZE])
{
  int size = snprintf(path, PATH_SIZE, "%s/%s%s", k->folder, name, suffix);
  must(size > 0 && size < PATH_SIZE);
}

static void seal_path(const struct key_folder *k, size_t i, const char *suffix, char path[PATH_SIZE])
{
  char name[48] = "seal.pem", id[2 * KEY_ID_SIZE + 1];
  hex_encode(BYTES(k->seal_id[i]), id);
  if (i > 0)
    snprintf(name, sizeof name, "seal.old-%s.pem", id);
  path_of(k, name, suffix, path);
}

static enum status folder_sync(const char *folder, char why[WHY_SIZE])
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool done = fd >= 0 && fsync(fd) == 0;
  int reason = errno;
  if (fd >= 0)
    close(fd);
  return done ? OK : trouble(why, OUR_FAULT, "cannot sync the folder: %s", strerror(reason));
}

static enum status folder_name(struct key_folder *k, const char *folder, char why[WHY_SIZE])
{
  if (folder[0] == 0 || strlen(folder) >= sizeof k->folder)
    return trouble(why, BAD_INPUT, "the data folder's name is empty or longer than %zu bytes", sizeof k->folder - 1);
  snprintf(k->folder, sizeof k->folder, "%s", folder);
  return OK;
}

static enum status folder_check(const struct key_folder *k, char why[WHY_SIZE])
{
  struct stat info;
  if (stat(k->folder, &info) != 0)
    return trouble(why, errno == ENOENT ? NOT_FOUND : OUR_FAULT, "cannot use the data folder: %s", strerror(errno));
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0)
    return trouble(why, BAD_INPUT, "the data folder must be yours alone: make it your own and set mode 0700");
  return OK;
}

static enum status folder_make(const struct key_folder *k, char why[WHY_SIZE])
{
  if (mkdir(k->folder, 0700) != 0)
    return errno == EEXIST ? folder_check(k, why)
                           : trouble(why, OUR_FAULT, "cannot make the data folder: %s", strerror(errno));
  char parent[PATH_SIZE];
  path_of(k, "..", current, parent);
  return folder_sync(parent, why);
}

static bool file_exists(const struct key_folder *k, const char *name)
{
  char path[PATH_SIZE];
  path_of(k, name, current, path);
  return access(path, F_OK) == 0;
}

static void set_point(struct key_folder *k, size_t i, const uint8_t point[ES256_PUBLIC_SIZE])
{
  memcpy(k->seal_point[i], point, ES256_PUBLIC_SIZE);
  key_id_of(BYTES(k->seal_point[i]), k->seal_id[i]);
}

/* --- writing --- */

static enum status link_create(struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char path[PATH_SIZE], public_text[Z85_SIZE + 1], secret_text[Z85_SIZE + 1], text[LINK_FILE_SIZE + 1];
  if (zmq_curve_keypair(public_text, secret_text) != 0)
    return trouble(why, OUR_FAULT, "libzmq was built without CURVE");
  must(zmq_z85_decode(k->link_public, public_text) != NULL && zmq_z85_decode(k->link_secret, secret_text) != NULL);
  snprintf(text, sizeof text, "%s\n%s\n", public_text, secret_text);
  path_of(k, "link.key", suffix, path);
  enum status s = file_write(path, bytes_text(text), why);
  wipe(text, sizeof text);
  wipe(secret_text, sizeof secret_text);
  return s;
}

static enum status secret_save(const char *path, const struct es256_secret *key, struct bytes passphrase,
                               char why[WHY_SIZE])
{
  char pem[PEM_SIZE];
  size_t size = 0;
  enum status s = es256_secret_write(key, passphrase, pem, sizeof pem, &size);
  s = s != OK ? trouble(why, s, "cannot encrypt a key") : file_write(path, bytes_of(pem, size), why);
  wipe(pem, sizeof pem);
  return s;
}

static enum status secret_create(const char *path, struct bytes passphrase, char why[WHY_SIZE],
                                 struct es256_secret **out)
{
  enum status s = es256_generate(out);
  if (s != OK)
    return trouble(why, s, "cannot make a key");
  return secret_save(path, *out, passphrase, why);
}

static enum status points_save(const struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char path[PATH_SIZE], text[POINTS_FILE_SIZE + 1];
  for (size_t i = 0; i < k->seal_count; i++) {
    hex_encode(BYTES(k->seal_point[i]), text + i * POINT_LINE_SIZE);
    text[(i + 1) * POINT_LINE_SIZE - 1] = '\n';
  }
  path_of(k, "seal.pub", suffix, path);
  return file_write(path, bytes_of(text, k->seal_count * POINT_LINE_SIZE), why);
}

/* All three pairs; `k` holds folder and earlier points already. */
static enum status keys_make(struct key_folder *k, const char *suffix, struct bytes passphrase, char why[WHY_SIZE])
{
  char path[PATH_SIZE];
  uint8_t point[ES256_PUBLIC_SIZE];
  enum status s = link_create(k, suffix, why);
  path_of(k, "sign.pem", suffix, path);
  if (s == OK)
    s = secret_create(path, (struct bytes){NULL, 0}, why, &k->sign);
  seal_path(k, 0, suffix, path);
  if (s == OK)
    s = secret_create(path, passphrase, why, &k->seal[0]);
  if (s != OK)
    return s;
  es256_secret_public(k->seal[0], point);
  set_point(k, 0, point);
  return points_save(k, suffix, why);
}

bool passphrase_fits(struct bytes passphrase)
{
  size_t characters = 0;
  for (size_t i = 0; i < passphrase.size; i++)
    characters += (passphrase.data[i] & 0xc0) != 0x80; /* UTF-8: continuation bytes are not counted */
  return characters >= PASSPHRASE_CHARACTERS_MIN && passphrase.size <= PASSPHRASE_SIZE_MAX;
}

static enum status passphrase_check(struct bytes passphrase, char why[WHY_SIZE])
{
  if (passphrase_fits(passphrase))
    return OK;
  return trouble(why, BAD_INPUT, "the passphrase must have at least %d characters", PASSPHRASE_CHARACTERS_MIN);
}

enum status keys_create(const char *folder, struct bytes passphrase, char why[200])
{
  struct key_folder k = {.seal_count = 1};
  enum status s = passphrase_check(passphrase, why);
  if (s == OK)
    s = folder_name(&k, folder, why);
  if (s == OK)
    s = folder_make(&k, why);
  if (s == OK && (file_exists(&k, "seal.pub") || file_exists(&k, "seal.pub.adopt")))
    s = trouble(why, BAD_INPUT, "there are keys in the data folder already");
  if (s == OK)
    s = keys_make(&k, current, passphrase, why);
  keys_close(&k);
  return s;
}

/* --- reading --- */

static enum status read_text(const struct key_folder *k, const char *name, const char *suffix, char *text,
                             size_t capacity, size_t *size, char why[WHY_SIZE])
{
  char path[PATH_SIZE];
  path_of(k, name, suffix, path);
  enum status s = file_read(path, text, capacity - 1, size, why);
  if (s == OK)
    text[*size] = 0;
  return s;
}

/* A secret that others could read is none. What is not there is missed when it is needed. */
static enum status private_check(const char *path, char why[WHY_SIZE])
{
  struct stat info;
  const char *name = strrchr(path, '/') + 1;
  if (stat(path, &info) != 0 || (info.st_mode & 077) == 0)
    return OK;
  return trouble(why, BAD_INPUT,
                 "%s in the data folder has mode %04o: others can read it; chmod 600 it, and ask who did", name,
                 info.st_mode & 07777);
}

static enum status private_all(const struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char path[PATH_SIZE];
  path_of(k, "link.key", suffix, path);
  enum status s = private_check(path, why);
  path_of(k, "sign.pem", suffix, path);
  if (s == OK)
    s = private_check(path, why);
  for (size_t i = 0; i < k->seal_count && s == OK; i++) {
    seal_path(k, i, suffix, path);
    s = private_check(path, why);
  }
  return s;
}

static enum status link_read(struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char text[LINK_FILE_SIZE + 2];
  size_t size = 0;
  enum status s = read_text(k, "link.key", suffix, text, sizeof text, &size, why);
  if (s != OK)
    return s;
  char *second = text + Z85_SIZE + 1;
  bool form = size == LINK_FILE_SIZE && second[-1] == '\n' && second[Z85_SIZE] == '\n';
  if (form)
    second[-1] = second[Z85_SIZE] = 0;
  bool done = form && strlen(text) == Z85_SIZE && strlen(second) == Z85_SIZE &&
              zmq_z85_decode(k->link_public, text) != NULL && zmq_z85_decode(k->link_secret, second) != NULL;
  wipe(text, sizeof text);
  return done ? OK : trouble(why, BAD_INPUT, "link.key is damaged: expected two lines of Z85");
}

static enum status secret_read(const char *path, struct bytes passphrase, char why[WHY_SIZE], struct es256_secret **out)
{
  char pem[PEM_SIZE];
  size_t size = 0;
  enum status s = file_read(path, pem, sizeof pem, &size, why);
  if (s == OK)
    s = es256_secret_read(bytes_of(pem, size), passphrase, out);
  if (s == BAD_INPUT)
    trouble(why, s, "a key file is damaged: expected a P-256 key as PKCS #8 in PEM");
  wipe(pem, sizeof pem);
  return s;
}

static enum status points_read(struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char text[POINTS_FILE_SIZE + 2];
  size_t size = 0;
  enum status s = read_text(k, "seal.pub", suffix, text, sizeof text, &size, why);
  if (s == NOT_FOUND)
    return trouble(why, s, "there are no keys in the data folder");
  if (s != OK)
    return s;
  k->seal_count = size / POINT_LINE_SIZE;
  bool form = size > 0 && size <= POINTS_FILE_SIZE && size % POINT_LINE_SIZE == 0;
  for (size_t i = 0; form && i < k->seal_count; i++) {
    const char *line = text + i * POINT_LINE_SIZE;
    uint8_t point[ES256_PUBLIC_SIZE];
    size_t point_size = 0;
    form = line[POINT_LINE_SIZE - 1] == '\n' &&
           hex_decode(bytes_of(line, POINT_LINE_SIZE - 1), point, sizeof point, &point_size) == OK;
    if (form)
      set_point(k, i, point);
  }
  return form ? OK
              : trouble(why, BAD_INPUT, "seal.pub is damaged: expected lines of %d hex digits", POINT_LINE_SIZE - 1);
}

static enum status keys_read(struct key_folder *k, const char *suffix, char why[WHY_SIZE])
{
  char path[PATH_SIZE];
  enum status s = points_read(k, suffix, why);
  if (s == OK)
    s = private_all(k, suffix, why);
  if (s == OK)
    s = link_read(k, suffix, why);
  path_of(k, "sign.pem", suffix, path);
  if (s == OK)
    s = secret_read(path, (struct bytes){NULL, 0}, why, &k->sign);
  return s;
}

/* --- adopting --- */

static enum status rename_one(const char *from, const char *to, char why[WHY_SIZE])
{
  if (rename(from, to) == 0 || errno == ENOENT) /* absent: renamed before it was cut off */
    return OK;
  return trouble(why, OUR_FAULT, "cannot rename a key file: %s", strerror(errno));
}

static enum status rename_named(const struct key_folder *k, const char *name, const char *from, const char *to,
                                char why[WHY_SIZE])
{
  char old_path[PATH_SIZE], new_path[PATH_SIZE];
  path_of(k, name, from, old_path);
  path_of(k, name, to, new_path);
  return rename_one(old_path, new_path, why);
}

static enum status adopt_finish(const struct key_folder *k, char why[WHY_SIZE])
{
  struct key_folder list = *k; /* only its points are used */
  enum status s = points_read(&list, ".adopt", why);
  for (size_t i = 0; s == OK && i < list.seal_count; i++) {
    char from[PATH_SIZE], to[PATH_SIZE];
    seal_path(&list, i, next_suffix, from);
    seal_path(&list, i, current, to);
    s = rename_one(from, to, why);
  }
  if (s == OK)
    s = rename_named(k, "link.key", next_suffix, current, why);
  if (s == OK)
    s = rename_named(k, "sign.pem", next_suffix, current, why);
  if (s == OK)
    s = folder_sync(k->folder, why);
  if (s == OK)
    s = rename_named(k, "seal.pub", ".adopt", current, why);
  return s == OK ? folder_sync(k->folder, why) : s;
}

static enum status open_with(const char *folder, const char *suffix, char why[WHY_SIZE], struct key_folder *out)
{
  *out = (struct key_folder){0};
  enum status s = folder_name(out, folder, why);
  if (s == OK)
    s = folder_check(out, why);
  if (s == OK && file_exists(out, "seal.pub.adopt"))
    s = adopt_finish(out, why);
  if (s == OK)
    s = keys_read(out, suffix, why);
  if (s != OK)
    keys_close(out);
  return s;
}

enum status keys_open(const char *folder, char why[200], struct key_folder *out)
{
  return open_with(folder, current, why, out);
}

enum status keys_open_next(const char *folder, char why[200], struct key_folder *out)
{
  return open_with(folder, next_suffix, why, out);
}

enum status keys_prepare(struct key_folder *k, struct bytes passphrase, char why[200], struct key_folder *next)
{
  char path[PATH_SIZE];
  *next = (struct key_folder){.seal_count = k->seal_count + 1};
  if (keys_locked(k))
    return trouble(why, NOT_NOW, "locked");
  if (k->seal_count == SEAL_KEYS_MAX)
    return trouble(why, BAD_INPUT, "%d sealing keys are kept: move the last line of seal.pub and its file away first",
                   SEAL_KEYS_MAX);
  enum status s = passphrase_check(passphrase, why);
  if (s != OK)
    return s;
  memcpy(next->folder, k->folder, sizeof next->folder);
  path_of(k, "seal.pub", next_suffix, path);
  unlink(path); /* what was prepared before counts no more, from here on */
  for (size_t i = 0; s == OK && i < k->seal_count; i++) {
    set_point(next, i + 1, k->seal_point[i]);
    seal_path(next, i + 1, next_suffix, path);
    s = secret_save(path, k->seal[i], passphrase, why);
  }
  if (s == OK)
    s = keys_make(next, next_suffix, passphrase, why);
  if (s != OK)
    keys_close(next);
  return s;
}

bool keys_prepared(const struct key_folder *k)
{
  return file_exists(k, "seal.pub.next");
}

enum status keys_adopt(struct key_folder *k, char why[200])
{
  char folder[sizeof k->folder];
  memcpy(folder, k->folder, sizeof folder);
  if (!keys_prepared(k))
    return trouble(why, NOT_FOUND, "no new keys were prepared");
  enum status s = rename_named(k, "seal.pub", next_suffix, ".adopt", why);
  if (s == OK)
    s = folder_sync(folder, why);
  keys_close(k);
  return s == OK ? keys_open(folder, why, k) : s;
}

/* --- using --- */

void keys_close(struct key_folder *k)
{
  keys_lock(k);
  es256_secret_close(k->sign);
  wipe(k, sizeof *k);
}

enum status keys_unlock(struct key_folder *k, struct bytes passphrase)
{
  struct es256_secret *opened[SEAL_KEYS_MAX] = {NULL};
  enum status s = passphrase.size > PASSPHRASE_SIZE_MAX ? NOT_NOW : OK;
  for (size_t i = 0; s == OK && i < k->seal_count; i++) {
    char path[PATH_SIZE], why[WHY_SIZE];
    uint8_t point[ES256_PUBLIC_SIZE] = {0};
    seal_path(k, i, current, path);
    s = secret_read(path, passphrase, why, &opened[i]);
    if (s == OK)
      es256_secret_public(opened[i], point);
    if (s == OK && !bytes_equal(BYTES(point), BYTES(k->seal_point[i])))
      s = BAD_INPUT;
  }
  if (s == OK)
    keys_lock(k); /* what was open before */
  for (size_t i = 0; i < SEAL_KEYS_MAX; i++)
    if (s == OK)
      k->seal[i] = opened[i];
    else
      es256_secret_close(opened[i]);
  return s;
}

void keys_lock(struct key_folder *k)
{
  for (size_t i = 0; i < SEAL_KEYS_MAX; i++) {
    es256_secret_close(k->seal[i]);
    k->seal[i] = NULL;
  }
}

bool keys_locked(const struct key_folder *k)
{
  return k->seal[0] == NULL;
}

static size_t seal_number(const struct key_folder *k, const uint8_t id[KEY_ID_SIZE])
{
  size_t i = 0;
  while (i < k->seal_count && memcmp(k->seal_id[i], id, KEY_ID_SIZE) != 0)
    i++;
  return i;
}

struct es256_secret *keys_seal(struct key_folder *k, const uint8_t id[KEY_ID_SIZE])
{
  size_t i = seal_number(k, id);
  return i < k->seal_count ? k->seal[i] : NULL;
}

bool keys_own(const struct key_folder *k, const uint8_t id[KEY_ID_SIZE])
{
  return seal_number(k, id) < k->seal_count;
}

void keys_harden_process(void)
{
  const struct rlimit none = {0, 0};
  umask(077);
  must(setrlimit(RLIMIT_CORE, &none) == 0);
  must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}
