/* A referral from the form, or several from an assessment: out of a file or standard input, or one asked for in the
 * terminal; the routing can also come as options, what is sealed never can. The form is checked by Onward on this
 * computer: where it names a field and there is somebody to ask, that field is asked for again, so that nothing has to
 * be typed twice.
 */
#include <stdio.h>
#include <string.h>

#include "agents/onward/ask.h"
#include "agents/onward/candidates.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/form_ask.h"
#include "agents/onward/options.h"
#include "agents/onward/trouble.h"
#include "agents/onward/words.h"

static const struct option_rule rules[] = {
    {"--to", OPTION_LIST, "to", NULL},
    {"--priority", OPTION_CODE, "priority", NULL},
    {"--basis", OPTION_CODE, "basis", NULL},
    {"--scope", OPTION_LIST, "scope", NULL},
    {"--never", OPTION_LIST, "never", NULL},
    {"--until", OPTION_TEXT, "consent_until", NULL},
    {"--group", OPTION_CODE, "group", NULL},
    {"--area", OPTION_TEXT, "area", NULL},
    {"--ref", OPTION_TEXT, "ref", NULL},
    {"--with", OPTION_TEXT, "with", NULL},
    {"--reroute", OPTION_CODE, "reroute", "REROUTE_"},
    {"--phoned", OPTION_TRUE, "phoned", NULL},
    {"--drill", OPTION_TRUE, "drill", NULL},
    {"--file-now", OPTION_TRUE, "file_now", NULL},
    {"--no-feedback", OPTION_FALSE, "feedback", NULL},
};

static enum exit_code print_form(const struct call *c)
{
  json_t *form = form_empty();
  say_form_file(form, c->json);
  json_decref(form);
  return DONE;
}

static enum exit_code read_form(const struct call *c, json_t **form)
{
  const char *path = call_argument(c, 0);
  *form = NULL;
  if (path == NULL && !ask_is_terminal())
    return call_fail(c, WRONG_USAGE, "see: onward refer --form",
                     "expected a file with the form, - for standard input, or somebody at a terminal to ask");
  enum exit_code code = DONE;
  if (path != NULL)
    code = input_read_form(c, path, form);
  else
    *form = json_object();
  if (code == DONE)
    code = options_apply(c, rules, sizeof rules / sizeof rules[0], *form);
  if (code == DONE && call_option(c, "--need") != NULL && json_object_get(*form, "to") != NULL)
    return call_fail(c, WRONG_USAGE, "leave one of them out", "--need finds organisations, `to` names them");
  return code;
}

/* A copy of the form with "do": what is sent is given away, the form is kept in case a field has to be asked again. */
static json_t *request_of(const json_t *form)
{
  const char *name = json_object_get(form, "needs") == NULL ? "refer" : "assess";
  json_t *request = client_request(name);
  json_object_update(request, (json_t *)(uintptr_t)form);
  json_object_set_new(request, "do", json_string(name)); /* whatever the file says */
  return request;
}

/* Shows it until the answer is yes or no; "more" asks what is rarely needed, and what is left empty there stays as it
 * is. */
static enum exit_code confirm(const struct call *c, json_t *form, const json_t *directory)
{
  char line[ANSWER_SIZE];
  for (;;) {
    tell("\nThis is what will be sent:\n");
    say("\n");
    form_say(form, "");
    say("\n");
    fflush(stdout);
    tell(
        "Send it now? (yes or no; or more: who else may be given it, passing on, area, your reference, an exercise)\n");
    enum exit_code code = ask_line(c, "> ", line);
    if (code == DONE && strcmp(line, "more") == 0)
      code = form_ask_more(c, form, directory);
    else if (code == DONE && (strcmp(line, "no") == 0 || strcmp(line, "n") == 0))
      return call_fail(c, NOT_ALLOWED, NULL, "nothing was sent, and nothing was kept");
    else if (code == DONE && (strcmp(line, "yes") == 0 || strcmp(line, "y") == 0))
      return DONE;
    if (code != DONE)
      return code;
  }
}

/* The referral that the new one is joined to has to be open for that: before many questions are asked. */
static enum exit_code open_joined(struct call *c, const json_t *form)
{
  json_t *answer = NULL, *with = json_object_get(form, "with");
  if (with == NULL)
    return DONE;
  enum exit_code code = client_do(c, json_pack("{s:s, s:O, s:b}", "do", "show", "id", with, "peek", 1), &answer);
  json_decref(answer);
  return code;
}

/* Asks what is missing, shows it, sends it; and once more for each field that was found wrong. */
static enum exit_code ask_and_send(struct call *c, json_t *form, json_t **answer)
{
  json_t *directory = NULL;
  enum exit_code code = open_joined(c, form);
  if (code == DONE)
    code = client_do(c, client_request("directory"), &directory);
  if (code == DONE)
    tell("A new referral. A question mark (?) tells more about a question; Ctrl-D ends without sending.\n"
         "No incident details, in any answer: what happened stays with those who investigate it.\n");
  bool by_need = code == DONE && call_option(c, "--need") != NULL;
  if (by_need) /* so that nobody is asked for names */
    code = candidates_choose(c, form, true);
  if (code == DONE)
    code = form_ask(c, form, "", directory);
  if (code == DONE && by_need) { /* by now her age and language are known */
    code = candidates_choose(c, form, false);
    if (code == NO_SUCH || code == WRONG_USAGE) { /* nothing that was typed is lost: somebody is named */
      json_object_del(form, "to");
      code = form_ask_one(c, question_find("to"), form, directory);
    }
  }
  while (code == DONE) {
    code = confirm(c, form, directory);
    if (code == DONE)
      code = client_ask(c, request_of(form), answer);
    const struct question *wrong = code == DONE ? question_find(text_of(*answer, "field")) : NULL;
    if (code != DONE || flag_of(*answer, "ok") || wrong == NULL)
      break;
    tell("\n%s: %s\n", wrong->label, text_of(*answer, "what"));
    json_decref(*answer);
    *answer = NULL;
    code = form_ask_one(c, wrong, form, directory);
  }
  json_decref(directory);
  return code;
}

static void say_saved(const json_t *answer)
{
  const char *item = text_of(answer, "short");
  if (flag_of(answer, "again"))
    say("%s: this reference was used before, nothing new was made.%s\n    onward show %s --peek\n", item,
        flag_of(answer, "compared") ? "" : " The case itself could not be compared: it is locked.", item);
  else
    say("%s: saved on this computer.\n", item);
}

/* How far what was saved is now. */
static void say_sending(struct call *c)
{
  json_t *status = NULL;
  if (client_ask(c, client_request("status"), &status) == DONE)
    say(flag_of(status, "connected") ? "It is being sent. How far it is: onward sent\n"
        : is_refused(status) ? "Not yet sent from this computer: the exchange refuses it, and a registrar has to look "
                               "into that. If it is "
                               "urgent, phone them now.\nWhom to call about the exchange: onward status\n"
                             : "Not yet sent from this computer: the exchange cannot be reached now. It is sent by "
                               "itself as soon as that is possible;\nif it is urgent, phone them now. How far it "
                               "is: onward sent\n");
  json_decref(status);
}

/* Of one referral, or of each need of an assessment in its order. */
static void say_sent(struct call *c, const json_t *form, const json_t *answer)
{
  const json_t *needs = json_object_get(form, "needs"), *list = json_object_get(answer, "referrals");
  size_t count = list == NULL ? 1 : json_array_size(list), sent = 0;
  const char *item = "";
  for (size_t i = 0; i < count; i++) {
    const json_t *one = list == NULL ? answer : json_array_get(list, i);
    bool own = flag_of(list == NULL ? form : json_array_get(needs, i), "ourselves");
    item = text_of(one, "short");
    say_saved(one);
    if (own && !flag_of(one, "again"))
      say("    You meet this need yourselves. When it is met: onward complete %s --outcome CODE\n", item);
    sent += !own && !flag_of(one, "again");
  }
  if (sent > 0)
    say_sending(c);
  say("All needs of this child: onward needs %s\nOne more: onward refer --with %s\n", item, item);
}

/* Whoever is chosen by need is shown, and somebody at the terminal says yes to them. */
static enum exit_code send_file(struct call *c, json_t *form, json_t **answer)
{
  bool by_need = call_option(c, "--need") != NULL;
  enum exit_code code = by_need ? candidates_choose(c, form, c->json) : DONE;
  fflush(stdout);
  if (code == DONE && by_need)
    code = ask_sure(c, false, "Refer to those with an arrow, in this order?");
  return code == DONE ? client_do(c, request_of(form), answer) : code;
}

enum exit_code run_refer(struct call *c)
{
  json_t *form = NULL, *answer = NULL;
  if (call_option(c, "--form") != NULL)
    return print_form(c);
  enum exit_code code = read_form(c, &form);
  if (code == DONE && call_argument(c, 0) == NULL)
    code = ask_and_send(c, form, &answer);
  else if (code == DONE)
    code = send_file(c, form, &answer);
  if (code == DONE && !flag_of(answer, "ok"))
    code = call_refused(c, answer);
  else if (code == DONE && !client_print_json(c, answer))
    say_sent(c, form, answer);
  json_decref(form);
  json_decref(answer);
  return code;
}
