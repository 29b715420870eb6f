/*
 * io/ring.c - see io/ring.h.
 *
 * head and tail count bytes ever written and ever taken. They wrap as unsigned numbers
 * do, so that head - tail is the fill at all times, and their low bits are the place in
 * the memory, whose size is a power of two. Each side owns one of them and keeps, on its
 * own cache line, the last value it saw of the other's: while there is room (or data) by
 * that older value, the other side's line is not touched at all.
 */
#include "io/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64, MIN_CAPACITY = 64 };
static const size_t max_capacity = (size_t)1 << 30;

struct ring {
	char *memory;
	size_t mask;

	/* The producer's line */
	_Alignas(CACHE_LINE) atomic_size_t head;
	size_t tail_seen;
	atomic_uint_least64_t dropped;

	/* The consumer's line */
	_Alignas(CACHE_LINE) atomic_size_t tail;
};

struct ring *ring_new(size_t capacity)
{
	size_t size = MIN_CAPACITY;

	if (capacity > max_capacity)
		return NULL;
	while (size < capacity)
		size *= 2;

	struct ring *r = aligned_alloc(CACHE_LINE, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->memory = malloc(size);
	if (r->memory == NULL) {
		free(r);
		return NULL;
	}
	r->mask = size - 1;
	r->tail_seen = 0;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->dropped, 0);
	return r;
}

void ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	free(r->memory);
	free(r);
}

static bool has_room(struct ring *r, size_t head, size_t len)
{
	size_t size = r->mask + 1;

	if (size - (head - r->tail_seen) >= len)
		return true;
	/* Acquire: the consumer has read the old bytes before we may overwrite them. */
	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	return size - (head - r->tail_seen) >= len;
}

bool ring_write(struct ring *r, const char *data, size_t len)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);	/* ours */

	if (!has_room(r, head, len)) {
		atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
		return false;
	}
	if (len == 0)
		return true;
	size_t at = head & r->mask;
	size_t until_end = r->mask + 1 - at;
	size_t first = len < until_end ? len : until_end;
	memcpy(r->memory + at, data, first);
	memcpy(r->memory, data + first, len - first);
	atomic_store(&r->head, head + len);
	return true;
}

bool ring_is_half_full(const struct ring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	return head - atomic_load_explicit(&r->tail, memory_order_relaxed) > r->mask / 2;
}

size_t ring_peek(struct ring *r, const char **ret1, size_t *len1, const char **ret2, size_t *len2)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);	/* ours */
	size_t len = atomic_load(&r->head) - tail;
	size_t at = tail & r->mask;
	size_t until_end = r->mask + 1 - at;

	*ret1 = r->memory + at;
	*len1 = len < until_end ? len : until_end;
	*ret2 = r->memory;
	*len2 = len - *len1;
	return len;
}

void ring_consume(struct ring *r, size_t len)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);	/* ours */

	ASSERT(len <= atomic_load_explicit(&r->head, memory_order_relaxed) - tail);
	/* Release: our reads of these bytes are over. */
	atomic_store_explicit(&r->tail, tail + len, memory_order_release);
}

uint64_t ring_dropped(const struct ring *r)
{
	return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}
