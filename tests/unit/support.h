/* A made-up network for tests: organisations with their keys, requests and batches that they sign, and a log that grows
 * turn by turn in the books of a temporary folder, the way the exchange grows it. Whatever goes wrong in here is a bug
 * of the test: it aborts.
 *
 *   struct world w;
 *   world_init(&w, "/tmp/folder");                       genesis and two registrars
 *   struct member *police = world_enrol(&w, "police");
 *   struct member *aple = world_enrol(&w, "aple");
 *   struct ref_id id = world_submit(&w, police, &aple, 1);
 *   world_act(&w, aple, &id, ONWARD__CORE__ACT_ACKNOWLEDGE);   signed, heard, committed
 *   world_fini(&w);
 */
#ifndef ONWARD_TEST_SUPPORT_H
#define ONWARD_TEST_SUPPORT_H

#include "proto/seal/note.h"
#include "proto/store/store.h"
#include "proto/turn.h"
#include "tests/unit/folder.h"

#define WORLD_ORIGIN "exchange.test/log"
#define WORLD_START_MS 1772582400000 /* 2026-03-04T00:00:00Z */
#define WORLD_TURN_MS 1000           /* between two turns */
#define WORLD_REPLACE_MS 60000       /* delay of replace_keys */
#define WORLD_MEMBERS_MAX 16
#define WORLD_BODY_SIZE 256

struct member {
  struct org_id id;
  struct es256_secret *sign;
  struct es256_secret *seal;
  uint8_t link_point[32]; /* random: no link is opened */
  uint8_t sign_point[ES256_PUBLIC_SIZE];
  uint8_t seal_point[ES256_PUBLIC_SIZE];
  uint64_t sequence;   /* of its last batch */
  uint64_t read_up_to; /* goes into its next batch */
};
void member_init(struct member *m, const char *id);
void member_fini(struct member *m);
void member_new_keys(struct member *m);
/* Its request, packed; the signature is its own. Both in the arena. */
struct bytes member_request(const struct member *m, struct arena *a, struct bytes *signature);
/* A Batch message of packed events, with its next sequence, signed. */
struct bytes member_batch(struct member *m, const struct hash *network, const struct bytes *events, size_t count,
                          struct arena *a);

/* An event in the making: the test fills in `core`, and gives sealed bodies, before it is heard. */
struct draft {
  Onward__Core core;
  Onward__Answered answers;
  uint8_t nonce[NONCE_SIZE];
  uint8_t leaf_hash[32];
  size_t sealed_count;
  Onward__Sealed sealed[SEALED_SLOTS_MAX];
  uint8_t key_ids[SEALED_SLOTS_MAX][KEY_ID_SIZE];
  struct hash hashes[SEALED_SLOTS_MAX];
  uint8_t bodies[SEALED_SLOTS_MAX][WORLD_BODY_SIZE];
  union {
    ProtobufCMessage base;
    uint64_t room[24];
  } message;
};
void draft_init(struct draft *d, act_kind act, const struct ref_id *id); /* NULL: not about a referral */
/* The act's own message, inside the draft: every code the first of its list, every time a day after the beginning, the
 * rest empty. */
void *draft_message(struct draft *d);
/* Random bytes in place of a sealed body: nobody but its recipient could tell. */
void draft_seal(struct draft *d, const struct member *to, Onward__Part part, Onward__Release release);

struct world {
  struct store *store; /* in <folder>/books */
  void *memory;
  struct arena arena; /* of one turn */
  struct key_ring ring;
  uint64_t clock_ms;
  struct hash network;
  struct ed25519_secret *log_secret;
  struct note_key log_key;
  size_t member_count;
  struct member members[WORLD_MEMBERS_MAX]; /* the first two are registrars: registry-one, registry-two */
  uint64_t size;                            /* entries in the log */
  bool dishonest;                           /* takes what its door must refuse */
};
void world_init(struct world *w, const char *folder);
void world_fini(struct world *w); /* closes the books; the folder stays */

struct member *world_enrol(struct world *w, const char *id);
/* Has `count` drafts signed by `m` as one batch, heard in one turn, and committed with a new checkpoint. Returns the
 * last verdict. */
Onward__Verdict world_hear(struct world *w, struct member *m, struct draft *drafts, size_t count);
/* A turn in which nobody is heard: only what is due. */
void world_wait(struct world *w, uint64_t until_ms);
/* Time goes by, and each clock fires when it is due. */
void world_pass(struct world *w, uint64_t until_ms);
/* A turn that begins with the exchange's own word about the time (turn_begin_about). */
void world_say_time(struct world *w, uint64_t clock_ms, act_kind act, uint64_t absent_ms);

/* What a registrar would sign here and now, so that the log goes on in a new epoch; its slices live until the next. */
#define WORLD_OUTAGE_MS 86400000
Onward__Restore world_restore_here(struct world *w);
/* A turn, an outage later, that begins with `restored`: what `by` has signed in the name of `named`. */
void world_say_restored(struct world *w, const struct member *by, const struct member *named,
                        const Onward__Restore *restore);

/* world_hear in pieces, for tests that look closer. What is made between begin and commit lives until the next begin.
 */
struct turn world_begin(struct world *w);
struct bytes world_message(struct world *w, struct member *m, const struct draft *drafts, size_t count,
                           struct bytes *sealed); /* a Batch and its sealed frame */
void world_commit(struct world *w, struct turn *t);

/* Shorthand for tests that need a log and not its details. Each must be accepted. */
struct ref_id world_submit(struct world *w, struct member *sender, struct member *const *recipients, size_t count);
void world_act(struct world *w, struct member *m, const struct ref_id *id, act_kind act);
/* Makes the draft answer the newest accepted entry of its referral. */
void world_answer(struct world *w, struct draft *d, const struct ref_id *id);

/* Books of a world that is closed, changed behind its back: one row put (or, with an empty value and `del`, deleted).
 */
void books_damage(const char *folder, int table, struct bytes key, struct bytes value, bool del);

#endif
