/* tlog-proof files. What was read is written again as it came. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/seal/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static uint8_t leaf[PROOF_LEAF_MAX], again[PROOF_SIZE_MAX];
  static const char vkey[] = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
  struct note_key key;
  struct log_proof p;
  struct checkpoint c;
  const char *why = NULL;
  must(note_key_parse(bytes_text(vkey), &key) == OK);
  if (proof_read(bytes_of(data, size), leaf, &p, &why) != OK) {
    must(why != NULL);
    return 0;
  }
  struct writer w = writer_of(again, sizeof again);
  proof_write(&p, &w);
  must(w.overflow || bytes_equal(writer_bytes(&w), bytes_of(data, size)));
  if (proof_verify(&p, &key, &c, &why) == OK)
    must(p.index < c.size);
  return 0;
}
