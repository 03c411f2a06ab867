/* Registrars and organisations that say something about the registry, for tests: a world with two registrars, police
 * and aple. After every test its log must replay to the same books. */
#ifndef ONWARD_TEST_CLERK_H
#define ONWARD_TEST_CLERK_H

#include "tests/unit/support.h"

extern struct world w;
extern char folder[FOLDER_PATH_SIZE];
extern struct member *one, *two, *police, *aple;

void assert_verdict(Onward__Verdict have, Onward__Verdict want);
Onward__Verdict say_request(struct member *author, act_kind act, struct bytes request, struct bytes signature);
Onward__Verdict say_keys(struct member *author, act_kind act, const struct member *of);
Onward__Verdict say_suspend(struct member *author, const char *id, Onward__Standing standing);
Onward__Verdict say_stop(struct member *author, const char *id);
void organisation(const struct member *m, struct organisation *out);
bool has_keys_of(const struct member *m, const struct member *keys);
uint64_t due_of(const struct member *m); /* when its replacement of keys takes effect; 0: none waits */
void fresh_keys(struct member *fresh, const struct member *of);
Onward__Verdict say_enrol(struct member *author, const struct member *of, uint64_t agreement_until_ms);
int set_up(void **state);
int tear_down(void **state);

#endif
