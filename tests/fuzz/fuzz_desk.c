/* Lines as they come over an agent's local socket: one request each, answered one after the other. Each gets one
 * answer, of the form that docs/spec/local-socket.md tells, and leaves an agent that answers the next. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "agents/desk.h"
#include "agents/json_wipe.h"
#include "tests/unit/office.h"

enum { LINES_MAX = 8 };

static void end(void)
{
  office_teardown(NULL);
  office_end(NULL);
}

/* An office that has one case of its own in the outbox, under the reference R, and one that came. */
static void begin(void)
{
  json_wipe_install();
  must(office_keys(NULL) == 0 && office_setup(NULL) == 0);
  must(atexit(end) == 0);
  world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(0);
  must(office_deliver(&mail) == OK);
}

static bool known_code(const char *code)
{
  static const char *const codes[] = {"bad_input", "not_allowed", "not_found", "locked", "full"};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (code != NULL && strcmp(code, codes[i]) == 0)
      return true;
  return false;
}

static void ask(const uint8_t *line, size_t size)
{
  bool watch = false;
  json_t *answer = desk_answer(&agent, (const char *)line, size, DESK_WAITS_MAX, &watch);
  bool done = json_is_true(json_object_get(answer, "ok"));
  must(json_is_object(answer) && !agent.broken && (done || !watch));
  must(done || known_code(json_string_value(json_object_get(answer, "code"))));
  must(done || json_is_string(json_object_get(answer, "what")));
  char *text = json_dumps(answer, JSON_COMPACT); /* it can be said */
  must(text != NULL && strchr(text, '\n') == NULL);
  wiped_free(text);
  json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static bool begun;
  if (!begun)
    begin();
  begun = true;
  for (int lines = 0; lines < LINES_MAX; lines++) {
    const uint8_t *next = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t line_size = next != NULL ? (size_t)(next - data) : size;
    ask(data, line_size);
    if (next == NULL)
      break;
    data = next + 1;
    size -= line_size + 1;
  }
  keys_lock(&agent.keys);
  return 0;
}
