/* The network's policy, as a file: printed in the very form in which it is read, so that a registrar prints it,
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
#define ID_SIZE 17
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
  char last_resort[ID_SIZE];
};

struct terms {
  uint32_t s[CLOCKS_LIMITED][3];
  char last_resort[ID_SIZE]; /* empty: nobody */
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

static enum exit_code ask_policy(struct call *c, json_t **answer, struct terms *out)
{
  enum exit_code code = client_do(c, client_request("policy"), answer);
  const json_t *list = json_object_get(*answer, "clocks");
  snprintf(out->last_resort, sizeof out->last_resort, "%s", text_of(*answer, "last_resort"));
  for (size_t i = 0; code == DONE && i < CLOCKS_LIMITED; i++)
    for (int p = 0; p < 3; p++) {
      out->s[i][p] = (uint32_t)number_of(json_object_get(list, clock_name(i)), members[p]);
      if (out->s[i][p] == 0)
        code = call_fail(c, BROKEN, NULL, "Onward on this computer gave an answer that cannot be read");
    }
  return code;
}

static void say_clock(size_t clock, const struct terms *l)
{
  char high[TIME_SIZE], medium[TIME_SIZE], low[TIME_SIZE];
  const uint32_t *s = l->s[clock];
  say("\n# %s\n%s = %s, %s, %s\n", clocks[clock].what, clocks[clock].key, limit_words(s[0], high),
      limit_words(s[1], medium), limit_words(s[2], low));
}

static void say_policy(const json_t *answer, const struct terms *l)
{
  char since[TIME_WORDS_SIZE];
  const char *by = text_of(answer, "by_name");
  say("# In force since %s, entry %llu of the log%s%s.\n"
      "# A registrar changes it with: onward policy > FILE, edit FILE, onward registrar policy FILE\n",
      time_words(number_of(answer, "since_ms"), since), (unsigned long long)number_of(answer, "since_entry"),
      by[0] == 0 ? ", with which the network began" : ", set by ", by);
  say("\n[policy]\n# organisation that is told how many items lie unattended at another, and for how long; empty: "
      "none\n"
      "last_resort =%s%s\n",
      l->last_resort[0] == 0 ? "" : " ", l->last_resort);
  say("\n[clocks]\n# How long each step may take, for high, medium and low priority: each from 1 s to 366 d, in s, "
      "min, h "
      "or d.\n");
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    say_clock(i, l);
}

enum exit_code run_policy(struct call *c)
{
  struct terms now;
  json_t *answer = NULL;
  enum exit_code code = ask_policy(c, &answer, &now);
  if (code == DONE && !client_print_json(c, answer))
    say_policy(answer, &now);
  json_decref(answer);
  return code;
}

/* --- another one --- */

/* Over what `wanted` holds. */
static enum exit_code read_file(const struct call *c, const char *path, struct terms *wanted)
{
  struct setting table[CLOCKS_LIMITED + 1] = {{.section = "policy",
                                               .key = "last_resort",
                                               .kind = SETTING_TEXT,
                                               .offset = offsetof(struct policy_file, last_resort),
                                               .max = ID_SIZE - 1,
                                               .expected = "an organisation's id, or nothing"}};
  struct settings_error error;
  struct policy_file file;
  memset(&file, 0, sizeof file);
  memcpy(file.last_resort, wanted->last_resort, sizeof file.last_resort);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    table[i + 1] = (struct setting){.section = "clocks",
                                    .key = clocks[i].key,
                                    .kind = SETTING_TEXT,
                                    .offset = offsetof(struct policy_file, line[0]) + i * LINE_SIZE,
                                    .min = 1,
                                    .max = LINE_SIZE - 1,
                                    .expected = EXPECTED,
                                    .check = is_limits};
  enum status s = settings_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, table, CLOCKS_LIMITED + 1, &file, &error);
  if (s != OK)
    return call_fail(c, s == NOT_FOUND ? NO_SUCH : WRONG_USAGE, "see the one in force: onward policy", "%s",
                     error.text);
  for (size_t i = 0; i < CLOCKS_LIMITED; i++)
    if (file.line[i][0] != 0)
      must(read_limits(file.line[i], wanted->s[i]));
  memcpy(wanted->last_resort, file.last_resort, sizeof wanted->last_resort);
  return DONE;
}

static void tell_change(size_t *count, const char *what, const char *after, const char *before)
{
  tell("%s  %s: %s, until now %s\n", (*count)++ == 0 ? "This changes:\n" : "", what, after, before);
}

/* The limits of one clock that change; NULL: none does. New reference. */
static json_t *clock_changes(size_t clock, const struct terms *now, const struct terms *wanted, size_t *count)
{
  json_t *changes = NULL;
  for (int p = 0; p < 3; p++) {
    char what[LINE_SIZE], before[TIME_SIZE], after[TIME_SIZE];
    uint32_t s = wanted->s[clock][p];
    if (now->s[clock][p] == s)
      continue;
    snprintf(what, sizeof what, "%s, %s priority", clocks[clock].key, priorities[p]);
    tell_change(count, what, limit_words(s, after), limit_words(now->s[clock][p], before));
    changes = changes != NULL ? changes : json_object();
    json_object_set_new(changes, members[p], json_integer(s));
  }
  return changes;
}

static const char *or_nobody(const char *id)
{
  return id[0] == 0 ? "nobody" : id;
}

/* Tells what changes, and puts it into a request: how much. */
static size_t tell_changes(const struct terms *now, const struct terms *wanted, json_t *request)
{
  size_t count = 0;
  json_t *list = json_object();
  if (strcmp(now->last_resort, wanted->last_resort) != 0) {
    tell_change(&count, "last_resort", or_nobody(wanted->last_resort), or_nobody(now->last_resort));
    json_object_set_new(request, "last_resort", json_string(wanted->last_resort));
  }
  for (size_t i = 0; i < CLOCKS_LIMITED; i++) {
    json_t *changes = clock_changes(i, now, wanted, &count);
    if (changes != NULL)
      json_object_set_new(list, clock_name(i), changes);
  }
  json_object_set_new(request, "clocks", list);
  return count;
}

static enum exit_code send_policy(struct call *c, json_t *request)
{
  json_t *answer = NULL;
  enum exit_code code = client_do(c, request, &answer);
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
  struct terms now, wanted;
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
  json_t *request = client_request("set_policy");
  if (tell_changes(&now, &wanted, request) > 0)
    code = ask_sure(c, true, "It counts for the whole network. Change it?");
  if (code == DONE)
    return send_policy(c, request);
  json_decref(request);
  return code;
}
