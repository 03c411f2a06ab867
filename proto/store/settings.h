/* Configuration files: `key = value` under [section], '#' comments. One table says which keys there are, of what kind
 * and within which limits; whatever does not fit is refused with file, line, key and what was expected. */
#ifndef ONWARD_SETTINGS_H
#define ONWARD_SETTINGS_H

#include "proto/base/base.h"

enum setting_kind {
  SETTING_TEXT,   /* char[max + 1]; min to max bytes */
  SETTING_NUMBER, /* uint64_t; min to max */
  SETTING_FLAG,   /* bool; yes or no */
};

struct setting {
  const char *section;
  const char *key;
  enum setting_kind kind;
  size_t offset; /* of the member in the caller's structure */
  uint64_t min, max;
  bool compulsory;
  const char *expected;            /* in words, such as "tcp://host:port" */
  bool (*check)(const char *text); /* of a text, beyond its length; NULL: none */
};

struct settings_error {
  char text[400];
};

/* Reads `path` over the defaults that `out` holds. NOT_FOUND: no such file. BAD_INPUT: the first thing that is wrong.
 * Both are told in `error`. */
MUST_USE enum status settings_read(const char *path, const struct setting *table, size_t count, void *out,
                                   struct settings_error *error);

/* "tcp://host:port" with a port from 1 to 65535: for `check`. */
bool settings_is_address(const char *text);

#endif
