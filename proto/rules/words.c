/* Verdicts in words: what was wrong, and what to do. */
#include "proto/rules/rules.h"

const char *verdict_text(Onward__Verdict v)
{
  static const char *const text[] = {
      [ONWARD__VERDICT__ACCEPTED] = "accepted",
      [ONWARD__VERDICT__NOT_YOUR_REFERRAL] = "there is no such referral for your organisation",
      [ONWARD__VERDICT__NOT_IN_THIS_STATE] = "the referral has moved on; look at it again to see what is possible now",
      [ONWARD__VERDICT__NOT_THIS_LEG] = "the referral is with somebody else now",
      [ONWARD__VERDICT__NOT_YET_SUPPORTED] = "this step comes with a later version of Onward",
      [ONWARD__VERDICT__REFERRAL_EXISTS] = "this referral was sent before",
      [ONWARD__VERDICT__WRONG_SEALED_PARTS] = "the sealed parts do not fit this step",
      [ONWARD__VERDICT__OUTSIDE_SCOPE] = "the consent does not cover that organisation; the sender can renew it",
      [ONWARD__VERDICT__REROUTE_NOT_ALLOWED] = "the sender does not want this referral passed on; decline it instead",
      [ONWARD__VERDICT__TARGET_NOT_OPEN] = "that organisation cannot be given referrals now; choose another",
      [ONWARD__VERDICT__ALREADY_VISITED] = "that organisation has been asked before; choose another",
      [ONWARD__VERDICT__LEGS_AT_LIMIT] = "the referral has been with 16 organisations; close it and send a new one",
      [ONWARD__VERDICT__CANCEL_IS_OPEN] = "the sender wants to take it back; answer that first",
      [ONWARD__VERDICT__WRONG_HASH] = "what arrived is not what was sent",
      [ONWARD__VERDICT__NOT_A_REGISTRAR] = "only a registrar may do this",
      [ONWARD__VERDICT__REQUEST_NOT_VALID] = "the request file does not hold; ask for a new one",
      [ONWARD__VERDICT__ALREADY_ENROLLED] = "an organisation of this id is enrolled already",
      [ONWARD__VERDICT__NO_SUCH_ORGANISATION] = "no such organisation is enrolled; see the directory",
      [ONWARD__VERDICT__KEY_IN_USE] = "one of these keys belongs to another organisation; make new ones",
      [ONWARD__VERDICT__NOTHING_TO_STOP] = "no replacement of keys is waiting for that organisation",
      [ONWARD__VERDICT__CONSENT_IS_OVER] = "the consent has ended; it must be renewed first",
      [ONWARD__VERDICT__NOT_YOUR_ACT] = "this step belongs to the other side",
      [ONWARD__VERDICT__TOO_MANY_PARTIES] = "the referral names 32 organisations already; close it and send a new one",
      [ONWARD__VERDICT__NEW_KEYS_BY_REPLACEMENT] =
          "this organisation was enrolled with other keys: its keys can only be replaced (registrar rotate)",
      [ONWARD__VERDICT__REPLACEMENT_WAITS] =
          "a replacement of that organisation's keys waits already; stop it first (registrar stop)",
      [ONWARD__VERDICT__LAST_REGISTRAR] = "it is the last registrar; another one must be in standing first",
      [ONWARD__VERDICT__SAFETY_UNREAD] = "a message about safety waits for you; read it first",
      [ONWARD__VERDICT__INFO_ASKED_TWICE] = "you have asked twice; say yes or no with what you know, or telephone",
      [ONWARD__VERDICT__NOT_BY_CONSENT] =
          "this referral does not rest on a consent; the sender can take it back instead",
      [ONWARD__VERDICT__NOT_HIGHER] = "a priority can only be raised",
      [ONWARD__VERDICT__NOT_IN_STANDING_NOW] = "your organisation may finish what it has, and begin nothing new",
      [ONWARD__VERDICT__NO_DUTY] = "you have no duty to erase this referral",
      [ONWARD__VERDICT__NEEDS_TWO_REGISTRARS] =
          "it is suspended and cannot stop this itself: a second registrar must be in standing first",
      [ONWARD__VERDICT__DATE_TOO_FAR] =
          "the date is too far away: a waiting list's within a year, what is said of places within 92 days",
      [ONWARD__VERDICT__NO_SUCH_SERVICE] = "the organisation has no service with this number; see the directory",
      [ONWARD__VERDICT__SERVICE_CHANGED] = "the service was changed meanwhile; look at it again",
      [ONWARD__VERDICT__OWN_SERVICE] = "it is your own organisation's service; the other registrar assures it",
      [ONWARD__VERDICT__TOO_MUCH_TODAY] = "that was enough for the directory today; go on tomorrow",
      [ONWARD__VERDICT__NOT_ASKED] = "there is no such question for your organisation, or it is over",
      [ONWARD__VERDICT__AGREEMENT_IS_OVER] = "your data-sharing agreement has ended; ask a registrar to renew it",
  };
  if ((size_t)v >= sizeof text / sizeof text[0] || text[v] == NULL)
    return "refused for a reason that this version does not know";
  return text[v];
}
