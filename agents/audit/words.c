/* Times, keys, fields and entries in words. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agents/audit/audit.h"

void words_time(uint64_t ms, char out[WORDS_SIZE])
{
  struct tm tm;
  char seconds[WORDS_SIZE - 8];
  time_t t = (time_t)(ms / 1000);
  if (ms / 1000 > INT32_MAX * 8ULL || gmtime_r(&t, &tm) == NULL ||
      strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
    (void)snprintf(out, WORDS_SIZE, "%" PRIu64 " ms", ms);
  else
    (void)snprintf(out, WORDS_SIZE, "%s.%03dZ", seconds, (int)(ms % 1000));
}

/* --- keys --- */

/* What stands in a key, one letter each: i u64 index, I the same inverted, s u8, k u8 kind of what has a clock, o
 * organisation, r referral id, t u64 time. */
static const char *const key_forms[TABLES_CONTRACT] = {
    [TABLE_ENTRIES] = "i", [TABLE_TREE] = "i",        [TABLE_REFERRALS] = "r",  [TABLE_ORGANISATIONS] = "o",
    [TABLE_KEYS] = "oI",   [TABLE_REGISTRY] = "i",    [TABLE_MAILBOXES] = "oi", [TABLE_SEQUENCES] = "os",
    [TABLE_HELD] = "is",   [TABLE_RELEASES] = "oiis", [TABLE_CLOCKS] = "tk",    [TABLE_BODIES] = "is",
    [TABLE_LEGS] = "or",   [TABLE_UNATTENDED] = "or",
};

static void write_org(struct writer *w, struct bytes b)
{
  struct org_id id;
  if (org_id_parse(b, &id) == OK)
    write_bytes(w, org_id_text(&id));
  else
    write_text(w, "?");
}

static void write_key_part(struct writer *w, char form, const char *noun, struct reader *r)
{
  char text[WORDS_SIZE];
  struct ref_id id;
  switch (form) {
  case 'o':
    write_org(w, read_bytes(r, sizeof(struct org_id)));
    return;
  case 'r':
    read_into(r, id.byte, sizeof id.byte);
    ref_short(&id, text);
    write_text(w, "referral ");
    write_text(w, text);
    return;
  case 't':
    words_time(read_u64(r), text);
    write_text(w, text);
    return;
  case 'k':
    write_key_part(w, read_u8(r) == CLOCK_OF_REFERRAL ? 'r' : 'o', noun, r);
    return;
  case 's':
    write_text(w, "slot ");
    write_decimal(w, read_u8(r));
    return;
  default:
    write_text(w, noun);
    write_decimal(w, form == 'I' ? ~read_u64(r) : read_u64(r));
  }
}

void words_key(int table, struct bytes key, char out[WORDS_SIZE])
{
  const char *form = key_forms[table];
  struct writer w = writer_of(out, WORDS_SIZE - 1);
  struct reader r = reader_of(key);
  for (size_t i = 0; form != NULL && form[i] != 0; i++) {
    if (i > 0)
      write_text(&w, ", ");
    write_key_part(&w, form[i], table == TABLE_TREE ? "stored hash " : "entry ", &r);
  }
  if (form == NULL || !reader_done(&r)) {
    w = writer_of(out, WORDS_SIZE - 1);
    write_text(&w, bytes_equal(key, bytes_text("head")) ? "the head"
                   : form == NULL                       ? "a public key"
                                                        : "no key of this table");
  }
  out[w.size] = 0;
}

/* --- fields --- */

struct field {
  size_t offset;
  const char *name;
};
#define FIELD(type, member)                                                                                            \
  {                                                                                                                    \
    offsetof(struct type, member), #member                                                                             \
  }

static const struct field head_fields[] = {FIELD(head, size),
                                           FIELD(head, time_ms),
                                           FIELD(head, registry),
                                           FIELD(head, rules),
                                           FIELD(head, replace_after_ms),
                                           FIELD(head, absent_ms),
                                           FIELD(head, doubted_ms),
                                           FIELD(head, epoch),
                                           FIELD(head, network)};
static const struct field organisation_fields[] = {
    FIELD(organisation, id),
    FIELD(organisation, standing),
    FIELD(organisation, kind),
    FIELD(organisation, registrar),
    FIELD(organisation, zero),
    FIELD(organisation, keys_index),
    FIELD(organisation, pending_index),
    FIELD(organisation, pending_due_ms),
    FIELD(organisation, agreement_until_ms),
    FIELD(organisation, unattended_due_ms),
    FIELD(organisation, unattended_told_ms),
    FIELD(organisation, keys),
};
static const struct field keys_fields[] = {FIELD(keys, link), FIELD(keys, sign), FIELD(keys, seal),
                                           FIELD(keys, seal_id)};
static const struct field sequence_fields[] = {FIELD(sequence, sequence), FIELD(sequence, first_index),
                                               FIELD(sequence, read_up_to), FIELD(sequence, root)};
static const struct field referral_fields[] = {
    FIELD(referral, id),
    FIELD(referral, sender),
    FIELD(referral, state),
    FIELD(referral, flags),
    FIELD(referral, priority),
    FIELD(referral, leg),
    FIELD(referral, hops),
    FIELD(referral, present),
    FIELD(referral, chosen),
    FIELD(referral, party_count),
    FIELD(referral, last),
    FIELD(referral, basis),
    FIELD(referral, reroute),
    FIELD(referral, info_count),
    FIELD(referral, submit_index),
    FIELD(referral, scope_index),
    FIELD(referral, consent_until_ms),
    FIELD(referral, expected_ms),
    FIELD(referral, safety_at_recipient),
    FIELD(referral, safety_at_sender),
    FIELD(referral, leg_index),
    FIELD(referral, accept_index),
    FIELD(referral, last_index),
    FIELD(referral, submitted_ms),
    FIELD(referral, state_since_ms),
    FIELD(referral, leg_since_ms),
    FIELD(referral, outcome),
    FIELD(referral, clock_row_ms),
    FIELD(referral, clock_due_ms),
    FIELD(referral, clock_told),
    FIELD(referral, decide_left_ms),
    FIELD(referral, parties),
};

#define FIELDS(list)                                                                                                   \
  {                                                                                                                    \
    list, sizeof(list) / sizeof(list)[0]                                                                               \
  }
static const struct {
  const struct field *list;
  size_t count;
} table_fields[TABLES_CONTRACT] = {
    [TABLE_HEAD] = FIELDS(head_fields),          [TABLE_ORGANISATIONS] = FIELDS(organisation_fields),
    [TABLE_KEYS] = FIELDS(keys_fields),          [TABLE_SEQUENCES] = FIELDS(sequence_fields),
    [TABLE_REFERRALS] = FIELDS(referral_fields),
};

const char *words_field(int table, size_t offset)
{
  const char *name = NULL;
  for (size_t i = 0; i < table_fields[table].count && table_fields[table].list[i].offset <= offset; i++)
    name = table_fields[table].list[i].name;
  return name;
}

/* --- entries --- */

void words_entry(const struct leaf *leaf, const struct event *e, char out[WORDS_SIZE])
{
  struct batch_header h;
  char id[REF_SHORT_SIZE];
  struct writer w = writer_of(out, WORDS_SIZE - 1);
  write_text(&w, act_name(e->act));
  write_text(&w, " by ");
  if (leaf->origin == ORIGIN_ORGANISATION && batch_header_read(leaf->header, &h) == OK)
    write_bytes(&w, org_id_text(&h.organisation));
  else
    write_text(&w, leaf->origin == ORIGIN_BROKER ? "the exchange" : "?");
  if (e->core->referral_id.len > 0) {
    ref_short(&e->referral, id);
    write_text(&w, " on ");
    write_text(&w, id);
  }
  out[w.size] = 0;
}
