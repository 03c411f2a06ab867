/* Row of a path: u64 size and u32 epoch of the checkpoint, the hashes. A checkpoint is kept once, under these two, with
 * the first path that leads to it: a log that was restored has other checkpoints of the same sizes. */
#include "agents/receipt.h"

#include <string.h>

#define NAME_SIZE 12 /* of a checkpoint */

void receipt_keep(struct books *b, const struct evidence *e, uint64_t index, struct bytes path)
{
  struct bytes kept;
  uint8_t row[NAME_SIZE + MERKLE_PATH_MAX * sizeof(struct hash)];
  struct writer w = writer_of(row, sizeof row);
  struct row_key key = key_of_index(index);
  write_u64(&w, e->newest.size);
  write_u32(&w, checkpoint_epoch(&e->newest, &e->log_key));
  write_bytes(&w, path);
  must(!w.overflow);
  b->put(b, TABLE_PATHS, row_key(&key), writer_bytes(&w));
  if (b->get(b, TABLE_NOTES, bytes_of(row, NAME_SIZE), &kept) != OK)
    b->put(b, TABLE_NOTES, bytes_of(row, NAME_SIZE), bytes_of(e->note, e->note_size));
}

bool receipt_has(struct books *b, uint64_t index)
{
  struct bytes row;
  struct row_key key = key_of_index(index);
  return b->get(b, TABLE_PATHS, row_key(&key), &row) == OK;
}

enum status receipt_get(struct books *b, uint64_t index, struct log_proof *out)
{
  struct bytes row;
  struct row_key key = key_of_index(index);
  *out = (struct log_proof){.index = index};
  if (b->get(b, TABLE_PATHS, row_key(&key), &row) != OK)
    return NOT_FOUND;
  struct reader r = reader_of(row);
  struct bytes note = read_bytes(&r, NAME_SIZE);
  out->path_count = r.rest.size / sizeof out->path[0];
  if (r.underflow || r.rest.size % sizeof out->path[0] != 0 || out->path_count > MERKLE_PATH_MAX ||
      b->get(b, TABLE_NOTES, note, &out->note) != OK)
    return OUR_FAULT;
  read_into(&r, out->path, r.rest.size);
  return books_entry(b, index, &out->leaf);
}

uint64_t receipt_next(struct books *b, uint64_t index)
{
  struct bytes found, row;
  struct row_key key = key_of_index(index);
  return b->seek(b, TABLE_PATHS, row_key(&key), &found, &row) == OK ? key_number(found, 0) : UINT64_MAX;
}

const char *receipt_text(struct books *b, uint64_t index, struct arena *a)
{
  struct log_proof proof;
  char *text = arena_alloc(a, PROOF_SIZE_MAX + 1);
  if (text == NULL || receipt_get(b, index, &proof) != OK)
    return NULL;
  struct writer w = writer_of(text, PROOF_SIZE_MAX);
  proof_write(&proof, &w);
  must(!w.overflow);
  text[w.size] = 0;
  return text;
}
