/*
 * base/arena.c - memory that dies together.
 *
 * The arena itself lives at the start of its first block, so making one is a single
 * malloc, and reset keeps that block. What the pools of this world get wrong under
 * the address sanitizer is that overruns stay inside the pool and are never seen:
 * free room is therefore poisoned there, with a gap behind every piece.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define poison(ptr, len)   ASAN_POISON_MEMORY_REGION(ptr, len)
#define unpoison(ptr, len) ASAN_UNPOISON_MEMORY_REGION(ptr, len)
enum { GAP = 16 };
#else
#define poison(ptr, len)   ((void)(ptr), (void)(len))
#define unpoison(ptr, len) ((void)(ptr), (void)(len))
enum { GAP = 0 };
#endif

enum {
	ALIGNMENT = 16,
	FIRST_BLOCK = 8 * 1024,
	LARGEST_STEP = 64 * 1024, /* blocks double up to this; one large piece may be larger */
};

struct block {
	struct block *older;
	size_t size; /* bytes of room behind this head */
	size_t taken;
};

struct cleanup {
	struct cleanup *older;
	void (*fn)(void *arg);
	void *arg;
};

struct arena {
	struct block *newest; /* the last of the chain is the first block, where the arena lives */
	struct cleanup *cleanups;
	size_t ceiling;
	size_t used;
	size_t next_size;
	bool overflowed;
};

static size_t round_up(size_t n)
{
	return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static const size_t NO_CEILING = SIZE_MAX / 2; /* so that no sum of sizes wraps */

static const size_t block_head = (sizeof(struct block) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
static const size_t arena_head = (sizeof(struct arena) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

static char *block_room(struct block *b)
{
	return (char *)b + block_head;
}

static struct block *block_new(size_t size, struct block *older)
{
	struct block *b = malloc(block_head + size);

	if (!b)
		return NULL;
	*b = (struct block){.older = older, .size = size};
	poison(block_room(b), size);
	return b;
}

static void block_free(struct block *b)
{
	unpoison(block_room(b), b->size);
	free(b);
}

/* Size bytes (a multiple of the alignment, wanted of them usable) of b, or NULL. */
static void *block_take(struct block *b, size_t size, size_t wanted)
{
	char *piece;

	if (b->size - b->taken < size + GAP)
		return NULL;
	piece = block_room(b) + b->taken;
	b->taken += size + GAP;
	unpoison(piece, wanted);
	return piece;
}

struct arena *arena_new(size_t ceiling)
{
	struct block *first = block_new(FIRST_BLOCK - block_head, NULL);
	struct arena *a;

	if (!first)
		return NULL;
	a = block_take(first, arena_head, sizeof(*a));
	*a = (struct arena){
		.newest = first,
		.ceiling = round_up(ceiling < NO_CEILING ? ceiling : NO_CEILING),
		.next_size = FIRST_BLOCK * 2,
	};
	return a;
}

static void run_cleanups(struct arena *a)
{
	while (a->cleanups) {
		struct cleanup *c = a->cleanups;

		a->cleanups = c->older;
		c->fn(c->arg);
	}
}

void arena_reset(struct arena *a)
{
	struct block *first;

	run_cleanups(a);
	while (a->newest->older) {
		struct block *b = a->newest;

		a->newest = b->older;
		block_free(b);
	}
	first = a->newest;
	first->taken = arena_head + GAP;
	poison(block_room(first) + first->taken, first->size - first->taken);
	a->used = 0;
	a->next_size = FIRST_BLOCK * 2;
	a->overflowed = false;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	block_free(a->newest);
}

static bool add_block(struct arena *a, size_t size)
{
	size_t room = a->next_size > size + GAP ? a->next_size : size + GAP;
	struct block *b = block_new(room, a->newest);

	if (!b)
		return false;
	a->newest = b;
	if (a->next_size < LARGEST_STEP)
		a->next_size *= 2;
	return true;
}

/* Not zeroed: for pieces that are written whole at once. */
static void *take(struct arena *a, size_t wanted)
{
	size_t size;
	void *piece;

	if (a->overflowed || wanted > a->ceiling)
		goto overflow;
	size = round_up(wanted ? wanted : 1);
	if (size > a->ceiling - a->used)
		goto overflow;
	piece = block_take(a->newest, size, wanted);
	if (!piece) {
		if (!add_block(a, size))
			goto overflow;
		piece = block_take(a->newest, size, wanted);
	}
	a->used += size;
	return piece;
overflow:
	a->overflowed = true;
	return NULL;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *piece = take(a, size);

	if (piece)
		memset(piece, 0, size);
	return piece;
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t product;

	if (__builtin_mul_overflow(count, size, &product)) {
		a->overflowed = true;
		return NULL;
	}
	return arena_alloc(a, product);
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *copy = take(a, s.len < SIZE_MAX ? s.len + 1 : s.len);

	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
	const char *copy = arena_cstr(a, s);

	return copy ? str_from_len(copy, s.len) : STR("");
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ASSERT(len >= 0);
	text = take(a, (size_t)len + 1);
	if (!text)
		return STR("");
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return str_from_len(text, (size_t)len);
}

bool arena_overflowed(const struct arena *a)
{
	return a->overflowed;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

bool arena_on_cleanup(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct cleanup *c = arena_alloc(a, sizeof(*c));

	if (!c)
		return false;
	*c = (struct cleanup){.older = a->cleanups, .fn = fn, .arg = arg};
	a->cleanups = c;
	return true;
}
