/* Between the files of the program that writes the kept inputs. */
#ifndef ONWARD_FUZZ_SEED_H
#define ONWARD_FUZZ_SEED_H

#include "proto/base/base.h"

struct writer *seed_file(void); /* one, emptied */
void seed_keep(const char *target, const char *name, struct bytes content);
void seed_stories(void);

#endif
