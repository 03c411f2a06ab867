/* For each question: the question itself, the choices where there are some, a line for the answer. An empty line passes
 * over what is not compulsory; a question mark gives the help text. Answers are wiped from the stack as soon as the
 * form has them.
 */
#include "agents/onward/form_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/form.h"
#include "agents/onward/ask.h"
#include "agents/onward/words.h"
#include "proto/case.pb-c.h"
#include "proto/seal/sign.h"

/* --- organisations --- */

/* Those that can be asked: in standing, and not ourselves. */
static const json_t *candidate(const json_t *directory, size_t number)
{
  const json_t *list = json_object_get(directory, "organisations");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (strcmp(text_of(one, "standing"), "ACTIVE") == 0 && !flag_of(one, "yourself") && number-- == 1)
      return one;
  }
  return NULL;
}

static void list_candidates(const json_t *directory)
{
  const json_t *one;
  for (size_t i = 1; (one = candidate(directory, i)) != NULL; i++)
    tell("  %2zu  %-16s %s\n", i, text_of(one, "id"), text_of(one, "name"));
  tell("  (numbers or ids, with commas between them)\n");
}

/* A number of the list, or an id. NULL: neither. */
static const char *candidate_id(const json_t *directory, const char *word)
{
  char *end = NULL;
  unsigned long number = strtoul(word, &end, 10);
  const json_t *one;
  if (*end == 0 && end != word)
    return number == 0 || (one = candidate(directory, number)) == NULL ? NULL : text_of(one, "id");
  for (size_t i = 1; (one = candidate(directory, i)) != NULL; i++)
    if (strcmp(text_of(one, "id"), word) == 0)
      return text_of(one, "id");
  return NULL;
}

/* New reference; NULL, and told, when one of them is not in the list. */
static json_t *read_candidates(const json_t *directory, char *line)
{
  json_t *list = json_array();
  char *rest = NULL;
  for (char *word = strtok_r(line, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
    const char *id = candidate_id(directory, word);
    if (id == NULL) {
      tell("  %s is not in the list.\n", word);
      json_decref(list);
      return NULL;
    }
    json_array_append_new(list, json_string(id));
  }
  return list;
}

/* --- answers --- */

static json_t *read_number(const char *line)
{
  char *end = NULL;
  long number = strtol(line, &end, 10);
  if (*end == 0 && end != line && number >= 0 && number <= 130)
    return json_integer(number);
  tell("  Please give a number.\n");
  return NULL;
}

static json_t *read_yes_no(const char *line)
{
  if (strcmp(line, "yes") == 0 || strcmp(line, "y") == 0)
    return json_true();
  if (strcmp(line, "no") == 0 || strcmp(line, "n") == 0)
    return json_false();
  tell("  Please answer yes or no.\n");
  return NULL;
}

static json_t *read_date(const char *line)
{
  struct form_error error;
  uint64_t ms;
  json_t *value = json_string(line);
  bool date = form_date("", value, &error, &ms) == OK;
  if (date && ms >= now_ms())
    return value;
  tell("  It %s.\n", date ? "is over: today or later is expected" : error.what);
  json_decref(value);
  return NULL;
}

static json_t *read_text(const char *line)
{
  json_t *value = json_string(line);
  if (value == NULL)
    tell("  That is not text in UTF-8.\n");
  return value;
}

static json_t *read_answer(const struct question *q, char *line, const json_t *directory)
{
  switch (q->kind) {
  case ASK_NUMBER:
    return read_number(line);
  case ASK_YES_NO:
    return read_yes_no(line);
  case ASK_DATE:
    return read_date(line);
  case ASK_ORGANISATIONS:
    return read_candidates(directory, line);
  default:
    return read_text(line);
  }
}

/* --- questions --- */

/* The services are many: first their group, then the service. */
static enum exit_code ask_service(const struct call *c, const struct question *q, const char **code)
{
  const char *group = NULL;
  tell("  Which kind of help?\n");
  enum exit_code result = ask_code(c, &onward__service_group__descriptor, ONWARD__SERVICE_GROUP__SAFE,
                                   ONWARD__SERVICE_GROUP__OTHR, false, q->help, &group);
  if (result != DONE)
    return result;
  int hundred = 100 * protobuf_c_enum_descriptor_get_value_by_name(&onward__service_group__descriptor, group)->value;
  tell("  And of that?\n");
  return ask_code(c, q->codes, hundred, hundred + 99, false, q->help, code);
}

static enum exit_code ask_choice(const struct call *c, const struct question *q, json_t *form)
{
  const char *code = NULL;
  bool service = q->codes == &onward__service_code__descriptor;
  enum exit_code result = service ? ask_service(c, q, &code)
                                  : ask_code(c, q->codes, 1, INT32_MAX, q->use != USE_COMPULSORY, q->help, &code);
  if (result == DONE && code != NULL)
    path_set(form, q->path, json_string(code));
  return result;
}

static enum exit_code ask_written(const struct call *c, const struct question *q, json_t *form, const json_t *directory)
{
  char line[ANSWER_SIZE];
  json_t *value = NULL;
  enum exit_code result = DONE;
  if (q->kind == ASK_ORGANISATIONS)
    list_candidates(directory);
  while (value == NULL) {
    result = ask_line(c, "> ", line);
    if (result != DONE || (line[0] == 0 && q->use != USE_COMPULSORY))
      break;
    if (strcmp(line, "?") == 0)
      tell("  %s\n", q->help);
    else if (line[0] == 0)
      tell("  This one is compulsory. A question mark (?) tells more.\n");
    else
      value = read_answer(q, line, directory);
  }
  wipe(line, sizeof line);
  if (value != NULL)
    path_set(form, q->path, value);
  return result;
}

enum exit_code form_ask_one(const struct call *c, const struct question *q, json_t *form, const json_t *directory)
{
  tell("\n%s%s\n", q->ask, q->use == USE_COMPULSORY ? "" : " (may be left empty)");
  return q->kind == ASK_CODE ? ask_choice(c, q, form) : ask_written(c, q, form, directory);
}

static bool is_answered(const json_t *form, const char *path)
{
  const json_t *value = path_get(form, path);
  return value != NULL && !json_is_null(value);
}

static bool is_due(const struct question *q, const json_t *form, bool more)
{
  if (q->use == USE_UNASKED || (q->use == USE_MORE) != more || is_answered(form, q->path))
    return false;
  if (q->only_if != NULL && !is_answered(form, q->only_if))
    return false;
  return q->unless == NULL || !is_answered(form, q->unless) || json_is_false(path_get(form, q->unless));
}

static enum exit_code ask_all(const struct call *c, json_t *form, const char *part, const json_t *directory, bool more)
{
  for (size_t i = 0; i < questions_count; i++) {
    const struct question *q = &questions[i];
    if (strncmp(q->path, part, strlen(part)) != 0 || !is_due(q, form, more))
      continue;
    enum exit_code result = form_ask_one(c, q, form, directory);
    if (result != DONE)
      return result;
  }
  return DONE;
}

enum exit_code form_ask(const struct call *c, json_t *form, const char *part, const json_t *directory)
{
  return ask_all(c, form, part, directory, false);
}

enum exit_code form_ask_more(const struct call *c, json_t *form, const json_t *directory)
{
  return ask_all(c, form, "", directory, true);
}
