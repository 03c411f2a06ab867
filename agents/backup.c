/* Writing: records fill a chunk, a full chunk is sealed and written, the last one says that it is the last. Reading
 * goes the same way back; which chunk is the last follows from the file's size, so that of a file that was cut off, or
 * that something was added to, the last one does not open.
 */
#include "agents/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/seal/hash.h"
#include "proto/store/store.h"

#define MAGIC "ONWARD BACKUP "
#define FORMAT "1\n"

enum { RECORD_HEAD_SIZE = 1 + 4 + 4, AAD_SIZE = BACKUP_HEADER_MAX + 8 + 1, PARTIAL_SIZE = BACKUP_PATH_SIZE + 8 };

static enum status trouble(char why[200], enum status s, const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum status trouble(char why[200], enum status s, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(why, 200, format, list);
  va_end(list);
  return s;
}

static enum status system_trouble(const struct backup *b, char why[200], const char *doing)
{
  int error = errno;
  bool full = error == ENOSPC || error == EDQUOT;
  return trouble(why, full ? NOT_NOW : OUR_FAULT, "%.120s: %s: %s", b->path, doing, strerror(error));
}

static bool begin(struct backup *b, const char *path)
{
  memset(b, 0, sizeof *b);
  b->fd = -1;
  int size = snprintf(b->path, sizeof b->path, "%s", path);
  return size > 0 && size < BACKUP_PATH_SIZE;
}

static void partial_name(const struct backup *b, char path[PARTIAL_SIZE])
{
  snprintf(path, PARTIAL_SIZE, "%s.partial", b->path);
}

/* --- the header --- */

void backup_time(uint64_t ms, char text[BACKUP_TIME_SIZE])
{
  struct tm tm = {0};
  time_t seconds = (time_t)(ms / 1000);
  gmtime_r(&seconds, &tm);
  size_t size = strftime(text, BACKUP_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
  snprintf(text + size, BACKUP_TIME_SIZE - size, ".%03uZ", (unsigned)(ms % 1000));
}

static void header_write(struct backup *b)
{
  char time[BACKUP_TIME_SIZE], id[2 * KEY_ID_SIZE + 1];
  backup_time(b->head.made_ms, time);
  hex_encode(BYTES(b->head.key_id), id);
  int size = snprintf(b->header, sizeof b->header, MAGIC FORMAT "organisation " ORG_FMT "\nmade %s\nkey %s\n\n",
                      b->head.organisation.text, time, id);
  must(size > 0 && size < BACKUP_HEADER_MAX);
  b->header_size = (size_t)size;
}

static bool header_read(const char *text, struct backup_head *out)
{
  struct tm tm = {0};
  char organisation[sizeof out->organisation.text + 1], id[2 * KEY_ID_SIZE + 1];
  unsigned ms = 0;
  size_t size = 0;
  /* NOLINTNEXTLINE(cert-err34-c): widths and count bound it, and every chunk is sealed with the header */
  if (sscanf(text, MAGIC FORMAT "organisation %16[^\n]\nmade %4d-%2d-%2d %2d:%2d:%2d.%3uZ\nkey %16[0-9a-f]\n\n",
             organisation, &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, id) != 9)
    return false;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  time_t seconds = timegm(&tm);
  out->made_ms = (uint64_t)seconds * 1000 + ms;
  return seconds > 0 && org_id_parse(bytes_text(organisation), &out->organisation) == OK &&
         hex_decode(bytes_text(id), out->key_id, sizeof out->key_id, &size) == OK && size == sizeof out->key_id;
}

static enum status header_take(struct backup *b, char why[200])
{
  char text[BACKUP_HEADER_MAX + 1] = {0}; /* behind it there may be less than a header */
  ssize_t size = pread(b->fd, text, BACKUP_HEADER_MAX, 0);
  const char *format = text + strlen(MAGIC);
  if (size < 0)
    return system_trouble(b, why, "cannot be read");
  if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
    return trouble(why, BAD_INPUT, "%.120s: is no backup of Onward", b->path);
  int digits = (int)strspn(format, "0123456789");
  if (digits > 0 && strncmp(format, FORMAT, strlen(FORMAT)) != 0)
    return trouble(why, BAD_INPUT,
                   "%.100s: is a backup of format %.*s, and this version of Onward reads 1: use a newer one", b->path,
                   digits, format);
  bool read = header_read(text, &b->head);
  if (read)
    header_write(b); /* and no other form of it is one */
  if (!read || memcmp(b->header, text, b->header_size) != 0)
    return trouble(why, BAD_INPUT, "%.120s: is damaged: its first lines are no backup's", b->path);
  return OK;
}

/* --- chunks --- */

static void add_hash(struct backup *b, struct bytes more)
{
  const struct bytes parts[] = {hash_bytes(&b->hash), more};
  b->hash = sha256_of(parts, 2);
}

static struct bytes aad_of(const struct backup *b, bool last, uint8_t memory[AAD_SIZE])
{
  struct writer w = writer_of(memory, AAD_SIZE);
  write_bytes(&w, bytes_of(b->header, b->header_size));
  write_u64(&w, b->chunk);
  write_u8(&w, last ? 1 : 0);
  must(!w.overflow);
  return writer_bytes(&w);
}

static struct bytes info(void)
{
  return bytes_text("onward/v1 backup");
}

static bool write_all(int fd, struct bytes content)
{
  while (content.size > 0) {
    ssize_t n = write(fd, content.data, content.size);
    if (n < 0 && errno != EINTR)
      return false;
    if (n > 0)
      content = bytes_of(content.data + n, content.size - (size_t)n);
  }
  return true;
}

static bool read_all(int fd, void *out, size_t size, uint64_t from)
{
  for (size_t done = 0; done < size;) {
    ssize_t n = pread(fd, (uint8_t *)out + done, size - done, (off_t)(from + done));
    if (n == 0)
      errno = EIO; /* it became shorter */
    if (n == 0 || (n < 0 && errno != EINTR))
      return false;
    done += n > 0 ? (size_t)n : 0;
  }
  return true;
}

static void append(struct backup *b, struct bytes content)
{
  if (!write_all(b->fd, content))
    b->trouble = system_trouble(b, b->why, "cannot be written");
  add_hash(b, content);
  b->size += content.size;
}

static void chunk_write(struct backup *b, bool last)
{
  uint8_t aad[AAD_SIZE];
  struct bytes plain = bytes_of(b->plain, b->filled);
  if (b->trouble == OK && hpke_seal(BYTES(b->point), info(), aad_of(b, last, aad), plain, b->sealed) != OK)
    b->trouble = trouble(b->why, OUR_FAULT, "%.120s: cannot be sealed", b->path);
  if (b->trouble == OK)
    append(b, bytes_of(b->sealed, plain.size + HPKE_OVERHEAD));
  b->chunk++;
  b->filled = 0;
}

/* Header and then chunks: where this one lies, and how large it is. */
static uint64_t chunk_at(const struct backup *b, uint64_t number, size_t *size)
{
  uint64_t at = b->header_size + number * BACKUP_CHUNK_SIZE, left = b->size - at;
  *size = left < BACKUP_CHUNK_SIZE ? (size_t)left : BACKUP_CHUNK_SIZE;
  return at;
}

static uint64_t chunks_in(const struct backup *b)
{
  return b->size <= b->header_size ? 0 : (b->size - b->header_size + BACKUP_CHUNK_SIZE - 1) / BACKUP_CHUNK_SIZE;
}

static enum status chunk_read(struct backup *b, char why[200])
{
  uint8_t aad[AAD_SIZE];
  size_t size;
  uint64_t at = chunk_at(b, b->chunk, &size);
  if (!read_all(b->fd, b->sealed, size, at))
    return system_trouble(b, why, "cannot be read");
  struct bytes known = aad_of(b, b->chunk + 1 == b->chunks, aad);
  enum status s = hpke_open(b->key, info(), known, bytes_of(b->sealed, size), b->plain);
  if (s == OUR_FAULT)
    return trouble(why, s, "%.120s: cannot be opened", b->path);
  if (s != OK)
    return trouble(why, BAD_INPUT,
                   "%.100s: is damaged, cut off, or put together of several: part %" PRIu64 " of %" PRIu64
                   " does not open",
                   b->path, b->chunk + 1, b->chunks);
  b->chunk++;
  b->used = 0;
  b->filled = size - HPKE_OVERHEAD;
  return OK;
}

/* --- writing --- */

enum status backup_create(struct backup *b, const char *path, struct backup_head *head,
                          const uint8_t point[ES256_PUBLIC_SIZE], char why[200])
{
  char partial[PARTIAL_SIZE];
  if (!begin(b, path))
    return trouble(why, BAD_INPUT, "the backup's name is empty, or longer than %d bytes", BACKUP_PATH_SIZE - 1);
  if (access(path, F_OK) == 0)
    return trouble(why, BAD_INPUT, "%.120s: exists already, and was not touched", path);
  memcpy(b->point, point, sizeof b->point);
  key_id_of(BYTES(b->point), head->key_id);
  b->head = *head;
  header_write(b);
  partial_name(b, partial);
  (void)unlink(partial); /* of a time when it was killed */
  b->fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (b->fd < 0) {
    enum status s = system_trouble(b, why, "cannot be made");
    return s == OUR_FAULT ? BAD_INPUT : s;
  }
  b->writing = true;
  append(b, bytes_of(b->header, b->header_size));
  return OK;
}

static void put_bytes(struct backup *b, struct bytes content)
{
  while (content.size > 0) {
    if (b->filled == BACKUP_PLAIN_SIZE)
      chunk_write(b, false);
    size_t room = BACKUP_PLAIN_SIZE - b->filled, size = content.size < room ? content.size : room;
    memcpy(b->plain + b->filled, content.data, size);
    b->filled += size;
    content = bytes_of(content.data + size, content.size - size);
  }
}

void backup_put(struct backup *b, const struct backup_record *r)
{
  uint8_t memory[RECORD_HEAD_SIZE];
  struct writer w = writer_of(memory, sizeof memory);
  if (r->key.size + r->value.size > BACKUP_RECORD_MAX)
    b->trouble = trouble(b->why, OUR_FAULT, "%.120s: a row is too large for a backup", b->path);
  if (b->trouble != OK)
    return;
  write_u8(&w, r->kind);
  write_u32(&w, (uint32_t)r->key.size);
  write_u32(&w, (uint32_t)r->value.size);
  put_bytes(b, writer_bytes(&w));
  put_bytes(b, r->key);
  put_bytes(b, r->value);
}

/* What the disk has: the page cache is left out. */
static enum status compare(struct backup *b, char why[200])
{
  char header[BACKUP_HEADER_MAX];
  struct hash written = b->hash;
  b->hash = (struct hash){{0}};
  (void)posix_fadvise(b->fd, 0, 0, POSIX_FADV_DONTNEED);
  if (!read_all(b->fd, header, b->header_size, 0))
    return system_trouble(b, why, "cannot be read back");
  add_hash(b, bytes_of(header, b->header_size));
  for (uint64_t i = 0; i < chunks_in(b); i++) {
    size_t size;
    uint64_t at = chunk_at(b, i, &size);
    if (!read_all(b->fd, b->sealed, size, at))
      return system_trouble(b, why, "cannot be read back");
    add_hash(b, bytes_of(b->sealed, size));
  }
  if (hash_equal(&b->hash, &written))
    return OK;
  return trouble(why, OUR_FAULT, "%.100s: what was read back is not what was written: use another disk", b->path);
}

enum status backup_finish(struct backup *b, char why[200])
{
  char partial[PARTIAL_SIZE];
  chunk_write(b, true);
  enum status s = b->trouble;
  if (s != OK)
    return trouble(why, s, "%s", b->why);
  if (fsync(b->fd) != 0)
    return system_trouble(b, why, "cannot be synced");
  s = compare(b, why);
  if (s != OK)
    return s;
  partial_name(b, partial);
  s = file_rename(partial, b->path, why);
  if (s != OK)
    return s;
  close(b->fd);
  b->fd = -1;
  return OK;
}

/* --- reading --- */

enum status backup_open(struct backup *b, const char *path, char why[200])
{
  struct stat file;
  if (!begin(b, path))
    return trouble(why, BAD_INPUT, "the backup's name is empty, or longer than %d bytes", BACKUP_PATH_SIZE - 1);
  b->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (b->fd < 0)
    return trouble(why, NOT_FOUND, "%.120s: %s", path, strerror(errno));
  if (fstat(b->fd, &file) != 0 || !S_ISREG(file.st_mode))
    return trouble(why, BAD_INPUT, "%.120s: is no backup of Onward: expected a file", path);
  enum status s = header_take(b, why);
  b->size = (uint64_t)file.st_size;
  b->chunks = chunks_in(b);
  return s;
}

enum status backup_unlock(struct backup *b, const struct es256_secret *key, char why[200])
{
  uint8_t point[ES256_PUBLIC_SIZE], id[KEY_ID_SIZE];
  es256_secret_public(key, point);
  key_id_of(BYTES(point), id);
  b->key = key;
  if (memcmp(id, b->head.key_id, sizeof id) == 0)
    return OK;
  return trouble(why, BAD_INPUT, "these recovery words are another's: they do not open %.100s", b->path);
}

/* NOT_FOUND: nothing is left. */
static enum status get_bytes(struct backup *b, void *out, size_t size, char why[200])
{
  uint8_t *to = out;
  size_t left = size;
  while (left > 0) {
    if (b->used == b->filled && b->chunk == b->chunks && b->chunk > 0 && left == size)
      return NOT_FOUND;
    enum status s = OK;
    if (b->used == b->filled)
      s = b->chunk < b->chunks ? chunk_read(b, why)
                               : trouble(why, BAD_INPUT, "%.120s: is damaged: it ends in the middle", b->path);
    if (s != OK)
      return s;
    size_t have = b->filled - b->used, take = left < have ? left : have;
    memcpy(to, b->plain + b->used, take);
    b->used += take;
    to += take;
    left -= take;
  }
  return OK;
}

enum status backup_get(struct backup *b, struct backup_record *out, char why[200])
{
  uint8_t head[RECORD_HEAD_SIZE];
  enum status s = get_bytes(b, head, sizeof head, why);
  if (s != OK)
    return s;
  struct reader r = reader_of(BYTES(head));
  out->kind = read_u8(&r);
  size_t key_size = read_u32(&r), value_size = read_u32(&r);
  if (key_size > BACKUP_RECORD_MAX || value_size > BACKUP_RECORD_MAX - key_size)
    return trouble(why, BAD_INPUT, "%.120s: holds a record that is too large", b->path);
  out->key = bytes_of(b->record, key_size);
  out->value = bytes_of(b->record + key_size, value_size);
  s = get_bytes(b, b->record, key_size + value_size, why);
  return s == NOT_FOUND ? trouble(why, BAD_INPUT, "%.120s: is damaged: it ends in the middle", b->path) : s;
}

void backup_close(struct backup *b)
{
  char partial[PARTIAL_SIZE];
  if (b->fd >= 0 && b->writing) {
    partial_name(b, partial);
    (void)unlink(partial);
  }
  if (b->fd >= 0)
    close(b->fd);
  wipe(b, sizeof *b);
  b->fd = -1;
}
