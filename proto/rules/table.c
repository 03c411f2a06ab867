/* Who may do what from where. This table is the only place that knows; DOMAIN words, one row a line.
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
#define TO(state) STATE_##state
#define SAME STATE_NONE
#define REASON(name) (1u << ONWARD__REFUSE_OPEN_REASON__##name)
#define SENDER ACTOR_SENDER
#define RECIPIENT ACTOR_RECIPIENT
#define BROKER ACTOR_BROKER
#define INFO FLAG_INFO_OPEN
#define CANCEL FLAG_CANCEL_OPEN
#define BOTH (FLAG_INFO_OPEN | FLAG_CANCEL_OPEN)

#define ALIVE (LIVE_STATES)
#define TOLD_S TELL_SENDER
#define TOLD_R TELL_RECIPIENT
#define NOBODY TELL_NOBODY
#define ENDABLE (LIVE_STATES | IN(COMPLETED) | IN(RETURNED) | IN(CLOSED) | IN(CANCELLED))

/* clang-format off */
const struct rule rules[] = {
/*  act                actor      from                               variants                with    without to              sets    clears  told    seals         built */
  {A(SUBMIT),         SENDER,    IN(NONE),                          0,                      0,      0,      TO(REQUESTED),  0,      BOTH,   TOLD_R, SEALS_CASE,   true},
  {A(RESEAL),         SENDER,    ALIVE,                             0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_AGAIN,  true},
  {A(RECEIVE),        RECIPIENT, IN(REQUESTED),                     0,                      0,      0,      TO(RECEIVED),   0,      0,      TOLD_S, SEALS_NOTHING, true},
  {A(REFUSE_OPEN),    RECIPIENT, IN(REQUESTED),                     REASON(UNKNOWN_SCHEMA), 0,      0,      TO(LEG_OVER),   0,      BOTH,   TOLD_S, SEALS_NOTHING, true},
  {A(REFUSE_OPEN),    RECIPIENT, ALIVE,                             REASON(LOST) | REASON(NOT_MY_KEY) | REASON(DAMAGED),
                                                                                            0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTHING, true},
  {A(ACKNOWLEDGE),    RECIPIENT, IN(RECEIVED),                      0,                      0,      0,      TO(ACKNOWLEDGED), 0,    0,      TOLD_S, SEALS_NOTHING, true},
  {A(ACCEPT),         RECIPIENT, OPEN_STATES | IN(WAITLISTED),      0,                      0,      0,      TO(ACCEPTED),   0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(DECLINE),        RECIPIENT, OPEN_STATES | HELD_STATES,         0,                      CANCEL, 0,      TO(CANCELLED),  0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(DECLINE),        RECIPIENT, OPEN_STATES | HELD_STATES,         0,                      0,      CANCEL, TO(LEG_OVER),   0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(REROUTE),        RECIPIENT, OPEN_STATES | HELD_STATES,         0,                      0,      CANCEL, TO(LEG_OVER),   0,      BOTH,   TOLD_S, SEALS_TARGET, true},
  {A(START),          RECIPIENT, HELD_STATES,                       0,                      0,      0,      TO(IN_PROGRESS), 0,     BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(PROGRESS),       RECIPIENT, IN(IN_PROGRESS),                   0,                      0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTE,   true},
  {A(COMPLETE),       RECIPIENT, IN(ACCEPTED) | IN(IN_PROGRESS),    0,                      0,      0,      TO(COMPLETED),  0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(FAIL),           RECIPIENT, IN(IN_PROGRESS),                   0,                      0,      0,      TO(FAILED),     0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(READDRESS),      SENDER,    IN(RETURNED),                      0,                      0,      0,      TO(LEG_OVER),   0,      BOTH,   NOBODY, SEALS_CASE,   true},
  {A(CANCEL),         SENDER,    IN(REQUESTED),                     0,                      0,      0,      TO(CANCELLED),  0,      BOTH,   TOLD_R, SEALS_NOTE,   true},
  {A(CANCEL),         SENDER,    OPEN_STATES | HELD_STATES,         0,                      0,      CANCEL, SAME,           CANCEL, 0,      TOLD_R, SEALS_NOTE,   true},
  {A(CONFIRM_CANCEL), RECIPIENT, OPEN_STATES | HELD_STATES,         0,                      CANCEL, 0,      TO(CANCELLED),  0,      BOTH,   TOLD_S, SEALS_NOTE,   true},
  {A(REFUSE_CANCEL),  RECIPIENT, OPEN_STATES | HELD_STATES,         0,                      CANCEL, 0,      SAME,           0,      CANCEL, TOLD_S, SEALS_NOTE,   true},
  {A(CLOSE),          SENDER,    IN(COMPLETED) | IN(RETURNED),      0,                      0,      0,      TO(CLOSED),     0,      BOTH,   TOLD_R, SEALS_NOTE,   true},
  {A(RETURNED),       BROKER,    IN(LEG_OVER) | IN(FAILED) | IN(REQUESTED),
                                                                    0,                      0,      0,      TO(RETURNED),   0,      BOTH,   TOLD_S, SEALS_NOTHING, true},
  {A(LEG_OPENED),     BROKER,    IN(LEG_OVER) | IN(REQUESTED),      0,                      0,      0,      TO(REQUESTED),  0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, true},

  /* fixed in shape, built later: answered NOT_YET_SUPPORTED */
  {A(TELL),           SENDER,    ALIVE | IN(COMPLETED),             0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_NOTE,   false},
  {A(TELL),           RECIPIENT, ALIVE | IN(COMPLETED),             0,                      0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTE,   false},
  {A(NEXT),           SENDER,    IN(REQUESTED) | OPEN_STATES,       0,                      0,      0,      TO(LEG_OVER),   0,      BOTH,   TOLD_R, SEALS_NOTHING, false},
  {A(REQUEST_INFO),   RECIPIENT, OPEN_STATES,                       0,                      0,      INFO,   TO(ACKNOWLEDGED), INFO, 0,      TOLD_S, SEALS_NOTE,   false},
  {A(SUPPLY_INFO),    SENDER,    OPEN_STATES,                       0,                      INFO,   0,      SAME,           0,      INFO,   TOLD_R, SEALS_NOTE,   false},
  {A(WAITLIST),       RECIPIENT, OPEN_STATES | IN(ACCEPTED),        0,                      0,      0,      TO(WAITLISTED), 0,      INFO,   TOLD_S, SEALS_NOTE,   false},
  {A(RENEW_CONSENT),  SENDER,    ALIVE | IN(RETURNED),              0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_NOTHING, false},
  {A(NARROW_CONSENT), SENDER,    ALIVE | IN(RETURNED),              0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_NOTHING, false},
  {A(RAISE_PRIORITY), SENDER,    ALIVE | IN(RETURNED),              0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_NOTHING, false},
  {A(WITHDRAW),       SENDER,    ENDABLE,                           0,                      0,      0,      TO(WITHDRAWN),  0,      BOTH,   TOLD_R, SEALS_NOTE,   false},
  {A(WITHDRAW),       RECIPIENT, ENDABLE,                           0,                      0,      0,      TO(WITHDRAWN),  0,      BOTH,   TOLD_S, SEALS_NOTE,   false},
  {A(ENTER_IN_ERROR), SENDER,    ENDABLE | IN(WITHDRAWN),           0,                      0,      0,      TO(ERROR),      0,      BOTH,   TOLD_R, SEALS_NOTE,   false},
  {A(ERASE_RECEIPT),  RECIPIENT, ENDABLE | IN(WITHDRAWN) | IN(ERROR), 0,                    0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTHING, false},
  {A(LEGAL_HOLD),     RECIPIENT, ENDABLE | IN(WITHDRAWN) | IN(ERROR), 0,                    0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTE,   false},
  {A(OVERDUE),        BROKER,    ALIVE | IN(RETURNED) | IN(COMPLETED), 0,                   0,      0,      SAME,           0,      0,      TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(UNDELIVERABLE),  BROKER,    IN(REQUESTED) | IN(RECEIVED),      0,                      CANCEL, 0,      TO(CANCELLED),  0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(UNDELIVERABLE),  BROKER,    IN(REQUESTED) | IN(RECEIVED),      0,                      0,      CANCEL, TO(LEG_OVER),   0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(INFO_OVER),      BROKER,    OPEN_STATES,                       0,                      INFO,   0,      SAME,           0,      INFO,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(CANCEL_OVER),    BROKER,    OPEN_STATES | HELD_STATES,         0,                      CANCEL, 0,      TO(CANCELLED),  0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(LEG_LOST),       BROKER,    IN(REQUESTED) | OPEN_STATES | HELD_STATES, 0,              0,      0,      TO(LEG_OVER),   0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(LEG_LOST),       BROKER,    IN(IN_PROGRESS),                   0,                      0,      0,      TO(FAILED),     0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(CLOSE_BY_CLOCK), BROKER,    IN(COMPLETED),                     0,                      0,      0,      TO(CLOSED),     0,      BOTH,   TOLD_S | TOLD_R, SEALS_NOTHING, false},
  {A(HAND_OVER),      SENDER,    ALIVE | IN(RETURNED),              0,                      0,      0,      SAME,           0,      0,      TOLD_R, SEALS_NOTHING, false},
  {A(TAKE_OVER),      RECIPIENT, ALIVE | IN(RETURNED),              0,                      0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTHING, false},
  {A(LEAVE),          RECIPIENT, ALIVE,                             0,                      0,      0,      SAME,           0,      0,      TOLD_S, SEALS_NOTHING, false},
};
/* clang-format on */
const size_t rules_count = sizeof rules / sizeof rules[0];

static uint32_t variant_of(const struct event *e)
{
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
