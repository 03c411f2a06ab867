/* Keys come from names, by the derivation that sealing offers for its test vectors. */
#include "tests/fuzz/exchange.h"

#include <string.h>

#include "proto/seal/hpke.h"

bool record_next(struct reader *r, struct record *out)
{
  *out = (struct record){.author = read_u8(r) % AUTHORS, .marks = read_u8(r)};
  out->event = read_bytes(r, read_u16(r));
  return !r->underflow;
}

void record_write(struct writer *w, enum author author, uint8_t marks, struct bytes event)
{
  write_u8(w, (uint8_t)author);
  write_u8(w, marks);
  write_u16(w, (uint16_t)event.size);
  write_bytes(w, event);
}

static struct es256_secret *derive(const char *use, const char *name)
{
  uint8_t text[64];
  struct writer w = writer_of(text, sizeof text);
  struct es256_secret *key;
  write_text(&w, "fuzz ");
  write_text(&w, use);
  write_text(&w, name);
  must(!w.overflow && hpke_derive_key_pair(writer_bytes(&w), &key) == OK);
  return key;
}

const struct member *exchange_member(enum author author)
{
  static const char *const names[AUTHORS] = {"broker", "registry-one", "registry-two", "police", "aple", "a21", "tpo"};
  static struct member members[AUTHORS];
  struct member *m = &members[author];
  if (m->sign != NULL)
    return m;
  must(org_id_parse(bytes_text(names[author]), &m->id) == OK);
  m->sign = derive("sign ", names[author]);
  m->seal = derive("seal ", names[author]);
  es256_secret_public(m->sign, m->sign_point);
  es256_secret_public(m->seal, m->seal_point);
  struct hash link = sha256(BYTES(m->sign_point));
  memcpy(m->link_point, link.byte, sizeof m->link_point);
  return m;
}

enum status exchange_event(struct books *b, struct bytes packed, struct arena *a, struct event *out)
{
  struct complaint why;
  struct bytes leaf, again;
  enum status s = event_read(packed, a, &why, out);
  if (s != OK || out->core->answers == NULL || books_entry(b, out->answers_index, &leaf) != OK)
    return s;
  struct hash hash = leaf_hash(leaf);
  Onward__Core core = *out->core;
  Onward__Answered answers = *core.answers;
  answers.leaf_hash = pb_data(hash_bytes(&hash));
  core.answers = &answers;
  must(event_pack(&core, out->outer->sealed, out->outer->n_sealed, a, &again) == OK);
  return event_read(again, a, &why, out);
}

void exchange_sign(enum author author, const struct hash *network, uint64_t sequence, uint64_t read_up_to,
                   const struct event *e, uint8_t header[BATCH_HEADER_SIZE], uint8_t signature[ES256_SIGNATURE_SIZE])
{
  const struct member *m = exchange_member(author);
  struct batch_header h = {*network, m->id, sequence, read_up_to, 1, merkle_leaf(e->bytes)};
  batch_header_write(&h, header);
  must(dsse_sign(m->sign, BATCH_TYPE, bytes_of(header, BATCH_HEADER_SIZE), signature) == OK);
}

void exchange_hear(struct turn *t, struct key_ring *ring, const struct record *record)
{
  static const uint8_t zeros[SEALED_SIZE_MAX];
  struct bytes bodies[SEALED_SLOTS_MAX];
  uint8_t header[BATCH_HEADER_SIZE], signature[ES256_SIGNATURE_SIZE];
  struct head head;
  struct sequence last;
  struct refusal why;
  struct event e;
  if (exchange_event(t->books, record->event, t->arena, &e) != OK || act_family(e.act) == ACT_OF_BROKER)
    return;
  const struct member *m = exchange_member(record->author);
  books_head(t->books, &head);
  books_last_sequence(t->books, &m->id, &last);
  uint64_t read_up_to = (record->marks & EXCHANGE_HAS_READ) != 0 ? head.size - 1 : last.read_up_to;
  exchange_sign(record->author, &head.network, last.sequence + 1, read_up_to, &e, header, signature);
  struct hash hash = merkle_leaf(e.bytes);
  struct merkle_batch tree;
  merkle_batch_fill(&tree, &hash, 1);
  struct batch batch = {.header_bytes = BYTES(header),
                        .signature = BYTES(signature),
                        .count = 1,
                        .events = &e,
                        .tree = &tree,
                        .bodies = bodies,
                        .body_count = e.outer->n_sealed};
  must(batch_header_read(BYTES(header), &batch.header) == OK);
  for (size_t i = 0; i < batch.body_count; i++)
    bodies[i] = bytes_of(zeros, e.outer->sealed[i]->size);
  if (batch_admit(t->books, ring, &batch, &why) == OK)
    (void)turn_hear(t, &batch, 0);
}
