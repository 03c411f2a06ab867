/* Makes the log of a year in a made-up network: referrals of all priorities, groups and areas, that are answered,
 * passed on, returned, taken back or left lying, and exercises. For tests of reports.
 *
 *   onward-year FOLDER REFERRALS [SEED]     books in FOLDER/books; what its numbers must be is not known beforehand
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"

#define HOUR_MS 3600000ull
#define YEAR_H (365 * 24)

enum { OFFICES = 9, SENDERS = 4, REFERRALS_MAX = 20000 };

/* What one referral does next, and when. */
struct story {
  struct ref_id id;
  uint64_t due_ms;
  act_kind act; /* 0: nothing more comes of itself */
  uint8_t sender, holder;
  uint8_t priority;
};

static struct world world;
static struct member *offices[OFFICES];
static struct story stories[REFERRALS_MAX];
static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
  chance_state ^= chance_state << 13;
  chance_state ^= chance_state >> 7;
  chance_state ^= chance_state << 17;
  return chance_state % below;
}

static bool likely(uint64_t percent)
{
  return chance(100) < percent;
}

/* Most are soon, a few take many times as long. */
static uint64_t some_ms(uint64_t hours)
{
  uint64_t ms = HOUR_MS * hours / 4 + chance(HOUR_MS * hours * 3 / 2);
  return likely(12) ? 6 * ms : ms;
}

static uint8_t recipient(uint8_t not_this)
{
  uint8_t office = (uint8_t)(2 + chance(OFFICES - 2));
  if (likely(40))
    office = 2; /* one is asked more often */
  if (office == not_this)
    office = (uint8_t)(2 + (office - 1) % (OFFICES - 2));
  return office;
}

static void submit(struct story *s)
{
  static const char *const areas[] = {"KH-17", "KH-12", "KH-12", "KH-12", "KH-1", "KH-2", "", "KH-24"};
  static struct draft d;
  Onward__Submit submit = ONWARD__SUBMIT__INIT;
  ProtobufCBinaryData scope[OFFICES];
  size_t count = 0;
  draft_init(&d, ONWARD__CORE__ACT_SUBMIT, &s->id);
  scope[count++] = pb_data(org_id_text(&offices[s->holder]->id));
  for (int i = 0; i < OFFICES; i++)
    if (i != s->holder && i != s->sender)
      scope[count++] = pb_data(org_id_text(&offices[i]->id));
  submit.n_recipients = likely(20) ? 2 : 1;
  submit.recipients = submit.scope = scope;
  submit.n_scope = count;
  for (size_t i = 0; i < submit.n_recipients; i++) {
    struct org_id org;
    must(org_id_parse(pb_bytes(scope[i]), &org) == OK);
    for (int o = 0; o < OFFICES; o++)
      if (org_id_equal(&org, &offices[o]->id))
        draft_seal(&d, offices[o], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  }
  submit.group = (Onward__ServiceGroup)(1 + chance(9) % (1 + chance(9)));
  submit.area = pb_data(bytes_text(areas[chance(8)]));
  submit.priority = (Onward__Priority)s->priority;
  submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  submit.drill = likely(2);
  submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  submit.schema = SCHEMA_VERSION;
  submit.taxonomy = TAXONOMY_VERSION;
  d.core.submit = &submit;
  must(world_hear(&world, offices[s->sender], &d, 1) == ONWARD__VERDICT__ACCEPTED);
}

static struct referral referral_of(const struct story *s)
{
  struct referral r;
  struct books *b = store_begin(world.store, false);
  must(books_referral(b, &s->id, &r) == OK);
  store_abort(world.store);
  return r;
}

static uint8_t office_of(const struct org_id *org)
{
  uint8_t i = 0;
  while (!org_id_equal(org, &offices[i]->id))
    i++;
  return i;
}

static void hear(const struct story *s, const struct referral *r)
{
  static struct draft d;
  bool sender =
      s->act == ONWARD__CORE__ACT_CLOSE || s->act == ONWARD__CORE__ACT_CANCEL || s->act == ONWARD__CORE__ACT_NEXT;
  struct member *holder = sender ? offices[s->sender] : offices[office_of(&r->parties[r->present].org)];
  draft_init(&d, s->act, &s->id);
  draft_message(&d);
  if (s->act == ONWARD__CORE__ACT_REROUTE) {
    struct member *target = offices[recipient(office_of(&holder->id))];
    d.core.reroute->target = pb_data(org_id_text(&target->id));
    draft_seal(&d, target, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  }
  if (s->act == ONWARD__CORE__ACT_COMPLETE)
    d.core.complete->outcome = (Onward__OutcomeClass)(likely(80) ? 1 : 2 + chance(2));
  world_answer(&world, &d, &s->id);
  (void)world_hear(&world, holder, &d, 1); /* refused where a clock was faster */
}

static void receive(const struct story *s, const struct referral *r)
{
  (void)s;
  if (r->state == STATE_REQUESTED)
    world_act(&world, offices[office_of(&r->parties[r->present].org)], &r->id, ONWARD__CORE__ACT_RECEIVE);
}

/* What follows from where it is now. */
static act_kind next_act(const struct referral *r)
{
  switch (r->state) {
  case STATE_REQUESTED:
    return likely(97) ? ONWARD__CORE__ACT_RECEIVE : 0;
  case STATE_RECEIVED:
    return likely(92) ? ONWARD__CORE__ACT_ACKNOWLEDGE : likely(20) ? ONWARD__CORE__ACT_CANCEL : 0;
  case STATE_ACKNOWLEDGED:
    return likely(72)   ? ONWARD__CORE__ACT_ACCEPT
           : likely(40) ? ONWARD__CORE__ACT_DECLINE
           : likely(70) ? ONWARD__CORE__ACT_REROUTE
           : likely(90) ? ONWARD__CORE__ACT_NEXT
                        : 0;
  case STATE_ACCEPTED:
    return likely(94) ? ONWARD__CORE__ACT_START : 0;
  case STATE_IN_PROGRESS:
    return likely(85) ? ONWARD__CORE__ACT_COMPLETE : likely(80) ? ONWARD__CORE__ACT_PROGRESS : ONWARD__CORE__ACT_FAIL;
  case STATE_COMPLETED:
  case STATE_RETURNED:
    return likely(88) ? ONWARD__CORE__ACT_CLOSE : 0;
  default:
    return 0;
  }
}

static uint64_t hours_of(act_kind act, uint8_t priority)
{
  switch (act) {
  case ONWARD__CORE__ACT_RECEIVE:
    return 1;
  case ONWARD__CORE__ACT_ACKNOWLEDGE:
    return 2u * priority * priority;
  case ONWARD__CORE__ACT_NEXT:
  case ONWARD__CORE__ACT_START:
    return 30u * priority;
  case ONWARD__CORE__ACT_COMPLETE:
  case ONWARD__CORE__ACT_PROGRESS:
    return 500;
  default:
    return 12u * priority;
  }
}

static void go_on(struct story *s)
{
  struct referral r = referral_of(s);
  if (s->act == ONWARD__CORE__ACT_RECEIVE)
    receive(s, &r);
  else if (r.present != PARTY_NONE || s->act == ONWARD__CORE__ACT_CLOSE)
    hear(s, &r);
  r = referral_of(s);
  s->act = next_act(&r);
  s->due_ms = world.clock_ms + some_ms(hours_of(s->act, s->priority));
}

static struct story *earliest(size_t count)
{
  struct story *first = NULL;
  for (size_t i = 0; i < count; i++)
    if (stories[i].act != 0 && (first == NULL || stories[i].due_ms < first->due_ms))
      first = &stories[i];
  return first;
}

static void tell(size_t count)
{
  for (size_t i = 0; i < count; i++) {
    struct story *s = &stories[i];
    must(random_bytes(&s->id, sizeof s->id) == OK);
    s->sender = (uint8_t)(likely(50) ? 0 : chance(SENDERS));
    s->priority = (uint8_t)(1 + (likely(75) ? 1 + chance(2) : 0));
    s->holder = recipient(s->sender);
    s->due_ms = WORLD_START_MS + HOUR_MS + chance(YEAR_H * HOUR_MS);
    s->act = ONWARD__CORE__ACT_SUBMIT;
  }
  for (struct story *s = earliest(count); s != NULL && s->due_ms < WORLD_START_MS + YEAR_H * HOUR_MS;
       s = earliest(count)) {
    if (s->due_ms > world.clock_ms)
      world_pass(&world, s->due_ms);
    if (s->act == ONWARD__CORE__ACT_SUBMIT) {
      submit(s);
      s->act = ONWARD__CORE__ACT_RECEIVE;
      s->due_ms = world.clock_ms + some_ms(1);
    } else {
      go_on(s);
    }
  }
}

int main(int argc, char **argv)
{
  static const char *const names[OFFICES] = {"police",    "aple",  "a21",      "tpo",    "clinic",
                                             "shelter-1", "legal", "school-9", "hotline"};
  size_t count = argc < 3 ? 0 : strtoull(argv[2], NULL, 10);
  if (count == 0 || count > REFERRALS_MAX) {
    fprintf(stderr, "usage: onward-year FOLDER REFERRALS [SEED]\n");
    return 2;
  }
  chance_state = 88172645463325252ull + (argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
  world_init(&world, argv[1]);
  for (size_t i = 0; i < OFFICES; i++)
    offices[i] = world_enrol(&world, names[i]);
  tell(count);
  world_fini(&world);
  return 0;
}
