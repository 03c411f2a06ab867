/* Stories that a made-up exchange is told: the inputs of `turn`, `replay` and `delivery`. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/exchange.h"
#include "tests/fuzz/seed.h"
#include "tests/unit/memory.h"

#define A(name) ONWARD__CORE__ACT_##name
#define MEMORY_SIZE (16u << 20)

struct story {
  struct memory_books m;
  struct arena arena;
  void *memory;
  struct key_ring ring;
  struct turn turn;
  struct writer records;
  uint8_t file[65536];
  struct ref_id id;
};

static enum status some_random(void *to, size_t size)
{
  static uint8_t next = 100;
  memset(to, ++next, size);
  return OK;
}

static struct bytes pack(struct draft *d, struct arena *a)
{
  Onward__Sealed *sealed[SEALED_SLOTS_MAX];
  static const uint8_t zeros[EXCHANGE_BODY_SIZE];
  struct bytes packed;
  for (size_t i = 0; i < d->sealed_count; i++) {
    d->hashes[i] = sha256(BYTES(zeros));
    sealed[i] = &d->sealed[i];
  }
  must(event_pack(&d->core, sealed, d->sealed_count, a, &packed) == OK);
  return packed;
}

static void tell(struct story *t, enum author author, uint8_t marks, struct draft *d)
{
  struct record record = {author, marks, pack(d, &t->arena)};
  struct head head;
  struct bytes bytes;
  struct leaf leaf;
  record_write(&t->records, author, marks, record.event);
  turn_begin(&t->turn, &t->m.books, &t->arena, t->turn.time_ms + 1000);
  books_head(&t->m.books, &head);
  exchange_hear(&t->turn, &t->ring, &record);
  must(books_entry(&t->m.books, head.size, &bytes) == OK && leaf_read(bytes, &leaf) == OK);
  must(leaf.verdict == ONWARD__VERDICT__ACCEPTED); /* stories are told as they should be */
}

static void put_request(struct story *t, enum author of, ProtobufCBinaryData *request, ProtobufCBinaryData *signature)
{
  struct bytes s;
  *request = pb_data(member_request(exchange_member(of), &t->arena, &s));
  *signature = pb_data(s);
}

static void found(struct story *t)
{
  static struct draft d;
  static const uint8_t random[32] = {7};
  uint8_t log_key[32], seed[32] = {1};
  struct ed25519_secret *secret;
  Onward__Enrol enrols[2] = {ONWARD__ENROL__INIT, ONWARD__ENROL__INIT}, *list[] = {&enrols[0], &enrols[1]};
  struct complaint why;
  memset(t, 0, sizeof *t);
  memory_init(&t->m);
  t->memory = malloc(MEMORY_SIZE);
  must(t->memory != NULL && ed25519_secret_open(seed, &secret) == OK);
  ed25519_secret_public(secret, log_key);
  ed25519_secret_close(secret);
  t->arena = arena_of(t->memory, MEMORY_SIZE);
  t->records = writer_of(t->file, sizeof t->file);
  memset(t->id.byte, 'K', sizeof t->id.byte);
  put_request(t, REGISTRY_ONE, &enrols[0].request, &enrols[0].signature);
  put_request(t, REGISTRY_TWO, &enrols[1].request, &enrols[1].signature);
  draft_init(&d, A(GENESIS), NULL);
  Onward__Genesis *g = draft_message(&d);
  g->random = pb_data(BYTES(random));
  g->origin = pb_data(bytes_text(WORLD_ORIGIN));
  g->epoch = 1;
  g->rules = RULES_VERSION;
  g->log_key = pb_data(BYTES(log_key));
  g->n_registrars = 2;
  g->registrars = list;
  g->replace_after_ms = WORLD_REPLACE_MS;
  g->policy = (Onward__Policy *)(uintptr_t)policy_proposed(); /* only read */
  record_write(&t->records, BROKER, 0, pack(&d, &t->arena));
  t->turn = (struct turn){.books = &t->m.books, .arena = &t->arena, .time_ms = WORLD_START_MS, .random = some_random};
  must(turn_genesis(&t->m.books, &t->arena, WORLD_START_MS, g, &why) == OK);
}

static void enrol(struct story *t, act_kind act, enum author by, enum author who)
{
  static struct draft d;
  draft_init(&d, act, NULL);
  Onward__Rotate *m = draft_message(&d); /* enrol and replace_keys begin alike */
  put_request(t, who, &m->request, &m->signature);
  if (act == A(ENROL))
    d.core.enrol->agreement_until_ms = 0;
  tell(t, by, 1, &d);
}

static void name_org(struct story *t, act_kind act, enum author by, enum author who)
{
  static struct draft d;
  draft_init(&d, act, NULL);
  Onward__Suspend *m = draft_message(&d);
  m->organisation = pb_data(org_id_text(&exchange_member(who)->id));
  if (act == A(SUSPEND))
    m->standing = ONWARD__STANDING__COMPROMISED;
  tell(t, by, 1, &d);
}

static size_t seal_for(struct draft *d, const enum author *to, size_t count, ProtobufCBinaryData *names)
{
  for (size_t i = 0; i < count; i++) {
    const struct member *m = exchange_member(to[i]);
    names[i] = pb_data(org_id_text(&m->id));
    draft_seal(d, m, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
    draft_seal(d, m, ONWARD__PART__FILE, ONWARD__RELEASE__AT_ACCEPT);
  }
  return count;
}

static void submit(struct story *t, const enum author *to, size_t count)
{
  static struct draft d;
  ProtobufCBinaryData names[AUTHORS];
  draft_init(&d, A(SUBMIT), &t->id);
  Onward__Submit *m = draft_message(&d);
  m->n_recipients = m->n_scope = seal_for(&d, to, count, names);
  m->recipients = m->scope = names;
  m->area = pb_data(bytes_text("KH-17"));
  m->schema = m->taxonomy = 1;
  m->consent_until_ms = 0;
  tell(t, POLICE, 1, &d);
}

/* `other`: the target, or whom it is sealed or addressed to. */
static void act(struct story *t, enum author by, act_kind what, enum author other)
{
  static struct draft d;
  static const uint8_t zeros[EXCHANGE_BODY_SIZE];
  ProtobufCBinaryData names[1];
  struct referral r;
  struct hash hash = sha256(BYTES(zeros));
  const struct member *m = exchange_member(other);
  draft_init(&d, what, &t->id);
  draft_message(&d);
  must(books_referral(&t->m.books, &t->id, &r) == OK);
  d.answers.index = r.last_index;
  d.answers.leaf_hash = pb_data(hash_bytes(&hash)); /* put right by whoever reads the record */
  d.core.answers = &d.answers;
  if (what == A(RECEIVE))
    d.core.receive->sha256 = pb_data(hash_bytes(&hash));
  if (what == A(REROUTE)) {
    d.core.reroute->target = pb_data(org_id_text(&m->id));
    draft_seal(&d, m, ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  }
  if (what == A(READDRESS)) {
    d.core.readdress->n_recipients = seal_for(&d, &other, 1, names);
    d.core.readdress->recipients = names;
  }
  if (what == A(RESEAL))
    draft_seal(&d, m, ONWARD__PART__FILE, ONWARD__RELEASE__AT_ACCEPT);
  if (what == A(DECLINE) || what == A(COMPLETE))
    draft_seal(&d, exchange_member(POLICE), ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
  tell(t, by, EXCHANGE_HAS_READ, &d);
}

static enum author author_of(const struct leaf *leaf)
{
  struct batch_header h;
  must(batch_header_read(leaf->header, &h) == OK);
  for (int i = REGISTRY_ONE; i < AUTHORS; i++)
    if (org_id_equal(&exchange_member((enum author)i)->id, &h.organisation))
      return (enum author)i;
  return BROKER;
}

/* The story as it was told; as the log that came of it; and as an agent is given that. */
static void end(struct story *t, const char *name)
{
  struct bytes bytes;
  struct leaf leaf;
  struct writer *log = seed_file();
  must(t->m.books.trouble == OK);
  seed_keep("turn", name, writer_bytes(&t->records));
  for (uint64_t i = 0; books_entry(&t->m.books, i, &bytes) == OK; i++) {
    write_u16(log, (uint16_t)bytes.size);
    write_bytes(log, bytes);
  }
  if (log->size <= 4096)
    seed_keep("replay", name, writer_bytes(log));
  log = seed_file();
  for (uint64_t i = 0; books_entry(&t->m.books, i, &bytes) == OK; i++) {
    must(leaf_read(bytes, &leaf) == OK);
    bool refused = leaf.verdict != ONWARD__VERDICT__ACCEPTED;
    record_write(log, leaf.origin == ORIGIN_BROKER ? BROKER : author_of(&leaf), refused ? 1 : 2, leaf.event);
  }
  seed_keep("delivery", name, writer_bytes(log));
  memory_fini(&t->m);
  key_ring_fini(&t->ring);
  free(t->memory);
}

static void begin(struct story *t, int organisations)
{
  found(t);
  for (int i = 0; i < organisations; i++)
    enrol(t, A(ENROL), i % 2 == 0 ? REGISTRY_ONE : REGISTRY_TWO, (enum author)(POLICE + i));
}

void seed_stories(void)
{
  static struct story t;
  const enum author both[] = {APLE, A21};
  begin(&t, 2);
  submit(&t, both, 1);
  act(&t, APLE, A(RECEIVE), BROKER);
  act(&t, APLE, A(ACCEPT), BROKER);
  end(&t, "accepted");
  begin(&t, 2);
  submit(&t, both, 1);
  act(&t, APLE, A(RECEIVE), BROKER);
  act(&t, APLE, A(ACKNOWLEDGE), BROKER);
  act(&t, APLE, A(ACCEPT), BROKER);
  act(&t, APLE, A(START), BROKER);
  act(&t, APLE, A(PROGRESS), BROKER);
  act(&t, APLE, A(COMPLETE), BROKER);
  act(&t, POLICE, A(CLOSE), BROKER);
  end(&t, "served");
  begin(&t, 3);
  submit(&t, both, 2);
  act(&t, APLE, A(RECEIVE), BROKER);
  act(&t, APLE, A(DECLINE), BROKER);
  act(&t, A21, A(REFUSE_OPEN), BROKER);
  act(&t, POLICE, A(READDRESS), APLE);
  act(&t, APLE, A(RECEIVE), BROKER);
  end(&t, "declined");
  begin(&t, 3);
  submit(&t, (const enum author[]){A21, APLE}, 2);
  act(&t, A21, A(RECEIVE), BROKER);
  act(&t, A21, A(REROUTE), APLE);
  act(&t, APLE, A(RECEIVE), BROKER);
  act(&t, APLE, A(ACCEPT), BROKER);
  act(&t, POLICE, A(RESEAL), APLE);
  act(&t, APLE, A(START), BROKER);
  act(&t, APLE, A(FAIL), BROKER);
  end(&t, "rerouted");
  begin(&t, 2);
  submit(&t, both, 1);
  act(&t, APLE, A(RECEIVE), BROKER);
  act(&t, POLICE, A(CANCEL), BROKER);
  act(&t, APLE, A(REFUSE_CANCEL), BROKER);
  act(&t, POLICE, A(CANCEL), BROKER);
  act(&t, APLE, A(CONFIRM_CANCEL), BROKER);
  end(&t, "cancelled");
  begin(&t, 2);
  enrol(&t, A(REPLACE_KEYS), REGISTRY_ONE, APLE);
  name_org(&t, A(STOP_REPLACEMENT), APLE, APLE);
  enrol(&t, A(REPLACE_KEYS), REGISTRY_TWO, POLICE);
  name_org(&t, A(SUSPEND), REGISTRY_ONE, APLE);
  enrol(&t, A(ENROL), REGISTRY_ONE, APLE);
  enrol(&t, A(ROTATE), APLE, APLE);
  t.turn.time_ms += 2 * WORLD_REPLACE_MS;
  submit(&t, both, 1);
  end(&t, "registry");
}
