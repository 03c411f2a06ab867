/* 22 random bytes and a check of two make twelve words; all 24 bytes are what the key pair is derived from. */
#include "agents/recovery.h"

#include <stdio.h>
#include <string.h>

#include "proto/seal/hash.h"
#include "proto/seal/hpke.h"
#include "proto/store/store.h"

enum { WORD_SIZE = 5, CHECK_SIZE = 2, RANDOM_SIZE = 2 * RECOVERY_WORDS - CHECK_SIZE, PATH_SIZE = 256 };

static bool path_of(const char *home, char path[PATH_SIZE])
{
  int size = snprintf(path, PATH_SIZE, "%s/" RECOVERY_FILE, home);
  return size > 0 && size < PATH_SIZE;
}

static void check_of(const struct recovery *r, uint8_t check[CHECK_SIZE])
{
  const struct bytes parts[] = {bytes_text("onward/v1 recovery words"), bytes_of(r->byte, RANDOM_SIZE)};
  struct hash h = sha256_of(parts, 2);
  memcpy(check, h.byte, CHECK_SIZE);
}

enum status recovery_make(struct recovery *out)
{
  enum status s = random_bytes(out->byte, RANDOM_SIZE);
  check_of(out, out->byte + RANDOM_SIZE);
  return s;
}

void recovery_words(const struct recovery *r, char text[RECOVERY_TEXT_SIZE])
{
  six_words(r->byte, text);
  text[SIX_WORDS_SIZE - 1] = ' ';
  six_words(r->byte + sizeof r->byte / 2, text + SIX_WORDS_SIZE);
}

static bool is_space(uint8_t c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word in small letters; false: there is none. One that is too long is cut, and is none of ours then. */
static bool next_word(struct bytes *rest, uint8_t word[WORD_SIZE + 1], size_t *size)
{
  *size = 0;
  while (rest->size > 0 && is_space(rest->data[0]))
    *rest = bytes_of(rest->data + 1, rest->size - 1);
  for (; rest->size > 0 && !is_space(rest->data[0]); *rest = bytes_of(rest->data + 1, rest->size - 1)) {
    uint8_t c = rest->data[0];
    if (*size <= WORD_SIZE)
      word[(*size)++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
  }
  return *size > 0;
}

static enum status read_words(struct bytes text, char why[200], struct recovery *out)
{
  uint8_t word[WORD_SIZE + 1], check[CHECK_SIZE];
  size_t size = 0, count = 0;
  while (next_word(&text, word, &size)) {
    uint16_t n = 0;
    if (count < RECOVERY_WORDS && word_read(bytes_of(word, size), &n) != OK) {
      snprintf(why, 200,
               "word %zu is no recovery word: each has five letters, one of bdfghjklmnprstvz and one of aiou in turn",
               count + 1);
      return BAD_INPUT;
    }
    if (count < RECOVERY_WORDS) {
      out->byte[2 * count] = (uint8_t)(n >> 8);
      out->byte[2 * count + 1] = (uint8_t)n;
    }
    count++;
  }
  wipe(word, sizeof word);
  if (count != RECOVERY_WORDS) {
    snprintf(why, 200, "expected %d recovery words, found %zu", RECOVERY_WORDS, count);
    return BAD_INPUT;
  }
  check_of(out, check);
  if (memcmp(check, out->byte + RANDOM_SIZE, CHECK_SIZE) == 0)
    return OK;
  snprintf(why, 200,
           "a recovery word is wrong, or two of them are in each other's place: the last word does not fit "
           "the others");
  return BAD_INPUT;
}

enum status recovery_read(struct bytes text, char why[200], struct recovery *out)
{
  enum status s = read_words(text, why, out);
  if (s != OK)
    wipe(out, sizeof *out);
  return s;
}

enum status recovery_key(const struct recovery *r, struct es256_secret **out)
{
  return hpke_derive_key_pair(BYTES(r->byte), out);
}

enum status recovery_save(const char *home, const struct recovery *r, char why[200])
{
  struct es256_secret *key;
  uint8_t point[ES256_PUBLIC_SIZE];
  char path[PATH_SIZE], text[2 * ES256_PUBLIC_SIZE + 1];
  if (!path_of(home, path) || recovery_key(r, &key) != OK) {
    snprintf(why, 200, "the recovery key cannot be made");
    return OUR_FAULT;
  }
  es256_secret_public(key, point);
  es256_secret_close(key);
  hex_encode(BYTES(point), text);
  text[sizeof text - 1] = '\n'; /* in the place of the final zero */
  return file_write(path, BYTES(text), why);
}

enum status recovery_point(const char *home, uint8_t point[ES256_PUBLIC_SIZE], char why[200])
{
  char path[PATH_SIZE], text[2 * ES256_PUBLIC_SIZE + 1];
  struct es256_public *key;
  size_t size = 0;
  if (!path_of(home, path))
    return NOT_FOUND;
  enum status s = file_read(path, text, sizeof text, &size, why);
  if (s == NOT_FOUND || s == OUR_FAULT)
    return s;
  if (s == OK && size == sizeof text && text[size - 1] == '\n' &&
      hex_decode(bytes_of(text, size - 1), point, ES256_PUBLIC_SIZE, &size) == OK &&
      es256_public_open(bytes_of(point, ES256_PUBLIC_SIZE), &key) == OK) {
    es256_public_close(key);
    return OK;
  }
  snprintf(why, 200, RECOVERY_FILE " is damaged: expected a point of P-256, %d hex digits", 2 * ES256_PUBLIC_SIZE);
  return BAD_INPUT;
}
