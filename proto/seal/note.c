/* A checkpoint is three lines of text, an empty one, and signature lines; what is signed ends with the third line.
 * Writing has one form, and reading accepts only that form, line by line; anything else, and a signature of ours that
 * is missing or does not fit, is BAD_INPUT.
 */
#include "proto/seal/note.h"

#include "proto/seal/agree.h"

#include <string.h>

#define ID_SIZE 4
#define SIGNATURE_BLOB_SIZE (ID_SIZE + ED25519_SIGNATURE_SIZE)
#define SIGNATURE_LINES_MAX 16
#define DASH "\u2014 "

static const uint8_t type_ed25519 = 1;

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

static void key_id(const char *name, const uint8_t public_key[ED25519_PUBLIC_SIZE], uint8_t id[ID_SIZE])
{
  const uint8_t middle[] = {'\n', type_ed25519};
  const struct bytes parts[] = {bytes_text(name), BYTES(middle), bytes_of(public_key, ED25519_PUBLIC_SIZE)};
  struct hash h = sha256_of(parts, 3);
  memcpy(id, h.byte, ID_SIZE);
}

enum status note_key_parse(struct bytes vkey, struct note_key *out)
{
  struct reader r = reader_of(vkey);
  struct bytes name = read_until(&r, '+');
  struct bytes id_text = read_until(&r, '+');
  uint8_t id[ID_SIZE], right_id[ID_SIZE], key[1 + ED25519_PUBLIC_SIZE];
  size_t id_size = 0, key_size = 0;
  if (r.underflow || !name_valid(name) || hex_decode(id_text, id, sizeof id, &id_size) != OK ||
      base64_decode(r.rest, key, sizeof key, &key_size) != OK || key_size != sizeof key || key[0] != type_ed25519)
    return BAD_INPUT;
  text_copy(out->name, name);
  memcpy(out->public_key, key + 1, ED25519_PUBLIC_SIZE);
  key_id(out->name, out->public_key, right_id);
  return bytes_equal(bytes_of(id, id_size), BYTES(right_id)) ? OK : BAD_INPUT;
}

void note_key_print(const struct note_key *key, char vkey[NOTE_VKEY_SIZE])
{
  uint8_t id[ID_SIZE], typed[1 + ED25519_PUBLIC_SIZE] = {type_ed25519};
  char id_text[2 * ID_SIZE + 1];
  memcpy(typed + 1, key->public_key, ED25519_PUBLIC_SIZE);
  key_id(key->name, key->public_key, id);
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
  key_id(key_name, public_key, blob);
  write_text(&w, "\n" DASH);
  write_text(&w, key_name);
  write_text(&w, " ");
  write_base64(&w, BYTES(blob));
  write_text(&w, "\n");
  must(!w.overflow);
  *out_size = w.size;
  return OK;
}

/* NOT_FOUND: well formed, and another key's. */
static enum status verify_line(struct bytes line, struct bytes text, const struct note_key *key)
{
  struct reader r = reader_of(line);
  bool dash = bytes_equal(read_bytes(&r, strlen(DASH)), bytes_text(DASH));
  struct bytes name = read_until(&r, ' ');
  if (!dash || r.underflow || name.size == 0 || r.rest.size == 0)
    return BAD_INPUT;
  uint8_t blob[SIGNATURE_BLOB_SIZE], id[ID_SIZE];
  size_t size = 0;
  key_id(key->name, key->public_key, id);
  if (!bytes_equal(name, bytes_text(key->name)) || base64_decode(r.rest, blob, sizeof blob, &size) != OK ||
      size != sizeof blob || memcmp(blob, id, sizeof id) != 0)
    return NOT_FOUND;
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
