/* An organisation's keys in its data folder: link (CURVE) and sign work unattended, seal is locked by a passphrase.
 *
 *   link.key                two lines, Z85: public, secret
 *   sign.pem                PKCS #8
 *   seal.pem                PKCS #8, locked with scrypt
 *   seal.old-<key id>.pem   earlier ones, for cases that were sealed to them; same passphrase
 *   seal.pub                points of all sealing keys in hex, newest first: so that a locked computer knows its own
 *
 * All of them have mode 0600. `why` tells people what was wrong, in a sentence without a full stop.
 */
#ifndef ONWARD_KEYS_H
#define ONWARD_KEYS_H

#include "proto/seal/hpke.h"
#include "proto/wire/event.h"

#define SEAL_KEYS_MAX 8
#define PASSPHRASE_CHARACTERS_MIN 8
#define PASSPHRASE_SIZE_MAX 1024 /* bytes */

struct key_folder {
  char folder[200];
  uint8_t link_public[32];
  uint8_t link_secret[32];
  struct es256_secret *sign;
  size_t seal_count;
  uint8_t seal_point[SEAL_KEYS_MAX][ES256_PUBLIC_SIZE];
  uint8_t seal_id[SEAL_KEYS_MAX][KEY_ID_SIZE];
  struct es256_secret *seal[SEAL_KEYS_MAX]; /* all NULL: locked */
};

bool passphrase_fits(struct bytes passphrase); /* long enough, and not too long */

/* Makes the folder (0700) and all keys in it. BAD_INPUT: there are keys already, the folder is open to others, or the
 * passphrase is too short. Cut off in the middle, it has made nothing, and can be called again. */
MUST_USE enum status keys_create(const char *folder, struct bytes passphrase, char why[200]);
/* NOT_FOUND: no folder, or no keys in it. BAD_INPUT: the folder or a secret is open to others, or a file is damaged.
 * Finishes an adoption that was cut off. `out` need not be closed when this fails. */
MUST_USE enum status keys_open(const char *folder, char why[200], struct key_folder *out);
void keys_close(struct key_folder *k); /* wipes */
/* NOT_NOW: wrong passphrase. Anything else but OK: a file is missing or damaged. It stays locked then. */
MUST_USE enum status keys_unlock(struct key_folder *k, struct bytes passphrase);
void keys_lock(struct key_folder *k);
bool keys_locked(const struct key_folder *k);
/* The secret that belongs to this id. NULL: locked or not ours; keys_own tells which. */
struct es256_secret *keys_seal(struct key_folder *k, const uint8_t id[KEY_ID_SIZE]);
bool keys_own(const struct key_folder *k, const uint8_t id[KEY_ID_SIZE]);
/* New keys beside the old ones, in files ending in ".next", until the log knows them: keys_adopt then makes them
 * current. The earlier sealing keys are locked by the new passphrase too, from the adoption on. `next` is closed by the
 * caller; keys that were prepared before are replaced. NOT_NOW: locked. BAD_INPUT: the passphrase is too short, or
 * SEAL_KEYS_MAX are kept already. */
MUST_USE enum status keys_prepare(struct key_folder *k, struct bytes passphrase, char why[200],
                                  struct key_folder *next);
bool keys_prepared(const struct key_folder *k); /* some are */
/* The prepared keys, to link and sign with when the log may know them already: never unlocked. NOT_FOUND: there are
 * none. */
MUST_USE enum status keys_open_next(const char *folder, char why[200], struct key_folder *out);
/* Leaves `k` with the new keys, locked. NOT_FOUND: nothing was prepared. Any other failure leaves `k` closed: stop the
 * process. */
MUST_USE enum status keys_adopt(struct key_folder *k, char why[200]);

/* For every process that holds keys or opened cases: no core dump, not readable by a debugger, umask 077. */
void keys_harden_process(void);

#endif
