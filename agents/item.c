/* Nothing here is stored: all of it is worked out from the referral as the log gives it, and from what the office did.
 */
#include "agents/item.h"

#include <stdlib.h>
#include <string.h>

#include "agents/overdue.h"
#include "proto/rules/rules.h"

static bool in(enum referral_state state, uint32_t set)
{
  return (set >> state & 1) != 0;
}

/* --- our own steps --- */

static int by_referral(const void *left, const void *right)
{
  const struct step_of *l = left, *r = right;
  int order = memcmp(l->referral.byte, r->referral.byte, sizeof l->referral.byte);
  return order != 0 ? order : (l->number > r->number) - (l->number < r->number);
}

static bool is_queued(struct books *b, uint8_t priority, uint64_t number)
{
  struct bytes nothing;
  struct row_key k = row_key_start();
  row_key_u8(&k, priority);
  row_key_u64(&k, number);
  return b->get(b, TABLE_QUEUE, row_key(&k), &nothing) == OK;
}

const struct steps *steps_read(struct books *b)
{
  static struct steps steps;
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  steps.count = 0;
  while (steps.count < STEPS_MAX && walk_next(&w, b)) {
    struct outbox_event e;
    uint64_t number = key_number(w.key, 0);
    if (outbox_get(b, number, &e) != OK) /* trouble: told when the transaction ends */
      break;
    steps.list[steps.count++] = (struct step_of){e.referral, number, e.act, !is_queued(b, e.priority, number)};
  }
  qsort(steps.list, steps.count, sizeof steps.list[0], by_referral);
  return &steps;
}

void view_find_steps(const struct steps *steps, struct view *v)
{
  size_t low = 0, high = steps->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (memcmp(steps->list[middle].referral.byte, v->item.id.byte, sizeof v->item.id.byte) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  v->steps = &steps->list[low];
  for (v->step_count = 0; low < steps->count && ref_id_equal(&steps->list[low].referral, &v->item.id); low++)
    v->step_count++;
}

/* What the rules make of the step, if they take it. */
static void take_step(struct agent *a, struct books *b, const struct step_of *step, struct view *v)
{
  size_t used = a->arena.used;
  struct outbox_event queued;
  struct event e;
  struct complaint why;
  enum actor actor = v->item.sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  bool known = outbox_get(b, step->number, &queued) == OK &&
               event_read(arena_copy(&a->arena, queued.event), &a->arena, &why, &e) == OK;
  const struct rule *rule = known ? rules_row(&e, actor, v->next.state, v->next.flags) : NULL;
  uint64_t safety = v->item.sender ? v->referral.safety_at_sender : v->referral.safety_at_recipient;
  bool crossed = known && view_must_read(v) && e.act == ONWARD__CORE__ACT_ACKNOWLEDGE && e.answers_index < safety;
  if (rule != NULL && !crossed) {
    v->next.state = rule->to == STATE_NONE ? v->next.state : rule->to;
    v->next.flags = (uint8_t)((v->next.flags & ~rule->clears) | rule->sets);
  }
  a->arena.used = used;
}

void view_get(struct agent *a, struct books *b, const struct steps *steps, const struct item *item, struct view *out)
{
  *out = (struct view){.item = *item};
  out->logged = books_referral(b, &item->id, &out->referral) == OK;
  out->next = out->referral;
  view_find_steps(steps, out);
  for (size_t i = 0; out->logged && i < out->step_count; i++)
    take_step(a, b, &out->steps[i], out);
}

bool view_has_step(const struct view *v, act_kind act)
{
  for (size_t i = 0; i < v->step_count; i++)
    if (v->steps[i].act == act)
      return true;
  return false;
}

/* --- how it stands --- */

const struct party *view_party(const struct view *v, const struct org_id *self)
{
  if (!v->logged || v->item.sender)
    return NULL;
  for (int i = 0; i < v->referral.party_count; i++)
    if (org_id_equal(&v->referral.parties[i].org, self))
      return &v->referral.parties[i];
  return NULL;
}

static bool is_gone(const struct view *v, const struct org_id *self)
{
  const struct party *p = view_party(v, self);
  if (p == NULL || (p->marks & PARTY_RECEIVED) != 0)
    return false;
  bool refused = v->referral.state == STATE_REQUESTED && v->referral.leg_index == v->item.gone_leg;
  return refused || !referral_present(&v->referral, self);
}

static const char *state_in(const struct view *v, const struct referral *r, const struct org_id *self)
{
  enum referral_state state = r->state;
  if (v->item.sender) /* between two legs, for as long as one delivery takes */
    return state_name(state == STATE_LEG_OVER ? STATE_REQUESTED : state == STATE_FAILED ? STATE_RETURNED : state);
  if (is_gone(v, self))
    return "gone";
  bool left = !referral_present(r, self) || state == STATE_LEG_OVER || state == STATE_FAILED;
  return left ? "left" : state_name(state);
}

/* The exchange, restored from a backup, has no more of it; what is sent again is a draft. */
static bool is_lost(const struct view *v)
{
  return !v->logged && v->item.lost != 0 && v->item.draft == 0;
}

const char *view_state(const struct view *v, const struct org_id *self)
{
  if (v->logged)
    return state_in(v, &v->referral, self);
  return v->item.own ? "own" : is_lost(v) ? "lost" : "draft";
}

uint64_t view_since_ms(const struct view *v)
{
  if (v->logged)
    return v->referral.state_since_ms;
  return v->item.outcome != 0 ? v->item.done_ms : v->item.created_ms;
}

bool view_ended(const struct view *v, const struct org_id *self)
{
  if (!v->logged)
    return v->item.own ? v->item.outcome != 0 : v->item.draft == 0 && !is_lost(v);
  const char *state = state_in(v, &v->next, self);
  return strcmp(state, "gone") == 0 || strcmp(state, "left") == 0 ||
         !in(v->next.state, LIVE_STATES | IN(COMPLETED) | IN(RETURNED) | IN(LEG_OVER) | IN(FAILED));
}

bool view_readable(const struct view *v, const struct org_id *self)
{
  if (v->item.sender)
    return true;
  const struct party *p = view_party(v, self);
  bool waits = v->logged && v->referral.state == STATE_REQUESTED && referral_present(&v->referral, self);
  return p != NULL && (p->marks & PARTY_RECEIVED) != 0 && !waits;
}

bool view_owes_erasure(const struct view *v, const struct org_id *self)
{
  const struct party *p = view_party(v, self);
  bool answered = view_has_step(v, ONWARD__CORE__ACT_ERASE_RECEIPT) || view_has_step(v, ONWARD__CORE__ACT_LEGAL_HOLD);
  return p != NULL && (p->marks & PARTY_DUTY) != 0 && !answered;
}

bool view_must_read(const struct view *v)
{
  uint8_t flag = v->item.sender ? FLAG_SAFETY_AT_SENDER : FLAG_SAFETY_AT_RECIPIENT;
  return v->logged && (v->next.flags & flag) != 0;
}

bool view_not_read_there(const struct view *v)
{
  uint8_t flag = v->item.sender ? FLAG_SAFETY_AT_RECIPIENT : FLAG_SAFETY_AT_SENDER;
  return v->logged && (v->referral.flags & flag) != 0;
}

bool view_overdue(const struct view *v, Onward__Clock clock)
{
  return v->logged && v->item.overdue_entry[clock - 1] != 0 && clock_waits(clock, &v->next) &&
         !(clock == ONWARD__CLOCK__REPORT && view_has_step(v, ONWARD__CORE__ACT_PROGRESS));
}

bool view_is_late(const struct agent *a, const struct view *v)
{
  uint64_t now = now_ms(), limit_ms = a->config.phone_after_minutes * 60000;
  return v->item.sender && v->item.draft != 0 && v->item.priority == ONWARD__PRIORITY__HIGH &&
         now >= v->item.created_ms + limit_ms;
}

/* Who owes an answer in this state, with these flags: reading about safety before all else. */
static const struct org_id *awaited_now(const struct referral *r, const char *const **acts)
{
  static const char *const by_state[STATES][6] = {
      [STATE_REQUESTED] = {"receive"},
      [STATE_RECEIVED] = {"acknowledge"},
      [STATE_ACKNOWLEDGED] = {"accept", "waitlist", "decline", "reroute", "request_info"},
      [STATE_WAITLISTED] = {"accept", "decline"},
      [STATE_ACCEPTED] = {"start"},
      [STATE_IN_PROGRESS] = {"progress", "complete"},
      [STATE_COMPLETED] = {"close"},
      [STATE_RETURNED] = {"readdress", "close"}};
  static const char *const to_read[] = {"acknowledge", NULL}, *const to_answer[] = {"supply_info", NULL},
                           *const to_cancel[] = {"confirm_cancel", "refuse_cancel", NULL};
  const struct org_id *present = r->present == PARTY_NONE ? NULL : &r->parties[r->present].org;
  *acts = (r->flags & FLAG_SAFETY_AT_RECIPIENT) != 0 ? to_read
          : (r->flags & FLAG_CANCEL_OPEN) != 0       ? to_cancel
          : (r->flags & FLAG_INFO_OPEN) != 0         ? to_answer
                                                     : by_state[r->state];
  if (*acts == to_answer || in(r->state, IN(RETURNED)) || (in(r->state, IN(COMPLETED)) && *acts != to_read))
    return &r->sender;
  return (*acts)[0] == NULL ? NULL : present;
}

const struct org_id *view_awaited(const struct view *v, const struct org_id *self, const char *const **acts)
{
  static const char *const to_read[] = {"acknowledge", NULL}, *const to_erase[] = {"erase_receipt", "legal_hold", NULL},
                           *const to_meet[] = {"complete", NULL};
  if (view_must_read(v)) {
    *acts = to_read;
    return v->item.sender ? &v->referral.sender : &view_party(v, self)->org;
  }
  if (view_owes_erasure(v, self)) {
    *acts = to_erase;
    return &view_party(v, self)->org;
  }
  if (view_ended(v, self))
    return NULL;
  if (v->item.own) {
    *acts = to_meet;
    return self;
  }
  if (!v->logged)
    return NULL;
  return awaited_now(view_readable(v, self) ? &v->next : &v->referral, acts);
}

static bool is_overdue(const struct agent *a, const struct view *v)
{
  for (int clock = 1; clock <= CLOCKS; clock++)
    if (view_overdue(v, (Onward__Clock)clock))
      return true;
  return v->item.erasure_overdue != 0 || view_is_late(a, v) || view_not_read_there(v);
}

struct urgency view_urgency(const struct agent *a, const struct view *v)
{
  enum { SAFETY, OVERDUE, NEWS, OURS, THEIRS, ENDED_NEWS, ENDED };
  const struct org_id *self = &a->self.id;
  const char *const *acts;
  const struct org_id *awaited = view_awaited(v, self, &acts);
  uint64_t since = view_since_ms(v);
  bool ours = awaited != NULL && org_id_equal(awaited, self) && view_readable(v, self);
  bool ended = view_ended(v, self);
  uint64_t group = view_must_read(v)         ? SAFETY
                   : is_overdue(a, v)        ? OVERDUE
                   : v->item.fresh && !ended ? NEWS
                   : ours                    ? OURS
                   : !ended                  ? THEIRS
                   : v->item.fresh           ? ENDED_NEWS
                                             : ENDED;
  return (struct urgency){{group, v->item.priority, ended ? UINT64_MAX - since : since}};
}

/* --- the submit --- */

bool view_submit(struct agent *a, struct books *b, const struct view *v, struct event *out)
{
  struct leaf leaf;
  struct outbox_event queued;
  struct complaint why;
  uint64_t index = v->logged ? v->referral.submit_index : v->item.submit_entry;
  bool found = v->item.draft != 0 ? outbox_get(b, v->item.draft, &queued) == OK &&
                                        event_read(arena_copy(&a->arena, queued.event), &a->arena, &why, out) == OK
                                  : books_event(b, index, &a->arena, &leaf, out) == OK;
  return found && out->act == ONWARD__CORE__ACT_SUBMIT;
}

bool view_file_now(const struct event *submit)
{
  for (size_t i = 0; i < submit->outer->n_sealed; i++)
    if (submit->outer->sealed[i]->part == ONWARD__PART__FILE)
      return submit->outer->sealed[i]->release == ONWARD__RELEASE__AT_DELIVERY;
  return false;
}
