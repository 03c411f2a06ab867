/* A fuzz target is one function over foreign bytes: it must answer every input without a crash, a leak or a read past
 * the end. libFuzzer calls it with inputs that it invents; replay_corpus.c with the kept ones. */
#ifndef ONWARD_FUZZ_H
#define ONWARD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* answers 0 */

#endif
