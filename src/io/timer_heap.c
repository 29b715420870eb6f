/*
 * io/timer_heap.c - see io/timer_heap.h.
 *
 * The parent of item i is item (i - 1) / 2, and none is later than its children. Both
 * sift functions carry the moving timer in hand and write it once, where it ends.
 */
#include "io/timer_heap.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void timer_heap_init(struct timer_heap *heap)
{
	*heap = (struct timer_heap){0};
}

void timer_heap_done(struct timer_heap *heap)
{
	free(heap->items);
	timer_heap_init(heap);
}

static void put(struct timer_heap *heap, size_t index, struct timer *t)
{
	heap->items[index] = t;
	t->heap_index = index;
}

static void sift_up(struct timer_heap *heap, size_t index, struct timer *t)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;
		if (heap->items[parent]->deadline_ms <= t->deadline_ms)
			break;
		put(heap, index, heap->items[parent]);
		index = parent;
	}
	put(heap, index, t);
}

static void sift_down(struct timer_heap *heap, size_t index, struct timer *t)
{
	for (;;) {
		size_t child = 2 * index + 1;
		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->items[child + 1]->deadline_ms < heap->items[child]->deadline_ms)
			child++;
		if (t->deadline_ms <= heap->items[child]->deadline_ms)
			break;
		put(heap, index, heap->items[child]);
		index = child;
	}
	put(heap, index, t);
}

static bool grow(struct timer_heap *heap)
{
	size_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2;

	if (capacity > SIZE_MAX / sizeof(struct timer *))
		return false;
	struct timer **items = realloc(heap->items, capacity * sizeof(struct timer *));
	if (items == NULL)
		return false;
	heap->items = items;
	heap->capacity = capacity;
	return true;
}

bool timer_heap_set(struct timer_heap *heap, struct timer *t, int64_t deadline_ms)
{
	if (t->heap_index == SIZE_MAX) {
		if (heap->count == heap->capacity && !grow(heap))
			return false;
		t->deadline_ms = deadline_ms;
		sift_up(heap, heap->count++, t);
		return true;
	}
	ASSERT(t->heap_index < heap->count && heap->items[t->heap_index] == t);
	bool later = deadline_ms > t->deadline_ms;
	t->deadline_ms = deadline_ms;
	if (later)
		sift_down(heap, t->heap_index, t);
	else
		sift_up(heap, t->heap_index, t);
	return true;
}

void timer_heap_remove(struct timer_heap *heap, struct timer *t)
{
	size_t hole = t->heap_index;

	ASSERT(hole < heap->count && heap->items[hole] == t);
	t->heap_index = SIZE_MAX;
	struct timer *last = heap->items[--heap->count];
	if (last == t)
		return;
	/* The last item comes from another branch: it may belong above the hole or below. */
	if (last->deadline_ms < t->deadline_ms)
		sift_up(heap, hole, last);
	else
		sift_down(heap, hole, last);
}

struct timer *timer_heap_first(const struct timer_heap *heap)
{
	return heap->count == 0 ? NULL : heap->items[0];
}
