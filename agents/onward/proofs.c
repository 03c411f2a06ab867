/* What can be shown to others: that an entry is in the log; and, where the exchange was found to lie, the evidence.
 * Files that stand alone: whoever has them needs neither this computer nor the exchange.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/items.h"
#include "agents/onward/options.h"
#include "agents/onward/words.h"
#include "proto/store/store.h"

#define PATH_SIZE 512

static bool is_folder(const char *path)
{
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static enum exit_code make_folder(const struct call *c, const char *path)
{
  if (is_folder(path) || mkdir(path, 0700) == 0)
    return DONE;
  return call_fail(c, NO_SUCH, NULL, "cannot make the folder %s: %s", path, strerror(errno));
}

static enum exit_code save(const struct call *c, const char *path, const char *text)
{
  char why[200];
  return file_write(path, bytes_text(text), why) == OK ? DONE : call_fail(c, NO_SUCH, NULL, "%s", why);
}

/* --- receipts --- */

static enum exit_code save_receipt(const struct call *c, json_t *receipt, const char *name)
{
  char path[PATH_SIZE];
  const char *out = call_option(c, "--out");
  bool folder = out == NULL || call_option(c, "--all") != NULL || is_folder(out);
  int size = folder ? snprintf(path, sizeof path, "%s%s%s-%llu.tlog-proof", out == NULL ? "" : out,
                               out == NULL ? "" : "/", name, (unsigned long long)number_of(receipt, "index"))
                    : snprintf(path, sizeof path, "%s", out);
  if (size < 0 || (size_t)size >= sizeof path)
    return call_fail(c, WRONG_USAGE, NULL, "the name after --out is too long");
  enum exit_code code = save(c, path, text_of(receipt, "proof"));
  json_object_del(receipt, "proof");
  json_object_set_new(receipt, "file", json_string(path));
  return code;
}

static void say_receipts(const json_t *answer)
{
  const json_t *list = json_object_get(answer, "receipts");
  char when[TIME_WORDS_SIZE];
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    say("%s\n  entry %llu: %s  ", text_of(one, "file"), (unsigned long long)number_of(one, "index"),
        time_words(number_of(one, "time_ms"), when));
    say_entry(one);
  }
  say("\n%s that this is in the exchange's log, under this number and time, signed by who did it\n"
      "and by the exchange. It can be checked without either, and without this computer:\n"
      "  onward-audit prove --check FILE --log-key %s\n\n"
      "It holds ids, codes, hashes and times, and no word of the case; but it tells that this referral exists, and\n"
      "between whom. Give it to organisations that have a part in it, to a registrar, or to whoever else may know "
      "that.\n",
      json_array_size(list) == 1 ? "The file proves" : "Each file proves", text_of(answer, "log_key"));
}

enum exit_code run_receipt(struct call *c)
{
  static const struct option_rule rules[] = {{"--entry", OPTION_NUMBER, "entry", NULL},
                                             {"--all", OPTION_TRUE, "all", NULL}};
  json_t *answer = NULL, *request = json_pack("{s:s, s:s}", "do", "receipt", "id", call_argument(c, 0));
  const char *out = call_option(c, "--out");
  enum exit_code code = request == NULL ? DONE : options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code != DONE) {
    json_decref(request);
    return code;
  }
  code = client_do(c, request, &answer);
  if (code == DONE && out != NULL && call_option(c, "--all") != NULL)
    code = make_folder(c, out);
  json_t *list = json_object_get(answer, "receipts");
  for (size_t i = 0; code == DONE && i < json_array_size(list); i++)
    code = save_receipt(c, json_array_get(list, i), text_of(answer, "short"));
  if (code == DONE && !client_print_json(c, answer))
    say_receipts(answer);
  json_decref(answer);
  return code;
}

/* --- alarms --- */

/* The root in short: enough to be compared by eye, or read out. */
static void say_head(const char *who, const json_t *head)
{
  if (head == NULL)
    return;
  if (flag_of(head, "signed"))
    say("    %s: %llu entries, root %.16s...\n", who, (unsigned long long)number_of(head, "size"),
        text_of(head, "root"));
  else
    say("    %s: not signed by the log's key\n", who);
}

static void say_alarm(const json_t *one)
{
  char when[TIME_WORDS_SIZE];
  bool over = flag_of(one, "over");
  say("%s %s\n    raised %s%s\n", over ? "-" : "!", text_of(one, "text"), time_words(number_of(one, "raised_ms"), when),
      over ? "; it is over, or somebody has looked into it" : "");
  say_head("this computer had", json_object_get(one, "held"));
  say_head("the exchange showed", json_object_get(one, "offered"));
  if (flag_of(one, "halts"))
    say("    what proves it, as files: onward evidence %s --out DIR\n", text_of(one, "kind"));
  say("\n");
}

enum exit_code run_alarms(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("alarms"), &answer);
  const json_t *list = json_object_get(answer, "alarms");
  if (code == DONE && !client_print_json(c, answer)) {
    if (json_array_size(list) == 0)
      say("There was never an alarm on this computer.\n");
    for (size_t i = 0; i < json_array_size(list); i++)
      say_alarm(json_array_get(list, i));
  }
  json_decref(answer);
  return code;
}

enum exit_code run_evidence(struct call *c)
{
  char path[PATH_SIZE];
  const char *out = call_option(c, "--out"), *kind = call_argument(c, 0);
  json_t *answer = NULL;
  if (out == NULL)
    return call_fail(c, WRONG_USAGE, "give it as: --out DIR", "the folder for the evidence is not named");
  enum exit_code code = client_do(
      c, kind == NULL ? client_request("evidence") : json_pack("{s:s, s:s}", "do", "evidence", "kind", kind), &answer);
  const json_t *files = json_object_get(answer, "files");
  if (code == DONE && mkdir(out, 0700) != 0) /* files of two alarms would be one evidence */
    code = call_fail(c, WRONG_USAGE, "name a folder that is not there yet", "cannot make the folder %s: %s", out,
                     strerror(errno));
  for (size_t i = 0; code == DONE && i < json_array_size(files); i++) {
    const json_t *file = json_array_get(files, i);
    int size = snprintf(path, sizeof path, "%s/%s", out, text_of(file, "name"));
    code = size > 0 && (size_t)size < sizeof path ? save(c, path, text_of(file, "text"))
                                                  : call_fail(c, WRONG_USAGE, NULL, "the name after --out is too long");
  }
  if (code == DONE && !client_print_json(c, answer))
    say("%zu files are in %s; statement.txt says what they are. They hold no word of a case.\n"
        "What they prove by themselves: onward-audit fraud %s --log-key KEY\n",
        json_array_size(files), out, out);
  json_decref(answer);
  return code;
}
