/* A valid event of every act, made from the schema itself, and the limits of its fields as proto/onward.proto states
 * them. */
#ifndef ONWARD_TEST_SAMPLE_H
#define ONWARD_TEST_SAMPLE_H

#include "proto/wire/event.h"

extern struct arena sample_arena; /* all samples are in it: the test gives it memory */
void *sample_room(size_t size);   /* zeroed */

/* Of a number, its values; of bytes, their size. */
struct sample_limit {
  const char *field;
  uint64_t min, max;
  const char *valid; /* a text that fits; NULL: any bytes of the least size */
};
const struct sample_limit *sample_limit_of(const char *field);
ProtobufCBinaryData sample_bytes(const struct sample_limit *l);

#define SAMPLE_COUNTS 10
struct sample_count {
  const char *field;
  size_t min, max; /* how many of them */
};
bool sample_is_about_referral(act_kind act); /* it names one */
extern const struct sample_count sample_counts[SAMPLE_COUNTS];

/* All fields filled; of a oneof none; two of what is repeated. */
ProtobufCMessage *sample_message(const ProtobufCMessageDescriptor *type);
void sample_repeat(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, size_t count);
size_t sample_element_size(const ProtobufCFieldDescriptor *field); /* of a repeated one */
Onward__Core *sample_core(act_kind act);
Onward__Event *sample_event(act_kind act);

#endif
