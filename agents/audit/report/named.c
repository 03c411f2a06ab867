/* Who is named instead of being a letter: only whom a registrar of this very network has named, in a file that it
 * signed, with the key that is its own when the log ends. */
#include <string.h>

#include "agents/audit/report/report.h"
#include "proto/names.h"

static enum audit_code names_failed(const struct report *r, const char *what)
{
  return audit_tell(r->request, AUDIT_UNREADABLE, "--names %s: %s", r->request->report.names, what);
}

static enum audit_code check(struct report *r, struct books *books, const struct named *named)
{
  struct organisation by;
  if (!hash_equal(&named->network, &r->head.network))
    return names_failed(r, "is of another network");
  if (books_organisation(books, &named->by, &by) != OK || by.registrar == 0 || by.standing != ONWARD__STANDING__ACTIVE)
    return names_failed(r, "who signed it is no registrar when the log ends");
  if (!named_signed_by(named, by.keys.sign))
    return names_failed(r, "the signature is not by that registrar's key when the log ends");
  r->namer = named->by;
  return AUDIT_FINE;
}

enum audit_code report_names(struct report *r, struct books *books)
{
  static char text[NAMES_TEXT_MAX];
  static struct named named; /* large */
  struct complaint complaint;
  char why[200];
  size_t size = 0;
  memset(&named, 0, sizeof named);
  if (r->request->report.names != NULL) {
    if (file_read(r->request->report.names, text, sizeof text, &size, why) != OK)
      return names_failed(r, why);
    if (named_read(bytes_of(text, size), &complaint, &named) != OK)
      return names_failed(r, complaint.text);
    enum audit_code code = check(r, books, &named);
    if (code != AUDIT_FINE)
      return code;
  }
  return report_letters(r, named.organisations, named.count) ? AUDIT_FINE : AUDIT_UNREADABLE;
}
