/* Fixed layouts in and out. Reading checks every length and every byte that must be zero, so that one meaning has one
 * form. */
#include "proto/wire/frame.h"

#include <string.h>

void head_write(enum frame_kind kind, uint8_t head[HEAD_SIZE])
{
  head[0] = PROTOCOL_VERSION;
  head[1] = (uint8_t)kind;
}

enum status head_read(struct bytes frame, uint8_t *version, enum frame_kind *kind)
{
  *version = frame.size > 0 ? frame.data[0] : 0;
  *kind = 0;
  if (frame.size != HEAD_SIZE || *version != PROTOCOL_VERSION)
    return BAD_INPUT;
  *kind = frame.data[1];
  return OK;
}

void batch_header_write(const struct batch_header *h, uint8_t out[BATCH_HEADER_SIZE])
{
  static const uint8_t zero[14];
  struct writer w = writer_of(out, BATCH_HEADER_SIZE);
  write_bytes(&w, hash_bytes(&h->network));
  write_bytes(&w, org_id_bytes(&h->organisation));
  write_u64(&w, h->sequence);
  write_u64(&w, h->read_up_to);
  write_u16(&w, h->count);
  write_bytes(&w, BYTES(zero));
  write_bytes(&w, hash_bytes(&h->root));
  must(!w.overflow && w.size == BATCH_HEADER_SIZE);
}

enum status batch_header_read(struct bytes in, struct batch_header *out)
{
  struct reader r = reader_of(in);
  read_into(&r, out->network.byte, sizeof out->network.byte);
  struct bytes organisation = read_bytes(&r, 16);
  out->sequence = read_u64(&r);
  out->read_up_to = read_u64(&r);
  out->count = read_u16(&r);
  struct bytes zero = read_bytes(&r, 14);
  read_into(&r, out->root.byte, sizeof out->root.byte);
  if (!reader_done(&r) || !bytes_zero(zero) || out->sequence == 0)
    return BAD_INPUT;
  if (out->count == 0 || out->count > BATCH_EVENTS_MAX)
    return BAD_INPUT;
  return org_id_parse(organisation, &out->organisation);
}

enum { LEAF_VERSION = 1, PATH_COUNT_MAX = 8 }; /* 2^8 events in a batch */

size_t leaf_size(const struct leaf *l)
{
  return LEAF_HEADER_SIZE + l->event.size + l->header.size + l->signature.size + l->path.size;
}

void leaf_write(const struct leaf *l, struct writer *out)
{
  write_u8(out, LEAF_VERSION);
  write_u8(out, (uint8_t)l->origin);
  write_u16(out, l->verdict);
  write_u16(out, (uint16_t)l->event.size);
  write_u8(out, l->position);
  write_u8(out, (uint8_t)(l->path.size / sizeof(struct hash)));
  write_u64(out, l->index);
  write_u64(out, l->time_ms);
  write_u64(out, l->registry);
  write_bytes(out, l->event);
  write_bytes(out, l->header);
  write_bytes(out, l->signature);
  write_bytes(out, l->path);
}

/* The fixed part; the sizes that it names are left in the slices' size fields. */
static enum status read_fixed(struct reader *r, struct leaf *out)
{
  *out = (struct leaf){0};
  uint8_t version = read_u8(r);
  uint8_t origin = read_u8(r);
  out->origin = origin == ORIGIN_ORGANISATION ? ORIGIN_ORGANISATION : ORIGIN_BROKER;
  out->verdict = read_u16(r);
  out->event.size = read_u16(r);
  out->position = read_u8(r);
  uint8_t path_count = read_u8(r);
  out->path.size = path_count * sizeof(struct hash);
  out->index = read_u64(r);
  out->time_ms = read_u64(r);
  out->registry = read_u64(r);
  if (r->underflow || version != LEAF_VERSION || origin > ORIGIN_ORGANISATION || path_count > PATH_COUNT_MAX)
    return BAD_INPUT;
  if (out->event.size == 0 || out->event.size > EVENT_SIZE_MAX)
    return BAD_INPUT;
  if (origin == ORIGIN_BROKER && (path_count != 0 || out->position != 0))
    return BAD_INPUT;
  return OK;
}

enum status leaf_read(struct bytes in, struct leaf *out)
{
  struct reader r = reader_of(in);
  enum status s = read_fixed(&r, out);
  if (s != OK)
    return s;
  out->event = read_bytes(&r, out->event.size);
  if (out->origin == ORIGIN_ORGANISATION) {
    out->header = read_bytes(&r, BATCH_HEADER_SIZE);
    out->signature = read_bytes(&r, ES256_SIGNATURE_SIZE);
    out->path = read_bytes(&r, out->path.size);
  }
  return reader_done(&r) ? OK : BAD_INPUT;
}

enum status leaf_header_read(struct bytes in, struct leaf *out)
{
  struct reader r = reader_of(in);
  enum status s = read_fixed(&r, out);
  return s == OK && !reader_done(&r) ? BAD_INPUT : s;
}

struct hash leaf_hash(struct bytes leaf)
{
  return merkle_leaf(leaf);
}
