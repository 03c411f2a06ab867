/* What a person asks for on the command line: times, and kinds of acts. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents/audit/audit.h"

/* The forms of a time, the coarsest first, and how many ms more each one names. */
bool time_parse(const char *text, bool last, uint64_t *out)
{
  static const struct {
    const char *form;
    uint64_t more_ms;
  } forms[] = {{"%Y-%m-%d", 86399999}, {"%Y-%m-%dT%H:%MZ", 59999}, {"%Y-%m-%dT%H:%M:%SZ", 999}};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct tm given = {0};
    const char *end = strptime(text, forms[i].form, &given);
    struct tm real = given;
    time_t seconds = timegm(&real); /* a day that the month does not have would come back as another */
    if (end == NULL || *end != 0 || real.tm_mday != given.tm_mday || real.tm_min != given.tm_min || seconds < 0)
      continue;
    *out = (uint64_t)seconds * 1000 + (last ? forms[i].more_ms : 0);
    return true;
  }
  return false;
}

static act_kind act_of(const char *name, size_t size)
{
  for (unsigned i = 0; i < onward__core__descriptor.n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &onward__core__descriptor.fields[i];
    act_kind act = (act_kind)field->id;
    if (strlen(act_name(act)) == size && memcmp(act_name(act), name, size) == 0)
      return act;
  }
  return 0;
}

bool acts_parse(const char *names, struct act_set *out)
{
  for (;; names++) {
    size_t size = strcspn(names, ",");
    act_kind act = act_of(names, size);
    if (act == 0 || (unsigned)act >= sizeof out->chosen)
      return false;
    out->any = out->chosen[act] = true;
    names += size;
    if (*names == 0)
      return true;
  }
}

const char *acts_expected(void)
{
  static char text[2000];
  struct writer w = writer_of(text, sizeof text - 1);
  write_text(&w, "--kind: expected one or more of");
  for (unsigned i = 0; i < onward__core__descriptor.n_fields; i++) {
    const char *name = act_name((act_kind)onward__core__descriptor.fields[i].id);
    if (name[0] == '?')
      continue;
    write_text(&w, " ");
    write_text(&w, name);
  }
  must(!w.overflow);
  text[w.size] = 0;
  return text;
}
