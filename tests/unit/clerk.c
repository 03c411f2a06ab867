#include "tests/unit/clerk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/turn.h"
#include "tests/scenarios/rebuild.h"

#define A(name) ONWARD__CORE__ACT_##name

struct world w;
char folder[FOLDER_PATH_SIZE];
struct member *one, *two, *police, *aple;

int set_up(void **state)
{
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  police = world_enrol(&w, "police");
  aple = world_enrol(&w, "aple");
  one = &w.members[0];
  two = &w.members[1];
  return 0;
}

/* After every test the log must replay to the same books. */
int tear_down(void **state)
{
  struct complaint why;
  (void)state;
  if (rebuild(&w, folder, &why) != OK)
    fail_msg("%s", why.text);
  world_fini(&w);
  folder_remove(folder);
  return 0;
}

void assert_verdict(Onward__Verdict have, Onward__Verdict want)
{
  assert_string_equal(pb_enum_name(&onward__verdict__descriptor, (int)have),
                      pb_enum_name(&onward__verdict__descriptor, (int)want));
}

/* An enrol, rotate or replace with that request: all three begin with request and signature. */
Onward__Verdict say_request(struct member *author, act_kind act, struct bytes request, struct bytes signature)
{
  static struct draft d;
  draft_init(&d, act, NULL);
  Onward__Rotate *m = draft_message(&d);
  m->request = pb_data(request);
  m->signature = pb_data(signature);
  return world_hear(&w, author, &d, 1);
}

Onward__Verdict say_keys(struct member *author, act_kind act, const struct member *of)
{
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes signature, request = member_request(of, &a, &signature);
  return say_request(author, act, request, signature);
}

Onward__Verdict say_suspend(struct member *author, const char *id, Onward__Standing standing)
{
  static struct draft d;
  draft_init(&d, A(SUSPEND), NULL);
  Onward__Suspend *m = draft_message(&d);
  m->organisation = pb_data(bytes_text(id));
  m->standing = standing;
  return world_hear(&w, author, &d, 1);
}

Onward__Verdict say_stop(struct member *author, const char *id)
{
  static struct draft d;
  draft_init(&d, A(STOP_REPLACEMENT), NULL);
  Onward__StopReplacement *m = draft_message(&d);
  m->organisation = pb_data(bytes_text(id));
  return world_hear(&w, author, &d, 1);
}

void organisation(const struct member *m, struct organisation *out)
{
  struct books *b = store_begin(w.store, false);
  assert_int_equal(books_organisation(b, &m->id, out), OK);
  store_abort(w.store);
}

/* Whether the registry says so now. */
bool has_keys_of(const struct member *m, const struct member *keys)
{
  struct organisation o;
  organisation(m, &o);
  return memcmp(o.keys.sign, keys->sign_point, sizeof o.keys.sign) == 0 &&
         memcmp(o.keys.seal, keys->seal_point, sizeof o.keys.seal) == 0 &&
         memcmp(o.keys.link, keys->link_point, sizeof o.keys.link) == 0;
}

void fresh_keys(struct member *fresh, const struct member *of)
{
  member_init(fresh, "fresh");
  fresh->id = of->id;
}

Onward__Verdict say_enrol(struct member *author, const struct member *of, uint64_t agreement_until_ms)
{
  static struct draft d;
  uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  struct bytes signature, request = member_request(of, &a, &signature);
  draft_init(&d, A(ENROL), NULL);
  Onward__Enrol *m = draft_message(&d);
  m->request = pb_data(request);
  m->signature = pb_data(signature);
  m->agreement_until_ms = agreement_until_ms;
  return world_hear(&w, author, &d, 1);
}

uint64_t due_of(const struct member *m)
{
  struct organisation o;
  organisation(m, &o);
  return o.pending_due_ms;
}
