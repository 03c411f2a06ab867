/* Accept, read lines, ask the desk, write answers; everything without waiting. A client that sends too long a line, or
 * does not read what it asked for, is cut off. What was read and what was written is wiped: cases pass here in the
 * clear.
 */
#include "agents/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agents/agent.h"
#include "agents/desk.h"
#include "agents/json_wipe.h"
#include "proto/seal/sign.h"

#define DIRECTORY_WAIT_MS 3000 /* for one request in all */

enum status local_open(struct local *l, const char *home, char why[200])
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  for (size_t i = 0; i < LOCAL_PLACES; i++)
    l->clients[i] = (struct local_client){.fd = -1};
  snprintf(l->path, sizeof l->path, "%s/socket", home);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", l->path);
  l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink(l->path); /* the folder is locked: nobody can be listening there */
  if (l->fd >= 0 && bind(l->fd, (struct sockaddr *)&address, sizeof address) == 0 && chmod(l->path, 0600) == 0 &&
      listen(l->fd, LOCAL_CLIENTS_MAX) == 0)
    return OK;
  snprintf(why, 200, "%s: %s", l->path, strerror(errno));
  return OUR_FAULT;
}

static void close_client(struct local_client *c)
{
  if (c->fd >= 0)
    close(c->fd);
  wiped_free(c->line);
  wiped_free(c->answer);
  *c = (struct local_client){.fd = -1};
}

void local_close(struct local *l)
{
  if (l->fd < 0)
    return;
  for (size_t i = 0; i < LOCAL_PLACES; i++)
    close_client(&l->clients[i]);
  close(l->fd);
  unlink(l->path);
  l->fd = -1;
}

static bool answering(const struct local_client *c)
{
  return c->answer_done < c->answer_size;
}

size_t local_poll(const struct local *l, zmq_pollitem_t *items)
{
  size_t count = 0;
  items[count++] = (zmq_pollitem_t){NULL, l->fd, ZMQ_POLLIN, 0};
  for (size_t i = 0; i < LOCAL_PLACES; i++)
    if (l->clients[i].fd >= 0)
      items[count++] =
          (zmq_pollitem_t){NULL, l->clients[i].fd, answering(&l->clients[i]) ? ZMQ_POLLOUT : ZMQ_POLLIN, 0};
  return count;
}

/* --- writing --- */

static void write_some(struct local_client *c)
{
  while (answering(c)) {
    ssize_t n = send(c->fd, c->answer + c->answer_done, c->answer_size - c->answer_done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n < 0) {
      close_client(c);
      return;
    }
    c->answer_done += (size_t)n;
  }
  wiped_free(c->answer);
  c->answer = NULL;
  c->answer_size = c->answer_done = 0;
  if (c->ending)
    close_client(c);
}

/* Adds a line to what is to be written. */
static void add_line(struct local_client *c, const json_t *object)
{
  char *text = json_dumps(object, JSON_COMPACT);
  size_t size = text == NULL ? 0 : strlen(text), waiting = c->answer_size - c->answer_done;
  char *joined = text == NULL || waiting + size >= LOCAL_ANSWER_MAX ? NULL : wiped_alloc(waiting + size + 1);
  if (joined == NULL) {
    wiped_free(text);
    close_client(c);
    return;
  }
  struct writer w = writer_of(joined, waiting + size + 1);
  if (waiting > 0)
    write_bytes(&w, bytes_of(c->answer + c->answer_done, waiting));
  write_bytes(&w, bytes_of(text, size));
  write_u8(&w, '\n');
  wiped_free(text);
  wiped_free(c->answer);
  c->answer = joined;
  c->answer_size = w.size;
  c->answer_done = 0;
  write_some(c);
}

void local_tell(struct local *l, const struct notice *n)
{
  char hex[2 * sizeof n->id.byte + 1], text[REF_SHORT_SIZE];
  hex_encode(BYTES(n->id.byte), hex);
  ref_short(&n->id, text);
  if (n->kind == NEWS_UNATTENDED || n->kind == NEWS_PLACE || n->kind == NEWS_AGREEMENT)
    memcpy(text, "-", 2); /* about no item */
  json_t *event = json_pack("{s{ssssss}}", "event", "id", hex, "short", text, "kind", news_word(n->kind));
  for (size_t i = 0; i < LOCAL_PLACES; i++)
    if (l->clients[i].fd >= 0 && l->clients[i].watching)
      add_line(&l->clients[i], event);
  json_decref(event);
}

/* Its last line. */
static void refuse(struct local_client *c, const char *code, const char *what, const char *try)
{
  json_t *answer = desk_error(code, NULL, what, try);
  c->ending = true;
  add_line(c, answer);
  json_decref(answer);
}

/* --- reading --- */

/* False: its answer has to wait for the directory. */
static bool take_line(struct agent *a, struct local_client *c, size_t size)
{
  bool watch = false;
  if (c->told) {
    refuse(c, "full", "too many programs are connected to Onward on this computer",
           "close some of them, then try again");
    return false;
  }
  uint64_t now = ticks_ms();
  int waits = c->waits > 0 && now >= c->later_ms ? DESK_WAITS_MAX : c->waits;
  json_t *answer = desk_answer(a, c->line, size, waits, &watch);
  if (answer == NULL) {
    c->asked_ms = now;
    if (c->waits++ == 0)
      c->later_ms = now + DIRECTORY_WAIT_MS;
    return false;
  }
  c->later_ms = 0;
  c->waits = 0;
  c->watching |= watch;
  add_line(c, answer);
  json_decref(answer);
  return true;
}

/* All whole lines, until an answer waits to be written. */
static void take_lines(struct agent *a, struct local_client *c)
{
  char *end;
  while (c->fd >= 0 && !a->broken && !answering(c) && c->line_size > 0 &&
         (end = memchr(c->line, '\n', c->line_size)) != NULL) {
    size_t size = (size_t)(end - c->line), rest = c->line_size - size - 1;
    if (!take_line(a, c, size) || c->fd < 0)
      return;
    memmove(c->line, end + 1, rest);
    wipe(c->line + rest, size + 1);
    c->line_size = rest;
  }
}

static void read_some(struct agent *a, struct local_client *c)
{
  if (c->line == NULL)
    c->line = wiped_alloc(LOCAL_LINE_MAX + 1);
  if (c->line == NULL) {
    close_client(c);
    return;
  }
  ssize_t n = recv(c->fd, c->line + c->line_size, LOCAL_LINE_MAX + 1 - c->line_size, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    close_client(c);
    return;
  }
  c->line_size += (size_t)n;
  if (c->later_ms == 0)
    take_lines(a, c);
  if (c->fd < 0 || c->line_size <= LOCAL_LINE_MAX)
    return;
  refuse(c, "bad_input", "the line is longer than 262144 bytes", NULL);
}

/* Whoever comes when all places are taken gets one of the spare ones, and is answered that it is full. When those are
 * taken too, the one who came first, and said nothing, goes. */
static struct local_client *place(struct local *l)
{
  for (size_t i = 0; i < LOCAL_PLACES; i++)
    if (l->clients[i].fd < 0)
      return &l->clients[i];
  struct local_client *c = &l->clients[LOCAL_CLIENTS_MAX + l->told++ % LOCAL_SPARE];
  close_client(c);
  return c;
}

static void accept_client(struct local *l)
{
  int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  struct local_client *c = place(l);
  *c = (struct local_client){.fd = fd, .told = c >= &l->clients[LOCAL_CLIENTS_MAX]};
}

void local_resume(struct agent *a)
{
  for (size_t i = 0; i < LOCAL_PLACES; i++) {
    struct local_client *c = &a->local.clients[i];
    bool came = a->session.answered_ms >= c->asked_ms;
    if (c->fd >= 0 && c->later_ms != 0 && (came || ticks_ms() >= c->later_ms || !session_connected(&a->session)))
      take_lines(a, c);
  }
}

void local_serve(struct agent *a, const zmq_pollitem_t *items, size_t count)
{
  struct local *l = &a->local;
  for (size_t i = 1; i < count && !a->broken; i++)
    for (size_t k = 0; k < LOCAL_PLACES && !a->broken; k++) {
      struct local_client *c = &l->clients[k];
      if (c->fd < 0 || c->fd != items[i].fd || items[i].revents == 0)
        continue;
      if (answering(c))
        write_some(c);
      else
        read_some(a, c);
      if (c->fd >= 0 && !answering(c) && c->line_size > 0 && c->later_ms == 0)
        take_lines(a, c);
    }
  if (items[0].revents != 0)
    accept_client(l);
}
