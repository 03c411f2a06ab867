/* The turn's transaction. Everything heard in a turn is committed together, and everything said waits for it. When the
 * disk is full nothing is lost: the turn is undone and its senders are told to come again. When a commit fails for
 * another reason the process ends, because nobody can know what the disk holds.
 */
#include "broker/inside.h"

static void hear_batch(struct broker *b, struct turn *t, struct waiting *w)
{
  enum status s = batch_admit(t->books, &b->scribe.ring, &w->batch, &w->why);
  w->refused = s == BAD_INPUT;
  for (size_t i = 0; s == OK && i < w->batch.count; i++) {
    Onward__Verdict v = turn_hear(t, &w->batch, i);
    w->events_refused += v != ONWARD__VERDICT__ACCEPTED && t->books->trouble == OK; /* in trouble no verdict is one */
  }
}

void write_turn(struct broker *b, struct turn_work *work)
{
  struct turn t = {.random = random_bytes};
  struct books *books = store_begin(b->journal.store, true);
  struct head head;
  arena_reset(&b->scribe.arena);
  turn_begin_about(&t, books, &b->scribe.arena, clock_ms(), &work->about);
  for (size_t i = 0; i < work->waiting_count; i++)
    hear_batch(b, &t, &work->waiting[i]);
  books_head(books, &head);
  work->status = OK;
  if (head.size == b->journal.written.head.size && books->trouble == OK)
    store_abort(b->journal.store);
  else
    work->status =
        journal_commit(&b->journal, books, work->why); /* say nothing before it is written: the only sync is here */
}
