/* Two tables: what each clock waits for, and how each state reads at the sender and at the recipient. The rest puts
 * names and times around them. A state or an act that is newer than this program is printed as it is called in the log.
 */
#include "agents/onward/sentences.h"

#include <stdio.h>
#include <string.h>

#include "agents/onward/act_words.h"
#include "agents/onward/words.h"

/* --- clocks --- */

/* What should have happened, behind "it was due that ... ". */
static const struct {
  const char *clock, *due;
} clocks[] = {
    {"RECEIVE", "it arrives on the computer of %s"},
    {"READ", "a person at %s reads it"},
    {"DECIDE", "%s says yes or no"},
    {"CONTACT", "%s begins to help"},
    {"RETURNED_ACT", "%s chooses whom to ask next, or closes it"},
    {"RESEAL_ASKED", "%s seals it again: unlock there, and it is done by itself"},
    {"REPORT", "%s reports progress"},
    {"CLOSING", "%s reads the result and closes it"},
    {"ERASURE", "%s erases the case, or says why it must keep it"},
    {"SAFETY_READ", "a person at %s reads the message about safety"},
    {"EXPECTED", "%s begins, as the waiting list said"},
    {"CONSENT_END", "%s renews the consent: it has ended, and nobody new is asked"},
};

const char *clock_words(const char *clock, const char *name, char words[CLOCK_WORDS_SIZE])
{
  for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
    const char *at = strstr(clocks[i].due, "%s");
    if (strcmp(clocks[i].clock, clock) == 0) {
      snprintf(words, CLOCK_WORDS_SIZE, "%.*s%s%s", (int)(at - clocks[i].due), clocks[i].due, name, at + 2);
      return words;
    }
  }
  snprintf(words, CLOCK_WORDS_SIZE, "%s: %s", clock, name);
  return words;
}

/* --- states --- */

static const struct {
  const char *state;
  const char *at_sender; /* behind the name of the organisation that has it, where `named` */
  bool named;
  const char *at_recipient;
} states[] = {
    {"requested", "sent, not yet arrived on their computer", true, "on its way to you"},
    {"received", "arrived on their computer, nobody there has read it yet", true,
     "arrived on this computer, nobody here has read it yet"},
    {"acknowledged", "a person has read it", true, "a person here has read it, the sender waits for yes or no"},
    {"waitlisted", "they will help, there is a waiting list", true, "on your waiting list"},
    {"accepted", "they will help", true, "you will help"},
    {"in_progress", "they are helping", true, "you are helping"},
    {"completed", "they have finished, their result waits to be read", true,
     "you have finished, the sender has not closed it yet"},
    {"returned", "it came back: nobody has it now", false, "it went back to its sender"},
    {"closed", "finished and closed", false, "finished and closed"},
    {"cancelled", "you took it back", false, "the sender took it back"},
    {"withdrawn", "ended: the consent was withdrawn", false, "ended: the consent was withdrawn"},
    {"error", "ended: it was sent by mistake", false, "ended: it was sent by mistake"},
    {"own", "kept by yourselves", false, ""},
    {"left", "it moved on", false, "no longer with you"},
    {"lost", "the exchange lost it", true, "lost by the exchange, which was restored from a backup"},
    {"gone", "it moved on", false, "it moved on to others before it arrived on this computer"},
};

static const char *list_text(const json_t *list, size_t i)
{
  const char *text = json_string_value(json_array_get(list, i));
  return text == NULL ? "" : text;
}

static bool is_sender(const json_t *item)
{
  return strcmp(text_of(item, "role"), "sender") == 0;
}

/* A name beside its id: "who" and "who_name". */
static const char *name_of(const json_t *item, const char *id_key, const char *name_key)
{
  const char *name = text_of(item, name_key);
  return name[0] != 0 ? name : text_of(item, id_key);
}

/* A draft is on this computer only; what the exchange confirmed is none any more. */
static const char *draft_words(const json_t *item)
{
  const char *delivery = text_of(item, "delivery");
  if (strcmp(delivery, "not_sent") == 0)
    return "not yet sent from this computer";
  return strcmp(delivery, "sent") == 0 ? "sent, not yet confirmed by the exchange" : "not taken by the exchange";
}

/* Whether this act of ours waits to be recorded. */
static bool has_step(const json_t *item, const char *act)
{
  const json_t *steps = json_object_get(item, "steps");
  for (size_t i = 0; i < json_array_size(steps); i++)
    if (strcmp(text_of(json_array_get(steps, i), "act"), act) == 0)
      return true;
  return false;
}

/* What stands beside the state, how it reads at the sender and at the recipient, and for whom. */
static const struct {
  const char *flag, *at_sender, *at_recipient;
} flags[] = {
    {"safety_at_sender", "; they wrote about safety: read it before anything else",
     "; your message about safety is not read yet"},
    {"safety_at_recipient", "; your message about safety is not read yet",
     "; the sender wrote about safety: read it before anything else"},
    {"cancel_open", "; your wish to take it back is not answered yet", "; the sender wishes to take it back"},
    {"info_open", "; they have asked a question", "; your question is not answered yet"},
    {"reseal_asked", "; they cannot open it, and it is sealed again by itself",
     "; it cannot be opened here, and the sender was asked to seal it again"},
};

/* What we have read is not said again while that waits to be recorded. */
static void add_flags(const json_t *item, char words[STATE_WORDS_SIZE])
{
  const json_t *list = json_object_get(item, "flags");
  bool read = !item_must_be_read(item);
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    bool ours = strcmp(flags[i].flag, is_sender(item) ? "safety_at_sender" : "safety_at_recipient") == 0;
    size_t size = strlen(words);
    if (list_has(list, flags[i].flag) && !(ours && read))
      snprintf(words + size, STATE_WORDS_SIZE - size, "%s",
               is_sender(item) ? flags[i].at_sender : flags[i].at_recipient);
  }
}

const char *state_words(const json_t *item, char words[STATE_WORDS_SIZE])
{
  const char *state = text_of(item, "state"), *plain = state, *name = "";
  if (strcmp(state, "draft") == 0)
    plain = draft_words(item);
  if (strcmp(state, "received") == 0 && !is_sender(item) && has_step(item, "acknowledge"))
    state = "acknowledged"; /* whoever has read it knows that, before it is recorded */
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
    if (strcmp(states[i].state, state) == 0) {
      plain = is_sender(item) ? states[i].at_sender : states[i].at_recipient;
      if (is_sender(item) && states[i].named)
        name = text_of(item, "with")[0] != 0 ? name_of(item, "with", "with_name") : name_of(item, "who", "who_name");
    }
  snprintf(words, STATE_WORDS_SIZE, "%s%s%s", name, name[0] == 0 ? "" : ": ", plain);
  add_flags(item, words);
  return words;
}

/* What the computer does by itself has no command. */
bool item_is_ours(const json_t *item, const char *own)
{
  const char *from = text_of(item, "awaited_from");
  const json_t *awaited = json_object_get(item, "awaited");
  for (size_t i = 0; i < json_array_size(awaited) && from[0] != 0 && strcmp(from, own) == 0; i++) {
    const struct act_words *found = act_words_of(list_text(awaited, i));
    if (found != NULL && found->command != NULL)
      return true;
  }
  return false;
}

bool item_must_be_read(const json_t *item)
{
  const json_t *list = json_object_get(item, "flags"), *awaited = json_object_get(item, "awaited");
  return list_has(list, is_sender(item) ? "safety_at_sender" : "safety_at_recipient") &&
         list_has(awaited, "acknowledge");
}

bool item_is_urgent(const json_t *item)
{
  return item_must_be_read(item) || json_object_get(item, "call") != NULL;
}

const char *item_name(const json_t *item, const char *id)
{
  static const char *const pairs[][2] = {{"sender", "sender_name"}, {"with", "with_name"}, {"who", "who_name"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    if (strcmp(text_of(item, pairs[i][0]), id) == 0)
      return name_of(item, pairs[i][0], pairs[i][1]);
  const json_t *parties = json_object_get(item, "parties");
  for (size_t i = 0; i < json_array_size(parties); i++)
    if (strcmp(text_of(json_array_get(parties, i), "id"), id) == 0)
      return name_of(json_array_get(parties, i), "id", "name");
  return id;
}

/* --- printing --- */

/* "to A21 Cambodia, APLE" in the order of the list, or "from Police". */
static void say_parties(const json_t *item)
{
  if (!is_sender(item)) {
    say("from %s", name_of(item, "sender", "sender_name"));
    return;
  }
  const json_t *parties = json_object_get(item, "parties");
  const char *before = "to ";
  for (size_t rank = 1; rank <= json_array_size(parties); rank++)
    for (size_t i = 0; i < json_array_size(parties); i++) {
      const json_t *party = json_array_get(parties, i);
      if (number_of(party, "rank") != rank)
        continue;
      say("%s%s", before, name_of(party, "id", "name"));
      before = ", then ";
    }
  if (strcmp(before, "to ") == 0)
    say("with %s", name_of(item, "with", "with_name"));
}

static void say_heading(const json_t *item)
{
  char priority[CODE_WORDS_SIZE];
  say("%s  %s priority, %s, ", text_of(item, "short"), code_words(text_of(item, "priority"), priority),
      group_words(text_of(item, "group")));
  say_parties(item);
  const char *ref = text_of(item, "ref");
  say("%s%s%s%s\n", ref[0] == 0 ? "" : ", your reference ", ref, flag_of(item, "drill") ? " (an exercise)" : "",
      flag_of(item, "new") ? " (new)" : "");
}

static void say_since(const json_t *item)
{
  char since[TIME_WORDS_SIZE], ago[TIME_WORDS_SIZE];
  uint64_t ms = number_of(item, "since_ms");
  if (ms > 0)
    say(", since %s, %s", time_words(ms, since), ago_words(ms, ago));
}

/* Awaited acts that read the same are said once. */
static void say_awaited(const json_t *item, const char *own)
{
  const json_t *awaited = json_object_get(item, "awaited");
  const char *from = text_of(item, "awaited_from");
  if (json_array_size(awaited) == 0 || from[0] == 0 || (strcmp(from, own) == 0 && !item_is_ours(item, own)))
    return;
  const char *name = strcmp(from, own) == 0 ? "you" : item_name(item, from);
  say("          awaited from %s: ", name);
  for (size_t i = 0; i < json_array_size(awaited); i++) {
    const char *words = act_awaited(list_text(awaited, i));
    bool said = false;
    for (size_t j = 0; j < i && !said; j++)
      said = strcmp(act_awaited(list_text(awaited, j)), words) == 0;
    if (!said)
      say("%s%s", i == 0 ? "" : ", or ", words);
  }
  say("\n");
}

static void say_responsible(const json_t *item, const char *own)
{
  const char *who = text_of(item, "who");
  if (who[0] != 0)
    say("          responsible for the child: %s%s\n", strcmp(who, own) == 0 ? "you" : name_of(item, "who", "who_name"),
        has_step(item, "accept") ? ", until your yes is recorded" : "");
}

static bool is_own_step(const json_t *step)
{
  const struct act_words *found = act_words_of(text_of(step, "act"));
  return found != NULL && found->own;
}

bool item_has_own_step(const json_t *item)
{
  const json_t *steps = json_object_get(item, "steps");
  for (size_t i = 0; i < json_array_size(steps); i++)
    if (is_own_step(json_array_get(steps, i)))
      return true;
  return false;
}

size_t say_steps(const json_t *steps, const char *before)
{
  size_t said = 0;
  for (size_t i = 0; i < json_array_size(steps); i++) {
    const json_t *step = json_array_get(steps, i);
    if (!is_own_step(step))
      continue;
    said++;
    say("%syou %s: %s\n", before, act_did(text_of(step, "act")),
        strcmp(text_of(step, "delivery"), "sent") == 0 ? "sent, waiting to be recorded"
                                                       : "written down on this computer, not yet sent");
  }
  return said;
}

/* What is on its way besides, and what was not taken. */
static void say_own_steps(const json_t *item)
{
  say_steps(json_object_get(item, "steps"), "          ");
  const json_t *refused = json_object_get(item, "refused");
  if (refused != NULL)
    say("          not taken: that you %s. %s\n", act_did(text_of(refused, "act")), text_of(refused, "what"));
}

/* What a yes brings: it comes by itself, as soon as the sender's computer has heard of the yes. */
static void say_file(const json_t *item)
{
  const char *state = text_of(item, "state");
  if (!is_sender(item) && (strcmp(state, "accepted") == 0 || strcmp(state, "in_progress") == 0))
    say("          name and contact: %s%s\n",
        flag_of(item, "has_file") ? "here, onward show " : "on their way from the sender",
        flag_of(item, "has_file") ? text_of(item, "short") : "");
}

/* Another step than waiting, where the sender has one. */
static bool may_say_next(const json_t *item)
{
  const char *state = text_of(item, "state");
  return is_sender(item) &&
         (strcmp(state, "requested") == 0 || strcmp(state, "received") == 0 || strcmp(state, "acknowledged") == 0);
}

static void say_phone(const json_t *contact)
{
  char call[CALL_WORDS_SIZE];
  say("            %s", call_words(contact, call));
}

static void say_overdue(const json_t *item, const char *own)
{
  const json_t *list = json_object_get(item, "overdue");
  for (size_t i = 0; i < json_array_size(list); i++) {
    char words[CLOCK_WORDS_SIZE], since[TIME_WORDS_SIZE], ago[TIME_WORDS_SIZE];
    const json_t *one = json_array_get(list, i);
    uint64_t ms = number_of(one, "since_ms");
    bool ours = strcmp(text_of(one, "id"), own) == 0;
    say("        ! overdue since %s, %s: it was due that %s\n", time_words(ms, since), ago_words(ms, ago),
        clock_words(text_of(one, "clock"), ours ? "your organisation" : name_of(one, "id", "name"), words));
    if (!ours)
      say_phone(one);
    if (!ours && may_say_next(item))
      say("            or ask the next one: onward next %s\n", text_of(item, "short"));
  }
}

static void say_call_now(const json_t *item)
{
  const json_t *call = json_object_get(item, "call");
  if (call == NULL)
    return;
  say(strcmp(text_of(call, "why"), "safety") == 0
          ? "        ! your message about safety is not read yet: do not wait, phone them\n"
          : "        ! it is urgent, and has not left this computer: phone them\n");
  say_phone(call);
}

static void say_erasures(const json_t *item, const char *own)
{
  const json_t *list = json_object_get(item, "to_erase"), *kept = json_object_get(item, "kept_by");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    const char *late = flag_of(one, "overdue") ? ", which is overdue" : "";
    if (strcmp(text_of(one, "id"), own) == 0) {
      say("        ! you have to erase this case%s\n", late);
      continue;
    }
    say("        %s still to be erased by %s%s\n", late[0] != 0 ? "!" : " ", name_of(one, "id", "name"), late);
    if (late[0] != 0)
      say_phone(one);
  }
  for (size_t i = 0; i < json_array_size(kept); i++) {
    const char *id = text_of(json_array_get(kept, i), "id");
    say("          kept by law by %s\n", strcmp(id, own) == 0 ? "you" : name_of(json_array_get(kept, i), "id", "name"));
  }
}

static void say_expected(const json_t *item)
{
  char date[TIME_WORDS_SIZE];
  uint64_t ms = number_of(item, "expected_ms");
  if (ms > 0)
    say("          expected to begin %s\n", time_words(ms, date));
}

void say_item(const json_t *item, const char *own)
{
  char state[STATE_WORDS_SIZE];
  say_heading(item);
  say("          %s", state_words(item, state));
  say_since(item);
  say("\n");
  say_call_now(item);
  say_overdue(item, own);
  say_erasures(item, own);
  say_expected(item);
  say_own_steps(item);
  say_awaited(item, own);
  say_responsible(item, own);
  say_file(item);
}

bool item_is_late(const json_t *item)
{
  const json_t *list = json_object_get(item, "to_erase");
  bool late = json_array_size(json_object_get(item, "overdue")) > 0;
  for (size_t i = 0; i < json_array_size(list); i++)
    late |= flag_of(json_array_get(list, i), "overdue");
  return late;
}

/* A referral that was not taken stays until somebody puts it away. */
bool item_is_refused(const json_t *item)
{
  return strcmp(text_of(item, "state"), "draft") == 0 && strcmp(text_of(item, "delivery"), "logged") == 0;
}

void say_next(const json_t *item, const char *own)
{
  if (item_is_refused(item))
    say("          send it again: onward refer\n          put this one away: onward cancel %s\n",
        text_of(item, "short"));
  const json_t *awaited = json_object_get(item, "awaited");
  for (size_t i = 0; item_is_ours(item, own) && i < json_array_size(awaited); i++) {
    const struct act_words *found = act_words_of(list_text(awaited, i));
    const char *id = found == NULL || found->command == NULL ? NULL : strstr(found->command, "ID");
    if (id != NULL)
      say("          onward %.*s%s%s\n", (int)(id - found->command), found->command, text_of(item, "short"), id + 2);
  }
}
