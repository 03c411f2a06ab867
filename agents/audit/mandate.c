/* A mandate: an entry of the registry that says who outside may read what. It is handed in as the proof of its own
 * entry, which is held against this log: no export is made for one that is not in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"
#include "proto/seal/proof.h"

bool mandate_read(struct books *b, uint64_t index, struct arena *arena, struct mandate *out)
{
  struct leaf leaf;
  struct event e;
  *out = (struct mandate){0};
  arena_reset(arena);
  if (books_event(b, index, arena, &leaf, &e) != OK || e.act != ONWARD__CORE__ACT_MANDATE ||
      leaf.verdict != ONWARD__VERDICT__ACCEPTED)
    return false;
  const Onward__Mandate *m = e.core->mandate;
  out->from = m->from_index;
  out->to = m->to_index == 0 || m->to_index > index ? index : m->to_index;
  if (m->referral.len == sizeof out->referral)
    memcpy(out->referral.byte, m->referral.data, sizeof out->referral);
  return m->about.len == 0 || pb_org(m->about, &out->about) == OK;
}

bool mandate_covers(const struct mandate *m, const struct leaf *leaf, const struct event *e)
{
  if (leaf->index < m->from || leaf->index > m->to)
    return false;
  return bytes_zero(BYTES(m->referral.byte)) || ref_id_equal(&m->referral, &e->referral);
}

static enum audit_code check_proof(struct audit *a, struct rebuild *r, const struct note_key *log, struct bytes text,
                                   uint8_t *leaf, uint64_t *index)
{
  const struct audit_request *q = a->request;
  struct log_proof proof;
  struct checkpoint c;
  struct mandate m;
  struct bytes own;
  const char *why;
  if (proof_read(text, leaf, &proof, &why) != OK)
    return audit_tell(q, AUDIT_USAGE, "--mandate: %s is no proof of an entry (onward-audit prove): %s", q->mandate,
                      why);
  if (proof_verify(&proof, log, &c, &why) != OK)
    return audit_tell(q, AUDIT_FAILED, "--mandate: %s does not prove its entry in the log of this key", q->mandate);
  *index = proof.index;
  if (books_entry(r->books, proof.index, &own) != OK || !bytes_equal(own, proof.leaf))
    return audit_tell(q, AUDIT_FAILED, "--mandate: entry %" PRIu64 " of this log is another: a fork; keep %s",
                      proof.index, q->mandate);
  return mandate_read(r->books, proof.index, &a->arena, &m)
             ? AUDIT_FINE
             : audit_tell(q, AUDIT_USAGE, "--mandate: entry %" PRIu64 " is no accepted mandate", proof.index);
}

enum audit_code mandate_of_file(struct audit *a, struct rebuild *r, const struct note_key *log, uint64_t *index)
{
  char why[200];
  size_t size = 0;
  uint8_t *room = malloc(PROOF_SIZE_MAX + PROOF_LEAF_MAX);
  if (room == NULL)
    return audit_tell(a->request, AUDIT_UNREADABLE, "no memory");
  enum audit_code code =
      file_read(a->request->mandate, room, PROOF_SIZE_MAX, &size, why) == OK
          ? check_proof(a, r, log, bytes_of(room, size), room + PROOF_SIZE_MAX, index)
          : audit_tell(a->request, AUDIT_UNREADABLE, "--mandate: %s: cannot be read", a->request->mandate);
  free(room);
  return code;
}
