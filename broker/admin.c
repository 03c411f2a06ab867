/* init, status, check. init refuses to touch a folder that holds anything; status and check only read. */
#include "broker/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/witness.h"
#include "proto/ledger/rows.h"
#include "proto/papers.h"

static uint8_t memory[4 * PAPER_ARENA_SIZE];
static struct arena arena;

static int fail(int code, const char *what, const char *why)
{
  fprintf(stderr, "onward-broker: %s%s%s\n", what, why[0] != 0 ? ": " : "", why);
  return code;
}

/* --- init --- */

struct registrar {
  const Onward__Request *request;
  struct bytes packed, signature;
};

static int read_registrar(const char *path, struct registrar *out)
{
  char text[PAPER_TEXT_MAX], why[200];
  size_t size = 0;
  struct complaint complaint;
  enum status s = file_read(path, text, sizeof text, &size, why);
  if (s != OK)
    return fail(EXIT_CONFIG, "--registrar", why);
  s = paper_request_read(bytes_of(text, size), &arena, &complaint, &out->packed, &out->signature, &out->request);
  return s == OK ? 0 : fail(EXIT_CONFIG, path, complaint.text);
}

static int invite(struct journal *j, const char *folder, const struct init_options *o, const Onward__Request *registrar)
{
  char path[400], text[PAPER_TEXT_MAX], vkey[NOTE_VKEY_SIZE], why[200], words[SIX_WORDS_SIZE];
  const char *address = o->address != NULL ? o->address : o->listen;
  Onward__Invitation i = ONWARD__INVITATION__INIT;
  enum status s = journal_entry(j, 0, NULL, &arena, &i.genesis);
  note_key_print(&j->log_key, vkey);
  i.address = pb_data(bytes_text(address));
  i.link_key = pb_data(BYTES(j->keys->link_public));
  i.log_key = pb_data(bytes_text(vkey));
  i.checkpoint = pb_data(bytes_of(j->end.note, j->end.note_size));
  if (s == OK)
    s = paper_invitation_write(&i, &arena, text, sizeof text);
  snprintf(path, sizeof path, "%s/%.*s.invitation", folder, (int)registrar->organisation.len,
           (const char *)registrar->organisation.data);
  for (char *p = path + strlen(folder) + 1; *p != 0; p++)
    if (*p == '/')
      *p = '-';
  if (s != OK || file_write(path, bytes_text(text), why) != OK)
    return fail(EXIT_CONFIG, path, "cannot be written");
  paper_request_words(registrar, words);
  printf("registrar %.*s, keys %s\n  invitation: %s\n", (int)registrar->organisation.len,
         (const char *)registrar->organisation.data, words, path);
  return 0;
}

static int make_log(const struct init_options *o, const struct registrar *r, const struct broker_keys *keys)
{
  struct journal j;
  char why[200] = "", words[SIX_WORDS_SIZE];
  uint8_t random[32];
  Onward__Enrol enrols[2] = {ONWARD__ENROL__INIT, ONWARD__ENROL__INIT};
  Onward__Enrol *list[2] = {&enrols[0], &enrols[1]};
  Onward__Genesis g = ONWARD__GENESIS__INIT;
  if (random_bytes(random, sizeof random) != OK)
    return fail(EXIT_CONFIG, "no randomness", "");
  for (int i = 0; i < 2; i++) {
    enrols[i].request = pb_data(r[i].packed);
    enrols[i].signature = pb_data(r[i].signature);
  }
  g.random = pb_data(BYTES(random));
  g.origin = pb_data(bytes_text(o->name));
  g.epoch = 1;
  g.log_key = pb_data(BYTES(keys->log_public));
  g.n_registrars = 2;
  g.registrars = list;
  g.rules = RULES_VERSION;
  g.replace_after_ms = o->replace_after_h * 3600000ull;
  g.policy = (Onward__Policy *)(uintptr_t)policy_proposed(); /* only read */
  if (journal_create(&j, o->folder, keys, &g, clock_ms(), why) != OK)
    return fail(EXIT_CONFIG, "the log cannot be made", why);
  six_words(j.end.head.network.byte, words);
  printf("network %s: %s\n", j.end.checkpoint.origin, words);
  int code = invite(&j, o->folder, o, r[0].request);
  if (code == 0)
    code = invite(&j, o->folder, o, r[1].request);
  journal_close(&j);
  return code;
}

int admin_init(const struct init_options *o)
{
  struct registrar registrars[2];
  struct broker_keys keys;
  char why[200] = "";
  arena = arena_of(memory, sizeof memory);
  for (int i = 0; i < 2; i++) {
    int code = read_registrar(o->registrars[i], &registrars[i]);
    if (code != 0)
      return code;
  }
  if (bytes_equal(pb_bytes(registrars[0].request->organisation), pb_bytes(registrars[1].request->organisation)))
    return fail(EXIT_CONFIG, "--registrar",
                "two different organisations are needed: each can stop what the other does");
  if (mkdir(o->folder, 0700) != 0)
    return fail(EXIT_CONFIG, o->folder, errno == EEXIST ? "exists already; nothing was touched" : strerror(errno));
  if (config_write(o->folder, o->listen, why) != OK || broker_keys_create(o->folder, why, &keys) != OK)
    return fail(EXIT_CONFIG, "the folder cannot be filled", why);
  int code = make_log(o, registrars, &keys);
  broker_keys_close(&keys);
  if (code == 0)
    printf("ready: onward-broker serve %s\n", o->folder);
  return code;
}

/* --- status and check --- */

static int open_to_read(const char *folder, struct config *config, struct journal *j)
{
  struct settings_error error;
  char why[200] = "";
  if (config_read(folder, config, &error) != OK)
    return fail(EXIT_CONFIG, "configuration", error.text);
  enum status s = journal_open(j, folder, NULL, config->map_size_gib << 30, true, why);
  return s == OK ? 0 : fail(s == BAD_INPUT ? EXIT_UNREADABLE : EXIT_CONFIG, folder, why);
}

static void print_time(const char *what, uint64_t ms)
{
  char text[32];
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm);
  printf("%-22s %s\n", what, text);
}

int admin_status(const char *folder)
{
  struct config config;
  struct journal j;
  struct store_size size;
  char words[SIX_WORDS_SIZE];
  int code = open_to_read(folder, &config, &j);
  if (code != 0)
    return code;
  uint64_t organisations = store_count(j.reader, TABLE_ORGANISATIONS);
  uint64_t referrals = store_count(j.reader, TABLE_REFERRALS);
  uint64_t held = store_count(j.reader, TABLE_HELD);
  store_measure(j.store, &size);
  six_words(j.end.head.network.byte, words);
  printf("%-22s %s (%s)\n", "network", j.end.checkpoint.origin, words);
  printf("%-22s %s\n", "served now", journal_is_served(folder) ? "yes" : "no");
  printf("%-22s %" PRIu64 "\n", "entries", j.end.head.size);
  print_time("newest entry", j.end.head.time_ms);
  if (j.end.head.doubted_ms != 0)
    printf("%-22s no deadline fires: look at the clock, then onward-broker confirm-time %s\n", "time not confirmed",
           folder);
  printf("%-22s %" PRIu64 "\n", "organisations", organisations);
  printf("%-22s %" PRIu64 "\n", "referrals", referrals);
  printf("%-22s %" PRIu64 "\n", "sealed bodies held", held);
  printf("%-22s %" PRIu64 " MiB used, %" PRIu64 " MiB of it free\n", "books", size.used >> 20, size.free >> 20);
  witness_print(folder);
  backup_tell(folder, j.end.head.size);
  journal_close(&j);
  return 0;
}

/* By a file, which the serving process takes away when it has written the entry. */
int admin_confirm_time(const char *folder)
{
  struct config config;
  struct journal j;
  char path[300], why[200] = "";
  int code = open_to_read(folder, &config, &j);
  if (code != 0)
    return code;
  bool doubted = j.end.head.doubted_ms != 0;
  journal_close(&j);
  if (!doubted)
    return fail(EXIT_CONFIG, folder, "the time is not in doubt: nothing is to be confirmed");
  snprintf(path, sizeof path, "%s/" TIME_CONFIRMED, folder);
  if (file_write(path, bytes_text("confirmed\n"), why) != OK)
    return fail(EXIT_CONFIG, path, why);
  printf("confirmed: deadlines fire again from the exchange's next turn on, less the time that was in doubt\n");
  return 0;
}

static int check_held(struct journal *j)
{
  struct row_key at = row_key_start();
  struct bytes key, value, body;
  uint64_t missing = 0, count = 0;
  struct books *b = store_begin(j->store, false);
  for (; b->seek(b, TABLE_HELD, row_key(&at), &key, &value) == OK; count++) {
    at = row_key_start();
    row_key_bytes(&at, key);
    missing += b->get(b, TABLE_BODIES, row_key(&at), &body) != OK;
    row_key_u8(&at, 0);
  }
  store_abort(j->store);
  if (missing > 0)
    fprintf(stderr,
            "onward-broker: %" PRIu64 " of %" PRIu64 " sealed bodies are missing; their senders will be asked to "
            "seal them again\n",
            missing, count);
  return missing > 0 ? EXIT_UNREADABLE : 0;
}

int admin_check(const char *folder)
{
  struct config config;
  struct journal j;
  struct broker_keys keys;
  char why[200] = "";
  int code = open_to_read(folder, &config, &j);
  if (code != 0)
    return code;
  enum status s = broker_keys_open(folder, why, &keys);
  if (s != OK)
    code = fail(EXIT_CONFIG, "keys", why);
  else if (memcmp(keys.log_public, j.log_key.public_key, sizeof keys.log_public) != 0)
    code = fail(EXIT_UNREADABLE, "keys", "log.key is not the key of this log");
  else
    code = check_held(&j);
  broker_keys_close(&keys);
  journal_close(&j);
  if (code == 0)
    printf("configuration, keys, newest entries, checkpoint and sealed bodies are in order; for the whole log: "
           "onward-audit verify %s\n",
           folder);
  return code;
}

int admin_cosignature(const char *folder, const char *file, const char *vkey)
{
  struct config config;
  struct journal j;
  char note[4096], path[400], why[200] = "";
  size_t size = 0;
  if (file_read(file, note, sizeof note, &size, why) != OK)
    return fail(EXIT_CONFIG, "cosignature", why);
  int code = open_to_read(folder, &config, &j);
  if (code != 0)
    return code;
  const char *wrong = witness_keep(&j, folder, bytes_of(note, size), vkey, path);
  journal_close(&j);
  if (wrong != NULL)
    return fail(EXIT_CONFIG, file, wrong);
  printf("kept: %s; exports have it from now on\n", path);
  return 0;
}
