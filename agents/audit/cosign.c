/* `cosign`: a witness without a network. It has a key in a file; beside it, in <file>.last, the log's key and the
 * checkpoint that it cosigned last. It signs only what contains that one, and stores what it signs before it gives it
 * away. One key is for one log. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents/audit/export.h"

#define PREFIX "PRIVATE+KEY+"

struct witness_secret {
  struct note_key key;
  struct ed25519_secret *secret;
};

/* --- the key's file: PRIVATE+KEY+name+hash+base64(0x04 || seed) --- */

static void secret_print(const struct witness_secret *s, const uint8_t seed[ED25519_SECRET_SIZE], char text[300])
{
  char vkey[NOTE_VKEY_SIZE], coded[60];
  uint8_t typed[1 + ED25519_SECRET_SIZE] = {4};
  witness_key_print(&s->key, vkey);
  memcpy(typed + 1, seed, ED25519_SECRET_SIZE);
  base64_encode(BYTES(typed), coded);
  (void)snprintf(text, 300, PREFIX "%.*s+%s\n", (int)(strlen(s->key.name) + 9), vkey, coded);
  wipe(typed, sizeof typed);
  wipe(coded, sizeof coded);
}

static enum status secret_open(const char *name, size_t name_size, const uint8_t seed[ED25519_SECRET_SIZE],
                               struct witness_secret *out)
{
  if (name_size > NOTE_NAME_MAX || ed25519_secret_open(seed, &out->secret) != OK)
    return BAD_INPUT;
  memcpy(out->key.name, name, name_size);
  out->key.name[name_size] = 0;
  ed25519_secret_public(out->secret, out->key.public_key);
  return OK;
}

static enum status secret_parse(char *text, size_t size, struct witness_secret *out)
{
  char right[300];
  uint8_t typed[1 + ED25519_SECRET_SIZE];
  size_t typed_size = 0;
  text[size] = 0;
  char *name = text + strlen(PREFIX), *end = strchr(text, '\n');
  char *plus = strncmp(text, PREFIX, strlen(PREFIX)) == 0 ? strchr(name, '+') : NULL;
  char *last = plus == NULL ? NULL : strchr(plus + 1, '+');
  if (last == NULL || end == NULL ||
      base64_decode(bytes_of(last + 1, end < last ? 0 : (size_t)(end - last - 1)), typed, sizeof typed, &typed_size) !=
          OK ||
      typed_size != sizeof typed || secret_open(name, (size_t)(plus - name), typed + 1, out) != OK)
    return BAD_INPUT;
  secret_print(out, typed + 1, right);
  bool same = strcmp(text, right) == 0;
  wipe(right, sizeof right);
  wipe(typed, sizeof typed);
  return same ? OK : BAD_INPUT;
}

static enum audit_code new_key(const struct audit_request *q)
{
  char text[300], vkey[NOTE_VKEY_SIZE], why[200];
  uint8_t seed[ED25519_SECRET_SIZE];
  struct witness_secret s = {0};
  struct note_key again;
  if (access(q->key_file, F_OK) == 0)
    return audit_tell(q, AUDIT_USAGE, "--new-key: %s is there already", q->key_file);
  if (ed25519_generate(seed) != OK || secret_open(q->folder, strlen(q->folder), seed, &s) != OK)
    return audit_tell(q, AUDIT_USAGE, "the witness's name: expected 1 to 64 characters, such as witness.example/w1");
  witness_key_print(&s.key, vkey);
  enum audit_code code = AUDIT_FINE;
  if (witness_key_parse(bytes_text(vkey), &again) != OK)
    code = audit_tell(q, AUDIT_USAGE, "the witness's name: expected printable characters without space and '+'");
  secret_print(&s, seed, text);
  if (code == AUDIT_FINE && file_write(q->key_file, bytes_text(text), why) != OK)
    code = audit_tell(q, AUDIT_UNREADABLE, "%s", why);
  if (code == AUDIT_FINE)
    fprintf(q->out, "%s\n", vkey);
  wipe(text, sizeof text);
  wipe(seed, sizeof seed);
  ed25519_secret_close(s.secret);
  return code;
}

/* --- what was cosigned last --- */

struct last {
  char path[PATH_MAX];
  char content[EXPORT_NOTE_MAX];
  struct bytes note; /* in it; empty: nothing yet */
  struct note_key log;
};

static enum audit_code last_read(const struct audit_request *q, struct last *out)
{
  char why[200];
  size_t size = 0;
  *out = (struct last){.log = q->log_key};
  int length = snprintf(out->path, sizeof out->path, "%s.last", q->key_file);
  if (length < 0 || (size_t)length >= sizeof out->path)
    return audit_tell(q, AUDIT_UNREADABLE, "the key file's name is too long");
  enum status s = file_read(out->path, out->content, sizeof out->content, &size, why);
  if (s == NOT_FOUND)
    return q->pinned ? AUDIT_FINE
                     : audit_tell(q, AUDIT_USAGE,
                                  "the first time --log-key is needed: the key, as you know it, of the log "
                                  "that this witness is for");
  const char *end = s == OK ? memchr(out->content, '\n', size) : NULL;
  struct checkpoint c;
  if (end == NULL || note_key_parse(bytes_of(out->content, (size_t)(end - out->content)), &out->log) != OK)
    return audit_tell(q, AUDIT_UNREADABLE, "%s: cannot be read", out->path);
  out->note = bytes_of(end + 1, size - (size_t)(end + 1 - out->content));
  if (checkpoint_open(out->note, &out->log, &c) != OK)
    return audit_tell(q, AUDIT_UNREADABLE, "%s: is no checkpoint of its log", out->path);
  return AUDIT_FINE;
}

/* Never at an earlier time than the last one. */
static enum audit_code time_now(const struct audit_request *q, const struct last *last, const struct note_key *witness,
                                uint64_t *out)
{
  uint64_t before = 0;
  struct timespec now;
  must(clock_gettime(CLOCK_REALTIME, &now) == 0);
  *out = (uint64_t)now.tv_sec;
  if (last->note.size > 0 && cosignature_verify(last->note, witness, &before) != OK)
    return audit_tell(q, AUDIT_UNREADABLE, "%s: was cosigned with another key", last->path);
  return *out >= before ? AUDIT_FINE
                        : audit_tell(q, AUDIT_UNREADABLE,
                                     "this computer's clock is behind the time at which %s was signed", last->path);
}

static enum audit_code sign(struct audit *a, const struct last *last, const struct witness_secret *s)
{
  const struct audit_request *q = a->request;
  char text[EXPORT_NOTE_MAX], vkey[NOTE_VKEY_SIZE], line[COSIGNATURE_LINE_SIZE], why[200];
  struct bytes note = bytes_of(a->exported->note, a->exported->note_size);
  struct writer w = writer_of(text, sizeof text);
  uint64_t now = 0;
  size_t size = 0;
  enum audit_code code = time_now(q, last, &s->key, &now);
  if (code != AUDIT_FINE)
    return code;
  if (cosignature_sign(note_text(note), now, s->key.name, s->secret, line, &size) != OK)
    return audit_tell(q, AUDIT_UNREADABLE, "cannot sign");
  note_key_print(&last->log, vkey);
  write_text(&w, vkey);
  write_text(&w, "\n");
  size_t begin = w.size;
  write_bytes(&w, note_text(note));
  write_text(&w, "\n");
  write_bytes(&w, note_line(note, &last->log, false));
  write_bytes(&w, bytes_of(line, size));
  must(!w.overflow);
  if (file_write(last->path, writer_bytes(&w), why) != OK)
    return audit_tell(q, AUDIT_UNREADABLE, "%s", why);
  fwrite(text + begin, w.size - begin, 1, q->out);
  return AUDIT_FINE;
}

static enum audit_code cosign(struct audit *a, const struct last *last, const struct witness_secret *s)
{
  char why[200];
  const struct audit_request *q = a->request;
  if (a->exported == NULL)
    return audit_tell(q, AUDIT_USAGE, "is no export: onward-audit export makes one");
  enum audit_code code = exported_files(a);
  if (code == AUDIT_FINE && !exported_tiles_fit(a, why))
    code = audit_tell(q, AUDIT_FAILED, "%s", why);
  if (code == AUDIT_FINE && last->note.size > 0)
    code = audit_contains(a, last->note, last->path);
  return code == AUDIT_FINE ? sign(a, last, s) : code;
}

static enum audit_code with_key(const struct audit_request *q, const struct witness_secret *s)
{
  struct audit a;
  struct last last;
  enum audit_code code = last_read(q, &last);
  if (code != AUDIT_FINE)
    return code;
  struct audit_request pinned = *q; /* to the log that this witness is for */
  pinned.pinned = true;
  pinned.log_key = last.log;
  if (q->pinned && memcmp(q->log_key.public_key, last.log.public_key, sizeof last.log.public_key) != 0)
    return audit_tell(q, AUDIT_FAILED, "this witness is for another log: %s", last.path);
  code = audit_open(&pinned, &a);
  if (code == AUDIT_FINE)
    code = cosign(&a, &last, s);
  audit_close(&a);
  return code;
}

enum audit_code audit_cosign(const struct audit_request *q)
{
  char text[300], why[200];
  size_t size = 0;
  struct witness_secret s = {0};
  if (q->key_file == NULL)
    return audit_tell(q, AUDIT_USAGE, "expected --key FILE, or --new-key FILE and the witness's name");
  if (q->new_key)
    return new_key(q);
  if (file_read(q->key_file, text, sizeof text - 1, &size, why) != OK || secret_parse(text, size, &s) != OK) {
    wipe(text, sizeof text);
    ed25519_secret_close(s.secret);
    return audit_tell(q, AUDIT_UNREADABLE, "%s: cannot be read, or is no witness's key", q->key_file);
  }
  wipe(text, sizeof text);
  enum audit_code code = with_key(q, &s);
  ed25519_secret_close(s.secret);
  return code;
}
