/* Private to this folder. */
#ifndef ONWARD_RULES_INSIDE_H
#define ONWARD_RULES_INSIDE_H

#include "proto/rules/rules.h"

/* Every recipient of a list is, or was, enrolled (one that is suspended is passed over, not refused) and is not the
 * author. */
Onward__Verdict decide_recipients(const struct occasion *o, const ProtobufCBinaryData *recipients, size_t count);
/* Whether the author may begin anything: its agreement holds, and it is neither lapsed nor leaving. */
Onward__Verdict decide_author(const struct occasion *o);
Onward__Verdict decide_registry(const struct occasion *o, const struct event *e);
Onward__Verdict decide_directory(const struct occasion *o, const struct event *e, const struct organisation *author);
Onward__Verdict decide_places(const struct occasion *o, const struct event *e);

#endif
