/* The limits that a new network begins with. They are a proposal, to be reviewed with practitioners: each network
 * writes them into its own log, and its registrars change them there. */
#include "proto/rules/rules.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

#define LIMIT(name, high, medium, low)                                                                                 \
  {                                                                                                                    \
    PROTOBUF_C_MESSAGE_INIT(&onward__limit__descriptor), ONWARD__CLOCK__##name, high, medium, low                      \
  }

const Onward__Policy *policy_proposed(void)
{
  static Onward__Limit limits[CLOCKS_LIMITED] = {
      LIMIT(RECEIVE, 1 * HOUR, 8 * HOUR, 24 * HOUR),       LIMIT(READ, 4 * HOUR, 24 * HOUR, 72 * HOUR),
      LIMIT(DECIDE, 24 * HOUR, 72 * HOUR, 14 * DAY),       LIMIT(CONTACT, 24 * HOUR, 7 * DAY, 14 * DAY),
      LIMIT(UNDELIVERED, 4 * HOUR, 48 * HOUR, 5 * DAY),    LIMIT(ANSWER_INFO, 24 * HOUR, 48 * HOUR, 7 * DAY),
      LIMIT(ANSWER_CANCEL, 24 * HOUR, 72 * HOUR, 7 * DAY), LIMIT(RETURNED_ACT, 24 * HOUR, 7 * DAY, 14 * DAY),
      LIMIT(RESEAL_ASKED, 4 * HOUR, 24 * HOUR, 72 * HOUR), LIMIT(REPORT, 30 * DAY, 60 * DAY, 90 * DAY),
      LIMIT(CLOSING, 3 * DAY, 7 * DAY, 14 * DAY),          LIMIT(ERASURE, 30 * DAY, 30 * DAY, 30 * DAY),
      LIMIT(SAFETY_READ, 15 * MINUTE, 1 * HOUR, 4 * HOUR),
  };
  static Onward__Limit *list[CLOCKS_LIMITED];
  static Onward__Policy policy = ONWARD__POLICY__INIT;
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    list[i] = &limits[i];
  policy.n_limits = CLOCKS_LIMITED;
  policy.limits = list;
  return &policy;
}
