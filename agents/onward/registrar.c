/* What registrars do. Enrolling begins with a telephone call: the six words of the request are compared with those that
 * the other side reads out. Then the enrolment is saved, sent, and written into the log; only after that there is an
 * invitation. If that takes longer than somebody wants to wait, it is said what is true by then, and how to come back.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/options.h"
#include "agents/onward/papers.h"
#include "agents/onward/words.h"
#include "agents/papers.h"
#include "proto/store/store.h"

#define PATH_SIZE 512
#define WAIT_S 60
#define POLL_MS 200

void paper_path(const char *folder, const char *organisation, const char *ending, char *path, size_t capacity)
{
  int begin = snprintf(path, capacity, "%s/", folder);
  must(begin > 0 && (size_t)begin < capacity);
  snprintf(path + begin, capacity - (size_t)begin, "%s%s", organisation, ending);
  for (char *p = path + begin; *p != 0; p++)
    if (*p == '/')
      *p = '-';
}

/* --- the telephone call --- */

/* The same words, whatever is between them. */
static bool same_words(const char *a, const char *b)
{
  for (;;) {
    a += strspn(a, " \t-,");
    b += strspn(b, " \t-,");
    size_t size = strcspn(a, " \t-,");
    if (size != strcspn(b, " \t-,") || strncasecmp(a, b, size) != 0)
      return false;
    if (size == 0)
      return true;
    a += size;
    b += size;
  }
}

static enum exit_code compare_words(const struct call *c, const Onward__Request *r, const char *words)
{
  const char *given = call_option(c, "--words");
  bool yes = false;
  if (given != NULL)
    return same_words(given, words)
               ? DONE
               : call_fail(c, NOT_ALLOWED, "do not enrol: ask the organisation for its file again, and telephone",
                           "the six words are not those of this file");
  if (!ask_is_terminal())
    return call_fail(c, WRONG_USAGE, "give them as: --words \"...\"", "the six words were not compared");
  tell("The file says: %.*s (%.*s).\n\nIts six words are\n\n  %s\n\n", (int)r->name.len, (const char *)r->name.data,
       (int)r->organisation.len, (const char *)r->organisation.data, words);
  tell("Telephone them, on a number that you knew before, and have the words read out to you.\n");
  enum exit_code code = ask_yes(c, "Were all six words the same?", &yes);
  if (code == DONE && !yes)
    return call_fail(c, NOT_ALLOWED, NULL, "nothing was done");
  return code;
}

/* Letters and digits only: "A21 Cambodia" is "a21-cambodia", to whoever looks for it in a list. */
static bool same_name(const char *a, const char *b)
{
  for (;; a++, b++) {
    while (*a != 0 && (uint8_t)*a < 0x80 && !isalnum((unsigned char)*a))
      a++;
    while (*b != 0 && (uint8_t)*b < 0x80 && !isalnum((unsigned char)*b))
      b++;
    if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
      return false;
    if (*a == 0)
      return true;
  }
}

/* Whoever chooses from the directory goes by the name: two of one name are asked about. */
static enum exit_code check_name(struct call *c, const Onward__Request *r)
{
  char name[128], id[17], question[400];
  json_t *answer = NULL;
  snprintf(name, sizeof name, "%.*s", (int)r->name.len, (const char *)r->name.data);
  snprintf(id, sizeof id, "%.*s", (int)r->organisation.len, (const char *)r->organisation.data);
  enum exit_code code = client_do(c, client_request("directory"), &answer);
  const json_t *list = json_object_get(answer, "organisations");
  for (size_t i = 0; code == DONE && i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (strcmp(text_of(one, "id"), id) == 0 || !same_name(text_of(one, "name"), name))
      continue;
    const char *telephone = text_of(one, "telephone");
    snprintf(question, sizeof question,
             "%s is in the directory already: %s%s%s. Cases may go to the wrong one. Enrol %s all the same?",
             text_of(one, "name"), text_of(one, "id"), telephone[0] == 0 ? "" : ", telephone ", telephone, id);
    code = ask_sure(c, true, question);
  }
  json_decref(answer);
  return code;
}

/* Reads the request in the file and has its words compared. `text` is the caller's then (wiped_free). */
static enum exit_code take_request(struct call *c, char **text)
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint why;
  struct bytes packed, signature;
  const Onward__Request *r;
  char words[SIX_WORDS_SIZE];
  size_t size = 0;
  enum exit_code code = input_read(c, call_argument(c, 0), PAPER_TEXT_MAX - 1, text, &size);
  if (code != DONE)
    return code;
  if (paper_request_read(bytes_of(*text, size), &a, &why, &packed, &signature, &r) != OK)
    code =
        call_fail(c, WRONG_USAGE, "ask the organisation for its file again", "%s: %s", call_argument(c, 0), why.text);
  if (code == DONE) {
    paper_request_words(r, words);
    code = compare_words(c, r, words);
  }
  if (code == DONE)
    code = check_name(c, r);
  if (code != DONE) {
    wiped_free(*text);
    *text = NULL;
  }
  return code;
}

static enum exit_code send_request(struct call *c, const char *name, char *text, json_t **answer)
{
  json_t *request = json_pack("{s:s, s:s}", "do", name, "request", text);
  const char *until = call_option(c, "--agreement-until");
  wiped_free(text);
  if (until != NULL)
    json_object_set_new(request, "agreement_until", json_string(until));
  return client_do(c, request, answer);
}

/* --- the invitation --- */

/* --out FILE, or beside the request, or else here. */
static void invitation_path(const struct call *c, const char *beside, const char *organisation, char path[PATH_SIZE])
{
  const char *out = call_option(c, "--out"), *slash = beside == NULL ? NULL : strrchr(beside, '/');
  char folder[PATH_SIZE] = ".";
  if (slash != NULL)
    snprintf(folder, sizeof folder, "%.*s", slash == beside ? 1 : (int)(slash - beside), beside);
  if (out != NULL)
    snprintf(path, PATH_SIZE, "%s", out);
  else
    paper_path(folder, organisation, ".invitation", path, PATH_SIZE);
}

static enum exit_code save_invitation(const struct call *c, const json_t *answer, const char *organisation,
                                      const char *path)
{
  char why[200];
  if (file_write(path, bytes_text(text_of(answer, "invitation")), why) != OK)
    return call_fail(c, BROKEN, NULL, "%s", why);
  if (c->json) {
    json_t *told = json_pack("{s:b, s:s, s:s}", "ok", 1, "organisation", organisation, "invitation", path);
    say_json(told);
    json_decref(told);
  } else {
    say("%s is in the log. Its invitation is written:\n\n  %s\n\nSend it to them. It holds no secret. They go on with: "
        "onward join INVITATION\n",
        organisation, path);
  }
  return DONE;
}

/* Asks until the enrolment is proved to be in the log, at most `wait_s`. NO_SUCH, not told: it is not yet. */
static enum exit_code wait_for_invitation(struct call *c, const char *organisation, long wait_s, json_t **answer)
{
  const struct timespec pause = {.tv_nsec = POLL_MS * 1000000l};
  const uint64_t end = now_ms() + (uint64_t)wait_s * 1000;
  for (;;) {
    enum exit_code code =
        client_ask(c, json_pack("{s:s, s:s}", "do", "invitation", "organisation", organisation), answer);
    if (code != DONE || flag_of(*answer, "ok"))
      return code;
    if (strcmp(text_of(*answer, "code"), "not_found") != 0)
      return call_refused(c, *answer);
    if (now_ms() >= end)
      return NO_SUCH;
    json_decref(*answer);
    *answer = NULL;
    nanosleep(&pause, NULL);
  }
}

/* `enrolled`: it was saved here just now, so that one only has to wait. */
static enum exit_code bring_invitation(struct call *c, const char *organisation, bool enrolled, long wait_s)
{
  char path[PATH_SIZE], try[80];
  json_t *answer = NULL;
  enum exit_code code = wait_for_invitation(c, organisation, wait_s, &answer);
  invitation_path(c, enrolled ? call_argument(c, 0) : NULL, organisation, path);
  snprintf(try, sizeof try, "later: onward registrar invitation %s", organisation);
  if (code == DONE)
    code = save_invitation(c, answer, organisation, path);
  else if (code == NO_SUCH && enrolled)
    code =
        call_fail(c, code, try, "the enrolment of %s is saved on this computer, but not yet in the log", organisation);
  else if (code == NO_SUCH)
    code = call_refused(c, answer);
  json_decref(answer);
  return code;
}

static enum exit_code read_wait(const struct call *c, long *wait_s)
{
  const char *given = call_option(c, "--wait");
  char *end = NULL;
  *wait_s = given == NULL ? WAIT_S : strtol(given, &end, 10);
  if (given != NULL && (end == given || *end != 0 || *wait_s < 0 || *wait_s > 86400))
    return call_fail(c, WRONG_USAGE, NULL, "--wait must be a number of seconds, at most 86400");
  return DONE;
}

/* --- commands --- */

enum exit_code run_enrol(struct call *c)
{
  char *text = NULL, organisation[17];
  long wait_s = 0;
  json_t *answer = NULL;
  enum exit_code code = read_wait(c, &wait_s);
  if (code == DONE)
    code = take_request(c, &text);
  if (code == DONE)
    code = send_request(c, "enrol", text, &answer);
  if (code != DONE)
    return code;
  snprintf(organisation, sizeof organisation, "%s", text_of(answer, "organisation"));
  json_decref(answer);
  if (ask_is_terminal())
    tell("Saved on this computer. Waiting until it is in the log ...\n");
  return bring_invitation(c, organisation, true, wait_s);
}

enum exit_code run_invitation(struct call *c)
{
  return bring_invitation(c, call_argument(c, 0), false, 0);
}

/* suspend and stop: one word, the organisation. */
static enum exit_code act_on(struct call *c, const char *name, const char *done)
{
  json_t *answer = NULL;
  static const struct option_rule rules[] = {{"--as", OPTION_CODE, "standing", NULL}};
  json_t *request = json_pack("{s:s, s:s}", "do", name, "organisation", call_argument(c, 0));
  enum exit_code code = request == NULL ? DONE : options_apply(c, rules, sizeof rules / sizeof rules[0], request);
  if (code != DONE) {
    json_decref(request);
    return code;
  }
  code = client_do(c, request, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("Saved on this computer: %s %s.\n", call_argument(c, 0), done);
  json_decref(answer);
  return code;
}

/* Who that is, before it is cut off: oneself and other registrars never by a slip. */
static enum exit_code check_suspend(struct call *c, bool finishes)
{
  char question[400];
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("directory"), &answer);
  const json_t *list = json_object_get(answer, "organisations");
  for (size_t i = 0; code == DONE && i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (strcmp(text_of(one, "id"), call_argument(c, 0)) != 0)
      continue;
    bool own = flag_of(one, "yourself"), registrar = flag_of(one, "registrar");
    snprintf(question, sizeof question, "%s (%s) is %s. %s?", text_of(one, "name"), text_of(one, "id"),
             own         ? "your own organisation: only another registrar could bring it back"
             : registrar ? "a registrar of this network"
             : finishes  ? "in the directory; it finishes what it has, and is given nothing new"
                         : "in the directory; what it has goes to others, or back",
             finishes ? "Let it finish" : "Cut it off, at once");
    code = ask_sure(c, own || registrar, question);
  }
  json_decref(answer);
  return code;
}

enum exit_code run_suspend(struct call *c)
{
  const char *as = call_option(c, "--as");
  bool finishes = as != NULL && strcasecmp(as, "compromised") != 0;
  json_t *id = json_string(call_argument(c, 0));
  enum exit_code code = id == NULL ? DONE : check_suspend(c, finishes); /* what is no text is told below */
  json_decref(id);
  if (code != DONE)
    return code;
  return act_on(c, "suspend",
                finishes ? "finishes what it has, and is given nothing new, as soon as the exchange can be reached"
                         : "is cut off as soon as the exchange can be reached");
}

enum exit_code run_stop(struct call *c)
{
  return act_on(c, "stop_replacement", "keeps the keys that it has");
}

enum exit_code run_registrar_rotate(struct call *c)
{
  char *text = NULL;
  json_t *answer = NULL;
  enum exit_code code = take_request(c, &text);
  if (code == DONE)
    code = send_request(c, "rotate", text, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("Saved on this computer. The new keys of %s count after the network's delay; everybody is shown it, and %s or "
        "another "
        "registrar can stop it.\nThen: onward registrar invitation %s\n",
        text_of(answer, "organisation"), text_of(answer, "organisation"), text_of(answer, "organisation"));
  json_decref(answer);
  return code;
}
