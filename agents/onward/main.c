/* onward: what the people of an organisation, and their scripts, do with Onward. One table says which commands there
 * are; options are read by its usage lines; everything else is in the file of each command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/form.h"
#include "agents/json_wipe.h"
#include "agents/keys.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/words.h"
#include "proto/seal/sign.h"

#define NOTE "[--note FILE|-]"
#define NEED                                                                                                           \
  "[--need CODE] [--area CODE] [--age-band BAND] [--age YEARS] [--language CODE] [--priority HIGH|MEDIUM|LOW] "        \
  "[--never ORG,...]"

static enum exit_code run_help(struct call *c);

static const struct command commands[] = {
    {"init", run_init,
     "[--organisation ID] [--name NAME] [--kind STATUTORY|NGO|HEALTH|LEGAL|HOTLINE|UN] [--telephone T] [--hours H] "
     "[--recovery-file FILE] [--no-recovery]",
     "Make this organisation's keys, its recovery words, and the request that a registrar enrols."},
    {"join", run_join, "INVITATION", "Join the network that the invitation is from."},
    {"run", run_run, "", "Start Onward on this computer."},
    {"refer", run_refer,
     "[FILE|-] [--form] [--yes] [--need CODE] [--first NUMBER] [--to ORG,...] [--priority HIGH|MEDIUM|LOW] "
     "[--basis CODE] [--scope ORG,...] [--never ORG,...] [--until DATE] [--group CODE] [--area CODE] [--ref TEXT] "
     "[--with ID] [--reroute SCOPE|LISTED|NEVER] [--phoned] [--drill] [--file-now] [--no-feedback]",
     "Refer a child, for one need or several: asks in the terminal, or takes JSON. --form prints an empty form."},
    {"inbox", run_list, "", "What has come for you."},
    {"sent", run_list, "", "What you sent, and how far it is."},
    {"outbox", run_list, "", "What is not yet sent from this computer."},
    {"show", run_show, "ID [--peek]",
     "Open one item; its sender is told that a person has read it, but not with --peek."},
    {"acknowledge", run_act, "ID", "Say that a person has read it."},
    {"accept", run_act, "ID [--first-contact DATE] " NOTE, "Say yes: you are responsible from now on."},
    {"decline", run_act, "ID [--reason CODE] [--by provider|client] " NOTE,
     "Say no: the next organisation on the sender's list is asked."},
    {"reroute", run_act, "ID [FILE|-] [--to ORG]", "Pass it on to an organisation that is better placed."},
    {"ask", run_ask, "[ID] " NOTE " " NEED " [--to ORG,...] [--until DATE]",
     "Ask the sender of ID a question before you decide; or, with --need, who would have a place."},
    {"answer", run_act, "ID " NOTE, "Answer their question."},
    {"waitlist", run_act, "ID [--expected DATE] " NOTE, "Say yes, but later: it is on your waiting list."},
    {"tell", run_act, "ID [--safety] " NOTE,
     "Write to the other side; with --safety they must read it before anything else."},
    {"start", run_act, "ID " NOTE, "Say that help has begun."},
    {"progress", run_act, "ID [--kind SESSION|APPOINTMENT|NO_SHOW|REMARK] " NOTE, "Report progress to the sender."},
    {"complete", run_act, "ID [--outcome CODE] " NOTE, "Report the result: you have finished."},
    {"fail", run_act, "ID [--reason CODE] " NOTE, "Say that you have to stop: it goes back to the sender."},
    {"close", run_act, "ID " NOTE, "Close what was finished, or came back, after you have read it."},
    {"readdress", run_act, "ID [--to ORG,...]", "Choose whom to ask next, after it came back."},
    {"next", run_act, "ID", "They are silent: ask the next organisation on your list."},
    {"raise", run_act, "ID [--priority HIGH|MEDIUM]", "It has become more urgent."},
    {"renew-consent", run_act, "ID [--scope ORG,...] [--until DATE]",
     "The child agreed anew: to whom the case may be given, and until when."},
    {"narrow-consent", run_act, "ID [--scope ORG,...]", "The child agrees to fewer organisations than before."},
    {"cancel", run_act, "ID " NOTE, "Take back what you sent; once a person may have read it, they have to agree."},
    {"confirm-cancel", run_act, "ID " NOTE, "Give back what the sender wishes to take back."},
    {"refuse-cancel", run_act, "ID " NOTE, "Keep what the sender wishes to take back."},
    {"withdraw", run_act, "ID " NOTE, "The consent was taken back: everybody who received the case must erase it."},
    {"error", run_act, "ID " NOTE, "It should never have been sent: everybody who received the case must erase it."},
    {"erase", run_act, "ID", "Erase a case that you have to erase, and sign that you did."},
    {"keep", run_act, "ID " NOTE, "Say that the law makes you keep a case that you should erase."},
    {"receipt", run_receipt, "ID [--entry NUMBER] [--all] [--out FILE]",
     "A file that proves to others that somebody has it, or another entry; or all of them, into a folder."},
    {"needs", run_needs, "[ID]", "What a child needs, and how far each need is."},
    {"directory", run_directory, "[--as-of INDEX|ID]",
     "Who is in the network, what they offer, and how to reach them; also as it was at an entry of the log."},
    {"candidates", run_candidates, NEED, "Who could help with a need, in which order, and why."},
    {"questions", run_questions, "", "Questions about places: yours with the answers, and those put to you."},
    {"place", run_place, "QUESTION [--status HAS|FULL|WAITLIST|NEEDS_ASSESSMENT] [--until DATE]",
     "Answer whether you would have a place."},
    {"areas", run_areas, "[CODE]", "Codes of provinces; with a code, of what lies in it."},
    {"service", run_service, "[FILE|-] [--form] [--end NUMBER]", "Describe a service that you offer, or end it."},
    {"capacity", run_capacity,
     "NUMBER [--available PLACES] [--maximum PLACES] [--status HAS|FULL|WAITLIST|NEEDS_ASSESSMENT] [--until DATE]",
     "Say how many places a service of yours has, and until when that can be relied on."},
    {"duty", run_duty, "[--telephone T] [--hours H]", "Say whom others are to phone, and when."},
    {"policy", run_policy, "", "How long each step may take in this network."},
    {"watch", run_watch, "[--exec CMD]", "Print what others do, as it comes; or start CMD with the id and the kind."},
    {"restored", run_restored, "[--yes]", "Agree that an exchange which was restored from a backup goes on."},
    {"lock", run_lock, "", "Lock the cases on this computer."},
    {"unlock", run_unlock, "", "Unlock them, with the passphrase."},
    {"rotate", run_rotate, "[--new-passphrase-file FILE]", "Make new keys, and a new passphrase."},
    {"backup", run_backup, "[FILE] [--check] [--new-words] [--destroyed] [--recovery-file FILE] [--yes]",
     "Write a backup of this computer into FILE, encrypted to the recovery words; also while Onward runs."},
    {"restore", run_restore, "FILE [--recovery-file FILE]",
     "Make a new data folder of a backup, with the recovery words."},
    {"status", run_status, "", "How it stands with the exchange and this computer."},
    {"alarms", run_alarms, "", "What went wrong with the exchange or the keys, also earlier."},
    {"evidence", run_evidence, "[KIND] --out DIR", "What proves that the exchange lied, as files for others."},
    {"registrar enrol", run_enrol,
     "FILE [--words WORDS] [--agreement-until DATE] [--out FILE] [--wait SECONDS] [--yes]",
     "Enrol an organisation: compares its six words, and writes its invitation."},
    {"registrar invitation", run_invitation, "ORG [--out FILE]",
     "Write the invitation of an organisation that you enrolled."},
    {"registrar suspend", run_suspend, "ORG [--as COMPROMISED|LAPSED|LEAVING] [--yes]",
     "Cut an organisation off, at once; or let it finish what it has."},
    {"registrar rotate", run_registrar_rotate, "FILE [--words WORDS] [--yes]",
     "Replace the keys of an organisation that lost them."},
    {"registrar stop", run_stop, "ORG", "Stop such a replacement."},
    {"registrar assure", run_assure, "ORG NUMBER [--take-back] [--yes]",
     "Assure that a service is as its organisation describes it; only then it is found by need."},
    {"registrar policy", run_registrar_policy, "[FILE|-] [--yes]",
     "Change how long each step may take: onward policy prints such a FILE."},
    {"registrar restore", run_restore_request, "FILE [--out FILE] [--yes]",
     "Sign that a log which was restored from a backup goes on: the operator's restore.request."},
    {"registrar mandate", run_mandate, "NAME [--organisation ORG] [--referral ID] [--from N] [--to N] [--yes]",
     "Let an office outside read entries of the log; everybody is shown that."},
    {"registrar names", run_names, "ORG,...", "Sign who may be named in reports: onward-audit report --names."},
    {"help", run_help, "", "This list."},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command today = {"", run_today, "", "What there is to do now, most urgent first."};

/* --- help --- */

static enum exit_code run_help(struct call *c)
{
  (void)c;
  say("onward: refer a child to an organisation that can help, and follow what becomes of it.\n\n  %-27s %s\n",
      "onward", today.sentence);
  for (int i = 0; i < COMMANDS; i++)
    say("  onward %-20s %s\n", commands[i].name, commands[i].sentence);
  say("\nMore about one of them: onward COMMAND --help, or: man onward\n");
  return DONE;
}

static enum exit_code help_one(struct call *c)
{
  const struct command *command = c->command;
  if (command == &today)
    return run_help(c);
  say("onward %s%s%s\n\n  %s\n\nEvery command also takes: %s\n", command->name, command->usage[0] == 0 ? "" : " ",
      command->usage, command->sentence, call_common_usage);
  return DONE;
}

/* --- choosing --- */

static const struct command *find_command(const char *name)
{
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static enum exit_code unknown_command(const struct call *c, const char *name)
{
  const char *nearest = "help";
  int least = words_distance(nearest, name);
  char try[80];
  for (int i = 0; i < COMMANDS; i++)
    if (words_distance(commands[i].name, name) < least) {
      nearest = commands[i].name;
      least = words_distance(nearest, name);
    }
  if (strcmp(name, "registrar") == 0)
    return call_fail(c, WRONG_USAGE, "see: onward help",
                     "onward registrar: expected enrol, invitation, suspend, rotate, stop, assure, policy, restore, "
                     "mandate or names behind it");
  bool near = least <= 1 + (int)strlen(name) / 3;
  snprintf(try, sizeof try, near ? "did you mean: onward %s" : "see: onward %s", near ? nearest : "help");
  return call_fail(c, WRONG_USAGE, try, "there is no command %s", name);
}

/* Takes the command's word out of the line, or its two words where the first is "registrar": common options may stand
 * before it. */
static enum exit_code choose(struct call *c, int *count, char **words)
{
  char name[64];
  int before = call_common_words(*count, words);
  c->command = &today;
  if (before == *count || words[before][0] == '-')
    return DONE;
  bool two = strcmp(words[before], "registrar") == 0 && before + 1 < *count && words[before + 1][0] != '-';
  int used = two ? 2 : 1;
  snprintf(name, sizeof name, two ? "%s %s" : "%s%s", words[before], two ? words[before + 1] : "");
  const struct command *found = find_command(name);
  if (found == NULL)
    return unknown_command(c, name);
  c->command = found;
  *count -= used;
  memmove(words + before, words + before + used, (size_t)(*count - before) * sizeof *words);
  return DONE;
}

static enum exit_code find_home(struct call *c)
{
  const char *folder = call_option(c, "--home"), *below = "";
  if (folder == NULL)
    folder = getenv("ONWARD_HOME");
  if (folder == NULL || folder[0] == 0) {
    folder = getenv("HOME");
    below = "/.onward";
  }
  int size = folder == NULL ? 0 : snprintf(c->home, sizeof c->home, "%s%s", folder, below);
  if (size <= 0 || size >= (int)sizeof c->home)
    return call_fail(c, WRONG_USAGE, "give it as: --home DIR", "the data folder is not named, or its name is too long");
  return DONE;
}

static enum exit_code run(struct call *c, int count, char **words)
{
  for (int i = 0; i < count; i++)
    c->json = c->json || strcmp(words[i], "--json") == 0; /* what is wrong with the line is told in JSON, too */
  enum exit_code code = choose(c, &count, words);
  if (code == DONE)
    code = call_read(c, count, words);
  if (code == DONE && call_option(c, "--help") != NULL)
    return help_one(c);
  if (code == DONE)
    code = find_home(c);
  return code == DONE ? c->command->run(c) : code;
}

int main(int argc, char **argv)
{
  static char printed[8192]; /* standard output may hold a case: it is wiped, too */
  keys_harden_process();
  json_wipe_install();
  setvbuf(stdout, printed, _IOFBF, sizeof printed);
  struct call c = {.command = &today};
  enum exit_code code = run(&c, argc - 1, argv + 1);
  client_close(&c);
  if (fflush(stdout) != 0 && code == DONE)
    code = BROKEN;
  wipe(printed, sizeof printed);
  return (int)code;
}
