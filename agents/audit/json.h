/* Pieces of JSON that more than one command prints. Whoever calls owns what is returned. */
#ifndef ONWARD_AUDIT_JSON_H
#define ONWARD_AUDIT_JSON_H

#include <jansson.h>

#include "agents/audit/audit.h"

json_t *hex_json(struct bytes b);
json_t *org_json(const struct org_id *id);
json_t *time_json(uint64_t ms);
json_t *code_json(const ProtobufCEnumDescriptor *type, int value); /* in small letters */
json_t *act_json(const struct event *e);                           /* what the act states, by the names of the schema */

#endif
