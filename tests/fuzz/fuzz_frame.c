/* The fixed layouts: head, batch header, leaf. What is read is written to the same bytes again. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/wire/frame.h"

static void try_head(struct bytes b)
{
  uint8_t version, again[HEAD_SIZE];
  enum frame_kind kind;
  if (head_read(b, &version, &kind) != OK)
    return;
  head_write(kind, again);
  must(bytes_equal(b, BYTES(again)));
}

static void try_batch_header(struct bytes b)
{
  struct batch_header h;
  uint8_t again[BATCH_HEADER_SIZE];
  if (batch_header_read(b, &h) != OK)
    return;
  batch_header_write(&h, again);
  must(bytes_equal(b, BYTES(again)));
}

static void try_leaf(struct bytes b)
{
  static uint8_t again[LEAF_SIZE_MAX];
  struct leaf leaf, fixed;
  struct writer w = writer_of(again, sizeof again);
  if (leaf_read(b, &leaf) != OK) {
    must(leaf_header_read(b, &fixed) != OK || b.size == LEAF_HEADER_SIZE);
    return;
  }
  leaf_write(&leaf, &w);
  must(!w.overflow && w.size == leaf_size(&leaf) && bytes_equal(b, writer_bytes(&w)));
  must(leaf_header_read(bytes_of(b.data, LEAF_HEADER_SIZE), &fixed) == OK && fixed.index == leaf.index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bytes b = bytes_of(data, size);
  try_head(b);
  try_batch_header(b);
  try_leaf(b);
  return 0;
}
