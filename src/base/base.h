/*
 * base/base.h - the few macros the whole tree uses.
 */
#ifndef SALLYPORT_BASE_BASE_H
#define SALLYPORT_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
#define NORETURN __attribute__((noreturn))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds member at ptr: how a watch, timer or task finds its owner. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/*
 * A programming error, never a reaction to input. Stays on in release builds:
 * prints the place and aborts, because going on would mean guessing.
 */
#define ASSERT(condition) \
	((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, __func__, #condition))

NORETURN void assert_failed(const char *file, int line, const char *function, const char *condition);

#endif
