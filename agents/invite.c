/* Only a registrar needs them, and any registrar can: the directory's entries come to everybody. */
#include "agents/invite.h"

#include <string.h>

static bool names_request(const Onward__Core *core, ProtobufCBinaryData *packed)
{
  if (core->act_case == ONWARD__CORE__ACT_ENROL)
    *packed = core->enrol->request;
  else if (core->act_case == ONWARD__CORE__ACT_REPLACE_KEYS)
    *packed = core->replace_keys->request;
  else
    return false;
  return true;
}

/* Its path is that to the newest checkpoint, whole: in the answer it was cut. */
static void make_one(struct agent *a, struct books *b, const Onward__Entry *entry)
{
  struct leaf leaf;
  struct event e;
  struct complaint why;
  struct org_id id;
  char vkey[NOTE_VKEY_SIZE];
  ProtobufCBinaryData packed;
  Onward__Invitation i = ONWARD__INVITATION__INIT;
  Onward__Entry genesis = ONWARD__ENTRY__INIT;
  Onward__Entry whole = *entry, *enrolled = &whole;
  const struct merkle_way *way = &a->evidence.way;
  if (evidence_leaf(&a->evidence, pb_bytes(entry->leaf), pb_bytes(entry->path), &leaf) != OK ||
      event_read(leaf.event, &a->arena, &why, &e) != OK || !names_request(e.core, &packed))
    return;
  const Onward__Request *request = pb_unpack(&onward__request__descriptor, pb_bytes(packed), &a->arena);
  if (request == NULL || pb_org(request->organisation, &id) != OK)
    return;
  whole.path = pb_data(bytes_of(way->path, way->count * sizeof way->path[0]));
  note_key_print(&a->evidence.log_key, vkey);
  genesis.leaf = pb_data(a->network.genesis_leaf);
  genesis.path = pb_data(bytes_of(a->evidence.genesis.hash, a->evidence.genesis.count * sizeof(struct hash)));
  i.address = pb_data(bytes_text(a->network.address));
  i.link_key = pb_data(BYTES(a->network.link_key));
  i.log_key = pb_data(bytes_text(vkey));
  i.genesis = &genesis;
  i.n_enrolled = 1;
  i.enrolled = &enrolled;
  i.checkpoint = pb_data(bytes_of(a->evidence.note, a->evidence.note_size));
  struct bytes invitation = pb_pack(&i, &a->arena);
  if (invitation.size > 0)
    b->put(b, TABLE_PAPERS, org_id_bytes(&id), invitation);
}

void invite_make(struct agent *a, struct books *b, const Onward__Answer *answer)
{
  struct organisation self;
  if (books_organisation(b, &a->self.id, &self) != OK || !self.registrar ||
      a->evidence.genesis.size != a->evidence.newest.size)
    return;
  evidence_begin(&a->evidence); /* it was proved before: here only for the paths */
  for (size_t i = 0; i < answer->n_entries; i++) {
    size_t used = a->arena.used;
    make_one(a, b, answer->entries[i]);
    a->arena.used = used;
  }
}

void invite_drop(struct books *b, const struct org_id *id)
{
  b->del(b, TABLE_PAPERS, org_id_bytes(id));
}

enum status invite_text(struct books *b, const struct org_id *id, struct arena *a, const char **text)
{
  struct bytes packed;
  char *out = arena_alloc(a, PAPER_TEXT_MAX);
  if (b->get(b, TABLE_PAPERS, org_id_bytes(id), &packed) != OK)
    return NOT_FOUND;
  const Onward__Invitation *i = pb_unpack(&onward__invitation__descriptor, packed, a);
  *text = out;
  return out == NULL || i == NULL ? NOT_NOW : paper_invitation_write(i, a, out, PAPER_TEXT_MAX);
}
