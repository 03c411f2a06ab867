/* Prints the table of rules, and the diagram that it draws, as docs/spec/table.md has them; tests/tidy/rules.sh
 * compares the two. */
#include <stdio.h>
#include <string.h>

#include "proto/rules/rules.h"

static const char *const actors[] = {"sender", "recipient", "anyone", "broker"};

static void print_states(uint32_t set)
{
  const char *comma = "";
  for (int s = 0; s < STATES; s++)
    if ((set >> s & 1) != 0) {
      printf("%s%s", comma, s == STATE_NONE ? "-" : state_name((enum referral_state)s));
      comma = ", ";
    }
}

static void print_flags(const char *before, uint8_t flags, const char *mark)
{
  if ((flags & FLAG_INFO_OPEN) != 0)
    printf("%s%sinfo_open", before, mark);
  if ((flags & FLAG_CANCEL_OPEN) != 0)
    printf("%s%scancel_open", before, mark);
  if ((flags & FLAG_SAFETY_AT_RECIPIENT) != 0)
    printf("%s%ssafety_at_recipient", before, mark);
  if ((flags & FLAG_SAFETY_AT_SENDER) != 0)
    printf("%s%ssafety_at_sender", before, mark);
  if ((flags & FLAG_RESEAL_ASKED) != 0)
    printf("%s%sreseal_asked", before, mark);
}

static void print_variants(const struct rule *r)
{
  const char *before = " (";
  for (int v = 0; v < 32 && r->variants != 0; v++)
    if ((r->variants >> v & 1) != 0) {
      printf("%s%s", before,
             r->act == ONWARD__CORE__ACT_TELL ? v == 0 ? "plain" : "safety"
                                              : pb_enum_name(&onward__refuse_open_reason__descriptor, v));
      before = ", ";
    }
  if (r->variants != 0)
    printf(")");
}

static void print_row(const struct rule *r)
{
  static const char *const seals[] = {"nothing", "brief, file", "brief or file again", "brief for the target",
                                      "a note"};
  static const char *const told[] = {"-",
                                     "sender",
                                     "recipient",
                                     "sender, recipient",
                                     "who must erase",
                                     "sender, who must erase",
                                     "recipient, who must erase",
                                     "sender, recipient, who must erase"};
  printf("| %s", act_name(r->act));
  print_variants(r);
  printf(" | %s | ", actors[r->actor]);
  print_states(r->from);
  print_flags(" and ", r->with, "");
  print_flags(" and ", r->without, "not ");
  printf(" | %s", r->to == STATE_NONE ? "same" : state_name(r->to));
  print_flags(" ", r->sets, "+ ");
  print_flags(" ", r->clears, "- ");
  printf(" | %s | %s | %s |\n", told[r->told], seals[r->seals], r->built ? "yes" : "reserved");
}

/* --- the diagram, in the words of Mermaid. A set that an act can leave as a whole is drawn as one state. --- */

static const struct group {
  const char *name;
  uint32_t states;
} groups[] = {{"live", LIVE_STATES}, {"open", OPEN_STATES}, {"held", HELD_STATES}};
enum { GROUPS = sizeof groups / sizeof groups[0], NODES = STATES + GROUPS };

static const char *node_name(int node)
{
  return node < STATES ? node == STATE_NONE ? "[*]" : state_name((enum referral_state)node)
                       : groups[node - STATES].name;
}

/* Takes the node from the set: the state, or the group if all of it is left. */
static bool take_node(uint32_t *set, int node)
{
  uint32_t states = node < STATES ? 1u << node : groups[node - STATES].states;
  bool whole = (*set & states) == states;
  if (whole)
    *set &= ~states;
  return whole;
}

static bool leaves(const struct rule *r, int node)
{
  uint32_t left = r->from;
  for (int g = STATES; g < NODES; g++)
    if (take_node(&left, g) && g == node)
      return true;
  return node < STATES && (left >> node & 1) != 0;
}

static void print_arrow(int from, int to)
{
  const char *before = "";
  const struct rule *last = NULL;
  for (const struct rule *r = rules; r < rules + rules_count; r++)
    if (r->built && r->to == to && r->from != 1u << to && leaves(r, from) && (last == NULL || last->act != r->act)) {
      if (last == NULL)
        printf("    %s --> %s: ", node_name(from), node_name(to));
      printf("%s%s", before, act_name(r->act));
      before = ", ";
      last = r;
    }
  if (last != NULL)
    printf("\n");
}

static void print_diagram(void)
{
  printf("```mermaid\nstateDiagram-v2\n"
         "    state live {\n        requested\n        state open {\n            received\n            acknowledged\n"
         "        }\n        state held {\n            waitlisted\n            accepted\n        }\n"
         "        in_progress\n    }\n");
  for (int from = 0; from < NODES; from++)
    for (int to = STATE_REQUESTED; to < STATES; to++)
      print_arrow(from, to);
  printf("```\n\n");
}

int main(void)
{
  printf("# Who may do what from where\n\n"
         "Printed from `proto/rules/table.c` by `tests/tidy/print_rules.c`; a test compares the two. The first row "
         "that fits act, "
         "actor, state and\n"
         "flags decides. A reserved row is answered `NOT_YET_SUPPORTED`. `leg_over` and `failed` last only within a "
         "turn: the broker's\n"
         "next entry opens the next leg or returns the referral. The author of an act is always told.\n\n");
  print_diagram();
  printf("| act | by | from | to | also told | seals | built |\n|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < rules_count; i++)
    print_row(&rules[i]);
  return 0;
}
