/* Files that a command reads whole, and the JSON in them. What stands in them may be a case: it is wiped, and never
 * quoted. */
#ifndef ONWARD_FILES_H
#define ONWARD_FILES_H

#include "agents/onward/call.h"

/* The whole file, or standard input for "-", with a final zero: freed with wiped_free. Told when it cannot be read or
 * has more than `limit` bytes. */
MUST_USE enum exit_code input_read(const struct call *c, const char *path, size_t limit, char **text, size_t *size);
/* A JSON object, without its explanations and empty members. New reference. */
MUST_USE enum exit_code input_read_form(const struct call *c, const char *path, json_t **form);

#endif
