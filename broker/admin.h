/* What the operator does beside serving. Each answers the process's exit code and tells on stderr what was wrong. */
#ifndef ONWARD_ADMIN_H
#define ONWARD_ADMIN_H

struct init_options {
  const char *folder;
  const char *name;          /* the log's: a-z 0-9 . - /, such as exchange.example.org */
  const char *listen;        /* tcp://address:port */
  const char *address;       /* as partners reach it; NULL: as `listen` */
  const char *registrars[2]; /* request files */
  unsigned long replace_after_h;
};

int admin_init(const struct init_options *o); /* makes the folder, keys, books, and an invitation for each registrar */
int admin_confirm_time(const char *folder);   /* the operator has looked at the clock, and it is right */
int admin_status(const char *folder);
int admin_check(const char *folder);
int admin_cosignature(const char *folder, const char *file, const char *vkey); /* keeps what a witness has signed */

#endif
