/* Organisations that describe their services in a made-up world: trauma counselling for children of 6 to 17 years in
 * KH-17, in Khmer, at any priority, where a test says nothing else. */
#ifndef ONWARD_TEST_OFFERS_H
#define ONWARD_TEST_OFFERS_H

#include "tests/unit/support.h"

struct offer {
  Onward__SetService set;
  Onward__ServiceCode codes[SERVICE_CODES_MAX];
  Onward__Priority priorities[3];
  ProtobufCBinaryData languages[SERVICE_LANGUAGES_MAX];
  Onward__Area area, *areas[SERVICE_AREAS_MAX];
};
void offer_init(struct offer *o, uint32_t number); /* what points into it stays valid as long as it does */

Onward__Verdict offer_say(struct world *w, struct member *m, struct offer *o);
/* Assured at the entry that the books have now, or that `index`. */
Onward__Verdict offer_assure(struct world *w, struct member *registrar, struct member *m, uint32_t number);
Onward__Verdict offer_assure_entry(struct world *w, struct member *registrar, struct member *m, uint32_t number,
                                   uint64_t index);
Onward__Verdict offer_places(struct world *w, struct member *m, uint32_t number, Onward__CapacityStatus status,
                             uint32_t available, uint64_t until_ms);
Onward__Verdict offer_end(struct world *w, struct member *m, uint32_t number);
/* The row in the world's books. */
enum status offer_row(struct world *w, const struct member *m, uint32_t number, struct service *out);

#endif
