/* Few keys, each with its limits. */
#include "agents/config.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/outbox.h"
#include "proto/wire/limits.h"

static bool is_proxy(const char *text)
{
  char address[140] = "tcp://";
  strncat(address, text, sizeof address - 7);
  return settings_is_address(address);
}

/* Said at the start: the first notice may come at night. */
static bool is_program(const char *text)
{
  struct stat info;
  return text[0] == '/' && stat(text, &info) == 0 && S_ISREG(info.st_mode) && access(text, X_OK) == 0;
}

#define TEXT(section, key, words, check)                                                                               \
  {                                                                                                                    \
    section, #key, SETTING_TEXT, offsetof(struct config, key), 1, 120, false, words, check                             \
  }
#define NUMBER(section, key, min, max)                                                                                 \
  {                                                                                                                    \
    section, #key, SETTING_NUMBER, offsetof(struct config, key), min, max, false, "a number", NULL                     \
  }

static const struct setting table[] = {
    TEXT("exchange", address, "tcp://host:port", settings_is_address),
    TEXT("exchange", socks_proxy, "host:port", is_proxy),
    NUMBER("exchange", hello_wait_ms, 100, 600000),
    NUMBER("exchange", ask_interval_s, 1, 86400),
    NUMBER("exchange", credit_entries, 1, 256),
    NUMBER("exchange", credit_bytes, CREDIT_BYTES_MIN, MESSAGE_SIZE_MAX),
    NUMBER("office", lock_after_minutes, 0, 1440),
    TEXT("office", hook, "a program that can be started, by its whole path", is_program),
    NUMBER("office", phone_after_minutes, 0, 1440),
    NUMBER("office", backup_warn_days, 0, 366),
    NUMBER("office", outbox_events, 1, OUTBOX_EVENTS_MAX),
};

enum status config_read(const char *path, struct config *out, struct settings_error *why)
{
  *out = (struct config){.hello_wait_ms = 15000,
                         .ask_interval_s = 600,
                         .credit_entries = 64,
                         .credit_bytes = 131072,
                         .lock_after_minutes = 600,
                         .phone_after_minutes = 15,
                         .backup_warn_days = 7,
                         .outbox_events = OUTBOX_EVENTS_MAX};
  if (access(path, F_OK) != 0)
    return OK;
  return settings_read(path, table, sizeof table / sizeof table[0], out, why);
}
