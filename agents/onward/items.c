/* Lists: inbox, sent, outbox. They hold nothing of a case, and work while it is locked. What they say may have moved on
 * while the exchange is not connected: that is said, too.
 */
#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/items.h"
#include "agents/onward/sentences.h"
#include "agents/onward/trouble.h"
#include "agents/onward/words.h"

enum exit_code client_own(struct call *c, char own[OWN_SIZE], json_t **status)
{
  enum exit_code code = client_do(c, client_request("status"), status);
  snprintf(own, OWN_SIZE, "%s", text_of(*status, "organisation"));
  return code;
}

static void say_nothing_there(const char *box)
{
  if (strcmp(box, "inbox") == 0)
    say("Nothing is in your inbox.\n");
  else
    say(strcmp(box, "sent") == 0 ? "You have sent nothing yet.\n" : "Everything has been sent from this computer.\n");
}

enum exit_code run_list(struct call *c)
{
  const char *box = c->command->name;
  char own[OWN_SIZE];
  json_t *request = client_request("list"), *answer = NULL, *status = NULL;
  json_object_set_new(request, "box", json_string(box));
  enum exit_code code = client_do(c, request, &answer);
  if (code != DONE || client_print_json(c, answer)) {
    json_decref(answer);
    return code;
  }
  code = client_own(c, own, &status);
  const json_t *items = json_object_get(answer, "items");
  const json_t *registry = strcmp(box, "outbox") == 0 ? json_object_get(answer, "registry") : NULL;
  if (code == DONE && say_steps(registry, "In the directory, ") + json_array_size(items) == 0)
    say_nothing_there(box);
  for (size_t i = 0; code == DONE && i < json_array_size(items); i++) {
    say_item(json_array_get(items, i), own);
    say("\n");
  }
  if (code == DONE)
    code = say_connection(c, status);
  json_decref(status);
  json_decref(answer);
  return code;
}
