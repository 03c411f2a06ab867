/* A case that has to be erased is gone from the disk before the receipt is signed, whatever comes in between. */
#include "tests/unit/office.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/desk.h"
#include "agents/erase.h"
#include "tests/unit/folder.h"

static uint8_t marker[64]; /* of the sealed brief */

static json_t *ask(const char *line)
{
  bool watch;
  return desk_answer(&agent, line, strlen(line), DESK_WAITS_MAX, &watch);
}

static json_t *act(const struct ref_id *id, const char *act, const char *more)
{
  char hex[2 * sizeof id->byte + 1], line[400];
  hex_encode(BYTES(id->byte), hex);
  snprintf(line, sizeof line, "{\"do\": \"act\", \"act\": \"%s\", \"id\": \"%s\"%s}", act, hex, more);
  return ask(line);
}

static void act_ok(const struct ref_id *id, const char *name, const char *more)
{
  json_t *answer = act(id, name, more);
  assert_true(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
}

static void assert_refused(json_t *answer, const char *code)
{
  assert_string_equal(json_string_value(json_object_get(answer, "code")), code);
  json_decref(answer);
}

static void hear(void)
{
  uint64_t from = world.size;
  office_send_all();
  struct parcel mail = office_mail(from);
  assert_int_equal(office_deliver(&mail), OK);
}

/* Received, and declined with a note. */
static struct ref_id declined(void)
{
  uint64_t from = world.size;
  struct ref_id id = world_submit(&world, police, &aple, 1);
  struct parcel mail = office_mail(from);
  memcpy(marker, mail.sealed, sizeof marker);
  assert_int_equal(office_deliver(&mail), OK);
  hear();
  act_ok(&id, "decline", ", \"reason\": \"NO_CAPACITY\", \"by\": \"BY_PROVIDER\", \"note\": {\"text\": \"no place\"}");
  assert_refused(act(&id, "erase_receipt", ""), "not_allowed"); /* the decline may still be lost */
  hear();
  return id;
}

static size_t on_disk(void)
{
  return file_count(folder_path(folder_path(agent.home, "books"), "data.mdb"), BYTES(marker));
}

static size_t own_words(void)
{
  size_t count = 0;
  struct books *b = agent_read(&agent);
  struct walk w = walk_start(TABLE_OWN, (struct bytes){NULL, 0});
  while (walk_next(&w, b))
    count++;
  agent_abort(&agent);
  return count;
}

static uint8_t marks(const struct ref_id *id)
{
  struct referral r;
  assert_int_equal(books_referral(agent_read(&agent), id, &r), OK);
  agent_abort(&agent);
  return referral_party(&r, &aple->id)->marks;
}

static void nothing_of_it_is_left_on_the_disk(void **state)
{
  (void)state;
  struct event out[8];
  struct ref_id kept = declined(), id = declined();
  assert_true(on_disk() > 0);
  assert_int_equal(own_words(), 2);
  assert_int_equal(marks(&id) & PARTY_DUTY, PARTY_DUTY);
  act_ok(&id, "erase_receipt", "");
  assert_int_equal(on_disk(), 0);
  assert_int_equal(own_words(), 1); /* the other's */
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(out[0].act, ONWARD__CORE__ACT_ERASE_RECEIPT);
  assert_true(ref_id_equal(&out[0].referral, &id));
  assert_int_equal(office_item(&id).erasing, 0);
  assert_refused(act(&id, "erase_receipt", ""), "not_allowed"); /* already said */
  hear();
  assert_int_equal(marks(&id) & (PARTY_DUTY | PARTY_RECEIVED), 0);
  assert_int_equal(marks(&kept) & PARTY_DUTY, PARTY_DUTY);
  assert_refused(act(&id, "erase_receipt", ""), "not_allowed"); /* no duty any more */
}

static void without_room_nothing_is_signed(void **state)
{
  (void)state;
  struct event out[8];
  char in_the_way[300];
  struct ref_id id = declined();
  snprintf(in_the_way, sizeof in_the_way, "%s/books.next", agent.home);
  assert_int_equal(mkdir(in_the_way, 0700), 0);
  strcat(in_the_way, "/other");
  assert_int_equal(mkdir(in_the_way, 0700), 0);
  assert_refused(act(&id, "erase_receipt", ""), "full");
  assert_int_equal(office_queued(out), 0);
  assert_int_equal(office_item(&id).erasing, 1);
  assert_int_equal(erase_finish(&agent), NOT_NOW);
  assert_int_equal(office_queued(out), 0);
  assert_int_equal(rmdir(in_the_way), 0);
  act_ok(&id, "erase_receipt", "");
  assert_int_equal(on_disk(), 0);
  assert_int_equal(office_queued(out), 1);
}

/* Killed behind the first step, with half a copy on the disk. */
static void what_was_begun_is_finished_at_the_start(void **state)
{
  (void)state;
  struct event out[8];
  char home[sizeof agent.home], why[200], half[300];
  struct ref_id id = declined();
  struct item item = office_item(&id);
  struct books *b = agent_write(&agent);
  item.erasing = 1;
  assert_true(erase_copies(&agent, b, &id));
  assert_false(erase_copies(&agent, b, &id));
  item_put(b, &item);
  assert_int_equal(agent_commit(&agent), OK);
  assert_true(on_disk() > 0); /* a deleted row is still in the file: why the books are written anew */
  snprintf(home, sizeof home, "%s", agent.home);
  snprintf(half, sizeof half, "%s/books.next", home);
  agent_close(&agent);
  assert_int_equal(mkdir(half, 0700), 0);
  strcat(half, "/data.mdb");
  assert_int_equal(file_write(half, bytes_text("half a copy"), why), OK);
  assert_int_equal(agent_open(&agent, home, NULL), OK);
  assert_int_equal(on_disk(), 0);
  assert_int_equal(office_queued(out), 1);
  assert_int_equal(out[0].act, ONWARD__CORE__ACT_ERASE_RECEIPT);
  assert_int_not_equal(access(half, F_OK), 0);
}

static void a_hold_is_answered_and_may_end(void **state)
{
  (void)state;
  struct ref_id id = declined();
  assert_refused(act(&id, "legal_hold", ""), "bad_input");
  act_ok(&id, "legal_hold", ", \"note\": {\"text\": \"a court asks for it\"}");
  hear();
  assert_int_equal(marks(&id) & (PARTY_DUTY | PARTY_HOLD), PARTY_HOLD);
  assert_true(on_disk() > 0);
  act_ok(&id, "erase_receipt", "");
  assert_int_equal(on_disk(), 0);
  hear();
  assert_int_equal(marks(&id) & PARTY_HOLD, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_of_it_is_left_on_the_disk, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(without_room_nothing_is_signed, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_was_begun_is_finished_at_the_start, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(a_hold_is_answered_and_may_end, office_setup, office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
