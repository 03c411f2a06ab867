/* Her name travels only after yes: what went over the link of an organisation that declined, or passed the case on,
 * frame by frame as it was decrypted, and counted in bytes of TCP; and which bodies the exchange's books still hold.
 * Police lists aple, stranger and second. Bodies are random: a window of 16 bytes is nowhere by chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/ledger/rows.h"
#include "tests/system/peer.h"

enum { WINDOW = 16, SLOTS = 6, SMALL = 256, LARGE = 65536, SLACK = 1024 };
enum { APLE_BRIEF, APLE_FILE, STRANGER_BRIEF, STRANGER_FILE, SECOND_BRIEF, SECOND_FILE };

/* A referral, and what was sealed with its submit. */
struct sent {
  struct ref_id id;
  uint64_t index; /* of the submit */
  struct bytes body[SLOTS];
  uint8_t room[SLOTS][LARGE];
};
static struct sent sent;
static struct capture captures[3];

/* The entry that an answer names. */
struct seen {
  uint64_t index;
  struct hash hash;
  Onward__Verdict verdict;
};

/* --- looking for bytes --- */

static int compare(const void *a, const void *b)
{
  return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, WINDOW);
}

/* How many of the body's windows stand anywhere in what was captured. */
static size_t windows_in(const struct capture *c, struct bytes body)
{
  static const uint8_t *windows[sizeof c->byte];
  size_t found = 0, count = c->size - WINDOW + 1;
  assert_true(c->size >= WINDOW);
  for (size_t i = 0; i < count; i++)
    windows[i] = c->byte + i;
  qsort(windows, count, sizeof windows[0], compare);
  for (size_t i = 0; i + WINDOW <= body.size; i++) {
    const uint8_t *window = body.data + i;
    found += bsearch(&window, windows, count, sizeof windows[0], compare) != NULL;
  }
  return found;
}

static bool whole_in(const struct capture *c, struct bytes body)
{
  return windows_in(c, body) == body.size - WINDOW + 1;
}

/* Bytes that came over the connection, as the kernel counts them. */
static uint64_t wire_bytes(const struct peer *p)
{
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  assert_int_equal(getsockopt(p->connection, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  assert_true(info.tcpi_bytes_received > 0);
  return info.tcpi_bytes_received;
}

/* --- what is said and heard --- */

/* Waits until an entry of this act came, after which nothing else is on its way. */
static struct seen hears(struct peer *p, act_kind act)
{
  for (;;) {
    const Onward__Delivery *d;
    assert_int_equal(hear(p, WAIT_MS, &d), FRAME_DELIVERY);
    for (size_t i = 0; i < d->n_entries; i++) {
      struct leaf leaf;
      struct event e;
      struct complaint why;
      struct bytes bytes = pb_bytes(d->entries[i]->leaf);
      assert_int_equal(leaf_read(bytes, &leaf), OK);
      assert_int_equal(event_read(leaf.event, &t.arena, &why, &e), OK);
      if (e.act == act && ref_id_equal(&e.referral, &sent.id))
        return (struct seen){leaf.index, leaf_hash(bytes), leaf.verdict};
    }
    give_credit(p, d->next);
  }
}

static void say(struct peer *p, const struct draft *d, struct bytes sealed)
{
  struct bytes event = pack_draft(d);
  send_message(p, FRAME_SUBMIT, member_batch(p->member, &t.network, &event, 1, &t.arena), sealed);
}

/* Says it, and waits for the entry. */
static struct seen acts_draft(struct peer *p, struct draft *d, const struct seen *of, struct bytes sealed)
{
  d->answers.index = of->index;
  d->answers.leaf_hash = pb_data(hash_bytes(&of->hash));
  d->core.answers = &d->answers;
  give_credit(p, 0);
  say(p, d, sealed);
  return hears(p, d->core.act_case);
}

static void acts(struct peer *p, act_kind act, const struct seen *of)
{
  static struct draft d;
  draft_init(&d, act, &sent.id);
  draft_message(&d);
  assert_int_equal(acts_draft(p, &d, of, (struct bytes){NULL, 0}).verdict, ONWARD__VERDICT__ACCEPTED);
}

static void receives(struct peer *p, const struct seen *of, struct bytes brief)
{
  static struct draft d;
  struct hash hash = sha256(brief);
  draft_init(&d, ONWARD__CORE__ACT_RECEIVE, &sent.id);
  ((Onward__Receive *)draft_message(&d))->sha256 = pb_data(hash_bytes(&hash));
  assert_int_equal(acts_draft(p, &d, of, (struct bytes){NULL, 0}).verdict, ONWARD__VERDICT__ACCEPTED);
}

static void seal(struct draft *d, const struct member *to, Onward__Part part, size_t size)
{
  size_t slot = d->sealed_count;
  draft_seal(d, to, part, part == ONWARD__PART__FILE ? ONWARD__RELEASE__AT_ACCEPT : ONWARD__RELEASE__AT_DELIVERY);
  assert_int_equal(random_bytes(sent.room[slot], size), OK);
  sent.body[slot] = bytes_of(sent.room[slot], size);
  d->hashes[slot] = sha256(sent.body[slot]);
  d->sealed[slot].size = (uint32_t)size;
}

static struct bytes end_to_end(size_t count)
{
  static uint8_t frame[SLOTS * LARGE];
  struct writer w = writer_of(frame, sizeof frame);
  for (size_t i = 0; i < count; i++)
    write_bytes(&w, sent.body[i]);
  return writer_bytes(&w);
}

static ProtobufCBinaryData names[3];

/* Police refers to these, with files of that size; whoever is in the scope may be asked too. */
static void refers(const struct member *const *to, size_t listed, const struct member *const *scope, size_t scoped,
                   size_t file_size)
{
  static struct draft d;
  Onward__Submit s = ONWARD__SUBMIT__INIT;
  memset(&sent, 0, sizeof sent);
  assert_int_equal(random_bytes(&sent.id, sizeof sent.id), OK);
  draft_init(&d, ONWARD__CORE__ACT_SUBMIT, &sent.id);
  for (size_t i = 0; i < listed; i++) {
    seal(&d, to[i], ONWARD__PART__BRIEF, SMALL);
    seal(&d, to[i], ONWARD__PART__FILE, file_size);
  }
  for (size_t i = 0; i < scoped; i++)
    names[i] = pb_data(org_id_text(&scope[i]->id));
  s.n_recipients = listed; /* the scope begins with them */
  s.n_scope = scoped;
  s.recipients = s.scope = names;
  s.group = ONWARD__SERVICE_GROUP__PSS;
  s.priority = ONWARD__PRIORITY__HIGH;
  s.basis = ONWARD__LEGAL_BASIS__CONSENT;
  s.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  s.schema = SCHEMA_VERSION;
  s.taxonomy = TAXONOMY_VERSION;
  d.core.submit = &s;
  give_credit(&t.police, 0);
  say(&t.police, &d, end_to_end(d.sealed_count));
  struct seen own = hears(&t.police, ONWARD__CORE__ACT_SUBMIT);
  assert_int_equal(own.verdict, ONWARD__VERDICT__ACCEPTED);
  sent.index = own.index;
}

static void refers_to_three(size_t file_size)
{
  const struct member *const to[] = {&t.aple_keys, &t.stranger_keys, &t.second_keys};
  refers(to, 3, to, 3, file_size);
}

/* Everybody comes in anew, and wants to hear what is said from now on. */
static int fresh(void **state)
{
  (void)state;
  struct peer *const peers[] = {&t.police, &t.aple, &t.stranger, &t.first};
  arena_reset(&t.arena);
  uint64_t size = log_size();
  for (size_t i = 0; i < 4; i++) {
    peers[i]->capture = i == 0 ? NULL : &captures[i - 1];
    if (i > 0)
      captures[i - 1].size = 0;
    (void)enter(peers[i]);
    give_credit(peers[i], size);
  }
  return 0;
}

/* Comes in anew and reads its mailbox from the beginning, up to what it says now. */
static void reads_all_again(struct peer *p, const struct seen *of, Onward__Verdict verdict)
{
  static struct draft d;
  (void)enter(p);
  draft_init(&d, ONWARD__CORE__ACT_ACCEPT, &sent.id);
  draft_message(&d);
  assert_int_equal(acts_draft(p, &d, of, (struct bytes){NULL, 0}).verdict, verdict);
}

static void aple_declines(struct seen *leg)
{
  *leg = hears(&t.aple, ONWARD__CORE__ACT_SUBMIT);
  receives(&t.aple, leg, sent.body[APLE_BRIEF]);
  acts(&t.aple, ONWARD__CORE__ACT_ACKNOWLEDGE, leg);
  acts(&t.aple, ONWARD__CORE__ACT_DECLINE, leg);
}

static void stranger_accepts(struct seen *leg)
{
  *leg = hears(&t.stranger, ONWARD__CORE__ACT_LEG_OPENED);
  receives(&t.stranger, leg, sent.body[STRANGER_BRIEF]);
  acts(&t.stranger, ONWARD__CORE__ACT_ACCEPT, leg);
}

/* --- the tests --- */

static void no_byte_of_a_file_came_to_who_declined(void **state)
{
  (void)state;
  struct seen first, second;
  const struct capture *aple = t.aple.capture, *stranger = t.stranger.capture;
  refers_to_three(4096);
  aple_declines(&first);
  stranger_accepts(&second);
  reads_all_again(&t.aple, &first, ONWARD__VERDICT__NOT_THIS_LEG); /* it may ask as it likes */
  assert_true(whole_in(aple, sent.body[APLE_BRIEF]));
  assert_true(whole_in(stranger, sent.body[STRANGER_BRIEF]));
  assert_true(whole_in(stranger, sent.body[STRANGER_FILE])); /* so the search can find */
  for (size_t i = 0; i < SLOTS; i++) {
    assert_int_equal(i == APLE_BRIEF ? 0 : windows_in(aple, sent.body[i]), 0);
    assert_int_equal(i == STRANGER_BRIEF || i == STRANGER_FILE ? 0 : windows_in(stranger, sent.body[i]), 0);
  }
}

/* Nor does it come a little at a time, or hidden from libzmq: with 64 KiB of file the same bytes went to who declined
 * as with 256, but for a few numbers and the proofs of a log that grew. */
static void the_size_of_a_file_shows_only_at_who_accepted(void **state)
{
  static const size_t file_size[2] = {SMALL, LARGE};
  uint64_t declined[2], accepted[2];
  for (int i = 0; i < 2; i++) {
    struct seen leg;
    fresh(state);
    refers_to_three(file_size[i]);
    aple_declines(&leg);
    stranger_accepts(&leg);
    declined[i] = wire_bytes(&t.aple);
    accepted[i] = wire_bytes(&t.stranger);
  }
  print_message("with a file of %d and %d bytes: %lu and %lu to who declined, %lu and %lu to who accepted\n", SMALL,
                LARGE, declined[0], declined[1], accepted[0], accepted[1]);
  assert_in_range(declined[1], declined[0] - SLACK, declined[0] + SLACK);
  assert_in_range(accepted[1], accepted[0] + LARGE - SMALL - SLACK, accepted[0] + LARGE - SMALL + SLACK);
}

/* aple passes it on to stranger, and that one to first, which says yes; then the sender seals the file for first. */
static void nor_to_who_passed_the_case_on(void **state)
{
  (void)state;
  struct peer *const chain[] = {&t.aple, &t.stranger, &t.first};
  const struct member *const scope[] = {&t.aple_keys, &t.stranger_keys, &t.first_keys};
  static struct draft d;
  refers(scope, 1, scope, 3, 4096);
  struct bytes brief = sent.body[APLE_BRIEF], asked_file = sent.body[APLE_FILE];
  struct seen leg = hears(&t.aple, ONWARD__CORE__ACT_SUBMIT);
  for (size_t i = 0; i < 2; i++) {
    receives(chain[i], &leg, brief);
    draft_init(&d, ONWARD__CORE__ACT_REROUTE, &sent.id);
    ((Onward__Reroute *)draft_message(&d))->target = pb_data(org_id_text(&scope[i + 1]->id));
    draft_seal(&d, scope[i + 1], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
    assert_int_equal(acts_draft(chain[i], &d, &leg, sealed_of(&d)).verdict, ONWARD__VERDICT__ACCEPTED);
    brief = BYTES(d.bodies[0]);
    leg = hears(chain[i + 1], ONWARD__CORE__ACT_LEG_OPENED);
  }
  receives(&t.first, &leg, brief);
  acts(&t.first, ONWARD__CORE__ACT_ACCEPT, &leg);
  struct seen accepted = hears(&t.police, ONWARD__CORE__ACT_ACCEPT);
  draft_init(&d, ONWARD__CORE__ACT_RESEAL, &sent.id);
  draft_message(&d);
  draft_seal(&d, &t.first_keys, ONWARD__PART__FILE, ONWARD__RELEASE__AT_ACCEPT);
  assert_int_equal(acts_draft(&t.police, &d, &accepted, sealed_of(&d)).verdict, ONWARD__VERDICT__ACCEPTED);
  (void)hears(&t.first, ONWARD__CORE__ACT_RESEAL);
  assert_true(whole_in(t.first.capture, BYTES(d.bodies[0])));
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(windows_in(chain[i]->capture, asked_file), 0);
    assert_int_equal(windows_in(chain[i]->capture, BYTES(d.bodies[0])), 0);
  }
}

/* Which of the six bodies are in the exchange's books now, one bit each. */
static unsigned held(void)
{
  char why[200], folder[300];
  struct store *store;
  unsigned found = 0;
  snprintf(folder, sizeof folder, "%s/broker/books", t.folder);
  const struct store_options options = {.folder = folder,
                                        .table_names = table_names,
                                        .table_count = TABLES_CONTRACT,
                                        .format = BOOKS_FORMAT,
                                        .read_only = true};
  assert_int_equal(store_open(&options, why, &store), OK);
  struct books *b = store_begin(store, false);
  for (size_t slot = 0; slot < SLOTS; slot++) {
    struct bytes body, row;
    struct row_key key = key_of_body(sent.index, (uint8_t)slot);
    bool there = b->get(b, TABLE_BODIES, row_key(&key), &body) == OK;
    assert_true(there == (b->get(b, TABLE_HELD, row_key(&key), &row) == OK));
    assert_true(!there || bytes_equal(body, sent.body[slot]));
    found |= (unsigned)there << slot;
  }
  store_abort(store);
  store_close(store);
  return found;
}

/* From the tables; the bytes of a deleted row may stay in the data file (docs/threats.md). */
static void what_nobody_needs_is_gone_from_the_exchange(void **state)
{
  (void)state;
  struct seen leg;
  const unsigned strangers = 1u << STRANGER_BRIEF | 1u << STRANGER_FILE;
  const unsigned seconds = 1u << SECOND_BRIEF | 1u << SECOND_FILE;
  refers_to_three(4096);
  assert_int_equal(held(), 1u << APLE_BRIEF | 1u << APLE_FILE | strangers | seconds);
  aple_declines(&leg);
  assert_int_equal(held(), strangers | seconds);
  stranger_accepts(&leg);
  assert_int_equal(held(), 1u << STRANGER_FILE | seconds);
  acts(&t.stranger, ONWARD__CORE__ACT_START, &leg); /* now nobody else will be asked */
  assert_int_equal(held(), 1u << STRANGER_FILE);
  t.stranger_keys.read_up_to = log_size() - 1;
  acts(&t.stranger, ONWARD__CORE__ACT_PROGRESS, &leg);
  assert_int_equal(held(), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(no_byte_of_a_file_came_to_who_declined, fresh),
      cmocka_unit_test_setup(the_size_of_a_file_shows_only_at_who_accepted, fresh),
      cmocka_unit_test_setup(nor_to_who_passed_the_case_on, fresh),
      cmocka_unit_test_setup(what_nobody_needs_is_gone_from_the_exchange, fresh),
  };
  return cmocka_run_group_tests(tests, door_start, door_stop);
}
