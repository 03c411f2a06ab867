/* What the broker says: packs messages and sends them. Everything here is read from the journal's view of what was
 * published; nothing changes it. */
#ifndef ONWARD_POST_H
#define ONWARD_POST_H

#include "broker/journal.h"
#include "broker/session.h"

struct post {
  struct door *door;
  struct journal *journal;
  struct arena *arena;  /* for one message at a time */
  uint64_t share_bytes; /* that one session is told in one turn, but for the last delivery */
};

/* NOT_NOW: the connection's queue is full, try again; NOT_FOUND: it is gone. */
MUST_USE enum status post_welcome(struct post *p, struct session *s);
/* Sends what the mailbox holds, as far as credit and the share of a turn go; spends the credit. OK also when there was
 * nothing to send. */
MUST_USE enum status post_mail(struct post *p, struct session *s);
/* The ask is in the post's own arena, and what answers `seen` of it: at most SEEN_MAX. */
MUST_USE enum status post_answer(struct post *p, struct session *s, const Onward__Ask *ask, Onward__Seen **seen,
                                 size_t seen_count);

void post_refusal(struct post *p, const struct routing *to, Onward__RefusalReason reason, uint64_t sequence,
                  uint32_t event, const char *what, uint32_t retry_after_ms);
void post_goodbye(struct post *p, const struct routing *to, Onward__GoodbyeReason reason);

#endif
