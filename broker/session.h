/* Who is connected now, how far they have read, and how much they may still say. Nothing of this is ever stored: it
 * begins anew with each connection, and each process.
 */
#ifndef ONWARD_SESSION_H
#define ONWARD_SESSION_H

#include "broker/door.h"

/* A bucket that refills: `level` may be spent. */
struct bucket {
  double level;
  uint64_t filled_ms;
};

/* What an organisation has had of one turn. */
struct share {
  uint64_t turn; /* that one; in any other it has had nothing yet */
  uint64_t messages, events, bytes;
};

/* What one organisation may still do; survives its connections. */
struct meter {
  struct org_id organisation;
  struct bucket messages, bytes, refusals, connects;
  uint64_t heard_ms; /* when it said something last; 0: not since this process began */
  struct share share;
};

struct session {
  bool used;
  bool leaving; /* told goodbye: nothing more is heard; cut at `cut_ms` */
  uint64_t cut_ms;
  struct routing to;
  struct wire_end wire;
  uint8_t link_key[32];
  struct org_id organisation;
  struct meter *meter;
  uint64_t position;    /* next log index of its mailbox that was not sent */
  bool placed;          /* position was set by the first credit after a hello */
  uint64_t patience_ms; /* nothing is sent to it before */
  uint64_t entries;     /* credit left */
  uint64_t bytes;       /* of one delivery */
  uint64_t known_size;  /* of the newest checkpoint that it has from us; 0: none that this log continues */
  uint32_t known_epoch; /* of that which its hello named; 0: none */
  uint64_t kept_from;   /* sequence */
  uint64_t confirmed;   /* sequence of its newest batch that it has read back */
};

struct sessions {
  struct session *list;
  size_t max;
  struct meter *meters;
  size_t meter_count, meter_max;
  const struct config *config;
};

MUST_USE enum status sessions_init(struct sessions *s, const struct config *c);
void sessions_fini(struct sessions *s);
struct session *sessions_find(struct sessions *s, const struct routing *r);
struct session *sessions_of(struct sessions *s, const struct org_id *organisation); /* not one that is leaving */
struct session *sessions_add(struct sessions *s, const struct routing *r);          /* NULL: full */
void sessions_remove(struct session *one);
const struct meter *sessions_meter_known(const struct sessions *s, const struct org_id *organisation); /* NULL: none */
struct meter *sessions_meter(struct sessions *s, const struct org_id *organisation);                   /* NULL: full */

/* False: it has had its share of this turn. One message it may always say. */
bool share_left(struct share *s, const struct config *c, uint64_t turn);

/* Spends `amount` of a bucket that holds `max` and refills within `period_ms`. False: too much, nothing is spent; with
 * an amount of 0: it is empty. */
bool bucket_take(struct bucket *b, double amount, uint64_t max, uint64_t period_ms, uint64_t now_ms);

#endif
