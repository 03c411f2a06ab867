/* Two lines, replaced whole. */
#include "agents/backup_note.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/store/store.h"

enum { PATH_SIZE = 300, TEXT_SIZE = 128 };

void backup_note_read(const char *home, struct backup_note *out)
{
  char path[PATH_SIZE], text[TEXT_SIZE] = "", why[200];
  size_t size = 0;
  *out = (struct backup_note){0, 0};
  snprintf(path, sizeof path, "%s/" BACKUP_NOTE_FILE, home);
  if (file_read(path, text, sizeof text - 1, &size, why) != OK ||
      /* NOLINTNEXTLINE(cert-err34-c): of our own making */
      sscanf(text, "newest %" SCNu64 "\noldest %" SCNu64, &out->newest_ms, &out->oldest_ms) != 2)
    *out = (struct backup_note){0, 0};
}

enum status backup_note_write(const char *home, const struct backup_note *n, char why[200])
{
  char path[PATH_SIZE], text[TEXT_SIZE];
  snprintf(path, sizeof path, "%s/" BACKUP_NOTE_FILE, home);
  snprintf(text, sizeof text, "newest %" PRIu64 "\noldest %" PRIu64 "\n", n->newest_ms, n->oldest_ms);
  return file_write(path, bytes_text(text), why);
}

void backup_note_add(struct backup_note *n, uint64_t made_ms)
{
  n->newest_ms = made_ms;
  if (n->oldest_ms == 0)
    n->oldest_ms = made_ms;
}
