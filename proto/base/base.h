/* The ground floor: byte slices, big-endian numbers, text forms of bytes, identifiers, and how trouble is told.
 *
 * Nothing here does I/O, reads a clock or allocates. Every number on the wire and in the log is big-endian.
 */
#ifndef ONWARD_BASE_H
#define ONWARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/* What every fallible function returns; its result comes last. A refusal by the rules of referral is not among these:
 * that is a verdict (proto/onward.proto), not an error. */
enum status {
  OK = 0,
  BAD_INPUT, /* theirs: bytes that break a rule. Refuse, count, go on */
  NOT_NOW,   /* full, away or locked: the caller tries again later */
  NOT_FOUND, /* no such row, file or key */
  OUR_FAULT, /* ours: disk, memory, a library that failed. Unwind to main */
};

/* A bug, not an input. Always on, also in release builds; prints file and line, never a value, and aborts. */
#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
_Noreturn void must_failed(const char *condition, const char *file, int line);

/* A borrowed view of bytes: never owns, never frees. {NULL, 0} is the empty one. */
struct bytes {
  const uint8_t *data;
  size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
  return (struct bytes){data, size};
}
#define BYTES(array) bytes_of((array), sizeof(array))

struct bytes bytes_text(const char *text); /* without its final zero */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_zero(struct bytes a); /* all bytes zero, or empty */

/* Writes into a buffer that the caller owns; past its end nothing is written and `overflow` stays set. */
struct writer {
  uint8_t *data;
  size_t capacity;
  size_t size;
  bool overflow;
};

struct writer writer_of(void *data, size_t capacity);
struct bytes writer_bytes(const struct writer *w);
void write_bytes(struct writer *w, struct bytes b);
void write_text(struct writer *w, const char *text);
void write_u8(struct writer *w, uint8_t n);
void write_u16(struct writer *w, uint16_t n);
void write_u32(struct writer *w, uint32_t n);
void write_u64(struct writer *w, uint64_t n);
void write_decimal(struct writer *w, uint64_t n);
void write_base64(struct writer *w, struct bytes b); /* as base64_encode, without a final zero */

/* Reads from a slice; past its end it yields zeros and `underflow` stays set. Check it once, at the end. */
struct reader {
  struct bytes rest;
  bool underflow;
};

struct reader reader_of(struct bytes b);
struct bytes read_bytes(struct reader *r, size_t size); /* empty when too short */
void read_into(struct reader *r, void *to, size_t size);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct bytes read_until(struct reader *r,
                        char end);        /* what is before `end`, which is taken too; without it underflow */
bool reader_done(const struct reader *r); /* no underflow, nothing left */

/* Text forms. Encoders write a final zero and need `2 * size + 1` and `4 * ((size + 2) / 3) + 1` bytes of room.
 * Decoders accept exactly what the encoders and write_decimal write (RFC 4648 section 4, padding compulsory,
 * canonical): BAD_INPUT otherwise. */
void hex_encode(struct bytes b, char *text);
MUST_USE enum status hex_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *out_size);
void base64_encode(struct bytes b, char *text);
MUST_USE enum status base64_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *out_size);
MUST_USE enum status decimal_decode(struct bytes text, uint64_t *out); /* no sign, no leading zeros */

/* SHA-256 value. */
struct hash {
  uint8_t byte[32];
};
static inline struct bytes hash_bytes(const struct hash *h)
{
  return bytes_of(h->byte, sizeof h->byte);
}
bool hash_equal(const struct hash *a, const struct hash *b);

/* An organisation's id: 1 to 16 characters of a-z 0-9 - . and one optional '/' (an office of an organisation),
 * beginning with a letter and ending with a letter or digit; zero-padded. Public, and never reused. */
struct org_id {
  char text[16]; /* no final zero when all 16 are used: print with ORG_FMT */
};
#define ORG_FMT "%.16s"
MUST_USE enum status org_id_parse(struct bytes text, struct org_id *out); /* takes the padded form too */
bool org_id_equal(const struct org_id *a, const struct org_id *b);
struct bytes org_id_bytes(const struct org_id *id); /* all 16 bytes: the form in keys, headers and signatures */
struct bytes org_id_text(const struct org_id *id);  /* without the padding: the form in protobuf messages */

/* A referral's id: a UUID of version 7 (RFC 9562 section 5.7), so that what is new stays together in the books. Its
 * short form for people is six letters or digits and a check letter, such as `K7MQ4X-T` (see ref_short). */
struct ref_id {
  uint8_t byte[16];
};
bool ref_id_equal(const struct ref_id *a, const struct ref_id *b);
#define REF_SHORT_SIZE 9
void ref_short(const struct ref_id *id, char text[REF_SHORT_SIZE]);
/* True when `text` could be a short id, with or without the hyphen, in either case, and its check letter fits. */
bool ref_short_valid(const char *text);

/* Six pronounceable words for 12 bytes (a proquint is 16 bits: consonant, vowel, consonant, vowel, consonant), to be
 * read out by telephone. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016. */
#define SIX_WORDS_SIZE 36
void six_words(const uint8_t from[12], char text[SIX_WORDS_SIZE]);
MUST_USE enum status word_read(struct bytes word, uint16_t *out); /* one of them; BAD_INPUT: it is none */

#endif
