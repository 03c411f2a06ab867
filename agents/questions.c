/* A question is kept for a month after it was over, then forgotten, with what was sealed. */
#include "agents/questions.h"

#include <string.h>

#include "agents/vault.h"

_Static_assert(sizeof(struct question_row) == 64 + 40 * RECIPIENTS_MAX, "no padding");

#define KEPT_MS (30 * 86400000ull)
#define QUESTIONS_MAX 256 /* the oldest go first: nobody fills another's disk */

bool questions_get(struct books *b, uint64_t index, struct question_row *out)
{
  struct bytes value;
  struct row_key k = key_of_index(index);
  if (b->get(b, TABLE_QUESTIONS, row_key(&k), &value) != OK || value.size != sizeof *out)
    return false;
  memcpy(out, value.data, sizeof *out);
  return true;
}

size_t questions_waiting(struct agent *a, struct books *b)
{
  size_t count = 0;
  struct walk w = walk_start(TABLE_QUESTIONS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct question_row q;
    must(w.value.size == sizeof q);
    memcpy(&q, w.value.data, sizeof q);
    count += !org_id_equal(&q.author, &a->self.id) && q.answers[0].time_ms == 0 && q.until_ms >= agent_log_ms(a);
  }
  return count;
}

static void put(struct books *b, const struct question_row *q)
{
  row_put(b, TABLE_QUESTIONS, key_of_index(q->index), q, sizeof *q);
}

static size_t count_all(struct books *b)
{
  size_t count = 0;
  struct walk w = walk_start(TABLE_QUESTIONS, (struct bytes){NULL, 0});
  while (walk_next(&w, b))
    count++;
  return count;
}

void questions_forget(struct books *b, uint64_t now_ms)
{
  size_t count = count_all(b);
  struct walk w = walk_start(TABLE_QUESTIONS, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct question_row q;
    must(w.value.size == sizeof q);
    memcpy(&q, w.value.data, sizeof q);
    if (q.until_ms + KEPT_MS >= now_ms && count < QUESTIONS_MAX)
      continue;
    count--;
    vault_drop(b, own_note(pb_data(BYTES(q.nonce)), ONWARD__PART__NOTE));
    body_drop(b, q.index, q.slot);
    row_del(b, TABLE_QUESTIONS, key_of_index(q.index));
  }
}

static void take_question(struct agent *a, struct books *b, const struct leaf *leaf, const struct event *e)
{
  const Onward__AskPlace *ask = e->core->ask_place;
  struct question_row q = {.index = leaf->index, .time_ms = leaf->time_ms, .until_ms = ask->valid_until_ms};
  leaf_author(leaf, &q.author);
  memcpy(q.nonce, e->core->nonce.data, sizeof q.nonce);
  if (org_id_equal(&q.author, &a->self.id)) {
    q.answer_count = (uint8_t)ask->n_recipients;
    for (size_t i = 0; i < ask->n_recipients; i++)
      must(pb_org(ask->recipients[i], &q.answers[i].org) == OK);
  } else {
    q.answer_count = 1;
    q.answers[0].org = a->self.id;
    for (size_t i = 0; i < e->outer->n_sealed; i++)
      if (bytes_equal(pb_bytes(e->outer->sealed[i]->recipient), org_id_text(&a->self.id)))
        q.slot = (uint8_t)i;
  }
  questions_forget(b, leaf->time_ms);
  put(b, &q);
}

static void take_answer(struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct org_id from;
  struct question_row q;
  if (!questions_get(b, e->answers_index, &q))
    return;
  leaf_author(leaf, &from);
  for (size_t i = 0; i < q.answer_count; i++)
    if (org_id_equal(&q.answers[i].org, &from)) {
      q.answers[i].time_ms = leaf->time_ms;
      q.answers[i].until_ms = e->core->answer_place->valid_until_ms;
      q.answers[i].status = (uint8_t)e->core->answer_place->status;
    }
  put(b, &q);
}

void questions_take(struct agent *a, struct books *b, const struct leaf *leaf, const struct event *e)
{
  struct org_id author;
  const struct ref_id none = {{0}};
  if (e->act == ONWARD__CORE__ACT_ASK_PLACE)
    take_question(a, b, leaf, e);
  else if (e->act == ONWARD__CORE__ACT_ANSWER_PLACE)
    take_answer(b, leaf, e);
  else
    return; /* what is said of places comes with the directory */
  leaf_author(leaf, &author);
  if (!org_id_equal(&author, &a->self.id))
    agent_tell(a, &none, NEWS_PLACE);
}
