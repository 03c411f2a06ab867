/* Opening in order: folder and its lock, settings, keys, the invitation, the books, what they prove. */
#include "agents/agent.h"

#include "agents/erase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
  ARENA_SIZE = 48 * 1024 * 1024, /* one message of 1 MiB and what it becomes, or 16 referrals for 16 each */
  SECRET_SIZE = 4 * 1024 * 1024,
  PATH_SIZE = HOME_SIZE + 32,
};

uint64_t agent_log_ms(const struct agent *a)
{
  return now_ms() + (uint64_t)a->exchange_ahead_ms;
}

static enum status trouble(struct agent *a, enum status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status trouble(struct agent *a, enum status s, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(a->why, sizeof a->why, format, list);
  va_end(list);
  return s;
}

static void path_of(const struct agent *a, const char *name, char path[PATH_SIZE])
{
  snprintf(path, PATH_SIZE, "%s/%s", a->home, name);
}

static bool make_rooms(struct agent *a)
{
  void *arena = malloc(ARENA_SIZE), *secret = malloc(SECRET_SIZE), *paper = malloc(PAPER_ARENA_SIZE);
  a->arena = arena_of(arena, ARENA_SIZE);
  a->secret = arena_of(secret, SECRET_SIZE);
  a->paper = arena_of(paper, PAPER_ARENA_SIZE);
  return arena != NULL && secret != NULL && paper != NULL;
}

/* One process per folder: two would sign two histories. */
static enum status lock_folder(struct agent *a)
{
  char path[PATH_SIZE];
  path_of(a, "lock", path);
  a->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (a->lock_fd < 0)
    return trouble(a, NOT_FOUND, "%s: %s", a->home, strerror(errno));
  if (flock(a->lock_fd, LOCK_EX | LOCK_NB) != 0)
    return trouble(a, NOT_NOW, "%s: Onward is running there already", a->home);
  return OK;
}

static enum status read_config(struct agent *a, const char *config_path)
{
  char path[PATH_SIZE];
  struct settings_error error;
  path_of(a, "agent.conf", path);
  if (config_path != NULL && access(config_path, R_OK) != 0)
    return trouble(a, NOT_FOUND, "%s: %s", config_path, strerror(errno));
  enum status s = config_read(config_path != NULL ? config_path : path, &a->config, &error);
  return s == OK ? OK : trouble(a, s, "%.198s", error.text);
}

static struct bytes own_id_key(void)
{
  return bytes_text("organisation");
}

static enum status open_books(struct agent *a)
{
  char path[PATH_SIZE];
  path_of(a, "books", path);
  struct store_options o = {.folder = path,
                            .table_names = tables_names(),
                            .table_count = TABLES_AGENT,
                            .format = AGENT_FORMAT,
                            .create = true};
  return store_open(&o, a->why, &a->store);
}

/* One change of names is all: before it the old books count, behind it the new ones. */
enum status agent_renew_books(struct agent *a)
{
  char books[PATH_SIZE], next[PATH_SIZE];
  path_of(a, "books", books);
  path_of(a, "books.next", next);
  store_remove(next); /* of a time when it was killed */
  if (store_copy(a->store, next, ALL_TABLES, a->why) != OK) {
    say("%s", a->why);
    return NOT_NOW;
  }
  store_close(a->store);
  a->store = NULL;
  bool renewed = store_swap(books, next, a->why) == OK;
  if (!renewed)
    say("%s", a->why);
  if (open_books(a) != OK || !renewed) {
    say("%s/books: cannot be written anew: %s", a->home, a->why);
    a->broken = true;
    return OUR_FAULT;
  }
  return OK;
}

/* The invitation is for the keys that we had when we joined; once the books know who we are, the keys may have changed
 * since. */
static enum status read_network(struct agent *a)
{
  char path[PATH_SIZE];
  static char text[PAPER_TEXT_MAX];
  struct complaint why;
  struct bytes own;
  size_t size;
  path_of(a, "network", path);
  enum status s = file_read(path, text, sizeof text, &size, a->why);
  if (s != OK)
    return s == NOT_FOUND ? trouble(a, s, "%s: not there: join a network first, with `onward join`", path) : s;
  struct books *b = agent_read(a);
  bool joined = b->get(b, TABLE_MARKS, own_id_key(), &own) == OK && own.size == sizeof a->self.id.text;
  if (joined)
    memcpy(a->self.id.text, own.data, own.size);
  if (agent_abort(a) != OK)
    return OUR_FAULT;
  struct bytes content = bytes_of(text, size);
  s = joined ? paper_invitation_read(content, NULL, &a->paper, &why, &a->network)
             : invitation_file_read(content, &a->keys, &a->paper, &why, &a->network);
  if (s != OK)
    return trouble(a, BAD_INPUT, "%s: %s", path, s == BAD_INPUT ? why.text : "is too large");
  if (!joined)
    a->self.id = a->network.organisation;
  a->self.network = a->network.id;
  a->self.keys = &a->keys;
  return OK;
}

static enum status begin_books(struct agent *a)
{
  struct books *b = agent_write(a);
  b->put(b, TABLE_MARKS, own_id_key(), org_id_bytes(&a->self.id));
  enum status s = directory_begin(b, a->network.genesis_leaf, &a->network.id, &a->arena);
  if (s == OK)
    s = evidence_init(&a->evidence, b, &a->ring, &a->network.id, &a->network.log_key, a->network.checkpoint_note);
  if (s != OK) {
    agent_abort(a);
    return trouble(a, BAD_INPUT, "%s/books: are those of another network than the invitation's", a->home);
  }
  evidence_keep(&a->evidence, b);
  return agent_commit(a);
}

static bool is_halted(struct agent *a)
{
  struct marks m;
  marks_get(agent_read(a), &m);
  return agent_abort(a) != OK || m.halted != 0;
}

enum status agent_open(struct agent *a, const char *home, const char *config_path)
{
  memset(a, 0, sizeof *a);
  a->lock_fd = -1;
  a->local.fd = -1;
  if (home[0] == 0 || strlen(home) >= sizeof a->home)
    return trouble(a, BAD_INPUT, "the data folder's path must have 1 to %d bytes", HOME_SIZE - 1);
  snprintf(a->home, sizeof a->home, "%s", home);
  if (!make_rooms(a))
    return trouble(a, OUR_FAULT, "not enough memory");
  enum status s = keys_open(a->home, a->why, &a->keys);
  if (s == OK)
    s = lock_folder(a);
  if (s == OK)
    s = read_config(a, config_path);
  if (s == OK)
    s = open_books(a);
  if (s == OK)
    s = read_network(a);
  if (s == OK)
    s = begin_books(a);
  if (s == OK)
    agent_check_keys(a);
  if (s == OK && erase_finish(a) == OUR_FAULT)
    s = OUR_FAULT;
  if (s == OK && session_init(&a->session, is_halted(a)) != OK)
    s = trouble(a, OUR_FAULT, "libzmq cannot be started");
  return s == OK ? local_open(&a->local, a->home, a->why) : s;
}

void agent_close(struct agent *a)
{
  local_close(&a->local);
  session_fini(&a->session);
  if (a->store != NULL)
    store_close(a->store);
  keys_close(&a->keys);
  key_ring_fini(&a->ring);
  if (a->secret.memory != NULL)
    arena_wipe(&a->secret);
  free(a->arena.memory);
  free(a->secret.memory);
  free(a->paper.memory);
  if (a->lock_fd >= 0)
    close(a->lock_fd);
}

struct books *agent_write(struct agent *a)
{
  a->news.count = 0;
  return a->books = store_begin(a->store, true);
}

struct books *agent_read(struct agent *a)
{
  a->news.count = 0;
  return a->books = store_begin(a->store, false);
}

enum status agent_commit(struct agent *a)
{
  enum status s = store_commit(a->store, a->why);
  if (s != OK)
    say("%s", a->why);
  if (s != OK && s != NOT_NOW)
    a->broken = true;
  for (size_t i = 0; s == OK && i < a->news.count; i++) {
    local_tell(&a->local, &a->news.list[i]);
    if (a->config.hook[0] != 0)
      hook_add(&a->hook, &a->news.list[i]);
  }
  a->news.count = 0;
  return s;
}

enum status agent_abort(struct agent *a)
{
  enum status s = a->books->trouble;
  store_abort(a->store);
  if (s == OUR_FAULT) {
    a->broken = true;
    trouble(a, s, "%s/books: contradict themselves, or cannot be read: have them checked", a->home);
    say("%s", a->why);
  }
  return s == OUR_FAULT ? OUR_FAULT : OK;
}

void agent_tell(struct agent *a, const struct ref_id *id, enum news_kind kind)
{
  if (a->news.count < NEWS_MAX)
    a->news.list[a->news.count++] = (struct notice){*id, kind};
}

static bool signs_with(const struct key_folder *k, const struct keys *registered)
{
  uint8_t point[ES256_PUBLIC_SIZE];
  es256_secret_public(k->sign, point);
  return bytes_equal(BYTES(point), BYTES(registered->sign));
}

/* What a registrar's replacement that waits would make ours. */
static bool keys_waiting(struct books *b, const struct organisation *o, struct arena *a, struct keys *out)
{
  struct leaf leaf;
  struct event e;
  if (o->pending_due_ms == 0 || books_event(b, o->pending_index, a, &leaf, &e) != OK ||
      e.act != ONWARD__CORE__ACT_REPLACE_KEYS)
    return false;
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(e.core->replace_keys->request), a);
  if (r == NULL)
    return false;
  memcpy(out->link, r->link_key.data, sizeof out->link);
  memcpy(out->sign, r->sign_key.data, sizeof out->sign);
  memcpy(out->seal, r->seal_key.data, sizeof out->seal);
  return true;
}

static void alarm_unless(struct books *b, bool fits, enum alarm_kind kind)
{
  struct bytes none = {NULL, 0};
  if (fits)
    alarm_end(b, kind);
  else if (alarm_raise(b, kind, now_ms(), none, none))
    say("alarm: %s", alarm_text(kind));
}

/* Each file of ours is what the registry has. */
static void compare_keys(struct agent *a)
{
  char path[PATH_SIZE];
  struct organisation o;
  struct books *b = agent_write(a);
  const struct key_folder *k = &a->keys;
  size_t used = a->arena.used;
  if (books_organisation(b, &a->self.id, &o) == OK) {
    struct keys waiting;
    bool soon = keys_waiting(b, &o, &a->arena, &waiting) && signs_with(k, &waiting);
    const struct keys *registered = soon ? &waiting : &o.keys;
    alarm_unless(b, bytes_equal(BYTES(k->link_public), BYTES(registered->link)), ALARM_LINK_KEY);
    alarm_unless(b, signs_with(k, registered), ALARM_SIGN_KEY);
    path_of(a, "seal.pem", path); /* read when somebody unlocks, which may be too late */
    bool seals = access(path, F_OK) == 0 && bytes_equal(BYTES(k->seal_point[0]), BYTES(registered->seal));
    alarm_unless(b, seals, ALARM_SEAL_KEY);
  }
  a->arena.used = used;
  if (agent_commit(a) != OK)
    say("whether our keys fit could not be written");
}

/* The prepared keys are ours as soon as the registry says so. */
static void adopt_keys(struct agent *a)
{
  struct organisation o;
  struct key_folder next;
  struct books *b = agent_read(a);
  bool known = books_organisation(b, &a->self.id, &o) == OK;
  if (agent_abort(a) != OK || !known || signs_with(&a->keys, &o.keys) || keys_open_next(a->home, a->why, &next) != OK)
    return;
  bool now = signs_with(&next, &o.keys);
  keys_close(&next);
  if (!now)
    return;
  if (keys_adopt(&a->keys, a->why) != OK) {
    say("%s", a->why);
    a->broken = true;
    return;
  }
  say("the new keys of %.16s are in force; locked until the new passphrase is given", a->self.id.text);
}

void agent_check_keys(struct agent *a)
{
  adopt_keys(a);
  if (!a->broken)
    compare_keys(a);
}
