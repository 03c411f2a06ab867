/* A made-up network for tests: what an organisation and the exchange do, without a wire between them. */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/ledger/rows.h"

#define WORLD_MEMORY_SIZE (8u << 20)

static char why[200];

/* --- organisations --- */

void member_new_keys(struct member *m)
{
  es256_secret_close(m->sign);
  es256_secret_close(m->seal);
  must(es256_generate(&m->sign) == OK && es256_generate(&m->seal) == OK);
  must(random_bytes(m->link_point, sizeof m->link_point) == OK);
  es256_secret_public(m->sign, m->sign_point);
  es256_secret_public(m->seal, m->seal_point);
}

void member_init(struct member *m, const char *id)
{
  memset(m, 0, sizeof *m);
  must(org_id_parse(bytes_text(id), &m->id) == OK);
  member_new_keys(m);
}

void member_fini(struct member *m)
{
  es256_secret_close(m->sign);
  es256_secret_close(m->seal);
  m->sign = m->seal = NULL;
}

struct bytes member_request(const struct member *m, struct arena *a, struct bytes *signature)
{
  Onward__Request r = ONWARD__REQUEST__INIT;
  r.organisation = pb_data(org_id_text(&m->id));
  r.name = pb_data(bytes_text("An organisation of the tests"));
  r.kind = ONWARD__ORGANISATION_KIND__NGO;
  r.link_key = pb_data(BYTES(m->link_point));
  r.sign_key = pb_data(BYTES(m->sign_point));
  r.seal_key = pb_data(BYTES(m->seal_point));
  struct bytes packed = pb_pack(&r, a);
  uint8_t *to = arena_alloc(a, ES256_SIGNATURE_SIZE);
  must(packed.size > 0 && to != NULL && dsse_sign(m->sign, REQUEST_TYPE, packed, to) == OK);
  *signature = bytes_of(to, ES256_SIGNATURE_SIZE);
  return packed;
}

struct bytes member_batch(struct member *m, const struct hash *network, const struct bytes *events, size_t count,
                          struct arena *a)
{
  struct hash hashes[BATCH_EVENTS_MAX];
  ProtobufCBinaryData list[BATCH_EVENTS_MAX];
  uint8_t header[BATCH_HEADER_SIZE], signature[ES256_SIGNATURE_SIZE];
  must(count >= 1 && count <= BATCH_EVENTS_MAX);
  for (size_t i = 0; i < count; i++) {
    hashes[i] = merkle_leaf(events[i]);
    list[i] = pb_data(events[i]);
  }
  struct batch_header h = {*network, m->id, ++m->sequence, m->read_up_to, (uint16_t)count, merkle_root(hashes, count)};
  batch_header_write(&h, header);
  must(dsse_sign(m->sign, BATCH_TYPE, BYTES(header), signature) == OK);
  Onward__Batch batch = ONWARD__BATCH__INIT;
  batch.header = pb_data(BYTES(header));
  batch.signature = pb_data(BYTES(signature));
  batch.n_events = count;
  batch.events = list;
  struct bytes packed = pb_pack(&batch, a);
  must(packed.size > 0);
  return packed;
}

/* --- events --- */

void draft_init(struct draft *d, act_kind act, const struct ref_id *id)
{
  memset(d, 0, sizeof *d);
  onward__core__init(&d->core);
  onward__answered__init(&d->answers);
  must(random_bytes(d->nonce, sizeof d->nonce) == OK);
  d->core.nonce = pb_data(BYTES(d->nonce));
  d->core.act_case = act;
  if (id != NULL)
    d->core.referral_id = pb_data(BYTES(id->byte));
}

void *draft_message(struct draft *d)
{
  const ProtobufCMessageDescriptor *core = &onward__core__descriptor;
  const ProtobufCFieldDescriptor *act = protobuf_c_message_descriptor_get_field(core, d->core.act_case);
  const ProtobufCMessageDescriptor *type = act->descriptor;
  must(type->sizeof_message <= sizeof d->message);
  protobuf_c_message_init(type, &d->message);
  for (unsigned i = 0; i < type->n_fields; i++) {
    uint8_t *at = (uint8_t *)&d->message + type->fields[i].offset;
    if (type->fields[i].type == PROTOBUF_C_TYPE_ENUM)
      *(int *)(void *)at = 1;
    if (type->fields[i].type == PROTOBUF_C_TYPE_UINT64)
      *(uint64_t *)(void *)at = WORLD_START_MS + 86400000;
  }
  d->core.cancel = (Onward__Cancel *)&d->message; /* all acts lie in one union */
  return &d->message;
}

void draft_seal(struct draft *d, const struct member *to, Onward__Part part, Onward__Release release)
{
  must(d->sealed_count < SEALED_SLOTS_MAX);
  size_t slot = d->sealed_count++;
  Onward__Sealed *s = &d->sealed[slot];
  must(random_bytes(d->bodies[slot], WORLD_BODY_SIZE) == OK);
  d->hashes[slot] = sha256(BYTES(d->bodies[slot]));
  key_id_of(BYTES(to->seal_point), d->key_ids[slot]);
  onward__sealed__init(s);
  s->recipient = pb_data(org_id_text(&to->id));
  s->part = part;
  s->sha256 = pb_data(hash_bytes(&d->hashes[slot]));
  s->size = WORLD_BODY_SIZE;
  s->key_id = pb_data(BYTES(d->key_ids[slot]));
  s->release = release;
}

static struct bytes draft_pack(const struct draft *d, struct arena *a)
{
  Onward__Sealed *sealed[SEALED_SLOTS_MAX];
  struct bytes packed;
  for (size_t i = 0; i < d->sealed_count; i++)
    sealed[i] = (Onward__Sealed *)(uintptr_t)&d->sealed[i];
  must(event_pack(&d->core, sealed, d->sealed_count, a, &packed) == OK);
  return packed;
}

/* --- the log --- */

static void commit(struct world *w, struct books *b)
{
  struct head head;
  struct checkpoint c = {.size = 0};
  char note[NOTE_SIZE_MAX];
  size_t size = 0;
  books_head(b, &head);
  c.size = head.size;
  (void)snprintf(c.origin, sizeof c.origin, "%s/%d", WORLD_ORIGIN, (int)head.epoch);
  must(b->trouble == OK && merkle_tree_root(c.size, books_tree_read, b, &c.root) == OK);
  must(checkpoint_sign(&c, WORLD_ORIGIN, w->log_secret, note, &size) == OK);
  b->put(b, TABLE_CHECKPOINT, bytes_text("newest"), bytes_of(note, size));
  must(store_commit(w->store, why) == OK);
  w->size = head.size;
  w->network = head.network;
  w->clock_ms += WORLD_TURN_MS;
}

struct turn world_begin(struct world *w)
{
  struct turn t = {.random = random_bytes};
  arena_reset(&w->arena);
  turn_begin(&t, store_begin(w->store, true), &w->arena, w->clock_ms);
  return t;
}

static void found(struct world *w)
{
  Onward__Genesis g = ONWARD__GENESIS__INIT;
  Onward__Enrol enrols[2] = {ONWARD__ENROL__INIT, ONWARD__ENROL__INIT};
  Onward__Enrol *registrars[2] = {&enrols[0], &enrols[1]};
  struct complaint complaint;
  uint8_t random[32];
  for (size_t i = 0; i < 2; i++) {
    struct bytes signature;
    enrols[i].request = pb_data(member_request(&w->members[i], &w->arena, &signature));
    enrols[i].signature = pb_data(signature);
  }
  must(random_bytes(random, sizeof random) == OK);
  g.random = pb_data(BYTES(random));
  g.origin = pb_data(bytes_text(WORLD_ORIGIN));
  g.epoch = 1;
  g.log_key = pb_data(BYTES(w->log_key.public_key));
  g.n_registrars = 2;
  g.registrars = registrars;
  g.rules = RULES_VERSION;
  g.replace_after_ms = WORLD_REPLACE_MS;
  g.policy = (Onward__Policy *)(uintptr_t)policy_proposed();
  struct books *b = store_begin(w->store, true);
  must(turn_genesis(b, &w->arena, w->clock_ms, &g, &complaint) == OK);
  commit(w, b);
}

void world_commit(struct world *w, struct turn *t)
{
  commit(w, t->books);
}

void world_init(struct world *w, const char *folder)
{
  struct store_options options = {.folder = folder_path(folder, "books"),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .create = true};
  memset(w, 0, sizeof *w);
  w->memory = malloc(WORLD_MEMORY_SIZE);
  must(w->memory != NULL && store_open(&options, why, &w->store) == OK);
  w->arena = arena_of(w->memory, WORLD_MEMORY_SIZE);
  w->clock_ms = WORLD_START_MS;
  memcpy(w->log_key.name, WORLD_ORIGIN, sizeof WORLD_ORIGIN);
  uint8_t seed[ED25519_SECRET_SIZE];
  must(ed25519_generate(seed) == OK && ed25519_secret_open(seed, &w->log_secret) == OK);
  ed25519_secret_public(w->log_secret, w->log_key.public_key);
  member_init(&w->members[w->member_count++], "registry-one");
  member_init(&w->members[w->member_count++], "registry-two");
  found(w);
}

void world_fini(struct world *w)
{
  for (size_t i = 0; i < w->member_count; i++)
    member_fini(&w->members[i]);
  key_ring_fini(&w->ring);
  ed25519_secret_close(w->log_secret);
  store_close(w->store);
  free(w->memory);
}

/* All bodies of the drafts end to end, as the wire's third frame. */
static struct bytes sealed_frame(const struct draft *drafts, size_t count, struct arena *a)
{
  size_t bodies = 0;
  for (size_t i = 0; i < count; i++)
    bodies += drafts[i].sealed_count;
  uint8_t *frame = arena_alloc(a, bodies * WORLD_BODY_SIZE);
  must(frame != NULL);
  struct writer w = writer_of(frame, bodies * WORLD_BODY_SIZE);
  for (size_t i = 0; i < count; i++)
    write_bytes(&w, bytes_of(drafts[i].bodies, drafts[i].sealed_count * WORLD_BODY_SIZE));
  return writer_bytes(&w);
}

struct bytes world_message(struct world *w, struct member *m, const struct draft *drafts, size_t count,
                           struct bytes *sealed)
{
  struct bytes events[BATCH_EVENTS_MAX];
  for (size_t i = 0; i < count; i++)
    events[i] = draft_pack(&drafts[i], &w->arena);
  *sealed = sealed_frame(drafts, count, &w->arena);
  return member_batch(m, &w->network, events, count, &w->arena);
}

Onward__Verdict world_hear(struct world *w, struct member *m, struct draft *drafts, size_t count)
{
  struct refusal refusal;
  struct batch batch;
  struct bytes sealed;
  Onward__Verdict verdict = ONWARD__VERDICT__VERDICT_NONE;
  struct turn t = world_begin(w);
  struct bytes body = world_message(w, m, drafts, count, &sealed);
  must(batch_read(body, sealed, &w->arena, &refusal, &batch) == OK);
  must(w->dishonest || batch_admit(t.books, &w->ring, &batch, &refusal) == OK);
  for (size_t i = 0; i < count; i++)
    verdict = turn_hear(&t, &batch, i);
  world_commit(w, &t);
  return verdict;
}

void world_wait(struct world *w, uint64_t until_ms)
{
  w->clock_ms = until_ms;
  struct turn t = world_begin(w);
  world_commit(w, &t);
}

void world_pass(struct world *w, uint64_t until_ms)
{
  for (;;) {
    struct head head;
    struct bytes key, value;
    struct books *b = store_begin(w->store, false);
    books_head(b, &head);
    uint64_t due_ms = UINT64_MAX;
    if (head.doubted_ms == 0 && b->seek(b, TABLE_CLOCKS, (struct bytes){NULL, 0}, &key, &value) == OK) {
      struct reader r = reader_of(key);
      due_ms = read_u64(&r) + head.absent_ms;
    }
    store_abort(w->store);
    if (due_ms >= until_ms)
      break;
    world_wait(w, due_ms > w->clock_ms ? due_ms : w->clock_ms);
  }
  world_wait(w, until_ms);
}

void world_say_time(struct world *w, uint64_t clock_ms, act_kind act, uint64_t absent_ms)
{
  struct turn t = {.random = random_bytes};
  arena_reset(&w->arena);
  w->clock_ms = clock_ms;
  const struct turn_about about = {.act = act, .absent_ms = absent_ms};
  turn_begin_about(&t, store_begin(w->store, true), &w->arena, w->clock_ms, &about);
  world_commit(w, &t);
}

Onward__Restore world_restore_here(struct world *w)
{
  static struct hash root, network;
  static uint8_t nonce[NONCE_SIZE];
  Onward__Restore r = ONWARD__RESTORE__INIT;
  struct head head;
  struct books *b = store_begin(w->store, false);
  books_head(b, &head);
  must(merkle_tree_root(head.size, books_tree_read, b, &root) == OK);
  store_abort(w->store);
  network = head.network;
  r.network = pb_data(hash_bytes(&network));
  r.epoch = (uint32_t)head.epoch + 1;
  r.continues_at = r.lost_size = head.size;
  r.root = r.lost_root = pb_data(hash_bytes(&root));
  r.nonce = pb_data(BYTES(nonce));
  return r;
}

void world_say_restored(struct world *w, const struct member *by, const struct member *named,
                        const Onward__Restore *restore)
{
  static uint8_t memory[4096], signature[ES256_SIGNATURE_SIZE];
  struct arena a = arena_of(memory, sizeof memory);
  struct turn t = {.random = random_bytes};
  Onward__Restored restored = ONWARD__RESTORED__INIT;
  struct bytes packed = pb_pack(restore, &a);
  must(packed.size > 0 && dsse_sign(by->sign, RESTORE_TYPE, packed, signature) == OK);
  restored.restore = pb_data(packed);
  restored.signature = pb_data(BYTES(signature));
  restored.organisation = pb_data(org_id_text(&named->id));
  const struct turn_about about = {.act = ONWARD__CORE__ACT_RESTORED, .restored = &restored};
  arena_reset(&w->arena);
  w->clock_ms += WORLD_OUTAGE_MS;
  turn_begin_about(&t, store_begin(w->store, true), &w->arena, w->clock_ms, &about);
  world_commit(w, &t);
}

struct member *world_enrol(struct world *w, const char *id)
{
  struct draft d;
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  struct bytes signature;
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  must(w->member_count < WORLD_MEMBERS_MAX);
  struct member *m = &w->members[w->member_count++];
  member_init(m, id);
  enrol.request = pb_data(member_request(m, &a, &signature));
  enrol.signature = pb_data(signature);
  draft_init(&d, ONWARD__CORE__ACT_ENROL, NULL);
  d.core.enrol = &enrol;
  must(world_hear(w, &w->members[0], &d, 1) == ONWARD__VERDICT__ACCEPTED);
  return m;
}

struct ref_id world_submit(struct world *w, struct member *sender, struct member *const *recipients, size_t count)
{
  struct ref_id id;
  struct draft d;
  Onward__Submit submit = ONWARD__SUBMIT__INIT;
  ProtobufCBinaryData list[RECIPIENTS_MAX];
  must(random_bytes(&id, sizeof id) == OK && count <= RECIPIENTS_MAX);
  draft_init(&d, ONWARD__CORE__ACT_SUBMIT, &id);
  for (size_t i = 0; i < count; i++) {
    list[i] = pb_data(org_id_text(&recipients[i]->id));
    draft_seal(&d, recipients[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
    draft_seal(&d, recipients[i], ONWARD__PART__FILE, ONWARD__RELEASE__AT_ACCEPT);
  }
  submit.n_recipients = submit.n_scope = count;
  submit.recipients = submit.scope = list;
  submit.group = ONWARD__SERVICE_GROUP__PSS;
  submit.priority = ONWARD__PRIORITY__MEDIUM;
  submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  submit.schema = SCHEMA_VERSION;
  submit.taxonomy = TAXONOMY_VERSION;
  d.core.submit = &submit;
  must(world_hear(w, sender, &d, 1) == ONWARD__VERDICT__ACCEPTED);
  return id;
}

void world_answer(struct world *w, struct draft *d, const struct ref_id *id)
{
  struct referral r;
  struct bytes leaf;
  struct books *b = store_begin(w->store, false);
  must(books_referral(b, id, &r) == OK && books_entry(b, r.last_index, &leaf) == OK);
  struct hash hash = leaf_hash(leaf);
  memcpy(d->leaf_hash, hash.byte, sizeof d->leaf_hash);
  store_abort(w->store);
  d->answers.index = r.last_index;
  d->answers.leaf_hash = pb_data(BYTES(d->leaf_hash));
  d->core.answers = &d->answers;
}

/* The hash that `receive` must name: of the newest brief for this organisation. */
static struct hash brief_hash(struct world *w, const struct member *m, const struct ref_id *id)
{
  struct referral r;
  struct leaf leaf;
  struct event e;
  struct hash hash;
  arena_reset(&w->arena);
  struct books *b = store_begin(w->store, false);
  must(books_referral(b, id, &r) == OK);
  const struct party *p = referral_party(&r, &m->id);
  must(p != NULL && books_event(b, p->brief_index, &w->arena, &leaf, &e) == OK);
  memcpy(hash.byte, e.outer->sealed[p->brief_slot]->sha256.data, sizeof hash.byte);
  store_abort(w->store);
  return hash;
}

void world_act(struct world *w, struct member *m, const struct ref_id *id, act_kind act)
{
  struct draft d;
  struct hash hash;
  Onward__Receive receive = ONWARD__RECEIVE__INIT;
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  Onward__Accept accept = ONWARD__ACCEPT__INIT;
  Onward__Decline decline = ONWARD__DECLINE__INIT;
  Onward__Start start = ONWARD__START__INIT;
  Onward__Complete complete = ONWARD__COMPLETE__INIT;
  Onward__Close close = ONWARD__CLOSE__INIT;
  draft_init(&d, act, id);
  world_answer(w, &d, id);
  switch (act) {
  case ONWARD__CORE__ACT_RECEIVE:
    hash = brief_hash(w, m, id);
    receive.sha256 = pb_data(hash_bytes(&hash));
    d.core.receive = &receive;
    break;
  case ONWARD__CORE__ACT_ACKNOWLEDGE:
    d.core.acknowledge = &acknowledge;
    break;
  case ONWARD__CORE__ACT_ACCEPT:
    accept.first_contact_by_ms = w->clock_ms + 86400000;
    d.core.accept = &accept;
    break;
  case ONWARD__CORE__ACT_DECLINE:
    decline.reason = ONWARD__DECLINE_CLASS__CAPACITY;
    decline.by = ONWARD__DECLINED_BY__BY_PROVIDER;
    d.core.decline = &decline;
    break;
  case ONWARD__CORE__ACT_START:
    d.core.start = &start;
    break;
  case ONWARD__CORE__ACT_COMPLETE:
    complete.outcome = ONWARD__OUTCOME_CLASS__SERVED;
    d.core.complete = &complete;
    break;
  case ONWARD__CORE__ACT_CLOSE:
    d.core.close = &close;
    break;
  default:
    must(false); /* an act that this shorthand does not know */
  }
  must(world_hear(w, m, &d, 1) == ONWARD__VERDICT__ACCEPTED);
}

void books_damage(const char *folder, int table, struct bytes key, struct bytes value, bool del)
{
  struct store *s;
  struct store_options options = {.folder = folder_path(folder, "books"),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .scratch = true};
  must(store_open(&options, why, &s) == OK);
  struct books *b = store_begin(s, true);
  if (del)
    b->del(b, table, key);
  else
    b->put(b, table, key, value);
  must(store_commit(s, why) == OK);
  store_close(s);
}
