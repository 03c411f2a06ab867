/* Between the files of the runner: what a transcript has said so far. */
#ifndef ONWARD_TEST_SCENARIO_H
#define ONWARD_TEST_SCENARIO_H

#include "tests/unit/support.h"

#define NAME_SIZE 32
#define DAY_MS UINT64_C(86400000)
#define HOUR_MS UINT64_C(3600000)
#define REFERRALS_MAX 8
#define BATCHES_MAX 8 /* acts in a row that one line can hold */
#define SAID_MAX (BATCHES_MAX * (EVENT_SIZE_MAX + SEALED_SLOTS_MAX * WORLD_BODY_SIZE))

struct scenario {
  struct world world;
  struct complaint why; /* of the line at hand */

  size_t referral_count;
  struct {
    char name[NAME_SIZE];
    struct ref_id id;
  } referrals[REFERRALS_MAX];

  /* the turn that is open: committed by the next line that is no "meanwhile" */
  bool in_turn;
  struct turn turn;

  /* what the last line did, for the expectations behind it */
  uint64_t since; /* log's size before it */
  struct member *author;
  bool reading;        /* it was "reads its mail": only the author's, and from `since` on */
  const char *refused; /* verdict or reason that the line is to be answered with; NULL: accepted */
  bool not_heard;

  /* computers: what a copy of one knows of its own place, and the newest message, as it was sent */
  struct position {
    uint64_t sequence;
    uint64_t read_up_to;
  } copies[WORLD_MEMBERS_MAX];
  uint64_t back_from; /* it "reads its own entries back" behind this sequence */
  size_t said_body_size, said_sealed_size;
  uint8_t said_body[SAID_MAX], said_sealed[SAID_MAX];
};

/* Parsing: a cursor over the line. */
struct words {
  const char *at;
};
bool words_take(struct words *w, const char *phrase); /* moves on behind `phrase` when it stands there, whole */
bool words_name(struct words *w, char name[NAME_SIZE]);
uint64_t words_number(struct words *w); /* 0: none there */
bool words_end(const struct words *w);
/* A code as a transcript writes it: NOBODY_LEFT is "nobody left". */
void code_words(const ProtobufCEnumDescriptor *type, int code, char words[NAME_SIZE]);

struct member *scenario_member(struct scenario *s, struct words *w);   /* NULL: the next word is no organisation */
struct ref_id *scenario_referral(struct scenario *s, struct words *w); /* NULL: the next word is no referral */
struct books *scenario_books(struct scenario *s);                      /* of the open turn */
uint64_t scenario_size(struct scenario *s);                            /* of the log, in it */

/* speak.c: `<organisation> <does something>`. */
MUST_USE enum status scenario_speak(struct scenario *s, struct member *author, struct words *w);
/* office.c: what registrars do, and keys. NOT_FOUND: the line is not of that kind. */
MUST_USE enum status scenario_office(struct scenario *s, struct member *author, struct words *w);
/* The next words are said by the copy of this one's computer; again: by itself. */
void scenario_swap_copy(struct scenario *s, struct member *m);
/* Signs, hears and judges one batch against `refused`. */
MUST_USE enum status scenario_hear(struct scenario *s, struct member *author, const struct draft *drafts, size_t count);
/* The very bytes that were heard last, once more: nothing may follow. */
MUST_USE enum status scenario_say_again(struct scenario *s, struct member *author);
/* expect.c: one expectation behind an arrow. */
MUST_USE enum status scenario_expect(struct scenario *s, struct words *w);

#endif
