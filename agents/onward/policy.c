/* The policy of the clocks, as a file: printed in the very form in which it is read, so that a registrar prints it,
 * edits it, and gives it back. A file may name only what changes; what it does not name stays. What will change is
 * shown first, line by line; where nothing does, nothing is sent.
 */
#include <stdio.h>
#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/words.h"
#include "proto/store/settings.h"
#include "proto/wire/event.h"

#define TIME_SIZE 32
#define LINE_SIZE 128
#define DAY_S 86400
#define EXPECTED                                                                                                       \
  "three times, for high, medium and low priority, each from 1 s to 366 d in s, min, h or d, such as: 4 h, 24 h, 3 d"

_Static_assert(CLOCK_LIMIT_MAX_S == 366 * DAY_S, "as it is said above");

static const char *const priorities[] = {"high", "medium", "low"};
static const char *const members[] = {"high_s", "medium_s", "low_s"};

/* The clocks of the contract, in its order. */
static const struct {
  const char *key, *what;
} clocks[CLOCKS_LIMITED] = {
    {"receive", "until their computer has received it"},
    {"read", "then, until a person there has read it"},
    {"decide", "from its arrival, until they say yes or no"},
    {"contact", "from yes, until the first contact"},
    {"undelivered", "not received, or then not read: the next organisation is asked"},
    {"answer_info", "until a question is answered: then it is over"},
    {"answer_cancel", "until a wish to take it back is answered: then it is taken back"},
    {"returned_act", "it came back: until its sender chooses again, or closes it"},
    {"reseal_asked", "it could not be opened: until it is sealed again"},
    {"report", "while they help: from report to report"},
    {"closing", "from the result, until its sender has closed it"},
    {"erasure", "until a case that must be erased is erased"},
    {"safety_read", "until a message about safety is read"},
};

struct policy_file {
  char line[CLOCKS_LIMITED][LINE_SIZE];
};

struct limits {
  uint32_t s[CLOCKS_LIMITED][3];
};

/* --- times --- */

static const struct unit {
  const char *name;
  uint32_t s;
} units[] = {{"d", DAY_S}, {"h", 3600}, {"min", 60}, {"s", 1}};
enum { UNITS = sizeof units / sizeof units[0] };

static const char *limit_words(uint32_t s, char words[TIME_SIZE])
{
  const struct unit *u = units;
  while (s % u->s != 0)
    u++;
  snprintf(words, TIME_SIZE, "%u %s", s / u->s, u->name);
  return words;
}

/* Moves `at` behind one time. False: it is none, or beyond the limits. */
static bool read_time(const char **at, uint32_t *s)
{
  uint64_t number = 0;
  size_t digits = strspn(*at, "0123456789");
  for (size_t i = 0; i < digits && number <= CLOCK_LIMIT_MAX_S; i++)
    number = number * 10 + (uint64_t)((*at)[i] - '0');
  *at += digits + strspn(*at + digits, " ");
  size_t size = strcspn(*at, " ,");
  for (int i = 0; i < UNITS; i++)
    if (strlen(units[i].name) == size && memcmp(units[i].name, *at, size) == 0 && number >= 1 &&
        number <= CLOCK_LIMIT_MAX_S / units[i].s) {
      *s = (uint32_t)number * units[i].s;
      *at += size + strspn(*at + size, " ");
      return true;
    }
  return false;
}

/* "4 h, 24 h, 3 d" */
static bool read_limits(const char *line, uint32_t s[3])
{
  for (int i = 0; i < 3; i++) {
    if (!read_time(&line, &s[i]) || *line != (i < 2 ? ',' : 0))
      return false;
    line += i < 2 ? 1 + strspn(line + 1, " ") : 0;
  }
  return true;
}

static bool is_limits(const char *line)
{
  uint32_t s[3];
  return read_limits(line, s);
}

/* --- the policy in force --- */

static const char *clock_name(size_t clock)
{
  return pb_enum_name(&onward__clock__descriptor, (int)clock + 1);
}

static enum exit_code ask_policy(struct call *c, json_t **answer, struct limits *out)
{
  enum exit_code code = client_do(c, client_request("policy"), answer);
  const json_t *list = json_object_get(*answer, "clocks");
  for (size_t i = 0; code == DONE && i < CLOCKS_LIMITED; i++)
    for (int p = 0; p < 3; p++) {
      out->s[i][p] = (uint32_t)number_of(json_object_get(list, clock_name(i)), members[p]);
      if (out->s[i][p] == 0)
        code = call_fail(c, BROKEN, NULL, "Onward on this computer gave an answer that cannot be read");
    }
  return code;
}

static void say_clock(size_t clock, const struct limits *l)
{
  char high[TIME_SIZE], medium[TIME_SIZE], low[TIME_SIZE];
  const uint32_t *s = l->s[clock];
  say("\n# %s\n%s = %s, %s, %s\n", clocks[clock].what, clocks[clock].key, limit_words(s[0], high),
      limit_words(s[1], medium), limit_words(s[2], low));
}

static void say_policy(const json_t *answer, const struct limits *l)
{
  char since[TIME_WORDS_SIZE];
  const char *by = text_of(answer, "by_name");
  say("# How long each step may take, for high, medium and low priority: each from 1 s to 366 d, in s, min, h or d.\n"
      "# In force since %s, entry %llu of the log%s%s.\n"
      "# A registrar changes it with: onward policy > FILE, edit FILE, onward registrar policy FILE\n[clocks]\n",
      time_words(number_of(answer, "since_ms"), since), (unsigned long long)number_of(answer, "since_entry"),
      by[0] == 0 ? ", with which the network began" : ", set by ", by);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    say_clock(i, l);
}

enum exit_code run_policy(struct call *c)
{
  struct limits now;
  json_t *answer = NULL;
  enum exit_code code = ask_policy(c, &answer, &now);
  if (code == DONE && !client_print_json(c, answer))
    say_policy(answer, &now);
  json_decref(answer);
  return code;
}

/* --- another one --- */

/* Over what `wanted` holds. */
static enum exit_code read_file(const struct call *c, const char *path, struct limits *wanted)
{
  struct setting table[CLOCKS_LIMITED];
  struct settings_error error;
  struct policy_file file;
  memset(&file, 0, sizeof file);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    table[i] = (struct setting){.section = "clocks",
                                .key = clocks[i].key,
                                .kind = SETTING_TEXT,
                                .offset = offsetof(struct policy_file, line[0]) + i * LINE_SIZE,
                                .min = 1,
                                .max = LINE_SIZE - 1,
                                .expected = EXPECTED,
                                .check = is_limits};
  enum status s = settings_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, table, CLOCKS_LIMITED, &file, &error);
  if (s != OK)
    return call_fail(c, s == NOT_FOUND ? NO_SUCH : WRONG_USAGE, "see the one in force: onward policy", "%s",
                     error.text);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    if (file.line[i][0] != 0)
      must(read_limits(file.line[i], wanted->s[i]));
  return DONE;
}

/* Tells each limit that changes, and puts it into the request. */
static size_t tell_changes(const struct limits *now, const struct limits *wanted, json_t *request)
{
  size_t count = 0;
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    for (int p = 0; p < 3; p++) {
      char before[TIME_SIZE], after[TIME_SIZE];
      if (now->s[i][p] == wanted->s[i][p])
        continue;
      json_t *one = json_object_get(request, clock_name(i));
      if (one == NULL)
        json_object_set_new(request, clock_name(i), one = json_object());
      json_object_set_new(one, members[p], json_integer(wanted->s[i][p]));
      tell("%s  %s, %s priority: %s, until now %s\n", count++ == 0 ? "This changes:\n" : "", clocks[i].key,
           priorities[p], limit_words(wanted->s[i][p], after), limit_words(now->s[i][p], before));
    }
  return count;
}

static enum exit_code send_policy(struct call *c, json_t *changes)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, json_pack("{s:s, s:O}", "do", "set_policy", "clocks", changes), &answer);
  if (code == DONE && !client_print_json(c, answer))
    say(flag_of(answer, "changed")
            ? "Saved on this computer. It is in force as soon as the exchange has written it down: onward policy\n"
              "Clocks that run already keep their end.\n"
            : "This is the policy in force: nothing was sent.\n");
  json_decref(answer);
  return code;
}

enum exit_code run_registrar_policy(struct call *c)
{
  struct limits now, wanted;
  json_t *answer = NULL;
  if (call_argument(c, 0) == NULL)
    return run_policy(c);
  enum exit_code code = ask_policy(c, &answer, &now);
  json_decref(answer);
  wanted = now;
  if (code == DONE)
    code = read_file(c, call_argument(c, 0), &wanted);
  if (code != DONE)
    return code;
  json_t *changes = json_object();
  if (tell_changes(&now, &wanted, changes) > 0)
    code = ask_sure(c, true, "It counts for the whole network. Change it?");
  if (code == DONE)
    code = send_policy(c, changes);
  json_decref(changes);
  return code;
}
