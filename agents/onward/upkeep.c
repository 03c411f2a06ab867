/* What a registrar does for the log as a whole: lets a restored one go on, and lets somebody outside read. */
#include <stdio.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/options.h"
#include "agents/onward/words.h"
#include "proto/papers.h"
#include "proto/store/store.h"

/* --- a restored log --- */

static enum exit_code ask_restore(struct call *c, const char *text, bool sign, json_t **answer)
{
  return client_do(c, json_pack("{s:s, s:s, s:b}", "do", "sign_restore", "request", text, "sign", sign ? 1 : 0),
                   answer);
}

static enum exit_code tell_restore(const struct call *c, const json_t *answer)
{
  json_int_t lost = json_integer_value(json_object_get(answer, "lost"));
  tell("The operator has restored the log of the network\n\n  %s\n\nfrom a backup of %lld entries. ",
       text_of(answer, "network"), (long long)json_integer_value(json_object_get(answer, "entries")));
  if (lost > 0)
    tell(
        "This computer has seen %lld more: they are lost there. Every organisation is shown that, and sends again what "
        "is lacking.\n",
        (long long)lost);
  else
    tell("This computer has seen no more than that.\n");
  tell("Telephone the operator, on a number that you knew before. Nobody should have a newer backup.\n");
  return ask_sure(c, true, "Sign that the log goes on from there?");
}

static enum exit_code save_signed(const struct call *c, const json_t *answer)
{
  char path[512], why[200];
  const char *out = call_option(c, "--out");
  snprintf(path, sizeof path, "%s%s", out != NULL ? out : call_argument(c, 0), out != NULL ? "" : ".signed");
  if (file_write(path, bytes_text(text_of(answer, "restore")), why) != OK)
    return call_fail(c, BROKEN, NULL, "%s", why);
  if (!client_print_json(c, answer))
    say("Signed:\n\n  %s\n\nSend it to the operator, who goes on with: onward-broker confirm-restore\n", path);
  return DONE;
}

enum exit_code run_restore_request(struct call *c)
{
  char *text = NULL;
  size_t size = 0;
  json_t *answer = NULL;
  enum exit_code code = input_read(c, call_argument(c, 0), PAPER_TEXT_MAX - 1, &text, &size);
  if (code == DONE)
    code = ask_restore(c, text, false, &answer);
  if (code == DONE)
    code = tell_restore(c, answer);
  json_decref(answer);
  answer = NULL;
  if (code == DONE)
    code = ask_restore(c, text, true, &answer);
  if (code == DONE)
    code = save_signed(c, answer);
  json_decref(answer);
  wiped_free(text);
  return code;
}

/* --- mandates --- */

enum exit_code run_mandate(struct call *c)
{
  static const struct option_rule rules[] = {{"--organisation", OPTION_TEXT, "about", NULL},
                                             {"--referral", OPTION_TEXT, "referral", NULL},
                                             {"--from", OPTION_NUMBER, "from", NULL},
                                             {"--to", OPTION_NUMBER, "to", NULL}};
  char question[300];
  json_t *answer = NULL;
  json_t *request = json_pack("{s:s, s:s}", "do", "mandate", "name", call_argument(c, 0));
  enum exit_code code = request == NULL ? DONE : options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  snprintf(question, sizeof question,
           "Everybody in the network sees that %s may read entries of the log, for ever. Is it the name of an office, "
           "not of a person?",
           call_argument(c, 0));
  if (code == DONE)
    code = ask_sure(c, true, question);
  if (code != DONE) {
    json_decref(request);
    return code;
  }
  code = client_do(c, request, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("Saved on this computer. Once it is in the log, whoever has a copy of it exports with: onward-audit export\n");
  json_decref(answer);
  return code;
}
