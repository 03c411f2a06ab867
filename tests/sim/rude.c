/* A dishonest program with an organisation's keys: it says what its own rules would refuse, about referrals that are
 * none of its business, answering entries that it was never shown. */
#include <string.h>

#include "agents/agent.h"
#include "agents/compose.h"
#include "tests/sim/disk.h"
#include "tests/sim/people.h"

enum { LOOKS = 12, DAY_MS = 86400000 };

/* Any accepted entry about a referral, as the exchange's own disk has it. */
static bool any_entry(uint64_t *index, struct hash *hash, struct ref_id *id)
{
  char folder[PATH_MAX_SIM];
  struct head head;
  bool found = false;
  static uint8_t memory[1 << 20];
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  struct store *s = disk_reader(folder);
  if (s == NULL)
    return false;
  struct books *b = store_begin(s, false);
  books_head(b, &head);
  for (int i = 0; i < LOOKS && !found; i++) {
    struct leaf leaf;
    struct event e;
    struct bytes bytes;
    struct arena a = arena_of(memory, sizeof memory);
    uint32_t behind = below(one_in(2) ? 30 : (uint32_t)head.size);
    *index = behind < head.size ? head.size - 1 - behind : 0;
    found = books_event(b, *index, &a, &leaf, &e) == OK && act_is_about_referral(e.act) &&
            leaf.verdict == ONWARD__VERDICT__ACCEPTED && books_entry(b, *index, &bytes) == OK;
    if (found) {
      *hash = leaf_hash(bytes);
      *id = e.referral;
    }
  }
  store_close(s);
  return found;
}

/* Whatever fits the form of the act. */
static void fill(const ProtobufCMessageDescriptor *type, void *message, ProtobufCBinaryData *list, struct bytes name)
{
  protobuf_c_message_init(type, message);
  *list = pb_data(name);
  for (unsigned i = 0; i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &type->fields[i];
    uint8_t *at = (uint8_t *)message + f->offset;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
      *(size_t *)(void *)((uint8_t *)message + f->quantifier_offset) = 1;
      *(ProtobufCBinaryData **)(void *)at = list;
    } else if (f->type == PROTOBUF_C_TYPE_ENUM) {
      *(int *)(void *)at = 1;
    } else if (f->type == PROTOBUF_C_TYPE_UINT64) {
      *(uint64_t *)(void *)at = sim.now_ms + DAY_MS;
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
      static uint8_t hash[32];
      *(ProtobufCBinaryData *)(void *)at = strcmp(f->name, "sha256") == 0 ? pb_data(BYTES(hash)) : *list;
    }
  }
}

static act_kind any_act(void)
{
  static const act_kind acts[] = {
      ONWARD__CORE__ACT_RECEIVE,       ONWARD__CORE__ACT_REFUSE_OPEN,    ONWARD__CORE__ACT_ACKNOWLEDGE,
      ONWARD__CORE__ACT_ACCEPT,        ONWARD__CORE__ACT_ACCEPT,         ONWARD__CORE__ACT_DECLINE,
      ONWARD__CORE__ACT_START,         ONWARD__CORE__ACT_COMPLETE,       ONWARD__CORE__ACT_FAIL,
      ONWARD__CORE__ACT_WAITLIST,      ONWARD__CORE__ACT_CLOSE,          ONWARD__CORE__ACT_CANCEL,
      ONWARD__CORE__ACT_NEXT,          ONWARD__CORE__ACT_WITHDRAW,       ONWARD__CORE__ACT_CONFIRM_CANCEL,
      ONWARD__CORE__ACT_RENEW_CONSENT, ONWARD__CORE__ACT_RAISE_PRIORITY, ONWARD__CORE__ACT_ERASE_RECEIPT,
      ONWARD__CORE__ACT_HAND_OVER,     ONWARD__CORE__ACT_TAKE_OVER,      ONWARD__CORE__ACT_LEAVE};
  return acts[below(sizeof acts / sizeof acts[0])];
}

/* The program counts what is on its way in an item. */
static void know(struct books *b, const struct ref_id *id)
{
  struct item item;
  if (item_get(b, id, &item) != OK)
    item_put(b, &item);
}

static void say_it(struct node *n, const struct ref_id *id, Onward__Core *core)
{
  struct composed c = {.bodies = {NULL, 0}};
  struct complaint why;
  uint64_t number;
  struct agent *a = n->agent;
  struct books *b = agent_write(a);
  know(b, id);
  bool said = compose(b, &a->self, core, NULL, 0, &a->arena, &why, &c) == OK &&
              outbox_add(b, ONWARD__PRIORITY__MEDIUM, &c.event, c.bodies, &number) == OK;
  if (said)
    said = agent_commit(a) == OK;
  else
    (void)agent_abort(a);
  tell("  %s says rudely: %s%s", n->name, act_name(core->act_case), said ? "" : " (it cannot)");
  if (said)
    session_push(a);
}

void people_rude(struct node *n)
{
  union {
    Onward__Waitlist one;
    uint8_t room[256];
  } message;
  uint64_t index;
  struct hash hash;
  struct ref_id id;
  ProtobufCBinaryData list;
  Onward__Answered answers = ONWARD__ANSWERED__INIT;
  if (!n->up || !any_entry(&index, &hash, &id))
    return;
  sim.running = n;
  arena_reset(&n->agent->arena);
  Onward__Core *core = core_new(&id, &n->agent->arena);
  core->act_case = any_act();
  const ProtobufCFieldDescriptor *f =
      protobuf_c_message_descriptor_get_field(&onward__core__descriptor, core->act_case);
  fill(f->descriptor, &message, &list, org_id_text(&sim.nodes[REGISTRAR].id));
  core->cancel = (Onward__Cancel *)&message; /* all acts lie in one union */
  answers.index = index;
  answers.leaf_hash = pb_data(hash_bytes(&hash));
  core->answers = &answers;
  say_it(n, &id, core);
  sim.running = NULL;
  node_after(n);
}
