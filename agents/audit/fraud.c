/* `fraud`: what a folder of evidence proves by itself. Every signed head says of its own size, and by a path or a proof
 * that leads to it of smaller ones, which root they have. A log that only grows has one root for each size: two that
 * differ are the fraud, whoever shows them and whenever. What is not shown in this way is told to be somebody's word.
 */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "agents/audit/audit.h"
#include "proto/seal/proof.h"

enum { NOTES = 2, PROOFS = 2, FACTS_MAX = 16, FILE_MAX = PROOF_SIZE_MAX };

struct signed_head { /* a checkpoint: of its own file, or of a proof's */
  const char *file;
  bool there;
  bool genuine; /* signed by the log's key */
  struct checkpoint c;
};

struct entry {
  const char *file;
  bool there;
  bool proved; /* it is in the tree of its checkpoint */
  bool formed; /* as every entry must be */
  struct log_proof proof;
  struct signed_head head;
  struct leaf leaf;
  struct event event;
  char words[WORDS_SIZE];
  uint8_t bytes[PROOF_LEAF_MAX];
};

/* This root is that of the log at this size, as a genuine head says. */
struct fact {
  const struct signed_head *by;
  const char *how;
  uint64_t size;
  struct hash root;
};

struct folder {
  const struct audit_request *q;
  struct signed_head heads[NOTES]; /* held, offered */
  size_t hash_count;               /* of the proof between them; SIZE_MAX: the file is not in its form */
  bool proof_there;
  struct hash hashes[MERKLE_PROOF_MAX];
  struct entry entries[PROOFS];
  size_t fact_count;
  struct fact facts[FACTS_MAX];
  unsigned proved;
  struct arena arena;
};

/* --- reading --- */

/* NOT_FOUND: not there, which is no fault. */
static enum audit_code read_file(const struct folder *f, const char *name, struct bytes *out)
{
  static uint8_t text[FILE_MAX];
  char path[PATH_MAX], why[200];
  size_t size = 0;
  int length = snprintf(path, sizeof path, "%s/%s", f->q->folder, name);
  *out = (struct bytes){NULL, 0};
  if (length < 0 || (size_t)length >= sizeof path)
    return audit_tell(f->q, AUDIT_UNREADABLE, "the folder's name is too long");
  enum status s = file_read(path, text, sizeof text, &size, why);
  if (s == OK)
    *out = bytes_of(text, size);
  return s == OK || s == NOT_FOUND ? AUDIT_FINE : audit_tell(f->q, AUDIT_UNREADABLE, "%s: %s", name, why);
}

static void say_head(const struct folder *f, const struct signed_head *h)
{
  char root[45];
  base64_encode(hash_bytes(&h->c.root), root);
  if (h->genuine)
    fprintf(f->q->out, "%-20s head of %" PRIu64 " entries, root %s, signed by the log's key\n", h->file, h->c.size,
            root);
  else
    fprintf(f->q->out, "%-20s not a head that this key signed: it proves nothing against whoever has the key\n",
            h->file);
}

static enum audit_code read_head(struct folder *f, struct signed_head *h)
{
  struct bytes note;
  enum audit_code code = read_file(f, h->file, &note);
  h->there = note.data != NULL;
  if (!h->there)
    return code;
  h->genuine = checkpoint_open(note, &f->q->log_key, &h->c) == OK;
  say_head(f, h);
  return AUDIT_FINE;
}

static enum audit_code read_consistency(struct folder *f)
{
  struct bytes text;
  enum audit_code code = read_file(f, "consistency", &text);
  struct reader r = reader_of(text);
  f->proof_there = text.data != NULL;
  while (r.rest.size > 0 && f->hash_count != SIZE_MAX) {
    struct bytes line = read_until(&r, '\n');
    size_t size = 0;
    bool fits = f->hash_count < MERKLE_PROOF_MAX && !r.underflow &&
                base64_decode(line, f->hashes[f->hash_count].byte, sizeof(struct hash), &size) == OK &&
                size == sizeof(struct hash);
    f->hash_count = fits ? f->hash_count + 1 : SIZE_MAX;
  }
  if (f->hash_count == SIZE_MAX)
    fprintf(f->q->out, "%-20s not the base64 of 32 bytes on each line\n", "consistency");
  return code;
}

static void judge_entry(struct folder *f, struct entry *e)
{
  const char *why;
  struct complaint complaint = {"it is not in the form of an entry, or its index is another"};
  struct batch_header h;
  e->head.genuine = e->proved = proof_verify(&e->proof, &f->q->log_key, &e->head.c, &why) == OK;
  if (!e->proved) {
    fprintf(f->q->out, "%-20s %s\n", e->file, why);
    return;
  }
  e->formed = leaf_read(e->proof.leaf, &e->leaf) == OK && e->leaf.index == e->proof.index &&
              leaf_form(&e->leaf, &f->arena, &complaint, &e->event, &h) == OK;
  if (e->formed)
    words_entry(&e->leaf, &e->event, e->words);
  else
    (void)snprintf(e->words, sizeof e->words, "%s", complaint.text);
  fprintf(f->q->out,
          "%-20s entry %" PRIu64 " of a log whose head of %" PRIu64 " entries is signed by the log's key: %s\n",
          e->file, e->proof.index, e->head.c.size, e->words);
}

static enum audit_code read_entry(struct folder *f, struct entry *e)
{
  struct bytes text;
  const char *why;
  enum audit_code code = read_file(f, e->file, &text);
  e->there = text.data != NULL;
  e->head.file = e->file;
  if (!e->there)
    return code;
  if (proof_read(text, e->bytes, &e->proof, &why) != OK)
    return audit_tell(f->q, AUDIT_UNREADABLE, "%s: %s", e->file, why);
  judge_entry(f, e);
  return AUDIT_FINE;
}

/* --- what the heads say --- */

static void add_fact(struct folder *f, const struct signed_head *by, const char *how, uint64_t size, struct hash root)
{
  must(f->fact_count < FACTS_MAX);
  f->facts[f->fact_count++] = (struct fact){by, how, size, root};
}

static void add_entry_facts(struct folder *f, const struct entry *e)
{
  struct hash leaf = merkle_leaf(e->proof.leaf);
  uint64_t index = e->proof.index, size = e->head.c.size;
  if (!e->proved)
    return;
  add_fact(f, &e->head, "is signed", size, e->head.c.root);
  add_fact(f, &e->head, "has, by the path of that entry,", index + 1,
           merkle_prefix_root(&leaf, index, size, e->proof.path));
  if (index > 0)
    add_fact(f, &e->head, "has, by the path of that entry,", index,
             merkle_prefix_root(NULL, index, size, e->proof.path));
}

/* The smaller and the larger of the two heads. False: they are not two genuine ones of one log and two sizes. */
static bool two_sizes(const struct folder *f, const struct signed_head **small, const struct signed_head **large)
{
  const struct signed_head *a = &f->heads[0], *b = &f->heads[1];
  bool first = a->c.size < b->c.size;
  *small = first ? a : b;
  *large = first ? b : a;
  return a->genuine && b->genuine && a->c.size != b->c.size && strcmp(a->c.origin, b->c.origin) == 0;
}

/* Whether the proof in the folder leads to the larger head, and which root it says that the smaller size has there. */
static bool proof_leads(const struct folder *f, struct hash *old_root)
{
  const struct signed_head *small, *large;
  struct hash new_root;
  if (!f->proof_there || f->hash_count == SIZE_MAX || !two_sizes(f, &small, &large))
    return false;
  *old_root = small->c.root;
  return merkle_consistency_roots(small->c.size, large->c.size, f->hashes, f->hash_count, old_root, &new_root) == OK &&
         hash_equal(&new_root, &large->c.root);
}

static void gather(struct folder *f)
{
  const struct signed_head *small, *large;
  struct hash root;
  for (int i = 0; i < NOTES; i++)
    if (f->heads[i].genuine)
      add_fact(f, &f->heads[i], "is signed", f->heads[i].c.size, f->heads[i].c.root);
  for (int i = 0; i < PROOFS; i++)
    add_entry_facts(f, &f->entries[i]);
  if (proof_leads(f, &root) && two_sizes(f, &small, &large))
    add_fact(f, large, "has, by the proof in consistency,", small->c.size, root);
}

/* --- what is proved --- */

static void say_fact(const struct folder *f, const struct fact *fact)
{
  char root[45];
  base64_encode(hash_bytes(&fact->root), root);
  fprintf(f->q->out, "    the head in %s %s at %" PRIu64 " entries the root %s\n", fact->by->file, fact->how,
          fact->size, root);
}

/* The first two that cannot both be of one log. */
static void find_fork(struct folder *f)
{
  for (size_t i = 0; i < f->fact_count; i++)
    for (size_t k = i + 1; k < f->fact_count; k++) {
      const struct fact *a = &f->facts[i], *b = &f->facts[k];
      if (a->size != b->size || hash_equal(&a->root, &b->root) || strcmp(a->by->c.origin, b->by->c.origin) != 0)
        continue;
      fprintf(f->q->out, "PROVED: the log's key signed two logs that cannot both be true:\n");
      say_fact(f, a);
      say_fact(f, b);
      f->proved++;
      return;
    }
}

static bool is_link(const struct entry *e)
{
  return e->leaf.verdict == ONWARD__VERDICT__ACCEPTED && act_is_registry(e->event.act);
}

/* The later entry denies the earlier one, or makes a link of the chain of what is none. A log that goes on in a new
 * epoch has other entries from there. */
static void find_broken_chain(struct folder *f, const struct entry *earlier, const struct entry *later)
{
  if (!earlier->proved || !later->proved || !earlier->formed || !later->formed ||
      earlier->leaf.index >= later->leaf.index || strcmp(earlier->head.c.origin, later->head.c.origin) != 0)
    return;
  uint64_t index = earlier->leaf.index, named = later->leaf.registry;
  bool denied = is_link(earlier) && named < index, invented = !is_link(earlier) && named == index;
  if (!denied && !invented)
    return;
  fprintf(f->q->out,
          "PROVED: entry %" PRIu64 " (%s) names entry %" PRIu64 " as the newest of the registry before it, and\n"
          "    entry %" PRIu64 " (%s), which the same key signed for, is %s\n",
          later->leaf.index, later->file, named, index, earlier->file, denied ? "a newer one" : "none of the registry");
  f->proved++;
}

static void find_malformed(struct folder *f, const struct entry *e)
{
  if (!e->proved || e->formed)
    return;
  fprintf(f->q->out, "PROVED: the log's key signed for an entry that no exchange may let in (%s): %s\n", e->file,
          e->words);
  f->proved++;
}

/* --- what is not --- */

static void explain_heads(const struct folder *f)
{
  const struct signed_head *small, *large;
  struct hash root;
  FILE *out = f->q->out;
  if (f->heads[0].genuine && f->heads[1].genuine && strcmp(f->heads[0].c.origin, f->heads[1].c.origin) != 0)
    fputs("NOT PROVED: the two heads are of different epochs: a log that was restored begins a new one.\n", out);
  if (!two_sizes(f, &small, &large))
    return;
  if (proof_leads(f, &root))
    fputs("The proof in consistency leads from one head to the other: the larger log continues the smaller.\n", out);
  else if (large == &f->heads[1])
    fputs(
        "NOT PROVED: both heads are genuine. That the exchange gave no proof, or this one, which does not lead from\n"
        "    the one to the other, is the word of whoever made this folder. An exchange whose log only grew can give\n"
        "    a fitting one to anybody who asks: ask it for one between these two sizes.\n",
        out);
  if (large == &f->heads[0])
    fputs("NOT PROVED: both heads are genuine. That the smaller one was shown after the larger is the word of whoever\n"
          "    made this folder: heads carry no time, and an old one stays genuine.\n",
          out);
}

static void explain_entry(const struct folder *f, const struct entry *e)
{
  if (!e->there)
    return;
  if (!e->proved)
    fprintf(f->q->out,
            "NOT PROVED: nothing signed leads to the entry in %s. That the exchange delivered it is the word of\n"
            "    whoever made this folder.\n",
            e->file);
  else
    fprintf(f->q->out,
            "NOT PROVED: that the exchange signed for the entry in %s is proved. That its author did not sign it, or\n"
            "    that the rules do not allow it, shows in a copy of the log: onward-audit verify. That entry %" PRIu64
            ",\n    which it names as the newest of the registry, was left out of what was delivered is a word.\n",
            e->file, e->leaf.registry);
}

static enum audit_code conclude(struct folder *f)
{
  find_fork(f);
  find_broken_chain(f, &f->entries[0], &f->entries[1]);
  find_broken_chain(f, &f->entries[1], &f->entries[0]);
  for (int i = 0; i < PROOFS; i++)
    find_malformed(f, &f->entries[i]);
  if (f->proved == 0) {
    explain_heads(f);
    explain_entry(f, &f->entries[0]);
    fputs("Nothing here proves by itself that the exchange lied.\n", f->q->out);
    return AUDIT_FAILED;
  }
  fputs("When it was shown, and to whom, is the word of whoever made this folder; the fraud does not depend on it.\n",
        f->q->out);
  return AUDIT_FINE;
}

enum audit_code audit_fraud(const struct audit_request *q)
{
  static uint8_t memory[1 << 20];
  static struct folder f;
  enum audit_code code = AUDIT_FINE;
  if (!q->pinned)
    return audit_tell(q, AUDIT_USAGE, "expected --log-key VKEY: whose log the evidence is about");
  f = (struct folder){.q = q,
                      .heads = {{.file = "held.checkpoint"}, {.file = "offered.checkpoint"}},
                      .entries = {{.file = "offered.tlog-proof"}, {.file = "kept.tlog-proof"}},
                      .arena = arena_of(memory, sizeof memory)};
  for (int i = 0; code == AUDIT_FINE && i < NOTES; i++)
    code = read_head(&f, &f.heads[i]);
  if (code == AUDIT_FINE)
    code = read_consistency(&f);
  for (int i = 0; code == AUDIT_FINE && i < PROOFS; i++)
    code = read_entry(&f, &f.entries[i]);
  if (code == AUDIT_FINE && !f.heads[0].there && !f.heads[1].there && !f.entries[0].there)
    code = audit_tell(q, AUDIT_UNREADABLE, "no evidence is in this folder; see onward-audit(1)");
  if (code != AUDIT_FINE)
    return code;
  gather(&f);
  return conclude(&f);
}
