/* What an exchange says to an agent that has a batch in flight. The first byte is the kind, as on the wire; the second
 * is marks; the rest is the message. The agent may accuse, wait, or begin again: it must not break.
 *
 * Marks: 1 the conversation is at its beginning (a hello was said); 2 the checkpoint is the newest that the agent
 * knows; 4 the last batch of a Welcome is one that the log has. */
#include "tests/fuzz/fuzz.h"

#include "agents/heard.h"
#include "agents/inbox.h"
#include "tests/unit/office.h"

enum { AFTER_HELLO = 1, KNOWN_CHECKPOINT = 2, KNOWN_LAST = 4 };

static uint8_t memory[4u << 20];

/* Our `receive` is in the log, the next event in flight. */
static struct parcel begin(void)
{
  uint64_t sequence, from;
  struct parcel mail;
  for (int i = 0; i < 2; i++) {
    from = world.size;
    world_submit(&world, police, &aple, 1);
    mail = office_mail(from);
    must(office_deliver(&mail) == OK);
    from = world.size;
    if (i == 0)
      office_send_all();
  }
  must(outbox_form(agent_write(&agent), &agent.self, 8, MESSAGE_SIZE_MAX, false, &sequence) == OK &&
       agent_commit(&agent) == OK);
  return office_mail(0);
}

static void put_right(Onward__Welcome *w, uint8_t marks, struct parcel *mail)
{
  if ((marks & KNOWN_CHECKPOINT) != 0) {
    w->checkpoint = pb_data(bytes_of(agent.evidence.note, agent.evidence.note_size));
    w->consistency = pb_data((struct bytes){NULL, 0});
  }
  struct leaf own;
  if ((marks & KNOWN_LAST) != 0 && mail->d.n_entries > 1 && leaf_read(pb_bytes(mail->entries[1]->leaf), &own) == OK)
    w->last = office_mail(own.index).entries[0]; /* alone: with its whole path */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static bool made;
  if (!made)
    must(office_keys(NULL) == 0);
  made = true;
  if (size < 2)
    return 0;
  must(office_setup(NULL) == 0);
  struct parcel mail = begin();
  struct arena a = arena_of(memory, sizeof memory);
  struct link_message m = {.kind = data[0], .body = bytes_of(data + 2, size - 2)};
  Onward__Welcome *w = m.kind == FRAME_WELCOME ? pb_unpack(&onward__welcome__descriptor, m.body, &a) : NULL;
  if (w != NULL) {
    put_right(w, data[1], &mail);
    m.body = pb_pack(w, &a);
  }
  agent.session.phase = (data[1] & AFTER_HELLO) != 0 ? PHASE_HELLO : PHASE_READY;
  arena_reset(&agent.arena);
  heard_message(&agent, &m);
  must(!agent.broken);
  office_teardown(NULL);
  return 0;
}
