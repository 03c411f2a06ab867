/* The operator's program: onward-broker init | serve | status | check | backup | restore | confirm-restore | purge. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "broker/admin.h"
#include "broker/broker.h"

static const char usage[] =
    "onward-broker init FOLDER --name NAME --listen tcp://ADDRESS:PORT --registrar FILE --registrar FILE\n"
    "                   [--address tcp://HOST:PORT] [--replace-after-h HOURS]\n"
    "onward-broker serve FOLDER     until it is told to stop\n"
    "onward-broker status FOLDER    what the books hold\n"
    "onward-broker check FOLDER     configuration, keys, newest entries, bodies\n"
    "onward-broker backup FOLDER TO     a copy without sealed bodies, also while serving; TO is a new folder\n"
    "onward-broker restore BACKUP FOLDER --keys DIR   a new folder; DIR holds log.key and link.key\n"
    "onward-broker confirm-restore FOLDER FILE        a registrar has signed\n"
    "onward-broker purge FOLDER     what was erased leaves the disk, also while serving\n"
    "onward-broker confirm-time FOLDER    the clock had jumped, and is right now\n"
    "onward-broker cosignature FOLDER FILE VKEY    keep what a witness has cosigned\n"
    "See onward-broker(1).\n";

static int wrong(const char *what)
{
  fprintf(stderr, "onward-broker: %s\n%s", what, usage);
  return EXIT_CONFIG;
}

/* Secrets are in this process: no core dump, no debugger, no file that others can read. */
static void harden(void)
{
  struct rlimit none = {0, 0};
  prctl(PR_SET_DUMPABLE, 0);
  setrlimit(RLIMIT_CORE, &none);
  umask(077);
}

static int init(int argc, char **argv)
{
  static const struct option options[] = {
      {"name", required_argument, NULL, 'n'},
      {"listen", required_argument, NULL, 'l'},
      {"address", required_argument, NULL, 'a'},
      {"registrar", required_argument, NULL, 'r'},
      {"replace-after-h", required_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  struct init_options o = {.replace_after_h = 72};
  int registrars = 0, c;
  char *rest;
  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (c == 'n')
      o.name = optarg;
    else if (c == 'l')
      o.listen = optarg;
    else if (c == 'a')
      o.address = optarg;
    else if (c == 'r' && registrars < 2)
      o.registrars[registrars++] = optarg;
    else if (c == 'h' && (o.replace_after_h = strtoul(optarg, &rest, 10)) <= 8760 && *rest == 0 && *optarg >= '0')
      continue;
    else
      return wrong("init: an option is unknown, doubled or has a wrong value (HOURS: 0 to 8760)");
  }
  if (optind != argc - 1 || o.name == NULL || o.listen == NULL || registrars != 2)
    return wrong("init: expected FOLDER, --name, --listen and two --registrar");
  if (!settings_is_address(o.listen) || (o.address != NULL && !settings_is_address(o.address)))
    return wrong("init: --listen and --address: expected tcp://host:port");
  o.folder = argv[optind];
  return admin_init(&o);
}

static const char *no_slash(char *folder)
{
  for (size_t size = strlen(folder); size > 1 && folder[size - 1] == '/'; size--)
    folder[size - 1] = 0;
  return folder;
}

static int restore(int argc, char **argv)
{
  static const struct option options[] = {{"keys", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0}};
  const char *keys = NULL;
  int c;
  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (c != 'k')
      return wrong("restore: an option is unknown or lacks its value");
    keys = optarg;
  }
  if (optind != argc - 2 || keys == NULL)
    return wrong("restore: expected BACKUP, FOLDER and --keys DIR");
  return admin_restore(argv[optind], no_slash(argv[optind + 1]), keys);
}

int main(int argc, char **argv)
{
  harden();
  store_guard(EXIT_UNREADABLE);
  if (argc >= 2 && strcmp(argv[1], "init") == 0)
    return init(argc - 1, argv + 1);
  if (argc >= 2 && strcmp(argv[1], "restore") == 0)
    return restore(argc - 1, argv + 1);
  if (argc >= 2 && strcmp(argv[1], "backup") == 0)
    return argc == 4 ? admin_backup(argv[2], no_slash(argv[3])) : wrong("backup: expected FOLDER and TO");
  if (argc >= 2 && strcmp(argv[1], "confirm-restore") == 0)
    return argc == 4 ? admin_confirm_restore(argv[2], argv[3]) : wrong("confirm-restore: expected FOLDER and FILE");
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0))
    return fputs(usage, stdout) < 0;
  if (argc == 5 && strcmp(argv[1], "cosignature") == 0)
    return admin_cosignature(argv[2], argv[3], argv[4]);
  if (argc != 3)
    return wrong("expected a command and what it needs");
  if (strcmp(argv[1], "serve") == 0)
    return broker_serve(argv[2]);
  if (strcmp(argv[1], "status") == 0)
    return admin_status(argv[2]);
  if (strcmp(argv[1], "check") == 0)
    return admin_check(argv[2]);
  if (strcmp(argv[1], "purge") == 0)
    return admin_purge(argv[2]);
  if (strcmp(argv[1], "confirm-time") == 0)
    return admin_confirm_time(argv[2]);
  return wrong("there is no such command");
}
