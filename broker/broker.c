/* One turn, the data path on one screen:
 *
 *   bytes in -> who knocks -> quota -> read the batch, verify its signature -> [ transaction: sequence, judge, append,
 * apply ] -> commit, the only sync -> speak
 *
 * Nothing is said before it is written. While one turn is written (scribe.c) the next one is heard, and what the one
 * before led to is said. What cannot be heard is answered and leaves no trace.
 */
#include <stdio.h>

#include "broker/inside.h"

enum {
  TICK_MS = 250,
  PATIENCE_MS = 1000, /* with a connection whose queue is full */
};

/* Refusals are said, and counted against whoever makes others write them down. */
static void answer_waiting(struct broker *b, struct turn_work *t)
{
  for (size_t i = 0; i < t->waiting_count; i++) {
    struct waiting *w = &t->waiting[i];
    if (t->status == NOT_NOW) {
      w->why.reason = ONWARD__REFUSAL_REASON__BUSY;
      w->why.event = 0;
      snprintf(w->why.why.text, sizeof w->why.why.text,
               "the exchange is full for the moment; nothing was lost, send it again");
    }
    if (t->status == NOT_NOW || (t->status == OK && w->refused))
      refuse(b, &w->knock, w->meter, w->batch.header.sequence, &w->why);
    for (size_t k = 0; t->status == OK && k < w->events_refused; k++)
      bucket_take(&w->meter->refusals, 1, b->config.refusals_per_hour, 3600000, clock_ms());
    knock_done(&w->knock);
  }
  t->waiting_count = 0;
  arena_reset(&t->arena);
}

/* From here on what the turn wrote may be spoken of. */
void publish(struct broker *b, const struct turn_work *t)
{
  uint64_t registry = b->journal.end.head.registry;
  if (t->status == NOT_NOW)
    say("the turn was not written, and its senders are told to come again: %s", t->why);
  if (t->status != OK && t->status != NOT_NOW) {
    say("a commit failed; what the disk holds is not known. Look at the disk, then start again: %s", t->why);
    end(b, EXIT_COMMIT);
    return;
  }
  journal_publish(&b->journal);
  if (b->journal.end.head.registry != registry)
    check_sessions(b);
}

static bool something_due(struct broker *b)
{
  Onward__Core core;
  arena_reset(&b->post_arena);
  return rules_due(b->journal.view, clock_ms(), &b->post_arena, &core);
}

/* Has what was heard written, if there is anything, and takes the other place for what is heard next. The turn, if it
 * is done at once: not while there is another to speak of. */
static struct turn_work *give_turn(struct broker *b, bool may_wait)
{
  struct turn_work *t = b->heard;
  t->about = time_look(b);
  if (stop_asked || (t->about.act == 0 && t->waiting_count == 0 && !something_due(b)))
    return NULL;
  bool quiet = b->quiet && may_wait;
  b->quiet = t->waiting_count <= 1;
  b->heard = t == &b->work[0] ? &b->work[1] : &b->work[0];
  return scribe_give(b, t, quiet) ? t : NULL;
}

static void speak(struct broker *b)
{
  uint64_t now = clock_ms();
  b->more_to_say = false;
  for (size_t i = 0; i < b->sessions.max; i++) {
    struct session *s = &b->sessions.list[i];
    if (!s->used || s->leaving || !s->placed || s->entries == 0 || s->position >= b->journal.end.head.size ||
        now < s->patience_ms)
      continue;
    enum status st = post_mail(&b->post, s);
    if (st == NOT_NOW) /* it does not read: its mail is packed again after a while, not in every turn */
      s->patience_ms = now + PATIENCE_MS;
    else if (st == NOT_FOUND && b->journal.view->trouble == OK)
      sessions_remove(s);
    else if (st == OK && s->entries > 0 && s->position < b->journal.end.head.size)
      b->more_to_say = true;
  }
  if (b->journal.view->trouble == OUR_FAULT) {
    say("the books cannot be read: look at the disk, then `onward-broker check`");
    end(b, EXIT_UNREADABLE);
  }
}

static void tell_of(struct broker *b, struct turn_work *done)
{
  if (done != NULL)
    answer_waiting(b, done);
  cut_those_who_left(b);
  door_cut_unwelcomed(&b->door, clock_ms());
  if (b->exit_code == EXIT_STOPPED)
    speak(b);
}

void turn(struct broker *b)
{
  bool deaf = b->scribe.turn != NULL && (b->holds || b->heard->waiting_count == b->config.turn_messages_max);
  bool hurry = b->more_to_say || (b->holds && !deaf);
  if (door_wait(&b->door, b->scribe.done, deaf, hurry ? 0 : TICK_MS) || (b->holds && !deaf))
    hear_all(b);
  struct turn_work *done = scribe_take(b, false);
  if (done != NULL)
    publish(b, done);
  if (b->scribe.turn == NULL && b->exit_code == EXIT_STOPPED)
    purge_if_asked(b);
  if (b->scribe.turn == NULL && b->exit_code == EXIT_STOPPED) {
    struct turn_work *at_once = give_turn(b, done == NULL); /* the disk is kept busy before anything is said */
    if (at_once != NULL)
      publish(b, at_once);
    done = at_once != NULL ? at_once : done;
    if (b->scribe.turn == NULL)
      time_note_alive(b);
  }
  tell_of(b, done);
}

void last_turn(struct broker *b)
{
  struct turn_work *done = scribe_take(b, true);
  if (done != NULL) {
    publish(b, done);
    tell_of(b, done);
  }
  for (size_t i = 0; i < b->heard->waiting_count; i++)
    knock_done(&b->heard->waiting[i].knock); /* not acknowledged: its senders have it, and send it again */
  if (b->holds)
    knock_done(&b->held);
}
