/* From a message's bytes to verified events. First what needs no books (form, root, bodies); then what depends on where
 * in the log it arrives (network, sequence, the key that is valid there). */
#include "proto/admit.h"

#include <string.h>

#include "proto/rules/rules.h"

static enum status refuse(struct refusal *why, Onward__RefusalReason reason, size_t event, const char *text)
{
  why->reason = reason;
  why->event = (uint32_t)event;
  return complain(&why->why, "%s", text);
}
#define REFUSE(why, reason, event, text) refuse(why, ONWARD__REFUSAL_REASON__##reason, event, text)

struct es256_public *key_ring_get(struct key_ring *ring, const uint8_t point[ES256_PUBLIC_SIZE])
{
  static const uint8_t none[ES256_PUBLIC_SIZE];
  struct key_slot *slot = &ring->slots[(point[1] << 8 | point[2]) % KEY_RING_SIZE];
  if (memcmp(point, none, sizeof none) == 0)
    return NULL;
  if (slot->key != NULL && memcmp(slot->point, point, sizeof slot->point) == 0)
    return slot->key;
  es256_public_close(slot->key);
  slot->key = NULL;
  if (es256_public_open(bytes_of(point, ES256_PUBLIC_SIZE), &slot->key) != OK)
    return NULL;
  memcpy(slot->point, point, sizeof slot->point);
  return slot->key;
}

void key_ring_fini(struct key_ring *ring)
{
  for (size_t i = 0; i < KEY_RING_SIZE; i++)
    es256_public_close(ring->slots[i].key);
  memset(ring, 0, sizeof *ring);
}

bool claim_holds(struct key_ring *ring, const struct claim *c)
{
  struct es256_public *key = key_ring_get(ring, c->point);
  return key != NULL && dsse_verify(key, BATCH_TYPE, BYTES(c->header), BYTES(c->signature)) == OK;
}

static bool fits(struct key_ring *ring, const uint8_t point[ES256_PUBLIC_SIZE], struct bytes header,
                 struct bytes signature)
{
  struct claim c;
  if (header.size != sizeof c.header || signature.size != sizeof c.signature)
    return false;
  memcpy(c.header, header.data, sizeof c.header);
  memcpy(c.signature, signature.data, sizeof c.signature);
  memcpy(c.point, point, sizeof c.point);
  if (memcmp(&c, &ring->fitted, sizeof c) == 0)
    return true;
  if (ring->ask != NULL ? !ring->ask(ring->context, &c) : !claim_holds(ring, &c))
    return false;
  ring->fitted = c;
  return true;
}

static enum status read_events(const Onward__Batch *m, struct arena *a, struct refusal *why, struct batch *out)
{
  out->events = arena_alloc(a, out->count * sizeof out->events[0]);
  out->tree = arena_alloc(a, sizeof *out->tree);
  struct hash *hashes = arena_alloc(a, out->count * sizeof hashes[0]);
  if (out->events == NULL || out->tree == NULL || hashes == NULL)
    return NOT_NOW;
  for (size_t i = 0; i < out->count; i++) {
    struct event *e = &out->events[i];
    enum status s = event_read(pb_bytes(m->events[i]), a, &why->why, e);
    if (s == NOT_NOW)
      return s;
    if (s != OK) {
      why->reason = ONWARD__REFUSAL_REASON__MALFORMED;
      why->event = (uint32_t)i + 1;
      return BAD_INPUT;
    }
    if (act_family(e->act) == ACT_OF_BROKER)
      return REFUSE(why, MALFORMED, i + 1, "act: only the exchange itself writes this");
    if (act_is_registry(e->act) && out->count > 1)
      return REFUSE(why, MALFORMED, i + 1, "act: one on the registry comes in a batch of its own");
    hashes[i] = merkle_leaf(e->bytes);
    out->body_count += e->outer->n_sealed;
  }
  merkle_batch_fill(out->tree, hashes, out->count);
  return OK;
}

static enum status read_bodies(struct bytes sealed, struct arena *a, struct refusal *why, struct batch *out)
{
  struct reader r = reader_of(sealed);
  size_t n = 0;
  out->bodies = arena_alloc(a, (out->body_count + 1) * sizeof out->bodies[0]);
  if (out->bodies == NULL)
    return NOT_NOW;
  for (size_t i = 0; i < out->count; i++)
    for (size_t k = 0; k < out->events[i].outer->n_sealed; k++) {
      const Onward__Sealed *s = out->events[i].outer->sealed[k];
      struct bytes body = read_bytes(&r, s->size);
      if (r.underflow)
        return REFUSE(why, BAD_BODY, i + 1, "sealed frame: shorter than the sizes in the events");
      struct hash h = sha256(body);
      if (!bytes_equal(hash_bytes(&h), pb_bytes(s->sha256)))
        return REFUSE(why, BAD_BODY, i + 1, "sealed.sha256: does not fit the body");
      out->bodies[n++] = body;
    }
  return reader_done(&r) ? OK : REFUSE(why, BAD_BODY, 0, "sealed frame: longer than the sizes in the events");
}

/* What unpacking may take of the arena beside the bytes themselves: 256 events need less, thousands of empty ones more.
 */
enum { BATCH_ARENA_SIZE = 65536 };

static enum status read_message(struct bytes body, struct bytes sealed, struct arena *a, struct refusal *why,
                                struct batch *out)
{
  void *room = arena_alloc(a, body.size + BATCH_ARENA_SIZE);
  if (room == NULL)
    return NOT_NOW;
  struct arena limited = arena_of(room, body.size + BATCH_ARENA_SIZE);
  const Onward__Batch *m = pb_unpack(&onward__batch__descriptor, body, &limited);
  if (m == NULL)
    return REFUSE(why, MALFORMED, 0, "batch: is no well-formed message");
  if (batch_header_read(pb_bytes(m->header), &out->header) != OK)
    return REFUSE(why, MALFORMED, 0, "batch.header: is not in its form of 112 bytes");
  if (m->signature.len != ES256_SIGNATURE_SIZE)
    return REFUSE(why, MALFORMED, 0, "batch.signature: expected 64 bytes");
  if (m->n_events != out->header.count)
    return REFUSE(why, MALFORMED, 0, "batch.events: not as many as the header counts");
  out->header_bytes = pb_bytes(m->header);
  out->signature = pb_bytes(m->signature);
  out->count = m->n_events;
  enum status s = read_events(m, a, why, out);
  if (s == OK)
    s = read_bodies(sealed, a, why, out);
  if (s != OK)
    return s;
  return hash_equal(&out->tree->root, &out->header.root)
             ? OK
             : REFUSE(why, MALFORMED, 0, "batch.header: root does not fit the events");
}

enum status batch_read(struct bytes body, struct bytes sealed, struct arena *a, struct refusal *why, struct batch *out)
{
  size_t used = a->used;
  memset(out, 0, sizeof *out);
  memset(why, 0, sizeof *why);
  enum status s = read_message(body, sealed, a, why, out);
  if (s != OK)
    a->used = used; /* what is refused takes no room from others */
  return s;
}

void batch_verify(struct key_ring *ring, struct batch *batch, const uint8_t point[ES256_PUBLIC_SIZE])
{
  batch->verified = fits(ring, point, batch->header_bytes, batch->signature);
  memcpy(batch->verified_by, point, sizeof batch->verified_by);
}

/* Not with the key that is valid now. If the one before it fits, the author only has to sign
 * again. */
static enum status refuse_signature(struct books *b, struct key_ring *ring, const struct batch *batch,
                                    const struct organisation *o, struct refusal *why)
{
  struct keys old;
  if (o->keys_index > 0 && books_keys_at(b, &o->id, o->keys_index, &old) == OK &&
      fits(ring, old.sign, batch->header_bytes, batch->signature))
    return REFUSE(why, KEY_ENDED, 0, "signature: by a key that was replaced; sign the same header with the new one");
  return REFUSE(why, BAD_SIGNATURE, 0, "signature: does not fit the organisation's key");
}

enum status batch_admit(struct books *b, struct key_ring *ring, const struct batch *batch, struct refusal *why)
{
  struct head head;
  struct organisation o;
  struct sequence last, same;
  const struct batch_header *h = &batch->header;
  memset(why, 0, sizeof *why);
  books_head(b, &head);
  books_last_sequence(b, &h->organisation, &last);
  if (!hash_equal(&h->network, &head.network))
    return REFUSE(why, WRONG_NETWORK, 0, "batch.header: names another network");
  if (books_organisation(b, &h->organisation, &o) != OK || !standing_speaks(o.standing))
    return REFUSE(why, WRONG_ORGANISATION, 0, "batch.header: this organisation is not enrolled, or suspended");
  if (h->sequence <= last.sequence) {
    bool again = books_sequence(b, &h->organisation, h->sequence, &same) == OK && hash_equal(&same.root, &h->root);
    return again ? NOT_FOUND : REFUSE(why, SEQUENCE_TAKEN, 0, "batch.header: another batch has this sequence");
  }
  if (h->sequence != last.sequence + 1)
    return REFUSE(why, SEQUENCE_GAP, 0, "batch.header: an earlier sequence is missing");
  if (h->read_up_to >= head.size)
    return REFUSE(why, BAD_READ_UP_TO, 0, "batch.header: read_up_to is beyond the log");
  bool verified = batch->verified && memcmp(batch->verified_by, o.keys.sign, sizeof o.keys.sign) == 0;
  if (!verified && !fits(ring, o.keys.sign, batch->header_bytes, batch->signature))
    return refuse_signature(b, ring, batch, &o, why);
  return OK;
}

enum status leaf_form(const struct leaf *leaf, struct arena *a, struct complaint *why, struct event *e,
                      struct batch_header *h)
{
  enum status s = event_read(leaf->event, a, why, e);
  if (s != OK)
    return s;
  bool own = act_family(e->act) == ACT_OF_BROKER;
  if (own != (leaf->origin == ORIGIN_BROKER))
    return complain(why, "%s",
                    own ? "an organisation wrote what only the broker may"
                        : "the broker wrote what only an organisation may");
  if (own)
    return OK;
  struct hash path[MERKLE_PATH_MAX], hash = merkle_leaf(leaf->event);
  size_t path_count = leaf->path.size / sizeof path[0];
  if (batch_header_read(leaf->header, h) != OK)
    return complain(why, "the batch header is not in its form");
  if (leaf->path.size > 0)
    memcpy(path, leaf->path.data, leaf->path.size);
  if (merkle_verify_inclusion(&hash, leaf->position, h->count, path, path_count, &h->root) != OK)
    return complain(why, "the event is not in the batch that was signed");
  return OK;
}

enum status leaf_verify(struct books *b, struct key_ring *ring, const struct leaf *leaf, struct arena *a,
                        struct complaint *why, struct event *e)
{
  struct batch_header h;
  struct keys keys;
  enum status s = leaf_form(leaf, a, why, e, &h);
  if (s != OK || leaf->origin == ORIGIN_BROKER)
    return s;
  if (books_keys_at(b, &h.organisation, leaf->index, &keys) != OK)
    return complain(why, "its author has no key at this index");
  if (!fits(ring, keys.sign, leaf->header, leaf->signature))
    return complain(why, CLAIM_BROKEN);
  return OK;
}

enum status genesis_verify(const Onward__Genesis *g, struct arena *a, struct complaint *why)
{
  const Onward__Request *r[2];
  if (g->n_registrars != 2)
    return complain(why, "registrars: expected two");
  for (size_t i = 0; i < 2; i++) {
    const Onward__Enrol *enrol = g->registrars[i];
    enum status s = request_read(pb_bytes(enrol->request), pb_bytes(enrol->signature), a, why, &r[i]);
    if (s != OK)
      return s;
  }
  if (bytes_equal(pb_bytes(r[0]->organisation), pb_bytes(r[1]->organisation)) ||
      bytes_equal(pb_bytes(r[0]->sign_key), pb_bytes(r[1]->sign_key)))
    return complain(why, "registrars: expected two organisations with keys of their own");
  if (g->policy->last_resort.len > 0)
    return complain(why, "last_resort: nobody is enrolled yet who could be");
  return OK;
}

enum status restore_signed(struct books *b, uint64_t index, const Onward__Restored *restored, struct arena *a,
                           struct complaint *why, const Onward__Restore **out)
{
  struct head head;
  struct org_id id;
  struct organisation o;
  struct keys keys;
  struct es256_public *key;
  enum status s = restore_read(pb_bytes(restored->restore), a, why, out);
  if (s != OK)
    return s;
  books_head(b, &head);
  if (!bytes_equal(pb_bytes((*out)->network), hash_bytes(&head.network)))
    return complain(why, "restore: is for another network");
  if (pb_org(restored->organisation, &id) != OK || books_organisation(b, &id, &o) != OK || o.registrar == 0 ||
      o.standing != ONWARD__STANDING__ACTIVE || books_keys_at(b, &id, index, &keys) != OK)
    return complain(why, "restore: was not signed by a registrar in standing");
  if (es256_public_open(BYTES(keys.sign), &key) != OK)
    return complain(why, "restore: its registrar has no key");
  s = dsse_verify(key, RESTORE_TYPE, pb_bytes(restored->restore), pb_bytes(restored->signature));
  es256_public_close(key);
  return s == OK ? OK : complain(why, "restore: the signature does not fit the registrar's key");
}

enum status restored_verify(struct books *b, uint64_t index, const Onward__Restored *restored, struct arena *a,
                            struct complaint *why, const Onward__Restore **out)
{
  struct head head;
  enum status s = restore_signed(b, index, restored, a, why, out);
  if (s != OK)
    return s;
  books_head(b, &head);
  return (*out)->epoch > head.epoch && (*out)->continues_at == index
             ? OK
             : complain(why, "restore: names another place than this, or an epoch that is over");
}

static bool replacement_is_due(struct books *b, const struct leaf *leaf, const Onward__KeysReplaced *k)
{
  struct org_id id;
  struct organisation o;
  return pb_org(k->organisation, &id) == OK && books_organisation(b, &id, &o) == OK && o.pending_due_ms != 0 &&
         o.pending_due_ms <= leaf->time_ms && o.pending_index == k->index;
}

enum status registry_verify(struct books *b, const struct leaf *leaf, const struct event *e, struct arena *a,
                            struct complaint *why)
{
  struct batch_header h;
  struct organisation author;
  if (leaf->verdict != ONWARD__VERDICT__ACCEPTED || !act_is_registry(e->act))
    return complain(why, "the entry is not one of the registry");
  const Onward__Restore *restore;
  if (e->act == ONWARD__CORE__ACT_RESTORED)
    return restored_verify(b, leaf->index, e->core->restored, a, why, &restore);
  if (e->act == ONWARD__CORE__ACT_KEYS_REPLACED)
    return replacement_is_due(b, leaf, e->core->keys_replaced)
               ? OK
               : complain(why, "keys were replaced that nobody asked for, or too early");
  if (e->act == ONWARD__CORE__ACT_GENESIS || batch_header_read(leaf->header, &h) != OK)
    return complain(why, "the entry has no place in the registry chain");
  if (books_organisation(b, &h.organisation, &author) != OK || !standing_speaks(author.standing))
    return complain(why, "its author is not in standing");
  struct occasion o = {b, a, h.organisation, leaf->index, leaf->time_ms};
  return rules_decide(&o, e) == ONWARD__VERDICT__ACCEPTED ? OK : complain(why, "the rules do not allow it");
}
