/* Sealed bodies, opened with a key that is always the same; and what is inside once it opened: padding. */
#include "tests/fuzz/fuzz.h"

#include "proto/seal/hpke.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct es256_secret *key;
  static uint8_t plain[SEALED_SIZE_MAX];
  struct bytes content, sealed = bytes_of(data, size);
  struct es256_public *point;
  if (key == NULL)
    must(hpke_derive_key_pair(bytes_text("the key of the fuzz target"), &key) == OK);
  if (size <= SEALED_SIZE_MAX && hpke_open(key, bytes_text("info"), bytes_text("aad"), sealed, plain) == OK &&
      unpad(bytes_of(plain, size - HPKE_OVERHEAD), &content) == OK)
    must(content.size <= PAD_CONTENT_MAX);
  if (unpad(sealed, &content) == OK)
    must(content.size + 4 <= size && content.data == data + 4);
  if (es256_public_open(sealed, &point) == OK)
    es256_public_close(point);
  return 0;
}
