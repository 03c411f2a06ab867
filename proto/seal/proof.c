/* Writing has one form, and reading accepts only that form, line by line. */
#include "proto/seal/proof.h"

#include <string.h>

#define HEADING "c2sp.org/tlog-proof@v1\n"

/* Three bytes at a time: the text grows where it is to stand. */
static void write_base64(struct writer *w, struct bytes b)
{
  char text[5];
  for (size_t at = 0; at < b.size; at += 3) {
    base64_encode(bytes_of(b.data + at, b.size - at < 3 ? b.size - at : 3), text);
    write_text(w, text);
  }
}

void proof_write(const struct log_proof *proof, struct writer *out)
{
  write_text(out, HEADING "extra ");
  write_base64(out, proof->leaf);
  write_text(out, "\nindex ");
  write_decimal(out, proof->index);
  write_text(out, "\n");
  for (size_t i = 0; i < proof->path_count; i++) {
    write_base64(out, hash_bytes(&proof->path[i]));
    write_text(out, "\n");
  }
  write_text(out, "\n");
  write_bytes(out, proof->note);
  must(!out->overflow);
}

static struct bytes read_line(struct reader *r)
{
  const uint8_t *end = r->rest.size == 0 ? NULL : memchr(r->rest.data, '\n', r->rest.size);
  struct bytes line = read_bytes(r, end == NULL ? SIZE_MAX : (size_t)(end - r->rest.data));
  read_u8(r);
  return line;
}

static bool read_text(struct reader *r, const char *text)
{
  return bytes_equal(read_bytes(r, strlen(text)), bytes_text(text));
}

static bool read_decimal(struct bytes line, uint64_t *out)
{
  *out = 0;
  for (size_t i = 0; i < line.size; i++) {
    uint8_t digit = (uint8_t)(line.data[i] - '0');
    if (digit > 9 || *out > (UINT64_MAX - digit) / 10)
      return false;
    *out = *out * 10 + digit;
  }
  return line.size == 1 || (line.size > 1 && line.data[0] != '0');
}

enum status proof_read(struct bytes text, uint8_t *leaf, struct log_proof *out)
{
  struct reader r = reader_of(text);
  size_t size = 0;
  *out = (struct log_proof){0};
  if (!read_text(&r, HEADING "extra ") || base64_decode(read_line(&r), leaf, PROOF_LEAF_MAX, &size) != OK || size == 0)
    return BAD_INPUT;
  out->leaf = bytes_of(leaf, size);
  if (!read_text(&r, "index ") || !read_decimal(read_line(&r), &out->index))
    return BAD_INPUT;
  for (struct bytes line = read_line(&r); line.size > 0; line = read_line(&r)) {
    if (out->path_count == MERKLE_PATH_MAX ||
        base64_decode(line, out->path[out->path_count].byte, sizeof out->path[0], &size) != OK ||
        size != sizeof out->path[0])
      return BAD_INPUT;
    out->path_count++;
  }
  out->note = r.rest;
  return r.underflow ? BAD_INPUT : OK;
}

enum status proof_verify(const struct log_proof *proof, const struct note_key *log, struct checkpoint *out)
{
  struct hash hash = merkle_leaf(proof->leaf);
  enum status s = checkpoint_open(proof->note, log, out);
  return s != OK ? s
                 : merkle_verify_inclusion(&hash, proof->index, out->size, proof->path, proof->path_count, &out->root);
}
