/* Receipts: entries of a referral as proofs that anybody can check. They are made of these books alone. */
#include "agents/desk.h"
#include "agents/item.h"
#include "agents/receipt.h"

/* The more an act says that somebody has her. */
static int says_has_her(const struct event *e)
{
  switch (e->act) {
  case ONWARD__CORE__ACT_ACCEPT:
    return 4;
  case ONWARD__CORE__ACT_ACKNOWLEDGE:
    return 3;
  case ONWARD__CORE__ACT_RECEIVE:
    return 2;
  case ONWARD__CORE__ACT_SUBMIT:
    return 1;
  default:
    return 0;
  }
}

/* How much this entry says of who has her now: what is of an earlier leg, was refused or is the sender's own reading
 * says nothing. */
static int weight(struct agent *a, struct books *b, const struct referral *r, uint64_t index)
{
  struct leaf leaf;
  struct event e;
  struct org_id author;
  if (books_event(b, index, &a->arena, &leaf, &e) != OK || leaf.verdict != ONWARD__VERDICT__ACCEPTED)
    return 0;
  leaf_author(&leaf, &author);
  bool submit = e.act == ONWARD__CORE__ACT_SUBMIT;
  return submit || (index >= r->leg_index && !org_id_equal(&author, &r->sender)) ? says_has_her(&e) : 0;
}

/* UINT64_MAX: nothing of it is in the log. */
static uint64_t newest_that_says(struct agent *a, struct books *b, const struct ref_id *id)
{
  struct referral r = {.leg_index = 0};
  uint64_t found = UINT64_MAX;
  int most = 0;
  struct walk w = walk_start(TABLE_HISTORY, BYTES(id->byte));
  if (books_referral(b, id, &r) != OK)
    r.leg_index = 0;
  while (walk_next(&w, b)) {
    size_t used = a->arena.used;
    uint64_t index = key_number(w.key, sizeof id->byte);
    int says = weight(a, b, &r, index);
    a->arena.used = used;
    if (says == 0 || says < most)
      continue;
    most = says;
    found = index;
  }
  return found;
}

static bool in_history(struct books *b, const struct ref_id *id, uint64_t index)
{
  struct bytes row;
  struct row_key k = key_of_ref(id);
  row_key_u64(&k, index);
  return b->get(b, TABLE_HISTORY, row_key(&k), &row) == OK;
}

/* False: the entry is not in the books. */
static bool add_receipt(struct agent *a, struct books *b, uint64_t index, json_t *list)
{
  size_t used = a->arena.used;
  json_t *entry = view_entry(a, b, index);
  const char *text = receipt_text(b, index, &a->arena);
  if (entry != NULL && text != NULL) {
    json_object_set_new(entry, "proof", json_string(text));
    json_array_append(list, entry);
  }
  json_decref(entry);
  a->arena.used = used;
  return entry != NULL && text != NULL;
}

static bool add_all(struct agent *a, struct books *b, const struct ref_id *id, json_t *list)
{
  bool fine = true;
  struct walk w = walk_start(TABLE_HISTORY, BYTES(id->byte));
  while (fine && walk_next(&w, b))
    fine = add_receipt(a, b, key_number(w.key, sizeof id->byte), list);
  return fine;
}

/* NULL: `index` is the entry that is wanted. */
static json_t *choose(struct agent *a, struct books *b, const json_t *request, const struct ref_id *id, uint64_t *index)
{
  const json_t *entry = json_object_get(request, "entry");
  *index = entry == NULL ? newest_that_says(a, b, id) : (uint64_t)json_integer_value(entry);
  if (entry == NULL)
    return *index == UINT64_MAX
               ? desk_error("not_found", "id", "nothing of it is in the exchange's log yet", "see: onward outbox")
               : NULL;
  if (!json_is_integer(entry) || json_integer_value(entry) < 0)
    return desk_error("bad_input", "entry", "must be the number of an entry, from 0", NULL);
  return in_history(b, id, *index) ? NULL
                                   : desk_error("not_found", "entry", "is no entry of this item on this computer",
                                                "all of them: onward receipt ID --all");
}

json_t *desk_receipt(struct agent *a, const json_t *request)
{
  struct item item;
  uint64_t index;
  bool fine = true, all = json_is_true(json_object_get(request, "all"));
  char vkey[NOTE_VKEY_SIZE];
  json_t *list = json_array();
  struct books *b = agent_read(a);
  json_t *refused = desk_item(b, request, &item);
  if (refused == NULL && all && json_object_get(request, "entry") != NULL)
    refused = desk_error("bad_input", "entry", "is one entry: not together with all", NULL);
  if (refused == NULL)
    refused = all ? NULL : choose(a, b, request, &item.id, &index);
  if (refused == NULL)
    fine = all ? add_all(a, b, &item.id, list) : add_receipt(a, b, index, list);
  if (refused == NULL && fine && json_array_size(list) == 0)
    refused = desk_error("not_found", "id", "nothing of it is in the exchange's log yet", "see: onward outbox");
  if (refused == NULL && !fine) /* the exchange was restored, and the mailbox is read again */
    refused = desk_error("not_found", "id", "an entry of it is not here just now", "try again when all has come");
  if (agent_abort(a) != OK) {
    json_decref(refused);
    refused = desk_trouble(OUR_FAULT);
  }
  json_t *answer = refused;
  if (refused == NULL) {
    note_key_print(&a->evidence.log_key, vkey);
    answer = json_pack("{s:b, s:s, s:O}", "ok", 1, "log_key", vkey, "receipts", list);
    json_id(answer, &item.id);
  }
  json_decref(list);
  return answer;
}
