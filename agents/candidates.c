/* One walk over the rows of all services: what decides is in the row, so no entry is read. */
#include "agents/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "proto/rules/rules.h"

static bool offers(const struct service *s, int code)
{
  for (size_t i = 0; i < s->code_count; i++)
    if (s->codes[i] == code)
      return true;
  return code == 0;
}

/* "km" is spoken where "km-KH" is, and the other way round: the primary subtag decides (RFC 5646, 2.2.1). */
static bool speaks(const struct service *s, const char *language)
{
  size_t size = strcspn(language, "-");
  for (size_t i = 0; i < s->language_count; i++)
    if (strcspn(s->languages[i], "-") == size && strncasecmp(s->languages[i], language, size) == 0)
      return true;
  return language[0] == 0;
}

static enum area_fit best_fit(const struct service *s, const char *wanted)
{
  enum area_fit best = wanted[0] == 0 ? AREA_COVERED : AREA_OUTSIDE;
  for (size_t i = 0; i < s->area_count; i++) {
    enum area_fit fit = area_fit(s->areas[i], wanted);
    best = fit > best ? fit : best;
  }
  return best;
}

static bool is_never(const struct wanted *w, const struct org_id *id)
{
  for (size_t i = 0; i < w->never_count; i++)
    if (org_id_equal(&w->never[i], id))
      return true;
  return false;
}

/* Of its organisation. */
static uint32_t obstacles_of(struct books *b, const struct org_id *self, const struct wanted *w, uint64_t now_ms,
                             struct candidate *c)
{
  struct organisation o;
  const struct org_id *id = &c->service.organisation;
  Onward__SkippedReason skip = rules_unable(b, id, now_ms);
  c->agreement_until_ms = books_organisation(b, id, &o) == OK ? o.agreement_until_ms : 0;
  return (org_id_equal(id, self) ? OBSTACLE_YOURSELF : 0u) | (is_never(w, id) ? OBSTACLE_NEVER : 0u) |
         (skip == ONWARD__SKIPPED_REASON__AGREEMENT_ENDED ? OBSTACLE_AGREEMENT
          : skip != ONWARD__SKIPPED_REASON__SKIPPED_NONE  ? OBSTACLE_STANDING
                                                          : 0u);
}

static void judge_service(struct books *b, const struct org_id *self, const struct wanted *w, uint64_t now_ms,
                          struct candidate *c)
{
  const struct service *s = &c->service;
  c->capacity = s->capacity_until_ms >= now_ms ? s->capacity : 0;
  c->fit = best_fit(s, w->area);
  c->speaks = speaks(s, w->language);
  c->obstacles = obstacles_of(b, self, w, now_ms, c) | (s->assured_index == 0 ? OBSTACLE_NOT_ASSURED : 0u) |
                 (offers(s, w->code) ? 0u : OBSTACLE_CODE) |
                 (w->age_max < s->age_min || w->age_min > s->age_max ? OBSTACLE_AGE : 0u) |
                 (c->fit == AREA_OUTSIDE ? OBSTACLE_AREA : 0u) |
                 (w->priority != 0 && (s->priorities >> w->priority & 1) == 0 ? OBSTACLE_PRIORITY : 0u) |
                 (c->capacity == ONWARD__CAPACITY_STATUS__FULL ? OBSTACLE_FULL : 0u);
}

/* Places are free, nothing is known, it must be looked into, one waits. */
static int capacity_rank(uint8_t capacity)
{
  switch (capacity) {
  case ONWARD__CAPACITY_STATUS__HAS:
    return 0;
  case ONWARD__CAPACITY_STATUS__NEEDS_ASSESSMENT:
    return 2;
  case ONWARD__CAPACITY_STATUS__WAITLIST:
    return 3;
  case ONWARD__CAPACITY_STATUS__FULL:
    return 4;
  default:
    return 1;
  }
}

static int seen_rank(const struct seen_one *s)
{
  return !s->known ? 1 : s->now ? 0 : s->days < SEEN_LATELY_DAYS ? 1 : 2;
}

/* The order, reason by reason; what is equal in all goes by when it was said to have places, then by name. */
static int compare(const void *left, const void *right)
{
  const struct candidate *l = left, *r = right;
  int order[] = {
      __builtin_popcount(l->obstacles) - __builtin_popcount(r->obstacles),
      (r->obstacles == OBSTACLE_FULL) - (l->obstacles == OBSTACLE_FULL), /* it may have a place tomorrow */
      (int)r->fit - (int)l->fit,
      r->speaks - l->speaks,
      (seen_rank(&l->seen) == 2) - (seen_rank(&r->seen) == 2),
      capacity_rank(l->capacity) - capacity_rank(r->capacity),
      seen_rank(&l->seen) - seen_rank(&r->seen),
      (l->service.capacity_ms < r->service.capacity_ms) - (l->service.capacity_ms > r->service.capacity_ms),
      memcmp(l->service.organisation.text, r->service.organisation.text, sizeof l->service.organisation.text),
      l->service.number - r->service.number};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    if (order[i] != 0)
      return order[i];
  return 0;
}

static bool stands_in(const struct candidate *list, size_t count, const struct org_id *org)
{
  for (size_t i = 0; i < count; i++)
    if (org_id_equal(&list[i].service.organisation, org))
      return true;
  return false;
}

/* Into a sorted list, of which the last falls out when it is full; an organisation stands in it once. */
static void keep(struct candidate *list, size_t *count, size_t max, const struct candidate *c)
{
  size_t at = 0;
  for (size_t i = 0; i < *count; i++)
    if (org_id_equal(&list[i].service.organisation, &c->service.organisation)) {
      if (compare(&list[i], c) <= 0)
        return;
      memmove(&list[i], &list[i + 1], (--*count - i) * sizeof list[0]);
    }
  while (at < *count && compare(&list[at], c) < 0)
    at++;
  if (at == max)
    return;
  *count -= *count == max;
  memmove(&list[at + 1], &list[at], (*count - at) * sizeof list[0]);
  list[at] = *c;
  (*count)++;
}

/* Whoever fits with one service is not left out for another. */
static void drop_found(struct candidates *c)
{
  size_t kept = 0;
  for (size_t i = 0; i < c->nearest_count; i++)
    if (!stands_in(c->list, c->count, &c->nearest[i].service.organisation))
      c->nearest[kept++] = c->nearest[i];
  c->nearest_count = kept;
}

void candidates_find(struct books *b, const struct org_id *self, const struct wanted *w, uint64_t now_ms,
                     struct candidates *out)
{
  struct candidate c = {.obstacles = 0};
  memset(out, 0, sizeof *out);
  while (books_next_service(b, &c.service) == OK) {
    if (c.service.group != w->group)
      continue;
    judge_service(b, self, w, now_ms, &c);
    if (c.obstacles == 0) {
      keep(out->list, &out->count, CANDIDATES_MAX, &c);
      continue;
    }
    out->excluded_count++;
    for (unsigned bit = 0; bit < OBSTACLES; bit++)
      out->excluded_by[bit] += c.obstacles >> bit & 1;
    keep(out->nearest, &out->nearest_count, SEEN_MAX, &c);
  }
  drop_found(out);
}

static void see(struct candidate *list, size_t count, const struct seen *seen)
{
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < seen->count; k++)
      if (org_id_equal(&seen->list[k].id, &list[i].service.organisation))
        list[i].seen = seen->list[k];
}

void candidates_see(struct candidates *c, const struct seen *seen)
{
  see(c->list, c->count, seen);
  qsort(c->list, c->count, sizeof c->list[0], compare);
}

const char *obstacle_name(unsigned bit)
{
  static const char *const names[OBSTACLES] = {"yourself", "never", "standing", "agreement", "not_assured",
                                               "service",  "age",   "area",     "priority",  "full"};
  return bit < OBSTACLES ? names[bit] : "?";
}
