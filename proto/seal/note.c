/* A checkpoint is three lines of text, an empty one, and signature lines; what is signed ends with the third line.
 * Writing has one form, and reading accepts only that form, line by line; anything else, and a signature of ours that
 * is missing or does not fit, is BAD_INPUT.
 */
#include "proto/seal/note.h"

#include "proto/seal/agree.h"

#include <string.h>

#define ID_SIZE 4
#define SIGNATURE_BLOB_SIZE (ID_SIZE + ED25519_SIGNATURE_SIZE)
#define COSIGNATURE_BLOB_SIZE (ID_SIZE + 8 + ED25519_SIGNATURE_SIZE)
#define BASE64_SIZE(size) (4 * (((size) + 2) / 3)) /* without the final zero */
#define SIGNATURE_LINES_MAX 16
#define DASH "\u2014 "

/* The type of a key: of a log, or of a witness. */
enum { TYPE_LOG = 1, TYPE_WITNESS = 4 };

static bool name_valid(struct bytes name)
{
  for (size_t i = 0; i < name.size; i++)
    if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == '+')
      return false;
  return name.size >= 1 && name.size <= NOTE_NAME_MAX;
}

/* An origin is the key's name, or the name, a slash and the epoch in decimal. */
static bool origin_valid(struct bytes origin, const char *name)
{
  size_t size = strlen(name);
  if (!name_valid(origin) || origin.size < size || memcmp(origin.data, name, size) != 0)
    return false;
  for (size_t i = size + 1; i < origin.size; i++)
    if (origin.data[i] < '0' || origin.data[i] > '9')
      return false;
  return origin.size == size || (origin.data[size] == '/' && origin.size > size + 1);
}

static void text_copy(char *to, struct bytes from)
{
  memcpy(to, from.data, from.size);
  to[from.size] = 0;
}

static void key_id(uint8_t type, const char *name, const uint8_t public_key[ED25519_PUBLIC_SIZE], uint8_t id[ID_SIZE])
{
  const uint8_t middle[] = {'\n', type};
  const struct bytes parts[] = {bytes_text(name), BYTES(middle), bytes_of(public_key, ED25519_PUBLIC_SIZE)};
  struct hash h = sha256_of(parts, 3);
  memcpy(id, h.byte, ID_SIZE);
}

static enum status key_parse(uint8_t type, struct bytes vkey, struct note_key *out)
{
  struct reader r = reader_of(vkey);
  struct bytes name = read_until(&r, '+');
  struct bytes id_text = read_until(&r, '+');
  uint8_t id[ID_SIZE], right_id[ID_SIZE], key[1 + ED25519_PUBLIC_SIZE];
  size_t id_size = 0, key_size = 0;
  if (r.underflow || !name_valid(name) || hex_decode(id_text, id, sizeof id, &id_size) != OK ||
      base64_decode(r.rest, key, sizeof key, &key_size) != OK || key_size != sizeof key || key[0] != type)
    return BAD_INPUT;
  text_copy(out->name, name);
  memcpy(out->public_key, key + 1, ED25519_PUBLIC_SIZE);
  key_id(type, out->name, out->public_key, right_id);
  return bytes_equal(bytes_of(id, id_size), BYTES(right_id)) ? OK : BAD_INPUT;
}

enum status note_key_parse(struct bytes vkey, struct note_key *out)
{
  return key_parse(TYPE_LOG, vkey, out);
}

enum status witness_key_parse(struct bytes vkey, struct note_key *out)
{
  return key_parse(TYPE_WITNESS, vkey, out);
}

static void key_print(uint8_t type, const struct note_key *key, char vkey[NOTE_VKEY_SIZE])
{
  uint8_t id[ID_SIZE], typed[1 + ED25519_PUBLIC_SIZE] = {type};
  char id_text[2 * ID_SIZE + 1];
  memcpy(typed + 1, key->public_key, ED25519_PUBLIC_SIZE);
  key_id(type, key->name, key->public_key, id);
  hex_encode(BYTES(id), id_text);
  struct writer w = writer_of(vkey, NOTE_VKEY_SIZE);
  write_text(&w, key->name);
  write_text(&w, "+");
  write_text(&w, id_text);
  write_text(&w, "+");
  write_base64(&w, BYTES(typed));
  write_u8(&w, 0);
  must(!w.overflow);
}

void note_key_print(const struct note_key *key, char vkey[NOTE_VKEY_SIZE])
{
  key_print(TYPE_LOG, key, vkey);
}

void witness_key_print(const struct note_key *key, char vkey[NOTE_VKEY_SIZE])
{
  key_print(TYPE_WITNESS, key, vkey);
}

static void write_line(struct writer *w, const char *name, struct bytes blob)
{
  write_text(w, DASH);
  write_text(w, name);
  write_text(w, " ");
  write_base64(w, blob);
  write_text(w, "\n");
}

enum status checkpoint_sign(const struct checkpoint *c, const char *key_name, const struct ed25519_secret *secret,
                            char *out, size_t *out_size)
{
  if (!name_valid(bytes_text(key_name)) || !origin_valid(bytes_text(c->origin), key_name))
    return BAD_INPUT;
  struct writer w = writer_of(out, NOTE_SIZE_MAX);
  write_text(&w, c->origin);
  write_text(&w, "\n");
  write_decimal(&w, c->size);
  write_text(&w, "\n");
  write_base64(&w, hash_bytes(&c->root));
  write_text(&w, "\n");
  uint8_t public_key[ED25519_PUBLIC_SIZE], blob[SIGNATURE_BLOB_SIZE];
  enum status s = ed25519_sign(secret, writer_bytes(&w), blob + ID_SIZE);
  if (s != OK)
    return s;
  ed25519_secret_public(secret, public_key);
  key_id(TYPE_LOG, key_name, public_key, blob);
  write_text(&w, "\n");
  write_line(&w, key_name, BYTES(blob));
  must(!w.overflow);
  *out_size = w.size;
  return OK;
}

/* What a line signs with, where it is this key's: of `blob_size` bytes, its key id first. NOT_FOUND: well formed, and
 * another key's. */
static enum status read_blob(struct bytes line, uint8_t type, const struct note_key *key, uint8_t *blob,
                             size_t blob_size)
{
  struct reader r = reader_of(line);
  bool dash = bytes_equal(read_bytes(&r, strlen(DASH)), bytes_text(DASH));
  struct bytes name = read_until(&r, ' ');
  if (!dash || r.underflow || name.size == 0 || r.rest.size == 0)
    return BAD_INPUT;
  uint8_t id[ID_SIZE];
  size_t size = 0;
  key_id(type, key->name, key->public_key, id);
  bool same = bytes_equal(name, bytes_text(key->name)) && base64_decode(r.rest, blob, blob_size, &size) == OK &&
              size == blob_size && memcmp(blob, id, sizeof id) == 0;
  return same ? OK : NOT_FOUND;
}

static enum status verify_line(struct bytes line, struct bytes text, const struct note_key *key)
{
  uint8_t blob[SIGNATURE_BLOB_SIZE];
  enum status s = read_blob(line, TYPE_LOG, key, blob, sizeof blob);
  if (s != OK)
    return s;
  return ed25519_verify(BYTES(key->public_key), text, bytes_of(blob + ID_SIZE, ED25519_SIGNATURE_SIZE));
}

static enum status verify_lines(struct bytes lines, struct bytes text, const struct note_key *key)
{
  struct reader r = reader_of(lines);
  bool found = false;
  for (int i = 0; i < SIGNATURE_LINES_MAX && r.rest.size > 0; i++) {
    struct bytes line = read_until(&r, '\n');
    enum status s = r.underflow ? BAD_INPUT : verify_line(line, text, key);
    if (s != OK && s != NOT_FOUND)
      return s;
    found = found || s == OK;
  }
  return found && reader_done(&r) ? OK : BAD_INPUT;
}

enum status checkpoint_open(struct bytes note, const struct note_key *key, struct checkpoint *out)
{
  struct reader r = reader_of(note);
  struct bytes origin = read_until(&r, '\n');
  struct bytes size = read_until(&r, '\n');
  struct bytes root = read_until(&r, '\n');
  struct bytes text = bytes_of(note.data, note.size - r.rest.size);
  struct bytes blank = read_until(&r, '\n');
  struct checkpoint c;
  size_t root_size = 0;
  if (r.underflow || blank.size != 0 || !origin_valid(origin, key->name) || decimal_decode(size, &c.size) != OK ||
      base64_decode(root, c.root.byte, sizeof c.root.byte, &root_size) != OK || root_size != sizeof c.root.byte)
    return BAD_INPUT;
  enum status s = verify_lines(r.rest, text, key);
  if (s != OK)
    return s;
  text_copy(c.origin, origin);
  *out = c;
  return OK;
}

/* --- cosignatures --- */

struct bytes note_text(struct bytes note)
{
  for (size_t i = 1; i < note.size; i++)
    if (note.data[i - 1] == '\n' && note.data[i] == '\n')
      return bytes_of(note.data, i);
  return bytes_of(NULL, 0);
}

struct bytes note_line(struct bytes note, const struct note_key *key, bool witness)
{
  uint8_t blob[COSIGNATURE_BLOB_SIZE];
  size_t text = note_text(note).size + 1, size = witness ? COSIGNATURE_BLOB_SIZE : SIGNATURE_BLOB_SIZE;
  struct reader r = reader_of(note);
  read_bytes(&r, text);
  while (r.rest.size > 0 && !r.underflow) {
    struct bytes line = read_until(&r, '\n');
    if (read_blob(line, witness ? TYPE_WITNESS : TYPE_LOG, key, blob, size) == OK)
      return bytes_of(line.data, line.size + 1);
  }
  return bytes_of(NULL, 0);
}

/* "cosignature/v1", "time <seconds>", the checkpoint's text. */
static struct bytes cosigned(struct bytes text, uint64_t time_s, char room[NOTE_SIZE_MAX])
{
  struct writer w = writer_of(room, NOTE_SIZE_MAX);
  write_text(&w, "cosignature/v1\ntime ");
  write_decimal(&w, time_s);
  write_text(&w, "\n");
  write_bytes(&w, text);
  return w.overflow ? bytes_of(NULL, 0) : writer_bytes(&w);
}

enum status cosignature_sign(struct bytes text, uint64_t time_s, const char *name, const struct ed25519_secret *secret,
                             char *line, size_t *line_size)
{
  char room[NOTE_SIZE_MAX];
  uint8_t blob[COSIGNATURE_BLOB_SIZE], public_key[ED25519_PUBLIC_SIZE];
  struct bytes message = cosigned(text, time_s, room);
  struct writer w = writer_of(blob + ID_SIZE, 8), out = writer_of(line, COSIGNATURE_LINE_SIZE);
  if (message.size == 0 || !name_valid(bytes_text(name)))
    return BAD_INPUT;
  ed25519_secret_public(secret, public_key);
  key_id(TYPE_WITNESS, name, public_key, blob);
  write_u64(&w, time_s);
  enum status s = ed25519_sign(secret, message, blob + ID_SIZE + 8);
  write_line(&out, name, BYTES(blob));
  must(!out.overflow);
  *line_size = out.size;
  return s;
}

enum status cosignature_verify(struct bytes note, const struct note_key *witness, uint64_t *time_s)
{
  char room[NOTE_SIZE_MAX];
  uint8_t blob[COSIGNATURE_BLOB_SIZE];
  struct bytes line = note_line(note, witness, true);
  if (line.size == 0)
    return NOT_FOUND;
  must(read_blob(bytes_of(line.data, line.size - 1), TYPE_WITNESS, witness, blob, sizeof blob) == OK);
  struct reader r = reader_of(bytes_of(blob + ID_SIZE, 8));
  *time_s = read_u64(&r);
  struct bytes message = cosigned(note_text(note), *time_s, room);
  return message.size == 0 ? BAD_INPUT
                           : ed25519_verify(BYTES(witness->public_key), message,
                                            bytes_of(blob + ID_SIZE + 8, ED25519_SIGNATURE_SIZE));
}

uint32_t checkpoint_epoch(const struct checkpoint *c, const struct note_key *key)
{
  size_t size = strlen(key->name);
  uint64_t epoch = 0;
  if (strncmp(c->origin, key->name, size) != 0 || c->origin[size] != '/' || c->origin[size + 1] == '0')
    return 0;
  for (const char *at = c->origin + size + 1; *at != 0; at++) {
    if (*at < '0' || *at > '9' || epoch > UINT32_MAX)
      return 0;
    epoch = epoch * 10 + (uint64_t)(*at - '0');
  }
  return epoch > UINT32_MAX ? 0 : (uint32_t)epoch;
}
