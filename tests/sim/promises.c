#include "tests/sim/promises.h"

#include <string.h>

enum { PROMISES_MAX = 4096 };

static struct promise {
  int node;
  act_kind act;
  struct ref_id referral;
  uint8_t nonce[NONCE_SIZE];
  bool settled;
} promises[PROMISES_MAX];
static size_t count;

void promises_begin(void)
{
  count = 0;
}

uint64_t promises_count(void)
{
  return count;
}

void promise_make(int node, const struct event *e)
{
  if (count == PROMISES_MAX)
    return;
  struct promise *p = &promises[count++];
  *p = (struct promise){.node = node, .act = e->act, .referral = e->referral};
  memcpy(p->nonce, e->core->nonce.data, sizeof p->nonce);
}

void promise_kept(struct bytes nonce)
{
  for (size_t i = 0; i < count; i++)
    if (!promises[i].settled && bytes_equal(nonce, BYTES(promises[i].nonce)))
      promises[i].settled = true;
}

void promises_release(int node, const struct ref_id *referral)
{
  for (size_t i = 0; i < count; i++)
    if (promises[i].node == node && ref_id_equal(&promises[i].referral, referral))
      promises[i].settled = true;
}

void promises_release_registry(int node)
{
  for (size_t i = 0; i < count; i++)
    if (promises[i].node == node && act_is_registry(promises[i].act))
      promises[i].settled = true;
}

void promises_set_back(int node, uint64_t number)
{
  for (size_t i = number; i < count; i++)
    if (promises[i].node == node)
      promises[i].settled = true;
}

void promises_check(void)
{
  for (size_t i = 0; i < count; i++)
    if (!promises[i].settled) {
      broken("saved and lost: %s of %s never came into the log", act_name(promises[i].act),
             sim.nodes[promises[i].node].name);
      return;
    }
}
