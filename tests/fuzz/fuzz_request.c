/* What an organisation asks to be enrolled with: as the file that travels between people, and (signature first, 64
 * bytes) as it stands in an event. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/papers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static uint8_t memory[PAPER_ARENA_SIZE];
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint why;
  struct bytes packed, signature, text = bytes_of(data, size);
  const Onward__Request *request;
  char words[SIX_WORDS_SIZE];
  if (paper_request_read(text, &a, &why, &packed, &signature, &request) == OK) {
    paper_request_words(request, words);
    must(strlen(words) == SIX_WORDS_SIZE - 1);
    must(request_read(packed, signature, &a, &why, &request) == OK);
  }
  arena_reset(&a);
  if (size >= ES256_SIGNATURE_SIZE)
    if (request_read(bytes_of(data + ES256_SIGNATURE_SIZE, size - ES256_SIGNATURE_SIZE),
                     bytes_of(data, ES256_SIGNATURE_SIZE), &a, &why, &request) == OK)
      paper_request_words(request, words);
  return 0;
}
