/* An exported log: a folder of files that a third party can keep, publish and check. Its form is docs/spec/6-export.md.
 * One that is read stands behind the same interface as stored books, with three tables: entries, tree and checkpoint.
 * An entry's slice is valid until one of another bundle is read. */
#ifndef ONWARD_EXPORT_H
#define ONWARD_EXPORT_H

#include "agents/audit/audit.h"
#include "agents/audit/tiles.h"
#include "agents/audit/witness.h"

#define EXPORT_SIZE_MAX (1ULL << 40) /* entries */
#define EXPORT_HEADING "onward-export/v1\n"
#define EXPORT_NOTE_MAX 4096 /* bytes of a checkpoint with its cosignatures */

/* Which entries are in it in full. Of the others there is the hash alone. */
enum export_holds { HOLDS_EVERYTHING, HOLDS_HASHES, HOLDS_ORGANISATION, HOLDS_MANDATE };
struct export_scope {
  enum export_holds holds;
  struct org_id organisation; /* for HOLDS_ORGANISATION */
  uint64_t mandate;           /* for HOLDS_MANDATE: its entry */
};

struct exported { /* one that is read */
  struct books books;
  const char *folder;
  struct export_scope scope;
  struct note_key log_key; /* as `keys` names it */
  uint64_t size;           /* entries, as the checkpoint says, whose signature fits that key */
  char note[EXPORT_NOTE_MAX];
  size_t note_size;
  struct bytes keys; /* the file as it stands */
  struct tile_kept { /* the tile of each level that was read last; the last of them: the bundle */
    bool kept;
    uint64_t number;
    uint8_t *content;
    size_t size;
  } tiles[TILE_LEVELS + 1];
  struct bytes entries; /* the file of that name, where not every entry is in the export */
  size_t entry_count;
  struct export_entry {
    uint64_t index;
    struct bytes leaf;
  } * listed;        /* what stands in it; ascending */
  uint8_t row[8];    /* key of the row that was found last */
  struct hash hash;  /* its value, where that is a hash */
  char trouble[200]; /* which file cannot be read, and why */
};

/* It has not every entry in full. */
static inline bool audit_partial(const struct audit *a)
{
  return a->exported != NULL && a->exported->scope.holds != HOLDS_EVERYTHING;
}
/* Whether the folder is an export, or what is left of one. */
bool exported_is(const char *folder);
/* Reads `keys` and `checkpoint`. AUDIT_FAILED, told: they are not what they must be. Close it in any case. */
enum audit_code exported_open(const struct audit_request *q, struct exported **out);
void exported_close(struct exported *x);
/* Every file that there must be has the size or the parts that it must have, and there is no other. The first that has
 * not is told: AUDIT_FAILED. */
enum audit_code exported_files(struct audit *a);
bool exported_tiles_fit(struct audit *a, char why[200]); /* each other, and the checkpoint */
/* All tiles are those of this tree, and `keys` and `erasures` what the log leads to. */
struct erasures;
enum audit_code exported_compare(struct audit *a, struct rebuild *r, const struct erasures *erasures,
                                 const struct witnesses *witnesses);
/* `keys` alone, and the cosignatures of `checkpoint`; `books` as in export_write_keys. */
enum audit_code exported_compare_keys(struct audit *a, struct books *books, const struct witnesses *witnesses);
/* `verify` of one that has not every entry: as far as it goes, and what was not checked is told. */
enum audit_code exported_verify_part(struct audit *a);
/* A whole file in memory that the caller frees, with room for one byte more. NULL: `why`. */
uint8_t *export_file(const char *folder, const char *name, size_t *size, char why[200]);

/* The log's key and its checkpoint, of any folder; the stored tree has the signed root. */
enum audit_code audit_signed(struct audit *a, struct note_key *key, struct checkpoint *c, struct bytes *note);
/* The log of that checkpoint is the beginning of this one. AUDIT_FAILED, told: why not; `whose` names it. */
enum audit_code audit_contains(struct audit *a, struct bytes note, const char *whose);

/* An accepted mandate, read out of the entry. False: it is something else. */
struct mandate {
  uint64_t from, to; /* as far as it covers: never behind its own entry */
  struct org_id about;
  struct ref_id referral; /* all zero: any, as is `about` */
};
bool mandate_read(struct books *b, uint64_t index, struct arena *arena, struct mandate *out);
/* The entry that a proof in the request's file is of: it is in this log, and is an accepted mandate. Else told. */
enum audit_code mandate_of_file(struct audit *a, struct rebuild *r, const struct note_key *log, uint64_t *index);
/* By its place and referral; whether `about` was told of it takes the whole log. */
bool mandate_covers(const struct mandate *m, const struct leaf *leaf, const struct event *e);

/* --- the two texts --- */

/* Bodies that need not exist any longer, and since which entry. `erasures_note` is for struct rebuild_watch. */
struct erasure {
  uint64_t index, by;
  uint8_t slot;
};
struct erasures {
  size_t count, room;
  struct erasure *list;
  bool failed; /* no memory */
};
void erasures_note(void *erasures, uint64_t index, uint8_t slot, uint64_t by);
int erasure_order(const void *one, const void *other); /* by index and slot */
void erasures_sort(struct erasures *e);
void erasures_free(struct erasures *e);

/* Writes `keys`. `books`: those with the registry; NULL: the log's key alone. */
void export_write_keys(const struct export_scope *scope, const struct note_key *log, const struct witnesses *witnesses,
                       const struct hash *network, struct books *books, FILE *out);
/* Writes `erasures`: of all bodies, or, where `full` tells which entries are in the export, of those that were erased
 * and whose two entries both are. */
enum audit_code export_write_erasures(struct audit *a, struct rebuild *r, const struct erasures *erasures,
                                      const bool *full, FILE *out);
/* One line of it. `by` UINT64_MAX: the body is held. False: the books have no such slot. */
bool export_write_erasure(struct books *books, struct arena *arena, const struct erasure *e, FILE *out);
/* The first line in which the two differ, from 1; 0: they are equal. */
size_t export_text_differs(struct bytes one, struct bytes other);

#endif
