/* The office itself: how it stands with the exchange, locking and unlocking, new keys, and starting. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/trouble.h"
#include "agents/onward/words.h"

static void say_newest(const json_t *s)
{
  char when[TIME_WORDS_SIZE];
  uint64_t newest = number_of(json_object_get(s, "backup"), "newest_ms");
  if (newest > 0)
    say("Newest backup: %s\n", time_words(newest, when));
  say_backup(s);
}

static enum exit_code say_status(struct call *c, const json_t *s)
{
  uint64_t waiting = number_of(s, "waits_for_unlock");
  bool waits = false;
  say("%s (%s)%s\n", text_of(s, "name"), text_of(s, "organisation"),
      flag_of(s, "registrar") ? ", registrar of this network" : "");
  say("Network: %s\n", text_of(s, "network"));
  if (flag_of(s, "connected"))
    say("Connected with the exchange.\n");
  enum exit_code code = say_connection(c, s);
  say_unsent(s);
  if (number_of(s, "unsent") + number_of(s, "unconfirmed") == 0)
    say("Everything has been sent from this computer.\n");
  say(flag_of(s, "locked") ? "Cases are locked: onward unlock\n" : "Cases are unlocked. To lock them: onward lock\n");
  if (waiting > 0)
    say("%llu to be sealed again, for somebody who cannot open them: that happens by itself after: onward unlock\n",
        (unsigned long long)waiting);
  if (code == DONE)
    code = say_replacement(c, s, &waits);
  say_soon(s);
  say_newest(s);
  say_erased(s);
  const json_t *alarms = json_object_get(s, "alarms");
  for (size_t i = 0; i < json_array_size(alarms); i++) {
    const char *alarm = json_string_value(json_array_get(alarms, i));
    say("! %s\n", alarm == NULL ? "" : alarm);
  }
  return code;
}

enum exit_code run_status(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("status"), &answer);
  if (code == DONE && !client_print_json(c, answer))
    code = say_status(c, answer);
  json_decref(answer);
  return code;
}

enum exit_code run_lock(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, client_request("lock"), &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("Locked. Onward goes on receiving; cases open again after: onward unlock\n");
  json_decref(answer);
  return code;
}

static enum exit_code unlock(struct call *c, const char *prompt, json_t **answer)
{
  char passphrase[PASSPHRASE_SIZE];
  enum exit_code code = ask_passphrase(c, prompt, passphrase);
  return code == DONE ? client_passphrase(c, "unlock", passphrase, answer) : code;
}

enum exit_code run_unlock(struct call *c)
{
  json_t *answer = NULL;
  enum exit_code code = unlock(c, "Passphrase: ", &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("Unlocked. In the evening: onward lock\n");
  json_decref(answer);
  return code;
}

/* The present passphrase first, where it is needed: two questions, never mixed up. */
static enum exit_code unlock_for_rotate(struct call *c)
{
  json_t *status = NULL, *answer = NULL;
  enum exit_code code = client_do(c, client_request("status"), &status);
  if (code == DONE && flag_of(status, "locked"))
    code = unlock(c, "The present passphrase: ", &answer);
  json_decref(status);
  json_decref(answer);
  return code;
}

enum exit_code run_rotate(struct call *c)
{
  char passphrase[PASSPHRASE_SIZE];
  json_t *answer = NULL;
  enum exit_code code = unlock_for_rotate(c);
  if (code == DONE)
    code = ask_new_passphrase(c, "--new-passphrase-file", passphrase);
  if (code == DONE)
    code = client_passphrase(c, "rotate", passphrase, &answer);
  if (code == DONE && !client_print_json(c, answer))
    say("New keys are made. They count as soon as the exchange has written them down; then unlock with the new "
        "passphrase.\nTheir six words: %s\n",
        text_of(answer, "words"));
  json_decref(answer);
  return code;
}

/* The program beside this one, or else the one on the search path. */
enum exit_code run_run(struct call *c)
{
  static const char name[] = "onward-agent";
  char path[4096], *const words[] = {(char *)(uintptr_t)name, (char[]){"--home"}, (char *)(uintptr_t)c->home, NULL};
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof name);
  char *slash = size <= 0 ? NULL : memrchr(path, '/', (size_t)size);
  if (slash != NULL) {
    memcpy(slash + 1, name, sizeof name);
    execv(path, words);
  }
  execvp(name, words);
  return call_fail(c, NO_SUCH, "install Onward again", "the program behind this command is not on this computer");
}
