/* Who could help: each with the reasons for its place, and of the others what stands in the way. */
#include "agents/onward/candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/options.h"
#include "agents/onward/questions.h"
#include "agents/onward/words.h"
#include "proto/onward.pb-c.h"

#define LINE_SIZE 600
#define CHOSEN_MAX 16
enum { CHOSEN = 3, LEFT_OUT_SHOWN = 8 };

/* "km, en" out of a list of texts, or of objects with `key`. */
static void join(const json_t *list, const char *key, char *out, size_t size)
{
  size_t used = 0;
  out[0] = 0;
  for (size_t i = 0; i < json_array_size(list) && used < size; i++) {
    const json_t *one = json_array_get(list, i);
    const char *text = key == NULL ? json_string_value(one) : text_of(one, key);
    char words[CODE_WORDS_SIZE];
    used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ",
                             text == NULL                       ? ""
                             : strlen(text) >= 3 && key == NULL ? code_words(text, words)
                                                                : text);
  }
}

/* What it says of its places, never longer than it may be believed. */
static void places_words(const json_t *service, char out[LINE_SIZE])
{
  char until[TIME_WORDS_SIZE], ago[TIME_WORDS_SIZE];
  const json_t *c = json_object_get(service, "capacity");
  static const char *const words[][2] = {
      {"HAS", "places are free"},
      {"FULL", "full"},
      {"WAITLIST", "a waiting list"},
      {"NEEDS_ASSESSMENT", "whether there is a place they can say of one case only"}};
  if (c == NULL || !flag_of(c, "valid")) {
    snprintf(out, LINE_SIZE, "places not known");
    return;
  }
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i][0], text_of(c, "status")) == 0)
      snprintf(out, LINE_SIZE, "%s", words[i][1]);
  uint64_t available = number_of(c, "available");
  if (available > 0)
    snprintf(out, LINE_SIZE, "%llu place%s free", (unsigned long long)available, available == 1 ? "" : "s");
  size_t used = strlen(out);
  ago_words(number_of(c, "updated_ms"), ago);
  snprintf(out + used, LINE_SIZE - used, " (said %s%s, until %s)", ago, strcmp(ago, "just now") == 0 ? "" : " ago",
           time_words(number_of(c, "valid_until_ms"), until));
}

void say_service(const json_t *s)
{
  char codes[LINE_SIZE], areas_text[LINE_SIZE], languages[LINE_SIZE], priorities[LINE_SIZE], places[LINE_SIZE];
  join(json_object_get(s, "codes"), NULL, codes, sizeof codes);
  join(json_object_get(s, "areas"), "code", areas_text, sizeof areas_text);
  join(json_object_get(s, "languages"), NULL, languages, sizeof languages);
  join(json_object_get(s, "priorities"), NULL, priorities, sizeof priorities);
  places_words(s, places);
  say("%-16s  %llu. %s: %s\n", "", (unsigned long long)number_of(s, "number"), text_of(s, "name"), codes);
  say("%-16s     ages %llu to %llu, in %s, speaks %s, takes %s; %s; %s\n", "",
      (unsigned long long)number_of(s, "age_min"), (unsigned long long)number_of(s, "age_max"), areas_text, languages,
      priorities, places, json_object_get(s, "assured_ms") == NULL ? "not assured" : "assured");
}

static const char *seen_words(const json_t *one, char out[64])
{
  const json_t *seen = json_object_get(one, "seen");
  uint64_t days = number_of(seen, "days");
  if (seen == NULL)
    return "not known when it was last here";
  if (flag_of(seen, "now"))
    return "here now";
  if (days == 0)
    return "here today";
  snprintf(out, 64, "not here for %llu day%s", (unsigned long long)days, days == 1 ? "" : "s");
  return out;
}

static void say_candidate(size_t number, const json_t *one, bool chosen)
{
  char places[LINE_SIZE], seen[64], until[TIME_WORDS_SIZE], agreement[80] = "", areas_text[LINE_SIZE];
  char languages[LINE_SIZE];
  const json_t *s = json_object_get(one, "service");
  uint64_t until_ms = number_of(one, "agreement_until_ms");
  places_words(s, places);
  join(json_object_get(s, "areas"), "code", areas_text, sizeof areas_text);
  join(json_object_get(s, "languages"), NULL, languages, sizeof languages);
  if (until_ms > 0)
    snprintf(agreement, sizeof agreement, "; agreement until %s", time_words(until_ms, until));
  say("%s%2zu. %s (%s), %s\n", chosen ? "->" : "  ", number, text_of(one, "name"), text_of(one, "id"),
      text_of(s, "name"));
  say("       %s in %s; ages %llu to %llu; speaks %s%s; %s; %s%s\n",
      strcmp(text_of(one, "area"), "covered") == 0 ? "works" : "works in a part of it,", areas_text,
      (unsigned long long)number_of(s, "age_min"), (unsigned long long)number_of(s, "age_max"), languages,
      flag_of(one, "speaks") ? "" : ", not the language asked for", places, seen_words(one, seen), agreement);
}

static const char *obstacle_words(const char *name)
{
  static const char *const words[][2] = {
      {"yourself", "it is your own"},
      {"never", "must never have the case"},
      {"standing", "is suspended, has lapsed, or leaves"},
      {"agreement", "its data-sharing agreement has ended"},
      {"not_assured", "no registrar has assured the service"},
      {"service", "another kind of service"},
      {"age", "not for this age"},
      {"area", "does not work there"},
      {"priority", "does not take this priority"},
      {"full", "says that it is full"},
  };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i][0], name) == 0)
      return words[i][1];
  return name;
}

static void say_left_out(const json_t *one)
{
  char why[LINE_SIZE] = "";
  const json_t *obstacles = json_object_get(one, "obstacles"), *s = json_object_get(one, "service");
  for (size_t i = 0; i < json_array_size(obstacles); i++) {
    size_t used = strlen(why);
    snprintf(why + used, sizeof why - used, "%s%s", i == 0 ? "" : "; ",
             obstacle_words(json_string_value(json_array_get(obstacles, i))));
  }
  say("     - %s (%s), %s: %s\n", text_of(one, "name"), text_of(one, "id"), text_of(s, "name"), why);
}

void candidates_say(const json_t *answer, size_t chosen)
{
  char call[CALL_WORDS_SIZE];
  const json_t *list = json_object_get(answer, "candidates"), *left = json_object_get(answer, "left_out");
  const json_t *most = json_object_get(answer, "most"), *first = json_object_get(answer, "call");
  size_t left_count = (size_t)number_of(answer, "left_out_count");
  for (size_t i = 0; i < json_array_size(list); i++)
    say_candidate(i + 1, json_array_get(list, i), i < chosen);
  if (json_array_size(list) == 0)
    say(left_count == 0 ? "Nobody in the directory offers this.\n" : "Nobody in the directory fits.\n");
  if (most != NULL)
    say("What stands in the way of most (%llu): %s. The nearest:\n", (unsigned long long)number_of(most, "count"),
        obstacle_words(text_of(most, "obstacle")));
  else if (left_count > 0)
    say("Left out:\n");
  for (size_t i = 0; i < json_array_size(left) && i < LEFT_OUT_SHOWN; i++)
    say_left_out(json_array_get(left, i));
  if (left_count > LEFT_OUT_SHOWN)
    say("     and %zu more\n", left_count - LEFT_OUT_SHOWN);
  if (first != NULL)
    say("The first one was not here for days: %s", call_words(first, call));
}

static const struct option_rule conditions[] = {
    {"--need", OPTION_CODE, "need", NULL},         {"--area", OPTION_TEXT, "area", NULL},
    {"--age-band", OPTION_CODE, "age_band", NULL}, {"--age", OPTION_NUMBER, "age", NULL},
    {"--language", OPTION_TEXT, "language", NULL}, {"--priority", OPTION_CODE, "priority", NULL},
    {"--never", OPTION_LIST, "never", NULL},
};

static enum exit_code read_conditions(struct call *c, json_t *request)
{
  enum exit_code code = options_apply(c, conditions, sizeof conditions / sizeof conditions[0], request);
  const char *band = json_string_value(json_object_get(request, "age_band"));
  if (code == DONE && band != NULL && strncmp(band, "AGE_", 4) != 0) {
    json_t *whole = json_sprintf("AGE_%s", band);
    json_object_set_new(request, "age_band", whole);
  }
  return code;
}

enum exit_code candidates_ask(struct call *c, json_t *request, json_t **answer)
{
  enum exit_code code = read_conditions(c, request);
  if (code == DONE)
    return client_do(c, request, answer);
  json_decref(request);
  return code;
}

enum exit_code run_candidates(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = candidates_ask(c, client_request("candidates"), &answer);
  if (code == DONE && !client_print_json(c, answer))
    candidates_say(answer, 0);
  json_decref(answer);
  return code;
}

static void copy_condition(const json_t *form, const char *path, json_t *request, const char *field)
{
  json_t *value = path_get(form, path);
  if (value != NULL)
    json_object_set(request, field, value);
}

/* In the form a language may be told in words; only a tag can be compared. */
static void copy_language(const json_t *form, json_t *request)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const char *text = json_string_value(path_get(form, "brief.language"));
  size_t size = text == NULL ? 0 : strspn(text, letters);
  if ((size == 2 || size == 3) && (text[size] == 0 || (text[size] == '-' && strlen(text) <= 11)))
    json_object_set_new(request, "language", json_string(text));
  else if (text != NULL)
    tell("The language is told in words, and is not compared; a code such as km would be.\n");
}

static int code_of(const ProtobufCEnumDescriptor *type, const char *name)
{
  const ProtobufCEnumValue *found = name == NULL ? NULL : protobuf_c_enum_descriptor_get_value_by_name(type, name);
  return found == NULL ? 0 : found->value;
}

/* A case is sealed for whom it is for: not for those who were found for another need. What the form asks for is sealed
 * content, and is not told. */
static enum exit_code check_need(const struct call *c, const json_t *form, const char *need)
{
  if (json_object_get(form, "needs") != NULL)
    return call_fail(c, WRONG_USAGE, "refer each need alone, with --with, or name organisations: --to",
                     "--need finds organisations for one need, and the form has several");
  int asked = code_of(&onward__service_code__descriptor, json_string_value(path_get(form, "brief.service")));
  int code = code_of(&onward__service_code__descriptor, need);
  int group = code_of(&onward__service_group__descriptor, need);
  bool other = asked != 0 && (code != 0 ? code != asked : group != 0 && group != asked / 100);
  return other ? call_fail(c, WRONG_USAGE, "correct one of them", "the form asks for another service than --need")
               : DONE;
}

static enum exit_code read_first(const struct call *c, size_t *chosen)
{
  char *end = NULL;
  const char *given = call_option(c, "--first");
  long n = given == NULL ? CHOSEN : strtol(given, &end, 10);
  *chosen = (size_t)n;
  if (given != NULL && (end == given || *end != 0 || n < 1 || n > CHOSEN_MAX))
    return call_fail(c, WRONG_USAGE, NULL, "--first must be a number from 1 to %d", CHOSEN_MAX);
  return DONE;
}

enum exit_code candidates_choose(struct call *c, json_t *form, bool quiet)
{
  size_t chosen;
  json_t *answer = NULL, *request = client_request("candidates"), *to = json_array();
  copy_condition(form, "area", request, "area");
  copy_condition(form, "brief.age_band", request, "age_band");
  copy_condition(form, "file.age", request, "age");
  copy_language(form, request);
  copy_condition(form, "priority", request, "priority");
  copy_condition(form, "never", request, "never");
  enum exit_code code = read_first(c, &chosen);
  if (code == DONE)
    code = read_conditions(c, request);
  if (code == DONE)
    code = check_need(c, form, text_of(request, "need"));
  if (code == DONE)
    code = client_do(c, request, &answer);
  else
    json_decref(request);
  const json_t *list = json_object_get(answer, "candidates");
  chosen = chosen < json_array_size(list) ? chosen : json_array_size(list);
  for (size_t i = 0; i < chosen; i++)
    json_array_append(to, json_object_get(json_array_get(list, i), "id"));
  if (code == DONE && (!quiet || (chosen == 0 && !c->json)))
    candidates_say(answer, chosen);
  if (code == DONE && chosen == 0)
    code = call_fail(c, NO_SUCH, "change a condition, or name an organisation: --to", "nobody fits; nothing was sent");
  if (chosen > 0)
    json_object_set(form, "to", to);
  json_decref(to);
  json_decref(answer);
  return code;
}
