/* Recovery words are shown once and typed back: whoever could not do it now could not do it on the day they are needed.
 * For scripts they go into a file instead, and come out of one.
 */
#include "agents/onward/recovery.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/files.h"
#include "agents/onward/words.h"
#include "proto/store/store.h"

#define WHY_SIZE 200
#define WORDS_FILE_MAX 1000 /* bytes */

/* --- asking --- */

static size_t count_words(const char *text)
{
  size_t count = 0;
  for (bool in = false; *text != 0; text++) {
    bool letter = *text != ' ' && *text != '\t';
    count += letter && !in;
    in = letter;
  }
  return count;
}

/* Until there are twelve, on one line or several. */
static enum exit_code ask_words(const struct call *c, char words[ANSWER_SIZE])
{
  char line[ANSWER_SIZE];
  enum exit_code code = DONE;
  words[0] = 0;
  while (code == DONE && count_words(words) < RECOVERY_WORDS) {
    code = ask_line(c, "> ", line);
    size_t size = strlen(words), added = code == DONE ? strlen(line) : 0;
    if (size + added + 2 > ANSWER_SIZE) { /* no such words */
      words[0] = 0;
    } else if (code == DONE) {
      words[size] = ' ';
      memcpy(words + size + 1, line, added + 1);
    }
  }
  wipe(line, sizeof line);
  return code;
}

static enum exit_code read_words_file(const struct call *c, const char *path, struct recovery *out)
{
  char *text = NULL, why[WHY_SIZE];
  size_t size = 0;
  enum exit_code code = input_read(c, path, WORDS_FILE_MAX, &text, &size);
  if (code == DONE && recovery_read(bytes_of(text, size), why, out) != OK)
    code = call_fail(c, WRONG_USAGE, NULL, "%s: %s", path, why);
  wiped_free(text);
  return code;
}

enum exit_code recovery_take(const struct call *c, struct recovery *out)
{
  char words[ANSWER_SIZE], why[WHY_SIZE];
  const char *path = call_option(c, "--recovery-file");
  if (path != NULL)
    return read_words_file(c, path, out);
  if (!ask_is_terminal())
    return call_fail(c, LOCKED, "give them in a file: --recovery-file FILE, or run this in a terminal",
                     "the recovery words are needed, and there is nobody to ask");
  for (;;) {
    tell("The twelve recovery words, as they are on the paper:\n");
    enum exit_code code = ask_words(c, words);
    enum status s = code == DONE ? recovery_read(bytes_text(words), why, out) : OK;
    wipe(words, sizeof words);
    if (code != DONE || s == OK)
      return code;
    tell("  %s. Once more:\n", why);
  }
}

/* --- making --- */

static enum exit_code type_back(const struct call *c, const struct recovery *made)
{
  char words[ANSWER_SIZE], why[WHY_SIZE];
  struct recovery typed = {{0}};
  bool same = false;
  enum exit_code code = DONE;
  tell("Now type all twelve, from the paper:\n");
  while (code == DONE && !same) {
    code = ask_words(c, words);
    enum status s = code == DONE ? recovery_read(bytes_text(words), why, &typed) : OK;
    same = s == OK && memcmp(typed.byte, made->byte, sizeof typed.byte) == 0;
    if (code == DONE && !same)
      tell("  %s. Look at the paper, and type them once more. Or end this with Ctrl-D and begin again, with new "
           "words:\n",
           s == OK ? "these are other words" : why);
  }
  wipe(words, sizeof words);
  wipe(&typed, sizeof typed);
  return code;
}

static enum exit_code show_words(const struct call *c, const struct recovery *made)
{
  char text[RECOVERY_TEXT_SIZE], line[ANSWER_SIZE];
  recovery_words(made, text);
  tell("\nThe recovery words. Write them on paper, now; they are shown only this once:\n\n  %.35s\n  %s\n\n", text,
       text + RECOVERY_TEXT_SIZE / 2);
  tell("Whoever has them and a backup can read every case; without them no backup can be opened.\n"
       "Keep the paper locked away, not beside this computer or its backups.\n\n");
  wipe(text, sizeof text);
  enum exit_code code = ask_line(c, "When they are on the paper, press Enter: the screen is cleared. ", line);
  ask_clear();
  return code == DONE ? type_back(c, made) : code;
}

static enum exit_code write_words_file(const struct call *c, const char *path, const struct recovery *made)
{
  char text[RECOVERY_TEXT_SIZE], why[WHY_SIZE];
  if (access(path, F_OK) == 0)
    return call_fail(c, WRONG_USAGE, "name a new file", "%s exists already: recovery words are never written over it",
                     path);
  recovery_words(made, text);
  text[sizeof text / 2 - 1] = '\n';
  text[sizeof text - 1] = '\n'; /* in the place of the final zero */
  enum status s = file_write(path, BYTES(text), why);
  wipe(text, sizeof text);
  return s == OK ? DONE : call_fail(c, WRONG_USAGE, NULL, "%s", why);
}

enum exit_code recovery_give(const struct call *c)
{
  struct recovery made;
  char why[WHY_SIZE];
  const char *path = call_option(c, "--recovery-file");
  if (path == NULL && !ask_is_terminal())
    return call_fail(c, LOCKED, "run this in a terminal, or give a file for them: --recovery-file FILE",
                     "recovery words are shown to somebody, and there is nobody");
  if (recovery_make(&made) != OK)
    return call_fail(c, BROKEN, NULL, "the recovery words cannot be made");
  enum exit_code code = path != NULL ? write_words_file(c, path, &made) : show_words(c, &made);
  if (code == DONE && recovery_save(c->home, &made, why) != OK)
    code = call_fail(c, BROKEN, NULL, "%s", why);
  wipe(&made, sizeof made);
  return code;
}

enum exit_code recovery_begin(const struct call *c)
{
  uint8_t point[ES256_PUBLIC_SIZE];
  char why[WHY_SIZE];
  bool asked = call_option(c, "--recovery-file") != NULL;
  enum status s = recovery_point(c->home, point, why);
  if (s == NOT_FOUND && (asked || (ask_is_terminal() && call_option(c, "--no-recovery") == NULL)))
    return recovery_give(c);
  if (s == OK && asked)
    return call_fail(c, NOT_ALLOWED, "for new ones: onward backup --new-words", "recovery words were made already");
  return s == OK || s == NOT_FOUND ? DONE : call_fail(c, BROKEN, NULL, "%s", why);
}

bool recovery_is_there(const struct call *c)
{
  uint8_t point[ES256_PUBLIC_SIZE];
  char why[WHY_SIZE];
  return recovery_point(c->home, point, why) == OK;
}
