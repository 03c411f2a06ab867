/* Organisations become letters. Which is A follows from a hash over the nonces of all entries: whoever has the whole
 * log works out the same letters; whoever has a part of it, or this report and a list of names, cannot. Neither size
 * nor age of an organisation is in its letter, and with every further entry the letters are dealt anew. */
#include <stdlib.h>
#include <string.h>

#include "agents/audit/report/report.h"
#include "proto/seal/hash.h"

struct card {
  struct hash hash;
  struct name *name;
};

static int card_compare(const void *a, const void *b)
{
  return memcmp(((const struct card *)a)->hash.byte, ((const struct card *)b)->hash.byte, sizeof(struct hash));
}

static struct card card_of(const struct report *r, struct name *name)
{
  uint8_t both[sizeof(struct hash) + NAME_SIZE] = {0};
  memcpy(both, r->letters.byte, sizeof r->letters.byte);
  memcpy(both + sizeof r->letters.byte, name->text, strlen(name->text));
  return (struct card){sha256(BYTES(both)), name};
}

/* A to Z, AA to AZ, ... */
static void letter_write(size_t number, char out[NAME_SIZE])
{
  char backwards[8];
  size_t size = 0, i = 0;
  for (size_t n = number + 1; n > 0; n = (n - 1) / 26)
    backwards[size++] = (char)('A' + (n - 1) % 26);
  while (size > 0)
    out[i++] = backwards[--size];
  out[i] = 0;
}

static bool is_named(const char *text, const struct org_id *named, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (bytes_equal(org_id_text(&named[i]), bytes_text(text)))
      return true;
  return false;
}

static const char *shown_of(struct report *r, const char *organisation)
{
  const struct name *name = names_take(&r->organisations, organisation);
  return name == NULL ? "?" : name->shown;
}

/* The organisations of one dimension, or both of a path. */
static void show_dimension(struct report *r, struct names *n, enum column column)
{
  for (size_t i = 0; i < n->count; i++) {
    struct name *name = n->list[i];
    char from[NAME_SIZE];
    if (column == COLUMN_ORGANISATION)
      (void)snprintf(name->shown, sizeof name->shown, "%s", shown_of(r, name->text));
    if (column != COLUMN_PATH)
      continue;
    size_t size = strcspn(name->text, ">");
    (void)snprintf(from, sizeof from, "%.*s", (int)size, name->text);
    (void)snprintf(name->shown, sizeof name->shown, "%.16s>%.16s", shown_of(r, from),
                   shown_of(r, name->text + size + 1));
  }
}

bool report_letters(struct report *r, const struct org_id *named, size_t named_count)
{
  size_t count = r->organisations.count;
  bool fine = true;
  struct card *cards = calloc(count + 1, sizeof *cards);
  if (cards == NULL)
    return report_failed(r, "no memory");
  for (size_t i = 0; i < count; i++)
    cards[i] = card_of(r, r->organisations.list[i]);
  qsort(cards, count, sizeof *cards, card_compare);
  for (size_t i = 0; i < count; i++)
    if (!is_named(cards[i].name->text, named, named_count))
      letter_write(i, cards[i].name->shown);
  free(cards);
  for (enum family f = 0; f < FAMILIES; f++)
    for (size_t d = 0; d < shapes[f].dimension_count; d++) {
      show_dimension(r, &r->categories[f][d], shapes[f].dimensions[d].column);
      fine = fine && names_sort(&r->categories[f][d], shapes[f].dimensions[d].categories != NULL);
    }
  return fine || report_failed(r, "no memory");
}
