/* The link is measured by what comes back: so many bytes were under way with this batch when it was sent, and so much
 * later all of them had been carried, and one answer. The round trip is within that time, so a link with a long one is
 * kept busy only when more than a few bytes are allowed: that is what the doubling finds out.
 */
#include "agents/pace.h"

#include <string.h>

static struct pace_batch *place_of(struct pace *p, uint64_t sequence)
{
  return &p->sent[sequence % BATCHES_IN_FLIGHT_MAX];
}

static size_t under_way(const struct pace *p)
{
  size_t sum = 0;
  for (size_t i = 0; i < BATCHES_IN_FLIGHT_MAX; i++)
    sum += p->sent[i].sequence != 0 ? p->sent[i].size : 0;
  return sum;
}

struct pace_next pace_next(const struct pace *p)
{
  size_t used = under_way(p), room = p->room > used ? p->room - used : 0;
  size_t half = p->room / 2 < PACE_BATCH_MAX ? p->room / 2 : PACE_BATCH_MAX; /* one is carried, one waits behind it */
  if (used == 0 || room > 0)
    return (struct pace_next){room < half ? room : half > 0 ? half : 1, false};
  return (struct pace_next){p->extra == 0 ? 1 : 0, true};
}

bool pace_was_sent(const struct pace *p, uint64_t sequence)
{
  return p->sent[sequence % BATCHES_IN_FLIGHT_MAX].sequence == sequence;
}

void pace_sent(struct pace *p, uint64_t sequence, size_t size, uint64_t now_ms)
{
  struct pace_batch *b = place_of(p, sequence);
  *b = (struct pace_batch){.sequence = sequence, .sent_ms = now_ms, .size = size};
  b->carried = under_way(p);
}

void pace_exchange_has(struct pace *p, uint64_t sequence)
{
  *place_of(p, sequence) = (struct pace_batch){.sequence = sequence};
}

void pace_unsent(struct pace *p, uint64_t up_to)
{
  for (size_t i = 0; i < BATCHES_IN_FLIGHT_MAX; i++)
    if (p->sent[i].sequence <= up_to)
      p->sent[i] = (struct pace_batch){.sequence = 0};
}

static void measure(struct pace *p, const struct pace_batch *b, uint64_t now_ms)
{
  uint64_t ms = now_ms > b->sent_ms ? now_ms - b->sent_ms : 1;
  uint64_t fits = (uint64_t)b->carried * PACE_TARGET_MS / ms, twice = 2 * (p->room > b->carried ? p->room : b->carried);
  fits = fits < twice ? fits : twice;
  p->room = fits < PACE_UNDER_WAY_MAX ? (size_t)fits : PACE_UNDER_WAY_MAX;
}

void pace_logged(struct pace *p, uint64_t up_to, uint64_t now_ms)
{
  for (size_t i = 0; i < BATCHES_IN_FLIGHT_MAX; i++) {
    struct pace_batch *b = &p->sent[i];
    if (b->sequence == 0 || b->sequence > up_to)
      continue;
    if (b->size > 0) /* else another connection carried it */
      measure(p, b, now_ms);
    b->sequence = 0;
  }
  if (p->extra <= up_to)
    p->extra = 0;
}

void pace_cut(struct pace *p)
{
  if (under_way(p) > 0)
    p->room /= 2;
  p->extra = 0;
  memset(p->sent, 0, sizeof p->sent);
}

size_t pace_delivery(size_t now, size_t size, uint64_t took_ms, size_t max)
{
  if (size * 2 < now) /* nothing waited for its turn: it says nothing of the link */
    return now < max ? now : max;
  if (took_ms > PACE_TARGET_MS)
    now /= 2;
  else if (took_ms < PACE_TARGET_MS / 4)
    now *= 2;
  now = now < max ? now : max;
  return now > PACE_DELIVERY_MIN ? now : PACE_DELIVERY_MIN;
}
