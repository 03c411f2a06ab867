/* What others did, as a notice says it: an item's id, and one of eight words. Never more: notices travel through
 * e-mail, SMS and other people's pockets.
 */
#ifndef ONWARD_NEWS_H
#define ONWARD_NEWS_H

#include <sys/types.h>

#include "agents/tables.h"

enum news_kind {
  NEWS_NEW,        /* a case has come */
  NEWS_CHANGED,    /* any other step */
  NEWS_OVERDUE,    /* a clock ran out, here or there */
  NEWS_SAFETY,     /* a message about safety is to be read */
  NEWS_DUTY,       /* a case has to be erased */
  NEWS_UNATTENDED, /* about no item, the id is all zero: something lies unattended at another organisation */
  NEWS_PLACE,      /* about no item: somebody asks for a place, or has answered */
  NEWS_AGREEMENT,  /* about no item: a data-sharing agreement ends soon, ours or (for registrars) another's */
};
const char *news_word(enum news_kind kind);

struct notice {
  struct ref_id id;
  enum news_kind kind;
};

/* What came in this transaction: told once it is committed. */
#define NEWS_MAX 512
struct news {
  size_t count;
  struct notice list[NEWS_MAX];
};

/* The office's own command, started for each notice with id and word as its two arguments, one at a time; one that runs
 * for longer than a minute is ended. Zeroed: nothing waits. */
#define HOOK_WAITING_MAX 256
struct hook {
  pid_t child; /* 0: none runs */
  uint64_t began_ms;
  size_t count;
  struct notice waiting[HOOK_WAITING_MAX];
};
void hook_add(struct hook *h, const struct notice *n); /* one that waits already is not doubled */
/* Starts the next one, if it may. True: look again soon. */
bool hook_turn(struct hook *h, const char *program, uint64_t now_ms);

#endif
