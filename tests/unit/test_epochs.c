/* An exchange that says it was restored from a backup: what an agent that knows more believes of it, and what not. */
#include <stdio.h>
#include <string.h>

#include "agents/heard.h"
#include "agents/restored.h"
#include "proto/ledger/rows.h"
#include "tests/unit/office.h"

static char work[FOLDER_PATH_SIZE];

/* The agent has seen an entry that the exchange, set back, has no more. */
static int setup(void **state)
{
  folder_make(work);
  int code = office_setup(state);
  office_remember(work);
  world_submit(&world, police, &aple, 1);
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), OK);
  office_go_back(work);
  return code;
}

static int teardown(void **state)
{
  int code = office_teardown(state);
  folder_remove(work);
  return code;
}

/* An entry with its path to the newest checkpoint. */
static Onward__Entry *entry_of(struct books *b, uint64_t index, struct arena *a)
{
  struct bytes leaf;
  struct hash path[MERKLE_PATH_MAX];
  size_t count;
  Onward__Entry init = ONWARD__ENTRY__INIT, *e = arena_alloc(a, sizeof init);
  must(e != NULL && books_entry(b, index, &leaf) == OK &&
       merkle_tree_path(index, world.size, books_tree_read, b, path, &count) == OK);
  *e = init;
  e->leaf = pb_data(arena_copy(a, leaf));
  e->path = pb_data(arena_copy(a, bytes_of(path, count * sizeof path[0])));
  return e;
}

/* The welcome of the exchange as it is now, whose epoch began with entry `begun`; `entries`: 0 shows nothing of it. */
static void welcome(uint64_t begun, size_t entries)
{
  static uint8_t memory[1 << 20];
  struct arena a = arena_of(memory, sizeof memory);
  struct hash proof[MERKLE_PROOF_MAX];
  struct bytes note;
  size_t count = 0;
  Onward__Welcome w = ONWARD__WELCOME__INIT;
  struct books *b = store_begin(world.store, false);
  must(b->get(b, TABLE_CHECKPOINT, bytes_text("newest"), &note) == OK);
  must(merkle_tree_consistency(begun, world.size, books_tree_read, b, proof, &count) == OK);
  Onward__Entry *restored[] = {entry_of(b, 0, &a), entry_of(b, begun, &a)};
  w.checkpoint = pb_data(arena_copy(&a, note));
  w.consistency = pb_data(bytes_of(proof, count * sizeof proof[0]));
  w.restored = restored;
  w.n_restored = entries;
  store_abort(world.store);
  static uint8_t packed[1 << 20];
  struct arena p = arena_of(packed, sizeof packed);
  struct link_message m = {.kind = FRAME_WELCOME, .body = pb_pack(&w, &p)};
  agent.session.phase = PHASE_HELLO;
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
}

static bool asks(struct restored_question *q)
{
  bool it_does = restored_asks(&agent, agent_read(&agent), q);
  agent_abort(&agent);
  return it_does;
}

static void a_person_is_asked_and_then_it_goes_on(void **state)
{
  (void)state;
  struct restored_question q;
  uint64_t seen = agent.evidence.newest.size, begun = world.size;
  Onward__Restore r = world_restore_here(&world);
  r.lost_size = seen;
  world_say_restored(&world, &world.members[1], &world.members[1], &r);
  welcome(begun, 2);
  assert_false(agent.session.halted);
  assert_true(asks(&q));
  assert_int_equal(q.seen, seen);
  assert_int_equal(q.continues_at, begun);
  assert_int_equal(q.epoch, 2);
  assert_int_equal(agent.evidence.newest.size, seen); /* nothing is believed yet */
  restored_agree(agent_write(&agent), &q);
  assert_int_equal(agent_commit(&agent), OK);
  welcome(begun, 2);
  assert_false(asks(&q));
  assert_int_equal(agent.evidence.newest.size, world.size);
  assert_int_equal(checkpoint_epoch(&agent.evidence.newest, &world.log_key), 2);
}

/* Its registrar was shown a log in which an entry that we have read is another one. */
static void what_was_read_before_comes_again_as_it_was(void **state)
{
  (void)state;
  struct restored_question q;
  world_submit(&world, police, &aple, 1);
  uint64_t begun = world.size;
  assert_true(begun < agent.evidence.newest.size);
  Onward__Restore r = world_restore_here(&world);
  world_say_restored(&world, &world.members[0], &world.members[0], &r);
  welcome(begun, 2);
  assert_true(asks(&q));
  restored_agree(agent_write(&agent), &q);
  assert_int_equal(agent_commit(&agent), OK);
  welcome(begun, 2);
  office_tell_directory();
  struct parcel mail = office_mail(0);
  assert_int_equal(office_deliver(&mail), BAD_INPUT);
  assert_int_equal(agent.evidence.accused, ALARM_FORK);
}

static void assert_accused(void)
{
  struct restored_question q;
  assert_true(agent.session.halted);
  assert_false(asks(&q));
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_ROLLED_BACK);
  agent_abort(&agent);
}

static void not_without_a_registrar(void **state)
{
  (void)state;
  uint64_t begun = world.size;
  Onward__Restore r = world_restore_here(&world);
  world_say_restored(&world, police, &world.members[0], &r);
  welcome(begun, 2);
  assert_accused();
}

static void not_over_another_log_than_was_signed(void **state)
{
  (void)state;
  uint64_t begun = world.size;
  Onward__Restore r = world_restore_here(&world);
  r.root.data[5] ^= 1;
  world_say_restored(&world, &world.members[0], &world.members[0], &r);
  welcome(begun, 2);
  assert_accused();
}

static void not_at_another_place(void **state)
{
  (void)state;
  Onward__Restore r = world_restore_here(&world);
  world_wait(&world, world.clock_ms + 1);
  world_submit(&world, police, &aple, 1);
  uint64_t begun = world.size;
  world_say_restored(&world, &world.members[0], &world.members[0], &r);
  welcome(begun, 2);
  assert_accused();
}

static void not_without_the_entry(void **state)
{
  (void)state;
  uint64_t begun = world.size;
  Onward__Restore r = world_restore_here(&world);
  world_say_restored(&world, &world.members[0], &world.members[0], &r);
  agent.evidence.newest.size = world.size + 1; /* it has seen still more: the heads can be told apart by size alone */
  welcome(begun, 0);
  assert_accused();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_person_is_asked_and_then_it_goes_on),
      TEST(what_was_read_before_comes_again_as_it_was),
      TEST(not_without_a_registrar),
      TEST(not_over_another_log_than_was_signed),
      TEST(not_at_another_place),
      TEST(not_without_the_entry),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
