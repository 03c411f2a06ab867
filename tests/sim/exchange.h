/* The exchange as the rest of the simulator sees it: its own headers and an agent's cannot be included together. */
#ifndef ONWARD_SIM_EXCHANGE_H
#define ONWARD_SIM_EXCHANGE_H

#include "tests/sim/sim.h"

void exchange_start(void);
void exchange_stop(bool died); /* at once, or as it is told to */
void exchange_turn(void);
int exchange_exit_code(void);
uint64_t exchange_wake_ms(void); /* true time */
uint64_t exchange_due_ms(void);  /* of the earliest clock; UINT64_MAX: none runs */
bool exchange_doubts(void);      /* its own time */

#endif
