/* A batch as an agent sends it: u16 size of the body, the body, the sealed frame. The header's count and root are put
 * right first, as whoever means harm would do. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/admit.h"

static uint8_t memory[32u << 20], scratch[8u << 20];

/* Agrees with its events again; a signature is not looked at here. */
static struct bytes put_right(struct bytes body)
{
  struct arena a = arena_of(scratch, sizeof scratch);
  static struct hash hashes[BATCH_EVENTS_MAX];
  struct batch_header h;
  Onward__Batch *m = pb_unpack(&onward__batch__descriptor, body, &a);
  if (m == NULL || batch_header_read(pb_bytes(m->header), &h) != OK || m->n_events == 0 ||
      m->n_events > BATCH_EVENTS_MAX)
    return body;
  for (size_t i = 0; i < m->n_events; i++)
    hashes[i] = merkle_leaf(pb_bytes(m->events[i]));
  h.count = (uint16_t)m->n_events;
  h.root = merkle_root(hashes, m->n_events);
  batch_header_write(&h, m->header.data);
  struct bytes packed = pb_pack(m, &a);
  return packed.size > 0 ? packed : body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct reader r = reader_of(bytes_of(data, size));
  struct refusal why;
  struct batch batch;
  size_t body_size = read_u16(&r);
  struct bytes body = read_bytes(&r, body_size < r.rest.size ? body_size : r.rest.size);
  enum status s = batch_read(put_right(body), r.rest, &a, &why, &batch);
  must(s == OK || s == BAD_INPUT || s == NOT_NOW);
  if (s == OK) {
    size_t bodies = 0;
    for (size_t i = 0; i < batch.body_count; i++)
      bodies += batch.bodies[i].size;
    must(batch.count >= 1 && batch.count <= BATCH_EVENTS_MAX && bodies == r.rest.size);
  } else {
    must(a.used == 0 && (s == NOT_NOW || why.reason != 0));
  }
  return 0;
}
