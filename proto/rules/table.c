/* Who may do what from where. This table is the only place that knows; the field's words, one row a line.
 *
 *   submit -> requested -> received -> acknowledged -> accepted -> in_progress -> completed -> closed
 *                 |            |             |            |             |
 *                 +------------+-------------+------------+ decline ... + fail
 *                              v                                        v
 *                next listed organisation, or returned               returned -> readdress, or close
 *
 * `leg_over` and `failed` last only within a turn: the broker's next entry (leg_opened or returned) resolves them.
 */
#include "proto/rules/rules.h"

#define A(name) ONWARD__CORE__ACT_##name
#define REASON(name) (1u << ONWARD__REFUSE_OPEN_REASON__##name)
#define LOST_BODY (REASON(LOST) | REASON(NOT_MY_KEY) | REASON(DAMAGED))
/* of a message: without, and with, the safety flag */
#define PLAIN (1u << 0)
#define SAFETY (1u << 1)
#define BOTH (FLAG_INFO_OPEN | FLAG_CANCEL_OPEN)
#define OPEN OPEN_STATES
#define HELD HELD_STATES
#define LIVE LIVE_STATES
#define READ (OPEN | HELD | IN(IN_PROGRESS) | IN(COMPLETED)) /* somebody there has it */
#define ANY_TIME (LIVE | IN(COMPLETED) | IN(RETURNED) | IN(CLOSED) | IN(CANCELLED))
#define ENDED_LEG (IN(LEG_OVER) | IN(FAILED) | IN(REQUESTED))
#define UNSERVED (IN(REQUESTED) | OPEN | HELD)
#define OVER (IN(WITHDRAWN) | IN(ERROR))
#define TO_READ FLAG_SAFETY_AT_RECIPIENT
#define TO_READ_S FLAG_SAFETY_AT_SENDER
/* flags that must be up, and must not */
#define ALWAYS 0, 0
#define IF_SAFETY TO_READ, 0
#define IF_SAFETY_S TO_READ_S, 0
#define IF_INFO FLAG_INFO_OPEN, 0
#define NO_INFO 0, FLAG_INFO_OPEN
#define IF_CANCEL FLAG_CANCEL_OPEN, 0
#define NO_CANCEL 0, FLAG_CANCEL_OPEN
/* flags that the act raises, and lowers */
#define KEEPS 0, 0
#define SETTLES 0, BOTH
#define ENDS                                                                                                           \
  0, (BOTH | TO_READ | FLAG_RESEAL_ASKED) /* the leg, and what its recipient still waited for or had to read */
#define ASKS_SEAL FLAG_RESEAL_ASKED, 0
#define ENDS_SEAL 0, FLAG_RESEAL_ASKED
#define READS 0, TO_READ
#define READS_S 0, TO_READ_S
#define WARNS TO_READ, 0
#define WARNS_S TO_READ_S, 0
#define ASKS_CANCEL FLAG_CANCEL_OPEN, 0
#define ENDS_CANCEL 0, FLAG_CANCEL_OPEN
#define ASKS_INFO FLAG_INFO_OPEN, 0
#define ENDS_INFO 0, FLAG_INFO_OPEN
/* told: nobody, sender, recipient, both */
#define TOLD_N TELL_NOBODY
#define TOLD_S TELL_SENDER
#define TOLD_R TELL_RECIPIENT
#define TOLD_SR (TELL_SENDER | TELL_RECIPIENT)
#define TOLD_RD (TELL_RECIPIENT | TELL_DUTY)
#define TOLD_SD (TELL_SENDER | TELL_DUTY)
#define TOLD_SRD (TELL_SENDER | TELL_RECIPIENT | TELL_DUTY)
/* A row that is built; one for some reasons of the act only; one that is fixed in shape and answered NOT_YET_SUPPORTED.
 * Where it leads, the state NONE stands for "the same". */
#define ROW(act, actor, from, if_, to, does, told, seals)                                                              \
  {                                                                                                                    \
    A(act), ACTOR_##actor, from, 0, if_, STATE_##to, does, TOLD_##told, SEALS_##seals, true                            \
  }
#define FOR(reasons, act, actor, from, to, does, told, seals)                                                          \
  {                                                                                                                    \
    A(act), ACTOR_##actor, from, reasons, ALWAYS, STATE_##to, does, TOLD_##told, SEALS_##seals, true                   \
  }
#define LATER(act, actor, from, if_, to, does, told, seals)                                                            \
  {                                                                                                                    \
    A(act), ACTOR_##actor, from, 0, if_, STATE_##to, does, TOLD_##told, SEALS_##seals, false                           \
  }

/* clang-format off */
const struct rule rules[] = {
  /* act, actor, from, if, to, does, told, seals */
  ROW(SUBMIT,         SENDER,    IN(NONE),                       ALWAYS,      REQUESTED,    SETTLES,     R,   CASE),
  ROW(RESEAL,         SENDER,    LIVE,                           ALWAYS,      NONE,         ENDS_SEAL,   R,   AGAIN),
  ROW(RECEIVE,        RECIPIENT, IN(REQUESTED),                  ALWAYS,      RECEIVED,     KEEPS,       S,   NOTHING),
  FOR(REASON(UNKNOWN_SCHEMA), REFUSE_OPEN, RECIPIENT, IN(REQUESTED),          LEG_OVER,     ENDS,        S,   NOTHING),
  FOR(LOST_BODY,              REFUSE_OPEN, RECIPIENT, LIVE,                   NONE,         ASKS_SEAL,   S,   NOTHING),
  ROW(ACKNOWLEDGE,    RECIPIENT, IN(RECEIVED),                   ALWAYS,      ACKNOWLEDGED, READS,       S,   NOTHING),
  ROW(ACKNOWLEDGE,    RECIPIENT, READ | IN(CLOSED),              IF_SAFETY,   NONE,         READS,       S,   NOTHING),
  ROW(ACKNOWLEDGE,    SENDER,    ANY_TIME | OVER,                IF_SAFETY_S, NONE,         READS_S,     R,   NOTHING),
  FOR(PLAIN,          TELL, SENDER,    READ,                                  NONE,         KEEPS,       R,   NOTE),
  FOR(SAFETY,         TELL, SENDER,    READ,                                  NONE,         WARNS,       R,   NOTE),
  FOR(PLAIN,          TELL, RECIPIENT, READ,                                  NONE,         KEEPS,       S,   NOTE),
  FOR(SAFETY,         TELL, RECIPIENT, READ,                                  NONE,         WARNS_S,     S,   NOTE),
  ROW(NEXT,           SENDER,    IN(REQUESTED) | OPEN,           ALWAYS,      LEG_OVER,     ENDS,        R,   NOTHING),
  ROW(REQUEST_INFO,   RECIPIENT, OPEN,                           NO_INFO,     ACKNOWLEDGED, ASKS_INFO,   S,   NOTE),
  ROW(SUPPLY_INFO,    SENDER,    OPEN,                           IF_INFO,     NONE,         ENDS_INFO,   R,   NOTE),
  ROW(WAITLIST,       RECIPIENT, OPEN | IN(ACCEPTED),            ALWAYS,      WAITLISTED,   ENDS_INFO,   S,   NOTE),
  ROW(ACCEPT,         RECIPIENT, OPEN | IN(WAITLISTED),          ALWAYS,      ACCEPTED,     SETTLES,     S,   NOTE),
  ROW(DECLINE,        RECIPIENT, OPEN | HELD,                    IF_CANCEL,   CANCELLED,    ENDS,        SD,  NOTE),
  ROW(DECLINE,        RECIPIENT, OPEN | HELD,                    NO_CANCEL,   LEG_OVER,     ENDS,        S,   NOTE),
  ROW(REROUTE,        RECIPIENT, OPEN | HELD,                    NO_CANCEL,   LEG_OVER,     ENDS,        S,   TARGET),
  ROW(START,          RECIPIENT, HELD,                           ALWAYS,      IN_PROGRESS,  SETTLES,     S,   NOTE),
  ROW(PROGRESS,       RECIPIENT, IN(IN_PROGRESS),                ALWAYS,      NONE,         KEEPS,       S,   NOTE),
  ROW(COMPLETE,       RECIPIENT, IN(ACCEPTED) | IN(IN_PROGRESS), ALWAYS,      COMPLETED,    SETTLES,     S,   NOTE),
  ROW(FAIL,           RECIPIENT, IN(IN_PROGRESS),                ALWAYS,      FAILED,       ENDS,        S,   NOTE),
  ROW(READDRESS,      SENDER,    IN(RETURNED),                   ALWAYS,      LEG_OVER,     SETTLES,     N,   CASE),
  ROW(CANCEL,         SENDER,    IN(REQUESTED),                  ALWAYS,      CANCELLED,    ENDS,        RD,  NOTE),
  ROW(CANCEL,         SENDER,    OPEN | HELD,                    NO_CANCEL,   NONE,         ASKS_CANCEL, R,   NOTE),
  ROW(CONFIRM_CANCEL, RECIPIENT, OPEN | HELD,                    IF_CANCEL,   CANCELLED,    ENDS,        SD,  NOTE),
  ROW(REFUSE_CANCEL,  RECIPIENT, OPEN | HELD,                    IF_CANCEL,   NONE,         ENDS_CANCEL, S,   NOTE),
  ROW(CLOSE,          SENDER,    IN(COMPLETED) | IN(RETURNED),   ALWAYS,      CLOSED,       SETTLES,     R,   NOTE),
  ROW(RENEW_CONSENT,  SENDER,    LIVE | IN(RETURNED),            ALWAYS,      NONE,         KEEPS,       R,   NOTHING),
  ROW(NARROW_CONSENT, SENDER,    LIVE | IN(RETURNED),            ALWAYS,      NONE,         KEEPS,       R,   NOTHING),
  ROW(RAISE_PRIORITY, SENDER,    LIVE | IN(RETURNED),            ALWAYS,      NONE,         KEEPS,       R,   NOTHING),
  ROW(WITHDRAW,       SENDER,    ANY_TIME,                       ALWAYS,      WITHDRAWN,    ENDS,        RD,  NOTE),
  ROW(WITHDRAW,       RECIPIENT, ANY_TIME,                       ALWAYS,      WITHDRAWN,    ENDS,        SD,  NOTE),
  ROW(ENTER_IN_ERROR, SENDER,    ANY_TIME | IN(WITHDRAWN),       ALWAYS,      ERROR,        ENDS,        RD,  NOTE),
  ROW(ERASE_RECEIPT,  RECIPIENT, ANY_TIME | OVER,                ALWAYS,      NONE,         KEEPS,       S,   NOTHING),
  ROW(LEGAL_HOLD,     RECIPIENT, ANY_TIME | OVER,                ALWAYS,      NONE,         KEEPS,       S,   NOTE),
  ROW(RETURNED,       BROKER,    ENDED_LEG,                      ALWAYS,      RETURNED,     ENDS,        S,   NOTHING),
  ROW(LEG_OPENED,     BROKER,    IN(LEG_OVER) | IN(REQUESTED),   ALWAYS,      REQUESTED,    ENDS,        SR,  NOTHING),

  ROW(OVERDUE,        BROKER,    ANY_TIME | OVER,                ALWAYS,      NONE,         KEEPS,       SR,  NOTHING),
  ROW(UNDELIVERABLE,  BROKER,    IN(REQUESTED) | IN(RECEIVED), IF_CANCEL,   CANCELLED,    ENDS,        SRD, NOTHING),
  ROW(UNDELIVERABLE,  BROKER,    IN(REQUESTED) | IN(RECEIVED), NO_CANCEL,   LEG_OVER,     ENDS,        SR,  NOTHING),
  ROW(INFO_OVER,      BROKER,    OPEN,                         IF_INFO,     NONE,         ENDS_INFO,   SR,  NOTHING),
  ROW(CANCEL_OVER,    BROKER,    OPEN | HELD,                  IF_CANCEL,   CANCELLED,    ENDS,        SRD, NOTHING),
  ROW(LEG_LOST,       BROKER,    UNSERVED,                     IF_CANCEL,   CANCELLED,    ENDS,        SRD, NOTHING),
  ROW(LEG_LOST,       BROKER,    UNSERVED,                     NO_CANCEL,   LEG_OVER,     ENDS,        SR,  NOTHING),
  ROW(LEG_LOST,       BROKER,    IN(IN_PROGRESS),              ALWAYS,      FAILED,       ENDS,        SR,  NOTHING),
  ROW(CLOSE_BY_CLOCK, BROKER,    IN(COMPLETED),                ALWAYS,      CLOSED,       SETTLES,     SR,  NOTHING),
  LATER(HAND_OVER,      SENDER,    LIVE | IN(RETURNED),          ALWAYS,      NONE,         KEEPS,       R,   NOTHING),
  LATER(TAKE_OVER,      RECIPIENT, LIVE | IN(RETURNED),          ALWAYS,      NONE,         KEEPS,       S,   NOTHING),
  LATER(LEAVE,          RECIPIENT, LIVE,                         ALWAYS,      NONE,         KEEPS,       S,   NOTHING),
};
/* clang-format on */
const size_t rules_count = sizeof rules / sizeof rules[0];

static uint32_t variant_of(const struct event *e)
{
  if (e->act == A(TELL))
    return e->core->tell->safety ? SAFETY : PLAIN;
  return e->act == A(REFUSE_OPEN) ? 1u << e->core->refuse_open->reason : 0;
}

const struct rule *rules_row(const struct event *e, enum actor actor, enum referral_state state, uint8_t flags)
{
  uint32_t variant = variant_of(e);
  for (const struct rule *r = rules; r < rules + rules_count; r++) {
    if (r->act != e->act || r->actor != actor || (r->variants != 0 && (r->variants & variant) == 0))
      continue;
    bool fits = (r->from >> state & 1) != 0 && (flags & r->with) == r->with && (flags & r->without) == 0;
    if (fits || state == STATES)
      return r;
  }
  return NULL;
}
