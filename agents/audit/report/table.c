/* The report as one long table, and its first sentence. A sum stands with empty text where it is of all. Where nothing
 * was counted in a category, it is left out. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "agents/audit/report/report.h"

#define HOUR_S 3600.0
#define HOUR_MS 3600000

void report_value(const struct report *r, const struct grid *g, size_t at, char out[24])
{
  if (g->mark[at] == SHOWN)
    (void)snprintf(out, 24, "%" PRIu32, g->count[at]);
  else if (g->mark[at] == SMALL)
    (void)snprintf(out, 24, "<%" PRIu32, r->minimum);
  else
    (void)snprintf(out, 24, "*");
}

/* --- rows --- */

static void take_cell(const struct report *r, const struct grid *g, size_t at, struct report_row *row,
                      report_take *take, void *context)
{
  size_t size = strlen(row->measure);
  report_value(r, g, at, row->value);
  take(context, row);
  if (g->median_s == NULL || g->mark[at] != SHOWN || g->count[at] < r->minimum)
    return;
  (void)snprintf(row->measure + size, sizeof row->measure - size, "_median_h");
  (void)snprintf(row->value, sizeof row->value, "%.2f", g->median_s[at] / HOUR_S);
  take(context, row);
  (void)snprintf(row->measure + size, sizeof row->measure - size, "_p90_h");
  (void)snprintf(row->value, sizeof row->value, "%.2f", g->ninth_s[at] / HOUR_S);
  take(context, row);
  row->measure[size] = 0;
}

static void take_line(const struct report *r, const struct grid *g, size_t line, struct report_row row,
                      report_take *take, void *context)
{
  for (size_t c = 0; c <= g->columns; c++) {
    row.period = c == g->columns ? "" : r->periods.list[c]->shown;
    take_cell(r, g, grid_at(g, line, c), &row, take, context);
  }
}

/* A category in its column; or, of a dimension that has none, behind the measure. */
static void place_category(struct report_row *row, enum column column, const char *measure, const char *shown,
                           char from[NAME_SIZE])
{
  const char **columns[] = {&row->organisation, &row->group, &row->area, &row->priority};
  size_t size = strcspn(shown, ">");
  if (column < COLUMN_NONE)
    *columns[column] = shown;
  if (column == COLUMN_NONE)
    (void)snprintf(row->measure, sizeof row->measure, "%s.%s", measure, shown);
  if (column != COLUMN_PATH)
    return;
  (void)snprintf(from, NAME_SIZE, "%.*s", (int)size, shown);
  row->organisation = from;
  (void)snprintf(row->measure, sizeof row->measure, "%s.to.%s", measure, shown + size + 1);
}

static bool is_empty(const struct grid *g, size_t row)
{
  size_t all = grid_at(g, row, g->columns);
  return g->count[all] == 0 && g->mark[all] == SHOWN;
}

static void take_dimension(const struct report *r, enum family f, enum measure m, size_t d, report_take *take,
                           void *context)
{
  const struct grid *g = &r->grids[f][m][d], *begun = &r->grids[f][BEGUN][d];
  const struct names *names = &r->categories[f][d];
  for (size_t i = 0; i < names->count; i++) {
    char from[NAME_SIZE];
    size_t number = names->order[i];
    struct report_row row = {"", "", "", "", "", "", ""};
    bool own = shapes[f].dimensions[d].measures != UINT32_MAX; /* of one measure: all its categories are told */
    if (!own && is_empty(begun, number))
      continue;
    (void)snprintf(row.measure, sizeof row.measure, "%s", shapes[f].measures[m].name);
    place_category(&row, shapes[f].dimensions[d].column, shapes[f].measures[m].name, names->list[number]->shown, from);
    take_line(r, g, number, row, take, context);
  }
}

void report_rows(const struct report *r, report_take *take, void *context)
{
  for (enum family f = 0; f < FAMILIES; f++)
    for (enum measure m = 0; m < shapes[f].measure_count; m++) {
      struct report_row row = {"", "", "", "", "", "", ""};
      const struct grid *sums = &r->grids[f][m][0];
      (void)snprintf(row.measure, sizeof row.measure, "%s", shapes[f].measures[m].name);
      take_line(r, sums, sums->rows, row, take, context);
      for (size_t d = 0; d < shapes[f].dimension_count; d++)
        if ((shapes[f].dimensions[d].measures >> m & 1) != 0)
          take_dimension(r, f, m, d, take, context);
    }
}

/* --- the sentence --- */

/* Parts that may not be shown one by one are told together: their sum is what is left of all. */
struct parts {
  char hidden[200];
  uint32_t hidden_count;
};

static void add_part(const struct report *r, struct parts *p, enum standing s, const char *words, char *out)
{
  const struct grid *g = &r->grids[FAMILY_REFERRALS][BEGUN][STANDING];
  size_t at = grid_at(g, s, g->columns), size = strlen(out), used = strlen(p->hidden);
  uint32_t n = g->count[at];
  if (g->mark[at] != SHOWN) {
    p->hidden_count += n;
    (void)snprintf(p->hidden + used, sizeof p->hidden - used, "%s%s", used == 0 ? "" : " or ", words);
  } else if (n > 0) {
    (void)snprintf(out + size, 400 - size, "%s%" PRIu32 " %s", out[size - 1] == ':' ? " " : ", ", n, words);
  }
}

void report_sentence(const struct report *r, char out[400])
{
  static const char *const words[] = {"answered", "back with their sender", "on their way"};
  const struct grid *g = &r->grids[FAMILY_REFERRALS][BEGUN][STANDING];
  size_t all = grid_at(g, g->rows, g->columns), way = grid_at(g, UNDER_WAY, g->columns);
  uint32_t n = g->count[all], vanished = g->count[grid_at(g, VANISHED, g->columns)];
  struct parts p = {.hidden_count = 0};
  if (g->mark[all] != SHOWN || n == 0) {
    (void)snprintf(out, 400, "Of %s%" PRIu32 " referrals %" PRIu32 " vanished.", n == 0 ? "" : "fewer than ",
                   n == 0 ? 0 : r->minimum, vanished);
    return;
  }
  (void)snprintf(out, 400, "Of %" PRIu32 " referrals %" PRIu32 " vanished:", n, vanished);
  for (enum standing s = ANSWERED; s < VANISHED; s++)
    add_part(r, &p, s, words[s], out);
  size_t size = strlen(out);
  if (p.hidden_count > 0)
    size += (size_t)snprintf(out + size, 400 - size, "%s%" PRIu32 " %s", out[size - 1] == ':' ? " " : ", ",
                             p.hidden_count, p.hidden);
  if (g->mark[way] == SHOWN && g->count[way] >= r->minimum)
    size += (size_t)snprintf(out + size, 400 - size, ", the oldest for %" PRIu64 " h", r->oldest_ms / HOUR_MS);
  (void)snprintf(out + size, 400 - size, ".");
}

/* --- CSV and JSON --- */

static void csv_take(void *out, const struct report_row *row)
{
  fprintf(out, "%s,%s,%s,%s,%s,%s,%s\n", row->period, row->organisation, row->group, row->area, row->priority,
          row->measure, row->value);
}

/* No value needs quotes: ids, codes and numbers have neither comma nor quote. */
void report_csv(const struct report *r, FILE *out)
{
  fputs("period,organisation,group,area,priority,measure,value\n", out);
  report_rows(r, csv_take, out);
}

struct json_out {
  FILE *file;
  const char *before;
};

static json_t *value_json(const char *value)
{
  char *end = NULL;
  double number = strtod(value, &end);
  return *end != 0 || *value == 0     ? json_string(value)
         : strchr(value, '.') == NULL ? json_integer((json_int_t)number)
                                      : json_real(number);
}

static void json_take(void *context, const struct report_row *row)
{
  struct json_out *out = context;
  json_t *value = value_json(row->value);
  json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "period", row->period, "organisation", row->organisation,
                        "group", row->group, "area", row->area, "priority", row->priority, "measure", row->measure,
                        "value", value);
  fputs(out->before, out->file);
  json_dumpf(o, out->file, JSON_COMPACT | JSON_REAL_PRECISION(15));
  out->before = ",\n  ";
  json_decref(o);
}

static json_t *log_json(const struct report *r)
{
  char words[SIX_WORDS_SIZE], vkey[NOTE_VKEY_SIZE], time[WORDS_SIZE];
  char root[4 * ((sizeof r->checkpoint.root.byte + 2) / 3) + 1];
  six_words(r->head.network.byte, words);
  note_key_print(&r->log.key, vkey);
  words_time(r->head.time_ms, time);
  base64_encode(hash_bytes(&r->checkpoint.root), root);
  return json_pack("{s:s, s:s, s:s, s:b, s:I, s:s, s:s, s:I}", "name", r->checkpoint.origin, "network", words, "key",
                   vkey, "key_given", (int)r->request->pinned, "entries", (json_int_t)r->head.size, "newest", time,
                   "root", root, "batches", (json_int_t)r->batches);
}

void report_json(const struct report *r, FILE *out)
{
  static const char *const periods[] = {"month", "quarter", "year"};
  char sentence[400], namer[NAME_SIZE];
  struct json_out rows = {out, "\n  "};
  report_sentence(r, sentence);
  (void)snprintf(namer, sizeof namer, ORG_FMT, r->namer.text);
  json_t *about = json_pack("{s:s, s:o, s:s, s:I, s:I, s:s}", "sentence", sentence, "log", log_json(r), "period",
                            periods[r->request->report.period], "minimum", (json_int_t)r->minimum, "drills",
                            (json_int_t)r->drills, "named_by", namer);
  fputs("{\"about\": ", out);
  json_dumpf(about, out, 0);
  json_decref(about);
  fputs(",\n \"rows\": [", out);
  report_rows(r, json_take, &rows);
  fputs("\n]}\n", out);
}
