/* Books in memory, for tests that make thousands of them. As strict as the contract allows: each row lives in a block
 * of its own, and all that a reader was shown is moved away by the next write, so that a sanitizer sees who looks at a
 * slice for too long. Nothing here is fast with more than a few hundred rows. */
#ifndef ONWARD_TEST_MEMORY_H
#define ONWARD_TEST_MEMORY_H

#include "proto/ledger/ledger.h"

struct memory_row;
struct memory_books {
  struct books books; /* first: its functions find the rest behind it */
  size_t count, capacity;
  struct memory_row *rows; /* in order of table and key */
};
void memory_init(struct memory_books *m);
void memory_fini(struct memory_books *m);

#endif
