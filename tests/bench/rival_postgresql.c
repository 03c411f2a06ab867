/* PostgreSQL: a table as a queue; an INSERT is a transaction, and confirmed when its commit was synced. A connection
 * has one commit at a time, so there is no window. The recipient takes what waits and puts all answers in one
 * transaction, which is the quickest way found; whoever reads asks again when there was nothing. */
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/measure.h"
#include "tests/bench/rival.h"

enum { PLAIN, THERE, BACK, EMPTY_WAIT_NS = 300000 };

#define TAKE                                                                                                           \
  "DELETE FROM queue WHERE id = ANY(ARRAY(SELECT id FROM queue WHERE place = $1::int4 ORDER BY id FOR UPDATE SKIP "    \
  "LOCKED LIMIT $2::int4)) RETURNING message"

static PGresult *checked(PGconn *c, PGresult *r)
{
  ExecStatusType s = PQresultStatus(r);
  if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
    rival_fail("postgresql: %s", PQerrorMessage(c));
  return r;
}

static void run(PGconn *c, const char *sql)
{
  PQclear(checked(c, PQexec(c, sql)));
}

static PGconn *dial(const struct load *l)
{
  char text[100];
  snprintf(text, sizeof text, "host=127.0.0.1 port=%s user=postgres dbname=postgres", l->port);
  PGconn *c = PQconnectdb(text);
  if (PQstatus(c) != CONNECTION_OK)
    rival_fail("postgresql: cannot be connected to at port %s", l->port);
  return c;
}

static PGconn *dial_prepared(const struct load *l)
{
  PGconn *c = dial(l);
  PQclear(checked(c, PQprepare(c, "put", "INSERT INTO queue (place, message) VALUES ($1::int4, $2::bytea)", 2, NULL)));
  PQclear(checked(c, PQprepare(c, "take", TAKE, 2, NULL)));
  return c;
}

static void put(PGconn *c, int place, const uint8_t *message, size_t size)
{
  uint32_t number = htobe32((uint32_t)place);
  const char *values[] = {(const char *)&number, (const char *)message};
  const int sizes[] = {sizeof number, (int)size}, binary[] = {1, 1};
  PQclear(checked(c, PQexecPrepared(c, "put", 2, values, sizes, binary, 1)));
}

/* What waits there, at most so many. To be cleared. */
static PGresult *take(PGconn *c, int place, size_t max)
{
  uint32_t number[] = {htobe32((uint32_t)place), htobe32((uint32_t)max)};
  const char *values[] = {(const char *)&number[0], (const char *)&number[1]};
  const int sizes[] = {4, 4}, binary[] = {1, 1};
  return checked(c, PQexecPrepared(c, "take", 2, values, sizes, binary, 1));
}

static struct tag tag_of(const PGresult *r, int row)
{
  struct tag t;
  memcpy(&t, PQgetvalue(r, row, 0), sizeof t);
  return t;
}

static void rest(void)
{
  nanosleep(&(struct timespec){0, EMPTY_WAIT_NS}, NULL);
}

static void prepare(const struct load *l)
{
  PGconn *c = dial(l);
  run(c, "SET client_min_messages = warning");
  run(c, "DROP TABLE IF EXISTS queue");
  run(c, "CREATE TABLE queue (id bigserial PRIMARY KEY, place int NOT NULL, message bytea NOT NULL)");
  run(c, "ALTER TABLE queue ALTER message SET STORAGE EXTERNAL");
  run(c, "CREATE INDEX queue_place ON queue (place, id)");
  run(c, "CHECKPOINT");
  PQfinish(c);
}

static void finish(const struct load *l)
{
  PGconn *c = dial(l);
  run(c, "DROP TABLE queue");
  PQfinish(c);
}

static void produce(struct load *l, size_t lane)
{
  PGconn *c = dial_prepared(l);
  uint8_t message[MESSAGE_SIZE];
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    uint64_t started_ns = now_ns();
    put(c, PLAIN, message, sizeof message);
    load_sample(l, lane, started_ns);
  }
  PQfinish(c);
}

/* --- trips --- */

static void answer(PGconn *c, struct tag tag, enum told told, uint8_t message[ANSWER_SIZE])
{
  tag.told = told;
  memcpy(message, &tag, sizeof tag);
  put(c, BACK, message, ANSWER_SIZE);
}

static void recipient(struct load *l, size_t index)
{
  enum { TAKE_AT_ONCE = 16 };
  PGconn *c = dial_prepared(l);
  uint8_t message[ANSWER_SIZE];
  (void)index;
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    run(c, "BEGIN");
    PGresult *r = take(c, THERE, TAKE_AT_ONCE);
    int count = PQntuples(r);
    for (int i = 0; i < count; i++) {
      answer(c, tag_of(r, i), TOLD_ACKNOWLEDGED, message);
      answer(c, tag_of(r, i), TOLD_ACCEPTED, message);
    }
    PQclear(r);
    run(c, "COMMIT");
    if (count == 0)
      rest();
  }
  PQfinish(c);
}

/* That a message was read need not be durable at once: it would only come again. */
static void sender_hears(struct load *l, size_t index)
{
  PGconn *c = dial_prepared(l);
  (void)index;
  run(c, "SET synchronous_commit = off");
  while (!load_over(l)) {
    PGresult *r = take(c, BACK, 2 * TRIPS_MAX);
    int count = PQntuples(r);
    for (int i = 0; i < count; i++) {
      struct tag t = tag_of(r, i);
      trips_told(l, t, t.told);
    }
    PQclear(r);
    if (count == 0)
      rest();
  }
  PQfinish(c);
}

static void sender_speaks(struct load *l, size_t index)
{
  PGconn *c = dial_prepared(l);
  struct tag tag;
  uint8_t message[MESSAGE_SIZE];
  (void)index;
  message_fill(message, sizeof message);
  while (!load_over(l)) {
    if (trips_begin(l, true, 1, &tag) == 0)
      continue;
    memcpy(message, &tag, sizeof tag);
    put(c, THERE, message, sizeof message);
    trips_told(l, tag, TOLD_CONFIRMED);
  }
  PQfinish(c);
}

int main(int argc, char **argv)
{
  static const struct rival postgresql = {
      "postgresql", prepare, finish, false, produce, {{recipient, 4}, {sender_hears, 1}, {sender_speaks, 16}}};
  return rival_main(argc, argv, &postgresql);
}
