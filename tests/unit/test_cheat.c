/* An exchange that takes what its door must refuse, and signs its checkpoint over it: the audit finds it out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/audit/audit.h"
#include "tests/unit/support.h"

static void cheat_network(struct world *w, struct member *m)
{
  (void)m;
  w->network.byte[5] ^= 1;
}

static void cheat_sequence_again(struct world *w, struct member *m)
{
  (void)w;
  m->sequence--;
}

static void cheat_sequence_gap(struct world *w, struct member *m)
{
  (void)w;
  m->sequence++;
}

static void cheat_read_up_to(struct world *w, struct member *m)
{
  m->read_up_to = w->size;
}

static void cheat_signature(struct world *w, struct member *m)
{
  struct es256_secret *other = w->members[0].sign;
  w->members[0].sign = m->sign;
  m->sign = other;
}

static void assert_fails(const char *folder, const char *expected)
{
  char *told = NULL;
  size_t size;
  struct audit_request q = {.folder = folder, .out = stdout, .err = open_memstream(&told, &size)};
  assert_int_equal(audit_verify(&q), AUDIT_FAILED);
  (void)fclose(q.err);
  if (strstr(told, "entry 4 (submit by police on ") == NULL || strstr(told, expected) == NULL)
    fail_msg("%s instead of %s", told, expected);
  free(told);
}

static void what_the_door_must_refuse_is_found(void **state)
{
  (void)state;
  static const struct {
    void (*cheat)(struct world *w, struct member *m);
    const char *expected;
  } cases[] = {{cheat_network, "another network"},
               {cheat_sequence_again, "not the next of its organisation"},
               {cheat_sequence_gap, "not the next of its organisation"},
               {cheat_read_up_to, "read beyond the log"},
               {cheat_signature, "signature does not fit"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    static struct world w;
    char folder[FOLDER_PATH_SIZE];
    folder_make(folder);
    world_init(&w, folder);
    struct member *police = world_enrol(&w, "police"), *aple = world_enrol(&w, "aple");
    world_submit(&w, police, &aple, 1);
    w.dishonest = true;
    cases[i].cheat(&w, police);
    world_submit(&w, police, &aple, 1);
    world_fini(&w);
    assert_fails(folder, cases[i].expected);
    folder_remove(folder);
  }
}

/* Signatures are verified beside the replay, which goes on meanwhile: what it finds wrong further on is not the first
 * fault, nor is a later signature. */
static void the_first_fault_is_named(void **state)
{
  (void)state;
  static struct world w;
  char folder[FOLDER_PATH_SIZE];
  for (int round = 0; round < 20; round++) {
    folder_make(folder);
    world_init(&w, folder);
    struct member *police = world_enrol(&w, "police"), *aple = world_enrol(&w, "aple");
    world_submit(&w, police, &aple, 1);
    w.dishonest = true;
    cheat_signature(&w, police); /* from here on all of them are wrong */
    for (int i = 0; i < 3; i++)
      world_submit(&w, police, &aple, 1);
    cheat_sequence_gap(&w, police);
    world_submit(&w, police, &aple, 1);
    world_fini(&w);
    assert_fails(folder, "signature does not fit");
    folder_remove(folder);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_the_door_must_refuse_is_found),
                                     cmocka_unit_test(the_first_fault_is_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
