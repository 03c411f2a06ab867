/* Who may enrol, suspend and change keys. Registrars, and each organisation for its own keys. */
#include <string.h>

#include "proto/ledger/rows.h"
#include "proto/rules/inside.h"
#include "proto/rules/rules.h"

#define V(name) ONWARD__VERDICT__##name

/* A request for keys holds, and none of its keys was ever anybody's, but perhaps `owner`'s own. */
static Onward__Verdict request_fits(const struct occasion *o, ProtobufCBinaryData packed, ProtobufCBinaryData signature,
                                    const struct org_id *must_be, struct org_id *id)
{
  struct complaint why;
  const Onward__Request *r;
  if (request_read(pb_bytes(packed), pb_bytes(signature), o->arena, &why, &r) != OK)
    return V(REQUEST_NOT_VALID);
  must(pb_org(r->organisation, id) == OK);
  if (must_be != NULL && !org_id_equal(id, must_be))
    return V(REQUEST_NOT_VALID);
  const ProtobufCBinaryData keys[] = {r->link_key, r->sign_key, r->seal_key};
  for (size_t i = 0; i < 3; i++) {
    struct org_id owner;
    if (books_key_owner(o->books, pb_bytes(keys[i]), &owner) == OK && !org_id_equal(&owner, id))
      return V(KEY_IN_USE);
  }
  return V(ACCEPTED);
}

/* A suspended organisation comes back with the keys that it had. Otherwise suspending and enrolling would be a way
 * round the delay of a replacement, in which others can stop it. */
static bool same_keys(const struct occasion *o, ProtobufCBinaryData packed, const struct keys *keys)
{
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(packed), o->arena);
  return r != NULL && bytes_equal(pb_bytes(r->link_key), BYTES(keys->link)) &&
         bytes_equal(pb_bytes(r->sign_key), BYTES(keys->sign)) && bytes_equal(pb_bytes(r->seal_key), BYTES(keys->seal));
}

static Onward__Verdict decide_enrol(const struct occasion *o, const Onward__Enrol *e)
{
  struct org_id id;
  struct organisation there;
  Onward__Verdict v = request_fits(o, e->request, e->signature, NULL, &id);
  if (v != V(ACCEPTED))
    return v;
  if (books_organisation(o->books, &id, &there) != OK)
    return V(ACCEPTED);
  bool same = same_keys(o, e->request, &there.keys);
  if (there.standing == ONWARD__STANDING__ACTIVE)
    return same && e->agreement_until_ms != there.agreement_until_ms ? V(ACCEPTED) : V(ALREADY_ENROLLED);
  return same ? V(ACCEPTED) : V(NEW_KEYS_BY_REPLACEMENT);
}

/* Whether one of the three keys of the request is one that this organisation has had, and has no more: whoever may have
 * copied it must not gain by its coming back. */
static bool brings_back(const struct occasion *o, const struct organisation *there, const Onward__Request *r)
{
  struct row_key from = key_of_org(&there->id);
  struct bytes key, value;
  while (o->books->seek(o->books, TABLE_KEYS, row_key(&from), &key, &value) == OK &&
         memcmp(key.data, there->id.text, sizeof there->id.text) == 0) {
    struct keys had;
    must(value.size == sizeof had);
    memcpy(&had, value.data, sizeof had);
    const struct keys *now = &there->keys;
    if ((bytes_equal(pb_bytes(r->link_key), BYTES(had.link)) && memcmp(had.link, now->link, sizeof had.link) != 0) ||
        (bytes_equal(pb_bytes(r->sign_key), BYTES(had.sign)) && memcmp(had.sign, now->sign, sizeof had.sign) != 0) ||
        (bytes_equal(pb_bytes(r->seal_key), BYTES(had.seal)) && memcmp(had.seal, now->seal, sizeof had.seal) != 0))
      return true;
    from = row_key_start();
    row_key_bytes(&from, key);
    row_key_u8(&from, 0); /* right behind it */
  }
  return false;
}

/* `waits`: they are to wait, and nothing else may wait already; whoever wants others stops those first. An organisation
 * that is suspended cannot stop it itself: then there must be a second registrar who can. */
static Onward__Verdict decide_keys(const struct occasion *o, ProtobufCBinaryData request, ProtobufCBinaryData signature,
                                   const struct org_id *must_be, bool waits)
{
  struct org_id id;
  struct organisation there;
  Onward__Verdict v = request_fits(o, request, signature, must_be, &id);
  if (v == V(ACCEPTED) && books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  const Onward__Request *r =
      v == V(ACCEPTED) ? pb_unpack(&onward__request__descriptor, pb_bytes(request), o->arena) : NULL;
  if (r != NULL && brings_back(o, &there, r))
    return V(KEY_IN_USE);
  if (v != V(ACCEPTED) || !waits)
    return v;
  if (there.pending_due_ms != 0)
    return V(REPLACEMENT_WAITS);
  bool stoppable = standing_speaks(there.standing) || books_registrars(o->books, NULL) >= 2;
  return stoppable ? V(ACCEPTED) : V(NEEDS_TWO_REGISTRARS);
}

static Onward__Verdict decide_suspend(const struct occasion *o, const Onward__Suspend *s)
{
  struct org_id id;
  struct organisation there;
  must(pb_org(s->organisation, &id) == OK);
  if (s->standing == ONWARD__STANDING__ACTIVE)
    return V(ALREADY_ENROLLED); /* that is said by enrolling */
  if (books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  /* without one nobody could ever be enrolled, suspended or given new keys again */
  return there.registrar != 0 && books_registrars(o->books, &id) == 0 ? V(LAST_REGISTRAR) : V(ACCEPTED);
}

static Onward__Verdict decide_stop(const struct occasion *o, const Onward__StopReplacement *s, bool registrar)
{
  struct org_id id;
  struct organisation there;
  must(pb_org(s->organisation, &id) == OK);
  if (!registrar && !org_id_equal(&id, &o->author))
    return V(NOT_A_REGISTRAR);
  if (books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  return there.pending_due_ms == 0 ? V(NOTHING_TO_STOP) : V(ACCEPTED);
}

/* Whoever is told in the end must be there to be told. */
static Onward__Verdict decide_policy(const struct occasion *o, const Onward__Policy *p)
{
  struct org_id id;
  struct organisation there;
  if (p->last_resort.len == 0)
    return V(ACCEPTED);
  must(pb_org(p->last_resort, &id) == OK);
  if (books_organisation(o->books, &id, &there) != OK)
    return V(NO_SUCH_ORGANISATION);
  return there.standing == ONWARD__STANDING__ACTIVE ? V(ACCEPTED) : V(TARGET_NOT_OPEN);
}

static Onward__Verdict decide_mandate(const struct occasion *o, const Onward__Mandate *m)
{
  struct org_id id;
  struct organisation there;
  if (m->about.len == 0)
    return V(ACCEPTED);
  must(pb_org(m->about, &id) == OK);
  return books_organisation(o->books, &id, &there) == OK ? V(ACCEPTED) : V(NO_SUCH_ORGANISATION);
}

Onward__Verdict decide_registry(const struct occasion *o, const struct event *e)
{
  struct organisation author;
  const Onward__Core *c = e->core;
  bool enrolled = books_organisation(o->books, &o->author, &author) == OK;
  bool registrar = enrolled && author.registrar != 0;
  bool in_standing = registrar && author.standing == ONWARD__STANDING__ACTIVE;
  if (e->act == ONWARD__CORE__ACT_ROTATE)
    return decide_keys(o, c->rotate->request, c->rotate->signature, &o->author, false);
  if (e->act == ONWARD__CORE__ACT_STOP_REPLACEMENT)
    return decide_stop(o, c->stop_replacement, in_standing);
  if (enrolled && e->act >= ONWARD__CORE__ACT_SET_SERVICE && e->act <= ONWARD__CORE__ACT_SET_DUTY)
    return decide_directory(o, e, &author);
  if (!registrar)
    return V(NOT_A_REGISTRAR);
  if (!in_standing)
    return V(NOT_IN_STANDING_NOW);
  if (e->act == ONWARD__CORE__ACT_ENROL)
    return decide_enrol(o, c->enrol);
  if (e->act == ONWARD__CORE__ACT_SET_POLICY)
    return decide_policy(o, c->set_policy->policy);
  if (e->act == ONWARD__CORE__ACT_SUSPEND)
    return decide_suspend(o, c->suspend);
  if (e->act == ONWARD__CORE__ACT_MANDATE)
    return decide_mandate(o, c->mandate);
  return decide_keys(o, c->replace_keys->request, c->replace_keys->signature, NULL, true);
}
