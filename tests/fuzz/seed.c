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
#include "tests/fuzz/seed.h"
#include "tests/unit/support.h"

#define A(name) ONWARD__CORE__ACT_##name

static const char *corpus;
static uint8_t file[1u << 20];
static struct writer written;

struct writer *seed_file(void)
{
  written = writer_of(file, sizeof file);
  return &written;
}

void seed_keep(const char *target, const char *name, struct bytes content)
{
  char path[1000];
  must(snprintf(path, sizeof path, "%s/%s", corpus, target) < (int)sizeof path);
  (void)mkdir(path, 0755);
  must(snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name) < (int)sizeof path);
  FILE *f = fopen(path, "wb");
  must(f != NULL && fwrite(content.data, 1, content.size, f) == content.size && fclose(f) == 0);
}

/* --- what is read out of a made-up network's log --- */

static void keep_number(const char *target, const char *what, uint64_t number, struct bytes content)
{
  char name[64];
  (void)snprintf(name, sizeof name, "%s-%llu", what, (unsigned long long)number);
  seed_keep(target, name, content);
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
      seed_keep("frame", "leaf-header", bytes_of(bytes.data, LEAF_HEADER_SIZE));
      seed_keep("frame", "batch-header", leaf.header);
    }
  }
  store_abort(w->store);
  seed_keep("frame", "head", bytes_text("\x01\x02"));
}

/* The world's log in messages of the wire. */
static Onward__Entry *entry_behind(struct world *w, struct books *b, uint64_t index, const uint64_t *before)
{
  struct bytes leaf;
  struct hash path[MERKLE_PATH_MAX];
  size_t count;
  Onward__Entry *e = arena_alloc(&w->arena, sizeof *e);
  must(e != NULL && books_entry(b, index, &leaf) == OK);
  must((before == NULL ? merkle_tree_path(index, w->size, books_tree_read, b, path, &count)
                       : merkle_tree_path_apart(index, *before, w->size, books_tree_read, b, path, &count)) == OK);
  onward__entry__init(e);
  e->leaf = pb_data(arena_copy(&w->arena, leaf));
  e->path = pb_data(arena_copy(&w->arena, bytes_of(path, count * sizeof path[0])));
  return e;
}

static Onward__Entry *entry_at(struct world *w, struct books *b, uint64_t index)
{
  return entry_behind(w, b, index, NULL);
}

static void keep_message(struct world *w, const char *name, uint8_t kind, const void *message)
{
  struct writer *f = seed_file();
  write_u8(f, kind);
  write_bytes(f, pb_pack(message, &w->arena));
  seed_keep("message", name, writer_bytes(f));
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
  const uint64_t first = 1;
  Onward__Entry *entries[] = {entry_at(w, b, first), entry_behind(w, b, 2, &first)},
                *submit_entry[] = {entry_at(w, b, 3)};
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
  seed_keep("invitation", "organisation", bytes_text(text));
  i.n_enrolled = 0;
  must(paper_invitation_write(&i, &w->arena, text, sizeof text) == OK);
  seed_keep("invitation", "registrar", bytes_text(text));
  keep_message(w, "invitation", 0, &i);
  struct writer *f = seed_file();
  write_text(f, vkey);
  write_u8(f, '\n');
  write_bytes(f, note);
  seed_keep("note", "checkpoint", writer_bytes(f));
  seed_keep("note", "key", bytes_text(vkey));
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
    struct writer *f = seed_file();
    write_u16(f, (uint16_t)body.size);
    write_bytes(f, body);
    write_bytes(f, sealed);
    keep_number("batch", "batch", count, writer_bytes(f));
    f = seed_file();
    write_u8(f, FRAME_SUBMIT);
    write_bytes(f, body);
    seed_keep("message", "submit", writer_bytes(f));
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
  struct writer *f = seed_file();
  write_bytes(f, signature);
  write_bytes(f, packed);
  seed_keep("request", "packed", writer_bytes(f));
  r->duty_telephone = pb_data(bytes_text("+855 (0)63 000-000"));
  r->duty_hours = pb_data(bytes_text("Mon-Fri 08:00-17:00"));
  must(paper_request_write(m->sign, r, &a, text, sizeof text) == OK);
  seed_keep("request", "paper", bytes_text(text));
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
  seed_keep("hpke", "sealed", BYTES(sealed));
  seed_keep("hpke", "padded", BYTES(plain));
  seed_keep("hpke", "point", BYTES(point));
  es256_secret_close(key);
}

static void keep_form(const char *name, uint8_t part, const ProtobufCMessageDescriptor *type, const char *json)
{
  static uint8_t memory[65536];
  struct arena a = arena_of(memory, sizeof memory);
  struct form_error error;
  struct bytes packed;
  struct writer *f = seed_file();
  write_u8(f, part);
  write_text(f, json);
  seed_keep("form", name, writer_bytes(f));
  json_t *object = json_loads(json, 0, NULL);
  if (form_pack(type, name, object, &a, &error, &packed) != OK) {
    fprintf(stderr, "%s: %s %s\n", name, error.field, error.what);
    abort();
  }
  json_decref(object);
  f = seed_file();
  write_u8(f, (uint8_t)(129 + part)); /* 129 % 3 = 0 */
  write_bytes(f, packed);
  char packed_name[40];
  (void)snprintf(packed_name, sizeof packed_name, "%s-packed", name);
  seed_keep("form", packed_name, writer_bytes(f));
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
  seed_stories();
  read_a_world();
  seal_bodies();
  keep_forms();
  seed_keep(
      "config", "all",
      bytes_text("# a comment\n[exchange]\naddress = tcp://exchange.test:4711\nsocks_proxy = 127.0.0.1:9050\n"
                 "hello_wait_ms = 30000\nask_interval_s = 60\ncredit_entries = 256\ncredit_bytes = 65536\n\n[office]\n"
                 "lock_after_minutes = 0\n"));
  seed_keep("config", "wrong",
            bytes_text("[office]\nlock_after_minutes = 1441\nlock_after_minutes = ten\n[none]\nx=y\n"));
  seed_keep("config", "empty", bytes_text("\n"));
  return 0;
}
