/* What stands behind an arrow, held against the books. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/scenario.h"

#define FOUND_MAX 64 /* names in one list */

/* Names found in the books, and those that the transcript expects: compared in any order. */
struct names {
  size_t count;
  char name[FOUND_MAX][2 * NAME_SIZE];
};

static void names_add(struct names *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void names_add(struct names *n, const char *format, ...)
{
  va_list list;
  must(n->count < FOUND_MAX);
  va_start(list, format);
  vsnprintf(n->name[n->count++], sizeof n->name[0], format, list);
  va_end(list);
}

static int compare(const void *a, const void *b)
{
  return strcmp(a, b);
}

static void names_print(struct names *n, char *text, size_t size)
{
  size_t at = 0;
  qsort(n->name, n->count, sizeof n->name[0], compare);
  snprintf(text, size, "nothing");
  for (size_t i = 0; i < n->count && at < size; i++)
    at += (size_t)snprintf(text + at, size - at, "%s%s", i == 0 ? "" : ", ", n->name[i]);
}

/* "a, b, c", or "nothing". */
static enum status expect_names(struct scenario *s, struct words *w, struct names *found)
{
  struct names expected = {.count = 0};
  char want[1024], have[1024];
  const char *at = w->at;
  bool nothing = words_take(w, "nothing") || words_take(w, "nobody");
  while (!nothing && *at != 0) {
    size_t length = strcspn(at, ",");
    names_add(&expected, "%.*s", (int)length, at);
    at += length + strspn(at + length, ", ");
  }
  names_print(&expected, want, sizeof want);
  names_print(found, have, sizeof have);
  w->at = "";
  return strcmp(want, have) == 0 ? OK : complain(&s->why, "it is: %s", have);
}

static const char *name_of(const struct scenario *s, const struct ref_id *id)
{
  for (size_t i = 0; i < s->referral_count; i++)
    if (ref_id_equal(&s->referrals[i].id, id))
      return s->referrals[i].name;
  return "an entry";
}

static const char *part_name(Onward__Part part)
{
  return part == ONWARD__PART__BRIEF ? "brief" : part == ONWARD__PART__FILE ? "file" : "note";
}

static void add_body(struct scenario *s, struct names *n, uint64_t index, uint8_t slot)
{
  struct leaf leaf;
  struct event e;
  must(books_event(scenario_books(s), index, &s->world.arena, &leaf, &e) == OK && slot < e.outer->n_sealed);
  const Onward__Sealed *sealed = e.outer->sealed[slot];
  names_add(n, "%.*s %s", (int)sealed->recipient.len, (const char *)sealed->recipient.data, part_name(sealed->part));
}

/* Every row of the table of bodies that must exist; each of them does, with the right hash. */
static enum status find_held(struct scenario *s, struct names *n)
{
  uint8_t from[10] = {0};
  size_t from_size = 0;
  struct bytes key, value, body;
  struct books *b = scenario_books(s);
  while (b->seek(b, TABLE_HELD, bytes_of(from, from_size), &key, &value) == OK) {
    memcpy(from, key.data, 9);
    from_size = 10; /* one zero more: the next key */
    struct reader r = reader_of(bytes_of(from, 9));
    uint64_t index = read_u64(&r);
    add_body(s, n, index, read_u8(&r));
    if (b->get(b, TABLE_BODIES, bytes_of(from, 9), &body) != OK)
      return complain(&s->why, "a body that must exist is gone");
  }
  return OK;
}

/* Bodies handed over with the rows of the mailboxes since the last line: `only` to one, or to all. */
static void find_handed_over(struct scenario *s, struct names *n)
{
  struct books *b = scenario_books(s);
  for (size_t i = 0; i < s->world.member_count; i++) {
    const struct member *m = &s->world.members[i];
    uint64_t index = s->since;
    for (; (!s->reading || m == s->author) && books_mail(b, &m->id, index, &index) == OK; index++) {
      struct leaf leaf;
      struct event e;
      struct body_name bodies[2];
      must(books_event(b, index, &s->world.arena, &leaf, &e) == OK);
      size_t count = leaf.verdict == ONWARD__VERDICT__ACCEPTED ? ledger_bodies(b, &m->id, index, &e, bodies) : 0;
      for (size_t k = 0; k < count; k++)
        add_body(s, n, bodies[k].index, bodies[k].slot);
    }
  }
}

static void find_told(struct scenario *s, struct names *n)
{
  for (size_t i = 0; i < s->world.member_count; i++) {
    uint64_t index;
    const struct member *m = &s->world.members[i];
    if (m != s->author && books_mail(scenario_books(s), &m->id, s->since, &index) == OK)
      names_add(n, "%.16s", m->id.text);
  }
}

/* Those whom the broker's entries since the last line name as passed over. */
static void find_passed_over(struct scenario *s, struct names *n)
{
  for (uint64_t i = s->since; i < scenario_size(s); i++) {
    struct leaf leaf;
    struct event e;
    must(books_event(scenario_books(s), i, &s->world.arena, &leaf, &e) == OK);
    bool opened = e.act == ONWARD__CORE__ACT_LEG_OPENED, back = e.act == ONWARD__CORE__ACT_RETURNED;
    size_t count = opened ? e.core->leg_opened->n_skipped : back ? e.core->returned->n_skipped : 0;
    for (size_t k = 0; k < count; k++) {
      const Onward__Skipped *one = opened ? e.core->leg_opened->skipped[k] : e.core->returned->skipped[k];
      char reason[NAME_SIZE];
      code_words(&onward__skipped_reason__descriptor, (int)one->reason, reason);
      names_add(n, "%.*s %s", (int)one->organisation.len, (const char *)one->organisation.data, reason);
    }
  }
}

/* "overdue: aple read, police returned act": who should have done what, in the clock's word. */
static void find_overdue(struct scenario *s, struct names *n)
{
  for (uint64_t i = s->since; i < scenario_size(s); i++) {
    struct leaf leaf;
    struct event e;
    must(books_event(scenario_books(s), i, &s->world.arena, &leaf, &e) == OK);
    if (e.act != ONWARD__CORE__ACT_OVERDUE)
      continue;
    const Onward__Overdue *o = e.core->overdue;
    char clock[NAME_SIZE];
    code_words(&onward__clock__descriptor, (int)o->clock, clock);
    names_add(n, "%.*s %s", (int)o->organisation.len, (const char *)o->organisation.data, clock);
  }
}

/* "unattended: aple 3 items 52 h": what the organisation of last resort is told, if there is one. */
static void find_unattended(struct scenario *s, struct names *n)
{
  for (uint64_t i = s->since; i < scenario_size(s); i++) {
    struct leaf leaf;
    struct event e;
    must(books_event(scenario_books(s), i, &s->world.arena, &leaf, &e) == OK);
    if (e.act != ONWARD__CORE__ACT_UNATTENDED)
      continue;
    const Onward__Unattended *u = e.core->unattended;
    names_add(n, "%.*s %u item%s %u h", (int)u->organisation.len, (const char *)u->organisation.data, u->count,
              u->count == 1 ? "" : "s", u->oldest_h);
  }
}

static enum status expect_returned(struct scenario *s, struct words *w)
{
  char have[NAME_SIZE] = "not returned";
  for (uint64_t i = s->since; i < scenario_size(s); i++) {
    struct leaf leaf;
    struct event e;
    must(books_event(scenario_books(s), i, &s->world.arena, &leaf, &e) == OK);
    if (e.act == ONWARD__CORE__ACT_RETURNED)
      code_words(&onward__returned_reason__descriptor, (int)e.core->returned->reason, have);
  }
  return words_take(w, have) ? OK : complain(&s->why, "it is: %s", have);
}

/* "K1 is received with a21, cancel open": state, present recipient, flag. */
static enum status expect_state(struct scenario *s, const struct ref_id *id, struct words *w)
{
  struct referral r;
  static const char *const flags[] = {", info open", ", cancel open", ", safety unread",
                                      ", safety unread by the sender"};
  char have[160];
  if (books_referral(scenario_books(s), id, &r) != OK)
    return words_take(w, "unknown") ? OK : complain(&s->why, "there is no such referral");
  int size = snprintf(have, sizeof have, "%s", state_name(r.state));
  if (r.present != PARTY_NONE)
    size += snprintf(have + size, sizeof have - (size_t)size, " with %.16s", r.parties[r.present].org.text);
  for (int i = 0; i < 4; i++)
    if ((r.flags >> i & 1) != 0)
      size += snprintf(have + size, sizeof have - (size_t)size, "%s", flags[i]);
  if (strcmp(w->at, have) != 0)
    return complain(&s->why, "it is %s", have);
  w->at = "";
  return OK;
}

/* "leg 3 of K1 with a21, 1 hop" */
static enum status expect_leg(struct scenario *s, struct words *w)
{
  struct referral r;
  char have[100];
  uint64_t leg = words_number(w);
  const struct ref_id *id = words_take(w, "of") ? scenario_referral(s, w) : NULL;
  if (id == NULL || books_referral(scenario_books(s), id, &r) != OK)
    return complain(&s->why, "expected: leg <number> of <referral> with <organisation>");
  snprintf(have, sizeof have, "with %.16s%s", r.present == PARTY_NONE ? "nobody" : r.parties[r.present].org.text,
           r.hops == 0   ? ""
           : r.hops == 1 ? ", 1 hop"
                         : ", more hops");
  if (r.leg != leg || strcmp(w->at, have) != 0)
    return complain(&s->why, "it is leg %u %s", r.leg, have);
  w->at = "";
  return OK;
}

/* "K1 is to be erased by aple, a21": who owes an answer. */
static enum status expect_duties(struct scenario *s, const struct ref_id *id, struct words *w)
{
  struct referral r;
  struct names found = {.count = 0};
  if (books_referral(scenario_books(s), id, &r) != OK)
    return complain(&s->why, "there is no such referral");
  for (int i = 0; i < r.party_count; i++)
    if ((r.parties[i].marks & PARTY_DUTY) != 0)
      names_add(&found, "%.16s", r.parties[i].org.text);
  return expect_names(s, w, &found);
}

/* What the author's own computer did not know of: its entries behind the number that it had. */
static void find_read_back(struct scenario *s, struct names *n)
{
  struct books *b = scenario_books(s);
  for (uint64_t index = 0; books_mail(b, &s->author->id, index, &index) == OK; index++) {
    struct leaf leaf;
    struct event e;
    struct batch_header h;
    must(books_event(b, index, &s->world.arena, &leaf, &e) == OK);
    if (leaf.origin == ORIGIN_ORGANISATION && batch_header_read(leaf.header, &h) == OK && h.sequence > s->back_from &&
        org_id_equal(&h.organisation, &s->author->id))
      names_add(n, "%s %s", name_of(s, &e.referral), act_name(e.act));
  }
}

static void find_exercises(struct scenario *s, struct names *n)
{
  for (size_t i = 0; i < s->referral_count; i++) {
    struct referral r;
    struct leaf leaf;
    struct event e;
    struct books *b = scenario_books(s);
    if (books_referral(b, &s->referrals[i].id, &r) != OK)
      continue;
    must(books_event(b, r.submit_index, &s->world.arena, &leaf, &e) == OK);
    if (e.core->submit->drill)
      names_add(n, "%s", s->referrals[i].name);
  }
}

/* "K1 nowhere names hope": in none of its entries, refused ones included. */
static enum status expect_nowhere(struct scenario *s, const struct ref_id *id, struct words *w)
{
  const struct member *m = scenario_member(s, w);
  struct books *b = scenario_books(s);
  if (m == NULL)
    return complain(&s->why, "expected an organisation");
  struct bytes name = org_id_text(&m->id);
  for (uint64_t i = 0, size = scenario_size(s); i < size; i++) {
    struct leaf leaf;
    struct event e;
    must(books_event(b, i, &s->world.arena, &leaf, &e) == OK);
    if (ref_id_equal(&e.referral, id) && memmem(leaf.event.data, leaf.event.size, name.data, name.size) != NULL)
      return complain(&s->why, "it stands in the entry %s", act_name(e.act));
  }
  return OK;
}

static enum status expect_list(struct scenario *s, struct words *w)
{
  struct names found = {.count = 0};
  enum status status = OK;
  if (words_take(w, "told:"))
    find_told(s, &found);
  else if (words_take(w, "held:"))
    status = find_held(s, &found);
  else if (words_take(w, "handed over:"))
    find_handed_over(s, &found);
  else if (words_take(w, "overdue:"))
    find_overdue(s, &found);
  else if (words_take(w, "unattended:"))
    find_unattended(s, &found);
  else if (words_take(w, "read back:"))
    find_read_back(s, &found);
  else if (words_take(w, "exercises:"))
    find_exercises(s, &found);
  else if (words_take(w, "passed over:"))
    find_passed_over(s, &found);
  else
    return complain(&s->why, "not something that can be expected (README.md)");
  return status == OK ? expect_names(s, w, &found) : status;
}

enum status scenario_expect(struct scenario *s, struct words *w)
{
  if (words_take(w, "leg"))
    return expect_leg(s, w);
  if (words_take(w, "returned because"))
    return expect_returned(s, w);
  const struct ref_id *id = scenario_referral(s, w);
  if (id != NULL)
    return words_take(w, "is to be erased by") ? expect_duties(s, id, w)
           : words_take(w, "nowhere names")    ? expect_nowhere(s, id, w)
           : words_take(w, "is")               ? expect_state(s, id, w)
                                               : complain(&s->why, "expected: is <state>");
  return expect_list(s, w);
}
