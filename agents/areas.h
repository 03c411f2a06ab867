/* Places that a service is for: their codes, what they are called and which lies in which; made from agents/areas/, one
 * table for each country.
 */
#ifndef ONWARD_AREAS_H
#define ONWARD_AREAS_H

#include <stddef.h>

#include "agents/labels.h"

/* ISO: ISO 3166-1 and ISO 3166-2, such as "KH" and "KH-17". PCODE: place codes of the United Nations (OCHA, COD-AB),
 * such as "KH17" for the same province, and "KH1710" for a district of it. */
enum area_scheme { AREA_ISO, AREA_PCODE };

struct area {
  const char *code; /* unique among all schemes */
  enum area_scheme scheme;
  const char *parent;          /* a code of the table; "": a country */
  const char *same_as;         /* the code of the same place in another scheme; "": none */
  const char *name[LANGUAGES]; /* name[KHMER] may be "" */
};
extern const struct area areas[]; /* sorted by code, as strcmp has it */
extern const size_t area_count;

/* NULL: no table has this code. Static. */
const struct area *area_find(const char *code);

/* The province that a place lies in, by its ISO code, or the country itself; of a code that no table knows what is no
 * smaller than that: an ISO code as it is, else the country's two letters. `code` has 2 characters or more. */
#define PROVINCE_SIZE 12
void area_province(const char *code, char out[PROVINCE_SIZE]);

/* How the area that a service is for, and the one where somebody needs it, lie to each other. */
enum area_fit {
  AREA_OUTSIDE, /* apart, as far as the tables know */
  AREA_PART,    /* only a part of what is wanted is served */
  AREA_COVERED, /* all of it is */
};
/* A code that no table knows fits only itself. */
enum area_fit area_fit(const char *served, const char *wanted);

#endif
