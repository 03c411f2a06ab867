/* `report`: the log is verified as it is replayed, and only a log that holds is reported on. */
#include <string.h>

#include "agents/audit/report/report.h"

static enum audit_code tell_trouble(const struct report *r)
{
  return audit_tell(r->request, AUDIT_UNREADABLE, "%s%s%s", r->trouble, r->trouble_number == 0 ? "" : ": ",
                    r->trouble_number == 0 ? "" : strerror(r->trouble_number));
}

static enum audit_code take_log(struct report *r, struct audit *a, struct rebuild *rebuild)
{
  const struct rebuild_watch watch = {.context = r, .entry = report_entry};
  enum audit_code code = rebuild_run(a, &watch, rebuild);
  if (code == AUDIT_FINE)
    code = log_name_read(a->request, rebuild->books, &a->arena, &r->log);
  if (code == AUDIT_FINE)
    code = rebuild_checkpoint(a, rebuild, &r->log, &r->checkpoint);
  if (code != AUDIT_FINE)
    return code;
  r->batches = rebuild->batches;
  report_end(r, rebuild->books);
  return report_names(r, rebuild->books);
}

static enum audit_code print(const struct report *r)
{
  if (r->request->report.html != NULL)
    return report_page(r);
  (r->request->json ? report_json : r->request->report.csv ? report_csv : report_text)(r, r->request->out);
  return AUDIT_FINE;
}

enum audit_code audit_report(const struct audit_request *q)
{
  struct audit a = {0};
  struct rebuild rebuild = {0};
  struct report r;
  enum audit_code code = report_open(q, &r) ? audit_open(q, &a) : AUDIT_FINE;
  if (code == AUDIT_FINE && r.trouble == NULL)
    code = take_log(&r, &a, &rebuild);
  rebuild_close(&rebuild);
  audit_close(&a);
  if (code == AUDIT_FINE && r.trouble == NULL && report_count(&r))
    code = print(&r);
  if (code == AUDIT_FINE && r.trouble != NULL)
    code = tell_trouble(&r);
  report_close(&r);
  return code;
}
