/* `onward` alone: what to do now, most urgent first, with the next command under each line. Messages about safety and
 * whom to phone come first, then alarms, then what is overdue or waits for people here; at the end, what waits for
 * others.
 */
#include <string.h>

#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/items.h"
#include "agents/onward/sentences.h"
#include "agents/onward/trouble.h"
#include "agents/onward/words.h"

struct today {
  const json_t *status;
  const json_t *items;
  const char *own;
  size_t tasks, with_others;
};

static enum exit_code say_alarms(struct call *c, struct today *t)
{
  bool waits = false;
  const json_t *alarms = json_object_get(t->status, "alarms");
  for (size_t i = 0; i < json_array_size(alarms); i++) {
    const char *alarm = json_string_value(json_array_get(alarms, i));
    say("! %s\n          onward alarms\n\n", alarm == NULL ? "" : alarm);
    t->tasks++;
  }
  enum exit_code code = say_replacement(c, t->status, &waits);
  if (code == DONE && is_refused(t->status))
    code = say_connection(c, t->status);
  if (waits || is_refused(t->status)) {
    say("\n");
    t->tasks++;
  }
  return code;
}

/* Somebody has a case, or said yes to it, and cannot open it before this. */
static void say_waiting(struct today *t)
{
  uint64_t waiting = number_of(t->status, "waits_for_unlock");
  if (waiting == 0)
    return;
  say("%llu of your cases cannot be opened yet by those who have them: unlock, and it is put right by itself.\n"
      "          onward unlock\n\n",
      (unsigned long long)waiting);
  t->tasks++;
}

/* For the organisation of last resort. Which items these are nobody here may know: a call is what helps. */
static void say_unattended(struct today *t)
{
  const json_t *list = json_object_get(t->status, "unattended");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    char when[TIME_WORDS_SIZE], call[CALL_WORDS_SIZE];
    uint64_t count = number_of(one, "count"), hours = number_of(one, "oldest_h");
    say("! %s: %llu item%s unattended at %s, oldest ", time_words(number_of(one, "since_ms"), when),
        (unsigned long long)count, count == 1 ? "" : "s", text_of(one, "name"));
    say(hours == 0 ? "less than an hour" : "%llu hour%s", (unsigned long long)hours, hours == 1 ? "" : "s");
    say(": telephone them\n          %s\n", call_words(one, call));
    t->tasks++;
  }
}

/* For registrars. The case itself is not here: a call is what helps. */
static void say_told(struct today *t)
{
  const json_t *list = json_object_get(t->status, "told");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i), *whom = json_object_get(one, "call");
    char when[TIME_WORDS_SIZE], call[CALL_WORDS_SIZE];
    say("! %s, told to registrars: %s  ", text_of(one, "short"), time_words(number_of(one, "time_ms"), when));
    say_entry(one);
    if (whom != NULL)
      say("          %s\n", call_words(whom, call));
    t->tasks++;
  }
}

static bool is_urgent_draft(const json_t *item)
{
  return strcmp(text_of(item, "priority"), "HIGH") == 0 && strcmp(text_of(item, "state"), "draft") == 0 &&
         !item_is_refused(item);
}

/* Nobody has heard of it, and people here think that it is done. */
static bool is_stuck(const struct today *t, const json_t *item)
{
  enum { SOON_MS = 60000 };
  bool away = !flag_of(t->status, "connected") || flag_of(t->status, "stalled") || flag_of(t->status, "busy");
  bool old = number_of(item, "since_ms") + SOON_MS < now_ms();
  return is_urgent_draft(item) ? away || old : away && item_has_own_step(item);
}

/* Who is to hear of it: of a draft the first of the list. */
static const char *whom_to_call(const json_t *item)
{
  if (strcmp(text_of(item, "role"), "sender") != 0)
    return text_of(item, "sender");
  if (text_of(item, "with")[0] != 0)
    return text_of(item, "with");
  return text_of(json_array_get(json_object_get(item, "parties"), 0), "id");
}

/* With the telephone out of the directory. */
static enum exit_code say_phone(struct call *c, const json_t *item)
{
  json_t *answer = NULL;
  const char *id = whom_to_call(item);
  enum exit_code code = client_do(c, client_request("directory"), &answer);
  const json_t *list = json_object_get(answer, "organisations");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (strcmp(text_of(one, "id"), id) != 0)
      continue;
    say(is_urgent_draft(item) ? "          it is urgent and not sent: "
                              : "          they do not know of it yet; if it is urgent, ");
    char call[CALL_WORDS_SIZE];
    say("%s", call_words(one, call));
  }
  json_decref(answer);
  return code;
}

/* What can be done with it. */
static void say_commands(const struct today *t, const json_t *item)
{
  bool fresh = flag_of(item, "new") && !list_has(json_object_get(item, "awaited"), "acknowledge");
  if (fresh || !item_is_ours(item, t->own))
    say("          onward show %s\n", text_of(item, "short"));
  say_next(item, t->own);
}

/* What can be done with it, behind what it is. */
static void say_task(struct today *t, const json_t *item)
{
  say_item(item, t->own);
  say_commands(t, item);
  say("\n");
  t->tasks++;
}

/* What is to be read or phoned about before anything else. */
static void say_urgent(struct today *t)
{
  for (size_t i = 0; i < json_array_size(t->items); i++)
    if (item_is_urgent(json_array_get(t->items, i)))
      say_task(t, json_array_get(t->items, i));
}

static bool is_task(const struct today *t, const json_t *item)
{
  return item_is_ours(item, t->own) || json_object_get(item, "refused") != NULL || flag_of(item, "new") ||
         item_is_late(item);
}

static enum exit_code say_stuck(struct call *c, struct today *t)
{
  enum exit_code code = DONE;
  for (size_t i = 0; code == DONE && i < json_array_size(t->items); i++) {
    const json_t *item = json_array_get(t->items, i);
    if (item_is_urgent(item) || !is_stuck(t, item))
      continue;
    say_item(item, t->own);
    code = say_phone(c, item);
    if (is_task(t, item))
      say_commands(t, item);
    say("\n");
    t->tasks++;
  }
  return code;
}

static void say_tasks(struct today *t)
{
  for (size_t i = 0; i < json_array_size(t->items); i++) {
    const json_t *item = json_array_get(t->items, i);
    const char *from = text_of(item, "awaited_from");
    t->with_others += from[0] != 0 && strcmp(from, t->own) != 0;
    if (!item_is_urgent(item) && !is_stuck(t, item) && is_task(t, item))
      say_task(t, item);
  }
}

static enum exit_code say_rest(struct call *c, const struct today *t)
{
  if (t->tasks == 0)
    say("Nothing waits for you.\n");
  if (t->with_others > 0)
    say("%zu with others, whose step is next: onward sent, onward inbox\n", t->with_others);
  enum exit_code code = is_refused(t->status) ? DONE : say_connection(c, t->status);
  say_unsent(t->status);
  say_backup(t->status);
  if (flag_of(t->status, "locked"))
    say("The cases are locked. To open them for the working day: onward unlock\n");
  return code;
}

enum exit_code run_today(struct call *c)
{
  json_t *status = NULL, *answer = NULL;
  json_t *request = client_request("list");
  json_object_set_new(request, "box", json_string("all"));
  enum exit_code code = client_do(c, client_request("status"), &status);
  if (code == DONE)
    code = client_do(c, request, &answer);
  else
    json_decref(request);
  struct today t = {status, json_object_get(answer, "items"), text_of(status, "organisation"), 0, 0};
  if (code == DONE && c->json) {
    json_object_set(answer, "status", status);
    say_json(answer);
  } else if (code == DONE) {
    say("%s\n\n", text_of(status, "name")[0] != 0 ? text_of(status, "name") : t.own);
    say_urgent(&t);
    code = say_alarms(c, &t);
    if (code == DONE) {
      say_unattended(&t);
      say_told(&t);
      say_waiting(&t);
      t.tasks += say_erased(t.status);
      t.tasks += say_soon(t.status);
      code = say_stuck(c, &t);
      say_tasks(&t);
    }
    if (code == DONE)
      code = say_rest(c, &t);
  }
  json_decref(status);
  json_decref(answer);
  return code;
}
