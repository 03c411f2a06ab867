/* The registry chain, and an agent that follows it and holds it against the rules itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/admit.h"
#include "proto/ledger/rows.h"
#include "tests/unit/clerk.h"

#define A(name) ONWARD__CORE__ACT_##name
#define V(name) ONWARD__VERDICT__##name

struct follower {
  struct store *store;
  struct books *books;
  struct arena arena;
  void *memory;
};

static void follow(struct follower *f, const struct leaf *leaf, const struct event *e, struct bytes bytes)
{
  struct head head;
  ledger_apply(f->books, leaf, e);
  row_put(f->books, TABLE_ENTRIES, key_of_index(leaf->index), bytes.data, bytes.size);
  books_head(f->books, &head);
  head.registry = leaf->index;
  head.replace_after_ms = WORLD_REPLACE_MS;
  head.network = w.network;
  books_put_head(f->books, &head);
}

/* Takes the whole chain; what a dishonest exchange could put in its place is refused. */
static void follow_all(struct follower *f)
{
  struct key_ring *ring = &w.ring;
  struct books *b = store_begin(w.store, false);
  for (uint64_t i = 0, before = 0; i < w.size; i++) {
    struct leaf leaf;
    struct event e;
    struct complaint why;
    struct bytes bytes;
    arena_reset(&f->arena);
    must(books_entry(b, i, &bytes) == OK && leaf_read(bytes, &leaf) == OK);
    assert_int_equal(leaf_verify(i == 0 ? b : f->books, ring, &leaf, &f->arena, &why, &e), OK);
    assert_true(leaf.registry == before);
    if (!act_is_registry(e.act))
      continue;
    if (i > 0 && leaf.verdict != V(ACCEPTED)) {
      leaf.verdict = V(ACCEPTED); /* the exchange says so */
      assert_int_equal(registry_verify(f->books, &leaf, &e, &f->arena, &why), BAD_INPUT);
      continue;
    }
    if (i > 0)
      assert_int_equal(registry_verify(f->books, &leaf, &e, &f->arena, &why), OK);
    follow(f, &leaf, &e, bytes);
    before = i;
    if (e.act == A(KEYS_REPLACED)) /* once more */
      assert_int_equal(registry_verify(f->books, &leaf, &e, &f->arena, &why), BAD_INPUT);
  }
  store_abort(w.store);
}

static void an_agent_holds_the_chain_against_the_rules(void **state)
{
  (void)state;
  static uint8_t memory[4 << 20];
  char why[200];
  struct member fresh;
  struct follower f = {.arena = arena_of(memory, sizeof memory)};
  struct store_options options = {.folder = folder_path(folder, "follower"),
                                  .table_names = table_names,
                                  .table_count = TABLES_CONTRACT,
                                  .format = BOOKS_FORMAT,
                                  .create = true,
                                  .scratch = true};
  fresh_keys(&fresh, aple);
  assert_verdict(say_keys(police, A(REPLACE_KEYS), &fresh), V(NOT_A_REGISTRAR));
  assert_verdict(say_keys(one, A(REPLACE_KEYS), &fresh), V(ACCEPTED));
  assert_verdict(say_suspend(police, "aple", ONWARD__STANDING__COMPROMISED), V(NOT_A_REGISTRAR));
  world_submit(&w, police, &aple, 1);
  world_wait(&w, due_of(aple));
  assert_verdict(say_suspend(one, "police", ONWARD__STANDING__COMPROMISED), V(ACCEPTED));
  assert_verdict(say_keys(two, A(ENROL), police), V(ACCEPTED));
  assert_verdict(say_keys(two, A(ENROL), police), V(ALREADY_ENROLLED));
  must(store_open(&options, why, &f.store) == OK);
  f.books = store_begin(f.store, true);
  follow_all(&f);
  struct organisation o;
  assert_int_equal(books_organisation(f.books, &aple->id, &o), OK);
  assert_memory_equal(o.keys.sign, fresh.sign_point, sizeof o.keys.sign);
  store_abort(f.store);
  store_close(f.store);
  member_fini(&fresh);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_agent_holds_the_chain_against_the_rules, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
