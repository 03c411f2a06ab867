/* The agent's configuration: <data folder>/agent.conf. Everything has a default; a file that is not there is no error.
 */
#ifndef ONWARD_AGENT_CONFIG_H
#define ONWARD_AGENT_CONFIG_H

#include "proto/store/settings.h"

struct config {
  char address[121];            /* of the exchange, in place of the invitation's; empty: that one */
  char socks_proxy[121];        /* host:port; empty: none */
  char hook[121];               /* program that is started for each notice; empty: none */
  uint64_t hello_wait_ms;       /* for the answer to a hello; doubles up to 8 times as much */
  uint64_t ask_interval_s;      /* how often the directory is asked for, when nothing else is said */
  uint64_t credit_entries;      /* entries that the exchange may send ahead */
  uint64_t credit_bytes;        /* bytes of one delivery */
  uint64_t lock_after_minutes;  /* without use of the sealing key; 0: only when told to */
  uint64_t outbox_events;       /* acts of ours that may wait to be sent; more are refused as `full` */
  uint64_t backup_warn_days;    /* age of the newest backup that is told; 0: never */
  uint64_t phone_after_minutes; /* a referral of high priority that did not leave this computer for so long is told */
};

/* `why` gets file, line, key and what was expected. */
MUST_USE enum status config_read(const char *path, struct config *out, struct settings_error *why);

#endif
