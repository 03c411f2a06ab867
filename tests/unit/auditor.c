#include "tests/unit/auditor.h"

#include <stdlib.h>

enum audit_code auditor_run(command c, struct audit_request q, char **out, size_t *size, char **err)
{
  size_t out_size, err_size;
  free(*out);
  free(*err);
  q.out = open_memstream(out, &out_size);
  q.err = open_memstream(err, &err_size);
  enum audit_code code = c(&q);
  (void)fclose(q.out);
  (void)fclose(q.err);
  if (size != NULL)
    *size = out_size;
  return code;
}
