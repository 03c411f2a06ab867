/* Few keys, each with its limits; defaults are meant for a national network on one small machine. */
#include "broker/config.h"

#include <stddef.h>
#include <stdio.h>

#include "proto/store/store.h"

#define TEXT(section, key, member, max_, words, check_)                                                                \
  {                                                                                                                    \
    section, key, SETTING_TEXT, offsetof(struct config, member), 1, max_, true, words, check_                          \
  }
#define NUMBER(key, min_, max_)                                                                                        \
  {                                                                                                                    \
    "limits", #key, SETTING_NUMBER, offsetof(struct config, key), min_, max_, false, "a number", NULL                  \
  }

static const struct setting table[] = {
    TEXT("exchange", "listen", listen, 120, "tcp://address:port", settings_is_address),
    NUMBER(sessions_max, 1, 100000),
    NUMBER(connects_per_minute, 1, 100000),
    NUMBER(hello_within_s, 1, 3600),
    NUMBER(messages_per_minute, 1, 100000000),
    NUMBER(bytes_per_minute, 1048576, 1000000000000),
    NUMBER(refusals_per_hour, 1, 100000000),
    NUMBER(turn_messages_max, 1, 1024),
    NUMBER(share_messages, 1, 1024),
    NUMBER(share_events, 1, 65536),
    NUMBER(share_bytes, 65536, 1073741824),
    NUMBER(queue_in_messages, 1, 1024),
    NUMBER(queue_out_messages, 4, 1024),
    NUMBER(map_size_gib, 1, 65536),
};

static void path_of(const char *folder, char *path, size_t size)
{
  snprintf(path, size, "%s/broker.conf", folder);
}

enum status config_read(const char *folder, struct config *out, struct settings_error *why)
{
  char path[300];
  path_of(folder, path, sizeof path);
  *out = (struct config){.sessions_max = 1024,
                         .connects_per_minute = 60,
                         .hello_within_s = 60,
                         .messages_per_minute = 60000,
                         .bytes_per_minute = 256 * 1048576ull,
                         .refusals_per_hour = 1000,
                         .turn_messages_max = 64,
                         .share_messages = 16,
                         .share_events = 256,
                         .share_bytes = 1048576,
                         .queue_in_messages = 16,
                         .queue_out_messages = 32,
                         .map_size_gib = 1024};
  return settings_read(path, table, sizeof table / sizeof table[0], out, why);
}

enum status config_write(const char *folder, const char *listen, char why[200])
{
  char path[300], text[400];
  path_of(folder, path, sizeof path);
  int size = snprintf(
      text, sizeof text,
      "# The exchange of this network: see onward-broker(1). Limits that are not named here have their defaults.\n"
      "[exchange]\n"
      "listen = %s\n",
      listen);
  must(size > 0 && (size_t)size < sizeof text);
  return file_write(path, bytes_of(text, (size_t)size), why);
}
