/* Which rows of the rules' table the histories took. */
#include <stdio.h>
#include <sys/mman.h>

#include "proto/rules/rules.h"
#include "tests/sim/script.h"

enum { ROWS_MAX = 128 };

static uint32_t own[ROWS_MAX], *taken = own;

void coverage_share(void)
{
  void *p = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(p != MAP_FAILED && rules_count <= ROWS_MAX);
  taken = p;
}

void coverage_note(const struct event *e, enum referral_state state, uint8_t flags, bool sender)
{
  enum actor actor = act_family(e->act) == ACT_OF_BROKER ? ACTOR_BROKER : sender ? ACTOR_SENDER : ACTOR_RECIPIENT;
  const struct rule *r = rules_row(e, actor, state, flags);
  if (r != NULL)
    __atomic_add_fetch(&taken[r - rules], 1, __ATOMIC_RELAXED);
}

static void print_row(const struct rule *r)
{
  static const char *const actors[] = {"sender", "recipient", "anyone", "exchange"};
  printf("  never taken: %s by the %s, from", act_name(r->act), actors[r->actor]);
  for (int s = 0; s < STATES; s++)
    if ((r->from >> s & 1) != 0)
      printf(" %s", state_name((enum referral_state)s));
  printf("%s%s\n", r->with != 0 ? ", with a flag" : "", r->without != 0 ? ", without a flag" : "");
}

void coverage_print(void)
{
  size_t built = 0, count = 0;
  for (size_t i = 0; i < rules_count; i++) {
    built += rules[i].built;
    count += rules[i].built && taken[i] != 0;
  }
  printf("rows of the table that were taken: %zu of %zu\n", count, built);
  for (size_t i = 0; i < rules_count; i++)
    if (rules[i].built && taken[i] == 0)
      print_row(&rules[i]);
}
