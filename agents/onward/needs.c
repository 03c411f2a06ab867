/* What a child needs, and how far each need is: from this organisation's own books. */
#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/sentences.h"
#include "agents/onward/words.h"

/* In one word, out of state and result. */
static const char *how_far(const json_t *item)
{
  static const char *const words[][2] = {
      {"draft", "waits"},           {"requested", "waits"},
      {"received", "waits"},        {"acknowledged", "waits"},
      {"waitlisted", "waits"},      {"accepted", "begins"},
      {"in_progress", "being met"}, {"returned", "came back"},
      {"cancelled", "not met"},     {"withdrawn", "ended"},
      {"error", "ended"},           {"left", "moved on"},
      {"gone", "moved on"},         {"lost", "lost by the exchange"},
      {"own", "being met"},
  };
  const char *state = text_of(item, "state"), *outcome = text_of(item, "outcome");
  if (outcome[0] != 0)
    return strcmp(outcome, "SERVED") == 0 ? "met" : strcmp(outcome, "SERVED_IN_PART") == 0 ? "met in part" : "not met";
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i][0], state) == 0)
      return words[i][1];
  return "not met"; /* closed without a result */
}

static void say_need(const json_t *item)
{
  char state[STATE_WORDS_SIZE], service[CODE_WORDS_SIZE], since[TIME_WORDS_SIZE], ago[TIME_WORDS_SIZE];
  uint64_t ms = number_of(item, "since_ms");
  bool own = strcmp(text_of(item, "state"), "own") == 0;
  const char *by = own ? "yourselves" : text_of(item, "outcome_by_name");
  say("  %-11s  %s%s%s\n", how_far(item), code_words(text_of(item, "service"), service), by[0] == 0 ? "" : ", by ", by);
  say("               %s, since %s, %s: onward show %s\n", state_words(item, state), time_words(ms, since),
      ago_words(ms, ago), text_of(item, "short"));
}

enum exit_code run_needs(struct call *c)
{
  json_t *answer = NULL, *request = client_request("needs");
  const char *id = call_argument(c, 0);
  if (id != NULL && json_object_set_new(request, "id", json_string(id)) != 0) {
    json_decref(request);
    return call_fail(c, WRONG_USAGE, NULL, "the id is not text in UTF-8");
  }
  enum exit_code code = client_do(c, request, &answer);
  const json_t *children = json_object_get(answer, "children");
  if (code == DONE && !client_print_json(c, answer)) {
    if (json_array_size(children) == 0)
      say("No referrals here are joined by a number of a child.\n");
    for (size_t i = 0; i < json_array_size(children); i++) {
      const json_t *child = json_array_get(children, i), *needs = json_object_get(child, "needs");
      say("%s\n", text_of(child, "root"));
      for (size_t k = 0; k < json_array_size(needs); k++)
        say_need(json_array_get(needs, k));
      say("\n");
    }
  }
  json_decref(answer);
  return code;
}
