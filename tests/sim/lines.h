/* The network between the offices and the exchange: lines, each of one connection, with what is on its way. On a line
 * nothing overtakes; it is late, or it is cut, and then what was not there yet is lost. What an office submits may also
 * come twice, or in another order, which TCP would not do and a repeated connection does.
 */
#ifndef ONWARD_SIM_LINES_H
#define ONWARD_SIM_LINES_H

#include "proto/wire/frame.h"
#include "tests/sim/sim.h"

enum { LETTERS_MAX = 32 /* on their way in one direction: then its queue is full */ };

struct letter {
  struct letter *next;
  uint64_t due_ms;
  enum frame_kind kind;
  struct bytes body, sealed;
  uint8_t bytes[];
};
struct letters {
  struct letter *first, *last;
  size_t count;
};
enum line_state { LINE_KNOCKS, LINE_OPEN, LINE_REFUSED, LINE_CUT };
struct line {
  struct line *next;
  uint32_t number; /* from 1, never used again */
  int node;
  enum line_state state;
  uint8_t key[32];
  bool office_left; /* that end is closed: nothing arrives there any more */
  bool exchange_left;
  bool welcomed;
  uint64_t try_ms; /* when it knocks next */
  uint64_t opened_ms;
  int news; /* for the office: 0 none, 1 connected, 2 lost, 3 refused */
  uint64_t news_ms;
  struct letters to_exchange, to_office;
};

struct line *line_open(int node, const uint8_t key[32]);
struct line *line_find(uint32_t number); /* NULL: it is over */
struct line *lines_first(void);
/* False: its queue is full. */
bool line_put(struct line *l, bool to_exchange, enum frame_kind kind, struct bytes body, const struct bytes *sealed,
              size_t sealed_count);
struct letter *line_take(struct line *l,
                         bool to_exchange); /* what has come by now; NULL: nothing. Freed by the caller */
bool line_has_news(const struct line *l);   /* for the office, from news_ms on */
void line_leave(struct line *l);            /* the office closes its end */
void line_cut(struct line *l);              /* both ends are lost; the office hears of it */
void lines_cut_all(int node);               /* NO_NODE: those of everybody */
uint64_t lines_next_ms(void);               /* when something happens on any of them */
void lines_tick(void);                      /* knocks that are due, partitions that last too long */
bool lines_idle(void);                      /* nothing is on its way */
void lines_forget(void);
struct line *lines_knock(void);   /* the line whose letter to the exchange came first; NULL: none waits */
struct line *lines_for(int node); /* the one that this office holds; NULL: none */

/* exchange.c: how the exchange's door answers a key: 200, 300 or 400. */
int exchange_admits(const uint8_t key[32]);

#endif
