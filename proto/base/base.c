/* Byte slices, numbers and text forms. The happy path is plain copying; every reader and writer carries its own
 * failure, so that callers check once, at the end, and no length is trusted before it is compared with what is there.
 */
#include "proto/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must_failed(const char *condition, const char *file, int line)
{
  fprintf(stderr, "onward: bug: %s does not hold at %s:%d\n", condition, file, line);
  abort();
}

struct bytes bytes_text(const char *text)
{
  return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool bytes_zero(struct bytes a)
{
  for (size_t i = 0; i < a.size; i++)
    if (a.data[i] != 0)
      return false;
  return true;
}

struct writer writer_of(void *data, size_t capacity)
{
  return (struct writer){data, capacity, 0, false};
}

struct bytes writer_bytes(const struct writer *w)
{
  return bytes_of(w->data, w->size);
}

void write_bytes(struct writer *w, struct bytes b)
{
  if (w->overflow || b.size > w->capacity - w->size) {
    w->overflow = true;
    return;
  }
  if (b.size > 0)
    memcpy(w->data + w->size, b.data, b.size);
  w->size += b.size;
}

void write_text(struct writer *w, const char *text)
{
  write_bytes(w, bytes_text(text));
}

static void write_number(struct writer *w, uint64_t n, size_t size)
{
  uint8_t b[8];
  for (size_t i = 0; i < size; i++)
    b[i] = (uint8_t)(n >> (8 * (size - 1 - i)));
  write_bytes(w, bytes_of(b, size));
}

void write_u8(struct writer *w, uint8_t n)
{
  write_number(w, n, 1);
}

void write_u16(struct writer *w, uint16_t n)
{
  write_number(w, n, 2);
}

void write_u32(struct writer *w, uint32_t n)
{
  write_number(w, n, 4);
}

void write_u64(struct writer *w, uint64_t n)
{
  write_number(w, n, 8);
}

void write_decimal(struct writer *w, uint64_t n)
{
  char text[21];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  write_text(w, text);
}

/* In pieces that need no padding but the last. */
void write_base64(struct writer *w, struct bytes b)
{
  char text[65];
  for (size_t size; b.size > 0; b = bytes_of(b.data + size, b.size - size)) {
    size = b.size < 48 ? b.size : 48;
    base64_encode(bytes_of(b.data, size), text);
    write_text(w, text);
  }
}

struct reader reader_of(struct bytes b)
{
  return (struct reader){b, false};
}

struct bytes read_bytes(struct reader *r, size_t size)
{
  if (r->underflow || size > r->rest.size) {
    r->underflow = true;
    return (struct bytes){NULL, 0};
  }
  struct bytes b = bytes_of(r->rest.data, size);
  r->rest = bytes_of(r->rest.data + size, r->rest.size - size);
  return b;
}

void read_into(struct reader *r, void *to, size_t size)
{
  struct bytes b = read_bytes(r, size);
  memset(to, 0, size);
  if (b.size > 0)
    memcpy(to, b.data, b.size);
}

static uint64_t read_number(struct reader *r, size_t size)
{
  struct bytes b = read_bytes(r, size);
  uint64_t n = 0;
  for (size_t i = 0; i < b.size; i++)
    n = n << 8 | b.data[i];
  return n;
}

uint8_t read_u8(struct reader *r)
{
  return (uint8_t)read_number(r, 1);
}

uint16_t read_u16(struct reader *r)
{
  return (uint16_t)read_number(r, 2);
}

uint32_t read_u32(struct reader *r)
{
  return (uint32_t)read_number(r, 4);
}

uint64_t read_u64(struct reader *r)
{
  return read_number(r, 8);
}

struct bytes read_until(struct reader *r, char end)
{
  const uint8_t *at = r->rest.size == 0 ? NULL : memchr(r->rest.data, end, r->rest.size);
  struct bytes b = read_bytes(r, at == NULL ? SIZE_MAX : (size_t)(at - r->rest.data));
  read_u8(r);
  return b;
}

bool reader_done(const struct reader *r)
{
  return !r->underflow && r->rest.size == 0;
}

void hex_encode(struct bytes b, char *text)
{
  static const char digit[] = "0123456789abcdef";
  for (size_t i = 0; i < b.size; i++) {
    text[2 * i] = digit[b.data[i] >> 4];
    text[2 * i + 1] = digit[b.data[i] & 15];
  }
  text[2 * b.size] = 0;
}

static int digit_value(const char *alphabet, uint8_t c)
{
  const char *at = c == 0 ? NULL : strchr(alphabet, c);
  return at == NULL ? -1 : (int)(at - alphabet);
}

enum status hex_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *out_size)
{
  if (text.size % 2 != 0 || text.size / 2 > capacity)
    return BAD_INPUT;
  for (size_t i = 0; i < text.size / 2; i++) {
    int high = digit_value("0123456789abcdef", text.data[2 * i]);
    int low = digit_value("0123456789abcdef", text.data[2 * i + 1]);
    if (high < 0 || low < 0)
      return BAD_INPUT;
    out[i] = (uint8_t)(high << 4 | low);
  }
  *out_size = text.size / 2;
  return OK;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct bytes b, char *text)
{
  for (size_t i = 0; i < b.size; i += 3) {
    size_t left = b.size - i;
    uint32_t n = (uint32_t)b.data[i] << 16;
    if (left > 1)
      n |= (uint32_t)b.data[i + 1] << 8;
    if (left > 2)
      n |= b.data[i + 2];
    *text++ = base64_alphabet[n >> 18];
    *text++ = base64_alphabet[n >> 12 & 63];
    *text++ = left > 1 ? base64_alphabet[n >> 6 & 63] : '=';
    *text++ = left > 2 ? base64_alphabet[n & 63] : '=';
  }
  *text = 0;
}

/* One group of four characters, of which the last `pad` are '='; bits that padding makes unused must be zero. */
static bool base64_group(const uint8_t *in, int pad, uint8_t out[3])
{
  uint32_t n = 0;
  for (int i = 0; i < 4; i++) {
    int value = i >= 4 - pad ? 0 : digit_value(base64_alphabet, in[i]);
    if (value < 0)
      return false;
    n = n << 6 | (uint32_t)value;
  }
  for (int i = 0; i < 3; i++)
    out[i] = (uint8_t)(n >> (16 - 8 * i));
  return (pad < 1 || out[2] == 0) && (pad < 2 || out[1] == 0);
}

enum status base64_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *out_size)
{
  if (text.size % 4 != 0)
    return BAD_INPUT;
  size_t size = 0;
  for (size_t i = 0; i < text.size; i += 4) {
    bool last = i + 4 == text.size;
    int pad = 0;
    if (last && text.data[i + 3] == '=')
      pad = text.data[i + 2] == '=' ? 2 : 1;
    uint8_t group[3];
    if (!base64_group(text.data + i, pad, group) || size + 3 - (size_t)pad > capacity)
      return BAD_INPUT;
    memcpy(out + size, group, 3 - (size_t)pad);
    size += 3 - (size_t)pad;
  }
  *out_size = size;
  return OK;
}

enum status decimal_decode(struct bytes text, uint64_t *out)
{
  uint64_t n = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t digit = (uint8_t)(text.data[i] - '0');
    if (digit > 9 || n > (UINT64_MAX - digit) / 10)
      return BAD_INPUT;
    n = n * 10 + digit;
  }
  if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
    return BAD_INPUT;
  *out = n;
  return OK;
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
  return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

static bool is_letter(uint8_t c)
{
  return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
  return c >= '0' && c <= '9';
}

enum status org_id_parse(struct bytes text, struct org_id *out)
{
  size_t size = 0;
  while (size < text.size && text.data[size] != 0)
    size++;
  if (size == 0 || text.size > sizeof out->text || !bytes_zero(bytes_of(text.data + size, text.size - size)))
    return BAD_INPUT;
  int slashes = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t c = text.data[i];
    slashes += c == '/';
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '/')
      return BAD_INPUT;
  }
  uint8_t last = text.data[size - 1];
  if (!is_letter(text.data[0]) || (!is_letter(last) && !is_digit(last)) || slashes > 1)
    return BAD_INPUT;
  memset(out->text, 0, sizeof out->text);
  memcpy(out->text, text.data, size);
  return OK;
}

bool org_id_equal(const struct org_id *a, const struct org_id *b)
{
  return memcmp(a->text, b->text, sizeof a->text) == 0;
}

struct bytes org_id_bytes(const struct org_id *id)
{
  return bytes_of(id->text, sizeof id->text);
}

struct bytes org_id_text(const struct org_id *id)
{
  const char *end = memchr(id->text, 0, sizeof id->text);
  return bytes_of(id->text, end == NULL ? sizeof id->text : (size_t)(end - id->text));
}

bool ref_id_equal(const struct ref_id *a, const struct ref_id *b)
{
  return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

/* 23 characters that survive handwriting and a telephone: none that looks or sounds like another of them. Since 23 is
 * prime and the weights differ, one wrong character and two neighbours exchanged both change the check letter. */
static const char short_alphabet[] = "ACDEFGHJKMNPQRTVWXYZ347";
enum { SHORT_BASE = 23, SHORT_LETTERS = 6 };

static char check_letter(const char *six)
{
  int sum = 0;
  for (int i = 0; i < SHORT_LETTERS; i++)
    sum += (i + 2) * digit_value(short_alphabet, (uint8_t)six[i]);
  return short_alphabet[sum % SHORT_BASE];
}

void ref_short(const struct ref_id *id, char text[REF_SHORT_SIZE])
{
  struct reader r = reader_of(bytes_of(id->byte + 4, 8));
  uint64_t n = read_u64(&r);
  for (int i = 0; i < SHORT_LETTERS; i++, n /= SHORT_BASE)
    text[i] = short_alphabet[n % SHORT_BASE];
  text[6] = '-';
  text[7] = check_letter(text);
  text[8] = 0;
}

static char upper(char c)
{
  return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

bool ref_short_valid(const char *text)
{
  size_t size = strlen(text);
  if (size != 7 && !(size == 8 && text[6] == '-'))
    return false;
  char six[SHORT_LETTERS];
  for (int i = 0; i < SHORT_LETTERS; i++) {
    six[i] = upper(text[i]);
    if (digit_value(short_alphabet, (uint8_t)six[i]) < 0)
      return false;
  }
  return check_letter(six) == upper(text[size - 1]);
}

static const char consonant[] = "bdfghjklmnprstvz", vowel[] = "aiou";

void six_words(const uint8_t from[12], char text[SIX_WORDS_SIZE])
{
  for (int word = 0; word < 6; word++) {
    uint32_t n = (uint32_t)from[2 * word] << 8 | from[2 * word + 1];
    *text++ = consonant[n >> 12];
    *text++ = vowel[n >> 10 & 3];
    *text++ = consonant[n >> 6 & 15];
    *text++ = vowel[n >> 4 & 3];
    *text++ = consonant[n & 15];
    *text++ = word == 5 ? 0 : ' ';
  }
}

enum status word_read(struct bytes word, uint16_t *out)
{
  uint32_t n = 0;
  for (size_t i = 0; i < word.size; i++) {
    const char *letters = i % 2 == 0 ? consonant : vowel;
    const char *found = word.data[i] == 0 ? NULL : strchr(letters, word.data[i]);
    if (found == NULL)
      return BAD_INPUT;
    n = n << (i % 2 == 0 ? 4 : 2) | (uint32_t)(found - letters);
  }
  *out = (uint16_t)n;
  return word.size == 5 ? OK : BAD_INPUT;
}
