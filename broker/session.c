/* Two plain lists. A network has hundreds of organisations: walking them costs less than one signature. */
#include "broker/session.h"

#include <stdlib.h>
#include <string.h>

enum status sessions_init(struct sessions *s, const struct config *c)
{
  memset(s, 0, sizeof *s);
  s->config = c;
  s->max = c->sessions_max;
  s->meter_max = 2 * c->sessions_max;
  s->list = calloc(s->max, sizeof s->list[0]);
  s->meters = calloc(s->meter_max, sizeof s->meters[0]);
  return s->list == NULL || s->meters == NULL ? OUR_FAULT : OK;
}

void sessions_fini(struct sessions *s)
{
  free(s->list);
  free(s->meters);
}

struct session *sessions_find(struct sessions *s, const struct routing *r)
{
  for (size_t i = 0; i < s->max; i++)
    if (s->list[i].used && s->list[i].to.size == r->size && memcmp(s->list[i].to.id, r->id, r->size) == 0)
      return &s->list[i];
  return NULL;
}

struct session *sessions_of(struct sessions *s, const struct org_id *organisation)
{
  for (size_t i = 0; i < s->max; i++)
    if (s->list[i].used && !s->list[i].leaving && org_id_equal(&s->list[i].organisation, organisation))
      return &s->list[i];
  return NULL;
}

struct session *sessions_add(struct sessions *s, const struct routing *r)
{
  for (size_t i = 0; i < s->max; i++)
    if (!s->list[i].used) {
      s->list[i] = (struct session){.used = true, .to = *r};
      return &s->list[i];
    }
  return NULL;
}

void sessions_remove(struct session *one)
{
  one->used = false;
}

const struct meter *sessions_meter_known(const struct sessions *s, const struct org_id *organisation)
{
  for (size_t i = 0; i < s->meter_count; i++)
    if (org_id_equal(&s->meters[i].organisation, organisation))
      return &s->meters[i];
  return NULL;
}

struct meter *sessions_meter(struct sessions *s, const struct org_id *organisation)
{
  const struct meter *known = sessions_meter_known(s, organisation);
  if (known != NULL)
    return &s->meters[known - s->meters];
  if (s->meters == NULL || s->meter_count == s->meter_max)
    return NULL;
  struct meter *m = &s->meters[s->meter_count++];
  m->organisation = *organisation;
  return m;
}

bool share_left(struct share *s, const struct config *c, uint64_t turn)
{
  if (s->turn != turn)
    *s = (struct share){.turn = turn};
  return s->messages < c->share_messages && s->events < c->share_events && s->bytes < c->share_bytes;
}

bool bucket_take(struct bucket *b, double amount, uint64_t max, uint64_t period_ms, uint64_t now_ms)
{
  double full = (double)max;
  if (b->filled_ms == 0)
    b->level = full;
  else if (now_ms > b->filled_ms)
    b->level += full * (double)(now_ms - b->filled_ms) / (double)period_ms;
  b->filled_ms = now_ms;
  if (b->level > full)
    b->level = full;
  if (b->level < amount || b->level < 1)
    return false;
  b->level -= amount;
  return true;
}
