/* Who is named instead of a letter: only whom a registrar of this very network has named, in a file that it signed. */
#include <stdlib.h>
#include <string.h>

#include "agents/audit/report/report.h"

enum audit_code report_names(struct report *r, struct audit *a, struct books *books)
{
  (void)a;
  (void)books;
  return report_letters(r, NULL, 0) ? AUDIT_FINE : AUDIT_UNREADABLE;
}
