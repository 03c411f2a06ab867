/* The happy path: note signed, proof fits, newest moves on; leaf in the tree, signature fits, event read. What fails is
 * accused with both notes; whoever called stops taking from the exchange. */
#include "agents/evidence.h"

#include <string.h>

static struct bytes newest_key(void)
{
  return bytes_text("newest");
}

static struct bytes genesis_key(void)
{
  return bytes_text("genesis path");
}

/* Known from the beginning where that is the log of one entry, else from what the books keep. */
static void read_genesis_path(struct evidence *e, struct books *b)
{
  struct bytes kept;
  e->genesis.size = e->newest.size == 1 ? 1 : 0;
  if (b->get(b, TABLE_MARKS, genesis_key(), &kept) == OK && kept.size == sizeof e->genesis)
    memcpy(&e->genesis, kept.data, sizeof e->genesis);
  if (e->genesis.size != e->newest.size)
    e->genesis.size = 0;
}

enum status evidence_init(struct evidence *e, struct books *b, struct key_ring *ring, const struct hash *network,
                          const struct note_key *log_key, struct bytes first)
{
  struct bytes kept;
  *e = (struct evidence){.log_key = *log_key, .network = *network, .ring = ring};
  if (b->get(b, TABLE_CHECKPOINT, newest_key(), &kept) != OK)
    kept = first;
  if (kept.size > sizeof e->note || checkpoint_open(kept, log_key, &e->newest) != OK)
    return OUR_FAULT;
  memcpy(e->note, kept.data, kept.size);
  e->note_size = kept.size;
  read_genesis_path(e, b);
  return OK;
}

void evidence_begin_epoch(struct evidence *e, const struct checkpoint *c, struct bytes note, struct bytes genesis_path)
{
  e->newest = *c;
  must(note.size <= sizeof e->note && genesis_path.size <= sizeof e->genesis.hash);
  memcpy(e->note, note.data, note.size);
  e->note_size = note.size;
  e->genesis = (struct genesis_path){.size = c->size, .count = genesis_path.size / sizeof(struct hash)};
  if (genesis_path.size > 0)
    memcpy(e->genesis.hash, genesis_path.data, genesis_path.size);
}

void evidence_keep(const struct evidence *e, struct books *b)
{
  b->put(b, TABLE_CHECKPOINT, newest_key(), bytes_of(e->note, e->note_size));
  b->put(b, TABLE_MARKS, genesis_key(), bytes_of(&e->genesis, sizeof e->genesis));
}

/* A piece of evidence that is too large to be what it should be is left out. */
static struct bytes within(struct bytes piece, size_t most)
{
  return piece.size <= most ? piece : (struct bytes){NULL, 0};
}

void evidence_about(struct evidence *e, struct bytes leaf_bytes, struct bytes path)
{
  e->leaf = within(leaf_bytes, LEAF_SIZE_MAX);
  e->path = within(path, MERKLE_PATH_MAX * sizeof(struct hash));
}

enum status evidence_accuse(struct evidence *e, enum alarm_kind kind)
{
  e->accused = kind;
  e->offered = (struct alarm_proof){.part = {[ALARM_LEAF] = e->leaf, [ALARM_PATH] = e->path}};
  return BAD_INPUT;
}

enum status evidence_accuse_note(struct evidence *e, enum alarm_kind kind, struct bytes note, struct bytes proof)
{
  e->accused = kind;
  e->offered =
      (struct alarm_proof){.part = {[ALARM_OFFERED] = within(note, NOTE_SIZE_MAX),
                                    [ALARM_CONSISTENCY] = within(proof, MERKLE_PROOF_MAX * sizeof(struct hash))}};
  return BAD_INPUT;
}

void evidence_record(struct evidence *e, struct books *b, uint64_t now_ms)
{
  if (e->accused == ALARM_NONE)
    return;
  e->offered.part[ALARM_HELD] = bytes_of(e->note, e->note_size);
  (void)alarm_raise(b, e->accused, now_ms, &e->offered);
}

/* n x 32 bytes as hashes. SIZE_MAX: not whole, or too many. */
static size_t hashes_of(struct bytes b, struct hash out[MERKLE_PROOF_MAX])
{
  size_t count = b.size / sizeof(struct hash);
  if (b.size % sizeof(struct hash) != 0 || count > MERKLE_PROOF_MAX)
    return SIZE_MAX;
  if (count > 0)
    memcpy(out, b.data, b.size);
  return count;
}

enum status evidence_checkpoint(struct evidence *e, struct bytes note, struct bytes proof)
{
  struct checkpoint c;
  struct hash hash[MERKLE_PROOF_MAX];
  if (bytes_equal(note, bytes_of(e->note, e->note_size)))
    return OK; /* once more the one that was verified */
  size_t count = hashes_of(proof, hash);
  if (note.size > sizeof e->note || checkpoint_open(note, &e->log_key, &c) != OK)
    return evidence_accuse_note(e, ALARM_BAD_NOTE, note, proof);
  uint32_t epoch = checkpoint_epoch(&c, &e->log_key), known = checkpoint_epoch(&e->newest, &e->log_key);
  if (epoch == 0)
    return evidence_accuse_note(e, ALARM_BAD_NOTE, note, proof);
  if (c.size < e->newest.size || epoch < known) /* a later epoch that continues what we know is the same log */
    return evidence_accuse_note(e, ALARM_ROLLED_BACK, note, proof);
  if (c.size == e->newest.size)
    return hash_equal(&c.root, &e->newest.root) ? OK : evidence_accuse_note(e, ALARM_FORK, note, proof);
  if (count == SIZE_MAX ||
      merkle_verify_consistency(e->newest.size, c.size, &e->newest.root, &c.root, hash, count) != OK)
    return evidence_accuse_note(e, ALARM_FORK, note, proof);
  genesis_path_extend(&e->genesis, c.size, hash, count);
  e->newest = c;
  memcpy(e->note, note.data, note.size);
  e->note_size = note.size;
  return OK;
}

void evidence_begin(struct evidence *e)
{
  e->behind_another = false;
  evidence_about(e, (struct bytes){NULL, 0}, (struct bytes){NULL, 0});
}

static bool climb(const struct evidence *e, struct bytes leaf_bytes, uint64_t index, struct bytes path,
                  struct merkle_way *out)
{
  struct hash hash[MERKLE_PROOF_MAX], leaf = leaf_hash(leaf_bytes);
  size_t count = hashes_of(path, hash);
  return count <= MERKLE_PATH_MAX && merkle_climb(e->behind_another ? &e->way : NULL, &leaf, index, e->newest.size,
                                                  hash, count, &e->newest.root, out) == OK;
}

bool evidence_fits(const struct evidence *e, struct bytes leaf_bytes, uint64_t index, struct bytes path)
{
  return climb(e, leaf_bytes, index, path, NULL);
}

enum status evidence_leaf(struct evidence *e, struct bytes leaf_bytes, struct bytes path, struct leaf *out)
{
  evidence_about(e, leaf_bytes, path);
  if (leaf_read(leaf_bytes, out) != OK || !climb(e, leaf_bytes, out->index, path, &e->way))
    return evidence_accuse(e, ALARM_BAD_PROOF);
  evidence_about(e, leaf_bytes, bytes_of(e->way.path, e->way.count * sizeof e->way.path[0]));
  e->behind_another = true;
  return OK;
}

enum status evidence_event(struct evidence *e, struct books *b, const struct leaf *leaf, struct arena *a,
                           struct event *out)
{
  struct batch_header h;
  struct complaint why;
  bool ours = leaf->origin == ORIGIN_BROKER ||
              (batch_header_read(leaf->header, &h) == OK && hash_equal(&h.network, &e->network));
  enum status s = ours ? leaf_verify(b, e->ring, leaf, a, &why, out) : BAD_INPUT;
  return s == BAD_INPUT ? evidence_accuse(e, ALARM_BAD_PROOF) : s;
}
