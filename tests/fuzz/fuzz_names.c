/* Who is named in reports, as a registrar signed it. */
#include "tests/fuzz/fuzz.h"

#include "proto/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct named named;
  struct complaint why;
  uint8_t point[ES256_PUBLIC_SIZE] = {4};
  if (named_read(bytes_of(data, size), &why, &named) != OK)
    return 0;
  must(named.count > 0 && named.count <= NAMED_MAX && named.signed_lines.size < size);
  must(!named_signed_by(&named, point)); /* no point of the curve */
  return 0;
}
