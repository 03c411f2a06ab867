/* The directory: what organisations say of their services, and registrars of that. A description that changes is no
 * longer the one that was assured. Free places outlive a change of the description, not the service. */
#include <string.h>

#include "proto/ledger/change.h"

static void copy_text(char *out, size_t max, ProtobufCBinaryData text)
{
  must(text.len <= max);
  memcpy(out, text.data, text.len);
}

static void describe(struct service *s, const Onward__SetService *d)
{
  s->group = (uint8_t)d->group;
  s->age_min = (uint8_t)d->age_min;
  s->age_max = (uint8_t)d->age_max;
  s->code_count = (uint8_t)d->n_codes;
  s->language_count = (uint8_t)d->n_languages;
  s->area_count = (uint8_t)d->n_areas;
  for (size_t i = 0; i < d->n_priorities; i++)
    s->priorities |= (uint8_t)(1u << d->priorities[i]);
  for (size_t i = 0; i < d->n_codes; i++)
    s->codes[i] = (uint16_t)d->codes[i];
  for (size_t i = 0; i < d->n_languages; i++)
    copy_text(s->languages[i], LANGUAGE_SIZE_MAX, d->languages[i]);
  for (size_t i = 0; i < d->n_areas; i++) {
    s->schemes[i] = (uint8_t)d->areas[i]->scheme;
    copy_text(s->areas[i], AREA_SIZE_MAX, d->areas[i]->code);
  }
}

static void keep_capacity(struct service *s, const struct service *before)
{
  s->capacity_index = before->capacity_index;
  s->capacity_ms = before->capacity_ms;
  s->capacity_until_ms = before->capacity_until_ms;
  s->capacity = before->capacity;
  s->available = before->available;
  s->maximum = before->maximum;
}

static void set_service(struct books *b, const struct leaf *leaf, const Onward__SetService *d)
{
  struct org_id author;
  struct service before, s = {.index = leaf->index, .since_ms = leaf->time_ms, .number = (uint8_t)d->number};
  leaf_author(leaf, &author);
  s.organisation = author;
  if (books_service(b, &author, s.number, &before) == OK)
    keep_capacity(&s, &before);
  describe(&s, d);
  books_put_service(b, &s);
}

static void forget_capacity(struct books *b, const struct service *s)
{
  if (s->capacity_index != 0)
    row_del(b, TABLE_CAPACITIES, key_of_index(s->capacity_index));
}

static void end_service(struct books *b, const struct org_id *author, uint8_t number)
{
  struct service s;
  if (books_service(b, author, number, &s) != OK)
    return;
  forget_capacity(b, &s);
  row_del(b, TABLE_SERVICES, key_of_service(author, number));
}

static void assure(struct books *b, const struct leaf *leaf, const Onward__AssureService *a)
{
  struct org_id id;
  struct service s;
  must(pb_org(a->organisation, &id) == OK);
  if (books_service(b, &id, (uint8_t)a->number, &s) != OK)
    return;
  s.assured_index = a->service_index == 0 ? 0 : leaf->index;
  s.assured_ms = a->service_index == 0 ? 0 : leaf->time_ms;
  books_put_service(b, &s);
}

static void set_duty(struct books *b, const struct org_id *author, uint64_t index)
{
  struct organisation o;
  if (books_organisation(b, author, &o) != OK)
    return;
  o.duty_index = index;
  books_put_organisation(b, &o);
}

/* An agent may be told of capacities out of their order: the newest counts. */
static void set_capacity(struct books *b, const struct leaf *leaf, const struct org_id *author,
                         const Onward__SetCapacity *c)
{
  struct service s;
  if (books_service(b, author, (uint8_t)c->number, &s) != OK || s.capacity_index >= leaf->index)
    return;
  forget_capacity(b, &s);
  s.capacity_index = leaf->index;
  s.capacity_ms = leaf->time_ms;
  s.capacity_until_ms = c->valid_until_ms;
  s.capacity = (uint8_t)c->status;
  s.available = c->available;
  s.maximum = c->maximum;
  row_put(b, TABLE_CAPACITIES, key_of_index(leaf->index), NULL, 0);
  books_put_service(b, &s);
}

/* Everybody must have the whole chain: nobody makes it grow without end. Registrars may: a network begins with
 * thousands of services to be assured. */
static void count_act(struct books *b, const struct org_id *author, uint64_t time_ms)
{
  struct organisation o;
  if (books_organisation(b, author, &o) != OK)
    return;
  uint32_t day = (uint32_t)(time_ms / 86400000);
  o.acts_count = o.acts_day == day ? o.acts_count + 1 : 1;
  o.acts_day = day;
  books_put_organisation(b, &o);
}

void change_directory(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct org_id author;
  leaf_author(leaf, &author);
  if (act_is_registry(e->act) && e->act != ONWARD__CORE__ACT_ASSURE_SERVICE)
    count_act(b, &author, leaf->time_ms);
  switch (e->act) {
  case ONWARD__CORE__ACT_SET_SERVICE:
    set_service(b, leaf, e->core->set_service);
    break;
  case ONWARD__CORE__ACT_END_SERVICE:
    end_service(b, &author, (uint8_t)e->core->end_service->number);
    break;
  case ONWARD__CORE__ACT_ASSURE_SERVICE:
    assure(b, leaf, e->core->assure_service);
    break;
  case ONWARD__CORE__ACT_SET_DUTY:
    set_duty(b, &author, leaf->index);
    break;
  case ONWARD__CORE__ACT_SET_CAPACITY:
    set_capacity(b, leaf, &author, e->core->set_capacity);
    break;
  default:
    break;
  }
}
