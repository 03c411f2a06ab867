/* When others were last here, as the exchange says: for those that a person has just asked about. In no log, and kept
 * in memory only. */
#ifndef ONWARD_SEEN_H
#define ONWARD_SEEN_H

#include "proto/wire/event.h"

struct seen {
  size_t count;
  bool wanted;       /* to be asked for with the next question about the directory */
  uint64_t noted_ms; /* ticks: when the answer came; old ones count no more */
  struct seen_one {
    struct org_id id;
    uint32_t days;
    bool known, now;
  } list[SEEN_MAX];
};

#define SEEN_COUNTS_MS 60000
void seen_note(struct seen *seen, const Onward__Answer *answer, uint64_t now_ms);

#endif
