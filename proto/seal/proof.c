/* Lines, one after another, each of which has one form; the note is handed on as it is. Reading looks at no signature
 * and no hash, verifying at nothing else.
 */
#include "proto/seal/proof.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

void proof_write(const struct log_proof *p, struct writer *out)
{
  write_text(out, FIRST_LINE "\nextra ");
  write_base64(out, p->leaf);
  write_text(out, "\nindex ");
  write_decimal(out, p->index);
  for (size_t i = 0; i < p->path_count; i++) {
    write_text(out, "\n");
    write_base64(out, hash_bytes(&p->path[i]));
  }
  write_text(out, "\n\n");
  write_bytes(out, p->note);
}

/* The next line, behind this word and a space. Empty: it begins otherwise, or has nothing more. */
static struct bytes line_behind(struct reader *r, const char *word)
{
  struct reader line = reader_of(read_until(r, '\n'));
  struct bytes found = read_until(&line, ' ');
  return !line.underflow && bytes_equal(found, bytes_text(word)) ? line.rest : (struct bytes){NULL, 0};
}

/* Up to and with the empty line. */
static const char *read_path(struct reader *r, struct log_proof *out)
{
  struct bytes line;
  for (out->path_count = 0; (line = read_until(r, '\n')).size > 0; out->path_count++) {
    struct hash hash;
    size_t size = 0;
    if (out->path_count == MERKLE_PATH_MAX)
      return "more than 64 lines of hashes behind the line of the index";
    if (base64_decode(line, hash.byte, sizeof hash.byte, &size) != OK || size != sizeof hash.byte)
      return "a line behind that of the index is neither the base64 of 32 bytes nor empty";
    out->path[out->path_count] = hash;
  }
  return r->underflow ? "no empty line behind the hashes" : NULL;
}

static const char *read_lines(struct bytes file, uint8_t leaf[PROOF_LEAF_MAX], struct log_proof *out)
{
  struct reader r = reader_of(file);
  size_t size = 0;
  if (!bytes_equal(read_until(&r, '\n'), bytes_text(FIRST_LINE)))
    return "the first line is not " FIRST_LINE;
  if (base64_decode(line_behind(&r, "extra"), leaf, PROOF_LEAF_MAX, &size) != OK || size == 0)
    return "the second line is not \"extra\" and the base64 of an entry";
  out->leaf = bytes_of(leaf, size);
  if (decimal_decode(line_behind(&r, "index"), &out->index) != OK)
    return "the third line is not \"index\" and a number";
  const char *why = read_path(&r, out);
  out->note = r.rest;
  return why == NULL && r.rest.size == 0 ? "no checkpoint behind the empty line" : why;
}

enum status proof_read(struct bytes file, uint8_t leaf[PROOF_LEAF_MAX], struct log_proof *out, const char **why)
{
  *why = read_lines(file, leaf, out);
  return *why == NULL ? OK : BAD_INPUT;
}

enum status proof_verify(const struct log_proof *p, const struct note_key *key, struct checkpoint *out,
                         const char **why)
{
  struct hash leaf = merkle_leaf(p->leaf);
  if (checkpoint_open(p->note, key, out) != OK)
    *why = "the checkpoint is not signed by this key of the log, or is none";
  else if (merkle_verify_inclusion(&leaf, p->index, out->size, p->path, p->path_count, &out->root) != OK)
    *why = "the entry is not under this number in the tree of the checkpoint";
  else
    return OK;
  return BAD_INPUT;
}
