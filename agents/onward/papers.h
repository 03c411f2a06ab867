/* Names of the files that people send to each other. */
#ifndef ONWARD_COMMAND_PAPERS_H
#define ONWARD_COMMAND_PAPERS_H

#include <stddef.h>

/* "<folder>/aple-siem-reap.request": a slash of the organisation's id becomes '-'. */
void paper_path(const char *folder, const char *organisation, const char *ending, char *path, size_t capacity);

#endif
