/* Each accepted entry on a referral notes what it proves, in the rows of the referral and of its leg. What happened
 * first counts; a step proves those before it that need a person. Exercises are left out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents/audit/report/report.h"
#include "proto/seal/hash.h"

#define ACT(name) ONWARD__CORE__ACT_##name
#define SET(measure) (1u << (measure))

static const char *const standings[] = {"answered", "back", "under_way", "vanished", NULL};
static const char *const ages[] = {"under_1_day",   "1_to_3_days",  "3_to_7_days", "7_to_30_days",
                                   "30_to_90_days", "over_90_days", NULL};
static const char *const ends[] = {"completed", "in_service", "yes", "unanswered", "back", "taken_back", NULL};
static const char *const priorities[] = {"high", "medium", "low", NULL};
static const char *const groups[] = {"not_stated", "safe", "case", "pss", "hlth", "legl", "educ", "live", "othr", NULL};
static const char *const clocks[] = {
    "receive",       "read",         "decide",       "contact",  "undelivered", "answer_info",
    "answer_cancel", "returned_act", "reseal_asked", "report",   "closing",     "erasure",
    "safety_read",   "expected",     "consent_end",  "lost_leg", NULL};

const struct shape shapes[FAMILIES] = {
    [FAMILY_REFERRALS] = {"Referrals",
                          11,
                          7,
                          {{"sent", "sent", false},
                           {"received", "received", true},
                           {"acknowledged", "read", true},
                           {"accepted", "accepted", true},
                           {"served", "served", true},
                           {"completed", "completed", true},
                           {"closed", "closed", true},
                           {"returned", "returned", true},
                           {"rerouted", "passed on", false},
                           {"open", "open", false},
                           {"overdue", "overdue", false}},
                          {{"sender", COLUMN_ORGANISATION, UINT32_MAX, NULL},
                           {"group", COLUMN_GROUP, UINT32_MAX, groups},
                           {"area", COLUMN_AREA, UINT32_MAX, NULL},
                           {"priority", COLUMN_PRIORITY, UINT32_MAX, priorities},
                           {"standing", COLUMN_NONE, SET(BEGUN), standings},
                           {"age", COLUMN_NONE, SET(UNFINISHED), ages},
                           {"end", COLUMN_NONE, SET(REROUTED), ends}}},
    [FAMILY_LEGS] = {"Legs: what each recipient was asked",
                     9,
                     1,
                     {{"leg", "asked", false},
                      {"leg_received", "received", true},
                      {"leg_acknowledged", "read", true},
                      {"leg_accepted", "accepted", true},
                      {"leg_served", "served", true},
                      {"leg_completed", "completed", true},
                      {"leg_declined", "declined", true},
                      {"leg_rerouted", "passed on", true},
                      {"leg_moved", "moved on", true}},
                     {{"recipient", COLUMN_ORGANISATION, UINT32_MAX, NULL}}},
    [FAMILY_MISSED] = {"Clocks missed, by whoever should have acted",
                       1,
                       2,
                       {{"missed", "missed", false}},
                       {{"clock", COLUMN_NONE, UINT32_MAX, clocks},
                        {"owed_by", COLUMN_ORGANISATION, UINT32_MAX, NULL}}},
    [FAMILY_DUTIES] = {"Duties to erase that are not answered",
                       2,
                       1,
                       {{"duty", "duties", false}, {"duty_overdue", "overdue", false}},
                       {{"organisation", COLUMN_ORGANISATION, UINT32_MAX, NULL}}},
    [FAMILY_PASSED_ON] = {"Passed on, from whom to whom",
                          1,
                          1,
                          {{"passed_on", "passed on", false}},
                          {{"path", COLUMN_PATH, UINT32_MAX, NULL}}},
};

bool report_failed(struct report *r, const char *what)
{
  if (r->trouble == NULL) {
    r->trouble = what;
    r->trouble_number = errno;
  }
  return false;
}

bool report_open(const struct audit_request *q, struct report *out)
{
  memset(out, 0, sizeof *out);
  out->request = q;
  out->minimum = q->report.minimum == 0 ? REPORT_MINIMUM : q->report.minimum;
  for (int f = 0; f < FAMILIES; f++) {
    if (!rows_open(sizeof(struct fact), &out->rows[f]))
      return report_failed(out, "cannot work in a temporary folder (set TMPDIR to another)");
    for (size_t d = 0; d < shapes[f].dimension_count; d++)
      for (const char *const *c = shapes[f].dimensions[d].categories; c != NULL && *c != NULL; c++)
        if (names_take(&out->categories[f][d], *c) == NULL)
          return report_failed(out, "no memory");
  }
  return true;
}

static void grid_free(struct grid *g)
{
  free(g->count);
  free(g->mark);
  free(g->median_s);
  free(g->ninth_s);
}

void report_close(struct report *r)
{
  for (int f = 0; f < FAMILIES; f++) {
    rows_close(&r->rows[f]);
    for (int d = 0; d < DIMENSIONS_MAX; d++) {
      names_free(&r->categories[f][d]);
      for (int m = 0; m < MEASURES_MAX; m++)
        grid_free(&r->grids[f][m][d]);
    }
  }
  names_free(&r->periods);
  names_free(&r->organisations);
}

/* --- categories --- */

static uint16_t category(struct report *r, struct names *n, const char *text)
{
  const struct name *name = names_take(n, text);
  if (name == NULL)
    report_failed(r, "no memory, or more than 65,000 categories");
  return name == NULL ? 0 : name->number;
}

static void org_text(const struct org_id *id, char out[NAME_SIZE])
{
  (void)snprintf(out, NAME_SIZE, ORG_FMT, id->text);
}

uint16_t report_organisation(struct report *r, struct names *dimension, const struct org_id *id)
{
  char text[NAME_SIZE];
  org_text(id, text);
  category(r, &r->organisations, text);
  return category(r, dimension, text);
}

/* "none" and "other" are no codes: those have no small letters. */
static uint16_t area_of(struct report *r, struct bytes code)
{
  char text[NAME_SIZE] = "none";
  struct names *areas = &r->categories[FAMILY_REFERRALS][AREA];
  if (areas->count >= AREAS_MAX)
    return category(r, areas, "other");
  if (code.size > 0)
    (void)snprintf(text, sizeof text, "%.*s", (int)code.size, (const char *)code.data);
  return category(r, areas, text);
}

static uint16_t period_of(struct report *r, uint64_t time_ms)
{
  char text[NAME_SIZE];
  struct tm tm = {0};
  time_t t = (time_t)(time_ms / 1000);
  if (gmtime_r(&t, &tm) == NULL)
    report_failed(r, "a time of the log is beyond every calendar");
  int year = tm.tm_year + 1900;
  if (r->request->report.period == REPORT_YEAR)
    (void)snprintf(text, sizeof text, "%04d", year);
  else if (r->request->report.period == REPORT_QUARTER)
    (void)snprintf(text, sizeof text, "%04d-Q%d", year, tm.tm_mon / 3 + 1);
  else
    (void)snprintf(text, sizeof text, "%04d-%02d", year, tm.tm_mon + 1);
  if (r->periods.count > PERIODS_MAX)
    report_failed(r, "more than 1,200 periods: choose a longer --period");
  return category(r, &r->periods, text);
}

/* --- rows --- */

struct fact *fact_add(struct report *r, enum family f, const struct fact *referral, uint64_t begin_ms)
{
  struct fact row = {.submit_index = referral->submit_index, .begin_ms = begin_ms, .period = referral->period};
  struct fact *fact = rows_add(&r->rows[f]); /* may move every row */
  if (fact == NULL)
    report_failed(r, "no room for the rows of the report (set TMPDIR to another folder)");
  else {
    row.after_s[0] = 1;
    *fact = row;
  }
  return fact;
}

static int index_compare(const void *key, const void *row)
{
  uint64_t a = *(const uint64_t *)key, b = ((const struct fact *)row)->submit_index;
  return a < b ? -1 : a > b;
}

struct fact *fact_of(const struct report *r, const struct referral *referral)
{
  const struct rows *rows = &r->rows[FAMILY_REFERRALS];
  if (rows->count == 0)
    return NULL;
  return bsearch(&referral->submit_index, rows->at, rows->count, rows->each, index_compare);
}

static struct fact *leg_of(const struct report *r, const struct fact *f)
{
  return (struct fact *)r->rows[FAMILY_LEGS].at + f->leg;
}

static void happened(struct fact *f, enum measure m, uint64_t time_ms)
{
  if (f->after_s[m] == 0)
    f->after_s[m] = 1 + (uint32_t)((time_ms - f->begin_ms) / 1000);
}

static void give_leg(struct report *r, uint64_t submit_index, ProtobufCBinaryData recipient, uint64_t time_ms)
{
  struct org_id org;
  struct fact *f = fact_of(r, &(struct referral){.submit_index = submit_index});
  struct fact *leg = f == NULL || pb_org(recipient, &org) != OK ? NULL : fact_add(r, FAMILY_LEGS, f, time_ms);
  if (leg == NULL)
    return;
  leg->category[RECIPIENT] = report_organisation(r, &r->categories[FAMILY_LEGS][RECIPIENT], &org);
  f->leg = (uint32_t)(r->rows[FAMILY_LEGS].count - 1);
}

static void note_submit(struct report *r, const struct leaf *leaf, const Onward__Submit *s, const struct org_id *sender)
{
  struct fact begun = {.submit_index = leaf->index, .period = period_of(r, leaf->time_ms)};
  struct fact *f = fact_add(r, FAMILY_REFERRALS, &begun, leaf->time_ms);
  if (f == NULL)
    return;
  f->category[SENDER] = report_organisation(r, &r->categories[FAMILY_REFERRALS][SENDER], sender);
  f->category[GROUP] = (uint16_t)(s->group - ONWARD__SERVICE_GROUP__GROUP_NOT_STATED);
  f->category[AREA] = area_of(r, pb_bytes(s->area));
  f->category[PRIORITY] = (uint16_t)(s->priority - ONWARD__PRIORITY__HIGH);
  f->category[STANDING] = VANISHED; /* until the books say where it is */
  give_leg(r, leaf->index, s->recipients[0], leaf->time_ms);
}

/* What a recipient's act proves. */
static uint32_t steps_of(const struct event *e, bool by_sender)
{
  switch (e->act) {
  case ACT(RECEIVE):
    return SET(RECEIVED);
  case ACT(ACKNOWLEDGE):
    return by_sender ? 0 : SET(ACKNOWLEDGED);
  case ACT(REQUEST_INFO):
  case ACT(WAITLIST):
  case ACT(DECLINE):
  case ACT(REROUTE):
    return SET(ACKNOWLEDGED);
  case ACT(ACCEPT):
    return SET(ACKNOWLEDGED) | SET(ACCEPTED);
  case ACT(START):
    return SET(ACKNOWLEDGED) | SET(ACCEPTED) | SET(SERVED);
  case ACT(COMPLETE):
    return SET(COMPLETED) | (e->core->complete->outcome == ONWARD__OUTCOME_CLASS__NOT_SERVED ? 0 : SET(SERVED));
  default:
    return 0;
  }
}

static void note_steps(struct report *r, struct fact *f, const struct leaf *leaf, const struct event *e, bool by_sender)
{
  uint32_t steps = steps_of(e, by_sender);
  for (enum measure m = BEGUN; steps >> m != 0; m++)
    if ((steps >> m & 1) != 0) {
      happened(f, m, leaf->time_ms);
      happened(leg_of(r, f), m, leaf->time_ms);
    }
}

static void note_passed_on(struct report *r, const struct fact *f, const struct leaf *leaf, const struct org_id *from,
                           ProtobufCBinaryData target)
{
  char text[NAME_SIZE];
  struct org_id to;
  struct fact *row = pb_org(target, &to) == OK ? fact_add(r, FAMILY_PASSED_ON, f, leaf->time_ms) : NULL;
  struct names *paths = &r->categories[FAMILY_PASSED_ON][PATH];
  if (row == NULL)
    return;
  (void)snprintf(text, sizeof text, ORG_FMT ">" ORG_FMT, from->text, to.text);
  row->category[PATH] = category(r, paths, text);
}

/* Only the first time that a run of a clock is said to be overdue: what is said again is the same one. */
static void note_missed(struct report *r, const struct fact *f, const struct leaf *leaf, const Onward__Overdue *o,
                        struct referral *referral)
{
  struct org_id org;
  if (pb_org(o->organisation, &org) != OK)
    return;
  const struct party *p = referral_party(referral, &org);
  bool duty = o->clock == ONWARD__CLOCK__ERASURE;
  if ((duty ? (p == NULL ? 0 : p->duty_told) : referral->clock_told[o->clock - 1]) != 1)
    return;
  struct fact *row = fact_add(r, FAMILY_MISSED, f, leaf->time_ms);
  if (row == NULL)
    return;
  row->category[CLOCK] = (uint16_t)(o->clock - 1);
  row->category[OWED_BY] = report_organisation(r, &r->categories[FAMILY_MISSED][OWED_BY], &org);
}

/* How a leg ended, other than by what its recipient did for the child. */
static void note_leg_end(struct fact *leg, const struct leaf *leaf, const struct event *e, const struct referral *r)
{
  bool moves =
      e->act == ACT(NEXT) || e->act == ACT(UNDELIVERABLE) || e->act == ACT(LEG_LOST) ||
      (e->act == ACT(REFUSE_OPEN) && e->core->refuse_open->reason == ONWARD__REFUSE_OPEN_REASON__UNKNOWN_SCHEMA);
  if (r->state == STATE_CANCELLED)
    return;
  if (e->act == ACT(DECLINE))
    happened(leg, DECLINED, leaf->time_ms);
  if (e->act == ACT(REROUTE))
    happened(leg, PASSED_ON, leaf->time_ms);
  if (moves)
    happened(leg, MOVED, leaf->time_ms);
}

/* The next entry behind a submit, where its first recipient could not be given the case: it was not asked. */
static void note_passed_over(struct report *r, struct fact *f, const struct leaf *leaf, const struct event *e)
{
  struct org_id org;
  struct fact *leg = leg_of(r, f);
  if (e->act == ACT(RETURNED)) {
    leg->after_s[BEGUN] = 0;
  } else if (pb_org(e->core->leg_opened->recipient, &org) == OK) {
    leg->begin_ms = leaf->time_ms;
    leg->category[RECIPIENT] = report_organisation(r, &r->categories[FAMILY_LEGS][RECIPIENT], &org);
  }
}

static void note_act(struct report *r, struct fact *f, const struct leaf *leaf, const struct event *e,
                     struct referral *referral, const struct org_id *author)
{
  bool gives = e->act == ACT(LEG_OPENED) || e->act == ACT(RETURNED);
  if (gives && leaf->index == referral->submit_index + 1)
    note_passed_over(r, f, leaf, e);
  else if (e->act == ACT(LEG_OPENED))
    give_leg(r, referral->submit_index, e->core->leg_opened->recipient, leaf->time_ms);
  note_steps(r, f, leaf, e, org_id_equal(author, &referral->sender));
  note_leg_end(leg_of(r, f), leaf, e, referral);
  if (e->act == ACT(CLOSE) || e->act == ACT(CLOSE_BY_CLOCK))
    happened(f, CLOSED, leaf->time_ms);
  if (e->act == ACT(RETURNED))
    happened(f, RETURNED, leaf->time_ms);
  if (e->act == ACT(OVERDUE))
    note_missed(r, f, leaf, e->core->overdue, referral);
  if (e->act == ACT(REROUTE)) {
    happened(f, REROUTED, leaf->time_ms);
    note_passed_on(r, f, leaf, author, e->core->reroute->target);
  }
}

/* Who holds the whole log can work the letters out again; who holds a part of it cannot. */
static void mix_nonce(struct report *r, const struct event *e)
{
  uint8_t both[sizeof(struct hash) + NONCE_SIZE];
  must(e->core->nonce.len == NONCE_SIZE);
  memcpy(both, r->letters.byte, sizeof r->letters.byte);
  memcpy(both + sizeof r->letters.byte, e->core->nonce.data, NONCE_SIZE);
  r->letters = sha256(BYTES(both));
}

void report_entry(void *report, const struct leaf *leaf, const struct event *e, struct books *books)
{
  struct report *r = report;
  struct referral referral;
  struct org_id author;
  mix_nonce(r, e);
  if (r->trouble != NULL || leaf->verdict != ONWARD__VERDICT__ACCEPTED || e->core->referral_id.len == 0 ||
      books_referral(books, &e->referral, &referral) != OK)
    return;
  leaf_author(leaf, &author);
  if (referral.drill != 0)
    r->drills += e->act == ACT(SUBMIT);
  else if (e->act == ACT(SUBMIT))
    note_submit(r, leaf, e->core->submit, &author);
  else if (fact_of(r, &referral) != NULL)
    note_act(r, fact_of(r, &referral), leaf, e, &referral, &author);
}
