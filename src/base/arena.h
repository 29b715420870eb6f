/*
 * base/arena.h - memory that dies together, with a ceiling.
 *
 * One arena serves one exchange (or one configuration being built). Nothing in it
 * is freed by hand. Running out is sticky: the call that does not fit returns NULL
 * (or the empty string), every later one too, and whoever drives the work asks
 * arena_overflowed() at its step boundaries. All memory is aligned to 16 bytes.
 */
#ifndef SALLYPORT_BASE_ARENA_H
#define SALLYPORT_BASE_ARENA_H

#include "base/base.h"
#include "base/str.h"

struct arena;

/*
 * Make an arena that hands out at most ceiling bytes in all. NULL when out of
 * memory. The first block is kept across arena_reset(), so a reused arena
 * allocates nothing for small exchanges.
 */
MUST_CHECK struct arena *arena_new(size_t ceiling);
void arena_free(struct arena *a);			/* runs the cleanups; NULL is fine */
void arena_reset(struct arena *a);			/* runs the cleanups, forgets everything */

void *arena_alloc(struct arena *a, size_t size);	/* zeroed; NULL on overflow */
void *arena_alloc_array(struct arena *a, size_t count, size_t size);	/* checks the product */
struct str arena_str(struct arena *a, struct str s);	/* a copy, with a closing NUL after len */
char *arena_cstr(struct arena *a, struct str s);	/* the same as a C string; NULL on overflow */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

bool arena_overflowed(const struct arena *a);
size_t arena_used(const struct arena *a);		/* bytes handed out */

/*
 * Run fn(arg) at reset or free, last added first: for what is not memory (a
 * reference, a descriptor, a secret to wipe). False on overflow, and fn was then
 * NOT recorded: the caller still owns arg.
 */
MUST_CHECK bool arena_on_cleanup(struct arena *a, void (*fn)(void *arg), void *arg);

#endif
