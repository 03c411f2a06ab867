/* Checkpoints: a published log rebuilt from its entries and signed again byte for byte, and strictness in reading. */
#include "proto/seal/note.h"

#include "tests/unit/vectors.h"

enum { TILE_WIDTH = 256, ENTRIES_MAX = 4096, CHECKPOINTS = 9 };

/* A whole published log: its key, and its leaf hashes as far as they were read. */
static struct {
  struct note_key key;
  struct ed25519_secret *secret;
  char origin[NOTE_NAME_MAX + 1];
} published;

static struct hash leaves[ENTRIES_MAX];
static struct hash stored[2 * ENTRIES_MAX];

static enum status stored_read(void *context, uint64_t number, struct hash *out)
{
  if (number >= *(const uint64_t *)context)
    return NOT_FOUND;
  *out = stored[number];
  return OK;
}

/* The rest of the line that begins with `word` and a space. */
static struct bytes line_of(struct bytes text, const char *word)
{
  char begin[32];
  snprintf(begin, sizeof begin, "%s ", word);
  const char *at = strstr((const char *)text.data, begin);
  assert_non_null(at);
  at += strlen(begin);
  return bytes_of(at, strcspn(at, "\n"));
}

static int set_up(void **state)
{
  (void)state;
  struct bytes text = vectors_file("tlog/keys.txt");
  struct bytes origin = line_of(text, "origin"), secret = line_of(text, "private");
  uint8_t typed[1 + ED25519_SECRET_SIZE];
  size_t size = 0;
  assert_true(origin.size <= NOTE_NAME_MAX && secret.size > 44);
  memcpy(published.origin, origin.data, origin.size);
  assert_int_equal(note_key_parse(line_of(text, "public"), &published.key), OK);
  /* PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 || seed> */
  assert_int_equal(base64_decode(bytes_of(secret.data + secret.size - 44, 44), typed, sizeof typed, &size), OK);
  assert_int_equal(size, sizeof typed);
  assert_int_equal(typed[0], 1);
  assert_int_equal(ed25519_secret_open(typed + 1, &published.secret), OK);
  vectors_free(text);
  return 0;
}

/* tile/<kind>/<index of the tile, three digits a folder>, and `.p/<width>` where it is not full. */
static void tile_name(char name[VECTORS_PATH_MAX], const char *kind, uint64_t index, uint64_t width)
{
  char folders[64];
  int at = snprintf(folders, sizeof folders, "%03d", (int)(index % 1000));
  for (index /= 1000; index > 0; index /= 1000) {
    char inner[64];
    memcpy(inner, folders, (size_t)at + 1);
    at = snprintf(folders, sizeof folders, "x%03d/%.50s", (int)(index % 1000), inner);
  }
  if (width == TILE_WIDTH)
    snprintf(name, VECTORS_PATH_MAX, "tlog/tile/%s/%s", kind, folders);
  else
    snprintf(name, VECTORS_PATH_MAX, "tlog/tile/%s/%s.p/%d", kind, folders, (int)width);
}

static struct bytes tile(const char *kind, uint64_t index, uint64_t width)
{
  char name[VECTORS_PATH_MAX];
  tile_name(name, kind, index, width);
  struct bytes b = vectors_try_file(name);
  if (b.data != NULL || width == TILE_WIDTH)
    return b.data != NULL ? b : vectors_file(name);
  tile_name(name, kind, index, TILE_WIDTH); /* a partial tile may be gone once the full one is there */
  return vectors_file(name);
}

static void read_leaves(uint64_t size)
{
  assert_true(size <= ENTRIES_MAX);
  for (uint64_t begin = 0; begin < size; begin += TILE_WIDTH) {
    uint64_t width = size - begin < TILE_WIDTH ? size - begin : TILE_WIDTH;
    struct bytes entries = tile("entries", begin / TILE_WIDTH, width), hashes = tile("0", begin / TILE_WIDTH, width);
    struct reader r = reader_of(entries);
    for (uint64_t i = begin; i < begin + width; i++)
      leaves[i] = merkle_leaf(read_bytes(&r, read_u16(&r)));
    assert_false(r.underflow);
    assert_true(hashes.size >= width * sizeof *leaves);
    assert_memory_equal(hashes.data, &leaves[begin], width * sizeof *leaves);
    vectors_free(entries);
    vectors_free(hashes);
  }
}

static struct hash tree_root(uint64_t size)
{
  uint64_t count = 0;
  struct hash root;
  for (uint64_t i = 0; i < size; i++) {
    size_t added = 0;
    assert_int_equal(merkle_append(i, &leaves[i], stored_read, &count, &stored[count], &added), OK);
    count += added;
  }
  assert_int_equal(merkle_tree_root(size, stored_read, &count, &root), OK);
  return root;
}

static void again_byte_for_byte(const char *name, uint64_t size)
{
  struct bytes note = vectors_file(name);
  struct checkpoint read, made = {.size = size};
  char again[NOTE_SIZE_MAX];
  size_t again_size = 0;
  read_leaves(size);
  made.root = tree_root(size);
  memcpy(made.origin, published.origin, sizeof made.origin);
  assert_int_equal(checkpoint_open(note, &published.key, &read), OK);
  assert_int_equal(read.size, size);
  assert_string_equal(read.origin, published.origin);
  assert_true(hash_equal(&read.root, &made.root));
  assert_int_equal(checkpoint_sign(&made, published.key.name, published.secret, again, &again_size), OK);
  assert_true(bytes_equal(bytes_of(again, again_size), note));
  vectors_free(note);
}

static void the_published_log_is_made_again(void **state)
{
  (void)state;
  char path[VECTORS_PATH_MAX];
  int count = 0;
  vectors_path("tlog", path);
  DIR *dir = opendir(path);
  assert_non_null(dir);
  for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    char name[VECTORS_PATH_MAX];
    if (strncmp(entry->d_name, "checkpoint.", 11) != 0)
      continue;
    snprintf(name, sizeof name, "tlog/%s", entry->d_name);
    again_byte_for_byte(name, strtoull(entry->d_name + 11, NULL, 10));
    count++;
  }
  closedir(dir);
  assert_true(count >= (vectors_are_ours() ? CHECKPOINTS : 1));
}

static void a_key_is_printed_as_it_was_read(void **state)
{
  (void)state;
  struct bytes text = vectors_file("tlog/keys.txt");
  char vkey[NOTE_VKEY_SIZE];
  note_key_print(&published.key, vkey);
  assert_true(bytes_equal(bytes_text(vkey), line_of(text, "public")));
  vectors_free(text);
  struct note_key longest = {.name = ""}, read;
  memset(longest.name, 'n', NOTE_NAME_MAX);
  note_key_print(&longest, vkey);
  assert_int_equal(note_key_parse(bytes_text(vkey), &read), OK);
  assert_string_equal(read.name, longest.name);
}

static void a_changed_key_is_refused(void **state)
{
  (void)state;
  char vkey[NOTE_VKEY_SIZE];
  struct note_key read;
  note_key_print(&published.key, vkey);
  size_t size = strlen(vkey);
  for (size_t i = 0; i < size; i++) {
    vkey[i] ^= 1;
    assert_int_equal(note_key_parse(bytes_text(vkey), &read), BAD_INPUT);
    vkey[i] ^= 1;
    assert_int_equal(note_key_parse(bytes_of(vkey, i), &read), BAD_INPUT);
  }
  vkey[size] = 'A';
  assert_int_equal(note_key_parse(bytes_of(vkey, size + 1), &read), BAD_INPUT);
  uint8_t typed[1 + ED25519_PUBLIC_SIZE] = {2}; /* the right id, another type */
  memcpy(typed + 1, published.key.public_key, ED25519_PUBLIC_SIZE);
  base64_encode(BYTES(typed), vkey + size - 44);
  assert_int_equal(note_key_parse(bytes_of(vkey, size), &read), BAD_INPUT);
  struct note_key unnamed = published.key;
  unnamed.name[0] = 0;
  note_key_print(&unnamed, vkey);
  assert_int_equal(note_key_parse(bytes_text(vkey), &read), BAD_INPUT);
  unnamed.name[0] = ' ';
  unnamed.name[1] = 0;
  note_key_print(&unnamed, vkey);
  assert_int_equal(note_key_parse(bytes_text(vkey), &read), BAD_INPUT);
}

/* A note of our own: text signed as it is, whatever it says, so that only its form can be at fault. */
static enum status open_text(const char *text, const char *before, const char *after)
{
  char note[8192];
  uint8_t blob[4 + ED25519_SIGNATURE_SIZE];
  struct bytes id_parts[] = {bytes_text(published.key.name), bytes_text("\n\x01"), BYTES(published.key.public_key)};
  struct hash id = sha256_of(id_parts, 3);
  struct checkpoint read;
  memcpy(blob, id.byte, 4);
  assert_int_equal(ed25519_sign(published.secret, bytes_text(text), blob + 4), OK);
  char signature[93];
  base64_encode(BYTES(blob), signature);
  int size = snprintf(note, sizeof note, "%s\n%s\u2014 %s %s\n%s", text, before, published.key.name, signature, after);
  assert_true(size > 0 && (size_t)size < sizeof note);
  return checkpoint_open(bytes_of(note, (size_t)size), &published.key, &read);
}

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define ROOT_NOT_CANONICAL "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="

static enum status open_lines(const char *origin_end, const char *size, const char *root, const char *more)
{
  char text[1024];
  snprintf(text, sizeof text, "%s%s\n%s\n%s\n%s", published.key.name, origin_end, size, root, more);
  return open_text(text, "", "");
}

static void the_text_has_one_form(void **state)
{
  (void)state;
  static const char *const bad_sizes[] = {
      "", "00", "01", "-1", "+1", "1 ", " 1", "a", "1a", "0x", "1\r", "18446744073709551616", "99999999999999999999"};
  assert_int_equal(open_lines("", "0", ROOT, ""), OK);
  assert_int_equal(open_lines("", "18446744073709551615", ROOT, ""), OK);
  for (size_t i = 0; i < sizeof bad_sizes / sizeof *bad_sizes; i++)
    assert_int_equal(open_lines("", bad_sizes[i], ROOT, ""), BAD_INPUT);
  assert_int_equal(open_lines("", "1", "", ""), BAD_INPUT);
  assert_int_equal(open_lines("", "1", "AAAA", ""), BAD_INPUT);
  assert_int_equal(open_lines("", "1", ROOT "AAAA", ""), BAD_INPUT);
  assert_int_equal(open_lines("", "1", ROOT_NOT_CANONICAL, ""), BAD_INPUT);
  assert_int_equal(open_lines("", "1", ROOT, "more\n"), BAD_INPUT);
  assert_int_equal(open_lines("", "1", ROOT, "\n"), BAD_INPUT);
  assert_int_equal(open_text("", "", ""), BAD_INPUT);
}

static void the_origin_is_the_name_and_an_epoch(void **state)
{
  (void)state;
  static const char *const bad_ends[] = {"/", "/a", "/1a", "/1/2", "1", "x", " ", "/1 ", "+", "\x7f", "\xc3\xa9"};
  assert_int_equal(open_lines("/0", "1", ROOT, ""), OK);
  assert_int_equal(open_lines("/12", "1", ROOT, ""), OK);
  for (size_t i = 0; i < sizeof bad_ends / sizeof *bad_ends; i++)
    assert_int_equal(open_lines(bad_ends[i], "1", ROOT, ""), BAD_INPUT);
  assert_int_equal(open_text("example.org/other\n1\n" ROOT "\n", "", ""), BAD_INPUT);
  assert_int_equal(open_text("\n1\n" ROOT "\n", "", ""), BAD_INPUT);
}

static void other_signatures_are_passed_over(void **state)
{
  (void)state;
  static const char witness[] = "\u2014 witness.example AAAAAAAA\n";
  char text[256], fifteen[15 * sizeof witness], own[256];
  snprintf(text, sizeof text, "%s\n1\n" ROOT "\n", published.key.name);
  for (size_t i = 0; i < 15; i++)
    memcpy(fifteen + i * strlen(witness), witness, sizeof witness);
  snprintf(own, sizeof own, "\u2014 %s AAAAAAAA\n",
           published.key.name); /* the name of ours, the key id of another key */
  assert_int_equal(open_text(text, "", witness), OK);
  assert_int_equal(open_text(text, witness, ""), OK);
  assert_int_equal(open_text(text, fifteen, ""), OK);
  assert_int_equal(open_text(text, own, ""), OK);
  assert_int_equal(open_text(text, fifteen, witness), BAD_INPUT);
  static const char *const bad_lines[] = {"\n",
                                          "x\n",
                                          "\u2014\n",
                                          "\u2014 \n",
                                          "\u2014 name\n",
                                          "\u2014 name \n",
                                          "\u2014  AAAA\n",
                                          "- name AAAA\n",
                                          "\u2014 name AAAA"};
  for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++)
    assert_int_equal(open_text(text, "", bad_lines[i]), BAD_INPUT);
}

static struct bytes made_note(char note[NOTE_SIZE_MAX])
{
  struct checkpoint c = {.size = 8};
  size_t size = 0;
  memcpy(c.origin, published.origin, sizeof c.origin);
  assert_int_equal(checkpoint_sign(&c, published.key.name, published.secret, note, &size), OK);
  return bytes_of(note, size);
}

static void a_changed_note_is_refused(void **state)
{
  (void)state;
  char note[NOTE_SIZE_MAX + 1];
  struct checkpoint c = {.size = 7};
  struct bytes b = made_note(note);
  assert_int_equal(checkpoint_open(b, &published.key, &c), OK);
  assert_int_equal(c.size, 8);
  c.size = 7;
  for (size_t i = 0; i < b.size; i++) {
    assert_int_equal(checkpoint_open(bytes_of(note, i), &published.key, &c), BAD_INPUT);
    for (int bit = 0; bit < 8; bit++) {
      note[i] ^= (char)(1 << bit);
      assert_int_equal(checkpoint_open(b, &published.key, &c), BAD_INPUT);
      note[i] ^= (char)(1 << bit);
    }
  }
  for (size_t i = 0; i <= b.size; i++) {
    char longer[NOTE_SIZE_MAX + 1];
    memcpy(longer, note, i);
    memcpy(longer + i + 1, note + i, b.size - i);
    for (const char *added = "\nx 0A="; *added != 0; added++) {
      longer[i] = *added;
      assert_int_equal(checkpoint_open(bytes_of(longer, b.size + 1), &published.key, &c), BAD_INPUT);
    }
  }
  struct note_key other = published.key;
  other.public_key[0] ^= 1;
  assert_int_equal(checkpoint_open(b, &other, &c), BAD_INPUT);
  assert_int_equal(c.size, 7); /* nothing of what was refused gets out */
}

static void what_cannot_be_read_is_not_signed(void **state)
{
  (void)state;
  static const char *const bad_names[] = {"", "two words", "a+b", "line\n", "\xc3\xa9"};
  char note[NOTE_SIZE_MAX];
  size_t size = 0;
  struct checkpoint c = {.size = 1};
  for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
    snprintf(c.origin, sizeof c.origin, "%s", bad_names[i]);
    assert_int_equal(checkpoint_sign(&c, bad_names[i], published.secret, note, &size), BAD_INPUT);
  }
  snprintf(c.origin, sizeof c.origin, "name/1");
  assert_int_equal(checkpoint_sign(&c, "name", published.secret, note, &size), OK);
  assert_int_equal(checkpoint_sign(&c, "another", published.secret, note, &size), BAD_INPUT);
  memset(c.origin, 'n', NOTE_NAME_MAX);
  c.size = UINT64_MAX;
  assert_int_equal(checkpoint_sign(&c, c.origin, published.secret, note, &size), OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_log_is_made_again),
      cmocka_unit_test(a_key_is_printed_as_it_was_read),
      cmocka_unit_test(a_changed_key_is_refused),
      cmocka_unit_test(the_text_has_one_form),
      cmocka_unit_test(the_origin_is_the_name_and_an_epoch),
      cmocka_unit_test(other_signatures_are_passed_over),
      cmocka_unit_test(a_changed_note_is_refused),
      cmocka_unit_test(what_cannot_be_read_is_not_signed),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
