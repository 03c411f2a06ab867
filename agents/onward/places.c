/* Questions about places: asked of several, seen, answered. */
#include <string.h>

#include "agents/onward/candidates.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/options.h"
#include "agents/onward/words.h"

static enum exit_code ask_place(struct call *c)
{
  static const struct option_rule rules[] = {{"--to", OPTION_LIST, "to", NULL},
                                             {"--until", OPTION_TEXT, "valid_until", NULL}};
  json_t *answer = NULL, *request = client_request("ask_place");
  enum exit_code code = options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code == DONE)
    code = candidates_ask(c, request, &answer);
  else
    json_decref(request);
  if (code == DONE && !client_print_json(c, answer)) {
    const json_t *to = json_object_get(answer, "to");
    say("Saved on this computer: %zu organisation%s asked:", json_array_size(to),
        json_array_size(to) == 1 ? " is" : "s are");
    for (size_t i = 0; i < json_array_size(to); i++)
      say("%s %s", i == 0 ? "" : ",", json_string_value(json_array_get(to, i)));
    say(". What they answer: onward questions\n");
  }
  json_decref(answer);
  return code;
}

/* Of a case that came, or about a place. */
enum exit_code run_ask(struct call *c)
{
  if (call_option(c, "--need") != NULL && call_argument(c, 0) == NULL)
    return ask_place(c);
  if (call_option(c, "--need") == NULL && call_argument(c, 0) != NULL)
    return run_act(c);
  return call_fail(c, WRONG_USAGE, "see: onward ask --help",
                   "expected an item, to ask its sender; or --need, to ask who would have a place");
}

static const char *status_words(const char *status)
{
  static const char *const words[][2] = {{"HAS", "has a place"},
                                         {"FULL", "is full"},
                                         {"WAITLIST", "has a waiting list"},
                                         {"NEEDS_ASSESSMENT", "has to look at the case first"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i][0], status) == 0)
      return words[i][1];
  return "has not answered";
}

static void say_answer(const json_t *one)
{
  char when[TIME_WORDS_SIZE], until[TIME_WORDS_SIZE];
  const char *status = text_of(one, "status");
  say("    %s (%s) %s", text_of(one, "name"), text_of(one, "id"), status_words(status));
  if (status[0] != 0)
    say(", said %s, %s %s", time_words(number_of(one, "time_ms"), when),
        flag_of(one, "valid") ? "until" : "no longer than", time_words(number_of(one, "valid_until_ms"), until));
  say("\n");
}

static void say_question(const json_t *q)
{
  char age[CODE_WORDS_SIZE], need[CODE_WORDS_SIZE], until[TIME_WORDS_SIZE];
  const char *group = text_of(q, "group"), *service = text_of(q, "service"), *area = text_of(q, "area");
  const json_t *answers = json_object_get(q, "answers");
  say("%llu  ", (unsigned long long)number_of(q, "question"));
  if (flag_of(q, "ours"))
    say("you asked");
  else
    say("%s asks", text_of(json_object_get(q, "by"), "name"));
  if (group[0] == 0)
    say(": locked, or not to be opened; onward unlock\n");
  else
    say(": a place for %s, age %s%s%s? (%s %s)\n", code_words(service[0] != 0 ? service : group, need),
        code_words(text_of(q, "age_band"), age), area[0] == 0 ? "" : ", ", area,
        flag_of(q, "over") ? "over since" : "until", time_words(number_of(q, "valid_until_ms"), until));
  for (size_t i = 0; i < json_array_size(answers); i++)
    say_answer(json_array_get(answers, i));
  bool answered = text_of(json_array_get(answers, 0), "status")[0] != 0;
  if (!flag_of(q, "ours") && !flag_of(q, "over") && !answered)
    say("    onward place %llu --status HAS|FULL|WAITLIST|NEEDS_ASSESSMENT\n",
        (unsigned long long)number_of(q, "question"));
}

enum exit_code run_questions(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("questions"), &answer);
  const json_t *list = json_object_get(answer, "questions");
  if (code == DONE && !client_print_json(c, answer)) {
    if (json_array_size(list) == 0)
      say("No questions about places.\n");
    for (size_t i = json_array_size(list); i > 0; i--)
      say_question(json_array_get(list, i - 1));
  }
  json_decref(answer);
  return code;
}

enum exit_code run_place(struct call *c)
{
  static const struct option_rule rules[] = {{"--status", OPTION_CODE, "status", NULL},
                                             {"--until", OPTION_TEXT, "valid_until", NULL}};
  json_t *answer = NULL, *request = client_request("answer_place");
  enum exit_code code = options_number(c, "QUESTION", call_argument(c, 0), request, "question");
  if (code == DONE)
    code = options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code == DONE)
    code = client_do(c, request, &answer);
  else
    json_decref(request);
  if (code == DONE && !client_print_json(c, answer))
    say("Saved on this computer: your answer is sent to whoever asked.\n");
  json_decref(answer);
  return code;
}
