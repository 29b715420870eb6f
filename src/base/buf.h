/*
 * base/buf.h - a growing byte buffer with a ceiling.
 *
 * An append that would pass the ceiling, or that finds no memory, appends nothing
 * and marks the buffer failed for good; the caller checks buf_failed() once at the
 * end. The bytes are always followed by a NUL that does not count. Buffers that may
 * hold secrets are released with buf_wipe().
 */
#ifndef SALLYPORT_BASE_BUF_H
#define SALLYPORT_BASE_BUF_H

#include "base/base.h"
#include "base/str.h"

struct buf {
	char *ptr;
	size_t len;
	size_t capacity;
	size_t ceiling;
	bool failed;
};

void buf_init(struct buf *b, size_t ceiling);		/* allocates nothing yet */
void buf_done(struct buf *b);				/* frees; b is empty and usable again */
void buf_wipe(struct buf *b);				/* the same, bytes overwritten first */
void buf_clear(struct buf *b);				/* len = 0, failed = false, memory kept */

void buf_append(struct buf *b, struct str s);
void buf_append_char(struct buf *b, char c);
void buf_append_cstr(struct buf *b, const char *s);
void buf_append_u64(struct buf *b, uint64_t value);	/* decimal */
void buf_appendf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool buf_reserve(struct buf *b, size_t more);		/* room for more bytes at ptr + len */
void buf_consume(struct buf *b, size_t n);		/* drop the first n bytes */

struct str buf_str(const struct buf *b);
bool buf_failed(const struct buf *b);

#endif
