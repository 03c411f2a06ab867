/* Each of the two ends with telephone numbers: whoever reads it at night cannot look further. */
#include "agents/onward/trouble.h"

#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/words.h"

bool is_refused(const json_t *status)
{
  return strcmp(text_of(status, "connection"), "refused") == 0;
}

void say_unsent(const json_t *status)
{
  uint64_t unsent = number_of(status, "unsent"), unconfirmed = number_of(status, "unconfirmed");
  if (unsent > 0)
    say("%llu not yet sent from this computer: onward outbox\n", (unsigned long long)unsent);
  if (unconfirmed > 0)
    say("%llu sent, not yet confirmed by the exchange: onward outbox\n", (unsigned long long)unconfirmed);
}

/* A line for each. */
static enum exit_code say_registrars(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("directory"), &answer);
  const json_t *list = json_object_get(answer, "organisations");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    char call[CALL_WORDS_SIZE];
    if (!flag_of(one, "registrar") || flag_of(one, "yourself") || strcmp(text_of(one, "standing"), "ACTIVE") != 0)
      continue;
    say("    %s", call_words(one, call));
  }
  json_decref(answer);
  return code;
}

enum exit_code say_connection(struct call *c, const json_t *status)
{
  char when[TIME_WORDS_SIZE], ago[TIME_WORDS_SIZE];
  const char *why = text_of(status, "why");
  uint64_t contact = number_of(status, "last_contact_ms");
  if (is_refused(status)) {
    say("! The exchange refuses this computer%s%s.\n", why[0] == 0 ? "" : ": ", why);
    return say_registrars(c);
  }
  if (flag_of(status, "disk_full"))
    say("! The disk of this computer is full: make room. Until then nothing can come in or be saved; after that it "
        "goes "
        "on by itself.\n");
  if (flag_of(status, "busy"))
    say("The exchange is full for the moment: what waits is sent again by itself.\n");
  if ((flag_of(status, "disk_full") || flag_of(status, "busy")) && !flag_of(status, "connected"))
    return DONE; /* why it is cut is said */
  if (!flag_of(status, "connected") && contact > 0)
    say("The exchange cannot be reached now. Last heard %s (%s).\n", time_words(contact, when),
        ago_words(contact, ago));
  else if (!flag_of(status, "connected"))
    say("The exchange has not been reached yet.\n");
  return DONE;
}

enum exit_code say_replacement(struct call *c, const json_t *status, bool *waits)
{
  char asked[TIME_WORDS_SIZE], due[TIME_WORDS_SIZE];
  const json_t *r = json_object_get(status, "replacement");
  *waits = r != NULL;
  if (r == NULL)
    return DONE;
  const char *by = text_of(r, "by_name"), *own = text_of(status, "organisation");
  say("! A replacement of your keys was asked for by %s at %s; it takes effect at %s.\n", by,
      time_words(number_of(r, "asked_ms"), asked), time_words(number_of(r, "due_ms"), due));
  say("  If that was not you, stop it now, and call a registrar:\n    onward registrar stop %s\n", own);
  return say_registrars(c);
}

void say_backup(const json_t *status)
{
  const json_t *backup = json_object_get(status, "backup");
  const char *warn = text_of(backup, "warn");
  if (strcmp(warn, "none") == 0)
    say("There is no backup of this computer yet: onward backup %s\n",
        flag_of(backup, "words") ? "FILE" : "--new-words");
  else if (strcmp(warn, "old") == 0)
    say("The newest backup of this computer is %llu days old: onward backup FILE\n",
        (unsigned long long)number_of(backup, "days"));
}

bool say_erased(const json_t *status)
{
  char when[TIME_WORDS_SIZE];
  uint64_t erased = number_of(json_object_get(status, "backup"), "erased_ms");
  if (erased == 0)
    return false;
  say("! Backups that were made before %s still hold a case that was erased here then: destroy them, wherever they "
      "are.\n"
      "          a new one first: onward backup FILE\n"
      "          when they are destroyed: onward backup --destroyed\n\n",
      time_words(erased, when));
  return true;
}

/* What to do depends on how soon it is. */
static void say_agreement(const json_t *one, bool ours)
{
  char until[TIME_WORDS_SIZE], call[CALL_WORDS_SIZE];
  const json_t *left = json_object_get(one, "days");
  json_int_t days = json_integer_value(left);
  time_words(number_of(one, "until_ms"), until);
  if (days < 0)
    say("! The data-sharing agreement of %s has ended: it is offered nothing new.\n", text_of(one, "name"));
  else
    say("%sThe data-sharing agreement of %s ends in %lld day%s, %s.\n", days < 7 ? "! " : "", text_of(one, "name"),
        (long long)days, days == 1 ? "" : "s", until);
  if (ours)
    say("          a registrar renews it: onward directory\n\n");
  else
    say("          %s\n          to renew it: onward registrar enrol FILE --agreement-until DATE\n\n",
        call_words(one, call));
}

size_t say_soon(const json_t *status)
{
  const json_t *list = json_object_get(status, "agreements");
  uint64_t questions = number_of(status, "questions");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    say_agreement(one, strcmp(text_of(one, "id"), text_of(status, "organisation")) == 0);
  }
  if (questions > 0)
    say("%llu question%s whether you would have a place wait%s for an answer.\n          onward questions\n\n",
        (unsigned long long)questions, questions == 1 ? "" : "s", questions == 1 ? "s" : "");
  return json_array_size(list) + (questions > 0);
}
