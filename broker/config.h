/* The exchange's configuration: <folder>/broker.conf. */
#ifndef ONWARD_BROKER_CONFIG_H
#define ONWARD_BROKER_CONFIG_H

#include "proto/store/settings.h"

struct config {
  char listen[121];             /* tcp://address:port */
  uint64_t sessions_max;        /* organisations connected at the same time */
  uint64_t connects_per_minute; /* handshakes of one organisation */
  uint64_t hello_within_s;      /* a connection that was not welcomed by then is cut */
  uint64_t messages_per_minute; /* of one organisation */
  uint64_t bytes_per_minute;    /* of one organisation, all frames */
  uint64_t refusals_per_hour;   /* of one organisation: messages not heard, and events that the rules refused */
  uint64_t turn_messages_max;   /* messages taken into one turn */
  uint64_t share_messages;      /* of one organisation in one turn; what comes beyond its share is heard in the next */
  uint64_t share_events;        /* the same, of its batches */
  uint64_t share_bytes;         /* the same, of what it says and asks for; and of what it is told in one turn */
  uint64_t queue_in_messages;   /* of one connection, decrypted and not heard yet; then TCP holds it up */
  uint64_t queue_out_messages;  /* of one connection that does not read */
  uint64_t map_size_gib;        /* address space for the books; not disk */
};

/* `why` gets file, line, key and what was expected. */
MUST_USE enum status config_read(const char *folder, struct config *out, struct settings_error *why);
/* A working minimum. */
MUST_USE enum status config_write(const char *folder, const char *listen, char why[200]);

#endif
