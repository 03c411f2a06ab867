/* A file of books in which any one bit is another: the audit says that it fails, or that nothing is known, or it says
 * byte for byte what it says of the sound one. And folders that hold something else. No crash in any case: all of it is
 * in this process. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/audit/audit.h"
#include "tests/unit/support.h"

enum { PAGE = 4096, META_SIZE = 152, PAGE_HEAD_SIZE = 16, SPREAD = 120, UNUSED_SAMPLE = 64, HEAD_STEP = 11 };

typedef enum audit_code (*command)(const struct audit_request *q);

/* What a command said. */
struct said {
  enum audit_code code;
  char *out, *err;
};

static char folder[FOLDER_PATH_SIZE];
static struct said verified, replayed, shown; /* of the sound one */

static struct said run(command c, const char *of)
{
  struct said s = {0};
  size_t size;
  struct audit_request q = {.folder = of, .to = UINT64_MAX, .json = true};
  q.out = open_memstream(&s.out, &size);
  q.err = open_memstream(&s.err, &size);
  s.code = c(&q);
  (void)fclose(q.out);
  (void)fclose(q.err);
  return s;
}

static void forget(struct said *s)
{
  free(s->out);
  free(s->err);
}

static void write_story(struct world *w)
{
  struct member *police = world_enrol(w, "police"), *aple = world_enrol(w, "aple"), *a21 = world_enrol(w, "a21");
  struct member *const both[] = {aple, a21};
  for (int i = 0; i < 2; i++) {
    struct ref_id id = world_submit(w, police, both, 2);
    world_act(w, aple, &id, ONWARD__CORE__ACT_RECEIVE);
    world_act(w, aple, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
    world_act(w, aple, &id, ONWARD__CORE__ACT_DECLINE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_RECEIVE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);
    world_act(w, a21, &id, ONWARD__CORE__ACT_ACCEPT);
  }
  world_submit(w, aple, &a21, 1);
}

/* The books as they grew, with pages that are free in them: an older state, which no changed root may lead back to. */
static int make_log(void **state)
{
  static struct world w;
  (void)state;
  folder_make(folder);
  world_init(&w, folder);
  write_story(&w);
  world_fini(&w);
  must(unlink(folder_path(folder, "books/lock.mdb")) == 0);
  verified = run(audit_verify, folder);
  replayed = run(audit_replay, folder);
  shown = run(audit_show, folder);
  assert_int_equal(verified.code, AUDIT_FINE);
  assert_int_equal(replayed.code, AUDIT_FINE);
  return 0;
}

static int remove_log(void **state)
{
  (void)state;
  forget(&verified);
  forget(&replayed);
  forget(&shown);
  folder_remove(folder);
  return 0;
}

/* Whom an entry was for stands in tables beside the log, which `replay` is for. */
static bool same_log(char *a, char *b)
{
  for (; *a != 0 && *a == *b; a++, b++)
    if (strncmp(a, "\"for\":[", 7) == 0 && strncmp(b, "\"for\":[", 7) == 0) {
      a = strchr(a, ']');
      b = strchr(b, ']');
    }
  return *a == *b;
}

/* Every bit of the two pages that LMDB begins with, of the heads of the others one in eleven, each time others; a long
 * run, for which ONWARD_ROUNDS is set, leaves none out. Most bits of pages are either seen at once or used by nobody.
 * Of the latter all commands are run for every so many only: `show` alone for the others. */
static bool show_is_enough(const struct said *s, bool sampled)
{
  static int unused;
  if (s->code == AUDIT_UNREADABLE)
    return strstr(s->err, "data.mdb: ") != NULL; /* all open the books in one way */
  return sampled && getenv("ONWARD_ROUNDS") == NULL && strcmp(s->out, shown.out) == 0 && unused++ % UNUSED_SAMPLE != 0;
}

static void check_damaged(uint64_t byte, int bit, bool sampled)
{
  struct said s = run(audit_show, folder);
  if (show_is_enough(&s, sampled)) {
    forget(&s);
    return;
  }
  struct said v = run(audit_verify, folder), r = run(audit_replay, folder);
  bool told = v.code == AUDIT_FAILED || v.code == AUDIT_UNREADABLE;
  bool fine = v.code == AUDIT_FINE && strcmp(v.out, verified.out) == 0 && same_log(s.out, shown.out);
  bool replay_told = r.code == AUDIT_FAILED || r.code == AUDIT_UNREADABLE;
  bool replay_fine = r.code == AUDIT_FINE && strcmp(r.out, replayed.out) == 0 && strcmp(s.out, shown.out) == 0;
  if (!(told || fine) || !(replay_told || replay_fine) || (told && v.err[0] == 0))
    fail_msg("byte %d of page %d, bit %d: verify %d \"%s\", replay %d \"%s\"", (int)(byte % PAGE), (int)(byte / PAGE),
             bit, (int)v.code, v.err, (int)r.code, r.err);
  forget(&v);
  forget(&r);
  forget(&s);
}

static void flip_and_check(int fd, uint64_t byte, int bit, bool sampled)
{
  uint8_t sound, flipped;
  assert_int_equal(pread(fd, &sound, 1, (off_t)byte), 1);
  flipped = sound ^ (uint8_t)(1 << bit);
  assert_int_equal(pwrite(fd, &flipped, 1, (off_t)byte), 1);
  check_damaged(byte, bit, sampled);
  assert_int_equal(pwrite(fd, &sound, 1, (off_t)byte), 1);
}

static void any_bit_may_flip(void **state)
{
  (void)state;
  struct stat st;
  int fd = open(folder_path(folder, "books/data.mdb"), O_RDWR | O_CLOEXEC);
  assert_int_equal(fstat(fd, &st), 0);
  uint64_t bits = (uint64_t)st.st_size * 8;
  for (uint64_t page = 0; page < (uint64_t)st.st_size / PAGE; page++) {
    uint64_t step = page < 2 || getenv("ONWARD_ROUNDS") != NULL ? 1 : HEAD_STEP;
    for (uint64_t bit = page % step; bit < 8 * (page < 2 ? META_SIZE : PAGE_HEAD_SIZE); bit += step)
      flip_and_check(fd, page * PAGE + bit / 8, (int)(bit % 8), true);
  }
  for (uint64_t i = 0; i < SPREAD; i++) {
    uint64_t bit = (i * 2654435761u + 12345) * 40503 % bits;
    flip_and_check(fd, bit / 8, (int)(bit % 8), false);
  }
  (void)close(fd);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(any_bit_may_flip, make_log, remove_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
