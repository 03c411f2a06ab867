/* Text is formatted whole, then cleaned, then written: no path to the terminal leads around that. Memory that held it
 * is wiped. */
#include "agents/onward/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agents/json_wipe.h"
#include "agents/labels.h"

/* --- printing --- */

/* Bytes of a character that must not reach a terminal: C0 but line ends and tabs, DEL, C1 (U+0080 to U+009F), and what
 * turns the direction of writing (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069; Unicode UAX #9). 0: it may. */
static size_t steers(const uint8_t *c)
{
  if ((c[0] < 0x20 && c[0] != '\n' && c[0] != '\t') || c[0] == 0x7f)
    return 1;
  if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
    return 2;
  if (c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae)))
    return 3;
  return c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9 ? 3 : 0;
}

static void write_clean(FILE *to, const char *text)
{
  for (const uint8_t *c = (const uint8_t *)text; *c != 0;) {
    size_t size = steers(c);
    putc(size > 0 ? '?' : *c, to);
    c += size > 0 ? size : 1;
  }
}

static void print(FILE *to, const char *format, va_list list) __attribute__((format(printf, 2, 0)));

static void print(FILE *to, const char *format, va_list list)
{
  va_list again;
  va_copy(again, list);
  int size = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = size < 0 ? NULL : wiped_alloc((size_t)size + 1);
  must(text != NULL);
  vsnprintf(text, (size_t)size + 1, format, list);
  write_clean(to, text);
  wiped_free(text);
}

void say(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  print(stdout, format, list);
  va_end(list);
}

void tell(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  print(stderr, format, list);
  va_end(list);
}

void say_json(const json_t *object)
{
  char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII); /* whole, and harmless in a terminal */
  must(text != NULL);
  say("%s\n", text);
  wiped_free(text);
}

void say_form_file(const json_t *form, bool on_one_line)
{
  char *text = json_dumps(form, on_one_line ? JSON_COMPACT : JSON_INDENT(2));
  must(text != NULL);
  say("%s\n", text);
  wiped_free(text);
}

void say_labelled(const char *label, const char *text)
{
  enum { WIDTH = 22 };
  if (text[0] == 0)
    return;
  say("  %-*s ", WIDTH, label);
  for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
    say("%.*s\n  %-*s ", (int)(end - text), text, WIDTH, "");
  say("%s\n", text);
}

/* --- members of an answer --- */

const char *text_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text == NULL ? "" : text;
}

uint64_t number_of(const json_t *object, const char *key)
{
  json_int_t number = json_integer_value(json_object_get(object, key));
  return number < 0 ? 0 : (uint64_t)number;
}

bool flag_of(const json_t *object, const char *key)
{
  return json_is_true(json_object_get(object, key));
}

bool list_has(const json_t *list, const char *text)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *one = json_string_value(json_array_get(list, i));
    if (one != NULL && strcmp(one, text) == 0)
      return true;
  }
  return false;
}

/* --- codes --- */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

const char *group_words(const char *group)
{
  const char *label = label_of(group, language_of_environment());
  return label != NULL ? label : group;
}

const char *code_words(const char *code, char words[CODE_WORDS_SIZE])
{
  const char *group = group_words(code);
  if (group != code) {
    snprintf(words, CODE_WORDS_SIZE, "%s", group);
    return words;
  }
  static const char *const beginnings[] = {"AGE_", "RISK_", "REROUTE_", "BY_", "OUTCOME_"};
  for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
    if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0) {
      code += strlen(beginnings[i]);
      break;
    }
  size_t i = 0;
  for (; code[i] != 0 && i < CODE_WORDS_SIZE - 1; i++) {
    char c = code[i];
    if (c == '_')
      c = i > 0 && is_digit(code[i - 1]) && is_digit(code[i + 1]) ? '-' : ' ';
    words[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  words[i] = 0;
  return words;
}

/* --- time --- */

uint64_t now_ms(void)
{
  struct timespec t;
  must(clock_gettime(CLOCK_REALTIME, &t) == 0);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const char *call_words(const json_t *organisation, char words[CALL_WORDS_SIZE])
{
  const char *telephone = text_of(organisation, "telephone"), *hours = text_of(organisation, "hours");
  snprintf(words, CALL_WORDS_SIZE, "call %s, %s%s%s%s\n", text_of(organisation, "name"),
           telephone[0] == 0 ? "whose number is not in the directory" : telephone, hours[0] == 0 ? "" : " (", hours,
           hours[0] == 0 ? "" : ")");
  return words;
}

const char *time_words(uint64_t ms, char words[TIME_WORDS_SIZE])
{
  enum { WEEK_MS = 6 * 24 * 3600 * 1000 };
  uint64_t now = now_ms();
  time_t seconds = (time_t)(ms / 1000), now_seconds = (time_t)(now / 1000);
  struct tm then = {0}, today = {0};
  localtime_r(&seconds, &then);
  localtime_r(&now_seconds, &today);
  bool near = ms + WEEK_MS > now && ms < now + WEEK_MS;
  if (near)
    strftime(words, TIME_WORDS_SIZE, "%a %H:%M", &then);
  else if (then.tm_year == today.tm_year)
    strftime(words, TIME_WORDS_SIZE, "%d %b %H:%M", &then);
  else
    strftime(words, TIME_WORDS_SIZE, "%d %b %Y", &then);
  return words;
}

const char *ago_words(uint64_t ms, char words[TIME_WORDS_SIZE])
{
  uint64_t now = now_ms(), minutes = now > ms ? (now - ms) / 60000 : 0;
  if (minutes == 0)
    snprintf(words, TIME_WORDS_SIZE, "just now");
  else if (minutes < 60)
    snprintf(words, TIME_WORDS_SIZE, "%d min", (int)minutes);
  else if (minutes < 48 * 60)
    snprintf(words, TIME_WORDS_SIZE, "%d h", (int)(minutes / 60));
  else
    snprintf(words, TIME_WORDS_SIZE, "%llu days", (unsigned long long)(minutes / (24 * 60)));
  return words;
}
