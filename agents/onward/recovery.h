/* The recovery words at the terminal, or in the file of --recovery-file. What is wrong is told already. */
#ifndef ONWARD_COMMAND_RECOVERY_H
#define ONWARD_COMMAND_RECOVERY_H

#include "agents/onward/call.h"
#include "agents/recovery.h"

/* New words, for the data folder: shown once and typed back, or written into the file; then their public key is kept.
 */
MUST_USE enum exit_code recovery_give(const struct call *c);
/* For `init`: new words where there are none yet. Nothing with --no-recovery, nor where nobody is at the terminal and
 * no file is named. */
MUST_USE enum exit_code recovery_begin(const struct call *c);
bool recovery_is_there(const struct call *c);
/* The words as somebody has them. The caller wipes `out`. */
MUST_USE enum exit_code recovery_take(const struct call *c, struct recovery *out);

#endif
