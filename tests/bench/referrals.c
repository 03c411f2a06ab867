/* Where nonce and id stand in a packed event is found once: they are random, so their bytes occur nowhere else. */
#include "tests/bench/referrals.h"

#include <stdlib.h>
#include <string.h>

#include "agents/agent.h"
#include "agents/compose.h"
#include "tests/bench/measure.h"

enum { ITEM_ROOM = 32768, CONTENT_SIZE = SEALED_SIZE - HPKE_OVERHEAD - 4 };

struct submit {
  struct event event;
  struct bytes body;
  size_t nonce_at, id_at;
};

struct stock {
  const struct self *self;
  const struct office *recipient;
  struct arena arena;
  size_t count, next;
  double seal_us;
  uint8_t again[EVENT_SIZE_MAX];
  struct submit submits[];
};

static size_t place_of(struct bytes in, struct bytes what)
{
  const uint8_t *found = memmem(in.data, in.size, what.data, what.size);
  must(found != NULL);
  return (size_t)(found - in.data);
}

static void seal(struct stock *s, struct books *b, struct bytes content, struct submit *out)
{
  Onward__Submit submit = ONWARD__SUBMIT__INIT;
  struct complaint why;
  struct composed c;
  struct ref_id id = ref_id_new(now_ms());
  Onward__Core *core = core_new(&id, &s->arena);
  ProtobufCBinaryData list[] = {pb_data(org_id_text(&s->recipient->id))};
  const struct part part = {s->recipient->id, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY, content};
  must(core != NULL);
  submit.n_recipients = submit.n_scope = 1;
  submit.recipients = submit.scope = list;
  submit.group = ONWARD__SERVICE_GROUP__PSS;
  submit.priority = ONWARD__PRIORITY__HIGH;
  submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  submit.schema = SCHEMA_VERSION;
  submit.taxonomy = TAXONOMY_VERSION;
  core->act_case = ONWARD__CORE__ACT_SUBMIT;
  core->submit = &submit;
  if (compose(b, s->self, core, &part, 1, &s->arena, &why, &c) != OK)
    bench_fail("a submit cannot be made: %s", why.text);
  must(c.bodies.size == SEALED_SIZE);
  *out = (struct submit){c.event, c.bodies, place_of(c.event.bytes, pb_bytes(core->nonce)),
                         place_of(c.event.bytes, BYTES(id.byte))};
}

struct stock *stock_make(struct exchange *x, const struct self *sender, const struct office *recipient, size_t count)
{
  uint8_t content[CONTENT_SIZE];
  struct stock *s = calloc(1, sizeof *s + count * sizeof s->submits[0]);
  must(s != NULL && random_bytes(content, sizeof content) == OK);
  s->self = sender;
  s->recipient = recipient;
  s->count = count;
  s->arena = arena_of(malloc(count * ITEM_ROOM), count * ITEM_ROOM);
  must(s->arena.memory != NULL);
  uint64_t begin = now_ns();
  for (size_t i = 0; i < count; i++)
    seal(s, &x->registry.books, BYTES(content), &s->submits[i]);
  s->seal_us = (double)(now_ns() - begin) / 1000 / (double)count;
  return s;
}

void stock_next(struct stock *s, struct event *e, struct bytes *bodies)
{
  const struct submit *submit = &s->submits[s->next % s->count];
  *e = submit->event;
  *bodies = submit->body;
  if (s->next++ < s->count)
    return;
  e->referral = ref_id_new(now_ms());
  memcpy(s->again, e->bytes.data, e->bytes.size);
  must(random_bytes(s->again + submit->nonce_at, NONCE_SIZE) == OK);
  memcpy(s->again + submit->id_at, e->referral.byte, sizeof e->referral.byte);
  e->bytes.data = s->again;
}

void stock_open(struct stock *s, double *seal_us, double *open_us)
{
  uint8_t info[SEAL_INFO_SIZE], plain[SEALED_SIZE];
  const struct key_folder *keys = &s->recipient->keys;
  struct bytes content;
  uint64_t begin = now_ns();
  for (size_t i = 0; i < s->count; i++) {
    const struct submit *submit = &s->submits[i];
    seal_info(&s->self->network, &s->self->id, &s->recipient->id, keys->seal_id[0], 0, info);
    if (hpke_open(keys->seal[0], BYTES(info), submit->event.core_bytes, submit->body, plain) != OK ||
        unpad(bytes_of(plain, SEALED_SIZE - HPKE_OVERHEAD), &content) != OK || content.size != CONTENT_SIZE)
      bench_fail("a body does not open");
  }
  *open_us = (double)(now_ns() - begin) / 1000 / (double)s->count;
  *seal_us = s->seal_us;
}

void stock_free(struct stock *s)
{
  free(s->arena.memory);
  free(s);
}
