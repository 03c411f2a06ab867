/* backup and restore. Both work on the data folder itself: Onward may run beside a backup, and may not run in the
 * folder that is restored, which is new. Only `backup --destroyed` asks it something.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agents/backup_home.h"
#include "agents/backup_note.h"
#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/recovery.h"
#include "agents/onward/words.h"
#include "proto/papers.h"
#include "proto/store/store.h"

#define WHY_SIZE 200

static struct backup file; /* large */

static enum exit_code fail(const struct call *c, enum status s, const char *why)
{
  enum exit_code code = s == BAD_INPUT ? WRONG_USAGE : s == NOT_FOUND ? NO_SUCH : s == NOT_NOW ? FULL : BROKEN;
  return call_fail(c, code, NULL, "%s", why);
}

static json_t *json_of_backup(const struct backup_head *head, const struct backup_count *count)
{
  char id[sizeof head->organisation.text + 1];
  snprintf(id, sizeof id, ORG_FMT, head->organisation.text);
  return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I}", "ok", 1, "organisation", id, "made_ms", (json_int_t)head->made_ms,
                   "files", (json_int_t)count->files, "rows", (json_int_t)count->rows, "bytes",
                   (json_int_t)count->bytes);
}

/* --- making one --- */

static enum exit_code new_words(const struct call *c)
{
  enum exit_code code = recovery_give(c);
  if (code != DONE)
    return code;
  if (c->json) {
    json_t *told = json_pack("{s:b}", "ok", 1);
    say_json(told);
    json_decref(told);
  } else {
    say("From now on backups are encrypted to the new recovery words. Those that were made before need the words of "
        "then.\nThe next one: onward backup FILE\n");
  }
  return DONE;
}

static enum status note_backup(const struct call *c, uint64_t made_ms, char why[WHY_SIZE])
{
  struct backup_note note;
  backup_note_read(c->home, &note);
  backup_note_add(&note, made_ms);
  return backup_note_write(c->home, &note, why);
}

static void say_made(const struct call *c, const char *path, const struct backup_head *head,
                     const struct backup_count *count)
{
  if (c->json) {
    json_t *told = json_of_backup(head, count);
    json_object_set_new(told, "file", json_string(path));
    say_json(told);
    json_decref(told);
    return;
  }
  say("The backup is made: %s\n%llu rows and %llu files of " ORG_FMT
      ", %llu bytes, encrypted to the recovery words.\n\n"
      "It was read back from the disk, and is what was written. That it opens, only the words can show:\n"
      "  onward backup %s --check\n\n"
      "Keep it on another disk than this computer's, and elsewhere. Keep the newest two, and destroy older ones: a "
      "backup\nstill holds the cases that were erased here after it.\n",
      path, (unsigned long long)count->rows, (unsigned long long)count->files, head->organisation.text,
      (unsigned long long)count->bytes, path);
}

static enum exit_code make(const struct call *c, const char *path)
{
  struct backup_head head;
  struct backup_count count;
  char why[WHY_SIZE];
  if (!recovery_is_there(c))
    return call_fail(c, NO_SUCH, "make them: onward backup --new-words",
                     "there are no recovery words, to which a backup is encrypted (data folder %s)", c->home);
  enum status s = backup_home(&file, c->home, path, now_ms(), &head, &count, why);
  if (s != OK)
    return fail(c, s, why);
  if (note_backup(c, head.made_ms, why) != OK)
    tell("onward: the backup is made, but will be missed here: %s\n", why);
  say_made(c, path, &head, &count);
  return DONE;
}

/* --- opening one --- */

static void tell_head(const struct call *c, const struct backup_head *head)
{
  char time[BACKUP_TIME_SIZE];
  backup_time(head->made_ms, time);
  if (!c->json)
    tell("A backup of " ORG_FMT ", made %.16s (UTC).\n", head->organisation.text, time);
}

/* The caller closes `file`, also when this fails, and then `key`. */
static enum exit_code open_with_words(const struct call *c, const char *path, struct es256_secret **key)
{
  struct recovery words;
  char why[WHY_SIZE];
  *key = NULL;
  enum status s = backup_open(&file, path, why);
  if (s != OK)
    return fail(c, s, why);
  tell_head(c, &file.head);
  enum exit_code code = recovery_take(c, &words);
  if (code != DONE)
    return code;
  s = recovery_key(&words, key);
  wipe(&words, sizeof words);
  if (s != OK)
    return call_fail(c, BROKEN, NULL, "the recovery key cannot be made");
  s = backup_unlock(&file, *key, why);
  return s == OK ? DONE : call_fail(c, NOT_ALLOWED, "bring the words that were made before that backup", "%s", why);
}

static enum exit_code check(const struct call *c, const char *path)
{
  struct es256_secret *key;
  struct backup_count count;
  char why[WHY_SIZE];
  enum exit_code code = open_with_words(c, path, &key);
  enum status s = code == DONE ? backup_check(&file, &count, why) : OK;
  if (s != OK)
    code = fail(c, s, why);
  if (code == DONE && c->json) {
    json_t *told = json_of_backup(&file.head, &count);
    say_json(told);
    json_decref(told);
  } else if (code == DONE) {
    say("It opens with these words, whole: %llu rows and %llu files. Nothing was written.\n",
        (unsigned long long)count.rows, (unsigned long long)count.files);
  }
  backup_close(&file);
  es256_secret_close(key);
  return code;
}

/* --- erased cases in old ones --- */

static enum exit_code destroyed(struct call *c)
{
  char why[WHY_SIZE], time[BACKUP_TIME_SIZE], question[200];
  json_t *status = NULL;
  struct backup_note note;
  enum exit_code code = client_do(c, client_request("status"), &status);
  uint64_t erased = number_of(json_object_get(status, "backup"), "erased_ms");
  json_decref(status);
  if (code != DONE)
    return code;
  if (erased == 0)
    return call_fail(c, NOT_ALLOWED, NULL, "no case was erased here since the oldest backup");
  backup_time(erased, time);
  snprintf(question, sizeof question,
           "Are all backups destroyed that were made before %.16s (UTC), wherever they were?", time);
  code = ask_sure(c, true, question);
  if (code != DONE)
    return code;
  backup_note_read(c->home, &note);
  note.oldest_ms = note.newest_ms > erased ? erased + 1 : 0;
  if (note.oldest_ms == 0)
    note.newest_ms = 0;
  if (backup_note_write(c->home, &note, why) != OK)
    return call_fail(c, BROKEN, NULL, "%s", why);
  if (c->json) {
    json_t *told = json_pack("{s:b, s:b}", "ok", 1, "backup", note.newest_ms != 0);
    say_json(told);
    json_decref(told);
  } else {
    say(note.newest_ms != 0 ? "Noted.\n" : "Noted. Now there is no backup: onward backup FILE\n");
  }
  return DONE;
}

enum exit_code run_backup(struct call *c)
{
  const char *path = call_argument(c, 0);
  store_guard(BROKEN);
  if (call_option(c, "--new-words") != NULL)
    return new_words(c);
  if (call_option(c, "--destroyed") != NULL)
    return destroyed(c);
  if (path == NULL)
    return call_fail(c, WRONG_USAGE, "such as: onward backup /media/disk/onward-2026-11-23.backup",
                     "name the file that the backup is written to");
  return call_option(c, "--check") != NULL ? check(c, path) : make(c, path);
}

/* --- restore --- */

/* Whoever could put another file into the backup's place could have made another network. */
static enum exit_code take_network(const struct call *c, char words[SIX_WORDS_SIZE])
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  struct arena a = arena_of(memory, sizeof memory);
  struct network n;
  struct complaint wrong;
  char path[sizeof c->home + 16], *text = NULL;
  size_t size = 0;
  snprintf(path, sizeof path, "%s/network", c->home);
  enum exit_code code = input_read(c, path, PAPER_TEXT_MAX, &text, &size);
  if (code != DONE)
    return code;
  if (paper_invitation_read(bytes_of(text, size), NULL, &a, &wrong, &n) == OK)
    snprintf(words, SIX_WORDS_SIZE, "%s", n.words);
  wiped_free(text);
  return DONE;
}

static void say_restored(const struct call *c, const struct backup_count *count, const char *network)
{
  char time[BACKUP_TIME_SIZE];
  backup_time(file.head.made_ms, time);
  if (c->json) {
    json_t *told = json_of_backup(&file.head, count);
    json_object_set_new(told, "home", json_string(c->home));
    json_object_set_new(told, "network", json_string(network));
    say_json(told);
    json_decref(told);
    return;
  }
  say("Restored: " ORG_FMT " as it was on %.16s (UTC), in %s\n\n", file.head.organisation.text, time, c->home);
  say("What to do next:\n"
      "  1. Compare: the network's six words are  %s\n"
      "  2. Never start Onward on the old computer again: two that run at once take over from each other.\n"
      "  3. Start it here: onward run\n"
      "     It sees that its books are older than what was sent, says so, and reads what came since from the "
      "exchange.\n"
      "  4. Unlock with the passphrase that was in force when the backup was made: onward unlock\n"
      "  5. What was written after the backup and had not left the old computer is lost: look through your papers.\n"
      "  6. Make a new backup: onward backup FILE\n",
      network);
}

enum exit_code run_restore(struct call *c)
{
  struct es256_secret *key = NULL;
  struct backup_count count;
  char why[WHY_SIZE], network[SIX_WORDS_SIZE] = "";
  if (!backup_home_free(c->home))
    return call_fail(c, NOT_ALLOWED, "restore into a new one: --home DIR",
                     "the data folder %s is in use: nothing was touched", c->home);
  enum exit_code code = open_with_words(c, call_argument(c, 0), &key);
  enum status s = code == DONE ? backup_restore(&file, c->home, &count, why) : OK;
  if (s != OK)
    code = fail(c, s, why);
  if (code == DONE)
    code = take_network(c, network);
  if (code == DONE)
    say_restored(c, &count, network);
  backup_close(&file);
  es256_secret_close(key);
  return code;
}
