#include "tests/sim/watch.h"
#include "tests/sim/disk.h"
#include "tests/sim/promises.h"
#include "tests/sim/script.h"
#include <stdio.h>
static uint64_t seen;
void watch_begin(void)
{
  seen = 0;
}
void watch_end(void)
{
}
void watch_log(void)
{
  static uint8_t memory[1 << 20];
  char folder[PATH_MAX_SIM];
  struct head head;
  snprintf(folder, sizeof folder, "%s/books", sim.nodes[EXCHANGE].home);
  struct store *s = disk_reader(folder);
  struct books *b = store_begin(s, false);
  books_head(b, &head);
  for (; seen < head.size; seen++) {
    struct leaf leaf;
    struct event e;
    struct arena a = arena_of(memory, sizeof memory);
    must(books_event(b, seen, &a, &leaf, &e) == OK);
    struct org_id author;
    leaf_author(&leaf, &author);
    tell("      [%llu] %.16s %s v%u", (unsigned long long)seen, author.text, act_name(e.act), leaf.verdict);
    promise_kept(pb_bytes(e.core->nonce));
  }
  store_close(s);
}
void watch_exchange(int node, enum frame_kind kind, struct bytes body)
{
  (void)node;
  (void)kind;
  (void)body;
}
void watch_office(int node, enum frame_kind kind, struct bytes body)
{
  (void)node;
  (void)kind;
  (void)body;
}
