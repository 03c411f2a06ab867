/* The exchange's side first, then the agent's. */
#include "tests/unit/office.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/inbox.h"

#define MEMORY_SIZE (8u << 20)

static char folder[FOLDER_PATH_SIZE], home[FOLDER_PATH_SIZE], why[200];
struct world world;
struct agent agent;
struct member *police, *aple;
static void *memory;
static struct arena arena;

/* Behind another entry of the same message, or (NULL) as its first. */
static Onward__Entry *entry_at(struct books *b, uint64_t index, const uint64_t *before)
{
  struct hash path[MERKLE_PATH_MAX];
  struct bytes leaf;
  size_t count = 0;
  Onward__Entry *e = arena_alloc(&arena, sizeof *e);
  onward__entry__init(e);
  must(books_entry(b, index, &leaf) == OK);
  must((before == NULL ? merkle_tree_path(index, world.size, books_tree_read, b, path, &count)
                       : merkle_tree_path_apart(index, *before, world.size, books_tree_read, b, path, &count)) == OK);
  e->leaf = pb_data(arena_copy(&arena, leaf));
  e->path = pb_data(arena_copy(&arena, bytes_of(path, count * sizeof path[0])));
  return e;
}

static struct bytes note_now(struct books *b)
{
  struct bytes note;
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK);
  return arena_copy(&arena, note);
}

/* The agent's keys, enrolled; its invitation in its folder. */
static void join(void)
{
  static char text[PAPER_TEXT_MAX];
  struct key_folder keys;
  struct draft d;
  uint8_t signature[ES256_SIGNATURE_SIZE];
  Onward__Request request = ONWARD__REQUEST__INIT;
  Onward__Enrol enrol = ONWARD__ENROL__INIT;
  Onward__Invitation invitation = ONWARD__INVITATION__INIT;
  char vkey[NOTE_VKEY_SIZE];
  must(keys_open(home, why, &keys) == OK);
  aple = &world.members[world.member_count++];
  member_init(aple, "aple");
  memcpy(aple->seal_point, keys.seal_point[0], sizeof aple->seal_point);
  es256_secret_public(keys.sign, aple->sign_point);
  memcpy(aple->link_point, keys.link_public, sizeof aple->link_point);
  request.organisation = pb_data(org_id_text(&aple->id));
  request.name = pb_data(bytes_text("APLE (test)"));
  request.kind = ONWARD__ORGANISATION_KIND__NGO;
  request.link_key = pb_data(BYTES(aple->link_point));
  request.sign_key = pb_data(BYTES(aple->sign_point));
  request.seal_key = pb_data(BYTES(aple->seal_point));
  struct bytes packed = pb_pack(&request, &arena);
  must(dsse_sign(keys.sign, REQUEST_TYPE, packed, signature) == OK);
  keys_close(&keys);
  enrol.request = pb_data(packed);
  enrol.signature = pb_data(BYTES(signature));
  draft_init(&d, ONWARD__CORE__ACT_ENROL, NULL);
  d.core.enrol = &enrol;
  must(world_hear(&world, &world.members[0], &d, 1) == ONWARD__VERDICT__ACCEPTED);
  note_key_print(&world.log_key, vkey);
  struct books *b = store_begin(world.store, false);
  Onward__Entry *enrolled = entry_at(b, world.size - 1, NULL);
  invitation.address = pb_data(bytes_text("tcp://127.0.0.1:1"));
  invitation.link_key = pb_data(BYTES(aple->link_point));
  invitation.log_key = pb_data(bytes_text(vkey));
  invitation.genesis = entry_at(b, 0, NULL);
  invitation.n_enrolled = 1;
  invitation.enrolled = &enrolled;
  invitation.checkpoint = pb_data(note_now(b));
  must(paper_invitation_write(&invitation, &arena, text, sizeof text) == OK);
  store_abort(world.store);
  must(file_write(folder_path(home, "network"), bytes_text(text), why) == OK);
}

static struct bytes proof_from(struct books *b, uint64_t size)
{
  struct hash proof[MERKLE_PROOF_MAX];
  size_t count = 0;
  if (size < world.size)
    must(merkle_tree_consistency(size, world.size, books_tree_read, b, proof, &count) == OK);
  return arena_copy(&arena, bytes_of(proof, count * sizeof proof[0]));
}

Onward__Answer office_entries(const uint64_t *indices, size_t count, Onward__Entry *entries[64])
{
  Onward__Answer answer = ONWARD__ANSWER__INIT;
  struct books *b = store_begin(world.store, false);
  must(count <= 64);
  answer.entries = entries;
  for (; answer.n_entries < count; answer.n_entries++) {
    size_t i = answer.n_entries;
    entries[i] = entry_at(b, indices[i], i > 0 ? &indices[i - 1] : NULL);
  }
  must(evidence_checkpoint(&agent.evidence, note_now(b), proof_from(b, agent.evidence.newest.size)) == OK);
  store_abort(world.store);
  return answer;
}

Onward__Answer office_directory(Onward__Entry *entries[64])
{
  uint64_t indices[64];
  size_t count = 0;
  struct bytes key, value;
  struct row_key from = key_of_index(directory_known(agent_read(&agent)) + 1);
  agent_abort(&agent);
  struct books *b = store_begin(world.store, false);
  while (b->seek(b, TABLE_REGISTRY, row_key(&from), &key, &value) == OK) {
    must(count < 64);
    indices[count] = key_number(key, 0);
    from = key_of_index(indices[count++] + 1);
  }
  store_abort(world.store);
  return office_entries(indices, count, entries);
}

void office_tell_directory(void)
{
  size_t changed;
  Onward__Entry *entries[64];
  Onward__Answer answer = office_directory(entries);
  must(directory_take(&agent.evidence, agent_write(&agent), &answer, &agent.arena, &changed) == OK);
  must(agent_commit(&agent) == OK);
}

struct parcel office_mail(uint64_t from)
{
  static struct parcel p;
  struct books *b = store_begin(world.store, false);
  uint64_t index, before;
  memset(&p, 0, sizeof p);
  onward__delivery__init(&p.d);
  for (; books_mail(b, &aple->id, from, &index) == OK; from = index + 1) {
    struct leaf leaf;
    struct event e;
    struct body_name names[2];
    size_t used = arena.used;
    must(books_event(b, index, &arena, &leaf, &e) == OK);
    size_t count = ledger_bodies(b, &aple->id, index, &e, names);
    arena.used = used;
    for (size_t i = 0; i < count; i++) {
      struct bytes body;
      struct row_key k = key_of_body(names[i].index, names[i].slot);
      must(b->get(b, TABLE_BODIES, row_key(&k), &body) == OK);
      memcpy(p.sealed + p.sealed_size, body.data, body.size);
      p.sealed_size += body.size;
      size_t n = p.d.n_bodies++;
      onward__body__init(&p.bodies[n]);
      p.bodies[n].index = names[i].index;
      p.bodies[n].slot = names[i].slot;
      p.bodies[n].size = (uint32_t)body.size;
      p.body_list[n] = &p.bodies[n];
    }
    p.entries[p.d.n_entries] = entry_at(b, index, p.d.n_entries > 0 ? &before : NULL);
    p.d.n_entries++;
    before = index;
  }
  p.d.next = world.size;
  must(evidence_checkpoint(&agent.evidence, note_now(b), proof_from(b, agent.evidence.newest.size)) == OK);
  store_abort(world.store);
  return p;
}

enum status office_deliver(struct parcel *p)
{
  uint64_t registry;
  p->d.entries = p->entries;
  p->d.bodies = p->body_list;
  for (size_t i = 0; i < p->d.n_bodies; i++)
    p->body_list[i] = &p->bodies[i];
  arena_reset(&agent.arena);
  enum status s = inbox_take(&agent, agent_write(&agent), &p->d, bytes_of(p->sealed, p->sealed_size), &registry);
  if (s == OK)
    assert_int_equal(agent_commit(&agent), OK);
  else
    agent_abort(&agent);
  return s;
}

/* --- the agent's side --- */

struct item office_item(const struct ref_id *id)
{
  struct item item;
  assert_int_equal(item_get(agent_read(&agent), id, &item), OK);
  agent_abort(&agent);
  return item;
}

bool office_knows(const struct ref_id *id)
{
  struct item item;
  bool known = item_get(agent_read(&agent), id, &item) == OK;
  agent_abort(&agent);
  return known;
}

/* The events that wait in the outbox, oldest first. */
size_t office_queued(struct event out[8])
{
  size_t count = 0;
  struct books *b = agent_read(&agent);
  struct walk w = walk_start(TABLE_EVENTS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct outbox_event e;
    struct complaint complaint;
    must(outbox_get(b, key_number(w.key, 0), &e) == OK);
    must(event_read(arena_copy(&arena, e.event), &arena, &complaint, &out[count++]) == OK);
  }
  agent_abort(&agent);
  return count;
}

/* The exchange hears what the agent has queued. */
void office_send_all(void)
{
  uint64_t sequence;
  struct bytes body, sealed;
  struct batch batch;
  struct refusal refusal;
  assert_int_equal(outbox_form(agent_write(&agent), &agent.self, 8, MESSAGE_SIZE_MAX, false, &sequence), OK);
  assert_int_equal(agent_commit(&agent), OK);
  must(outbox_message(agent_read(&agent), sequence, &arena, &body, &sealed) == OK);
  agent_abort(&agent);
  struct turn t = world_begin(&world);
  must(batch_read(body, sealed, &world.arena, &refusal, &batch) == OK);
  must(batch_admit(t.books, &world.ring, &batch, &refusal) == OK);
  for (size_t i = 0; i < batch.count; i++)
    turn_hear(&t, &batch, i);
  world_commit(&world, &t);
}

void office_shorten(struct parcel *p, size_t i)
{
  p->entries[i]->leaf.len = LEAF_HEADER_SIZE;
}

int office_keys(void **state)
{
  (void)state;
  folder_make(folder);
  memcpy(home, folder, sizeof home);
  strncat(home, "/home", sizeof home - strlen(home) - 1);
  return keys_create(home, bytes_text("not a secret"), why) == OK ? 0 : -1;
}

int office_end(void **state)
{
  (void)state;
  folder_remove(folder);
  return 0;
}

int office_setup(void **state)
{
  (void)state;
  memory = malloc(MEMORY_SIZE);
  arena = arena_of(memory, MEMORY_SIZE);
  must(mkdir(folder_path(folder, "world"), 0700) == 0);
  world_init(&world, folder_path(folder, "world"));
  join();
  police = world_enrol(&world, "police");
  must(agent_open(&agent, home, NULL) == OK);
  office_tell_directory();
  return 0;
}

int office_teardown(void **state)
{
  (void)state;
  agent_close(&agent);
  world_fini(&world);
  folder_remove(folder_path(folder, "world"));
  folder_remove(folder_path(home, "books"));
  free(memory);
  return 0;
}

static struct world then;

void office_remember(const char *beside)
{
  must(store_copy(world.store, folder_path(beside, "then"), ALL_TABLES, why) == OK);
  then = world;
}

void office_go_back(const char *beside)
{
  const struct store_options options = {.folder = folder_path(beside, "then"),
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT};
  store_close(world.store);
  must(store_open(&options, why, &world.store) == OK);
  world.size = then.size;
  for (size_t i = 0; i < world.member_count; i++)
    world.members[i].sequence = then.members[i].sequence;
}
