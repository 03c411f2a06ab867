/* The data folder's keys: made once, locked, unlocked, rotated; and every place where a rotation can be cut off. */
#include "agents/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char passphrase[] = "river stone lamp", second_passphrase[] = "field cloud boat";
static char root[] = "/tmp/onward-keys-XXXXXX";
static char home[64], why[200];

static struct bytes first(void)
{
  return bytes_text(passphrase);
}

static struct bytes second(void)
{
  return bytes_text(second_passphrase);
}

static void path_in_home(const char *name, char path[128])
{
  assert_true(snprintf(path, 128, "%s/%s", home, name) < 128);
}

static bool is_there(const char *name)
{
  char path[128];
  path_in_home(name, path);
  return access(path, F_OK) == 0;
}

static void move(const char *from, const char *to)
{
  char old_path[128], new_path[128];
  path_in_home(from, old_path);
  path_in_home(to, new_path);
  assert_int_equal(rename(old_path, new_path), 0);
}

static void copy_folder(const char *from, const char *to)
{
  char command[300];
  snprintf(command, sizeof command, "cp -r %s %s", from, to);
  assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names of our own making */
}

/* Locking takes its time on purpose: keys are made once, and each test gets a copy. */
static int make_base(void **state)
{
  char base[64];
  (void)state;
  snprintf(base, sizeof base, "%s/base", root);
  return keys_create(base, first(), why) == OK ? 0 : -1;
}

static int with_keys(void **state)
{
  static int number;
  char base[64];
  (void)state;
  snprintf(base, sizeof base, "%s/base", root);
  snprintf(home, sizeof home, "%s/%d", root, number++);
  copy_folder(base, home);
  return 0;
}

static void created_keys_open_locked(void **state)
{
  (void)state;
  struct key_folder k;
  uint8_t other[KEY_ID_SIZE] = {0};
  assert_int_equal(keys_open(home, why, &k), OK);
  assert_true(keys_locked(&k));
  assert_int_equal(k.seal_count, 1);
  assert_true(keys_own(&k, k.seal_id[0]));
  assert_false(keys_own(&k, other));
  assert_null(keys_seal(&k, k.seal_id[0]));
  assert_int_equal(keys_unlock(&k, second()), NOT_NOW);
  assert_true(keys_locked(&k));
  assert_int_equal(keys_unlock(&k, bytes_text("")), NOT_NOW);
  assert_int_equal(keys_unlock(&k, first()), OK);
  uint8_t point[ES256_PUBLIC_SIZE];
  es256_secret_public(keys_seal(&k, k.seal_id[0]), point);
  assert_memory_equal(point, k.seal_point[0], sizeof point);
  assert_null(keys_seal(&k, other));
  assert_int_equal(keys_unlock(&k, second()), NOT_NOW);
  assert_false(keys_locked(&k)); /* a wrong passphrase does not lock what is open */
  keys_lock(&k);
  assert_true(keys_locked(&k));
  keys_close(&k);
}

static void files_are_for_their_owner_only(void **state)
{
  (void)state;
  static const char *const names[] = {".", "link.key", "sign.pem", "seal.pem", "seal.pub"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char path[128];
    struct stat info;
    path_in_home(names[i], path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, i == 0 ? 0700 : 0600);
  }
}

static void no_key_is_ever_overwritten(void **state)
{
  (void)state;
  assert_int_equal(keys_create(home, first(), why), BAD_INPUT);
  assert_non_null(strstr(why, "already"));
  move("seal.pub", "seal.pub.adopt"); /* an adoption that was cut off */
  assert_int_equal(keys_create(home, first(), why), BAD_INPUT);
}

static void creation_that_was_cut_off_is_made_anew(void **state)
{
  (void)state;
  struct key_folder k;
  char path[128];
  path_in_home("seal.pub", path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(keys_open(home, why, &k), NOT_FOUND);
  assert_int_equal(keys_create(home, second(), why), OK);
  assert_int_equal(keys_open(home, why, &k), OK);
  assert_int_equal(keys_unlock(&k, second()), OK);
  keys_close(&k);
}

static void a_short_passphrase_is_refused(void **state)
{
  (void)state;
  char folder[64];
  snprintf(folder, sizeof folder, "%s/short", root);
  assert_int_equal(keys_create(folder, bytes_text("1234567"), why), BAD_INPUT);
  assert_int_equal(keys_create(folder, bytes_text("ééééééé"), why), BAD_INPUT); /* 7 characters of 2 bytes */
  assert_int_not_equal(access(folder, F_OK), 0);
}

static void an_open_folder_is_refused(void **state)
{
  (void)state;
  struct key_folder k;
  assert_int_equal(chmod(home, 0750), 0);
  assert_int_equal(keys_open(home, why, &k), BAD_INPUT);
  assert_non_null(strstr(why, "0700"));
  assert_int_equal(chmod(home, 0700), 0);
  char folder[64];
  snprintf(folder, sizeof folder, "%s/open", root);
  assert_int_equal(mkdir(folder, 0700), 0);
  assert_int_equal(chmod(folder, 0755), 0);
  assert_int_equal(keys_create(folder, first(), why), BAD_INPUT);
  assert_int_equal(keys_open("", why, &k), BAD_INPUT);
}

static void a_secret_open_to_others_is_refused(void **state)
{
  (void)state;
  static const char *const names[] = {"link.key", "sign.pem", "seal.pem"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct key_folder k;
    char path[128];
    path_in_home(names[i], path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(keys_open(home, why, &k), BAD_INPUT);
    assert_non_null(strstr(why, names[i]));
    assert_non_null(strstr(why, "0644"));
    assert_non_null(strstr(why, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(keys_open(home, why, &k), OK);
    keys_close(&k);
  }
}

static void damaged_files_are_told(void **state)
{
  (void)state;
  static const char *const names[] = {"link.key", "sign.pem", "seal.pub"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct key_folder k;
    char path[128];
    path_in_home(names[i], path);
    move(names[i], "kept");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("nothing of use", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(keys_open(home, why, &k), BAD_INPUT);
    assert_null(strstr(why, "nothing of use"));
    move("kept", names[i]);
  }
}

static void a_foreign_sealing_key_does_not_unlock(void **state)
{
  (void)state;
  struct key_folder k;
  char other[64], foreign[128], path[128];
  snprintf(other, sizeof other, "%s/other", root);
  assert_int_equal(keys_create(other, first(), why), OK);
  snprintf(foreign, sizeof foreign, "%s/seal.pem", other);
  path_in_home("seal.pem", path);
  assert_int_equal(rename(foreign, path), 0);
  assert_int_equal(keys_open(home, why, &k), OK);
  assert_int_equal(keys_unlock(&k, first()), BAD_INPUT);
  assert_true(keys_locked(&k));
  keys_close(&k);
}

static void open_unlocked(struct key_folder *k, struct bytes with)
{
  assert_int_equal(keys_open(home, why, k), OK);
  assert_int_equal(keys_unlock(k, with), OK);
}

static void prepare(struct key_folder *k, struct key_folder *next)
{
  open_unlocked(k, first());
  assert_int_equal(keys_prepare(k, second(), why, next), OK);
}

static void assert_rotated(const struct key_folder *next)
{
  struct key_folder k;
  assert_int_equal(keys_open(home, why, &k), OK);
  assert_memory_equal(k.link_public, next->link_public, sizeof k.link_public);
  assert_memory_equal(k.link_secret, next->link_secret, sizeof k.link_secret);
  assert_int_equal(k.seal_count, 2);
  assert_memory_equal(k.seal_point[0], next->seal_point[0], ES256_PUBLIC_SIZE);
  uint8_t point[ES256_PUBLIC_SIZE], next_point[ES256_PUBLIC_SIZE];
  es256_secret_public(k.sign, point);
  es256_secret_public(next->sign, next_point);
  assert_memory_equal(point, next_point, sizeof point);
  static const char *const waiting[] = {"seal.pub.next", "seal.pub.adopt", "link.key.next", "sign.pem.next",
                                        "seal.pem.next"};
  for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++)
    assert_false(is_there(waiting[i]));
  keys_close(&k);
}

/* With the new passphrase, cases that were sealed to the old key open still. */
static void assert_opens_both(const struct key_folder *before)
{
  struct key_folder k;
  uint8_t point[ES256_PUBLIC_SIZE];
  open_unlocked(&k, second());
  es256_secret_public(keys_seal(&k, before->seal_id[0]), point);
  assert_memory_equal(point, before->seal_point[0], sizeof point);
  es256_secret_public(keys_seal(&k, k.seal_id[0]), point);
  assert_memory_equal(point, k.seal_point[0], sizeof point);
  keys_close(&k);
}

static void prepared_keys_wait_until_they_are_adopted(void **state)
{
  (void)state;
  struct key_folder k, next, again;
  prepare(&k, &next);
  struct key_folder before = k;
  assert_int_equal(keys_open(home, why, &again), OK); /* as if the computer had started anew */
  assert_memory_equal(again.link_public, before.link_public, 32);
  keys_close(&again);
  assert_int_equal(keys_open_next(home, why, &again), OK);
  assert_memory_equal(again.link_public, next.link_public, 32);
  keys_close(&again);
  assert_int_equal(keys_adopt(&k, why), OK);
  assert_true(keys_locked(&k));
  assert_memory_equal(k.link_public, next.link_public, 32);
  assert_rotated(&next);
  assert_opens_both(&before);
  assert_int_equal(keys_adopt(&k, why), NOT_FOUND);
  assert_int_equal(keys_open_next(home, why, &again), NOT_FOUND);
  keys_close(&k);
  keys_close(&next);
}

/* Every place where the renames can be cut off, the last one being behind all of them. */
static void an_adoption_that_was_cut_off_is_finished(void **state)
{
  (void)state;
  struct key_folder k, next;
  char old_name[64], id[2 * KEY_ID_SIZE + 1], prepared[64];
  prepare(&k, &next);
  hex_encode(BYTES(k.seal_id[0]), id);
  snprintf(old_name, sizeof old_name, "seal.old-%s.pem", id);
  snprintf(prepared, sizeof prepared, "%s", home);
  const char *const renamed[] = {"seal.pem", old_name, "link.key", "sign.pem"};
  for (size_t cut = 0; cut <= sizeof renamed / sizeof renamed[0]; cut++) {
    snprintf(home, sizeof home, "%s/cut-%zu", root, cut);
    copy_folder(prepared, home);
    move("seal.pub.next", "seal.pub.adopt");
    for (size_t i = 0; i < cut; i++) {
      char from[80];
      snprintf(from, sizeof from, "%s.next", renamed[i]);
      move(from, renamed[i]);
    }
    assert_rotated(&next);
  }
  assert_opens_both(&k);
  keys_close(&k);
  keys_close(&next);
}

static void a_preparation_that_was_cut_off_counts_for_nothing(void **state)
{
  (void)state;
  struct key_folder k, next;
  char path[128];
  prepare(&k, &next);
  keys_close(&next);
  path_in_home("seal.pub.next", path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(keys_adopt(&k, why), NOT_FOUND);
  keys_close(&k);
  open_unlocked(&k, first());
  assert_int_equal(keys_prepare(&k, second(), why, &next), OK);
  assert_int_equal(keys_adopt(&k, why), OK);
  assert_rotated(&next);
  keys_close(&k);
  keys_close(&next);
}

static void preparing_has_its_conditions(void **state)
{
  (void)state;
  struct key_folder k, next;
  assert_int_equal(keys_open(home, why, &k), OK);
  assert_int_equal(keys_prepare(&k, second(), why, &next), NOT_NOW);
  assert_int_equal(keys_unlock(&k, first()), OK);
  assert_int_equal(keys_prepare(&k, bytes_text("short"), why, &next), BAD_INPUT);
  k.seal_count = SEAL_KEYS_MAX;
  assert_int_equal(keys_prepare(&k, second(), why, &next), BAD_INPUT);
  assert_false(is_there("seal.pub.next"));
  keys_close(&k);
}

static bool is_hardened(void)
{
  struct rlimit limit;
  keys_harden_process();
  return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 &&
         prctl(PR_GET_DUMPABLE) == 0 && umask(0) == 077;
}

static void a_hardened_process_leaves_no_core(void **state)
{
  (void)state;
  int result = -1;
  pid_t child = fork(); /* so that the test itself stays as it was */
  if (child == 0)
    _exit(is_hardened() ? 0 : 1);
  assert_int_equal(waitpid(child, &result, 0), child);
  assert_int_equal(result, 0);
}

static int tear_down(void **state)
{
  (void)state;
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", root);
  return system(command); /* NOLINT(cert-env33-c): a name of our own making */
}

int main(void)
{
  if (mkdtemp(root) == NULL)
    return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(created_keys_open_locked, with_keys),
      cmocka_unit_test_setup(files_are_for_their_owner_only, with_keys),
      cmocka_unit_test_setup(no_key_is_ever_overwritten, with_keys),
      cmocka_unit_test_setup(creation_that_was_cut_off_is_made_anew, with_keys),
      cmocka_unit_test(a_short_passphrase_is_refused),
      cmocka_unit_test_setup(an_open_folder_is_refused, with_keys),
      cmocka_unit_test_setup(a_secret_open_to_others_is_refused, with_keys),
      cmocka_unit_test_setup(damaged_files_are_told, with_keys),
      cmocka_unit_test_setup(a_foreign_sealing_key_does_not_unlock, with_keys),
      cmocka_unit_test_setup(prepared_keys_wait_until_they_are_adopted, with_keys),
      cmocka_unit_test_setup(an_adoption_that_was_cut_off_is_finished, with_keys),
      cmocka_unit_test_setup(a_preparation_that_was_cut_off_counts_for_nothing, with_keys),
      cmocka_unit_test_setup(preparing_has_its_conditions, with_keys),
      cmocka_unit_test(a_hardened_process_leaves_no_core),
  };
  return cmocka_run_group_tests(tests, make_base, tear_down);
}
