/* Organisations and their keys. A key is valid by log position: from the entry behind the one that brought it. */
#include <string.h>

#include "proto/ledger/change.h"

static void keys_of(const Onward__Request *r, struct keys *out)
{
  memset(out, 0, sizeof *out);
  memcpy(out->link, r->link_key.data, sizeof out->link);
  memcpy(out->sign, r->sign_key.data, sizeof out->sign);
  memcpy(out->seal, r->seal_key.data, sizeof out->seal);
  key_id_of(BYTES(out->seal), out->seal_id);
}

/* From now on nobody else can have these keys. */
static void own_keys(struct books *b, const struct org_id *id, const struct keys *k)
{
  b->put(b, TABLE_KEY_OWNERS, BYTES(k->link), org_id_bytes(id));
  b->put(b, TABLE_KEY_OWNERS, BYTES(k->sign), org_id_bytes(id));
  b->put(b, TABLE_KEY_OWNERS, BYTES(k->seal), org_id_bytes(id));
}

static void put_keys(struct books *b, struct organisation *o, const Onward__Request *request, uint64_t index)
{
  keys_of(request, &o->keys);
  o->keys_index = index;
  o->pending_index = o->pending_due_ms = o->duty_index = 0;
  row_put(b, TABLE_KEYS, key_of_org_index(&o->id, ~(index + 1)), &o->keys, sizeof o->keys);
  own_keys(b, &o->id, &o->keys);
}

/* A request inside an accepted entry was checked before; unpacking it again needs little room. */
static Onward__Request *request_of(ProtobufCBinaryData packed, struct arena *a)
{
  Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(packed), a);
  must(r != NULL);
  return r;
}

/* Sets or (due_ms = 0) clears the replacement that waits. */
static void set_pending(struct books *b, const struct org_id *id, uint64_t index, uint64_t due_ms)
{
  struct organisation o;
  if (books_organisation(b, id, &o) != OK)
    return;
  if (o.pending_due_ms != 0)
    clock_del(b, o.pending_due_ms, CLOCK_OF_KEYS, org_id_bytes(id));
  o.pending_index = index;
  o.pending_due_ms = due_ms;
  if (due_ms != 0)
    clock_put(b, due_ms, CLOCK_OF_KEYS, org_id_bytes(id));
  books_put_organisation(b, &o);
}

static void enrol(struct books *b, const Onward__Enrol *enrol, uint64_t index, bool registrar)
{
  uint8_t memory[8192];
  struct arena a = arena_of(memory, sizeof memory);
  const Onward__Request *request = request_of(enrol->request, &a);
  struct org_id id;
  must(pb_org(request->organisation, &id) == OK);
  struct organisation o;
  if (books_organisation(b, &id, &o) != OK)
    o.registrar = registrar;
  else if (o.standing == ONWARD__STANDING__ACTIVE) { /* its agreement is renewed, and nothing else */
    o.agreement_until_ms = enrol->agreement_until_ms;
    books_put_organisation(b, &o);
    return;
  }
  set_pending(b, &id, 0, 0); /* of one that is enrolled again: a replacement that waited is void */
  o.id = id;
  o.standing = ONWARD__STANDING__ACTIVE;
  o.kind = (uint8_t)request->kind;
  o.agreement_until_ms = enrol->agreement_until_ms;
  put_keys(b, &o, request, index);
  books_put_organisation(b, &o);
}

static void new_keys(struct books *b, const struct org_id *id, ProtobufCBinaryData packed, uint64_t index)
{
  uint8_t memory[8192];
  struct arena a = arena_of(memory, sizeof memory);
  struct organisation o;
  if (books_organisation(b, id, &o) != OK)
    return;
  put_keys(b, &o, request_of(packed, &a), index);
  books_put_organisation(b, &o);
}

static void replace_keys(struct books *b, const struct leaf *leaf, const Onward__ReplaceKeys *r)
{
  uint8_t memory[8192];
  struct arena a = arena_of(memory, sizeof memory);
  struct org_id id;
  struct head head;
  struct keys asked;
  const Onward__Request *request = request_of(r->request, &a);
  must(pb_org(request->organisation, &id) == OK);
  keys_of(request, &asked);
  own_keys(b, &id, &asked); /* already now: they may take effect long after this was judged */
  books_head(b, &head);     /* on an empty log the delay is zero, and nobody is enrolled */
  set_pending(b, &id, leaf->index, leaf->time_ms - head.absent_ms + head.replace_after_ms);
}

/* The keys that a replace_keys asked for, which now take effect. */
static void keys_replaced(struct books *b, const struct leaf *leaf, const Onward__KeysReplaced *k)
{
  uint8_t memory[64 * 1024 + 32 * EVENT_SIZE_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  struct org_id id;
  struct leaf asked;
  struct event e;
  must(pb_org(k->organisation, &id) == OK);
  set_pending(b, &id, 0, 0);
  if (books_event(b, k->index, &a, &asked, &e) == OK && e.act == ONWARD__CORE__ACT_REPLACE_KEYS)
    new_keys(b, &id, e.core->replace_keys->request, leaf->index);
}

/* A replacement waits so that somebody can stop it: the organisation itself while it is in standing, or a second
 * registrar. Where neither is left it is void. */
static void void_unstoppable(struct books *b)
{
  struct org_id at = {{0}};
  struct organisation o;
  if (books_registrars(b, NULL) >= 2)
    return;
  while (books_next_organisation(b, &at, &o) == OK)
    if (!standing_speaks(o.standing) && o.pending_due_ms != 0)
      set_pending(b, &at, 0, 0);
}

static void suspend(struct books *b, const Onward__Suspend *s)
{
  struct org_id id;
  struct organisation o;
  must(pb_org(s->organisation, &id) == OK);
  if (books_organisation(b, &id, &o) != OK)
    return;
  o.standing = (uint8_t)s->standing;
  books_put_organisation(b, &o);
  void_unstoppable(b);
}

static void set_policy(struct books *b, const Onward__Policy *p, uint64_t index)
{
  struct policy policy = {.index = index};
  struct row_key k = row_key_start();
  row_key_bytes(&k, bytes_text("policy"));
  for (size_t i = 0; i < CLOCKS_LIMITED; i++) {
    policy.limit_s[i][ONWARD__PRIORITY__HIGH - 1] = p->limits[i]->high_s;
    policy.limit_s[i][ONWARD__PRIORITY__MEDIUM - 1] = p->limits[i]->medium_s;
    policy.limit_s[i][ONWARD__PRIORITY__LOW - 1] = p->limits[i]->low_s;
  }
  if (p->last_resort.len > 0)
    must(pb_org(p->last_resort, &policy.last_resort) == OK);
  row_put(b, TABLE_POLICY, k, &policy, sizeof policy);
}

static void genesis(struct books *b, const struct leaf *leaf, const Onward__Genesis *g)
{
  for (size_t i = 0; i < g->n_registrars; i++)
    enrol(b, g->registrars[i], leaf->index, true);
  set_policy(b, g->policy, leaf->index);
}

void change_registry(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct org_id id;
  leaf_author(leaf, &id);
  switch (e->act) {
  case ONWARD__CORE__ACT_GENESIS:
    genesis(b, leaf, e->core->genesis);
    break;
  case ONWARD__CORE__ACT_ENROL:
    enrol(b, e->core->enrol, leaf->index, false);
    break;
  case ONWARD__CORE__ACT_SET_POLICY:
    set_policy(b, e->core->set_policy->policy, leaf->index);
    break;
  case ONWARD__CORE__ACT_SUSPEND:
    suspend(b, e->core->suspend);
    break;
  case ONWARD__CORE__ACT_ROTATE:
    set_pending(b, &id, 0, 0);
    new_keys(b, &id, e->core->rotate->request, leaf->index);
    break;
  case ONWARD__CORE__ACT_REPLACE_KEYS:
    replace_keys(b, leaf, e->core->replace_keys);
    break;
  case ONWARD__CORE__ACT_STOP_REPLACEMENT:
    must(pb_org(e->core->stop_replacement->organisation, &id) == OK);
    set_pending(b, &id, 0, 0);
    break;
  case ONWARD__CORE__ACT_KEYS_REPLACED:
    keys_replaced(b, leaf, e->core->keys_replaced);
    break;
  case ONWARD__CORE__ACT_MANDATE:
  case ONWARD__CORE__ACT_RESTORED: /* nobody's keys or standing */
    break;
  default:
    change_directory(b, leaf, e);
    break;
  }
  row_put(b, TABLE_REGISTRY, key_of_index(leaf->index), NULL, 0);
}
