/* RabbitMQ: quorum queues, persistent messages, publisher confirms. A connection gives confirmations and messages in
 * any order, so each role is a loop over what comes. */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "tests/bench/measure.h"
#include "tests/bench/rival.h"

enum { UNCONFIRMED_MAX = 4096, PREFETCH = 512, WAIT_US = 100000, FRAME_SIZE = 131072 };

struct line {
  amqp_connection_state_t c;
  uint64_t next, oldest; /* delivery tags: of the next put, and the first that may be unconfirmed */
  struct {
    bool waits;
    uint64_t about; /* the caller's: what was put */
  } puts[UNCONFIRMED_MAX];
};

enum happened { NOTHING, CONFIRMED, CAME };
struct happening {
  enum happened what;
  uint64_t delivery; /* tag */
  bool and_before;   /* all up to this one are confirmed */
  struct tag tag;    /* of a message */
};

static void check(amqp_rpc_reply_t r, const char *what)
{
  if (r.reply_type != AMQP_RESPONSE_NORMAL)
    rival_fail("rabbitmq: %s failed", what);
}

static void dial(const struct load *l, struct line *line)
{
  memset(line, 0, sizeof *line);
  line->next = line->oldest = 1;
  line->c = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(line->c);
  if (socket == NULL || amqp_socket_open(socket, "127.0.0.1", (int)strtol(l->port, NULL, 10)) != 0)
    rival_fail("rabbitmq: cannot be connected to at port %s", l->port);
  check(amqp_login(line->c, "/", 0, FRAME_SIZE, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
  amqp_channel_open(line->c, 1);
  check(amqp_get_rpc_reply(line->c), "channel");
  amqp_confirm_select(line->c, 1);
  check(amqp_get_rpc_reply(line->c), "confirms");
}

static void consume(struct line *line, const char *queue)
{
  amqp_basic_qos(line->c, 1, 0, PREFETCH, 0);
  amqp_basic_consume(line->c, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check(amqp_get_rpc_reply(line->c), "consume");
}

static void remove_queues(amqp_connection_state_t c)
{
  static const char *const names[] = {"plain", "there", "back"};
  for (size_t i = 0; i < 3; i++) {
    amqp_queue_delete(c, 1, amqp_cstring_bytes(names[i]), 0, 0);
    check(amqp_get_rpc_reply(c), "delete");
  }
}

static void declare(amqp_connection_state_t c, const char *queue)
{
  amqp_table_entry_t type = {amqp_cstring_bytes("x-queue-type"),
                             {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("quorum")}}};
  amqp_queue_declare(c, 1, amqp_cstring_bytes(queue), 0, 1, 0, 0, (amqp_table_t){1, &type});
  check(amqp_get_rpc_reply(c), "declare");
}

static void prepare(const struct load *l)
{
  static struct line line;
  dial(l, &line);
  remove_queues(line.c);
  declare(line.c, "plain");
  declare(line.c, "there");
  declare(line.c, "back");
  amqp_destroy_connection(line.c);
}

static void finish(const struct load *l)
{
  static struct line line;
  dial(l, &line);
  remove_queues(line.c);
  amqp_destroy_connection(line.c);
}

static void put(struct line *line, const char *queue, const uint8_t *message, size_t size, uint64_t about)
{
  const amqp_basic_properties_t persistent = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
  if (line->next - line->oldest >= UNCONFIRMED_MAX)
    rival_fail("rabbitmq: too much is unconfirmed");
  line->puts[line->next % UNCONFIRMED_MAX].waits = true;
  line->puts[line->next++ % UNCONFIRMED_MAX].about = about;
  const amqp_bytes_t body = {size, (void *)(uintptr_t)message};
  if (amqp_basic_publish(line->c, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0, &persistent, body) != 0)
    rival_fail("rabbitmq: publish failed");
}

static void read_message(struct line *line, struct happening *h)
{
  amqp_message_t m;
  check(amqp_read_message(line->c, 1, &m, 0), "read");
  memcpy(&h->tag, m.body.bytes, sizeof h->tag);
  amqp_destroy_message(&m);
}

static struct happening next(struct line *line)
{
  struct happening h = {.what = NOTHING};
  struct timeval wait = {0, WAIT_US};
  amqp_frame_t frame;
  amqp_maybe_release_buffers_on_channel(line->c, 1);
  int error = amqp_simple_wait_frame_noblock(line->c, &frame, &wait);
  if (error == AMQP_STATUS_TIMEOUT || (error == AMQP_STATUS_OK && frame.frame_type != AMQP_FRAME_METHOD))
    return h;
  if (error != AMQP_STATUS_OK)
    rival_fail("rabbitmq: %s", amqp_error_string2(error));
  if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    h = (struct happening){.what = CONFIRMED, .delivery = ack->delivery_tag, .and_before = ack->multiple != 0};
  } else if (frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
    const amqp_basic_deliver_t *deliver = frame.payload.method.decoded;
    h = (struct happening){.what = CAME, .delivery = deliver->delivery_tag};
    read_message(line, &h);
  } else {
    rival_fail("rabbitmq: says something else (%x)", frame.payload.method.id);
  }
  return h;
}

/* Takes one confirmed put after the other out of what was confirmed together. False: no more. */
static bool take_confirmed(struct line *line, struct happening *h, uint64_t *about)
{
  uint64_t from = h->and_before ? line->oldest : h->delivery;
  for (uint64_t i = from; h->what == CONFIRMED && i <= h->delivery && i < line->next; i++) {
    if (i < line->oldest || !line->puts[i % UNCONFIRMED_MAX].waits)
      continue;
    line->puts[i % UNCONFIRMED_MAX].waits = false;
    *about = line->puts[i % UNCONFIRMED_MAX].about;
    while (line->oldest < line->next && !line->puts[line->oldest % UNCONFIRMED_MAX].waits)
      line->oldest++;
    return true;
  }
  return false;
}

static void produce(struct load *l, size_t lane)
{
  static struct line lines[LINES_MAX];
  struct line *line = &lines[lane];
  uint8_t message[MESSAGE_SIZE];
  uint64_t started_ns;
  size_t under_way = 0;
  dial(l, line);
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    for (; under_way < l->window; under_way++)
      put(line, "plain", message, sizeof message, now_ns());
    struct happening h = next(line);
    for (; take_confirmed(line, &h, &started_ns); under_way--)
      load_sample(l, lane, started_ns);
  }
  amqp_destroy_connection(line->c);
}

/* --- trips --- */

struct offer { /* a message whose two answers are not both confirmed */
  unsigned unconfirmed;
  uint64_t delivery;
};

static void answer(struct line *line, struct tag tag, enum told told, uint8_t message[ANSWER_SIZE])
{
  tag.told = told;
  memcpy(message, &tag, sizeof tag);
  put(line, "back", message, ANSWER_SIZE, tag.slot);
}

static void recipient(struct load *l, size_t index)
{
  static struct line line;
  static struct offer offers[TRIPS_MAX];
  uint8_t message[ANSWER_SIZE];
  uint64_t slot;
  (void)index;
  dial(l, &line);
  consume(&line, "there");
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    struct happening h = next(&line);
    while (take_confirmed(&line, &h, &slot))
      if (--offers[slot].unconfirmed == 0)
        amqp_basic_ack(line.c, 1, offers[slot].delivery, 0);
    if (h.what != CAME || h.tag.slot >= TRIPS_MAX)
      continue;
    offers[h.tag.slot] = (struct offer){2, h.delivery};
    answer(&line, h.tag, TOLD_ACKNOWLEDGED, message);
    answer(&line, h.tag, TOLD_ACCEPTED, message);
  }
  amqp_destroy_connection(line.c);
}

static void sender(struct load *l, size_t index)
{
  static struct line line;
  static struct tag under_way[TRIPS_MAX];
  struct tag tags[TRIPS_MAX];
  uint8_t message[MESSAGE_SIZE];
  uint64_t slot;
  (void)index;
  dial(l, &line);
  consume(&line, "back");
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    size_t count = trips_begin(l, false, TRIPS_MAX, tags);
    for (size_t i = 0; i < count; i++) {
      memcpy(message, &tags[i], sizeof tags[i]);
      put(&line, "there", message, sizeof message, tags[i].slot);
      under_way[tags[i].slot] = tags[i];
    }
    struct happening h = next(&line);
    while (take_confirmed(&line, &h, &slot))
      trips_told(l, under_way[slot], TOLD_CONFIRMED);
    if (h.what == CAME) {
      amqp_basic_ack(line.c, 1, h.delivery, 0);
      trips_told(l, h.tag, h.tag.told);
    }
  }
  amqp_destroy_connection(line.c);
}

int main(int argc, char **argv)
{
  static const struct rival rabbitmq = {"rabbitmq", prepare, finish, true, produce, {{recipient, 1}, {sender, 1}}};
  return rival_main(argc, argv, &rabbitmq);
}
