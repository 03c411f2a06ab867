/* `show`: the log for reading, one line an entry. It verifies nothing: it shows what is stored. Only what became of
 * sealed bodies follows from a replay, and so is told of a log that replays. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"
#include "proto/ledger/rows.h"

/* --- whom an entry was for: the mailboxes of all organisations, walked beside the log --- */

struct mailbox {
  struct org_id organisation;
  uint64_t next; /* index of its next row; UINT64_MAX: none */
};

struct mailboxes {
  size_t count;
  struct mailbox *list;
  const struct org_id **told;
};

static void mailbox_advance(struct books *b, struct mailbox *m, uint64_t from)
{
  if (books_mail(b, &m->organisation, from, &m->next) != OK)
    m->next = UINT64_MAX;
}

static bool mailboxes_open(struct books *b, uint64_t from, struct mailboxes *out)
{
  struct walk walk = walk_of(b, TABLE_ORGANISATIONS);
  struct bytes key, value;
  size_t room = 0;
  *out = (struct mailboxes){0};
  while (walk_next(&walk, &key, &value)) {
    if (out->count == room) {
      room = 2 * room + 64;
      struct mailbox *grown = realloc(out->list, room * sizeof *grown);
      if (grown == NULL)
        return false;
      out->list = grown;
    }
    struct mailbox *m = &out->list[out->count];
    if (org_id_parse(key, &m->organisation) == OK) {
      mailbox_advance(b, m, from);
      out->count++;
    }
  }
  out->told = malloc((out->count + 1) * sizeof(struct org_id *));
  return out->told != NULL;
}

static void mailboxes_close(struct mailboxes *m)
{
  free(m->list);
  free(m->told);
}

static struct audience mailboxes_told(struct books *b, struct mailboxes *m, uint64_t index, const struct org_id *author)
{
  struct audience told = {0, m->told};
  for (size_t i = 0; i < m->count; i++) {
    struct mailbox *box = &m->list[i];
    if (box->next < index)
      mailbox_advance(b, box, index);
    if (box->next == index && !org_id_equal(&box->organisation, author))
      m->told[told.count++] = &box->organisation;
  }
  return told;
}

/* --- which entries are wanted --- */

bool referral_valid(const char *text)
{
  uint8_t id[sizeof(struct ref_id)];
  size_t size = 0;
  return ref_short_valid(text) || (hex_decode(bytes_text(text), id, sizeof id, &size) == OK && size == sizeof id);
}

static char lower(char c)
{
  return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Equal but for case and hyphens, which people write as they like. */
static bool same_letters(const char *a, const char *b)
{
  for (;; a++, b++) {
    a += *a == '-';
    b += *b == '-';
    if (lower(*a) != lower(*b))
      return false;
    if (*a == 0)
      return true;
  }
}

bool referral_asked(const char *wanted, const struct ref_id *id)
{
  char brief[REF_SHORT_SIZE], hex[2 * sizeof id->byte + 1];
  ref_short(id, brief);
  hex_encode(BYTES(id->byte), hex);
  return wanted == NULL || same_letters(wanted, brief) || same_letters(wanted, hex);
}

static bool event_wanted(const struct audit_request *q, const struct leaf *leaf, const struct event *e)
{
  bool about = q->referral == NULL || (e->core->referral_id.len > 0 && referral_asked(q->referral, &e->referral));
  return about && leaf->time_ms >= q->since_ms && (q->until_ms == 0 || leaf->time_ms <= q->until_ms) &&
         (!q->acts.any || q->acts.chosen[e->act]);
}

static bool organisation_wanted(const struct org_id *wanted, const struct org_id *author, const struct audience *told)
{
  if (bytes_zero(org_id_bytes(wanted)) || org_id_equal(wanted, author))
    return true;
  for (size_t i = 0; i < told->count; i++)
    if (org_id_equal(wanted, told->organisations[i]))
      return true;
  return false;
}

/* --- the command --- */

static enum audit_code show_entry(struct audit *a, struct books *mail, struct mailboxes *m, struct erasures *erasures,
                                  uint64_t index, struct bytes bytes)
{
  const struct audit_request *q = a->request;
  struct leaf leaf;
  struct event e;
  struct complaint why = {"it is not in the form of an entry"};
  struct org_id author = {{0}};
  struct batch_header h;
  arena_reset(&a->arena);
  if (leaf_read(bytes, &leaf) != OK || event_read(leaf.event, &a->arena, &why, &e) != OK)
    return audit_tell(q, AUDIT_FAILED, "entry %" PRIu64 ": %s", index, why.text);
  if (leaf.origin == ORIGIN_ORGANISATION && batch_header_read(leaf.header, &h) == OK)
    author = h.organisation;
  struct audience told = mailboxes_told(mail, m, index, &author);
  if (!event_wanted(q, &leaf, &e) || !organisation_wanted(&q->organisation, &author, &told))
    return AUDIT_FINE;
  struct body_state bodies[SEALED_SLOTS_MAX];
  if (erasures != NULL)
    erasures_of(erasures, &leaf, &e, bodies);
  (q->json ? line_json : line_text)(&leaf, &e, &told, erasures != NULL ? bodies : NULL, q->out);
  return AUDIT_FINE;
}

/* The first stored one at or behind `index`, which is moved to it. */
static bool next_entry(struct books *b, uint64_t *index, struct bytes *bytes)
{
  struct row_key from = key_of_index(*index);
  struct bytes key;
  if (b->seek(b, TABLE_ENTRIES, row_key(&from), &key, bytes) != OK)
    return false;
  struct reader r = reader_of(key);
  *index = read_u64(&r);
  return reader_done(&r);
}

static enum audit_code show(struct audit *a, struct books *mail, struct erasures *erasures)
{
  const struct audit_request *q = a->request;
  struct mailboxes m;
  struct bytes bytes;
  enum audit_code code = AUDIT_FINE;
  bool ready = mailboxes_open(mail, q->from, &m);
  for (uint64_t i = q->from; ready && next_entry(a->books, &i, &bytes) && i <= q->to; i++)
    if (show_entry(a, mail, &m, erasures, i, bytes) != AUDIT_FINE)
      code = AUDIT_FAILED; /* the rest is shown all the same */
  mailboxes_close(&m);
  if (!ready)
    return audit_tell(q, AUDIT_UNREADABLE, "no memory");
  enum audit_code trouble = audit_trouble(a);
  return trouble != AUDIT_FINE ? trouble : code;
}

enum audit_code audit_show(const struct audit_request *q)
{
  struct audit a;
  struct erasures *erasures = NULL;
  struct rebuild r = {0};
  enum audit_code code = audit_open(q, &a);
  if (code == AUDIT_FINE && audit_partial(&a)) /* its books have no mailboxes: nobody is found */
    fprintf(q->err, "onward-audit: %s: has not every entry: for whom one was is not known\n", q->folder);
  else if (code == AUDIT_FINE && a.exported != NULL)
    code = rebuild_run(&a, NULL, &r);
  if (code == AUDIT_FINE && q->bodies)
    code = erasures_open(&a, &erasures);
  if (code == AUDIT_FINE)
    code = show(&a, r.books == NULL ? a.books : r.books, erasures);
  erasures_close(erasures);
  rebuild_close(&r);
  audit_close(&a);
  return code;
}
