/* A line out, a line in. Lines are kept in memory that is wiped when it is given back, since they carry opened cases.
 *
 * No socket, or nobody behind it, means that Onward is not running on this computer. An answer that is no JSON object,
 * a connection that ends in the middle, and two minutes of silence are faults.
 */
#include "agents/onward/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agents/json_wipe.h"
#include "agents/onward/ask.h"
#include "agents/onward/words.h"
#include "proto/seal/sign.h"

#define REQUEST_SIZE_LIMIT 262144 /* bytes of a line, docs/spec/local-socket.md */
#define ANSWER_SIZE_MAX (64 * 1024 * 1024)
#define SILENCE_S 120

struct client {
  int socket;
  char *line; /* what was read and not yet used */
  size_t used, capacity;
};

/* --- the connection --- */

static enum exit_code not_running(const struct call *c)
{
  struct stat info;
  char path[sizeof c->home + 16];
  if (stat(c->home, &info) != 0)
    return call_fail(c, NOT_RUNNING, "begin with: onward init", "there is no data folder of Onward at %s", c->home);
  snprintf(path, sizeof path, "%s/network", c->home);
  if (stat(path, &info) != 0)
    return call_fail(c, NOT_RUNNING, "join first: onward join INVITATION",
                     "this data folder has joined no network yet (%s)", c->home);
  return call_fail(c, NOT_RUNNING, "start it: onward run", "Onward is not running on this computer (data folder %s)",
                   c->home);
}

static enum exit_code connect_socket(const struct call *c, int *out)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const struct timeval silence = {.tv_sec = SILENCE_S};
  int size = snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", c->home);
  if (size >= (int)sizeof address.sun_path)
    return call_fail(c, WRONG_USAGE, "use a shorter one", "the data folder's name is too long: %s", c->home);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) != 0)
    return call_fail(c, BROKEN, NULL, "cannot open a socket: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
    *out = fd;
    return DONE;
  }
  int reason = errno;
  close(fd);
  if (reason == ENOENT || reason == ECONNREFUSED || reason == ENOTDIR)
    return not_running(c);
  return call_fail(c, BROKEN, NULL, "cannot speak with Onward on this computer: %s", strerror(reason));
}

static enum exit_code client_open(struct call *c)
{
  if (c->client != NULL)
    return DONE;
  int fd = -1;
  enum exit_code code = connect_socket(c, &fd);
  if (code != DONE)
    return code;
  c->client = wiped_alloc(sizeof *c->client);
  must(c->client != NULL);
  *c->client = (struct client){.socket = fd};
  return DONE;
}

void client_close(struct call *c)
{
  if (c->client == NULL)
    return;
  close(c->client->socket);
  wiped_free(c->client->line);
  wiped_free(c->client);
  c->client = NULL;
}

/* --- lines --- */

static enum exit_code send_line(struct call *c, const json_t *request)
{
  char *text = json_dumps(request, JSON_COMPACT);
  must(text != NULL);
  size_t size = strlen(text);
  text[size] = '\n'; /* in the place of the final zero */
  enum exit_code code = DONE;
  if (size >= REQUEST_SIZE_LIMIT)
    code =
        call_fail(c, WRONG_USAGE, NULL, "this is too long: at most %d bytes can be sent at once", REQUEST_SIZE_LIMIT);
  for (size_t sent = 0; code == DONE && sent <= size;) {
    ssize_t n = send(c->client->socket, text + sent, size + 1 - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      code = call_fail(c, BROKEN, NULL, "Onward on this computer has closed the connection");
    sent += n > 0 ? (size_t)n : 0;
  }
  wiped_free(text);
  return code;
}

static bool grow(struct client *k)
{
  size_t capacity = k->capacity == 0 ? 65536 : 2 * k->capacity;
  char *larger = capacity > ANSWER_SIZE_MAX ? NULL : wiped_alloc(capacity);
  if (larger == NULL)
    return false;
  if (k->used > 0)
    memcpy(larger, k->line, k->used);
  wiped_free(k->line);
  k->line = larger;
  k->capacity = capacity;
  return true;
}

/* Parses the first line and moves what stands behind it to the front. */
static enum exit_code take_line(struct call *c, size_t size, json_t **out)
{
  struct client *k = c->client;
  json_error_t ignored; /* what it says may quote a case */
  *out = json_loadb(k->line, size, 0, &ignored);
  k->used -= size + 1;
  memmove(k->line, k->line + size + 1, k->used);
  if (json_is_object(*out))
    return DONE;
  json_decref(*out);
  *out = NULL;
  return call_fail(c, BROKEN, NULL, "Onward on this computer gave an answer that cannot be read");
}

static enum exit_code read_line(struct call *c, json_t **line)
{
  struct client *k = c->client;
  size_t searched = 0;
  for (;;) {
    const char *end = k->used == searched ? NULL : memchr(k->line + searched, '\n', k->used - searched);
    if (end != NULL)
      return take_line(c, (size_t)(end - k->line), line);
    searched = k->used;
    if (k->used == k->capacity && !grow(k))
      return call_fail(c, BROKEN, NULL, "Onward on this computer gave an answer that is too long");
    ssize_t n = recv(k->socket, k->line + k->used, k->capacity - k->used, 0);
    if (n == 0)
      return call_fail(c, NOT_RUNNING, NULL, "Onward on this computer has stopped");
    if (n < 0 && errno != EINTR)
      return call_fail(c, BROKEN, NULL, "Onward on this computer does not answer: %s", strerror(errno));
    k->used += n > 0 ? (size_t)n : 0;
  }
}

enum exit_code client_next(struct call *c, json_t **line)
{
  const struct timeval for_ever = {0, 0};
  must(c->client != NULL && setsockopt(c->client->socket, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever) == 0);
  return read_line(c, line);
}

/* --- requests --- */

json_t *client_request(const char *name)
{
  return json_pack("{s:s}", "do", name);
}

/* A request that could not be put together (NULL) has an argument to blame. */
static enum exit_code exchange(struct call *c, const json_t *request, json_t **answer)
{
  *answer = NULL;
  if (request == NULL)
    return call_fail(c, WRONG_USAGE, NULL, "an argument is not text in UTF-8");
  enum exit_code code = client_open(c);
  if (code == DONE)
    code = send_line(c, request);
  return code == DONE ? read_line(c, answer) : code;
}

enum exit_code client_ask(struct call *c, json_t *request, json_t **answer)
{
  enum exit_code code = exchange(c, request, answer);
  json_decref(request);
  return code;
}

enum exit_code client_passphrase(struct call *c, const char *name, char passphrase[PASSPHRASE_SIZE], json_t **answer)
{
  json_t *request = json_pack("{s:s, s:s}", "do", name, "passphrase", passphrase);
  wipe(passphrase, PASSPHRASE_SIZE);
  return client_do(c, request, answer);
}

static enum exit_code unlock(struct call *c)
{
  char passphrase[PASSPHRASE_SIZE];
  json_t *answer = NULL;
  enum exit_code code = ask_passphrase(c, "Passphrase: ", passphrase);
  if (code == DONE)
    code = client_passphrase(c, "unlock", passphrase, &answer);
  json_decref(answer);
  return code;
}

enum exit_code client_do(struct call *c, json_t *request, json_t **answer)
{
  enum exit_code code = exchange(c, request, answer);
  if (code == DONE && strcmp(text_of(*answer, "code"), "locked") == 0 && ask_can_passphrase(c)) {
    json_decref(*answer);
    *answer = NULL;
    code = unlock(c);
    if (code == DONE)
      code = exchange(c, request, answer);
  }
  json_decref(request);
  if (code == DONE && !json_is_true(json_object_get(*answer, "ok"))) {
    code = call_refused(c, *answer);
    json_decref(*answer);
    *answer = NULL;
  }
  return code;
}

bool client_print_json(const struct call *c, const json_t *answer)
{
  if (c->json)
    say_json(answer);
  return c->json;
}
