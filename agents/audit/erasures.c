/* Which entry erased which body. A replay tells, and it is kept in the file that the replay works in: in its table of
 * checkpoints, which a replay has no use for, for they may be millions. */
#include <stdlib.h>
#include <string.h>

#include "agents/audit/audit.h"
#include "proto/ledger/rows.h"

#define TABLE_ERASED TABLE_CHECKPOINT /* u64 index, u8 slot -> u64 index of the entry that erased it */

struct erasures {
  struct audit *audit;
  struct rebuild rebuild;
  void *memory;
  struct arena arena; /* for the entries that erased */
};

const char *body_words(enum body_is is)
{
  static const char *const words[] = {"held", "erased", "missing", "left out of this copy", "not taken"};
  return words[is];
}

static void note_erased(void *context, uint64_t index, uint8_t slot, uint64_t by)
{
  struct erasures *e = context;
  struct row_key value = key_of_index(by);
  row_put(e->rebuild.books, TABLE_ERASED, key_of_body(index, slot), value.data, value.size);
}

enum audit_code erasures_open(struct audit *a, struct erasures **out)
{
  enum { MEMORY_SIZE = 1 << 20 };
  struct erasures *e = calloc(1, sizeof *e);
  const struct rebuild_watch watch = {.context = e, .erased = note_erased};
  *out = e;
  if (e != NULL)
    e->memory = malloc(MEMORY_SIZE);
  if (e == NULL || e->memory == NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  e->audit = a;
  e->arena = arena_of(e->memory, MEMORY_SIZE);
  return rebuild_run(a, &watch, &e->rebuild);
}

void erasures_close(struct erasures *e)
{
  if (e == NULL)
    return;
  rebuild_close(&e->rebuild);
  free(e->memory);
  free(e);
}

static void erased_by(struct erasures *e, struct bytes row, struct body_state *out)
{
  struct leaf leaf;
  struct event event;
  struct reader r = reader_of(row);
  out->is = BODY_ERASED;
  out->by = read_u64(&r);
  out->act = "?";
  arena_reset(&e->arena);
  if (books_event(e->rebuild.books, out->by, &e->arena, &leaf, &event) != OK)
    return;
  out->act = act_name(event.act);
  out->time_ms = leaf.time_ms;
}

void erasures_of(struct erasures *e, const struct leaf *leaf, const struct event *event,
                 struct body_state out[SEALED_SLOTS_MAX])
{
  struct books *rebuilt = e->rebuild.books, *stored = e->audit->books;
  struct bytes row;
  for (size_t i = 0; i < event->outer->n_sealed; i++) {
    struct row_key k = key_of_body(leaf->index, (uint8_t)i);
    out[i] = (struct body_state){.is = BODY_REFUSED};
    if (rebuilt->get(rebuilt, TABLE_ERASED, row_key(&k), &row) == OK)
      erased_by(e, row, &out[i]);
    else if (rebuilt->get(rebuilt, TABLE_HELD, row_key(&k), &row) == OK)
      out[i].is = stored->get(stored, TABLE_BODIES, row_key(&k), &row) == OK ? BODY_HELD
                  : audit_is_backup(e->audit)                                ? BODY_LEFT_OUT
                                                                             : BODY_MISSING;
  }
}
