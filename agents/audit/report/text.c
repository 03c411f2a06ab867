/* The report for people: the sentence, what was checked, then a table for each kind of count. */
#include <inttypes.h>
#include <string.h>

#include "agents/audit/report/report.h"

#define HOUR_S 3600.0
#define LABEL_WIDTH 22
#define COLUMN_WIDTH 10

static void print_about(const struct report *r, FILE *out)
{
  static const char *const periods[] = {"month", "quarter", "year"};
  char sentence[400], words[SIX_WORDS_SIZE], vkey[NOTE_VKEY_SIZE], time[WORDS_SIZE];
  char root[4 * ((sizeof r->checkpoint.root.byte + 2) / 3) + 1];
  report_sentence(r, sentence);
  six_words(r->head.network.byte, words);
  note_key_print(&r->log.key, vkey);
  words_time(r->head.time_ms, time);
  base64_encode(hash_bytes(&r->checkpoint.root), root);
  fprintf(out, "%s\n\n", sentence);
  fprintf(out, "  log         %s of the network %s\n", r->checkpoint.origin, words);
  fprintf(out, "  checked     %" PRIu64 " entries, the newest of %s; root %s,\n", r->head.size, time, root);
  fprintf(out, "              signed by %s%s\n", vkey, r->request->pinned ? "" : " (as the log says)");
  fprintf(out, "  period      the %s in which a referral was sent (UTC)\n", periods[r->request->report.period]);
  fprintf(out, "  small       a count under %" PRIu32 " is <%" PRIu32 "; * would give one away\n", r->minimum,
          r->minimum);
  if (bytes_zero(org_id_bytes(&r->namer)))
    fprintf(out, "  names       none: letters of this report only\n");
  else
    fprintf(out, "  names       as the registrar " ORG_FMT " signed; letters for the others\n", r->namer.text);
  fprintf(out, "  drills      %" PRIu64 ", left out of everything below\n", r->drills);
}

static void print_label(FILE *out, const char *label)
{
  fprintf(out, "  %-*s", LABEL_WIDTH, label);
}

static void print_counts(const struct report *r, FILE *out, enum family f, size_t d, size_t row, size_t column)
{
  for (enum measure m = 0; m < shapes[f].measure_count; m++) {
    const struct grid *g = &r->grids[f][m][d];
    char value[24] = "";
    if (g->count != NULL)
      report_value(r, g, row == SIZE_MAX ? grid_at(g, g->rows, column) : grid_at(g, row, column), value);
    fprintf(out, "%*s", COLUMN_WIDTH, value);
  }
  fputc('\n', out);
}

/* Median, and in how many hours nine of ten were done. */
static void print_times(const struct report *r, FILE *out, enum family f, size_t d, size_t row)
{
  for (enum measure m = 0; m < shapes[f].measure_count; m++) {
    const struct grid *g = &r->grids[f][m][d];
    char value[40] = "";
    size_t at = grid_at(g, row, g->columns);
    if (g->median_s != NULL && g->mark[at] == SHOWN && g->count[at] >= r->minimum)
      (void)snprintf(value, sizeof value, "%.0f/%.0f", g->median_s[at] / HOUR_S, g->ninth_s[at] / HOUR_S);
    fprintf(out, "%*s", COLUMN_WIDTH, value);
  }
  fputc('\n', out);
}

static bool is_timed(enum family f)
{
  for (enum measure m = 0; m < shapes[f].measure_count; m++)
    if (shapes[f].measures[m].timed)
      return true;
  return false;
}

static void print_dimension(const struct report *r, FILE *out, enum family f, size_t d)
{
  const struct names *names = &r->categories[f][d];
  const struct grid *begun = &r->grids[f][BEGUN][d];
  if (shapes[f].dimensions[d].measures != UINT32_MAX)
    return;
  fprintf(out, "  by %s\n", shapes[f].dimensions[d].name);
  for (size_t i = 0; i < names->count; i++) {
    size_t row = names->order[i], all = grid_at(begun, row, begun->columns);
    if (begun->count[all] == 0 && begun->mark[all] == SHOWN)
      continue;
    print_label(out, names->list[row]->shown);
    print_counts(r, out, f, d, row, begun->columns);
    if (is_timed(f)) {
      print_label(out, "  h: half/nine in ten");
      print_times(r, out, f, d, row);
    }
  }
}

static void print_family(const struct report *r, FILE *out, enum family f)
{
  const struct grid *sums = &r->grids[f][BEGUN][0];
  fprintf(out, "\n%s\n", shapes[f].title);
  print_label(out, "");
  for (enum measure m = 0; m < shapes[f].measure_count; m++)
    fprintf(out, "%*s", COLUMN_WIDTH, shapes[f].measures[m].heading);
  fputc('\n', out);
  for (size_t c = 0; c < sums->columns; c++) {
    print_label(out, r->periods.list[c]->shown);
    print_counts(r, out, f, 0, SIZE_MAX, c);
  }
  print_label(out, "all");
  print_counts(r, out, f, 0, SIZE_MAX, sums->columns);
  if (is_timed(f)) {
    print_label(out, "  h: half/nine in ten");
    print_times(r, out, f, 0, sums->rows);
  }
  for (size_t d = 0; d < shapes[f].dimension_count; d++)
    print_dimension(r, out, f, d);
}

/* A dimension of one measure only: the open ones by age, and where those that were passed on have ended. */
static void print_list(const struct report *r, FILE *out, enum measure m, size_t d, const char *title)
{
  const struct grid *g = &r->grids[FAMILY_REFERRALS][m][d];
  const struct names *names = &r->categories[FAMILY_REFERRALS][d];
  char value[24];
  fprintf(out, "\n%s\n", title);
  for (size_t i = 0; i < names->count; i++) {
    report_value(r, g, grid_at(g, names->order[i], g->columns), value);
    print_label(out, names->list[names->order[i]]->shown);
    fprintf(out, "%*s\n", COLUMN_WIDTH, value);
  }
}

void report_text(const struct report *r, FILE *out)
{
  print_about(r, out);
  print_family(r, out, FAMILY_REFERRALS);
  print_list(r, out, BEGUN, STANDING, "Where they are now");
  print_list(r, out, UNFINISHED, AGE, "Open ones, by time since they were sent");
  print_list(r, out, REROUTED, END, "Where those that were passed on are now");
  for (enum family f = FAMILY_LEGS; f < FAMILIES; f++)
    print_family(r, out, f);
  fputs("\nWhat each number counts: onward-audit(1), REPORT.\n", out);
}
