/*
 * base/buf.c - a growing byte buffer with a ceiling.
 *
 * Growth copies by hand instead of calling realloc: a buffer may hold secrets, and
 * realloc leaves the old copy in the heap. The room of a buffer is its capacity less
 * one, for the closing NUL.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { FIRST_CAPACITY = 256 };

void buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf){.ceiling = ceiling};
}

void buf_done(struct buf *b)
{
	free(b->ptr);
	buf_init(b, b->ceiling);
}

void buf_wipe(struct buf *b)
{
	/* All of it: what was cleared or consumed may still stand behind len. */
	secret_wipe(b->ptr, b->capacity);
	buf_done(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr)
		b->ptr[0] = '\0';
}

static bool fail(struct buf *b)
{
	b->failed = true;
	return false;
}

static bool grow(struct buf *b, size_t needed)
{
	size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
	char *ptr;

	while (capacity < needed)
		capacity = capacity <= SIZE_MAX / 2 ? capacity * 2 : needed;
	if (capacity - 1 > b->ceiling)
		capacity = b->ceiling + 1;
	ptr = malloc(capacity);
	if (!ptr)
		return fail(b);
	if (b->len > 0)
		memcpy(ptr, b->ptr, b->len);
	ptr[b->len] = '\0';
	secret_wipe(b->ptr, b->capacity);
	free(b->ptr);
	b->ptr = ptr;
	b->capacity = capacity;
	return true;
}

bool buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (b->len > b->ceiling || more > b->ceiling - b->len || more >= SIZE_MAX - b->len)
		return fail(b);
	if (b->len + more < b->capacity)
		return true;
	return grow(b, b->len + more + 1);
}

void buf_append(struct buf *b, struct str s)
{
	if (s.len == 0 || !buf_reserve(b, s.len))
		return;
	memcpy(b->ptr + b->len, s.ptr, s.len);
	b->len += s.len;
	b->ptr[b->len] = '\0';
}

void buf_append_char(struct buf *b, char c)
{
	if (!buf_reserve(b, 1))
		return;
	b->ptr[b->len++] = c;
	b->ptr[b->len] = '\0';
}

void buf_append_cstr(struct buf *b, const char *s)
{
	buf_append(b, str_from(s));
}

void buf_append_u64(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(b, str_from_len(digits + at, sizeof(digits) - at));
}

void buf_appendf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ASSERT(len >= 0);
	if (!buf_reserve(b, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

void buf_consume(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->ptr, b->ptr + n, b->len);
	b->ptr[b->len] = '\0';
}

struct str buf_str(const struct buf *b)
{
	return str_from_len(b->ptr, b->len);
}

bool buf_failed(const struct buf *b)
{
	return b->failed;
}
