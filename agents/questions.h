/* Questions about places, asked of several organisations before anybody is named: ours with what was answered, and
 * those that were put to us.
 */
#ifndef ONWARD_QUESTIONS_ASKED_H
#define ONWARD_QUESTIONS_ASKED_H

#include "agents/agent.h"

struct place_answer {
  struct org_id org; /* who says so */
  uint64_t time_ms;  /* when; 0: nothing was said yet */
  uint64_t until_ms; /* nobody believes it any longer */
  uint8_t status;    /* Onward__CapacityStatus */
  uint8_t zero[7];
};
struct question_row {
  uint64_t index; /* of its entry */
  uint64_t time_ms;
  uint64_t until_ms; /* it is over then */
  struct org_id author;
  uint8_t nonce[NONCE_SIZE]; /* of its event: our own words are kept under it */
  uint8_t slot;              /* of the note that was sealed for us */
  uint8_t answer_count;      /* of ours: whom it asks; of another's: 1, what we said */
  uint8_t zero[6];
  struct place_answer answers[RECIPIENTS_MAX];
};

/* An accepted ask_place or answer_place. */
void questions_take(struct agent *a, struct books *b, const struct leaf *leaf, const struct event *event);
size_t questions_waiting(struct agent *a, struct books *b); /* put to us, open, and not answered by us */
/* Those that were over a month ago, and the oldest where there are too many. */
void questions_forget(struct books *b, uint64_t now_ms);
bool questions_get(struct books *b, uint64_t index, struct question_row *out);

#endif
