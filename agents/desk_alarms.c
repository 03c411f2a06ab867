/* Alarms with the two signed heads, and the evidence of one as the files of a folder (docs/spec/5-files.md, section 8).
 * What the files prove they prove without this computer; what only we have seen is said to be our word.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agents/desk.h"
#include "agents/item.h"
#include "agents/receipt.h"

#define STATEMENT_SIZE 4096

/* --- the heads --- */

/* {"signed": false}: it is none that the log's key signed. */
static json_t *head_json(const struct agent *a, struct bytes note)
{
  struct checkpoint c;
  char root[45];
  if (checkpoint_open(note, &a->evidence.log_key, &c) != OK)
    return json_pack("{s:b}", "signed", 0);
  base64_encode(hash_bytes(&c.root), root);
  return json_pack("{s:b, s:s, s:I, s:s}", "signed", 1, "origin", c.origin, "size", (json_int_t)c.size, "root", root);
}

static json_t *alarm_json(const struct agent *a, enum alarm_kind kind, const struct alarm_record *record,
                          const struct alarm_proof *proof)
{
  json_t *o = json_pack("{s:s, s:s, s:I, s:b, s:b}", "kind", alarm_name(kind), "text", alarm_text(kind), "raised_ms",
                        (json_int_t)record->raised_ms, "over", record->ended, "halts", alarm_halts(kind));
  if (proof->part[ALARM_HELD].size > 0)
    json_object_set_new(o, "held", head_json(a, proof->part[ALARM_HELD]));
  if (proof->part[ALARM_OFFERED].size > 0)
    json_object_set_new(o, "offered", head_json(a, proof->part[ALARM_OFFERED]));
  return o;
}

json_t *desk_alarms(struct agent *a, const json_t *request)
{
  struct alarm_record record;
  struct alarm_proof proof;
  json_t *list = json_array();
  (void)request;
  struct books *b = agent_read(a);
  for (enum alarm_kind kind = 1; kind < ALARM_KINDS; kind++)
    if (alarm_get(b, kind, &record, &proof))
      json_array_append_new(list, alarm_json(a, kind, &record, &proof));
  if (agent_abort(a) == OK)
    return json_pack("{s:b, s:o}", "ok", 1, "alarms", list);
  json_decref(list);
  return desk_trouble(OUR_FAULT);
}

/* --- what contradicts it here --- */

/* The entry of ours that shows most against what was offered: one under the same number; the newest of the directory,
 * where it is denied; one that tells the root at the offered size; else the first that the offered log is too short
 * for. UINT64_MAX: none. */
static uint64_t against(const struct agent *a, struct books *b, enum alarm_kind kind, const struct alarm_proof *proof)
{
  struct leaf leaf;
  struct checkpoint offered;
  uint64_t known = directory_known(b);
  bool about = leaf_read(proof->part[ALARM_LEAF], &leaf) == OK;
  if (about && kind == ALARM_WITHHELD && leaf.registry < known && known < leaf.index && receipt_has(b, known))
    return known;
  if (about)
    return receipt_has(b, leaf.index) ? leaf.index : UINT64_MAX;
  if (checkpoint_open(proof->part[ALARM_OFFERED], &a->evidence.log_key, &offered) != OK)
    return UINT64_MAX;
  return receipt_next(b, offered.size > 0 && receipt_has(b, offered.size - 1) ? offered.size - 1 : offered.size);
}

/* --- the folder --- */

static void add_file(json_t *files, const char *name, struct bytes text)
{
  json_t *content = json_stringn((const char *)text.data, text.size);
  if (content == NULL) /* no UTF-8: whatever it was, it was no checkpoint */
    content = json_string("(this was no text)\n");
  json_array_append_new(files, json_pack("{s:s, s:o}", "name", name, "text", content));
}

static void add_consistency(json_t *files, struct bytes proof)
{
  char text[MERKLE_PROOF_MAX * 45 + 1];
  struct writer w = writer_of(text, sizeof text);
  for (size_t at = 0; at + sizeof(struct hash) <= proof.size; at += sizeof(struct hash)) {
    write_base64(&w, bytes_of(proof.data + at, sizeof(struct hash)));
    write_text(&w, "\n");
  }
  if (proof.size > 0)
    add_file(files, "consistency", writer_bytes(&w));
}

/* The entry that came, with its path and the checkpoint that it was to be proved by. */
static void add_leaf(struct agent *a, json_t *files, const struct alarm_proof *proof)
{
  struct leaf leaf;
  struct log_proof p = {.leaf = proof->part[ALARM_LEAF], .note = proof->part[ALARM_HELD]};
  struct bytes path = proof->part[ALARM_PATH];
  void *text = arena_alloc(&a->arena, PROOF_SIZE_MAX);
  if (text == NULL || p.leaf.size == 0)
    return;
  struct writer w = writer_of(text, PROOF_SIZE_MAX);
  p.index = leaf_read(p.leaf, &leaf) == OK ? leaf.index : 0;
  p.path_count = path.size / sizeof p.path[0];
  memcpy(p.path, path.data, p.path_count * sizeof p.path[0]);
  proof_write(&p, &w);
  add_file(files, "offered.tlog-proof", writer_bytes(&w));
}

static void utc(uint64_t ms, char text[32])
{
  struct tm tm;
  time_t t = (time_t)(ms / 1000);
  if (gmtime_r(&t, &tm) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    snprintf(text, 32, "%llu ms", (unsigned long long)ms);
}

static void add_statement(const struct agent *a, json_t *files, const char *name, enum alarm_kind kind,
                          const struct alarm_record *record)
{
  char text[STATEMENT_SIZE], when[32], vkey[NOTE_VKEY_SIZE];
  utc(record->raised_ms, when);
  note_key_print(&a->evidence.log_key, vkey);
  int size = snprintf(
      text, sizeof text,
      "What %s (%.16s) saw of the exchange's log, and stopped at.\n\n"
      "Kind:    %s\nWhen:    %s, by the clock of its computer\nNetwork: %s\nLog key: %s\n\n%s\n\n"
      "The files here, each where there is something of it:\n\n"
      "held.checkpoint      the newest head of the log that this organisation had verified\n"
      "offered.checkpoint   the head that the exchange showed after it\n"
      "consistency          the proof that the exchange gave that the one continues the other\n"
      "offered.tlog-proof   the entry that was not taken, its path, and the head that it came under\n"
      "kept.tlog-proof      an entry that this organisation keeps with its path, and that stands against it\n\n"
      "They hold ids, codes, hashes and times, and no word of a case. That the exchange showed what is offered,\n"
      "and when, is the word of %.16s. What the files prove without it, and what not, this tells, anywhere:\n\n"
      "    onward-audit fraud DIR --log-key %s\n",
      name, a->self.id.text, alarm_name(kind), when, a->network.words, vkey, alarm_text(kind), a->self.id.text, vkey);
  must(size > 0 && (size_t)size < sizeof text);
  add_file(files, "statement.txt", bytes_of(text, (size_t)size));
}

static json_t *evidence_files(struct agent *a, struct books *b, enum alarm_kind kind, const struct alarm_record *record,
                              const struct alarm_proof *proof)
{
  char name[ORGANISATION_NAME_SIZE];
  json_t *files = json_array();
  uint64_t kept = against(a, b, kind, proof);
  directory_name(b, &a->self.id, &a->arena, name);
  add_statement(a, files, name, kind, record);
  add_file(files, "held.checkpoint", proof->part[ALARM_HELD]);
  if (proof->part[ALARM_OFFERED].size > 0)
    add_file(files, "offered.checkpoint", proof->part[ALARM_OFFERED]);
  add_consistency(files, proof->part[ALARM_CONSISTENCY]);
  add_leaf(a, files, proof);
  const char *text = kept == UINT64_MAX ? NULL : receipt_text(b, kept, &a->arena);
  if (text != NULL)
    add_file(files, "kept.tlog-proof", bytes_text(text));
  return files;
}

/* NULL: `kind` is the one that was named, or the first that halts. */
static json_t *choose_kind(struct books *b, const json_t *request, enum alarm_kind *kind)
{
  struct alarm_record record;
  struct alarm_proof proof;
  const json_t *name = json_object_get(request, "kind");
  if (name == NULL)
    for (*kind = 1; *kind < ALARM_KINDS; (*kind)++)
      if (alarm_halts(*kind) && alarm_get(b, *kind, &record, &proof))
        return NULL;
  if (name == NULL)
    return desk_error("not_found", NULL, "the exchange was not found to lie: there is no evidence", NULL);
  *kind = json_is_string(name) ? alarm_named(json_string_value(name)) : ALARM_NONE;
  if (*kind == ALARM_NONE || !alarm_halts(*kind))
    return desk_error("bad_input", "kind", "must be fork, rolled_back, bad_note, bad_proof, withheld or impossible",
                      "see: onward alarms");
  return alarm_get(b, *kind, &record, &proof)
             ? NULL
             : desk_error("not_found", "kind", "there was no such alarm", "see: onward alarms");
}

json_t *desk_evidence(struct agent *a, const json_t *request)
{
  enum alarm_kind kind;
  struct alarm_record record;
  struct alarm_proof proof;
  json_t *answer;
  struct books *b = agent_read(a);
  json_t *refused = choose_kind(b, request, &kind);
  if (refused != NULL) {
    agent_abort(a);
    return refused;
  }
  must(alarm_get(b, kind, &record, &proof));
  answer = json_pack("{s:b, s:s, s:o}", "ok", 1, "kind", alarm_name(kind), "files",
                     evidence_files(a, b, kind, &record, &proof));
  if (agent_abort(a) == OK)
    return answer;
  json_decref(answer);
  return desk_trouble(OUR_FAULT);
}
