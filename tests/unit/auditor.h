/* A command of the auditor's, run in this process, and what it says. */
#ifndef ONWARD_TEST_AUDITOR_H
#define ONWARD_TEST_AUDITOR_H

#include "agents/audit/audit.h"

typedef enum audit_code (*command)(const struct audit_request *q);

/* Both texts are freed, and then what it printed; `size` of what it said on `out`, NULL: not wanted. */
enum audit_code auditor_run(command c, struct audit_request q, char **out, size_t *size, char **err);

#endif
