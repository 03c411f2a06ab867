/* What `status` says of this computer's backups: how old the newest is, and whether old ones hold what was erased. */
#include <stdio.h>
#include <unistd.h>

#include "agents/backup_note.h"
#include "agents/desk.h"
#include "agents/erase.h"
#include "agents/recovery.h"

static bool has_items(struct books *b)
{
  struct walk w = walk_start(TABLE_ITEMS, (struct bytes){NULL, 0});
  return walk_next(&w, b);
}

json_t *backup_json(struct agent *a, struct books *b)
{
  enum { DAY_MS = 24 * 3600 * 1000 };
  struct backup_note note;
  char words[HOME_SIZE + 32];
  uint64_t now = now_ms(), erased = erase_last_ms(b), limit = a->config.backup_warn_days;
  snprintf(words, sizeof words, "%s/" RECOVERY_FILE, a->home);
  json_t *o = json_pack("{s:b}", "words", access(words, F_OK) == 0);
  backup_note_read(a->home, &note);
  uint64_t days = now > note.newest_ms ? (now - note.newest_ms) / DAY_MS : 0;
  if (note.newest_ms != 0) {
    json_object_set_new(o, "newest_ms", json_integer((json_int_t)note.newest_ms));
    json_object_set_new(o, "days", json_integer((json_int_t)days));
  }
  if (limit > 0 && note.newest_ms == 0 && has_items(b))
    json_object_set_new(o, "warn", json_string("none"));
  if (limit > 0 && note.newest_ms != 0 && days >= limit)
    json_object_set_new(o, "warn", json_string("old"));
  if (note.oldest_ms != 0 && note.oldest_ms <= erased)
    json_object_set_new(o, "erased_ms", json_integer((json_int_t)erased));
  return o;
}
