/* Private to this folder. */
#ifndef ONWARD_RULES_INSIDE_H
#define ONWARD_RULES_INSIDE_H

#include "proto/rules/rules.h"

Onward__Verdict decide_registry(const struct occasion *o, const struct event *e);

#endif
