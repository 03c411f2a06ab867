/* Text to bytes and back, then the checks. An invitation is held against itself from its end to its beginning: the log
 * key that it names is the one in the genesis; that key signed the checkpoint; the genesis and the enrolment are in the
 * checkpoint's tree; the enrolment holds our keys. What is left to trust is the network itself: its six words are
 * compared by telephone.
 *
 * Whatever does not fit is BAD_INPUT, and the first thing that does not fit is named.
 */
#include "proto/papers.h"

#include <string.h>

#define LINE_CHARACTERS 64
#define ENROLLED_MAX 4 /* entries: an enrolment, and changes of keys behind it */

static const char request_kind[] = "REQUEST", invitation_kind[] = "INVITATION", restore_kind[] = "RESTORE";

/* --- the text form --- */

static enum status paper_write(const char *kind, struct bytes content, struct arena *a, char *text, size_t capacity)
{
  char *base64 = arena_alloc(a, 4 * ((content.size + 2) / 3) + 1);
  if (base64 == NULL)
    return NOT_NOW;
  base64_encode(content, base64);
  struct bytes rest = bytes_text(base64);
  struct writer w = writer_of(text, capacity);
  write_text(&w, "-----BEGIN ONWARD ");
  write_text(&w, kind);
  write_text(&w, "-----\n");
  while (rest.size > 0) {
    size_t line = rest.size < LINE_CHARACTERS ? rest.size : LINE_CHARACTERS;
    write_bytes(&w, bytes_of(rest.data, line));
    write_text(&w, "\n");
    rest = bytes_of(rest.data + line, rest.size - line);
  }
  write_text(&w, "-----END ONWARD ");
  write_text(&w, kind);
  write_text(&w, "-----\n");
  write_u8(&w, 0);
  return w.overflow ? BAD_INPUT : OK;
}

/* Where a marker line of this kind begins, from `from` on; `text.size` when there is none. */
static size_t find(struct bytes text, const char *word, const char *kind, size_t from, size_t *marker_size)
{
  char marker[64];
  struct writer w = writer_of(marker, sizeof marker);
  write_text(&w, "-----");
  write_text(&w, word);
  write_text(&w, " ONWARD ");
  write_text(&w, kind);
  write_text(&w, "-----");
  must(!w.overflow);
  *marker_size = w.size;
  for (size_t at = from; at + w.size <= text.size; at++)
    if (memcmp(text.data + at, marker, w.size) == 0)
      return at;
  return text.size;
}

static enum status paper_read(const char *kind, struct bytes text, struct arena *a, struct complaint *why,
                              struct bytes *content)
{
  size_t begin_size, end_size;
  size_t begin = find(text, "BEGIN", kind, 0, &begin_size);
  size_t end = find(text, "END", kind, begin + begin_size, &end_size);
  if (text.size > PAPER_TEXT_MAX || end >= text.size)
    return complain(why, "%s",
                    kind == request_kind   ? "this is no request file of Onward"
                    : kind == restore_kind ? "this is no request to go on behind a restore"
                                           : "this is no invitation of Onward");
  uint8_t *base64 = arena_alloc(a, text.size);
  uint8_t *decoded = arena_alloc(a, text.size);
  if (base64 == NULL || decoded == NULL)
    return NOT_NOW;
  size_t size = 0;
  for (size_t i = begin + begin_size; i < end; i++)
    if (text.data[i] > ' ')
      base64[size++] = text.data[i];
  if (base64_decode(bytes_of(base64, size), decoded, text.size, &size) != OK)
    return complain(why, "the file is damaged: its text is not base64");
  *content = bytes_of(decoded, size);
  return OK;
}

/* --- requests --- */

enum status paper_request_write(struct es256_secret *sign, const Onward__Request *request, struct arena *a, char *text,
                                size_t capacity)
{
  struct bytes packed = pb_pack(request, a);
  uint8_t *content = arena_alloc(a, packed.size + ES256_SIGNATURE_SIZE);
  if (packed.size == 0 || content == NULL)
    return NOT_NOW;
  memcpy(content, packed.data, packed.size);
  uint8_t *signature = content + packed.size;
  enum status s = dsse_sign(sign, REQUEST_TYPE, packed, signature);
  struct complaint why;
  const Onward__Request *checked;
  if (s == OK)
    s = request_read(packed, bytes_of(signature, ES256_SIGNATURE_SIZE), a, &why, &checked);
  return s == OK ? paper_write(request_kind, bytes_of(content, packed.size + ES256_SIGNATURE_SIZE), a, text, capacity)
                 : s;
}

enum status paper_request_read(struct bytes text, struct arena *a, struct complaint *why, struct bytes *packed,
                               struct bytes *signature, const Onward__Request **out)
{
  struct bytes content;
  enum status s = paper_read(request_kind, text, a, why, &content);
  if (s != OK)
    return s;
  if (content.size <= ES256_SIGNATURE_SIZE)
    return complain(why, "the file is damaged: it is too short");
  size_t size = content.size - ES256_SIGNATURE_SIZE;
  *packed = bytes_of(content.data, size);
  *signature = bytes_of(content.data + size, ES256_SIGNATURE_SIZE);
  return request_read(*packed, *signature, a, why, out);
}

void paper_request_words(const Onward__Request *request, char words[SIX_WORDS_SIZE])
{
  struct org_id id;
  must(pb_org(request->organisation, &id) == OK);
  const struct bytes parts[] = {bytes_text("onward/v1 request"), org_id_bytes(&id), pb_bytes(request->link_key),
                                pb_bytes(request->sign_key), pb_bytes(request->seal_key)};
  struct hash h = sha256_of(parts, sizeof parts / sizeof parts[0]);
  six_words(h.byte, words);
}

/* --- restored logs --- */

enum status paper_restore_write(const Onward__Restored *restored, struct arena *a, char *text, size_t capacity)
{
  struct bytes packed = pb_pack(restored, a);
  return packed.size == 0 ? NOT_NOW : paper_write(restore_kind, packed, a, text, capacity);
}

enum status paper_restore_read(struct bytes text, struct arena *a, struct complaint *why, Onward__Restored **out)
{
  struct bytes content;
  const Onward__Restore *r;
  enum status s = paper_read(restore_kind, text, a, why, &content);
  if (s != OK)
    return s;
  *out = pb_unpack(&onward__restored__descriptor, content, a);
  return *out == NULL ? complain(why, "the file is damaged: it holds no statement")
                      : restore_read(pb_bytes((*out)->restore), a, why, &r);
}

/* --- invitations --- */

enum status paper_invitation_write(const Onward__Invitation *invitation, struct arena *a, char *text, size_t capacity)
{
  struct bytes packed = pb_pack(invitation, a);
  if (packed.size == 0)
    return NOT_NOW;
  return packed.size > INVITATION_SIZE_MAX ? BAD_INPUT : paper_write(invitation_kind, packed, a, text, capacity);
}

struct opened_entry {
  struct leaf leaf;
  struct event event;
};

/* An accepted entry that is in the checkpoint's tree. */
static enum status entry_read(const Onward__Entry *entry, const struct checkpoint *c, struct arena *a,
                              struct complaint *why, struct opened_entry *out)
{
  struct hash path[MERKLE_PATH_MAX];
  size_t count = entry->path.len / sizeof path[0];
  if (entry->path.len % sizeof path[0] != 0 || count > MERKLE_PATH_MAX ||
      leaf_read(pb_bytes(entry->leaf), &out->leaf) != OK)
    return complain(why, "the file is damaged: an entry of the log in it has not the form of one");
  if (count > 0)
    memcpy(path, entry->path.data, entry->path.len);
  struct hash hash = leaf_hash(pb_bytes(entry->leaf));
  if (merkle_verify_inclusion(&hash, out->leaf.index, c->size, path, count, &c->root) != OK)
    return complain(why, "an entry in it is not in the log: do not use this invitation, and tell the registrar");
  if (out->leaf.verdict != ONWARD__VERDICT__ACCEPTED)
    return complain(why, "an entry in it was refused by the rules");
  return event_read(out->leaf.event, a, why, &out->event);
}

static enum status address_read(const Onward__Invitation *i, struct complaint *why, struct network *out)
{
  struct bytes address = pb_bytes(i->address), scheme = bytes_text("tcp://");
  bool form = address.size > scheme.size && address.size < sizeof out->address &&
              memcmp(address.data, scheme.data, scheme.size) == 0;
  for (size_t n = 0; n < address.size; n++)
    form = form && address.data[n] > ' ' && address.data[n] <= '~';
  if (!form)
    return complain(why, "address: expected tcp://host:port, at most 120 characters");
  if (i->link_key.len != sizeof out->link_key)
    return complain(why, "link_key: expected 32 bytes");
  memcpy(out->address, address.data, address.size);
  memcpy(out->link_key, i->link_key.data, sizeof out->link_key);
  return OK;
}

static enum status genesis_read(const Onward__Invitation *i, struct arena *a, struct complaint *why,
                                struct network *out, const Onward__Genesis **genesis)
{
  struct opened_entry entry;
  enum status s = entry_read(i->genesis, &out->checkpoint, a, why, &entry);
  if (s != OK)
    return s;
  if (entry.leaf.index != 0 || entry.leaf.origin != ORIGIN_BROKER || entry.event.act != ONWARD__CORE__ACT_GENESIS)
    return complain(why, "genesis: expected the log's first entry");
  const Onward__Genesis *g = entry.event.core->genesis;
  struct bytes origin = pb_bytes(g->origin);
  if (!bytes_equal(pb_bytes(g->log_key), BYTES(out->log_key.public_key)) ||
      !bytes_equal(origin, bytes_text(out->log_key.name)))
    return complain(why, "log_key: is not the one that the log's first entry names");
  memcpy(out->origin, out->log_key.name, sizeof out->origin);
  out->genesis_leaf = pb_bytes(i->genesis->leaf);
  out->id = sha256(out->genesis_leaf); /* of the leaf itself: no hash of the tree */
  six_words(out->id.byte, out->words);
  *genesis = g;
  return OK;
}

static bool holds_keys(const Onward__Request *r, const struct keys *own)
{
  return bytes_equal(pb_bytes(r->link_key), BYTES(own->link)) && bytes_equal(pb_bytes(r->sign_key), BYTES(own->sign)) &&
         bytes_equal(pb_bytes(r->seal_key), BYTES(own->seal));
}

static bool request_of(const Onward__Core *core, ProtobufCBinaryData *packed, ProtobufCBinaryData *signature)
{
  switch (core->act_case) {
  case ONWARD__CORE__ACT_ENROL:
    *packed = core->enrol->request, *signature = core->enrol->signature;
    return true;
  case ONWARD__CORE__ACT_ROTATE:
    *packed = core->rotate->request, *signature = core->rotate->signature;
    return true;
  case ONWARD__CORE__ACT_REPLACE_KEYS:
    *packed = core->replace_keys->request, *signature = core->replace_keys->signature;
    return true;
  default:
    return false;
  }
}

static const Onward__Request *registrar_find(const Onward__Genesis *g, const struct keys *own, struct arena *a)
{
  for (size_t i = 0; own != NULL && i < g->n_registrars; i++) {
    const Onward__Request *r;
    struct complaint why;
    if (request_read(pb_bytes(g->registrars[i]->request), pb_bytes(g->registrars[i]->signature), a, &why, &r) == OK &&
        holds_keys(r, own))
      return r;
  }
  return NULL;
}

/* The request of the last entry: the keys that are valid now. NULL: a registrar of the genesis, and nobody to compare
 * with. */
static enum status enrolled_read(const Onward__Invitation *i, const Onward__Genesis *g, const struct keys *own,
                                 const struct checkpoint *c, struct arena *a, struct complaint *why,
                                 const Onward__Request **out)
{
  *out = registrar_find(g, own, a);
  if (i->n_enrolled > ENROLLED_MAX)
    return complain(why, "enrolled: expected at most 4 entries");
  for (size_t n = 0; n < i->n_enrolled; n++) {
    struct opened_entry entry;
    ProtobufCBinaryData packed, signature;
    enum status s = entry_read(i->enrolled[n], c, a, why, &entry);
    if (s == OK && !request_of(entry.event.core, &packed, &signature))
      s = complain(why, "enrolled: expected an entry that enrols");
    if (s == OK)
      s = request_read(pb_bytes(packed), pb_bytes(signature), a, why, out);
    if (s != OK)
      return s;
  }
  if (own != NULL && (*out == NULL || !holds_keys(*out, own)))
    return complain(why, "it is for other keys than those in this data folder");
  return OK;
}

enum status paper_invitation_read(struct bytes text, const struct keys *own, struct arena *a, struct complaint *why,
                                  struct network *out)
{
  struct bytes packed;
  *out = (struct network){0};
  enum status s = paper_read(invitation_kind, text, a, why, &packed);
  if (s != OK)
    return s;
  const Onward__Invitation *i =
      packed.size > INVITATION_SIZE_MAX ? NULL : pb_unpack(&onward__invitation__descriptor, packed, a);
  if (i == NULL || i->genesis == NULL)
    return complain(why, "the file is damaged: it is no well-formed invitation");
  s = address_read(i, why, out);
  if (s == OK && note_key_parse(pb_bytes(i->log_key), &out->log_key) != OK)
    s = complain(why, "log_key: expected a verifier key, name+id+base64");
  out->checkpoint_note = pb_bytes(i->checkpoint);
  if (s == OK && checkpoint_open(out->checkpoint_note, &out->log_key, &out->checkpoint) != OK)
    s = complain(why, "checkpoint: is not signed by the log's key");
  const Onward__Genesis *genesis = NULL;
  if (s == OK)
    s = genesis_read(i, a, why, out, &genesis);
  const Onward__Request *enrolled = NULL;
  if (s == OK)
    s = enrolled_read(i, genesis, own, &out->checkpoint, a, why, &enrolled);
  if (s == OK && enrolled != NULL)
    s = pb_org(enrolled->organisation, &out->organisation);
  return s;
}
