/* Redis Streams: XADD is confirmed when the append-only file was synced (appendfsync always). What was read is taken
 * off with XACK and XDEL. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measure.h"
#include "tests/bench/rival.h"

enum { READ_AT_ONCE = 128 };

static redisContext *dial(const struct load *l)
{
  redisContext *c = redisConnect("127.0.0.1", (int)strtol(l->port, NULL, 10));
  if (c == NULL || c->err != 0)
    rival_fail("redis: cannot be connected to at port %s", l->port);
  return c;
}

static redisReply *next_reply(redisContext *c)
{
  void *reply = NULL;
  if (redisGetReply(c, &reply) != REDIS_OK || ((redisReply *)reply)->type == REDIS_REPLY_ERROR)
    rival_fail("redis: %s", reply == NULL ? c->errstr : ((redisReply *)reply)->str);
  return reply;
}

static void skip_replies(redisContext *c, size_t count)
{
  for (size_t i = 0; i < count; i++)
    freeReplyObject(next_reply(c));
}

static void command(redisContext *c, const char *text)
{
  redisAppendCommand(c, text);
  skip_replies(c, 1);
}

static void prepare(const struct load *l)
{
  redisContext *c = dial(l);
  command(c, "DEL plain there back");
  command(c, "XGROUP CREATE there g $ MKSTREAM");
  command(c, "XGROUP CREATE back g $ MKSTREAM");
  redisFree(c);
}

static void finish(const struct load *l)
{
  redisContext *c = dial(l);
  command(c, "DEL plain there back");
  redisFree(c);
}

static void add(redisContext *c, const char *stream, const uint8_t *message, size_t size)
{
  redisAppendCommand(c, "XADD %s * m %b", stream, message, size);
}

/* A window that is filled up whenever a reply is there; those that have come already are taken before more is sent. */
static void produce(struct load *l, size_t lane)
{
  redisContext *c = dial(l);
  uint8_t message[MESSAGE_SIZE];
  uint64_t started[WINDOW_MAX];
  size_t first = 0, under_way = 0;
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    for (; under_way < l->window; under_way++) {
      started[(first + under_way) % WINDOW_MAX] = now_ns();
      add(c, "plain", message, sizeof message);
    }
    void *reply = next_reply(c);
    while (reply != NULL) {
      freeReplyObject(reply);
      load_sample(l, lane, started[first]);
      first = (first + 1) % WINDOW_MAX;
      under_way--;
      if (under_way == 0 || redisGetReplyFromReader(c, &reply) != REDIS_OK)
        break;
    }
  }
  redisFree(c);
}

/* --- trips --- */

/* What waits in a stream; NULL: nothing came for a while. To be freed. */
static redisReply *read_stream(redisContext *c, const char *stream, redisReply **entries)
{
  redisAppendCommand(c, "XREADGROUP GROUP g c COUNT %d BLOCK 100 STREAMS %s >", READ_AT_ONCE, stream);
  redisReply *r = next_reply(c);
  if (r->type == REDIS_REPLY_ARRAY) {
    *entries = r->element[0]->element[1];
    return r;
  }
  freeReplyObject(r);
  return NULL;
}

static struct tag tag_of(const redisReply *entry)
{
  struct tag t;
  memcpy(&t, entry->element[1]->element[1]->str, sizeof t);
  return t;
}

static void take_off(redisContext *c, const char *stream, const redisReply *entries)
{
  for (size_t i = 0; i < entries->elements; i++) {
    redisAppendCommand(c, "XACK %s g %s", stream, entries->element[i]->element[0]->str);
    redisAppendCommand(c, "XDEL %s %s", stream, entries->element[i]->element[0]->str);
  }
  skip_replies(c, 2 * entries->elements);
}

static void answer(redisContext *c, struct tag tag, enum told told, uint8_t message[ANSWER_SIZE])
{
  tag.told = told;
  memcpy(message, &tag, sizeof tag);
  add(c, "back", message, ANSWER_SIZE);
}

static void recipient(struct load *l, size_t index)
{
  redisContext *c = dial(l);
  uint8_t message[ANSWER_SIZE];
  (void)index;
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    redisReply *entries, *r = read_stream(c, "there", &entries);
    if (r == NULL)
      continue;
    for (size_t i = 0; i < entries->elements; i++) {
      answer(c, tag_of(entries->element[i]), TOLD_ACKNOWLEDGED, message);
      answer(c, tag_of(entries->element[i]), TOLD_ACCEPTED, message);
    }
    skip_replies(c, 2 * entries->elements);
    take_off(c, "there", entries);
    freeReplyObject(r);
  }
  redisFree(c);
}

static void sender_hears(struct load *l, size_t index)
{
  redisContext *c = dial(l);
  (void)index;
  while (!load_over(l)) {
    redisReply *entries, *r = read_stream(c, "back", &entries);
    if (r == NULL)
      continue;
    for (size_t i = 0; i < entries->elements; i++) {
      struct tag t = tag_of(entries->element[i]);
      trips_told(l, t, t.told);
    }
    take_off(c, "back", entries);
    freeReplyObject(r);
  }
  redisFree(c);
}

static void sender_speaks(struct load *l, size_t index)
{
  redisContext *c = dial(l);
  struct tag tags[TRIPS_MAX];
  uint8_t message[MESSAGE_SIZE];
  (void)index;
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    size_t count = trips_begin(l, true, TRIPS_MAX, tags);
    for (size_t i = 0; i < count; i++) {
      memcpy(message, &tags[i], sizeof tags[i]);
      add(c, "there", message, sizeof message);
    }
    for (size_t i = 0; i < count; i++) {
      skip_replies(c, 1);
      trips_told(l, tags[i], TOLD_CONFIRMED);
    }
  }
  redisFree(c);
}

int main(int argc, char **argv)
{
  static const struct rival redis = {"redis", prepare, finish,
                                     true,    produce, {{recipient, 1}, {sender_hears, 1}, {sender_speaks, 1}}};
  return rival_main(argc, argv, &redis);
}
