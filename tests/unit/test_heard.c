/* What an agent makes of refusals. There is no link: what it would answer is lost. */
#include "tests/unit/office.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/heard.h"

static void refuse(Onward__RefusalReason reason, uint64_t sequence, struct bytes what)
{
  static uint8_t memory[4096];
  struct arena a = arena_of(memory, sizeof memory);
  Onward__Refusal r = ONWARD__REFUSAL__INIT;
  r.reason = reason;
  r.sequence = sequence;
  r.what = pb_data(what);
  struct link_message m = {.kind = FRAME_REFUSAL, .body = pb_pack(&r, &a)};
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
}

/* What the agent wrote to stderr during a refusal with these words. */
static size_t words_of(struct bytes what, char *out, size_t capacity)
{
  int kept = dup(2), file = memfd_create("stderr", MFD_CLOEXEC);
  assert_true(kept >= 0 && file >= 0);
  assert_int_equal(dup2(file, 2), 2);
  refuse(ONWARD__REFUSAL_REASON__BUSY, 1, what);
  fflush(stderr);
  assert_int_equal(dup2(kept, 2), 2);
  ssize_t size = pread(file, out, capacity, 0);
  assert_true(size > 0);
  close(kept);
  close(file);
  return (size_t)size;
}

static void words_of_the_exchange_steer_no_terminal(void **state)
{
  (void)state;
  char text[1024];
  uint8_t hostile[256], large[3000];
  for (size_t i = 0; i < sizeof hostile; i++)
    hostile[i] = (uint8_t)i;
  memset(large, 0x1b, sizeof large);
  const struct bytes words[] = {bytes_text("\x1b[2Jan \n alarm\r"), BYTES(hostile), bytes_of(hostile + 128, 100),
                                BYTES(large)};
  for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
    agent.session.phase = PHASE_READY;
    size_t size = words_of(words[n], text, sizeof text);
    for (size_t i = 0; i + 1 < size; i++)
      assert_true(text[i] >= ' ' && text[i] <= '~');
    assert_int_equal(text[size - 1], '\n');
  }
}

static void refused_hello_is_no_silence(void **state)
{
  (void)state;
  const char *why;
  agent.session.phase = PHASE_HELLO;
  assert_string_equal(session_connection(&agent.session, &why), "unreachable");
  assert_null(why);
  refuse(ONWARD__REFUSAL_REASON__WRONG_NETWORK, 0, bytes_text("hello.network"));
  assert_string_equal(session_connection(&agent.session, &why), "refused");
  assert_non_null(strstr(why, "another network"));
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_NONE);
  agent_abort(&agent);
}

static void what_is_to_be_signed_again_begins_with_the_refused(void **state)
{
  (void)state;
  static const uint64_t sequences[] = {6, 5, 7};
  for (size_t i = 0; i < 3; i++) {
    agent.session.phase = PHASE_READY;
    refuse(i == 1 ? ONWARD__REFUSAL_REASON__BAD_SIGNATURE : ONWARD__REFUSAL_REASON__KEY_ENDED, sequences[i],
           bytes_text("signature"));
  }
  assert_int_equal(agent.session.sign_from, 5);
  assert_int_equal(alarm_next(agent_read(&agent), ALARM_NONE), ALARM_NONE); /* nobody has to know yet */
  agent_abort(&agent);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(words_of_the_exchange_steer_no_terminal, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(refused_hello_is_no_silence, office_setup, office_teardown),
      cmocka_unit_test_setup_teardown(what_is_to_be_signed_again_begins_with_the_refused, office_setup,
                                      office_teardown),
  };
  return cmocka_run_group_tests(tests, office_keys, office_end);
}
