/* Cosignatures in files. Whatever is in the folder must hold: a witness's word that does not fit is worse than none. */
#include "agents/audit/witness.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agents/audit/export.h"

static bool file_name(const char *name)
{
  return strlen(name) == 8 && strspn(name, "0123456789abcdef") == 8;
}

static const char *witness_parse(struct witness *w, const struct note_key *log)
{
  const char *end = memchr(w->content, '\n', w->size);
  if (end == NULL || witness_key_parse(bytes_of(w->content, (size_t)(end - w->content)), &w->key) != OK)
    return "its first line is no witness's key";
  const char *id = memchr(w->content, '+', w->size);
  if (strncmp(id + 1, w->name + strlen("witness/"), 8) != 0)
    return "is called by another key's id";
  w->note = bytes_of(end + 1, w->size - (size_t)(end + 1 - w->content));
  if (checkpoint_open(w->note, log, &w->checkpoint) != OK)
    return "its checkpoint is not in its form, or not signed by the log";
  if (cosignature_verify(w->note, &w->key, &w->time_s) != OK)
    return "its witness's signature does not fit";
  struct bytes text = note_text(w->note);
  size_t lines = note_line(w->note, log, false).size + note_line(w->note, &w->key, true).size;
  return w->note.size == text.size + 1 + lines ? NULL : "has other lines than the log's and the witness's";
}

static enum audit_code witness_read(struct audit *a, const struct note_key *log, struct books *tree, uint64_t size,
                                    struct witness *w)
{
  struct hash root;
  char path[PATH_MAX], why[200];
  (void)snprintf(path, sizeof path, "%s/%s", a->request->folder, w->name);
  if (file_read(path, w->content, sizeof w->content, &w->size, why) != OK)
    return audit_tell(a->request, AUDIT_FAILED, "%s: cannot be read", w->name);
  const char *wrong = witness_parse(w, log);
  if (wrong != NULL)
    return audit_tell(a->request, AUDIT_FAILED, "%s: %s", w->name, wrong);
  if (w->checkpoint.size > size)
    return audit_tell(a->request, AUDIT_FAILED, "%s: %s cosigned %" PRIu64 " entries; here are %" PRIu64, w->name,
                      w->key.name, w->checkpoint.size, size);
  if (merkle_tree_root(w->checkpoint.size, books_tree_read, tree, &root) == OK &&
      hash_equal(&root, &w->checkpoint.root))
    return AUDIT_FINE;
  return audit_tell(a->request, AUDIT_FAILED, "%s: %s cosigned another log of %" PRIu64 " entries: this one is a fork",
                    w->name, w->key.name, w->checkpoint.size);
}

static int by_name(const void *one, const void *other)
{
  return strcmp(((const struct witness *)one)->name, ((const struct witness *)other)->name);
}

enum audit_code witnesses_read(struct audit *a, const struct note_key *log, struct books *tree, uint64_t size,
                               struct witnesses *out)
{
  char path[PATH_MAX];
  enum audit_code code = AUDIT_FINE;
  *out = (struct witnesses){0};
  (void)snprintf(path, sizeof path, "%s/witness", a->request->folder);
  DIR *folder = opendir(path);
  for (struct dirent *at = NULL; folder != NULL && code == AUDIT_FINE && (at = readdir(folder)) != NULL;) {
    struct witness *w = &out->list[out->count];
    if (at->d_name[0] == '.')
      continue;
    if (!file_name(at->d_name) || out->count == WITNESSES_MAX)
      code = audit_tell(a->request, AUDIT_FAILED, "witness/%s: is not called by a key's id, or is one too many",
                        at->d_name);
    else {
      (void)snprintf(w->name, sizeof w->name, "witness/%.8s", at->d_name);
      code = witness_read(a, log, tree, size, w);
      out->count++;
    }
  }
  if (folder != NULL)
    (void)closedir(folder);
  qsort(out->list, out->count, sizeof out->list[0], by_name);
  for (size_t i = 0; i < out->count; i++) { /* they were moved */
    struct witness *w = &out->list[i];
    w->note = bytes_of(w->content + w->size - w->note.size, w->note.size);
  }
  return code;
}

struct bytes witnesses_note(const struct witnesses *w, struct bytes note, const struct note_key *log, char *room)
{
  struct writer out = writer_of(room, EXPORT_NOTE_MAX);
  struct bytes text = note_text(note);
  write_bytes(&out, text);
  write_text(&out, "\n");
  write_bytes(&out, note_line(note, log, false));
  for (size_t i = 0; i < w->count; i++)
    if (bytes_equal(note_text(w->list[i].note), text))
      write_bytes(&out, note_line(w->list[i].note, &w->list[i].key, true));
  must(!out.overflow);
  return writer_bytes(&out);
}

void witnesses_tell(const struct witnesses *w, FILE *out)
{
  char vkey[NOTE_VKEY_SIZE], time[WORDS_SIZE];
  for (size_t i = 0; i < w->count; i++) {
    uint64_t s = w->list[i].time_s;
    witness_key_print(&w->list[i].key, vkey);
    words_time(s < UINT64_MAX / 1000 ? s * 1000 : UINT64_MAX, time);
    fprintf(out, "  cosigned    %" PRIu64 " entries, at %s, by %s\n", w->list[i].checkpoint.size, time, vkey);
  }
}
