/* The exchange proves which batch of ours it has last: a higher number than we signed, or another batch under the same.
 */
#include "agents/set_back.h"

/* The last batch of ours that the log has, as the exchange says, and proves. NOT_FOUND: none, or one that we know. */
static enum status last_batch(struct agent *a, struct books *b, const Onward__Welcome *w, struct batch_header *out)
{
  struct leaf leaf;
  struct marks m;
  marks_get(b, &m);
  if (w->last_sequence == 0 || (w->last == NULL && m.read_back == 0 && w->last_sequence == outbox_confirmed(b)))
    return NOT_FOUND;
  evidence_begin(&a->evidence);
  bool proved = w->last != NULL &&
                evidence_leaf(&a->evidence, pb_bytes(w->last->leaf), pb_bytes(w->last->path), &leaf) == OK &&
                batch_header_read(leaf.header, out) == OK && org_id_equal(&out->organisation, &a->self.id) &&
                out->sequence == w->last_sequence;
  return proved ? OK : evidence_accuse(&a->evidence, ALARM_BAD_PROOF);
}

enum status set_back_is(struct agent *a, struct books *b, const Onward__Welcome *w, bool *ahead)
{
  struct marks m;
  struct batch_header last = {.sequence = 0};
  struct flight flights[BATCHES_IN_FLIGHT_MAX];
  *ahead = false;
  enum status s = last_batch(a, b, w, &last);
  if (s != OK)
    return s == NOT_FOUND ? OK : s;
  marks_get(b, &m);
  size_t count = outbox_flights(b, flights);
  *ahead = last.sequence > m.sequence;
  for (size_t i = 0; i < count && m.read_back == 0; i++)
    *ahead |= flights[i].sequence == last.sequence && !hash_equal(&flights[i].header.root, &last.root);
  return OK;
}

void set_back_adopt(struct books *b, uint64_t sequence)
{
  struct marks m;
  marks_get(b, &m);
  m.sequence = m.read_back = sequence;
  m.position = 0;
  marks_put(b, &m);
  if (alarm_raise(b, ALARM_SET_BACK, now_ms(), NULL))
    say("alarm: %s", alarm_text(ALARM_SET_BACK));
}
