/* A delivery is put together entry by entry until the next one would not fit the receiver's credit; an entry that opens
 * a leg takes those with it that its new recipient has never seen. */
#include "broker/post.h"

#include <stdio.h>
#include <string.h>

#include "proto/ledger/rows.h"

enum {
  ENTRY_SIZE_MAX = 8192,
  BODIES_MAX = 2 * DELIVERY_ENTRIES_MAX,
  PARCEL_ENTRIES = 64, /* of one message, if credit allows more: its receiver works on it while the next is packed */
};

static struct bytes note_of(const struct journal *j)
{
  return bytes_of(j->end.note, j->end.note_size);
}

static enum status send_packed(struct post *p, const struct routing *to, enum frame_kind kind, const void *message,
                               const struct bytes *bodies, size_t body_count)
{
  struct bytes packed = pb_pack(message, p->arena);
  return door_send(p->door, to, kind, packed, bodies, body_count);
}

/* To one whose checkpoint is of an epoch before this one: that the log was restored since, and how. `ahead`: it knows
 * more than the log has; consistency is proved from where it continues. */
static enum status add_restored(struct post *p, uint32_t epoch, bool ahead, Onward__Welcome *w)
{
  uint64_t index[RESTORED_MAX], cut;
  size_t count;
  enum status s = epoch == 0 ? NOT_FOUND : journal_restored(p->journal, epoch, p->arena, index, &count, &cut);
  if (s != OK)
    return s == NOT_FOUND ? OK : s;
  w->restored = arena_alloc(p->arena, (1 + RESTORED_MAX) * sizeof(void *));
  if (w->restored == NULL)
    return NOT_NOW;
  for (size_t i = 0; s == OK && count > 0 && i <= count; i++, w->n_restored++)
    s = journal_entry(p->journal, i == 0 ? 0 : index[i - 1], NULL, p->arena, &w->restored[i]);
  return s == OK && count > 0 && ahead ? journal_consistency(p->journal, cut, p->arena, &w->consistency) : s;
}

enum status post_welcome(struct post *p, struct session *s)
{
  struct books *b = p->journal->view;
  struct sequence last;
  Onward__Welcome w = ONWARD__WELCOME__INIT;
  arena_reset(p->arena);
  books_last_sequence(b, &s->organisation, &last);
  w.organisation = pb_data(org_id_text(&s->organisation));
  w.checkpoint = pb_data(note_of(p->journal));
  w.last_sequence = last.sequence;
  w.time_ms = clock_ms();
  enum status st = journal_consistency(p->journal, s->known_size, p->arena, &w.consistency);
  if (st == OK && last.sequence > 0 && last.sequence != s->confirmed)
    st = journal_entry(p->journal, last.first_index, NULL, p->arena, &w.last);
  if (st == OK)
    st = add_restored(p, s->known_epoch, s->known_size == 0, &w);
  if (st == OK)
    st = send_packed(p, &s->to, FRAME_WELCOME, &w, NULL, 0);
  if (st == OK)
    s->known_size = p->journal->end.checkpoint.size;
  return st;
}

/* How far a parcel is filled. */
struct load {
  size_t entries, bodies;
  uint64_t newest; /* index of the last entry */
  size_t size;     /* bytes of both frames, roughly from above */
};

/* A delivery while it is put together. */
struct parcel {
  struct load load;
  Onward__Entry *entries[DELIVERY_ENTRIES_MAX];
  Onward__Body *body_names[BODIES_MAX];
  struct bytes bodies[BODIES_MAX];
};

static enum status add_entry(struct post *p, struct parcel *parcel, uint64_t index)
{
  Onward__Entry *e;
  enum status s =
      journal_entry(p->journal, index, parcel->load.entries > 0 ? &parcel->load.newest : NULL, p->arena, &e);
  if (s != OK)
    return s;
  parcel->load.newest = index;
  parcel->entries[parcel->load.entries++] = e;
  parcel->load.size += e->leaf.len + e->path.len + 16;
  return OK;
}

static enum status add_bodies(struct post *p, struct session *s, struct parcel *parcel, uint64_t index,
                              const struct event *event)
{
  struct books *b = p->journal->view;
  struct body_name names[2];
  size_t count = ledger_bodies(b, &s->organisation, index, event, names);
  for (size_t i = 0; i < count; i++) {
    struct row_key k = key_of_body(names[i].index, names[i].slot);
    struct bytes body;
    Onward__Body init = ONWARD__BODY__INIT;
    Onward__Body *name = arena_alloc(p->arena, sizeof init);
    if (name == NULL)
      return NOT_NOW;
    if (b->get(b, TABLE_BODIES, row_key(&k), &body) != OK)
      continue; /* lost here: its recipient will ask for it again */
    *name = init;
    name->index = names[i].index;
    name->slot = names[i].slot;
    name->size = (uint32_t)body.size;
    parcel->body_names[parcel->load.bodies] = name;
    parcel->bodies[parcel->load.bodies++] = body;
    parcel->load.size += body.size + 24;
  }
  return OK;
}

/* One's own entry of a batch that one still keeps needs only its fixed header. */
static void shorten_own(struct parcel *parcel, const struct session *s, const struct leaf *leaf)
{
  struct batch_header h;
  Onward__Entry *e = parcel->entries[parcel->load.entries - 1];
  if (leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK &&
      org_id_equal(&h.organisation, &s->organisation) && h.sequence >= s->kept_from) {
    parcel->load.size -= e->leaf.len - LEAF_HEADER_SIZE;
    e->leaf.len = LEAF_HEADER_SIZE;
  }
}

/* Adds one row of the mailbox. NOT_NOW: it does not fit any more; the parcel is as it was. */
static enum status add_row(struct post *p, struct session *s, struct parcel *parcel, uint64_t index)
{
  struct books *b = p->journal->view;
  const struct load before = parcel->load;
  struct leaf leaf;
  struct event event;
  uint64_t context[CONTEXT_MAX];
  enum status st = books_event(b, index, p->arena, &leaf, &event);
  size_t context_count = st == OK ? ledger_context(&event, &s->organisation, context) : 0;
  if (st == OK && parcel->load.entries + context_count + 1 > DELIVERY_ENTRIES_MAX)
    st = NOT_NOW;
  for (size_t i = 0; i < context_count && st == OK; i++)
    st = add_entry(p, parcel, context[i]);
  if (st == OK)
    st = add_entry(p, parcel, index);
  if (st == OK) {
    shorten_own(parcel, s, &leaf);
    st = add_bodies(p, s, parcel, index, &event);
  }
  uint64_t limit = s->bytes < MESSAGE_SIZE_MAX ? s->bytes : MESSAGE_SIZE_MAX;
  if (st == OK && parcel->load.size > limit && before.entries > 0)
    st = NOT_NOW;
  if (st != OK)
    parcel->load = before;
  return st;
}

static enum status fill_parcel(struct post *p, struct session *s, struct parcel *parcel, uint64_t *next)
{
  struct books *b = p->journal->view;
  uint64_t index;
  *next = s->position;
  while (parcel->load.entries < s->entries && parcel->load.entries < PARCEL_ENTRIES) {
    if (books_mail(b, &s->organisation, *next, &index) != OK) {
      *next = p->journal->end.head.size;
      return b->trouble; /* only books without trouble can say that there is no more */
    }
    enum status st = add_row(p, s, parcel, index);
    if (st != OK)
      return st == NOT_NOW && parcel->load.entries > 0 ? OK : st;
    *next = index + 1;
  }
  return OK;
}

enum status post_mail(struct post *p, struct session *s)
{
  static struct parcel parcel; /* too large for a stack; one thread */
  uint64_t next, said = 0;
  if (!s->placed || s->leaving)
    return OK;
  while (s->entries > 0 && s->position < p->journal->end.head.size && said < p->share_bytes) {
    arena_reset(p->arena);
    parcel.load = (struct load){0};
    Onward__Delivery d = ONWARD__DELIVERY__INIT;
    enum status st = fill_parcel(p, s, &parcel, &next);
    if (st != OK)
      return st;
    if (parcel.load.entries == 0) {
      s->position = next;
      return OK;
    }
    d.n_entries = parcel.load.entries;
    d.entries = parcel.entries;
    d.n_bodies = parcel.load.bodies;
    d.bodies = parcel.body_names;
    d.checkpoint = pb_data(note_of(p->journal));
    d.next = next;
    st = journal_consistency(p->journal, s->known_size, p->arena, &d.consistency);
    if (st == OK)
      st = send_packed(p, &s->to, FRAME_DELIVERY, &d, parcel.bodies, parcel.load.bodies);
    if (st != OK)
      return st;
    said += parcel.load.size;
    s->position = next;
    s->known_size = p->journal->end.checkpoint.size;
    s->entries -= parcel.load.entries < s->entries ? parcel.load.entries : s->entries;
  }
  return OK;
}

/* The entries that an ask wants, one after another: the registry's chain and the newest capacities, by index. */
static bool next_asked(struct books *b, uint64_t *registry_after, uint64_t *capacity_after, uint64_t *index)
{
  struct bytes key, value;
  uint64_t next[2] = {UINT64_MAX, UINT64_MAX}, *after[2] = {registry_after, capacity_after};
  static const int tables[2] = {TABLE_REGISTRY, TABLE_CAPACITIES};
  for (size_t i = 0; i < 2; i++) {
    struct row_key from = key_of_index(*after[i] + 1);
    if (b->seek(b, tables[i], row_key(&from), &key, &value) == OK) {
      struct reader r = reader_of(key);
      next[i] = read_u64(&r);
    }
  }
  size_t which = next[1] < next[0];
  *index = *after[which] = next[which];
  return next[which] != UINT64_MAX;
}

enum status post_answer(struct post *p, struct session *s, const Onward__Ask *ask, Onward__Seen **seen,
                        size_t seen_count)
{
  static struct parcel parcel;
  Onward__Answer a = ONWARD__ANSWER__INIT;
  uint64_t registry_after = ask->registry_after, capacity_after = ask->capacity_after, index;
  enum status st = OK;
  parcel.load = (struct load){0};
  while (st == OK && next_asked(p->journal->view, &registry_after, &capacity_after, &index)) {
    if (parcel.load.entries == DELIVERY_ENTRIES_MAX || parcel.load.size + ENTRY_SIZE_MAX > MESSAGE_SIZE_MAX ||
        (ask->bytes > 0 && parcel.load.size >= ask->bytes)) {
      a.more = true;
      break;
    }
    st = add_entry(p, &parcel, index);
  }
  s->meter->share.bytes += parcel.load.size; /* as much work as to hear so much */
  a.n_entries = parcel.load.entries;
  a.entries = parcel.entries;
  a.n_seen = seen_count;
  a.seen = seen;
  a.checkpoint = pb_data(note_of(p->journal));
  if (st == OK)
    st = journal_consistency(p->journal, s->known_size, p->arena, &a.consistency);
  if (st == OK)
    st = send_packed(p, &s->to, FRAME_ANSWER, &a, NULL, 0);
  if (st == OK)
    s->known_size = p->journal->end.checkpoint.size;
  return st;
}

/* A refusal that cannot be sent is not kept: its addressee will ask again. */
void post_refusal(struct post *p, const struct routing *to, Onward__RefusalReason reason, uint64_t sequence,
                  uint32_t event, const char *what, uint32_t retry_after_ms)
{
  Onward__Refusal r = ONWARD__REFUSAL__INIT;
  arena_reset(p->arena);
  r.reason = reason;
  r.sequence = sequence;
  r.event = event;
  r.what = pb_data(bytes_text(what));
  r.retry_after_ms = retry_after_ms;
  enum status st = send_packed(p, to, FRAME_REFUSAL, &r, NULL, 0);
  (void)st;
}

void post_goodbye(struct post *p, const struct routing *to, Onward__GoodbyeReason reason)
{
  Onward__Goodbye g = ONWARD__GOODBYE__INIT;
  arena_reset(p->arena);
  g.reason = reason;
  enum status st = send_packed(p, to, FRAME_GOODBYE, &g, NULL, 0);
  (void)st;
}
