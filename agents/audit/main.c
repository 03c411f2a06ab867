/* The command line of onward-audit. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/audit/audit.h"

static const char usage[] =
    "usage: onward-audit verify DIR [--log-key VKEY]\n"
    "       onward-audit replay DIR [--at INDEX|TIME] [--referral ID] [--json]\n"
    "       onward-audit show DIR [--json] [--organisation ORG] [--referral ID] [--kind ACT,...] [--from N] [--to N]\n"
    "                             [--since TIME] [--until TIME] [--bodies]\n"
    "       onward-audit export DIR OUT [--public | --organisation ORG | --mandate PROOF]\n"
    "       onward-audit prove DIR INDEX\n"
    "       onward-audit prove --check FILE --log-key VKEY\n"
    "       onward-audit consistency DIR CHECKPOINT [--log-key VKEY]\n"
    "       onward-audit cosign --new-key FILE NAME\n"
    "       onward-audit cosign EXPORT --key FILE [--log-key VKEY]\n"
    "       onward-audit fraud DIR --log-key VKEY\n"
    "       onward-audit report DIR [--period month|quarter|year] [--minimum N] [--names FILE] [--log-key VKEY]\n"
    "                    [--json | --csv | --html FILE]\n"
    "\n"
    "DIR is the data folder of an exchange, a copy of it, or an export; nothing is written into it.\n"
    "\n"
    "verify   holds every entry against the contract, the tree against the signed checkpoint, and the sealed\n"
    "         bodies against the log. VKEY is the log's key, as an invitation or its operator names it\n"
    "replay   works out every table from the entries alone, and compares it with the stored one; or says how things\n"
    "         stood behind an entry, or at a time: organisations, services, referrals\n"
    "fraud    says what a folder of evidence against an exchange proves (onward evidence), and what it does not\n"
    "show     prints the entries, one a line: index, time, who, referral, act, verdict, for whom; with --bodies also\n"
    "         what became of each sealed part\n"
    "TIME     is in UTC: 2026-03-04, 2026-03-04T10:11Z or 2026-03-04T10:11:12Z\n"
    "export   writes the log, verified, into the folder OUT, which is made: for others to keep and check. With\n"
    "         --public the hashes only; with ORG the registry and what that organisation wrote or was told;\n"
    "         with PROOF, of a mandate's entry, the registry and what the mandate covers\n"
    "prove    writes the proof of one entry (C2SP tlog-proof); with --check says what such a file proves\n"
    "consistency  whether the log contains the one of a checkpoint that you have from elsewhere\n"
    "cosign   signs an export's checkpoint as a witness, if its log contains the one that you cosigned last\n"
    "report   what became of the referrals, in numbers: none so small that it points at a child, and organisations\n"
    "         as letters, but for those that a registrar named in the signed FILE of --names\n"
    "\n"
    "exit code: 0 fine (fraud: proved), 1 the log or the books fail (fraud: not proved), 2 command line, 3 cannot read "
    "or work\n";

static enum audit_code usage_error(const char *what, const char *value)
{
  fprintf(stderr, "onward-audit: %s%s%s; see onward-audit --help\n", what, value == NULL ? "" : ": ",
          value == NULL ? "" : value);
  return AUDIT_USAGE;
}

static bool number_parse(const char *text, uint64_t *out)
{
  char *end = NULL;
  errno = 0;
  *out = strtoull(text, &end, 10);
  return errno == 0 && *text >= '0' && *text <= '9' && *end == 0;
}

static bool at_parse(const char *text, struct audit_request *q)
{
  uint64_t index;
  q->at = true;
  if (!number_parse(text, &index))
    return time_parse(text, true, &q->until_ms);
  q->to = index;
  return true;
}

#define TIME_FORM "expected a time in UTC such as 2026-03-04 or 2026-03-04T10:11Z"
static bool period_parse(const char *text, enum report_period *out)
{
  static const char *const periods[] = {"month", "quarter", "year"};
  for (enum report_period p = REPORT_MONTH; p <= REPORT_YEAR; p++)
    if (strcmp(text, periods[p]) == 0) {
      *out = p;
      return true;
    }
  return false;
}

static bool minimum_parse(const char *text, uint32_t *out)
{
  uint64_t n;
  bool fine = number_parse(text, &n) && n >= REPORT_MINIMUM_MIN && n <= 1000;
  if (fine)
    *out = (uint32_t)n;
  return fine;
}

/* Options of `report` alone. */
static const char *report_option_take(int option, const char *value, struct report_request *r)
{
  switch (option) {
  case 'p':
    return period_parse(value, &r->period) ? NULL : "--period: expected month, quarter or year";
  case 'm':
    return minimum_parse(value, &r->minimum) ? NULL : "--minimum: expected a number from 3 to 1000";
  case 'N':
    r->names = value;
    return NULL;
  case 'h':
    r->html = value;
    return NULL;
  default:
    r->csv = true;
    return NULL;
  }
}

/* One option; what was expected when its value does not fit, NULL when it does. */
static const char *option_take(int option, const char *value, struct audit_request *q)
{
  switch (option) {
  case 'k':
    q->pinned = true;
    return note_key_parse(bytes_text(value), &q->log_key) == OK ? NULL : "--log-key: expected name+hash+key (C2SP)";
  case 'P':
    q->hashes = true;
    return NULL;
  case 'M':
    q->mandate = value;
    return NULL;
  case 'C':
    q->check = true;
    return NULL;
  case 'n':
  case 'K':
    q->new_key = option == 'n';
    q->key_file = value;
    return NULL;
  case 'j':
    q->json = true;
    return NULL;
  case 'o':
    return org_id_parse(bytes_text(value), &q->organisation) == OK ? NULL
                                                                   : "--organisation: expected an organisation's id";
  case 'r':
    q->referral = value;
    return referral_valid(value) ? NULL : "--referral: expected 32 hex digits, or a short id such as K7MQ4X-T";
  case 'a':
    return at_parse(value, q) ? NULL : "--at: expected an index, or a time in UTC such as 2026-03-04T10:11Z";
  case 'c':
    return acts_parse(value, &q->acts) ? NULL : acts_expected();
  case 's':
    return time_parse(value, false, &q->since_ms) ? NULL : "--since: " TIME_FORM;
  case 'u':
    return time_parse(value, true, &q->until_ms) ? NULL : "--until: " TIME_FORM;
  case 'b':
    q->bodies = true;
    return NULL;
  case 'f':
    return number_parse(value, &q->from) ? NULL : "--from: expected an index";
  case 't':
    return number_parse(value, &q->to) ? NULL : "--to: expected an index";
  default:
    return report_option_take(option, value, &q->report);
  }
}

static const struct command {
  const char *name;
  const char *options;  /* letters of those it takes */
  const char *words[2]; /* what it takes beside them, in words; at least one */
  enum audit_code (*run)(const struct audit_request *q);
} commands[] = {
    {"verify", "k", {"a folder"}, audit_verify},
    {"replay", "ajr", {"a folder"}, audit_replay},
    {"fraud", "k", {"a folder"}, audit_fraud},
    {"show", "jorftcsub", {"a folder"}, audit_show},
    {"export", "PoM", {"a folder", "a folder to be made"}, audit_export},
    {"prove", "Ck", {"a folder or a proof's file", "an index"}, audit_prove},
    {"consistency", "k", {"a folder", "a checkpoint's file"}, audit_consistency},
    {"cosign", "nKk", {"an export, or the new key's name"}, audit_cosign},
    {"report", "kjpmNvh", {"a folder"}, audit_report},
};

static const struct command *command_find(const char *name)
{
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static enum audit_code run(const struct command *c, int argc, char **argv)
{
  static const struct option options[] = {{"log-key", required_argument, NULL, 'k'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"organisation", required_argument, NULL, 'o'},
                                          {"referral", required_argument, NULL, 'r'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"at", required_argument, NULL, 'a'},
                                          {"kind", required_argument, NULL, 'c'},
                                          {"since", required_argument, NULL, 's'},
                                          {"until", required_argument, NULL, 'u'},
                                          {"bodies", no_argument, NULL, 'b'},
                                          {"check", no_argument, NULL, 'C'},
                                          {"mandate", required_argument, NULL, 'M'},
                                          {"new-key", required_argument, NULL, 'n'},
                                          {"key", required_argument, NULL, 'K'},
                                          {"public", no_argument, NULL, 'P'},
                                          {"period", required_argument, NULL, 'p'},
                                          {"minimum", required_argument, NULL, 'm'},
                                          {"names", required_argument, NULL, 'N'},
                                          {"csv", no_argument, NULL, 'v'},
                                          {"html", required_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  struct audit_request q = {.out = stdout, .err = stderr, .to = UINT64_MAX};
  int option;
  opterr = 0;
  while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
    if (option == '?' || option == ':')
      return usage_error("unknown option, or its value is missing", argv[optind - 1]);
    if (strchr(c->options, option) == NULL)
      return usage_error("this command does not take the option", argv[optind - 1]);
    const char *wrong = option_take(option, optarg, &q);
    if (wrong != NULL)
      return usage_error(wrong, optarg);
  }
  int words = c->words[1] == NULL || q.check ? 1 : 2;
  if (argc - optind != words) {
    fprintf(stderr, "onward-audit: %s: expected %s%s%s, and nothing else; see onward-audit --help\n", c->name,
            c->words[0], words == 2 ? " and " : "", words == 2 ? c->words[1] : "");
    return AUDIT_USAGE;
  }
  if (q.json + q.report.csv + (q.report.html != NULL) > 1)
    return usage_error("expected only one of --json, --csv and --html", NULL);
  q.folder = argv[optind];
  q.second = words == 2 ? argv[optind + 1] : NULL;
  if (c->run == audit_prove && words == 2 && !number_parse(q.second, &q.index))
    return usage_error("prove: expected an index", q.second);
  enum audit_code code = c->run(&q);
  if (fflush(stdout) == 0 && ferror(stdout) == 0)
    return code;
  fputs("onward-audit: cannot write to standard output\n", stderr);
  return code == AUDIT_FINE ? AUDIT_UNREADABLE : code;
}

int main(int argc, char **argv)
{
  umask(077);
  store_guard(AUDIT_UNREADABLE);
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(usage, stdout);
    return AUDIT_FINE;
  }
  if (argc < 2)
    return (int)usage_error("expected a command", NULL);
  const struct command *c = command_find(argv[1]);
  return (int)(c == NULL ? usage_error("no such command", argv[1]) : run(c, argc - 1, argv + 1));
}
