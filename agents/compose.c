/* Core first, for its bytes are the AAD of every part; then the parts; then the event around both. */
#include "agents/compose.h"

#include <stdio.h>
#include <string.h>

#define BODIES_MAX (MESSAGE_SIZE_MAX - 2 * EVENT_SIZE_MAX) /* of one event: it must fit one message */
#define PRETEND_INDEX (UINT64_C(1) << 62)                  /* behind every real entry */

Onward__Core *core_new(const struct ref_id *id, struct arena *a)
{
  Onward__Core *core = arena_alloc(a, sizeof *core);
  uint8_t *nonce = arena_alloc(a, NONCE_SIZE);
  if (core == NULL || nonce == NULL || random_bytes(nonce, NONCE_SIZE) != OK)
    return NULL;
  onward__core__init(core);
  core->nonce = pb_data(bytes_of(nonce, NONCE_SIZE));
  if (id != NULL)
    core->referral_id = pb_data(arena_copy(a, BYTES(id->byte)));
  return core;
}

enum status core_answer(struct books *b, const struct referral *r, Onward__Core *core, struct arena *a)
{
  struct bytes leaf;
  Onward__Answered *answers = arena_alloc(a, sizeof *answers);
  if (answers == NULL)
    return NOT_NOW;
  if (books_entry(b, r->last_index, &leaf) != OK)
    return NOT_FOUND;
  struct hash hash = leaf_hash(leaf);
  onward__answered__init(answers);
  answers->index = r->last_index;
  answers->leaf_hash = pb_data(arena_copy(a, hash_bytes(&hash)));
  core->answers = answers;
  return OK;
}

struct ref_id ref_id_new(uint64_t now_ms)
{
  struct ref_id id;
  struct writer w = writer_of(id.byte, sizeof id.byte);
  write_u64(&w, now_ms << 16);
  must(!w.overflow && random_bytes(id.byte + 6, sizeof id.byte - 6) == OK);
  id.byte[6] = (uint8_t)(0x70 | (id.byte[6] & 0x0f)); /* version */
  id.byte[8] = (uint8_t)(0x80 | (id.byte[8] & 0x3f)); /* variant */
  return id;
}

/* Seals one part into `bodies` and describes it. */
static enum status seal_one(struct books *b, const struct self *self, const struct part *part, uint8_t slot,
                            struct bytes aad, struct arena *a, struct bytes *sealed, Onward__Sealed **out)
{
  struct organisation o;
  uint8_t info[SEAL_INFO_SIZE];
  if (books_organisation(b, &part->to, &o) != OK)
    return NOT_FOUND;
  seal_info(&self->network, &self->id, &part->to, o.keys.seal_id, slot, info);
  enum status s = seal_part(o.keys.seal, BYTES(info), aad, part->content, a, sealed);
  Onward__Sealed *m = arena_alloc(a, sizeof *m);
  if (s != OK || m == NULL)
    return s != OK ? s : NOT_NOW;
  struct hash hash = sha256(*sealed);
  onward__sealed__init(m);
  m->recipient = pb_data(arena_copy(a, org_id_text(&part->to)));
  m->part = part->part;
  m->release = part->release;
  m->sha256 = pb_data(arena_copy(a, hash_bytes(&hash)));
  m->size = (uint32_t)sealed->size;
  m->key_id = pb_data(arena_copy(a, BYTES(o.keys.seal_id)));
  *out = m;
  return OK;
}

static enum status seal_all(struct books *b, const struct self *self, struct bytes aad, const struct part *parts,
                            size_t count, struct arena *a, Onward__Sealed **described, struct bytes *bodies)
{
  struct bytes sealed[SEALED_SLOTS_MAX];
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    enum status s = seal_one(b, self, &parts[i], (uint8_t)i, aad, a, &sealed[i], &described[i]);
    if (s != OK)
      return s;
    total += sealed[i].size;
  }
  if (total > BODIES_MAX)
    return BAD_INPUT;
  uint8_t *room = arena_alloc(a, total);
  if (room == NULL)
    return NOT_NOW;
  struct writer w = writer_of(room, total);
  for (size_t i = 0; i < count; i++)
    write_bytes(&w, sealed[i]);
  *bodies = writer_bytes(&w);
  return OK;
}

enum status compose(struct books *b, const struct self *self, const Onward__Core *core, const struct part *parts,
                    size_t count, struct arena *a, struct complaint *why, struct composed *out)
{
  Onward__Sealed *described[SEALED_SLOTS_MAX];
  struct bytes packed, aad = pb_pack(core, a);
  must(count <= SEALED_SLOTS_MAX);
  if (aad.size == 0)
    return NOT_NOW;
  snprintf(why->text, sizeof why->text, "is too long for one message; fewer recipients or shorter texts");
  enum status s = seal_all(b, self, aad, parts, count, a, described, &out->bodies);
  if (s == OK)
    s = event_pack(core, described, count, a, &packed);
  return s == OK ? event_read(packed, a, why, &out->event) : s;
}

/* --- judging --- */

/* As if the log had it: with its entry, which a later step may be held against. */
static void pretend(struct books *b, const struct self *self, const struct event *e, uint64_t index, uint64_t now_ms,
                    struct arena *a)
{
  struct batch_header h = {.network = self->network, .organisation = self->id, .sequence = 1, .count = 1};
  static const uint8_t unsigned_yet[ES256_SIGNATURE_SIZE];
  uint8_t header[BATCH_HEADER_SIZE];
  batch_header_write(&h, header);
  struct leaf leaf = {.origin = ORIGIN_ORGANISATION,
                      .verdict = ONWARD__VERDICT__ACCEPTED,
                      .index = index,
                      .time_ms = now_ms,
                      .event = e->bytes,
                      .header = BYTES(header),
                      .signature = BYTES(unsigned_yet)};
  uint8_t *memory = arena_alloc(a, leaf_size(&leaf));
  if (memory == NULL) {
    b->trouble = NOT_NOW;
    return;
  }
  struct row_key key = key_of_index(index);
  struct writer w = writer_of(memory, leaf_size(&leaf));
  leaf_write(&leaf, &w);
  b->put(b, TABLE_ENTRIES, row_key(&key), writer_bytes(&w));
  ledger_apply(b, &leaf, e);
}

/* Whoever's leg is over is not told what came behind it. What it may still do (take the consent back, answer for what
 * it had) it may as if the referral had come back. */
static void pretend_returned(struct books *b, const struct self *self, const struct ref_id *id)
{
  struct referral r;
  if (books_referral(b, id, &r) != OK || org_id_equal(&r.sender, &self->id) ||
      (r.state != STATE_LEG_OVER && r.state != STATE_FAILED))
    return;
  r.state = STATE_RETURNED;
  r.present = PARTY_NONE;
  books_put_referral(b, &r);
}

Onward__Verdict judge(struct books *b, const struct self *self, const struct event *e, uint64_t now_ms, struct arena *a)
{
  struct occasion o = {.books = b, .arena = a, .author = self->id, .index = PRETEND_INDEX, .time_ms = now_ms};
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  struct item item;
  bool directory = e->act >= ONWARD__CORE__ACT_SET_SERVICE && e->act <= ONWARD__CORE__ACT_SET_CAPACITY;
  bool pending =
      directory || (e->act != ONWARD__CORE__ACT_SUBMIT && item_get(b, &e->referral, &item) == OK && item.pending > 0);
  while (pending && walk_next(&w, b)) {
    struct outbox_event queued;
    struct event earlier;
    struct complaint why;
    must(outbox_get(b, key_number(w.key, 0), &queued) == OK);
    if (!ref_id_equal(&queued.referral, &e->referral))
      continue;
    size_t used = a->used;
    struct bytes kept = arena_copy(a, queued.event);
    if (event_read(kept, a, &why, &earlier) == OK && rules_decide(&o, &earlier) == ONWARD__VERDICT__ACCEPTED)
      pretend(b, self, &earlier, o.index++, now_ms, a);
    a->used = used;
  }
  pretend_returned(b, self, &e->referral);
  return rules_decide(&o, e);
}
