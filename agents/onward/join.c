/* Joining by two files. `init` makes keys and a request; `join` holds the invitation that comes back against the keys
 * and against itself, and keeps it. Neither needs the exchange, or Onward running. What cannot be checked by a program
 * is said: the six words, by telephone.
 *
 * Either can be repeated: `init` before joining writes the request again for the same keys, `join` takes a newer
 * invitation of the same network.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/papers.h"
#include "agents/onward/recovery.h"
#include "agents/onward/words.h"
#include "agents/papers.h"
#include "proto/seal/sign.h"
#include "proto/store/store.h"

#define PATH_SIZE 512
#define WHY_SIZE 200

static uint8_t memory[PAPER_ARENA_SIZE];

static const char settings[] =
    "# Settings of Onward on this computer, as `key = value`. Each has a default, so this file may stay as "
    "it is.\n\n[exchange]\n# socks_proxy = 127.0.0.1:9050\n\n[office]\n# lock_after_minutes = 600\n";

/* --- init --- */

struct office {
  char id[ANSWER_SIZE], name[ANSWER_SIZE], telephone[ANSWER_SIZE], hours[ANSWER_SIZE];
  int kind;
};

static enum exit_code take_text(const struct call *c, const char *option, const char *question, bool compulsory,
                                char text[ANSWER_SIZE])
{
  const char *value = call_option(c, option);
  text[0] = 0;
  if (value != NULL && strlen(value) < ANSWER_SIZE) {
    snprintf(text, ANSWER_SIZE, "%s", value);
    return DONE;
  }
  if (!ask_is_terminal())
    return !compulsory ? DONE : call_fail(c, WRONG_USAGE, "see: onward init --help", "%s is missing", option);
  enum exit_code code = DONE;
  do {
    tell("%s\n", question);
    code = ask_line(c, "> ", text);
  } while (code == DONE && compulsory && text[0] == 0);
  return code;
}

static enum exit_code take_kind(const struct call *c, int *kind)
{
  const ProtobufCEnumDescriptor *kinds = &onward__organisation_kind__descriptor;
  const char *given = call_option(c, "--kind"), *code = NULL;
  if (given == NULL && ask_is_terminal()) {
    tell("What kind of organisation is it?\n");
    enum exit_code result = ask_code(c, kinds, 1, INT32_MAX, false, "The nearest that fits.", &code);
    if (result != DONE)
      return result;
  }
  for (unsigned i = 0; i < kinds->n_values; i++)
    if (kinds->values[i].value != 0 && strcasecmp(kinds->values[i].name, code != NULL ? code
                                                                         : given      ? given
                                                                                      : "") == 0) {
      *kind = kinds->values[i].value;
      return DONE;
    }
  return call_fail(c, WRONG_USAGE, NULL, "--kind must be one of STATUTORY, NGO, HEALTH, LEGAL, HOTLINE, UN");
}

static enum exit_code take_office(const struct call *c, struct office *o)
{
  struct org_id id;
  enum exit_code code =
      take_text(c, "--organisation", "The organisation's id (such as: aple, or aple/siem-reap)?", true, o->id);
  if (code == DONE && org_id_parse(bytes_text(o->id), &id) != OK)
    return call_fail(c, WRONG_USAGE, NULL,
                     "--organisation must be 1 to 16 of a-z 0-9 - . and one /, from a letter to a letter or digit");
  if (code == DONE)
    code = take_text(c, "--name", "Its public name?", true, o->name);
  if (code == DONE)
    code = take_kind(c, &o->kind);
  if (code == DONE)
    code = take_text(c, "--telephone", "Telephone of the role on duty, never a person's (may be left empty)?", false,
                     o->telephone);
  if (code == DONE)
    code = take_text(c, "--hours", "Its hours, such as Mon-Fri 08:00-17:00 (may be left empty)?", false, o->hours);
  return code;
}

static enum exit_code make_keys(const struct call *c)
{
  char passphrase[PASSPHRASE_SIZE], why[WHY_SIZE];
  enum exit_code code = ask_new_passphrase(c, "--passphrase-file", passphrase);
  if (code != DONE)
    return code;
  enum status s = keys_create(c->home, bytes_text(passphrase), why);
  wipe(passphrase, sizeof passphrase);
  return s == OK ? DONE : call_fail(c, s == BAD_INPUT ? WRONG_USAGE : BROKEN, NULL, "%s", why);
}

static bool home_has(const struct call *c, const char *name)
{
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s", c->home, name);
  return access(path, F_OK) == 0;
}

/* A passphrase that is given now is not the one that locks them, unless it is the same. */
static enum exit_code check_passphrase(const struct call *c, struct key_folder *keys)
{
  char passphrase[PASSPHRASE_SIZE];
  if (call_option(c, "--passphrase-file") == NULL)
    return DONE;
  enum exit_code code = ask_passphrase(c, "", passphrase);
  if (code != DONE)
    return code;
  enum status s = keys_unlock(keys, bytes_text(passphrase));
  wipe(passphrase, sizeof passphrase);
  keys_lock(keys);
  return s == OK        ? DONE
         : s == NOT_NOW ? call_fail(c, NOT_ALLOWED, "use that one",
                                    "the keys are there already, locked by the passphrase that was given first")
                        : call_fail(c, BROKEN, "bring the data folder's backup", "a sealing key is missing or damaged");
}

/* Keys that were made before are used again, as long as no network knows them here. */
static enum exit_code open_keys(const struct call *c, bool make, struct key_folder *keys)
{
  char why[WHY_SIZE];
  enum status s = keys_open(c->home, why, keys);
  if (s == NOT_FOUND && make) {
    enum exit_code code = make_keys(c);
    if (code != DONE)
      return code;
    s = keys_open(c->home, why, keys);
  } else if (s == OK && make) {
    enum exit_code code = check_passphrase(c, keys);
    if (code != DONE)
      keys_close(keys);
    return code;
  }
  if (s == OK)
    return DONE;
  return call_fail(c,
                   s == OUR_FAULT   ? BROKEN
                   : s == NOT_FOUND ? NO_SUCH
                                    : WRONG_USAGE,
                   s == NOT_FOUND ? "begin with: onward init" : NULL, "%s (%s)", why, c->home);
}

static enum exit_code write_request(const struct call *c, struct key_folder *keys, const struct office *o,
                                    char path[PATH_SIZE], char words[SIX_WORDS_SIZE])
{
  struct arena a = arena_of(memory, sizeof memory);
  char text[PAPER_TEXT_MAX], why[WHY_SIZE];
  struct complaint wrong;
  Onward__Request r = ONWARD__REQUEST__INIT;
  const Onward__Request *read;
  struct bytes packed, signature;
  r.organisation = pb_data(bytes_text(o->id));
  r.name = pb_data(bytes_text(o->name));
  r.kind = (Onward__OrganisationKind)o->kind;
  r.duty_telephone = pb_data(bytes_text(o->telephone));
  r.duty_hours = pb_data(bytes_text(o->hours));
  if (request_file_write(keys, &r, &a, text, sizeof text) != OK ||
      paper_request_read(bytes_text(text), &a, &wrong, &packed, &signature, &read) != OK)
    return call_fail(c, WRONG_USAGE, "mend it, and call onward init again: the keys are kept",
                     "name: 1 to 120 bytes; telephone: at most 40 of 0-9 + - ( ) / space; hours: at most 80 bytes");
  paper_request_words(read, words);
  paper_path(c->home, o->id, ".request", path, PATH_SIZE);
  return file_write(path, bytes_text(text), why) == OK ? DONE : call_fail(c, BROKEN, NULL, "%s", why);
}

static void say_requested(const struct call *c, const struct office *o, const char *path, const char *words)
{
  if (c->json) {
    json_t *told = json_pack("{s:b, s:s, s:s, s:s, s:b}", "ok", 1, "organisation", o->id, "words", words, "request",
                             path, "recovery", recovery_is_there(c));
    say_json(told);
    json_decref(told);
    return;
  }
  say("The keys of %s are made, and its request is written:\n\n  %s\n\n", o->id, path);
  say("Its six words: %s\n\n", words);
  if (!recovery_is_there(c))
    say("There are no recovery words, so no backup can be made yet: onward backup --new-words\n\n");
  say("What to do next:\n"
      "  1. Send the file to a registrar of the network. It holds no secret.\n"
      "  2. Read the six words out to the registrar by telephone.\n"
      "  3. The registrar sends an invitation back. Then: onward join INVITATION\n");
}

enum exit_code run_init(struct call *c)
{
  struct office o = {.kind = 0};
  struct key_folder keys;
  char path[PATH_SIZE], words[SIX_WORDS_SIZE];
  if (home_has(c, "network"))
    return call_fail(c, WRONG_USAGE, NULL, "this data folder has joined a network already: %s", c->home);
  enum exit_code code = take_office(c, &o);
  if (code == DONE)
    code = open_keys(c, true, &keys);
  if (code != DONE)
    return code;
  code = recovery_begin(c);
  if (code == DONE)
    code = write_request(c, &keys, &o, path, words);
  keys_close(&keys);
  if (code == DONE)
    say_requested(c, &o, path, words);
  return code;
}

/* --- join --- */

/* Another network's invitation never takes the place of the one that was joined. */
static enum exit_code check_same_network(const struct call *c, const struct network *joining)
{
  static uint8_t old_memory[PAPER_ARENA_SIZE];
  struct arena a = arena_of(old_memory, sizeof old_memory);
  struct complaint why;
  struct network joined;
  char path[PATH_SIZE], *text = NULL;
  size_t size = 0;
  if (!home_has(c, "network"))
    return DONE;
  snprintf(path, sizeof path, "%s/network", c->home);
  enum exit_code code = input_read(c, path, PAPER_TEXT_MAX, &text, &size);
  if (code != DONE)
    return code;
  bool same = paper_invitation_read(bytes_of(text, size), NULL, &a, &why, &joined) == OK &&
              hash_equal(&joined.id, &joining->id);
  wiped_free(text);
  return same ? DONE
              : call_fail(c, NOT_ALLOWED, "use another data folder: --home DIR",
                          "this data folder has joined another network");
}

static enum exit_code keep(const struct call *c, const char *name, struct bytes content)
{
  char path[PATH_SIZE], why[WHY_SIZE];
  snprintf(path, sizeof path, "%s/%s", c->home, name);
  return file_write(path, content, why) == OK ? DONE : call_fail(c, BROKEN, NULL, "%s", why);
}

static void say_joined(const struct call *c, const struct network *n)
{
  char id[17];
  snprintf(id, sizeof id, ORG_FMT, n->organisation.text);
  if (c->json) {
    json_t *told =
        json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "organisation", id, "network", n->words, "address", n->address);
    say_json(told);
    json_decref(told);
    return;
  }
  say("The invitation holds: %s is in the log of %s.\nThe network's six words: %s\n\n", id, n->origin, n->words);
  say("What to do next:\n"
      "  1. Compare these six words with a registrar by telephone. If they differ, stop here, and say so.\n"
      "  2. Start Onward on this computer:  onward run\n"
      "  3. See what there is to do:        onward\n");
}

enum exit_code run_join(struct call *c)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct key_folder keys;
  struct complaint why;
  struct network n;
  char *text = NULL;
  size_t size = 0;
  enum exit_code code = input_read(c, call_argument(c, 0), PAPER_TEXT_MAX, &text, &size);
  if (code == DONE)
    code = open_keys(c, false, &keys);
  if (code != DONE) {
    wiped_free(text);
    return code;
  }
  if (invitation_file_read(bytes_of(text, size), &keys, &a, &why, &n) != OK)
    code = call_fail(c, NOT_ALLOWED, "ask the registrar for a new one", "the invitation does not hold: %s", why.text);
  if (code == DONE)
    code = check_same_network(c, &n);
  if (code == DONE)
    code = keep(c, "network", bytes_of(text, size));
  if (code == DONE && !home_has(c, "agent.conf"))
    code = keep(c, "agent.conf", bytes_text(settings));
  if (code == DONE)
    say_joined(c, &n);
  keys_close(&keys);
  wiped_free(text);
  return code;
}
