/* A referral on a stage, for tests of the rules. */
#include "tests/unit/stage.h"

#include <string.h>

#include "proto/rules/rules.h"

static void submit(struct stage *s)
{
  static struct draft d;
  Onward__Submit submit = ONWARD__SUBMIT__INIT;
  struct member *list[] = {s->aple, s->a21, s->tpo, s->lawyers};
  ProtobufCBinaryData names[4];
  must(random_bytes(&s->id, sizeof s->id) == OK);
  draft_init(&d, ONWARD__CORE__ACT_SUBMIT, &s->id);
  for (size_t i = 0; i < 4; i++) {
    names[i] = pb_data(org_id_text(&list[i]->id));
    if (i < 3) {
      draft_seal(&d, list[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
      draft_seal(&d, list[i], ONWARD__PART__FILE, ONWARD__RELEASE__AT_ACCEPT);
    }
  }
  submit.n_recipients = 3;
  submit.n_scope = 4;
  submit.recipients = submit.scope = names;
  submit.group = ONWARD__SERVICE_GROUP__PSS;
  submit.priority = ONWARD__PRIORITY__MEDIUM;
  submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  submit.schema = SCHEMA_VERSION;
  submit.taxonomy = TAXONOMY_VERSION;
  d.core.submit = &submit;
  must(world_hear(&s->world, s->police, &d, 1) == ONWARD__VERDICT__ACCEPTED);
  s->brief = d.hashes[2]; /* of a21 */
}

void stage_init(struct stage *s)
{
  static struct draft d;
  memset(s, 0, sizeof *s);
  folder_make(s->folder);
  world_init(&s->world, s->folder);
  s->police = world_enrol(&s->world, "police");
  s->aple = world_enrol(&s->world, "aple");
  s->a21 = world_enrol(&s->world, "a21");
  s->tpo = world_enrol(&s->world, "tpo");
  s->lawyers = world_enrol(&s->world, "lawyers");
  s->clinic = world_enrol(&s->world, "clinic");
  submit(s);
  s->first_leg = s->world.size - 1;
  world_act(&s->world, s->aple, &s->id, ONWARD__CORE__ACT_RECEIVE);
  world_act(&s->world, s->aple, &s->id, ONWARD__CORE__ACT_DECLINE);
  s->second_leg = s->world.size - 1;
  s->refused = s->world.size;
  draft_init(&d, ONWARD__CORE__ACT_ACKNOWLEDGE, &s->id);
  draft_message(&d);
  world_answer(&s->world, &d, &s->id);
  must(world_hear(&s->world, s->a21, &d, 1) == ONWARD__VERDICT__NOT_IN_THIS_STATE);
  s->books = store_begin(s->world.store, true);
  must(books_referral(s->books, &s->id, &s->row) == OK);
  s->row.last_index = s->world.size - 1; /* so that the refused one is not refused for being the newest */
}

void stage_fini(struct stage *s)
{
  store_abort(s->world.store);
  world_fini(&s->world);
  folder_remove(s->folder);
}

void stage_reset(struct stage *s)
{
  store_abort(s->world.store);
  s->books = store_begin(s->world.store, true);
}

void stage_put(struct stage *s, const struct referral *r)
{
  uint8_t row[sizeof *r];
  memcpy(row, r, sizeof row);
  s->books->put(s->books, TABLE_REFERRALS, BYTES(r->id.byte),
                bytes_of(row, offsetof(struct referral, parties) + r->party_count * sizeof r->parties[0]));
}

void stage_answer(struct stage *s, struct draft *d, uint64_t index)
{
  struct bytes leaf;
  must(books_entry(s->books, index, &leaf) == OK);
  struct hash hash = leaf_hash(leaf);
  memcpy(d->leaf_hash, hash.byte, sizeof d->leaf_hash);
  d->answers.index = index;
  d->answers.leaf_hash = pb_data(BYTES(d->leaf_hash));
  d->core.answers = &d->answers;
}

void stage_draft(struct stage *s, struct draft *d, act_kind act)
{
  static ProtobufCBinaryData list[1];
  draft_init(d, act, &s->id);
  stage_answer(s, d, s->second_leg);
  draft_message(d);
  list[0] = pb_data(org_id_text(&s->tpo->id));
  if (act == ONWARD__CORE__ACT_RECEIVE)
    d->core.receive->sha256 = pb_data(hash_bytes(&s->brief));
  if (act == ONWARD__CORE__ACT_REROUTE)
    d->core.reroute->target = list[0];
  if (act == ONWARD__CORE__ACT_READDRESS) {
    d->core.readdress->n_recipients = 1;
    d->core.readdress->recipients = list;
  }
  if (act == ONWARD__CORE__ACT_RENEW_CONSENT || act == ONWARD__CORE__ACT_NARROW_CONSENT) {
    d->core.renew_consent->n_scope = 1; /* both begin with the scope */
    d->core.renew_consent->scope = list;
  }
  if (act == ONWARD__CORE__ACT_RAISE_PRIORITY)
    d->core.raise_priority->priority = ONWARD__PRIORITY__HIGH;
  if (act == ONWARD__CORE__ACT_REROUTE || act == ONWARD__CORE__ACT_READDRESS)
    draft_seal(d, s->tpo, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  if (act == ONWARD__CORE__ACT_RESEAL)
    draft_seal(d, s->a21, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
}

/* The event as it comes out of its bytes, in the world's arena. */
static struct event event_of(struct stage *s, const struct draft *d)
{
  Onward__Sealed *sealed[SEALED_SLOTS_MAX];
  struct bytes packed;
  struct complaint why;
  struct event e;
  arena_reset(&s->world.arena);
  for (size_t i = 0; i < d->sealed_count; i++)
    sealed[i] = (Onward__Sealed *)(uintptr_t)&d->sealed[i];
  must(event_pack(&d->core, sealed, d->sealed_count, &s->world.arena, &packed) == OK);
  must(event_read(packed, &s->world.arena, &why, &e) == OK);
  return e;
}

Onward__Verdict stage_judge_at(struct stage *s, const struct member *author, const struct draft *d, uint64_t after_ms)
{
  struct head head;
  struct event e = event_of(s, d);
  books_head(s->books, &head);
  struct occasion o = {s->books, &s->world.arena, author->id, head.size, head.time_ms + after_ms};
  Onward__Verdict v = rules_decide(&o, &e);
  must(s->books->trouble == OK);
  return v;
}

Onward__Verdict stage_judge(struct stage *s, const struct member *author, const struct draft *d)
{
  return stage_judge_at(s, author, d, 1);
}

void stage_apply(struct stage *s, const struct member *author, const struct draft *d, struct referral *out)
{
  uint8_t header[BATCH_HEADER_SIZE];
  struct event e = event_of(s, d);
  struct batch_header h = {.organisation = author->id, .sequence = 1, .count = 1};
  batch_header_write(&h, header);
  struct leaf leaf = {.origin = ORIGIN_ORGANISATION,
                      .verdict = ONWARD__VERDICT__ACCEPTED,
                      .index = s->world.size,
                      .time_ms = s->world.clock_ms,
                      .event = e.bytes,
                      .header = BYTES(header)};
  ledger_apply(s->books, &leaf, &e);
  must(books_referral(s->books, &e.referral, out) == OK);
}
