/* Writes the kept inputs of the fuzz targets, from real messages: run once, when a format has changed. Then look at
 * what the targets make of them, and add what they found.
 *
 * usage: seed CORPUS-FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/form.h"
#include "proto/papers.h"
#include "proto/seal/hpke.h"
#include "tests/fuzz/exchange.h"
#include "tests/unit/memory.h"

#define A(name) ONWARD__CORE__ACT_##name
#define MEMORY_SIZE (16u << 20)

static const char *corpus;
static uint8_t file[1u << 20];
static struct writer written;

static struct writer *fresh(void)
{
  written = writer_of(file, sizeof file);
  return &written;
}

static void keep(const char *target, const char *name, struct bytes content)
{
  char path[1000];
  must(snprintf(path, sizeof path, "%s/%s", corpus, target) < (int)sizeof path);
  (void)mkdir(path, 0755);
  must(snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name) < (int)sizeof path);
  FILE *f = fopen(path, "wb");
  must(f != NULL && fwrite(content.data, 1, content.size, f) == content.size && fclose(f) == 0);
}

/* --- a made-up exchange, and stories told to it --- */

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
  uint8_t log_key[32], secret[32] = {1};
  Onward__Enrol enrols[2] = {ONWARD__ENROL__INIT, ONWARD__ENROL__INIT}, *list[] = {&enrols[0], &enrols[1]};
  struct complaint why;
  memset(t, 0, sizeof *t);
  memory_init(&t->m);
  t->memory = malloc(MEMORY_SIZE);
  must(t->memory != NULL && ed25519_public(secret, log_key) == OK);
  t->arena = arena_of(t->memory, MEMORY_SIZE);
  t->records = writer_of(t->file, sizeof t->file);
  memset(t->id.byte, 'K', sizeof t->id.byte);
  put_request(t, REGISTRY_ONE, &enrols[0].request, &enrols[0].signature);
  put_request(t, REGISTRY_TWO, &enrols[1].request, &enrols[1].signature);
  draft_init(&d, A(GENESIS), NULL);
  Onward__Genesis *g = draft_message(&d);
  g->random = pb_data(BYTES(random));
  g->origin = pb_data(bytes_text(WORLD_ORIGIN));
  g->epoch = g->rules = 1;
  g->log_key = pb_data(BYTES(log_key));
  g->n_registrars = 2;
  g->registrars = list;
  g->replace_after_ms = WORLD_REPLACE_MS;
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
  struct writer *log = fresh();
  must(t->m.books.trouble == OK);
  keep("turn", name, writer_bytes(&t->records));
  for (uint64_t i = 0; books_entry(&t->m.books, i, &bytes) == OK; i++) {
    write_u16(log, (uint16_t)bytes.size);
    write_bytes(log, bytes);
  }
  if (log->size <= 4096)
    keep("replay", name, writer_bytes(log));
  log = fresh();
  for (uint64_t i = 0; books_entry(&t->m.books, i, &bytes) == OK; i++) {
    must(leaf_read(bytes, &leaf) == OK);
    bool refused = leaf.verdict != ONWARD__VERDICT__ACCEPTED;
    record_write(log, leaf.origin == ORIGIN_BROKER ? BROKER : author_of(&leaf), refused ? 1 : 2, leaf.event);
  }
  keep("delivery", name, writer_bytes(log));
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

static void tell_stories(void)
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

/* --- what is read out of a made-up network's log --- */

static void keep_number(const char *target, const char *what, uint64_t number, struct bytes content)
{
  char name[64];
  (void)snprintf(name, sizeof name, "%s-%llu", what, (unsigned long long)number);
  keep(target, name, content);
}

static void keep_entries(struct world *w)
{
  struct books *b = store_begin(w->store, false);
  for (uint64_t i = 0; i < w->size; i++) {
    struct bytes bytes;
    struct leaf leaf;
    must(books_entry(b, i, &bytes) == OK && leaf_read(bytes, &leaf) == OK);
    keep_number("event", "event", i, leaf.event);
    if (i % 3 == 0)
      keep_number("frame", "leaf", i, bytes);
    if (i == 3) {
      keep("frame", "leaf-header", bytes_of(bytes.data, LEAF_HEADER_SIZE));
      keep("frame", "batch-header", leaf.header);
    }
  }
  store_abort(w->store);
  keep("frame", "head", bytes_text("\x01\x02"));
}

/* The world's log in messages of the wire. */
static Onward__Entry *entry_at(struct world *w, struct books *b, uint64_t index)
{
  struct bytes leaf;
  struct hash path[MERKLE_PATH_MAX];
  size_t count;
  Onward__Entry *e = arena_alloc(&w->arena, sizeof *e);
  must(e != NULL && books_entry(b, index, &leaf) == OK);
  must(merkle_tree_path(index, w->size, books_tree_read, b, path, &count) == OK);
  onward__entry__init(e);
  e->leaf = pb_data(arena_copy(&w->arena, leaf));
  e->path = pb_data(arena_copy(&w->arena, bytes_of(path, count * sizeof path[0])));
  return e;
}

static void keep_message(struct world *w, const char *name, uint8_t kind, const void *message)
{
  struct writer *f = fresh();
  write_u8(f, kind);
  write_bytes(f, pb_pack(message, &w->arena));
  keep("message", name, writer_bytes(f));
}

static void keep_messages(struct world *w)
{
  Onward__Hello hello = ONWARD__HELLO__INIT;
  Onward__Credit credit = {PROTOBUF_C_MESSAGE_INIT(&onward__credit__descriptor), 5, 64, 131072};
  Onward__Ask ask = {PROTOBUF_C_MESSAGE_INIT(&onward__ask__descriptor), 1};
  Onward__Welcome welcome = ONWARD__WELCOME__INIT;
  Onward__Delivery delivery = ONWARD__DELIVERY__INIT;
  Onward__Answer answer = ONWARD__ANSWER__INIT;
  Onward__Refusal refusal = ONWARD__REFUSAL__INIT;
  Onward__Goodbye goodbye = {PROTOBUF_C_MESSAGE_INIT(&onward__goodbye__descriptor), ONWARD__GOODBYE_REASON__STOPPING};
  Onward__Body body = {PROTOBUF_C_MESSAGE_INIT(&onward__body__descriptor), 3, 1, 256}, *bodies[] = {&body};
  struct bytes note;
  struct books *b = store_begin(w->store, false);
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK);
  Onward__Entry *entries[] = {entry_at(w, b, 1), entry_at(w, b, 2)}, *submit_entry[] = {entry_at(w, b, 3)};
  hello.organisation = welcome.organisation = pb_data(bytes_text("police"));
  hello.network = pb_data(hash_bytes(&w->network));
  hello.checkpoint = welcome.checkpoint = delivery.checkpoint = answer.checkpoint = pb_data(note);
  hello.kept_from = welcome.last_sequence = 1;
  welcome.last = submit_entry[0];
  welcome.time_ms = WORLD_START_MS;
  answer.n_entries = 2;
  answer.entries = entries;
  answer.more = true;
  delivery.n_entries = delivery.n_bodies = 1;
  delivery.entries = submit_entry;
  delivery.bodies = bodies;
  delivery.consistency = delivery.entries[0]->path;
  delivery.next = 4;
  refusal.reason = ONWARD__REFUSAL_REASON__BUSY;
  refusal.sequence = 7;
  refusal.what = pb_data(bytes_text("too much at once: send it again"));
  refusal.retry_after_ms = 2000;
  keep_message(w, "hello", FRAME_HELLO, &hello);
  keep_message(w, "credit", FRAME_CREDIT, &credit);
  keep_message(w, "ask", FRAME_ASK, &ask);
  keep_message(w, "welcome", FRAME_WELCOME, &welcome);
  keep_message(w, "delivery", FRAME_DELIVERY, &delivery);
  keep_message(w, "answer", FRAME_ANSWER, &answer);
  keep_message(w, "refusal", FRAME_REFUSAL, &refusal);
  keep_message(w, "goodbye", FRAME_GOODBYE, &goodbye);
  store_abort(w->store);
}

static void keep_invitation(struct world *w)
{
  static char text[PAPER_TEXT_MAX], vkey[NOTE_VKEY_SIZE];
  Onward__Invitation i = ONWARD__INVITATION__INIT;
  struct bytes note;
  struct books *b = store_begin(w->store, false);
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK);
  note_key_print(&w->log_key, vkey);
  Onward__Entry *enrolled[] = {entry_at(w, b, 1)};
  i.address = pb_data(bytes_text("tcp://127.0.0.1:4711"));
  i.link_key = pb_data(hash_bytes(&w->network));
  i.log_key = pb_data(bytes_text(vkey));
  i.genesis = entry_at(w, b, 0);
  i.n_enrolled = 1;
  i.enrolled = enrolled;
  i.checkpoint = pb_data(note);
  must(paper_invitation_write(&i, &w->arena, text, sizeof text) == OK);
  keep("invitation", "organisation", bytes_text(text));
  i.n_enrolled = 0;
  must(paper_invitation_write(&i, &w->arena, text, sizeof text) == OK);
  keep("invitation", "registrar", bytes_text(text));
  keep_message(w, "invitation", 0, &i);
  struct writer *f = fresh();
  write_text(f, vkey);
  write_u8(f, '\n');
  write_bytes(f, note);
  keep("note", "checkpoint", writer_bytes(f));
  keep("note", "key", bytes_text(vkey));
  store_abort(w->store);
}

static void keep_batches(struct world *w, struct member *aple, const struct ref_id *id)
{
  static struct draft d[2];
  struct bytes sealed;
  for (size_t count = 1; count <= 2; count++) {
    draft_init(&d[count - 1], A(ACCEPT), id);
    draft_message(&d[count - 1]);
    world_answer(w, &d[count - 1], id);
    draft_seal(&d[count - 1], &w->members[2], ONWARD__PART__NOTE, ONWARD__RELEASE__AT_DELIVERY);
    struct turn t = world_begin(w);
    struct bytes body = world_message(w, aple, d, count, &sealed);
    aple->sequence--;
    struct writer *f = fresh();
    write_u16(f, (uint16_t)body.size);
    write_bytes(f, body);
    write_bytes(f, sealed);
    keep_number("batch", "batch", count, writer_bytes(f));
    f = fresh();
    write_u8(f, FRAME_SUBMIT);
    write_bytes(f, body);
    keep("message", "submit", writer_bytes(f));
    world_commit(w, &t);
  }
}

static void keep_requests(struct member *m)
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  static char text[PAPER_TEXT_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes signature, packed = member_request(m, &a, &signature);
  Onward__Request *r = pb_unpack(&onward__request__descriptor, packed, &a);
  struct writer *f = fresh();
  write_bytes(f, signature);
  write_bytes(f, packed);
  keep("request", "packed", writer_bytes(f));
  r->duty_telephone = pb_data(bytes_text("+855 (0)63 000-000"));
  r->duty_hours = pb_data(bytes_text("Mon-Fri 08:00-17:00"));
  must(paper_request_write(m->sign, r, &a, text, sizeof text) == OK);
  keep("request", "paper", bytes_text(text));
}

static void read_a_world(void)
{
  static struct world w;
  char folder[FOLDER_PATH_SIZE];
  folder_make(folder);
  world_init(&w, folder);
  struct member *police = world_enrol(&w, "police"), *aple = world_enrol(&w, "aple");
  struct ref_id id = world_submit(&w, police, &aple, 1);
  keep_messages(&w);
  keep_invitation(&w);
  keep_requests(aple);
  world_act(&w, aple, &id, A(RECEIVE));
  keep_batches(&w, aple, &id);
  world_act(&w, aple, &id, A(ACKNOWLEDGE));
  world_act(&w, aple, &id, A(ACCEPT));
  world_act(&w, aple, &id, A(START));
  world_act(&w, aple, &id, A(COMPLETE));
  world_act(&w, police, &id, A(CLOSE));
  id = world_submit(&w, police, (struct member *const[]){aple, &w.members[0]}, 2);
  world_act(&w, aple, &id, A(RECEIVE));
  world_act(&w, aple, &id, A(DECLINE));
  keep_entries(&w);
  world_fini(&w);
  folder_remove(folder);
}

/* --- the rest --- */

static void seal_bodies(void)
{
  struct es256_secret *key;
  uint8_t point[ES256_PUBLIC_SIZE], plain[SEALED_SIZE_MIN - HPKE_OVERHEAD], sealed[SEALED_SIZE_MIN];
  must(hpke_derive_key_pair(bytes_text("the key of the fuzz target"), &key) == OK);
  es256_secret_public(key, point);
  pad(bytes_text("a few words"), plain, sizeof plain);
  must(hpke_seal(BYTES(point), bytes_text("info"), bytes_text("aad"), BYTES(plain), sealed) == OK);
  keep("hpke", "sealed", BYTES(sealed));
  keep("hpke", "padded", BYTES(plain));
  keep("hpke", "point", BYTES(point));
  es256_secret_close(key);
}

static void keep_form(const char *name, uint8_t part, const ProtobufCMessageDescriptor *type, const char *json)
{
  static uint8_t memory[65536];
  struct arena a = arena_of(memory, sizeof memory);
  struct form_error error;
  struct bytes packed;
  struct writer *f = fresh();
  write_u8(f, part);
  write_text(f, json);
  keep("form", name, writer_bytes(f));
  json_t *object = json_loads(json, 0, NULL);
  if (form_pack(type, name, object, &a, &error, &packed) != OK) {
    fprintf(stderr, "%s: %s %s\n", name, error.field, error.what);
    abort();
  }
  json_decref(object);
  f = fresh();
  write_u8(f, (uint8_t)(129 + part)); /* 129 % 3 = 0 */
  write_bytes(f, packed);
  char packed_name[40];
  (void)snprintf(packed_name, sizeof packed_name, "%s-packed", name);
  keep("form", packed_name, writer_bytes(f));
}

static void keep_forms(void)
{
  keep_form("brief", 0, &onward__brief__descriptor,
            "{\"service\":\"TRAUMA_COUNSELLING\",\"need\":\"ka\\u1780 \\\"x\\\"\",\"age_band\":\"AGE_10_14\","
            "\"sex\":\"FEMALE\",\"language\":\"km\",\"risk_note\":\"line\\nline\",\"by_rerouter\":true}");
  keep_form(
      "file", 1, &onward__file__descriptor,
      "{\"root\":\"000102030405060708090a0b0c0d0e0f\",\"case_code\":\"C-1\",\"age\":12,\"contact\":{\"who\":\"the "
      "aunt\",\"telephone\":\"+855 1\"},\"caregiver\":{\"who\":\"aunt\",\"informed\":true},\"consent\":{"
      "\"given_by\":\"the child\"},\"focal_point\":\"duty desk\"}");
  keep_form("note", 2, &onward__note__descriptor, "{\"text\":\"no room before May\"}");
}

int main(int argc, char **argv)
{
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
    return 2;
  }
  corpus = argv[1];
  tell_stories();
  read_a_world();
  seal_bodies();
  keep_forms();
  keep("config", "all",
       bytes_text("# a comment\n[exchange]\naddress = tcp://exchange.test:4711\nsocks_proxy = 127.0.0.1:9050\n"
                  "hello_wait_ms = 30000\nask_interval_s = 60\ncredit_entries = 256\ncredit_bytes = 65536\n\n[office]\n"
                  "lock_after_minutes = 0\n"));
  keep("config", "wrong", bytes_text("[office]\nlock_after_minutes = 1441\nlock_after_minutes = ten\n[none]\nx=y\n"));
  keep("config", "empty", bytes_text("\n"));
  return 0;
}
