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
    {"--expected", OPTION_TEXT, "expected", NULL},
    {"--safety", OPTION_TRUE, "safety", NULL},
    {"--scope", OPTION_LIST, "scope", NULL},
    {"--until", OPTION_TEXT, "consent_until", NULL},
    {"--priority", OPTION_CODE, "priority", NULL},
};

/* Commands whose word is not the act's own. */
static const char *const renamed[][2] = {
    {"ask", "request_info"},     {"answer", "supply_info"},  {"error", "enter_in_error"},
    {"raise", "raise_priority"}, {"erase", "erase_receipt"}, {"keep", "legal_hold"},
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
    {"waitlist",
     {"expected", ASK_DATE, USE_COMPULSORY, NULL, "Expected", "When do you expect to begin?",
      "YYYY-MM-DD, or YYYY-MM-DDTHH:MMZ in universal time. When it is over, both sides are reminded.", NULL, NULL}},
    {"renew_consent",
     {"scope", ASK_ORGANISATIONS, USE_COMPULSORY, NULL, "May be given to",
      "Which organisations may be given this case from now on, those that are asked among them?",
      "This list takes the place of the one before. Who has the case now keeps it.", NULL, NULL}},
    {"renew_consent",
     {"consent_until", ASK_DATE, USE_OFFERED, NULL, "Consent until", "Until when does the consent hold?",
      "YYYY-MM-DD. Left empty: without an end.", NULL, NULL}},
    {"narrow_consent",
     {"scope", ASK_ORGANISATIONS, USE_COMPULSORY, NULL, "May be given to",
      "Which organisations may still be given this case?",
      "Fewer than before: who is left out is not asked any more. Who has the case now keeps it.", NULL, NULL}},
    {"raise_priority",
     {"priority", ASK_CODE, USE_COMPULSORY, &onward__priority__descriptor, "Priority", "How urgent is it now?",
      "Higher than before. High: within hours. Call them as well.", NULL, NULL}},
};

/* --- notes --- */

/* What people are asked for at the terminal. Where there is no question, a note comes from a file only; `needed`: the
 * step is what they write. */
static const struct note_rule {
  const char *act, *question;
  bool needed;
} note_rules[] = {
    {"decline", NULL, false},
    {"fail", NULL, false},
    {"progress", NULL, false},
    {"complete", NULL, false},
    {"request_info", "What do you need to know? Only the sender reads it.", true},
    {"supply_info", "What do you answer? Only who asked reads it.", true},
    {"tell", "What is your message? Only the other side reads it.", true},
    {"legal_hold", "Why do you have to keep it? Name the law; only the sender reads it.", true},
};

static const struct note_rule *note_rule(const char *act)
{
  for (size_t i = 0; i < sizeof note_rules / sizeof note_rules[0]; i++)
    if (strcmp(note_rules[i].act, act) == 0)
      return &note_rules[i];
  return NULL;
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

static enum exit_code ask_note(const struct call *c, const struct note_rule *rule, json_t *request)
{
  char line[ANSWER_SIZE];
  enum exit_code code = DONE;
  tell("\n%s No incident details.\n",
       rule->needed ? rule->question : "A note that only the sender reads (may be left empty).");
  do
    code = ask_line(c, "> ", line);
  while (code == DONE && rule->needed && line[0] == 0);
  if (code == DONE)
    code = set_note(c, request, line, strlen(line));
  wipe(line, sizeof line);
  return code;
}

static enum exit_code add_note(const struct call *c, const char *act, json_t *request)
{
  const char *path = call_option(c, "--note");
  const struct note_rule *rule = note_rule(act);
  if (path != NULL)
    return note_of_file(c, path, request);
  if (rule != NULL && ask_is_terminal())
    return ask_note(c, rule, request);
  if (rule != NULL && rule->needed)
    return call_fail(c, WRONG_USAGE, "--note FILE, or --note - for standard input",
                     "expected a file with what you want to say, or somebody at a terminal to ask");
  return DONE;
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

/* What comes next, where that is not plain. */
static const char *then_words(const json_t *answer, const char *act)
{
  if (strcmp(act, "accept") == 0)
    return "Name and contact come by themselves after that: onward inbox\n";
  if (strcmp(act, "tell") == 0 && flag_of(answer, "safety"))
    return "Do not rely on it alone: call them. Until they have read it, onward sent and onward inbox say so.\n";
  if (strcmp(act, "narrow_consent") == 0)
    return "Whoever has it now, and is left out, keeps it if they said yes; if not, ask the next one, or take it back: "
           "onward next, onward cancel\n";
  if (strcmp(act, "erase_receipt") == 0)
    return "What this computer had of the case is erased. Your own files, papers and backups are yours to look "
           "through.\n";
  return "";
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
  else if (strcmp(taken_back, "own") == 0)
    say("%s: put away. Nothing of it is left on this computer.\n", item);
  else
    say("%s: saved on this computer: you %s. The others are told as soon as the exchange can be reached.\n%s", item,
        act_did(act), then_words(answer, act));
}

static void act_of_command(const char *command, char act[ACT_SIZE])
{
  snprintf(act, ACT_SIZE, "%s", command);
  for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
    if (strcmp(command, renamed[i][0]) == 0)
      snprintf(act, ACT_SIZE, "%s", renamed[i][1]);
  for (char *p = act; *p != 0; p++)
    if (*p == '-')
      *p = '_';
}

enum exit_code run_act(struct call *c)
{
  char act[ACT_SIZE];
  act_of_command(c->command->name, act);
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
