/* A message that was taken in. It may not be copied as a structure: small frames lie within it. */
#include "broker/door.h"

static struct bytes moved(zmq_msg_t *to, zmq_msg_t *from)
{
  zmq_msg_init(to);
  must(zmq_msg_move(to, from) == 0);
  return bytes_of(zmq_msg_data(to), zmq_msg_size(to));
}

void knock_move(struct knock *to, struct knock *from)
{
  *to = *from;
  to->head = moved(&to->frames[0], &from->frames[0]);
  to->body = moved(&to->frames[1], &from->frames[1]);
  to->sealed = moved(&to->frames[2], &from->frames[2]);
}

void knock_done(struct knock *k)
{
  for (int i = 0; i < 3; i++)
    zmq_msg_close(&k->frames[i]);
}
