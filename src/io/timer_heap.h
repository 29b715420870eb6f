/*
 * io/timer_heap.h - the armed timers of a loop, soonest first.
 *
 * A binary heap of pointers in which each timer knows its place, so that moving or
 * cancelling one costs a few comparisons and no search. The array only grows: arming
 * can run out of memory, moving an armed timer cannot, nor can arming one in the
 * place of one just removed.
 */
#ifndef SALLYPORT_IO_TIMER_HEAP_H
#define SALLYPORT_IO_TIMER_HEAP_H

#include "io/loop.h"

struct timer_heap {
	struct timer **items;
	size_t count;
	size_t capacity;
};

void timer_heap_init(struct timer_heap *heap);
void timer_heap_done(struct timer_heap *heap);

/* Arm t, or move it when it is armed. False, and t is as before, when out of memory. */
MUST_CHECK bool timer_heap_set(struct timer_heap *heap, struct timer *t, int64_t deadline_ms);
void timer_heap_remove(struct timer_heap *heap, struct timer *t);	/* t must be armed */
struct timer *timer_heap_first(const struct timer_heap *heap);		/* or NULL */

#endif
