/* Who is named in reports: written, and read strictly, line by line. */
#include "proto/names.h"

#include <string.h>

#define TYPE "application/vnd.onward.names.v1"
#define TITLE "onward names in reports"

static void write_line(struct writer *w, const char *word, struct bytes value)
{
  write_text(w, word);
  write_bytes(w, value);
  write_text(w, "\n");
}

enum status named_write(struct es256_secret *sign, const struct named *named, char *text, size_t capacity)
{
  char hex[2 * sizeof named->network.byte + 1], base64[4 * ((ES256_SIGNATURE_SIZE + 2) / 3) + 1];
  uint8_t signature[ES256_SIGNATURE_SIZE];
  struct writer w = writer_of(text, capacity - 1);
  hex_encode(hash_bytes(&named->network), hex);
  write_line(&w, TITLE, bytes_text(""));
  write_line(&w, "network ", bytes_text(hex));
  write_line(&w, "by ", org_id_text(&named->by));
  for (size_t i = 0; i < named->count; i++)
    write_line(&w, "organisation ", org_id_text(&named->organisations[i]));
  if (w.overflow || named->count > NAMED_MAX)
    return NOT_NOW;
  enum status s = dsse_sign(sign, TYPE, writer_bytes(&w), signature);
  if (s != OK)
    return s;
  base64_encode(BYTES(signature), base64);
  write_line(&w, "signature ", bytes_text(base64));
  if (w.overflow)
    return NOT_NOW;
  text[w.size] = 0;
  return OK;
}

/* The next line, without its end, behind `word`; false: there is none that begins so. */
static bool read_line(struct bytes *rest, const char *word, struct bytes *value)
{
  size_t size = strlen(word);
  const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
  if (end == NULL || (size_t)(end - rest->data) < size || memcmp(rest->data, word, size) != 0)
    return false;
  *value = bytes_of(rest->data + size, (size_t)(end - rest->data) - size);
  *rest = bytes_of(end + 1, (size_t)(rest->data + rest->size - end) - 1);
  return true;
}

static bool read_exactly(struct bytes value, uint8_t *out, size_t size,
                         enum status (*decode)(struct bytes, uint8_t *, size_t, size_t *))
{
  size_t have = 0;
  return decode(value, out, size, &have) == OK && have == size;
}

enum status named_read(struct bytes text, struct complaint *why, struct named *out)
{
  struct bytes rest = text, value;
  memset(out, 0, sizeof *out);
  if (!read_line(&rest, TITLE, &value) || value.size != 0)
    return complain(why, "line 1: expected \"" TITLE "\"");
  if (!read_line(&rest, "network ", &value) ||
      !read_exactly(value, out->network.byte, sizeof out->network.byte, hex_decode))
    return complain(why, "line 2: expected \"network\" and 64 hex digits");
  if (!read_line(&rest, "by ", &value) || org_id_parse(value, &out->by) != OK)
    return complain(why, "line 3: expected \"by\" and a registrar's id");
  while (read_line(&rest, "organisation ", &value)) {
    if (out->count == NAMED_MAX || org_id_parse(value, &out->organisations[out->count++]) != OK)
      return complain(why, "line %d: expected an organisation's id, and at most %d of them", (int)out->count + 3,
                      NAMED_MAX);
  }
  out->signed_lines = bytes_of(text.data, text.size - rest.size);
  if (out->count == 0 || !read_line(&rest, "signature ", &value) || rest.size != 0 ||
      !read_exactly(value, out->signature, sizeof out->signature, base64_decode))
    return complain(why, "line %d: expected \"organisation\" and an id, or \"signature\" and base64 at the end",
                    (int)out->count + 4);
  return OK;
}

bool named_signed_by(const struct named *named, const uint8_t sign_point[ES256_PUBLIC_SIZE])
{
  struct es256_public *key;
  if (es256_public_open(bytes_of(sign_point, ES256_PUBLIC_SIZE), &key) != OK)
    return false;
  bool fits = dsse_verify(key, TYPE, named->signed_lines, BYTES(named->signature)) == OK;
  es256_public_close(key);
  return fits;
}
