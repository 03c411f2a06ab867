/* A table: what each act is called. One that is newer than this program is printed as it is called in the log. */
#include "agents/onward/act_words.h"

#include <string.h>

#include "agents/onward/sentences.h"

static const struct act_words acts[] = {
    {"submit", "sent it", "to be sent", NULL, false},
    {"reseal", "sealed it again", "the case sealed again (by itself)", NULL, false},
    {"receive", "received it on their computer", "that it arrives on their computer", NULL, false},
    {"refuse_open", "could not open it", NULL, NULL, false},
    {"acknowledge", "read it", "that a person reads it", "show ID", true},
    {"tell", "wrote a message", NULL, NULL, true},
    {"next", "asked for the next organisation", NULL, "next ID", true},
    {"request_info", "asked a question", "yes or no", "ask ID", true},
    {"supply_info", "answered the question", "an answer to the question", "answer ID", true},
    {"waitlist", "put it on the waiting list", "yes or no", "waitlist ID --expected DATE", true},
    {"accept", "said yes", "yes or no", "accept ID --first-contact DATE", true},
    {"decline", "said no", "yes or no", "decline ID --reason CODE --by provider", true},
    {"reroute", "passed it on to somebody better placed", "yes or no", "reroute ID --to ORGANISATION", true},
    {"start", "began to help", "the first contact", "start ID", true},
    {"progress", "reported progress", "a report", "progress ID --kind SESSION", true},
    {"complete", "finished", "the result", "complete ID --outcome CODE", true},
    {"fail", "had to stop", NULL, NULL, true},
    {"readdress", "chose whom to ask next", "whom to ask next", "readdress ID --to ORGANISATION", true},
    {"cancel", "wished to take it back", NULL, NULL, true},
    {"confirm_cancel", "gave it back", "an answer to the wish to take it back", "confirm-cancel ID", true},
    {"refuse_cancel", "did not give it back", "an answer to the wish to take it back", "refuse-cancel ID", true},
    {"close", "closed it", "that it is read and closed", "close ID", true},
    {"renew_consent", "renewed the consent", NULL, NULL, true},
    {"narrow_consent", "narrowed the consent", NULL, NULL, true},
    {"raise_priority", "made it more urgent", NULL, NULL, true},
    {"withdraw", "took the consent back: the case must be erased", NULL, NULL, true},
    {"enter_in_error", "said that it was sent by mistake: the case must be erased", NULL, NULL, true},
    {"erase_receipt", "erased the case", "that the case is erased", "erase ID", true},
    {"legal_hold", "kept the case, as the law demands", "that the case is erased", "keep ID --note FILE", true},
    {"leg_opened", "offered it to the next organisation", NULL, NULL, false},
    {"returned", "gave it back to its sender", NULL, NULL, false},
    {"overdue", "said that something is overdue", NULL, NULL, false},
    {"undeliverable", "took it from them, as nobody there had received or read it in time", NULL, NULL, false},
    {"info_over", "ended the question, as nobody answered it in time", NULL, NULL, false},
    {"cancel_over", "took it back for its sender, as nobody answered that wish in time", NULL, NULL, false},
    {"leg_lost", "took it from them, as they were suspended", NULL, NULL, false},
    {"close_by_clock", "closed it, as its sender did not say that the result was read", NULL, NULL, false},
    {"enrol", "enrolled an organisation", NULL, NULL, true},
    {"suspend", "cut an organisation off", NULL, NULL, true},
    {"rotate", "made new keys", NULL, NULL, true},
    {"replace_keys", "replaced the keys of an organisation", NULL, NULL, true},
    {"stop_replacement", "stopped a replacement of keys", NULL, NULL, true},
    {"set_policy", "set the clocks", NULL, NULL, true},
    {"set_service", "described a service", NULL, NULL, true},
    {"end_service", "ended a service", NULL, NULL, true},
    {"assure_service", "assured a service, or took that back", NULL, NULL, true},
    {"set_duty", "changed the telephone of those on duty", NULL, NULL, true},
    {"mandate", "allowed an office outside to read entries of the log", NULL, NULL, true},
    {"set_capacity", "said how many places are free", NULL, NULL, true},
    {"ask_place", "asked for a place", NULL, NULL, true},
    {"answer_place", "answered whether there is a place", NULL, NULL, true},
};

const struct act_words *act_words_of(const char *act)
{
  for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
    if (strcmp(acts[i].act, act) == 0)
      return &acts[i];
  return NULL;
}

const char *act_did(const char *act)
{
  const struct act_words *found = act_words_of(act);
  return found == NULL ? act : found->did;
}

const char *act_awaited(const char *act)
{
  const struct act_words *found = act_words_of(act);
  return found == NULL || found->awaited == NULL ? act : found->awaited;
}
