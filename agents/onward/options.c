/* Values are only brought into form here: whether they are right is for Onward on this computer to say. */
#include "agents/onward/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/onward/questions.h"

static json_t *code_value(const char *value, const char *prefix)
{
  char code[64];
  size_t size = 0;
  for (const char *p = value; *p != 0 && size + 1 < sizeof code; p++)
    code[size++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p == '-' ? '_' : *p);
  code[size] = 0;
  bool has_prefix = strncmp(code, prefix, strlen(prefix)) == 0;
  return json_sprintf("%s%s", has_prefix ? "" : prefix, code);
}

static json_t *list_value(const char *value)
{
  json_t *list = json_array();
  while (*value != 0) {
    size_t size = strcspn(value, ",");
    if (size > 0 && json_array_append_new(list, json_stringn(value, size)) != 0) { /* no UTF-8 */
      json_decref(list);
      return NULL;
    }
    value += size + (value[size] == ',');
  }
  return list;
}

static json_t *option_value(const struct option_rule *rule, const char *value)
{
  switch (rule->kind) {
  case OPTION_CODE:
    return code_value(value, rule->prefix == NULL ? "" : rule->prefix);
  case OPTION_LIST:
    return list_value(value);
  case OPTION_TRUE:
    return json_true();
  case OPTION_FALSE:
    return json_false();
  default:
    return json_string(value);
  }
}

enum exit_code options_number(const struct call *c, const char *what, const char *text, json_t *object,
                              const char *path)
{
  char *end;
  errno = 0;
  long long n = strtoll(text, &end, 10);
  if (end == text || *end != 0 || n < 0 || errno != 0)
    return call_fail(c, WRONG_USAGE, NULL, "%s must be a whole number", what);
  path_set(object, path, json_integer(n));
  return DONE;
}

enum exit_code options_apply(const struct call *c, const struct option_rule *rules, size_t count, json_t *object)
{
  for (size_t i = 0; i < count; i++) {
    const char *value = call_option(c, rules[i].option);
    if (value == NULL)
      continue;
    if (rules[i].kind == OPTION_NUMBER) {
      enum exit_code code = options_number(c, rules[i].option, value, object, rules[i].path);
      if (code != DONE)
        return code;
      continue;
    }
    bool flag = rules[i].kind == OPTION_TRUE || rules[i].kind == OPTION_FALSE;
    json_t *member = value[0] == 0 && !flag ? NULL : option_value(&rules[i], value);
    if (member == NULL)
      return call_fail(c, WRONG_USAGE, NULL, "%s needs a value in UTF-8", rules[i].option);
    path_set(object, rules[i].path, member);
  }
  return DONE;
}
