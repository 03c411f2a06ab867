/* One command as somebody called it: its options and arguments, and how it tells that something was wrong.
 *
 * The usage line of a command is also what its options are read by: `--name VALUE` takes a value, `[--name]` takes
 * none, a word in capitals is an argument, square brackets make it optional.
 */
#ifndef ONWARD_CALL_H
#define ONWARD_CALL_H

#include <jansson.h>

#include "proto/base/base.h"

/* The exit status of the program (onward(1)). */
enum exit_code {
  DONE = 0,
  NOT_ALLOWED = 1, /* the rules refuse it, or the person at the terminal did */
  WRONG_USAGE = 2, /* also: a field of a form is missing or wrong */
  NOT_RUNNING = 3,
  LOCKED = 4,
  NO_SUCH = 5,
  FULL = 6,
  BROKEN = 70,
};

struct call;
struct command {
  const char *name; /* one word, or two: "registrar enrol" */
  enum exit_code (*run)(struct call *c);
  const char *usage;
  const char *sentence;
};

#define CALL_OPTIONS_MAX 24
#define CALL_ARGUMENTS_MAX 2

struct call {
  const struct command *command;
  char home[200]; /* the data folder */
  bool json;      /* answers are printed as JSON objects */
  int option_count;
  struct {
    const char *name, *value;
  } options[CALL_OPTIONS_MAX];
  int argument_count;
  const char *arguments[CALL_ARGUMENTS_MAX];
  struct client *client; /* NULL: not connected yet */
};

/* `--name` with its value, "" for one that takes none, NULL when it was not given. The last one counts. */
const char *call_option(const struct call *c, const char *name);
const char *call_argument(const struct call *c, int number); /* NULL: not given */

/* Options that every command takes, in the form of a usage line. */
extern const char call_common_usage[];
/* How many words at the beginning of a line are such options, with their values. */
int call_common_words(int count, char *const *words);
/* Reads everything but the command's own words. WRONG_USAGE is told already. */
MUST_USE enum exit_code call_read(struct call *c, int count, char *const *words);

/* Says what was wrong, and what to do (`try`, may be NULL), on standard error, or as a JSON object on standard output.
 * Returns `code`. Never given anything of a case. */
enum exit_code call_fail(const struct call *c, enum exit_code code, const char *try, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for an answer {"ok": false, ...}. */
enum exit_code call_refused(const struct call *c, const json_t *answer);

#endif
