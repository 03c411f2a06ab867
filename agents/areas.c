/* One place has one code that counts for comparing: of two codes for the same place, the one that the other names as
 * same_as. From there it goes from parent to parent; a parent stands above its children in the table, so this ends.
 */
#include "agents/areas.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_code(const void *code, const void *area)
{
  return strcmp(code, ((const struct area *)area)->code);
}

const struct area *area_find(const char *code)
{
  return bsearch(code, areas, area_count, sizeof areas[0], by_code);
}

static const struct area *counting(const char *code)
{
  const struct area *area = area_find(code);
  return area == NULL || area->same_as[0] == 0 ? area : area_find(area->same_as);
}

/* Is `inner` the same as `outer`, or somewhere below it? */
static bool lies_in(const struct area *inner, const struct area *outer)
{
  for (const struct area *at = inner; at != NULL; at = counting(at->parent))
    if (at == outer)
      return true;
  return false;
}

enum area_fit area_fit(const char *served, const char *wanted)
{
  const struct area *outer = counting(served);
  const struct area *inner = counting(wanted);
  if (outer == NULL || inner == NULL)
    return strcmp(served, wanted) == 0 ? AREA_COVERED : AREA_OUTSIDE;
  if (lies_in(inner, outer))
    return AREA_COVERED;
  return lies_in(outer, inner) ? AREA_PART : AREA_OUTSIDE;
}

void area_province(const char *code, char out[PROVINCE_SIZE])
{
  const struct area *at = counting(code);
  bool iso = code[2] == 0 || (code[2] == '-' && strlen(code) <= 6);
  while (at != NULL && at->parent[0] != 0 && counting(at->parent)->parent[0] != 0)
    at = counting(at->parent);
  snprintf(out, PROVINCE_SIZE, "%.*s", at != NULL || iso ? PROVINCE_SIZE - 1 : 2, at != NULL ? at->code : code);
}
