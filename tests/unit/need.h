/* A directory in memory, the need of a girl of 12 years in KH-17 who speaks Khmer, and who could help with it. */
#ifndef ONWARD_TEST_NEED_H
#define ONWARD_TEST_NEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agents/candidates.h"

#define NOW_MS UINT64_C(1772582400000) /* 2026-03-04T00:00:00Z */
#define CODE(name) ONWARD__SERVICE_CODE__##name
#define PLACES(name) ONWARD__CAPACITY_STATUS__##name

extern struct wanted wanted;    /* psychosocial support of any kind, high priority */
extern struct candidates found; /* by the last find */
extern struct seen seen;
extern struct books *need_books;

int set_up(void **state);
int tear_down(void **state);

struct org_id id_of(const char *name);
struct service service_of(const char *organisation, uint8_t number); /* one that nothing is better than */
void enrol(const struct org_id *id, uint8_t standing, uint64_t agreement_until_ms);
void add(struct service s); /* its organisation is active, unless that was enrolled before */
void hinder(enum obstacle obstacle, struct service *s); /* before it is added: that obstacle stands in its way */
void find(void);                                        /* for "ourselves" */
void note_seen(const char *organisation, bool known, bool now, uint32_t days);

/* As "alpha/1 beta/2": organisation and number. */
void assert_fit(const char *expected);
void assert_nearest(const char *expected);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
