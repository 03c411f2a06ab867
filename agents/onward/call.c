/* Options are looked up in the usage line of the command, so that what is documented and what is taken cannot differ.
 * An option that is not there is refused, with the nearest that is. */
#include "agents/onward/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agents/form.h"
#include "agents/onward/words.h"

const char call_common_usage[] = "[--home DIR] [--json] [--passphrase-file FILE] [--help]";

#define WORD_SIZE 40
#define NEAR_ENOUGH 3

/* --- the usage line --- */

struct usage_word {
  char text[WORD_SIZE]; /* without brackets */
  bool optional;        /* it began with a bracket */
  bool alone;           /* a bracket closed behind it, or the line ended */
};

static bool usage_next(const char **line, struct usage_word *out)
{
  while (**line == ' ')
    (*line)++;
  if (**line == 0)
    return false;
  size_t size = strcspn(*line, " ");
  const char *word = *line;
  *line += size;
  out->optional = word[0] == '[';
  out->alone = word[size - 1] == ']' || **line == 0;
  size_t from = out->optional ? 1 : 0, to = size - (word[size - 1] == ']' ? 1 : 0);
  must(to - from < sizeof out->text);
  memcpy(out->text, word + from, to - from);
  out->text[to - from] = 0;
  return true;
}

/* Whether the usage line has this option, and whether a value follows it. */
static bool usage_option(const char *line, const char *name, bool *takes_value)
{
  struct usage_word w;
  while (usage_next(&line, &w))
    if (strcmp(w.text, name) == 0) {
      *takes_value = !w.alone;
      return true;
    }
  return false;
}

static void usage_arguments(const char *line, int *least, int *most)
{
  struct usage_word w;
  bool value_follows = false;
  *least = *most = 0;
  while (usage_next(&line, &w)) {
    bool option = w.text[0] == '-' && w.text[1] != 0;
    if (!option && !value_follows) {
      *most += 1;
      *least += !w.optional;
    }
    value_follows = option && !w.alone;
  }
}

static void nearest_option(const char *line, const char *name, char nearest[WORD_SIZE], int *distance)
{
  struct usage_word w;
  while (usage_next(&line, &w))
    if (w.text[0] == '-' && words_distance(w.text, name) < *distance) {
      *distance = words_distance(w.text, name);
      memcpy(nearest, w.text, sizeof w.text);
    }
}

/* --- reading --- */

#define COMMAND_SIZE 48
static const char *command_words(const struct call *c, char words[COMMAND_SIZE])
{
  snprintf(words, COMMAND_SIZE, "onward%s%s", c->command->name[0] == 0 ? "" : " ", c->command->name);
  return words;
}

static enum exit_code unknown_option(const struct call *c, const char *name)
{
  char nearest[WORD_SIZE] = "", try[WORD_SIZE + 80], command[COMMAND_SIZE];
  int distance = NEAR_ENOUGH + 1;
  nearest_option(c->command->usage, name, nearest, &distance);
  nearest_option(call_common_usage, name, nearest, &distance);
  snprintf(try, sizeof try, nearest[0] == 0 ? "see: %s --help%s" : "see: %s --help, or did you mean %s?",
           command_words(c, command), nearest);
  return call_fail(c, WRONG_USAGE, try, "%s is not an option of %s", name, command);
}

/* The option's name, without "=VALUE". NULL: too long for any. */
static const char *option_name(const char *word, char name[WORD_SIZE])
{
  size_t size = strcspn(word, "=");
  if (size >= WORD_SIZE)
    return NULL;
  memcpy(name, word, size);
  name[size] = 0;
  return name;
}

/* One option, `--name VALUE` or `--name=VALUE`; `used` counts the words that it took. */
static enum exit_code read_option(struct call *c, int count, char *const *words, int *used)
{
  char name[WORD_SIZE];
  const char *equals = strchr(words[0], '=');
  bool takes_value = false;
  if (c->option_count == CALL_OPTIONS_MAX || option_name(words[0], name) == NULL)
    return call_fail(c, WRONG_USAGE, NULL, "too many options, or one that is too long");
  if (!usage_option(c->command->usage, name, &takes_value) && !usage_option(call_common_usage, name, &takes_value))
    return unknown_option(c, name);
  if (!takes_value && equals != NULL)
    return call_fail(c, WRONG_USAGE, NULL, "%s takes no value", name);
  if (takes_value && equals == NULL && count < 2)
    return call_fail(c, WRONG_USAGE, NULL, "%s needs a value", name);
  c->options[c->option_count].name = words[0];
  c->options[c->option_count++].value = !takes_value ? "" : equals != NULL ? equals + 1 : words[1];
  *used = takes_value && equals == NULL ? 2 : 1;
  return DONE;
}

static enum exit_code wrong_count(const struct call *c, const char *how)
{
  char try[600], command[COMMAND_SIZE];
  snprintf(try, sizeof try, "use: %s %s", command_words(c, command), c->command->usage);
  return call_fail(c, WRONG_USAGE, try, "%s was given too %s arguments", command, how);
}

int call_common_words(int count, char *const *words)
{
  int i = 0;
  while (i < count) {
    char name[WORD_SIZE];
    bool takes_value = false;
    if (option_name(words[i], name) == NULL || !usage_option(call_common_usage, name, &takes_value))
      return i;
    i += takes_value && strchr(words[i], '=') == NULL ? 2 : 1;
  }
  return count;
}

enum exit_code call_read(struct call *c, int count, char *const *words)
{
  int least, most;
  bool options_over = false;
  usage_arguments(c->command->usage, &least, &most);
  must(most <= CALL_ARGUMENTS_MAX);
  for (int i = 0; i < count;) {
    if (!options_over && strcmp(words[i], "--") == 0) {
      options_over = true;
      i++;
    } else if (!options_over && words[i][0] == '-' && words[i][1] != 0) {
      int used = 0;
      enum exit_code code = read_option(c, count - i, words + i, &used);
      if (code != DONE)
        return code;
      i += used;
    } else {
      if (c->argument_count == most)
        return wrong_count(c, "many");
      c->arguments[c->argument_count++] = words[i++];
    }
  }
  c->json = call_option(c, "--json") != NULL;
  bool help = call_option(c, "--help") != NULL;
  return c->argument_count < least && !help ? wrong_count(c, "few") : DONE;
}

static bool is_option(const char *given, const char *name)
{
  size_t size = strlen(name);
  return strncmp(given, name, size) == 0 && (given[size] == 0 || given[size] == '=');
}

const char *call_option(const struct call *c, const char *name)
{
  for (int i = c->option_count - 1; i >= 0; i--)
    if (is_option(c->options[i].name, name))
      return c->options[i].value;
  return NULL;
}

const char *call_argument(const struct call *c, int number)
{
  return number < c->argument_count ? c->arguments[number] : NULL;
}

/* --- what went wrong --- */

static const struct {
  const char *name;
  enum exit_code code;
} codes[] = {{"not_allowed", NOT_ALLOWED},
             {"bad_input", WRONG_USAGE},
             {"not_running", NOT_RUNNING},
             {"locked", LOCKED},
             {"not_found", NO_SUCH},
             {"full", FULL},
             {"broken", BROKEN}};

enum { CODES = sizeof codes / sizeof codes[0] };

/* A command in it is for the same data folder. */
static void tell_try(const struct call *c, const char *try)
{
  static const char command[] = "onward ";
  const char *home = call_option(c, "--home");
  if (try[0] == 0)
    return;
  tell("        ");
  for (const char *end; home != NULL && (end = strstr(try, command)) != NULL; try = end + strlen(command))
    tell("%.*s%s--home %s ", (int)(end - try), try, command, home);
  tell("%s\n", try);
}

enum exit_code call_fail(const struct call *c, enum exit_code code, const char *try, const char *format, ...)
{
  char what[1024];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  if (!c->json) {
    tell("onward: %s\n", what);
    tell_try(c, try == NULL ? "" : try);
    return code;
  }
  int i = 0;
  while (i < CODES - 1 && codes[i].code != code)
    i++;
  json_t *told = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", codes[i].name, "what", what);
  if (told == NULL)
    told = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", codes[i].name, "what", "an argument is not text in UTF-8");
  if (try != NULL)
    json_object_set_new(told, "try", json_string(try));
  say_json(told);
  json_decref(told);
  return code;
}

enum exit_code call_refused(const struct call *c, const json_t *answer)
{
  const char *name = text_of(answer, "code"), *field = text_of(answer, "field"), *try = text_of(answer, "try");
  enum exit_code code = BROKEN;
  for (int i = 0; i < CODES; i++)
    if (strcmp(codes[i].name, name) == 0)
      code = codes[i].code;
  if (c->json) {
    say_json(answer);
  } else {
    unsigned need = (unsigned)number_of(answer, "need"); /* of an assessment */
    tell("onward: ");
    if (need > 0)
      tell("need %u: ", need);
    tell("%s%s%s\n", field, field[0] == 0 ? "" : ": ", text_of(answer, "what"));
    tell_try(c, try);
  }
  return code;
}
