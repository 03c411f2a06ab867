/* An agent knows the registry whole and, of the rest, the entries of its mailbox; before one that opens a leg for it,
 * it is given the entries that this one names. Entries older than the newest that it applied only explain. */
#include "tests/scenarios/views.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ledger/rows.h"
#include "proto/rules/rules.h"

#define ARENA_SIZE (1u << 20)

struct view {
  struct books *log;   /* to read entries and mailboxes from */
  struct books *whole; /* what follows from the log up to here */
  struct books *mine;
  const struct member *member;
  struct arena arena;
};

static struct bytes entry(struct view *v, uint64_t index, struct leaf *leaf, struct event *e)
{
  struct bytes bytes;
  v->arena.used = 0;
  must(books_event(v->log, index, &v->arena, leaf, e) == OK && books_entry(v->log, index, &bytes) == OK);
  return bytes;
}

static void take(struct view *v, uint64_t index, bool registry_only)
{
  struct leaf leaf;
  struct event e;
  struct referral r;
  uint64_t context[CONTEXT_MAX];
  (void)entry(v, index, &leaf, &e);
  if (registry_only && (!act_is_registry(e.act) || leaf.verdict != ONWARD__VERDICT__ACCEPTED))
    return;
  size_t count = ledger_context(&e, &v->member->id, context);
  for (size_t i = 0; i < count; i++)
    take(v, context[i], false);
  struct bytes bytes = entry(v, index, &leaf, &e);
  struct row_key key = key_of_index(index);
  v->mine->put(v->mine, TABLE_ENTRIES, row_key(&key), bytes);
  if (books_referral(v->mine, &e.referral, &r) != OK || index > r.last_index)
    ledger_apply(v->mine, &leaf, &e);
}

static bool in_mailbox(struct view *v, uint64_t index)
{
  uint64_t found;
  return books_mail(v->log, &v->member->id, index, &found) == OK && found == index;
}

static bool same_party(const struct referral *a, uint8_t of_a, const struct referral *b, uint8_t of_b)
{
  if (of_a == PARTY_NONE || of_b == PARTY_NONE)
    return of_a == of_b;
  return org_id_equal(&a->parties[of_a].org, &b->parties[of_b].org);
}

/* A recipient learns nothing of what earlier ones said to the sender. */
static enum status compare(const struct referral *whole, const struct referral *mine, bool sender,
                           struct complaint *why)
{
  const uint8_t flags = sender ? FLAGS_ALL : FLAGS_ALL & ~FLAG_SAFETY_AT_SENDER;
#define SAME(field)                                                                                                    \
  if (whole->field != mine->field)                                                                                     \
  return complain(why, #field ": %llu in the log, %llu in its view", (unsigned long long)whole->field,                 \
                  (unsigned long long)mine->field)
  SAME(state);
  SAME(priority);
  SAME(leg);
  SAME(hops);
  SAME(basis);
  SAME(reroute);
  SAME(outcome);
  SAME(submit_index);
  SAME(scope_index);
  SAME(consent_until_ms);
  SAME(expected_ms);
  SAME(leg_index);
  SAME(accept_index);
#undef SAME
  if (((whole->flags ^ mine->flags) & flags) != 0)
    return complain(why, "flags: %u in the log, %u in its view", whole->flags, mine->flags);
  return same_party(whole, whole->present, mine, mine->present) ? OK : complain(why, "the present recipient");
}

/* Of the referral that this entry is about, as both have it now. */
static enum status compare_one(struct view *v, const struct ref_id *id, struct complaint *why)
{
  struct referral whole, mine;
  struct consent consent;
  struct complaint what;
  if (books_referral(v->whole, id, &whole) != OK)
    return OK; /* about none, or it was refused */
  bool sender = org_id_equal(&whole.sender, &v->member->id);
  if (!sender && !referral_present(&whole, &v->member->id))
    return OK;
  if (!sender && whole.last_index == whole.submit_index && !in_mailbox(v, whole.submit_index))
    return OK; /* the first of the list is not told, as the next entry passes it over */
  if (books_referral(v->mine, id, &mine) != OK)
    return complain(why, "%.16s has not heard of a referral that is its own", v->member->id.text);
  if (compare(&whole, &mine, sender, &what) != OK)
    return complain(why, "%.16s sees it otherwise: %.80s", v->member->id.text, what.text);
  v->arena.used = 0;
  return consent_now(v->mine, &mine, &v->arena, &consent) == OK
             ? OK
             : complain(why, "%.16s cannot tell whose consent holds", v->member->id.text);
}

static enum status walk(struct view *v, uint64_t size, struct complaint *why)
{
  enum status s = OK;
  for (uint64_t i = 0; i < size && s == OK; i++) {
    struct complaint what;
    struct leaf leaf;
    struct event e;
    struct bytes bytes = entry(v, i, &leaf, &e);
    ledger_record(v->whole, &leaf, bytes, &e);
    struct ref_id id = e.referral;
    take(v, i, !in_mailbox(v, i));
    s = compare_one(v, &id, &what);
    if (s != OK)
      complaint_write(why, "at entry %llu %.100s", (unsigned long long)i, what.text);
  }
  return s;
}

static struct store *open_scratch(const char *folder, const char *name)
{
  char why[200];
  struct store *store;
  struct store_options options = {.folder = folder_path(folder, name),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .create = true,
                                  .scratch = true};
  must(store_open(&options, why, &store) == OK);
  return store;
}

enum status views_agree(struct world *w, const char *folder, struct complaint *why)
{
  struct store *whole = open_scratch(folder, "whole"), *mine = open_scratch(folder, "view");
  void *memory = malloc(ARENA_SIZE);
  must(memory != NULL);
  enum status s = OK;
  for (size_t m = 0; m < w->member_count && s == OK; m++) {
    struct view v = {store_begin(w->store, false), store_begin(whole, true), store_begin(mine, true), &w->members[m],
                     arena_of(memory, ARENA_SIZE)};
    s = walk(&v, w->size, why);
    store_abort(mine);
    store_abort(whole);
    store_abort(w->store);
  }
  store_close(mine);
  store_close(whole);
  free(memory);
  return s;
}
