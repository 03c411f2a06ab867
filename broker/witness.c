/* <folder>/witness/<key id>: the witness's key, LF, the checkpoint, the log's line, the witness's line. */
#include "broker/witness.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define WITNESS_FILE_MAX 1024

/* The size of the tree, and the time, of a file that is there. */
static bool kept(const char *path, struct note_key *witness, uint64_t *size, uint64_t *time_s)
{
  char text[WITNESS_FILE_MAX + 1], why[200];
  size_t length = 0;
  if (file_read(path, text, WITNESS_FILE_MAX, &length, why) != OK)
    return false;
  text[length] = 0;
  char *end = strchr(text, '\n');
  return end != NULL && witness_key_parse(bytes_of(text, (size_t)(end - text)), witness) == OK &&
         /* NOLINTNEXTLINE(cert-err34-c): the note is verified behind it */
         sscanf(end + 1, "%*[^\n]\n%" SCNu64, size) == 1 &&
         cosignature_verify(bytes_text(end + 1), witness, time_s) == OK;
}

static bool contained(struct journal *j, const struct checkpoint *c)
{
  struct hash root;
  struct books *b = store_begin(j->store, false);
  bool same = c->size > 0 && c->size <= j->end.head.size &&
              merkle_tree_root(c->size, books_tree_read, b, &root) == OK && hash_equal(&root, &c->root);
  store_abort(j->store);
  return same;
}

const char *witness_keep(struct journal *j, const char *folder, struct bytes note, const char *vkey, char path[400])
{
  struct note_key witness, before;
  struct checkpoint c;
  uint64_t time_s, size_before, time_before;
  char text[WITNESS_FILE_MAX], why[200];
  struct writer w = writer_of(text, sizeof text);
  if (witness_key_parse(bytes_text(vkey), &witness) != OK)
    return "the key is no witness's: expected name+hash+key (C2SP, type 4)";
  if (checkpoint_open(note, &j->log_key, &c) != OK)
    return "the checkpoint is not in its form, or not signed by this log's key";
  if (cosignature_verify(note, &witness, &time_s) != OK)
    return "it is not cosigned by that witness";
  if (!contained(j, &c))
    return "this log does not contain the one that was cosigned: keep the file, and see onward-audit consistency";
  snprintf(path, 400, "%s/" WITNESS_FOLDER, folder);
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return "the folder `witness` cannot be made";
  snprintf(path, 400, "%s/" WITNESS_FOLDER "/%.8s", folder, strchr(vkey, '+') + 1);
  if (kept(path, &before, &size_before, &time_before) &&
      (size_before > c.size || (size_before == c.size && time_before > time_s)))
    return "a newer one of this witness is kept already";
  write_text(&w, vkey);
  write_text(&w, "\n");
  write_bytes(&w, note_text(note));
  write_text(&w, "\n");
  write_bytes(&w, note_line(note, &j->log_key, false));
  write_bytes(&w, note_line(note, &witness, true));
  return w.overflow || file_write(path, writer_bytes(&w), why) != OK ? "the file cannot be written" : NULL;
}

void witness_print(const char *folder)
{
  char path[400], words[32];
  struct note_key witness;
  uint64_t size, time_s;
  snprintf(path, sizeof path, "%s/" WITNESS_FOLDER, folder);
  DIR *files = opendir(path);
  for (struct dirent *at; files != NULL && (at = readdir(files)) != NULL;) {
    struct tm tm;
    snprintf(path, sizeof path, "%s/" WITNESS_FOLDER "/%.8s", folder, at->d_name);
    if (at->d_name[0] == '.' || !kept(path, &witness, &size, &time_s))
      continue;
    time_t seconds = (time_t)time_s;
    if (gmtime_r(&seconds, &tm) == NULL || strftime(words, sizeof words, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
      words[0] = 0;
    printf("%-22s %s, %" PRIu64 " entries, at %s\n", "cosigned by", witness.name, size, words);
  }
  if (files != NULL)
    closedir(files);
}
