/* The case form: JSON with the field names of proto/case.proto on one side, packed messages on the other. Driven by the
 * generated descriptors, so a field that is added to the schema needs no code here. A missing or wrong field is named
 * with its path and the allowed values, never with its value. */
#ifndef ONWARD_FORM_H
#define ONWARD_FORM_H

#include <jansson.h>

#include "proto/case.pb-c.h"
#include "proto/wire/event.h"

struct form_error {
  char field[80];  /* "brief.need"; "brief" where a field that it has is to blame for not being one */
  char what[1600]; /* "is missing", "must be one of FEMALE, MALE, ..." */
};

/* JSON object -> packed message in the arena. `path` names the object in errors ("brief"). Fills `schema`. Checks
 * types, unknown fields, codes, TEXT_SIZE_MAX, bytes fields as hex (16 bytes); text may hold line ends, where more than
 * one line is expected, but no other control characters. UTF-8 is jansson's to check when it loads. null, an empty text
 * and an empty object are the same as an absent field. BAD_INPUT with the error; NOT_NOW: the arena is full. */
MUST_USE enum status form_pack(const ProtobufCMessageDescriptor *type, const char *path, const json_t *object,
                               struct arena *a, struct form_error *error, struct bytes *packed);
/* The compulsory fields of a case (case.proto, the starred ones), of both parts together; works out brief.age_band from
 * file.age and completes the objects in place. `file` NULL: a brief alone, as a re-route carries it. What is there may
 * still be of the wrong type: form_pack says so. BAD_INPUT with the error. */
MUST_USE enum status form_complete(json_t *brief, json_t *file, struct form_error *error);
/* Packed message -> new JSON object (the caller's reference) without `schema`; fields at their default are left out.
 * NULL: malformed, or a schema that we do not know (`schema` is then what it said; 0: malformed, or it said nothing).
 */
json_t *form_unpack(const ProtobufCMessageDescriptor *type, struct bytes packed, struct arena *a, uint32_t *schema);

/* A code's name to its number: BAD_INPUT with the allowed names; 0 is never allowed. */
MUST_USE enum status form_code(const ProtobufCEnumDescriptor *type, const char *path, const json_t *value,
                               struct form_error *error, int *out);
/* "YYYY-MM-DD" (end of that day, UTC) or "YYYY-MM-DDTHH:MMZ" to ms. */
MUST_USE enum status form_date(const char *path, const json_t *value, struct form_error *error, uint64_t *out);

json_t *form_at(const json_t *object, const char *path); /* "file.contact.who"; borrowed, NULL: not there */
/* Text without control characters: not even line ends. */
bool form_is_line(const char *text, size_t size);
/* How many letters must be changed, put in or left out to make one word of the other; at most 99. For "did you mean".
 */
int words_distance(const char *a, const char *b);

void form_band_years(Onward__AgeBand band, int *min, int *max); /* both inclusive */

/* What goes into the log for a sealed code. */
Onward__DeclineClass form_decline_class(Onward__DeclineReason reason);
Onward__OutcomeClass form_outcome_class(Onward__Outcome outcome);

#endif
