/* One queue with a limit. Threads take from its end; whoever puts into it, and finds it full, verifies one itself: so
 * all processors are busy, whether verifying costs more than the rest of the replay or less. A key ring for each, for
 * the keys in it are parsed once and belong to one thread. */
#include "agents/audit/signatures.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS_MAX = 16, QUEUE_SIZE = 512 };

struct task {
  uint64_t index;
  struct claim claim;
};

struct signatures {
  pthread_mutex_t lock; /* of all below but `helper` and `index` */
  pthread_cond_t more;  /* the queue is not empty, or all is over */
  pthread_cond_t idle;  /* the queue is empty, and nobody works */
  struct task queue[QUEUE_SIZE];
  size_t first, count;
  unsigned working;
  bool over;
  uint64_t failed;
  unsigned thread_count;
  pthread_t threads[THREADS_MAX];
  struct key_ring helper; /* of the caller's thread, as is the index of what it asks next */
  uint64_t index;
};

unsigned signatures_processors(void)
{
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count < 1 ? 1 : (unsigned)count;
}

/* The lock is held before and after, and the queue is not empty. */
static void work(struct signatures *s, struct key_ring *ring)
{
  struct task t = s->queue[s->first];
  s->first = (s->first + 1) % QUEUE_SIZE;
  s->count--;
  s->working++;
  pthread_mutex_unlock(&s->lock);
  bool holds = claim_holds(ring, &t.claim);
  pthread_mutex_lock(&s->lock);
  if (!holds && t.index < s->failed)
    s->failed = t.index;
  s->working--;
  if (s->count == 0 && s->working == 0)
    pthread_cond_signal(&s->idle);
}

static void *thread_run(void *signatures)
{
  struct signatures *s = signatures;
  struct key_ring *ring = calloc(1, sizeof *ring);
  pthread_mutex_lock(&s->lock);
  while (ring != NULL && !s->over) {
    if (s->count > 0)
      work(s, ring);
    else
      pthread_cond_wait(&s->more, &s->lock);
  }
  pthread_mutex_unlock(&s->lock);
  if (ring != NULL)
    key_ring_fini(ring);
  free(ring);
  return NULL;
}

struct signatures *signatures_open(unsigned threads)
{
  struct signatures *s = calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->failed = UINT64_MAX;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->more, NULL);
  pthread_cond_init(&s->idle, NULL);
  while (s->thread_count < threads && s->thread_count < THREADS_MAX &&
         pthread_create(&s->threads[s->thread_count], NULL, thread_run, s) == 0)
    s->thread_count++;
  return s;
}

void signatures_close(struct signatures *s)
{
  if (s == NULL)
    return;
  pthread_mutex_lock(&s->lock);
  s->over = true;
  pthread_cond_broadcast(&s->more);
  pthread_mutex_unlock(&s->lock);
  for (unsigned i = 0; i < s->thread_count; i++)
    pthread_join(s->threads[i], NULL);
  key_ring_fini(&s->helper);
  pthread_cond_destroy(&s->more);
  pthread_cond_destroy(&s->idle);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

void signatures_index(struct signatures *s, uint64_t index)
{
  s->index = index;
}

bool signatures_ask(void *signatures, const struct claim *claim)
{
  struct signatures *s = signatures;
  pthread_mutex_lock(&s->lock);
  while (s->count == QUEUE_SIZE)
    work(s, &s->helper);
  s->queue[(s->first + s->count++) % QUEUE_SIZE] = (struct task){s->index, *claim};
  pthread_cond_signal(&s->more);
  pthread_mutex_unlock(&s->lock);
  return true;
}

uint64_t signatures_failed(struct signatures *s)
{
  pthread_mutex_lock(&s->lock);
  uint64_t failed = s->failed;
  pthread_mutex_unlock(&s->lock);
  return failed;
}

void signatures_wait(struct signatures *s)
{
  pthread_mutex_lock(&s->lock);
  while (s->count > 0)
    work(s, &s->helper);
  while (s->working > 0)
    pthread_cond_wait(&s->idle, &s->lock);
  pthread_mutex_unlock(&s->lock);
}
