/* One item, opened. Opening it acknowledges it at its sender, and that is said; --peek does not. Where it is locked,
 * the passphrase is asked for first.
 */
#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/items.h"
#include "agents/onward/questions.h"
#include "agents/onward/sentences.h"
#include "agents/onward/trouble.h"
#include "agents/onward/words.h"

static bool is_before_yes(const char *state)
{
  static const char *const states[] = {"requested", "received", "acknowledged", "waitlisted"};
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
    if (strcmp(states[i], state) == 0)
      return true;
  return false;
}

static void say_case(const json_t *answer)
{
  const json_t *item = json_object_get(answer, "item");
  if (json_object_get(answer, "brief") != NULL) {
    say("\nThe need\n");
    form_say(answer, "brief.");
  }
  if (json_object_get(answer, "file") != NULL) {
    say("\nThe child, and how to reach her or him\n");
    form_say(answer, "file.");
  } else if (strcmp(text_of(item, "role"), "recipient") == 0 && is_before_yes(text_of(item, "state"))) {
    say("\nName and contact come once you have said yes.\n");
  }
}

static void say_notes(const json_t *item, const json_t *notes)
{
  for (size_t i = 0; i < json_array_size(notes); i++) {
    static const char *const codes[][2] = {{"decline", "Reason"}, {"outcome", "Result"}, {"progress", "Kind"}};
    const json_t *note = json_array_get(notes, i);
    char when[TIME_WORDS_SIZE], words[CODE_WORDS_SIZE];
    say("%s%s, %s %s%s\n", i == 0 ? "\nNotes\n  " : "  ", time_words(number_of(note, "time_ms"), when),
        item_name(item, text_of(note, "from")), act_did(text_of(note, "act")),
        flag_of(note, "safety") ? " ABOUT SAFETY" : "");
    for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
      say_labelled(codes[k][1], code_words(text_of(note, codes[k][0]), words));
    say_labelled("Note", text_of(note, "text"));
  }
}

/* "the exchange offered it to A21", "the exchange said: it was due that ...", "APLE said yes: not taken, ...". */
void say_entry(const json_t *step)
{
  char words[CLOCK_WORDS_SIZE], verdict[CODE_WORDS_SIZE];
  const char *by = text_of(step, "by_name"), *act = text_of(step, "act"), *said = text_of(step, "verdict");
  const char *of = text_of(step, "of_name")[0] != 0 ? text_of(step, "of_name") : text_of(step, "of");
  by = by[0] != 0 ? by : text_of(step, "by");
  say("%s ", by[0] != 0 ? by : "the exchange");
  if (strcmp(act, "overdue") == 0)
    say("said: it was due that %s\n", clock_words(text_of(step, "clock"), of, words));
  else if (strcmp(act, "leg_opened") == 0 && of[0] != 0)
    say("offered it to %s\n", of);
  else if (strcmp(said, "ACCEPTED") != 0)
    say("%s: not taken, %s\n", act_did(act), code_words(said, verdict));
  else
    say("%s%s\n", act_did(act), flag_of(step, "safety") ? " about safety" : "");
}

static void say_history(const json_t *history)
{
  for (size_t i = 0; i < json_array_size(history); i++) {
    char when[TIME_WORDS_SIZE];
    const json_t *step = json_array_get(history, i);
    say("%s%s  ", i == 0 ? "\nWhat happened so far\n  " : "  ", time_words(number_of(step, "time_ms"), when));
    say_entry(step);
  }
}

/* It was sealed for this computer, and is not here any more, or does not open. */
static void say_unreadable(const json_t *item)
{
  if (item_must_be_read(item))
    say("! The message about safety cannot be opened here. Call them, ask what it says, then: onward acknowledge "
        "%s\n\n",
        text_of(item, "short"));
}

static void say_opened(const json_t *answer, const char *own, bool peek)
{
  const json_t *item = json_object_get(answer, "item");
  if (flag_of(answer, "acknowledged_now"))
    say("You have opened it: %s told that a person has read it.\n\n",
        strcmp(text_of(item, "role"), "sender") == 0 ? "they are" : "its sender is");
  if (!peek)
    say_unreadable(item);
  say_item(item, own);
  say_case(answer);
  say_notes(item, json_object_get(answer, "notes"));
  say_history(json_object_get(answer, "history"));
  if (strcmp(text_of(item, "role"), "sender") == 0 && number_of(item, "directory_index") > 0)
    say("\nWho could be chosen from then: onward directory --as-of %s\n", text_of(item, "short"));
  if (item_is_ours(item, own) || item_is_refused(item)) {
    say("\nWhat you can do now\n");
    say_next(item, own);
  }
}

enum exit_code run_show(struct call *c)
{
  char own[OWN_SIZE];
  json_t *answer = NULL, *status = NULL;
  json_t *request =
      json_pack("{s:s, s:s, s:b}", "do", "show", "id", call_argument(c, 0), "peek", call_option(c, "--peek") != NULL);
  enum exit_code code = client_do(c, request, &answer);
  if (code == DONE && !client_print_json(c, answer)) {
    code = client_own(c, own, &status);
    if (code == DONE) {
      say_opened(answer, own, call_option(c, "--peek") != NULL);
      say(flag_of(status, "connected") ? "" : "\n");
      code = say_connection(c, status);
    }
  }
  json_decref(status);
  json_decref(answer);
  return code;
}
