/* The computers' clocks and voices, in place of agents/host.c, broker/clock.c and broker/say.c. */
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/sim.h"

uint64_t node_real_ms(const struct node *n)
{
  return (uint64_t)((int64_t)sim.now_ms + n->skew_ms);
}

static uint64_t real_ms(void)
{
  return sim.running != NULL ? node_real_ms(sim.running) : sim.now_ms;
}

/* The exchange's, and the organisations': their headers cannot be included together. */
uint64_t clock_ms(void);
uint64_t now_ms(void);
uint64_t ticks_ms(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void exchange_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t now_ms(void)
{
  return real_ms();
}

uint64_t clock_ms(void)
{
  return real_ms();
}

uint64_t ticks_ms(void)
{
  return sim.now_ms;
}

static void say_list(const char *format, va_list list) __attribute__((format(printf, 1, 0)));

static void say_list(const char *format, va_list list)
{
  char line[512];
  vsnprintf(line, sizeof line, format, list);
  if (sim.running == NULL || !sim.running->gone)
    tell("    %s%s: %s", sim.running != NULL ? sim.running->name : "?",
         sim.running != NULL && sim.running->cloned ? " (the copy)" : "", line);
}

/* An organisation's. */
void say(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  say_list(format, list);
  va_end(list);
}

/* The exchange's, as it is called here. */
void exchange_say(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  say_list(format, list);
  va_end(list);
}
