/* JSON in memory holds opened cases: whatever jansson gives back is overwritten first. */
#ifndef ONWARD_JSON_WIPE_H
#define ONWARD_JSON_WIPE_H

#include <stddef.h>

/* Before the first use of jansson in a process. */
void json_wipe_install(void);

/* The same memory for what stands beside: lines that are read and written. NULL: none left. */
void *wiped_alloc(size_t size);
void wiped_free(void *memory); /* NULL is allowed; also for what json_dumps gave */

#endif
