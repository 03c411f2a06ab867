/* The one source of chance: a generator that is set anew before each step of a history, so that a step does the same
 * whichever steps before it are left out. (splitmix64, Vigna 2015.) */
#include "proto/seal/sign.h"
#include "tests/sim/sim.h"

static uint64_t mixed(uint64_t z)
{
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t chance_mix(uint64_t a, uint64_t b)
{
  return mixed(mixed(a + 0x9e3779b97f4a7c15u) ^ b);
}

void chance_seed(uint64_t seed)
{
  sim.chance = seed;
}

uint64_t chance(void)
{
  sim.chance += 0x9e3779b97f4a7c15u;
  return mixed(sim.chance);
}

uint32_t below(uint32_t n)
{
  return n == 0 ? 0 : (uint32_t)(chance() % n);
}

bool one_in(uint32_t n)
{
  return below(n) == 0;
}

uint64_t between(uint64_t least, uint64_t most)
{
  return least + chance() % (most - least + 1);
}

enum status random_bytes(void *out, size_t size)
{
  uint8_t *to = out;
  for (size_t i = 0; i < size; i++)
    to[i] = (uint8_t)(chance() >> 24);
  return OK;
}
