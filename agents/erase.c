/* Three steps, each of which may be the last one before a power cut: take out and mark (one commit), write the books
 * anew (one rename), sign and unmark (one commit). A mark that is found begins at the second. */
#include "agents/erase.h"

#include <string.h>

#include "agents/compose.h"
#include "agents/duty.h"

static bool drop_own(struct books *b, ProtobufCBinaryData nonce, Onward__Part part)
{
  bool had = vault_has(b, own_note(nonce, part));
  vault_drop(b, own_note(nonce, part));
  return had;
}

static struct bytes last_key(void)
{
  return bytes_text("erased");
}

uint64_t erase_last_ms(struct books *b)
{
  struct bytes row;
  return b->get(b, TABLE_MARKS, last_key(), &row) == OK && row.size == 8 ? key_number(row, 0) : 0;
}

static void note_last(struct books *b)
{
  uint8_t row[8];
  struct writer w = writer_of(row, sizeof row);
  write_u64(&w, now_ms());
  b->put(b, TABLE_MARKS, last_key(), BYTES(row));
}

bool erase_copies(struct agent *a, struct books *b, const struct ref_id *id)
{
  bool had = false;
  struct walk w = walk_start(TABLE_HISTORY, BYTES(id->byte));
  while (walk_next(&w, b)) {
    struct leaf leaf;
    struct event e;
    uint64_t index = key_number(w.key, sizeof id->byte);
    size_t used = a->arena.used;
    if (books_event(b, index, &a->arena, &leaf, &e) != OK)
      break;
    for (uint8_t slot = 0; slot < e.outer->n_sealed; slot++) {
      had |= body_has(b, index, slot);
      body_drop(b, index, slot);
    }
    had |= drop_own(b, e.core->nonce, ONWARD__PART__NOTE);
    had |= drop_own(b, e.core->nonce, ONWARD__PART__BRIEF);
    a->arena.used = used;
  }
  if (had)
    note_last(b);
  return had;
}

static bool any_begun(struct books *b)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  struct item item;
  while (walk_next(&w, b)) {
    memcpy(&item, w.value.data, sizeof item);
    if (item.erasing)
      return true;
  }
  return false;
}

/* Whoever was asked again meanwhile owes nothing any more. */
static enum status queue_receipt(struct agent *a, struct books *b, const struct item *item)
{
  struct referral r;
  Onward__EraseReceipt receipt = ONWARD__ERASE_RECEIPT__INIT;
  Onward__Core *core = core_new(&item->id, &a->arena);
  if (core == NULL)
    return NOT_NOW;
  const struct party *p = books_referral(b, &item->id, &r) == OK ? referral_party(&r, &a->self.id) : NULL;
  if (p == NULL || (p->marks & (PARTY_DUTY | PARTY_HOLD)) == 0)
    return OK;
  core->act_case = ONWARD__CORE__ACT_ERASE_RECEIPT;
  core->erase_receipt = &receipt;
  enum status s = core_answer(b, &r, core, &a->arena);
  return s == OK ? duty_queue(a, b, item, core, NULL, 0) : s;
}

static enum status sign_receipts(struct agent *a)
{
  struct books *b = agent_write(a);
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  enum status s = OK;
  while (s == OK && walk_next(&w, b)) {
    struct item item;
    memcpy(&item, w.value.data, sizeof item);
    if (!item.erasing)
      continue;
    item.erasing = 0;
    item_put(b, &item);
    s = queue_receipt(a, b, &item);
  }
  if (s == OK)
    return agent_commit(a);
  agent_abort(a);
  return s;
}

enum status erase_finish(struct agent *a)
{
  bool begun = any_begun(agent_read(a));
  if (agent_abort(a) != OK)
    return OUR_FAULT;
  if (!begun)
    return OK;
  enum status s = agent_renew_books(a);
  if (s == OK)
    s = sign_receipts(a);
  return s;
}

enum status erase_case(struct agent *a, const struct ref_id *id)
{
  struct item item;
  struct books *b = agent_write(a);
  enum status s = item_get(b, id, &item);
  item.erasing = 1;
  (void)erase_copies(a, b, id);
  item_put(b, &item);
  if (s != OK) {
    agent_abort(a);
    return OUR_FAULT;
  }
  s = agent_commit(a);
  return s == OK ? erase_finish(a) : s;
}
