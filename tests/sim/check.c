#include "tests/sim/promises.h"
#include "tests/sim/script.h"
void check_quiet(void)
{
}
void check_end(void)
{
  promises_check();
}
