/* Padded content is made and wiped here; only what is sealed leaves, or what a caller opens into its own arena. */
#include "agents/vault.h"

#include <string.h>

struct own_name own_case(const struct ref_id *id, uint8_t part)
{
  struct own_name n = {.part = part};
  memcpy(n.id, id->byte, sizeof n.id);
  return n;
}

struct own_name own_note(ProtobufCBinaryData nonce, Onward__Part part)
{
  struct own_name n = {.part = (uint8_t)part};
  must(nonce.len == sizeof n.id);
  memcpy(n.id, nonce.data, sizeof n.id);
  return n;
}

enum status seal_part(const uint8_t point[ES256_PUBLIC_SIZE], struct bytes info, struct bytes aad, struct bytes content,
                      struct arena *a, struct bytes *sealed)
{
  static uint8_t padded[SEALED_SIZE_MAX];
  size_t size = pad_size(content.size);
  if (size == 0)
    return BAD_INPUT;
  uint8_t *out = arena_alloc(a, size + HPKE_OVERHEAD);
  if (out == NULL)
    return NOT_NOW;
  pad(content, padded, size);
  enum status s = hpke_seal(bytes_of(point, ES256_PUBLIC_SIZE), info, aad, bytes_of(padded, size), out);
  wipe(padded, size);
  *sealed = bytes_of(out, size + HPKE_OVERHEAD);
  return s;
}

static enum status open_part(const struct self *self, const uint8_t key_id[KEY_ID_SIZE], struct bytes info,
                             struct bytes aad, struct bytes sealed, struct arena *secret, struct bytes *content)
{
  if (keys_locked(self->keys))
    return NOT_NOW;
  const struct es256_secret *key = keys_seal(self->keys, key_id);
  if (key == NULL || sealed.size < HPKE_OVERHEAD)
    return BAD_INPUT;
  size_t size = sealed.size - HPKE_OVERHEAD;
  uint8_t *padded = arena_alloc(secret, size);
  if (padded == NULL)
    return OUR_FAULT;
  enum status s = hpke_open(key, info, aad, sealed, padded);
  return s == OK ? unpad(bytes_of(padded, size), content) : s;
}

/* --- our own words: row = key id[8], sealed; the row's key is the AAD --- */

static struct row_key key_of_own(struct own_name name)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, BYTES(name.id));
  row_key_u8(&k, name.part);
  return k;
}

enum status vault_keep(struct books *b, const struct self *self, struct own_name name, struct bytes content,
                       struct arena *a)
{
  uint8_t info[SEAL_INFO_SIZE];
  struct bytes sealed;
  struct row_key key = key_of_own(name);
  const uint8_t *id = self->keys->seal_id[0];
  seal_info(&self->network, &self->id, &self->id, id, name.part, info);
  enum status s = seal_part(self->keys->seal_point[0], BYTES(info), row_key(&key), content, a, &sealed);
  if (s != OK)
    return s;
  uint8_t *row = arena_alloc(a, KEY_ID_SIZE + sealed.size);
  if (row == NULL)
    return NOT_NOW;
  memcpy(row, id, KEY_ID_SIZE);
  memcpy(row + KEY_ID_SIZE, sealed.data, sealed.size);
  b->put(b, TABLE_OWN, row_key(&key), bytes_of(row, KEY_ID_SIZE + sealed.size));
  return OK;
}

enum status vault_open(struct books *b, const struct self *self, struct own_name name, struct arena *secret,
                       struct bytes *content)
{
  uint8_t info[SEAL_INFO_SIZE];
  struct bytes row;
  struct row_key key = key_of_own(name);
  if (b->get(b, TABLE_OWN, row_key(&key), &row) != OK)
    return NOT_FOUND;
  if (row.size < KEY_ID_SIZE)
    return BAD_INPUT;
  seal_info(&self->network, &self->id, &self->id, row.data, name.part, info);
  return open_part(self, row.data, BYTES(info), row_key(&key), bytes_of(row.data + KEY_ID_SIZE, row.size - KEY_ID_SIZE),
                   secret, content);
}

bool vault_has(struct books *b, struct own_name name)
{
  struct bytes row;
  struct row_key key = key_of_own(name);
  return b->get(b, TABLE_OWN, row_key(&key), &row) == OK;
}

void vault_drop(struct books *b, struct own_name name)
{
  struct row_key key = key_of_own(name);
  b->del(b, TABLE_OWN, row_key(&key));
}

/* --- what others sealed for us --- */

bool body_has(struct books *b, uint64_t index, uint8_t slot)
{
  struct bytes sealed;
  struct row_key key = key_of_body(index, slot);
  return b->get(b, TABLE_BODIES, row_key(&key), &sealed) == OK;
}

void body_drop(struct books *b, uint64_t index, uint8_t slot)
{
  struct row_key key = key_of_body(index, slot);
  b->del(b, TABLE_BODIES, row_key(&key));
}

enum status body_open(struct books *b, const struct self *self, uint64_t index, uint8_t slot, struct arena *secret,
                      struct bytes *content)
{
  uint8_t info[SEAL_INFO_SIZE];
  struct leaf leaf;
  struct event e;
  struct batch_header h;
  struct bytes sealed;
  struct row_key key = key_of_body(index, slot);
  if (!body_has(b, index, slot) || books_event(b, index, secret, &leaf, &e) != OK)
    return NOT_FOUND;
  if (slot >= e.outer->n_sealed || batch_header_read(leaf.header, &h) != OK)
    return BAD_INPUT;
  const uint8_t *key_id = e.outer->sealed[slot]->key_id.data;
  seal_info(&self->network, &h.organisation, &self->id, key_id, slot, info);
  if (b->get(b, TABLE_BODIES, row_key(&key), &sealed) != OK)
    return NOT_FOUND;
  return open_part(self, key_id, BYTES(info), e.core_bytes, sealed, secret, content);
}
