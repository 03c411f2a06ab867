/* What the exchange says, one message, one function. What is proved is committed before anything is done about it. */
#ifndef ONWARD_HEARD_H
#define ONWARD_HEARD_H

#include "agents/agent.h"

void heard_message(struct agent *a, const struct link_message *m);

#endif
