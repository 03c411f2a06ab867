/* Rows in and out of the books. A row is its structure's own bytes; a referral is cut behind its last party. */
#include "proto/ledger/rows.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "rows are little-endian: a big-endian port needs a codec here");
_Static_assert(sizeof(struct head) == 96 && sizeof(struct keys) == 176 && sizeof(struct organisation) == 264,
               "no padding");
_Static_assert(sizeof(struct policy) == 184, "no padding");
_Static_assert(sizeof(struct service) == 424, "no padding");
_Static_assert(sizeof(struct sequence) == 56 && sizeof(struct party) == 48, "no padding");
_Static_assert(offsetof(struct referral, parties) == 304, "no padding");

const char *const table_names[TABLES_CONTRACT] = {
    "head",     "entries",    "tree",      "referrals",  "organisations", "keys",       "key-owners",
    "registry", "mailboxes",  "sequences", "held",       "releases",      "clocks",     "legs",
    "policy",   "unattended", "services",  "capacities", "bodies",        "checkpoint",
};

struct row_key row_key_start(void)
{
  return (struct row_key){.size = 0};
}

void row_key_bytes(struct row_key *k, struct bytes b)
{
  must(b.size <= sizeof k->data - k->size);
  memcpy(k->data + k->size, b.data, b.size);
  k->size += b.size;
}

void row_key_u64(struct row_key *k, uint64_t n)
{
  struct writer w = writer_of(k->data + k->size, sizeof k->data - k->size);
  write_u64(&w, n);
  must(!w.overflow);
  k->size += w.size;
}

void row_key_u8(struct row_key *k, uint8_t n)
{
  row_key_bytes(k, bytes_of(&n, 1));
}

struct bytes row_key(const struct row_key *k)
{
  return bytes_of(k->data, k->size);
}

struct row_key key_of_index(uint64_t index)
{
  struct row_key k = row_key_start();
  row_key_u64(&k, index);
  return k;
}

struct row_key key_of_org(const struct org_id *id)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, org_id_bytes(id));
  return k;
}

struct row_key key_of_org_index(const struct org_id *id, uint64_t index)
{
  struct row_key k = key_of_org(id);
  row_key_u64(&k, index);
  return k;
}

struct row_key key_of_body(uint64_t index, uint8_t slot)
{
  struct row_key k = key_of_index(index);
  row_key_u8(&k, slot);
  return k;
}

struct row_key key_of_service(const struct org_id *id, uint8_t number)
{
  struct row_key k = key_of_org(id);
  row_key_u8(&k, number);
  return k;
}

struct row_key key_of_sequence(const struct org_id *id, uint64_t sequence)
{
  struct row_key k = key_of_org(id);
  row_key_u8(&k, sequence % BATCHES_IN_FLIGHT_MAX);
  return k;
}

void row_put(struct books *b, int table, struct row_key k, const void *row, size_t size)
{
  b->put(b, table, row_key(&k), bytes_of(row, size));
}

void row_del(struct books *b, int table, struct row_key k)
{
  b->del(b, table, row_key(&k));
}

/* A row of another size than its structure was not written by us: the books are damaged. */
static enum status row_get(struct books *b, int table, struct row_key k, void *out, size_t size)
{
  struct bytes value;
  enum status s = b->get(b, table, row_key(&k), &value);
  memset(out, 0, size);
  if (s != OK)
    return NOT_FOUND;
  if (value.size != size) {
    b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  memcpy(out, value.data, size);
  return OK;
}

static struct row_key key_of_head(void)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, bytes_text("head"));
  return k;
}

void books_head(struct books *b, struct head *out)
{
  if (row_get(b, TABLE_HEAD, key_of_head(), out, sizeof *out) != OK)
    memset(out, 0, sizeof *out);
}

void books_put_head(struct books *b, const struct head *h)
{
  row_put(b, TABLE_HEAD, key_of_head(), h, sizeof *h);
}

static struct row_key key_of_referral(const struct ref_id *id)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, BYTES(id->byte));
  return k;
}

enum status books_referral(struct books *b, const struct ref_id *id, struct referral *out)
{
  struct bytes value;
  struct row_key k = key_of_referral(id);
  memset(out, 0, sizeof *out);
  if (b->get(b, TABLE_REFERRALS, row_key(&k), &value) != OK)
    return NOT_FOUND;
  size_t fixed = offsetof(struct referral, parties);
  if (value.size < fixed || value.size > sizeof *out || (value.size - fixed) % sizeof(struct party) != 0) {
    b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  memcpy(out, value.data, value.size);
  if (out->party_count != (value.size - fixed) / sizeof(struct party)) {
    b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  return OK;
}

void books_put_referral(struct books *b, const struct referral *r)
{
  size_t size = offsetof(struct referral, parties) + r->party_count * sizeof(struct party);
  row_put(b, TABLE_REFERRALS, key_of_referral(&r->id), r, size);
}

enum status books_organisation(struct books *b, const struct org_id *id, struct organisation *out)
{
  return row_get(b, TABLE_ORGANISATIONS, key_of_org(id), out, sizeof *out);
}

void books_put_organisation(struct books *b, const struct organisation *o)
{
  row_put(b, TABLE_ORGANISATIONS, key_of_org(&o->id), o, sizeof *o);
}

enum status books_service(struct books *b, const struct org_id *id, uint8_t number, struct service *out)
{
  return row_get(b, TABLE_SERVICES, key_of_service(id, number), out, sizeof *out);
}

void books_put_service(struct books *b, const struct service *s)
{
  row_put(b, TABLE_SERVICES, key_of_service(&s->organisation, s->number), s, sizeof *s);
}

enum status books_next_service(struct books *b, struct service *at)
{
  struct bytes key, value;
  struct row_key from = key_of_service(&at->organisation, at->number);
  row_key_u8(&from, 0); /* right behind it */
  if (b->seek(b, TABLE_SERVICES, row_key(&from), &key, &value) != OK)
    return NOT_FOUND;
  if (value.size != sizeof *at) {
    b->trouble = OUR_FAULT;
    return NOT_FOUND;
  }
  memcpy(at, value.data, sizeof *at);
  return OK;
}

enum status books_next_organisation(struct books *b, struct org_id *after, struct organisation *out)
{
  struct bytes key, value;
  struct row_key from = key_of_org(after);
  row_key_u8(&from, 0); /* right behind it */
  if (b->seek(b, TABLE_ORGANISATIONS, row_key(&from), &key, &value) != OK)
    return NOT_FOUND;
  memcpy(after, key.data, sizeof *after);
  return books_organisation(b, after, out);
}

bool standing_speaks(uint8_t standing)
{
  return standing == ONWARD__STANDING__ACTIVE || standing == ONWARD__STANDING__LAPSED ||
         standing == ONWARD__STANDING__LEAVING;
}

void books_policy(struct books *b, struct policy *out)
{
  struct row_key k = row_key_start();
  row_key_bytes(&k, bytes_text("policy"));
  if (row_get(b, TABLE_POLICY, k, out, sizeof *out) != OK)
    memset(out, 0, sizeof *out);
}

int books_registrars(struct books *b, const struct org_id *but)
{
  int count = 0;
  struct org_id at = {{0}};
  struct organisation o;
  while (books_next_organisation(b, &at, &o) == OK)
    count += o.registrar != 0 && o.standing == ONWARD__STANDING__ACTIVE && (but == NULL || !org_id_equal(&at, but));
  return count;
}

/* Keys are stored newest first (the index inverted), so that the first row at or behind ~index is the one valid there.
 */
enum status books_keys_at(struct books *b, const struct org_id *id, uint64_t index, struct keys *out)
{
  struct row_key from = key_of_org_index(id, ~index);
  struct bytes key, value;
  if (b->seek(b, TABLE_KEYS, row_key(&from), &key, &value) != OK)
    return NOT_FOUND;
  if (key.size != 24 || memcmp(key.data, id->text, 16) != 0 || value.size != sizeof *out)
    return NOT_FOUND;
  memcpy(out, value.data, sizeof *out);
  return OK;
}

enum status books_key_owner(struct books *b, struct bytes public_key, struct org_id *out)
{
  struct bytes value;
  if (b->get(b, TABLE_KEY_OWNERS, public_key, &value) != OK || value.size != sizeof out->text)
    return NOT_FOUND;
  memcpy(out->text, value.data, sizeof out->text);
  return OK;
}

enum status books_entry(struct books *b, uint64_t index, struct bytes *leaf)
{
  struct row_key k = key_of_index(index);
  return b->get(b, TABLE_ENTRIES, row_key(&k), leaf);
}

enum status books_sequence(struct books *b, const struct org_id *id, uint64_t sequence, struct sequence *out)
{
  if (row_get(b, TABLE_SEQUENCES, key_of_sequence(id, sequence), out, sizeof *out) != OK)
    return NOT_FOUND;
  return out->sequence == sequence ? OK : NOT_FOUND;
}

void books_last_sequence(struct books *b, const struct org_id *id, struct sequence *out)
{
  memset(out, 0, sizeof *out);
  for (uint64_t ring = 0; ring < BATCHES_IN_FLIGHT_MAX; ring++) {
    struct sequence one;
    if (row_get(b, TABLE_SEQUENCES, key_of_sequence(id, ring), &one, sizeof one) == OK && one.sequence > out->sequence)
      *out = one;
  }
}

enum status books_mail(struct books *b, const struct org_id *id, uint64_t from, uint64_t *index)
{
  struct row_key k = key_of_org_index(id, from);
  struct bytes key, value;
  if (b->seek(b, TABLE_MAILBOXES, row_key(&k), &key, &value) != OK)
    return NOT_FOUND;
  if (key.size != 24 || memcmp(key.data, id->text, 16) != 0)
    return NOT_FOUND;
  struct reader r = reader_of(bytes_of(key.data + 16, 8));
  *index = read_u64(&r);
  return OK;
}

enum status books_event(struct books *b, uint64_t index, struct arena *a, struct leaf *leaf, struct event *event)
{
  struct bytes bytes;
  struct complaint why;
  if (books_entry(b, index, &bytes) != OK)
    return NOT_FOUND;
  struct bytes kept = arena_copy(a, bytes);
  enum status s = kept.size < bytes.size ? NOT_NOW : leaf_read(kept, leaf);
  if (s == OK)
    s = leaf->index == index ? event_read_stored(leaf->event, a, &why, event) : BAD_INPUT;
  if (s == OK)
    return OK;
  b->trouble = s == NOT_NOW ? NOT_NOW : OUR_FAULT; /* too little room is no damage */
  return NOT_FOUND;
}

enum status books_tree_read(void *books, uint64_t number, struct hash *out)
{
  return row_get(books, TABLE_TREE, key_of_index(number), out, sizeof *out);
}

struct party *referral_party(struct referral *r, const struct org_id *org)
{
  for (int i = 0; i < r->party_count; i++)
    if (org_id_equal(&r->parties[i].org, org))
      return &r->parties[i];
  return NULL;
}

bool referral_present(const struct referral *r, const struct org_id *org)
{
  return r->present != PARTY_NONE && org_id_equal(&r->parties[r->present].org, org);
}

const char *state_name(enum referral_state s)
{
  static const char *const names[STATES] = {"none",      "requested",   "received",  "acknowledged", "waitlisted",
                                            "accepted",  "in_progress", "completed", "returned",     "closed",
                                            "cancelled", "withdrawn",   "error",     "leg_over",     "failed"};
  return s < STATES ? names[s] : "?";
}
