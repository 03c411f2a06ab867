/* An answer names who was asked for; what it says of others is not looked at. */
#include "agents/seen.h"

void seen_note(struct seen *seen, const Onward__Answer *answer, uint64_t now_ms)
{
  if (answer->n_seen > 0) {
    seen->noted_ms = now_ms;
    seen->wanted = false;
  }
  for (size_t i = 0; i < answer->n_seen; i++)
    for (size_t k = 0; k < seen->count; k++) {
      struct seen_one *one = &seen->list[k];
      if (!bytes_equal(pb_bytes(answer->seen[i]->organisation), org_id_text(&one->id)))
        continue;
      one->known = true;
      one->now = answer->seen[i]->now != 0;
      one->days = answer->seen[i]->days;
    }
}
