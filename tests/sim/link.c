/* An office's end of its line: agents/link.h over lines.h. */
#include "agents/link.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/lines.h"
#include "tests/sim/watch.h"

static struct line *line_of(const struct link *l)
{
  return l->socket;
}

enum status link_init(struct link *l)
{
  *l = (struct link){.socket = NULL};
  return OK;
}

void link_fini(struct link *l)
{
  link_close(l);
}

void link_close(struct link *l)
{
  if (l->socket != NULL)
    line_leave(line_of(l));
  l->socket = l->monitor = NULL;
}

enum status link_open(struct link *l, const struct link_options *o)
{
  link_close(l);
  if (sim.running->gone)
    return BAD_INPUT;
  l->socket = l->monitor = line_open((int)(sim.running - sim.nodes), o->public_key);
  return OK;
}

enum status link_send(struct link *l, enum frame_kind kind, struct bytes body, struct bytes sealed)
{
  struct line *line = line_of(l);
  if (line == NULL)
    return NOT_NOW;
  if (sim.running->gone || line->state == LINE_CUT || line->state == LINE_REFUSED)
    return OK; /* into the void */
  watch_office(line->node, kind, body);
  return line_put(line, true, kind, body, &sealed, 1) ? OK : NOT_NOW;
}

static struct bytes frame_of(zmq_msg_t *m, struct bytes b)
{
  must(zmq_msg_init_size(m, b.size) == 0);
  if (b.size > 0)
    memcpy(zmq_msg_data(m), b.data, b.size);
  return bytes_of(zmq_msg_data(m), b.size);
}

enum status link_receive(struct link *l, struct link_message *out)
{
  struct letter *m = l->socket != NULL && !sim.running->gone ? line_take(line_of(l), false) : NULL;
  if (m == NULL)
    return NOT_NOW;
  must(zmq_msg_init(&out->frames[0]) == 0);
  out->kind = m->kind;
  out->body = frame_of(&out->frames[1], m->body);
  out->sealed = frame_of(&out->frames[2], m->sealed);
  free(m);
  return OK;
}

void link_free(struct link_message *m)
{
  for (int i = 0; i < 3; i++)
    zmq_msg_close(&m->frames[i]);
}

enum link_event link_event(struct link *l)
{
  static const enum link_event events[] = {LINK_NOTHING, LINK_CONNECTED, LINK_LOST, LINK_REFUSED};
  struct line *line = line_of(l);
  if (line == NULL || !line_has_news(line) || line->news_ms > sim.now_ms)
    return LINK_NOTHING;
  enum link_event event = events[line->news];
  line->news = 0;
  return event;
}
