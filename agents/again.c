/* Rows: u8 whose (ours: to be said again; others': kept), u64 index it had -> the leaf; or its hash, of one that must
 * come again as it was. In their old order; one that cannot be sealed yet holds up those behind it. */
#include "agents/again.h"

#include <string.h>

#include "agents/compose.h"
#include "agents/duty.h"

enum { OURS = 0, OTHERS = 1, BELOW = 2, AT_ONCE = 16 };

static struct row_key key_of_lost(uint8_t whose, uint64_t index)
{
  struct row_key k = row_key_start();
  row_key_u8(&k, whose);
  row_key_u64(&k, index);
  return k;
}

static bool is_ours(const struct agent *a, const struct leaf *leaf)
{
  struct org_id author;
  leaf_author(leaf, &author);
  return org_id_equal(&author, &a->self.id) && leaf->verdict == ONWARD__VERDICT__ACCEPTED;
}

static void keep_hashes(struct books *b, uint64_t cut)
{
  struct bytes key, value;
  struct row_key from = key_of_index(0);
  const uint8_t below = BELOW;
  struct walk before = walk_start(TABLE_LOST, bytes_of(&below, 1));
  while (walk_next(&before, b)) /* of a restore before this one: what it waits for still may be no more */
    b->del(b, TABLE_LOST, before.key);
  while (b->seek(b, TABLE_ENTRIES, row_key(&from), &key, &value) == OK && key_number(key, 0) < cut) {
    uint64_t index = key_number(key, 0);
    struct hash hash = leaf_hash(value);
    struct row_key k = key_of_lost(BELOW, index);
    b->put(b, TABLE_LOST, row_key(&k), hash_bytes(&hash));
    from = key_of_index(index + 1);
  }
}

bool again_same(struct books *b, uint64_t index, struct bytes leaf)
{
  struct bytes kept;
  struct row_key k = key_of_lost(BELOW, index);
  if (b->get(b, TABLE_LOST, row_key(&k), &kept) != OK)
    return true;
  struct hash hash = leaf_hash(leaf);
  if (!bytes_equal(kept, hash_bytes(&hash)))
    return false;
  b->del(b, TABLE_LOST, row_key(&k));
  return true;
}

void again_keep(struct agent *a, struct books *b, uint64_t cut)
{
  struct bytes key, value;
  keep_hashes(b, cut);
  struct row_key from = key_of_index(cut);
  while (b->seek(b, TABLE_ENTRIES, row_key(&from), &key, &value) == OK) {
    uint64_t index = key_number(key, 0);
    size_t used = a->arena.used;
    struct bytes copy = arena_copy(&a->arena, value);
    struct leaf leaf;
    bool read = leaf_read(copy, &leaf) == OK;
    struct row_key k = key_of_lost(read && is_ours(a, &leaf) ? OURS : OTHERS, index);
    if (copy.size == 0)
      b->trouble = NOT_NOW; /* the arena is full: nothing is forgotten */
    b->put(b, TABLE_LOST, row_key(&k), copy);
    a->arena.used = used;
    from = key_of_index(index + 1);
  }
}

size_t again_waiting(struct books *b)
{
  const uint8_t ours = OURS;
  struct walk w = walk_start(TABLE_LOST, bytes_of(&ours, 1));
  size_t count = 0;
  while (walk_next(&w, b))
    count++;
  return count;
}

bool again_leaf(struct books *b, uint64_t index, struct bytes *leaf)
{
  struct row_key k = key_of_lost(OTHERS, index);
  return b->get(b, TABLE_LOST, row_key(&k), leaf) == OK;
}

/* --- saying it again --- */

/* From our own copy: of a case by its referral, of what was said beside by the event that carried it. */
static struct own_name own_copy(const struct event *e, Onward__Part part)
{
  bool of_case = part != ONWARD__PART__NOTE && e->act != ONWARD__CORE__ACT_REROUTE;
  return of_case ? own_case(&e->referral, (uint8_t)part) : own_note(e->core->nonce, part);
}

static enum status open_parts(struct agent *a, struct books *b, const struct event *e, struct part *out)
{
  for (size_t i = 0; i < e->outer->n_sealed; i++) {
    const Onward__Sealed *sealed = e->outer->sealed[i];
    out[i].part = sealed->part;
    out[i].release = sealed->release;
    must(pb_org(sealed->recipient, &out[i].to) == OK);
    size_t same = 0;
    while (same < i && out[same].part != sealed->part)
      same++;
    if (same < i) { /* what it says does not depend on whom it is sealed to: opened once */
      out[i].content = out[same].content;
      continue;
    }
    enum status s = vault_open(b, &a->self, own_copy(e, sealed->part), &a->secret, &out[i].content);
    if (s != OK)
      return s;
  }
  return OK;
}

/* The entry that it answered is there still, the very one. */
static bool answers_hold(struct books *b, const struct event *e)
{
  struct bytes row;
  if (e->core->answers == NULL)
    return true;
  if (books_entry(b, e->answers_index, &row) != OK)
    return false;
  struct hash hash = leaf_hash(row);
  return hash_equal(&hash, &e->answers_hash);
}

/* People have to do it again, and their item says so. */
static void not_again(struct books *b, const struct event *e)
{
  struct item item;
  bool by_people = e->act != ONWARD__CORE__ACT_RECEIVE && e->act != ONWARD__CORE__ACT_REFUSE_OPEN &&
                   e->act != ONWARD__CORE__ACT_RESEAL;
  if (!by_people || item_get(b, &e->referral, &item) != OK)
    return;
  item.refused_act = e->act;
  item.refused_verdict = REFUSED_LOST;
  item.fresh = 1;
  item_put(b, &item);
}

static enum status queue(struct agent *a, struct books *b, const struct event *e)
{
  static struct part parts[SEALED_SLOTS_MAX];
  struct composed c = {.bodies = {NULL, 0}};
  struct complaint why;
  struct item item;
  uint64_t number;
  enum status s = open_parts(a, b, e, parts);
  if (s != OK)
    return s;
  s = compose(b, &a->self, e->core, parts, e->outer->n_sealed, &a->arena, &why, &c);
  bool known = item_get(b, &e->referral, &item) == OK;
  if (s == OK)
    s = outbox_add(b, known ? item.priority : ONWARD__PRIORITY__HIGH, &c.event, c.bodies, &number);
  if (s == OK && known && e->act == ONWARD__CORE__ACT_SUBMIT && item_get(b, &e->referral, &item) == OK) {
    item.draft = number;
    item_put(b, &item);
  }
  return s;
}

/* OK: it is done with. NOT_NOW: later. */
static enum status say_one(struct agent *a, struct books *b, struct bytes row)
{
  struct leaf leaf;
  struct event e;
  struct complaint why;
  struct referral r;
  if (leaf_read(arena_copy(&a->arena, row), &leaf) != OK || event_read(leaf.event, &a->arena, &why, &e) != OK)
    return OK;
  if (e.act == ONWARD__CORE__ACT_SUBMIT && books_referral(b, &e.referral, &r) == OK)
    return OK; /* it is there */
  if (!answers_hold(b, &e)) {
    not_again(b, &e);
    return OK;
  }
  enum status s = queue(a, b, &e);
  if (s == NOT_FOUND || s == BAD_INPUT) { /* no copy of ours that opens, or nobody to seal it to */
    not_again(b, &e);
    return OK;
  }
  return s;
}

static size_t say_some(struct agent *a, struct books *b)
{
  const uint8_t ours = OURS;
  struct walk w = walk_start(TABLE_LOST, bytes_of(&ours, 1));
  size_t done = 0;
  for (enum status s = OK; s == OK && done < AT_ONCE && walk_next(&w, b);) {
    struct row_key row = row_key_start();
    row_key_bytes(&row, w.key);
    arena_reset(&a->arena);
    s = say_one(a, b, w.value);
    arena_wipe(&a->secret);
    if (s != OK)
      break;
    b->del(b, TABLE_LOST, row_key(&row));
    done++;
  }
  arena_reset(&a->arena);
  return done;
}

void again_say(struct agent *a)
{
  struct marks m;
  size_t done = 1;
  struct books *b = agent_read(a);
  marks_get(b, &m);
  bool some =
      again_waiting(b) > 0 && m.read_back == 0 && (m.position >= a->evidence.newest.size || a->session.mail_read);
  if (agent_abort(a) != OK || !some)
    return;
  while (done > 0) {
    done = say_some(a, agent_write(a));
    if (agent_commit(a) != OK)
      return;
  }
  session_push(a);
}
