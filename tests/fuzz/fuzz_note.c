/* Signed checkpoints and verifying keys. First a key as C2SP writes it, then a line end, then the note. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/seal/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
  size_t key_size = end == NULL ? size : (size_t)(end - data);
  struct note_key key;
  struct checkpoint c;
  char vkey[NOTE_VKEY_SIZE];
  if (note_key_parse(bytes_of(data, key_size), &key) != OK)
    return 0;
  note_key_print(&key, vkey);
  must(strlen(vkey) == key_size && memcmp(vkey, data, key_size) == 0);
  if (end != NULL && checkpoint_open(bytes_of(end + 1, size - key_size - 1), &key, &c) == OK)
    must(memchr(c.origin, 0, sizeof c.origin) != NULL);
  return 0;
}
