/* Registrars, keys and computers: "registry-one suspends aple", "aple changes its keys", "aple loses its disk". */
#include <string.h>

#include "tests/scenarios/scenario.h"

/* A new organisation joins, or one that was suspended again, with the keys that it has. */
static enum status enrol(struct scenario *s, struct member *author, struct words *w)
{
  char name[NAME_SIZE];
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct draft d;
  struct bytes signature;
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  struct member *m = scenario_member(s, w);
  if (m == NULL && words_name(w, name) && s->world.member_count < WORLD_MEMBERS_MAX) {
    m = &s->world.members[s->world.member_count++];
    member_init(m, name);
  }
  if (m == NULL)
    return complain(&s->why, "expected an organisation");
  if (words_take(w, ", agreement ends on day"))
    enrol.agreement_until_ms = WORLD_START_MS + words_number(w) * DAY_MS;
  enrol.request = pb_data(member_request(m, &a, &signature));
  enrol.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_ENROL, NULL);
  d.core.enrol = &enrol;
  return scenario_hear(s, author, &d, 1);
}

static enum status suspend(struct scenario *s, struct member *author, Onward__Standing standing, struct words *w)
{
  struct draft d;
  Onward__Suspend suspend = ONWARD__SUSPEND__INIT;
  struct member *m = scenario_member(s, w);
  if (m == NULL)
    return complain(&s->why, "expected an organisation");
  suspend.organisation = pb_data(org_id_text(&m->id));
  suspend.standing = standing;
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  d.core.suspend = &suspend;
  return scenario_hear(s, author, &d, 1);
}

/* Where it was accepted `m` is from now on whoever holds these keys. */
static enum status take_keys(struct scenario *s, struct member *m, struct member *fresh, enum status heard)
{
  bool taken = heard == OK && s->refused == NULL;
  if (taken) {
    fresh->sequence = m->sequence;
    fresh->read_up_to = m->read_up_to;
  }
  member_fini(taken ? m : fresh);
  if (taken)
    *m = *fresh;
  return heard;
}

static enum status rotate(struct scenario *s, struct member *author)
{
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct draft d;
  struct bytes signature;
  struct member fresh;
  Onward__Rotate rotate = ONWARD__ROTATE__INIT;
  member_init(&fresh, "fresh");
  fresh.id = author->id;
  rotate.request = pb_data(member_request(&fresh, &a, &signature));
  rotate.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_ROTATE, NULL);
  d.core.rotate = &rotate;
  return take_keys(s, author, &fresh, scenario_hear(s, author, &d, 1));
}

/* The organisation lost its keys; it has the new ones from when they take effect. */
static enum status replace(struct scenario *s, struct member *author, struct words *w)
{
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct draft d;
  struct bytes signature;
  struct member fresh, *m = scenario_member(s, w);
  Onward__ReplaceKeys replace = ONWARD__REPLACE_KEYS__INIT;
  if (m == NULL || m == author)
    return complain(&s->why, "expected another organisation");
  member_init(&fresh, "fresh");
  fresh.id = m->id;
  replace.request = pb_data(member_request(&fresh, &a, &signature));
  replace.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_REPLACE_KEYS, NULL);
  d.core.replace_keys = &replace;
  return take_keys(s, m, &fresh, scenario_hear(s, author, &d, 1));
}

/* The proposed clocks, and whom to tell in the end. */
static enum status set_last_resort(struct scenario *s, struct member *author, struct words *w)
{
  struct draft d;
  Onward__SetPolicy set = ONWARD__SET_POLICY__INIT;
  Onward__Policy policy = *policy_proposed();
  char name[NAME_SIZE];
  if (!words_name(w, name))
    return complain(&s->why, "expected an organisation, or nobody");
  if (strcmp(name, "nobody") != 0)
    policy.last_resort = pb_data(bytes_text(name));
  set.policy = &policy;
  draft_init(&d, ONWARD__CORE__ACT_SET_POLICY, NULL);
  d.core.set_policy = &set;
  return scenario_hear(s, author, &d, 1);
}

/* --- computers: a copy, a backup or an empty disk has the keys, but not the place --- */

void scenario_swap_copy(struct scenario *s, struct member *m)
{
  struct position *copy = &s->copies[m - s->world.members], here = {m->sequence, m->read_up_to};
  m->sequence = copy->sequence;
  m->read_up_to = copy->read_up_to;
  *copy = here;
}

static enum status go_to(struct member *m, struct position place)
{
  m->sequence = place.sequence;
  m->read_up_to = place.read_up_to;
  return OK;
}

static enum status read_back(struct scenario *s, struct member *m)
{
  struct sequence last;
  books_last_sequence(scenario_books(s), &m->id, &last);
  s->since = scenario_size(s);
  s->author = m;
  s->back_from = m->sequence;
  m->sequence = last.sequence;
  return OK;
}

static enum status computer(struct scenario *s, struct member *m, struct words *w)
{
  struct position *copy = &s->copies[m - s->world.members];
  if (words_take(w, "is copied")) {
    *copy = (struct position){m->sequence, m->read_up_to};
    return OK;
  }
  if (words_take(w, "is restored from its copy"))
    return go_to(m, *copy);
  if (words_take(w, "loses its disk"))
    return go_to(m, (struct position){0, 0});
  if (words_take(w, "reads its own entries back"))
    return read_back(s, m);
  if (words_take(w, "says it again"))
    return scenario_say_again(s, m);
  return NOT_FOUND;
}

enum status scenario_office(struct scenario *s, struct member *author, struct words *w)
{
  if (words_take(w, "enrols"))
    return enrol(s, author, w);
  if (words_take(w, "suspends"))
    return suspend(s, author, ONWARD__STANDING__COMPROMISED, w);
  if (words_take(w, "lapses"))
    return suspend(s, author, ONWARD__STANDING__LAPSED, w);
  if (words_take(w, "lets go"))
    return suspend(s, author, ONWARD__STANDING__LEAVING, w);
  if (words_take(w, "makes the last resort"))
    return set_last_resort(s, author, w);
  if (words_take(w, "changes its keys"))
    return rotate(s, author);
  if (words_take(w, "replaces the keys of"))
    return replace(s, author, w);
  return computer(s, author, w);
}
