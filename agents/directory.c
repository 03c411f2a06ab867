/* The chain's newest index stands in the head of our books; the entries in the table of entries. */
#include "agents/directory.h"

#include <string.h>

static void put_entry(struct books *b, uint64_t index, struct bytes leaf)
{
  struct row_key k = key_of_index(index);
  b->put(b, TABLE_ENTRIES, row_key(&k), leaf);
}

enum status directory_begin(struct books *b, struct bytes genesis_leaf, const struct hash *network, struct arena *a)
{
  struct head head;
  struct leaf leaf;
  struct event e;
  struct complaint why;
  books_head(b, &head);
  if (head.size > 0)
    return hash_equal(&head.network, network) ? OK : BAD_INPUT;
  if (leaf_read(genesis_leaf, &leaf) != OK || event_read(leaf.event, a, &why, &e) != OK ||
      e.act != ONWARD__CORE__ACT_GENESIS || genesis_verify(e.core->genesis, a, &why) != OK)
    return BAD_INPUT;
  ledger_apply(b, &leaf, &e);
  put_entry(b, 0, genesis_leaf);
  head = (struct head){.size = 1,
                       .time_ms = leaf.time_ms,
                       .rules = e.core->genesis->rules,
                       .replace_after_ms = e.core->genesis->replace_after_ms,
                       .network = *network};
  books_put_head(b, &head);
  return OK;
}

uint64_t directory_known(struct books *b)
{
  struct head head;
  books_head(b, &head);
  return head.registry;
}

/* One entry of the chain. */
static enum status take_one(struct evidence *e, struct books *b, const Onward__Entry *entry, struct arena *a,
                            size_t *changed)
{
  struct leaf leaf;
  struct event event;
  struct head head;
  struct bytes none = {NULL, 0};
  if (evidence_leaf(e, pb_bytes(entry->leaf), pb_bytes(entry->path), &leaf) != OK)
    return BAD_INPUT;
  books_head(b, &head);
  if (leaf.index <= head.registry)
    return OK;
  if (leaf.registry != head.registry)
    return evidence_accuse(e, ALARM_WITHHELD, none);
  enum status s = evidence_event(e, b, &leaf, a, &event);
  if (s != OK)
    return s;
  struct complaint why;
  if (registry_verify(b, &leaf, &event, a, &why) != OK) /* an exchange that lets in what the rules forbid */
    return evidence_accuse(e, ALARM_BAD_PROOF, none);
  ledger_apply(b, &leaf, &event);
  put_entry(b, leaf.index, pb_bytes(entry->leaf));
  head.registry = leaf.index;
  head.size = leaf.index + 1;
  head.time_ms = leaf.time_ms;
  books_put_head(b, &head);
  (*changed)++;
  return OK;
}

enum status directory_take(struct evidence *e, struct books *b, const Onward__Answer *answer, struct arena *a,
                           size_t *changed)
{
  *changed = 0;
  evidence_begin(e);
  for (size_t i = 0; i < answer->n_entries; i++) {
    size_t used = a->used;
    enum status s = take_one(e, b, answer->entries[i], a, changed);
    a->used = used;
    if (s != OK)
      return s;
  }
  return OK;
}

static bool is_request_of(ProtobufCBinaryData packed, const struct org_id *id, struct arena *a,
                          const Onward__Request **out)
{
  *out = pb_unpack(&onward__request__descriptor, pb_bytes(packed), a);
  return *out != NULL && bytes_equal(pb_bytes((*out)->organisation), org_id_text(id));
}

const Onward__Request *directory_request(struct books *b, const struct organisation *o, struct arena *a)
{
  struct leaf leaf;
  struct event e;
  const Onward__Request *r = NULL;
  if (books_event(b, o->keys_index, a, &leaf, &e) != OK)
    return NULL;
  if (e.act == ONWARD__CORE__ACT_KEYS_REPLACED && books_event(b, e.core->keys_replaced->index, a, &leaf, &e) != OK)
    return NULL;
  switch (e.act) {
  case ONWARD__CORE__ACT_GENESIS:
    for (size_t i = 0; i < e.core->genesis->n_registrars; i++)
      if (is_request_of(e.core->genesis->registrars[i]->request, &o->id, a, &r))
        return r;
    return NULL;
  case ONWARD__CORE__ACT_ENROL:
    return is_request_of(e.core->enrol->request, &o->id, a, &r) ? r : NULL;
  case ONWARD__CORE__ACT_ROTATE:
    return is_request_of(e.core->rotate->request, &o->id, a, &r) ? r : NULL;
  case ONWARD__CORE__ACT_REPLACE_KEYS:
    return is_request_of(e.core->replace_keys->request, &o->id, a, &r) ? r : NULL;
  default:
    return NULL;
  }
}

void directory_name(struct books *b, const struct org_id *id, struct arena *a, char name[ORGANISATION_NAME_SIZE])
{
  struct organisation o;
  size_t used = a->used;
  const Onward__Request *r = books_organisation(b, id, &o) == OK ? directory_request(b, &o, a) : NULL;
  struct bytes text = r != NULL ? pb_bytes(r->name) : org_id_text(id);
  must(text.size < ORGANISATION_NAME_SIZE);
  memcpy(name, text.data, text.size);
  name[text.size] = 0;
  a->used = used;
}
