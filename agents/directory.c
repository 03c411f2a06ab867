/* The chain's newest index stands in the head of our books; the entries in the table of entries. */
#include "agents/directory.h"

#include <string.h>

#include "agents/again.h"
#include "agents/receipt.h"

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
                       .epoch = e.core->genesis->epoch,
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

uint64_t directory_index(struct books *b)
{
  struct marks m;
  uint64_t chain = directory_known(b);
  marks_get(b, &m);
  return m.capacity > chain ? m.capacity : chain;
}

static uint64_t next_in(struct books *b, int table, uint64_t from)
{
  struct bytes key, value;
  struct row_key k = key_of_index(from);
  return b->seek(b, table, row_key(&k), &key, &value) == OK ? key_number(key, 0) : UINT64_MAX;
}

static bool ends(const struct event *e, const struct leaf *leaf, const struct org_id *author, uint32_t number)
{
  struct org_id who;
  leaf_author(leaf, &who);
  return e->act == ONWARD__CORE__ACT_END_SERVICE && e->core->end_service->number == number &&
         org_id_equal(&who, author);
}

/* Has the service ended since, and begun again? Nobody honest tells of its places then: the chain is walked only where
 * the service was described anew behind them. */
static bool ended_since(struct books *b, const struct leaf *places, uint32_t number, struct arena *a)
{
  struct org_id author;
  struct service s;
  bool ended = false;
  leaf_author(places, &author);
  if (books_service(b, &author, (uint8_t)number, &s) != OK || s.index < places->index)
    return false;
  for (uint64_t at = places->index; !ended && (at = next_in(b, TABLE_REGISTRY, at)) != UINT64_MAX; at++) {
    struct leaf leaf;
    struct event e;
    size_t used = a->used;
    ended = books_event(b, at, a, &leaf, &e) == OK && ends(&e, &leaf, &author, number);
    a->used = used;
  }
  return ended;
}

/* What an organisation said of its places: in no chain, and nothing follows from it but a place in a list. */
static enum status take_capacity(struct books *b, const struct leaf *leaf, const struct event *event,
                                 struct bytes bytes, struct arena *a)
{
  struct marks m;
  struct row_key k = key_of_index(leaf->index);
  if (!ended_since(b, leaf, event->core->set_capacity->number, a))
    ledger_apply(b, leaf, event);
  put_entry(b, leaf->index, bytes);
  b->put(b, TABLE_PLACES_SAID, row_key(&k), (struct bytes){NULL, 0});
  marks_get(b, &m);
  m.capacity = leaf->index > m.capacity ? leaf->index : m.capacity;
  marks_put(b, &m);
  return OK;
}

/* One entry of the chain, or about places. */
static enum status take_one(struct evidence *e, struct books *b, const Onward__Entry *entry, struct arena *a,
                            size_t *changed)
{
  struct leaf leaf;
  struct event event;
  struct head head;
  if (evidence_leaf(e, pb_bytes(entry->leaf), pb_bytes(entry->path), &leaf) != OK)
    return BAD_INPUT;
  books_head(b, &head);
  struct complaint why;
  enum status s = event_read(leaf.event, a, &why, &event);
  if (s == NOT_NOW)
    return s;
  bool places = s == OK && event.act == ONWARD__CORE__ACT_SET_CAPACITY;
  if (!places && leaf.index <= head.registry)
    return OK;
  if (!again_same(b, leaf.index, pb_bytes(entry->leaf)))
    return evidence_accuse(e, ALARM_FORK);
  if (places ? leaf.registry > head.registry : leaf.registry != head.registry)
    return evidence_accuse(e, ALARM_WITHHELD);
  s = evidence_event(e, b, &leaf, a, &event);
  if (s != OK)
    return s;
  if (places)
    return leaf.verdict == ONWARD__VERDICT__ACCEPTED ? take_capacity(b, &leaf, &event, pb_bytes(entry->leaf), a)
                                                     : evidence_accuse(e, ALARM_BAD_PROOF);
  if (registry_verify(b, &leaf, &event, a, &why) != OK) /* an exchange that lets in what the rules forbid */
    return evidence_accuse(e, ALARM_BAD_PROOF);
  ledger_apply(b, &leaf, &event);
  put_entry(b, leaf.index, pb_bytes(entry->leaf));
  head.registry = leaf.index;
  head.size = leaf.index + 1;
  head.time_ms = leaf.time_ms;
  if (event.act == ONWARD__CORE__ACT_RESTORED)
    head.epoch = restored_epoch(event.core->restored);
  books_put_head(b, &head);
  (*changed)++;
  return OK;
}

enum status directory_take(struct evidence *e, struct books *b, const Onward__Answer *answer, struct arena *a,
                           size_t *changed)
{
  struct hash path[MERKLE_PATH_MAX]; /* of the newest entry of the chain */
  size_t path_size = 0;
  *changed = 0;
  evidence_begin(e);
  for (size_t i = 0; i < answer->n_entries; i++) {
    size_t used = a->used, before = *changed;
    enum status s = take_one(e, b, answer->entries[i], a, changed);
    a->used = used;
    if (s != OK)
      return s;
    if (*changed == before)
      continue;
    path_size = e->path.size;
    memcpy(path, e->path.data, path_size);
  }
  if (*changed > 0) /* an entry that leaves it out is contradicted by this */
    receipt_keep(b, e, directory_known(b), bytes_of(path, path_size));
  return OK;
}

static bool is_request_of(ProtobufCBinaryData packed, const struct org_id *id, struct arena *a,
                          const Onward__Request **out)
{
  *out = pb_unpack(&onward__request__descriptor, pb_bytes(packed), a);
  return *out != NULL && bytes_equal(pb_bytes((*out)->organisation), org_id_text(id));
}

static const Onward__Request *enrolled_with(struct books *b, const struct organisation *o, struct arena *a)
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

const Onward__Request *directory_request(struct books *b, const struct organisation *o, struct arena *a)
{
  struct leaf leaf;
  struct event e;
  const Onward__Request *r = enrolled_with(b, o, a);
  Onward__Request *now = r == NULL ? NULL : arena_alloc(a, sizeof *now);
  if (now == NULL || o->duty_index == 0)
    return r;
  if (books_event(b, o->duty_index, a, &leaf, &e) != OK || e.act != ONWARD__CORE__ACT_SET_DUTY)
    return NULL;
  *now = *r;
  now->duty_telephone = e.core->set_duty->duty_telephone;
  now->duty_hours = e.core->set_duty->duty_hours;
  return now;
}

const Onward__SetService *directory_service(struct books *b, const struct service *s, struct arena *a)
{
  struct leaf leaf;
  struct event e;
  bool found = books_event(b, s->index, a, &leaf, &e) == OK && e.act == ONWARD__CORE__ACT_SET_SERVICE;
  return found ? e.core->set_service : NULL;
}

static void empty_table(struct books *b, int table)
{
  struct walk w = walk_start(table, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct row_key k = row_key_start();
    row_key_bytes(&k, w.key);
    row_del(b, table, k);
  }
}

/* In the order of the log: a service that ended and began again has no places from before. */
void directory_as_of(struct books *b, uint64_t index, struct arena *a)
{
  static const int tables[] = {TABLE_ORGANISATIONS, TABLE_POLICY, TABLE_SERVICES, TABLE_CAPACITIES};
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
    empty_table(b, tables[i]);
  for (uint64_t at = 0; b->trouble == OK; at++) {
    struct leaf leaf;
    struct event e;
    size_t used = a->used;
    uint64_t chain = next_in(b, TABLE_REGISTRY, at), places = next_in(b, TABLE_PLACES_SAID, at);
    at = chain < places ? chain : places;
    if (at > index)
      return;
    if (books_event(b, at, a, &leaf, &e) == OK)
      ledger_apply(b, &leaf, &e);
    a->used = used;
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
