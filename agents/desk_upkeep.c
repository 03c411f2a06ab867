/* What a registrar does for the log as a whole: signs that a restored one may go on, and says who outside may read. */
#include <string.h>

#include "agents/desk.h"
#include "agents/item.h"
#include "agents/restored.h"
#include "proto/papers.h"

/* --- a restored log --- */

static json_t *read_restore(struct agent *a, const json_t *request, Onward__Restored **out, Onward__Restore **restore)
{
  struct complaint why;
  const json_t *text = json_object_get(request, "request");
  if (!json_is_string(text))
    return desk_error("bad_input", "request", "is missing: the text of restore.request", NULL);
  enum status s = paper_restore_read(bytes_of(json_string_value(text), json_string_length(text)), &a->arena, &why, out);
  if (s == BAD_INPUT)
    return desk_error("bad_input", "request", why.text, "ask the operator for the file again");
  *restore = s == OK ? pb_unpack(&onward__restore__descriptor, pb_bytes((*out)->restore), &a->arena) : NULL;
  return *restore == NULL ? desk_trouble(OUR_FAULT) : NULL;
}

static json_t *not_for_us(struct agent *a, const Onward__Restore *r)
{
  struct organisation self = {.registrar = 0};
  struct books *b = agent_read(a);
  bool registrar = books_organisation(b, &a->self.id, &self) == OK && self.registrar != 0;
  if (agent_abort(a) != OK)
    return desk_trouble(OUR_FAULT);
  if (!registrar)
    return desk_error("not_allowed", NULL, "only a registrar signs that a restored log goes on", NULL);
  if (!bytes_equal(pb_bytes(r->network), hash_bytes(&a->self.network)))
    return desk_error("not_allowed", "request", "is for another network than this one", NULL);
  return NULL;
}

/* Our own newest checkpoint may know of more than the backup: then that is known to be lost. And of a later epoch: the
 * same backup may be restored twice. */
static void add_known(const struct agent *a, Onward__Restore *r)
{
  const struct checkpoint *newest = &a->evidence.newest;
  uint32_t known = checkpoint_epoch(newest, &a->evidence.log_key);
  r->epoch = known >= r->epoch ? known + 1 : r->epoch;
  if (newest->size <= r->lost_size)
    return;
  r->lost_size = newest->size;
  r->lost_root = pb_data(hash_bytes(&newest->root));
}

static json_t *sign_restore(struct agent *a, Onward__Restored *restored, const Onward__Restore *r, json_t *answer)
{
  uint8_t signature[ES256_SIGNATURE_SIZE];
  static char text[PAPER_TEXT_MAX];
  struct bytes packed = pb_pack(r, &a->arena);
  if (packed.size == 0 || dsse_sign(a->keys.sign, RESTORE_TYPE, packed, signature) != OK) {
    json_decref(answer);
    return desk_trouble(OUR_FAULT);
  }
  restored->restore = pb_data(packed);
  restored->signature = pb_data(BYTES(signature));
  restored->organisation = pb_data(org_id_text(&a->self.id));
  if (paper_restore_write(restored, &a->arena, text, sizeof text) == OK)
    json_object_set_new(answer, "restore", json_string(text));
  return answer;
}

json_t *desk_sign_restore(struct agent *a, const json_t *request)
{
  Onward__Restored *restored = NULL;
  Onward__Restore *r = NULL;
  json_t *refused = read_restore(a, request, &restored, &r);
  if (refused != NULL)
    return refused;
  must(restored != NULL && r != NULL);
  refused = not_for_us(a, r);
  if (refused != NULL)
    return refused;
  const struct checkpoint *newest = &a->evidence.newest;
  if (newest->size == r->continues_at && !bytes_equal(pb_bytes(r->root), hash_bytes(&newest->root)))
    return desk_error("not_allowed", "request",
                      "is for another log: of so many entries this computer knows another root",
                      "telephone the operator, and keep the file");
  add_known(a, r);
  json_t *answer =
      json_pack("{s:b, s:s, s:I, s:I, s:I}", "ok", 1, "network", a->network.words, "epoch", (json_int_t)r->epoch,
                "entries", (json_int_t)r->continues_at, "lost", (json_int_t)(r->lost_size - r->continues_at));
  return json_is_true(json_object_get(request, "sign")) ? sign_restore(a, restored, r, answer) : answer;
}

/* --- an exchange that was restored --- */

json_t *desk_restored(struct agent *a, const json_t *request)
{
  struct restored_question q;
  char name[ORGANISATION_NAME_SIZE];
  bool agree = json_is_true(json_object_get(request, "agree"));
  struct books *b = agent_write(a);
  bool asks = restored_asks(a, b, &q);
  if (asks)
    directory_name(b, &q.registrar, &a->arena, name);
  if (asks && agree)
    restored_agree(b, &q);
  enum status s = asks && agree ? agent_commit(a) : agent_abort(a);
  if (s != OK)
    return desk_trouble(s);
  if (!asks)
    return desk_error("not_allowed", NULL, "the exchange has lost nothing that this computer has seen", NULL);
  if (agree)
    session_down(a, 0);
  json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:s}", "ok", 1, "epoch", (json_int_t)q.epoch, "entries",
                        (json_int_t)q.continues_at, "seen", (json_int_t)q.seen, "restored_ms", (json_int_t)q.time_ms,
                        "by_name", name);
  json_object_set_new(o, "by", json_org(&q.registrar));
  return o;
}

/* --- mandates --- */

static json_t *read_index(const json_t *request, const char *field, uint64_t *out)
{
  const json_t *value = json_object_get(request, field);
  *out = 0;
  if (value == NULL)
    return NULL;
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return desk_error("bad_input", field, "expected the index of an entry", NULL);
  *out = (uint64_t)json_integer_value(value);
  return NULL;
}

/* Any referral of the log: a registrar need not have it on this computer, so it is named in full. */
static json_t *read_referral(const json_t *request, struct ref_id *id, struct bytes *out)
{
  const char *text = json_string_value(json_object_get(request, "referral"));
  size_t size = 0;
  *out = (struct bytes){NULL, 0};
  if (text == NULL)
    return NULL;
  if (hex_decode(bytes_text(text), id->byte, sizeof id->byte, &size) != OK || size != sizeof id->byte)
    return desk_error("bad_input", "referral", "expected all 32 digits of its id", NULL);
  *out = BYTES(id->byte);
  return NULL;
}

json_t *desk_mandate(struct agent *a, const json_t *request)
{
  Onward__Mandate m = ONWARD__MANDATE__INIT;
  struct org_id about = {{0}};
  struct ref_id referral;
  struct bytes id;
  const char *name = json_string_value(json_object_get(request, "name"));
  Onward__Core *core = core_new(NULL, &a->arena);
  if (core == NULL)
    return desk_trouble(OUR_FAULT);
  if (name == NULL || name[0] == 0)
    return desk_error("bad_input", "name", "is missing: the office that may read, never a person", NULL);
  json_t *refused = json_object_get(request, "about") == NULL ? NULL : desk_organisation(request, "about", &about);
  if (refused == NULL)
    refused = read_referral(request, &referral, &id);
  if (refused == NULL)
    refused = read_index(request, "from", &m.from_index);
  if (refused == NULL)
    refused = read_index(request, "to", &m.to_index);
  if (refused == NULL && m.to_index != 0 && m.to_index < m.from_index)
    refused = desk_error("bad_input", "to", "is before from: it would cover nothing", NULL);
  if (refused != NULL)
    return refused;
  m.name = pb_data(bytes_text(name));
  m.about = pb_data(org_id_text(&about));
  m.referral = pb_data(id);
  core->act_case = ONWARD__CORE__ACT_MANDATE;
  core->mandate = &m;
  refused = desk_queue(a, core, NULL);
  return refused != NULL ? refused : json_pack("{s:b, s:s}", "ok", 1, "name", name);
}
