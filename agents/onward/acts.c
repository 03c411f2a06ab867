/* Every step on a referral but opening one: what the step needs comes as options, or is asked for where somebody is at
 * the terminal. Codes and dates may be options. Free text may not: it is asked for, or comes from a file.
 */
#include <string.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/form_ask.h"
#include "agents/onward/options.h"
#include "agents/onward/sentences.h"
#include "agents/onward/words.h"
#include "proto/case.pb-c.h"
#include "proto/onward.pb-c.h"
#include "proto/seal/sign.h"

#define NOTE_SIZE_MAX 2000 /* bytes, as every text of a case */
#define ACT_SIZE 24

static const struct option_rule rules[] = {
    {"--first-contact", OPTION_TEXT, "first_contact_by", NULL},
    {"--reason", OPTION_CODE, "reason", NULL},
    {"--by", OPTION_CODE, "by", "BY_"},
    {"--outcome", OPTION_CODE, "outcome", NULL},
    {"--kind", OPTION_CODE, "note.progress", NULL},
    {"--to", OPTION_LIST, "to", NULL},
};

/* What a step needs, as a question like those of the form. */
static const struct {
  const char *act;
  struct question question;
} needs[] = {
    {"accept",
     {"first_contact_by", ASK_DATE, USE_COMPULSORY, NULL, "First contact",
      "By when will you have spoken with the child?",
      "YYYY-MM-DD, or YYYY-MM-DDTHH:MMZ in universal time. The sender sees it.", NULL, NULL}},
    {"decline",
     {"reason", ASK_CODE, USE_COMPULSORY, &onward__decline_reason__descriptor, "Reason", "Why not?",
      "Only the sender reads it; everybody else sees a coarse class.", NULL, NULL}},
    {"decline",
     {"by", ASK_CODE, USE_COMPULSORY, &onward__declined_by__descriptor, "By", "Who says no?",
      "The provider is your organisation, the client is the child.", NULL, NULL}},
    {"fail",
     {"reason", ASK_CODE, USE_COMPULSORY, &onward__decline_reason__descriptor, "Reason", "Why do you have to stop?",
      "Only the sender reads it; everybody else sees a coarse class.", NULL, NULL}},
    {"complete",
     {"outcome", ASK_CODE, USE_COMPULSORY, &onward__outcome__descriptor, "Result", "With what result?",
      "Only the sender reads it; everybody else sees a coarse class.", NULL, NULL}},
    {"progress",
     {"note.progress", ASK_CODE, USE_COMPULSORY, &onward__progress_kind__descriptor, "Kind", "What kind of progress?",
      "Only the sender reads it.", NULL, NULL}},
    {"reroute",
     {"to", ASK_ORGANISATIONS, USE_COMPULSORY, NULL, "To", "To which organisation do you pass it on?",
      "Name, contact and the rest come to it from the first sender.", NULL, NULL}},
    {"readdress",
     {"to", ASK_ORGANISATIONS, USE_COMPULSORY, NULL, "To", "Which organisations may be asked now, the first one first?",
      "Those that the consent names; also one that was asked before.", NULL, NULL}},
};

static bool is_one_of(const char *act, const char *const *list, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i], act) == 0)
      return true;
  return false;
}

/* --- notes --- */

static bool is_asked_note(const char *act)
{
  static const char *const asked[] = {"decline", "fail", "progress", "complete"};
  return is_one_of(act, asked, sizeof asked / sizeof asked[0]);
}

static enum exit_code set_note(const struct call *c, json_t *request, const char *text, size_t size)
{
  while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
    size--;
  if (size == 0)
    return DONE;
  json_t *value = json_stringn(text, size);
  if (value == NULL)
    return call_fail(c, WRONG_USAGE, NULL, "the note is not text in UTF-8");
  path_set(request, "note.text", value);
  return DONE;
}

static enum exit_code note_of_file(const struct call *c, const char *path, json_t *request)
{
  char *text = NULL;
  size_t size = 0;
  enum exit_code code = input_read(c, path, NOTE_SIZE_MAX, &text, &size);
  if (code != DONE)
    return code;
  code = set_note(c, request, text, size);
  wiped_free(text);
  return code;
}

static enum exit_code add_note(const struct call *c, const char *act, json_t *request)
{
  const char *path = call_option(c, "--note");
  if (path != NULL)
    return note_of_file(c, path, request);
  if (!is_asked_note(act) || !ask_is_terminal())
    return DONE;
  char line[ANSWER_SIZE];
  tell("\nA note that only the sender reads (may be left empty). No incident details.\n");
  enum exit_code code = ask_line(c, "> ", line);
  if (code == DONE)
    code = set_note(c, request, line, strlen(line));
  wipe(line, sizeof line);
  return code;
}

/* --- what a step needs --- */

static enum exit_code ask_needs(struct call *c, const char *act, json_t *request)
{
  json_t *directory = NULL;
  enum exit_code code = DONE;
  for (size_t i = 0; code == DONE && i < sizeof needs / sizeof needs[0]; i++) {
    const struct question *q = &needs[i].question;
    if (strcmp(needs[i].act, act) != 0 || path_get(request, q->path) != NULL)
      continue;
    if (q->kind == ASK_ORGANISATIONS && directory == NULL)
      code = client_do(c, client_request("directory"), &directory);
    if (code == DONE)
      code = form_ask_one(c, q, request, directory);
  }
  json_decref(directory);
  return code;
}

/* A re-route goes to one organisation, with a brief in the words of whoever passes it on. */
static enum exit_code add_brief(struct call *c, json_t *request)
{
  const char *path = call_argument(c, 1);
  json_t *form = NULL;
  enum exit_code code = DONE;
  json_t *to = json_object_get(request, "to");
  if (json_array_size(to) > 1)
    return call_fail(c, WRONG_USAGE, NULL, "a referral is passed on to one organisation");
  if (to != NULL)
    json_object_set(request, "to", json_array_get(to, 0));
  if (path == NULL && !ask_is_terminal())
    return call_fail(c, WRONG_USAGE, "its fields are those of \"brief\" in: onward refer --form",
                     "expected a file with the brief, - for standard input, or somebody at a terminal to ask");
  if (path != NULL)
    code = input_read_form(c, path, &form);
  else
    code = form_ask(c, form = json_object(), "brief.", NULL);
  if (code == DONE) {
    json_t *brief = json_object_get(form, "brief");
    json_object_set(request, "brief", brief == NULL ? form : brief);
    path_set(request, "brief.by_rerouter", json_true());
  }
  json_decref(form);
  return code;
}

static enum exit_code build(struct call *c, const char *act, json_t *request)
{
  enum exit_code code = options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code == DONE && ask_is_terminal())
    code = ask_needs(c, act, request);
  if (code == DONE && strcmp(act, "reroute") == 0)
    code = add_brief(c, request);
  return code == DONE ? add_note(c, act, request) : code;
}

static void say_done(const json_t *answer, const char *act)
{
  const char *item = text_of(answer, "short"), *taken_back = text_of(answer, "taken_back");
  if (strcmp(taken_back, "not_sent") == 0)
    say("%s: taken back before it was sent: no organisation was asked. Nothing of it is left on this computer.\n",
        item);
  else if (strcmp(taken_back, "refused") == 0)
    say("%s: put away. It had not been taken: no organisation was asked. Nothing of it is left on this computer.\n",
        item);
  else
    say("%s: saved on this computer: you %s. The others are told as soon as the exchange can be reached.\n%s", item,
        act_did(act),
        strcmp(act, "accept") == 0 ? "Name and contact come by themselves after that: onward inbox\n" : "");
}

enum exit_code run_act(struct call *c)
{
  char act[ACT_SIZE];
  snprintf(act, sizeof act, "%s", c->command->name);
  for (char *p = act; *p != 0; p++)
    if (*p == '-')
      *p = '_';
  json_t *answer = NULL;
  json_t *request = json_pack("{s:s, s:s, s:s}", "do", "act", "act", act, "id", call_argument(c, 0));
  if (request == NULL)
    return call_fail(c, WRONG_USAGE, NULL, "the item's id is not text in UTF-8");
  enum exit_code code = build(c, act, request);
  if (code != DONE) {
    json_decref(request);
    return code;
  }
  code = client_do(c, request, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say_done(answer, act);
  json_decref(answer);
  return code;
}
