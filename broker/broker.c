/* One turn, the data path on one screen:
 *
 *   bytes in -> who knocks -> quota -> read the batch -> [ transaction: signature, sequence, judge, append, apply ] ->
 * commit, the only sync -> speak
 *
 * Everything heard in a turn is committed together, and everything said waits for it. What cannot be heard is answered
 * and leaves no trace. When the disk is full nothing is lost: the turn is undone and its senders are told to come
 * again. When a commit fails for another reason the process ends, because nobody can know what the disk holds.
 */
#include <stdio.h>

#include "broker/inside.h"

enum {
  TICK_MS = 250,
  PATIENCE_MS = 1000, /* with a connection whose queue is full */
};

static void hear_batch(struct broker *b, struct turn *t, struct waiting *w)
{
  enum status s = batch_admit(t->books, &b->ring, &w->batch, &w->why);
  w->refused = s == BAD_INPUT;
  for (size_t i = 0; s == OK && i < w->batch.count; i++) {
    Onward__Verdict v = turn_hear(t, &w->batch, i);
    if (v != ONWARD__VERDICT__ACCEPTED && t->books->trouble == OK) /* in trouble no verdict is one */
      bucket_take(&w->meter->refusals, 1, b->config.refusals_per_hour, 3600000, clock_ms());
  }
}

static void answer_waiting(struct broker *b, bool busy)
{
  for (size_t i = 0; i < b->waiting_count; i++) {
    struct waiting *w = &b->waiting[i];
    if (busy) {
      w->why.reason = ONWARD__REFUSAL_REASON__BUSY;
      w->why.event = 0;
      snprintf(w->why.why.text, sizeof w->why.why.text,
               "the exchange is full for the moment; nothing was lost, send it again");
    }
    if (busy || w->refused)
      refuse(b, &w->knock, w->meter, w->batch.header.sequence, &w->why);
  }
}

/* Writes what was heard and what is due, and commits. Nothing was said before, everything may be said after. */
static void take_turn(struct broker *b, struct about_time about)
{
  struct turn t = {.random = random_bytes};
  char why[200] = "";
  struct books *books = store_begin(b->journal.store, true);
  uint64_t size = b->journal.head.size, registry = b->journal.head.registry;
  struct head head;
  turn_begin_about_time(&t, books, &b->turn_arena, clock_ms(), about.act, about.absent_ms);
  for (size_t i = 0; i < b->waiting_count; i++)
    hear_batch(b, &t, &b->waiting[i]);
  books_head(books, &head);
  enum status s = OK;
  if (head.size == size && books->trouble == OK)
    store_abort(b->journal.store);
  else
    s = journal_commit(&b->journal, books, why); /* say nothing before it is written: this line is the only sync */
  if (s == NOT_NOW)
    say("the turn was not written, and its senders are told to come again: %s", why);
  if (s != OK && s != NOT_NOW) {
    say("a commit failed; what the disk holds is not known. Look at the disk, then start again: %s", why);
    end(b, EXIT_COMMIT);
    return;
  }
  b->registry_moved = head.registry != registry;
  answer_waiting(b, s == NOT_NOW);
}

static bool something_due(struct broker *b)
{
  Onward__Core core;
  arena_reset(&b->post_arena);
  struct books *books = store_begin(b->journal.store, false);
  bool due = rules_due(books, clock_ms(), &b->post_arena, &core);
  store_abort(b->journal.store);
  return due;
}

static void speak(struct broker *b)
{
  uint64_t now = clock_ms();
  struct books *books = store_begin(b->journal.store, false);
  b->more_to_say = false;
  for (size_t i = 0; i < b->sessions.max; i++) {
    struct session *s = &b->sessions.list[i];
    if (!s->used || s->leaving || !s->placed || s->entries == 0 || s->position >= b->journal.head.size ||
        now < s->patience_ms)
      continue;
    enum status st = post_mail(&b->post, books, s);
    if (st == NOT_NOW) /* it does not read: its mail is packed again after a while, not in every turn */
      s->patience_ms = now + PATIENCE_MS;
    else if (st == NOT_FOUND && books->trouble == OK)
      sessions_remove(s);
    else if (st == OK && s->entries > 0 && s->position < b->journal.head.size)
      b->more_to_say = true;
  }
  if (books->trouble == OUR_FAULT) {
    say("the books cannot be read: look at the disk, then `onward-broker check`");
    end(b, EXIT_UNREADABLE);
  }
  store_abort(b->journal.store);
}

void turn(struct broker *b)
{
  bool waits = door_wait(&b->door, b->holds || b->more_to_say ? 0 : TICK_MS) || b->holds;
  b->waiting_count = 0;
  arena_reset(&b->batch_arena);
  arena_reset(&b->turn_arena);
  if (waits)
    hear_all(b);
  struct about_time about = time_look(b);
  if (!stop_asked && (about.act != 0 || b->waiting_count > 0 || something_due(b)))
    take_turn(b, about);
  time_note_alive(b);
  for (size_t i = 0; i < b->waiting_count; i++)
    knock_done(&b->waiting[i].knock);
  if (b->registry_moved)
    check_sessions(b);
  cut_those_who_left(b);
  door_cut_unwelcomed(&b->door, clock_ms());
  speak(b);
}
