/* A disk that becomes full in the middle of a turn, at each of its writes: the turn is undone and said to be, and
 * nothing is held against books that show nothing any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

static struct world world;
static char folder[FOLDER_PATH_SIZE];
static void (*real_put)(struct books *b, int table, struct bytes key, struct bytes value);
static int puts_left; /* until there is no room any more */

static void put_while_there_is_room(struct books *b, int table, struct bytes key, struct bytes value)
{
  if (b->trouble == OK && puts_left-- == 0)
    b->trouble = NOT_NOW;
  real_put(b, table, key, value);
}

/* Hears one event. False: all of it found room; nothing is kept in any case. */
static bool becomes_full(struct member *m, const struct draft *d, int room)
{
  struct refusal refusal;
  struct batch batch;
  struct bytes sealed;
  struct turn t = world_begin(&world);
  struct bytes body = world_message(&world, m, d, 1, &sealed);
  m->sequence--; /* it will be said again */
  real_put = t.books->put;
  puts_left = room;
  must(batch_read(body, sealed, &world.arena, &refusal, &batch) == OK);
  must(batch_admit(t.books, &world.ring, &batch, &refusal) == OK);
  t.books->put = put_while_there_is_room;
  turn_hear(&t, &batch, 0);
  t.books->put = real_put;
  bool full = t.books->trouble == NOT_NOW;
  assert_true(full || t.books->trouble == OK);
  store_abort(world.store);
  return full;
}

/* At each of its writes. */
static void fills_up(struct member *m, const struct draft *d)
{
  int room = 0;
  while (becomes_full(m, d, room))
    room++;
  assert_true(room > 4);
}

static void act(struct member *m, const struct ref_id *id, act_kind kind)
{
  static struct draft d;
  draft_init(&d, kind, id);
  draft_message(&d);
  world_answer(&world, &d, id);
  fills_up(m, &d);
}

static void a_turn_is_undone(void **state)
{
  (void)state;
  struct member *police = world_enrol(&world, "police"), *aple = world_enrol(&world, "aple");
  struct ref_id id = world_submit(&world, police, &aple, 1);
  world_act(&world, aple, &id, ONWARD__CORE__ACT_RECEIVE);
  act(aple, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
  act(aple, &id, ONWARD__CORE__ACT_ACCEPT);
  act(aple, &id, ONWARD__CORE__ACT_DECLINE);
  act(police, &id, ONWARD__CORE__ACT_WITHDRAW);
  act(police, &id, ONWARD__CORE__ACT_CANCEL);
}

static void a_suspension_is_undone(void **state)
{
  (void)state;
  static struct draft d;
  struct member *a21 = world_enrol(&world, "a21"), *tpo = world_enrol(&world, "tpo");
  world_submit(&world, a21, &tpo, 1);
  draft_init(&d, ONWARD__CORE__ACT_SUSPEND, NULL);
  Onward__Suspend *s = draft_message(&d);
  s->organisation = pb_data(org_id_text(&tpo->id));
  s->standing = ONWARD__STANDING__COMPROMISED;
  fills_up(&world.members[0], &d);
}

static int setup(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&world, folder);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  world_fini(&world);
  folder_remove(folder);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_turn_is_undone, setup, teardown),
      cmocka_unit_test_setup_teardown(a_suspension_is_undone, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
