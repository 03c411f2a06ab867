/* What an agent believes: checkpoints that follow from each other, entries that are in the tree and signed, a directory
 * without gaps. Everything else is an accusation that stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/directory.h"
#include "tests/unit/support.h"

#define MEMORY_SIZE (4u << 20)

static char folder[FOLDER_PATH_SIZE], why[200];
static struct world world;
static struct store *books; /* the agent's */
static struct key_ring ring;
static struct evidence evidence;
static void *memory;
static struct arena arena;

/* Slices into `arena`, from the world's log as it is now. */
static struct bytes note_now(void)
{
  struct bytes note;
  struct books *b = store_begin(world.store, false);
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK);
  note = arena_copy(&arena, note);
  store_abort(world.store);
  return note;
}

static struct bytes proof_from(uint64_t size)
{
  static struct hash proof[MERKLE_PROOF_MAX];
  size_t count = 0;
  struct books *b = store_begin(world.store, false);
  if (size < world.size)
    must(merkle_tree_consistency(size, world.size, books_tree_read, b, proof, &count) == OK);
  store_abort(world.store);
  return bytes_of(proof, count * sizeof proof[0]);
}

static struct bytes leaf_at(uint64_t index)
{
  struct bytes leaf;
  struct books *b = store_begin(world.store, false);
  must(books_entry(b, index, &leaf) == OK);
  leaf = arena_copy(&arena, leaf);
  store_abort(world.store);
  return leaf;
}

/* NULL: behind no other entry. */
static struct bytes path_behind(uint64_t index, const uint64_t *before)
{
  struct hash path[MERKLE_PATH_MAX];
  size_t count = 0;
  struct books *b = store_begin(world.store, false);
  must((before == NULL ? merkle_tree_path(index, world.size, books_tree_read, b, path, &count)
                       : merkle_tree_path_apart(index, *before, world.size, books_tree_read, b, path, &count)) == OK);
  store_abort(world.store);
  return arena_copy(&arena, bytes_of(path, count * sizeof path[0]));
}

static struct bytes path_of(uint64_t index)
{
  return path_behind(index, NULL);
}

static void open_books(void)
{
  struct store_options o = {.folder = folder_path(folder, "agent"),
                            .table_names = tables_names(),
                            .table_count = TABLES_AGENT,
                            .format = AGENT_FORMAT,
                            .create = true};
  must(store_open(&o, why, &books) == OK);
}

/* The world founds its network; the agent begins with its first checkpoint. */
static int setup(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&world, folder);
  memory = malloc(MEMORY_SIZE);
  arena = arena_of(memory, MEMORY_SIZE);
  open_books();
  struct bytes first = note_now(), genesis = leaf_at(0);
  struct books *b = store_begin(books, true);
  must(directory_begin(b, genesis, &world.network, &arena) == OK);
  must(evidence_init(&evidence, b, &ring, &world.network, &world.log_key, first) == OK);
  evidence_keep(&evidence, b);
  must(store_commit(books, why) == OK);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  store_close(books);
  world_fini(&world);
  key_ring_fini(&ring);
  free(memory);
  folder_remove(folder);
  return 0;
}

static enum status follow(void)
{
  return evidence_checkpoint(&evidence, note_now(), proof_from(evidence.newest.size));
}

/* A checkpoint that the log's own key signed over something else. */
static struct bytes signed_note(uint64_t size, uint8_t root, const char *origin)
{
  static char note[NOTE_SIZE_MAX];
  size_t note_size = 0;
  struct checkpoint c = {.size = size};
  strcpy(c.origin, origin);
  memset(c.root.byte, root, sizeof c.root.byte);
  must(checkpoint_sign(&c, WORLD_ORIGIN, world.log_secret, note, &note_size) == OK);
  return bytes_of(note, note_size);
}

static void newest_follows_the_log(void **state)
{
  (void)state;
  for (int i = 0; i < 5; i++) {
    char id[] = {'o', 'r', 'g', (char)('a' + i), 0};
    world_enrol(&world, id);
    assert_int_equal(follow(), OK);
    assert_int_equal(evidence.newest.size, world.size);
  }
  assert_int_equal(follow(), OK); /* the same once more */
  assert_int_equal(evidence.accused, ALARM_NONE);
}

static void newest_survives_the_process(void **state)
{
  (void)state;
  world_enrol(&world, "police");
  assert_int_equal(follow(), OK);
  evidence_keep(&evidence, store_begin(books, true));
  assert_int_equal(store_commit(books, why), OK);
  store_close(books);
  open_books();
  struct evidence again;
  assert_int_equal(
      evidence_init(&again, store_begin(books, false), &ring, &world.network, &world.log_key, (struct bytes){NULL, 0}),
      OK);
  store_abort(books);
  assert_int_equal(again.newest.size, world.size);
  assert_int_equal(again.genesis.size, world.size);
}

static void assert_accused(struct bytes note, struct bytes proof, enum alarm_kind kind)
{
  uint64_t size = evidence.newest.size;
  evidence.accused = ALARM_NONE;
  assert_int_equal(evidence_checkpoint(&evidence, note, proof), BAD_INPUT);
  assert_int_equal(evidence.accused, kind);
  assert_int_equal(evidence.newest.size, size);
}

static void what_does_not_follow_is_accused(void **state)
{
  (void)state;
  world_enrol(&world, "police");
  assert_int_equal(follow(), OK);
  uint64_t size = evidence.newest.size;
  struct bytes none = {NULL, 0}, good_note = note_now();
  char origin[] = WORLD_ORIGIN "/1", other[] = WORLD_ORIGIN "/2";
  assert_accused(signed_note(size, 7, origin), none, ALARM_FORK);
  assert_accused(signed_note(size + 1, 7, origin), none, ALARM_FORK);
  assert_accused(signed_note(size - 1, 7, origin), none, ALARM_ROLLED_BACK);
  assert_accused(signed_note(size + 1, 7, other), none, ALARM_FORK); /* a new epoch that does not continue it */
  char forged[NOTE_SIZE_MAX];
  memcpy(forged, good_note.data, good_note.size);
  forged[good_note.size - 10] ^= 1;
  assert_accused(bytes_of(forged, good_note.size), none, ALARM_BAD_NOTE);
  assert_accused(none, none, ALARM_BAD_NOTE);
}

static void proof_must_fit(void **state)
{
  (void)state;
  world_enrol(&world, "police");
  assert_int_equal(follow(), OK);
  world_enrol(&world, "aple");
  world_enrol(&world, "haven");
  struct bytes proof = proof_from(evidence.newest.size), note = note_now();
  uint8_t wrong[MERKLE_PROOF_MAX * 32];
  memcpy(wrong, proof.data, proof.size);
  wrong[3] ^= 1;
  assert_accused(note, bytes_of(wrong, proof.size), ALARM_FORK);
  assert_accused(note, bytes_of(proof.data, proof.size - 32), ALARM_FORK);
  assert_accused(note, bytes_of(proof.data, proof.size - 1), ALARM_FORK);
  assert_int_equal(evidence_checkpoint(&evidence, note, proof), OK);
}

static void assert_both_kept(struct books *b, struct alarm_record *record, const struct bytes *offered)
{
  struct alarm_proof kept;
  assert_true(alarm_get(b, ALARM_FORK, record, &kept));
  assert_true(bytes_equal(kept.part[ALARM_HELD], bytes_of(evidence.note, evidence.note_size)));
  assert_true(bytes_equal(kept.part[ALARM_OFFERED], *offered));
}

static void accusation_halts_and_stays(void **state)
{
  (void)state;
  struct marks m;
  char origin[] = WORLD_ORIGIN "/1";
  struct bytes offered = signed_note(evidence.newest.size, 7, origin);
  assert_accused(offered, (struct bytes){NULL, 0}, ALARM_FORK);
  evidence_record(&evidence, store_begin(books, true), 1000);
  assert_int_equal(store_commit(books, why), OK);
  store_close(books);
  open_books();
  struct books *b = store_begin(books, true);
  struct alarm_record record;
  struct alarm_proof kept;
  marks_get(b, &m);
  assert_int_equal(m.halted, 1);
  assert_int_equal(alarm_next(b, ALARM_NONE), ALARM_FORK);
  assert_both_kept(b, &record, &offered);
  assert_int_equal(record.raised_ms, 1000);
  assert_false(alarm_raise(b, ALARM_FORK, 2000, NULL));
  assert_both_kept(b, &record, &offered);
  alarm_end_all(b);
  marks_get(b, &m);
  assert_int_equal(m.halted, 0);
  assert_int_equal(alarm_next(b, ALARM_NONE), ALARM_NONE);
  assert_both_kept(b, &record, &offered); /* the evidence stays */
  assert_true(record.ended);
  assert_true(alarm_raise(b, ALARM_FORK, 3000, NULL)); /* another time */
  assert_true(alarm_get(b, ALARM_FORK, &record, &kept));
  assert_int_equal(kept.part[ALARM_OFFERED].size, 0);
  store_abort(books);
}

static void leaf_must_be_in_the_tree(void **state)
{
  (void)state;
  struct leaf leaf;
  world_enrol(&world, "police");
  world_enrol(&world, "aple");
  assert_int_equal(follow(), OK);
  struct bytes bytes = leaf_at(2), path = path_of(2);
  const uint64_t one = 1;
  assert_int_equal(evidence_leaf(&evidence, bytes, path, &leaf), OK);
  assert_int_equal(leaf.index, 2);
  evidence_begin(&evidence);
  assert_int_equal(evidence_leaf(&evidence, leaf_at(1), path_of(1), &leaf), OK);
  assert_int_equal(evidence_leaf(&evidence, leaf_at(0), path_behind(0, &one), &leaf), OK);
  evidence_begin(&evidence);
  assert_int_equal(evidence_leaf(&evidence, leaf_at(0), path_behind(0, &one), &leaf), BAD_INPUT); /* alone */
  evidence.accused = ALARM_NONE;
  uint8_t wrong[LEAF_SIZE_MAX];
  memcpy(wrong, bytes.data, bytes.size);
  wrong[3] ^= 1; /* the verdict */
  assert_int_equal(evidence_leaf(&evidence, bytes_of(wrong, bytes.size), path, &leaf), BAD_INPUT);
  assert_int_equal(evidence.accused, ALARM_BAD_PROOF);
  evidence.accused = ALARM_NONE;
  assert_int_equal(evidence_leaf(&evidence, bytes, path_of(1), &leaf), BAD_INPUT);
  assert_int_equal(evidence.accused, ALARM_BAD_PROOF);
  assert_int_equal(evidence_leaf(&evidence, bytes, bytes_of(path.data, path.size - 32), &leaf), BAD_INPUT);
}

/* An Answer with the registry's entries from `from` on, leaving out `without`. */
static Onward__Answer *answer_of(uint64_t from, uint64_t without)
{
  Onward__Answer *answer = arena_alloc(&arena, sizeof *answer);
  onward__answer__init(answer);
  answer->entries = arena_alloc(&arena, world.size * sizeof answer->entries[0]);
  uint64_t before;
  for (uint64_t i = from; i < world.size; i++) {
    if (i == without)
      continue;
    Onward__Entry *e = arena_alloc(&arena, sizeof *e);
    onward__entry__init(e);
    e->leaf = pb_data(leaf_at(i));
    e->path = pb_data(path_behind(i, answer->n_entries > 0 ? &before : NULL));
    answer->entries[answer->n_entries++] = e;
    before = i;
  }
  return answer;
}

static enum status take(const Onward__Answer *answer, size_t *changed)
{
  struct books *b = store_begin(books, true);
  enum status s = directory_take(&evidence, b, answer, &arena, changed);
  if (s != OK)
    store_abort(books);
  else
    assert_int_equal(store_commit(books, why), OK);
  return s;
}

static void directory_is_a_chain(void **state)
{
  (void)state;
  size_t changed;
  struct organisation o;
  struct member *police = world_enrol(&world, "police"), *aple = world_enrol(&world, "aple");
  assert_int_equal(follow(), OK);
  assert_int_equal(take(answer_of(1, 1), &changed), BAD_INPUT); /* police is left out */
  assert_int_equal(evidence.accused, ALARM_WITHHELD);
  evidence.accused = ALARM_NONE;
  assert_int_equal(take(answer_of(1, 0), &changed), OK);
  assert_int_equal(changed, 2);
  assert_int_equal(take(answer_of(1, 0), &changed), OK); /* once more: nothing is new */
  assert_int_equal(changed, 0);
  struct books *b = store_begin(books, false);
  assert_int_equal(directory_known(b), 2);
  assert_int_equal(books_organisation(b, &police->id, &o), OK);
  assert_int_equal(books_organisation(b, &aple->id, &o), OK);
  assert_true(bytes_equal(BYTES(o.keys.sign), BYTES(aple->sign_point)));
  assert_non_null(directory_request(b, &o, &arena));
  store_abort(books);
}

static void event_must_be_signed_by_its_author(void **state)
{
  (void)state;
  size_t changed;
  struct leaf leaf;
  struct event event;
  struct member *police = world_enrol(&world, "police"), *aple = world_enrol(&world, "aple");
  world_submit(&world, police, &aple, 1);
  assert_int_equal(follow(), OK);
  assert_int_equal(evidence_leaf(&evidence, leaf_at(3), path_of(3), &leaf), OK);
  struct books *b = store_begin(books, false);
  assert_int_equal(evidence_event(&evidence, b, &leaf, &arena, &event),
                   BAD_INPUT); /* nobody of that name is known yet */
  assert_int_equal(evidence.accused, ALARM_BAD_PROOF);
  store_abort(books);
  evidence.accused = ALARM_NONE;
  Onward__Answer *answer = answer_of(1, 3);
  assert_int_equal(take(answer, &changed), OK);
  b = store_begin(books, false);
  assert_int_equal(evidence_event(&evidence, b, &leaf, &arena, &event), OK);
  assert_int_equal(event.act, ONWARD__CORE__ACT_SUBMIT);
  struct evidence elsewhere = evidence;
  elsewhere.network.byte[0] ^= 1; /* signed for another network */
  assert_int_equal(evidence_event(&elsewhere, b, &leaf, &arena, &event), BAD_INPUT);
  store_abort(books);
}

static void invitation_path_grows_with_the_log(void **state)
{
  (void)state;
  for (int i = 0; i < 9; i++) {
    char id[] = {'o', 'r', 'g', (char)('a' + i), 0};
    world_enrol(&world, id);
    if (i % 3 == 1)
      continue; /* not every size is seen */
    assert_int_equal(follow(), OK);
    struct bytes path = path_of(0);
    assert_int_equal(evidence.genesis.size, world.size);
    assert_true(bytes_equal(bytes_of(evidence.genesis.hash, evidence.genesis.count * 32), path));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(newest_follows_the_log, setup, teardown),
      cmocka_unit_test_setup_teardown(newest_survives_the_process, setup, teardown),
      cmocka_unit_test_setup_teardown(what_does_not_follow_is_accused, setup, teardown),
      cmocka_unit_test_setup_teardown(proof_must_fit, setup, teardown),
      cmocka_unit_test_setup_teardown(accusation_halts_and_stays, setup, teardown),
      cmocka_unit_test_setup_teardown(leaf_must_be_in_the_tree, setup, teardown),
      cmocka_unit_test_setup_teardown(directory_is_a_chain, setup, teardown),
      cmocka_unit_test_setup_teardown(event_must_be_signed_by_its_author, setup, teardown),
      cmocka_unit_test_setup_teardown(invitation_path_grows_with_the_log, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
