/* A prompt out, a line in. Without echo the terminal is put back as it was before anything else happens, also when the
 * person interrupts: the signal ends the reading, the terminal is restored, and then the signal does its work.
 */
#include "agents/onward/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agents/keys.h"
#include "agents/onward/words.h"
#include "proto/seal/sign.h"

static volatile sig_atomic_t interrupted;

bool ask_is_terminal(void)
{
  return isatty(STDIN_FILENO) == 1;
}

void ask_clear(void)
{
  fputs("\033[3J\033[2J\033[H", stderr); /* ECMA-48 sections 8.3.39 and 8.3.21; 3 is what terminals add to them */
}

/* --- lines --- */

enum line_end { LINE_WHOLE, LINE_TOO_LONG, LINE_NONE };

static enum line_end read_line(int fd, char *line, size_t capacity)
{
  size_t size = 0;
  bool too_long = false;
  for (;;) {
    char c;
    ssize_t n = read(fd, &c, 1);
    if (n < 0 && errno == EINTR && !interrupted)
      continue;
    if (n <= 0 && size == 0)
      return LINE_NONE;
    if (n <= 0 || c == '\n')
      break;
    if (size + 1 < capacity)
      line[size++] = c;
    else
      too_long = true;
  }
  line[size] = 0;
  return too_long ? LINE_TOO_LONG : LINE_WHOLE;
}

static void trim(char *line)
{
  size_t from = strspn(line, " \t\r"), size = strlen(line);
  while (size > from && strchr(" \t\r", line[size - 1]) != NULL)
    size--;
  memmove(line, line + from, size - from);
  line[size - from] = 0;
}

static enum exit_code no_answer(const struct call *c)
{
  tell("\n");
  return call_fail(c, NOT_ALLOWED, NULL, "you ended the questions: nothing was done");
}

enum exit_code ask_line(const struct call *c, const char *prompt, char line[ANSWER_SIZE])
{
  for (;;) {
    tell("%s", prompt);
    enum line_end end = read_line(STDIN_FILENO, line, ANSWER_SIZE);
    if (end == LINE_NONE)
      return no_answer(c);
    trim(line);
    if (end == LINE_WHOLE)
      return DONE;
    tell("  That is too long: at most %d bytes.\n", ANSWER_SIZE - 1);
  }
}

enum exit_code ask_yes(const struct call *c, const char *question, bool *yes)
{
  char line[ANSWER_SIZE];
  for (;;) {
    tell("%s (yes or no)\n", question);
    enum exit_code code = ask_line(c, "> ", line);
    if (code != DONE)
      return code;
    *yes = strcmp(line, "yes") == 0 || strcmp(line, "y") == 0;
    if (*yes || strcmp(line, "no") == 0 || strcmp(line, "n") == 0)
      return DONE;
  }
}

enum exit_code ask_sure(const struct call *c, bool compulsory, const char *question)
{
  bool yes = call_option(c, "--yes") != NULL || (!ask_is_terminal() && !compulsory);
  if (yes)
    return DONE;
  if (!ask_is_terminal())
    return call_fail(c, NOT_ALLOWED, "to do it all the same: --yes", "%s", question);
  enum exit_code code = ask_yes(c, question, &yes);
  return code != DONE || yes ? code : call_fail(c, NOT_ALLOWED, NULL, "nothing was done");
}

/* --- choices --- */

static void list_codes(const ProtobufCEnumDescriptor *codes, int first, int last)
{
  int number = 0;
  for (unsigned i = 0; i < codes->n_values; i++) {
    char words[CODE_WORDS_SIZE];
    if (codes->values[i].value >= first && codes->values[i].value <= last)
      tell("  %2d  %s\n", ++number, code_words(codes->values[i].name, words));
  }
}

static const char *find_code(const ProtobufCEnumDescriptor *codes, int first, int last, const char *answer)
{
  char *end = NULL;
  long chosen = strtol(answer, &end, 10);
  int number = 0;
  for (unsigned i = 0; i < codes->n_values; i++)
    if (codes->values[i].value >= first && codes->values[i].value <= last) {
      const char *name = codes->values[i].name;
      must(name != NULL);
      number++;
      if ((*end == 0 && end != answer && chosen == number) || strcasecmp(answer, name) == 0)
        return name;
    }
  return NULL;
}

enum exit_code ask_code(const struct call *c, const ProtobufCEnumDescriptor *codes, int first, int last, bool optional,
                        const char *help, const char **code)
{
  char line[ANSWER_SIZE];
  list_codes(codes, first, last);
  for (;;) {
    enum exit_code result = ask_line(c, "> ", line);
    if (result != DONE)
      return result;
    *code = find_code(codes, first, last, line);
    if (*code != NULL || (optional && line[0] == 0))
      return DONE;
    tell("  %s\n", strcmp(line, "?") == 0 ? help : "Please give the number of one line of the list.");
  }
}

/* --- passphrases --- */

static void interrupt(int signal_number)
{
  interrupted = signal_number;
}

/* The echo is off before the prompt is there: nobody types into an open one. */
static enum line_end read_hidden(const char *prompt, char *line, size_t capacity)
{
  struct termios before, hidden;
  struct sigaction stop = {.sa_handler = interrupt}, old_int, old_term;
  if (tcgetattr(STDIN_FILENO, &before) != 0)
    return LINE_NONE;
  hidden = before;
  hidden.c_lflag &= ~(tcflag_t)ECHO;
  sigaction(SIGINT, &stop, &old_int);
  sigaction(SIGTERM, &stop, &old_term);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  tell("%s", prompt);
  enum line_end end = read_line(STDIN_FILENO, line, capacity);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  sigaction(SIGINT, &old_int, NULL);
  sigaction(SIGTERM, &old_term, NULL);
  tell("\n");
  if (interrupted != 0)
    raise(interrupted);
  return end;
}

static enum exit_code passphrase_of_file(const struct call *c, const char *path, char passphrase[PASSPHRASE_SIZE])
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return call_fail(c, NO_SUCH, NULL, "cannot read the passphrase from %s: %s", path, strerror(errno));
  enum line_end end = read_line(fd, passphrase, PASSPHRASE_SIZE);
  close(fd);
  if (end == LINE_WHOLE)
    return DONE;
  return call_fail(c, WRONG_USAGE, NULL, "expected a passphrase of at most %d bytes in the first line of %s",
                   PASSPHRASE_SIZE - 1, path);
}

bool ask_can_passphrase(const struct call *c)
{
  return call_option(c, "--passphrase-file") != NULL || ask_is_terminal();
}

/* From a file where one is named, or else from the terminal. */
static enum exit_code take_passphrase(const struct call *c, const char *option, const char *prompt,
                                      char passphrase[PASSPHRASE_SIZE])
{
  const char *path = call_option(c, option);
  if (path != NULL)
    return passphrase_of_file(c, path, passphrase);
  if (!ask_is_terminal())
    return call_fail(c, LOCKED, "give it in a file, or run this in a terminal",
                     "a passphrase is needed (%s), and there is nobody to ask", option);
  return read_hidden(prompt, passphrase, PASSPHRASE_SIZE) == LINE_NONE ? no_answer(c) : DONE;
}

enum exit_code ask_passphrase(const struct call *c, const char *prompt, char passphrase[PASSPHRASE_SIZE])
{
  return take_passphrase(c, "--passphrase-file", prompt, passphrase);
}

enum exit_code ask_new_passphrase(const struct call *c, const char *option, char passphrase[PASSPHRASE_SIZE])
{
  if (call_option(c, option) != NULL || !ask_is_terminal())
    return take_passphrase(c, option, "", passphrase);
  tell("A passphrase locks the cases on this computer: at least %d characters, best a few words.\n"
       "Nobody can open them without it, and nobody can find it out for you: keep it in a safe place.\n",
       PASSPHRASE_CHARACTERS_MIN);
  for (;;) {
    char again[PASSPHRASE_SIZE] = "";
    enum exit_code code = take_passphrase(c, option, "New passphrase: ", passphrase);
    if (code != DONE)
      return code;
    if (!passphrase_fits(bytes_text(passphrase))) {
      tell("That is too short.\n");
      continue;
    }
    code = take_passphrase(c, option, "The same once more: ", again);
    bool same = code == DONE && strcmp(passphrase, again) == 0;
    wipe(again, sizeof again);
    if (code != DONE || same)
      return code;
    tell("The two are not the same. Once more:\n");
  }
}
