/* Each answers the entry that carried the offer; `receive` alone says something of its body. */
#include "tests/bench/answers.h"

#include "agents/agent.h"
#include "agents/compose.h"

enum { FIRST_CONTACT_MS = 86400000 };

static Onward__Core *answer_to(const struct heard *offer, act_kind act, struct arena *a)
{
  Onward__Core *core = core_new(&offer->id, a);
  Onward__Answered *answers = arena_alloc(a, sizeof *answers);
  must(core != NULL && answers != NULL);
  onward__answered__init(answers);
  answers->index = offer->index;
  answers->leaf_hash = pb_data(hash_bytes(&offer->leaf));
  core->answers = answers;
  core->act_case = act;
  return core;
}

void answer_make(const struct self *self, const struct heard *offer, act_kind act, struct arena *a, struct event *out)
{
  struct complaint why;
  struct composed c;
  Onward__Receive receive = ONWARD__RECEIVE__INIT;
  Onward__Acknowledge acknowledge = ONWARD__ACKNOWLEDGE__INIT;
  Onward__Accept accept = ONWARD__ACCEPT__INIT;
  Onward__Complete complete = ONWARD__COMPLETE__INIT;
  Onward__Close end = ONWARD__CLOSE__INIT;
  Onward__Core *core = answer_to(offer, act, a);
  receive.sha256 = pb_data(hash_bytes(&offer->brief));
  accept.first_contact_by_ms = now_ms() + FIRST_CONTACT_MS;
  complete.outcome = ONWARD__OUTCOME_CLASS__SERVED;
  if (act == ONWARD__CORE__ACT_RECEIVE)
    core->receive = &receive;
  else if (act == ONWARD__CORE__ACT_ACKNOWLEDGE)
    core->acknowledge = &acknowledge;
  else if (act == ONWARD__CORE__ACT_ACCEPT)
    core->accept = &accept;
  else if (act == ONWARD__CORE__ACT_COMPLETE)
    core->complete = &complete;
  else
    core->close = &end;
  if (compose(NULL, self, core, NULL, 0, a, &why, &c) != OK)
    bench_fail("an answer cannot be made: %s", why.text);
  *out = c.event;
}
