/* Who is in the network and what they offer; and what an organisation, or a registrar, says in the directory. */
#include <stdio.h>
#include <string.h>

#include "agents/areas.h"
#include "agents/onward/candidates.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/options.h"
#include "agents/onward/words.h"

static const char *standing_words(const char *standing)
{
  static const char *const words[][2] = {{"ACTIVE", ""},
                                         {"LAPSED", ", agreement has ended: finishes what it has, takes nothing new"},
                                         {"LEAVING", ", is leaving"},
                                         {"COMPROMISED", ", cut off"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i][0], standing) == 0)
      return words[i][1];
  return standing;
}

static void say_organisation(const json_t *one)
{
  char kind[CODE_WORDS_SIZE], asked[TIME_WORDS_SIZE], until[TIME_WORDS_SIZE];
  uint64_t agreement = number_of(one, "agreement_until_ms");
  const char *telephone = text_of(one, "telephone"), *hours = text_of(one, "hours");
  say("%-16s  %s (%s)%s%s%s\n", text_of(one, "id"), text_of(one, "name"), code_words(text_of(one, "kind"), kind),
      flag_of(one, "registrar") ? ", registrar" : "", flag_of(one, "yourself") ? ", you" : "",
      standing_words(text_of(one, "standing")));
  if (telephone[0] != 0)
    say("%-16s  telephone %s%s%s\n", "", telephone, hours[0] == 0 ? "" : ", ", hours);
  if (agreement > 0)
    say("%-16s  agreement until %s\n", "", time_words(agreement, until));
  const json_t *r = json_object_get(one, "replacement");
  if (r != NULL)
    say("%-16s  other keys were asked for by %s at %s, and count from %s\n", "", text_of(r, "by_name"),
        time_words(number_of(r, "asked_ms"), asked), time_words(number_of(r, "due_ms"), until));
  const json_t *services = json_object_get(one, "services");
  for (size_t k = 0; k < json_array_size(services); k++)
    say_service(json_array_get(services, k));
}

/* What every command here does with its request; `done` is said where it was saved. */
static enum exit_code save(struct call *c, json_t *request, const char *done)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, request, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("%s\n", done);
  json_decref(answer);
  return code;
}

enum exit_code run_directory(struct call *c)
{
  json_t *answer = NULL, *request = client_request("directory");
  const char *as_of = call_option(c, "--as-of");
  char when[TIME_WORDS_SIZE];
  bool is_index = as_of != NULL && as_of[0] != 0 && strspn(as_of, "0123456789") == strlen(as_of);
  enum exit_code code = is_index ? options_number(c, "--as-of", as_of, request, "as_of") : DONE;
  if (as_of != NULL && !is_index && json_object_set_new(request, "as_of", json_string(as_of)) != 0)
    code = call_fail(c, WRONG_USAGE, NULL, "--as-of must be the index of an entry, or a referral");
  if (code == DONE)
    code = client_do(c, request, &answer);
  else
    json_decref(request);
  const json_t *list = json_object_get(answer, "organisations");
  if (code == DONE && !client_print_json(c, answer)) {
    if (as_of != NULL)
      say("As it was at entry %llu of the log, %s:\n\n", (unsigned long long)number_of(answer, "index"),
          time_words(number_of(answer, "time_ms"), when));
    for (size_t i = 0; i < json_array_size(list); i++)
      say_organisation(json_array_get(list, i));
  }
  json_decref(answer);
  return code;
}

/* Known without asking anybody. */
enum exit_code run_areas(struct call *c)
{
  const char *within = call_argument(c, 0);
  enum language language = language_of_environment();
  json_t *list = json_array();
  for (size_t i = 0; i < area_count; i++) {
    const struct area *one = &areas[i];
    const char *name = one->name[language][0] != 0 ? one->name[language] : one->name[ENGLISH];
    if (within == NULL ? one->scheme != AREA_ISO : area_fit(within, one->code) != AREA_COVERED)
      continue;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "code", one->code, "name", name, "within", one->parent));
    if (!c->json)
      say("%-8s  %s\n", one->code, name);
  }
  if (c->json)
    say_json(list);
  size_t count = json_array_size(list);
  json_decref(list);
  return count > 0 ? DONE : call_fail(c, NO_SUCH, "see: onward areas", "no table has a place with this code");
}

/* --- what we offer --- */

static enum exit_code print_service_form(const struct call *c)
{
  json_t *form = json_pack("{s:i, s:s, s:s, s:[s], s:i, s:i, s:[s], s:[s,s,s], s:[s]}", "number", 1, "name", "",
                           "group", "PSS", "codes", "BASIC_PSYCHOSOCIAL", "age_min", 0, "age_max", 17, "languages",
                           "km", "priorities", "HIGH", "MEDIUM", "LOW", "areas", "KH-17");
  say_form_file(form, c->json);
  json_decref(form);
  return DONE;
}

/* The services of a file: one, a list under "services", or those of an import that holds one organisation. */
static enum exit_code take_services(const struct call *c, const json_t *form, json_t **list)
{
  const json_t *organisations = json_object_get(form, "organisations"), *services = json_object_get(form, "services");
  if (json_array_size(organisations) > 1)
    return call_fail(c, WRONG_USAGE, "leave only your own in it", "the file holds services of %zu organisations",
                     json_array_size(organisations));
  if (organisations != NULL)
    services = json_object_get(json_array_get(organisations, 0), "services");
  if ((organisations != NULL || services != NULL) && json_array_size(services) == 0)
    return call_fail(c, WRONG_USAGE, "see: onward service --form", "services: expected a list of services");
  *list = services != NULL ? json_deep_copy(services) : json_pack("[O]", form);
  return DONE;
}

/* One after another: what was refused is named by its place, and those before it are saved. */
static enum exit_code send_services(struct call *c, const json_t *list)
{
  json_t *answer = NULL;
  enum exit_code code = DONE;
  for (size_t i = 0; code == DONE && i < json_array_size(list); i++) {
    json_t *request = client_request("service");
    json_object_update(request, json_array_get(list, i));
    json_object_set_new(request, "do", json_string("service")); /* whatever the file says */
    code = client_ask(c, request, &answer);
    if (code == DONE && !flag_of(answer, "ok")) {
      if (json_array_size(list) > 1)
        tell("Service %zu of %zu in the file; those before it are saved:\n", i + 1, json_array_size(list));
      code = call_refused(c, answer);
    }
    json_decref(answer);
    answer = NULL;
  }
  if (code == DONE && c->json)
    say("{\"ok\": true, \"count\": %zu}\n", json_array_size(list));
  else if (code == DONE)
    say("Saved on this computer: %zu service%s. Candidates by need are only services that a registrar has assured: "
        "tell one of them.\n",
        json_array_size(list), json_array_size(list) == 1 ? "" : "s");
  return code;
}

enum exit_code run_service(struct call *c)
{
  json_t *form = NULL, *list = NULL;
  const char *path = call_argument(c, 0), *ends = call_option(c, "--end");
  if (call_option(c, "--form") != NULL)
    return print_service_form(c);
  if (ends != NULL) {
    json_t *request = client_request("end_service");
    enum exit_code number = options_number(c, "--end", ends, request, "number");
    if (number == DONE)
      return save(c, request, "Saved on this computer: the service ends as soon as the exchange has it.");
    json_decref(request);
    return number;
  }
  if (path == NULL)
    return call_fail(c, WRONG_USAGE, "see: onward service --form",
                     "expected a file that describes the service, or - for standard input, or --end NUMBER");
  enum exit_code code = input_read_form(c, path, &form);
  if (code == DONE)
    code = take_services(c, form, &list);
  if (code == DONE)
    code = send_services(c, list);
  json_decref(list);
  json_decref(form);
  return code;
}

enum exit_code run_capacity(struct call *c)
{
  static const struct option_rule rules[] = {{"--available", OPTION_NUMBER, "available", NULL},
                                             {"--maximum", OPTION_NUMBER, "maximum", NULL},
                                             {"--status", OPTION_CODE, "status", NULL},
                                             {"--until", OPTION_TEXT, "valid_until", NULL}};
  json_t *request = client_request("capacity");
  enum exit_code code = options_number(c, "NUMBER", call_argument(c, 0), request, "number");
  if (code == DONE)
    code = options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code == DONE && call_option(c, "--available") != NULL && call_option(c, "--status") == NULL)
    json_object_set_new(request, "status", json_string(number_of(request, "available") > 0 ? "HAS" : "FULL"));
  if (code == DONE)
    return save(c, request, "Saved on this computer. After its date it reads \"not known\".");
  json_decref(request);
  return code;
}

enum exit_code run_duty(struct call *c)
{
  static const struct option_rule rules[] = {{"--telephone", OPTION_TEXT, "telephone", NULL},
                                             {"--hours", OPTION_TEXT, "hours", NULL}};
  json_t *request = client_request("duty");
  enum exit_code code = options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code == DONE)
    return save(c, request, "Saved on this computer: others are told to phone this number.");
  json_decref(request);
  return code;
}

/* --- registrars --- */

static const json_t *find_by(const json_t *list, const char *key, const char *text, uint64_t number)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (text != NULL ? strcmp(text_of(one, key), text) == 0 : number_of(one, key) == number)
      return one;
  }
  return NULL;
}

/* What is assured is shown, and named by its entry: what changes afterwards is assured anew. */
enum exit_code run_assure(struct call *c)
{
  bool back = call_option(c, "--take-back") != NULL;
  json_t *answer = NULL,
         *request = json_pack("{s:s, s:s, s:i}", "do", "assure", "organisation", call_argument(c, 0), "index", 0);
  if (request == NULL)
    return call_fail(c, WRONG_USAGE, NULL, "the organisation's id is not text in UTF-8");
  enum exit_code code = options_number(c, "NUMBER", call_argument(c, 1), request, "number");
  if (code == DONE)
    code = client_do(c, client_request("directory"), &answer);
  const json_t *organisation = find_by(json_object_get(answer, "organisations"), "id", call_argument(c, 0), 0);
  const json_t *service =
      find_by(json_object_get(organisation, "services"), "number", NULL, number_of(request, "number"));
  if (code == DONE && service == NULL)
    code =
        call_fail(c, NO_SUCH, "see: onward directory", "the directory has no such service of %s", call_argument(c, 0));
  if (code == DONE && !c->json) {
    say_service(service);
    fflush(stdout);
  }
  if (code == DONE && !back)
    json_object_set(request, "index", json_object_get(service, "index"));
  if (code == DONE)
    code = ask_sure(c, false, back ? "Take the assurance back?" : "Assure that this is so?");
  json_decref(answer);
  if (code == DONE)
    return save(c, request,
                back ? "Saved on this computer: it is no candidate any more."
                     : "Saved on this computer: it is a candidate as soon as the exchange has it.");
  json_decref(request);
  return code;
}
